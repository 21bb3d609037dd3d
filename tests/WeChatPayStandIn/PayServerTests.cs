using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>The stand-in towards a client that keeps the rules.</summary>
public sealed class PayServerTests : IAsyncLifetime
{
    private const string Number = "T00000000001";

    private TinyClient client = null!;

    private PayServer Server => client.Server;

    public async Task InitializeAsync() => client = await TinyClient.Start();

    public async Task DisposeAsync()
    {
        client.Dispose();
        await Server.DisposeAsync();
    }

    [Fact]
    public async Task The_same_order_gets_another_prepay_id_and_another_order_none()
    {
        var (first, second) = (await client.Prepay(), await client.Prepay());
        Assert.NotEqual(first.Json["prepay_id"]!.GetValue<string>(), second.Json["prepay_id"]!.GetValue<string>());
        Assert.Single(Server.Ledger.Trades);
        Assert.Empty(Server.Violations);

        Assert.Equal("INVALID_REQUEST", (await client.Prepay(change: b => b["amount"]!["total"] = 1)).Code);
        Assert.Equal("INVALID_REQUEST", (await client.Prepay(change: b => b["description"] = "x")).Code);
        Assert.Equal(2, Server.Violations.Count);
    }

    [Fact]
    public async Task A_paid_or_closed_order_is_not_announced_again()
    {
        await client.Pay();
        Assert.Equal((403, "OUT_TRADE_NO_USED"), ((await client.Prepay()).Status, (await client.Prepay()).Code));
        await client.Prepay("T00000000002");
        await client.Close("T00000000002");
        Assert.Equal("OUT_TRADE_NO_USED", (await client.Prepay("T00000000002")).Code);
        Assert.Empty(Server.Violations);
    }

    [Fact]
    public async Task A_query_tells_what_became_of_an_order()
    {
        Assert.Equal((404, "ORDER_NOT_EXIST"), ((await client.Query()).Status, (await client.Query()).Code));
        await client.Prepay();
        var open = (await client.Query()).Json;
        Assert.Equal(("NOTPAY", null, null), (open["trade_state"]!.GetValue<string>(), open["transaction_id"], open["success_time"]));

        Server.Pay(Number);
        var paid = (await client.Query()).Json;
        Assert.Equal(("SUCCESS", "2026-11-24T12:00:00+08:00", 9_900L, "demo"), (paid["trade_state"]!.GetValue<string>(), paid["success_time"]!.GetValue<string>(), paid["amount"]!["payer_total"]!.GetValue<long>(), paid["attach"]!.GetValue<string>()));
        Assert.Equal(Number, (await client.Send("GET", $"/v3/pay/transactions/id/{paid["transaction_id"]}?mchid=1900007291")).Json["out_trade_no"]!.GetValue<string>());

        await client.Refund();
        Assert.Equal("REFUND", (await client.Query()).Json["trade_state"]!.GetValue<string>());
        Assert.Empty(Server.Violations);
    }

    [Fact]
    public async Task An_order_is_closed_once_or_twice_and_not_after_it_was_paid()
    {
        Assert.Equal(404, (await client.Close()).Status);
        await client.Prepay();
        Assert.Equal((204, 204), ((await client.Close()).Status, (await client.Close()).Status));
        Assert.Equal("CLOSED", (await client.Query()).Json["trade_state"]!.GetValue<string>());
        Assert.Throws<InvalidOperationException>(() => Server.Pay(Number));

        await client.Pay("T00000000002");
        Assert.Equal((400, "INVALID_REQUEST"), ((await client.Close("T00000000002")).Status, (await client.Close("T00000000002")).Code));
        Assert.Equal(TradeState.Paid, Server.StateOf("T00000000002"));
        Assert.Empty(Server.Violations);
    }

