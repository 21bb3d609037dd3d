using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.FlashSale;

/// <summary>A sale has the id of its campaign: there is one, and its occurrences follow one another in it.</summary>
[JsonConverter(typeof(IdJson<FlashSaleId>))]
public readonly record struct FlashSaleId(Guid Value) : IId<FlashSaleId>
{
    public static FlashSaleId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out FlashSaleId id) => Ids.TryParse(text, out id);

    public GrainId In(ShopId shop) => new("flash-sale", shop, Value);

    public override string ToString() => Value.ToString("N");
}

/// <summary><c>Scheduled → Running ⇄ Paused → Ended</c>, or <c>Killed</c>. A weekly sale is <c>Scheduled</c> again between two occurrences.</summary>
public enum FlashSaleStatus
{
    Scheduled = 1,
    Running = 2,
    Paused = 3,
    Ended = 4,
    Killed = 5,
}

/// <summary>When a sale takes place each week, in the shop's time zone.</summary>
/// <param name="Day">1–7, Monday is 1</param>
/// <param name="Time">when it begins, such as <c>20:00</c></param>
/// <param name="Minutes">how long it lasts, 1–1,440</param>
public sealed record WeeklySlot(int Day, string Time, int Minutes);

/// <summary>The rules of a flash sale, frozen at publication. The quota is that of one occurrence.</summary>
/// <remarks>What has a default is <c>set</c>, not <c>init</c>: generated JSON code gives a missing <c>init</c> property zero instead of its default.</remarks>
public sealed record FlashSaleTerms : CampaignTerms
{
    /// <summary>0 is allowed: such an order is paid at once.</summary>
    public required long SalePriceFen { get; init; }

    /// <summary>Units that one shopper may hold or have bought in one occurrence, 1–10,000.</summary>
    public int PerUserLimit { get; set; } = 1;

    /// <summary>How long an unpaid order keeps its units, 1–3,600 s.</summary>
    public int HoldSeconds { get; set; } = 900;

    /// <summary>Null for a sale that takes place once, in the campaign's window.</summary>
    public WeeklySlot? WeeklySlot { get; init; }

    // The attribute is not inherited by an override, so each of these repeats it.
    [JsonIgnore]
    public override string Kind => "flash-sale";

    [JsonIgnore]
    public override bool TakesPlaceAtEntry => false;

    [JsonIgnore]
    public override long PriceFen => SalePriceFen;

    [JsonIgnore]
    public override bool IsOneParticipation => true;

    public override IEnumerable<Finding> Bounds() => [.. base.Bounds(), .. FlashSalePublication.Bounds(this)];

    public override IEnumerable<Finding> Check(CampaignPlan plan, PublicationFacts facts) => FlashSalePublication.Check(this, plan, facts);

    public override Owed Reserve(QuotaWish wish) => new(
        Participation(wish.Shop, wish.Campaign.Value),
        new PrepareSale(wish.Request, wish.Campaign, wish.Revision, wish.Plan.Sku, wish.Facts.SkuTitle, wish.Facts.ListPrice, this, wish.Facts.TimeZone, wish.Plan.StartsAt, wish.Plan.EndsAt, wish.Total, wish.AskedAt));

    public override GrainId Participation(ShopId shop, Guid id) => FlashSaleId.Of(id).In(shop);
}

/// <summary>A flash sale (秒杀): so many units of one SKU at a low price, in a short window, to whoever comes first.</summary>
/// <param name="Left">units that can be taken now; before an occurrence has its units, those it will ask for</param>
/// <param name="Quota">units of this occurrence in all</param>
/// <param name="StartsAt">of the occurrence that runs or comes next; of the last one when all are over</param>
/// <param name="NextStartsAt">of the occurrence after it</param>
public sealed record FlashSaleView(
    CampaignId CampaignId,
    FlashSaleStatus State,
    SkuId Sku,
    string Title,
    long ListPriceFen,
    long SalePriceFen,
    int Left,
    int Quota,
    int PerUserLimit,
    DateTimeOffset StartsAt,
    DateTimeOffset EndsAt,
    DateTimeOffset? NextStartsAt,
    DateTimeOffset ServerTime);

/// <summary>
/// From the campaign: sets how many units each occurrence may sell, and makes the sale the first time. Answered when the stock keeps the units of the
/// current occurrence, with the quota that holds: it never goes below the units that are held or sold. Refused <c>SoldOut</c> if the stock has
/// not enough, <c>CampaignNotRunning</c> if no occurrence is left. Idempotent by <paramref name="Request"/>.
/// </summary>
/// <param name="TimeZone">the shop's, in which the weekly slot is meant</param>
/// <param name="StartsAt">of the campaign</param>
/// <param name="AskedAt">what is not newer than the campaign's last wish is a copy and changes nothing</param>
public sealed record PrepareSale(
    Guid Request,
    CampaignId Campaign,
    int Revision,
    SkuId Sku,
    string Title,
    Money ListPrice,
    FlashSaleTerms Terms,
    string TimeZone,
    DateTimeOffset StartsAt,
    DateTimeOffset EndsAt,
    int Total,
    DateTimeOffset AskedAt = default) : ICommand<ReservedStock>;

/// <summary>
/// Takes units and opens the order for them; answered when it is open. Refused <c>CampaignKilled</c>, <c>CampaignPaused</c>, <c>CampaignNotRunning</c>,
/// <c>PurchaseLimit</c>, <c>SoldOut</c>; <c>WrongState</c> for an order that was over long ago. Idempotent by order.
/// </summary>
/// <param name="Quantity">1–10,000</param>
public sealed record TakeUnits(OrderId Order, ShopperId Shopper, int Quantity) : ICommand<Done>;

public sealed record GetFlashSale : ICommand<FlashSaleView>;

public sealed record GetTakers : ICommand<SaleTakers>;

/// <summary>Who has taken units in the current occurrence, whatever became of them.</summary>
/// <param name="Shoppers">null if there are more than <see cref="Max"/>: they are copied on the sale's own time</param>
public sealed record SaleTakers(ISet<Guid>? Shoppers)
{
    public const int Max = 10_000;
}
