using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.Payment;

public sealed class PaymentBookTests
{
    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["the amount is 0 fen"] = w => w.Change<PaymentState>(ThePayment, p => p with { Amount = default }),
        ["it is Opening and the gateway is not asked"] = w => w.Change<PaymentState>(ThePayment, p => p with { TransactionId = null, PrepayId = null }),
        ["nobody shall pay it and the gateway is asked for a prepay id"] = w => Closing(w).Debts.Owe(PaymentRules.AskPrepay, PaidOrder.Key),
        ["it is Paid and the gateway is asked to close it"] = w => w.The<PaymentState>(ThePayment).Debts.Owe(PaymentRules.AskClose, PaidOrder.Key),
        ["it is Closed and the gateway is asked to close it"] = w => Closing(w).IsClosed = true,
        ["it has a stray and was not closed"] = w => w.Change<PaymentState>(ThePayment, p => p with { Stray = new("t", new(1), default) }),
        ["its stray is of the 990 fen that it asks for"] = w => w.Change<PaymentState>(ThePayment, p => p with { Stray = new("t", new(990), default), IsClosed = true }),
        ["its order 00000014000070008000000000000000 does not exist"] = w => w.Remove(PaidOrder),
        ["has another payment"] = w => w.Change<OrderState>(PaidOrder, o => o with { Payment = null }),
        ["has neither taken them nor is it being told"] = w => w.Change<OrderState>(PaidOrder, o => o with { PaidBy = null }),
        ["it is Closed and refunded"] = w => w.Change<PaymentState>(LatePayment, p => p with { TransactionId = null }),
        ["refunds of 990 fen exceed the 500 fen that came"] = w => w.Change<PaymentState>(LatePayment, p => p with { Amount = new(500) }),
        ["is here 2 times"] = w => w.Change<PaymentState>(LatePayment, p => p with { Refunds = [p.Refunds[0], p.Refunds[0]] }),
        ["is Requested and the gateway is not asked"] = w => w.Change<PaymentState>(LatePayment, p => p with { Refunds = [p.Refunds[0] with { State = RefundStatus.Requested }] }),
        ["has Succeeded and the gateway is still asked"] = w => w.The<PaymentState>(LatePayment).Debts.Owe(PaymentRules.AskRefund, w.The<PaymentState>(LatePayment).Refunds[0].About),
        ["the order never asked for refund"] = w => w.Change<OrderState>(LostOrder, o => o with { Refunds = [] }),
        ["has Succeeded and the order was not told"] = w => w.Change<OrderState>(LostOrder, o => o with { Refunds = [o.Refunds[0] with { State = RefundStatus.Processing }] }),
        ["has facts but was never opened"] = w => w.Change<PaymentState>(ThePayment, _ => new()),
    };

    private static PaymentState Closing(World w)
    {
        w.Change<PaymentState>(ThePayment, p => p with { TransactionId = null });
        w.The<PaymentState>(ThePayment).Debts.Owe(PaymentRules.AskClose, PaidOrder.Key);
        return w.The<PaymentState>(ThePayment);
    }

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);
}
