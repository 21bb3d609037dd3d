using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>A private key and the serial under which the other side knows its public half.</summary>
internal sealed record SigningKey(string Serial, RSA PrivateKey);

/// <summary>
/// Signatures of WeChat Pay v3: RSA PKCS#1 v1.5 over SHA-256, in base64, over lines that each end in LF, the last one too.
/// Source: WeChat Pay v3 documentation, chapters on signing requests, verifying replies and calling up the payment.
/// </summary>
internal static class WeChatPaySignatures
{
    public const string Scheme = "WECHATPAY2-SHA256-RSA2048";

    // 4096-bit RSA; WeChat Pay signs with 2048 bits. Anything longer is not worth decoding.
    private const int SignatureBytesMax = 512;

    /// <summary>A timestamp as far away as this, in either direction, is already stale (as in the official SDKs).</summary>
    public static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    /// <summary>A fresh nonce: 32 characters of [0-9A-Za-z], the longest WeChat Pay takes.</summary>
    public static string NewNonce() =>
        RandomNumberGenerator.GetString("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 32);

    /// <summary>What a merchant signs for a request; path, query and body exactly as sent, timestamp in unix seconds.</summary>
    public static byte[] RequestMessage(string method, string pathAndQuery, long timestamp, string nonce, ReadOnlySpan<byte> body) =>
        [.. Encoding.UTF8.GetBytes($"{method}\n{pathAndQuery}\n{timestamp}\n{nonce}\n"), .. body, (byte)'\n'];

    /// <summary>What WeChat Pay signs for a reply or a notification; an empty body leaves an empty last line.</summary>
    public static byte[] ReplyMessage(string timestamp, string nonce, ReadOnlySpan<byte> body) =>
        [.. Encoding.UTF8.GetBytes($"{timestamp}\n{nonce}\n"), .. body, (byte)'\n'];

    /// <summary>What a merchant signs for the payment sheet: <c>prepay_id=…</c> as package for JSAPI, the bare id for apps.</summary>
    public static byte[] PaymentMessage(string appid, long timestamp, string nonce, string package) =>
        Encoding.UTF8.GetBytes($"{appid}\n{timestamp}\n{nonce}\n{package}\n");

    public static string Sign(RSA privateKey, ReadOnlySpan<byte> message) =>
        Convert.ToBase64String(privateKey.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    /// <summary>False for every signature that is not right, be it no base64 at all, like the probes <c>WECHATPAY/SIGNTEST/…</c>.</summary>
    public static bool IsSigned(RSA publicKey, ReadOnlySpan<byte> message, string signature)
    {
        Span<byte> bytes = stackalloc byte[SignatureBytesMax];
        return Convert.TryFromBase64String(signature, bytes, out var length)
            && publicKey.VerifyData(message, bytes[..length], HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    /// <summary>The value of the <c>Authorization</c> header of one request; <paramref name="body"/> must be the very bytes sent.</summary>
    public static string Authorization(
        string mchid, SigningKey key, HttpMethod method, string pathAndQuery, ReadOnlySpan<byte> body, string nonce, DateTimeOffset now)
    {
        var timestamp = now.ToUnixTimeSeconds();
        var signature = Sign(key.PrivateKey, RequestMessage(method.Method, pathAndQuery, timestamp, nonce, body));
        return $"""
            {Scheme} mchid="{mchid}",nonce_str="{nonce}",signature="{signature}",timestamp="{timestamp}",serial_no="{key.Serial}"
            """;
    }

    /// <summary>Signs as WeChat Pay does; only the sandbox holds such a key.</summary>
    public static SignedHeaders SignReply(SigningKey key, ReadOnlySpan<byte> body, string nonce, DateTimeOffset now)
    {
        var timestamp = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return new(timestamp, nonce, key.Serial, Sign(key.PrivateKey, ReplyMessage(timestamp, nonce, body)));
    }

    /// <summary>Null if WeChat Pay signed these raw bytes just now; <paramref name="keys"/> are its public keys by serial.</summary>
    public static WeChatPayRefusal? Verify(
        SignedHeaders headers, ReadOnlySpan<byte> body, IReadOnlyDictionary<string, RSA> keys, DateTimeOffset now)
    {
        if (!headers.AreComplete) return WeChatPayRefusal.MissingHeader;
        if (!IsFresh(headers.Timestamp, now)) return WeChatPayRefusal.StaleTimestamp;
        if (!keys.TryGetValue(headers.Serial, out var key)) return WeChatPayRefusal.UnknownSerial;
        var message = ReplyMessage(headers.Timestamp, headers.Nonce, body);
        if (!IsSigned(key, message, headers.Signature)) return WeChatPayRefusal.BadSignature;
        return null;
    }

    /// <summary>What the mini program hands to <c>wx.requestPayment</c>.</summary>
    public static PaymentSheet SignPayment(string appid, string prepayId, RSA merchantKey, string nonce, DateTimeOffset now)
    {
        var timestamp = now.ToUnixTimeSeconds();
        var package = $"prepay_id={prepayId}";
        var signature = Sign(merchantKey, PaymentMessage(appid, timestamp, nonce, package));
        return new(timestamp.ToString(CultureInfo.InvariantCulture), nonce, package, "RSA", signature);
    }

    private static bool IsFresh(string timestamp, DateTimeOffset now) =>
        long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
        && (now - DateTimeOffset.FromUnixTimeSeconds(seconds)).Duration() < ClockTolerance;
}

/// <summary>The arguments of <c>wx.requestPayment</c>; in camel case these are the names WeChat expects (timeStamp, nonceStr).</summary>
internal sealed record PaymentSheet(string TimeStamp, string NonceStr, string Package, string SignType, string PaySign);

/// <summary>The four headers that sign a reply or a notification of WeChat Pay; null where one is missing.</summary>
internal sealed record SignedHeaders(string? Timestamp, string? Nonce, string? Serial, string? Signature)
{
    private const string TimestampName = "Wechatpay-Timestamp";
    private const string NonceName = "Wechatpay-Nonce";
    private const string SerialName = "Wechatpay-Serial";
    private const string SignatureName = "Wechatpay-Signature";
    private const string SignatureTypeName = "Wechatpay-Signature-Type";

    [MemberNotNullWhen(true, nameof(Timestamp), nameof(Nonce), nameof(Serial), nameof(Signature))]
    public bool AreComplete =>
        !string.IsNullOrEmpty(Timestamp) && !string.IsNullOrEmpty(Nonce)
        && !string.IsNullOrEmpty(Serial) && !string.IsNullOrEmpty(Signature);

    /// <summary>Headers of a notification that came in. A header sent twice is joined by a comma and then fails to verify.</summary>
    public static SignedHeaders From(IHeaderDictionary headers) =>
        new(headers[TimestampName], headers[NonceName], headers[SerialName], headers[SignatureName]);

    /// <summary>Headers of a reply to a request of ours.</summary>
    public static SignedHeaders From(HttpHeaders headers)
    {
        return new(Value(TimestampName), Value(NonceName), Value(SerialName), Value(SignatureName));

        string? Value(string name) => headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
    }

    /// <summary>Puts the headers on a notification that the sandbox sends.</summary>
    public void CopyTo(HttpHeaders headers)
    {
        headers.Add(TimestampName, Timestamp);
        headers.Add(NonceName, Nonce);
        headers.Add(SerialName, Serial);
        headers.Add(SignatureName, Signature);
        headers.Add(SignatureTypeName, WeChatPaySignatures.Scheme);
    }
}
