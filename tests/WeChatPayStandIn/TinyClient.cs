using System.Globalization;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>A clock that moves by hand.</summary>
internal sealed class HandClock(DateTimeOffset now) : TimeProvider
{
    private long ticks = now.UtcTicks;

    public DateTimeOffset Now
    {
        get => GetUtcNow();
        set => Volatile.Write(ref ticks, value.UtcTicks);
    }

    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref ticks), TimeSpan.Zero);
}

/// <summary>What the tiny client says; a test spoils one thing of it.</summary>
internal sealed class Saying
{
    public required string Method { get; set; }

    public required string Target { get; set; }

    public required string Body { get; set; }

    /// <summary>What is signed, if it is not what is sent.</summary>
    public string? SignedTarget { get; set; }

    public string? SignedBody { get; set; }

    public string Scheme { get; set; } = PayCrypto.Scheme;

    public required string Mchid { get; set; }

    public required string CertificateSerial { get; set; }

    public required DateTimeOffset At { get; set; }

    public string Nonce { get; set; } = PayCrypto.Nonce(32);

    public required RSA Key { get; set; }

    /// <summary>The last word on the header.</summary>
    public Func<string, string?> Authorization { get; set; } = header => header;

    public string? Accept { get; set; } = "application/json";

    public string? UserAgent { get; set; } = "tiny/1";

    public string? ContentType { get; set; } = "application/json";

    public string? Serial { get; set; }
}

internal sealed record Heard(int Status, byte[] Body, HttpResponseHeaders Headers)
{
    public JsonNode Json => JsonNode.Parse(Body)!;

    public string? Code => Json["code"]?.GetValue<string>();

    public string Header(string name) => Headers.TryGetValues(name, out var values) ? values.Single() : "";

    public bool IsSignedBy(PlatformKey key) =>
        Header("Wechatpay-Serial") == key.Serial && PayCrypto.IsSignedBy(key.Key, PayCrypto.ReplyText(Header("Wechatpay-Timestamp"), Header("Wechatpay-Nonce"), Body), Header("Wechatpay-Signature"));
}

/// <summary>The smallest client that the gateway takes, for tests of the stand-in alone.</summary>
internal sealed class TinyClient : IDisposable
{
    // Made once per process, like the gateway's.
    private static readonly RSA MerchantKey = RSA.Create(2048);

    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false });

    private TinyClient(PayServer server, RSA key, HandClock clock)
    {
        (Server, Key, Clock) = (server, key, clock);
    }

    public PayServer Server { get; }

    public RSA Key { get; }

    public HandClock Clock { get; }

    public static async Task<TinyClient> Start()
    {
        var (key, clock) = (MerchantKey, new HandClock(new(2026, 11, 24, 4, 0, 0, TimeSpan.Zero)));
        var merchant = new Merchant("1900007291", "wxd678efh567hg6787", "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", key.ExportSubjectPublicKeyInfoPem(), "0123456789abcdef0123456789ABCDEF");
        return new(await PayServer.Start(merchant, clock), key, clock);
    }

    public async Task<Heard> Send(string method, string target, string body = "", Action<Saying>? spoil = null)
    {
        var saying = new Saying { Method = method, Target = target, Body = body, Mchid = Server.Merchant.Mchid, CertificateSerial = Server.Merchant.CertificateSerial, At = Clock.Now, Key = Key };
        spoil?.Invoke(saying);
        var timestamp = saying.At.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = PayCrypto.Sign(saying.Key, PayCrypto.RequestText(method, saying.SignedTarget ?? saying.Target, timestamp, saying.Nonce, Encoding.UTF8.GetBytes(saying.SignedBody ?? saying.Body)));
        var header = $"{saying.Scheme} mchid=\"{saying.Mchid}\",nonce_str=\"{saying.Nonce}\",signature=\"{signature}\",timestamp=\"{timestamp}\",serial_no=\"{saying.CertificateSerial}\"";

        using var request = new HttpRequestMessage(new HttpMethod(saying.Method), new Uri(Server.Address, saying.Target));
        if (saying.Body.Length > 0) request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(saying.Body));
        if (saying.Body.Length > 0 && saying.ContentType is not null) request.Content!.Headers.TryAddWithoutValidation("Content-Type", saying.ContentType);
        foreach (var (name, value) in ((string, string?)[])[("Authorization", saying.Authorization(header)), ("Accept", saying.Accept), ("User-Agent", saying.UserAgent), ("Wechatpay-Serial", saying.Serial)])
            if (value is not null) request.Headers.TryAddWithoutValidation(name, value);

        using var response = await http.SendAsync(request);
        return new((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(), response.Headers);
    }

    public static string Order(string number = "T00000000001", Action<JsonObject>? change = null)
    {
        var body = new JsonObject
        {
            ["appid"] = "wxd678efh567hg6787",
            ["mchid"] = "1900007291",
            ["description"] = "桂花糕,礼盒装",
            ["out_trade_no"] = number,
            ["attach"] = "demo",
            ["notify_url"] = "http://127.0.0.1:9/callbacks",
            ["amount"] = new JsonObject { ["total"] = 9_900, ["currency"] = "CNY" },
            ["payer"] = new JsonObject { ["openid"] = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
        };
        change?.Invoke(body);
        return Encoding.UTF8.GetString(PayReply.Bytes(body));
    }

    public Task<Heard> Prepay(string number = "T00000000001", Action<JsonObject>? change = null) => Send("POST", "/v3/pay/transactions/jsapi", Order(number, change));

    public Task<Heard> Query(string number = "T00000000001") => Send("GET", $"/v3/pay/transactions/out-trade-no/{number}?mchid={Server.Merchant.Mchid}");

    public Task<Heard> Close(string number = "T00000000001", string body = """{"mchid":"1900007291"}""") => Send("POST", $"/v3/pay/transactions/out-trade-no/{number}/close", body);

    public static string GiveBack(string refund = "R1", string number = "T00000000001", long fen = 9_900, Action<JsonObject>? change = null)
    {
        var body = new JsonObject
        {
            ["out_trade_no"] = number,
            ["out_refund_no"] = refund,
            ["notify_url"] = "http://127.0.0.1:9/callbacks",
            ["amount"] = new JsonObject { ["refund"] = fen, ["total"] = 9_900, ["currency"] = "CNY" },
        };
        change?.Invoke(body);
        return Encoding.UTF8.GetString(PayReply.Bytes(body));
    }

    public Task<Heard> Refund(string refund = "R1", string number = "T00000000001", long fen = 9_900, Action<JsonObject>? change = null) => Send("POST", "/v3/refund/domestic/refunds", GiveBack(refund, number, fen, change));

    public Task<Heard> QueryRefund(string refund = "R1") => Send("GET", $"/v3/refund/domestic/refunds/{refund}");

    /// <summary>An order that was paid.</summary>
    public async Task Pay(string number = "T00000000001")
    {
        Assert.Equal(200, (await Prepay(number)).Status);
        Server.Pay(number);
    }

    public Task<Heard> Bill(string day, string more = "") => Send("GET", $"/v3/bill/tradebill?bill_date={day}&bill_type=ALL{more}");

    public static byte[] Unzip(byte[] file)
    {
        using var zip = new GZipStream(new MemoryStream(file), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        zip.CopyTo(plain);
        return plain.ToArray();
    }

    public void Dispose() => http.Dispose();
}
