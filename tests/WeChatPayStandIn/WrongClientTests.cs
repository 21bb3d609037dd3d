using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>Each check of the stand-in refuses the client it is there for, and nothing else of that client is wrong.</summary>
public sealed class WrongClientTests : IAsyncLifetime
{
    private TinyClient client = null!;

    public async Task InitializeAsync() => client = await TinyClient.Start();

    public async Task DisposeAsync()
    {
        client.Dispose();
        await client.Server.DisposeAsync();
    }

    [Fact]
    public async Task A_client_that_keeps_every_rule_is_taken()
    {
        Assert.Equal(200, (await client.Prepay()).Status);
        Assert.Empty(client.Server.Violations);
        Assert.Empty(client.Server.Remarks);
    }

    [Fact]
    public async Task A_request_signed_otherwise_is_refused()
    {
        using var stranger = RSA.Create(2048);
        (string Issue, Action<Saying> Spoil)[] rows =
        [
            ("there is not one Authorization", s => s.Authorization = _ => null),
            ("the scheme is not WECHATPAY2-SHA256-RSA2048", s => s.Scheme = "WECHATPAY2-SM2-WITH-SM3"),
            ("the scheme is not WECHATPAY2-SHA256-RSA2048", s => s.Scheme = "wechatpay2-sha256-rsa2048"),
            ("the five attributes are not there, each once and in quotes", s => s.Authorization = h => h.Replace("\"", "", StringComparison.Ordinal)),
            ("the five attributes are not there, each once and in quotes", s => s.Authorization = h => h.Replace("nonce_str", "nonce", StringComparison.Ordinal)),
            ("the five attributes are not there, each once and in quotes", s => s.Authorization = h => h + ",mchid=\"1900007291\""),
            ("the five attributes are not there, each once and in quotes", s => s.Authorization = h => h.Replace(",", ", ", StringComparison.Ordinal)),
            ("mchid is nobody's", s => s.Mchid = "1900000999"),
            ("serial_no is no certificate of this merchant", s => s.CertificateSerial = "0000"),
            ("nonce_str has not 1 to 32 characters", s => s.Nonce = new('n', 33)),
            ("timestamp is more than five minutes off", s => s.At = s.At.AddSeconds(-301)),
            ("timestamp is more than five minutes off", s => s.At = s.At.AddSeconds(301)),
            ("timestamp is no number", s => s.Authorization = h => h.Replace("timestamp=\"", "timestamp=\"+", StringComparison.Ordinal)),
            ("sign not match", s => s.Key = stranger),
            ("sign not match", s => s.SignedTarget = "/v3/pay/transactions/jsapi?"),
            ("sign not match", s => s.SignedTarget = "https://api.mch.weixin.qq.com/v3/pay/transactions/jsapi"),
            ("sign not match", s => s.SignedBody = ""),
            ("sign not match", s => s.SignedBody = s.Body + "\n"),
            ("sign not match", s => s.SignedBody = JsonNode.Parse(s.Body)!.ToJsonString()), // the same JSON, escaped in another way
            ("sign not match", s => s.Authorization = h => h.Replace("signature=\"", "signature=\"WECHATPAY/SIGNTEST/", StringComparison.Ordinal)),
        ];
        foreach (var (issue, spoil) in rows)
        {
            var heard = await client.Send("POST", "/v3/pay/transactions/jsapi", TinyClient.Order(), spoil);
            Assert.Equal((401, "SIGN_ERROR"), (heard.Status, heard.Code));
            Assert.Equal(issue, heard.Json["detail"]!["detail"]!["issue"]!.GetValue<string>());
        }

        Assert.Equal(rows.Select(r => r.Issue), client.Server.Violations.Select(v => v.Text));
        Assert.Empty(client.Server.Ledger.Trades);
    }

    [Fact]
    public async Task A_query_is_signed_with_its_question_mark()
    {
        await client.Prepay();
        var target = $"/v3/pay/transactions/out-trade-no/T00000000001?mchid={client.Server.Merchant.Mchid}";
        Assert.Equal(401, (await client.Send("GET", target, spoil: s => s.SignedTarget = target.Split('?')[0])).Status);
        Assert.Equal(200, (await client.Send("GET", target)).Status);
    }

