using System.Net.Http.Headers;
using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.Sandbox;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Payment;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.Http;

public sealed class PaymentTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    [Trait("EdgeCase", "12")]
    public async Task A_cancelled_order_gives_the_earned_price_back_and_the_stock_once()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var bargain = await amei.Succeed(campaign);
        var order = await amei.Order(bargain);
        var cancelled = (await amei.Post($"/v1/orders/{order}/cancellations")).Expect(200);
        Assert.Equal("Cancelled", cancelled.Text("state"));
        Assert.Equal("Cancelled", (await amei.Post($"/v1/orders/{order}/cancellations", new { reason = "again" })).Expect(200).Text("state"));
        await shop.Quiet();

        Assert.Equal("Succeeded", (await amei.Bargain(bargain)).Text("state"));
        Assert.Equal((1_000, 100, 900), await shop.Merchant.Stock(campaign.Sku));
        Assert.Equal(990, (await amei.TryOrder(bargain)).Expect(201).Number("amountFen"));
        (await amei.Post($"/v1/orders/{order}/payments")).Refused(409, "OrderNotPayable");
    }

    [Fact]
    [Trait("EdgeCase", "12")]
    public async Task An_order_that_times_out_gives_the_earned_price_back_until_the_pay_window_ends()
    {
        var campaign = await shop.Merchant.Run(r => r["payWindowMinutes"] = 90);
        var amei = await shop.SignIn();
        var bargain = await amei.Succeed(campaign);
        var order = await amei.Order(bargain);
        await shop.Pass(TimeSpan.FromMinutes(16));
        Assert.Equal("TimedOut", (await amei.SeeOrder(order)).Text("state"));
        Assert.Equal("Succeeded", (await amei.Bargain(bargain)).Text("state"));
        Assert.Equal((1_000, 100, 900), await shop.Merchant.Stock(campaign.Sku));

        var second = await amei.Order(bargain);
        Assert.NotEqual(order, second);
        await shop.Pass(TimeSpan.FromMinutes(16));
        await shop.Pass(TimeSpan.FromMinutes(60));
        amei = await amei.Again();
        Assert.Equal("Lapsed", (await amei.Bargain(bargain)).Text("state"));
        (await amei.TryOrder(bargain)).Refused(409, "PriceNotEarned");
        Assert.Equal(100, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["left"]!.GetValue<int>());
    }

    [Fact]
    public async Task Starting_to_pay_twice_is_one_payment()
    {
        var amei = await shop.SignIn();
        var order = await PlainOrder(amei);
        Assert.Equal(await amei.StartPayment(order), await amei.StartPayment(order));
    }

    [Fact]
    public async Task A_callback_that_comes_six_times_pays_once()
    {
        var sku = await shop.Merchant.AddSku(500);
        var amei = await shop.SignIn();
        var order = await PlainOrder(amei, sku);
        await amei.Pay(order, new { repeat = 5 });
        var paid = await amei.SeeOrder(order);
        Assert.Equal("Paid", paid.Text("state"));
        Assert.Empty(paid.Body["refunds"]!.AsArray());
        Assert.Equal((999, 0, 999), await shop.Merchant.Stock(sku));
    }

    [Fact]
    public async Task A_forged_callback_or_one_over_another_amount_moves_nothing()
    {
        var amei = await shop.SignIn();
        var order = await PlainOrder(amei);
        var payment = await amei.StartPayment(order);
        await shop.Pay(payment, new { forge = true });
        Assert.Equal("Pending", (await amei.SeeOrder(order)).Text("state"));
        await shop.Pay(payment, new { amountFen = 1 });
        Assert.Equal("Pending", (await amei.SeeOrder(order)).Text("state"));
        await shop.Pay(payment);
        Assert.Equal("Paid", (await amei.SeeOrder(order)).Text("state"));
    }

    [Fact]
    public async Task Money_of_another_amount_is_not_taken_and_is_in_limbo_once_its_order_is_over_until_it_was_given_back_by_hand()
    {
        var own = await shop.AnotherShop();
        var amei = await shop.SignIn(shop: own.ShopId);
        var order = (await amei.Post("/v1/orders", new { lines = new[] { new { sku = await own.AddSku(), quantity = 1 } } })).Expect(201).Text("id");
        var payment = await amei.StartPayment(order);
        await shop.Pay(payment, new { amountFen = 1 });
        var settlements = $"/merchant/v1/limbo/{payment}/settlements";
        (await own.Post(settlements, new { reason = "too early" })).Refused(409, "WrongState");
        await shop.Pass(TimeSpan.FromMinutes(16));
        await shop.Quiet();

        Assert.Equal("TimedOut", (await amei.SeeOrder(order)).Text("state"));
        var limbo = Assert.Single(await own.Limbo());
        Assert.Equal((order, 1, "Held", "wrong amount"), (limbo["order"]!.GetValue<string>(), limbo["amountFen"]!.GetValue<int>(), limbo["state"]!.GetValue<string>(), limbo["reason"]!.GetValue<string>()));
        Assert.Equal(payment, limbo["payment"]!.GetValue<string>());

        (await shop.Merchant.Post(settlements, new { reason = "not mine" })).Refused(404, "NotFound");
        (await own.Post($"/merchant/v1/limbo/{Guid.NewGuid():N}/settlements", new { reason = "whose?" })).Refused(404, "NotFound");
        (await own.Post(settlements, new { reason = new string('x', 81) })).Refused(422, "Invalid");
        (await own.Post(settlements, new { })).Refused(400, "Malformed");
        Assert.Single(await own.Limbo());

        var settled = (await own.Post(settlements, new { reason = "returned in the portal" })).Expect(201);
        Assert.Equal((payment, order, 1, "returned in the portal"), (settled.Text("payment"), settled.Text("order"), settled.Number("amountFen"), settled.Text("reason")));
        Assert.Empty(await own.Limbo());
        Assert.DoesNotContain((await shop.Ops(HttpMethod.Get, "/ops/limbo")).Expect(200).Items, l => l["shop"]!.GetValue<string>() == own.ShopId);
        await shop.Quiet();
        var position = shop.Position;
        Assert.Equal(settled.Content, (await own.Post(settlements, new { reason = "once more" })).Expect(201).Content);
        Assert.Equal(position, shop.Position);
    }

    [Fact]
    public async Task A_payment_that_failed_leaves_the_order_to_be_cancelled()
    {
        var amei = await shop.SignIn();
        var order = await PlainOrder(amei);
        var payment = await amei.StartPayment(order);
        (await shop.Nobody.Post($"/sandbox/payments/{payment}/fail")).Expect(200);
        (await shop.Nobody.Post($"/sandbox/payments/{payment}/pay")).Refused(409, "WrongState");
        Assert.Equal("Pending", (await amei.SeeOrder(order)).Text("state"));
        Assert.Equal("Cancelled", (await amei.Post($"/v1/orders/{order}/cancellations")).Expect(200).Text("state"));
    }

    [Fact]
    public async Task Money_that_comes_too_late_goes_back_with_a_reason_and_is_in_limbo_while_the_gateway_fails()
    {
        var own = await shop.AnotherShop();
        var campaign = await own.Run();
        var amei = await shop.SignIn(shop: own.ShopId);
        var bargain = amei.Launch(campaign.Id);
        foreach (var _ in Enumerable.Range(0, 3)) (await (await shop.SignIn(shop: own.ShopId)).Assist(await bargain)).Expect(201);
        var order = await amei.Order(await bargain);
        await amei.Pay(order, new { delaySeconds = 3_600 });
        Assert.Equal("Pending", (await amei.SeeOrder(order)).Text("state"));
        (await shop.Nobody.Post("/sandbox/refund-faults", new { failures = 2 })).Expect(200);
        await shop.Pass(TimeSpan.FromMinutes(16));
        await shop.Quiet();
        Assert.Equal("TimedOut", (await amei.SeeOrder(order)).Text("state"));
        var limbo = Assert.Single(await own.Limbo());
        Assert.Equal((order, 990), (limbo["order"]!.GetValue<string>(), limbo["amountFen"]!.GetValue<int>()));
        Assert.NotEmpty(limbo["reason"]!.GetValue<string>());
        Assert.Empty(await shop.Merchant.Limbo());

        // Operators see it with its shop, and are woken by its age.
        var seen = Assert.Single((await shop.Ops(HttpMethod.Get, "/ops/limbo")).Expect(200).Items, l => l["shop"]!.GetValue<string>() == own.ShopId);
        Assert.Equal((order, 990), (seen["order"]!.GetValue<string>(), seen["amountFen"]!.GetValue<int>()));
        var (items, fen) = (await Metric("campaigns_limbo_items"), await Metric("campaigns_limbo_fen"));
        Assert.True(items >= 1 && fen >= 990, $"{items} items of {fen} fen");

        await shop.Pass(TimeSpan.FromSeconds(6));
        Assert.InRange(Assert.Single(await own.Limbo())["ageSeconds"]!.GetValue<long>(), 6, 120);
        Assert.True(await Metric("campaigns_limbo_oldest_seconds") >= 6);
        await shop.Pass(TimeSpan.FromMinutes(5));
        Assert.Empty(await own.Limbo());
        Assert.DoesNotContain((await shop.Ops(HttpMethod.Get, "/ops/limbo")).Expect(200).Items, l => l["shop"]!.GetValue<string>() == own.ShopId);
        Assert.Equal((items - 1, fen - 990), (await Metric("campaigns_limbo_items"), await Metric("campaigns_limbo_fen")));

        var refunded = await (await amei.Again()).SeeOrder(order);
        var refund = Assert.Single(refunded.Body["refunds"]!.AsArray())!;
        Assert.Equal(("TimedOut", 990, "Succeeded"), (refunded.Text("state"), refund["amountFen"]!.GetValue<int>(), refund["state"]!.GetValue<string>()));
        Assert.NotEmpty(refund["reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task The_sandbox_closes_what_is_not_paid_and_tells_of_money_whose_callback_has_not_come()
    {
        var amei = await shop.SignIn();
        var unpaid = await PlainOrder(amei);
        var closed = await amei.StartPayment(unpaid);
        await Close(closed);
        (await amei.Post($"/v1/orders/{unpaid}/payments")).Refused(409, "OrderNotPayable");
        Assert.Equal("Pending", (await amei.SeeOrder(unpaid)).Text("state"));
        await shop.Pay(closed); // whose sheet was open at that moment
        Assert.Equal("Paid", (await amei.SeeOrder(unpaid)).Text("state"));

        var late = await PlainOrder(amei);
        var paid = await amei.StartPayment(late);
        await shop.Pay(paid, new { delaySeconds = 600 });
        Assert.Equal("Pending", (await amei.SeeOrder(late)).Text("state"));
        await Close(paid);
        Assert.Equal("Paid", (await amei.SeeOrder(late)).Text("state"));
    }

    [Fact]
    public async Task The_sandbox_s_bill_of_a_day_holds_what_was_paid_and_refunded_on_it()
    {
        await using var own = await LiveShop.Open();
        var gateway = own.Host.Services.GetRequiredService<IPaymentGateway>();
        var sku = await own.Merchant.AddSku(500);
        var amei = await own.SignIn();
        var (paid, cancelled) = (await PlainOrder(amei, sku), await PlainOrder(amei, sku));
        var (first, second) = (await amei.StartPayment(paid), await amei.StartPayment(cancelled));
        await own.Pay(second, new { delaySeconds = 3_600 });
        await own.Pay(first, new { repeat = 3 });
        await own.Pay(first, new { forge = true, amountFen = 1 });

        // Closing the payment finds the money whose callback has not come.
        (await amei.Post($"/v1/orders/{cancelled}/cancellations")).Expect(200);
        await own.Quiet();
        var day = BeijingTime.DayOf(await own.Now());
        Assert.Equal(GatewayBill.NotReady, await gateway.Bill(day, default));

        await own.Pass(BeijingTime.BillReady(day) - await own.Now() + TimeSpan.FromSeconds(1));
        var bill = await gateway.Bill(day, default);
        Assert.Equal(BillState.Complete, bill.State);
        Assert.Equal(
            new[] { (BillLineKind.Payment, second, 500L, "demo"), (BillLineKind.Payment, first, 500L, "demo"), (BillLineKind.Refund, second, 500L, "demo") },
            bill.Lines.OrderBy(l => l.Kind).ThenBy(l => l.At).Select(l => (l.Kind, l.OutTradeNo, l.AmountFen, l.Shop!.Value.Value)));
        Assert.All(bill.Lines, l => Assert.Equal(day, BeijingTime.DayOf(l.At)));
        Assert.Equal($"{cancelled}-1", bill.Lines.Single(l => l.Kind == BillLineKind.Refund).OutRefundNo);
        Assert.Equal(GatewayBill.NoMovements, await gateway.Bill(day.AddDays(-1), default));
    }

    [Fact]
    public async Task A_callback_that_nobody_signed_is_refused_and_one_about_an_unknown_payment_is_404()
    {
        var position = shop.Position;
        (await shop.Nobody.Post("/callbacks/wechat-pay", new { id = "x" })).Refused(401, "Unauthenticated");
        (await shop.Nobody.Send(HttpMethod.Post, "/callbacks/wechat-pay", "not even json")).Refused(401, "Unauthenticated");
        var unknown = Guid.NewGuid().ToString("N");
        (await Notify(unknown, "demo")).Refused(404, "NotFound");
        (await Notify("not-an-id", "demo")).Refused(404, "NotFound");
        (await Notify(unknown, "no shop at all")).Refused(404, "NotFound");
        Assert.Equal(position, shop.Position);
    }

    [Fact]
    public async Task A_callback_for_a_payment_of_this_shop_under_another_shops_name_moves_nothing()
    {
        var neighbour = await shop.AnotherShop();
        var amei = await shop.SignIn();
        var order = await PlainOrder(amei);
        (await Notify(await amei.StartPayment(order), neighbour.ShopId)).Refused(404, "NotFound");
        Assert.Equal("Pending", (await amei.SeeOrder(order)).Text("state"));
    }

    [Theory]
    [InlineData("""{"delaySeconds":-1}""", 422)]
    [InlineData("""{"repeat":11}""", 422)]
    [InlineData("""{"amountFen":-1}""", 422)]
    [InlineData("""{"forge":"yes"}""", 400)]
    public async Task The_sandbox_checks_what_it_is_told(string how, int status)
    {
        var amei = await shop.SignIn();
        var payment = await amei.StartPayment(await PlainOrder(amei));
        (await shop.Nobody.Send(HttpMethod.Post, $"/sandbox/payments/{payment}/pay", how)).Refused(status, status == 400 ? "Malformed" : "Invalid");
    }

    [Theory]
    [InlineData("-1", 422)]
    [InlineData("1.5", 400)]
    [InlineData("99999999999", 422)]
    public async Task The_clock_moves_forward_by_whole_seconds(string seconds, int status) =>
        (await shop.Nobody.Send(HttpMethod.Post, "/sandbox/clock", $$"""{"advanceSeconds":{{seconds}}}""")).Refused(status, status == 400 ? "Malformed" : "Invalid");

    [Fact]
    public async Task A_gateway_that_is_down_is_503_after_a_while_and_the_payment_is_found_when_it_is_back()
    {
        await using var own = await LiveShop.Open(patience: TimeSpan.FromSeconds(4));
        var amei = await own.SignIn();
        var order = await PlainOrder(amei, await own.Merchant.AddSku(500));
        (await own.Nobody.Post("/sandbox/prepay-faults", new { failures = 1 })).Expect(200);
        var busy = (await amei.PostOnce("pay", $"/v1/orders/{order}/payments")).Refused(503, "Busy");
        Assert.NotNull(busy.Header("Retry-After"));

        await own.Pass(TimeSpan.FromSeconds(10));
        await own.Pay((await amei.PostOnce("pay", $"/v1/orders/{order}/payments")).Expect(201).Text("paymentId"));
        Assert.Equal("Paid", (await amei.SeeOrder(order)).Text("state"));
    }

    private async Task Close(string payment)
    {
        Assert.True((await shop.Host.Services.GetRequiredService<LocalEngine>().Ask(PaymentId.Of(Guid.ParseExact(payment, "N")).In(new("demo")), new ClosePayment())).IsAccepted);
        await shop.Quiet();
    }

    private async Task<Reply> Notify(string payment, string attach)
    {
        var (keys, clock) = (shop.Host.Services.GetRequiredService<SandboxKeys>(), shop.Host.Services.GetRequiredService<TimeProvider>());
        var transaction = new WeChatPayTransaction(SandboxKeys.Mchid, SandboxKeys.App.Appid, payment, "4200000000000000000000000001", WeChatPayTransaction.Success, clock.GetUtcNow(), new(500, 500), new("o"), attach);
        var notification = keys.Compose(Guid.NewGuid().ToString(), transaction, forge: false, clock.GetUtcNow());
        using var request = shop.Nobody.Request(HttpMethod.Post, "/callbacks/wechat-pay");
        request.Content = new ByteArrayContent(notification.Body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        notification.Headers.CopyTo(request.Headers);
        return await shop.Send(request);
    }

    private async Task<double> Metric(string name) =>
        double.Parse((await shop.Ops(HttpMethod.Get, "/metrics")).Expect(200).Content.Split('\n').Single(l => l.StartsWith(name + " ", StringComparison.Ordinal))[(name.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);

    private async Task<string> PlainOrder(LiveShopper buyer, string? sku = null) =>
        (await buyer.Post("/v1/orders", new { lines = new[] { new { sku = sku ?? await shop.Merchant.AddSku(500), quantity = 1 } } })).Expect(201).Text("id");
}
