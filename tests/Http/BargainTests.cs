using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class BargainTests(LiveShop shop) : IClassFixture<LiveShop>
{
    private static readonly TimeSpan Shanghai = TimeSpan.FromHours(8);

    [Fact]
    public async Task A_repeat_gets_the_first_result_even_after_the_bargain_has_ended()
    {
        var campaign = await shop.Merchant.Run();
        var (amei, friend) = (await shop.SignIn(), await shop.SignIn());
        var bargain = await amei.Launch(campaign.Id);
        var first = (await friend.Assist(bargain)).Expect(201);
        var second = (await friend.Assist(bargain)).Expect(200);
        Assert.Equal(first.Content, second.Content);

        await shop.Pass(TimeSpan.FromHours(25));
        Assert.Equal("Expired", (await (await amei.Again()).Bargain(bargain)).Text("state"));
        var later = (await (await friend.Again()).Assist(bargain)).Expect(200);
        Assert.Equal(first.Number("cutFen"), later.Number("cutFen"));
        Assert.Equal(first.Number("priceFen"), later.Number("priceFen"));
    }

    [Fact]
    [Trait("EdgeCase", "10")]
    public async Task A_bargain_runs_until_just_before_its_end()
    {
        var campaign = await shop.Merchant.Run(r => r["ttlMinutes"] = 60);
        var (amei, early, late) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        var bargain = (await amei.TryLaunch(campaign.Id)).Expect(201);
        await shop.Pass(bargain.Time("endsAt") - await shop.Now() - TimeSpan.FromSeconds(30));
        (await early.Assist(bargain.Text("id"))).Expect(201);
        await shop.Pass(TimeSpan.FromSeconds(31));
        (await late.Assist(bargain.Text("id"))).Refused(409, "BargainNotRunning");
        Assert.Equal("Expired", (await amei.Bargain(bargain.Text("id"))).Text("state"));
        Assert.Equal(3, (await late.Me()).Number("assistsLeftToday"));
        (await amei.TryOrder(bargain.Text("id"))).Refused(409, "PriceNotEarned");
    }

    [Fact]
    [Trait("EdgeCase", "10")]
    public async Task A_campaign_takes_nobody_before_its_start_nor_from_its_end_on()
    {
        var starts = (await shop.Now()).AddHours(1);
        var campaign = await shop.Merchant.Run(plan: p => (p["startsAt"], p["endsAt"]) = (starts, starts.AddMinutes(90)));
        var amei = await shop.SignIn();
        Assert.Equal("Scheduled", (await shop.Merchant.Campaign(campaign.Id)).Text("state"));
        (await amei.TryLaunch(campaign.Id)).Refused(409, "CampaignNotRunning");

        await shop.Pass(TimeSpan.FromSeconds(3_601));
        var bargain = (await amei.TryLaunch(campaign.Id)).Expect(201);
        Assert.Equal(starts.AddMinutes(90), bargain.Time("endsAt"), TimeSpan.FromMilliseconds(1));

        await shop.Pass(TimeSpan.FromMinutes(90));
        amei = await amei.Again();
        (await amei.TryLaunch(campaign.Id)).Refused(409, "CampaignNotRunning");
        Assert.Equal("Expired", (await amei.Bargain(bargain.Text("id"))).Text("state"));
        await shop.Quiet();
        Assert.Equal("Settled", (await shop.Merchant.Campaign(campaign.Id)).Text("state"));
        Assert.Equal((1_000, 0, 1_000), await shop.Merchant.Stock(campaign.Sku));
    }

    [Fact]
    [Trait("EdgeCase", "4")]
    [Trait("EdgeCase", "57")]
    public async Task The_daily_cap_tells_its_limit_and_ends_at_midnight_in_Shanghai()
    {
        var campaign = await shop.Merchant.Run(r => r["ttlMinutes"] = 10_080);
        var amei = await shop.SignIn();
        var bargains = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => amei.Launch(campaign.Id)));

        // Not across a midnight: the day must be the same for all three.
        var today = await shop.Now();
        var midnight = new DateTimeOffset(today.ToOffset(Shanghai).Date.AddDays(1), Shanghai);
        if (midnight - today < TimeSpan.FromMinutes(5)) await shop.Pass(TimeSpan.FromMinutes(10));
        midnight = new DateTimeOffset((await shop.Now()).ToOffset(Shanghai).Date.AddDays(1), Shanghai);

        var friend = await shop.SignIn();
        Assert.Equal(midnight, (await friend.Me()).Time("assistCapResetsAt"));
        for (var i = 0; i < 3; i++) Assert.Equal(2 - i, (await friend.Assist(bargains[i])).Expect(201).Number("assistsLeftToday"));
        var refused = (await friend.Assist(bargains[3])).Refused(429, "DailyAssistCapReached");
        Assert.Equal((3, midnight), (refused.Number("limit"), refused.Time("resetsAt")));
        Assert.InRange(int.Parse(refused.Header("Retry-After")!), 1, 24 * 3_600);
        Assert.Equal(refused.Number("retryAfter"), int.Parse(refused.Header("Retry-After")!));
        (await friend.Assist(bargains[0])).Expect(200);

        await shop.Pass(midnight - await shop.Now() - TimeSpan.FromSeconds(30));
        friend = await friend.Again();
        (await friend.Assist(bargains[3])).Refused(429, "DailyAssistCapReached");
        await shop.Pass(TimeSpan.FromSeconds(31));
        Assert.Equal(2, (await friend.Assist(bargains[3])).Expect(201).Number("assistsLeftToday"));
        Assert.Equal(midnight.AddDays(1), (await friend.Me()).Time("assistCapResetsAt"));
    }

    [Fact]
    [Trait("EdgeCase", "3")]
    public async Task A_helper_with_one_assist_left_helps_one_of_two_bargains_at_once()
    {
        var campaign = await shop.Merchant.Run();
        var (amei, friend) = (await shop.SignIn(), await shop.SignIn());
        var bargains = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => amei.Launch(campaign.Id)));
        for (var i = 0; i < 2; i++) (await friend.Assist(bargains[i])).Expect(201);

        var tries = await Task.WhenAll(bargains[2..].Select(friend.Assist));
        Assert.Single(tries, t => t.Status == 201);
        Assert.All(tries.Where(t => t.Status != 201), t => t.Refused(429, "DailyAssistCapReached"));
        Assert.Equal(3, (await Task.WhenAll(bargains.Select(amei.Bargain))).Sum(b => b.Body["helpers"]!.AsArray().Count));
    }

    [Fact]
    [Trait("EdgeCase", "2")]
    public async Task Helpers_at_the_same_time_all_cut_and_the_sum_is_exact()
    {
        var campaign = await shop.Merchant.Run(r => (r["assistsNeeded"], r["curve"], r["floorFen"]) = (40, "random", 1));
        var amei = await shop.SignIn();
        var bargain = await amei.Launch(campaign.Id);
        var friends = await shop.SignIn(50);
        var tries = await Task.WhenAll(friends.Select(f => f.Assist(bargain)));

        Assert.Equal(40, tries.Count(t => t.Status == 201));
        Assert.All(tries.Where(t => t.Status != 201), t => t.Refused(409, "BargainNotRunning"));
        var view = await amei.Bargain(bargain);
        Assert.Equal(("Succeeded", 1), (view.Text("state"), view.Number("priceFen")));
        Assert.Equal(9_900 - 1, view.Body["helpers"]!.AsArray().Sum(h => h!["cutFen"]!.GetValue<long>()));
        Assert.All(view.Body["helpers"]!.AsArray(), h => Assert.True(h!["cutFen"]!.GetValue<long>() >= 1));
    }

    [Fact]
    [Trait("EdgeCase", "15")]
    public async Task The_owner_and_a_fourth_helper_of_one_device_are_refused_and_keep_their_assists()
    {
        var campaign = await shop.Merchant.Run(r => r["assistsNeeded"] = 10);
        var amei = await shop.SignIn();
        var bargain = await amei.Launch(campaign.Id);
        (await amei.Assist(bargain)).Refused(403, "SelfAssistNotAllowed");
        Assert.Equal(3, (await amei.Me()).Number("assistsLeftToday"));

        var cluster = await shop.SignIn(4);
        foreach (var helper in cluster.Take(3)) (await helper.With("X-Device-Id", "phone-1").Post($"/v1/bargains/{bargain}/assists")).Expect(201);
        (await cluster[3].With("X-Device-Id", "phone-1").Post($"/v1/bargains/{bargain}/assists")).Refused(403, "DeviceLimitReached");
        Assert.Equal(3, (await cluster[3].Me()).Number("assistsLeftToday"));
        (await cluster[3].With("X-Device-Id", "phone-2").Post($"/v1/bargains/{bargain}/assists")).Expect(201);
    }

    [Fact]
    [Trait("EdgeCase", "13")]
    public async Task The_last_assist_that_finds_no_place_left_is_refused_and_ends_the_bargain()
    {
        var campaign = await shop.Merchant.Run(r => (r["quota"], r["reservation"], r["assistsNeeded"]) = (1, "at-success", 1));
        var (winner, loser, friend, late) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        var (won, lost) = (await winner.Launch(campaign.Id), await loser.Launch(campaign.Id));
        (await friend.Assist(won)).Expect(201);
        (await late.Assist(lost)).Refused(409, "SoldOut");
        Assert.Equal("SoldOut", (await loser.Bargain(lost)).Text("state"));
        Assert.Equal(3, (await late.Me()).Number("assistsLeftToday"));
        (await loser.TryOrder(lost)).Refused(409, "PriceNotEarned");
        await winner.Order(won);
    }

    [Fact]
    public async Task Launches_end_with_the_quota_and_with_the_shoppers_own_limit()
    {
        var campaign = await shop.Merchant.Run(r => (r["quota"], r["launchesPerUser"]) = (2, 1));
        var (amei, bo, chen) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        await amei.Launch(campaign.Id);
        Assert.Equal(1, (await amei.TryLaunch(campaign.Id)).Refused(409, "LaunchLimitReached").Number("limit"));
        await bo.Launch(campaign.Id);
        (await chen.TryLaunch(campaign.Id)).Refused(409, "SoldOut");
        Assert.Equal(0, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["left"]!.GetValue<int>());
    }

    [Fact]
    [Trait("EdgeCase", "14")]
    public async Task Nobody_pays_more_than_the_list_price_of_today()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var bargain = await amei.Succeed(campaign);
        (await shop.Merchant.Post($"/merchant/v1/skus/{campaign.Sku}/price-changes", new { listPriceFen = 500 })).Expect(200);

        var order = (await amei.TryOrder(bargain)).Expect(201);
        Assert.Equal(500, order.Number("amountFen"));
        Assert.Empty(order.Body["discountLines"]!.AsArray());
        Assert.Equal(500, order.Body["lines"]![0]!["amountFen"]!.GetValue<long>());
    }

    [Fact]
    [Trait("EdgeCase", "11")]
    public async Task What_runs_keeps_the_rules_and_the_price_it_started_with()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var bargain = await amei.Launch(campaign.Id);
        (await shop.Merchant.Put($"/merchant/v1/campaigns/{campaign.Id}", await shop.Merchant.Plan(campaign.Sku, r => r["floorFen"] = 1))).Refused(409, "NotEditable");
        (await shop.Merchant.Post($"/merchant/v1/skus/{campaign.Sku}/price-changes", new { listPriceFen = 19_900 })).Expect(200);

        foreach (var friend in await shop.SignIn(3)) (await friend.Assist(bargain)).Expect(201);
        var view = await amei.Bargain(bargain);
        Assert.Equal((9_900, 990, 990), (view.Number("listPriceFen"), view.Number("floorFen"), view.Number("priceFen")));
        Assert.Equal(990, (await amei.TryOrder(bargain)).Expect(201).Number("amountFen"));
    }

    [Fact]
    public async Task A_new_customers_assist_takes_more_slots_and_the_own_cut_is_made_at_launch()
    {
        var campaign = await shop.Merchant.Run(r => (r["selfCut"], r["newUserWeight"], r["assistsNeeded"]) = (true, 2, 4));
        var (amei, friend) = (await shop.SignIn(), await shop.SignIn());
        var launched = (await amei.TryLaunch(campaign.Id)).Expect(201);
        Assert.Equal((3, amei.Id), (launched.Number("slotsLeft"), launched.Body["helpers"]![0]!["shopperId"]!.GetValue<string>()));
        Assert.Equal(3, (await amei.Me()).Number("assistsLeftToday"));

        var assist = (await friend.Assist(launched.Text("id"))).Expect(201);
        Assert.Equal((2, 1), (assist.Number("slotsUsed"), assist.Number("slotsLeft")));
    }

    [Fact]
    public async Task Buying_at_any_price_stops_the_assists_until_that_order_comes_to_nothing()
    {
        var campaign = await shop.Merchant.Run(r => r["buyAtAnyPrice"] = true);
        var (amei, friend, other) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        var bargain = await amei.Launch(campaign.Id);
        var price = (await friend.Assist(bargain)).Expect(201).Number("priceFen");
        var order = (await amei.TryOrder(bargain)).Expect(201);
        Assert.Equal(price, order.Number("amountFen"));
        Assert.Equal("Ordered", (await amei.Bargain(bargain)).Text("state"));
        (await other.Assist(bargain)).Refused(409, "BargainNotRunning");

        (await amei.Post($"/v1/orders/{order.Text("id")}/cancellations", new { reason = "再砍砍" })).Expect(200);
        await shop.Quiet();
        Assert.Equal("Running", (await amei.Bargain(bargain)).Text("state"));
        (await other.Assist(bargain)).Expect(201);
    }

    [Fact]
    public async Task Another_shops_people_see_none_of_it()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var bargain = await amei.Succeed(campaign);
        var order = await amei.Order(bargain);
        var neighbour = await shop.AnotherShop();
        var stranger = await shop.SignIn(shop: neighbour.ShopId);
        await shop.Quiet();
        var position = shop.Position;

        (await stranger.Get($"/v1/bargains/{bargain}")).Refused(404, "NotFound");
        (await stranger.Get($"/v1/bargains/{bargain}/proof")).Refused(404, "NotFound");
        (await stranger.Get($"/v1/bargains/{bargain}/events")).Refused(404, "NotFound");
        (await stranger.Assist(bargain)).Refused(404, "NotFound");
        (await stranger.TryOrder(bargain)).Refused(404, "NotFound");
        (await stranger.TryLaunch(campaign.Id)).Refused(404, "NotFound");
        (await stranger.Get($"/v1/orders/{order}")).Refused(404, "NotFound");
        (await stranger.Post($"/v1/orders/{order}/payments")).Refused(404, "NotFound");
        (await stranger.Post($"/v1/orders/{order}/cancellations")).Refused(404, "NotFound");
        foreach (var path in (string[])[$"campaigns/{campaign.Id}", $"campaigns/{campaign.Id}/report", $"orders/{order}", $"skus/{campaign.Sku}"])
            (await neighbour.Get($"/merchant/v1/{path}")).Refused(404, "NotFound");
        foreach (var gate in (string[])["pauses", "resumptions", "kills"]) (await neighbour.Do(campaign.Id, gate)).Refused(404, "NotFound");
        (await neighbour.Publish(campaign.Id)).Refused(404, "NotFound");
        (await neighbour.Post($"/merchant/v1/campaigns/{campaign.Id}/quota-changes", new { delta = 1 })).Refused(404, "NotFound");
        (await neighbour.Post($"/merchant/v1/skus/{campaign.Sku}/stock-changes", new { delta = 1, reason = "x" })).Refused(404, "NotFound");
        (await neighbour.Post($"/merchant/v1/skus/{campaign.Sku}/price-changes", new { listPriceFen = 1 })).Refused(404, "NotFound");
        (await neighbour.Put($"/merchant/v1/campaigns/{campaign.Id}", await neighbour.Plan(campaign.Sku))).Refused(404, "NotFound");
        (await neighbour.Post("/merchant/v1/campaigns", await neighbour.Plan(campaign.Sku))).Refused(422, "Invalid");
        Assert.Equal(position, shop.Position);

        // Somebody else of the same shop may look at the bargain and help, but the order is its buyer's alone.
        var friend = await shop.SignIn();
        (await friend.Get($"/v1/orders/{order}")).Refused(404, "NotFound");
        (await friend.Post($"/v1/orders/{order}/payments")).Refused(404, "NotFound");
        (await friend.Post($"/v1/orders/{order}/cancellations")).Refused(404, "NotFound");
        Assert.Equal("Pending", (await amei.SeeOrder(order)).Text("state"));
    }

    [Fact]
    public async Task Live_names_and_fields_of_a_view_are_those_of_the_contract()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var bargain = await amei.Succeed(campaign);
        var order = await amei.Order(bargain);

        Assert.Equal(
            ["campaignId", "commitment", "endsAt", "floorFen", "helpers", "id", "leftFen", "listPriceFen", "orderId", "ownerId", "payBefore", "priceFen", "serverTime", "sku", "slots", "slotsLeft", "startedAt", "state"],
            Fields((await amei.Bargain(bargain)).Body));
        Assert.Equal(["at", "cutFen", "shopperId", "slot", "slotsUsed"], Fields((await amei.Bargain(bargain)).Body["helpers"]![0]!));
        Assert.Equal(["amountFen", "discountLines", "id", "kind", "lines", "payBefore", "refunds", "serverTime", "state"], Fields((await amei.SeeOrder(order)).Body));
        Assert.Equal(["amountFen", "fundedBy", "name"], Fields((await amei.SeeOrder(order)).Body["discountLines"]![0]!));
        Assert.Equal(["assistCapResetsAt", "assistsLeftToday", "follower", "isNew", "shopperId"], Fields((await amei.Me()).Body));
    }

    private static IEnumerable<string> Fields(JsonNode node) => node.AsObject().Select(f => f.Key).Order(StringComparer.Ordinal);
}
