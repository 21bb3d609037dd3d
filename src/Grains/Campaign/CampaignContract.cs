using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Campaign;

[JsonConverter(typeof(IdJson<CampaignId>))]
public readonly record struct CampaignId(Guid Value) : IId<CampaignId>
{
    public static CampaignId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out CampaignId id) => Ids.TryParse(text, out id);

    public GrainId In(ShopId shop) => new("campaign", shop, Value);

    public override string ToString() => Value.ToString("N");
}

/// <summary><c>Draft → Scheduled → Running ⇄ Paused → Ended → Settled</c>, or <c>Killed → Settled</c> from any published state.</summary>
public enum CampaignStatus
{
    Draft = 1,
    Scheduled = 2,
    Running = 3,
    Paused = 4,
    Ended = 5,
    Killed = 6,
    Settled = 7,
}

public enum CampaignRefusal
{
    [Refuses(RefusalKind.State, "活动已终止", "The campaign was stopped for good.")]
    CampaignKilled = 1,

    [Refuses(RefusalKind.State, "活动已暂停，请稍后再来", "The campaign is paused; come back later.")]
    CampaignPaused = 2,

    [Refuses(RefusalKind.State, "活动未开始或已结束", "The campaign is not running.")]
    CampaignNotRunning = 3,

    [Refuses(RefusalKind.State, "名额已抢完", "Sold out: no places are left.")]
    SoldOut = 4,

    [Refuses(RefusalKind.Meaning, "活动不能发布，请按提示修改", "The campaign cannot be published; see the findings.")]
    NotPublishable = 5,

    [Refuses(RefusalKind.State, "活动已发布，只能调整库存名额", "A published campaign can only change its quota.")]
    NotEditable = 6,

    [Refuses(RefusalKind.State, "您在本活动的购买数量已达上限", "You have bought as many units as this campaign allows.")]
    PurchaseLimit = 7,
}

/// <summary>What a merchant writes down before publishing.</summary>
/// <param name="Title">1–120 characters</param>
/// <param name="StartsAt">in the past means "at once"</param>
public sealed record CampaignPlan(string Title, DateTimeOffset StartsAt, DateTimeOffset EndsAt, SkuId Sku, CampaignTerms Terms);

/// <summary>
/// The kind-specific part of a campaign, frozen at publication. Each mechanic derives its own and is listed here: this is the
/// registration of a mechanic with campaigns.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Bargain.BargainTerms), "bargain")]
[JsonDerivedType(typeof(FlashSale.FlashSaleTerms), "flash-sale")]
[JsonDerivedType(typeof(GroupBuy.GroupBuyTerms), "group-buy")]
public abstract record CampaignTerms
{
    public const int QuotaMax = 10_000_000;

    /// <summary>The kind in routes and views, such as <c>bargain</c>.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }

    /// <summary>How many units may be won or sold in all, 1–10,000,000.</summary>
    public required int Quota { get; init; }

    /// <summary>False if nobody earns a commission by what is bought in it. Set, not init: missing, it keeps its default.</summary>
    public bool EarnsCommission { get; set; } = true;

    /// <summary>True if admission takes a place of the quota; false if a place is claimed at success.</summary>
    [JsonIgnore]
    public abstract bool TakesPlaceAtEntry { get; }

    /// <summary>The price a participant can reach, for lists.</summary>
    [JsonIgnore]
    public abstract long PriceFen { get; }

    /// <summary>How often one shopper may launch a participation, 1–100; null where a participation asks to be let in itself.</summary>
    [JsonIgnore]
    public virtual int? EntriesPerShopper => null;

    /// <summary>How many units one shopper may claim over all participations, where units are claimed at all.</summary>
    [JsonIgnore]
    public virtual int UnitsPerShopper => 0;

    /// <summary>Participants of 100 shoppers that the shop knows, where such a campaign is healthy.</summary>
    [JsonIgnore]
    public virtual HealthBand HealthyParticipationPercent => new(15, 25);

