using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Campaigns.ApiFrontend.Payments;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>
/// WeChat Pay v3 (微信支付) as the payments' gateway: JSAPI orders of mini programs, their closing, refunds, transfers and bills. Our numbers are
/// the ids of payments, refunds and withdrawals, so a repeat finds what the first call made. Source: WeChat Pay v3 documentation, "JSAPI payment".
/// </summary>
internal sealed class WeChatPayGateway(WeChatPayClient client, WeChatPayMerchant merchant, IGrains grains, TimeProvider clock, ILogger<WeChatPayGateway> log) : IPaymentGateway
{
    public const int DescriptionLengthMax = 127;
    public const int ReasonBytesMax = 80;

    private const string Orders = "/v3/pay/transactions";
    private const string Refunds = "/v3/refund/domestic/refunds";
    private const string Currency = "CNY";

    private readonly WeChatPayTransfers transfers = new(client, merchant, grains);

    /// <summary>The notification address of a shop's refunds and transfers: what they tell names no shop.</summary>
    public static Uri ShopNotifyUrl(Uri notifyUrl, ShopId shop) => new($"{notifyUrl.AbsoluteUri}/{shop}");

    public async Task<Outcome<Prepaid>> Prepay(ShopId shop, Prepay prepay, CancellationToken cancellation)
    {
        // The openid stays with the shopper's grain; it is looked up for the call and written down nowhere else.
        var payer = await grains.Ask(prepay.Payer.In(shop), new GetPayer(), cancellation);
        if (payer.Refusal is { } unknown) return unknown;

        var order = new JsapiOrder(
            merchant.Appid, merchant.Mchid, Cut(prepay.Description, DescriptionLengthMax, r => r.Utf16SequenceLength), prepay.Payment.ToString(), TimeOf(prepay.PayBefore), shop.Value, merchant.NotifyUrl.AbsoluteUri,
            new(prepay.Amount.Fen, Currency), new(payer.Reply!.OpenId));
        var what = $"prepay of {prepay.Payment}";
        var reply = await client.Post(what, $"{Orders}/jsapi", order, WeChatPayGatewayJson.Default.JsapiOrder, cancellation);
        if (reply.Error is not { } error)
            return Read(what, reply, WeChatPayGatewayJson.Default.JsapiPrepaid) is { PrepayId.Length: > 0 } prepaid ? new(new Prepaid(prepaid.PrepayId), null) : throw new WeChatPayUnsettled(what, "it has no prepay id");

        // Whatever the word is, the order may be paid already and its callback lost: only a query tells, and its answer is signed.
        if ((await Query(prepay.Payment, cancellation)).Paid is { } paid) return new(new Prepaid(null, paid), null);
        return Refused(error);
    }

    public async Task<Outcome<ClosedAtGateway>> Close(ShopId shop, CloseAtGateway close, CancellationToken cancellation)
    {
        var what = $"closing of {close.Payment}";
        var reply = await client.Post(what, $"{Orders}/out-trade-no/{close.Payment}/close", new MerchantBody(merchant.Mchid), WeChatPayGatewayJson.Default.MerchantBody, cancellation);
        if (reply.Status == 204) return new(new ClosedAtGateway(), null);
        if (reply.Error?.Is("ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS", "ORDER_CLOSED") == true) return new(new ClosedAtGateway(), null);

        var (state, paid) = await Query(close.Payment, cancellation);
        if (paid is not null) return new(new ClosedAtGateway(paid), null);
        if (state is OrderQueried.Closed or OrderQueried.Absent) return new(new ClosedAtGateway(), null);
        return reply.Error is { } error ? Refused(error) : throw new WeChatPayUnsettled(what, $"status {reply.Status}");
    }

