using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Campaigns.ApiFrontend.WeChat;
using Microsoft.AspNetCore.Http;

namespace Campaigns.Tests.WeChat;

/// <summary>
/// Known answers come from the WeChat Pay v3 documentation and the tests of the official SDKs; those marked "derived"
/// were computed from the documentation's test key. No key here is good for anything but tests.
/// </summary>
public sealed class WeChatPaySignaturesTests
{
    private const string Appid = "wx2421b1c4370ec43b";
    private const string Nonce = "593BEC0C930BF1AFEB40B4A08C8FB242";
    private const long Timestamp = 1554208460;

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(Timestamp);

    [Theory]
    [InlineData("POST", "/v3/pay/transactions/jsapi", OrderBody, OrderSignature)]
    [InlineData("POST", "/v3/pay/transactions/jsapi", OlderOrderBody, OlderOrderSignature)]
    [InlineData("GET", "/v3/certificates", "", CertificatesSignature)]
    [InlineData("GET", "/v3/pay/transactions/out-trade-no/1217752501201407033233368018?mchid=1900007291", "", QuerySignature)]
    [InlineData("GET", "/v3/refund/domestic/refunds/1217752501201407033233368018", "", RefundSignature)]
    public void Published_request_signatures_are_reproduced(string method, string pathAndQuery, string body, string signature)
    {
        using var key = MerchantKey();
        var message = WeChatPaySignatures.RequestMessage(method, pathAndQuery, Timestamp, Nonce, Utf8(body));
        Assert.Equal(signature, WeChatPaySignatures.Sign(key, message));
    }

    [Fact]
    public void Signature_of_the_official_Go_library_is_reproduced()
    {
        using var key = PrivateKey(GoPrivateKey);
        Assert.Equal(GoSignature, WeChatPaySignatures.Sign(key, "source"u8));
    }

    [Fact]
    public void Request_without_a_body_ends_in_an_empty_line()
    {
        var message = WeChatPaySignatures.RequestMessage("GET", "/v3/certificates", 1624523846, "A1B2C3D4E5F6G7", []);
        Assert.Equal("GET\n/v3/certificates\n1624523846\nA1B2C3D4E5F6G7\n\n", Encoding.UTF8.GetString(message));
    }

    [Fact]
    public void Body_that_ends_in_a_line_feed_gets_one_more()
    {
        var message = WeChatPaySignatures.RequestMessage("POST", "/v3/x", 1, "n", "{}\n"u8);
        Assert.Equal("POST\n/v3/x\n1\nn\n{}\n\n", Encoding.UTF8.GetString(message));
    }

    [Fact]
    public void Reply_without_a_body_ends_in_an_empty_line() =>
        Assert.Equal("1\nn\n\n", Encoding.UTF8.GetString(WeChatPaySignatures.ReplyMessage("1", "n", [])));

    // The first characters each common mistake gives on the older order (derived): what to look for in a support case.
    [Theory]
    [InlineData("bxbix8AaStK4Klk+", "final line feed missing")]
    [InlineData("g7fdf1NX81sedx0F", "carriage returns")]
    [InlineData("MDz9Ln9g1nT09YJO", "one line feed too many")]
    [InlineData("Lf0C8WbVwJIIPUgl", "backslash and n")]
    public void Common_mistakes_have_known_fingerprints(string fingerprint, string mistake)
    {
        using var key = MerchantKey();
        var right = Encoding.UTF8.GetString(
            WeChatPaySignatures.RequestMessage("POST", "/v3/pay/transactions/jsapi", Timestamp, Nonce, Utf8(OlderOrderBody)));
        var wrong = mistake switch
        {
            "final line feed missing" => right[..^1],
            "carriage returns" => right.Replace("\n", "\r\n", StringComparison.Ordinal),
            "one line feed too many" => right + "\n",
            _ => right.Replace("\n", "\\n", StringComparison.Ordinal),
        };
        Assert.StartsWith(fingerprint, WeChatPaySignatures.Sign(key, Utf8(wrong)), StringComparison.Ordinal);
        Assert.Equal(OlderOrderSignature, WeChatPaySignatures.Sign(key, Utf8(right)));
    }

