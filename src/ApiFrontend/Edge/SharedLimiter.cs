using System.Collections.Concurrent;
using System.Threading.RateLimiting;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>Token buckets that all processes take from. A bucket that nobody took from for a while is full.</summary>
internal interface ISharedBuckets
{
    /// <summary>False while they cannot be reached, or not soon enough.</summary>
    bool IsUp { get; }

    /// <summary>Takes the tokens that were spent before anybody asked, whether or not they are there, and as many of the wanted ones as there are.</summary>
    /// <param name="name">whose bucket</param>
    /// <param name="perSecond">tokens that come back in a second, 1 or more</param>
    /// <param name="burst">what a full bucket holds</param>
    /// <param name="spent">0 or more</param>
    /// <param name="wanted">0 or more</param>
    /// <returns>null if no answer came in time; <see cref="IsUp"/> is false then. It never throws.</returns>
    ValueTask<Grant?> Take(string name, int perSecond, int burst, int spent, int wanted);
}

/// <param name="Tokens">granted of those wanted</param>
/// <param name="Wait">until there is one; zero if some were granted</param>
internal readonly record struct Grant(int Tokens, TimeSpan Wait);

/// <summary>
/// A limit that several processes share, at the price of a memory access. Each name's first tenth of a burst is spent on credit; whoever spends half of
/// that within two seconds gets tokens from the shared bucket, a tenth of a burst at a time, and the credit is taken from there too. Most people never
/// need to ask. Who is over the limit is refused here until the bucket says when tokens come back.
/// <para>
/// So N processes admit at most N tenths of a burst more than one would, and that is paid back; and for each of them a twentieth of the rate, by which
/// one may stay below the half that nobody is told of. Tokens that one process holds and does not use are lost for two seconds: a tenth of a burst.
/// </para>
/// </summary>
/// <param name="kind">what is named: address, device, shopper</param>
/// <param name="perSecond">requests a second, twice that in a burst</param>
/// <param name="who">whose request it is; null: nobody's, admitted</param>
/// <param name="buckets">what is shared</param>
/// <param name="alone">counts for this process while nothing is shared</param>
/// <param name="telemetry">counts those that were counted alone</param>
/// <param name="clock">its timestamps alone are used</param>
internal sealed class SharedLimiter<T>(string kind, int perSecond, Func<T, string?> who, ISharedBuckets buckets, PartitionedRateLimiter<T> alone, Telemetry telemetry, TimeProvider clock) : PartitionedRateLimiter<T>
{
    /// <summary>More names within a few seconds than a process can serve requests; later ones are refused.</summary>
    public const int NamesMax = 200_000;

    // Each answer brings a tenth of a burst, so ten empty the bucket; more than this and others were faster every time.
    private const int AsksMax = 32;

    // As often as the limiter in memory brings tokens back.
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, Share> shares = new(StringComparer.Ordinal);
    private readonly int burst = perSecond * 2;
    private readonly int credit = Math.Max(1, perSecond / 5);
    private readonly long window = 2 * clock.TimestampFrequency; // an empty bucket is full again
    private long sweptAt = clock.GetTimestamp();
    private int names;

    /// <summary>Names in memory.</summary>
    public int Names => Volatile.Read(ref names);

    public override RateLimiterStatistics? GetStatistics(T resource) => null;

    // Who chains limiters tries all of them without waiting and then asks all of them again: half an admission would be counted twice.
    protected override RateLimitLease AttemptAcquireCore(T resource, int permitCount) => Answer.Refused;

    protected override ValueTask<RateLimitLease> AcquireAsyncCore(T resource, int permitCount, CancellationToken cancellationToken)
    {
        if (who(resource) is not { } name) return new(Answer.Admitted);
        if (!buckets.IsUp) return CountAlone(resource);
        if (ShareOf(name) is not { } share) return new(Answer.Refused);
        return Spend(share, out var asking) is { } answer ? new(answer) : Wait(resource, share, asking!);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) alone.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<RateLimitLease> Wait(T resource, Share share, Task asking)
    {
        for (var asks = 0; asks < AsksMax; asks++)
        {
            await asking;
            if (!buckets.IsUp) return await CountAlone(resource);
            if (Spend(share, out var next) is { } answer) return answer;
            asking = next!;
        }

        return Answer.Refused;
    }

