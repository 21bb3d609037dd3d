using System.Threading.RateLimiting;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Simulation;

namespace Campaigns.Tests.Http;

/// <summary>Limiters over one set of buckets, with a clock that moves by hand.</summary>
public sealed class SharedLimitTests
{
    private const int PerSecond = 50;
    private const int Burst = 2 * PerSecond;
    private const int Credit = Burst / 10;

    private readonly SimulatedTime clock = new();
    private readonly Telemetry telemetry = new();
    private readonly Buckets buckets;

    public SharedLimitTests() => buckets = new(clock);

    [Fact]
    public async Task Whoever_comes_seldom_is_never_asked_about()
    {
        using var limiter = Limiter();
        for (var second = 0; second < 60; second++, clock.Pass(TimeSpan.FromSeconds(1)))
            Assert.True(await Admits(limiter, "amei"));
        Assert.Equal(0, buckets.Asked);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Frontends_together_admit_what_one_may_and_a_tenth_of_a_burst_each(int frontends)
    {
        var limiters = Enumerable.Range(0, frontends).Select(_ => Limiter()).ToList();
        var admitted = new List<int>();
        for (var ms = 0; ms < 10_000; ms++, clock.Pass(TimeSpan.FromMilliseconds(1)))
        {
            admitted.Add(0);
            foreach (var limiter in limiters)
                for (var i = 0; i < 3; i++) admitted[^1] += await Admits(limiter, "amei") ? 1 : 0;
        }

        // However long one looks, and from whenever on.
        Assert.InRange(admitted.Take(100).Sum(), Burst, Burst + PerSecond / 10 + frontends * Credit);
        Assert.InRange(admitted.Sum(), Burst + 10 * PerSecond - frontends * Credit, Burst + 10 * PerSecond + frontends * Credit);
        Assert.InRange(admitted.Skip(3_000).Sum(), 7 * PerSecond - frontends * Credit, 7 * PerSecond + frontends * Credit);
        limiters.ForEach(l => l.Dispose());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Staying_below_what_is_told_gains_a_twentieth_of_the_rate_at_each_frontend(int frontends)
    {
        var limiters = Enumerable.Range(0, frontends).Select(_ => Limiter()).ToList();
        var admitted = 0;
        for (var ms = 0; ms < 20_000; ms++, clock.Pass(TimeSpan.FromMilliseconds(1)))
        {
            // One frontend is stormed; at each of the others somebody stops just before they would be told of.
            admitted += await Admits(limiters[0], "amei") ? 1 : 0;
            if (ms % 2_000 != 0) continue;
            foreach (var limiter in limiters.Skip(1))
                for (var i = 0; i < Credit / 2 - 1; i++) admitted += await Admits(limiter, "amei") ? 1 : 0;
        }

        Assert.InRange(admitted, Burst + 20 * PerSecond, Burst + 20 * PerSecond * (1 + 0.05 * frontends) + frontends * Credit);
        limiters.ForEach(l => l.Dispose());
    }

    [Fact]
    public async Task Whoever_is_over_the_limit_is_refused_without_asking_until_tokens_come_back()
    {
        using var limiter = Limiter();
        while (await Admits(limiter, "amei"))
        {
        }

        var asked = buckets.Asked;
        for (var i = 0; i < 1_000; i++) Assert.False(await Admits(limiter, "amei"));
        Assert.Equal(asked, buckets.Asked);
        Assert.True(await Admits(limiter, "bo"));
        clock.Pass(TimeSpan.FromSeconds(1));
        Assert.True(await Admits(limiter, "amei"));
    }

    [Fact]
    public async Task Sudden_burst_waits_for_the_answer_and_is_admitted()
    {
        using var limiter = Limiter();
        buckets.Held = new();
        var burst = Enumerable.Range(0, Burst).Select(_ => Admits(limiter, "amei")).ToList();
        Assert.Equal(Credit, burst.Count(b => b.IsCompleted));
        buckets.Held.SetResult();
        Assert.All(await Task.WhenAll(burst).WaitAsync(TimeSpan.FromSeconds(30)), Assert.True);
    }

    [Fact]
    public async Task Nobody_fails_while_nothing_is_shared_and_each_frontend_keeps_its_own_limit()
    {
        using var limiter = Limiter();
        buckets.Held = new();
        var burst = Enumerable.Range(0, 3 * Burst).Select(_ => Admits(limiter, "amei")).ToList();
        buckets.IsUp = false;
        buckets.Held.SetResult();
        Assert.Equal(Credit + Burst, (await Task.WhenAll(burst)).Count(b => b));
        Assert.True(await Admits(limiter, "bo"));
        Assert.Equal(1, buckets.Asked);
        buckets.IsUp = true;
        clock.Pass(TimeSpan.FromSeconds(2));
        Assert.True(await Admits(limiter, "amei"));
    }

    [Fact]
    public async Task Names_are_forgotten_and_there_are_never_more_than_the_most()
    {
        using var limiter = Limiter();
        for (var i = 0; i < SharedLimiter<string>.NamesMax; i++) Assert.True(await Admits(limiter, $"shopper-{i}"));
        Assert.False(await Admits(limiter, "one too many"));
        Assert.True(await Admits(limiter, "shopper-0"));
        clock.Pass(TimeSpan.FromSeconds(2));
        Assert.True(await Admits(limiter, "one too many"));
        Assert.Equal(1, limiter.Names);
    }

    [Fact]
    public async Task Whoever_has_no_name_is_admitted()
    {
        using var limiter = Limiter();
        for (var i = 0; i < 3 * Burst; i++) Assert.True(await Admits(limiter, ""));
    }

    private static async Task<bool> Admits(SharedLimiter<string> limiter, string name)
    {
        using var lease = await limiter.AcquireAsync(name);
        return lease.IsAcquired;
    }

    private SharedLimiter<string> Limiter()
    {
        Assert.IsType<SharedLimiter<string>>(new Limiters(new(), telemetry, buckets).Limiter<string>("shopper", PerSecond, n => n));
        var alone = PartitionedRateLimiter.Create<string, string>(n => RateLimitPartition.GetTokenBucketLimiter(n, _ => new() { TokenLimit = Burst, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromDays(1) }));
        return new("shopper", PerSecond, n => n.Length == 0 ? null : n, buckets, alone, telemetry, clock);
    }

    /// <summary>The same arithmetic as the script's, in memory.</summary>
    private sealed class Buckets(SimulatedTime clock) : ISharedBuckets
    {
        private readonly Dictionary<string, double> full = new(StringComparer.Ordinal);

        public bool IsUp { get; set; } = true;

        public int Asked { get; private set; }

        /// <summary>Answers wait for it.</summary>
        public TaskCompletionSource? Held { get; set; }

        public async ValueTask<Grant?> Take(string name, int perSecond, int burst, int spent, int wanted)
        {
            Asked++;
            if (Held is { } held) await held.Task;
            if (!IsUp) return null;
            lock (full)
            {
                var (now, each) = ((double)clock.GetTimestamp() / TimeSpan.TicksPerSecond, 1.0 / perSecond);
                var at = Math.Max(now, full.GetValueOrDefault(name)) + spent * each;
                var granted = Math.Clamp((int)Math.Floor(burst - (at - now) / each), 0, wanted);
                full[name] = Math.Min(at + granted * each, now + 2 * burst * each);
                return new(granted, granted > 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Max(0, at - now - (burst - 1) * each)));
            }
        }
    }
}
