namespace Campaigns.Tests.Kit;

/// <summary>A clock that runs before or behind another one.</summary>
internal sealed class SkewedClock : TimeProvider
{
    /// <summary>The other one; null is the machine's.</summary>
    public TimeProvider? Other { get; set; }

    public TimeSpan Skew { get; set; }

    public override DateTimeOffset GetUtcNow() => (Other ?? System).GetUtcNow() + Skew;
}
