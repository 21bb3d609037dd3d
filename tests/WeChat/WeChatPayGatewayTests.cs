using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.Sandbox;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.WeChat;

/// <summary>The product with the real adapter, in front of a WeChat Pay that a test tells what to answer.</summary>
public sealed class WeChatPayGatewayTests : IAsyncLifetime
{
    private static readonly ShopId Demo = new("demo");
    private static readonly PaymentId Payment = new(Guid.Parse("0190000000007000800000000000abcd"));
    private static readonly CloseAtGateway TheClose = new(Payment);
    private static readonly RefundAtGateway TheRefund = new(Payment, "0190000000007000800000000000aaaa-1", new(3_000), new(9_900), "late payment");

    private PayDesk desk = null!;
    private LiveShop shop = null!;

    private IPaymentGateway Gateway => shop.Host.Services.GetRequiredService<IPaymentGateway>();

    public async Task InitializeAsync()
    {
        desk = await PayDesk.Open();
        shop = await LiveShop.Open(TimeSpan.FromSeconds(10), [.. desk.Settings().Select(s => $"--{s.Key}={s.Value}")]);
        var clock = shop.Host.Services.GetRequiredService<TimeProvider>();
        desk.Now = clock.GetUtcNow;
    }

    public async Task DisposeAsync()
    {
        await shop.DisposeAsync();
        await desk.DisposeAsync();
    }

    [Fact]
    public void Merchant_that_is_configured_takes_the_place_of_the_sandbox() => Assert.IsType<WeChatPayGateway>(Gateway);

