using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Binding;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record BindingEvent;

[Stored("promoter-asked")]
internal sealed record PromoterAsked(ShopperId Promoter, string? Channel, string? Device, BindingPolicy Policy, DateTimeOffset At) : BindingEvent;

/// <summary>The promoter's grain has agreed. Whoever was bound is not any more.</summary>
/// <param name="PromoterJoinedAt">since when the promoter is a distributor</param>
[Stored("promoter-bound")]
internal sealed record PromoterBound(
    ShopperId Promoter, DateTimeOffset PromoterJoinedAt, string? Channel, bool IsSuspect, DateTimeOffset At, DateTimeOffset Until, DateTimeOffset ProtectedUntil) : BindingEvent;

/// <summary>Nobody was bound by the question: the promoter's grain refused, or it would have closed a loop.</summary>
[Stored("promoter-returned")]
internal sealed record PromoterReturned(ShopperId Promoter, Refusal Why) : BindingEvent;

[Stored("binding-renewed")]
internal sealed record BindingRenewed(DateTimeOffset Until) : BindingEvent;

[Stored("binding-ended")]
internal sealed record BindingEnded(DateTimeOffset At) : BindingEvent;

/// <summary>The shopper has become a distributor.</summary>
/// <param name="Promoter">who promoted them then: their place in the team</param>
[Stored("binding-owner-joined")]
internal sealed record BindingOwnerJoined(DateTimeOffset At, ShopperId? Promoter) : BindingEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BindingState))]
[JsonSerializable(typeof(PromoterAsked))]
[JsonSerializable(typeof(PromoterBound))]
[JsonSerializable(typeof(PromoterReturned))]
[JsonSerializable(typeof(BindingRenewed))]
[JsonSerializable(typeof(BindingEnded))]
[JsonSerializable(typeof(BindingOwnerJoined))]
internal sealed partial class BindingJson : JsonSerializerContext;
