using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Campaigns.ApiFrontend.WeChat;

namespace Campaigns.Tests.WeChat;

public sealed class WeChatPayNotificationTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 18, 20, 0, 0, TimeSpan.FromHours(8));
    private static readonly ApiV3Key ApiV3Key = new("0123456789abcdef0123456789ABCDEF");
    private static readonly SigningKey Platform = new("PUB_KEY_ID_0000000000000000000000000000000001", RSA.Create(2048));

    private static readonly WeChatPayKeys Keys = new(
        "1900007291",
        "wxd678efh567hg6787",
        ApiV3Key,
        new Dictionary<string, RSA>(StringComparer.Ordinal) { [Platform.Serial] = Platform.PrivateKey });

    private static readonly WeChatPayTransaction Paid = new(
        "1900007291",
        "wxd678efh567hg6787",
        "T20260618000001",
        "4200000000202606180000000001",
        WeChatPayTransaction.Success,
        Now.AddSeconds(-2),
        new(Total: 9_900, PayerTotal: 9_400),
        new("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"));

    [Fact]
    public void Composed_notification_opens()
    {
        var notification = Compose(Paid);
        Assert.Equal(Paid, Open(notification).Transaction);
        Assert.True(Paid.IsPaid);
    }

    [Fact]
    public void Composed_notification_has_the_documented_shape()
    {
        var body = JsonNode.Parse(Compose(Paid).Body)!;
        Assert.Equal("id create_time event_type resource resource_type summary", Names(body));
        Assert.Equal("2026-06-18T20:00:00+08:00", (string?)body["create_time"]);
        Assert.Equal("TRANSACTION.SUCCESS", (string?)body["event_type"]);
        Assert.Equal("encrypt-resource", (string?)body["resource_type"]);
        Assert.Equal("algorithm ciphertext nonce associated_data original_type", Names(body["resource"]!));
        Assert.Equal("transaction", (string?)body["resource"]!["original_type"]);

        static string Names(JsonNode node) => string.Join(' ', node.AsObject().Select(member => member.Key));
    }

    [Fact]
    public void Documented_transaction_with_members_we_ignore_opens()
    {
        var opened = Open(Encrypted(
            """
            {"mchid":"1900007291","appid":"wxd678efh567hg6787","out_trade_no":"T20260618000001",
             "transaction_id":"4200000000202606180000000001","trade_type":"JSAPI","trade_state":"SUCCESS","trade_state_desc":"支付成功",
             "bank_type":"OTHERS","attach":"","success_time":"2026-06-18T19:59:58+08:00","payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
             "amount":{"total":9900,"payer_total":9400,"currency":"CNY","payer_currency":"CNY"},
             "scene_info":{"device_id":"013467007045764"},"promotion_detail":[{"coupon_id":"109519","amount":500}]}
            """));
        Assert.Equal(Paid with { Attach = "" }, opened.Transaction);
    }

    [Fact]
    public void Two_notifications_never_share_a_nonce()
    {
        var (first, second) = (Compose(Paid), Compose(Paid));
        Assert.NotEqual(first.Headers.Nonce!, second.Headers.Nonce!, StringComparer.Ordinal);
        Assert.NotEqual(Nonce(first), Nonce(second), StringComparer.Ordinal);

        static string Nonce(ComposedNotification notification) => (string)JsonNode.Parse(notification.Body)!["resource"]!["nonce"]!;
    }

    // One row per refusal, in the order of the guards.
    [Fact]
    public void Missing_header_is_refused()
    {
        var notification = Compose(Paid);
        Refused(WeChatPayRefusal.MissingHeader, notification with { Headers = notification.Headers with { Signature = null } });
    }

    [Theory]
    [InlineData(-300)]
    [InlineData(300)]
    public void Stale_timestamp_is_refused(int secondsLater)
    {
        var notification = Compose(Paid);
        var opened = WeChatPayNotification.Open(notification.Headers, notification.Body, Keys, Now.AddSeconds(secondsLater));
        Assert.Equal(new(Transaction: null, WeChatPayRefusal.StaleTimestamp), opened);
    }

    [Fact]
    public void Unknown_serial_is_refused()
    {
        var notification = Compose(Paid);
        Refused(WeChatPayRefusal.UnknownSerial, notification with { Headers = notification.Headers with { Serial = "unknown" } });
    }

    [Fact]
    public void Forged_signature_is_refused()
    {
        using var stranger = RSA.Create(2048);
        Refused(
            WeChatPayRefusal.BadSignature, WeChatPayNotification.Compose("id", Paid, ApiV3Key, new(Platform.Serial, stranger), Now));
    }

    [Fact]
    public void Every_flipped_byte_of_the_body_is_refused()
    {
        var notification = Compose(Paid);
        for (var index = 0; index < notification.Body.Length; index++)
        {
            var body = notification.Body.ToArray();
            body[index] ^= 1;
            Refused(WeChatPayRefusal.BadSignature, notification with { Body = body });
        }
    }

    [Fact]
    public void Probe_is_refused_like_any_forgery()
    {
        var notification = Compose(Paid);
        var probe = "WECHATPAY/SIGNTEST/" + notification.Headers.Signature![19..];
        Refused(WeChatPayRefusal.BadSignature, notification with { Headers = notification.Headers with { Signature = probe } });
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("""{"id":"1","create_time":"2026-06-18T20:00:00+08:00","event_type":"TRANSACTION.SUCCESS"}""")]
    [InlineData("""{"id":"1","create_time":"2026-06-18T20:00:00+08:00","event_type":"TRANSACTION.SUCCESS","resource":null}""")]
    [InlineData("""{"id":"1","create_time":"2026-06-18T20:00:00+08:00","event_type":"TRANSACTION.SUCCESS","resource":{}}""")]
    [InlineData("""{"id":"1","create_time":"today","event_type":"x","resource":{"algorithm":"a","ciphertext":"","nonce":""}}""")]
    [InlineData("""{"id":"\ud800","create_time":"2026-06-18T20:00:00+08:00","event_type":"x","resource":{"algorithm":"a","ciphertext":"","nonce":""}}""")]
    public void Malformed_body_is_refused(string body) => Refused(WeChatPayRefusal.MalformedBody, Signed(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void Body_that_is_not_utf8_is_refused()
    {
        Refused(WeChatPayRefusal.MalformedBody, Signed([.. """{"id":" """u8, 0xFF, .. "\"}"u8]));
        Refused(WeChatPayRefusal.MalformedBody, Signed([0xFE, 0xFF, 0x00]));
    }

    [Fact]
    public void Body_nested_too_deep_is_refused() =>
        Refused(WeChatPayRefusal.MalformedBody, Signed(Encoding.UTF8.GetBytes($$"""{"x":{{new string('[', 10_000)}}""")));

    [Fact]
    public void Notification_about_something_else_is_refused() => Refused(WeChatPayRefusal.NotATransaction, Encrypted("{}", originalType: "profitsharing"));

    [Fact]
    public void Resource_under_another_key_is_refused() =>
        Refused(
            WeChatPayRefusal.UndecryptableResource,
            WeChatPayNotification.Compose("id", Paid, new("FEDCBA9876543210fedcba9876543210"), Platform, Now));

    [Theory]
    [InlineData("algorithm", "AEAD_SM4_GCM")]
    [InlineData("nonce", "short")]
    [InlineData("nonce", "abcdefghijkl")]
    [InlineData("ciphertext", "***")]
    [InlineData("ciphertext", "")]
    [InlineData("associated_data", "refund")]
    [InlineData("associated_data", null)]
    public void Signed_but_undecryptable_resource_is_refused(string member, string? value)
    {
        var body = JsonNode.Parse(Compose(Paid).Body)!;
        body["resource"]![member] = value;
        Refused(WeChatPayRefusal.UndecryptableResource, Signed(Encoding.UTF8.GetBytes(body.ToJsonString())));
    }

    [Theory]
    [InlineData("\"total\":9900", "\"total\":\"9900\"")]
    [InlineData("\"total\":9900", "\"total\":99.5")]
    [InlineData("\"total\":9900", "\"total\":9223372036854775808")]
    [InlineData("\"total\":9900,", "")]
    [InlineData("\"mchid\":\"1900007291\"", "\"mchid\":1900007291")]
    [InlineData("\"mchid\":\"1900007291\"", "\"mchid\":null")]
    [InlineData("\"out_trade_no\"", "\"out_refund_no\"")]
    [InlineData("{\"openid\"", "{\"open_id\"")]
    public void Malformed_transaction_is_refused(string good, string bad)
    {
        const string json =
            """{"mchid":"1900007291","appid":"wxd678efh567hg6787","out_trade_no":"T1","transaction_id":"42","trade_state":"SUCCESS","success_time":"2026-06-18T19:59:58+08:00","amount":{"total":9900,"payer_total":9400},"payer":{"openid":"o1"}}""";
        Assert.True(Open(Encrypted(json)).Transaction!.IsPaid);
        Assert.Contains(good, json, StringComparison.Ordinal);
        Refused(WeChatPayRefusal.MalformedBody, Encrypted(json.Replace(good, bad, StringComparison.Ordinal)));
    }

    [Fact]
    public void Payment_to_another_merchant_or_app_is_refused()
    {
        Refused(WeChatPayRefusal.WrongMerchant, Compose(Paid with { Mchid = "1900007292" }));
        Refused(WeChatPayRefusal.WrongMerchant, Compose(Paid with { Appid = "wxd678efh567hg6788" }));
    }

    [Fact]
    public void Documented_refund_opens()
    {
        var opened = Open(Encrypted(
            """
            {"mchid":"1900007291","transaction_id":"1008450740201411110005820873","out_trade_no":"20150806125346",
             "refund_id":"50200207182018070300011301001","out_refund_no":"7752501201407033233368018","refund_status":"SUCCESS",
             "success_time":"2018-06-08T10:34:56+08:00","user_received_account":"招商银行信用卡0403",
             "amount":{"total":999,"refund":998,"payer_total":999,"payer_refund":998}}
            """,
            originalType: "refund"));
        Assert.Equal(new WeChatPayRefund("1900007291", "20150806125346", "7752501201407033233368018", "SUCCESS", new(999, 998)), opened.Refund);
        Assert.Null(opened.Transaction);
        Assert.Null(opened.Refusal);
    }

    [Theory]
    [InlineData("{}", nameof(WeChatPayRefusal.MalformedBody))]
    [InlineData("""{"mchid":"1900007291","out_trade_no":"T1","out_refund_no":"R1","refund_status":"SUCCESS","amount":{"total":1,"refund":"1"}}""", nameof(WeChatPayRefusal.MalformedBody))]
    [InlineData("""{"mchid":"1900007291","out_trade_no":"T1","out_refund_no":"R1","status":"SUCCESS","amount":{"total":1,"refund":1}}""", nameof(WeChatPayRefusal.MalformedBody))]
    [InlineData("""{"mchid":"1900007292","out_trade_no":"T1","out_refund_no":"R1","refund_status":"SUCCESS","amount":{"total":1,"refund":1}}""", nameof(WeChatPayRefusal.WrongMerchant))]
    public void Refund_that_is_none_of_ours_is_refused(string plaintext, string refusal) => Refused(Enum.Parse<WeChatPayRefusal>(refusal), Encrypted(plaintext, originalType: "refund"));

    [Theory]
    [InlineData("mch_id")]
    [InlineData("mchid")]
    public void Documented_transfer_opens_however_its_merchant_is_spelt(string merchantMember)
    {
        var opened = Open(Encrypted(
            $$"""
            {"out_bill_no":"plfk2020042013","transfer_bill_no":"1330000071100999991182020050700019480001","state":"FAIL","{{merchantMember}}":"1900007291",
             "transfer_amount":2000,"openid":"o-MYE42l80oelYMDE34nYD456Xoy","fail_reason":"OVERDUE_CLOSE",
             "create_time":"2015-05-20T13:29:35+08:00","update_time":"2015-05-20T13:29:35+08:00"}
            """,
            originalType: "mch_payment"));
        Assert.Equal(("plfk2020042013", "FAIL", 2_000, "OVERDUE_CLOSE"), (opened.Transfer!.OutBillNo, opened.Transfer.State, opened.Transfer.TransferAmount, opened.Transfer.FailReason));
        Assert.Null(opened.Transaction);
        Assert.Null(opened.Refund);
        Assert.Null(opened.Refusal);
    }

    [Theory]
    [InlineData("{}", nameof(WeChatPayRefusal.MalformedBody))]
    [InlineData("""{"out_bill_no":"W1","state":"SUCCESS","mch_id":"1900007291","transfer_amount":"1"}""", nameof(WeChatPayRefusal.MalformedBody))]
    [InlineData("""{"out_bill_no":"W1","state":"SUCCESS","mch_id":"1900007291"}""", nameof(WeChatPayRefusal.MalformedBody))]
    [InlineData("""{"out_bill_no":"W1","state":"SUCCESS","transfer_amount":1}""", nameof(WeChatPayRefusal.WrongMerchant))]
    [InlineData("""{"out_bill_no":"W1","state":"SUCCESS","mch_id":"1900007292","transfer_amount":1}""", nameof(WeChatPayRefusal.WrongMerchant))]
    [InlineData("""{"out_bill_no":"W1","state":"SUCCESS","mch_id":"1900007291","mchid":"1900007292","transfer_amount":1}""", nameof(WeChatPayRefusal.WrongMerchant))]
    [InlineData("""{"out_bill_no":"W1","state":"SUCCESS","mch_id":"1900007292","mchid":"1900007291","transfer_amount":1}""", nameof(WeChatPayRefusal.WrongMerchant))]
    public void Transfer_that_is_none_of_ours_is_refused(string plaintext, string refusal) => Refused(Enum.Parse<WeChatPayRefusal>(refusal), Encrypted(plaintext, originalType: "mch_payment"));

    [Fact]
    public void Composed_transfer_opens()
    {
        var transfer = new WeChatPayTransfer("W1", "SUCCESS", 2_000, MerchantId: "1900007291");
        var composed = WeChatPayNotification.Compose("3119dfba-e649-5eec-ab1e-3412bc4d2e17", transfer, ApiV3Key, Platform, Now);
        Assert.Equal(transfer, Open(composed).Transfer);
        Assert.Equal(("MCHTRANSFER.BILL.FINISHED", "mch_payment"), ((string?)JsonNode.Parse(composed.Body)!["event_type"], (string?)JsonNode.Parse(composed.Body)!["resource"]!["original_type"]));
    }

    [Fact]
    public void While_the_APIv3_key_changes_both_open()
    {
        var both = Keys with { ApiV3Key = new("FEDCBA9876543210fedcba9876543210"), SecondApiV3Key = ApiV3Key };
        var notification = Compose(Paid);
        Assert.Equal(Paid, WeChatPayNotification.Open(notification.Headers, notification.Body, both, Now).Transaction);
        var neither = both with { SecondApiV3Key = null };
        Assert.Equal(WeChatPayRefusal.UndecryptableResource, WeChatPayNotification.Open(notification.Headers, notification.Body, neither, Now).Refusal);
    }

    [Theory]
    [InlineData("REFUND")]
    [InlineData("CLOSED")]
    [InlineData("success")]
    [InlineData("")]
    public void Only_the_state_SUCCESS_is_paid(string state) =>
        Assert.False(Open(Compose(Paid with { TradeState = state })).Transaction!.IsPaid);

    private static ComposedNotification Compose(WeChatPayTransaction transaction) =>
        WeChatPayNotification.Compose("3119dfba-e649-5eec-ab1e-3412bc4d2e17", transaction, ApiV3Key, Platform, Now);

    private static ComposedNotification Encrypted(string plaintext, string originalType = "transaction")
    {
        var resource = WeChatPayResource.Encrypt(ApiV3Key, Encoding.UTF8.GetBytes(plaintext), "abcdefghijkl", originalType, originalType);
        return Signed(Encoding.UTF8.GetBytes(
            $$$"""
            {"id":"1","create_time":"2026-06-18T20:00:00+08:00","event_type":"TRANSACTION.SUCCESS","resource_type":"encrypt-resource",
             "summary":"支付成功","resource":{"original_type":"{{{originalType}}}","algorithm":"{{{resource.Algorithm}}}",
             "ciphertext":"{{{resource.Ciphertext}}}","associated_data":"{{{originalType}}}","nonce":"abcdefghijkl"}}
            """));
    }

    private static ComposedNotification Signed(byte[] body) =>
        new(WeChatPaySignatures.SignReply(Platform, body, "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz", Now), body);

    private static OpenedNotification Open(ComposedNotification notification) =>
        WeChatPayNotification.Open(notification.Headers, notification.Body, Keys, Now);

    private static void Refused(WeChatPayRefusal refusal, ComposedNotification notification) =>
        Assert.Equal(new(Transaction: null, refusal), Open(notification));
}
