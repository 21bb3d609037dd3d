using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.GroupBuy;

[JsonConverter(typeof(IdJson<GroupRoomId>))]
public readonly record struct GroupRoomId(Guid Value) : IId<GroupRoomId>
{
    public static GroupRoomId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out GroupRoomId id) => Ids.TryParse(text, out id);

    public GrainId In(ShopId shop) => new("group-room", shop, Value);

    public override string ToString() => Value.ToString("N");
}

/// <summary><c>Open → Completed</c>, <c>Failed</c> at the deadline, or <c>Cancelled</c> when the campaign is killed or nobody is left.</summary>
public enum GroupRoomStatus
{
    Open = 1,
    Completed = 2,
    Failed = 3,
    Cancelled = 4,
}

public enum GroupBuyRefusal
{
    [Refuses(RefusalKind.State, "这个团已经结束", "This group is over.")]
    RoomClosed = 1,

    [Refuses(RefusalKind.State, "您已经在这个团里了", "You are a member of this group already.")]
    AlreadyMember = 2,

    [Refuses(RefusalKind.Rights, "本活动只限新客参团", "Only new customers may join this group.")]
    NewCustomersOnly = 3,

    [Refuses(RefusalKind.State, "这个团已经满员", "This group is full.")]
    RoomFull = 4,
}

/// <summary>Who may join a room. Its founder may always be anybody: old customers bring new ones.</summary>
public enum GroupAudience
{
    [JsonStringEnumMemberName("anyone")]
    Anyone = 1,

    [JsonStringEnumMemberName("new-customers")]
    NewCustomers = 2,
}

/// <summary>What becomes of money that comes after its seat was given back and that this room cannot take.</summary>
public enum LatePaymentPolicy
{
    [JsonStringEnumMemberName("reroute")]
    Reroute = 1,

    [JsonStringEnumMemberName("refund")]
    Refund = 2,
}

/// <summary>A step of the ladder (阶梯团): from so many paid members on everybody pays this price; what was paid above it is refunded at the close.</summary>
/// <param name="Size">paid members, above the size of the group, at most 50</param>
/// <param name="PriceFen">of one unit</param>
public sealed record LadderStep(int Size, long PriceFen);

/// <summary>A room that is short of members at its deadline is completed all the same. Those who are missing are shown as missing and own nothing.</summary>
/// <param name="RealMembers">paid members that it takes, 1 to size − 1</param>
public sealed record VirtualCompletion(int RealMembers);

/// <summary>The rules of a group-buy campaign, frozen at publication. Its quota counts units.</summary>
/// <remarks>What has a default is <c>set</c>, not <c>init</c>: generated JSON code gives a missing <c>init</c> property zero instead of its default.</remarks>
public sealed record GroupBuyTerms : CampaignTerms
{
    public const int SizeMin = 2;
    public const int SizeMax = 50;

    /// <summary>What a member pays for one unit.</summary>
    public required long GroupPriceFen { get; init; }

    /// <summary>What the founder pays for one unit, if that is less.</summary>
    public long? LeaderPriceFen { get; set; }

    /// <summary>N, the paid members that complete a room, 2–50.</summary>
    public required int Size { get; init; }

    /// <summary>10–10,080 minutes.</summary>
    public required int TtlMinutes { get; init; }

    /// <summary>Units that one shopper may buy over all rooms of the campaign, 1–10,000.</summary>
    public int PerUserLimit { get; set; } = 1;

    public GroupAudience Audience { get; set; } = GroupAudience.Anyone;

    public LatePaymentPolicy LatePayment { get; set; } = LatePaymentPolicy.Refund;

    /// <summary>How long a seat is kept for its payment, 1–1,440 minutes; the shop's payment window if not set.</summary>
    public int? SeatHoldMinutes { get; set; }

    public IReadOnlyList<LadderStep>? Ladder { get; set; }

    public VirtualCompletion? VirtualCompletion { get; set; }

    /// <summary>The most members a room can have.</summary>
    [JsonIgnore]
    public int Capacity => Ladder is [.., var last] ? last.Size : Size;

    // The attribute is not inherited by an override, so each of these repeats it.
    [JsonIgnore]
    public override string Kind => "group-buy";

    [JsonIgnore]
    public override bool TakesPlaceAtEntry => false;

