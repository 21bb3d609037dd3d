using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Tests.Crash;

/// <summary>
/// Each way money takes, played once without a fault and then once for every write on it, with the process dying there: before the bytes
/// are down, and after, when nobody was told. Whatever the moment, the end is the same.
/// </summary>
public sealed class MoneyPathTests
{
    private static readonly Dictionary<string, MoneyPath> Paths = new(StringComparer.Ordinal)
    {
        ["an order that is paid"] = new(Goods, async shop =>
        {
            var (order, buyer) = await PlaceOrder(shop);
            await shop.Notify(await shop.Pay(order, buyer));
            return await Outcome(shop, order, buyer);
        }),
        ["an order that is cancelled while its money comes"] = new(Goods, async shop =>
        {
            var (order, buyer) = await PlaceOrder(shop);
            var paid = await shop.Pay(order, buyer);
            await shop.Ask(order.In(MortalShop.Shop), new CancelOrder(buyer, null));
            await shop.Notify(paid);
            return await Outcome(shop, order, buyer);
        }),
        ["an order whose money comes after its window"] = new(Goods, async shop =>
        {
            var (order, buyer) = await PlaceOrder(shop);
            var paid = await shop.Pay(order, buyer);
            await shop.Pass(TimeSpan.FromMinutes(16));
            await shop.Notify(paid);
            return await Outcome(shop, order, buyer);
        }),
        ["a bargain that friends win and its owner pays"] = new(
            shop => Campaign(shop, new BargainTerms { FloorFen = 900, AssistsNeeded = 2, TtlMinutes = 600, Quota = 5 }),
            async shop =>
            {
                var (bargain, order, owner) = (BargainId.Of(MortalShop.Id(60)), OrderId.Of(MortalShop.Id(50)), await shop.SignIn("amei"));
                await shop.Insist(owner.In(MortalShop.Shop), new LaunchParticipation(bargain.Value, TheCampaign, 1));
                foreach (var name in (string[])["bo", "chen"])
                    await shop.Insist((await shop.SignIn(name)).In(MortalShop.Shop), new PledgeAssist(bargain, new(3, 0, "Asia/Shanghai"), null));
                await shop.Insist(bargain.In(MortalShop.Shop), new OrderBargain(order, owner, new(9_900), 15));
                await shop.Notify(await shop.Pay(order, owner));
                var outcome = await Outcome(shop, order, owner);
                return $"{(await shop.Insist(bargain.In(MortalShop.Shop), new GetBargain())).State} {outcome}";
            }),
        ["a take at a flash sale that is paid"] = new(Sale, async shop =>
        {
            var (order, buyer) = await Take(shop);
            await shop.Notify(await shop.Pay(order, buyer));
            return await SaleOutcome(shop, order, buyer);
        }),
        ["a take whose money comes after its hold, while units are left"] = new(Sale, async shop =>
        {
            var (order, buyer) = await Take(shop);
            var paid = await shop.Pay(order, buyer);
            await shop.Pass(TimeSpan.FromSeconds(61));
            await shop.Notify(paid);
            return await SaleOutcome(shop, order, buyer);
        }),
        ["a take whose money comes after its hold, when the sale was killed"] = new(Sale, async shop =>
        {
            var (order, buyer) = await Take(shop);
            var paid = await shop.Pay(order, buyer);
            await shop.Ask(TheCampaign.In(MortalShop.Shop), new KillCampaign(MortalShop.Id(80), "wrong price"));
            await shop.Pass(TimeSpan.FromSeconds(61));
            await shop.Notify(paid);
            return await SaleOutcome(shop, order, buyer);
        }),
        ["a group of two that completes"] = new(Group, async shop =>
        {
            var (amei, bo) = (await Seat(shop, 50, "amei", founds: true), await Seat(shop, 51, "bo"));
            await shop.Notify(await shop.Pay(amei.Order, amei.Buyer));
            await shop.Notify(await shop.Pay(bo.Order, bo.Buyer));
            return await RoomOutcome(shop, amei, bo);
        }),
        ["a group that is one member short at its deadline"] = new(Group, async shop =>
        {
            var (amei, bo) = (await Seat(shop, 50, "amei", founds: true), await Seat(shop, 51, "bo"));
            await shop.Notify(await shop.Pay(amei.Order, amei.Buyer));
            await shop.Quiet();
            await shop.Pass(TimeSpan.FromMinutes(61));
            return await RoomOutcome(shop, amei, bo);
        }),
        ["a leader who leaves before the group is complete"] = new(Group, async shop =>
        {
            var (amei, bo) = (await Seat(shop, 50, "amei", founds: true), await Seat(shop, 51, "bo"));
            await shop.Notify(await shop.Pay(amei.Order, amei.Buyer));
            await shop.Quiet(); // cancelled before the order has heard of its money, it would be given back as late
            await shop.Ask(amei.Order.In(MortalShop.Shop), new CancelOrder(amei.Buyer, "changed my mind"));
            await shop.Notify(await shop.Pay(bo.Order, bo.Buyer));
            return await RoomOutcome(shop, amei, bo);
        }),
        ["late money for a seat that moves to a room of its own"] = new(Group, async shop =>
        {
            var amei = await Seat(shop, 50, "amei", founds: true);
            var paid = await shop.Pay(amei.Order, amei.Buyer);
            await shop.Pass(TimeSpan.FromMinutes(16));
            await shop.Notify(paid);
            await shop.Quiet();
            var waits = await shop.Describe(amei.Order, amei.Buyer);
            await shop.Pass(TimeSpan.FromMinutes(61));
            return $"{waits}, then {await RoomOutcome(shop, amei)}";
        }),
    };

