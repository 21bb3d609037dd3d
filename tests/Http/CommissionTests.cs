using System.Text.Json.Nodes;
using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.Http;

/// <summary>What a distributor earns by the orders of those they brought, as they and the merchant see it.</summary>
public sealed class CommissionTests(LiveShop shop) : IClassFixture<LiveShop>
{
    private static readonly BindingPolicy Policy = new(BindingMode.FirstTouch, 15, 0);

    [Fact]
    [Trait("EdgeCase", "42")]
    public async Task A_commission_follows_its_order_from_the_payment_to_the_end_of_the_after_sale_period()
    {
        await using var own = await LiveShop.Open();
        var (bing, amei) = await Promoted(own);
        var order = await Buy(own, amei, await own.Merchant.AddSku(10_000));
        var pending = await Mine(own, bing);
        var item = Assert.Single(pending.Items);
        Assert.Equal((order, 1, 1_500, 0, "Pending", "moments"), (item["orderId"]!.GetValue<string>(), item["level"]!.GetValue<int>(), item["amountFen"]!.GetValue<long>(), item["reversedFen"]!.GetValue<long>(), item["state"]!.GetValue<string>(), item["channel"]!.GetValue<string>()));
        Assert.Null(item["availableAt"]);
        Assert.Equal((1_500, 0, 0, 0), Balance(pending));

        (await own.Merchant.Post($"/merchant/v1/orders/{order}/shipments", new { carrier = "SF", trackingNumber = "SF1" })).Expect(201);
        (await amei.Post($"/v1/orders/{order}/receipts")).Expect(200);
        await own.Quiet();
        var frozen = await Mine(own, bing);
        Assert.Equal(("Frozen", 7.0), (frozen.Items[0]["state"]!.GetValue<string>(), Math.Round((frozen.Items[0]["availableAt"]!.GetValue<DateTimeOffset>() - await own.Now()).TotalDays)));
        Assert.Equal((0, 1_500, 0, 0), Balance(frozen));

        (await own.Merchant.Post($"/merchant/v1/orders/{order}/refunds", new { amountFen = 2_000, reason = "broken" })).Expect(201);
        await own.Quiet();
        Assert.Equal((0, 1_200, 0, 0), Balance(await Mine(own, bing)));

        await own.Pass(TimeSpan.FromDays(8));
        bing = await bing.Again();
        var available = await Mine(own, bing);
        Assert.Equal(("Available", 300), (available.Items[0]["state"]!.GetValue<string>(), available.Items[0]["reversedFen"]!.GetValue<long>()));
        Assert.Equal((0, 0, 1_200, 0), Balance(available));

        (await own.Merchant.Post($"/merchant/v1/orders/{order}/refunds", new { reason = "all of it" })).Expect(201);
        await own.Quiet();
        Assert.Equal((0, 0, 0, 0), Balance(await Mine(own, bing)));
    }

    [Fact]
    public async Task The_merchant_sees_what_an_order_earned_and_for_whom()
    {
        var (bing, amei) = await Promoted(shop);
        var order = await Buy(shop, amei, await shop.Merchant.AddSku(9_999), 2);
        await shop.CaughtUp();

        Assert.Equal(bing.Id, (await shop.Merchant.Get($"/merchant/v1/orders/{order}")).Expect(200).Text("promoter"));
        Assert.Null((await amei.SeeOrder(order)).Body["promoter"]);
        var commissions = (await shop.Merchant.Get($"/merchant/v1/orders/{order}/commissions")).Expect(200);
        Assert.Equal((bing.Id, "moments", "Pending"), (commissions.Text("promoter"), commissions.Text("channel"), commissions.Text("state")));
        var level = Assert.Single(commissions.Items);
        Assert.Equal((1, bing.Id, 2_999), (level["level"]!.GetValue<int>(), level["shopperId"]!.GetValue<string>(), level["amountFen"]!.GetValue<long>()));
        var listed = (await shop.Merchant.Get("/merchant/v1/commissions?limit=1")).Expect(200).Items.Single();
        Assert.Equal((level["id"]!.GetValue<string>(), order), (listed["id"]!.GetValue<string>(), listed["orderId"]!.GetValue<string>()));
    }