    private ValueTask<RateLimitLease> CountAlone(T resource)
    {
        telemetry.CountedAlone();
        return alone.AcquireAsync(resource);
    }

    /// <returns>null: the answer depends on what is being asked</returns>
    private Answer? Spend(Share share, out Task? asking)
    {
        var now = clock.GetTimestamp();
        lock (share)
        {
            asking = share.Asking;
            if (now < share.RefusedUntil) return Answer.Refused;
            if (share.IsOver(now, window)) share.Begin(now);
            if (share.Leased > 0) share.Leased--;
            else if (share.Spent < credit) share.Spent++;
            else if (asking is not null) return null;

            if (share.Leased == 0 && share.Spent * 2 >= credit && asking is null)
            {
                // The lock is ours: an answer that is on its way comes after this line, one that is there already has set nothing to wait for.
                var asked = Ask(share, share.Spent);
                if (!asked.IsCompleted) share.Asking = asked;
            }

            return Answer.Admitted;
        }
    }

    private async Task Ask(Share share, int spent)
    {
        var grant = await buckets.Take(share.Name, perSecond, burst, spent, credit);
        var now = clock.GetTimestamp();
        lock (share)
        {
            share.Asking = null;
            if (grant is not { } granted) return;
            share.Since = now;
            share.Spent -= spent;
            share.Leased += granted.Tokens;
            if (granted.Tokens == 0) share.RefusedUntil = now + (long)(Math.Max(granted.Wait.TotalSeconds, PauseMin.TotalSeconds) * clock.TimestampFrequency);
        }
    }

    private Share? ShareOf(string name)
    {
        if (shares.TryGetValue(name, out var known)) return known;
        Sweep();
        if (Interlocked.Increment(ref names) > NamesMax)
        {
            Interlocked.Decrement(ref names);
            return null;
        }

        var made = new Share($"{kind}:{name}", clock.GetTimestamp());
        var share = shares.GetOrAdd(name, made);
        if (share != made) Interlocked.Decrement(ref names);
        return share;
    }

    // By whoever is new: without newcomers nothing grows.
    private void Sweep()
    {
        var (now, last) = (clock.GetTimestamp(), Volatile.Read(ref sweptAt));
        if (now - last < window || Interlocked.CompareExchange(ref sweptAt, now, last) != last) return;
        foreach (var entry in shares)
        {
            bool isOver;
            lock (entry.Value) isOver = entry.Value.IsOver(now, window) && now >= entry.Value.RefusedUntil;
            if (isOver && shares.TryRemove(entry)) Interlocked.Decrement(ref names);
        }
    }

    /// <summary>What this process holds of one name's bucket.</summary>
    private sealed class Share(string name, long since)
    {
        public string Name { get; } = name;

        /// <summary>When it began or was last answered.</summary>
        public long Since { get; set; } = since;

        /// <summary>Tokens that came from the shared bucket.</summary>
        public int Leased { get; set; }

        /// <summary>Tokens spent on credit that the shared bucket has not confirmed.</summary>
        public int Spent { get; set; }

        public long RefusedUntil { get; set; } = long.MinValue;

        public Task? Asking { get; set; }

        /// <summary>Meanwhile the bucket got back what was spent here without telling: less than half of the credit.</summary>
        public bool IsOver(long now, long window) => Asking is null && now - Since >= window;

        public void Begin(long now) => (Since, Leased, Spent) = (now, 0, 0);
    }

    private sealed class Answer(bool isAcquired) : RateLimitLease
    {
        public static readonly Answer Admitted = new(isAcquired: true);
        public static readonly Answer Refused = new(isAcquired: false);

        public override bool IsAcquired => isAcquired;

        public override IEnumerable<string> MetadataNames => [];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = null;
            return false;
        }
    }
}
