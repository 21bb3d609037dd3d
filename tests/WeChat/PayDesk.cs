using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Campaigns.ApiFrontend.WeChat;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Campaigns.Tests.WeChat;

/// <summary>A request as it arrived.</summary>
internal sealed record PayRequest(string Method, string PathAndQuery, byte[] Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonNode Json => JsonNode.Parse(Body)!;

    /// <summary>An attribute of the Authorization header.</summary>
    public string Attribute(string name) => Headers["Authorization"].Split($"{name}=\"")[1].Split('"')[0];
}

/// <param name="Sign">how it is signed; null is as WeChat Pay would</param>
internal sealed record PayAnswer(int Status, byte[] Body, Func<byte[], SignedHeaders?>? Sign = null)
{
    public static PayAnswer Of(string json, int status = 200) => new(status, Encoding.UTF8.GetBytes(json));

    public static PayAnswer Error(int status, string code) => Of($$"""{"code":"{{code}}","message":"说明随时会变"}""", status);

    public static PayAnswer Nothing => new(204, []);
}

/// <summary>A WeChat Pay over real HTTP that answers as a test tells it, and a merchant it knows. Its keys are good for nothing else.</summary>
internal sealed class PayDesk : IAsyncDisposable
{
    public const string Mchid = "1900007291";
    public const string Appid = "wxd678efh567hg6787";
    public const string MerchantSerial = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB";
    public const string PublicKeyId = "PUB_KEY_ID_0000000000000000000000000000000001";
    public const string ApiV3Key = "0123456789abcdef0123456789ABCDEF";

    // Making a key takes a tenth of a second.
    private static readonly RSA[] MadeOnce = [RSA.Create(2048), RSA.Create(2048)];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly RSA merchantKey = MadeOnce[0];
    private Loopback? loopback;

    public RSA PlatformKey { get; } = MadeOnce[1];

    public ConcurrentQueue<PayRequest> Requests { get; } = new();

    public Func<PayRequest, PayAnswer> Answer { get; set; } = _ => PayAnswer.Error(500, "SYSTEM_ERROR");

    public Func<DateTimeOffset> Now { get; set; } = () => TimeProvider.System.GetUtcNow();

    public Uri Address => loopback!.Address;

    public string PrivateKeyText => merchantKey.ExportPkcs8PrivateKeyPem();

    public IEnumerable<PayRequest> To(string start) => Requests.Where(r => r.PathAndQuery.StartsWith(start, StringComparison.Ordinal));

    public static async Task<PayDesk> Open()
    {
        var desk = new PayDesk();
        desk.loopback = await Loopback.Start(app => app.Run(desk.Serve));
        desk.Keep("private.pem", desk.PrivateKeyText);
        desk.Keep("public.pem", desk.PlatformKey.ExportSubjectPublicKeyInfoPem());
        desk.Keep("apiv3.key", ApiV3Key + "\n");
        return desk;
    }

