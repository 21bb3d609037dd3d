using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.FlashSale;

/// <summary>What must be true of a flash sale: no unit is sold twice or kept for nobody, nobody has more than the limit, and the stock keeps what it may sell.</summary>
internal sealed class FlashSaleBook : Book<FlashSaleState>
{
    public override string Kind => "flash-sale";

    public override IEnumerable<string> WrongWith(GrainId grain, FlashSaleState state, IBooks books) =>
        state.Sale is null ? ["it has facts but was never prepared"] : [.. Units(state), .. Shoppers(state), .. Orders(grain, state, books), .. Reservation(grain, state, state.Sale, books), .. Campaign(grain, state, state.Sale, books)];

    private static IEnumerable<string> Units(FlashSaleState state)
    {
        if (state.Available < 0 || state.Held < 0 || state.Sold < 0) yield return $"{state.Available} units are available, {state.Held} held and {state.Sold} sold, of {state.Total}";

        var (held, past) = (state.Holds.Values.Where(h => h.Number == state.Number).Sum(h => h.Quantity), state.Holds.Values.Where(h => h.Number != state.Number).Sum(h => h.Quantity));
        if (state.Held != held) yield return $"{held} units are in open orders, but {state.Held} are counted as held";
        if (state.PastHeld != past) yield return $"{past} units of earlier occurrences are in open orders, but {state.PastHeld} are counted";

        var placing = state.Holds.Keys.Count(o => state.IsPlacing(OrderId.Of(o)));
        if (state.Placing != placing) yield return $"{placing} orders are being opened, but {state.Placing} are counted";
        if (state is { Phase: SalePhase.Closing or SalePhase.Planned or SalePhase.Finished, Available: > 0 }) yield return $"it is {state.Phase} and keeps {state.Available} units that nobody can take";
        if (state.Phase is SalePhase.Closing or SalePhase.Planned or SalePhase.Finished && state.Placing > 0) yield return $"it is {state.Phase} and {state.Placing} orders are still being opened";
    }

    private static IEnumerable<string> Shoppers(FlashSaleState state)
    {
        if (state.Phase is not (SalePhase.Ready or SalePhase.Ending)) yield break;

        var limit = state.Sale!.Terms.PerUserLimit;
        foreach (var (shopper, units) in state.UnitsOf)
            if (units < 0 || units > limit) yield return $"{shopper:N} has {units} units, and {limit} are allowed";
        var sum = state.UnitsOf.Values.Sum();
        if (sum != state.Held + state.Sold) yield return $"shoppers have {sum} units, but {state.Held} are held and {state.Sold} sold";
    }

    private static IEnumerable<string> Orders(GrainId grain, FlashSaleState state, IBooks books)
    {
        foreach (var (id, hold) in state.Holds)
        {
            // Until the order has answered, it may not be there yet.
            if (state.IsPlacing(OrderId.Of(id))) continue;
            if (books.Of<OrderState>(OrderId.Of(id).In(grain.Shop)) is not { } order) yield return $"{hold.Quantity} units are held for the order {id:N}, which does not exist";
            else if (order.Source != grain) yield return $"{hold.Quantity} units are held for the order {id:N}, which is of {order.Source?.ToString() ?? "nobody"}";
            else if (order.Buyer.Value != hold.Shopper || order.Lines[0].Quantity != hold.Quantity) yield return $"{hold.Quantity} units are held for {hold.Shopper:N}, but the order {id:N} is over {order.Lines[0].Quantity} for {order.Buyer}";
            else if (order.HasEndedForItsSource && order.Late is null) yield return $"{hold.Quantity} units are held for the order {id:N}, which is {order.Stage} and has told so";
        }
    }

    private static IEnumerable<string> Reservation(GrainId grain, FlashSaleState state, SalePrepared sale, IBooks books)
    {
        var asks = state.Debts.Contains(FlashSaleState.ReserveDebt, state.Purpose);
        var reserved = books.Of<StockState>(sale.Sku.In(grain.Shop))?.Purposes.GetValueOrDefault(state.Purpose);
        switch (state.Phase)
        {
            case SalePhase.None or SalePhase.Planned or SalePhase.Finished:
                if (reserved is not null) yield return $"it is {state.Phase}, and the stock still has {reserved.Left} units reserved for it";
                break;
            case SalePhase.Reserving:
                if (!asks) yield return "it waits for its units and does not ask for them";
                break;
            case SalePhase.Ready or SalePhase.Ending:
                if (reserved is null) yield return $"it may sell {state.Total} units and the stock has nothing reserved for it";
                else if (reserved.Total < state.Total || (reserved.Total > state.Total && !asks)) yield return $"it may sell {state.Total} units, and the stock has {reserved.Total} reserved for it";
                else if (reserved.Taken > state.Held + state.Sold) yield return $"{reserved.Taken} units are taken of its reservation, but {state.Held} are held and {state.Sold} sold";
                break;
            case SalePhase.Closing:
                if (!state.Debts.Contains(FlashSaleState.CloseDebt, state.Purpose)) yield return "its rest goes back and it does not say so";
                break;
        }
    }

    private static IEnumerable<string> Campaign(GrainId grain, FlashSaleState state, SalePrepared sale, IBooks books)
    {
        if (sale.Campaign.Value != grain.Key) yield return $"it has not the id of its campaign {sale.Campaign}";
        if (books.Of<CampaignState>(sale.Campaign.In(grain.Shop)) is not { } campaign)
        {
            yield return $"its campaign {sale.Campaign} does not exist";
            yield break;
        }

        // Before the campaign has heard of the reservation, it is a draft that waits for it.
        if (!campaign.Participations.TryGetValue(grain.Key, out var participation))
        {
            if (state.Phase != SalePhase.None && !campaign.Debts.Contains(CampaignState.ReserveDebt, sale.Sku.Value)) yield return $"its campaign {sale.Campaign} does not know it";
            yield break;
        }

        if (campaign.Status is CampaignStatus.Running or CampaignStatus.Paused && state.IsPaused != (campaign.Status == CampaignStatus.Paused) && !participation.IsOver && !campaign.Tells(grain.Key))
            yield return $"it is {(state.IsPaused ? "paused" : "not paused")}, its campaign is {campaign.Status} and does not say so";

        var tells = state.Debts.Contains(FlashSaleState.OverDebt, sale.Campaign.Value);
        if (state.Phase == SalePhase.Finished && state.Holds.Count == 0)
        {
            if (!tells && !participation.IsOver) yield return "it is over, its campaign does not know and is not being told";
        }
        else if (participation.IsOver)
        {
            yield return $"it is {state.Phase} with {state.Holds.Count} open orders, and its campaign has closed it";
        }
    }
}
