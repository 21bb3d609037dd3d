using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Payment;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record PaymentEvent;

[Stored("payment-opened")]
internal sealed record PaymentOpened(OrderId Order, ShopperId Payer, Money Amount, string Description, DateTimeOffset? PayBefore = null) : PaymentEvent;

[Stored("payment-ready")]
internal sealed record PaymentReady(string PrepayId, DateTimeOffset? At = null) : PaymentEvent;

/// <summary>The prepay id is too old to be shown and the gateway is asked for another.</summary>
[Stored("prepay-expired")]
internal sealed record PrepayExpired : PaymentEvent;

/// <param name="PaidAt">as the gateway tells it</param>
[Stored("payment-confirmed")]
internal sealed record PaymentConfirmed(string TransactionId, DateTimeOffset PaidAt) : PaymentEvent;

/// <summary>The order came to nothing: the gateway is asked to take no money any more.</summary>
[Stored("close-asked")]
internal sealed record CloseAsked : PaymentEvent;

[Stored("payment-closed")]
internal sealed record PaymentClosed : PaymentEvent;

/// <summary>The gateway has taken another amount than it was asked for, a stray: nobody here may have it, and somebody must give it back by hand.</summary>
[Stored("payment-amount-differs")]
internal sealed record PaymentAmountDiffers(OrderId Order, string TransactionId, Money Amount, DateTimeOffset PaidAt) : PaymentEvent;

/// <summary>A stray was given back by hand.</summary>
/// <param name="Reason">how, in the merchant's words</param>
[Stored("stray-settled")]
internal sealed record StraySettled(string Reason, DateTimeOffset At) : PaymentEvent;

[Stored("refund-asked")]
internal sealed record RefundAsked(string Refund, Money Amount, string Reason) : PaymentEvent;

/// <summary>The gateway is not done with the refund: it is asked again.</summary>
/// <param name="Problem">the gateway's word for a failure</param>
[Stored("refund-progressed")]
internal sealed record RefundProgressed(string Refund, RefundStatus State, string? Problem = null) : PaymentEvent;

[Stored("refund-ended")]
internal sealed record RefundEnded(string Refund) : PaymentEvent;

/// <summary>The order was told something and there is nothing more to say about it.</summary>
[Stored("debt-settled")]
internal sealed record OrderTold(string What, Guid About) : PaymentEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PaymentOpened))]
[JsonSerializable(typeof(PaymentReady))]
[JsonSerializable(typeof(PrepayExpired))]
[JsonSerializable(typeof(PaymentConfirmed))]
[JsonSerializable(typeof(CloseAsked))]
[JsonSerializable(typeof(PaymentClosed))]
[JsonSerializable(typeof(PaymentAmountDiffers))]
[JsonSerializable(typeof(StraySettled))]
[JsonSerializable(typeof(RefundAsked))]
[JsonSerializable(typeof(RefundProgressed))]
[JsonSerializable(typeof(RefundEnded))]
[JsonSerializable(typeof(OrderTold))]
[JsonSerializable(typeof(PaymentState))]
internal sealed partial class PaymentJson : JsonSerializerContext;