    [Fact]
    public async Task Order_is_announced_and_its_sheet_is_signed()
    {
        Prepays();
        var (amei, order) = await Order();
        var started = (await amei.Post($"/v1/orders/{order}/payments")).Expect(201);
        var sheet = started.Body["prepay"]!;
        Assert.Equal((PayDesk.Appid, "prepay_id=wx1", "RSA"), (Text(sheet, "appId"), Text(sheet, "package"), Text(sheet, "signType")));
        var message = WeChatPaySignatures.PaymentMessage(PayDesk.Appid, long.Parse(Text(sheet, "timeStamp")), Text(sheet, "nonceStr"), "prepay_id=wx1");
        Assert.True(WeChatPaySignatures.IsSigned(desk.Merchant().Key.PrivateKey, message, Text(sheet, "paySign")));

        var request = Assert.Single(desk.Requests);
        Assert.Equal(("POST", "/v3/pay/transactions/jsapi"), (request.Method, request.PathAndQuery));
        var payment = started.Text("paymentId")!;
        var expected = new JsonObject
        {
            ["appid"] = PayDesk.Appid,
            ["mchid"] = PayDesk.Mchid,
            ["description"] = "桂花糕",
            ["out_trade_no"] = payment,
            ["time_expire"] = request.Json["time_expire"]!.GetValue<string>(),
            ["attach"] = "demo",
            ["notify_url"] = "https://shop.example.com/callbacks/wechat-pay",
            ["amount"] = new JsonObject { ["total"] = 9_900, ["currency"] = "CNY" },
            ["payer"] = new JsonObject { ["openid"] = StandInWeChat.OpenidOf(amei.Name) },
        };
        Assert.Equal(expected.ToJsonString(), request.Json.ToJsonString());
        Assert.InRange((await amei.SeeOrder(order)).Time("payBefore") - request.Json["time_expire"]!.GetValue<DateTimeOffset>(), TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.Matches("^[0-9a-f]{32}$", payment);
    }

    [Fact]
    public async Task Order_that_ends_says_until_when_and_its_description_is_cut_between_letters()
    {
        Prepays();
        var amei = await shop.SignIn();
        var title = "a" + string.Concat(Enumerable.Repeat("𠮷", 100));
        var prepay = new Prepay(Payment, ShopperId.Of(Guid.ParseExact(amei.Id, "N")), new(1), title, new DateTimeOffset(2026, 11, 20, 12, 15, 0, 999, TimeSpan.Zero));
        Assert.Equal("wx1", (await Gateway.Prepay(Demo, prepay, default)).Reply!.PrepayId);
        var body = desk.Requests.Single().Json;
        Assert.Equal("2026-11-20T20:15:00+08:00", Text(body, "time_expire"));
        Assert.Equal("a" + string.Concat(Enumerable.Repeat("𠮷", 63)), Text(body, "description"));

        Assert.NotNull((await Gateway.Prepay(Demo, prepay, default)).Reply);
        Assert.Equal(desk.Requests.First().Body, desk.Requests.Last().Body);
    }

    [Fact]
    public async Task Payer_whom_nobody_knows_is_not_announced()
    {
        var prepaid = await Gateway.Prepay(Demo, new(Payment, new(Guid.NewGuid()), new(1), "茶"), default);
        Assert.Equal("NotFound", prepaid.Refusal!.Code);
        Assert.Empty(desk.Requests);
    }

    [Fact]
    public async Task Prepay_of_an_order_that_is_paid_already_reports_the_money()
    {
        desk.Answer = r => r.Method == "POST" ? PayAnswer.Error(400, "ORDERPAID") : Queried("SUCCESS");
        Assert.Equal(new Prepaid(null, new("4200000000202611200000000001", new(9_900), new(2026, 11, 20, 11, 59, 58, TimeSpan.Zero))), (await Prepay()).Reply);
        Assert.Equal($"/v3/pay/transactions/out-trade-no/{Payment}?mchid=1900007291", desk.Requests.Last().PathAndQuery);
    }

    [Theory]
    [InlineData("NOTPAY")]
    [InlineData("CLOSED")]
    [InlineData("")]
    public async Task Prepay_that_is_refused_tells_the_code(string state)
    {
        desk.Answer = r => r.Method == "POST" ? PayAnswer.Error(400, "APPID_MCHID_NOT_MATCH") : state.Length == 0 ? PayAnswer.Error(404, "ORDER_NOT_EXIST") : Queried(state);
        var refusal = (await Prepay()).Refusal!;
        Assert.Equal("GatewayRefused", refusal.Code);
        Assert.Equal("400 APPID_MCHID_NOT_MATCH", Assert.Single(refusal.Findings!).Message);
    }

    [Theory]
    [InlineData("""{"prepay_id":null}""")]
    [InlineData("""{"prepay_id":""}""")]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("not json")]
    public async Task Prepay_answered_with_nonsense_is_unsettled(string json)
    {
        desk.Answer = _ => PayAnswer.Of(json);
        await Assert.ThrowsAsync<WeChatPayUnsettled>(Prepay);
    }

    [Fact]
    public async Task Payment_is_closed()
    {
        desk.Answer = _ => PayAnswer.Nothing;
        Assert.Equal(new ClosedAtGateway(), (await Gateway.Close(Demo, TheClose, default)).Reply);
        var request = Assert.Single(desk.Requests);
        Assert.Equal(("POST", $"/v3/pay/transactions/out-trade-no/{Payment}/close", """{"mchid":"1900007291"}"""), (request.Method, request.PathAndQuery, Encoding.UTF8.GetString(request.Body)));
    }

    [Theory]
    [InlineData(404, "ORDER_NOT_EXIST")]
    [InlineData(404, "ORDERNOTEXIST")]
    [InlineData(404, "RESOURCE_NOT_EXISTS")]
    [InlineData(400, "ORDER_CLOSED")]
    public async Task Payment_that_is_not_there_or_closed_already_is_closed(int status, string code)
    {
        desk.Answer = _ => PayAnswer.Error(status, code);
        Assert.Equal(new ClosedAtGateway(), (await Gateway.Close(Demo, TheClose, default)).Reply);
    }

