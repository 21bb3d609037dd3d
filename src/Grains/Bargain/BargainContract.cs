using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Bargain;

[JsonConverter(typeof(IdJson<BargainId>))]
public readonly record struct BargainId(Guid Value) : IId<BargainId>
{
    public static BargainId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out BargainId id) => Ids.TryParse(text, out id);

    public GrainId In(ShopId shop) => new("bargain", shop, Value);

    public override string ToString() => Value.ToString("N");
}

/// <summary><c>Running → Succeeded → Ordered → Paid</c>, or an end without a sale. An unpaid order puts <c>Ordered</c> back.</summary>
public enum BargainStatus
{
    Running = 1,
    Succeeded = 2,
    Ordered = 3,
    Paid = 4,
    Expired = 5,
    Cancelled = 6,
    Lapsed = 7,
    SoldOut = 8,
}

public enum BargainRefusal
{
    [Refuses(RefusalKind.State, "活动已暂停，请稍后再来", "The campaign is paused; come back later.")]
    CampaignPaused = 1,

    [Refuses(RefusalKind.State, "这个砍价已经结束", "This bargain is not running any more.")]
    BargainNotRunning = 2,

    [Refuses(RefusalKind.Rights, "不能给自己助力", "You cannot help your own bargain.")]
    SelfAssistNotAllowed = 3,

    [Refuses(RefusalKind.Rights, "该设备为此砍价助力的次数已达上限", "This device has helped this bargain as often as it may.")]
    DeviceLimitReached = 4,

    [Refuses(RefusalKind.State, "名额已抢完", "Sold out: no places are left.")]
    SoldOut = 5,

    [Refuses(RefusalKind.Rights, "只有发起人可以下单", "Only the one who started the bargain may order.")]
    NotOwner = 6,

    [Refuses(RefusalKind.State, "还没有砍到可以购买的价格", "The price has not been earned.")]
    PriceNotEarned = 7,

    [Refuses(RefusalKind.State, "已经下过单了", "This bargain has been ordered already.")]
    AlreadyOrdered = 8,

    [Refuses(RefusalKind.State, "该砍价取消订单的次数过多，不能再下单", "Too many orders of this bargain came to nothing; it cannot be ordered again.")]
    OrderLimitReached = 9,
}

public enum CutCurve
{
    [JsonStringEnumMemberName("even")]
    Even = 1,

    [JsonStringEnumMemberName("front-loaded")]
    FrontLoaded = 2,

    [JsonStringEnumMemberName("random")]
    Random = 3,
}

public enum ReservationPolicy
{
    [JsonStringEnumMemberName("at-launch")]
    AtLaunch = 1,

    [JsonStringEnumMemberName("at-success")]
    AtSuccess = 2,
}

/// <summary>The rules of a bargain campaign, frozen at publication.</summary>
/// <remarks>What has a default is <c>set</c>, not <c>init</c>: generated JSON code gives a missing <c>init</c> property zero instead of its default.</remarks>
public sealed record BargainTerms : CampaignTerms
{
    public required long FloorFen { get; init; }

    /// <summary>N, the assists needed, 1–200. Stated before the start and never changed.</summary>
    public required int AssistsNeeded { get; init; }

    public CutCurve Curve { get; set; } = CutCurve.Even;

    public long MinCutFen { get; set; } = 1;

    /// <summary>60–10,080 minutes.</summary>
    public required int TtlMinutes { get; init; }

    /// <summary>How long an earned price can be ordered, 1–10,080 minutes.</summary>
    public int PayWindowMinutes { get; set; } = 1_440;

    public bool BuyAtAnyPrice { get; set; }

    /// <summary>The owner's own cut, made at launch; takes slot 1 and none of the owner's daily assists.</summary>
    public bool SelfCut { get; set; }

    /// <summary>Slots that a new customer's assist takes, 1–5.</summary>
    public int NewUserWeight { get; set; } = 1;

    public ReservationPolicy Reservation { get; set; } = ReservationPolicy.AtLaunch;

    /// <summary>1–100.</summary>
    public int LaunchesPerUser { get; set; } = 1;

    // The attribute is not inherited by an override, so each of these repeats it.
    [JsonIgnore]
    public override string Kind => "bargain";

    [JsonIgnore]
    public override bool TakesPlaceAtEntry => Reservation == ReservationPolicy.AtLaunch;

    [JsonIgnore]
    public override long PriceFen => FloorFen;

    [JsonIgnore]
    public override int? EntriesPerShopper => LaunchesPerUser;

