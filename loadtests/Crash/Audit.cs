using System.Collections.Concurrent;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.LoadTests.Crash;

/// <summary>Compares what the server says with what its clients were told. Asks while nobody acts, so every figure must be exact.</summary>
internal sealed class Audit(ShopClient client, Ledger ledger, Findings findings, IReadOnlyList<Person> people, Shop shop, int dailyCap, TimeZoneInfo zone)
{
    private const int Parallel = 12;
    private static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, BargainStatus> states = new(StringComparer.Ordinal);
    private readonly PurchaseAudit purchases = new(client, findings);
    private readonly RoomAudit rooms = new(client, findings, _ => Shop.GroupSize);
    private readonly ConcurrentDictionary<string, int> paid = new(StringComparer.Ordinal);

    /// <summary>How many rooms ended how, once nothing is open.</summary>
    public IReadOnlyDictionary<GroupRoomStatus, int> RoomsEnded { get; private set; } = new Dictionary<GroupRoomStatus, int>();

    /// <summary>
    /// What fell due while the process was down must be decided soon after the start. Looks at lists alone: those are made from recorded
    /// facts and wake no grain, so it is really nobody who asks.
    /// </summary>
    public async Task Deadlines(DateTimeOffset now, CancellationToken cancellation)
    {
        var owners = ledger.Deals.Where(d => !d.IsOver).Select(d => d.Owner).Union(ledger.Purchases.Where(p => !p.IsOver).Select(p => p.Buyer)).ToList();
        var late = new ConcurrentBag<string>();
        for (var since = DateTime.UtcNow; ; await Task.Delay(100, cancellation))
        {
            late.Clear();
            await Each(owners, async owner =>
            {
                foreach (var bargain in (await client.Get("/v1/bargains?limit=100", owner)).Body.GetProperty("items").EnumerateArray().Select(i => System.Text.Json.JsonSerializer.Deserialize<BargainListItem>(i, ShopClient.Json)!))
                    if ((bargain.State == BargainStatus.Running && bargain.EndsAt <= now) || (bargain.State == BargainStatus.Succeeded && bargain.PayBefore <= now))
                        late.Add($"Bargain {bargain.Id} is still {bargain.State} {LateAfter.TotalSeconds} s after the start; its deadline passed before.");
                foreach (var order in (await client.Get("/v1/orders?limit=100", owner)).Body.GetProperty("items").EnumerateArray().Select(i => System.Text.Json.JsonSerializer.Deserialize<OrderListItem>(i, ShopClient.Json)!))
                    if (order.State == OrderStatus.Pending && order.PayBefore <= now)
                        late.Add($"Order {order.Id} is still Pending {LateAfter.TotalSeconds} s after the start; its deadline passed before.");
                foreach (var room in (await client.Get("/v1/group-rooms?limit=100", owner)).Body.GetProperty("items").EnumerateArray().Select(i => System.Text.Json.JsonSerializer.Deserialize<GroupRoomListItem>(i, ShopClient.Json)!))
                    if (room.State == GroupRoomStatus.Open && room.EndsAt <= now)
                        late.Add($"Room {room.Id} is still open {LateAfter.TotalSeconds} s after the start; its deadline passed before.");
            });
            if (late.IsEmpty) return;
            if (DateTime.UtcNow - since < LateAfter) continue;
            foreach (var words in late) findings.Add(Wrong.Late, words);
            return;
        }
    }

    /// <summary>Checks what can have changed since the last check; everything if <paramref name="all"/>.</summary>
    /// <param name="settled">true once so much time has passed that no message waits for its next try</param>
    public async Task Books(bool all, bool settled, DateTimeOffset now)
    {
        var touched = ledger.TakeTouched();
        var deals = all ? ledger.Deals : [.. ledger.Deals.Where(d => !d.IsOver).Union(touched)];
        await Each(deals, deal => Bargain(deal, settled));
        foreach (var offer in shop.Bargains) await Quota(offer);
        await Stock();
        await Each(ledger.Purchases.Where(p => all || !p.IsOver), order => purchases.Order(order, settled));
        await purchases.Units(shop.SaleSku, Shop.StockUnits, shop.Sales, ledger.Purchases);
        await purchases.Units(shop.GroupSku, Shop.StockUnits, shop.Groups, ledger.Purchases);
        await Each(ledger.Rooms.Where(r => all || r.IsOpen), async room => room.IsOpen = await rooms.Look(room.Id, people[0]) == GroupRoomStatus.Open);
        await Each(all ? people : [.. people.Where(p => touched.Any(d => d.Cuts.ContainsKey(p.Id)))], helper => DailyQuota(helper, now));
        if (all) await Each(people, Lists);
    }