    [Fact]
    public async Task Nobody_pays_after_the_time_is_over()
    {
        await client.Prepay(change: b => b["time_expire"] = "2026-11-24T12:30:00+08:00");
        client.Clock.Now = client.Clock.Now.AddMinutes(31);
        Assert.Throws<InvalidOperationException>(() => Server.Pay(Number));

        await client.Prepay("T00000000002");
        client.Clock.Now = client.Clock.Now.AddHours(2).AddSeconds(1);
        Assert.Throws<InvalidOperationException>(() => Server.Pay("T00000000002"));
        await client.Prepay("T00000000002");
        Server.Pay("T00000000002");
    }

    [Fact]
    public async Task A_payment_sheet_is_taken_only_with_the_merchant_s_signature()
    {
        var prepay = (await client.Prepay()).Json["prepay_id"]!.GetValue<string>();
        var package = "prepay_id=" + prepay;
        var sign = PayCrypto.Sign(client.Key, PayCrypto.SheetText("wxd678efh567hg6787", "1779595200", "nonce", package));
        Assert.Equal(Number, Server.ShowSheet("wxd678efh567hg6787", "1779595200", "nonce", package, "RSA", sign));
        Assert.Throws<InvalidOperationException>(() => Server.ShowSheet("wxd678efh567hg6787", "1779595201", "nonce", package, "RSA", sign));
        Assert.Throws<InvalidOperationException>(() => Server.ShowSheet("wxd678efh567hg6787", "1779595200", "nonce", prepay, "RSA", sign));
        Assert.Throws<InvalidOperationException>(() => Server.ShowSheet("wxd678efh567hg6787", "1779595200", "nonce", package, "MD5", sign));
        Assert.Throws<InvalidOperationException>(() => Server.ShowSheet("wx", "1779595200", "nonce", package, "RSA", sign));
    }

    [Fact]
    public async Task A_refund_is_accepted_first_and_done_later()
    {
        await client.Pay();
        Assert.Equal((404, "RESOURCE_NOT_EXISTS"), ((await client.QueryRefund()).Status, (await client.QueryRefund()).Code));
        var accepted = await client.Refund();
        Assert.Equal((200, "PROCESSING", null), (accepted.Status, accepted.Json["status"]!.GetValue<string>(), accepted.Json["success_time"]));

        Server.EndRefund("R1");
        foreach (var heard in (Heard[])[await client.QueryRefund(), await client.Refund()])
            Assert.Equal(("SUCCESS", "2026-11-24T12:00:00+08:00", 9_900L), (heard.Json["status"]!.GetValue<string>(), heard.Json["success_time"]!.GetValue<string>(), heard.Json["amount"]!["refund"]!.GetValue<long>()));
        Assert.Equal((9_900, 9_900), (Server.PaidFen(Number), Server.RefundedFen(Number)));
        Assert.Single(Server.RefundsOf(Number));
        Assert.Empty(Server.Violations);
    }

    [Fact]
    public async Task Refunds_of_one_order_together_are_no_more_than_it_cost_and_at_most_fifty()
    {
        await client.Pay();
        for (var i = 0; i < 50; i++) Assert.Equal(200, (await client.Refund($"R{i}", fen: 100)).Status);
        Assert.Equal("INVALID_REQUEST", (await client.Refund("R50", fen: 100)).Code);
        Assert.Equal("the order has 50 refunds already", Server.Violations[^1].Text);

        await client.Pay("T00000000002");
        Assert.Equal(200, (await client.Refund("S1", "T00000000002", 9_000)).Status);
        Assert.Equal("INVALID_REQUEST", (await client.Refund("S2", "T00000000002", 901)).Code);
        Assert.Equal("INVALID_REQUEST", (await client.Refund("S1", "T00000000002", 900)).Code);
        Assert.Equal(["more would go back than was paid", "the same out_refund_no with other parameters"], Server.Violations.TakeLast(2).Select(v => v.Text));

        // A closed refund has given nothing back: its money can go under another number.
        Server.EndRefund("S1", RefundEnd.Closed);
        Assert.Equal(200, (await client.Refund("S3", "T00000000002")).Status);
        Assert.Equal(9_900, Server.RefundedFen("T00000000002"));
    }

