using System.Diagnostics;
using System.Globalization;
using Campaigns.ApiFrontend.Edge;
using Campaigns.LoadTests.Peers;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.Logging;

namespace Campaigns.Tests.Http;

/// <summary>Rate limits shared through a real Redis, which dies, stands still and comes back.</summary>
public sealed class RedisLimitTests : IAsyncLifetime
{
    private const int PerSecond = 50;
    private const int Burst = 2 * PerSecond;
    private const int Credit = Burst / 10;

    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
    private RedisServer redis = null!;

    public async Task InitializeAsync() => redis = await RedisServer.Start([], limit.Token);

    public Task DisposeAsync()
    {
        redis.Dispose();
        limit.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Two_frontends_together_admit_what_one_may()
    {
        await using var first = await Frontend.Start(redis, Long, limit.Token);
        await using var second = await Frontend.Start(redis, Long, limit.Token);
        var watch = Stopwatch.StartNew();
        var admitted = await Task.WhenAll(((Frontend[])[first, second, first, second]).Select(f => f.Storm("amei", TimeSpan.FromSeconds(3))));
        var seconds = watch.Elapsed.TotalSeconds;

        // One alone: burst + rate × time. A machine that stands still for a moment loses what came back meanwhile.
        Assert.InRange(admitted.Sum(), Burst + 0.6 * PerSecond * 3, Burst + 1.1 * PerSecond * seconds + 2 * Credit);
        Assert.Equal(0, first.CountedAlone + second.CountedAlone);
    }

    [Fact]
    public async Task Keys_are_gone_once_their_buckets_are_full()
    {
        await using var frontend = await Frontend.Start(redis, Long, limit.Token);
        Assert.Equal(Credit, await frontend.Burst("amei", Credit));
        await Until(async () => await redis.Ask(limit.Token, "DBSIZE") is "1\n"); // the answer to the credit is on its way
        var left = int.Parse(await redis.Ask(limit.Token, "PTTL", "test:limit:shopper:amei"), CultureInfo.InvariantCulture);
        Assert.InRange(left, 1, 2_000);
        await Until(async () => await redis.Ask(limit.Token, "DBSIZE") is "0\n");
    }

    [Fact]
    public async Task Bucket_says_when_the_next_token_comes()
    {
        await using var frontend = await Frontend.Start(redis, Long, limit.Token);
        Assert.Equal(new Grant(5, TimeSpan.Zero), await frontend.Buckets.Take("a", 1, 10, spent: 5, wanted: 8));
        Assert.Equal(0, Assert.IsType<Grant>(await frontend.Buckets.Take("a", 1, 10, spent: 3, wanted: 8)).Tokens);
        Assert.InRange(Assert.IsType<Grant>(await frontend.Buckets.Take("a", 1, 10, spent: 0, wanted: 8)).Wait.TotalSeconds, 2, 4);

        // No debt is deeper than a burst.
        Assert.InRange(Assert.IsType<Grant>(await frontend.Buckets.Take("a", 1, 10, spent: 1_000, wanted: 0)).Wait.TotalSeconds, 10, 11);
        Assert.Equal(7, Assert.IsType<Grant>(await frontend.Buckets.Take("b", 1, 10, spent: 0, wanted: 7)).Tokens);
    }

    [Fact]
    public async Task Frontend_counts_alone_while_Redis_stands_still_and_says_so_once()
    {
        await using var frontend = await Frontend.Start(redis, TimeSpan.FromMilliseconds(200), limit.Token);
        redis.Pause();
        var watch = Stopwatch.StartNew();
        Assert.InRange(await frontend.Burst("amei", 3 * Burst), Burst, Burst + Credit + PerSecond * (1 + watch.Elapsed.TotalSeconds));
        Assert.False(frontend.Buckets.IsUp);
        Assert.True(frontend.CountedAlone > 0);
        Assert.Single(frontend.Log.Warnings);
        redis.Resume();
        await frontend.WhenUp(redis, limit.Token);
        Assert.True(await frontend.Admits("bo"));
    }

    [Fact]
    public async Task Two_hosts_share_a_limit_go_on_without_Redis_and_share_again()
    {
        string[] settings = [$"--Redis:Configuration={redis.Configuration}", "--Limits:PerAddress=100000", "--Limits:PerDevice=10", "--Limits:PerShopper=100000"];
        await using var first = await LiveShop.Open(null, settings);
        await using var second = await LiveShop.Open(null, settings);
        await WhenShared(1, first, second);
        await Storm("phone-1", bursts: 1);

        await redis.Kill(limit.Token);
        await Storm("phone-2", bursts: 4); // at each, with the server and without
        await WhenShared(0, first, second);
        Assert.DoesNotContain("campaigns_rate_limit_fallbacks_total 0\n", await Metrics(first), StringComparison.Ordinal);
        await Storm("phone-3", bursts: 2);

        await redis.Serve(limit.Token);
        await WhenShared(1, first, second);
        await Storm("phone-4", bursts: 1);

        // A hundred requests at each host at once: never anything but an answer or a refusal that says when to come again.
        async Task Storm(string device, int bursts)
        {
            var watch = Stopwatch.StartNew();
            var replies = await Task.WhenAll(((LiveShop[])[first, second]).SelectMany(h => Enumerable.Range(0, 100).Select(_ => h.Nobody.With("X-Device-Id", device).Get("/v1/me"))));
            foreach (var refused in replies.Where(r => r.Status != 401)) Assert.NotNull(refused.Refused(429, "RateLimited").Header("Retry-After"));

            // Alone: a burst at each, and what was admitted before anybody knew.
            var most = 20 * bursts + 2 * 2 + 1.1 * 10 * bursts * (watch.Elapsed.TotalSeconds + 0.1);
            Assert.InRange(replies.Count(r => r.Status == 401), 20, most);
        }
    }

    [Fact]
    public async Task What_is_no_configuration_is_refused_at_the_start()
    {
        var refused = await Assert.ThrowsAsync<Campaigns.ApiFrontend.StartRefused>(() => LiveShop.Open(null, "--Redis:Configuration=abortConnect=false"));
        Assert.Contains("Redis:Configuration is no configuration: it names no server", refused.Message, StringComparison.Ordinal);
    }

    private async Task WhenShared(int isUp, params LiveShop[] shops)
    {
        foreach (var shop in shops) await Until(async () => (await Metrics(shop)).Contains($"campaigns_redis_up {isUp}\n", StringComparison.Ordinal));
    }

    private async Task Until(Func<Task<bool>> isSo)
    {
        while (!await isSo()) limit.Token.ThrowIfCancellationRequested();
    }

    private static async Task<string> Metrics(LiveShop shop) => (await shop.Ops(HttpMethod.Get, "/metrics")).Expect(200).Content;

    /// <summary>A limiter with a connection of its own, as in another process.</summary>
    private sealed class Frontend : IAsyncDisposable
    {
        private readonly Telemetry telemetry = new();
        private readonly SharedLimiter<string> limiter;

        private Frontend(RedisServer redis, TimeSpan patience)
        {
            Buckets = new(RedisBuckets.Read(redis.Configuration), "test:limit:", patience, Log);
            limiter = (SharedLimiter<string>)new Limiters(new(), telemetry, Buckets).Limiter<string>("shopper", PerSecond, n => n);
        }

        public RedisBuckets Buckets { get; }

        public Warned Log { get; } = new();

        public long CountedAlone => telemetry.ChecksCountedAlone;

        public static async Task<Frontend> Start(RedisServer redis, TimeSpan patience, CancellationToken cancellation)
        {
            var frontend = new Frontend(redis, patience);
            await frontend.Buckets.StartAsync(cancellation);
            await frontend.WhenUp(redis, cancellation);
            return frontend;
        }

        public async Task WhenUp(RedisServer redis, CancellationToken cancellation)
        {
            while (!Buckets.IsUp) await redis.Ask(cancellation, "PING");
        }

        public async Task<bool> Admits(string name)
        {
            using var lease = await limiter.AcquireAsync(name);
            return lease.IsAcquired;
        }

        public async Task<int> Burst(string name, int requests) => (await Task.WhenAll(Enumerable.Range(0, requests).Select(_ => Admits(name)))).Count(a => a);

        public Task<int> Storm(string name, TimeSpan time) => Task.Run(async () =>
        {
            var admitted = 0;
            for (var watch = Stopwatch.StartNew(); watch.Elapsed < time;)
            {
                for (var i = 0; i < 100; i++) admitted += await Admits(name) ? 1 : 0;
                await Task.Yield();
            }

            return admitted;
        });

        public async ValueTask DisposeAsync()
        {
            limiter.Dispose();
            await Buckets.DisposeAsync();
        }
    }

    private sealed class Warned : ILogger<RedisBuckets>
    {
        public List<string> Warnings { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Warning) Warnings.Add(formatter(state, exception));
        }
    }
}