    [Fact]
    public async Task An_order_that_nobody_promoted_earns_nothing()
    {
        var amei = await shop.SignIn();
        var order = await Buy(shop, amei, await shop.Merchant.AddSku());

        var commissions = (await shop.Merchant.Get($"/merchant/v1/orders/{order}/commissions")).Expect(200);
        Assert.Empty(commissions.Items);
        Assert.Null(commissions.Body["promoter"]);
        Assert.Empty((await Mine(shop, amei)).Items);
        (await shop.Merchant.Get($"/merchant/v1/orders/{new string('0', 32)}/commissions")).Refused(404, "NotFound");
    }

    [Fact]
    public async Task A_product_has_rates_of_its_own_and_a_SKU_changes_them_within_what_the_shop_allows()
    {
        object skus = new[] { new { name = "n", listPriceFen = 10_000, stock = 10 } };
        (await shop.Merchant.Post("/merchant/v1/products", new { title = "t", type = "daily", skus, commission = new { level1Percent = 20, level2Percent = 11 } })).Refused(422, "Invalid");
        (await shop.Merchant.Post("/merchant/v1/products", new { title = "t", type = "daily", skus, commission = new { level1Percent = -1, level2Percent = 0 } })).Refused(422, "Invalid");
        (await shop.Merchant.Post("/merchant/v1/products", new { title = "t", type = "daily", skus, commission = new { level1Percent = 20, level2Percent = 10 } })).Refused(422, "Invalid"); // nobody has signed for a second level
        (await shop.Merchant.Post("/merchant/v1/products", new { title = "t", type = "daily", skus, commission = new { level1Percent = 1, level2Percent = 0 } })).Refused(422, "Invalid");
        var product = (await shop.Merchant.Post("/merchant/v1/products", new { title = "t", type = "daily", skus, commission = new { level1Percent = 20, level2Percent = 0 } })).Expect(201);
        var sku = product.Body["skus"]![0]!["id"]!.GetValue<string>();
        Assert.Equal(20, (await shop.Merchant.Sku(sku)).Body["commission"]!["level1Percent"]!.GetValue<int>());

        var (bing, amei) = await Promoted(shop);
        await Buy(shop, amei, sku);
        Assert.Equal(2_000, (await Mine(shop, bing)).Items[0]["amountFen"]!.GetValue<long>());

        (await shop.Merchant.Post($"/merchant/v1/skus/{sku}/commission-changes", new { commission = new { level1Percent = 31, level2Percent = 0 } })).Refused(422, "Invalid");
        var changed = (await shop.Merchant.PostOnce(sku, $"/merchant/v1/skus/{sku}/commission-changes", new { commission = new { level1Percent = 0, level2Percent = 0 } })).Expect(200);
        Assert.Equal(0, changed.Body["commission"]!["level1Percent"]!.GetValue<int>());
        var order = await Buy(shop, amei, sku);
        Assert.Equal("NothingToEarn", (await shop.Merchant.Get($"/merchant/v1/orders/{order}/commissions")).Expect(200).Text("noCommission"));
        Assert.Null((await shop.Merchant.Post($"/merchant/v1/skus/{sku}/commission-changes")).Expect(200).Body["commission"]);
    }

    [Fact]
    public async Task A_campaign_may_be_without_commission()
    {
        var (bing, amei) = await Promoted(shop);
        var sale = await shop.Merchant.RunSale(rules => rules["earnsCommission"] = false);
        Assert.False((await shop.Merchant.Campaign(sale.Id)).Body["rules"]!["earnsCommission"]!.GetValue<bool>());
        var order = await amei.Take(sale.Id);
        await amei.Pay(order);

        Assert.Null((await shop.Merchant.Get($"/merchant/v1/orders/{order}")).Expect(200).Body["promoter"]);
        Assert.Empty((await Mine(shop, bing)).Items);
    }

