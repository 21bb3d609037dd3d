using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Order;

[JsonConverter(typeof(IdJson<OrderId>))]
public readonly record struct OrderId(Guid Value) : IId<OrderId>
{
    public static OrderId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out OrderId id) => Ids.TryParse(text, out id);

    public GrainId In(ShopId shop) => new("order", shop, Value);

    public override string ToString() => Value.ToString("N");
}

/// <summary>
/// <c>Pending → Paid → Shipped → Received → Closed</c>, a group's order <c>Pending → AwaitingGroup → Paid</c>; or <c>Cancelled</c> /
/// <c>TimedOut</c>. An order that was refunded in full before it was shipped is <c>Closed</c>. Refunds stand beside the state.
/// </summary>
public enum OrderStatus
{
    Pending = 1,
    Paid = 2,
    AwaitingGroup = 3,
    Shipped = 4,
    Ready = 5,
    Received = 6,
    Closed = 7,
    Cancelled = 8,
    TimedOut = 9,
}

public enum RefundStatus
{
    Requested = 1,
    Processing = 2,
    Succeeded = 3,
    Failed = 4,
}

public enum OrderRefusal
{
    [Refuses(RefusalKind.State, "订单当前不能支付", "The order cannot be paid now.")]
    OrderNotPayable = 1,

    [Refuses(RefusalKind.State, "订单当前不能取消", "The order cannot be cancelled now.")]
    OrderNotCancellable = 2,

    [Refuses(RefusalKind.State, "拼团尚未成功，暂不能发货", "The group is not complete yet: the order cannot be shipped.")]
    AwaitingGroup = 3,
}

public sealed record OrderLine(SkuId Sku, string Title, int Quantity, long UnitPriceFen, long AmountFen);

/// <param name="FundedBy"><c>platform</c>, <c>merchant</c>, <c>supplier</c> or <c>leader</c></param>
/// <param name="AmountFen">positive</param>
public sealed record DiscountLine(string Name, string FundedBy, long AmountFen);

/// <param name="Line">the number of the line in the order, from 1</param>
/// <param name="Quantity">how many units of it</param>
public sealed record RefundedUnits(int Line, int Quantity);

/// <param name="Lines">the units that it is for; null if it is for the whole order</param>
public sealed record OrderRefund(string Id, long AmountFen, RefundStatus State, string Reason, IReadOnlyList<RefundedUnits>? Lines = null);

/// <summary>How an order was sent (发货).</summary>
/// <param name="Carrier">the name or code of the carrier, as the merchant gave it</param>
public sealed record OrderShipment(string Carrier, string TrackingNumber, DateTimeOffset ShippedAt);

/// <summary>A line of an order as it is seen.</summary>
/// <param name="Line">its number, from 1: what a refund names it by</param>
/// <param name="AmountFen">unit price × quantity</param>
/// <param name="DiscountFen">its share of the discounts, and of what a group's final price was lower</param>
/// <param name="NetFen">amount − discount: what its units give back when they are refunded</param>
/// <param name="RefundedQuantity">units that were refunded</param>
public sealed record OrderLineView(int Line, SkuId Sku, string Title, int Quantity, long UnitPriceFen, long AmountFen, long DiscountFen, long NetFen, int RefundedQuantity);

/// <summary>An order (订单). Σ lines − Σ discounts = <c>amountFen</c>; amounts come from the server alone.</summary>
/// <param name="ReceiveBefore">while it is <c>Shipped</c>: when it counts as received without the buyer's word</param>
/// <param name="Promoter">to the merchant: whose promotion brought the buyer</param>
public sealed record OrderView(
    OrderId Id,
    string Kind,
    OrderStatus State,
    IReadOnlyList<OrderLineView> Lines,
    long AmountFen,
    IReadOnlyList<DiscountLine> DiscountLines,
    DateTimeOffset PayBefore,
    DateTimeOffset? PaidAt,
    IReadOnlyList<OrderRefund> Refunds,
    DateTimeOffset ServerTime,
    OrderShipment? Shipment = null,
    DateTimeOffset? ReceiveBefore = null,
    DateTimeOffset? ReceivedAt = null,
    ShopperId? Promoter = null);

/// <summary>
/// From a mechanic: opens an order and holds its stock, all lines or none; answered when it is open, refused <c>SoldOut</c> when the
/// stock is not there. Idempotent by order. An order over 0 fen is paid at once.
/// </summary>
/// <param name="Source">the grain that is told <see cref="OrderPaid"/> or <see cref="OrderReleased"/>; null for a plain order</param>
/// <param name="Purpose">the reservation that the stock is held out of: a campaign's, or a sale day's</param>
/// <param name="PaymentWindowMinutes">how long it waits for its payment, 1–1,440</param>
/// <param name="HoldSeconds">if above 0, how long it waits instead, 1–3,600</param>
/// <param name="AwaitsGroup">once paid it is <c>AwaitingGroup</c> until its source says <see cref="ConfirmGroup"/> or <see cref="VoidOrder"/></param>
/// <param name="AsksLate">money that comes after it has timed out is offered to its source (<see cref="OfferLatePayment"/>) before it is given back</param>
/// <param name="EarnsCommission">false if nobody earns a commission by it, whoever promoted the buyer</param>
/// <param name="WantedAt">when the source wanted it: what the stock has refused since is not placed once more by a copy of that message; default for a plain order</param>
public sealed record PlaceOrder(
    ShopperId Buyer,
    string Kind,
    GrainId? Source,
    Guid? Purpose,
    IReadOnlyList<OrderLine> Lines,
    IReadOnlyList<DiscountLine> Discounts,
    int PaymentWindowMinutes,
    int HoldSeconds = 0,
    bool AwaitsGroup = false,
    bool AsksLate = false,
    bool EarnsCommission = true,
    DateTimeOffset WantedAt = default) : ICommand<Done>;