    /// <summary>How far a healthy campaign of this kind travels.</summary>
    [JsonIgnore]
    public virtual HealthBand HealthyHops => new(2, 3);

    /// <summary>True if one grain with the campaign's own id is the whole campaign and keeps the quota, such as a sale.</summary>
    [JsonIgnore]
    public virtual bool IsOneParticipation => false;

    /// <summary>Every value of these terms that is out of its bounds: such terms cannot even be a draft.</summary>
    public virtual IEnumerable<Finding> Bounds() => Within("rules.quota", Quota, 1, QuotaMax);

    /// <summary>Everything that speaks against publishing, and what is worth knowing.</summary>
    public abstract IEnumerable<Finding> Check(CampaignPlan plan, PublicationFacts facts);

    /// <summary>The message that starts a participation which a shopper launched (a bargain).</summary>
    public virtual Owed Start(Admission admission) => throw new UnreachableException($"A {Kind} is not launched.");

    /// <summary>The message that sets how many units the campaign may sell in all: to the SKU's stock, or to whoever keeps the quota. Answered <see cref="ReservedStock"/>.</summary>
    public virtual Owed Reserve(QuotaWish wish) => new(wish.Plan.Sku.In(wish.Shop), new ReserveStock(wish.Campaign.Value, wish.Total, AskedAt: wish.AskedAt));

    /// <summary>The grain of a participation, for the gate messages.</summary>
    public abstract GrainId Participation(ShopId shop, Guid id);

    /// <summary>Nothing if <paramref name="value"/> is between the two bounds, else the finding that it is not.</summary>
    internal static IEnumerable<Finding> Within(string field, long value, long low, long high) =>
        value >= low && value <= high ? [] : [new("INVALID", Finding.Block, field, $"{field} is {value}; it must be from {low} to {high}.")];
}

/// <summary>What publishing has to know and a rule may not look up.</summary>
/// <param name="TimeZone">of the shop, in which its days and weeks are counted</param>
public sealed record PublicationFacts(string SkuTitle, Money ListPrice, long Available, Channel Channel, string TimeZone = "Asia/Shanghai");

/// <summary>How many units a campaign wants to sell in all, with what whoever keeps them must know.</summary>
/// <param name="Request">the change of the quota that wants it; empty for the publication</param>
/// <param name="AskedAt">later for each wish: who keeps the units knows a copy of an older one by it</param>
public sealed record QuotaWish(ShopId Shop, CampaignId Campaign, int Revision, CampaignPlan Plan, PublicationFacts Facts, int Total, Guid Request = default, DateTimeOffset AskedAt = default);

/// <summary>A participation that the campaign let in, with the revision it keeps.</summary>
public sealed record Admission(ShopId Shop, CampaignId Campaign, int Revision, CampaignPlan Plan, PublicationFacts Facts, Guid Id, ShopperId Owner);

public sealed record CampaignQuota(int Total, int Left);

/// <summary>To the one participation that keeps the campaign's quota: how many units are there, and left?</summary>
public sealed record GetQuota : ICommand<CampaignQuota>;

/// <summary>A campaign (活动) as the merchant sees it.</summary>
public sealed record CampaignView(
    CampaignId Id,
    string Kind,
    string Title,
    CampaignStatus State,
    int Revision,
    SkuId Sku,
    DateTimeOffset StartsAt,
    DateTimeOffset EndsAt,
    CampaignTerms Rules,
    CampaignQuota Quota,
    long ListPriceFen,
    IReadOnlyList<Finding> Findings);

/// <summary>Makes the draft, or replaces it whole while it is one (<c>NotEditable</c> afterwards). Refused <c>Invalid</c> for values out of bounds.</summary>
public sealed record DraftCampaign(CampaignPlan Plan) : ICommand<CampaignView>;