    [Fact]
    public void Authorization_carries_scheme_and_five_quoted_attributes()
    {
        using var key = MerchantKey();
        var value = WeChatPaySignatures.Authorization(
            "1900007291",
            new("408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", key),
            HttpMethod.Post,
            "/v3/pay/transactions/jsapi",
            Utf8(OrderBody),
            Nonce,
            Now);
        Assert.Equal(
            $"WECHATPAY2-SHA256-RSA2048 mchid=\"1900007291\",nonce_str=\"{Nonce}\",signature=\"{OrderSignature}\","
            + "timestamp=\"1554208460\",serial_no=\"408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB\"",
            value);
        Assert.Equal("WECHATPAY2-SHA256-RSA2048", AuthenticationHeaderValue.Parse(value).Scheme);
    }

    [Fact]
    public void Published_paySign_is_reproduced()
    {
        using var key = MerchantKey();
        var sheet = WeChatPaySignatures.SignPayment(Appid, "wx201410272009395522657a690389285100", key, Nonce, Now);
        Assert.Equal(
            new PaymentSheet("1554208460", Nonce, "prepay_id=wx201410272009395522657a690389285100", "RSA", PaySignature), sheet);
    }

    [Fact]
    public void Published_signature_for_apps_is_reproduced()
    {
        using var key = MerchantKey();
        var message = WeChatPaySignatures.PaymentMessage(Appid, Timestamp, Nonce, "wx201410272009395522657a690389285100");
        Assert.Equal(AppSignature, WeChatPaySignatures.Sign(key, message));
    }