    [JsonIgnore]
    public override long PriceFen => GroupPriceFen;

    [JsonIgnore]
    public override int UnitsPerShopper => PerUserLimit;

    [JsonIgnore]
    public override HealthBand HealthyParticipationPercent => new(30, 40);

    [JsonIgnore]
    public override HealthBand HealthyHops => new(1, 2);

    /// <summary>What everybody pays for one unit when so many members have paid.</summary>
    public long PriceAt(int paid)
    {
        var price = GroupPriceFen;
        foreach (var step in Ladder ?? [])
            if (paid >= step.Size) price = step.PriceFen;
        return price;
    }

    public override IEnumerable<Finding> Bounds() => [.. base.Bounds(), .. GroupBuyPublication.Bounds(this)];

    public override IEnumerable<Finding> Check(CampaignPlan plan, PublicationFacts facts) => GroupBuyPublication.Check(this, plan, facts);

    public override GrainId Participation(ShopId shop, Guid id) => GroupRoomId.Of(id).In(shop);

    // A ladder is equal to another with the same steps, so that the same draft written twice is a repeat.
    public bool Equals(GroupBuyTerms? other) =>
        base.Equals(other)
        && (GroupPriceFen, LeaderPriceFen, Size, TtlMinutes, PerUserLimit) == (other.GroupPriceFen, other.LeaderPriceFen, other.Size, other.TtlMinutes, other.PerUserLimit)
        && (Audience, LatePayment, SeatHoldMinutes, VirtualCompletion) == (other.Audience, other.LatePayment, other.SeatHoldMinutes, other.VirtualCompletion)
        && (Ladder is null ? other.Ladder is null : other.Ladder is not null && Ladder.SequenceEqual(other.Ladder));

    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), GroupPriceFen, Size, TtlMinutes);
}

/// <param name="Paid">false while the seat is held for a payment</param>
public sealed record GroupMember(ShopperId ShopperId, bool Paid);

/// <summary>A room (拼团): so many people buy one SKU at the group's price, or everybody gets the money back.</summary>
/// <param name="Capacity">the most members it can have: <paramref name="Size"/>, or the last step of the ladder</param>
/// <param name="Held">members whose payment is awaited; those who have paid are not among them</param>
/// <param name="SeatsLeft">seats that can be taken now</param>
/// <param name="PriceFen">of one unit: by the members who have paid so far, or the final one</param>
/// <param name="VirtualMembers">how many were missing when it was completed all the same; nobody stands behind them</param>
public sealed record GroupRoomView(
    GroupRoomId Id,
    CampaignId CampaignId,
    ShopperId LeaderId,
    GroupRoomStatus State,
    SkuId Sku,
    int Size,
    int Capacity,
    int Paid,
    int Held,
    int SeatsLeft,
    IReadOnlyList<GroupMember> Members,
    int VirtualMembers,
    long ListPriceFen,
    long PriceFen,
    IReadOnlyList<LadderStep>? Ladder,
    DateTimeOffset StartedAt,
    DateTimeOffset EndsAt,
    DateTimeOffset ServerTime);

public sealed record GetGroupRoom : ICommand<GroupRoomView>;

/// <summary>
/// Takes a seat, claims its units of the quota and opens its order; answered when the order is open. Refused <c>RoomClosed</c>,
/// <c>AlreadyMember</c>, <c>NewCustomersOnly</c>, <c>RoomFull</c>, or as the campaign and the stock refuse. Idempotent by order.
/// </summary>
/// <param name="Quantity">1–10,000 units</param>
/// <param name="IsNew">a new customer at this moment</param>
/// <param name="PaymentWindowMinutes">the shop's, 1–1,440</param>
/// <param name="Founds">the campaign, if this seat may be the first of a new room; null to join a room that is there</param>
public sealed record HoldSeat(OrderId Order, ShopperId Shopper, int Quantity, bool IsNew, int PaymentWindowMinutes, CampaignId? Founds = null) : ICommand<Done>;

/// <summary>Would this seat be taken? Decides nothing: it keeps hopeless seats from being written at all.</summary>
public sealed record CheckSeat(HoldSeat Seat) : ICommand<SeatCheck>;

/// <param name="IsKnown">this order has, or had, a seat: the answer is the first one</param>
public sealed record SeatCheck(CampaignId Campaign, bool IsKnown);
