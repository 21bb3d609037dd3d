using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Payment;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record PaymentEvent;

[Stored("payment-opened")]
internal sealed record PaymentOpened(OrderId Order, ShopperId Payer, Money Amount, string Description) : PaymentEvent;

[Stored("payment-ready")]
internal sealed record PaymentReady(string PrepayId) : PaymentEvent;

/// <param name="PaidAt">as the gateway tells it</param>
[Stored("payment-confirmed")]
internal sealed record PaymentConfirmed(string TransactionId, DateTimeOffset PaidAt) : PaymentEvent;

[Stored("refund-asked")]
internal sealed record RefundAsked(string Refund, Money Amount, string Reason) : PaymentEvent;

/// <summary>The gateway is not done with the refund: it is asked again.</summary>
[Stored("refund-progressed")]
internal sealed record RefundProgressed(string Refund, RefundStatus State) : PaymentEvent;

[Stored("refund-ended")]
internal sealed record RefundEnded(string Refund) : PaymentEvent;

/// <summary>The order was told something and there is nothing more to say about it.</summary>
[Stored("debt-settled")]
internal sealed record OrderTold(string What, Guid About) : PaymentEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PaymentOpened))]
[JsonSerializable(typeof(PaymentReady))]
[JsonSerializable(typeof(PaymentConfirmed))]
[JsonSerializable(typeof(RefundAsked))]
[JsonSerializable(typeof(RefundProgressed))]
[JsonSerializable(typeof(RefundEnded))]
[JsonSerializable(typeof(OrderTold))]
[JsonSerializable(typeof(PaymentState))]
internal sealed partial class PaymentJson : JsonSerializerContext;
