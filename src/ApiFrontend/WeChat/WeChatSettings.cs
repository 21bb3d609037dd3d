using System.Security.Cryptography;
using Campaigns.ApiFrontend.Payments;
using Campaigns.Grains.Kernel;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>A merchant of WeChat Pay with everything that proves it. Nothing of it shows up in a log.</summary>
/// <param name="Key">the merchant's API certificate: its serial and private key</param>
/// <param name="NotifyUrl">where WeChat Pay reaches us, for refunds and transfers with the shop behind it</param>
/// <param name="Address">WeChat Pay, or a stand-in</param>
/// <param name="Standby">the other site, asked when the first cannot be reached</param>
/// <param name="PublicKeyId">which key replies shall be signed with; null leaves that to WeChat Pay</param>
/// <param name="UsesCertificates">whether platform certificates are downloaded</param>
/// <param name="Transfers">null for a merchant who pays nobody out</param>
internal sealed record WeChatPayMerchant(
    string Mchid, string Appid, SigningKey Key, WeChatPayKeys Keys, Uri NotifyUrl, Uri Address, Uri? Standby, string? PublicKeyId, bool UsesCertificates, TransferScene? Transfers = null)
{
    public static readonly Uri Official = new("https://api.mch.weixin.qq.com");
    public static readonly Uri OfficialStandby = new("https://api2.mch.weixin.qq.com");

    public static bool IsOfficial(Uri address) => address.Scheme == Uri.UriSchemeHttps && address.Host.EndsWith(".weixin.qq.com", StringComparison.OrdinalIgnoreCase);

    public override string ToString() => $"WeChatPayMerchant({Mchid})";
}

/// <summary>What the configuration says of WeChat, read as a whole: everything that is wrong with it is told at once.</summary>
internal sealed class WeChatSettings
{
    public static readonly Uri OfficialLogin = new("https://api.weixin.qq.com");

    private const int PemBytesMax = 64 * 1024;
    private const int SceneIdLengthMax = 36;
    private const string DefaultReports = "岗位类型=推广员;报酬说明=推广佣金";
    private const string DefaultRemark = "推广佣金提现";

    // WeChat Pay takes 256 characters with the shop behind it.
    private const int NotifyUrlLengthMax = 256 - 1 - ShopId.LengthMax;

    private readonly IConfiguration configuration;
    private readonly bool isDevelopment;
    private readonly List<string> problems = [];
    private readonly List<string> warnings = [];

    private WeChatSettings(IConfiguration configuration, bool isDevelopment) => (this.configuration, this.isDevelopment) = (configuration, isDevelopment);

    /// <summary>The mini program; null if it is not configured or something is wrong with it.</summary>
    public WeChatApp? App { get; private set; }

    public Uri LoginAddress { get; private set; } = OfficialLogin;

    /// <summary>The merchant; null if it is not configured or something is wrong with it.</summary>
    public WeChatPayMerchant? Merchant { get; private set; }

    public IReadOnlyList<string> Problems => problems;

    /// <summary>What does not keep anybody from starting.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>In Development both parts may be missing, and then the sandbox stands in; elsewhere both have to be there.</summary>
    public static WeChatSettings Read(IConfiguration configuration, bool isDevelopment)
    {
        var settings = new WeChatSettings(configuration, isDevelopment);
        if (!isDevelopment || settings.Optional("WeChat:SecretFile") is not null) settings.ReadApp();
        if (!isDevelopment || settings.Optional("WeChatPay:MchId") is not null) settings.ReadMerchant();
        return settings;
    }

    private void ReadApp()
    {
        var (appid, secret) = (Required("WeChat:AppId"), Secret("WeChat:SecretFile"));
        LoginAddress = Address("WeChat:BaseAddress") ?? OfficialLogin;
        if (appid is not null && secret is not null) App = new(appid, secret);
    }

