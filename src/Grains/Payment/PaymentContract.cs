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

    /// <summary>Nobody can pay it any more. Money that was on its way nevertheless is still taken.</summary>
    Closed = 4,
}

public enum PaymentRefusal
{
    [Refuses(RefusalKind.Meaning, "支付金额与订单不符", "The amount differs from what was asked; nothing was recorded.")]
    AmountMismatch = 1,

    [Refuses(RefusalKind.Meaning, "退款金额超过实付金额", "More would be refunded than was paid.")]
    RefundExceedsPaid = 2,

    [Refuses(RefusalKind.State, "支付渠道拒绝了请求", "The payment gateway refused it; the finding has its code.")]
    GatewayRefused = 3,
}

/// <summary>One attempt to pay an order through the gateway (支付单).</summary>
public sealed record PaymentView(PaymentId Id, OrderId Order, PaymentStatus State, long AmountFen, string? PrepayId);

/// <summary>From the order: opens the payment and asks the gateway for a prepay id. Idempotent. Answered at once.</summary>
/// <param name="PayBefore">when the gateway stops taking money for it; null leaves that to the gateway</param>
public sealed record OpenPayment(OrderId Order, ShopperId Payer, Money Amount, string Description, DateTimeOffset? PayBefore = null) : ICommand<Done>;

/// <summary>From the order: it came to nothing, nobody shall pay it any more. Idempotent; nothing happens to what is paid already. Answered at once.</summary>
public sealed record ClosePayment : ICommand<Done>;

/// <summary>The payment; with <paramref name="WhenReady"/> answered only when the gateway has given its prepay id.</summary>
public sealed record GetPayment(bool WhenReady) : ICommand<PaymentView>;

/// <summary>From a verified callback of the gateway: the shopper has paid. Idempotent; another amount is refused and nothing is recorded.</summary>
public sealed record ConfirmPayment(string TransactionId, Money Amount, DateTimeOffset PaidAt) : ICommand<PaymentView>;

/// <summary>From the order: give money back. Idempotent by refund id; sent to the gateway until it is done.</summary>
/// <param name="RefundId"><c>{order}-{n}</c>, the same at every try</param>
public sealed record RefundPayment(string RefundId, Money Amount, string Reason) : ICommand<Done>;

/// <summary>From a verified callback of the gateway: how a refund stands now. Idempotent; news of before a success says nothing.</summary>
/// <param name="Problem">the gateway's word for a failure</param>
public sealed record NoteGatewayRefund(string RefundId, Money Amount, RefundStatus State, string? Problem = null) : ICommand<Done>;

/// <summary>From the merchant: the stray of this payment, money of another amount, was given back by hand. Idempotent: the first word about it stays.</summary>
/// <param name="Reason">how it went back, 1–80 characters</param>
public sealed record SettleStray(string Reason) : ICommand<SettledStray>;

/// <summary>Money of another amount than was asked for, given back by hand.</summary>
/// <param name="TransactionId">the gateway's number of the money</param>
/// <param name="AmountFen">what the gateway took</param>
/// <param name="PaidAt">as the gateway told it</param>
/// <param name="Reason">how it went back, in the words of whoever gave it</param>
public sealed record SettledStray(PaymentId Payment, OrderId Order, string TransactionId, long AmountFen, DateTimeOffset PaidAt, string Reason, DateTimeOffset SettledAt);

/// <summary>The payment gateway is a receiver outside the runtime; its address is a grain's like any other.</summary>
public static class Gateway
{
    public const string Kind = "payment-gateway";

    public static GrainId For(ShopId shop, PaymentId payment) => new(Kind, shop, payment.Value);
}

/// <summary>To the gateway: announce a payment and get what the WeChat client needs to show it.</summary>
/// <param name="PayBefore">the same at every try; null for payments of before it was told</param>
public sealed record Prepay(PaymentId Payment, ShopperId Payer, Money Amount, string Description, DateTimeOffset? PayBefore = null) : ICommand<Prepaid>;

/// <summary>Either the prepay id, or the money is already there and only its callback was lost.</summary>
public sealed record Prepaid(string? PrepayId, PaidAtGateway? Paid = null);

/// <summary>To the gateway: take no money for this payment any more.</summary>
public sealed record CloseAtGateway(PaymentId Payment) : ICommand<ClosedAtGateway>;

/// <summary>The gateway takes no money for it any more, or it has been paid after all and the callback was lost.</summary>
public sealed record ClosedAtGateway(PaidAtGateway? Paid = null);

/// <summary>Money that the gateway has taken, as it answers when asked.</summary>
public sealed record PaidAtGateway(string TransactionId, Money Amount, DateTimeOffset PaidAt);

/// <summary>To the gateway: refund. The same refund id never pays twice.</summary>
/// <param name="IsKnown">true once the gateway has told how it stands: it can be asked about instead of asked for</param>
public sealed record RefundAtGateway(PaymentId Payment, string RefundId, Money Amount, Money Total, string Reason, bool IsKnown = false) : ICommand<RefundedAtGateway>;

/// <param name="Problem">the gateway's word for a failure</param>
public sealed record RefundedAtGateway(RefundStatus State, string? Problem = null);
