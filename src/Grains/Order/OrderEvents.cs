using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Order;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record OrderEvent;

[Stored("order-placed")]
internal sealed record OrderPlaced(
    ShopperId Buyer,
    string Kind,
    GrainId? Source,
    Guid? Purpose,
    IReadOnlyList<OrderLine> Lines,
    IReadOnlyList<DiscountLine> Discounts,
    Money Amount,
    int PaymentWindowMinutes) : OrderEvent;

[Stored("line-held")]
internal sealed record LineHeld(SkuId Sku) : OrderEvent;

[Stored("line-refused")]
internal sealed record LineRefused(SkuId Sku, string Code, RefusalKind Kind) : OrderEvent;

[Stored("order-opened")]
internal sealed record OrderOpened(DateTimeOffset PayBefore) : OrderEvent;

/// <summary>The stock was not there: the order never opened, and what was held goes back.</summary>
[Stored("order-rejected")]
internal sealed record OrderRejected(string Code, RefusalKind Kind) : OrderEvent;

[Stored("payment-started")]
internal sealed record PaymentStarted(PaymentId Payment) : OrderEvent;

/// <param name="Payment">null for an order over 0 fen</param>
[Stored("order-paid")]
internal sealed record PaidInFull(PaymentId? Payment, DateTimeOffset At) : OrderEvent;

[Stored("order-cancelled")]
internal sealed record OrderCancelled(string? Reason) : OrderEvent;

[Stored("order-timed-out")]
internal sealed record OrderTimedOut : OrderEvent;

/// <summary>Money that the order cannot take goes back to who paid it.</summary>
[Stored("refund-requested")]
internal sealed record RefundRequested(string Refund, PaymentId Payment, Money Amount, string Reason) : OrderEvent;

[Stored("refund-noted")]
internal sealed record RefundNoted(string Refund, RefundStatus State) : OrderEvent;

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
[JsonSerializable(typeof(RefundRequested))]
[JsonSerializable(typeof(RefundNoted))]
[JsonSerializable(typeof(DebtSettled))]
[JsonSerializable(typeof(OrderState))]
internal sealed partial class OrderJson : JsonSerializerContext;
