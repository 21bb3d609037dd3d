using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Silo;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Campaigns.Tests.WeChat;

public sealed class WeChatPayClientTests : IAsyncLifetime
{
    private const string What = "trial of it";
    private const string Path = "/v3/pay/transactions/out-trade-no/1217752501201407033233368018?mchid=1900007291";
    private const string Body = """{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1"}""";

    private PayDesk desk = null!;

    public async Task InitializeAsync() => desk = await PayDesk.Open();

    public async Task DisposeAsync() => await desk.DisposeAsync();

    [Fact]
    public async Task Request_is_signed_over_the_very_bytes_that_are_sent()
    {
        desk.Answer = _ => PayAnswer.Of("{}");
        using var client = new Client(desk.Merchant());
        await client.Post("""{"description":"Image形象店-深圳腾大-QQ公仔"}""");
        await client.Get();

        // The desk answers 401 to what is not signed as it came: the raw body, the path and the query.
        var (post, get) = (desk.Requests.First(), desk.Requests.Last());
        Assert.Equal(("POST", "/v3/x", """{"description":"Image形象店-深圳腾大-QQ公仔"}"""), (post.Method, post.PathAndQuery, Encoding.UTF8.GetString(post.Body)));
        Assert.Equal(("GET", Path, 0), (get.Method, get.PathAndQuery, get.Body.Length));
        Assert.All(desk.Requests, r =>
        {
            Assert.Equal("application/json", r.Headers["Accept"]);
            Assert.StartsWith("Campaigns/", r.Headers["User-Agent"], StringComparison.Ordinal);
            Assert.Equal(PayDesk.PublicKeyId, r.Headers["Wechatpay-Serial"]);
            Assert.Matches("^[0-9A-Za-z]{32}$", r.Attribute("nonce_str"));
        });
        Assert.Equal("application/json", post.Headers["Content-Type"]);
        Assert.NotEqual(post.Attribute("nonce_str"), get.Attribute("nonce_str"));
    }

    [Fact]
    public async Task Without_a_public_key_WeChat_Pay_chooses_what_it_signs_with()
    {
        desk.Answer = _ => PayAnswer.Of("{}") with { Sign = body => desk.Sign(body, "5157F09EFDC096DE15EBE81A47057A72") };
        using var client = new Client(desk.Merchant(isPublicKeyMode: false));
        client.Ring.Replace(new Dictionary<string, RSA> { ["5157F09EFDC096DE15EBE81A47057A72"] = desk.PlatformKey });
        Assert.Equal("{}", await client.Get());
        Assert.False(desk.Requests.Single().Headers.ContainsKey("Wechatpay-Serial"));
    }

    [Fact]
    public async Task Published_reply_in_public_key_mode_is_believed()
    {
        var signed = new SignedHeaders("1722850421", "d824f2e086d3c1df967785d13fcd22ef", PublishedId, PublishedSignature);
        desk.Answer = _ => PayAnswer.Of(Body) with { Sign = _ => signed };
        using var key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(PublishedKey), out _);
        var merchant = desk.Merchant();
        merchant = merchant with { PublicKeyId = PublishedId, Keys = merchant.Keys with { PlatformKeys = new Dictionary<string, RSA> { [PublishedId] = key } } };

        using var client = new Client(merchant, new StandingClock(DateTimeOffset.FromUnixTimeSeconds(1722850421)));
        Assert.Equal(Body, await client.Get());
        Assert.Equal(PublishedId, desk.Requests.Single().Headers["Wechatpay-Serial"]);

