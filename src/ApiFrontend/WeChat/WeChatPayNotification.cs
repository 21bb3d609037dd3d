using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>
/// Why a notification (or, for the first four, a reply) is not believed. Answer every one with 4xx or 5xx:
/// WeChat Pay then sends it again. The numbers are public: append, never renumber.
/// </summary>
internal enum WeChatPayRefusal
{
    MissingHeader = 1,

    /// <summary>Five minutes or more from our clock, or no unix seconds at all.</summary>
    StaleTimestamp = 2,
    UnknownSerial = 3,
    BadSignature = 4,

    /// <summary>Signed, but the envelope or the decrypted transaction is not the JSON it has to be.</summary>
    MalformedBody = 5,
    UndecryptableResource = 6,

    /// <summary>Genuine, but the payment went to another merchant or another app.</summary>
    WrongMerchant = 7,

    /// <summary>Genuine, but about neither a payment nor a refund nor a transfer, such as a profit sharing.</summary>
    NotATransaction = 8,
}

/// <summary>What one merchant needs to open its notifications; <paramref name="PlatformKeys"/> are WeChat Pay's by serial.</summary>
/// <param name="SecondApiV3Key">while the APIv3 key is being changed: the other one</param>
internal sealed record WeChatPayKeys(string Mchid, string Appid, ApiV3Key ApiV3Key, IReadOnlyDictionary<string, RSA> PlatformKeys, ApiV3Key? SecondApiV3Key = null)
{
    /// <summary>The plaintext, null if neither key opens it.</summary>
    public byte[]? Decrypt(EncryptedResource resource) =>
        WeChatPayResource.Decrypt(ApiV3Key, resource).Plaintext ?? (SecondApiV3Key is { } second ? WeChatPayResource.Decrypt(second, resource).Plaintext : null);
}

/// <summary>The body of a notification, before decryption.</summary>
internal sealed record WeChatPayEnvelope(
    string Id,
    DateTimeOffset CreateTime,
    string EventType,
    EncryptedResource Resource,
    string? ResourceType = null,
    string? Summary = null);

/// <summary>The payment a notification tells about, as far as the runtime looks at it.</summary>
/// <param name="Attach">What we sent along with the order and get back: the shop.</param>
internal sealed record WeChatPayTransaction(
    string Mchid,
    string Appid,
    string OutTradeNo,
    string TransactionId,
    string TradeState,
    DateTimeOffset SuccessTime,
    WeChatPayAmount Amount,
    WeChatPayer Payer,
    string? Attach = null)
{
    public const string Success = "SUCCESS";

    [JsonIgnore]
    public bool IsPaid => TradeState is Success;

    public bool IsFor(WeChatPayKeys keys) =>
        string.Equals(Mchid, keys.Mchid, StringComparison.Ordinal) && string.Equals(Appid, keys.Appid, StringComparison.Ordinal);
}

/// <summary>Amounts in fen. The payer pays less than the total if WeChat coupons cover a part.</summary>
internal sealed record WeChatPayAmount(long Total, long PayerTotal);

/// <summary>The payer as the merchant's app knows them.</summary>
internal sealed record WeChatPayer(string Openid);

/// <summary>The refund a notification tells about. It names neither app nor shop.</summary>
/// <param name="RefundStatus">SUCCESS, CLOSED or ABNORMAL</param>
internal sealed record WeChatPayRefund(string Mchid, string OutTradeNo, string OutRefundNo, string RefundStatus, WeChatPayRefundAmount Amount);

/// <summary>Amounts in fen.</summary>
internal sealed record WeChatPayRefundAmount(long Total, long Refund);

/// <summary>The transfer (商家转账) a notification tells about, at its end. It names neither app nor shop.</summary>
/// <param name="State">SUCCESS, FAIL or CANCELLED</param>
/// <param name="MerchantId">the merchant, whom some pages of the documentation spell <paramref name="Mchid"/></param>
internal sealed record WeChatPayTransfer(
    string OutBillNo, string State, long TransferAmount, string? FailReason = null, [property: JsonPropertyName("mch_id")] string? MerchantId = null, string? Mchid = null)
{
    public bool IsFor(WeChatPayKeys keys) =>
        (MerchantId ?? Mchid) is not null && (MerchantId ?? keys.Mchid) == keys.Mchid && (Mchid ?? keys.Mchid) == keys.Mchid;
}

/// <summary>Either what it tells about or the reason why it is not believed.</summary>
internal readonly record struct OpenedNotification(WeChatPayTransaction? Transaction, WeChatPayRefusal? Refusal, WeChatPayRefund? Refund = null, WeChatPayTransfer? Transfer = null)
{
    public static implicit operator OpenedNotification(WeChatPayTransfer transfer) => new(Transaction: null, Refusal: null, Transfer: transfer);

    public static implicit operator OpenedNotification(WeChatPayRefund refund) => new(Transaction: null, Refusal: null, refund);

    public static implicit operator OpenedNotification(WeChatPayTransaction transaction) => new(transaction, Refusal: null);

    public static implicit operator OpenedNotification(WeChatPayRefusal refusal) => new(Transaction: null, refusal);
}

