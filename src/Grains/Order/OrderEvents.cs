using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Order;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record OrderEvent;

/// <param name="At">null for orders of before it was noted</param>
[Stored("order-placed")]
internal sealed record OrderPlaced(
    ShopperId Buyer,
    string Kind,
    GrainId? Source,
    Guid? Purpose,
    IReadOnlyList<OrderLine> Lines,
    IReadOnlyList<DiscountLine> Discounts,
    Money Amount,
    int PaymentWindowMinutes,
    int HoldSeconds = 0,
    bool AwaitsGroup = false,
    bool AsksLate = false,
    DateTimeOffset? At = null,
    bool EarnsCommission = true,
    DateTimeOffset WantedAt = default) : OrderEvent;

/// <param name="UnitPriceFen">the list price of this moment, if it is below the line's: nobody pays more</param>
[Stored("line-held")]
internal sealed record LineHeld(SkuId Sku, long? UnitPriceFen = null) : OrderEvent;

[Stored("line-refused")]
internal sealed record LineRefused(SkuId Sku, string Code, RefusalKind Kind) : OrderEvent;

/// <param name="Discounts">what is left of the discounts, if list prices fell since they were counted</param>
[Stored("order-opened")]
internal sealed record OrderOpened(DateTimeOffset PayBefore, IReadOnlyList<DiscountLine>? Discounts = null) : OrderEvent;

/// <summary>The stock was not there: the order never opened, and what was held goes back.</summary>
[Stored("order-rejected")]
internal sealed record OrderRejected(string Code, RefusalKind Kind) : OrderEvent;

[Stored("payment-started")]
internal sealed record PaymentStarted(PaymentId Payment) : OrderEvent;

/// <param name="Payment">null for an order over 0 fen</param>
/// <param name="AsksPromoter">the order counts from now on, and it is asked who promoted its buyer</param>
[Stored("order-paid")]
internal sealed record PaidInFull(PaymentId? Payment, DateTimeOffset At, bool AsksPromoter = false) : OrderEvent;

/// <param name="Closes">the payment that nobody shall pay any more</param>
[Stored("order-cancelled")]
internal sealed record OrderCancelled(string? Reason, PaymentId? Closes = null) : OrderEvent;

/// <param name="Closes">the payment that nobody shall pay any more</param>
[Stored("order-timed-out")]
internal sealed record OrderTimedOut(PaymentId? Closes = null) : OrderEvent;

/// <summary>The group is complete.</summary>
/// <param name="AsksPromoter">the order counts from now on, and it is asked who promoted its buyer</param>
[Stored("group-confirmed")]
internal sealed record GroupConfirmed(DateTimeOffset At, bool AsksPromoter = false) : OrderEvent;

/// <summary>The buyer wants to leave the group: its room decides.</summary>
[Stored("leave-asked")]
internal sealed record LeaveAsked(string? Reason) : OrderEvent;

/// <summary>The group was complete already: the order stays.</summary>
[Stored("leave-refused")]
internal sealed record LeaveRefused : OrderEvent;

/// <summary>Money came after the time-out: it is kept while the source is asked.</summary>
[Stored("late-payment-held")]
internal sealed record LatePaymentHeld(PaymentId Payment, Money Amount, DateTimeOffset At = default) : OrderEvent;

/// <summary>The source has no place; whoever knows others is asked.</summary>
[Stored("late-payment-sent-on")]
internal sealed record LatePaymentSentOn(GrainId Router) : OrderEvent;

/// <summary>Another source is asked from now on.</summary>
[Stored("late-payment-routed")]
internal sealed record LatePaymentRouted(GrainId Source) : OrderEvent;

/// <summary>The source keeps a place for the order again: its stock is asked for once more.</summary>
[Stored("order-revived")]
internal sealed record OrderRevived(DateTimeOffset At = default) : OrderEvent;

/// <summary>The stock was gone although the source had a place: what was held goes back, and the source hears of it.</summary>
[Stored("revival-failed")]
internal sealed record RevivalFailed(string Code) : OrderEvent;

/// <summary>Money goes back to who paid it: what the order cannot take, or what the merchant or a group gives back.</summary>
/// <param name="Units">the units that it is for</param>
/// <param name="Request">the merchant's request</param>
/// <param name="LowersPrice">the final price is lower by this: each unit has cost less</param>
[Stored("refund-requested")]
internal sealed record RefundRequested(string Refund, PaymentId Payment, Money Amount, string Reason, IReadOnlyList<RefundedUnits>? Units = null, Guid? Request = null, bool LowersPrice = false) : OrderEvent;

[Stored("refund-noted")]
internal sealed record RefundNoted(string Refund, RefundStatus State, int Word = 0) : OrderEvent;

[Stored("order-shipped")]
internal sealed record OrderShipped(string Carrier, string TrackingNumber, int AfterSaleDays, DateTimeOffset At) : OrderEvent;

[Stored("shipment-corrected")]
internal sealed record ShipmentCorrected(string Carrier, string TrackingNumber) : OrderEvent;

/// <param name="ByBuyer">false if the time for the buyer's word was over</param>
[Stored("order-received")]
internal sealed record OrderReceived(DateTimeOffset At, bool ByBuyer) : OrderEvent;

/// <summary>Nothing more is expected of it: the after-sale period is over, or everything was refunded before it was shipped.</summary>
[Stored("order-closed")]
internal sealed record OrderClosed(DateTimeOffset At) : OrderEvent;

/// <summary>Somebody promoted the buyer when the order was placed: the sale is theirs, whatever becomes of the binding.</summary>
/// <param name="IsSuspect">the promoter was seen on the buyer's device</param>
[Stored("order-attributed")]
internal sealed record OrderAttributed(ShopperId Promoter, string? Channel, bool IsSuspect) : OrderEvent;

/// <summary>Something owed was delivered and there is nothing more to say about it.</summary>
[Stored("debt-settled")]
internal sealed record DebtSettled(string What, Guid About) : OrderEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(LineHeld))]
[JsonSerializable(typeof(LineRefused))]
[JsonSerializable(typeof(OrderOpened))]
[JsonSerializable(typeof(OrderRejected))]
[JsonSerializable(typeof(PaymentStarted))]
[JsonSerializable(typeof(PaidInFull))]
[JsonSerializable(typeof(OrderCancelled))]
[JsonSerializable(typeof(OrderTimedOut))]
[JsonSerializable(typeof(GroupConfirmed))]
[JsonSerializable(typeof(LeaveAsked))]
[JsonSerializable(typeof(LeaveRefused))]
[JsonSerializable(typeof(LatePaymentHeld))]
[JsonSerializable(typeof(LatePaymentSentOn))]
[JsonSerializable(typeof(LatePaymentRouted))]
[JsonSerializable(typeof(OrderRevived))]
[JsonSerializable(typeof(RevivalFailed))]
[JsonSerializable(typeof(RefundRequested))]
[JsonSerializable(typeof(RefundNoted))]
[JsonSerializable(typeof(OrderShipped))]
[JsonSerializable(typeof(ShipmentCorrected))]
[JsonSerializable(typeof(OrderReceived))]
[JsonSerializable(typeof(OrderClosed))]
[JsonSerializable(typeof(OrderAttributed))]
[JsonSerializable(typeof(DebtSettled))]
[JsonSerializable(typeof(OrderState))]
internal sealed partial class OrderJson : JsonSerializerContext;
