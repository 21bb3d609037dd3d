using System.CommandLine;
using Campaigns.LoadTests.Engine;

namespace Campaigns.LoadTests.Http;

/// <summary><c>http assist --seconds 5</c>: the command line of <see cref="HttpBench"/>, and of the peers that it starts.</summary>
internal static class HttpCommand
{
    public static Command Create() => new("http", "Goals P3 and P4: the real server over HTTP") { CreateAssist() };

    /// <summary>A peer's own process.</summary>
    public static Command CreatePeer()
    {
        var kind = new Option<PeerKind>("--kind") { Required = true };
        var store = new Option<string>("--store") { Required = true };
        var command = new Command("peer-server", "One of the peers of 'http assist'") { kind, store };
        command.Hidden = true;
        command.SetAction((parsed, stop) => PeerServer.Serve(parsed.GetValue(kind), parsed.GetValue(store)!, stop));
        return command;
    }

    private static Command CreateAssist()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long each figure is measured (1–10)", DefaultValueFactory = _ => 5 };
        var connections = new Option<int>("--connections") { Description = "Callers in the closed loop, connections of the open one (1–1,000)", DefaultValueFactory = _ => 128 };
        var bargains = new Option<int>("--bargains") { Description = "Bargains that run at the same time (1–4,000)", DefaultValueFactory = _ => 2_000 };
        var skew = new Option<double>("--skew") { Description = "How popular the popular bargains are: Zipf's exponent, 0 makes all alike (0–2)", DefaultValueFactory = _ => 1 };
        var seed = new Option<int>("--seed") { Description = "Chooses who helps whom, and when", DefaultValueFactory = _ => 7 };
        var url = new Option<Uri?>("--url") { Description = "A server in Development that is here already, with rate limits out of reach; without it one is started" };
        var noPeers = new Option<bool>("--no-peers") { Description = "Leave out the echo, PostgreSQL and Redis" };
        var compareWrk = new Option<bool>("--compare-wrk") { Description = "Measure the echo with wrk too, to see what the generator is worth" };
        var json = new Option<FileInfo?>("--json") { Description = "Also write the figures to this file" };
        var command = new Command("assist", "An assist storm on the real server, beside an echo, PostgreSQL and Redis behind the same HTTP; then its latency at half of that") { seconds, connections, bargains, skew, seed, url, noPeers, compareWrk, json };
        command.SetAction(async (parsed, stop) =>
        {
            var bench = new HttpBench(
                new(Math.Clamp(parsed.GetValue(seconds), 1, 10), Math.Clamp(parsed.GetValue(connections), 1, 1_000), Math.Clamp(parsed.GetValue(bargains), 1, 4_000), Math.Clamp(parsed.GetValue(skew), 0, 2), parsed.GetValue(seed), parsed.GetValue(url), !parsed.GetValue(noPeers), parsed.GetValue(compareWrk)),
                Console.Error.WriteLine);
            var figures = await bench.Run(stop);
            Figure.Print(figures);
            if (parsed.GetValue(json) is { } file) Figure.Save(figures, file.FullName);
            foreach (var wrong in bench.Findings.Words) await Console.Error.WriteLineAsync(wrong);
            return bench.Findings.IsEmpty ? 0 : 1;
        });
        return command;
    }
}
