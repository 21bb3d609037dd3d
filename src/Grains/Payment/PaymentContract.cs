using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Payment;

[JsonConverter(typeof(IdJson<PaymentId>))]
public readonly record struct PaymentId(Guid Value) : IId<PaymentId>
{
    public static PaymentId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out PaymentId id) => Ids.TryParse(text, out id);

    public GrainId In(ShopId shop) => new("payment", shop, Value);

    public override string ToString() => Value.ToString("N");
}

public enum PaymentStatus
{
    Opening = 1,
    Ready = 2,
    Paid = 3,
}

public enum PaymentRefusal
{
    [Refuses(RefusalKind.Meaning, "支付金额与订单不符", "The amount differs from what was asked; nothing was recorded.")]
    AmountMismatch = 1,

    [Refuses(RefusalKind.Meaning, "退款金额超过实付金额", "More would be refunded than was paid.")]
    RefundExceedsPaid = 2,
}

/// <summary>One attempt to pay an order through the gateway (支付单).</summary>
public sealed record PaymentView(PaymentId Id, OrderId Order, PaymentStatus State, long AmountFen, string? PrepayId);

/// <summary>From the order: opens the payment and asks the gateway for a prepay id. Idempotent. Answered at once.</summary>
public sealed record OpenPayment(OrderId Order, ShopperId Payer, Money Amount, string Description) : ICommand<Done>;

/// <summary>The payment; with <paramref name="WhenReady"/> answered only when the gateway has given its prepay id.</summary>
public sealed record GetPayment(bool WhenReady) : ICommand<PaymentView>;

/// <summary>From a verified callback of the gateway: the shopper has paid. Idempotent; another amount is refused and nothing is recorded.</summary>
public sealed record ConfirmPayment(string TransactionId, Money Amount, DateTimeOffset PaidAt) : ICommand<PaymentView>;

/// <summary>From the order: give money back. Idempotent by refund id; sent to the gateway until it is done.</summary>
/// <param name="RefundId"><c>{order}-{n}</c>, the same at every try</param>
public sealed record RefundPayment(string RefundId, Money Amount, string Reason) : ICommand<Done>;

/// <summary>The payment gateway is a receiver outside the runtime; its address is a grain's like any other.</summary>
public static class Gateway
{
    public const string Kind = "payment-gateway";

    public static GrainId For(ShopId shop, PaymentId payment) => new(Kind, shop, payment.Value);
}

/// <summary>To the gateway: announce a payment and get what the WeChat client needs to show it.</summary>
public sealed record Prepay(PaymentId Payment, ShopperId Payer, Money Amount, string Description) : ICommand<Prepaid>;

public sealed record Prepaid(string PrepayId);

/// <summary>To the gateway: refund. The same refund id never pays twice.</summary>
public sealed record RefundAtGateway(PaymentId Payment, string RefundId, Money Amount, Money Total, string Reason) : ICommand<RefundedAtGateway>;

public sealed record RefundedAtGateway(RefundStatus State);
