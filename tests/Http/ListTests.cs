using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class ListTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task Pages_follow_each_other_newest_first_without_a_gap_or_a_double()
    {
        var own = await shop.AnotherShop();
        var sku = await own.AddSku(500);
        var buyer = await shop.SignIn(shop: own.ShopId);
        var orders = new List<string>();
        for (var i = 0; i < 7; i++) orders.Add((await buyer.Post("/v1/orders", new { lines = new[] { new { sku, quantity = 1 } } })).Expect(201).Text("id"));
        await shop.CaughtUp();
        orders.Reverse();

        foreach (var path in (string[])["/v1/orders", "/merchant/v1/orders"])
        {
            Client reader = path[1] == 'v' ? buyer : own;
            var read = new List<string>();
            var sizes = new List<int>();
            for (string? cursor = ""; cursor is not null;)
            {
                var page = (await reader.Get($"{path}?limit=3{(cursor.Length == 0 ? "" : $"&cursor={cursor}")}")).Expect(200);
                Assert.True(page.Time("asOf") <= await shop.Now());
                sizes.Add(page.Items.Count);
                read.AddRange(page.Items.Select(o => o["id"]!.GetValue<string>()));
                cursor = page.Body["nextCursor"]?.GetValue<string>();
            }

            Assert.Equal(orders, read);
            Assert.Equal([3, 3, 1], sizes);
            Assert.Null((await reader.Get($"{path}?limit=7")).Expect(200).Body["nextCursor"]);
        }
    }

    [Fact]
    public async Task An_order_in_a_list_is_the_order_itself()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var order = await amei.Order(await amei.Succeed(campaign));
        await amei.Pay(order);
        await shop.CaughtUp();

        var listed = Assert.Single((await amei.Get("/v1/orders")).Expect(200).Items).AsObject();
        var single = (await amei.SeeOrder(order)).Body.AsObject();
        foreach (var (field, value) in single.Where(f => f.Key is not "serverTime"))
            Assert.True(JsonNode.DeepEquals(value, listed[field]), $"{field}: {listed[field]} instead of {value}");
        Assert.NotNull(listed["serverTime"]);
    }

    [Fact]
    public async Task A_list_shows_its_owners_things_alone()
    {
        var campaign = await shop.Merchant.Run();
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var bargain = await amei.Launch(campaign.Id);
        await shop.CaughtUp();
        Assert.Equal(bargain, Assert.Single((await amei.Get("/v1/bargains")).Expect(200).Items)["id"]!.GetValue<string>());
        Assert.Empty((await bo.Get("/v1/bargains")).Expect(200).Items);
        Assert.Empty((await bo.Get("/v1/orders")).Expect(200).Items);
        Assert.Empty((await (await shop.AnotherShop()).Get("/merchant/v1/orders")).Expect(200).Items);
    }

    [Fact]
    public async Task Shoppers_see_published_campaigns_with_what_is_left()
    {
        var own = await shop.AnotherShop();
        var draft = await own.Draft(await own.AddSku());
        var running = await own.Run(r => r["quota"] = 5);
        var amei = await shop.SignIn(shop: own.ShopId);
        await amei.Launch(running.Id);
        (await own.Do(running.Id, "pauses")).Expect(200);
        await shop.CaughtUp();

        var open = Assert.Single((await amei.Get("/v1/campaigns?kind=bargain")).Expect(200).Items);
        Assert.Equal((running.Id, 4, "Paused", 990), (open["id"]!.GetValue<string>(), open["left"]!.GetValue<int>(), open["state"]!.GetValue<string>(), open["priceFen"]!.GetValue<int>()));
        Assert.Single((await amei.Get("/v1/campaigns")).Expect(200).Items);
        Assert.Empty((await amei.Get("/v1/campaigns?kind=flash-sale")).Expect(200).Items);
        Assert.Equal([running.Id, draft], (await own.Get("/merchant/v1/campaigns")).Expect(200).Items.Select(c => c["id"]!.GetValue<string>()));
    }
}
