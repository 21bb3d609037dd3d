using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class GroupBuyTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task Three_friends_buy_together_and_everybody_watches()
    {
        var campaign = await shop.Merchant.RunGroup(r => r["leaderPriceFen"] = 6_900);
        var people = await shop.SignIn(3);
        var founded = (await people[0].TryFound(campaign.Id)).Expect(201);
        var (room, order) = (founded.Body["room"]!["id"]!.GetValue<string>(), founded.Body["order"]!["id"]!.GetValue<string>());
        Assert.Equal($"/v1/group-rooms/{room}", founded.Header("Location"));
        Assert.Equal(("group-buy", "Pending", 6_900, "团长优惠"), (founded.Body["order"]!["kind"]!.GetValue<string>(), founded.Body["order"]!["state"]!.GetValue<string>(), founded.Body["order"]!["amountFen"]!.GetValue<long>(), founded.Body["order"]!["discountLines"]![0]!["name"]!.GetValue<string>()));
        await using var live = await Live.OfRoom(people[1], room);
        Assert.Equal((1, 0), Counts(await live.Next("snapshot")));

        await people[0].Pay(order);
        Assert.Equal((0, 1), Counts(await live.Next("paid")));
        Assert.Equal("AwaitingGroup", (await people[0].SeeOrder(order)).Text("state"));
        var orders = new[] { order, await people[1].Join(room), await people[2].Join(room) };
        Assert.Equal((1, 1), Counts(await live.Next("joined")));
        Assert.Equal((2, 1), Counts(await live.Next("joined")));
        await people[1].Pay(orders[1]);
        Assert.Equal((1, 2), Counts(await live.Next("paid")));
        await people[2].Pay(orders[2]);
        await live.Next("paid");
        Assert.Equal("Completed", (await live.Next("completed"))["state"]!.GetValue<string>());

        var view = await people[0].Room(room);
        Assert.Equal((people[0].Id, "Completed", 3, 3, 0, 0), (view.Text("leaderId"), view.Text("state"), view.Number("size"), view.Number("paid"), view.Number("held"), view.Number("seatsLeft")));
        Assert.Equal(people.Select(p => p.Id), view.Body["members"]!.AsArray().Select(m => m!["shopperId"]!.GetValue<string>()));
        for (var i = 0; i < 3; i++) Assert.Equal("Paid", (await people[i].SeeOrder(orders[i])).Text("state"));
        Assert.False((await people[2].Me()).Body["isNew"]!.GetValue<bool>());
        Assert.Equal((997, 97, 900), await shop.Merchant.Stock(campaign.Sku));
        Assert.Equal(97, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["left"]!.GetValue<int>());
    }

    [Fact]
    public async Task Joining_is_refused_for_each_reason_with_its_own_words()
    {
        var campaign = await shop.Merchant.RunGroup(r => (r["size"], r["audience"], r["perUserLimit"], r["quota"]) = (2, "new-customers", 2, 4));
        var (amei, bo, chen, old) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        await old.Pay((await old.Post("/v1/orders", new { lines = new[] { new { sku = await shop.Merchant.AddSku(), quantity = 1 } } })).Expect(201).Text("id"));

        // An old customer may found a room and bring new ones.
        var (room, _) = await old.Found(campaign.Id);
        (await old.TryJoin(room)).Refused(409, "AlreadyMember");
        (await (await Buyer()).TryJoin(room)).Refused(403, "NewCustomersOnly");
        Assert.Equal(2, (await amei.TryJoin(room, 3)).Refused(409, "PurchaseLimit").Number("limit"));
        (await amei.TryJoin(room, 0)).Refused(422, "Invalid");
        (await amei.TryJoin(room, 10_001)).Refused(422, "Invalid");
        await amei.Join(room, 2);
        (await bo.TryJoin(room)).Refused(409, "RoomFull");
        (await bo.TryJoin(new string('0', 32))).Refused(404, "NotFound");
        (await amei.TryFound(campaign.Id)).Refused(409, "PurchaseLimit");
        await bo.Found(campaign.Id);
        (await chen.TryFound(campaign.Id)).Refused(409, "SoldOut");
        (await shop.Merchant.Do(campaign.Id, "pauses")).Expect(200);
        (await chen.TryFound(campaign.Id)).Refused(409, "CampaignPaused");

        async Task<LiveShopper> Buyer()
        {
            var buyer = await shop.SignIn();
            await buyer.Pay((await buyer.Post("/v1/orders", new { lines = new[] { new { sku = await shop.Merchant.AddSku(), quantity = 1 } } })).Expect(201).Text("id"));
            return buyer;
        }
    }

    [Fact]
    [Trait("EdgeCase", "16")]
    public async Task Ten_at_once_for_the_last_seat_are_one_member()
    {
        var campaign = await shop.Merchant.RunGroup(r => r["size"] = 2);
        var (room, _) = await (await shop.SignIn()).Found(campaign.Id);
        var tries = await Task.WhenAll((await shop.SignIn(10)).Select(p => p.TryJoin(room)));

        Assert.Single(tries, t => t.Status == 201);
        Assert.All(tries.Where(t => t.Status != 201), t => t.Refused(409, "RoomFull"));
        Assert.Equal(98, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["left"]!.GetValue<int>());
    }

    [Fact]
    [Trait("EdgeCase", "17")]
    [Trait("EdgeCase", "20")]
    public async Task Two_payments_at_once_for_the_last_two_seats_complete_the_room_however_often_they_are_told()
    {
        var campaign = await shop.Merchant.RunGroup();
        var people = await shop.SignIn(3);
        var (room, order) = await people[0].Found(campaign.Id);
        await people[0].Pay(order);
        var orders = await Task.WhenAll(people.Skip(1).Select(p => p.Join(room)));
        await Task.WhenAll(people.Skip(1).Zip(orders, (p, o) => p.Pay(o, new { repeat = 4 })));
        await shop.Quiet();

        var view = await people[0].Room(room);
        Assert.Equal(("Completed", 3, 3), (view.Text("state"), view.Number("paid"), view.Body["members"]!.AsArray().Count));
        foreach (var (person, mine) in people.Skip(1).Zip(orders)) Assert.Empty((await person.SeeOrder(mine)).Body["refunds"]!.AsArray());
    }

    [Fact]
    [Trait("EdgeCase", "18")]
    public async Task A_seat_that_is_not_paid_for_is_free_again_and_late_money_takes_it_again_or_comes_back()
    {
        var campaign = await shop.Merchant.RunGroup(r => (r["size"], r["seatHoldMinutes"]) = (2, 5));
        var (amei, bo, chen) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        var (room, order) = await amei.Found(campaign.Id);
        await amei.Pay(order);
        var late = await bo.Join(room);
        var payment = await bo.StartPayment(late);
        (await chen.TryJoin(room)).Refused(409, "RoomFull");
        await shop.Pass(TimeSpan.FromMinutes(6));
        Assert.Equal("TimedOut", (await bo.SeeOrder(late)).Text("state"));
        await chen.Join(room);

        // Nobody may be in twice, and the seat is taken: the money goes back.
        await shop.Pay(payment);
        var seen = await bo.SeeOrder(late);
        Assert.Equal(("TimedOut", "late payment", 7_900), (seen.Text("state"), seen.Body["refunds"]![0]!["reason"]!.GetValue<string>(), seen.Body["refunds"]![0]!["amountFen"]!.GetValue<long>()));

        await shop.Pass(TimeSpan.FromMinutes(6));
        var again = await bo.Join(room);
        payment = await bo.StartPayment(again);
        await shop.Pass(TimeSpan.FromMinutes(6));
        await shop.Pay(payment);
        Assert.Equal("Paid", (await bo.SeeOrder(again)).Text("state"));
        Assert.Equal("Completed", (await bo.Room(room)).Text("state"));
    }

    [Fact]
    [Trait("EdgeCase", "18")]
    public async Task Late_money_is_sent_to_another_room_or_to_one_of_its_own()
    {
        var campaign = await shop.Merchant.RunGroup(r => (r["size"], r["seatHoldMinutes"], r["latePayment"]) = (2, 5, "reroute"));
        var (amei, bo, chen, dan) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        var (room, order) = await amei.Found(campaign.Id);
        await amei.Pay(order);
        var late = await bo.Join(room);
        var payment = await bo.StartPayment(late);
        await shop.Pass(TimeSpan.FromMinutes(6));
        await chen.Pay(await chen.Join(room));
        Assert.Equal("Completed", (await amei.Room(room)).Text("state"));

        await shop.Pay(payment);
        Assert.Equal("AwaitingGroup", (await bo.SeeOrder(late)).Text("state"));
        await shop.CaughtUp();
        var own = (await dan.Get($"/v1/campaigns/{campaign.Id}/group-rooms")).Expect(200).Items.Single(r => r["leaderId"]!.GetValue<string>() == bo.Id)["id"]!.GetValue<string>();
        Assert.NotEqual(room, own);
        await dan.Pay(await dan.Join(own));
        Assert.Equal(("Completed", "Paid"), ((await bo.Room(own)).Text("state"), (await bo.SeeOrder(late)).Text("state")));
    }

    [Fact]
    [Trait("EdgeCase", "21")]
    [Trait("EdgeCase", "22")]
    public async Task A_room_that_fails_gives_each_member_all_the_money_back_once_even_if_the_gateway_is_down()
    {
        var campaign = await shop.Merchant.RunGroup(r => (r["size"], r["ttlMinutes"]) = (4, 60));
        var people = await shop.SignIn(3);
        var (room, order) = await people[0].Found(campaign.Id);
        var orders = new[] { order, await people[1].Join(room), await people[2].Join(room) };
        await people[0].Pay(orders[0]);
        await people[1].Pay(orders[1]);
        await using var live = await Live.OfRoom(people[2], room);
        await live.Next("snapshot");

        (await shop.Nobody.Post("/sandbox/refund-faults", new { failures = 1 })).Expect(200);
        await shop.Pass(TimeSpan.FromMinutes(61));
        Assert.Equal("Failed", (await live.Next("failed"))["state"]!.GetValue<string>());
        await shop.Quiet();
        Assert.Equal(["Cancelled", "Cancelled", "TimedOut"], (await Task.WhenAll(people.Zip(orders, (p, o) => p.SeeOrder(o)))).Select(o => o.Text("state")).Order(StringComparer.Ordinal));
        var stuck = Assert.Single(await shop.Merchant.Limbo());
        Assert.Equal(7_900, stuck["amountFen"]!.GetValue<long>());

        await shop.Pass(TimeSpan.FromMinutes(10));
        await shop.Quiet();
        Assert.Empty(await shop.Merchant.Limbo());
        foreach (var i in (int[])[0, 1])
        {
            var refund = Assert.Single((await people[i].SeeOrder(orders[i])).Body["refunds"]!.AsArray())!;
            Assert.Equal((7_900, "Succeeded"), (refund["amountFen"]!.GetValue<long>(), refund["state"]!.GetValue<string>()));
        }

        Assert.Equal((1_000, 100, 900), await shop.Merchant.Stock(campaign.Sku));
        Assert.Equal(100, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["left"]!.GetValue<int>());
        (await people[2].TryJoin(room)).Refused(409, "RoomClosed");
        Assert.True((await people[0].Me()).Body["isNew"]!.GetValue<bool>());
    }

    [Fact]
    [Trait("EdgeCase", "19")]
    public async Task Money_that_comes_when_the_room_is_over_goes_back()
    {
        var campaign = await shop.Merchant.RunGroup(r => (r["size"], r["ttlMinutes"], r["seatHoldMinutes"]) = (2, 10, 60));
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var (room, order) = await amei.Found(campaign.Id);
        await amei.Pay(order);
        var second = await bo.Join(room);
        var payment = await bo.StartPayment(second);
        await shop.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal("Failed", (await amei.Room(room)).Text("state"));
        await shop.Pay(payment);

        foreach (var (who, what) in new[] { (amei, order), (bo, second) })
        {
            var seen = await who.SeeOrder(what);
            Assert.Equal(("Cancelled", 7_900), (seen.Text("state"), Assert.Single(seen.Body["refunds"]!.AsArray())!["amountFen"]!.GetValue<long>()));
        }
    }

    [Fact]
    [Trait("EdgeCase", "23")]
    public async Task A_leader_who_leaves_hands_the_room_on_and_the_last_one_closes_it()
    {
        var campaign = await shop.Merchant.RunGroup();
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var (room, order) = await amei.Found(campaign.Id);
        await amei.Pay(order);
        var second = await bo.Join(room);
        await bo.Pay(second);
        var before = await bo.Room(room);
        await using var live = await Live.OfRoom(bo, room);
        await live.Next("snapshot");

        var left = (await amei.Post($"/v1/orders/{order}/cancellations", new { reason = "不想要了" })).Expect(200);
        Assert.Equal(("Cancelled", "left the group"), (left.Text("state"), left.Body["refunds"]![0]!["reason"]!.GetValue<string>()));
        Assert.Equal(bo.Id, (await live.Next("left"))["leaderId"]!.GetValue<string>());
        var after = await bo.Room(room);
        Assert.Equal((bo.Id, 1, before.Time("endsAt")), (after.Text("leaderId"), after.Number("paid"), after.Time("endsAt")));

        (await bo.Post($"/v1/orders/{second}/cancellations")).Expect(200);
        await live.Next("left");
        Assert.Equal("Cancelled", (await live.Next("cancelled"))["state"]!.GetValue<string>());
        await shop.Quiet();
        Assert.Equal(100, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["left"]!.GetValue<int>());
    }

    [Fact]
    [Trait("EdgeCase", "24")]
    public async Task Nobody_leaves_a_group_that_is_complete()
    {
        var (room, people, orders) = await Complete(await shop.Merchant.RunGroup(r => r["size"] = 2));

        (await people[0].Post($"/v1/orders/{orders[0]}/cancellations")).Refused(409, "OrderNotCancellable");
        Assert.Equal(("Completed", 2), ((await people[1].Room(room)).Text("state"), (await people[1].Room(room)).Number("paid")));
    }

    [Fact]
    [Trait("EdgeCase", "25")]
    public async Task A_group_short_of_members_is_completed_only_from_its_threshold_on_and_shows_who_is_missing()
    {
        var campaign = await shop.Merchant.RunGroup(r => (r["size"], r["ttlMinutes"], r["virtualCompletion"]) = (4, 60, new JsonObject { ["realMembers"] = 2 }));
        var people = await shop.SignIn(3);
        var (enough, first) = await people[0].Found(campaign.Id);
        var second = await people[1].Join(enough);
        var (short1, third) = await people[2].Found(campaign.Id);
        await people[0].Pay(first);
        await people[1].Pay(second);
        await people[2].Pay(third);
        await shop.Pass(TimeSpan.FromMinutes(61));
        await shop.Quiet();

        var view = await people[0].Room(enough);
        Assert.Equal(("Completed", 2, 2, 2), (view.Text("state"), view.Number("paid"), view.Number("virtualMembers"), view.Body["members"]!.AsArray().Count));
        Assert.Equal("Failed", (await people[2].Room(short1)).Text("state"));
        Assert.Equal(998, (await shop.Merchant.Stock(campaign.Sku)).OnHand);
        await shop.CaughtUp();
        var report = (await shop.Merchant.Get($"/merchant/v1/campaigns/{campaign.Id}/report")).Expect(200);
        Assert.Equal((2, 1, 1, 2, 15_800), (report.Number("launched"), report.Number("succeeded"), report.Number("virtualRooms"), report.Number("paidOrders"), report.Number("revenueFen")));
    }

    [Fact]
    public async Task A_ladder_gives_back_the_difference_when_it_ends()
    {
        var campaign = await shop.Merchant.RunGroup(r => (r["size"], r["ttlMinutes"], r["perUserLimit"], r["ladder"]) = (2, 60, 2, new JsonArray(Step(3, 6_900), Step(4, 5_900))));
        var people = await shop.SignIn(3);
        var (room, order) = await people[0].Found(campaign.Id, 2);
        var orders = new[] { order, await people[1].Join(room), await people[2].Join(room) };
        for (var i = 0; i < 3; i++) await people[i].Pay(orders[i]);
        Assert.Equal(("Open", 6_900), ((await people[0].Room(room)).Text("state"), (await people[0].Room(room)).Number("priceFen")));
        await shop.Pass(TimeSpan.FromMinutes(61));
        await shop.Quiet();

        Assert.Equal(("Completed", 6_900), ((await people[0].Room(room)).Text("state"), (await people[0].Room(room)).Number("priceFen")));
        var refund = Assert.Single((await people[0].SeeOrder(order)).Body["refunds"]!.AsArray())!;
        Assert.Equal((2_000, "lower final price", "Succeeded"), (refund["amountFen"]!.GetValue<long>(), refund["reason"]!.GetValue<string>(), refund["state"]!.GetValue<string>()));
        Assert.Equal("Paid", (await people[0].SeeOrder(order)).Text("state"));

        static JsonObject Step(int size, long priceFen) => new() { ["size"] = size, ["priceFen"] = priceFen };
    }

    [Fact]
    [Trait("EdgeCase", "26")]
    public async Task A_second_room_of_the_same_shopper_is_the_campaigns_limit_to_refuse()
    {
        var campaign = await shop.Merchant.RunGroup();
        var amei = await shop.SignIn();
        var (_, order) = await amei.Found(campaign.Id);
        (await amei.TryFound(campaign.Id)).Refused(409, "PurchaseLimit");
        (await amei.Post($"/v1/orders/{order}/cancellations")).Expect(200);
        await shop.Quiet();
        await amei.Found(campaign.Id);
    }

    [Fact]
    [Trait("EdgeCase", "28")]
    public async Task A_kill_cancels_open_rooms_and_leaves_what_was_completed()
    {
        var campaign = await shop.Merchant.RunGroup(r => r["size"] = 2);
        var (done, people, orders) = await Complete(campaign);
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var (open, order) = await amei.Found(campaign.Id);
        await amei.Pay(order);
        var unpaid = await bo.Join(open);

        (await shop.Merchant.Do(campaign.Id, "kills")).Expect(200);
        await shop.Quiet();
        Assert.Equal(("Completed", "Cancelled"), ((await amei.Room(done)).Text("state"), (await amei.Room(open)).Text("state")));
        Assert.Equal("Paid", (await people[0].SeeOrder(orders[0])).Text("state"));
        Assert.Equal(7_900, Assert.Single((await amei.SeeOrder(order)).Body["refunds"]!.AsArray())!["amountFen"]!.GetValue<long>());
        Assert.Equal("Cancelled", (await bo.SeeOrder(unpaid)).Text("state"));
        (await bo.TryFound(campaign.Id)).Refused(409, "CampaignKilled");
        Assert.Equal("Settled", (await shop.Merchant.Campaign(campaign.Id)).Text("state"));
        Assert.Equal((998, 0, 998), await shop.Merchant.Stock(campaign.Sku));
    }

    [Fact]
    public async Task A_pause_stops_joining_and_who_is_in_still_pays()
    {
        var campaign = await shop.Merchant.RunGroup(r => r["size"] = 2);
        var (amei, bo, chen) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        var (room, order) = await amei.Found(campaign.Id);
        var second = await bo.Join(room);
        var (other, _) = await chen.Found(campaign.Id);
        (await shop.Merchant.Do(campaign.Id, "pauses")).Expect(200);
        (await (await shop.SignIn()).TryJoin(other)).Refused(409, "CampaignPaused");
        await amei.Pay(order);
        await bo.Pay(second);
        Assert.Equal("Completed", (await amei.Room(room)).Text("state"));
    }

    [Fact]
    public async Task The_same_act_sent_twice_is_one_seat()
    {
        var campaign = await shop.Merchant.RunGroup();
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var founded = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => amei.PostOnce("found", "/v1/group-rooms", new { campaignId = campaign.Id, quantity = 1 })));
        Assert.Single(founded.Select(f => f.Expect(201).Content).Distinct());
        var room = founded[0].Body["room"]!["id"]!.GetValue<string>();
        var joined = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => bo.PostOnce("join", $"/v1/group-rooms/{room}/seats", new { quantity = 1 })));
        Assert.Single(joined.Select(f => f.Expect(201).Content).Distinct());
        Assert.Equal(2, (await bo.Room(room)).Body["members"]!.AsArray().Count);
        Assert.Equal(98, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["left"]!.GetValue<int>());
    }

    [Fact]
    public async Task Shoppers_find_rooms_that_need_people_and_their_own()
    {
        var campaign = await shop.Merchant.RunGroup(r => r["size"] = 2);
        var (done, people, _) = await Complete(campaign);
        var amei = await shop.SignIn();
        var (open, _) = await amei.Found(campaign.Id);
        await shop.CaughtUp();

        var found = (await (await shop.SignIn()).Get($"/v1/campaigns/{campaign.Id}/group-rooms")).Expect(200);
        var item = Assert.Single(found.Items);
        Assert.Equal((open, "桂花糕", amei.Id, 1, 0), (item["id"]!.GetValue<string>(), item["title"]!.GetValue<string>(), item["leaderId"]!.GetValue<string>(), item["held"]!.GetValue<int>(), item["paid"]!.GetValue<int>()));
        Assert.NotNull(found.Body["asOf"]);
        Assert.Equal((done, "Completed"), (Assert.Single((await people[1].Get("/v1/group-rooms")).Expect(200).Items)["id"]!.GetValue<string>(), (await people[1].Get("/v1/group-rooms")).Items[0]["state"]!.GetValue<string>()));
        Assert.Empty((await amei.Get($"/v1/campaigns/{(await shop.Merchant.Run()).Id}/group-rooms")).Expect(200).Items);
        (await amei.TryFound((await shop.Merchant.Run()).Id)).Refused(404, "NotFound");
        (await amei.TryLaunch(campaign.Id)).Refused(404, "NotFound");
        Assert.Contains((await amei.Get("/v1/campaigns?kind=group-buy")).Expect(200).Items, c => c["id"]!.GetValue<string>() == campaign.Id && c["priceFen"]!.GetValue<long>() == 7_900 && c["left"]!.GetValue<int>() == 97);
    }

    [Fact]
    public async Task A_report_counts_people_and_money_once_the_groups_are_complete()
    {
        await using var own = await LiveShop.Open();
        var campaign = await own.Merchant.RunGroup(r => r["size"] = 2);
        var people = await own.SignIn(4);
        var (room, order) = await people[0].Found(campaign.Id);
        await people[0].Pay(order);
        await people[1].Pay(await people[1].Join(room));
        await people[2].Found(campaign.Id);
        await own.Quiet();
        await own.CaughtUp();

        var report = (await own.Merchant.Get($"/merchant/v1/campaigns/{campaign.Id}/report")).Expect(200);
        Assert.Equal((2, 1, 3, 2, 15_800, 4_000, 3, 0), (report.Number("launched"), report.Number("succeeded"), report.Number("orders"), report.Number("paidOrders"), report.Number("revenueFen"), report.Number("discountFen"), report.Number("newCustomers"), report.Number("virtualRooms")));
        Assert.Equal([1], report.Body["hops"]!.AsArray().Select(h => h!.GetValue<int>()));
        Assert.Equal((75, 30, 40, "high"), Health(report, "participationPercent"));
        Assert.Equal((1, 1, 2, "healthy"), Health(report, "hops"));

        static (long, long, long, string) Health(Reply report, string metric)
        {
            var health = report.Body["health"]!.AsArray().Single(h => h!["metric"]!.GetValue<string>() == metric)!;
            return (health["value"]!.GetValue<long>(), health["low"]!.GetValue<long>(), health["high"]!.GetValue<long>(), health["verdict"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task A_draft_out_of_bounds_is_refused_and_one_that_makes_no_sense_is_not_published()
    {
        var sku = await shop.Merchant.AddSku();
        var draft = await shop.Merchant.Plan(sku, plan: p => (p["kind"], p["rules"]) = ("group-buy", new JsonObject { ["groupPriceFen"] = 9_900, ["size"] = 1, ["ttlMinutes"] = 60, ["quota"] = 100 }));
        Assert.Equal("rules.size", (await shop.Merchant.Post("/merchant/v1/campaigns", draft)).Refused(422, "Invalid").Body["findings"]![0]!["field"]!.GetValue<string>());
        draft["rules"]!["size"] = 2;
        var campaign = (await shop.Merchant.Post("/merchant/v1/campaigns", draft)).Expect(201).Text("id");
        var refused = (await shop.Merchant.Publish(campaign)).Refused(422, "NotPublishable");
        Assert.Contains(refused.Body["findings"]!.AsArray(), f => f!["ruleId"]!.GetValue<string>() == "GROUP-BUY-PRICE");
        (await (await shop.SignIn()).Get($"/v1/campaigns/{campaign}/group-rooms")).Refused(404, "NotFound");
    }

    private static (int Held, int Paid) Counts(JsonNode room) => (room["held"]!.GetValue<int>(), room["paid"]!.GetValue<int>());

    private async Task<(string Room, IReadOnlyList<LiveShopper> People, string[] Orders)> Complete(LiveCampaign campaign)
    {
        var people = await shop.SignIn(2);
        var (room, order) = await people[0].Found(campaign.Id);
        var orders = new[] { order, await people[1].Join(room) };
        await people[0].Pay(orders[0]);
        await people[1].Pay(orders[1]);
        Assert.Equal("Completed", (await people[0].Room(room)).Text("state"));
        return (room, people, orders);
    }
}
