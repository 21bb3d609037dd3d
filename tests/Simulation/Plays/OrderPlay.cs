using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Stock;

namespace Campaigns.Simulation.Plays;

/// <summary>Shoppers order at list price, pay in time, late or twice, and cancel; the gateway tells of each payment until it was heard.</summary>
internal sealed class OrderPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } = [new("order at list price", 3, Place), new("pay", 10, Pay), new("cancel an order", 2, Cancel), new("look at an order", 2, LookAt)];

    private static async Task Place(Town town)
    {
        var lines = new List<OrderLine>();
        foreach (var sku in town.Skus.Where(_ => town.Chance.Next(2) == 0).ToList())
            if ((await town.Ask(sku.In(town.Shop), new GetSku()))?.Reply is { } view && town.Chance.Next(1, 4) is var units)
                lines.Add(new(sku, view.Title, units, view.ListPriceFen, view.ListPriceFen * units));
        if (lines.Count == 0) return;

        var (order, buyer) = (OrderId.Of(town.NewId()), town.Any(town.Shoppers));
        var command = new PlaceOrder(buyer, "plain", null, null, lines, [], town.Chance.Next(1, 60));
        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(order.In(town.Shop), command)));
        if (!taps.Any(t => t is { IsAccepted: true })) return;
        town.Orders.Add((order, buyer));
        town.Promised($"order {order} was opened", async () => (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).IsAccepted);
    }

    private static async Task Pay(Town town)
    {
        if (town.Orders.Count == 0) return;
        var (order, buyer) = town.Chance.Next(3) == 0 ? town.Any(town.Orders) : town.Orders[^1];
        if ((await town.Ask(order.In(town.Shop), new StartPayment(PaymentId.Of(town.NewId()), buyer)))?.Reply is not { } payment || payment == default) return;
        if (await town.Ask(payment.In(town.Shop), new GetPayment(WhenReady: true)) is not { IsAccepted: true }) return;
        if (town.Gateway.Pay(payment) is not { } paid) return;

        // A gateway never gives up, and may tell twice at once.
        await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Insist(payment.In(town.Shop), paid)));
        town.Promised($"payment {payment} of order {order} was taken or is given back", async () =>
        {
            var view = (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).Reply!;
            return view.State == OrderStatus.Paid ? town.Gateway.Kept(payment) == view.AmountFen - view.Refunds.Sum(r => r.AmountFen) : town.Gateway.Kept(payment) == 0;
        });
    }

    private static async Task Cancel(Town town)
    {
        if (town.Orders.Count == 0) return;
        var (order, buyer) = town.Any(town.Orders);
        if (await town.Ask(order.In(town.Shop), new CancelOrder(buyer, null)) is not { IsAccepted: true }) return;
        town.Promised($"order {order} was cancelled", async () => (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).Reply?.State == OrderStatus.Cancelled);
    }

    private static Task LookAt(Town town)
    {
        if (town.Orders.Count == 0) return Task.CompletedTask;
        var (order, buyer) = town.Any(town.Orders);
        return town.Ask(order.In(town.Shop), new GetOrder(buyer));
    }
}
