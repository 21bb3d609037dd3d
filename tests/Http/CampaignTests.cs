using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class CampaignTests(LiveShop shop) : IClassFixture<LiveShop>
{
    private const string Nothing = "00000000000000000000000000000000";

    [Fact]
    public async Task A_draft_is_edited_whole_and_published_once()
    {
        var merchant = shop.Merchant;
        var sku = await merchant.AddSku();
        var drafted = (await merchant.Post("/merchant/v1/campaigns", await merchant.Plan(sku))).Expect(201);
        var id = drafted.Text("id");
        Assert.Equal(("Draft", 0, "bargain", sku), (drafted.Text("state"), drafted.Number("revision"), drafted.Text("kind"), drafted.Text("sku")));
        Assert.Equal($"/merchant/v1/campaigns/{id}", drafted.Header("Location"));
        (await merchant.Put($"/merchant/v1/campaigns/{id}", await merchant.Plan(sku, r => r["quota"] = 7, p => p["title"] = "新的"))).Expect(200);
        var edited = await merchant.Campaign(id);
        Assert.Equal(("新的", 7, 7), (edited.Text("title"), edited.Body["quota"]!["total"]!.GetValue<int>(), edited.Body["quota"]!["left"]!.GetValue<int>()));

        // What a console has read it may send back, whatever else is in it.
        (await merchant.Put($"/merchant/v1/campaigns/{id}", edited.Body)).Expect(200);
        (await merchant.Do(id, "pauses")).Refused(409, "WrongState");
        (await merchant.Do(id, "kills")).Refused(409, "WrongState");

        var published = (await merchant.Publish(id)).Expect(201);
        Assert.Equal(("Running", 1), (published.Text("state"), published.Number("revision")));
        Assert.Contains(published.Body["findings"]!.AsArray(), f => f!["ruleId"]!.GetValue<string>() == "BARGAIN-COST");
        (await merchant.Publish(id)).Refused(409, "WrongState");
        (await merchant.Put($"/merchant/v1/campaigns/{id}", await merchant.Plan(sku))).Refused(409, "NotEditable");
        Assert.Equal((1_000, 7, 993), await merchant.Stock(sku));
    }

    [Fact]
    [Trait("EdgeCase", "55")]
    public async Task A_publication_is_refused_with_all_findings_at_once()
    {
        var own = await shop.AnotherShop();
        (await own.Settings(s => s["channel"] = "h5-link")).Expect(200);
        var sku = await own.AddSku(stock: 5);
        var now = await shop.Now();
        var draft = await own.Draft(sku, r => (r["floorFen"], r["quota"]) = (9_900, 100), p => (p["startsAt"], p["endsAt"]) = (now.AddDays(2), now.AddDays(1)));

        var refused = (await own.Publish(draft)).Refused(422, "NotPublishable");
        var findings = refused.Body["findings"]!.AsArray().Select(f => f!).ToList();
        Assert.All(findings, f => Assert.Equal(["field", "message", "ruleId", "severity"], f.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal)));
        var blocks = findings.Where(f => f["severity"]!.GetValue<string>() == "block").Select(f => f["ruleId"]!.GetValue<string>());
        Assert.Equal(["BARGAIN-FLOOR", "BARGAIN-QUOTA-STOCK", "CAMPAIGN-WINDOW", "WX-SHARE-02"], blocks.Order(StringComparer.Ordinal));
        Assert.Equal("Draft", (await own.Campaign(draft)).Text("state"));
        Assert.Equal((5, 0, 5), await own.Stock(sku));
    }

    [Theory]
    [InlineData("assistsNeeded", 0)]
    [InlineData("assistsNeeded", 201)]
    [InlineData("floorFen", -1)]
    [InlineData("floorFen", 10_000_000_001)]
    [InlineData("minCutFen", 0)]
    [InlineData("ttlMinutes", 59)]
    [InlineData("ttlMinutes", 10_081)]
    [InlineData("payWindowMinutes", 0)]
    [InlineData("payWindowMinutes", 10_081)]
    [InlineData("newUserWeight", 6)]
    [InlineData("launchesPerUser", 101)]
    [InlineData("quota", 0)]
    [InlineData("quota", 10_000_001)]
    public async Task A_rule_out_of_its_bounds_cannot_even_be_a_draft(string rule, long value)
    {
        var sku = await shop.Merchant.AddSku();
        var refused = (await shop.Merchant.Post("/merchant/v1/campaigns", await shop.Merchant.Plan(sku, r => r[rule] = value))).Refused(422, "Invalid");
        Assert.Contains(refused.Body["findings"]!.AsArray(), f => f!["field"]!.GetValue<string>() == $"rules.{rule}");
    }

    [Theory]
    [InlineData("lottery")]
    [InlineData("")]
    [InlineData("Bargain")]
    public async Task An_unknown_kind_is_refused(string kind)
    {
        var sku = await shop.Merchant.AddSku();
        (await shop.Merchant.Post("/merchant/v1/campaigns", await shop.Merchant.Plan(sku, plan: p => p["kind"] = kind))).Refused(422, "Invalid");
    }

    [Fact]
    public async Task A_campaign_needs_a_SKU_of_this_shop_a_title_and_real_dates()
    {
        var (merchant, sku) = (shop.Merchant, await shop.Merchant.AddSku());
        (await merchant.Post("/merchant/v1/campaigns", await merchant.Plan(Nothing))).Refused(422, "Invalid");
        (await merchant.Post("/merchant/v1/campaigns", await merchant.Plan(sku, plan: p => p["title"] = " "))).Refused(422, "Invalid");
        (await merchant.Post("/merchant/v1/campaigns", await merchant.Plan(sku, plan: p => p["startsAt"] = "tomorrow"))).Refused(400, "Malformed");
        (await merchant.Post("/merchant/v1/campaigns", await merchant.Plan(sku, plan: p => p.Remove("endsAt")))).Refused(400, "Malformed");
        (await merchant.Get($"/merchant/v1/campaigns/{Nothing}")).Refused(404, "NotFound");
        (await merchant.Put($"/merchant/v1/campaigns/{Nothing}", await merchant.Plan(sku))).Refused(404, "NotFound");
    }

    [Fact]
    [Trait("EdgeCase", "10")]
    public async Task A_pause_stops_launches_and_assists_and_a_resumption_lets_them_go_on()
    {
        var campaign = await shop.Merchant.Run();
        var (amei, friend) = (await shop.SignIn(), await shop.SignIn());
        var bargain = await amei.Launch(campaign.Id);
        Assert.Equal("Paused", (await shop.Merchant.Do(campaign.Id, "pauses")).Expect(200).Text("state"));
        (await friend.Assist(bargain)).Refused(409, "CampaignPaused");
        (await amei.TryLaunch(campaign.Id)).Refused(409, "CampaignPaused");
        (await shop.Merchant.Do(campaign.Id, "pauses")).Refused(409, "WrongState");
        Assert.Equal(3, (await friend.Me()).Number("assistsLeftToday"));

        Assert.Equal("Running", (await shop.Merchant.Do(campaign.Id, "resumptions")).Expect(200).Text("state"));
        (await friend.Assist(bargain)).Expect(201);
        (await shop.Merchant.Do(campaign.Id, "resumptions")).Refused(409, "WrongState");
    }

    [Fact]
    public async Task A_gate_needs_its_reason()
    {
        var campaign = await shop.Merchant.Run();
        foreach (var gate in (string[])["pauses", "kills"])
        {
            (await shop.Merchant.Post($"/merchant/v1/campaigns/{campaign.Id}/{gate}")).Refused(400, "Malformed");
            (await shop.Merchant.Send(HttpMethod.Post, $"/merchant/v1/campaigns/{campaign.Id}/{gate}", "")).Refused(400, "Malformed");
        }

        Assert.Equal("Running", (await shop.Merchant.Campaign(campaign.Id)).Text("state"));
    }

    [Fact]
    [Trait("EdgeCase", "55")]
    public async Task A_kill_ends_what_runs_and_settles_what_was_earned()
    {
        var campaign = await shop.Merchant.Run();
        var (amei, bo, friend) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        var earned = await amei.Succeed(campaign);
        var running = await bo.Launch(campaign.Id);
        Assert.Equal("Killed", (await shop.Merchant.Do(campaign.Id, "kills")).Expect(200).Text("state"));

        Assert.Equal("Cancelled", (await bo.Bargain(running)).Text("state"));
        (await friend.Assist(running)).Refused(409, "BargainNotRunning");
        (await bo.TryLaunch(campaign.Id)).Refused(409, "CampaignKilled");
        (await shop.Merchant.Do(campaign.Id, "kills")).Refused(409, "WrongState");
        (await shop.Merchant.Do(campaign.Id, "resumptions")).Refused(409, "WrongState");

        var order = await amei.Order(earned);
        await amei.Pay(order);
        Assert.Equal("Paid", (await amei.SeeOrder(order)).Text("state"));
        await shop.Quiet();
        Assert.Equal("Settled", (await shop.Merchant.Campaign(campaign.Id)).Text("state"));
        Assert.Equal((999, 0, 999), await shop.Merchant.Stock(campaign.Sku));
    }

    [Fact]
    public async Task The_quota_changes_by_a_delta_and_never_below_what_is_taken()
    {
        var campaign = await shop.Merchant.Run(r => r["quota"] = 3, stock: 5);
        var amei = await shop.SignIn();
        await amei.Launch(campaign.Id);
        await amei.Launch(campaign.Id);

        Assert.Equal((5, 3), Quota(await Change(2)));
        (await Change(1)).Refused(409, "SoldOut");
        Assert.Equal((2, 0), Quota(await Change(-100)));
        (await amei.TryLaunch(campaign.Id)).Refused(409, "SoldOut");
        Assert.Equal((3, 1), Quota(await Change(1)));
        Assert.Equal((5, 3, 2), await shop.Merchant.Stock(campaign.Sku));
        (await Change(int.MaxValue)).Refused(422, "Invalid");
        (await shop.Merchant.Send(HttpMethod.Post, $"/merchant/v1/campaigns/{campaign.Id}/quota-changes", """{"delta":2147483648}""")).Refused(400, "Malformed");
        (await shop.Merchant.Send(HttpMethod.Post, $"/merchant/v1/campaigns/{campaign.Id}/quota-changes", "{}")).Refused(400, "Malformed");

        Task<Reply> Change(int delta) => shop.Merchant.Post($"/merchant/v1/campaigns/{campaign.Id}/quota-changes", new { delta });
        static (int Total, int Left) Quota(Reply reply) => (reply.Expect(200).Body["quota"]!["total"]!.GetValue<int>(), reply.Body["quota"]!["left"]!.GetValue<int>());
    }

    [Fact]
    public async Task The_report_counts_people_orders_and_money()
    {
        var own = await shop.AnotherShop();
        var campaign = await own.Run(r => r["assistsNeeded"] = 2);
        var people = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => shop.SignIn(shop: own.ShopId)));
        var (amei, bo, chen, dan) = (people[0], people[1], people[2], people[3]);
        var first = await amei.Launch(campaign.Id);
        (await bo.Assist(first)).Expect(201);
        (await chen.Assist(first)).Expect(201);
        var second = await bo.Launch(campaign.Id);
        (await dan.Assist(second)).Expect(201);
        (await chen.Assist(second)).Expect(201);
        await amei.Pay(await amei.Order(first));
        await bo.Order(second);
        await shop.CaughtUp();

        var report = (await own.Get($"/merchant/v1/campaigns/{campaign.Id}/report")).Expect(200);
        Assert.Equal((2, 4, 3, 4), (report.Number("launched"), report.Number("assists"), report.Number("helpers"), report.Number("newCustomers")));
        Assert.Equal((2, 2, 1, 990, 8_910), (report.Number("succeeded"), report.Number("orders"), report.Number("paidOrders"), report.Number("revenueFen"), report.Number("discountFen")));
        Assert.Equal(50, report.Number("participationPercent"));
        Assert.Equal([2, 1], report.Body["hops"]!.AsArray().Select(h => h!.GetValue<int>()));
        Assert.Contains(report.Body["health"]!.AsArray(), h => h!["metric"]!.GetValue<string>() == "hops" && h["verdict"]!.GetValue<string>() == "healthy");
        Assert.NotNull(report.Body["asOf"]);

        // Amei came by herself and brought Bo and Chen; Bo brought Dan, and Chen was there before.
        var roots = (await own.Get($"/merchant/v1/campaigns/{campaign.Id}/spread?depth=3")).Expect(200);
        Assert.Equal($"{amei.Id}:0:2({chen.Id}:1:0(),{bo.Id}:1:1({dan.Id}:2:0()))", Tree(Assert.Single(roots.Items)!));
        Assert.Equal([chen.Id, bo.Id], (await own.Get($"/merchant/v1/campaigns/{campaign.Id}/spread?by={amei.Id}&depth=1")).Expect(200).Items.Select(p => p["shopperId"]!.GetValue<string>()));
        Assert.Empty((await own.Get($"/merchant/v1/campaigns/{campaign.Id}/spread?by={amei.Id}&depth=1")).Items[0]!["children"]!.AsArray());
        (await own.Get($"/merchant/v1/campaigns/{campaign.Id}/spread?depth=4")).Refused(422, "Invalid");
        (await own.Get($"/merchant/v1/campaigns/{campaign.Id}/spread?by=nobody")).Refused(400, "Malformed");
        (await shop.Merchant.Get($"/merchant/v1/campaigns/{campaign.Id}/spread")).Refused(404, "NotFound");

        static string Tree(JsonNode person) => $"{person["shopperId"]}:{person["hop"]}:{person["brought"]}({string.Join(',', person["children"]!.AsArray().Select(c => Tree(c!)))})";
    }

    [Fact]
    public async Task A_reply_to_a_merchant_has_the_fields_of_the_contract()
    {
        var campaign = await shop.Merchant.Run();
        await shop.CaughtUp();
        var fields = (await shop.Merchant.Campaign(campaign.Id)).Body.AsObject().Select(f => f.Key).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(["endsAt", "findings", "id", "kind", "listPriceFen", "quota", "revision", "rules", "sku", "startsAt", "state", "title"], fields);
        var listed = (await shop.Merchant.Get("/merchant/v1/campaigns?limit=100")).Expect(200).Items.Single(c => c["id"]!.GetValue<string>() == campaign.Id);
        Assert.True(JsonNode.DeepEquals((await shop.Merchant.Campaign(campaign.Id)).Body, listed));
        var open = (await (await shop.SignIn()).Get("/v1/campaigns?kind=bargain&limit=100")).Expect(200).Items.Single(c => c["id"]!.GetValue<string>() == campaign.Id);
        Assert.Equal(["endsAt", "id", "kind", "left", "listPriceFen", "priceFen", "sku", "startsAt", "state", "title"], open.AsObject().Select(f => f.Key).Order(StringComparer.Ordinal));
    }
}
