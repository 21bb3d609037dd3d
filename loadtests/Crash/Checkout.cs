using Campaigns.Grains.Order;

namespace Campaigns.LoadTests.Crash;

/// <summary>What buyers do with any order: pay at once, late, or while the order runs out; cancel; forget.</summary>
internal sealed class Checkout(ShopClient client, Ledger ledger, Findings findings)
{
    private static readonly TimeSpan PaidMax = TimeSpan.FromSeconds(20);

    // What a client may be told; any other refusal is a bug of the server or of this program.
    private static readonly HashSet<string> Expected = new(StringComparer.Ordinal)
    {
        "BargainNotRunning", "DailyAssistCapReached", "SelfAssistNotAllowed", "SoldOut", "LaunchLimitReached", "PriceNotEarned", "AlreadyOrdered", "OrderNotPayable", "OrderNotCancellable", "OrderLimitReached",
        "PurchaseLimit", "RoomClosed", "RoomFull", "AlreadyMember",
    };

    public static string Key(Random chance) => $"crash-{chance.NextInt64():x16}{chance.NextInt64():x16}";

    public async Task Pay(Purchase order, Random chance)
    {
        if (await Start(order, chance)) await Give(order, chance);
    }

    /// <summary>The payment sheet is open; nothing is paid yet.</summary>
    public async Task<bool> Start(Purchase order, Random chance)
    {
        var started = await client.Post($"/v1/orders/{order.Id}/payments", null, order.Buyer, Key(chance));
        order.IsOver = false;
        if (!Understood(started, "payment")) return false;
        ledger.Acknowledge();
        order.PaymentId = started.Body.GetProperty("paymentId").GetString()!;
        return true;
    }

    /// <summary>Gives the money, and waits until the order has it or gives it back.</summary>
    public async Task Give(Purchase order, Random chance)
    {
        if (!await Give(order, chance, delaySeconds: 0)) return;
        for (var since = DateTime.UtcNow; ;)
        {
            var view = (await client.Get($"/v1/orders/{order.Id}", order.Buyer)).As<OrderView>();
            if (view.State is OrderStatus.Paid or OrderStatus.AwaitingGroup || view.Refunds.Count > 0)
            {
                if (view.State == OrderStatus.Paid) order.SeenPaid = true;
                ledger.Acknowledge();
                return;
            }

            if (DateTime.UtcNow - since > PaidMax)
            {
                findings.Add(Wrong.Other, $"Order {order.Id} is still {view.State} without a refund {PaidMax.TotalSeconds} s after the money was given.");
                return;
            }

            await Task.Delay(15);
        }
    }

    /// <summary>Gives the money; the gateway calls back after so many seconds of the product's clock.</summary>
    public async Task<bool> Give(Purchase order, Random chance, int delaySeconds)
    {
        order.IsOver = false;

        // Not idempotent, like a shopper's thumb: asked again after a crash it may call back twice, and must count once.
        var paid = await client.Post($"/sandbox/payments/{order.PaymentId}/pay", new { delaySeconds, repeat = chance.Next(3) });
        if (!Understood(paid, "pay")) return false;
        order.MoneyGiven = true;
        return true;
    }

    /// <returns>true if it is cancelled</returns>
    public async Task<bool> Cancel(Purchase order, Random chance)
    {
        var reply = await client.Post($"/v1/orders/{order.Id}/cancellations", new { reason = "changed my mind" }, order.Buyer, Key(chance));
        order.IsOver = false;
        if (!Understood(reply, "cancellation")) return false;
        order.SeenCancelled = true;
        ledger.Acknowledge();
        return true;
    }

    public bool Understood(Reply reply, string what)
    {
        if (reply.IsSuccess) return true;
        if (!Expected.Contains(reply.Code)) findings.Add(Wrong.Other, $"A {what} was answered {reply.Status} {reply.Code}.");
        return false;
    }
}