    [Fact]
    [Trait("EdgeCase", "44")]
    public async Task A_binding_that_changes_between_the_order_and_its_payment_changes_nothing_about_the_order()
    {
        var (bing, amei) = await Promoted(shop);
        var order = (await amei.Post("/v1/orders", new { lines = new[] { new { sku = await shop.Merchant.AddSku(10_000), quantity = 1 } } })).Expect(201).Text("id");
        var chen = await shop.SignIn();
        await Bind(shop, chen, amei, Policy with { Mode = BindingMode.LastTouch });
        await amei.Pay(order);

        Assert.Equal(bing.Id, (await shop.Merchant.Get($"/merchant/v1/orders/{order}")).Expect(200).Text("promoter"));
        Assert.Single((await Mine(shop, bing)).Items);
        Assert.Empty((await Mine(shop, chen)).Items);
    }

    [Fact]
    public async Task The_leaderboard_shows_who_earned_most_in_a_month()
    {
        var own = await shop.AnotherShop();
        Assert.Empty((await own.Get("/merchant/v1/distribution/leaderboard?month=2026-11")).Expect(200).Items);
        (await own.Get("/merchant/v1/distribution/leaderboard?month=november")).Refused(422, "Invalid");
        (await own.Get("/merchant/v1/distribution/leaderboard?month=2026-13")).Refused(422, "Invalid");

        var (bing, amei) = await Promoted(shop);
        await Buy(shop, amei, await shop.Merchant.AddSku(10_000_000));
        await shop.CaughtUp();
        var board = (await shop.Merchant.Get("/merchant/v1/distribution/leaderboard")).Expect(200);
        Assert.Equal((1, bing.Id, 1_500_000, 1_500_000, 0, 1), Row(board.Items[0]));

        static (int, string, long, long, long, int) Row(JsonNode r) =>
            (r["rank"]!.GetValue<int>(), r["shopperId"]!.GetValue<string>(), r["netFen"]!.GetValue<long>(), r["grantedFen"]!.GetValue<long>(), r["reversedFen"]!.GetValue<long>(), r["orders"]!.GetValue<int>());
    }

    /// <summary>A distributor, and somebody who came through their code.</summary>
    private static async Task<(LiveShopper Promoter, LiveShopper Buyer)> Promoted(LiveShop shop)
    {
        var (promoter, buyer) = (await shop.SignIn(), await shop.SignIn());
        await Bind(shop, promoter, buyer, Policy);
        return (promoter, buyer);
    }

    private static async Task Bind(LiveShop shop, LiveShopper promoter, LiveShopper buyer, BindingPolicy policy)
    {
        var (grains, demo) = (shop.Host.Services.GetRequiredService<IGrains>(), new ShopId("demo"));
        Assert.True(Ids.TryParse<ShopperId>(promoter.Id, out var promoterId) & Ids.TryParse<ShopperId>(buyer.Id, out var buyerId));
        Assert.Null((await grains.Ask(promoterId.DistributorIn(demo), new JoinDistribution(HasBought: true, null))).Refusal);
        Assert.Null((await grains.Ask(buyerId.BindingIn(demo), new BindPromoter(promoterId, "moments", null, policy))).Refusal);
    }

    /// <returns>the id of a paid order</returns>
    private static async Task<string> Buy(LiveShop shop, LiveShopper buyer, string sku, int quantity = 1)
    {
        var order = (await buyer.Post("/v1/orders", new { lines = new[] { new { sku, quantity } } })).Expect(201).Text("id");
        await buyer.Pay(order);
        await shop.Quiet();
        return order;
    }

    private static async Task<Reply> Mine(LiveShop shop, LiveShopper who)
    {
        await shop.CaughtUp();
        return (await who.Get("/v1/me/commissions")).Expect(200);
    }

    private static (long Pending, long Frozen, long Available, long Debt) Balance(Reply mine) =>
        mine.Body["balance"]! is var b ? (b["pendingFen"]!.GetValue<long>(), b["frozenFen"]!.GetValue<long>(), b["availableFen"]!.GetValue<long>(), b["debtFen"]!.GetValue<long>()) : default;
}