    /// <summary>After all deadlines: nothing may be open any more, and no money on its way.</summary>
    public async Task NothingOpen()
    {
        foreach (var (deal, state) in states)
            if (state is BargainStatus.Running or BargainStatus.Succeeded or BargainStatus.Ordered) findings.Add(Wrong.Other, $"Bargain {deal} is stuck in {state}.");
        RoomsEnded = await rooms.AllOver(people, ledger.Purchases, ledger.Rooms.Select(r => r.Id));
        var limbo = (await client.Get("/merchant/v1/limbo")).Body.GetProperty("items");
        if (limbo.GetArrayLength() > 0) findings.Add(Wrong.Other, $"{limbo.GetArrayLength()} amounts are stuck, the first is {limbo[0]}.");
    }

    private async Task Bargain(Deal deal, bool settled)
    {
        var reply = await client.Get($"/v1/bargains/{deal.Id}", deal.Owner);
        if (!reply.IsSuccess)
        {
            findings.Add(Wrong.Lost, $"Bargain {deal.Id} was acknowledged and is answered {reply.Status} {reply.Code}.");
            return;
        }

        var view = reply.As<BargainView>();
        states[deal.Id] = view.State;
        if (view.Commitment != deal.Commitment) findings.Add(Wrong.Lost, $"The plan of bargain {deal.Id} is not the one that was promised.");
        Cuts(deal, view);
        await Orders(deal, view, settled);
    }

    private void Cuts(Deal deal, BargainView view)
    {
        var helpers = view.Helpers.Where(h => h.ShopperId != view.OwnerId).ToList();
        var shown = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var helper in helpers)
            if (!shown.TryAdd(helper.ShopperId.ToString(), helper.CutFen)) findings.Add(Wrong.Doubled, $"{helper.ShopperId} cut bargain {deal.Id} twice.");
        if (view.Helpers.Count - helpers.Count != (deal.Offer.SelfCut ? 1 : 0)) findings.Add(Wrong.Doubled, $"Bargain {deal.Id} has {view.Helpers.Count - helpers.Count} cuts of its owner.");
        if (view.Helpers.Sum(h => h.CutFen) != view.ListPriceFen - view.PriceFen) findings.Add(Wrong.Doubled, $"The cuts of bargain {deal.Id} do not add up to list price − price.");
        if (view.Helpers.Sum(h => h.SlotsUsed) != view.Slots - view.SlotsLeft) findings.Add(Wrong.Doubled, $"The slots of bargain {deal.Id} do not add up.");