    [Theory]
    [InlineData("SUCCESS")]
    [InlineData("REFUND")]
    public async Task Closing_what_is_paid_reports_the_money(string state)
    {
        desk.Answer = r => r.Method == "POST" ? PayAnswer.Error(400, "INVALID_REQUEST") : Queried(state);
        Assert.Equal(new("4200000000202611200000000001", new(9_900), new(2026, 11, 20, 11, 59, 58, TimeSpan.Zero)), (await Gateway.Close(Demo, TheClose, default)).Reply!.Paid);
    }

    [Fact]
    public async Task Closing_that_cannot_be_done_now_is_refused_or_unsettled()
    {
        desk.Answer = r => r.Method == "POST" ? PayAnswer.Error(403, "RULE_LIMIT") : Queried("NOTPAY");
        Assert.Equal("403 RULE_LIMIT", (await Gateway.Close(Demo, TheClose, default)).Refusal!.Findings![0].Message);

        // The shopper is typing the password.
        desk.Answer = r => r.Method == "POST" ? PayAnswer.Error(202, "USERPAYING") : Queried("USERPAYING");
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => Gateway.Close(Demo, TheClose, default));
    }

    [Theory]
    [InlineData("mchid", "1900007292")]
    [InlineData("appid", "wx0")]
    [InlineData("out_trade_no", "another")]
    [InlineData("amount", null)]
    [InlineData("transaction_id", null)]
    [InlineData("success_time", null)]
    public async Task Query_about_something_else_moves_no_money(string member, string? value)
    {
        desk.Answer = r => r.Method == "POST" ? PayAnswer.Error(400, "INVALID_REQUEST") : Queried("SUCCESS", member, value);
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => Gateway.Close(Demo, TheClose, default));
    }

    [Fact]
    public async Task Payment_whose_callback_was_lost_is_found_when_it_is_closed()
    {
        Prepays();
        var (amei, order) = await Order();
        var payment = await amei.StartPayment(order);
        desk.Answer = r => r.Method == "POST" ? PayAnswer.Error(400, "ORDERPAID") : Queried("SUCCESS", "out_trade_no", payment);
        await Ask(payment, new ClosePayment());
        await shop.Quiet();
        Assert.Equal("Paid", (await amei.SeeOrder(order)).Text("state"));
    }

    [Fact]
    public async Task Payment_that_was_closed_is_not_begun_again()
    {
        Prepays();
        var (amei, order) = await Order();
        var payment = await amei.StartPayment(order);
        desk.Answer = _ => PayAnswer.Nothing;
        await Ask(payment, new ClosePayment());
        await shop.Quiet();
        Assert.Equal(PaymentStatus.Closed, (await Ask(payment, new GetPayment(false))).State);
        (await amei.Post($"/v1/orders/{order}/payments")).Refused(409, "OrderNotPayable");
    }

    [Fact]
    public async Task Notification_pays_the_order_and_a_refund_of_late_money_is_settled_by_its_own()
    {
        Prepays();
        var (amei, order) = await Order();
        var payment = await amei.StartPayment(order);
        desk.Answer = _ => PayAnswer.Nothing;
        (await amei.Post($"/v1/orders/{order}/cancellations")).Expect(200);
        await shop.Quiet();

        desk.Answer = r => r.Method == "POST" ? Refunding(r, "PROCESSING") : PayAnswer.Error(500, "SYSTEM_ERROR");
        var paid = new JsonObject
        {
            ["mchid"] = PayDesk.Mchid,
            ["appid"] = PayDesk.Appid,
            ["out_trade_no"] = payment,
            ["transaction_id"] = "4200000000202611200000000001",
            ["trade_type"] = "JSAPI",
            ["trade_state"] = "SUCCESS",
            ["attach"] = "demo",
            ["success_time"] = "2026-11-20T19:59:58+08:00",
            ["payer"] = new JsonObject { ["openid"] = "o" },
            ["amount"] = new JsonObject { ["total"] = 9_900, ["payer_total"] = 9_400, ["currency"] = "CNY", ["payer_currency"] = "CNY" },
        };
        (await Notify("", desk.Notification("transaction", "TRANSACTION.SUCCESS", paid))).Expect(204);
        (await Notify("", desk.Notification("transaction", "TRANSACTION.SUCCESS", paid))).Expect(204);
        await shop.Quiet();

        var request = Assert.Single(desk.To("/v3/refund"));
        var refund = Text(request.Json, "out_refund_no");
        Assert.Equal(
            $$$"""{"out_trade_no":"{{{payment}}}","out_refund_no":"{{{refund}}}","reason":"late payment","notify_url":"https://shop.example.com/callbacks/wechat-pay/demo","amount":{"refund":9900,"total":9900,"currency":"CNY"}}""",
            request.Json.ToJsonString());
        Assert.Equal("Processing", await RefundState(amei, order));
        Assert.Equal("Processing", Text(Assert.Single(await shop.Merchant.Limbo()), "state"));

        var told = Refunded(payment, refund, "ABNORMAL");
        (await Notify("/demo", desk.Notification("refund", "REFUND.ABNORMAL", told))).Expect(204);
        await shop.Quiet();
        var limbo = Assert.Single(await shop.Merchant.Limbo());
        Assert.Equal(("Failed", "ABNORMAL"), (Text(limbo, "state"), Text(limbo, "problem")));

        var success = desk.Notification("refund", "REFUND.SUCCESS", Refunded(payment, refund, "SUCCESS"));
        (await Notify("/demo", success)).Expect(204);
        (await Notify("/demo", success)).Expect(204);
        (await Notify("/demo", desk.Notification("refund", "REFUND.CLOSED", Refunded(payment, refund, "CLOSED")))).Expect(204);
        await shop.Quiet();
        Assert.Equal("Succeeded", await RefundState(amei, order));
        Assert.Empty(await shop.Merchant.Limbo());
    }

    [Fact]
    public async Task Notification_under_a_certificate_that_is_new_to_us_is_believed_after_a_look_for_it()
    {
        var certificate = PayDesk.NewCertificate(desk.PlatformKey, desk.Now().AddDays(-1), desk.Now().AddYears(5));
        var isThere = false;
        desk.Answer = r => r.PathAndQuery != "/v3/certificates" ? PayAnswer.Of("""{"prepay_id":"wx1"}""") with { Sign = b => desk.Sign(b, certificate.SerialNumber) }
            : isThere ? PayAnswer.Of(PayDesk.ListOf(certificate)) with { Sign = b => desk.Sign(b, certificate.SerialNumber) }
            : PayAnswer.Error(503, "SYSTEM_ERROR");
        var settings = desk.Settings();
        (settings["WeChatPay:PlatformCertificates"], settings["WeChatPay:PublicKeyId"], settings["WeChatPay:PublicKeyFile"]) = ("true", null, null);
        await using var own = await LiveShop.Open(null, [.. settings.Where(s => s.Value is not null).Select(s => $"--{s.Key}={s.Value}")]);
        var notification = desk.Notification("refund", "REFUND.SUCCESS", Refunded(Payment.ToString(), "o-1", "SUCCESS"), certificate.SerialNumber);

        (await Notify(own, "/demo", notification)).Refused(401, "Unauthenticated");
        isThere = true;
        await own.Pass(WeChatPayKeyRing.LookPause);
        desk.Now = own.Host.Services.GetRequiredService<TimeProvider>().GetUtcNow;
        (await Notify(own, "/demo", notification)).Refused(404, "NotFound"); // believed, and about nothing we know
    }

    [Fact]
    public async Task Refund_notification_that_is_not_ours_moves_nothing()
    {
        var neighbour = await shop.AnotherShop();
        var (payment, refund) = await Refundable();
        var position = shop.Position;
        (await Notify("", desk.Notification("refund", "REFUND.SUCCESS", Refunded(payment, refund, "SUCCESS")))).Refused(404, "NotFound");
        (await Notify("/nowhere", desk.Notification("refund", "REFUND.SUCCESS", Refunded(payment, refund, "SUCCESS")))).Refused(404, "NotFound");
        (await Notify($"/{neighbour.ShopId}", desk.Notification("refund", "REFUND.SUCCESS", Refunded(payment, refund, "SUCCESS")))).Refused(404, "NotFound");
        (await Notify("/No%20Shop", desk.Notification("refund", "REFUND.SUCCESS", Refunded(payment, refund, "SUCCESS")))).Refused(404, "NotFound");
        (await Notify("/demo", desk.Notification("refund", "REFUND.SUCCESS", Refunded(payment, "another", "SUCCESS")))).Refused(404, "NotFound");
        (await Notify("/demo", desk.Notification("refund", "REFUND.SUCCESS", Refunded(payment, refund, "SUCCESS", fen: 1)))).Refused(422, "AmountMismatch");
        (await Notify("/demo", desk.Notification("refund", "REFUND.SUCCESS", Refunded(payment, refund, "PERHAPS")))).Refused(422, "Invalid");
        using var stranger = System.Security.Cryptography.RSA.Create(2048);
        (await Notify("/demo", desk.Notification("refund", "REFUND.SUCCESS", Refunded(payment, refund, "SUCCESS"), key: stranger))).Refused(401, "Unauthenticated");
        Assert.Equal(position, shop.Position);
    }

    [Theory]
    [InlineData("SUCCESS", RefundStatus.Succeeded, null)]
    [InlineData("PROCESSING", RefundStatus.Processing, null)]
    [InlineData("ABNORMAL", RefundStatus.Failed, "ABNORMAL")]
    [InlineData("CLOSED", RefundStatus.Failed, "CLOSED")]
    public async Task Refund_is_as_far_as_WeChat_Pay_says(string status, RefundStatus state, string? problem)
    {
        desk.Answer = r => Refunding(r, status);
        Assert.Equal(new(state, problem), await Gateway.Refund(Demo, TheRefund, default));
        Assert.Equal(new(state, problem), await Gateway.Refund(Demo, TheRefund with { IsKnown = true }, default));
        Assert.Equal(["POST /v3/refund/domestic/refunds", $"GET /v3/refund/domestic/refunds/{TheRefund.RefundId}"], desk.Requests.Select(r => $"{r.Method} {r.PathAndQuery}"));
    }

    [Theory]
    [InlineData(403, "NOT_ENOUGH")]
    [InlineData(403, "USER_ACCOUNT_ABNORMAL")]
    [InlineData(400, "PARAM_ERROR")]
    public async Task Refund_that_is_refused_has_failed_and_says_why(int status, string code)
    {
        desk.Answer = _ => PayAnswer.Error(status, code);
        Assert.Equal(new(RefundStatus.Failed, code), await Gateway.Refund(Demo, TheRefund, default));
    }

    [Fact]
    public async Task Refund_that_WeChat_Pay_turned_down_before_is_asked_for_again_under_the_same_number()
    {
        desk.Answer = r => r.Method == "GET" ? PayAnswer.Error(404, "RESOURCE_NOT_EXISTS") : Refunding(r, "SUCCESS");
        Assert.Equal(new(RefundStatus.Succeeded), await Gateway.Refund(Demo, TheRefund with { IsKnown = true }, default));
        Assert.Equal(TheRefund.RefundId, Text(desk.Requests.Last().Json, "out_refund_no"));
    }

    [Theory]
    [InlineData(429, "FREQUENCY_LIMITED")]
    [InlineData(500, "SYSTEM_ERROR")]
    [InlineData(401, "SIGN_ERROR")]
    public async Task Refund_of_which_nobody_knows_is_unsettled(int status, string code)
    {
        desk.Answer = _ => PayAnswer.Error(status, code);
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => Gateway.Refund(Demo, TheRefund, default));
    }

    [Theory]
    [InlineData("""{"out_refund_no":"another","status":"SUCCESS"}""")]
    [InlineData("""{"out_refund_no":"0190000000007000800000000000aaaa-1","status":"SUCCESS","amount":{"refund":1}}""")]
    [InlineData("""{"out_refund_no":"0190000000007000800000000000aaaa-1","status":"PERHAPS"}""")]
    [InlineData("""{"out_refund_no":"0190000000007000800000000000aaaa-1"}""")]
    public async Task Refund_answered_with_nonsense_is_unsettled(string json)
    {
        desk.Answer = _ => PayAnswer.Of(json);
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => Gateway.Refund(Demo, TheRefund, default));
    }

    [Fact]
    public async Task Bill_of_a_day_is_downloaded_with_a_signature_of_its_own()
    {
        var text = Encoding.UTF8.GetBytes($"{WeChatPayBillTests.Header}\n{WeChatPayBillTests.Totals}");
        desk.Answer = r => r.PathAndQuery.StartsWith("/v3/billdownload", StringComparison.Ordinal) ? new(200, WeChatPayBillTests.Packed(text), _ => null) : Ticket($"{desk.Address}v3/billdownload/file?token=6XI%2B4", WeChatPayBillTests.HashOf(text));
        Assert.Equal((BillState.Complete, 0), await BillOf(Yesterday));
        Assert.Equal([$"/v3/bill/tradebill?bill_date={Yesterday:yyyy-MM-dd}&bill_type=ALL&tar_type=GZIP", "/v3/billdownload/file?token=6XI%2B4"], desk.Requests.Select(r => r.PathAndQuery));

        desk.Answer = r => r.PathAndQuery.StartsWith("/v3/billdownload", StringComparison.Ordinal) ? new(200, WeChatPayBillTests.Packed(text), _ => null) : Ticket($"{desk.Address}v3/billdownload/file", new string('0', 40));
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => BillOf(Yesterday));
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/file")]
    [InlineData("https://pay.example.com/file")]
    [InlineData("https://api.mch.weixin.qq.com.example.com/file")]
    [InlineData("nowhere")]
    public async Task Our_signature_is_not_sent_to_anybody_else(string address)
    {
        desk.Answer = _ => Ticket(address, new string('0', 40));
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => BillOf(Yesterday));
    }

    [Fact]
    public async Task Day_without_movements_and_a_bill_that_is_not_written_yet_are_told_apart()
    {
        desk.Answer = _ => PayAnswer.Error(400, "NO_STATEMENT_EXIST");
        Assert.Equal((BillState.NoMovements, 0), await BillOf(Yesterday));
        desk.Answer = _ => PayAnswer.Error(400, "STATEMENT_CREATING");
        Assert.Equal((BillState.NotReady, 0), await BillOf(Yesterday));
        desk.Answer = _ => PayAnswer.Error(400, "PARAM_ERROR");
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => BillOf(Yesterday));

        var asked = desk.Requests.Count;
        Assert.Equal((BillState.NotReady, 0), await BillOf(BeijingTime.DayOf(desk.Now())));
        Assert.Equal(asked, desk.Requests.Count);
    }

    private DateOnly Yesterday => BeijingTime.DayOf(desk.Now()).AddDays(-2);

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();

    private static JsonObject Refunded(string payment, string refund, string status, long fen = 9_900) => new()
    {
        ["mchid"] = PayDesk.Mchid,
        ["transaction_id"] = "4200000000202611200000000001",
        ["out_trade_no"] = payment,
        ["refund_id"] = "50200207182018070300011301001",
        ["out_refund_no"] = refund,
        ["refund_status"] = status,
        ["user_received_account"] = "招商银行信用卡0403",
        ["amount"] = new JsonObject { ["total"] = 9_900, ["refund"] = fen, ["payer_total"] = 9_900, ["payer_refund"] = fen },
    };

    private static PayAnswer Ticket(string address, string hash) => PayAnswer.Of(new JsonObject { ["hash_type"] = "SHA1", ["hash_value"] = hash, ["download_url"] = address }.ToJsonString());

    private static PayAnswer Refunding(PayRequest request, string status)
    {
        var (refund, fen) = request.Method == "GET" ? (request.PathAndQuery.Split('/')[^1], 3_000) : (Text(request.Json, "out_refund_no"), request.Json["amount"]!["refund"]!.GetValue<long>());
        return PayAnswer.Of($$$"""{"refund_id":"50200207182018070300011301001","out_refund_no":"{{{refund}}}","status":"{{{status}}}","amount":{"total":9900,"refund":{{{fen}}},"currency":"CNY"}}""");
    }

    private static PayAnswer Queried(string state, string? change = null, string? value = null)
    {
        var order = new JsonObject { ["appid"] = PayDesk.Appid, ["mchid"] = PayDesk.Mchid, ["out_trade_no"] = Payment.ToString(), ["trade_state"] = state, ["trade_state_desc"] = "说明" };
        if (state is "SUCCESS" or "REFUND")
        {
            order["transaction_id"] = "4200000000202611200000000001";
            order["success_time"] = "2026-11-20T19:59:58+08:00";
            order["amount"] = new JsonObject { ["total"] = 9_900, ["payer_total"] = 9_400, ["currency"] = "CNY" };
        }

        if (change is not null) order[change] = value;
        return PayAnswer.Of(order.ToJsonString());
    }

    private void Prepays() => desk.Answer = _ => PayAnswer.Of("""{"prepay_id":"wx1"}""");

    private async Task<Outcome<Prepaid>> Prepay()
    {
        var amei = await shop.SignIn("amei");
        return await Gateway.Prepay(Demo, new(Payment, ShopperId.Of(Guid.ParseExact(amei.Id, "N")), new(9_900), "茶"), default);
    }

    private async Task<(BillState State, int Lines)> BillOf(DateOnly day)
    {
        var bill = await Gateway.Bill(day, default);
        return (bill.State, bill.Lines.Count);
    }

    private async Task<(LiveShopper Buyer, string Order)> Order()
    {
        var amei = await shop.SignIn();
        var order = (await amei.Post("/v1/orders", new { lines = new[] { new { sku = await shop.Merchant.AddSku(), quantity = 1 } } })).Expect(201);
        return (amei, order.Text("id")!);
    }

    private async Task<(string Payment, string Refund)> Refundable()
    {
        Prepays();
        var (amei, order) = await Order();
        var payment = await amei.StartPayment(order);
        desk.Answer = _ => PayAnswer.Nothing;
        (await amei.Post($"/v1/orders/{order}/cancellations")).Expect(200);
        await shop.Quiet();
        desk.Answer = r => Refunding(r, "PROCESSING");
        await Ask(payment, new ConfirmPayment("4200000000202611200000000001", new(9_900), desk.Now()));
        await shop.Quiet();
        return (payment, Text(desk.To("/v3/refund").Single().Json, "out_refund_no"));
    }

    private async Task<TReply> Ask<TReply>(string payment, ICommand<TReply> command)
    {
        var outcome = await shop.Host.Services.GetRequiredService<LocalEngine>().Ask(PaymentId.Of(Guid.ParseExact(payment, "N")).In(Demo), command);
        Assert.Null(outcome.Refusal);
        return outcome.Reply!;
    }

    private static async Task<string> RefundState(LiveShopper buyer, string order) => Text(Assert.Single((await buyer.SeeOrder(order)).Body["refunds"]!.AsArray())!, "state");

    private Task<Reply> Notify(string under, ComposedNotification notification) => Notify(shop, under, notification);

    private static async Task<Reply> Notify(LiveShop shop, string under, ComposedNotification notification)
    {
        using var request = shop.Nobody.Request(HttpMethod.Post, $"/callbacks/wechat-pay{under}");
        request.Content = new ByteArrayContent(notification.Body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        notification.Headers.CopyTo(request.Headers);
        return await shop.Send(request);
    }
}