    public static TheoryData<string> Names => [.. Paths.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("EdgeCase", "56")]
    public async Task A_death_at_any_write_ends_like_no_death_at_all(string name)
    {
        var path = Paths[name];
        var prepared = await MortalShop.Prepare(path.Prepare);
        try
        {
            var (expected, _) = await Play(prepared, path, Death.Never);
            foreach (var isWritten in (bool[])[false, true]) await PlayEveryDeath(prepared, path, expected, isWritten);
        }
        finally
        {
            Directory.Delete(prepared, recursive: true);
        }
    }

    private static async Task PlayEveryDeath(string prepared, MoneyPath path, string expected, bool isWritten)
    {
        var deaths = 0;
        while (true)
        {
            var (outcome, hasDied) = await Play(prepared, path, new(deaths + 1, isWritten));
            Assert.True(expected == outcome, $"Killed at write {deaths + 1} ({(isWritten ? "written" : "not written")}):\n{outcome}\nand without a fault:\n{expected}");
            if (!hasDied) break;
            deaths++;
        }

        Assert.True(deaths >= 5, $"Only {deaths} writes.");
    }

    private static async Task<(string Outcome, bool HasDied)> Play(string prepared, MoneyPath path, Death death)
    {
        await using var shop = await MortalShop.Open(prepared, death);
        var outcome = await path.Play(shop);
        Assert.Empty(await shop.Findings());
        return ($"{outcome}, the till keeps {shop.Till.Kept} after {shop.Till.Refunds} refunds", shop.HasDied);
    }

    private static CampaignId TheCampaign { get; } = CampaignId.Of(MortalShop.Id(10));

    private static GroupRoomId Room { get; } = GroupRoomId.Of(MortalShop.Id(60));

    private static Task Sale(MortalShop shop) => Campaign(shop, new FlashSaleTerms { SalePriceFen = 5_900, Quota = 5, PerUserLimit = 2, HoldSeconds = 60 });

    private static Task Group(MortalShop shop) => Campaign(shop, new GroupBuyTerms { GroupPriceFen = 7_900, Size = 2, TtlMinutes = 60, Quota = 5, LatePayment = LatePaymentPolicy.Reroute });

    private static async Task Campaign(MortalShop shop, CampaignTerms terms)
    {
        await Goods(shop);
        await shop.Publish(10, Sku, terms);
    }

    private static async Task<(OrderId Order, ShopperId Buyer)> Take(MortalShop shop)
    {
        var (order, buyer) = (OrderId.Of(MortalShop.Id(50)), await shop.SignIn("amei"));
        await shop.Insist(SaleGrain, new TakeUnits(order, buyer, 2));
        return (order, buyer);
    }

    private static async Task<(OrderId Order, ShopperId Buyer)> Seat(MortalShop shop, int number, string name, bool founds = false)
    {
        var (order, buyer) = (OrderId.Of(MortalShop.Id(number)), await shop.SignIn(name));
        await shop.Insist(Room.In(MortalShop.Shop), new HoldSeat(order, buyer, 1, IsNew: true, 15, founds ? TheCampaign : null));
        return (order, buyer);
    }

    private static async Task<string> SaleOutcome(MortalShop shop, OrderId order, ShopperId buyer)
    {
        var outcome = await Outcome(shop, order, buyer);
        return $"{outcome}, {(await shop.Insist(SaleGrain, new GetFlashSale())).Left} left";
    }

    private static async Task<string> RoomOutcome(MortalShop shop, params (OrderId Order, ShopperId Buyer)[] members)
    {
        await shop.Quiet();
        var orders = new List<string>();
        foreach (var (order, buyer) in members) orders.Add(await shop.Describe(order, buyer));
        var (room, campaign) = (await shop.Insist(Room.In(MortalShop.Shop), new GetGroupRoom()), await shop.Insist(TheCampaign.In(MortalShop.Shop), new GetCampaign()));
        return $"room {room.State} with {room.Paid} paid, {string.Join(", ", orders)}, {campaign.Quota.Left} of the quota left, {await shop.Describe(Sku)}";
    }

    private static GrainId SaleGrain => new FlashSaleTerms { SalePriceFen = 0, Quota = 1 }.Participation(MortalShop.Shop, TheCampaign.Value);

    private static async Task Goods(MortalShop shop) => await shop.AddSku(1, listPriceFen: 9_900, stock: 10);

    private static async Task<(OrderId Order, ShopperId Buyer)> PlaceOrder(MortalShop shop)
    {
        var (order, buyer) = (OrderId.Of(MortalShop.Id(50)), await shop.SignIn("amei"));
        await shop.Insist(order.In(MortalShop.Shop), new PlaceOrder(buyer, "plain", null, null, [new OrderLine(Sku, "Cake", 2, 9_900, 19_800)], [], 15));
        return (order, buyer);
    }

    private static async Task<string> Outcome(MortalShop shop, OrderId order, ShopperId buyer)
    {
        await shop.Quiet();
        return $"{await shop.Describe(order, buyer)}, {await shop.Describe(Sku)}";
    }

    private static SkuId Sku { get; } = SkuId.Of(MortalShop.Id(1));

    /// <param name="Prepare">what is there before</param>
    /// <param name="Play">the way itself; tells how it ended</param>
    private sealed record MoneyPath(Func<MortalShop, Task> Prepare, Func<MortalShop, Task<string>> Play);
}
