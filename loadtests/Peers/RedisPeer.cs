using System.Globalization;

namespace Campaigns.LoadTests.Peers;

internal enum RedisFsync
{
    /// <summary>Durable before the reply, like the engine.</summary>
    Always,

    /// <summary>Can lose the last second.</summary>
    EverySecond,
}

/// <summary>A private Redis whose Lua scripts take from one sale and assist at one bargain.</summary>
internal sealed class RedisPeer(RedisFsync fsync) : IHotTakes, IHotAssists
{
    private const int Clients = 64;
    private const int WarmUpRequests = 100_000;
    private const int RequestsMax = 5_000_000;

    // Wide enough that nearly every request comes from a new shopper and is accepted.
    private const int Ids = 100_000_000;

    private static readonly TimeSpan ToolMax = TimeSpan.FromSeconds(60);

    private RedisServer? server;

    public string Name => $"Redis Lua, appendfsync {Setting}";

    public string? Unavailable => RedisServer.Unavailable;

    private string Setting => fsync == RedisFsync.Always ? "always" : "everysec";

    // No rewrite of the log: it would fork and copy within the few measured seconds, a tax that a long run spreads thin.
    public async Task Start(CancellationToken cancellation) =>
        server = await RedisServer.Start(["--appendonly", "yes", "--appendfsync", Setting, "--auto-aof-rewrite-percentage", "0"], cancellation);

    public Task<double> HotTakesPerSecond(TimeSpan duration, CancellationToken cancellation) =>
        Measure(RedisScripts.SeedSale, RedisScripts.Take, RedisScripts.SaleBooks,
            ["1", "sale:1", "__rand_int__", "1", "5", "__rand_int__", "1767225600"], duration, cancellation);

    public Task<double> HotAssistsPerSecond(TimeSpan duration, CancellationToken cancellation) =>
        Measure(RedisScripts.SeedBargain, RedisScripts.Assist, RedisScripts.BargainBooks,
            ["3", "bargain:1:price", "bargain:1:helpers", "bargain:1:slots", "__rand_int__", "20260101", "3", "86400"],
            duration, cancellation);

    public ValueTask DisposeAsync()
    {
        server?.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<double> Measure(string seed, string script, string books, string[] arguments, TimeSpan duration,
        CancellationToken cancellation)
    {
        var sha = (await server!.Ask(cancellation, "SCRIPT", "LOAD", script)).Trim();
        var (warmed, _) = await Round(WarmUpRequests);

        // The generator runs a count, not a time: the warm-up tells how many requests fill the duration.
        var (rate, accepted) = await Round((int)Math.Clamp(warmed * duration.TotalSeconds, WarmUpRequests, RequestsMax));
        return rate * accepted;

        async Task<(double Rate, double Accepted)> Round(int requests)
        {
            var count = requests.ToString(CultureInfo.InvariantCulture);
            await server!.Ask(cancellation, "FLUSHALL");
            await server!.Ask(cancellation, "EVAL", seed, "0", count);
            var printed = await server!.Sandbox.Run(RedisServer.Program("redis-benchmark"),
                ["-h", "127.0.0.1", "-p", server.Port, "-c", $"{Clients}", "-P", "1", "-n", count, "-r", $"{Ids}", "--csv",
                 "EVALSHA", sha, .. arguments],
                duration * 4 + ToolMax, cancellation);
            var answered = await server!.Ask(cancellation, "EVAL", books, "0", count);
            return (RequestsPerSecond(printed), double.Parse(answered, CultureInfo.InvariantCulture) / requests);
        }
    }

    // The last line reads "EVALSHA ...","77000.00","0.7",...: the second column is the rate.
    private static double RequestsPerSecond(string csv) =>
        double.Parse(csv.TrimEnd().Split('\n')[^1].Split("\",\"")[1], CultureInfo.InvariantCulture);
}