    public async Task<RefundedAtGateway> Refund(ShopId shop, RefundAtGateway refund, CancellationToken cancellation)
    {
        var what = $"refund {refund.RefundId}";
        if (refund.IsKnown)
        {
            var asked = await client.Get($"state of {what}", $"{Refunds}/{refund.RefundId}", cancellation);
            if (asked.Error is null) return StateOf(what, refund, asked);
            if (!asked.Error.Is("RESOURCE_NOT_EXISTS", "ORDER_NOT_EXIST")) return new(RefundStatus.Failed, asked.Error.Code);
        }

        var body = new RefundOrder(
            refund.Payment.ToString(), refund.RefundId, Cut(refund.Reason, ReasonBytesMax, r => r.Utf8SequenceLength), ShopNotifyUrl(merchant.NotifyUrl, shop).AbsoluteUri, new(refund.Amount.Fen, refund.Total.Fen, Currency));
        var reply = await client.Post(what, Refunds, body, WeChatPayGatewayJson.Default.RefundOrder, cancellation);
        return reply.Error is { } error ? new(RefundStatus.Failed, error.Code) : StateOf(what, refund, reply);
    }

    public Task<TransferredAtGateway> Transfer(ShopId shop, TransferAtGateway transfer, CancellationToken cancellation) => transfers.Transfer(shop, transfer, cancellation);

    public async Task<GatewayBill> Bill(DateOnly day, CancellationToken cancellation)
    {
        if (clock.GetUtcNow() < BeijingTime.BillReady(day)) return GatewayBill.NotReady;
        var what = string.Create(CultureInfo.InvariantCulture, $"bill of {day:yyyy-MM-dd}");
        var reply = await client.Get(what, string.Create(CultureInfo.InvariantCulture, $"/v3/bill/tradebill?bill_date={day:yyyy-MM-dd}&bill_type=ALL&tar_type=GZIP"), cancellation);
        if (reply.Error?.Is("NO_STATEMENT_EXIST") == true) return GatewayBill.NoMovements;
        if (reply.Error?.Is("STATEMENT_CREATING") == true) return GatewayBill.NotReady;
        if (reply.Error is { } error) throw new WeChatPayUnsettled(what, error.ToString());

        // The address lives for half a minute by some pages of the documentation: it is used at once.
        var ticket = Read(what, reply, WeChatPayGatewayJson.Default.BillTicket);
        if (!Uri.TryCreate(ticket.DownloadUrl, UriKind.Absolute, out var address)) throw new WeChatPayUnsettled(what, "its address is none");
        var file = await client.Download(what, address, WeChatPayBill.FileBytesMax, cancellation);
        return await WeChatPayBill.Open(file, ticket, cancellation) is { } lines ? new(BillState.Complete, lines) : throw new WeChatPayUnsettled(what, "the file is not what its hash or its header says");
    }

    public PaymentSheetView Sheet(string prepayId)
    {
        var sheet = WeChatPaySignatures.SignPayment(merchant.Appid, prepayId, merchant.Key.PrivateKey, WeChatPaySignatures.NewNonce(), clock.GetUtcNow());
        return new(merchant.Appid, sheet.TimeStamp, sheet.NonceStr, sheet.Package, sheet.SignType, sheet.PaySign);
    }

    private async Task<(string State, PaidAtGateway? Paid)> Query(PaymentId payment, CancellationToken cancellation)
    {
        var what = $"query of {payment}";
        var reply = await client.Get(what, $"{Orders}/out-trade-no/{payment}?mchid={Uri.EscapeDataString(merchant.Mchid)}", cancellation);
        if (reply.Error?.Is("ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS") == true) return (OrderQueried.Absent, null);
        if (reply.Error is { } error) throw new WeChatPayUnsettled(what, error.ToString());

        var order = Read(what, reply, WeChatPayGatewayJson.Default.OrderQueried);
        if (order.Mchid != merchant.Mchid || order.Appid != merchant.Appid || order.OutTradeNo != payment.ToString()) throw new WeChatPayUnsettled(what, "it is about another order");
        if (!order.IsPaid) return (order.TradeState, null);
        if (order is not { TransactionId.Length: > 0, SuccessTime: { } at, Amount: { } amount }) throw new WeChatPayUnsettled(what, "it is paid without saying what");

        log.LogInformation("WeChat Pay says that {Payment} is paid: its notification has not come.", payment);
        return (order.TradeState, new(order.TransactionId, new(amount.Total), at.ToUniversalTime()));
    }