    public override IEnumerable<Finding> Bounds() => [.. base.Bounds(), .. BargainPublication.Bounds(this)];

    public override IEnumerable<Finding> Check(CampaignPlan plan, PublicationFacts facts) => BargainPublication.Check(this, plan, facts);

    public override Owed Start(Admission admission) => new(
        BargainId.Of(admission.Id).In(admission.Shop),
        new StartBargain(admission.Campaign, admission.Revision, admission.Owner, admission.Plan.Sku, admission.Facts.SkuTitle, admission.Facts.ListPrice, this, admission.Plan.EndsAt));

    public override GrainId Participation(ShopId shop, Guid id) => BargainId.Of(id).In(shop);
}

/// <param name="Slot">the first slot this assist took, from 1</param>
public sealed record BargainHelper(ShopperId ShopperId, int Slot, int SlotsUsed, long CutFen, DateTimeOffset At);

/// <summary>One shopper's bargain (砍价): friends cut the price of one SKU from the list price towards the floor.</summary>
public sealed record BargainView(
    BargainId Id,
    CampaignId CampaignId,
    ShopperId OwnerId,
    SkuId Sku,
    BargainStatus State,
    long ListPriceFen,
    long FloorFen,
    long PriceFen,
    long LeftFen,
    int Slots,
    int SlotsLeft,
    IReadOnlyList<BargainHelper> Helpers,
    DateTimeOffset StartedAt,
    DateTimeOffset EndsAt,
    DateTimeOffset? PayBefore,
    OrderId? OrderId,
    string Commitment,
    DateTimeOffset ServerTime);

/// <summary>What one assist (助力) did.</summary>
public sealed record AssistResult(long CutFen, int SlotsUsed, long PriceFen, long LeftFen, int SlotsLeft, BargainStatus State);

/// <param name="FirstSlot">from 1</param>
public sealed record HelperSlots(ShopperId ShopperId, int FirstSlot, int SlotsUsed);

/// <summary>The live event <c>cut</c>: one assist as those who watch see it.</summary>
public sealed record BargainCut(ShopperId ShopperId, int Slot, int SlotsUsed, long CutFen, long PriceFen, long LeftFen, int SlotsLeft, DateTimeOffset At);

/// <summary>The evidence that the cut plan was fixed at launch: hash it again and compare. <c>Seed</c>, <c>Slots</c> and <c>HelperSlots</c> once revealed.</summary>
public sealed record BargainProof(string Version, string Commitment, string Parameters, string? Seed, IReadOnlyList<long>? Slots, IReadOnlyList<HelperSlots>? HelperSlots);

/// <summary>From the campaign: begins the bargain. A repeat changes nothing. Draws 32 bytes for the plan.</summary>
public sealed record StartBargain(CampaignId Campaign, int Revision, ShopperId Owner, SkuId Sku, string Title, Money ListPrice, BargainTerms Terms, DateTimeOffset CampaignEndsAt) : ICommand<Done>;

public sealed record GetBargain : ICommand<BargainView>;

public sealed record GetProof : ICommand<BargainProof>;

/// <summary>Would this helper's assist be taken? Decides nothing: it keeps hopeless assists from being written at all. <c>null</c> inside means "go on".</summary>
public sealed record CheckAssist(ShopperId Helper, string? Device) : ICommand<AssistCheck>;

/// <param name="First">the result of this helper's assist if it was made before</param>
public sealed record AssistCheck(AssistResult? First);

/// <summary>From the helper's shopper grain: the cut itself. A repeat by the same helper is answered with the first result.</summary>
/// <param name="IsNew">a new customer's assist takes <c>newUserWeight</c> slots</param>
/// <param name="Device">at most <see cref="HelpersPerDeviceMax"/> helpers of one bargain may share a device</param>
/// <param name="PledgedAt">what was pledged before the bargain last began to take assists again was refused then</param>
public sealed record ApplyAssist(ShopperId Helper, bool IsNew, string? Device, DateTimeOffset PledgedAt = default) : ICommand<AssistResult>
{
    public const int HelpersPerDeviceMax = 3;
}

/// <summary>Orders at the price earned, or at the current price where the campaign allows it. Answered when the order is open. Idempotent by order.</summary>
/// <param name="ListPriceNow">the SKU's list price now: nobody pays more</param>
public sealed record OrderBargain(OrderId Order, ShopperId Buyer, Money ListPriceNow, int PaymentWindowMinutes) : ICommand<Done>
{
    /// <summary>How many orders of one bargain may come to nothing before it takes no more: each is remembered, so that a repeat is known.</summary>
    public const int LostOrdersMax = 100;
}
