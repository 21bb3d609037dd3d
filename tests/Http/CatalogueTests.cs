using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class CatalogueTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task A_product_has_its_SKUs_with_price_and_stock()
    {
        var product = (await shop.Merchant.Post("/merchant/v1/products", new { title = "桂花糕", type = "handmade", skus = new[] { new { name = "小盒", listPriceFen = 2_900, stock = 10 }, new { name = "大盒", listPriceFen = 4_900, stock = 0 } } })).Expect(201);
        Assert.Equal(product.Body["skus"]!.ToJsonString(), (await shop.Merchant.Get(product.Header("Location")!)).Expect(200).Body["skus"]!.ToJsonString());
        var sku = await shop.Merchant.Sku(product.Body["skus"]![0]!["id"]!.GetValue<string>());
        Assert.Equal((2_900, 10, 0, 10), (sku.Number("listPriceFen"), sku.Body["stock"]!["onHand"]!.GetValue<int>(), sku.Body["stock"]!["reserved"]!.GetValue<int>(), sku.Body["stock"]!["available"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Stock_changes_by_a_delta_and_what_is_reserved_cannot_be_taken()
    {
        var campaign = await shop.Merchant.Run(r => r["quota"] = 6, stock: 10);
        (await Change(5)).Expect(200);
        Assert.Equal((15, 6, 9), await shop.Merchant.Stock(campaign.Sku));
        (await Change(-10)).Refused(409, "SoldOut");
        (await Change(-9)).Expect(200);
        Assert.Equal((6, 6, 0), await shop.Merchant.Stock(campaign.Sku));
        (await Change(0)).Refused(422, "Invalid");
        (await Change(long.MaxValue)).Refused(422, "Invalid");
        (await Change(long.MinValue)).Refused(422, "Invalid");
        (await shop.Merchant.Post($"/merchant/v1/skus/{campaign.Sku}/stock-changes", new { delta = 1, reason = "" })).Refused(422, "Invalid");
        (await shop.Merchant.Post($"/merchant/v1/skus/{campaign.Sku}/stock-changes", new { delta = 1 })).Refused(400, "Malformed");

        Task<Reply> Change(long delta) => shop.Merchant.Post($"/merchant/v1/skus/{campaign.Sku}/stock-changes", new { delta, reason = "盘点" });
    }

    [Fact]
    public async Task A_price_changes_and_the_next_bargain_starts_from_it()
    {
        var campaign = await shop.Merchant.Run();
        Assert.Equal(8_800, (await shop.Merchant.Post($"/merchant/v1/skus/{campaign.Sku}/price-changes", new { listPriceFen = 8_800 })).Expect(200).Number("listPriceFen"));
        (await shop.Merchant.Post("/merchant/v1/skus/00000000000000000000000000000000/price-changes", new { listPriceFen = 1 })).Refused(404, "NotFound");
    }

    [Fact]
    public async Task Settings_are_replaced_as_a_whole_and_each_is_checked()
    {
        var own = await shop.AnotherShop();
        (await own.Settings(s => (s["dailyAssistCap"], s["timeZone"]) = (5, "Europe/Berlin"))).Expect(200);
        var settings = (await own.Get("/merchant/v1/settings")).Expect(200);
        Assert.Equal((5, "Europe/Berlin", "mini-program", "first-touch"), (settings.Number("dailyAssistCap"), settings.Text("timeZone"), settings.Text("channel"), settings.Text("bindingMode")));
        Assert.Equal((100, 2_000_000, 0), (settings.Number("withdrawalMinFen"), settings.Number("withdrawalMaxFen"), settings.Number("withdrawalFeePercent")));

        foreach (var (field, value) in new (string, JsonNode)[]
        {
            ("timeZone", "Mars/Olympus"), ("timeZone", "../etc/passwd"), ("dailyAssistCap", 0), ("dailyAssistCap", 101), ("minAccountAgeHours", -1), ("paymentWindowMinutes", 0),
            ("paymentWindowMinutes", 1_441), ("commissionMinPercent", 101), ("commissionMaxPercent", 1), ("freezeDays", 91), ("bindingDays", 0), ("level2Percent", 5),
        })
        {
            var refused = (await own.Settings(s => s[field] = value)).Refused(422, "Invalid");
            Assert.NotEmpty(refused.Body["findings"]!.AsArray());
        }

        foreach (var (field, value) in new (string, JsonNode?)[] { ("channel", "telegram"), ("channel", 1), ("bindingMode", "none"), ("dailyAssistCap", "3"), ("dailyAssistCap", null), ("timeZone", null) })
            (await own.Settings(s => s[field] = value)).Refused(400, "Malformed");
        (await own.Settings(s => s.Remove("timeZone"))).Refused(400, "Malformed");
        Assert.Equal(5, (await own.Get("/merchant/v1/settings")).Number("dailyAssistCap"));
    }

    [Fact]
    public async Task The_settings_of_the_contract_alone_are_enough()
    {
        var own = await shop.AnotherShop();
        var settings = new
        {
            timeZone = "Asia/Shanghai",
            channel = "mini-program",
            dailyAssistCap = 3,
            minAccountAgeHours = 0,
            paymentWindowMinutes = 15,
            commissionMinPercent = 15,
            commissionMaxPercent = 30,
            freezeDays = 7,
            bindingMode = "last-touch",
            bindingDays = 15,
        };
        (await own.Put("/merchant/v1/settings", settings)).Expect(200);
        (await own.Settings(s => (s["level2Percent"], s["secondLevelSignOff"]) = (5, new JsonObject { ["by"] = "Li", ["reason"] = "opinion 7" }))).Expect(200);
    }

    [Fact]
    public async Task Settings_decide_about_the_next_assist()
    {
        var own = await shop.AnotherShop();
        var campaign = await own.Run();
        var amei = await shop.SignIn(shop: own.ShopId);
        var friend = await shop.SignIn(shop: own.ShopId);
        var (first, second) = (await amei.Launch(campaign.Id), await amei.Launch(campaign.Id));
        (await own.Settings(s => s["dailyAssistCap"] = 1)).Expect(200);
        (await friend.Assist(first)).Expect(201);
        Assert.Equal(1, (await friend.Assist(second)).Refused(429, "DailyAssistCapReached").Number("limit"));
        (await own.Settings(s => (s["dailyAssistCap"], s["minAccountAgeHours"]) = (3, 1))).Expect(200);
        (await friend.Assist(second)).Refused(403, "AccountTooYoung");
        await shop.Pass(TimeSpan.FromMinutes(61));
        (await friend.Assist(second)).Expect(201);
    }

    [Fact]
    public async Task A_blocked_shopper_may_not_help_until_the_block_ends()
    {
        var campaign = await shop.Merchant.Run();
        var (amei, friend) = (await shop.SignIn(), await shop.SignIn());
        var bargain = await amei.Launch(campaign.Id);
        (await shop.Merchant.Post($"/merchant/v1/shoppers/{friend.Id}/blocks", new { until = (await shop.Now()).AddMinutes(30), reason = "刷单" })).Expect(201);
        (await friend.Assist(bargain)).Refused(403, "HelperBlocked");
        Assert.Equal(3, (await friend.Me()).Number("assistsLeftToday"));
        await shop.Pass(TimeSpan.FromMinutes(31));
        (await friend.Assist(bargain)).Expect(201);
        (await shop.Merchant.Post("/merchant/v1/shoppers/00000000000000000000000000000000/blocks", new { until = await shop.Now(), reason = "x" })).Refused(404, "NotFound");
    }
}
