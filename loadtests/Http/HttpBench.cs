using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Overload;
using Campaigns.LoadTests.Peers;
using Campaigns.LoadTests.Report;
using Npgsql;

namespace Campaigns.LoadTests.Http;

/// <param name="Seconds">how long each figure is measured</param>
/// <param name="Connections">callers in the closed loop, one number after the other: the best counts; the open loop has as many as the last</param>
/// <param name="Running">bargains that run at the same time</param>
/// <param name="Skew">how much more popular some of them are: Zipf's exponent</param>
/// <param name="Url">a server that is here already; null starts one</param>
/// <param name="WithPeers">whether the peers are measured too</param>
/// <param name="CompareWrk">whether the echo is also measured with <c>wrk</c></param>
internal sealed record HttpOptions(int Seconds, IReadOnlyList<int> Connections, int Running, double Skew, int Seed, Uri? Url, bool WithPeers, bool CompareWrk)
{
    public const int RunningUsual = 2_000;

    public static readonly IReadOnlyList<int> ConnectionsUsual = [128, 512];
}

/// <summary>
/// Goals P3 and P4: an assist storm on the real server, then the same requests on an echo and on the assist as others would write it, one after another so
/// that nobody shares the cores but the generator. Closed loop for saturation, warm-up excluded; then open loop at half of that. The books are checked after each.
/// </summary>
internal sealed class HttpBench(HttpOptions options, Action<string> say)
{
    private const int AssistsPerSecondMax = 40_000; // more than two cores do, so that the plan outlasts the run
    private const double EchoShare = 0.6;
    private const double TimesPostgres = 8;
    private const double MedianMaxMs = 3;
    private const double P99MaxMs = 15;
    private const double P999MaxMs = 50;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(10);

    private readonly AssistPlan plan = new((int)(AssistsPerSecondMax * (WarmUp.TotalSeconds + ((options.Connections.Count + 0.5) * options.Seconds))), options.Running, options.Skew, options.Seed);
    private readonly List<Latencies> latencies = [];
    private readonly List<Figure> own = [];
    private readonly TimeSpan duration = TimeSpan.FromSeconds(options.Seconds);

    /// <summary>What does not add up: an accepted answer that the server does not know of, or one that should not have been.</summary>
    public Findings Findings { get; } = new();

    /// <summary>The latencies of the open loops, for a report.</summary>
    public List<Series> Draw() => [.. latencies.Select(l => l.Draw())];

    public async Task<List<Figure>> Run(CancellationToken stop)
    {
        var (best, sample) = await Ours(stop);
        var ours = best.PerSecond;
        var half = ours / 2;
        double? echo = options.WithPeers || options.CompareWrk ? await Echo(sample, stop) : null;
        double? postgres = options.WithPeers ? await Postgres(stop) : null;
        List<Figure> figures =
        [
            Figure.Against("P3", "durable assists over HTTP", ours, "/s", echo, "Kestrel echo, no work", EchoShare),
            Figure.Against("P3", "the same beside row locks", ours, "/s", postgres, "PostgreSQL over HTTP", TimesPostgres),
        ];
        foreach (var fsync in options.WithPeers ? (string[])["always", "everysec"] : [])
            figures.Add(Figure.Shown("P3", $"the same beside Lua, appendfsync {fsync}", ours, "/s", await Redis(fsync, stop), "Redis over HTTP"));

        var open = latencies[0].Points.ToDictionary(p => p.Percentile, p => p.Ms);
        figures.Add(Figure.AtMost("P4", $"median at half of it, open loop at {half:N0} /s", open[50], "ms", MedianMaxMs));
        figures.Add(Figure.AtMost("P4", "p99", open[99], "ms", P99MaxMs));
        figures.Add(Figure.AtMost("P4", "p99.9", open[99.9], "ms", P999MaxMs));
        return [.. figures, .. own];
    }

    /// <returns>its best, and one of the requests as it was sent</returns>
    private async Task<(Peak Peak, byte[] Sample)> Ours(CancellationToken stop)
    {
        using var server = await RealServer.Start(options.Url, Findings, stop);
        var shop = new AssistShop(server);
        var watch = Stopwatch.StartNew();
        await shop.Open(plan, stop);
        say(string.Create(CultureInfo.InvariantCulture, $"{plan.Bargains} bargains, of which {options.Running} at a time with skew {options.Skew}, and {plan.Helpers} helpers made over the API in {watch.Elapsed.TotalSeconds:0.0} s"));
        var requests = new AssistRequests(plan, server.Address.Authority, shop.Bargains, shop.Tokens);
        var peak = Play("ours", server.EndPoint, requests, () => server.ProcessorSeconds, opens: true, stop);
        await shop.Audit(requests.AcceptedAt, Findings, stop);
        Require("ours", requests);
        await server.EndAndCheck();
        return (peak, requests.First);
    }

    private async Task<double> Echo(byte[] sample, CancellationToken stop)
    {
        using var peer = await PeerProcess.Start(PeerKind.Echo, "", stop);
        var peak = Play("echo", EndPointOf(peer), new SameRequest(sample), () => ProcessorTime.OfTree(peer.Id), opens: false, stop);
        if (options.CompareWrk)
        {
            if (!Wrk.IsInstalled) say("wrk: not installed");
            else
            {
                var (rate, cores) = await Wrk.Run(peer.Address, Encoding.ASCII.GetString(sample), peak.Connections, options.Seconds, stop);
                say(string.Create(CultureInfo.InvariantCulture, $"echo by wrk: {rate:N0} /s with {cores:0.00} cores of its own ({1e6 * cores / rate:0.0} µs a request) over {peak.Connections} connections, beside {peak.PerSecond:N0} /s by ours"));
            }
        }

        return peak.PerSecond;
    }