/// <summary>The order, for its buyer alone (<c>NotFound</c> for others); null asks on behalf of the merchant.</summary>
public sealed record GetOrder(ShopperId? Viewer) : ICommand<OrderView>;

/// <summary>Begins a payment, or answers with the one that is open. Answered when the payment exists.</summary>
public sealed record StartPayment(PaymentId Payment, ShopperId Buyer) : ICommand<PaymentId>;

/// <summary>
/// The buyer does not want it any more. Unpaid it is cancelled at once; paid and waiting for its group, the group decides. Answered when
/// stock and source know. <c>OrderNotCancellable</c> in every other state.
/// </summary>
public sealed record CancelOrder(ShopperId Buyer, string? Reason) : ICommand<Done>;

/// <summary>
/// The merchant has sent it. Refused <c>AwaitingGroup</c> while its group is open, <c>WrongState</c> if it is not paid. The same shipment
/// again changes nothing, in any later state; another one corrects it until the order is received.
/// </summary>
/// <param name="Carrier">1–40 characters</param>
/// <param name="TrackingNumber">1–64 characters without blanks</param>
/// <param name="AfterSaleDays">how long after its receipt it stays open for after-sale, 0–90</param>
public sealed record ShipOrder(string Carrier, string TrackingNumber, int AfterSaleDays) : ICommand<Done>;

/// <summary>The buyer has it. <c>WrongState</c> if it was not shipped.</summary>
public sealed record ReceiveOrder(ShopperId Buyer) : ICommand<Done>;

/// <summary>
/// The merchant gives money back: for units at their net price, or an amount of goodwill. <c>WrongState</c> while a group decides, if
/// nothing was paid, after a year, and after 50 refunds. <c>RefundExceedsPaid</c> if it is more than is left, with the most as its limit.
/// </summary>
/// <param name="Request">named by the caller: the same request never refunds twice</param>
/// <param name="AmountFen">null means the net of <paramref name="Lines"/>, or all that is left of the order if there are none</param>
/// <param name="Lines">the units that it is for, each line once; null for the whole order</param>
/// <param name="Reason">1–80 characters: the buyer reads it in WeChat</param>
public sealed record RefundOrder(Guid Request, long? AmountFen, IReadOnlyList<RefundedUnits>? Lines, string Reason) : ICommand<Done>;

/// <summary>From a payment: money is here. Pays the order, or is refunded with a reason if the order cannot take it any more.</summary>
public sealed record TakePayment(PaymentId Payment, Money Amount) : ICommand<Done>;

/// <summary>From a payment: how a refund ended.</summary>
/// <param name="Word">higher for each word about this refund: what is not higher than the last is a copy</param>
public sealed record NoteRefund(string RefundId, RefundStatus State, int Word = 0) : ICommand<Done>;

/// <summary>To the source of an order: it is paid.</summary>
/// <param name="Amount">what was paid: less than was agreed if the list price has fallen</param>
public sealed record OrderPaid(OrderId Order, Money Amount = default) : ICommand<Done>;

/// <summary>To the source of an order: it was cancelled or timed out, and its stock is back.</summary>
/// <param name="WasLate">it came to nothing although late money had brought it back; false of the time before, which ends no place that it got by that money</param>
public sealed record OrderReleased(OrderId Order, bool WasLate = false) : ICommand<Done>;

/// <summary>From the source: the group is complete, the paid order counts.</summary>
/// <param name="Refund">what the final price is below what was paid; 0 or more, at most the amount</param>
public sealed record ConfirmGroup(Money Refund) : ICommand<Done>;

/// <summary>From the source: the order shall not be. Unpaid it is cancelled, paid and awaiting its group it is refunded in full. Answered when its stock is back.</summary>
/// <param name="By">the source that says so: one that the order has left for another has no say any more; null is always heard</param>
/// <param name="TimesOut">an unpaid order has timed out instead: money that is under way to it may still find a place</param>
public sealed record VoidOrder(string Reason, GrainId? By = null, bool TimesOut = false) : ICommand<Done>;

/// <summary>To the source: the buyer of this paid order wants to leave the group. A refusal means that it is too late.</summary>
public sealed record LeaveGroup(OrderId Order) : ICommand<Done>;

/// <summary>
/// To the source of an order that has timed out: its money is here after all. The source keeps a place for it again, or sends it on; a
/// refusal gives the money back.
/// </summary>
/// <param name="Purpose">the campaign</param>
/// <param name="OfferedAt">when the money came; each source is asked once with it, so what was answered is a copy afterwards</param>
public sealed record OfferLatePayment(OrderId Order, Guid? Purpose, ShopperId Buyer, int Quantity, DateTimeOffset OfferedAt = default) : ICommand<LatePaymentAnswer>;

/// <param name="SendOn">null if there is a place again; else who knows another source</param>
public sealed record LatePaymentAnswer(GrainId? SendOn);

/// <summary>From an order with late money, to whoever knows sources: where else may it ask?</summary>
/// <param name="Tried">the keys of those that had no place</param>
public sealed record RouteLatePayment(OrderId Order, IReadOnlyList<Guid> Tried) : ICommand<LatePaymentRoute>
{
    /// <summary>How many sources one payment is offered to.</summary>
    public const int SourcesMax = 5;
}

public sealed record LatePaymentRoute(GrainId Source);
