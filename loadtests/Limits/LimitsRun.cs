using System.Diagnostics;
using System.Globalization;
using Campaigns.ApiFrontend.Edge;
using Campaigns.LoadTests.Peers;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Campaigns.LoadTests.Limits;

/// <summary>
/// How many checks of a limit one process does in a second, and how often they ask: for 20,000 shoppers who stay below their limit of 50 a second,
/// and for one address that is far above its limit of 1,000.
/// </summary>
internal sealed class LimitsRun(TimeSpan duration, TextWriter output)
{
    private const int Callers = 64;
    private const int Shoppers = 20_000;
    private const int PerShopper = 50;
    private const int PerAddress = 1_000;

    public async Task<int> Play(CancellationToken cancellation)
    {
        output.WriteLine("| limiter | 20,000 shoppers, checks/s | asks/s | one address over its limit, checks/s | asks/s | admitted/s |");
        output.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        await Row("in memory", buckets: null, isLeased: true, cancellation);
        if (RedisServer.Unavailable is { } noRedis) output.WriteLine($"Redis: {noRedis}");
        else
        {
            using var server = await RedisServer.Start([], cancellation);
            await using var redis = new RedisBuckets(RedisBuckets.Read(server.Configuration), "limit:", TimeSpan.FromSeconds(10), NullLogger<RedisBuckets>.Instance);
            await redis.StartAsync(cancellation);
            while (!redis.IsUp) await server.Ask(cancellation, "PING");
            await Row("Redis, asked each time", redis, isLeased: false, cancellation);
            await Row("Redis, leased", redis, isLeased: true, cancellation);
        }

        if (PostgresServer.Unavailable is { } noPostgres) output.WriteLine($"PostgreSQL: {noPostgres}");
        else
        {
            using var server = await PostgresServer.Start(["max_connections=100"], cancellation);
            await using var database = NpgsqlDataSource.Create($"{server.ConnectionString};Maximum Pool Size={Callers};Max Auto Prepare=10");
            var postgres = new PostgresBuckets(database);
            await postgres.Create(cancellation);
            await Row("PostgreSQL unlogged table, asked each time", postgres, isLeased: false, cancellation);
            await Row("PostgreSQL unlogged table, leased", postgres, isLeased: true, cancellation);
        }

        return 0;
    }

    private async Task Row(string name, ISharedBuckets? buckets, bool isLeased, CancellationToken cancellation)
    {
        var shoppers = Enumerable.Range(0, Shoppers).Select(i => i.ToString("x32", CultureInfo.InvariantCulture)).ToArray();
        var spread = await Measure("shopper", PerShopper, shoppers);
        var hot = await Measure("address", PerAddress, ["203.0.113.7"]);
        output.WriteLine($"| {name} | {spread.Checks:N0} | {spread.Asks:N0} | {hot.Checks:N0} | {hot.Asks:N0} | {hot.Admitted:N0} |");

        async Task<(double Checks, double Asks, double Admitted)> Measure(string kind, int perSecond, string[] names)
        {
            var counted = buckets is null ? null : new Counted(buckets);
            using var limiter = isLeased ? new Limiters(new(), new(), counted).Limiter<string>(kind, perSecond, n => n) : null;
            await Run(TimeSpan.FromSeconds(1)); // warm, and the burst is used up
            var before = counted?.Asks ?? 0;
            var (checks, admitted, seconds) = await Run(duration);
            return (checks / seconds, ((counted?.Asks ?? 0) - before) / seconds, admitted / seconds);

            async Task<(long Checks, long Admitted, double Seconds)> Run(TimeSpan time)
            {
                var watch = Stopwatch.StartNew();
                var sums = await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
                {
                    var (checks, admitted) = (0L, 0L);
                    for (var i = caller * names.Length / Callers; watch.Elapsed < time && !cancellation.IsCancellationRequested; i++, checks++)
                    {
                        if (await Admits(names[i % names.Length])) admitted++;
                        if (checks % 1_000 == 999) await Task.Yield(); // a closed loop that never waits would keep its thread
                    }

                    return (checks, admitted);
                }, cancellation)));
                return (sums.Sum(s => s.checks), sums.Sum(s => s.admitted), watch.Elapsed.TotalSeconds);
            }

            async ValueTask<bool> Admits(string name)
            {
                if (limiter is null) return (await counted!.Take(name, perSecond, 2 * perSecond, spent: 0, wanted: 1))!.Value.Tokens > 0;
                using var lease = await limiter.AcquireAsync(name, 1, cancellation);
                return lease.IsAcquired;
            }
        }
    }

    private sealed class Counted(ISharedBuckets buckets) : ISharedBuckets
    {
        private long asks;

        public long Asks => Interlocked.Read(ref asks);

        public bool IsUp => buckets.IsUp;

        public ValueTask<Grant?> Take(string name, int perSecond, int burst, int spent, int wanted)
        {
            Interlocked.Increment(ref asks);
            return buckets.Take(name, perSecond, burst, spent, wanted);
        }
    }
}