        using var late = new Client(merchant, new StandingClock(DateTimeOffset.FromUnixTimeSeconds(1722850421 + 300)));
        Assert.Contains("StaleTimestamp", (await late.Unsettled()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unsigned", "MissingHeader")]
    [InlineData("early", "StaleTimestamp")]
    [InlineData("late", "StaleTimestamp")]
    [InlineData("of another serial", "UnknownSerial")]
    [InlineData("forged", "BadSignature")]
    [InlineData("a probe", "BadSignature")]
    [InlineData("over another body", "BadSignature")]
    public async Task Success_that_WeChat_Pay_has_not_signed_is_not_believed(string how, string refusal)
    {
        using var stranger = RSA.Create(2048);
        desk.Answer = _ => PayAnswer.Of(Body) with
        {
            Sign = body => how switch
            {
                "unsigned" => null,
                "early" => desk.Sign(body, off: TimeSpan.FromSeconds(-301)),
                "late" => desk.Sign(body, off: TimeSpan.FromSeconds(400)),
                "of another serial" => desk.Sign(body, serial: "PUB_KEY_ID_2"),
                "forged" => desk.Sign(body, key: stranger),
                "a probe" => desk.Sign(body) with { Signature = "WECHATPAY/SIGNTEST/" + new string('A', 60) },
                _ => desk.Sign([.. body, (byte)'\n']),
            },
        };
        using var client = new Client(desk.Merchant());
        Assert.Contains(refusal, (await client.Unsettled()).Message, StringComparison.Ordinal);
        Assert.Equal(1 + WeChatPayClient.RetriesMax, desk.Requests.Count);
    }

    [Fact]
    public async Task Probe_is_followed_by_the_true_answer()
    {
        desk.Answer = _ => desk.Requests.Count == 1 ? PayAnswer.Of(Body) with { Sign = body => desk.Sign(body) with { Signature = "WECHATPAY/SIGNTEST/" + new string('A', 325) } } : PayAnswer.Of(Body);
        using var client = new Client(desk.Merchant());
        Assert.Equal(Body, await client.Get());
    }

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    public async Task Failure_of_theirs_is_tried_again_with_the_same_body_and_a_new_signature(int status)
    {
        desk.Answer = _ => desk.Requests.Count < 3 ? PayAnswer.Error(status, "SYSTEM_ERROR") : PayAnswer.Of("{}");
        using var client = new Client(desk.Merchant());
        await client.Post("""{"out_trade_no":"T1"}""");
        Assert.Equal(3, desk.Requests.Count);
        Assert.Single(desk.Requests.Select(r => Encoding.UTF8.GetString(r.Body)).Distinct());
        Assert.Distinct(desk.Requests.Select(r => r.Attribute("nonce_str")));
    }

    [Theory]
    [InlineData(400, "PARAM_ERROR")]
    [InlineData(400, "APPID_MCHID_NOT_MATCH")]
    [InlineData(403, "NO_AUTH")]
    [InlineData(403, "OUT_TRADE_NO_USED")]
    [InlineData(404, "ORDER_NOT_EXIST")]
    public async Task Definite_no_is_told_by_status_and_code_and_not_tried_again(int status, string code)
    {
        desk.Answer = _ => PayAnswer.Error(status, code) with { Sign = _ => null };
        using var client = new Client(desk.Merchant());
        Assert.Equal(new(status, code), (await client.Call("{}")).Error);
        Assert.Single(desk.Requests);
    }

    [Theory]
    [InlineData(401, """{"code":"SIGN_ERROR"}""")]
    [InlineData(429, """{"code":"FREQUENCY_LIMITED"}""")]
    [InlineData(403, """{"code":"RATELIMIT_EXCEEDED"}""")]
    [InlineData(400, """{"code":"SYSTEM_ERROR"}""")]
    [InlineData(400, """{"code":"BANKERROR"}""")]
    [InlineData(302, "")]
    [InlineData(403, "<html>a proxy</html>")]
    [InlineData(404, "")]
    [InlineData(404, "[]")]
    [InlineData(404, """{"code":7}""")]
    [InlineData(400, """{"code":"<script>"}""")]
    public async Task Anything_else_leaves_the_outcome_open_and_is_left_to_the_next_sending(int status, string body)
    {
        desk.Answer = _ => PayAnswer.Of(body, status);
        using var client = new Client(desk.Merchant());
        await client.Unsettled();
        Assert.Single(desk.Requests);
    }

    [Fact]
    public void Code_is_the_same_with_and_without_underscores()
    {
        Assert.True(new WeChatPayError(404, "ORDERNOTEXIST").Is("ORDER_NOT_EXIST"));
        Assert.False(new WeChatPayError(404, "ORDER_CLOSED").Is("ORDER_NOT_EXIST"));
    }

    [Fact]
    public async Task Site_that_cannot_be_reached_is_left_for_the_other_one_and_not_tried_first_again()
    {
        var gone = await Loopback.Start(_ => { });
        await gone.DisposeAsync();
        desk.Answer = _ => PayAnswer.Of("{}");
        using var client = new Client(desk.Merchant(address: gone.Address, standby: desk.Address));
        await client.Post("{}");
        await client.Post("{}");
        Assert.Equal(2, desk.Requests.Count);
        Assert.Single(client.Log, l => l.Contains("did not answer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Sites_that_both_cannot_be_reached_leave_the_outcome_open()
    {
        var gone = await Loopback.Start(_ => { });
        await gone.DisposeAsync();
        using var alone = new Client(desk.Merchant(address: gone.Address));
        await alone.Unsettled();
        using var both = new Client(desk.Merchant(address: gone.Address, standby: gone.Address));
        await both.Unsettled();
        Assert.Equal(3, both.Log.Count(l => l.Contains("did not answer", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Silent_site_is_given_up_after_the_time_limit_and_the_other_one_asked()
    {
        await using var silent = await Loopback.Start(app => Microsoft.AspNetCore.Builder.RunExtensions.Run(app, c => new TaskCompletionSource().Task.WaitAsync(c.RequestAborted)));
        desk.Answer = _ => PayAnswer.Of("{}");
        using var client = new Client(desk.Merchant(address: silent.Address, standby: desk.Address));
        await client.Post("{}");
        Assert.Single(client.Log, l => l.Contains("did not answer the trial of it: time limit", StringComparison.Ordinal));
        Assert.Equal(4, WeChatPayClient.AttemptTimeoutSeconds);
    }

    [Fact]
    public async Task Caller_who_gives_up_is_not_made_to_wait()
    {
        await using var silent = await Loopback.Start(app => Microsoft.AspNetCore.Builder.RunExtensions.Run(app, c => new TaskCompletionSource().Task.WaitAsync(c.RequestAborted)));
        using var client = new Client(desk.Merchant(address: silent.Address));
        using var caller = new CancellationTokenSource(millisecondsDelay: 50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Call("{}", caller.Token));
    }

    [Fact]
    public async Task Endless_reply_leaves_the_outcome_open()
    {
        desk.Answer = _ => PayAnswer.Of(new string(' ', WeChatPayClient.ReplyBytesMax + 1));
        using var client = new Client(desk.Merchant());
        await client.Unsettled();
    }

    [Fact]
    public async Task First_list_of_certificates_is_believed_because_one_of_them_signed_it()
    {
        var certificate = NewCertificate(desk.PlatformKey);
        desk.Answer = r => Certificates(r, certificate) ?? PayAnswer.Of(Body) with { Sign = b => desk.Sign(b, certificate.SerialNumber) };
        using var client = new Client(desk.Merchant(isPublicKeyMode: false, usesCertificates: true));
        await client.Certificates.Download(default);
        Assert.Equal([certificate.SerialNumber], client.Ring.Keys.PlatformKeys.Keys);
        Assert.Equal(Body, await client.Get());
        Assert.Equal(["/v3/certificates", Path], desk.Requests.Select(r => r.PathAndQuery));
    }

    [Fact]
    public async Task Unknown_serial_makes_us_look_for_new_certificates_once_a_minute()
    {
        var certificate = NewCertificate(desk.PlatformKey);
        desk.Answer = r => Certificates(r, certificate) ?? PayAnswer.Of(Body) with { Sign = b => desk.Sign(b, certificate.SerialNumber) };
        using var client = new Client(desk.Merchant(isPublicKeyMode: false, usesCertificates: true));
        desk.Now = () => client.Clock.GetUtcNow();
        Assert.Equal(Body, await client.Get());
        Assert.Single(desk.To("/v3/certificates"));

        Assert.DoesNotContain("5DEAFFFF", (await client.Ring.KeysFor("5DEAFFFF", default)).PlatformKeys.Keys);
        Assert.Single(desk.To("/v3/certificates"));
        client.Clock.Advance(WeChatPayKeyRing.LookPause);
        await client.Ring.KeysFor("5DEAFFFF", default);
        Assert.Equal(2, desk.To("/v3/certificates").Count());
        await client.Ring.KeysFor("PUB_KEY_ID_2", default);
        await client.Ring.KeysFor(certificate.SerialNumber, default);
        await client.Ring.KeysFor(null, default);
        Assert.Equal(2, desk.To("/v3/certificates").Count());
    }

    [Fact]
    public async Task Serial_that_cannot_be_looked_for_stays_unknown()
    {
        using var client = new Client(desk.Merchant(isPublicKeyMode: false, usesCertificates: true));
        Assert.Empty((await client.Ring.KeysFor("5DEAFFFF", default)).PlatformKeys);
    }

    [Fact]
    public async Task While_a_merchant_moves_to_a_public_key_both_are_believed()
    {
        using var other = RSA.Create(2048);
        var (old, next) = (NewCertificate(other), NewCertificate(desk.PlatformKey));
        desk.Answer = r => Certificates(r, old, next) ?? PayAnswer.Of(Body) with { Sign = b => r.PathAndQuery.Contains("old", StringComparison.Ordinal) ? desk.Sign(b, old.SerialNumber, other) : desk.Sign(b) };
        using var client = new Client(desk.Merchant(usesCertificates: true));
        await client.Certificates.Download(default);
        Assert.Equal(new[] { old.SerialNumber, next.SerialNumber, PayDesk.PublicKeyId }.Order(), client.Ring.Keys.PlatformKeys.Keys.Order());
        Assert.Equal(Body, await client.Get("/v3/old"));
        Assert.Equal(Body, await client.Get("/v3/new"));
    }

    [Fact]
    public async Task Certificate_that_is_not_listed_any_more_is_not_believed_any_more()
    {
        var (old, next) = (NewCertificate(desk.PlatformKey), NewCertificate(desk.PlatformKey));
        using var client = new Client(desk.Merchant(isPublicKeyMode: false, usesCertificates: true));
        desk.Answer = r => Certificates(r, old)!;
        await client.Certificates.Download(default);
        desk.Answer = r => Certificates(r, next)!;
        await client.Certificates.Download(default);
        Assert.Equal([next.SerialNumber], client.Ring.Keys.PlatformKeys.Keys);
    }

    [Theory]
    [InlineData("signed by a stranger")]
    [InlineData("unsigned")]
    [InlineData("under another APIv3 key")]
    [InlineData("under another serial")]
    [InlineData("of nothing but expired ones")]
    [InlineData("that is no list")]
    public async Task List_of_certificates_is_not_believed(string which)
    {
        using var stranger = RSA.Create(2048);
        var now = TimeProvider.System.GetUtcNow();
        var good = NewCertificate(desk.PlatformKey);
        var expired = PayDesk.NewCertificate(desk.PlatformKey, now.AddYears(-5), now.AddDays(-1));
        var list = which switch
        {
            "under another APIv3 key" => PayDesk.ListOf(good).Replace("\"nonce\":\"", "\"nonce\":\"x", StringComparison.Ordinal),
            "under another serial" => PayDesk.ListOf(good).Replace(good.SerialNumber, expired.SerialNumber, StringComparison.Ordinal),
            "of nothing but expired ones" => PayDesk.ListOf(expired),
            "that is no list" => """{"data":[{"serial_no":"1"}]}""",
            _ => PayDesk.ListOf(good),
        };
        var signer = which == "under another serial" || which == "of nothing but expired ones" ? expired : good;
        desk.Answer = _ => PayAnswer.Of(list) with { Sign = b => which == "unsigned" ? null : desk.Sign(b, signer.SerialNumber, which == "signed by a stranger" ? stranger : null) };
        using var client = new Client(desk.Merchant(isPublicKeyMode: false, usesCertificates: true));
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => client.Certificates.Download(default));
        Assert.Empty(client.Ring.Keys.PlatformKeys);
    }

    [Fact]
    public async Task Certificate_of_the_official_Java_library_is_downloaded()
    {
        var merchant = desk.Merchant(usesCertificates: true);
        merchant = merchant with { Keys = merchant.Keys with { ApiV3Key = new("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb") } };
        const string serial = "5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC";
        var list = new JsonObject { ["data"] = new JsonArray(PayDesk.Listed(serial, new("AEAD_AES_256_GCM", WeChatPayResourceTests.CertificateCiphertext, "14b16c03dc1b", "certificate"))) }.ToJsonString();
        desk.Answer = _ => PayAnswer.Of(list);
        using (var client = new Client(merchant, new StandingClock(new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero))))
        {
            desk.Now = client.Clock.GetUtcNow;
            await client.Certificates.Download(default);
            Assert.Contains(serial, client.Ring.Keys.PlatformKeys.Keys);
        }

        using var later = new Client(merchant, new StandingClock(new(2028, 9, 17, 15, 15, 58, TimeSpan.Zero)));
        desk.Now = later.Clock.GetUtcNow;
        await later.Certificates.Download(default);
        Assert.DoesNotContain(serial, later.Ring.Keys.PlatformKeys.Keys);
    }

    [Fact]
    public async Task Request_ids_of_WeChat_Pay_are_logged_for_good_and_bad_answers()
    {
        desk.Answer = r => r.Method == "GET" ? PayAnswer.Of("{}") : PayAnswer.Error(403, "NO_AUTH");
        using var client = new Client(desk.Merchant());
        await client.Get();
        await client.Call("{}");
        Assert.Contains(client.Log, l => l.Contains($"the {What} with 200", StringComparison.Ordinal) && l.Contains("08A11-0", StringComparison.Ordinal));
        Assert.Contains(client.Log, l => l.Contains("403 NO_AUTH", StringComparison.Ordinal) && l.Contains("08A12-0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_secret_and_no_openid_is_in_any_log_or_exception()
    {
        const string openid = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
        var body = $$"""{"payer":{"openid":"{{openid}}"},"plaintext":"只有顾客知道"}""";
        const string signError = """{"code":"SIGN_ERROR","message":"OPENID","detail":{"field":"OPENID","sign_information":{"truncated_sign_message":"OPENID","sign_message_length":1217}}}""";
        var told = new List<string>();
        foreach (var answer in (PayAnswer[])[PayAnswer.Of(signError.Replace("OPENID", openid, StringComparison.Ordinal), 401), PayAnswer.Error(400, openid), PayAnswer.Of(body, 400), PayAnswer.Of(body, 500), PayAnswer.Of(body) with { Sign = _ => null }, PayAnswer.Of(body), PayAnswer.Of(body, 302)])
        {
            desk.Answer = _ => answer;
            using var client = new Client(desk.Merchant(usesCertificates: true));
            told.Add((await Record.ExceptionAsync(() => client.Call(body)))?.ToString() ?? "");
            told.Add((await Record.ExceptionAsync(() => client.Certificates.Download(default)))?.ToString() ?? "");
            told.Add((await Record.ExceptionAsync(() => client.Pay.Download("bill", new($"{desk.Address}file?token=t0ken"), 1, default)))?.ToString() ?? "");
            told.AddRange(client.Log);
        }

        using var dead = new Client(desk.Merchant(address: new("http://127.0.0.1:1")));
        told.Add((await dead.Unsettled()).ToString());
        told.AddRange(dead.Log);
        told.Add(desk.Merchant().ToString());
        Assert.Contains(told, t => t.Contains("It signed 1217 bytes", StringComparison.Ordinal));
        Assert.True(told.Count > 40, $"{told.Count} lines");
        var secrets = desk.Requests.Select(r => r.Attribute("signature")).Concat([PayDesk.ApiV3Key, openid, "只有顾客知道", "t0ken", "WECHATPAY2-SHA256-RSA2048", "PRIVATE KEY", desk.PrivateKeyText[100..140]]).ToList();
        Assert.All(told, line => Assert.DoesNotContain(secrets, s => line.Contains(s, StringComparison.Ordinal)));
    }

    private const string PublishedId = "PUB_KEY_ID_0000000000000024101100397200000006";
    private const string PublishedKey = WeChatPaySignaturesTests.ReplyPublicKey;
    private const string PublishedSignature = WeChatPaySignaturesTests.ReplySignature;

    private static X509Certificate2 NewCertificate(RSA key) =>
        PayDesk.NewCertificate(key, TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddYears(5));

    /// <returns>null for another request</returns>
    private PayAnswer? Certificates(PayRequest request, params X509Certificate2[] certificates) =>
        request.PathAndQuery == "/v3/certificates" ? PayAnswer.Of(PayDesk.ListOf(certificates)) with { Sign = b => desk.Sign(b, certificates[^1].SerialNumber) } : null;

    /// <summary>The client as the product registers it, with every log line kept.</summary>
    private sealed class Client : IDisposable
    {
        private readonly LogLines lines = new();
        private readonly ServiceProvider provider;

        public Client(WeChatPayMerchant merchant, TimeProvider? system = null)
        {
            Clock = new(system: system);
            provider = new ServiceCollection()
                .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(lines))
                .AddSingleton<TimeProvider>(Clock)
                .AddWeChatPay(merchant)
                .BuildServiceProvider();
        }

        public ProductClock Clock { get; }

        public IReadOnlyCollection<string> Log => lines.Written;

        public WeChatPayClient Pay => provider.GetRequiredService<WeChatPayClient>();

        public WeChatPayKeyRing Ring => provider.GetRequiredService<WeChatPayKeyRing>();

        public WeChatPayCertificates Certificates => provider.GetRequiredService<WeChatPayCertificates>();

        private WeChatPayClient One => field ??= Pay;

        public async Task<WeChatPayReply> Call(string body, CancellationToken cancellation = default) =>
            await One.Call(What, HttpMethod.Post, "/v3/x", Encoding.UTF8.GetBytes(body), verify: null, cancellation);

        public async Task Post(string body) => Assert.Null((await Call(body)).Error);

        public async Task<string> Get(string path = Path)
        {
            var reply = await One.Get(What, path, default);
            Assert.Null(reply.Error);
            return Encoding.UTF8.GetString(reply.Body);
        }

        public Task<WeChatPayUnsettled> Unsettled() => Assert.ThrowsAsync<WeChatPayUnsettled>(() => Call("{}"));

        public void Dispose() => provider.Dispose();
    }

    private sealed class StandingClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
