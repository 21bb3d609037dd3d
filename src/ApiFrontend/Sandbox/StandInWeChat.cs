using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Campaigns.ApiFrontend.WeChat;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Campaigns.ApiFrontend.Sandbox;

/// <summary>
/// Stands in for WeChat on a developer's machine: logs in anyone who says <c>dev:name</c>, over the protocol of the real one.
/// </summary>
internal static class StandInWeChat
{
    public const string Path = "/sandbox/wechat";
    public const string CodePrefix = "dev:";
    public const int NameLengthMax = 64;

    /// <summary>Maps the login of the stand-in, which accepts the credentials of <paramref name="app"/> only.</summary>
    /// <exception cref="InvalidOperationException">Outside Development, where this would let anyone be anyone.</exception>
    public static RouteHandlerBuilder MapStandInWeChat(this IEndpointRouteBuilder routes, WeChatApp app)
    {
        if (!routes.ServiceProvider.GetRequiredService<IHostEnvironment>().IsDevelopment())
            throw new InvalidOperationException("The stand-in for WeChat is for Development only.");

        return routes.MapGet($"{Path}/sns/jscode2session", Answer).ExcludeFromDescription();

        ContentHttpResult Answer(
            string? appid, string? secret, [FromQuery(Name = "js_code")] string? code, [FromQuery(Name = "grant_type")] string? grantType)
        {
            var reply = Login(app, appid, secret, code, grantType);
            // The real one sends JSON as text/plain as well; a client that asks the media type must fail here too.
            return TypedResults.Text(JsonSerializer.Serialize(reply, WeChatLoginJson.Default.LoginReply), "text/plain", Encoding.UTF8);
        }
    }

    /// <summary>The openid of a name: 28 characters that start with o, like the real ones, and the same for ever.</summary>
    public static string OpenidOf(string name) => "o" + Base64Url.EncodeToString(Digest($"openid:{name}"))[..27];

    private static LoginReply Login(WeChatApp app, string? appid, string? secret, string? code, string? grantType)
    {
        if (string.IsNullOrEmpty(appid)) return Refuse(LoginReply.MissingAppid, "appid missing");
        if (string.IsNullOrEmpty(secret)) return Refuse(LoginReply.MissingSecret, "appsecret missing");
        if (string.IsNullOrEmpty(code)) return Refuse(LoginReply.MissingCode, "missing code");
        if (grantType is not "authorization_code") return Refuse(LoginReply.InvalidGrantType, "invalid grant_type");
        if (!string.Equals(appid, app.Appid, StringComparison.Ordinal)) return Refuse(LoginReply.InvalidAppid, "invalid appid");
        if (!string.Equals(secret, app.Secret, StringComparison.Ordinal)) return Refuse(LoginReply.InvalidSecret, "invalid appsecret");
        if (NameIn(code) is not { } name) return Refuse(LoginReply.InvalidCode, "invalid code");
        // Real codes work once and for five minutes; a dev: code works for ever, so that scripts can be run again.
        return new(OpenidOf(name), Convert.ToBase64String(Digest($"session_key:{name}").AsSpan(0, 16)));
    }

    private static LoginReply Refuse(int errcode, string errmsg) => new(Errcode: errcode, Errmsg: errmsg);

    private static string? NameIn(string code)
    {
        if (!code.StartsWith(CodePrefix, StringComparison.Ordinal)) return null;
        var name = code[CodePrefix.Length..];
        return name.Length is > 0 and <= NameLengthMax && name.All(IsNameLetter) ? name : null;
    }

    // The two ranges are the CJK ideographs of the basic plane, extension A first.
    private static bool IsNameLetter(char letter) =>
        char.IsAsciiLetterOrDigit(letter) || letter is '_' or '.' or '-' or (>= '\u3400' and <= '\u4DBF') or (>= '\u4E00' and <= '\u9FFF');

    private static byte[] Digest(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
