using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Distributor;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record DistributorEvent;

[Stored("distributor-applied")]
internal sealed record DistributorApplied(string Reason, DateTimeOffset At) : DistributorEvent;

[Stored("application-declined")]
internal sealed record ApplicationDeclined(string Reason, DateTimeOffset At) : DistributorEvent;

/// <summary>Comes with <see cref="DistributorJoined"/>.</summary>
[Stored("application-approved")]
internal sealed record ApplicationApproved(string? Reason, DateTimeOffset At) : DistributorEvent;

[Stored("distributor-invited")]
internal sealed record DistributorInvited(DateTimeOffset At) : DistributorEvent;

[Stored("distributor-joined")]
internal sealed record DistributorJoined(DateTimeOffset At) : DistributorEvent;

/// <summary>The distributor's own binding has answered who promoted them when they joined.</summary>
[Stored("distributor-placed")]
internal sealed record DistributorPlaced(ShopperId? Upline) : DistributorEvent;

[Stored("distributor-seen")]
internal sealed record DistributorSeen(string Device) : DistributorEvent;

[Stored("standing-set")]
internal sealed record StandingSet(DistributorStanding Standing, string Reason, DateTimeOffset At) : DistributorEvent;

[Stored("tier-set")]
internal sealed record TierSet(string? Tier, DateTimeOffset At) : DistributorEvent;

[Stored("complaint-noted")]
internal sealed record ComplaintNoted(string Reason, DateTimeOffset At) : DistributorEvent;

[Stored("earnings-noted")]
internal sealed record EarningsNoted(long GivenFen, long TakenBackFen) : DistributorEvent;

/// <summary>The distributor was seen on the device of a customer.</summary>
[Stored("customer-suspected")]
internal sealed record CustomerSuspected(ShopperId Buyer, DateTimeOffset At) : DistributorEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DistributorState))]
[JsonSerializable(typeof(DistributorApplied))]
[JsonSerializable(typeof(ApplicationDeclined))]
[JsonSerializable(typeof(ApplicationApproved))]
[JsonSerializable(typeof(DistributorInvited))]
[JsonSerializable(typeof(DistributorJoined))]
[JsonSerializable(typeof(DistributorPlaced))]
[JsonSerializable(typeof(DistributorSeen))]
[JsonSerializable(typeof(StandingSet))]
[JsonSerializable(typeof(TierSet))]
[JsonSerializable(typeof(ComplaintNoted))]
[JsonSerializable(typeof(EarningsNoted))]
[JsonSerializable(typeof(CustomerSuspected))]
internal sealed partial class DistributorJson : JsonSerializerContext;
