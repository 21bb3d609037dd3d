using System.Text.Json;
using System.Text.Json.Serialization;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>A mini program as WeChat knows it. The secret never shows up in a log.</summary>
internal sealed record WeChatApp(string Appid, string Secret)
{
    public override string ToString() => $"WeChatApp({Appid})";
}

/// <summary>
/// A shopper who logged in: the openid names them within this app, the unionid (often absent) across the owner's apps,
/// the session key is base64 of 16 bytes and never goes to a client.
/// </summary>
internal sealed record WeChatSession(string Openid, string? Unionid, string SessionKey)
{
    public override string ToString() => $"WeChatSession({Openid})";
}

/// <summary>Why a login failed. The numbers are public: append, never renumber.</summary>
internal enum LoginRefusal
{
    /// <summary>The code is wrong, used or older than five minutes, or WeChat bars its owner: the shopper has to log in again.</summary>
    InvalidCode = 1,

    /// <summary>WeChat is busy, unreachable or does not accept our credentials: the log tells which.</summary>
    Unavailable = 2,
}

/// <summary>Either the session or the reason why there is none.</summary>
internal readonly record struct LoginAnswer(WeChatSession? Session, LoginRefusal? Refusal)
{
    public static implicit operator LoginAnswer(WeChatSession session) => new(session, Refusal: null);

    public static implicit operator LoginAnswer(LoginRefusal refusal) => new(Session: null, refusal);
}

/// <summary>
/// Exchanges the code of <c>wx.login</c> for an openid. Source: WeChat mini program documentation, "code2Session".
/// The secret travels in the query string, so neither addresses nor exceptions are logged here.
/// </summary>
internal sealed class WeChatLogin(HttpClient http, WeChatApp app, ILogger<WeChatLogin> log)
{
    public const int TimeoutSeconds = 5;
    public const int CodeLengthMax = 128;
    public const int ReplySizeBytesMax = 64 * 1024;

    public async Task<LoginAnswer> Exchange(string code, CancellationToken cancellation)
    {
        if (code.Length is 0 or > CodeLengthMax) return LoginRefusal.InvalidCode;
        try
        {
            using var response = await http.GetAsync(Address(code), cancellation);
            if (!response.IsSuccessStatusCode) return Unavailable($"status {(int)response.StatusCode}");
            // WeChat labels this JSON as text/plain, so the media type is not asked.
            var body = await response.Content.ReadAsByteArrayAsync(cancellation);
            return Read(JsonSerializer.Deserialize(body, WeChatLoginJson.Default.LoginReply));
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException)
        {
            return Unavailable(failure.GetType().Name);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Unavailable("time limit");
        }
    }

    private Uri Address(string code) => new(
        $"sns/jscode2session?appid={Uri.EscapeDataString(app.Appid)}&secret={Uri.EscapeDataString(app.Secret)}"
        + $"&js_code={Uri.EscapeDataString(code)}&grant_type=authorization_code",
        UriKind.Relative);

    // Success usually carries no errcode at all, which reads as 0.
    private LoginAnswer Read(LoginReply? reply) => reply switch
    {
        { Errcode: 0, Openid.Length: > 0, SessionKey.Length: > 0 } => new WeChatSession(reply.Openid, reply.Unionid, reply.SessionKey),
        { Errcode: LoginReply.InvalidCode or LoginReply.UsedCode or LoginReply.MissingCode or LoginReply.BarredShopper }
            => LoginRefusal.InvalidCode,
        _ => Unavailable($"errcode {reply?.Errcode}"),
    };

    private LoginRefusal Unavailable(string reason)
    {
        log.LogWarning("WeChat login is unavailable: {Reason}.", reason);
        return LoginRefusal.Unavailable;
    }
}

internal static class WeChatLoginRegistration
{
    /// <summary>Adds the typed client; the address is <c>https://api.weixin.qq.com</c> or a stand-in's, which may have a path.</summary>
    public static IServiceCollection AddWeChatLogin(
        this IServiceCollection services, Uri address, WeChatApp app, int timeoutSeconds = WeChatLogin.TimeoutSeconds)
    {
        services.AddSingleton(app);
        services.AddHttpClient<WeChatLogin>(http =>
        {
            http.BaseAddress = new Uri(address.AbsoluteUri.TrimEnd('/') + "/");
            http.Timeout = TimeSpan.FromSeconds(timeoutSeconds);
            http.MaxResponseContentBufferSize = WeChatLogin.ReplySizeBytesMax;
        })
        // The factory's own loggers write addresses, and this address holds the secret.
        .RemoveAllLoggers();
        return services;
    }
}

/// <summary>The reply of <c>jscode2session</c>: HTTP 200 for success and refusal alike.</summary>
internal sealed record LoginReply(
    string? Openid = null, string? SessionKey = null, string? Unionid = null, int Errcode = 0, string? Errmsg = null)
{
    public const int Busy = -1;
    public const int InvalidGrantType = 40002;
    public const int InvalidAppid = 40013;
    public const int InvalidCode = 40029;
    public const int InvalidSecret = 40125;
    public const int UsedCode = 40163;
    public const int BarredShopper = 40226;
    public const int MissingAppid = 41002;
    public const int MissingSecret = 41004;
    public const int MissingCode = 41008;

    /// <summary>More than 100 logins of one shopper in a minute.</summary>
    public const int TooFrequent = 45011;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(LoginReply))]
internal sealed partial class WeChatLoginJson : JsonSerializerContext;