    [Fact]
    public async Task A_refund_may_find_no_money_or_no_account()
    {
        await client.Pay();
        Server.Ledger.NotEnough = 1;
        Assert.Equal((403, "NOT_ENOUGH"), ((await client.Refund()).Status, Server.Ledger.Refunds.Count == 0 ? "NOT_ENOUGH" : ""));
        Assert.Equal(200, (await client.Refund()).Status);
        Server.EndRefund("R1", RefundEnd.Abnormal);
        Assert.Equal("ABNORMAL", (await client.QueryRefund()).Json["status"]!.GetValue<string>());
        Server.EndRefund("R1");
        Assert.Equal("SUCCESS", (await client.QueryRefund()).Json["status"]!.GetValue<string>());

        await client.Pay("T00000000002");
        client.Clock.Now = client.Clock.Now.AddYears(1).AddSeconds(1);
        Assert.Equal("INVALID_REQUEST", (await client.Refund("R2", "T00000000002")).Code);
    }

    [Fact]
    public async Task Every_good_answer_is_signed_with_the_key_of_the_day()
    {
        await client.Prepay();
        foreach (var (mode, key) in ((SignedWith, PlatformKey)[])[(SignedWith.PublicKey, Server.Keys.PublicKey), (SignedWith.CertificateA, Server.Keys.CertificateA), (SignedWith.CertificateB, Server.Keys.CertificateB)])
        {
            Server.Keys.SignedWith = mode;
            Assert.True((await client.Query()).IsSignedBy(key));
        }

        Server.Keys.SignedWith = SignedWith.Mixed;
        var signers = new HashSet<string>();
        for (var i = 0; i < 40; i++) signers.Add((await client.Query()).Header("Wechatpay-Serial"));
        Assert.Equal(Server.Keys.All.Select(k => k.Serial).Order(), signers.Order());

        Server.Keys.SignedWith = SignedWith.AsAsked;
        foreach (var key in Server.Keys.All) Assert.True((await client.Send("GET", "/v3/certificates", spoil: s => s.Serial = key.Serial)).IsSignedBy(key));

        Server.Keys.SignedWith = SignedWith.PublicKey;
        var closed = await client.Close();
        Assert.Equal(204, closed.Status);
        Assert.True(closed.IsSignedBy(Server.Keys.PublicKey)); // three lines, the last of them empty
        Assert.Equal("", (await client.Query("T00000000009")).Header("Wechatpay-Signature"));
    }

