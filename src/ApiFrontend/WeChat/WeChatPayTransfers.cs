using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>What WeChat Pay wants to know of a merchant's transfers (商家转账): the scene it has granted and what has to be reported in it.</summary>
/// <param name="Reports">everything that the scene demands; the owner does not see it</param>
/// <param name="Remark">what the owner reads beside the money</param>
/// <param name="Perception">one of the scene's fixed words for why they get it; null leaves that to WeChat Pay</param>
internal sealed record TransferScene(string Id, IReadOnlyList<TransferReport> Reports, string Remark, string? Perception)
{
    /// <summary>佣金报酬: to those who have earned a commission.</summary>
    public const string Commission = "1005";

    public const int TextLengthMax = 32;

    /// <summary>What is reported in the scenes that are known here. One missing, or one of another scene, and every transfer is refused.</summary>
    public static readonly IReadOnlyDictionary<string, IReadOnlyList<string>> ReportsOf = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
    {
        ["1000"] = ["活动名称", "奖励说明"],
        [Commission] = ["岗位类型", "报酬说明"],
        ["1011"] = ["赔付原因"],
    };
}

internal sealed record TransferReport(string InfoType, string InfoContent);

/// <summary>
/// Transfers to shoppers. The number of a transfer is the id of its withdrawal and never another, and only WeChat Pay's signed word ends one:
/// a refused call says nothing about the bill, so it is asked again until the merchant has mended what stands in its way.
/// Source: WeChat Pay v3 documentation, "merchant transfer".
/// </summary>
internal sealed class WeChatPayTransfers(WeChatPayClient client, WeChatPayMerchant merchant, IGrains grains)
{
    public const long FenMin = 10;

    /// <summary>From here on WeChat Pay demands the owner's real name, which nobody here knows.</summary>
    public const long NamedFenMin = 200_000;

    // Our words, beside WeChat Pay's own.
    public const string AmountTooSmall = "AMOUNT_TOO_SMALL";
    public const string AmountNeedsRealName = "AMOUNT_NEEDS_REAL_NAME";
    public const string NotConfigured = "TRANSFERS_NOT_CONFIGURED";

    private const string Bills = "/v3/fund-app/mch-transfer/transfer-bills";
    private const int ReasonLengthMax = 64;

    public async Task<TransferredAtGateway> Transfer(ShopId shop, TransferAtGateway transfer, CancellationToken cancellation)
    {
        // Never sent, by no version of us and under no configuration: so these alone may fail without WeChat Pay's word.
        if (transfer.Amount.Fen < FenMin) return new(TransferStatus.Failed, Problem: AmountTooSmall);
        if (transfer.Amount.Fen >= NamedFenMin) return new(TransferStatus.Failed, Problem: AmountNeedsRealName);

        // Whatever became of an earlier call, its bill is what counts.
        var known = await Query(transfer, cancellation);
        if (known is not (null or { State: TransferStatus.AwaitsConfirmation, Confirmation: null })) return known;

        // A query does not tell the package for the owner's confirmation; the same request, made again, does.
        if (merchant.Transfers is not { } scene) return Waits(known, NotConfigured);

        // The openid stays with the shopper's grain; it is looked up for the call and written down nowhere else.
        var payee = await grains.Ask(transfer.Owner.In(shop), new GetPayer(), cancellation);
        if (payee.Refusal is { } unknown) return Waits(known, unknown.Code);

        var what = $"transfer {transfer.Withdrawal}";
        var bill = new TransferBill(
            merchant.Appid, transfer.Withdrawal.ToString(), scene.Id, payee.Reply!.OpenId, transfer.Amount.Fen, scene.Remark,
            WeChatPayGateway.ShopNotifyUrl(merchant.NotifyUrl, shop).AbsoluteUri, scene.Perception, scene.Reports);
        var reply = await client.Post(what, Bills, bill, WeChatPayTransferJson.Default.TransferBill, cancellation);
        if (reply.Error is not { } error) return StateOf(what, transfer, reply);

        // The settings have changed since the first call: the bill stays as it was asked for then.
        if (error.Is("ALREADY_EXISTS")) return await Query(transfer, cancellation) ?? throw new WeChatPayUnsettled(what, "it is there and is not");
        return Waits(known, error.Code);
    }

    /// <summary>WeChat Pay's word for the state of a transfer, which stands in replies and notifications; null for one that is not known.</summary>
    public static TransferredAtGateway? StateOf(string word, string? failReason, string? package = null) => word switch
    {
        "ACCEPTED" or "PROCESSING" or "TRANSFERING" or "CANCELING" => new(TransferStatus.Processing),
        "WAIT_USER_CONFIRM" => new(TransferStatus.AwaitsConfirmation, package),
        "SUCCESS" => new(TransferStatus.Succeeded),
        "FAIL" => new(TransferStatus.Failed, Problem: failReason is { Length: > 0 and <= ReasonLengthMax } ? failReason : word),
        "CANCELLED" => new(TransferStatus.Failed, Problem: word),
        _ => null,
    };

    /// <returns>null if WeChat Pay says that there is no such bill</returns>
    private async Task<TransferredAtGateway?> Query(TransferAtGateway transfer, CancellationToken cancellation)
    {
        var what = $"state of transfer {transfer.Withdrawal}";
        var reply = await client.Get(what, $"{Bills}/out-bill-no/{transfer.Withdrawal}", cancellation);
        if (reply.Error?.Is("NOT_FOUND", "RESOURCE_NOT_EXISTS") == true) return null;
        return reply.Error is { } error ? Waits(null, error.Code) : StateOf(what, transfer, reply);
    }

    private static TransferredAtGateway Waits(TransferredAtGateway? known, string problem) => (known ?? new(TransferStatus.Processing)) with { Problem = problem };

    private static TransferredAtGateway StateOf(string what, TransferAtGateway transfer, WeChatPayReply reply)
    {
        var told = WeChatPayGateway.Read(what, reply, WeChatPayTransferJson.Default.TransferTold);
        if (told.OutBillNo != transfer.Withdrawal.ToString() || (told.TransferAmount ?? transfer.Amount.Fen) != transfer.Amount.Fen) throw new WeChatPayUnsettled(what, "it is about another transfer");
        return StateOf(told.State, told.FailReason, told.PackageInfo) ?? throw new WeChatPayUnsettled(what, "it has a state that nobody knows");
    }
}

internal sealed record TransferBill(
    string Appid, string OutBillNo, string TransferSceneId, string Openid, long TransferAmount, string TransferRemark, string NotifyUrl, string? UserRecvPerception, IReadOnlyList<TransferReport> TransferSceneReportInfos);

/// <param name="TransferAmount">in fen; a query tells it, the reply to the first call does not</param>
internal sealed record TransferTold(string OutBillNo, string State, long? TransferAmount = null, string? FailReason = null, string? PackageInfo = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(TransferBill))]
[JsonSerializable(typeof(TransferTold))]
internal sealed partial class WeChatPayTransferJson : JsonSerializerContext;