    private void ReadMerchant()
    {
        var before = problems.Count;
        var (appid, mchid, serial) = (Required("WeChat:AppId"), Required("WeChatPay:MchId"), Required("WeChatPay:SerialNo"));
        Check(mchid is null || (mchid.Length <= 32 && mchid.All(char.IsAsciiDigit)), "WeChatPay:MchId is not a merchant number (digits alone)");
        Check(serial is null || (serial.Length <= 64 && serial.All(char.IsAsciiHexDigit)), "WeChatPay:SerialNo is not the serial of a certificate (hexadecimal digits alone)");
        var (privateKey, apiV3Key) = (PrivateKey("WeChatPay:PrivateKeyFile"), ApiV3KeyIn("WeChatPay:ApiV3KeyFile", isRequired: true));
        var second = ApiV3KeyIn("WeChatPay:SecondApiV3KeyFile", isRequired: false);

        var keys = new Dictionary<string, RSA>(StringComparer.Ordinal);
        var publicKeyId = PublicKey("WeChatPay:PublicKeyId", "WeChatPay:PublicKeyFile", keys);
        _ = PublicKey("WeChatPay:SecondPublicKeyId", "WeChatPay:SecondPublicKeyFile", keys);
        var certificates = Optional("WeChatPay:PlatformCertificates");
        Check(certificates is null || bool.TryParse(certificates, out _), "WeChatPay:PlatformCertificates is neither true nor false");
        var usesCertificates = bool.TryParse(certificates, out var uses) && uses;
        Check(publicKeyId is not null || usesCertificates || (Optional("WeChatPay:PublicKeyId") ?? Optional("WeChatPay:PublicKeyFile")) is not null, "missing: WeChatPay:PublicKeyId with WeChatPay:PublicKeyFile, or WeChatPay:PlatformCertificates=true: what WeChat Pay says could not be verified");

        var notifyUrl = NotifyUrl();
        var transfers = Transfers();
        var address = Address("WeChatPay:BaseAddress");
        var standby = Address("WeChatPay:StandbyAddress") ?? (address is null ? WeChatPayMerchant.OfficialStandby : null);
        if (problems.Count > before) return;

        var key = new SigningKey(serial!.ToUpperInvariant(), privateKey!);
        Merchant = new(mchid!, appid!, key, new(mchid!, appid!, apiV3Key!, keys, second), notifyUrl!, address ?? WeChatPayMerchant.Official, standby, publicKeyId, usesCertificates, transfers);
    }

    private TransferScene? Transfers()
    {
        var (id, reports, remark, perception) = (Optional("WeChatPay:TransferSceneId"), Optional("WeChatPay:TransferReports"), Optional("WeChatPay:TransferRemark"), Optional("WeChatPay:TransferPerception"));
        if (id is null)
        {
            Check((reports ?? remark ?? perception) is null, "missing: WeChatPay:TransferSceneId, without which there are no transfers that the other WeChatPay:Transfer… settings could be of");
            return null;
        }

        if (id.Length > SceneIdLengthMax || !id.All(char.IsAsciiDigit))
        {
            problems.Add("WeChatPay:TransferSceneId is not the id of a scene (digits alone)");
            return null;
        }

        CheckLength("WeChatPay:TransferRemark", remark);
        CheckLength("WeChatPay:TransferPerception", perception);
        return new(id, Reports(id, reports ?? (id == TransferScene.Commission ? DefaultReports : "")), remark ?? DefaultRemark, perception);
    }

    private List<TransferReport> Reports(string scene, string text)
    {
        const string name = "WeChatPay:TransferReports";
        var reports = text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(r => r.Split('=', 2, StringSplitOptions.TrimEntries)).Select(r => new TransferReport(r[0], r.Length == 2 ? r[1] : "")).ToList();
        Check(reports.Count > 0, $"missing: {name}, what has to be reported in scene {scene}, as in {DefaultReports}");
        foreach (var (type, content) in reports)
        {
            Check(type.Length > 0 && content.Length > 0, $"{name} is not of the form {DefaultReports}");
            CheckLength(name, content);
        }

        if (reports.Count > 0 && TransferScene.ReportsOf.TryGetValue(scene, out var demanded))
            Check(reports.Select(r => r.InfoType).Order(StringComparer.Ordinal).SequenceEqual(demanded.Order(StringComparer.Ordinal), StringComparer.Ordinal), $"{name}: in scene {scene} exactly {string.Join(" and ", demanded)} are reported");
        return reports;
    }

    private void CheckLength(string name, string? text) => Check(text is null || text.Length <= TransferScene.TextLengthMax, $"{name} has more than {TransferScene.TextLengthMax} characters");

    private string? Optional(string name) => configuration[name] is { Length: > 0 } value ? value : null;

    private string? Required(string name)
    {
        if (Optional(name) is { } value) return value;
        var missing = $"missing: {name} (environment variable {name.Replace(":", "__", StringComparison.Ordinal)})";
        if (!problems.Contains(missing, StringComparer.Ordinal)) problems.Add(missing);
        return null;
    }

    private void Check(bool isFine, string problem)
    {
        if (!isFine) problems.Add(problem);
    }