/// <summary>A notification ready to be posted: the signature covers exactly these bytes.</summary>
internal sealed record ComposedNotification(SignedHeaders Headers, byte[] Body);

/// <summary>
/// Payment notifications of WeChat Pay v3: JSON signed with the platform's key around a resource encrypted with the APIv3 key.
/// Source: WeChat Pay v3 documentation, "payment success notification".
/// </summary>
internal static class WeChatPayNotification
{
    private const string TransactionType = "transaction";
    private const string RefundType = "refund";
    private const string TransferType = "mch_payment";

    /// <summary>Believes nothing before the signature: parses and decrypts only what WeChat Pay has signed.</summary>
    /// <param name="headers">The four signing headers.</param>
    /// <param name="body">The raw bytes as received, before any model binding.</param>
    /// <param name="keys">Whose notification it has to be.</param>
    /// <param name="now">Our clock.</param>
    public static OpenedNotification Open(SignedHeaders headers, ReadOnlySpan<byte> body, WeChatPayKeys keys, DateTimeOffset now)
    {
        if (WeChatPaySignatures.Verify(headers, body, keys.PlatformKeys, now) is { } refusal) return refusal;
        if (Parse(body, WeChatPayJson.Default.WeChatPayEnvelope) is not { } envelope) return WeChatPayRefusal.MalformedBody;
        if (envelope.Resource.OriginalType is not (TransactionType or RefundType or TransferType)) return WeChatPayRefusal.NotATransaction;
        if (keys.Decrypt(envelope.Resource) is not { } plaintext) return WeChatPayRefusal.UndecryptableResource;
        if (envelope.Resource.OriginalType is RefundType) return OpenRefund(plaintext, keys);
        if (envelope.Resource.OriginalType is TransferType) return OpenTransfer(plaintext, keys);
        if (Parse(plaintext, WeChatPayJson.Default.WeChatPayTransaction) is not { } transaction) return WeChatPayRefusal.MalformedBody;
        if (!transaction.IsFor(keys)) return WeChatPayRefusal.WrongMerchant;
        return transaction;
    }

    /// <summary>Writes what WeChat Pay would send; <paramref name="id"/> (36 characters at most) names the event.</summary>
    public static ComposedNotification Compose(
        string id, WeChatPayTransaction transaction, ApiV3Key apiV3Key, SigningKey platformKey, DateTimeOffset now) =>
        Compose(id, JsonSerializer.SerializeToUtf8Bytes(transaction, WeChatPayJson.Default.WeChatPayTransaction), TransactionType, "TRANSACTION.SUCCESS", "支付成功", apiV3Key, platformKey, now);

    /// <summary>Writes what WeChat Pay would send at the end of a transfer.</summary>
    public static ComposedNotification Compose(string id, WeChatPayTransfer transfer, ApiV3Key apiV3Key, SigningKey platformKey, DateTimeOffset now) =>
        Compose(id, JsonSerializer.SerializeToUtf8Bytes(transfer, WeChatPayJson.Default.WeChatPayTransfer), TransferType, "MCHTRANSFER.BILL.FINISHED", "商家转账单据终态通知", apiV3Key, platformKey, now);

    private static ComposedNotification Compose(string id, byte[] plaintext, string originalType, string eventType, string summary, ApiV3Key apiV3Key, SigningKey platformKey, DateTimeOffset now)
    {
        var nonce = WeChatPaySignatures.NewNonce()[..WeChatPayResource.NonceBytes];
        var resource = WeChatPayResource.Encrypt(apiV3Key, plaintext, nonce, originalType, originalType);
        var envelope = new WeChatPayEnvelope(id, now, eventType, resource, "encrypt-resource", summary);
        var body = JsonSerializer.SerializeToUtf8Bytes(envelope, WeChatPayJson.Default.WeChatPayEnvelope);
        return new(WeChatPaySignatures.SignReply(platformKey, body, WeChatPaySignatures.NewNonce(), now), body);
    }

    private static OpenedNotification OpenRefund(byte[] plaintext, WeChatPayKeys keys)
    {
        if (Parse(plaintext, WeChatPayJson.Default.WeChatPayRefund) is not { } refund) return WeChatPayRefusal.MalformedBody;
        if (!string.Equals(refund.Mchid, keys.Mchid, StringComparison.Ordinal)) return WeChatPayRefusal.WrongMerchant;
        return refund;
    }

    private static OpenedNotification OpenTransfer(byte[] plaintext, WeChatPayKeys keys)
    {
        if (Parse(plaintext, WeChatPayJson.Default.WeChatPayTransfer) is not { } transfer) return WeChatPayRefusal.MalformedBody;
        if (!transfer.IsFor(keys)) return WeChatPayRefusal.WrongMerchant;
        return transfer;
    }

    /// <summary>Null for everything that is not the JSON it has to be.</summary>
    public static T? Parse<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(WeChatPayEnvelope))]
[JsonSerializable(typeof(WeChatPayTransaction))]
[JsonSerializable(typeof(WeChatPayRefund))]
[JsonSerializable(typeof(WeChatPayTransfer))]
internal sealed partial class WeChatPayJson : JsonSerializerContext;