        foreach (var (helper, cut) in deal.Cuts)
            if (!shown.TryGetValue(helper, out var fen)) findings.Add(Wrong.Lost, $"The assist of {helper} in bargain {deal.Id} was acknowledged and is gone.");
            else if (fen != cut) findings.Add(Wrong.Lost, $"The assist of {helper} in bargain {deal.Id} was acknowledged with {cut} fen and is {fen} now.");
        foreach (var (helper, _) in shown)
            if (!deal.Cuts.ContainsKey(helper)) findings.Add(Wrong.Doubled, $"{helper} cut bargain {deal.Id}, and {(deal.Tried.ContainsKey(helper) ? "was only ever refused" : "never tried to")}.");
    }

    private async Task Orders(Deal deal, BargainView view, bool settled)
    {
        var paidOrders = 0;
        var isOpen = false;
        foreach (var order in deal.Orders.Values)
        {
            await purchases.Order(order, settled);
            paidOrders += order.State == OrderStatus.Paid ? 1 : 0;
            isOpen |= !order.IsOver;
        }

        if (paidOrders > 1) findings.Add(Wrong.Doubled, $"Bargain {deal.Id} was paid {paidOrders} times.");
        if (paidOrders == 1 != (view.State == BargainStatus.Paid)) findings.Add(Wrong.Lost, $"Bargain {deal.Id} is {view.State}, and {paidOrders} of its orders are Paid.");
        if (view is { State: BargainStatus.Ordered or BargainStatus.Paid, OrderId: { } current } && !deal.Orders.ContainsKey(current.ToString())) findings.Add(Wrong.Doubled, $"Bargain {deal.Id} has order {current} that nobody was told of.");
        paid[deal.Id] = paidOrders;
        deal.IsRunning &= view.State == BargainStatus.Running;
        deal.IsOver = !isOpen && view.State is not (BargainStatus.Running or BargainStatus.Succeeded or BargainStatus.Ordered);
    }

    private async Task Quota(Offer offer)
    {
        var quota = (await client.Get($"/merchant/v1/campaigns/{offer.Id}")).Body.GetProperty("quota");
        var taken = ledger.Deals.Count(d => d.Offer == offer && HasPlace(d, states[d.Id]));
        var left = quota.GetProperty("left").GetInt32();
        if (left != offer.Quota - taken) findings.Add(Wrong.Leaked, $"Campaign {offer.Id} has {left} places left of {offer.Quota}; {taken} are taken.");
    }

    // With at-success a place is taken by the success or by the first order above the floor, and kept from then on.
    private static bool HasPlace(Deal deal, BargainStatus state) => state switch
    {
        BargainStatus.Paid or BargainStatus.Succeeded or BargainStatus.Ordered => true,
        BargainStatus.Running => deal.Offer.PlaceAtLaunch || !deal.Orders.IsEmpty,
        _ => false,
    };

    private async Task Stock()
    {
        var level = (await client.Get($"/merchant/v1/skus/{shop.BargainSku}")).As<SkuView>().Stock;
        var sold = paid.Values.Sum();
        var reserved = shop.Bargains.Sum(o => (long)o.Quota) - sold;
        var expected = new StockLevel(Shop.StockUnits - sold, reserved, Shop.StockUnits - sold - reserved);
        if (level != expected) findings.Add(Wrong.Leaked, $"The stock is {level}; {sold} paid orders and the quotas make it {expected}.");
    }

    // A pledge counts on the day it was accepted, its cut shows when it was made: only a crash at midnight can part the two.
    private async Task DailyQuota(Person helper, DateTimeOffset now)
    {
        var me = (await client.Get("/v1/me", helper)).As<ShopperView>();
        var midnight = me.AssistCapResetsAt.AddDays(-1);
        var (sure, possible) = (0, 0);
        foreach (var deal in ledger.Deals.Where(d => d.Cuts.ContainsKey(helper.Id)))
        {
            var view = (await client.Get($"/v1/bargains/{deal.Id}", helper)).As<BargainView>();
            var cut = view.Helpers.FirstOrDefault(h => h.ShopperId.ToString() == helper.Id);
            if (cut is null || cut.At < midnight) continue;
            possible++;
            sure += deal.Tried[helper.Id] >= midnight ? 1 : 0;
        }

        if (me.AssistsLeftToday < dailyCap - possible || me.AssistsLeftToday > dailyCap - sure)
            findings.Add(Wrong.Leaked, $"{helper.Id} helped {possible} times on {TimeZoneInfo.ConvertTime(now, zone):yyyy-MM-dd} and has {me.AssistsLeftToday} of {dailyCap} assists left.");
    }

    /// <summary>A repeated launch or order that had two effects shows as one that nobody was told of.</summary>
    private async Task Lists(Person owner)
    {
        var deals = ledger.Deals.Where(d => d.Owner == owner).ToList();
        Compare("bargain", owner, [.. deals.Select(d => d.Id)], await client.Ids("/v1/bargains", owner));
        Compare("order", owner, [.. deals.SelectMany(d => d.Orders.Keys), .. ledger.Purchases.Where(p => p.Buyer == owner).Select(p => p.Id)], await client.Ids("/v1/orders", owner));
    }

    private void Compare(string what, Person owner, HashSet<string> told, HashSet<string> listed)
    {
        foreach (var id in listed.Except(told)) findings.Add(Wrong.Doubled, $"{owner.Id} has {what} {id} that nobody was told of.");
        foreach (var id in told.Except(listed)) findings.Add(Wrong.Lost, $"{owner.Id} was given {what} {id}, and it is in no list.");
    }

    private static Task Each<T>(IEnumerable<T> items, Func<T, Task> check) =>
        System.Threading.Tasks.Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = Parallel }, async (item, _) => await check(item));
}
