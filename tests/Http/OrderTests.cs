using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

/// <summary>An order after it is paid: shipped, received, refunded, and told as a story.</summary>
public sealed class OrderTests(LiveShop shop) : IClassFixture<LiveShop>
{
    // ---- ship and receive

    [Fact]
    public async Task A_paid_order_is_shipped_received_and_closed_seven_days_later()
    {
        await using var own = await LiveShop.Open();
        var amei = await own.SignIn();
        var order = await Paid(amei, own);
        var shipped = (await Ship(own.Merchant, order)).Expect(201);
        Assert.Equal(("Shipped", "顺丰", "SF100"), (shipped.Text("state"), shipped.Body["shipment"]!["carrier"]!.GetValue<string>(), shipped.Body["shipment"]!["trackingNumber"]!.GetValue<string>()));
        Assert.Equal(14, (shipped.Time("receiveBefore") - shipped.Body["shipment"]!["shippedAt"]!.GetValue<DateTimeOffset>()).TotalDays);

        var received = (await amei.Post($"/v1/orders/{order}/receipts", new { reason = "arrived" })).Expect(200);
        Assert.Equal("Received", received.Text("state"));
        Assert.Equal(received.Text("receivedAt"), (await amei.Post($"/v1/orders/{order}/receipts")).Expect(200).Text("receivedAt"));

        await own.Pass(TimeSpan.FromDays(7));
        Assert.Equal("Closed", (await own.Merchant.Get($"/merchant/v1/orders/{order}")).Expect(200).Text("state"));
    }

    [Fact]
    public async Task What_the_buyer_never_says_is_taken_as_received_after_fourteen_days_and_the_shop_s_own_period_closes_it()
    {
        await using var own = await LiveShop.Open();
        (await own.Merchant.Settings(s => s["freezeDays"] = 3)).Expect(200);
        var order = await Paid(await own.SignIn(), own);
        (await Ship(own.Merchant, order)).Expect(201);
        await own.Pass(TimeSpan.FromDays(14) - TimeSpan.FromMinutes(1));
        Assert.Equal("Shipped", await StateOf(own, order));
        await own.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal("Received", await StateOf(own, order));
        await own.Pass(TimeSpan.FromDays(3));
        Assert.Equal("Closed", await StateOf(own, order));
    }

    [Fact]
    public async Task The_same_shipment_again_writes_nothing_and_another_corrects_it_until_it_is_received()
    {
        var amei = await shop.SignIn();
        var order = await Paid(amei);
        (await Ship(shop.Merchant, order)).Expect(201);
        await shop.Quiet();
        var position = shop.Position;
        Assert.Equal("Shipped", (await Ship(shop.Merchant, order)).Expect(201).Text("state"));
        Assert.Equal(position, shop.Position);

        Assert.Equal("SF101", (await Ship(shop.Merchant, order, "SF101")).Expect(201).Body["shipment"]!["trackingNumber"]!.GetValue<string>());
        (await amei.Post($"/v1/orders/{order}/receipts")).Expect(200);
        (await Ship(shop.Merchant, order, "SF102")).Refused(409, "WrongState");
    }

    [Fact]
    public async Task What_is_not_paid_is_not_shipped_and_what_is_not_shipped_is_not_received()
    {
        var amei = await shop.SignIn();
        var order = await Place(amei, shop);
        (await Ship(shop.Merchant, order)).Refused(409, "WrongState");
        await amei.Pay(order);
        (await amei.Post($"/v1/orders/{order}/receipts")).Refused(409, "WrongState");
        (await Ship(shop.Merchant, new string('0', 32))).Refused(404, "NotFound");
        (await Ship(shop.Merchant, order, "SF 1")).Refused(422, "Invalid");
        (await Ship(shop.Merchant, order, new('1', 65))).Refused(422, "Invalid");
    }

    // ---- a file of shipments