    private async Task<double?> Postgres(CancellationToken stop)
    {
        if (PostgresServer.Unavailable is { } reason) return Skip("PostgreSQL", reason);
        await using var database = new PostgresPeer();
        await database.Start(stop);
        await using var books = NpgsqlDataSource.Create($"{database.Server.ConnectionString};Pooling=false");
        await using (var schema = books.CreateCommand(PeerScripts.PostgresSchema)) await schema.ExecuteNonQueryAsync(stop);
        return await Peer(PeerKind.Postgres, "PostgreSQL", database.Server.ConnectionString, () => ProcessorTime.OfTree(database.Server.Id), async () =>
        {
            await using var sum = books.CreateCommand(PostgresScripts.Books);
            return await sum.ExecuteScalarAsync(stop) as long? ?? throw new InvalidOperationException("The bargains do not add up.");
        }, stop);
    }

    private async Task<double?> Redis(string fsync, CancellationToken stop)
    {
        if (RedisServer.Unavailable is { } reason) return Skip("Redis", reason);
        using var redis = await RedisServer.Start(["--appendonly", "yes", "--appendfsync", fsync, "--auto-aof-rewrite-percentage", "0"], stop);
        string[] size = [plan.Bargains.ToString(CultureInfo.InvariantCulture), AssistPlan.Slots.ToString(CultureInfo.InvariantCulture)];
        await redis.Ask(stop, ["EVAL", PeerScripts.RedisSeed, "0", .. size]);
        return await Peer(PeerKind.Redis, $"Redis, appendfsync {fsync}", redis.Configuration, () => ProcessorTime.OfTree(redis.Id), async () => long.Parse(await redis.Ask(stop, ["EVAL", PeerScripts.RedisBooks, "0", .. size]), CultureInfo.InvariantCulture), stop);
    }

    private async Task<double> Peer(PeerKind kind, string name, string store, Func<double> storeSeconds, Func<Task<long>> books, CancellationToken stop)
    {
        using var peer = await PeerProcess.Start(kind, store, stop);
        var requests = new AssistRequests(plan, peer.Address.Authority, Enumerable.Range(1, plan.Bargains).Select(b => b.ToString(CultureInfo.InvariantCulture)), await peer.Tokens(plan.Helpers, stop));
        var peak = Play(name, EndPointOf(peer), requests, () => ProcessorTime.OfTree(peer.Id) + storeSeconds(), opens: false, stop);
        if (await books() is var known && known != requests.Accepted) Findings.Add(Wrong.Other, $"{name} accepted {requests.Accepted} assists and knows of {known}.");
        Require(name, requests);
        return peak.PerSecond;
    }

    /// <param name="opens">whether the open loop follows</param>
    private Peak Play(string name, IPEndPoint server, IRequests requests, Func<double> serverSeconds, bool opens, CancellationToken stop)
    {
        using var generator = new Generator(server, requests);
        generator.Closed(options.Connections[0], WarmUp, stop);
        var peak = options.Connections.Select(callers => Watched($"{callers} callers", callers, () => generator.Closed(callers, duration, stop))).MaxBy(p => p.PerSecond)!;
        own.Add(Figure.Shown("P3", $"the generator's own processor beside {name}", peak.OwnCores, "cores"));
        if (!opens) return peak;
        var half = peak.PerSecond / 2;
        Watched("open loop at half of the best", options.Connections.Max(), () =>
        {
            var open = generator.Scheduled(Arrivals.AtRandom(half, duration, options.Seed), stop);
            latencies.Add(Latencies.Read(name, half, open));
            return open;
        });
        return peak;

        Peak Watched(string how, int connections, Func<Tally> play)
        {
            var (before, servers) = (Environment.CpuUsage.TotalTime, serverSeconds());
            var tally = play();
            var (ownCores, serverCores) = ((Environment.CpuUsage.TotalTime - before) / tally.Took, (serverSeconds() - servers) / tally.Took.TotalSeconds);
            say(string.Create(CultureInfo.InvariantCulture, $"{name}, {how}: {tally.GoodPerSecond:N0} /s ({tally.Shares}); p50 {tally.AcceptedMs(0.5):0.00}, p99 {tally.AcceptedMs(0.99):0.00}, p99.9 {tally.AcceptedMs(0.999):0.00} ms; generator {ownCores:0.00} cores ({1e6 * ownCores / tally.GoodPerSecond:0.0} µs a request), server {serverCores:0.00} ({1e6 * serverCores / tally.GoodPerSecond:0} µs)"));
            return new(tally.GoodPerSecond, connections, ownCores);
        }
    }

    private void Require(string name, AssistRequests requests)
    {
        if (requests.Others > 0) Findings.Add(Wrong.Other, $"{name}: {requests.Others} assists were not accepted.");
    }

    private double? Skip(string name, string reason)
    {
        say($"{name}: {reason}");
        return null;
    }

    private static IPEndPoint EndPointOf(PeerProcess peer) => new(IPAddress.Loopback, peer.Address.Port);

    /// <param name="Connections">with which it was reached</param>
    /// <param name="OwnCores">what the generator itself used</param>
    private sealed record Peak(double PerSecond, int Connections, double OwnCores);
}
