using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.GroupBuy;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record GroupRoomEvent;

/// <summary>A seat is taken, and the campaign is asked for its units.</summary>
/// <param name="Founds">the first seat: there is a room if the campaign says yes</param>
/// <param name="IsLate">its order is there already and has late money</param>
[Stored("group-seat-claimed")]
internal sealed record SeatClaimed(CampaignId Campaign, OrderId Order, ShopperId Shopper, int Quantity, int PaymentWindowMinutes, bool Founds, bool IsLate, DateTimeOffset At, DateTimeOffset OfferedAt = default) : GroupRoomEvent;

/// <summary>There was no seat for late money: a copy of the offer may come when there is.</summary>
[Stored("late-seat-refused")]
internal sealed record LateSeatRefused(OrderId Order, DateTimeOffset OfferedAt) : GroupRoomEvent;

/// <summary>The campaign has let the room in.</summary>
[Stored("group-room-opened")]
internal sealed record GroupRoomOpened(
    GroupRoomId Id,
    CampaignId Campaign,
    int Revision,
    ShopperId Founder,
    SkuId Sku,
    string Title,
    long ListPriceFen,
    GroupBuyTerms Terms,
    DateTimeOffset EndsAt,
    DateTimeOffset At) : GroupRoomEvent;

/// <summary>The units are claimed; the order is placed next.</summary>
[Stored("group-seat-granted")]
internal sealed record SeatGranted(OrderId Order) : GroupRoomEvent;

/// <summary>The campaign or the stock said no: the seat is free again.</summary>
/// <param name="ReturnsUnits">the units were claimed already</param>
/// <param name="Leader">the leader from now on</param>
[Stored("group-seat-refused")]
internal sealed record SeatRefused(OrderId Order, Refusal Why, bool ReturnsUnits, ShopperId Leader) : GroupRoomEvent;

/// <summary>The order is open.</summary>
[Stored("group-seat-held")]
internal sealed record SeatHeld(OrderId Order, DateTimeOffset At) : GroupRoomEvent;

/// <param name="PaidFen">for all its units</param>
[Stored("group-seat-paid")]
internal sealed record SeatPaid(OrderId Order, long PaidFen, DateTimeOffset At) : GroupRoomEvent;

/// <summary>A member who had paid has left; the order gives the money back.</summary>
/// <param name="Leader">the leader from now on</param>
[Stored("group-seat-left")]
internal sealed record SeatLeft(OrderId Order, ShopperId Leader, DateTimeOffset At) : GroupRoomEvent;

/// <summary>The order came to nothing: its units go back to the quota.</summary>
/// <param name="WasMember">others saw this seat taken, and see it free now</param>
/// <param name="Leader">the leader from now on</param>
[Stored("group-seat-released")]
internal sealed record SeatReleased(OrderId Order, bool WasMember, ShopperId Leader, DateTimeOffset At) : GroupRoomEvent;

/// <summary>The campaign has the units back.</summary>
[Stored("group-units-returned")]
internal sealed record SeatUnitsReturned(OrderId Order) : GroupRoomEvent;

/// <param name="PriceFen">the final price of one unit</param>
/// <param name="VirtualMembers">how many were missing</param>
[Stored("group-room-completed")]
internal sealed record GroupRoomCompleted(long PriceFen, int VirtualMembers, DateTimeOffset At) : GroupRoomEvent;

[Stored("group-room-failed")]
internal sealed record GroupRoomFailed(DateTimeOffset At) : GroupRoomEvent;

[Stored("group-room-cancelled")]
internal sealed record GroupRoomCancelled(string Reason, DateTimeOffset At) : GroupRoomEvent;

/// <summary>The order knows that the group is complete.</summary>
[Stored("group-order-confirmed")]
internal sealed record SeatOrderConfirmed(OrderId Order) : GroupRoomEvent;

/// <summary>The campaign knows how this room ended.</summary>
[Stored("group-room-closed")]
internal sealed record GroupRoomClosed : GroupRoomEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GroupRoomState))]
[JsonSerializable(typeof(SeatClaimed))]
[JsonSerializable(typeof(GroupRoomOpened))]
[JsonSerializable(typeof(LateSeatRefused))]
[JsonSerializable(typeof(SeatGranted))]
[JsonSerializable(typeof(SeatRefused))]
[JsonSerializable(typeof(SeatHeld))]
[JsonSerializable(typeof(SeatPaid))]
[JsonSerializable(typeof(SeatLeft))]
[JsonSerializable(typeof(SeatReleased))]
[JsonSerializable(typeof(SeatUnitsReturned))]
[JsonSerializable(typeof(GroupRoomCompleted))]
[JsonSerializable(typeof(GroupRoomFailed))]
[JsonSerializable(typeof(GroupRoomCancelled))]
[JsonSerializable(typeof(SeatOrderConfirmed))]
[JsonSerializable(typeof(GroupRoomClosed))]
internal sealed partial class GroupBuyJson : JsonSerializerContext;