    [Fact]
    public async Task A_file_ships_what_can_be_shipped_and_says_of_every_other_row_why_not()
    {
        var amei = await shop.SignIn();
        var (first, second, unpaid) = (await Paid(amei), await Paid(amei), await Place(amei, shop));
        var file = $"订单号,收件人,快递公司,运单号\r\n{first},阿美,\"顺丰, 陆运\",'SF1\r\n,,,\r\n{unpaid},x,SF,SF2\r\nnonsense,x,SF,SF3\r\n{second},x,SF,\t1.23E+11\r\n{second},x\r\n{second},x,\"open,SF4\r\n{second},x,YTO,YT5\r\n{first},x,SF,SF6\r\n{second},x,YTO,YT5";
        var report = (await Upload(shop.Merchant, file)).Expect(200);

        Assert.Equal((9, 3), (report.Body["rows"]!.GetValue<int>(), report.Body["accepted"]!.GetValue<int>()));
        Assert.Equal(
            [(4, "WrongState"), (5, "NotFound"), (6, "Invalid"), (7, "Invalid"), (8, "Invalid"), (10, "Invalid")],
            report.Body["refused"]!.AsArray().Select(r => (r!["row"]!.GetValue<int>(), r["code"]!.GetValue<string>())));
        Assert.Contains("text column", report.Body["refused"]![2]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        var shipment = (await amei.SeeOrder(first)).Body["shipment"]!;
        Assert.Equal(("顺丰, 陆运", "SF1"), (shipment["carrier"]!.GetValue<string>(), shipment["trackingNumber"]!.GetValue<string>()));
        Assert.Equal("Shipped", (await amei.SeeOrder(second)).Text("state"));

        await shop.Quiet();
        var position = shop.Position;
        Assert.Equal(report.Content, (await Upload(shop.Merchant, file)).Expect(200).Content);
        Assert.Equal(position, shop.Position);
    }

    [Theory]
    [InlineData("\uFEFForderId,carrier,trackingNumber\n")]
    [InlineData("TRACKINGNUMBER,OrderId,CARRIER\r\n")]
    [InlineData("\n\n运单号,快递公司,订单号,备注\n")]
    public async Task The_first_row_names_the_columns_in_any_order_with_or_without_a_byte_order_mark(string header) =>
        Assert.Equal(0, (await Upload(shop.Merchant, header)).Expect(200).Body["rows"]!.GetValue<int>());

    [Theory]
    [InlineData("")]
    [InlineData("orderId,carrier\n")]
    [InlineData("orderId,carrier,trackingNumber,运单号\n")]
    [InlineData("orderId;carrier;trackingNumber\n")]
    public async Task A_file_without_its_columns_is_refused(string file) => (await Upload(shop.Merchant, file)).Refused(422, "Invalid");

    [Fact]
    public async Task A_file_in_another_encoding_is_refused_and_says_what_to_do()
    {
        // 订单号 in GB18030.
        var refused = (await Upload(shop.Merchant, [0xB6, 0xA9, 0xB5, 0xA5, 0xBA, 0xC5, (byte)',', (byte)'x'])).Refused(400, "NotUtf8");
        Assert.Contains("CSV UTF-8", refused.Text("detail"), StringComparison.Ordinal);
        (await Upload(shop.Merchant, "orderId,carrier,trackingNumber\n"u8.ToArray(), "text/csv; charset=gb18030")).Refused(415, "UnsupportedMediaType");
        (await Upload(shop.Merchant, "{}"u8.ToArray(), "application/json")).Refused(415, "UnsupportedMediaType");
        (await Upload(shop.Merchant, "{}"u8.ToArray(), null)).Refused(415, "UnsupportedMediaType");
    }

    [Fact]
    public async Task A_file_has_5_000_rows_and_one_MiB_at_most()
    {
        var row = $"{new string('0', 32)},SF,SF1\n";
        var full = (await Upload(shop.Merchant, "orderId,carrier,trackingNumber\n" + string.Concat(Enumerable.Repeat(row, 5_000)))).Expect(200);
        Assert.Equal((5_000, 0, 5_000), (full.Body["rows"]!.GetValue<int>(), full.Body["accepted"]!.GetValue<int>(), full.Body["refused"]!.AsArray().Count));
        var rounded = $"{new string('0', 32)},SF,1.2E+11\n";
        foreach (var language in (string[])["zh-CN", "en"])
            (await Upload(shop.Merchant.With("Idempotency-Key", $"full-{language}").With("Accept-Language", language), "orderId,carrier,trackingNumber\n" + string.Concat(Enumerable.Repeat(rounded, 5_000)))).Expect(200);
        (await Upload(shop.Merchant, "orderId,carrier,trackingNumber\n" + string.Concat(Enumerable.Repeat(row, 5_001)))).Refused(422, "Invalid");
        (await Upload(shop.Merchant, "orderId,carrier,trackingNumber\n" + new string('x', 1 << 20))).Refused(413, "TooLarge");
    }

    [Fact]
    public async Task A_file_with_a_key_is_answered_once_and_the_template_is_a_file_without_rows()
    {
        var order = await Paid(await shop.SignIn());
        var once = new Merchant(shop, "demo", shop.Merchant.Key).With("Idempotency-Key", Guid.NewGuid().ToString());
        var file = $"orderId,carrier,trackingNumber\n{order},SF,SF9";
        var report = (await Upload(once, file)).Expect(200);
        Assert.Equal(report.Content, (await Upload(once, file)).Expect(200).Content);
        (await Upload(once, file + "0")).Refused(422, "IdempotencyKeyReused");

        var template = (await shop.Merchant.Get("/merchant/v1/shipment-uploads/template")).Expect(200);
        Assert.Equal("text/csv", template.MediaType);
        Assert.Equal(0, (await Upload(shop.Merchant, template.Content)).Expect(200).Body["rows"]!.GetValue<int>());
    }

    // ---- refunds

    [Fact]
    public async Task Units_go_back_at_their_net_price_and_the_gateway_pays_them()
    {
        var amei = await shop.SignIn();
        var order = await Paid(amei, quantity: 3);
        var refunded = (await Refund(order, new { lines = new[] { new { line = 1, quantity = 1 } }, reason = "broken" })).Expect(201);
        Assert.Equal(("Paid", 1), (refunded.Text("state"), refunded.Body["lines"]![0]!["refundedQuantity"]!.GetValue<int>()));
        await shop.Quiet();

        var refund = Assert.Single((await amei.SeeOrder(order)).Body["refunds"]!.AsArray())!;
        Assert.Equal(($"{order}-1", 500, "Succeeded", "broken"), (refund["id"]!.GetValue<string>(), refund["amountFen"]!.GetValue<int>(), refund["state"]!.GetValue<string>(), refund["reason"]!.GetValue<string>()));
        Assert.Empty(await shop.Merchant.Limbo());
    }

    [Fact]
    public async Task All_that_is_left_closes_what_was_not_shipped()
    {
        var amei = await shop.SignIn();
        var order = await Paid(amei, quantity: 2);
        (await Refund(order, new { amountFen = 1, reason = "sorry" })).Expect(201);
        var refunded = (await Refund(order, new { reason = "sold elsewhere" })).Expect(201);
        Assert.Equal("Closed", refunded.Text("state"));
        Assert.Equal([1, 999], refunded.Body["refunds"]!.AsArray().Select(r => r!["amountFen"]!.GetValue<int>()));
        (await Ship(shop.Merchant, order)).Refused(409, "WrongState");
        (await Refund(order, new { reason = "again" })).Refused(422, "RefundExceedsPaid");
    }

    [Fact]
    public async Task After_shipping_refunds_stand_beside_the_state()
    {
        var order = await Paid(await shop.SignIn());
        (await Ship(shop.Merchant, order)).Expect(201);
        Assert.Equal("Shipped", (await Refund(order, new { reason = "lost on its way" })).Expect(201).Text("state"));
    }

    [Fact]
    public async Task The_same_key_refunds_once_and_without_one_each_request_is_a_refund()
    {
        var order = await Paid(await shop.SignIn());
        foreach (var _ in Enumerable.Range(0, 2)) (await shop.Merchant.PostOnce("refund-1", $"/merchant/v1/orders/{order}/refunds", new { amountFen = 100, reason = "sorry" })).Expect(201);
        Assert.Single((await shop.Merchant.Get($"/merchant/v1/orders/{order}")).Body["refunds"]!.AsArray());
        (await Refund(order, new { amountFen = 100, reason = "sorry" })).Expect(201);
        Assert.Equal(2, (await shop.Merchant.Get($"/merchant/v1/orders/{order}")).Body["refunds"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("""{"reason":"x","amountFen":501}""", 422, "RefundExceedsPaid")]
    [InlineData("""{"reason":"x","amountFen":501,"lines":[{"line":1,"quantity":1}]}""", 422, "RefundExceedsPaid")]
    [InlineData("""{"reason":"x","amountFen":0}""", 422, "Invalid")]
    [InlineData("""{"reason":"","amountFen":1}""", 422, "Invalid")]
    [InlineData("""{"reason":"x","lines":[]}""", 422, "Invalid")]
    [InlineData("""{"reason":"x","lines":[{"line":0,"quantity":1}]}""", 422, "Invalid")]
    [InlineData("""{"reason":"x","lines":[{"line":2,"quantity":1}]}""", 422, "Invalid")]
    [InlineData("""{"reason":"x","lines":[{"line":1,"quantity":2}]}""", 422, "Invalid")]
    [InlineData("""{"reason":"x","lines":[null]}""", 400, "Malformed")]
    [InlineData("""{"reason":"x","lines":[{"line":1}]}""", 400, "Malformed")]
    [InlineData("""{"amountFen":1}""", 400, "Malformed")]
    public async Task A_refund_that_makes_no_sense_is_refused(string body, int status, string code)
    {
        var order = await Paid(await shop.SignIn());
        (await shop.Merchant.Send(HttpMethod.Post, $"/merchant/v1/orders/{order}/refunds", body)).Refused(status, code);
    }

    [Fact]
    public async Task What_is_not_paid_is_not_refunded() => (await Refund(await Place(await shop.SignIn(), shop), new { reason = "x" })).Refused(409, "WrongState");

    // ---- timeline

    [Fact]
    public async Task The_timeline_says_why_an_order_is_what_it_is()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var order = await amei.Order(await amei.Succeed(campaign));
        await amei.Pay(order);
        (await Ship(shop.Merchant, order)).Expect(201);
        (await Ship(shop.Merchant, order, "SF200")).Expect(201);
        (await Refund(order, new { amountFen = 90, reason = "压坏一角" })).Expect(201);
        await shop.Quiet();
        (await amei.Post($"/v1/orders/{order}/receipts")).Expect(200);
        await shop.CaughtUp();

        var told = (await amei.Get($"/v1/orders/{order}/timeline")).Expect(200);
        Assert.Equal(["Received", "RefundSucceeded", "RefundRequested", "ShipmentCorrected", "Shipped", "Paid", "PaymentStarted", "Opened"], told.Items.Select(i => i["what"]!.GetValue<string>()));
        Assert.NotNull(told.Text("asOf"));
        var opened = told.Items[^1];
        Assert.Equal("下单成功：桂花糕 × 1 = 99.00；砍价优惠 −89.10（商家承担）；应付 9.90 元", opened["text"]!.GetValue<string>());
        Assert.Equal((990, "merchant"), (opened["amountFen"]!.GetValue<int>(), opened["discountLines"]![0]!["fundedBy"]!.GetValue<string>()));
        Assert.Equal(("退款 0.90 元已发起：压坏一角", $"{order}-1"), (told.Items[2]["text"]!.GetValue<string>(), told.Items[2]["refund"]!.GetValue<string>()));

        var english = (await shop.Merchant.With("Accept-Language", "en").Get($"/merchant/v1/orders/{order}/timeline?limit=3")).Expect(200);
        Assert.Equal(["The buyer has received it", "The refund of 0.90 yuan has arrived", "A refund of 0.90 yuan was begun: 压坏一角"], english.Items.Select(i => i["text"]!.GetValue<string>()));
        var rest = (await shop.Merchant.With("Accept-Language", "en").Get($"/merchant/v1/orders/{order}/timeline?cursor={english.Text("nextCursor")}")).Expect(200);
        Assert.Equal("It was shipped: 顺丰 SF100", rest.Items[1]["text"]!.GetValue<string>());
        Assert.Equal(8, rest.Items.Count + english.Items.Count);
        Assert.DoesNotContain(amei.Id, told.Content + rest.Content, StringComparison.Ordinal);
        Assert.DoesNotContain(amei.Name, told.Content + rest.Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_shows_the_shipment_and_what_each_line_costs()
    {
        var amei = await shop.SignIn();
        var order = await Paid(amei, quantity: 2);
        (await Ship(shop.Merchant, order)).Expect(201);
        (await Refund(order, new { lines = new[] { new { line = 1, quantity = 1 } }, reason = "x" })).Expect(201);
        await shop.Quiet();
        await shop.CaughtUp();

        var (listed, seen) = ((await amei.Get("/v1/orders")).Expect(200).Items.Single(), (await amei.SeeOrder(order)).Body);
        foreach (var field in (string[])["state", "lines", "refunds", "shipment", "receiveBefore"]) Assert.True(JsonNode.DeepEquals(seen[field], listed[field]), $"{field}: {listed[field]} instead of {seen[field]}");
    }

    private static async Task<string> StateOf(LiveShop shop, string order) => (await shop.Merchant.Get($"/merchant/v1/orders/{order}")).Expect(200).Text("state");

    private static Task<Reply> Ship(Client merchant, string order, string number = "SF100") => merchant.Post($"/merchant/v1/orders/{order}/shipments", new { carrier = "顺丰", trackingNumber = number });

    private static Task<Reply> Upload(Client merchant, string file) => merchant.Send(HttpMethod.Post, "/merchant/v1/shipment-uploads", file, "text/csv");

    private async Task<Reply> Upload(Client merchant, byte[] file, string? type = "text/csv")
    {
        using var request = merchant.Request(HttpMethod.Post, "/merchant/v1/shipment-uploads");
        request.Content = new ByteArrayContent(file);
        if (type is not null) request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        return await shop.Send(request);
    }

    private Task<Reply> Refund(string order, object body) => shop.Merchant.Post($"/merchant/v1/orders/{order}/refunds", body);

    private static async Task<string> Place(LiveShopper buyer, LiveShop shop, int quantity = 1) =>
        (await buyer.Post("/v1/orders", new { lines = new[] { new { sku = await shop.Merchant.AddSku(500), quantity } } })).Expect(201).Text("id");

    private async Task<string> Paid(LiveShopper buyer, LiveShop? own = null, int quantity = 1)
    {
        var order = await Place(buyer, own ?? shop, quantity);
        await buyer.Pay(order);
        return order;
    }
}
