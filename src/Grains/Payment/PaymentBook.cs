using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.Grains.Payment;

/// <summary>What must be true of a payment: its order has the money, and no more goes back than came.</summary>
internal sealed class PaymentBook : Book<PaymentState>
{
    public override string Kind => "payment";

    public override IEnumerable<string> WrongWith(GrainId grain, PaymentState state, IBooks books)
    {
        if (state.Order is not { } id)
        {
            yield return "it has facts but was never opened";
            yield break;
        }

        if (state.Amount <= Money.Zero) yield return $"the amount is {state.Amount.Fen} fen";
        var (prepays, closes) = (state.Debts.Contains(PaymentRules.AskPrepay, id.Value), state.Debts.Contains(PaymentRules.AskClose, id.Value));
        if (state.Status == PaymentStatus.Opening && !prepays && !closes) yield return "it is Opening and the gateway is not asked";
        if (prepays && state.IsClosing) yield return "nobody shall pay it and the gateway is asked for a prepay id";
        if (closes && state.Status is PaymentStatus.Paid or PaymentStatus.Closed) yield return $"it is {state.Status} and the gateway is asked to close it";

        if (state.Stray is { } stray)
        {
            if (!state.IsClosed) yield return "it has a stray and was not closed";
            if (stray.Amount == state.Amount) yield return $"its stray is of the {state.Amount.Fen} fen that it asks for";
        }

        var order = books.Of<OrderState>(id.In(grain.Shop));
        if (order is null)
        {
            yield return $"its order {id} does not exist";
            yield break;
        }

        if (order.Payment != PaymentId.Of(grain.Key)) yield return $"its order {id} has another payment";
        if (state.Status == PaymentStatus.Paid && !order.HasTaken(PaymentId.Of(grain.Key)) && !state.Debts.Contains(PaymentRules.TellOrder, id.Value))
            yield return $"its {state.Amount.Fen} fen are here, and its order {id} has neither taken them nor is it being told";

        foreach (var wrong in Refunds(state, order)) yield return wrong;
    }

    private static IEnumerable<string> Refunds(PaymentState state, OrderState order)
    {
        if (state.Refunds.Count > 0 && state.Status != PaymentStatus.Paid) yield return $"it is {state.Status} and refunded";
        if (state.Refundable < Money.Zero) yield return $"refunds of {state.Amount.Fen - state.Refundable.Fen} fen exceed the {state.Amount.Fen} fen that came";
        foreach (var id in state.Refunds.GroupBy(r => r.Id, StringComparer.Ordinal).Where(g => g.Count() > 1)) yield return $"refund {id.Key} is here {id.Count()} times";

        foreach (var refund in state.Refunds)
        {
            var (ended, asks) = (refund.State == RefundStatus.Succeeded, state.Debts.Contains(PaymentRules.AskRefund, refund.About));
            if (!ended && !asks) yield return $"refund {refund.Id} of {refund.Amount.Fen} fen is {refund.State} and the gateway is not asked";
            if (ended && asks) yield return $"refund {refund.Id} has Succeeded and the gateway is still asked";

            if (order.Refunds.FirstOrDefault(r => string.Equals(r.Id, refund.Id, StringComparison.Ordinal)) is not { } wish) yield return $"the order never asked for refund {refund.Id} of {refund.Amount.Fen} fen";
            else if (ended && wish.State != RefundStatus.Succeeded && !state.Debts.Contains(PaymentRules.TellRefundSucceeded, refund.About)) yield return $"refund {refund.Id} has Succeeded and the order was not told";
        }
    }
}