    /// <summary>Writes a file that only its owner can read.</summary>
    public string Keep(string name, string text)
    {
        var file = Path.Combine(folder.FullName, name);
        File.WriteAllText(file, text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }

    public string FileOf(string name) => Path.Combine(folder.FullName, name);

    /// <summary>The merchant's configuration in public-key mode.</summary>
    public Dictionary<string, string?> Settings() => new(StringComparer.Ordinal)
    {
        ["WeChat:AppId"] = Appid,
        ["WeChatPay:MchId"] = Mchid,
        ["WeChatPay:SerialNo"] = MerchantSerial,
        ["WeChatPay:PrivateKeyFile"] = FileOf("private.pem"),
        ["WeChatPay:ApiV3KeyFile"] = FileOf("apiv3.key"),
        ["WeChatPay:PublicKeyId"] = PublicKeyId,
        ["WeChatPay:PublicKeyFile"] = FileOf("public.pem"),
        ["WeChatPay:NotifyUrl"] = "https://shop.example.com/callbacks/wechat-pay",
        ["WeChatPay:BaseAddress"] = Address.AbsoluteUri,
    };

    /// <summary>The same merchant without files, for a client alone.</summary>
    public WeChatPayMerchant Merchant(bool isPublicKeyMode = true, bool usesCertificates = false, Uri? address = null, Uri? standby = null)
    {
        var keys = new Dictionary<string, RSA>(StringComparer.Ordinal);
        if (isPublicKeyMode) keys.Add(PublicKeyId, PlatformKey);
        return new(
            Mchid, Appid, new(MerchantSerial, merchantKey), new(Mchid, Appid, new(ApiV3Key), keys), new("https://shop.example.com/callbacks/wechat-pay"), address ?? Address, standby,
            isPublicKeyMode ? PublicKeyId : null, usesCertificates);
    }

    public SignedHeaders Sign(byte[] body, string serial = PublicKeyId, RSA? key = null, TimeSpan off = default) =>
        WeChatPaySignatures.SignReply(new(serial, key ?? PlatformKey), body, WeChatPaySignatures.NewNonce(), Now() + off);

    /// <summary>A notification about something, as WeChat Pay would send it.</summary>
    public ComposedNotification Notification(string originalType, string eventType, JsonNode about, string serial = PublicKeyId, RSA? key = null)
    {
        var resource = WeChatPayResource.Encrypt(new(ApiV3Key), Encoding.UTF8.GetBytes(about.ToJsonString()), WeChatPaySignatures.NewNonce()[..12], originalType, originalType);
        var body = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["id"] = Guid.NewGuid().ToString(),
            ["create_time"] = Now().ToString("yyyy-MM-dd'T'HH:mm:sszzz"),
            ["resource_type"] = "encrypt-resource",
            ["event_type"] = eventType,
            ["summary"] = "通知",
            ["resource"] = Encrypted(resource),
        }.ToJsonString());
        return new(Sign(body, serial, key), body);
    }

    /// <summary>A platform certificate of our own making.</summary>
    public static X509Certificate2 NewCertificate(RSA key, DateTimeOffset from, DateTimeOffset until)
    {
        var request = new CertificateRequest("CN=Tenpay.com sign", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        byte[] serial = [0x5D, .. RandomNumberGenerator.GetBytes(19)];
        using var made = request.Create(request.SubjectName, X509SignatureGenerator.CreateForRSA(key, RSASignaturePadding.Pkcs1), from, until, serial);
        return X509CertificateLoader.LoadCertificate(made.RawData);
    }

    /// <summary>The reply of <c>/v3/certificates</c>.</summary>
    public static string ListOf(params X509Certificate2[] certificates) => new JsonObject
    {
        ["data"] = new JsonArray([.. certificates.Select(c => Listed(c.SerialNumber, WeChatPayResource.Encrypt(new(ApiV3Key), Encoding.ASCII.GetBytes(c.ExportCertificatePem()), WeChatPaySignatures.NewNonce()[..12], "certificate", "certificate")))]),
    }.ToJsonString();

    public static JsonNode Listed(string serial, EncryptedResource resource) => new JsonObject
    {
        ["serial_no"] = serial,
        ["effective_time"] = "2018-06-08T10:34:56+08:00",
        ["expire_time"] = "2028-06-08T10:34:56+08:00",
        ["encrypt_certificate"] = Encrypted(resource),
    };

    public async ValueTask DisposeAsync()
    {
        if (loopback is not null) await loopback.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private static JsonObject Encrypted(EncryptedResource resource) => new()
    {
        ["original_type"] = resource.OriginalType,
        ["algorithm"] = resource.Algorithm,
        ["ciphertext"] = resource.Ciphertext,
        ["associated_data"] = resource.AssociatedData,
        ["nonce"] = resource.Nonce,
    };

    private async Task Serve(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var path = $"{context.Request.Path}{context.Request.QueryString}";
        var request = new PayRequest(context.Request.Method, path, body.ToArray(), context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase));
        Requests.Enqueue(request);

        var answer = IsGenuine(request) ? Answer(request) : PayAnswer.Error(401, "SIGN_ERROR");
        context.Response.StatusCode = answer.Status;
        context.Response.Headers["Request-ID"] = $"08A1{Requests.Count}-0";
        var headers = answer.Sign is { } sign ? sign(answer.Body) : Sign(answer.Body);
        if (headers is not null)
        {
            using var carrier = new HttpRequestMessage();
            headers.CopyTo(carrier.Headers);
            foreach (var (name, values) in carrier.Headers) context.Response.Headers[name] = values.ToArray();
        }

        if (answer.Status != 204) await context.Response.Body.WriteAsync(answer.Body);
    }

    private bool IsGenuine(PayRequest request) =>
        request.Headers["Authorization"].StartsWith("WECHATPAY2-SHA256-RSA2048 ", StringComparison.Ordinal) && request.Attribute("mchid") == Mchid && request.Attribute("serial_no") == MerchantSerial
        && WeChatPaySignatures.IsSigned(merchantKey, WeChatPaySignatures.RequestMessage(request.Method, request.PathAndQuery, long.Parse(request.Attribute("timestamp")), request.Attribute("nonce_str"), request.Body), request.Attribute("signature"));
}

/// <summary>Keeps every line that is logged, with its exception.</summary>
internal sealed class LogLines : ILoggerProvider, ILogger
{
    public ConcurrentQueue<string> Written { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        // Console loggers print scopes, so they count as written.
        Written.Enqueue(state.ToString()!);
        return null;
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Written.Enqueue($"{formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}
