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
