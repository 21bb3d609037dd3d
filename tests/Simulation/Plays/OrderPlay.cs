using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Simulation.Plays;

/// <summary>
/// Shoppers order at list price, pay in time, late or twice, cancel, and receive; the gateway tells of each payment until it was heard. The
/// merchant ships, corrects, and gives back units, amounts, whole orders and by hand what the gateway should not have taken, sometimes twice at once.
/// </summary>
internal sealed class OrderPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } =
    [
        new("order at list price", 3, Place),
        new("pay", 10, Pay),
        new("cancel an order", 2, Cancel),
        new("ship an order", 3, Ship),
        new("receive an order", 2, Receive),
        new("refund an order", 3, Refund),
        new("look at an order", 2, LookAt),
    ];

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

        // An order that comes to nothing closes its payment; the shopper may pay at the same moment.
        if (town.Chance.Next(8) == 0) _ = await town.Ask(payment.In(town.Shop), new ClosePayment());
        if (town.Gateway.Pay(payment) is not { } paid) return;

        // A gateway never gives up, and may tell twice at once.
        var told = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Insist(payment.In(town.Shop), paid)));
        if (SimulatedGateway.IsStray(payment))
        {
            await Stray(town, order, buyer, payment, told);
            return;
        }

        town.Promised($"payment {payment} of order {order} was taken or is given back", async () =>
        {
            var view = (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).Reply!;
            return town.Gateway.Kept(payment) == (IsKept(view) ? view.AmountFen - view.Refunds.Sum(r => r.AmountFen) : 0);
        });
    }

    // It is found when the payment is closed: soon if the buyer has second thoughts, or else when the time to pay is over.
    private static async Task Stray(Town town, OrderId order, ShopperId buyer, PaymentId payment, IEnumerable<Outcome<PaymentView>> told)
    {
        if (told.Any(t => t.IsAccepted)) throw new InvalidOperationException($"Payment {payment} took another amount than its own.");
        town.Strays.Add(payment);
        if (town.Chance.Next(2) == 0) _ = await town.Ask(order.In(town.Shop), new CancelOrder(buyer, null));
        town.Promised($"all the money of payment {payment} is a stray", async () =>
            (await town.Insist(payment.In(town.Shop), new SettleStray("at last"))).Reply?.AmountFen == town.Gateway.Kept(payment));
    }

    private static async Task Settle(Town town)
    {
        var (payment, how) = (town.Any(town.Strays), town.NewId().ToString("N"));
        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(payment.In(town.Shop), new SettleStray(how))));
        if (taps.FirstOrDefault(t => t is { IsAccepted: true })?.Reply is not { } settled) return;
        town.Promised($"the stray of payment {payment} was settled once: {settled.Reason}", async () => (await town.Insist(payment.In(town.Shop), new SettleStray("again"))).Reply == settled);
    }

    private static async Task Cancel(Town town)
    {
        if (town.Orders.Count == 0) return;
        var (order, buyer) = town.Any(town.Orders);
        if (await town.Ask(order.In(town.Shop), new CancelOrder(buyer, null)) is not { IsAccepted: true }) return;
        town.Promised($"order {order} was cancelled", async () => (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).Reply?.State == OrderStatus.Cancelled);
    }

    private static async Task Ship(Town town)
    {
        if (town.Orders.Count == 0) return;
        var (order, buyer) = town.Any(town.Orders);
        var command = new ShipOrder("SF", $"SF{town.Chance.Next(3)}", town.Chance.Next(0, 3));
        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(order.In(town.Shop), command)));
        if (!taps.Any(t => t is { IsAccepted: true })) return;
        town.Promised($"order {order} was shipped", async () =>
            (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).Reply is { State: OrderStatus.Shipped or OrderStatus.Received or OrderStatus.Closed, Shipment: not null });
    }

    private static async Task Receive(Town town)
    {
        if (town.Orders.Count == 0) return;
        var (order, buyer) = town.Any(town.Orders);
        if (await town.Ask(order.In(town.Shop), new ReceiveOrder(buyer)) is not { IsAccepted: true }) return;
        town.Promised($"order {order} was received", async () => (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).Reply is { ReceivedAt: not null });
    }

    private static async Task Refund(Town town)
    {
        if (town.Orders.Count == 0) return;
        if (town.Strays.Count > 0) await Settle(town);
        var ((order, buyer), request) = (town.Any(town.Orders), town.NewId());
        if ((await town.Ask(order.In(town.Shop), new GetOrder(null)))?.Reply is not { } seen) return;
        var line = seen.Lines[town.Chance.Next(seen.Lines.Count)];
        IReadOnlyList<RefundedUnits>? units = town.Chance.Next(2) == 0 ? [new(line.Line, town.Chance.Next(1, line.Quantity + 1))] : null;
        long? amount = town.Chance.Next(4) switch { 0 => town.Chance.NextInt64(1, seen.AmountFen + 2), 1 when units is not null => 1, _ => null };

        // The reason names the request: it must be refunded once, however often it is sent.
        var command = new RefundOrder(request, amount, units, request.ToString("N"));
        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(order.In(town.Shop), command)));
        if (!taps.Any(t => t is { IsAccepted: true })) return;
        town.Promised($"request {request:N} refunds order {order} exactly once", async () =>
        {
            var view = (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).Reply!;
            var isWhole = view.Lines.All(l => l.RefundedQuantity <= l.Quantity) && view.Refunds.Sum(r => r.AmountFen) <= view.AmountFen;
            return isWhole && view.Refunds.Where(r => r.Reason == command.Reason).ToList() is [{ State: RefundStatus.Succeeded } refund] && (amount is null || refund.AmountFen == amount);
        });
    }

    private static bool IsKept(OrderView order) => order.State is OrderStatus.Paid or OrderStatus.Shipped or OrderStatus.Received or OrderStatus.Closed;

    private static Task LookAt(Town town)
    {
        if (town.Orders.Count == 0) return Task.CompletedTask;
        var (order, buyer) = town.Any(town.Orders);
        return town.Ask(order.In(town.Shop), new GetOrder(buyer));
    }
}
