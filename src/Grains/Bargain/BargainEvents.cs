using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Bargain;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record BargainEvent;

/// <param name="HasPlace">true if the campaign gave it a place of the quota at the start</param>
[Stored("bargain-started")]
internal sealed record BargainStarted(
    BargainId Id,
    CampaignId Campaign,
    int Revision,
    ShopperId Owner,
    SkuId Sku,
    string Title,
    long ListPriceFen,
    BargainTerms Terms,
    byte[] Seed,
    long[] Slots,
    string Commitment,
    bool HasPlace,
    DateTimeOffset EndsAt,
    DateTimeOffset At) : BargainEvent;

/// <param name="Slot">the first slot taken, from 1</param>
/// <param name="PriceFen">the price right after this cut</param>
[Stored("price-cut")]
internal sealed record PriceCut(ShopperId Helper, int Slot, int SlotsUsed, long CutFen, long PriceFen, string? Device, DateTimeOffset At) : BargainEvent;

/// <summary>The last assist waits until the campaign has said whether there is a place.</summary>
[Stored("last-assist-held")]
internal sealed record LastAssistHeld(PriceCut Cut) : BargainEvent;

[Stored("bargain-place-claimed")]
internal sealed record PlaceClaimed : BargainEvent;

[Stored("bargain-place-denied")]
internal sealed record PlaceDenied : BargainEvent;

[Stored("bargain-succeeded")]
internal sealed record BargainSucceeded(DateTimeOffset PayBefore, DateTimeOffset At) : BargainEvent;

[Stored("bargain-sold-out")]
internal sealed record BargainSoldOut(DateTimeOffset At) : BargainEvent;

[Stored("bargain-expired")]
internal sealed record BargainExpired(DateTimeOffset At) : BargainEvent;

[Stored("bargain-cancelled")]
internal sealed record BargainCancelled(DateTimeOffset At) : BargainEvent;

[Stored("bargain-lapsed")]
internal sealed record BargainLapsed(DateTimeOffset At) : BargainEvent;

[Stored("bargain-paused")]
internal sealed record BargainPaused(int Number = 0) : BargainEvent;

[Stored("bargain-resumed")]
internal sealed record BargainResumed(int Number = 0, DateTimeOffset? At = null) : BargainEvent;

/// <summary>The campaign was killed while the price above the floor was ordered: if that order comes to nothing, the bargain does not run on.</summary>
[Stored("bargain-kill-noted")]
internal sealed record BargainKillNoted : BargainEvent;

/// <summary>An order above the floor waits until the campaign has said whether there is a place.</summary>
[Stored("bargain-order-held")]
internal sealed record BargainOrderHeld(BargainOrdered Order) : BargainEvent;

/// <param name="UnitPriceFen">the list price the discount is counted from</param>
[Stored("bargain-ordered")]
internal sealed record BargainOrdered(OrderId Order, long UnitPriceFen, long PriceFen, int PaymentWindowMinutes, DateTimeOffset At) : BargainEvent;

[Stored("bargain-order-placed")]
internal sealed record BargainOrderPlaced(OrderId Order) : BargainEvent;

/// <param name="Back">what the bargain is again</param>
[Stored("bargain-order-refused")]
internal sealed record BargainOrderRefused(OrderId Order, Refusal Why, BargainStatus Back, DateTimeOffset At) : BargainEvent;

/// <param name="Back">what the bargain is again</param>
[Stored("bargain-order-released")]
internal sealed record BargainOrderReleased(OrderId Order, BargainStatus Back, DateTimeOffset At) : BargainEvent;

[Stored("bargain-paid")]
internal sealed record BargainPaid(OrderId Order, DateTimeOffset At) : BargainEvent;

/// <summary>The campaign knows how this bargain ended.</summary>
[Stored("bargain-closed")]
internal sealed record BargainClosed : BargainEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BargainState))]
[JsonSerializable(typeof(BargainStarted))]
[JsonSerializable(typeof(PriceCut))]
[JsonSerializable(typeof(LastAssistHeld))]
[JsonSerializable(typeof(PlaceClaimed))]
[JsonSerializable(typeof(PlaceDenied))]
[JsonSerializable(typeof(BargainSucceeded))]
[JsonSerializable(typeof(BargainSoldOut))]
[JsonSerializable(typeof(BargainExpired))]
[JsonSerializable(typeof(BargainCancelled))]
[JsonSerializable(typeof(BargainLapsed))]
[JsonSerializable(typeof(BargainPaused))]
[JsonSerializable(typeof(BargainResumed))]
[JsonSerializable(typeof(BargainKillNoted))]
[JsonSerializable(typeof(BargainOrderHeld))]
[JsonSerializable(typeof(BargainOrdered))]
[JsonSerializable(typeof(BargainOrderPlaced))]
[JsonSerializable(typeof(BargainOrderRefused))]
[JsonSerializable(typeof(BargainOrderReleased))]
[JsonSerializable(typeof(BargainPaid))]
[JsonSerializable(typeof(BargainClosed))]
internal sealed partial class BargainJson : JsonSerializerContext;