    private string? Secret(string name)
    {
        if (Required(name) is not { } file) return null;
        WarnIfOpen(name, file);
        return Text(name, file) switch
        {
            null => null,
            "" => Wrong($"{name}: '{file}' is empty"),
            var text => text,
        };
    }

    private ApiV3Key? ApiV3KeyIn(string name, bool isRequired)
    {
        if (!isRequired && Optional(name) is null) return null;
        if (Secret(name) is not { } text) return null;
        try
        {
            return new(text);
        }
        catch (ArgumentException)
        {
            problems.Add($"{name}: an APIv3 key has {ApiV3Key.SizeBytes} bytes, and what is in '{Optional(name)}' has not");
            return null;
        }
    }

    private RSA? PrivateKey(string name)
    {
        if (Required(name) is not { } file) return null;
        WarnIfOpen(name, file);
        if (Pem(name, file) is not { } key) return null;
        try
        {
            _ = key.SignData([], HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            return key;
        }
        catch (CryptographicException)
        {
            problems.Add($"{name}: '{file}' holds a public key; the private one of the merchant's API certificate is needed (apiclient_key.pem)");
            return null;
        }
    }

    private string? PublicKey(string idName, string fileName, Dictionary<string, RSA> keys)
    {
        if (Optional(idName) is null && Optional(fileName) is null) return null;
        if (Required(idName) is not { } id || Required(fileName) is not { } file) return null;
        if (!id.StartsWith(WeChatPayKeyRing.PublicKeyPrefix, StringComparison.Ordinal) || !id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_')) return Wrong($"{idName} does not begin with {WeChatPayKeyRing.PublicKeyPrefix}");
        if (Text(fileName, file) is not { } text) return null;
        if (text.Contains("PRIVATE KEY", StringComparison.Ordinal)) return Wrong($"{fileName}: '{file}' holds a private key; WeChat Pay's public key is needed (pub_key.pem)");
        if (Pem(fileName, file) is not { } key) return null;
        if (!keys.TryAdd(id, key)) return Wrong($"{idName} is given twice");
        return id;
    }

    private RSA? Pem(string name, string file)
    {
        if (Text(name, file) is not { } text) return null;
        var key = RSA.Create();
        try
        {
            key.ImportFromPem(text);
        }
        catch (Exception wrong) when (wrong is ArgumentException or CryptographicException)
        {
            problems.Add($"{name}: '{file}' is not an RSA key in PEM form");
            return null;
        }

        if (key.KeySize >= 2048) return key;
        problems.Add($"{name}: the key in '{file}' has {key.KeySize} bits, 2048 are the least");
        return null;
    }

    private Uri? NotifyUrl()
    {
        const string name = "WeChatPay:NotifyUrl";
        if (Required(name) is not { } text) return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || text.Length > NotifyUrlLengthMax) Wrong($"{name} is not an address of at most {NotifyUrlLengthMax} characters");
        else if (url.Scheme != Uri.UriSchemeHttps && !(isDevelopment && url.Scheme == Uri.UriSchemeHttp)) Wrong($"{name} has to begin with https://");
        else if (url.Query.Length > 0 || url.Fragment.Length > 0) Wrong($"{name} has a query, which WeChat Pay does not take");
        else if (!url.AbsolutePath.EndsWith(PaymentCallbacks.Path, StringComparison.Ordinal)) Wrong($"{name} does not end in {PaymentCallbacks.Path}, where notifications are received");
        else return url;
        return null;
    }

    private Uri? Address(string name)
    {
        if (Optional(name) is not { } text) return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || !address.Scheme.StartsWith(Uri.UriSchemeHttp, StringComparison.Ordinal)) Wrong($"{name} is not an http address");
        else if (!isDevelopment && !WeChatPayMerchant.IsOfficial(address)) Wrong($"not allowed outside Development: {name} that is not https and of weixin.qq.com");
        else return address;
        return null;
    }

    private string? Text(string name, string file)
    {
        try
        {
            var info = new FileInfo(file);
            if (!info.Exists) return Wrong($"{name}: there is no file '{file}'");
            if (info.Length > PemBytesMax) return Wrong($"{name}: '{file}' is too large to be a key");
            return File.ReadAllText(file).Trim();
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return Wrong($"{name}: '{file}' cannot be read ({unreadable.GetType().Name})");
        }
    }

    private void WarnIfOpen(string name, string file)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(file)) return;
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if ((File.GetUnixFileMode(file) & others) != UnixFileMode.None) warnings.Add($"{name}: others can read '{file}'. Run: chmod 600 '{file}'");
    }

    private string? Wrong(string problem)
    {
        problems.Add(problem);
        return null;
    }
}