    [Fact]
    public async Task At_the_end_of_the_window_a_timestamp_is_still_good()
    {
        Assert.Equal(200, (await client.Send("POST", "/v3/pay/transactions/jsapi", TinyClient.Order(), s => s.At = s.At.AddSeconds(-300))).Status);
        Assert.Equal(200, (await client.Send("POST", "/v3/pay/transactions/jsapi", TinyClient.Order(), s => s.At = s.At.AddSeconds(300))).Status);
    }

    [Fact]
    public async Task A_nonce_that_comes_twice_is_only_remarked()
    {
        for (var i = 0; i < 2; i++) Assert.Equal(200, (await client.Send("POST", "/v3/pay/transactions/jsapi", TinyClient.Order(), s => s.Nonce = "again")).Status);
        Assert.Equal(["nonce_str again came twice"], client.Server.Remarks);
        Assert.Empty(client.Server.Violations);
    }

    [Fact]
    public async Task A_request_without_its_headers_is_refused()
    {
        (int Status, Action<Saying> Spoil)[] rows =
        [
            (406, s => s.Accept = null),
            (406, s => s.Accept = "text/html"),
            (403, s => s.UserAgent = null),
            (415, s => s.ContentType = null),
            (415, s => s.ContentType = "text/plain"),
            (400, s => s.Serial = "PUB_KEY_ID_of_somebody"),
        ];
        foreach (var (status, spoil) in rows) Assert.Equal(status, (await client.Send("POST", "/v3/pay/transactions/jsapi", TinyClient.Order(), spoil)).Status);
        Assert.Equal(rows.Length, client.Server.Violations.Count);
        Assert.All(client.Server.Violations, v => Assert.Equal("headers", v.Rule));
        Assert.Equal(200, (await client.Send("POST", "/v3/pay/transactions/jsapi", TinyClient.Order(), s => s.ContentType = "application/json; charset=utf-8")).Status);
    }

    [Fact]
    public async Task An_order_that_breaks_a_rule_is_refused()
    {
        client.Server.Ledger.OpenIds = ["oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"];
        (string Text, string Code, Action<JsonObject> Change)[] rows =
        [
            ("appid is missing", "PARAM_ERROR", b => b.Remove("appid")),
            ("color is no member of it", "PARAM_ERROR", b => b["color"] = "red"),
            ("amount.tax is no member of it", "PARAM_ERROR", b => b["amount"]!["tax"] = 1),
            ("description has 0 characters, and 1 to 127 are allowed", "PARAM_ERROR", b => b["description"] = ""),
            ("description has 128 characters, and 1 to 127 are allowed", "PARAM_ERROR", b => b["description"] = new string('桂', 128)),
            ("out_trade_no has 5 characters, and 6 to 32 are allowed", "PARAM_ERROR", b => b["out_trade_no"] = "T0000"),
            ("out_trade_no has 33 characters, and 6 to 32 are allowed", "PARAM_ERROR", b => b["out_trade_no"] = new string('T', 33)),
            ("out_trade_no has characters that are not allowed", "PARAM_ERROR", b => b["out_trade_no"] = "T0000.0001"),
            ("out_trade_no has characters that are not allowed", "PARAM_ERROR", b => b["out_trade_no"] = "T00000\n"),
            ("out_trade_no is no string", "PARAM_ERROR", b => b["out_trade_no"] = 100_000),
            ("amount.total is no integer", "PARAM_ERROR", b => b["amount"]!["total"] = 99.0m),
            ("amount.total is no integer", "PARAM_ERROR", b => b["amount"]!["total"] = "9900"),
            ("amount.total is less than 1", "PARAM_ERROR", b => b["amount"]!["total"] = 0),
            ("amount.total is less than 1", "PARAM_ERROR", b => b["amount"]!["total"] = -1),
            ("amount.currency has characters that are not allowed", "PARAM_ERROR", b => b["amount"]!["currency"] = "USD"),
            ("notify_url has a query", "PARAM_ERROR", b => b["notify_url"] = "https://shop.example/pay?shop=1"),
            ("notify_url is not https", "PARAM_ERROR", b => b["notify_url"] = "http://shop.example/pay"),
            ("notify_url is no address", "PARAM_ERROR", b => b["notify_url"] = "callbacks"),
            ("time_expire is no time with a zone", "PARAM_ERROR", b => b["time_expire"] = "2026-11-24T13:00:00"),
            ("attach has 129 characters, and 0 to 128 are allowed", "PARAM_ERROR", b => b["attach"] = new string('a', 129)),
            ("payer.openid is none of this app", "PARAM_ERROR", b => b["payer"]!["openid"] = "another"),
            ("appid and mchid do not belong together", "APPID_MCHID_NOT_MATCH", b => b["appid"] = "wx0000000000000000"),
            ("appid and mchid do not belong together", "APPID_MCHID_NOT_MATCH", b => b["mchid"] = "1900000999"),
        ];
        foreach (var (text, code, change) in rows)
        {
            var heard = await client.Prepay(change: change);
            Assert.Equal((400, code), (heard.Status, heard.Code));
            Assert.Equal(text, client.Server.Violations[^1].Text);
        }

        Assert.Equal(rows.Length, client.Server.Violations.Count);
        Assert.Empty(client.Server.Ledger.Trades);
        Assert.Equal(200, (await client.Prepay(change: b => b["time_expire"] = "2026-11-24T13:00:00+08:00")).Status);
    }

