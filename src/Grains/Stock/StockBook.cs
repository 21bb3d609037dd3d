using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.Grains.Stock;

/// <summary>What must be true of a SKU's stock: no unit is sold twice, and none is kept for nobody.</summary>
internal sealed class StockBook : Book<StockState>
{
    public override string Kind => "stock";

    public override IEnumerable<string> WrongWith(GrainId grain, StockState state, IBooks books)
    {
        if (!state.IsOpen) yield return "it has facts but was never opened";
        if (state.OnHand < 0) yield return $"on hand is {state.OnHand}";
        if (state.Available < 0) yield return $"available is {state.Available}: on hand is {state.OnHand} and reserved is {state.Reserved}";

        var left = state.Purposes.Values.Sum(p => p.Left);
        var held = state.Holds.Values.Sum(h => (long)h.Quantity);
        if (state.Reserved != left + held) yield return $"reserved is {state.Reserved}, but {left} left of the reservations and {held} in holds sum to {left + held}";

        var heldBy = state.Holds.Values.Where(h => h.Purpose is not null).GroupBy(h => h.Purpose!.Value).ToDictionary(g => g.Key, g => g.Sum(h => (long)h.Quantity));
        foreach (var (purpose, reservation) in state.Purposes)
        {
            if (reservation.Taken < 0 || reservation.Taken > reservation.Total) yield return $"{reservation.Taken} of {reservation.Total} units are taken of the reservation {purpose:N}";
            var holds = heldBy.GetValueOrDefault(purpose);
            if (holds > reservation.Taken) yield return $"{reservation.Taken} units are taken of the reservation {purpose:N}, but {holds} are held out of it";
        }

        foreach (var (order, hold) in state.Holds)
            if (WrongWith(SkuId.Of(grain.Key), hold, books.Of<OrderState>(OrderId.Of(order).In(grain.Shop))) is { } wrong) yield return $"the hold of {hold.Quantity} units for order {order:N} is orphaned: {wrong}";
    }

    /// <summary>A hold is there from the order's wish for it until the order has seen it consumed or released.</summary>
    private static string? WrongWith(SkuId sku, StockHold hold, OrderState? order)
    {
        if (order is null) return "there is no such order";
        if (order.Lines.FirstOrDefault(l => l.Sku == sku) is not { } line) return "the order has no line of this SKU";
        if (line.Quantity != hold.Quantity) return $"the order's line is over {line.Quantity} units";
        return order.Stage switch
        {
            OrderStage.Holding when order.Held.Contains(sku) || Owes(OrderRules.Hold) => null,
            OrderStage.Pending or OrderStage.AwaitingGroup when order.Held.Contains(sku) => null,
            OrderStage.TimedOut when order.Late is { IsRevived: true } && (order.Held.Contains(sku) || Owes(OrderRules.Hold)) => null,
            OrderStage.Paid or OrderStage.Shipped or OrderStage.Received or OrderStage.Closed when Owes(OrderRules.Consume) => null,
            OrderStage.Rejected or OrderStage.Cancelled or OrderStage.TimedOut when Owes(OrderRules.Release) => null,
            _ => $"the order is {order.Stage} and has finished with it",
        };

        bool Owes(string what) => order.Debts.Contains(what, sku.Value);
    }
}
