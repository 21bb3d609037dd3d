using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Bargain;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class StoryTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task A_bargain_goes_from_launch_to_a_paid_order()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var friends = await shop.SignIn(3);

        var launched = (await amei.TryLaunch(campaign.Id)).Expect(201);
        var id = launched.Text("id");
        Assert.Equal($"/v1/bargains/{id}", launched.Header("Location"));
        Assert.Equal(("Running", 9_900, 990, 9_900, 8_910), (launched.Text("state"), launched.Number("listPriceFen"), launched.Number("floorFen"), launched.Number("priceFen"), launched.Number("leftFen")));
        Assert.Equal((3, 3, amei.Id, campaign.Id), (launched.Number("slots"), launched.Number("slotsLeft"), launched.Text("ownerId"), launched.Text("campaignId")));
        Assert.True(launched.Time("endsAt") > launched.Time("serverTime"));

        var price = 9_900L;
        foreach (var friend in friends)
        {
            var assist = (await friend.Assist(id)).Expect(201);
            price -= assist.Number("cutFen");
            Assert.Equal((price, price - 990, 1), (assist.Number("priceFen"), assist.Number("leftFen"), assist.Number("slotsUsed")));
            Assert.Equal(2, assist.Number("assistsLeftToday"));
        }

        var succeeded = await friends[0].Bargain(id);
        Assert.Equal(("Succeeded", 990, 0), (succeeded.Text("state"), succeeded.Number("priceFen"), succeeded.Number("slotsLeft")));
        Assert.Equal(friends.Select(f => f.Id), succeeded.Body["helpers"]!.AsArray().Select(h => h!["shopperId"]!.GetValue<string>()));

        (await friends[0].TryOrder(id)).Refused(403, "NotOwner");
        var ordered = (await amei.TryOrder(id)).Expect(201);
        var order = ordered.Text("id");
        Assert.Equal(("bargain", "Pending", 990), (ordered.Text("kind"), ordered.Text("state"), ordered.Number("amountFen")));
        Assert.Equal((9_900, 1, 9_900), (ordered.Body["lines"]![0]!["unitPriceFen"]!.GetValue<long>(), ordered.Body["lines"]![0]!["quantity"]!.GetValue<int>(), ordered.Body["lines"]![0]!["amountFen"]!.GetValue<long>()));
        Assert.Equal(8_910, ordered.Body["discountLines"]!.AsArray().Sum(d => d!["amountFen"]!.GetValue<long>()));
        (await amei.TryOrder(id)).Refused(409, "AlreadyOrdered");

        var started = (await amei.Post($"/v1/orders/{order}/payments")).Expect(201);
        Assert.StartsWith("prepay_id=", started.Body["prepay"]!["package"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("RSA", started.Body["prepay"]!["signType"]!.GetValue<string>());
        await shop.Pay(started.Text("paymentId"));

        var paid = await amei.SeeOrder(order);
        Assert.Equal("Paid", paid.Text("state"));
        Assert.NotNull(paid.Body["paidAt"]);
        Assert.Equal("Paid", (await amei.Bargain(id)).Text("state"));
        Assert.Equal((999, 99, 900), await shop.Merchant.Stock(campaign.Sku));
        Assert.Equal(99, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["left"]!.GetValue<int>());
        Assert.False((await amei.Me()).Body["isNew"]!.GetValue<bool>());
        (await amei.Post($"/v1/orders/{order}/cancellations")).Refused(409, "OrderNotCancellable");
        (await amei.Post($"/v1/orders/{order}/payments")).Refused(409, "OrderNotPayable");
    }

    [Fact]
    public async Task The_proof_shows_its_seed_only_when_nothing_can_be_gained_by_it_and_then_holds()
    {
        var campaign = await shop.Merchant.Run(r => r["curve"] = "random");
        var amei = await shop.SignIn();
        var bargain = await amei.Launch(campaign.Id);
        var hidden = (await amei.Get($"/v1/bargains/{bargain}/proof")).Expect(200);
        Assert.Null(hidden.Body["seed"]);
        Assert.Null(hidden.Body["slots"]);
        foreach (var friend in await shop.SignIn(3)) (await friend.Assist(bargain)).Expect(201);

        var revealed = (await amei.Get($"/v1/bargains/{bargain}/proof")).Expect(200);
        Assert.Equal(hidden.Text("commitment"), revealed.Text("commitment"));
        var proof = System.Text.Json.JsonSerializer.Deserialize<BargainProof>(revealed.Content, Api.Json)!;
        Assert.True(BargainPlan.Verify(proof, out var problem), problem);
        Assert.False(BargainPlan.Verify(proof with { Slots = [.. proof.Slots!.Select((fen, i) => i == 0 ? fen + 1 : fen)] }, out _));
    }

    [Fact]
    public async Task A_plain_order_is_at_list_price_and_all_or_nothing()
    {
        var (buyer, cheap, scarce) = (await shop.SignIn(), await shop.Merchant.AddSku(500), await shop.Merchant.AddSku(700, stock: 1));
        var both = new { lines = new[] { new { sku = cheap, quantity = 2 }, new { sku = scarce, quantity = 1 } } };
        var order = (await buyer.Post("/v1/orders", both)).Expect(201);
        Assert.Equal((1_700, "Pending"), (order.Number("amountFen"), order.Text("state")));

        (await buyer.Post("/v1/orders", both)).Refused(409, "SoldOut");
        await shop.Quiet();
        Assert.Equal((1_000, 2, 998), await shop.Merchant.Stock(cheap));

        await buyer.Pay(order.Text("id"));
        Assert.Equal((998, 0, 998), await shop.Merchant.Stock(cheap));
        Assert.Equal((0, 0, 0), await shop.Merchant.Stock(scarce));
        (await buyer.Post("/v1/orders", new { lines = Array.Empty<object>() })).Refused(422, "Invalid");
        (await buyer.Post("/v1/orders", new { lines = new[] { new { sku = cheap, quantity = 0 } } })).Refused(422, "Invalid");
        (await buyer.Post("/v1/orders", new { lines = new[] { new { sku = cheap, quantity = int.MaxValue } } })).Refused(422, "Invalid");
        (await buyer.Send(HttpMethod.Post, "/v1/orders", """{"lines":[null]}""")).Refused(400, "Malformed");
    }

    [Fact]
    public async Task An_order_over_nothing_is_paid_at_once()
    {
        var campaign = await shop.Merchant.Run(r => r["floorFen"] = 0);
        var amei = await shop.SignIn();
        var ordered = (await amei.TryOrder(await amei.Succeed(campaign))).Expect(201);
        Assert.Equal(("Paid", 0), (ordered.Text("state"), ordered.Number("amountFen")));
        (await amei.Post($"/v1/orders/{ordered.Text("id")}/payments")).Refused(409, "OrderNotPayable");
    }
}
