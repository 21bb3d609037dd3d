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
/// <c>Pending → Paid</c>, a group's order <c>Pending → AwaitingGroup → Paid</c>; or <c>Cancelled</c> / <c>TimedOut</c>.
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
}

public sealed record OrderLine(SkuId Sku, string Title, int Quantity, long UnitPriceFen, long AmountFen);

/// <param name="FundedBy"><c>platform</c>, <c>merchant</c>, <c>supplier</c> or <c>leader</c></param>
/// <param name="AmountFen">positive</param>
public sealed record DiscountLine(string Name, string FundedBy, long AmountFen);

public sealed record OrderRefund(string Id, long AmountFen, RefundStatus State, string Reason);

/// <summary>An order (订单). Σ lines − Σ discounts = <c>amountFen</c>; amounts come from the server alone.</summary>
public sealed record OrderView(
    OrderId Id,
    string Kind,
    OrderStatus State,
    IReadOnlyList<OrderLine> Lines,
    long AmountFen,
    IReadOnlyList<DiscountLine> DiscountLines,
    DateTimeOffset PayBefore,
    DateTimeOffset? PaidAt,
    IReadOnlyList<OrderRefund> Refunds,
    DateTimeOffset ServerTime);

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
    bool AsksLate = false) : ICommand<Done>;

/// <summary>The order, for its buyer alone (<c>NotFound</c> for others); null asks on behalf of the merchant.</summary>
public sealed record GetOrder(ShopperId? Viewer) : ICommand<OrderView>;

/// <summary>Begins a payment, or answers with the one that is open. Answered when the payment exists.</summary>
public sealed record StartPayment(PaymentId Payment, ShopperId Buyer) : ICommand<PaymentId>;

/// <summary>
/// The buyer does not want it any more. Unpaid it is cancelled at once; paid and waiting for its group, the group decides. Answered when
/// stock and source know. <c>OrderNotCancellable</c> in every other state.
/// </summary>
public sealed record CancelOrder(ShopperId Buyer, string? Reason) : ICommand<Done>;

/// <summary>From a payment: money is here. Pays the order, or is refunded with a reason if the order cannot take it any more.</summary>
public sealed record TakePayment(PaymentId Payment, Money Amount) : ICommand<Done>;

/// <summary>From a payment: how a refund ended.</summary>
public sealed record NoteRefund(string RefundId, RefundStatus State) : ICommand<Done>;

/// <summary>To the source of an order: it is paid.</summary>
/// <param name="Amount">what was paid: less than was agreed if the list price has fallen</param>
public sealed record OrderPaid(OrderId Order, Money Amount = default) : ICommand<Done>;

/// <summary>To the source of an order: it was cancelled or timed out, and its stock is back.</summary>
public sealed record OrderReleased(OrderId Order) : ICommand<Done>;

/// <summary>From the source: the group is complete, the paid order counts.</summary>
/// <param name="Refund">what the final price is below what was paid; 0 or more, less than the amount</param>
public sealed record ConfirmGroup(Money Refund) : ICommand<Done>;

/// <summary>From the source: the order shall not be. Unpaid it is cancelled, paid and awaiting its group it is refunded in full. Answered when its stock is back.</summary>
/// <param name="By">the source that says so: one that the order has left for another has no say any more; null is always heard</param>
public sealed record VoidOrder(string Reason, GrainId? By = null) : ICommand<Done>;

/// <summary>To the source: the buyer of this paid order wants to leave the group. A refusal means that it is too late.</summary>
public sealed record LeaveGroup(OrderId Order) : ICommand<Done>;

/// <summary>
/// To the source of an order that has timed out: its money is here after all. The source keeps a place for it again, or sends it on; a
/// refusal gives the money back.
/// </summary>
/// <param name="Purpose">the campaign</param>
public sealed record OfferLatePayment(OrderId Order, Guid? Purpose, ShopperId Buyer, int Quantity) : ICommand<LatePaymentAnswer>;

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
