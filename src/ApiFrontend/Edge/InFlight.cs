using System.Threading.RateLimiting;
using Campaigns.Grains.Kernel;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>What an endpoint's requests count as.</summary>
internal enum Counts
{
    /// <summary>Stays open for minutes and costs next to nothing meanwhile: bounded apart.</summary>
    Stream,

    /// <summary>Must be answered while everything else is refused.</summary>
    Never,
}

/// <summary>
/// How many requests are in the house. Whoever comes when it is full is refused <c>503 Busy</c> at once, before their token or body is read:
/// the work that was let in is finished at full speed, however much more is offered. One endpoint gets three quarters of the room at
/// most, so that requests that wait for a gateway which is down do not shut out all the others.
/// </summary>
internal sealed class InFlight(RateLimits limits, Telemetry telemetry) : IDisposable
{
    private const int ComingBackPerSecond = 500;

    private readonly ConcurrencyLimiter requests = Room(limits.Requests);
    private readonly ConcurrencyLimiter streams = Room(limits.Streams);
    private readonly PartitionedRateLimiter<Endpoint> each = PartitionedRateLimiter.Create<Endpoint, Endpoint>(e => RateLimitPartition.GetConcurrencyLimiter(e, _ => Permits(Math.Max(1, limits.Requests * 3 / 4))));

    private long second;
    private int refused;
    private int refusedBefore;

    public long Requests => limits.Requests - requests.GetStatistics()!.CurrentAvailablePermits;

    public long Streams => limits.Streams - streams.GetStatistics()!.CurrentAvailablePermits;

    public async Task Enter(HttpContext context, RequestDelegate next)
    {
        var endpoint = context.GetEndpoint();
        var counts = endpoint?.Metadata.GetMetadata<Counted>()?.As;
        if (counts == Counts.Never)
        {
            await next(context);
            return;
        }

        using var room = (counts == Counts.Stream ? streams : requests).AttemptAcquire();
        using var share = counts == Counts.Stream || endpoint is null ? null : each.AttemptAcquire(endpoint);
        if (room.IsAcquired && share is null or { IsAcquired: true })
        {
            await next(context);
            return;
        }

        telemetry.Refused(nameof(GrainRefusal.Busy));
        telemetry.Request(context.Request.Method, (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "unknown", 503, TimeSpan.Zero);
        Problems.WriteBusy(context, RetryAfter());
    }

    // A refusal costs the server nearly as much as a read: the more are refused, the later they are asked back, so that about as many come
    // back in a second as it can refuse beside its work. Not all at the same time: each is told another second.
    private int RetryAfter()
    {
        var now = Environment.TickCount64 / 1_000;
        if (Interlocked.Exchange(ref second, now) != now) refusedBefore = Interlocked.Exchange(ref refused, 0);
        var many = Math.Max(Interlocked.Increment(ref refused), refusedBefore) / ComingBackPerSecond;
        return Math.Min(1 + many + Random.Shared.Next(2 + many), Problems.RetryAfterMax);
    }

    public void Dispose()
    {
        requests.Dispose();
        streams.Dispose();
        each.Dispose();
    }

    private static ConcurrencyLimiter Room(int permits) => new(Permits(permits));

    private static ConcurrencyLimiterOptions Permits(int permits) => new() { PermitLimit = permits, QueueLimit = 0 };
}

/// <summary>Metadata of an endpoint whose requests are no ordinary ones.</summary>
internal sealed record Counted(Counts As);