    private static RefundedAtGateway StateOf(string what, RefundAtGateway refund, WeChatPayReply reply)
    {
        var told = Read(what, reply, WeChatPayGatewayJson.Default.RefundTold);
        if (told.OutRefundNo != refund.RefundId || told.Amount?.Refund is { } amount && amount != refund.Amount.Fen) throw new WeChatPayUnsettled(what, "it is about another refund");
        return StateOf(told.Status) ?? throw new WeChatPayUnsettled(what, "it has a state that nobody knows");
    }

    /// <summary>WeChat Pay's word for the state of a refund, which stands in replies and notifications; null for one that is not known.</summary>
    public static RefundedAtGateway? StateOf(string word) => word switch
    {
        "SUCCESS" => new(RefundStatus.Succeeded),
        "PROCESSING" => new(RefundStatus.Processing),
        "ABNORMAL" or "CLOSED" => new(RefundStatus.Failed, word),
        _ => null,
    };

    /// <exception cref="WeChatPayUnsettled">it is not the JSON it has to be</exception>
    internal static TReply Read<TReply>(string what, WeChatPayReply reply, JsonTypeInfo<TReply> type)
        where TReply : class =>
        WeChatPayNotification.Parse(reply.Body, type) ?? throw new WeChatPayUnsettled(what, $"status {reply.Status} with a body that makes no sense");

    private static Refusal Refused(WeChatPayError error) =>
        Refusal.Of(PaymentRefusal.GatewayRefused) with { Findings = [new("WECHATPAY", Finding.Block, "payment", error.ToString())] };

    private static string? TimeOf(DateTimeOffset? at) => at?.ToOffset(BeijingTime.Offset).ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);

    // The same cut at every try: other parameters under the same number would be refused.
    private static string Cut(string text, int lengthMax, Func<Rune, int> lengthOf)
    {
        var (length, cut) = (0, new StringBuilder());
        foreach (var rune in text.EnumerateRunes())
        {
            if ((length += lengthOf(rune)) > lengthMax) break;
            cut.Append(rune);
        }

        return cut.ToString();
    }
}

internal sealed record JsapiOrder(
    string Appid, string Mchid, string Description, string OutTradeNo, string? TimeExpire, string Attach, string NotifyUrl, OrderAmount Amount, WeChatPayer Payer);

internal sealed record OrderAmount(long Total, string Currency);

internal sealed record JsapiPrepaid(string PrepayId);

internal sealed record MerchantBody(string Mchid);

/// <summary>An order as WeChat Pay has it; without a transaction until it is paid.</summary>
internal sealed record OrderQueried(
    string Appid, string Mchid, string OutTradeNo, string TradeState, string? TransactionId = null, DateTimeOffset? SuccessTime = null, QueriedAmount? Amount = null)
{
    public const string Closed = "CLOSED";

    /// <summary>Not a word of WeChat Pay's: it does not know the order.</summary>
    public const string Absent = "";

    /// <summary>An order of which a part was refunded was paid as well.</summary>
    [JsonIgnore]
    public bool IsPaid => TradeState is WeChatPayTransaction.Success or "REFUND";
}

internal sealed record QueriedAmount(long Total);

internal sealed record RefundOrder(string OutTradeNo, string OutRefundNo, string Reason, string NotifyUrl, RefundOrderAmount Amount);

internal sealed record RefundOrderAmount(long Refund, long Total, string Currency);

internal sealed record RefundTold(string OutRefundNo, string Status, RefundToldAmount? Amount = null);

internal sealed record RefundToldAmount(long? Refund = null);

internal sealed record BillTicket(string HashType, string HashValue, string DownloadUrl);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(JsapiOrder))]
[JsonSerializable(typeof(JsapiPrepaid))]
[JsonSerializable(typeof(MerchantBody))]
[JsonSerializable(typeof(OrderQueried))]
[JsonSerializable(typeof(RefundOrder))]
[JsonSerializable(typeof(RefundTold))]
[JsonSerializable(typeof(BillTicket))]
internal sealed partial class WeChatPayGatewayJson : JsonSerializerContext;
