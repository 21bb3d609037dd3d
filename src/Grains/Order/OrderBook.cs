using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Order;

/// <summary>What the state of a grain that opens orders knows of them, so that both sides can be compared.</summary>
internal interface IOrderSource
{
    /// <summary>True from the moment it wants this order until it has heard how the order ended.</summary>
    bool Stands(OrderId order);

    /// <summary>True once it has heard that this order is paid; one that forgets its paid orders says true of any it does not wait for.</summary>
    bool KnowsPaid(OrderId order);

    /// <summary>True once it has heard that this order came to nothing; one that forgets its lost orders says true of any it does not wait for.</summary>
    bool KnowsLost(OrderId order);
}

/// <summary>What must be true of an order: its sums, its stock, its money, and what its source knows of it.</summary>
internal sealed class OrderBook : Book<OrderState>
{
    public override string Kind => "order";

    public override IEnumerable<string> WrongWith(GrainId grain, OrderState state, IBooks books)
    {
        if (state.Stage == OrderStage.None) return ["it has facts but was never placed"];

        return [.. Sums(state), .. Way(state), .. Stock(grain, state, books), .. Money(grain, state, books), .. Refunds(grain, state, books), .. Source(grain, state, books), .. Promotion(grain, state, books)];
    }

    private static IEnumerable<string> Sums(OrderState state)
    {
        foreach (var line in state.Lines)
            if (line.AmountFen != line.UnitPriceFen * line.Quantity) yield return $"the line of SKU {line.Sku} says {line.AmountFen} fen, but {line.Quantity} units at {line.UnitPriceFen} fen are {line.UnitPriceFen * line.Quantity}";

        // Until it opens, list prices that fell are in the lines already and not in the amount.
        var (lines, discounts) = (state.Lines.Sum(l => l.AmountFen), state.Discounts.Sum(d => d.AmountFen));
        if (state.Stage is OrderStage.Holding or OrderStage.Rejected && lines - discounts <= state.Amount.Fen) yield break;
        if (lines - discounts != state.Amount.Fen) yield return $"the amount is {state.Amount.Fen} fen, but lines of {lines} less discounts of {discounts} are {lines - discounts}";
        if (state.Amount.Fen < 0) yield return $"the amount is {state.Amount.Fen} fen";
    }

    private static IEnumerable<string> Way(OrderState state)
    {
        if (state.Stage is OrderStage.Shipped or OrderStage.Received && state.Shipment is null) yield return $"it is {state.Stage} and was never shipped";
        if ((state.Stage == OrderStage.Received || state is { Stage: OrderStage.Closed, Shipment: not null }) != state.ReceivedAt is not null) yield return $"it is {state.Stage}, and was {(state.ReceivedAt is null ? "never received" : "received")}";
        if (state is { Stage: OrderStage.Closed, Shipment: null, RefundableFen: not 0 }) yield return $"it is Closed, was never shipped, and {state.RefundableFen} fen of it were not given back";
        if (state.Stage is not (OrderStage.Shipped or OrderStage.Received or OrderStage.Closed) && state.Shipment is not null) yield return $"it is {state.Stage} and was shipped";
    }

    /// <remarks>That no hold outlives the order is the stock's to say: it knows of every hold.</remarks>
    private static IEnumerable<string> Stock(GrainId grain, OrderState state, IBooks books)
    {
        if (state.Stage == OrderStage.Holding && state.HoldsAwaited == 0) yield return "it waits for its stock and has asked for none";
        foreach (var line in state.Lines)
        {
            var held = state.Held.Contains(line.Sku);
            if ((state.IsPaid || state.Stage is OrderStage.Pending or OrderStage.AwaitingGroup) && !held) yield return $"it is {state.Stage} and its line of SKU {line.Sku} was never held";
            if (!held || !Holds(state)) continue;
            if (books.Of<StockState>(line.Sku.In(grain.Shop))?.Holds.TryGetValue(grain.Key, out var hold) != true) yield return $"it is {state.Stage} and the stock holds nothing for its line of {line.Quantity} units of SKU {line.Sku}";
            else if (hold.Quantity != line.Quantity) yield return $"the stock holds {hold.Quantity} units of SKU {line.Sku} for its line of {line.Quantity}";
        }
    }

    private static bool Holds(OrderState state) => state.Stage is OrderStage.Holding or OrderStage.Pending or OrderStage.AwaitingGroup || state.Late is { IsRevived: true };

    private static IEnumerable<string> Money(GrainId grain, OrderState state, IBooks books)
    {
        if (state.Payment is { } started && !state.Debts.Contains(OrderRules.Announce, started.Value))
        {
            var payment = books.Of<PaymentState>(started.In(grain.Shop));
            if (payment?.Order != OrderId.Of(grain.Key)) yield return $"its payment {started} does not exist or is of another order";
            else if (state.ClosesPayment && payment is { IsClosing: false, Status: not PaymentStatus.Paid } && !state.Debts.Contains(OrderRules.EndPayment, started.Value)) yield return $"it came to nothing, and its payment {started} is {payment.Status} and not being closed";
            else if (payment.Amount != state.Amount) yield return $"its payment {started} is over {payment.Amount.Fen} fen and the order over {state.Amount.Fen}";
        }

        if (state.Late is { } late && NotReceived(late.Payment, late.Amount, grain, books) is { } missing) yield return $"late money is held for it, but {missing}";
        if (!state.IsPaid && state.Stage != OrderStage.AwaitingGroup) yield break;
        if (state.PaidBy is not { } paidBy)
        {
            if (state.Amount.Fen != 0) yield return $"it is {state.Stage} over {state.Amount.Fen} fen without a payment";
        }
        else if (NotReceived(paidBy, state.Amount, grain, books) is { } wrong)
        {
            yield return $"it is {state.Stage}, but {wrong}";
        }

        if (state.Stage == OrderStage.AwaitingGroup) yield break;

        // A buyer who never signed in cannot be told; everybody else is no longer a new customer.
        if (!state.Debts.Contains(OrderRules.TellBuyer, state.Buyer.Value) && books.Of<ShopperState>(state.Buyer.In(grain.Shop)) is { OpenId: not null, HasBought: false })
            yield return $"it is {state.Stage} and its buyer {state.Buyer} was not told";
    }

