using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;

namespace Campaigns.LoadTests.Crash;

/// <summary>What must be true of every order, of its money, and of the units of its campaign. Asks while nobody acts.</summary>
internal sealed class PurchaseAudit(ShopClient client, Findings findings)
{
    /// <summary>The order is there, and its money is where it belongs.</summary>
    /// <param name="settled">true once so much time has passed that nothing may be undecided and no money on its way</param>
    public async Task Order(Purchase order, bool settled)
    {
        var reply = await client.Get($"/v1/orders/{order.Id}", order.Buyer);
        if (!reply.IsSuccess)
        {
            findings.Add(Wrong.Lost, $"Order {order.Id} was acknowledged and is answered {reply.Status} {reply.Code}.");
            return;
        }

        var shown = reply.As<OrderView>();
        var refunded = shown.Refunds.Sum(r => r.AmountFen);
        var isOpen = shown.State is OrderStatus.Pending or OrderStatus.AwaitingGroup;
        if (shown.AmountFen != order.AmountFen) findings.Add(Wrong.Lost, $"Order {order.Id} was {order.AmountFen} fen and is {shown.AmountFen} now.");
        if (shown.Lines.Sum(l => l.Quantity) != order.Units) findings.Add(Wrong.Lost, $"Order {order.Id} was for {order.Units} units and is for {shown.Lines.Sum(l => l.Quantity)} now.");
        if (order.SeenPaid && shown.State != OrderStatus.Paid) findings.Add(Wrong.Lost, $"Order {order.Id} was shown Paid and is {shown.State} now.");
        if (order.SeenCancelled && shown.State != OrderStatus.Cancelled) findings.Add(Wrong.Lost, $"The cancellation of order {order.Id} was acknowledged; it is {shown.State} now.");
        if (shown.State is OrderStatus.Paid or OrderStatus.AwaitingGroup && !order.MoneyGiven && order.AmountFen > 0) findings.Add(Wrong.Doubled, $"Order {order.Id} is {shown.State} and nobody paid.");
        if ((isOpen || shown.State == OrderStatus.Paid) && refunded > 0) findings.Add(Wrong.Doubled, $"Order {order.Id} is {shown.State}, and {refunded} fen were given back.");
        if (refunded > (order.MoneyGiven ? order.AmountFen : 0) || shown.Refunds.Count > 1) findings.Add(Wrong.Doubled, $"Order {order.Id} gives back {refunded} fen in {shown.Refunds.Count} refunds.");

        // The gateway may still be about to call back: it was told to wait, or waits for five seconds of the product's clock after a failed try.
        var onItsWay = order.MoneyGiven && shown.State is not (OrderStatus.Paid or OrderStatus.AwaitingGroup) && refunded != order.AmountFen;
        var unpaidRefund = shown.Refunds.Any(r => r.State != RefundStatus.Succeeded);
        if (onItsWay && settled) findings.Add(Wrong.Lost, $"Order {order.Id} took {order.AmountFen} fen, is {shown.State} and gives back {refunded} fen.");
        if (isOpen && settled) findings.Add(Wrong.Other, $"Order {order.Id} is in limbo: {shown.State}.");
        if (unpaidRefund && settled) findings.Add(Wrong.Other, $"Order {order.Id} waits for its money: {string.Join(", ", shown.Refunds)}.");
        order.State = shown.State;
        order.PaidLate = shown.State == OrderStatus.Paid && shown.PaidAt > shown.PayBefore;
        order.IsOver = !(isOpen || onItsWay || unpaidRefund);
    }

    /// <summary>Left, held and sold units are the quota, nobody has more than allowed, and the stock knows the same. Every order must have been looked at.</summary>
    /// <param name="offers">all campaigns that sell this SKU</param>
    public async Task Units(string sku, long stock, IReadOnlyList<UnitOffer> offers, IEnumerable<Purchase> purchases)
    {
        var sold = 0L;
        foreach (var offer in offers)
        {
            var standing = purchases.Where(p => p.Campaign == offer.Id && p.HasUnits).ToList();
            var left = (await client.Get($"/merchant/v1/campaigns/{offer.Id}")).Body.GetProperty("quota").GetProperty("left").GetInt64();
            var taken = standing.Sum(p => (long)p.Units);
            if (left < 0 || taken > offer.Quota) findings.Add(Wrong.Doubled, $"Campaign {offer.Id} has a quota of {offer.Quota}, {taken} units are held or sold and {left} left.");
            if (left != offer.Quota - taken) findings.Add(Wrong.Leaked, $"Campaign {offer.Id} has {left} units left of {offer.Quota}; {taken} are held or sold.");
            foreach (var buyer in standing.GroupBy(p => p.Buyer).Where(g => g.Sum(p => p.Units) > offer.PerUserLimit))
                findings.Add(Wrong.Doubled, $"{buyer.Key.Id} has {buyer.Sum(p => p.Units)} units of campaign {offer.Id}, which allows {offer.PerUserLimit}.");
            sold += standing.Where(p => p.State == OrderStatus.Paid).Sum(p => p.Units);
        }

        var quotas = offers.Sum(o => (long)o.Quota);
        var level = (await client.Get($"/merchant/v1/skus/{sku}")).As<SkuView>().Stock;
        if (level != new StockLevel(stock - sold, quotas - sold, stock - quotas)) findings.Add(Wrong.Leaked, $"The stock is {level}; {sold} units are sold out of quotas of {quotas}.");
    }
}