    [Fact]
    public void Nonces_have_32_letters_and_digits_and_do_not_repeat()
    {
        var nonces = Enumerable.Range(0, 100).Select(_ => WeChatPaySignatures.NewNonce()).ToList();
        Assert.All(nonces, nonce => Assert.Matches("^[0-9A-Za-z]{32}$", nonce));
        Assert.Equal(nonces.Count, nonces.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Published_reply_is_believed() => Assert.Null(VerifyReply(Reply));

    [Fact]
    public void Published_notification_is_believed()
    {
        using var keys = new KeyRing(NotificationHeaders.Serial!, NotificationPublicKey);
        var now = DateTimeOffset.FromUnixTimeSeconds(1624523846);
        Assert.Equal(568, Utf8(NotificationBody).Length);
        Assert.Null(WeChatPaySignatures.Verify(NotificationHeaders, Utf8(NotificationBody), keys.BySerial, now));
    }

    [Fact]
    public void Reply_of_ours_is_believed()
    {
        using var key = MerchantKey();
        var headers = WeChatPaySignatures.SignReply(new("serial", key), [], Nonce, Now);
        using var keys = new KeyRing("serial", MerchantPublicKey);
        Assert.Null(WeChatPaySignatures.Verify(headers, [], keys.BySerial, Now));
    }

    [Theory]
    [InlineData("Timestamp")]
    [InlineData("Nonce")]
    [InlineData("Serial")]
    [InlineData("Signature")]
    public void Missing_header_is_refused(string name)
    {
        foreach (var nothing in new[] { null, "" })
        {
            var headers = name switch
            {
                "Timestamp" => Reply with { Timestamp = nothing },
                "Nonce" => Reply with { Nonce = nothing },
                "Serial" => Reply with { Serial = nothing },
                _ => Reply with { Signature = nothing },
            };
            Assert.Equal(WeChatPayRefusal.MissingHeader, VerifyReply(headers));
        }
    }

    [Theory]
    [InlineData(-301, false)]
    [InlineData(-300, false)]
    [InlineData(-299, true)]
    [InlineData(299, true)]
    [InlineData(300, false)]
    [InlineData(301, false)]
    public void Timestamp_five_minutes_off_is_refused(int secondsLater, bool isBelieved) =>
        Assert.Equal(isBelieved ? null : WeChatPayRefusal.StaleTimestamp, VerifyReply(Reply, secondsLater: secondsLater));

    [Theory]
    [InlineData("yesterday")]
    [InlineData("-1722850421")]
    [InlineData(" 1722850421")]
    [InlineData("1722850421.0")]
    [InlineData("1,722,850,421")]
    [InlineData("253402300800")]
    [InlineData("9223372036854775807")]
    [InlineData("92233720368547758070")]
    public void Hostile_timestamp_is_refused(string timestamp) =>
        Assert.Equal(WeChatPayRefusal.StaleTimestamp, VerifyReply(Reply with { Timestamp = timestamp }));

    [Fact]
    public void Unknown_serial_is_refused() =>
        Assert.Equal(WeChatPayRefusal.UnknownSerial, VerifyReply(Reply with { Serial = "PUB_KEY_ID_1" }));

    [Fact]
    public void Forged_signature_is_refused()
    {
        using var stranger = RSA.Create(2048);
        var forged = WeChatPaySignatures.SignReply(new(Reply.Serial!, stranger), Utf8(ReplyBody), Reply.Nonce!, ReplyTime);
        Assert.Equal(WeChatPayRefusal.BadSignature, VerifyReply(forged));
    }

    [Theory]
    [InlineData(60)]
    [InlineData(61)] // 80 characters: valid base64 of the wrong length
    [InlineData(325)] // 344 characters: as long as a true signature
    public void Probe_signature_is_refused(int length) =>
        Assert.Equal(
            WeChatPayRefusal.BadSignature,
            VerifyReply(Reply with { Signature = "WECHATPAY/SIGNTEST/" + new string('A', length) }));

    [Theory]
    [InlineData("====")]
    [InlineData("AA==")]
    [InlineData("not base64 at all!")]
    [InlineData("签名")]
    public void Signature_that_is_none_is_refused(string signature) =>
        Assert.Equal(WeChatPayRefusal.BadSignature, VerifyReply(Reply with { Signature = signature }));

    [Fact]
    public void Signature_of_any_other_length_is_refused()
    {
        foreach (var sizeBytes in new[] { 1, 255, 257, 512, 513, 30_000 })
            Assert.Equal(
                WeChatPayRefusal.BadSignature,
                VerifyReply(Reply with { Signature = Convert.ToBase64String(new byte[sizeBytes]) }));
    }

    [Fact]
    public void Altered_nonce_or_timestamp_is_refused()
    {
        Assert.Equal(WeChatPayRefusal.BadSignature, VerifyReply(Reply with { Nonce = Reply.Nonce + "0" }));
        Assert.Equal(WeChatPayRefusal.BadSignature, VerifyReply(Reply with { Timestamp = "1722850422" }));
        Assert.Equal(WeChatPayRefusal.BadSignature, VerifyReply(Reply with { Timestamp = "01722850421" }));
    }

    [Theory]
    [InlineData(ReplyBody + "\n")]
    [InlineData(" " + ReplyBody)]
    [InlineData("\uFEFF" + ReplyBody)]
    [InlineData("""{"code_url": "weixin://wxpay/bizpayurl?pr=JyC91EIz1"}""")]
    [InlineData("")]
    public void Body_written_another_way_is_refused(string body) =>
        Assert.Equal(WeChatPayRefusal.BadSignature, VerifyReply(Reply, Utf8(body)));

    [Fact]
    public void Every_flipped_bit_of_the_body_is_refused()
    {
        for (var bit = 0; bit < ReplyBody.Length * 8; bit++)
        {
            var body = Utf8(ReplyBody);
            body[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(WeChatPayRefusal.BadSignature, VerifyReply(Reply, body));
        }
    }

    [Fact]
    public void Every_flipped_byte_of_the_signature_is_refused()
    {
        for (var index = 0; index < 256; index++)
        {
            var signature = Convert.FromBase64String(Reply.Signature!);
            signature[index] ^= 1;
            Assert.Equal(WeChatPayRefusal.BadSignature, VerifyReply(Reply with { Signature = Convert.ToBase64String(signature) }));
        }
    }

    [Fact]
    public void Headers_survive_the_way_over_http()
    {
        using var request = new HttpRequestMessage();
        Reply.CopyTo(request.Headers);
        Assert.Equal(Reply, SignedHeaders.From(request.Headers));

        var received = new HeaderDictionary();
        foreach (var (name, values) in request.Headers) received[name.ToUpperInvariant()] = values.ToArray();
        Assert.Equal(Reply, SignedHeaders.From(received));
    }

    [Fact]
    public void Header_sent_twice_is_refused()
    {
        var received = new HeaderDictionary
        {
            ["Wechatpay-Timestamp"] = Reply.Timestamp,
            ["Wechatpay-Nonce"] = Reply.Nonce,
            ["Wechatpay-Serial"] = Reply.Serial,
            ["Wechatpay-Signature"] = new[] { Reply.Signature, Reply.Signature },
        };
        Assert.Equal(WeChatPayRefusal.BadSignature, VerifyReply(SignedHeaders.From(received)));
        Assert.Equal(WeChatPayRefusal.MissingHeader, VerifyReply(SignedHeaders.From(new HeaderDictionary())));
    }

    private static readonly DateTimeOffset ReplyTime = DateTimeOffset.FromUnixTimeSeconds(1722850421);
    private static readonly KeyRing ReplyKeys = new("PUB_KEY_ID_0000000000000024101100397200000006", ReplyPublicKey);

    private static readonly SignedHeaders Reply = new(
        "1722850421", "d824f2e086d3c1df967785d13fcd22ef", "PUB_KEY_ID_0000000000000024101100397200000006", ReplySignature);

    private static readonly SignedHeaders NotificationHeaders = new(
        "1624523846", "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz", "D7CE59D1F522D701", NotificationSignature);

    private static WeChatPayRefusal? VerifyReply(SignedHeaders headers, byte[]? body = null, int secondsLater = 0) =>
        WeChatPaySignatures.Verify(headers, body ?? Utf8(ReplyBody), ReplyKeys.BySerial, ReplyTime.AddSeconds(secondsLater));

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static RSA MerchantKey() => PrivateKey(MerchantPrivateKey);

    private static RSA PrivateKey(string pkcs8)
    {
        var key = RSA.Create();
        key.ImportPkcs8PrivateKey(Convert.FromBase64String(pkcs8), out _);
        return key;
    }

    private sealed class KeyRing : IDisposable
    {
        private readonly RSA key = RSA.Create();

        public KeyRing(string serial, string publicKey)
        {
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(publicKey), out _);
            BySerial = new Dictionary<string, RSA>(StringComparer.Ordinal) { [serial] = key };
        }

        public IReadOnlyDictionary<string, RSA> BySerial { get; }

        public void Dispose() => key.Dispose();
    }

    // The documentation's test key of merchant 1900007291 (PKCS#8) and its public half.
    private const string MerchantPrivateKey =
        "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCm2mb6q8gMKH/3CNTbpJAIrbqiBiQGEOtjGcBrDYltsGynWgNscqT7WvfzU14FQbYcQUC5T4Wvva7mi3fIp3OgX8VqMDNA0qebnr38Pe6kqiLyZgFpJPXlSKDyPyqhRbVTbXssvSMQeVKcdXeVxoNNeoOlNFHgF/P0io6AmAVnz+hN8SiZKuOsth5/zUTLGvtkgxBcQooQrtXhRcpLT798OyIb9xeJ2HO3xRtMv2+perEzb4gMibI74UBz+2QEbnkubPE+2jU2rRZudnNEz/BPOt3Qj/w2V6/G0VumGDh6+UeMU0jv4aupHztWITC4Akn0l7lBCNy3lgl8VFaJnkIxAgMBAAECggEAYGL8aESB7NwciDWW2UdoWUsa7GxFtSdjAz2mFXGdeTsYmVh7b9OOkRGM+Qio4LqEHDBp1mMk5E/cUJwy1zw8pGGO5nfvs7u9TT3XnHaefIs4YvUgTYAneIuLRkXNN5rQU+CD7mVYczTSz0Vgjqo9wa1LjUz7G0xbBmJgTdMEFGJseJjy6AbJo0CGIwp6HJbTm4CmOUgXnnDAIbEGTIRImkZFH/rzneIeR7oZ77FVwxr1CZB2gfRCov/yRPbw8vnryYkmvQ7D/ze3j5097vRg/MoDGBSdoOwcmo75vyofr0ASzytMjmHYyifqkf5slPropSiJeGf4p/7gtKyF6dE/XQKBgQDVAlJ+4U5ZVGOuDc3+sAhz8CTzgFNlq9vKuSoFK6hOz2L+cwj+E7NXGkOe2DsHHZNy2Xqxk7caKhPEp1z9hhpMpyLVMoFt6CKemyoRBWDCQwLLwem9SZF/IAyovBkLiH36P42Jm26gUkNMKC/5Zhtqxf6RZgRQzbVudJi47vIRCwKBgQDIh0+v27Oo+DM3fhObH4I1NrXpWOEGH7OQG1dEsMuFYF4hjGhg0kBEP3w9vVdl2+mRllZKTsx9oqjb8OibPLLIH8xsdbAB0WLfJvjLu4wl/ILUzN1RI03dWnnv2EnEeQn6c3hizvrJ9wR5U4ue9RPVnQooJ0hZF1PUuCL5fWK3MwKBgElReU/PAYbh80WP3t3Rfbdaa32dKBeQ5iCLR5lsA4zM+YgX1HqQEWTj126vgvHaDkyz6vWAoL/Sx+cirHFfXWIRDX5Q2hgYlQH+6qXdMgbrxeSYpHnQ/tHBGFpkFELSAnrGsVMyOwvYBO4LzyeLK9i+ufcWJFoj1FVmsMLHDG8tAoGARdbiiQQCoYG4DMarO2aQ6cmhN6EN1h0qY7EyBqlwaIZ0okiNfdMcMOjPc41DKCWcRmlOqlihXcxN9TQFPzO3rH1urAOdBjUPs1qWYhZyrDQyuLyVBBJApyxAtajloDjrob+fmQIvVDHk7ACN6xG+E7K6+9salnTKbJapD618uQMCgYBNy6XUvzLkP/A1U/UZdtcxl8GwU/dturLxz4CyGbqDw4ubaYY2e13lnqHUqQgPtiSyH51nq3tdo8G0YAJdfkSvKvnfslW91fyEBUKnkdW1o3/1UFU/wprZ7ixVL/F42A4xDu7OFE8EnweJOZ0jWceEOdhCkaIGBCfRnlECRK8UyQ==";

    private const string MerchantPublicKey =
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAptpm+qvIDCh/9wjU26SQCK26ogYkBhDrYxnAaw2JbbBsp1oDbHKk+1r381NeBUG2HEFAuU+Fr72u5ot3yKdzoF/FajAzQNKnm569/D3upKoi8mYBaST15Uig8j8qoUW1U217LL0jEHlSnHV3lcaDTXqDpTRR4Bfz9IqOgJgFZ8/oTfEomSrjrLYef81Eyxr7ZIMQXEKKEK7V4UXKS0+/fDsiG/cXidhzt8UbTL9vqXqxM2+IDImyO+FAc/tkBG55LmzxPto1Nq0WbnZzRM/wTzrd0I/8NlevxtFbphg4evlHjFNI7+GrqR87ViEwuAJJ9Je5QQjct5YJfFRWiZ5CMQIDAQAB";

    // The documentation's JSAPI order.
    private const string OrderBody =
        """{"appid":"wxd678efh567hg6787","mchid":"1900007291","description":"Image形象店-深圳腾大-QQ公仔","out_trade_no":"1217752501201407033233368018","notify_url":"https://www.weixin.qq.com/wxpay/pay.php","amount":{"total":100,"currency":"CNY"},"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}""";

    private const string OrderSignature =
        "jnks4dlrPw3ZX+ozVvSK39oa0t7OMBsg83BHAwd8BRdUFiVaQNTLTvci+wURgP1OQBbKYhFGvt7iqYpDSTQkp7Uq1sltaQKyncCyrA1g88m5bsKERQfPyT0ahSwKTYJ1CAn9QiJuSJRq1QsQs07eehbU/k9BCS51jTyc1Jpsi2H77HF9f/BnjXAOP3/sPObg6V5Ee4EzwLox684hhuMuIwHo7D8KFk3LIHOKDcNI4It1aCXydFWNpNK+SG86VUDe5kwoDpw4Ulqfu9z8OFDGbDs9TCxEv8iqQzbpxOlEVoOe2kalSYM5kApQb3nZcxdUtoE0liJGW3RGUNE0t4v01A==";

    // The same order in an earlier revision of the documentation.
    private const string OlderOrderBody =
        """{"appid":"wxd678efh567hg6787","mchid":"1230000109","description":"Image形象店-深圳腾大-QQ公仔","out_trade_no":"1217752501201407033233368018","notify_url":"https://www.weixin.qq.com/wxpay/pay.php","amount":{"total":100,"currency":"CNY"},"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}""";

    private const string OlderOrderSignature =
        "gEuexJ547PHFV77TQ6eiE4tphVYfWfUe1Wc2dBmVnoMYU2rl/M4zhw+b3vBhuMw6AC7pteNkryLA7UWU2h+umo0OdSuuLm1++O3NckQPCSfm6dypsjn4GYm84KMqXWFrhFmyxEwIdEJDr3w1UYfxOcu55OQupfLkrt/ZzuOspnliJFrPzGQFUk7lGqMMtpz3EfbDUNxnVsHblORg3hVmuYNmbGWnS2ovU30Y2Q+iKFDxzkaXBk8LTy6HzvxizRo6Q+J4SVM7O0hKXfgo1QdI68kpzNULb3EVBXlhTyPUzhkHzzLxECL1qHl3HH2hEv8++C+4wBlsagF3j/O6PABojA==";

    // Derived: requests without a body.
    private const string CertificatesSignature =
        "JNEITrKv8DWEtBJGZtxG9ARa+eIZDIn1Ht3MQM5j9jP77TtHdfCqLjpwevfWftBuaGMfEdiu2sWYtLvnZIoLW3FH10OVCBzKncid5xClTwav8JX+uDeGBBX8w64iHvFyuQj8ukZT+F1AFJii8hmXLD8Os90thnL0bfJYLo/4K237TH4dEd44NTH9ElFb/ykrvv9RBs+mCNpy5IUe2Qxhba3d3RiMqhWK2sSr3tsVzQihJ0TPMnjWqoU2W5Y/v3rBFDmLhqe0ZW6A4vyvjmiR0v/8XEI25Py4PNyZXszsdl4j0zLqelUJxGEMUBhYg1LIoDPjYMlA9HV1yKD6+JYZJA==";

    private const string QuerySignature =
        "cVvdVujlEmASmAYpcmKXmIrlQualKxd87f8XZtnTeLCw3V7kZ1ST6YwX0kSLsqJeecZqmKJfd6ieRl/hRLZUodxXU1NzoTz1OXNh6TzBfcxU8xRNFbmPiEHwMJM7Jo52TYGk71MaCbvkPlUpUL6WhpmAgfC7jg/3IcA/UILbby4Nro0Nbq0An/DYEEp8vZMaags/5ed52JpGqxEOcTLIuqihy+Amy5z+t8m3a93YTRNDRi0W5b332UQBtrWRSwJOMU96Nof7hJC2MM71Y1bHB8YP8kBKaoDW7vEoNsEMVzkyp0pyjUHFWc6yaRVHE054z79S2koj3jSRbCiY+CaJzg==";

    private const string RefundSignature =
        "UBeGZnKene8AU1koQowdSqeWz+YUlAQMhXR2MCfbLwRkkCYSitmKYBvlhSdLZ8p4pS1jEI6488p8byuH/k+A/c/gZ4jEoVlQpqIdtsqBB0dUX7oOJbVHU/t1kbjtPT/xTlxPE0dtMp3ZFNYBDvW6F1Hmj7ohGqiuITSNdXNem9b1g8DhUl3HGqVoEjGvSvaeqsPDsulKJ5100IhiaCWsMDUV9asnX8zgsmQ03DM8PVkqVJKvs+ytcdD/jbznMeGk9KCikUEO2kRkpaYlaylIrfpD85dz6tMgP/OcTMrYLNTv5+0A9k0RadOSbhVNrTo3zqMaFtpW0uHfX5Lg0pEXmQ==";

    // The documentation's payment sheets, JSAPI and app.
    private const string PaySignature =
        "mI35pfNEQV6777ke/1T+LJLQDNTm7yeoUJH+j/adPGhmCCi0PbgkvYQTRcXH0uibcLVtvFLdGLpmoYO9FV6lBBsTAjuhh5YOvQi0e2g3e0yytitiNET9FEuqM0pjnKfRW4K6LIZDdbWJv9KhZUx3DrJa5TL7OJ7VdADVivxVySIlPVKjGwuCXzuXSJes0UcILgWQUMyha5/3nYofuHtS7r+KYyMuxD+oJ9VM1Qdxk4UIG59CP5Y3wtYIFybyF3bdu1caHTRRX+DLyMXyYA/IrTmiW01c4RPjpHBX5Dk1sZyY1zVsWNsvMHr2e1NTWtBxKJ+qk5N61J7caYoepHFaxw==";

    private const string AppSignature =
        "gXx9KhTP6IooKV1SuG3OCGlBIgZbKtubCZvnau6khw1iffvNT28IzLbKmztq2xA/RCNbZa1XOsoiuVmAEeTZQicWfhv4P+O4oBRIrx0X9f3cnWFkMBU9alTWs0nyQ1N9fcILOTe0f4kxOhVh+/Xhn5hOiUK7Sz3XA1mcpa3R2NCWf/e+0ow/RDf15iTymOHgDrEkT/gedg/3E0iXfDX3mFicSZhrHESZDOTXcl9RzELREBUFznd/o2NQM99WcL86m23HY0cTy+QGWU4QDmNrbQ9ihmLW71qPb0Cx/d7EQvw/Kyx0A6s64ZQp3hHdcmiRcLnjVXrKCk7LShaCK+lS3Q==";

    // Test key of the official Go library and its signature of "source".
    private const string GoPrivateKey =
        "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDZUJN33V+dSfvdfL0Mu+39XrZNXFFMQSy1V15FpncHeV47SmV0TzTqZc7hHB0ddqAdDi8Z5k3TKqb76sOwYr5TcAfuR6PIPaleyE0/0KrljBum2Isa2Nyq7Dgc3ElBQ6YN4l/a+DpvKaz1FSKmKrhLNskqokWVSlu4g8OlKlbPXQ9ibII14MZRQrrkTmHYHzfi7GXXM0thAKuR0HNvyhTHBh4/lrYM3GaMvmWwkwvsMavnOex6+eioZHBOb1/EIZ/LzC6zuHArPpyW3daGaZ1rtQB1vVzTyERAVVFsXXgBHvfFud3w3ShsJYk8JvMwK2RpJ5/gV0QSARcmLDRUAlPzAgMBAAECggEBAMc7rDeUaXiWv6bMGbZ3BTXpg1FhdddnWUnYE8HfX/kmOFI7XtBHXcgYFpcjYz4D5787pcsk7ezPidAj58zqenuclmjKnUmT3pfbI5eCA2v4C9HnbYDrmUPK1ZcADtka4D6ScDccpNYNa1g2TFHzkIrEa6H+q7S3O2fqxY/DRVtN0JIXalBb8daaqL5QVzSmM2BMVnHy+YITJWIkP2a3pKs9C0W65JGDsnG0wVrHinHF+cnhFZIbaPEI//DAFMc9NkrWOKVRTEgcCUxCFaHOZVNxDWZD7A2ZfJB2rK6eg//ygEiFDR2h6mTaDowMB4YF2n2dsIO4/dCG8vPHI20jn4ECgYEA/ZGu6lEMlO0XZnamAZGtiNgLcCfM/C2ZERZE7QTRPZH1WdK92Al9ndldsswFw4baJrJLCmghjF/iG4zihhBvLnOLksnZUfjdumxoHDWXo2QBWbI5QsWIE7AuTiWgWj1I7X4fCXSQf6i+M/y26TogQ7d0ANpZFyOkTNMn/tiJvLECgYEA22XqlamG/yfAGWery5KNH2DGlTIyd6xJWtJ9j3jU99lZ0bCQ5xhiBbU9ImxCi3zgTsoqLWgA/p00HhNFNoUcTl9ofc0G3zwTD1y0ZzcnVKxGJdZ6ohW52V0hJStAigtjYAsUgjm7//FH7PiQDBDP1Wa6xSRkDQU/aSbQxvEE8+MCgYEA3bb8krW7opyM0XL9RHH0oqsFlVO30Oit5lrqebS0oHl3Zsr2ZGgoBlWBsEzk3UqUhTFwm/DhJLTSJ/TQPRkxnhQ5/mewNhS9C7yua7wQkzVmWN+VYeUGTvDGDF6qDz12/vJAgSwDDRym8x4NcXD5tTw7mmNRcwIfL22SkysThIECgYAVBgccoEoXWS/HP2/u6fQr9ZIR6eV8Ij5FPbZacTG3LlS1Cz5XZra95UgebFFUHHtCEY1JHJY7z8SWvTH8r3Su7eWNaIAoFBGffzqqSVazfm6aYZsOvRY6BfqPHT3p/H1hTq6AbBffxrcltgvXnCTORjHPglU0CjSxVs7awW3AEQKBgB5WtaC8VLROM7rkfVIq+RXqE5vtJfa3e3N7W3RqxKp4zHFAPfr82FK5CX2bppEaxY7SEZVvVInKDc5gKdG/jWNRBmvvftZhY59PILHO2X5vO4FXh7suEjy6VIh0gsnK36mmRboYIBGsNuDHjXLeBDa+8mDLkWu5nHEhOxy2JJZl";

    private const string GoSignature =
        "BKyAfU4iMCuvXMXS0Wzam3V/cnxZ+JaqigPM5OhljS2iOT95OO6Fsuml2JkFANJU9K6q9bLlDhPXuoVz+pp4hAm6pHU4ld815U4jsKu1RkyaII+1CYBUYC8TK0XtJ8FwUXXz8vZHh58rrAVN1XwNyvD1vfpxrMT4SL536GLwvpUHlCqIMzoZUguLli/K8V29QiOhuH6IEqLNJn8e9b3nwNcQ7be3CzYGpDAKBfDGPCqCv8Rw5zndhlffk2FEA70G4hvMwe51qMN/RAJbknXG23bSlObuTCN7Ndj1aJGH6/L+hdwfLpUtJm4QYVazzW7DFD27EpSQEqA8bX9+8m1rLg==";

    // The documentation's reply in public-key mode.
    internal const string ReplyPublicKey =
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwXNI6sdlknHBnK8Fu2U6Cwor9qY747jP8KAfeBMeveEt1TqaHkLfaSD07trZLhGpfs8/AHqjhgSMO1O10YQWOrrJ4hjIWPKqxbgrYMkBQc+mwdiWp4W3ByCqxBRagCveCXRWCmuJYovl9H/bsDI0iGbpVtEOghJtfciisYSgxcLufUDTRkvwxjIBK1pCRjk33jJ5YTBWTHMRtMAOcFLNF6hdEYdX8SPsgHHeLZ5Lv2T/686w1xtgCHef/sd4uSfWmyzsalQdHG/e4IyYmrhx+O3VBoNDzE3nx23bFeV/RVNCG7cV6VhmYokJNHa/erIPkEmEFID6A5wQOXuxUkmJWwIDAQAB";

    private const string ReplyBody =
        """{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1"}""";

    internal const string ReplySignature =
        "mfI1CPqvBrgcXfgXMFjdNIhBf27ACE2YyeWsWV9ZI7T7RU0vHvbQpu9Z32ogzc+k8ZC5n3kz7h70eWKjgqNdKQF0eRp8mVKlmfzMLBVHbssB9jEZEDXThOX1XFqX7s7ymia1hoHQxQagPGzkdWxtlZPZ4ZPvr1RiqkgAu6Is8MZgXXrRoBKqjmSdrP1N7uxzJ/cjfSiis9FiLjuADoqmQ1P7p2N876YPAol7Rn0+GswwAwxldbdLrmVSjfytfSBJFqTMHn4itojgxSWWN1byuckQt8hSTEv/Lg97QoeGniYP17T80pJeQyL3b+295FPHSO2AtvCgyIbKMZ0BALilAA==";

    // Notification in the tests of the official Go library.
    private const string NotificationPublicKey =
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2VCTd91fnUn73Xy9DLvt/V62TVxRTEEstVdeRaZ3B3leO0pldE806mXO4RwdHXagHQ4vGeZN0yqm++rDsGK+U3AH7kejyD2pXshNP9Cq5YwbptiLGtjcquw4HNxJQUOmDeJf2vg6byms9RUipiq4SzbJKqJFlUpbuIPDpSpWz10PYmyCNeDGUUK65E5h2B834uxl1zNLYQCrkdBzb8oUxwYeP5a2DNxmjL5lsJML7DGr5znsevnoqGRwTm9fxCGfy8wus7hwKz6clt3Whmmda7UAdb1c08hEQFVRbF14AR73xbnd8N0obCWJPCbzMCtkaSef4FdEEgEXJiw0VAJT8wIDAQAB";

    private const string NotificationBody =
        """{"id":"3119dfba-e649-5eec-ab1e-3412bc4d2e17","create_time":"2021-06-24T16:37:26+08:00","resource_type":"encrypt-resource","event_type":"PAYSCORE.USER_OPEN_SERVICE","summary":"签约成功","resource":{"original_type":"payscore","algorithm":"AEAD_AES_256_GCM","ciphertext":"YDS3lKPaC4Y52Gf3uhft5qUBlIa8b428AWTtTauHQfQrRw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3iZttevRMOoPKMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNebthah3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFUpsvPqOTOcgSLgh21YJXYR7dEBXFgRLiNIKRgO5JdXh1hccRUAlyVWxE54PXpnQ==","associated_data":"payscore","nonce":"Kj7QIyUiYx1q"}}""";

    private const string NotificationSignature =
        "tJHIiIS9eB2hAYstmAmbbD3ZE5LiIm/Ug5tuL4fC0YOFRWIHV39UFIZXC0e9Wl6lBu6sKvkqDkzpqzBsVHyXFlbYZTOQrVdG4b6LfTnK4mikv9++ixJMd3vTf2yCqvBkh98zs3Ds5zsYQakzbcwhmw4fMJs4nPLws28H0UW9FjDR//rxELLwXvV1VEA1IBLX70xptjL8hrfUjEE8kkry6yNJTHZRU8CAc7qHli2Ng1V1qb9ARbK8A3ThmFmPQvRGrapI/jS2laKKgYUmfdEdkNO6B2Cke5e8VTxY406ArAmQ90GAihDwIcb16TQMnzCMBoutnwZKNiKRACrFmtxw2Q==";
}
