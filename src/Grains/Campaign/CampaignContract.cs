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
public abstract record CampaignTerms
{
    public const int QuotaMax = 10_000_000;

    /// <summary>The kind in routes and views, such as <c>bargain</c>.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }

    /// <summary>How many units may be won or sold in all, 1–10,000,000.</summary>
    public required int Quota { get; init; }

    /// <summary>True if admission takes a place of the quota; false if a place is claimed at success.</summary>
    [JsonIgnore]
    public abstract bool TakesPlaceAtEntry { get; }

    /// <summary>The price a participant can reach, for lists.</summary>
    [JsonIgnore]
    public abstract long PriceFen { get; }

    /// <summary>How often one shopper may take part, 1–100.</summary>
    [JsonIgnore]
    public abstract int EntriesPerShopper { get; }

    /// <summary>Every value of these terms that is out of its bounds: such terms cannot even be a draft.</summary>
    public virtual IEnumerable<Finding> Bounds() => Within("rules.quota", Quota, 1, QuotaMax);

    /// <summary>Everything that speaks against publishing, and what is worth knowing.</summary>
    public abstract IEnumerable<Finding> Check(CampaignPlan plan, PublicationFacts facts);

    /// <summary>The message that starts a participation (a bargain, a room).</summary>
    public abstract Owed Start(Admission admission);

    /// <summary>The grain of a participation, for the gate messages.</summary>
    public abstract GrainId Participation(ShopId shop, Guid id);

    /// <summary>Nothing if <paramref name="value"/> is between the two bounds, else the finding that it is not.</summary>
    internal static IEnumerable<Finding> Within(string field, long value, long low, long high) =>
        value >= low && value <= high ? [] : [new("INVALID", Finding.Block, field, $"{field} is {value}; it must be from {low} to {high}.")];
}

/// <summary>What publishing has to know and a rule may not look up.</summary>
public sealed record PublicationFacts(string SkuTitle, Money ListPrice, long Available, Channel Channel);

/// <summary>A participation that the campaign let in, with the revision it keeps.</summary>
public sealed record Admission(ShopId Shop, CampaignId Campaign, int Revision, CampaignPlan Plan, PublicationFacts Facts, Guid Id, ShopperId Owner);

public sealed record CampaignQuota(int Total, int Left);

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
public sealed record Admit(Guid Participation, ShopperId Owner) : ICommand<Done>;

/// <summary>Takes a place of the quota for a participation that is about to succeed. Idempotent by participation.</summary>
public sealed record ClaimPlace(Guid Participation) : ICommand<Done>;

/// <summary>A participation is over. Its place is used up if <paramref name="Used"/>, else free again. Idempotent.</summary>
public sealed record CloseParticipation(Guid Participation, bool Used) : ICommand<Done>;

/// <summary>From the campaign to each running participation: pause or resume.</summary>
public sealed record SetPaused(bool Paused) : ICommand<Done>;

/// <summary>From the campaign to each running participation: the kill switch was used.</summary>
public sealed record CancelParticipation : ICommand<Done>;
