using System.Security.Claims;
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

    public static void Configure(RateLimiterOptions options, RateLimits limits)
    {
        options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
            Limiter(limits.PerAddress, c => c.Connection.RemoteIpAddress?.ToString()),
            Limiter(limits.PerDevice, c => c.Request.Headers["X-Device-Id"].ToString() is { Length: > 0 and <= 128 } device ? device : null));
        options.OnRejected = (rejected, _) => new(Problems.Write(rejected.HttpContext, EdgeRefusal.RateLimited));
    }

    public static PartitionedRateLimiter<HttpContext> Limiter(int perSecond, Func<HttpContext, string?> who) => PartitionedRateLimiter.Create<HttpContext, string>(context =>
        who(context) is { } name
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
internal sealed class ShopperLimit(RequestDelegate next, RateLimits limits)
{
    private readonly PartitionedRateLimiter<HttpContext> limiter = RateLimits.Limiter(limits.PerShopper, c => c.User.FindFirstValue("sub"));

    public async Task Invoke(HttpContext context)
    {
        using var lease = limiter.AttemptAcquire(context);
        await (lease.IsAcquired ? next(context) : Problems.Write(context, EdgeRefusal.RateLimited));
    }
}
