using System.Text.Json;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Order;

namespace Campaigns.LoadTests.Crash;

/// <summary>Those who buy in flash sales and in groups: they take, found, join, tap twice, pay in time or late, leave and forget.</summary>
internal sealed class Buyers(ShopClient client, Ledger ledger, Findings findings, Checkout checkout, IReadOnlyList<Person> people, IReadOnlyList<UnitOffer> sales, IReadOnlyList<UnitOffer> groups)
{
    private const int OpenRoomsMax = 20;
    private const int UnitsMax = 2;
    private const int DelaySecondsMax = 3_600;

    public Task Act(Random chance) => chance.Next(10) switch
    {
        < 4 => Take(sales[chance.Next(sales.Count)], chance),
        < 8 => Sit(chance),
        _ => PayWhatWasForgotten(chance),
    };

    // A tenth of the people want everything, and come to their limits.
    private Person Somebody(Random chance) => people[chance.Next(chance.Next(2) == 0 ? people.Count / 10 : people.Count)];

    private async Task Take(UnitOffer sale, Random chance)
    {
        var buyer = Somebody(chance);
        var taken = await Tap(buyer, $"/v1/flash-sales/{sale.Id}/orders", new { quantity = chance.Next(1, UnitsMax + 1) }, chance);
        if (taken is not null) await Decide(ledger.Add(new Purchase(buyer, taken.As<OrderView>(), sale.Id)), chance);
    }

    private async Task Sit(Random chance)
    {
        var buyer = Somebody(chance);
        var quantity = chance.Next(1, UnitsMax + 1);
        var open = ledger.Rooms.Where(r => r.IsOpen).ToList();
        var room = open.Count == 0 || (open.Count < OpenRoomsMax && chance.Next(4) == 0) ? null : open[chance.Next(open.Count)];
        var group = room?.Campaign ?? groups[chance.Next(groups.Count)].Id;
        var taken = room is null
            ? await Tap(buyer, "/v1/group-rooms", new { campaignId = group, quantity }, chance)
            : await Tap(buyer, $"/v1/group-rooms/{room.Id}/seats", new { quantity }, chance, refused => room.IsOpen &= refused != nameof(GroupBuyRefusal.RoomClosed));
        if (taken is null) return;

        var seat = new Purchase(buyer, taken.Body.GetProperty("order").Deserialize<OrderView>(ShopClient.Json)!, group, taken.Body.GetProperty("room").GetProperty("id").GetString());
        if (room is not null && seat.Room != room.Id) findings.Add(Wrong.Other, $"{buyer.Id} joined room {room.Id} and sits in {seat.Room}.");
        await Decide(ledger.Add(seat), chance);
    }

    // A double tap is one request sent twice at once: whoever is answered twice has one order.
    private async Task<Reply?> Tap(Person buyer, string path, object body, Random chance, Action<string>? refused = null)
    {
        var key = Checkout.Key(chance);
        var taps = await Task.WhenAll(Enumerable.Range(0, chance.Next(6) == 0 ? 2 : 1).Select(_ => client.Post(path, body, buyer, key)));
        var taken = taps.Where(t => checkout.Understood(t, "take")).ToList();
        foreach (var tap in taps.Except(taken)) refused?.Invoke(tap.Code);
        if (taken.Select(OrderOf).Distinct(StringComparer.Ordinal).Count() > 1) findings.Add(Wrong.Doubled, $"{buyer.Id} tapped once with two thumbs and has two orders, the first is {OrderOf(taken[0])}.");
        return taken.Count > 0 ? taken[0] : null;
    }

    private static string OrderOf(Reply taken) => (taken.Body.TryGetProperty("order", out var order) ? order : taken.Body).GetProperty("id").GetString()!;

    private async Task Decide(Purchase order, Random chance)
    {
        var mood = chance.Next(10);
        if (mood < 5) await checkout.Pay(order, chance);
        else if (mood == 5) await checkout.Cancel(order, chance);
        else if (mood < 9 && await checkout.Start(order, chance) && mood == 6) await checkout.Give(order, chance, chance.Next(1, DelaySecondsMax));

        // Whoever has paid may still leave the group while it is open.
        if (order is { Room: not null, MoneyGiven: true } && chance.Next(8) == 0) await checkout.Cancel(order, chance);
    }

    // Nearly always those that are known to have timed out: their units may be somebody else's by now.
    private async Task PayWhatWasForgotten(Random chance)
    {
        var forgotten = ledger.Purchases.Where(p => p is { PaymentId: not null, MoneyGiven: false }).ToList();
        var due = chance.Next(20) == 0 ? forgotten : forgotten.FindAll(p => p.State == OrderStatus.TimedOut);
        if (due.Count > 0) await checkout.Give(due[chance.Next(due.Count)], chance);
    }
}
