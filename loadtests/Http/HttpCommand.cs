using System.CommandLine;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.Http;

/// <summary><c>http assist --seconds 3</c>: the command lines of <see cref="HttpBench"/> and the peers that it starts, of <see cref="EveningRun"/> and of <see cref="RushRun"/>.</summary>
internal static class HttpCommand
{
    public static Command Create() => new("http", "The real server over HTTP: goals P3 and P4, a mixed evening, a rush at group-buys") { CreateAssist(), CreateEvening(), CreateRush() };

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
        var seconds = new Option<int>("--seconds") { Description = "How long each figure is measured (1–5)", DefaultValueFactory = _ => 3 };
        var connections = new Option<int[]>("--connections") { Description = "Callers in the closed loop, up to three numbers, of which the best counts (1–1,000 each)", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [.. HttpOptions.ConnectionsUsual] };
        var (bargains, skew, seed, url) = (Bargains(), Skew(), Seed(), Url());
        var noPeers = new Option<bool>("--no-peers") { Description = "Leave out the echo, PostgreSQL and Redis" };
        var compareWrk = new Option<bool>("--compare-wrk") { Description = "Measure the echo with wrk too, to see what the generator is worth" };
        var report = new ReportOptions();
        var command = new Command("assist", "An assist storm on the real server, beside an echo, PostgreSQL and Redis behind the same HTTP; then its latency at half of that") { seconds, connections, bargains, skew, seed, url, noPeers, compareWrk };
        report.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            var bench = new HttpBench(
                new(Math.Clamp(parsed.GetValue(seconds), 1, 5), [.. parsed.GetValue(connections)!.Take(3).Select(c => Math.Clamp(c, 1, 1_000))], Running(parsed.GetValue(bargains)), Exponent(parsed.GetValue(skew)), parsed.GetValue(seed), parsed.GetValue(url), !parsed.GetValue(noPeers), parsed.GetValue(compareWrk)),
                Console.Error.WriteLine);
            report.Write(parsed, "HTTP", await bench.Run(stop), bench.Draw());
            return await End(bench.Findings);
        });
        return command;
    }

    private static Command CreateEvening()
    {
        var perSecond = new Option<int>("--visits") { Description = "Visits that begin in a second (1–1,000)", DefaultValueFactory = _ => 100 };
        var seconds = new Option<int>("--seconds") { Description = "How long visits begin (1–600)", DefaultValueFactory = _ => 20 };
        var (bargains, skew, seed, url) = (Bargains(), Skew(), Seed(), Url());
        var command = new Command("evening", "A mixed evening as an open loop: lists, views, live views, assists with double taps, retries and lost connections, takes, thinking") { perSecond, seconds, bargains, skew, seed, url };
        command.SetAction(async (parsed, stop) =>
        {
            var run = new EveningRun(new(Math.Clamp(parsed.GetValue(perSecond), 1, 1_000), Math.Clamp(parsed.GetValue(seconds), 1, 600), Running(parsed.GetValue(bargains)), Exponent(parsed.GetValue(skew)), parsed.GetValue(seed), parsed.GetValue(url)), Console.Error.WriteLine);
            Latencies.Print(await run.Play(stop));
            return await End(run.Findings);
        });
        return command;
    }

    private static Command CreateRush()
    {
        var rooms = new Option<int>("--rooms") { Description = $"Shoppers who want to found a room; {RushRun.JoinersPerRoom} times as many want to join one (20–20,000)", DefaultValueFactory = _ => 500 };
        var seconds = new Option<int>("--seconds") { Description = "From the opening on, in which all of them come (1–600)", DefaultValueFactory = _ => 2 };
        var (skew, seed) = (Skew("rooms"), Seed());
        var command = new Command("rush", "Group-buys open to a crowd, as an open loop: races for the last seat, double taps, payments at the instant of expiry and a gateway that fails; then ask where everybody's money is") { rooms, seconds, skew, seed };
        command.SetAction(async (parsed, stop) =>
        {
            var run = new RushRun(new(Math.Clamp(parsed.GetValue(rooms), 20, 20_000), Math.Clamp(parsed.GetValue(seconds), 1, 600), Exponent(parsed.GetValue(skew)), parsed.GetValue(seed)), Console.Error.WriteLine);
            Latencies.Print(await run.Play(stop));
            return await End(run.Findings);
        });
        return command;
    }

    private static Option<int> Bargains() => new("--bargains") { Description = "Bargains that run at the same time (1–4,000)", DefaultValueFactory = _ => HttpOptions.RunningUsual };

    private static Option<double> Skew(string what = "bargains") => new("--skew") { Description = $"How popular the popular {what} are: Zipf's exponent, 0 makes all alike (0–2)", DefaultValueFactory = _ => 1 };

    private static Option<int> Seed() => new("--seed") { Description = "Chooses who does what, and when", DefaultValueFactory = _ => 7 };

    private static Option<Uri?> Url() => new("--url")
    {
        Description = "A server in Development that is here already, with rate limits out of reach; without it one is started",
        CustomParser = argument =>
        {
            if (Uri.TryCreate(argument.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttp) return url;
            argument.AddError("--url is an address that begins with http://");
            return null;
        },
    };

    private static int Running(int bargains) => Math.Clamp(bargains, 1, 4_000);

    private static double Exponent(double skew) => Math.Clamp(skew, 0, 2);

    // A wrong sum fails the run.
    private static async Task<int> End(Findings findings)
    {
        foreach (var wrong in findings.Words) await Console.Error.WriteLineAsync(wrong);
        return findings.IsEmpty ? 0 : 1;
    }
}
