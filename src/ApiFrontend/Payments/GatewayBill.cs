using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.ApiFrontend.Payments;

internal enum BillState
{
    /// <summary>The lines are all there are.</summary>
    Complete = 1,

    /// <summary>The gateway says that nothing moved on that day.</summary>
    NoMovements = 2,

    /// <summary>The day is not over or its bill not written yet: ask again later.</summary>
    NotReady = 3,
}

internal enum BillLineKind
{
    Payment = 1,
    Refund = 2,
}

/// <summary>One movement of money as the gateway has it.</summary>
/// <param name="OutTradeNo">our number of the payment, a <see cref="Grains.Payment.PaymentId"/> unless somebody else uses the merchant too</param>
/// <param name="TransactionId">the gateway's number of the payment</param>
/// <param name="OutRefundNo">our number of the refund; null for a payment</param>
/// <param name="AmountFen">what was paid, or what a refund was asked for</param>
/// <param name="RefundState">as it was when the bill was written; null for a payment</param>
/// <param name="At">when it was paid, or the refund was accepted</param>
/// <param name="Shop">whose payment it is; null if the gateway was not told</param>
internal sealed record GatewayBillLine(
    BillLineKind Kind, string OutTradeNo, string TransactionId, string? OutRefundNo, long AmountFen, RefundStatus? RefundState, DateTimeOffset At, ShopId? Shop);

internal sealed record GatewayBill(BillState State, IReadOnlyList<GatewayBillLine> Lines)
{
    public static readonly GatewayBill NoMovements = new(BillState.NoMovements, []);

    public static readonly GatewayBill NotReady = new(BillState.NotReady, []);
}

/// <summary>Gateways live in Beijing: their days begin and end there, and there is no summer time.</summary>
internal static class BeijingTime
{
    public static readonly TimeSpan Offset = TimeSpan.FromHours(8);

    public static DateOnly DayOf(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(Offset).DateTime);

    public static DateTimeOffset At(DateOnly day, TimeOnly time) => new(day.ToDateTime(time), Offset);

    /// <summary>From when a bill can be asked for: ten o'clock of the next morning.</summary>
    public static DateTimeOffset BillReady(DateOnly day) => At(day.AddDays(1), new(10, 0));
}
