using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>How many requests a second one address, one device and one shopper may send, twice that in a burst; and how many there may be at once.</summary>
internal sealed record RateLimits
{
    /// <summary>Requests that are worked on at the same time. At 5,000 answers a second the last of 1,000 leaves after 0.2 s.</summary>
    public int Requests { get; init; } = 1_000;

    /// <summary>Live streams that are open at the same time.</summary>
    public int Streams { get; init; } = 10_000;

    public int PerAddress { get; init; } = 1_000;

    public int PerDevice { get; init; } = 50;

    public int PerShopper { get; init; } = 50;
}

/// <summary>Makes the limiters: of this process, or of all where buckets are shared.</summary>
internal sealed class Limiters(RateLimits limits, Telemetry telemetry, ISharedBuckets? buckets = null)
{
    public void Configure(RateLimiterOptions options)
    {
        options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
            Limiter<HttpContext>("address", limits.PerAddress, c => c.Connection.RemoteIpAddress?.ToString()),
            Limiter<HttpContext>("device", limits.PerDevice, c => c.Request.Headers["X-Device-Id"].ToString() is { Length: > 0 and <= 128 } device ? device : null));
        options.OnRejected = (rejected, _) => new(Problems.Write(rejected.HttpContext, EdgeRefusal.RateLimited));
    }

    public PartitionedRateLimiter<HttpContext> OfShoppers() => Limiter<HttpContext>("shopper", limits.PerShopper, c => ShopperCaller.Of(c.User)?.Shopper.ToString());

    /// <param name="kind">what is named</param>
    /// <param name="perSecond">requests a second, twice that in a burst</param>
    /// <param name="who">whose request it is; null: nobody's, admitted</param>
    public PartitionedRateLimiter<T> Limiter<T>(string kind, int perSecond, Func<T, string?> who) =>
        buckets is null ? Alone(perSecond, who) : new SharedLimiter<T>(kind, perSecond, who, buckets, Alone(perSecond, who), telemetry, TimeProvider.System);

    private static PartitionedRateLimiter<T> Alone<T>(int perSecond, Func<T, string?> who) => PartitionedRateLimiter.Create<T, string>(request =>
        who(request) is { } name
            ? RateLimitPartition.GetTokenBucketLimiter(name, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = perSecond * 2,
                TokensPerPeriod = Math.Max(1, perSecond / 10),
                ReplenishmentPeriod = TimeSpan.FromMilliseconds(100),
                QueueLimit = 0,
            })
            : RateLimitPartition.GetNoLimiter(""));
}

/// <summary>The shopper's own limit. It stands behind the authorization: before that nobody knows who is asking.</summary>
internal sealed class ShopperLimit(RequestDelegate next, Limiters limiters)
{
    private readonly PartitionedRateLimiter<HttpContext> limiter = limiters.OfShoppers();

    public async Task Invoke(HttpContext context)
    {
        using var lease = await limiter.AcquireAsync(context);
        await (lease.IsAcquired ? next(context) : Problems.Write(context, EdgeRefusal.RateLimited));
    }
}
