using System.Text.Json.Nodes;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.Http;

public sealed class FlashSaleTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task A_buyer_takes_two_units_pays_and_they_leave_the_stock()
    {
        var sale = await shop.Merchant.RunSale();
        var amei = await shop.SignIn();
        Assert.Equal((1_000, 10, 990), await shop.Merchant.Stock(sale.Sku));

        var order = (await amei.TryTake(sale.Id, 2)).Expect(201);
        Assert.Equal($"/v1/orders/{order.Text("id")}", order.Header("Location"));
        Assert.Equal(("flash-sale", "Pending", 11_800), (order.Text("kind"), order.Text("state"), order.Number("amountFen")));
        Assert.InRange((order.Time("payBefore") - order.Time("serverTime")).TotalSeconds, 570, 600);
        Assert.Equal((19_800, 8_000, "秒杀优惠", "merchant"), (order.Body["lines"]![0]!["amountFen"]!.GetValue<int>(), order.Body["discountLines"]![0]!["amountFen"]!.GetValue<int>(), order.Body["discountLines"]![0]!["name"]!.GetValue<string>(), order.Body["discountLines"]![0]!["fundedBy"]!.GetValue<string>()));
        Assert.Equal(8, (await amei.Sale(sale.Id)).Number("left"));

        await amei.Pay(order.Text("id"));
        Assert.Equal("Paid", (await amei.SeeOrder(order.Text("id"))).Text("state"));
        Assert.Equal((998, 8, 990), await shop.Merchant.Stock(sale.Sku));
    }

    [Fact]
    public async Task The_sale_shows_prices_times_and_what_is_left()
    {
        var sale = await shop.Merchant.RunSale();
        var view = await (await shop.SignIn()).Sale(sale.Id);

        Assert.Equal((sale.Id, "Running", sale.Sku, 9_900, 5_900), (view.Text("campaignId"), view.Text("state"), view.Text("sku"), view.Number("listPriceFen"), view.Number("salePriceFen")));
        Assert.Equal((10, 10, 2), (view.Number("left"), view.Number("quota"), view.Number("perUserLimit")));
        Assert.True(view.Time("startsAt") <= view.Time("serverTime") && view.Time("serverTime") < view.Time("endsAt"));
        Assert.Null(view.Body["nextStartsAt"]);
    }

    [Fact]
    [Trait("EdgeCase", "30")]
    public async Task Nobody_gets_more_than_the_limit_and_a_cancelled_order_gives_the_allowance_back()
    {
        var sale = await shop.Merchant.RunSale();
        var amei = await shop.SignIn();
        var refused = (await amei.TryTake(sale.Id, 3)).Refused(409, "PurchaseLimit");
        Assert.Equal(2, refused.Number("limit"));

        var first = await amei.Take(sale.Id);
        await amei.Take(sale.Id);
        (await amei.TryTake(sale.Id)).Refused(409, "PurchaseLimit");
        (await amei.Post($"/v1/orders/{first}/cancellations")).Expect(200);
        await amei.Take(sale.Id);
        Assert.Equal(8, (await amei.Sale(sale.Id)).Number("left"));
    }

    [Fact]
    [Trait("EdgeCase", "30")]
    public async Task Two_takes_of_two_at_once_are_one_order()
    {
        var sale = await shop.Merchant.RunSale();
        var amei = await shop.SignIn();
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => amei.TryTake(sale.Id, 2)));
        Assert.Single(replies, r => r.Status == 201);
        Assert.All(replies.Where(r => r.Status != 201), r => r.Refused(409, "PurchaseLimit"));
    }

    [Theory]
    [InlineData("""{"quantity":0}""", 422, "Invalid")]
    [InlineData("""{"quantity":10001}""", 422, "Invalid")]
    [InlineData("""{"quantity":"1"}""", 400, "Malformed")]
    [InlineData("{}", 400, "Malformed")]
    public async Task A_quantity_is_a_number_of_units(string body, int status, string code)
    {
        var sale = await shop.Merchant.RunSale();
        (await (await shop.SignIn()).Send(HttpMethod.Post, $"/v1/flash-sales/{sale.Id}/orders", body)).Refused(status, code);
    }

    [Fact]
    public async Task A_campaign_of_another_kind_and_a_draft_are_no_sale()
    {
        var amei = await shop.SignIn();
        var bargain = await shop.Merchant.Run();
        var draft = await shop.Merchant.DraftSale(await shop.Merchant.AddSku());
        foreach (var id in (string[])[bargain.Id, draft, new('0', 32)])
        {
            (await amei.Get($"/v1/flash-sales/{id}")).Refused(404, "NotFound");
            (await amei.Get($"/v1/flash-sales/{id}/events")).Refused(404, "NotFound");
            (await amei.TryTake(id)).Refused(404, "NotFound");
        }

        (await amei.TryLaunch((await shop.Merchant.RunSale()).Id)).Refused(404, "NotFound");
    }

    [Fact]
    public async Task Sold_out_is_said_at_the_edge_until_a_unit_is_back()
    {
        var sale = await shop.Merchant.RunSale(r => (r["quota"], r["perUserLimit"]) = (1, 1));
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var order = await amei.Take(sale.Id);
        (await bo.TryTake(sale.Id)).Refused(409, "SoldOut");
        var edge = shop.Host.Services.GetRequiredService<SoldOutSales>();
        var grain = new GrainId("flash-sale", new("demo"), Guid.ParseExact(sale.Id, "N"));
        await Until(() => edge.Contains(grain));
        (await bo.TryTake(sale.Id)).Refused(409, "SoldOut");
        (await bo.TryTake(sale.Id, key: "k")).Refused(409, "SoldOut");

        (await amei.Post($"/v1/orders/{order}/cancellations")).Expect(200);
        await Until(() => !edge.Contains(grain));
        await bo.Take(sale.Id);
    }

    [Fact]
    public async Task Who_never_had_a_unit_is_refused_unread_and_who_had_one_gets_the_first_answer_again()
    {
        var sale = await shop.Merchant.RunSale(r => (r["quota"], r["perUserLimit"]) = (1, 1));
        var (amei, bo, cy) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        var first = (await amei.TryTake(sale.Id, key: "once")).Expect(201);
        (await amei.Post($"/v1/orders/{first.Text("id")}/cancellations")).Expect(200);
        await bo.Take(sale.Id);
        var refused = (await cy.TryTake(sale.Id)).Refused(409, "SoldOut");

        // A body that cannot be read: it is refused for being too late before anybody has tried.
        await Until(async () => (await Unread(cy)).Status == 409);
        var unread = (await Unread(cy)).Refused(409, "SoldOut");
        Assert.Equal(refused.Content.Replace(refused.Text("requestId"), "", StringComparison.Ordinal), unread.Content.Replace(unread.Text("requestId"), "", StringComparison.Ordinal));
        Assert.Equal((unread.Text("requestId"), refused.Header("Content-Language")), (unread.Header("X-Request-Id"), unread.Header("Content-Language")));
        (await shop.Nobody.Post($"/v1/flash-sales/{sale.Id}/orders", new { quantity = 1 })).Refused(401, "Unauthenticated");

        (await Unread(amei)).Refused(400, "Malformed");
        (await Unread(bo)).Refused(400, "Malformed");
        Assert.Equal(first.Content, (await amei.TryTake(sale.Id, key: "once")).Expect(201).Content);

        Task<Reply> Unread(LiveShopper who) => who.Post($"/v1/flash-sales/{sale.Id}/orders", new { quantity = "1" });
    }

    [Fact]
    public async Task A_retry_gets_the_order_it_has_made_whatever_happened_since()
    {
        var sale = await shop.Merchant.RunSale(r => (r["quota"], r["perUserLimit"]) = (1, 1));
        var amei = await shop.SignIn();
        var first = (await amei.TryTake(sale.Id, key: "once")).Expect(201);
        Assert.Equal(first.Content, (await amei.TryTake(sale.Id, key: "once")).Expect(201).Content);

        // After a day the stored answer is forgotten; the order is not.
        await shop.Pass(TimeSpan.FromHours(25));
        var again = await amei.Again();
        var later = (await again.TryTake(sale.Id, key: "once")).Expect(201);
        Assert.Equal((first.Text("id"), "TimedOut"), (later.Text("id"), later.Text("state")));
        Assert.Equal(1, (await again.Sale(sale.Id)).Number("left"));
        (await again.TryTake(sale.Id, key: "another")).Expect(201);
        Assert.Equal(first.Text("id"), (await again.TryTake(sale.Id, key: "once")).Expect(201).Text("id"));
    }

    [Fact]
    public async Task Who_finds_no_room_in_the_queue_is_told_to_come_back_and_gets_one_order_then()
    {
        await using var crowded = await LiveShop.Open();
        var sale = await crowded.Merchant.RunSale();
        var amei = await crowded.SignIn();

        // Nobody may wait at a grain: the first of a crowd meets what the ten thousandth meets else.
        crowded.Engine = new() { WaitingMax = 0 };
        await crowded.Restart();
        var full = (await amei.TryTake(sale.Id, key: "once")).Refused(429, "QueueFull");
        Assert.Equal(("1", 1), (full.Header("Retry-After"), full.Number("retryAfter")));
        Reply again;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((again = await amei.TryTake(sale.Id, key: "once")).Status == 429) patience.Token.ThrowIfCancellationRequested();
        Assert.Equal("Pending", again.Expect(201).Text("state"));
        Assert.Equal(9, (await amei.Sale(sale.Id)).Number("left"));
    }

    [Fact]
    public async Task A_hold_that_runs_out_sells_again()
    {
        var sale = await shop.Merchant.RunSale(r => r["quota"] = 1);
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var order = await amei.Take(sale.Id);
        await shop.Pass(TimeSpan.FromSeconds(601));
        await shop.Quiet();
        Assert.Equal("TimedOut", (await amei.SeeOrder(order)).Text("state"));
        await bo.Take(sale.Id);
    }

    [Fact]
    [Trait("EdgeCase", "33")]
    public async Task Late_money_takes_again_while_units_are_left_and_goes_back_when_they_are_not()
    {
        var sale = await shop.Merchant.RunSale(r => r["quota"] = 1);
        var (amei, bo, chen) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        var honoured = await Lapsed(amei);
        await shop.Pay(honoured.Payment);
        Assert.Equal("Paid", (await amei.SeeOrder(honoured.Order)).Text("state"));
        Assert.Equal(0, (await bo.Sale(sale.Id)).Number("left"));

        (await shop.Merchant.Post($"/merchant/v1/campaigns/{sale.Id}/quota-changes", new { delta = 1 })).Expect(200);
        var sent = await Lapsed(bo);
        await chen.Take(sale.Id);
        await shop.Pay(sent.Payment);
        var order = await bo.SeeOrder(sent.Order);
        Assert.Equal(("TimedOut", 5_900, "late payment"), (order.Text("state"), order.Body["refunds"]![0]!["amountFen"]!.GetValue<int>(), order.Body["refunds"]![0]!["reason"]!.GetValue<string>()));

        async Task<(string Order, string Payment)> Lapsed(LiveShopper buyer)
        {
            var taken = await buyer.Take(sale.Id);
            var payment = await buyer.StartPayment(taken);
            await shop.Pass(TimeSpan.FromSeconds(601));
            await shop.Quiet();
            return (taken, payment);
        }
    }

    [Fact]
    public async Task Nothing_is_sold_before_the_start_in_a_pause_or_after_the_end_and_the_rest_goes_back()
    {
        var now = await shop.Now();
        var sale = await shop.Merchant.RunSale(plan: p => (p["startsAt"], p["endsAt"]) = (now.AddMinutes(10), now.AddMinutes(70)));
        var amei = await shop.SignIn();
        Assert.Equal("Scheduled", (await amei.Sale(sale.Id)).Text("state"));
        (await amei.TryTake(sale.Id)).Refused(409, "CampaignNotRunning");

        await shop.Pass(TimeSpan.FromMinutes(11));
        await amei.Pay(await amei.Take(sale.Id));
        (await shop.Merchant.Do(sale.Id, "pauses")).Expect(200);
        Assert.Equal("Paused", (await amei.Sale(sale.Id)).Text("state"));
        (await amei.TryTake(sale.Id)).Refused(409, "CampaignPaused");
        (await shop.Merchant.Do(sale.Id, "resumptions")).Expect(200);
        await amei.Take(sale.Id);

        await shop.Pass(TimeSpan.FromMinutes(60));
        await shop.Quiet();
        (await amei.TryTake(sale.Id)).Refused(409, "CampaignNotRunning");
        Assert.Equal(("Ended", 0), ((await amei.Sale(sale.Id)).Text("state"), (await amei.Sale(sale.Id)).Number("left")));
        await shop.Pass(TimeSpan.FromMinutes(11));
        await shop.Quiet();
        Assert.Equal((999, 0, 999), await shop.Merchant.Stock(sale.Sku));
        Assert.Equal("Settled", (await shop.Merchant.Campaign(sale.Id)).Text("state"));
    }

    [Fact]
    public async Task A_killed_sale_sells_nothing_and_its_open_orders_stay_payable()
    {
        var sale = await shop.Merchant.RunSale();
        var amei = await shop.SignIn();
        var order = await amei.Take(sale.Id);
        (await shop.Merchant.Do(sale.Id, "kills")).Expect(200);
        (await amei.TryTake(sale.Id)).Refused(409, "CampaignKilled");
        Assert.Equal("Killed", (await amei.Sale(sale.Id)).Text("state"));
        await amei.Pay(order);
        Assert.Equal("Paid", (await amei.SeeOrder(order)).Text("state"));
        Assert.Equal((999, 0, 999), await shop.Merchant.Stock(sale.Sku));
        Assert.Equal("Settled", (await shop.Merchant.Campaign(sale.Id)).Text("state"));
    }

    [Fact]
    public async Task A_weekly_sale_comes_again_with_new_units_and_new_allowances()
    {
        // The next full hour in Shanghai, on whatever day that is there.
        var now = await shop.Now();
        var begins = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero).AddHours(2);
        var local = begins.ToOffset(TimeSpan.FromHours(8));
        var slot = new JsonObject { ["day"] = local.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)local.DayOfWeek, ["time"] = $"{local:HH:mm}", ["minutes"] = 60 };
        var sale = await shop.Merchant.RunSale(r => (r["quota"], r["weeklySlot"]) = (3, slot), stock: 4);
        var amei = await shop.SignIn();
        var view = await amei.Sale(sale.Id);
        Assert.Equal((begins, begins.AddHours(1), begins.AddDays(7)), (view.Time("startsAt"), view.Time("endsAt"), view.Time("nextStartsAt")));

        await shop.Pass(begins - await shop.Now() + TimeSpan.FromSeconds(1));
        amei = await amei.Again();
        await amei.Pay(await amei.Take(sale.Id, 2));
        await shop.Pass(TimeSpan.FromHours(1));
        await shop.Quiet();
        Assert.Equal((2, 0, 2), await shop.Merchant.Stock(sale.Sku));
        Assert.Equal(("Scheduled", begins.AddDays(7)), ((await amei.Sale(sale.Id)).Text("state"), (await amei.Sale(sale.Id)).Time("startsAt")));

        await shop.Pass(begins.AddDays(7).AddMinutes(-30) - await shop.Now());
        await shop.Quiet();
        Assert.Equal((2, 2, 0), await shop.Merchant.Stock(sale.Sku));
        await shop.Pass(TimeSpan.FromMinutes(31));
        amei = await amei.Again();
        Assert.Equal((2, 2), ((await amei.Sale(sale.Id)).Number("left"), (await amei.Sale(sale.Id)).Number("quota")));
        await amei.Take(sale.Id, 2);
        (await (await shop.SignIn()).TryTake(sale.Id)).Refused(409, "SoldOut");
    }

    [Fact]
    [Trait("EdgeCase", "31")]
    public async Task A_quota_change_adds_units_and_stops_at_those_held_and_sold()
    {
        var sale = await shop.Merchant.RunSale(r => r["perUserLimit"] = 10);
        var amei = await shop.SignIn();
        await amei.Pay(await amei.Take(sale.Id, 3));
        var held = await amei.Take(sale.Id, 4);
        Assert.Equal((12, 5), Quota((await Change(2)).Expect(200)));
        Assert.Equal((7, 0), Quota((await Change(-8)).Expect(200)));
        (await (await shop.SignIn()).TryTake(sale.Id)).Refused(409, "SoldOut");
        Assert.Equal((997, 4, 993), await shop.Merchant.Stock(sale.Sku));
        (await Change(994)).Refused(409, "SoldOut");
        Assert.Equal((7, 0), Quota(await shop.Merchant.Campaign(sale.Id)));

        (await amei.Post($"/v1/orders/{held}/cancellations")).Expect(200);
        Assert.Equal((7, 4), Quota(await shop.Merchant.Campaign(sale.Id)));
        await amei.Take(sale.Id, 4);

        Task<Reply> Change(int delta) => shop.Merchant.Post($"/merchant/v1/campaigns/{sale.Id}/quota-changes", new { delta });

        static (int, int) Quota(Reply campaign) => (campaign.Body["quota"]!["total"]!.GetValue<int>(), campaign.Body["quota"]!["left"]!.GetValue<int>());
    }

    [Fact]
    public async Task Lists_and_the_report_follow_what_is_sold()
    {
        var (merchant, amei) = (await shop.AnotherShop()) is var other ? (other, await shop.SignIn(shop: other.ShopId)) : default;
        var sale = await merchant.RunSale();
        await amei.Pay(await amei.Take(sale.Id, 2));
        var lost = await (await shop.SignIn(shop: merchant.ShopId)).Take(sale.Id);
        await shop.CaughtUp();
        Assert.NotEmpty(lost);

        var item = Assert.Single((await amei.Get("/v1/campaigns?kind=flash-sale")).Expect(200).Items);
        Assert.Equal((sale.Id, "flash-sale", 9_900, 5_900, 7, "Running"), (item["id"]!.GetValue<string>(), item["kind"]!.GetValue<string>(), item["listPriceFen"]!.GetValue<int>(), item["priceFen"]!.GetValue<int>(), item["left"]!.GetValue<int>(), item["state"]!.GetValue<string>()));
        Assert.Empty((await amei.Get("/v1/campaigns?kind=bargain")).Expect(200).Items);

        var report = (await merchant.Get($"/merchant/v1/campaigns/{sale.Id}/report")).Expect(200);
        Assert.Equal((2, 1, 11_800, 8_000, 100, 2), (report.Number("orders"), report.Number("paidOrders"), report.Number("revenueFen"), report.Number("discountFen"), report.Number("participationPercent"), report.Number("newCustomers")));
    }

    [Fact]
    public async Task Publication_says_everything_that_is_wrong_at_once()
    {
        var draft = await shop.Merchant.DraftSale(await shop.Merchant.AddSku(stock: 5), r => (r["salePriceFen"], r["perUserLimit"]) = (9_900, 11));
        var refused = (await shop.Merchant.Publish(draft)).Refused(422, "NotPublishable");
        Assert.Equal(["FLASHSALE-PRICE", "FLASHSALE-LIMIT", "FLASH-SALE-QUOTA-STOCK"], refused.Body["findings"]!.AsArray().Select(f => f!["ruleId"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_viewer_sees_the_last_unit_go_and_come_back()
    {
        var sale = await shop.Merchant.RunSale(r => r["quota"] = 1);
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        await using var live = await Live.OfSale(bo, sale.Id);
        Assert.Equal(1, (await live.Next("snapshot"))["left"]!.GetValue<int>());
        var order = await amei.Take(sale.Id);
        Assert.Equal(0, (await live.Next("soldOut"))["left"]!.GetValue<int>());
        (await amei.Post($"/v1/orders/{order}/cancellations")).Expect(200);
        Assert.Equal(1, (await live.Next("available"))["left"]!.GetValue<int>());
        (await shop.Merchant.Do(sale.Id, "kills")).Expect(200);
        await live.Next("killed");
        Assert.Equal("Killed", (await live.Next("ended"))["state"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_free_unit_is_paid_at_once()
    {
        var sale = await shop.Merchant.RunSale(r => r["salePriceFen"] = 0);
        var amei = await shop.SignIn();
        var order = (await amei.TryTake(sale.Id)).Expect(201);
        Assert.Equal((0, "Paid"), (order.Number("amountFen"), order.Text("state")));
        await shop.Quiet();
        Assert.Equal((999, 9, 990), await shop.Merchant.Stock(sale.Sku));
    }

    [Fact]
    [Trait("EdgeCase", "29")]
    public async Task Two_thousand_buyers_want_a_hundred_units_and_the_account_is_exact()
    {
        const int buyerCount = 2_000, quota = 100, holdSeconds = 300;
        await using var storm = await LiveShop.Open();
        var sale = await storm.Merchant.RunSale(r => (r["quota"], r["perUserLimit"], r["holdSeconds"]) = (quota, 1, holdSeconds), stock: 150);
        var buyers = await storm.SignIn(buyerCount);

        // Everybody taps twice with the same key, all at once.
        var taps = await Task.WhenAll(buyers.SelectMany((b, i) => new[] { Tap(b, i), Tap(b, i) }));
        Assert.All(taps, t => Assert.True(t.Reply.Status == 201 || t.Reply is { Status: 409, Code: "SoldOut" or "PurchaseLimit" }, $"{t.Reply.Status} {t.Reply.Content}"));
        var taken = taps.Where(t => t.Reply.Status == 201).GroupBy(t => t.Buyer).ToDictionary(g => g.Key, g => Assert.Single(g.Select(t => t.Reply.Text("id")).Distinct()));
        Assert.Equal(quota, taken.Count);
        Assert.Equal((150, quota, 50), await storm.Merchant.Stock(sale.Sku));
        (await buyers[0].TryTake(sale.Id, 2)).Expect(409);

        // A third pays, a third cancels, a third lets the hold run out and pays late.
        var holders = taken.ToList();
        var (payers, cancellers, late) = (holders[..33], holders[33..66], holders[66..]);
        await Task.WhenAll(payers.Select(p => p.Key.StartPayment(p.Value).ContinueWith(s => storm.Nobody.Post($"/sandbox/payments/{s.Result}/pay"), TaskScheduler.Default).Unwrap()));
        foreach (var reply in await Task.WhenAll(cancellers.Select(c => c.Key.Post($"/v1/orders/{c.Value}/cancellations")))) reply.Expect(200);
        var payments = await Task.WhenAll(late.Select(l => l.Key.StartPayment(l.Value)));
        await storm.Quiet();
        Assert.Equal(33, (await buyers[0].Sale(sale.Id)).Number("left"));

        // What came back sells again: 20 of 33 to others, before the late money comes.
        var second = await Task.WhenAll(buyers.Where(b => !taken.ContainsKey(b)).Take(20).Select(b => b.TryTake(sale.Id)));
        Assert.All(second, r => r.Expect(201));
        await Task.WhenAll(second.Zip(buyers.Where(b => !taken.ContainsKey(b)).Take(20), (r, b) => b.StartPayment(r.Text("id")).ContinueWith(s => storm.Nobody.Post($"/sandbox/payments/{s.Result}/pay"), TaskScheduler.Default).Unwrap()));
        await storm.Pass(TimeSpan.FromSeconds(holdSeconds + 1));
        await storm.Quiet();
        Assert.Equal(quota - 33 - 20, (await buyers[0].Sale(sale.Id)).Number("left"));

        // 47 units are left and 34 late payments come twice each; then the rest sells to the last unit.
        await Task.WhenAll(payments.SelectMany(p => new[] { p, p }).Select(p => storm.Nobody.Post($"/sandbox/payments/{p}/pay")));
        await storm.Quiet();
        Assert.All(await Task.WhenAll(late.Select(l => l.Key.SeeOrder(l.Value))), o => Assert.Equal("Paid", o.Text("state")));
        var third = await Task.WhenAll(buyers.Where(b => !taken.ContainsKey(b)).Skip(20).Take(40).Select(b => b.TryTake(sale.Id)));
        Assert.Equal(13, third.Count(r => r.Status == 201));
        Assert.All(third.Where(r => r.Status != 201), r => r.Refused(409, "SoldOut"));
        Assert.Equal((150 - 87, 13, 50), await storm.Merchant.Stock(sale.Sku));

        // When all is over, what nobody paid is the stock's again.
        await storm.Pass(TimeSpan.FromDays(31));
        await storm.Quiet();
        Assert.Equal((63, 0, 63), await storm.Merchant.Stock(sale.Sku));
        Assert.Equal("Settled", (await storm.Merchant.Campaign(sale.Id)).Text("state"));

        async Task<(LiveShopper Buyer, Reply Reply)> Tap(LiveShopper buyer, int number) => (buyer, await buyer.TryTake(sale.Id, key: $"tap-{number}"));
    }

    private static Task Until(Func<bool> isSo) => Until(() => Task.FromResult(isSo()));

    private static async Task Until(Func<Task<bool>> isSo)
    {
        var limit = DateTime.UtcNow.AddSeconds(30);
        while (!await isSo() && DateTime.UtcNow < limit) await Task.Yield();
        Assert.True(await isSo());
    }
}
