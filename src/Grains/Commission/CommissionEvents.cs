using System.Text.Json.Serialization;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Commission;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record CommissionEvent;

/// <summary>A sale that somebody promoted. Now it is asked what it earns: the shop, the promoter, and each SKU of its lines.</summary>
[Stored("sale-noted")]
internal sealed record SaleNoted(
    ShopperId Buyer,
    ShopperId Promoter,
    string? Channel,
    bool IsSuspect,
    string Kind,
    Guid? Campaign,
    DateTimeOffset PlacedAt,
    IReadOnlyList<SaleLine> Lines,
    DateTimeOffset? ReceivedAt,
    int? AfterSaleDays) : CommissionEvent;

/// <param name="RefundedFen">of each line</param>
[Stored("sale-changed")]
internal sealed record SaleChanged(IReadOnlyList<long> RefundedFen, DateTimeOffset? ReceivedAt, int? AfterSaleDays) : CommissionEvent;

/// <summary>The shop's settings that count for this sale.</summary>
[Stored("shop-answered")]
internal sealed record ShopAnswered(
    int Level1Percent,
    int Level2Percent,
    int MaxPercent,
    bool HasSecondLevel,
    bool IsStopped,
    string TimeZone,
    IReadOnlyList<CommissionTier>? Tiers) : CommissionEvent;

/// <param name="Standing">null for who never joined</param>
[Stored("promoter-answered")]
internal sealed record PromoterAnswered(DistributorStanding? Standing, ShopperId? Upline, string? Tier, int RatePercent) : CommissionEvent;

/// <param name="Commission">null if it has no rates of its own</param>
[Stored("sku-answered")]
internal sealed record SkuAnswered(SkuId Sku, CommissionRates? Commission) : CommissionEvent;

/// <summary>There is a second level, and somebody who may earn it.</summary>
[Stored("upline-asked")]
internal sealed record UplineAsked(ShopperId Upline) : CommissionEvent;

/// <param name="Standing">null for who never joined</param>
[Stored("upline-answered")]
internal sealed record UplineAnswered(DistributorStanding? Standing, string? Tier, int RatePercent) : CommissionEvent;

/// <param name="LineFen">what each line of the sale earns, whole; above 0 together</param>
internal sealed record GrantedLevel(CommissionLevel Level, ShopperId Earner, IReadOnlyList<long> LineFen);

/// <param name="Month">of the shop's calendar, such as <c>2026-11</c></param>
[Stored("commission-granted")]
internal sealed record CommissionGranted(IReadOnlyList<GrantedLevel> Levels, string Month) : CommissionEvent;

[Stored("no-commission")]
internal sealed record CommissionDenied(NoCommissionReason Reason) : CommissionEvent;

/// <summary>Money of the sale went back, and the commission with it.</summary>
[Stored("commission-reversed")]
internal sealed record CommissionReversed(CommissionLevel Level, Money Amount) : CommissionEvent;

/// <summary>The order was received, its after-sale period runs.</summary>
[Stored("commission-frozen")]
internal sealed record CommissionFrozen(DateTimeOffset AvailableAt) : CommissionEvent;

/// <summary>The after-sale period is over.</summary>
[Stored("commission-available")]
internal sealed record CommissionReleased : CommissionEvent;

/// <summary>The earner's ledger has the entries.</summary>
/// <param name="Through">the last step that is posted</param>
/// <param name="Given">all that the earner was ever given, as the ledger says</param>
/// <param name="TakenBack">what of that was taken back</param>
/// <param name="TellsEarner">a reversal is among them: the earner's trust follows</param>
[Stored("steps-posted")]
internal sealed record StepsPosted(CommissionLevel Level, int Through, Money Given, Money TakenBack, bool TellsEarner) : CommissionEvent;

/// <summary>Something owed was delivered and there is nothing more to say about it.</summary>
[Stored("debt-settled")]
internal sealed record EarnerTold(string What, Guid About) : CommissionEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SaleNoted))]
[JsonSerializable(typeof(SaleChanged))]
[JsonSerializable(typeof(ShopAnswered))]
[JsonSerializable(typeof(PromoterAnswered))]
[JsonSerializable(typeof(SkuAnswered))]
[JsonSerializable(typeof(UplineAsked))]
[JsonSerializable(typeof(UplineAnswered))]
[JsonSerializable(typeof(CommissionGranted))]
[JsonSerializable(typeof(CommissionDenied))]
[JsonSerializable(typeof(CommissionReversed))]
[JsonSerializable(typeof(CommissionFrozen))]
[JsonSerializable(typeof(CommissionReleased))]
[JsonSerializable(typeof(StepsPosted))]
[JsonSerializable(typeof(EarnerTold))]
[JsonSerializable(typeof(CommissionState))]
internal sealed partial class CommissionJson : JsonSerializerContext;