public sealed record GetCampaign : ICommand<CampaignView>;

/// <summary>Validates (all findings at once), reserves the quota out of the SKU's stock and freezes a revision. <c>WrongState</c> if already published.</summary>
public sealed record PublishCampaign(Guid Request, PublicationFacts Facts) : ICommand<CampaignView>, IOnce;

/// <summary>Stops launches, assists, joins and takes; what runs keeps its deadlines. Answered when every participation knows.</summary>
public sealed record PauseCampaign(Guid Request, string Reason) : ICommand<CampaignView>, IOnce;

public sealed record ResumeCampaign(Guid Request, string Reason) : ICommand<CampaignView>, IOnce;

/// <summary>The kill switch: ends participation for good and still settles what was earned. Answered when every participation knows.</summary>
public sealed record KillCampaign(Guid Request, string Reason) : ICommand<CampaignView>, IOnce;

/// <summary>Adds to the quota while selling; never goes below the places already taken. Refused <c>SoldOut</c> if the SKU has not that much stock.</summary>
public sealed record ChangeQuota(Guid Request, int Delta) : ICommand<CampaignView>, IOnce;

/// <summary>Would this participation be let in? Decides nothing: it keeps hopeless launches from being written at all. Answered with the campaign.</summary>
public sealed record CheckAdmission(Guid Participation) : ICommand<CampaignView>;

/// <summary>Lets one participation in and starts it; answered when it has started. Idempotent by <paramref name="Participation"/>.</summary>
/// <param name="AskedAt">when its owner launched it; what is not newer than what was refused, or is over, is a copy</param>
public sealed record Admit(Guid Participation, ShopperId Owner, DateTimeOffset AskedAt = default) : ICommand<Done>;

/// <summary>Takes a place of the quota for a participation that is about to succeed. Idempotent by participation.</summary>
public sealed record ClaimPlace(Guid Participation) : ICommand<Done>;

/// <summary>
/// From a participation: takes units of the quota for an order, and lets the participation in if it is new. Refused <c>CampaignKilled</c>,
/// <c>CampaignPaused</c>, <c>CampaignNotRunning</c>, <c>PurchaseLimit</c>, <c>SoldOut</c>. Idempotent by order until the units are returned.
/// </summary>
/// <param name="Owner">who buys, and whose participation it is if it is new</param>
/// <param name="Units">1–10,000</param>
/// <param name="AskedAt">when the participation asked; a participation may ask for the same order again when the last claim is over</param>
public sealed record ClaimUnits(Guid Order, Guid Participation, ShopperId Owner, int Units, DateTimeOffset AskedAt = default) : ICommand<Admission>;

/// <summary>Would this claim be granted? Decides nothing: it keeps hopeless seats from being written at all. Answered with the campaign.</summary>
public sealed record CheckUnits(ClaimUnits Claim) : ICommand<CampaignView>;

/// <summary>From a participation: the order came to nothing, its units are free again. Idempotent.</summary>
/// <param name="AskedAt">of the claim that is meant: a newer one, and one of another participation, stays</param>
public sealed record ReturnUnits(Guid Order, Guid Participation, DateTimeOffset AskedAt = default) : ICommand<Done>;

/// <summary>
/// A participation is over. Its place is used up if <paramref name="Used"/>, else free again; the units of <paramref name="Sold"/> are sold.
/// Idempotent.
/// </summary>
public sealed record CloseParticipation(Guid Participation, bool Used, IReadOnlyList<Guid>? Sold = null) : ICommand<Done>;

/// <summary>From the campaign to each running participation: pause or resume.</summary>
/// <param name="Number">higher for each pause and resumption: what is not higher than the last is a copy and changes nothing</param>
public sealed record SetPaused(bool Paused, int Number = 0) : ICommand<Done>;

/// <summary>From the campaign to each running participation: the kill switch was used.</summary>
public sealed record CancelParticipation : ICommand<Done>;