    [Fact]
    public async Task The_certificates_are_two_that_overlap()
    {
        var data = (await client.Send("GET", "/v3/certificates")).Json["data"]!.AsArray();
        Assert.Equal([Server.Keys.CertificateA.Serial, Server.Keys.CertificateB.Serial], data.Select(d => d!["serial_no"]!.GetValue<string>()));
        foreach (var entry in data)
        {
            var content = entry!["encrypt_certificate"]!;
            var pem = Encoding.UTF8.GetString(PayCrypto.Open(Encoding.UTF8.GetBytes(Server.Merchant.ApiV3Key), content["nonce"]!.GetValue<string>(), content["associated_data"]!.GetValue<string>(), content["ciphertext"]!.GetValue<string>()));
            using var certificate = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(pem);
            Assert.Equal(entry["serial_no"]!.GetValue<string>(), certificate.SerialNumber);
            Assert.True(entry["effective_time"]!.GetValue<DateTimeOffset>() < client.Clock.Now && client.Clock.Now < entry["expire_time"]!.GetValue<DateTimeOffset>());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("&tar_type=GZIP")]
    public async Task A_bill_of_a_day_is_downloaded_and_hashed_as_it_reads(string more)
    {
        await client.Pay();
        await client.Refund("R1", fen: 1);
        await client.Refund("R2", fen: 250);
        Server.EndRefund("R1");
        client.Clock.Now = new(2026, 11, 25, 1, 59, 59, TimeSpan.Zero);
        Assert.Equal("STATEMENT_CREATING", (await client.Bill("2026-11-24", more)).Code);
        client.Clock.Now = new(2026, 11, 25, 2, 0, 0, TimeSpan.Zero);
        Assert.Equal("NO_STATEMENT_EXIST", (await client.Bill("2026-11-23", more)).Code);

        var bill = await client.Bill("2026-11-24", more);
        var target = new Uri(bill.Json["download_url"]!.GetValue<string>()).PathAndQuery;
        var download = await client.Send("GET", target);
        var file = more.Length > 0 ? TinyClient.Unzip(download.Body) : download.Body;
        Assert.Equal(bill.Json["hash_value"]!.GetValue<string>(), TradeBill.Hash(file));
        Assert.Equal("", download.Header("Wechatpay-Signature"));
        var lines = Encoding.UTF8.GetString(file).TrimStart('\uFEFF').TrimEnd().Split("\r\n");
        Assert.Equal(6, lines.Length);
        Assert.Equal(27, lines[0].Split(',').Length);
        Assert.All(lines[1..4], l => Assert.Equal(27, l.Split(",`").Length));
        Assert.Contains(",`99.00,`0.00,`0,`0,`0.00,", lines[1], StringComparison.Ordinal);
        Assert.Contains(",`R1,`0.01,`0.00,`ORIGINAL,`SUCCESS,", lines[2], StringComparison.Ordinal);
        Assert.Contains(",`R2,`2.50,`0.00,`ORIGINAL,`PROCESSING,", lines[3], StringComparison.Ordinal);
        Assert.Equal("`3,`99.00,`2.51,`0.00,`0.00000,`99.00,`2.51", lines[5]);
        Assert.Empty(Server.Violations);

        // The address of a bill is good for five minutes and for who signs.
        Assert.Equal(401, (await client.Send("GET", target, spoil: s => s.Authorization = _ => null)).Status);
        client.Clock.Now = client.Clock.Now.AddMinutes(5);
        Assert.Equal(400, (await client.Send("GET", target)).Status);
        Server.BillHashIsWrong = true;
        Assert.NotEqual(bill.Json["hash_value"]!.GetValue<string>(), (await client.Bill("2026-11-24", more)).Json["hash_value"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("2026-11-24T15:59:59.999Z", "2026-11-24")]
    [InlineData("2026-11-24T16:00:00Z", "2026-11-25")]
    public async Task A_payment_is_on_the_bill_of_its_day_in_beijing(string paidAt, string day)
    {
        client.Clock.Now = DateTimeOffset.Parse(paidAt);
        await client.Pay();
        client.Clock.Now = new(2026, 11, 26, 4, 0, 0, TimeSpan.Zero);
        foreach (var asked in (string[])["2026-11-24", "2026-11-25"]) Assert.Equal(asked == day ? 200 : 400, (await client.Bill(asked)).Status);
        Assert.Empty(Server.Violations);
        Assert.Equal(400, (await client.Bill("2026-11-26")).Status);
        Assert.Equal(400, (await client.Bill("26-11-24")).Status);
        Assert.Equal(2, Server.Violations.Count);
    }

    [Fact]
    public async Task A_fault_is_done_or_undone_as_ordered()
    {
        (Fault Fault, int Status, bool Done)[] rows =
        [
            (Fault.ErrorDone, 500, true), (Fault.ErrorUndone, 500, false), (Fault.LimitedDone, 429, true), (Fault.LimitedUndone, 429, false),
            (Fault.BadGatewayDone, 502, true), (Fault.BadGatewayUndone, 502, false), (Fault.DroppedDone, 0, true), (Fault.DroppedUndone, 0, false),
        ];
        foreach (var (fault, status, done) in rows)
        {
            var number = $"T-{fault}";
            Server.Faults.Next(PayCall.Prepay, fault);
            if (status == 0) await Assert.ThrowsAsync<HttpRequestException>(() => client.Prepay(number));
            else Assert.Equal(status, (await client.Prepay(number)).Status);
            Assert.Equal(done ? TradeState.NotPaid : null, Server.StateOf(number));
            Assert.Equal((fault, status), (Server.Seen[^1].Fault!.Value, Server.Seen[^1].Status));
            Assert.Equal(200, (await client.Prepay(number)).Status);
        }

        Assert.Empty(Server.Violations);
    }

    [Theory]
    [InlineData(Fault.HeldDone, TradeState.NotPaid, 200)]
    [InlineData(Fault.HeldUndone, null, 500)]
    internal async Task An_answer_is_held_until_it_is_released(Fault fault, TradeState? state, int status)
    {
        Server.Faults.Next(PayCall.Prepay, fault);
        var held = client.Prepay();
        Assert.Equal(404, (await client.Query("T00000000009")).Status);
        Assert.False(held.IsCompleted);
        Server.Faults.Release();
        Assert.Equal(status, (await held).Status);
        Assert.Equal(state, Server.StateOf(Number));
    }

    [Fact]
    public async Task An_answer_that_nobody_may_believe_is_not_signed_by_any_key()
    {
        await client.Prepay();
        foreach (var fault in (Fault[])[Fault.WrongSignature, Fault.ProbeSignature, Fault.UnknownSerial, Fault.NoSignature, Fault.AlteredBody])
        {
            Server.Faults.Next(PayCall.Query, fault);
            var heard = await client.Query();
            Assert.Equal(200, heard.Status);
            Assert.All(Server.Keys.All, k => Assert.False(heard.IsSignedBy(k), $"{fault}"));
            Assert.Equal(Number, heard.Json["out_trade_no"]!.GetValue<string>());
        }

        Server.Faults.Next(PayCall.Query, Fault.StaleSignature);
        var stale = await client.Query();
        Assert.True(stale.IsSignedBy(Server.Keys.PublicKey));
        Assert.Equal(client.Clock.Now.AddSeconds(-301).ToUnixTimeSeconds().ToString(), stale.Header("Wechatpay-Timestamp"));
    }

    [Fact]
    public async Task Faults_come_now_and_then_with_a_seed()
    {
        Server.Faults.Sometimes(PayCall.Query, Fault.ErrorUndone, 0.5);
        var statuses = new List<int>();
        for (var i = 0; i < 40; i++) statuses.Add((await client.Query()).Status);
        Assert.InRange(statuses.Count(s => s == 500), 10, 30);
        Server.Faults.End();
        Assert.Equal(404, (await client.Query()).Status);
    }

    [Fact]
    public async Task A_notification_is_sent_again_on_the_schedule_until_it_is_answered_well()
    {
        await using var merchant = await Listener.Start(500, 0, 404, 204);
        await client.Prepay(change: b => b["notify_url"] = merchant.Address);
        Assert.Throws<InvalidOperationException>(() => Server.Notifier.Paid(Number));
        Server.Pay(Number);
        var delivery = Server.Notifier.Deliver(Server.Notifier.Paid(Number));
        var start = client.Clock.Now;
        while (!delivery.IsDone)
        {
            await delivery.Send();
            if (delivery.NextAt is { } next) client.Clock.Now = next;
        }

        Assert.Equal([500, 0, 404, 204], delivery.Answers);
        Assert.Equal(TimeSpan.FromSeconds(60), client.Clock.Now - start);
        await Assert.ThrowsAsync<InvalidOperationException>(delivery.Send);
        Assert.Equal(TimeSpan.FromHours(24) + TimeSpan.FromMinutes(4), TimeSpan.FromTicks(Delivery.Schedule.Sum(s => s.Ticks)));
        Assert.All(merchant.Heard, h => Assert.True(h.IsSignedBy(Server)));
        Assert.Single(merchant.Heard.Select(h => h.Told(Server)["transaction_id"]!.GetValue<string>()).Distinct());
        Assert.Empty(Server.Violations);
    }

    [Fact]
    public async Task A_forgery_that_is_answered_well_is_a_violation()
    {
        await using var merchant = await Listener.Start();
        await client.Prepay(change: b => b["notify_url"] = merchant.Address);
        Server.Pay(Number);
        var notice = Server.Notifier.Paid(Number);
        foreach (var forgery in Enum.GetValues<Forgery>().Where(f => f != Forgery.None)) Assert.Equal(204, await Server.Notifier.Send(notice, forgery));
        Assert.Equal(Enum.GetValues<Forgery>().Length - 1, Server.Violations.Count);

        // Those of them that a signature finds out, and those that only a careful reader does.
        var bySignature = (Forgery[])[Forgery.WrongKey, Forgery.ProbeSignature, Forgery.AlteredByte, Forgery.UnknownSerial, Forgery.NoHeaders];
        Assert.Equal(bySignature.Length, merchant.Heard.Count(h => !h.IsSignedBy(Server)));
        Assert.Equal(1, JsonNode.Parse(merchant.Heard[(int)Forgery.WrongAmount - 1].Told(Server).ToJsonString())!["amount"]!["total"]!.GetValue<int>());
    }

    [Fact]
    public async Task Rare_notifications_are_genuine_all_the_same_and_come_in_crowds()
    {
        await using var merchant = await Listener.Start();
        await client.Prepay(change: b => b["notify_url"] = merchant.Address);
        Server.Pay(Number);
        await client.Refund(change: b => b["notify_url"] = merchant.Address);
        Assert.Throws<InvalidOperationException>(() => Server.Notifier.Refunded("R1"));
        Server.EndRefund("R1");
        foreach (var variant in Enum.GetValues<Variant>()) await Server.Notifier.Send(Server.Notifier.Refunded("R1"), variant: variant);
        var crowd = await Server.Notifier.SendAtOnce(Server.Notifier.Refunded("R1"), 5);
        Assert.Equal([204, 204, 204, 204, 204], crowd);
        Assert.Equal(9, merchant.Heard.Count);
        Assert.All(merchant.Heard, h => Assert.True(h.IsSignedBy(Server)));
        Assert.All(merchant.Heard, h => Assert.Equal(("SUCCESS", null), (h.Told(Server)["refund_status"]!.GetValue<string>(), h.Told(Server)["amount"]!["currency"])));
        Assert.Empty(Server.Violations);
    }

    /// <summary>A merchant who writes down what comes and answers as told; 0 answers nothing, and 204 when nothing was said.</summary>
    private sealed class Listener(WebApplication app) : IAsyncDisposable
    {
        private readonly List<Received> heard = [];

        public string Address => app.Urls.First() + "/callbacks";

        public IReadOnlyList<Received> Heard
        {
            get
            {
                lock (heard) return [.. heard];
            }
        }

        public static async Task<Listener> Start(params int[] answers)
        {
            var script = new Queue<int>(answers);
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Logging.ClearProviders();
            var listener = new Listener(builder.Build());
            listener.Run(script);
            await listener.Begin();
            return listener;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private Task Begin() => app.StartAsync();

        private void Run(Queue<int> answers) => app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            int status;
            lock (heard)
            {
                heard.Add(new(body.ToArray(), context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
                status = answers.TryDequeue(out var answer) ? answer : 204;
            }

            if (status == 0) context.Abort();
            else context.Response.StatusCode = status;
        });
    }

    private sealed record Received(byte[] Body, IReadOnlyDictionary<string, string> Headers)
    {
        public bool IsSignedBy(PayServer server) =>
            server.Keys.All.FirstOrDefault(k => k.Serial == Headers.GetValueOrDefault("Wechatpay-Serial")) is { } key
                && PayCrypto.IsSignedBy(key.Key, PayCrypto.ReplyText(Headers["Wechatpay-Timestamp"], Headers["Wechatpay-Nonce"], Body), Headers["Wechatpay-Signature"]);

        public JsonNode Told(PayServer server)
        {
            var resource = JsonNode.Parse(Body)!["resource"]!;
            return JsonNode.Parse(PayCrypto.Open(Encoding.UTF8.GetBytes(server.Merchant.ApiV3Key), resource["nonce"]!.GetValue<string>(), resource["associated_data"]?.GetValue<string>() ?? "", resource["ciphertext"]!.GetValue<string>()))!;
        }
    }
}