    [Fact]
    public async Task A_body_that_is_no_json_or_says_a_thing_twice_is_refused()
    {
        foreach (var body in (string[])["", "{", "[]", TinyClient.Order().Replace("\"attach\":", "\"mchid\":\"1900007291\",\"attach\":", StringComparison.Ordinal)])
            Assert.NotEqual(200, (await client.Send("POST", "/v3/pay/transactions/jsapi", body)).Status);
        Assert.Equal(4, client.Server.Violations.Count);
    }

    [Fact]
    public async Task A_refund_that_breaks_a_rule_is_refused()
    {
        await client.Pay();
        await client.Prepay("T00000000002");
        (string Text, int Status, Action<JsonObject> Change)[] rows =
        [
            ("out_refund_no has 65 characters, and 1 to 64 are allowed", 400, b => b["out_refund_no"] = new string('R', 65)),
            ("out_refund_no has characters that are not allowed", 400, b => b["out_refund_no"] = "R 1"),
            ("amount.currency is missing", 400, b => b["amount"]!.AsObject().Remove("currency")),
            ("amount.refund is no integer", 400, b => b["amount"]!["refund"] = "9900"),
            ("amount.refund is less than 1", 400, b => b["amount"]!["refund"] = 0),
            ("reason has 81 characters, and 1 to 80 are allowed", 400, b => b["reason"] = new string('r', 81)),
            ("reason is longer than 80 bytes", 400, b => b["reason"] = new string('退', 27)),
            ("funds_account has characters that are not allowed", 400, b => b["funds_account"] = "BASIC"),
            ("why is no member of it", 400, b => b["why"] = "x"),
            ("either transaction_id or out_trade_no names the trade", 400, b => b.Remove("out_trade_no")),
            ("there is no such order", 404, b => b["out_trade_no"] = "T00000000009"),
            ("the order is not paid", 400, b => b["out_trade_no"] = "T00000000002"),
            ("amount.total is not what the order cost", 400, b => b["amount"]!["total"] = 9_899),
            ("more would go back than was paid", 400, b => b["amount"]!["refund"] = 9_901),
        ];
        foreach (var (text, status, change) in rows)
        {
            Assert.Equal(status, (await client.Refund(change: change)).Status);
            Assert.Equal(text, client.Server.Violations[^1].Text);
        }

        Assert.Equal(rows.Length, client.Server.Violations.Count);
        Assert.Empty(client.Server.Ledger.Refunds);
    }

    [Fact]
    public async Task An_address_or_a_parameter_that_does_not_exist_is_refused()
    {
        Assert.Equal(404, (await client.Send("GET", "/v3/pay/transactions")).Status);
        Assert.Equal(404, (await client.Send("GET", "/v3/pay/transactions/jsapi")).Status);
        Assert.Equal(400, (await client.Send("GET", "/v3/pay/transactions/out-trade-no/T00000000001")).Status);
        Assert.Equal(400, (await client.Send("GET", "/v3/pay/transactions/out-trade-no/T00000000001?mchid=1")).Status);
        Assert.Equal(400, (await client.Send("GET", "/v3/certificates?page=1")).Status);
        Assert.Equal(400, (await client.Close(body: """{"mchid":"1"}""")).Status);
        Assert.Equal(400, (await client.Close(body: "{}")).Status);
        Assert.Equal(7, client.Server.Violations.Count);
    }
}