    private static IEnumerable<string> Refunds(GrainId grain, OrderState state, IBooks books)
    {
        foreach (var payment in state.Refunds.GroupBy(r => r.Payment))
        {
            var (back, all) = (payment.Sum(r => r.Amount.Fen), books.Of<PaymentState>(payment.Key.In(grain.Shop))?.Amount.Fen);
            if (back > all) yield return $"refunds of {back} fen exceed the {all} fen of payment {payment.Key}";
            if (payment.Key == state.PaidBy ? state.Stage == OrderStage.Cancelled && back != all : back != all) yield return $"{back} of the {all} fen of payment {payment.Key}, which it cannot keep, are refunded";
        }

        for (var line = 1; line <= state.Lines.Count; line++)
            if (state.RefundedUnitsOf(line) > state.Lines[line - 1].Quantity) yield return $"{state.RefundedUnitsOf(line)} units of the {state.Lines[line - 1].Quantity} of line {line} are refunded";

        foreach (var refund in state.Refunds)
        {
            if (NotReceived(refund.Payment, null, grain, books) is { } wrong) yield return $"refund {refund.Id} of {refund.Amount.Fen} fen: {wrong}";
            if (state.Debts.Contains(OrderRules.ReturnMoney, refund.About)) continue;

            var payment = books.Of<PaymentState>(refund.Payment.In(grain.Shop));
            var asked = payment?.Refunds.FirstOrDefault(r => string.Equals(r.Id, refund.Id, StringComparison.Ordinal));
            if (asked is null) yield return $"refund {refund.Id} of {refund.Amount.Fen} fen is neither owed nor known to its payment {refund.Payment}";
            else if (asked.Amount != refund.Amount) yield return $"refund {refund.Id} is over {refund.Amount.Fen} fen here and {asked.Amount.Fen} in its payment";
            else if (refund.State == RefundStatus.Succeeded && asked.State != RefundStatus.Succeeded) yield return $"refund {refund.Id} has Succeeded here and is {asked.State} in its payment";
            else if (refund.State != asked.State && asked.State != RefundStatus.Requested && !payment!.Tells(refund.About)) yield return $"refund {refund.Id} is {refund.State} here, {asked.State} in its payment, and is not being told";
        }
    }

    /// <summary>The source wants the order before it is placed, and hears of its end after it: what it has not heard is owed.</summary>
    private static IEnumerable<string> Source(GrainId grain, OrderState state, IBooks books)
    {
        if (state.Source is not { } address || books.Of<object>(address) is not IOrderSource and not null) yield break;

        var (self, source) = (OrderId.Of(grain.Key), books.Of<IOrderSource>(address));
        if (source is null && state.Debts.Contains(OrderRules.OfferLate, address.Key)) yield break; // a new one, made by the offer that is on its way
        if (source is null) yield return $"its source {address} does not exist";
        else if (state.Stage is OrderStage.Holding or OrderStage.Pending or OrderStage.AwaitingGroup && !source.Stands(self)) yield return $"it is {state.Stage} and its source {address} has no such order";
        else if ((state.IsPaid || state.Stage == OrderStage.AwaitingGroup) && !source.KnowsPaid(self) && !state.Debts.Contains(OrderRules.TellPaid, address.Key)) yield return $"it is {state.Stage} and its source {address} was not told";
        else if (state.Stage is OrderStage.Cancelled or OrderStage.TimedOut && state is { IsReleased: true, Late: null } && !source.KnowsLost(self)) yield return $"it is {state.Stage} and its source {address} was not told";
    }

    /// <summary>A sale that somebody promoted is known to its commission as it is now, unless the commission is being told.</summary>
    private static IEnumerable<string> Promotion(GrainId grain, OrderState state, IBooks books)
    {
        if (state.Attributed is not { } sale) yield break;
        if (!state.IsPaid) yield return $"it is {state.Stage} and counts for the promoter {sale.Promoter}";
        if (sale.Promoter == state.Buyer) yield return "its buyer is its own promoter";
        if (state.Debts.Contains(OrderRules.AskPromoter, state.Buyer.Value)) yield return $"its promoter {sale.Promoter} is known and asked for";
        if (state.Debts.Open.Any(d => d.What is OrderRules.TellSale)) yield break;

        var commission = books.Of<CommissionState>(OrderId.Of(grain.Key).CommissionIn(grain.Shop));
        if (commission is null) yield return $"its promoter {sale.Promoter} has no commission, and it is not being told";
        else if (!commission.Lines.SequenceEqual(state.Sale()) || commission.ReceivedAt != state.ReceivedAt) yield return "its commission knows another sale, and is not being told";
    }

    /// <param name="amount">what must have come; null if it does not matter here</param>
    private static string? NotReceived(PaymentId id, Money? amount, GrainId grain, IBooks books)
    {
        if (books.Of<PaymentState>(id.In(grain.Shop)) is not { } payment || payment.Order != OrderId.Of(grain.Key)) return $"its payment {id} does not exist or is of another order";
        if (payment.Status != PaymentStatus.Paid) return $"its payment {id} is {payment.Status}";
        if (amount is { } all && payment.Amount != all) return $"its payment {id} is over {payment.Amount.Fen} fen, not {all.Fen}";
        return null;
    }
}
