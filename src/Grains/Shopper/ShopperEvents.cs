using System.Text.Json.Serialization;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Shopper;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record ShopperEvent;

[Stored("shopper-registered")]
internal sealed record ShopperRegistered(string OpenId, DateTimeOffset At) : ShopperEvent;

[Stored("shopper-blocked")]
internal sealed record ShopperBlocked(DateTimeOffset Until, string Reason, DateTimeOffset At) : ShopperEvent;

[Stored("shopper-bought")]
internal sealed record ShopperBought(DateTimeOffset At) : ShopperEvent;

/// <param name="Day">the shop's calendar day it was accepted on: the day whose quota it takes</param>
[Stored("assist-pledged")]
internal sealed record AssistPledged(BargainId Bargain, bool IsNew, string? Device, DateOnly Day, DateTimeOffset At, Guid Tap = default) : ShopperEvent;

[Stored("assist-settled")]
internal sealed record AssistSettled(BargainId Bargain, AssistResult Result) : ShopperEvent;

/// <summary>The bargain refused: the assist is the shopper's again.</summary>
[Stored("assist-returned")]
internal sealed record AssistReturned(BargainId Bargain, Refusal Why) : ShopperEvent;

[Stored("participation-launched")]
internal sealed record ParticipationLaunched(Guid Participation, CampaignId Campaign, DateTimeOffset At) : ShopperEvent;

[Stored("launch-settled")]
internal sealed record LaunchSettled(Guid Participation) : ShopperEvent;

/// <summary>The campaign refused: the launch does not count.</summary>
[Stored("launch-returned")]
internal sealed record LaunchReturned(Guid Participation, Refusal Why) : ShopperEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ShopperState))]
[JsonSerializable(typeof(ShopperRegistered))]
[JsonSerializable(typeof(ShopperBlocked))]
[JsonSerializable(typeof(ShopperBought))]
[JsonSerializable(typeof(AssistPledged))]
[JsonSerializable(typeof(AssistSettled))]
[JsonSerializable(typeof(AssistReturned))]
[JsonSerializable(typeof(ParticipationLaunched))]
[JsonSerializable(typeof(LaunchSettled))]
[JsonSerializable(typeof(LaunchReturned))]
internal sealed partial class ShopperJson : JsonSerializerContext;
