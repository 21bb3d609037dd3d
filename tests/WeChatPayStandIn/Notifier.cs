using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>What is wrong with a notification that is not to be believed.</summary>
internal enum Forgery
{
    None = 0,
    WrongKey = 1,
    ProbeSignature = 2,
    AlteredByte = 3,
    StaleTimestamp = 4,
    FutureTimestamp = 5,
    UnknownSerial = 6,
    NoHeaders = 7,

    /// <summary>The gateway's signature over contents that another key has sealed.</summary>
    WrongApiV3Key = 8,

    // Signed and sealed well, about something else.
    WrongAmount = 9,
    WrongMchid = 10,
    WrongAppid = 11,
    UnknownTrade = 12,
}

/// <summary>How a good notification may look that is rarely seen.</summary>
internal enum Variant
{
    Usual = 0,
    EmptyAssociatedData = 1,
    NoAssociatedData = 2,
    UnknownEventType = 3,
}

/// <summary>Something the merchant is to be told.</summary>
internal sealed record Notice(string Id, string EventType, string OriginalType, DateTimeOffset CreatedAt, JsonObject Told, Uri Address);

/// <summary>One notice on its way: sent now, and again at the gateway's intervals until it is answered well.</summary>
internal sealed class Delivery(Notifier notifier, Notice notice, TimeProvider clock)
{
    /// <summary>From each try to the next, a day and four minutes in all.</summary>
    public static readonly IReadOnlyList<TimeSpan> Schedule =
    [
        TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(20), TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(60),
        TimeSpan.FromHours(3), TimeSpan.FromHours(3), TimeSpan.FromHours(3), TimeSpan.FromHours(6), TimeSpan.FromHours(6),
    ];

    private readonly List<int> answers = [];

    public Notice Notice { get; } = notice;

    /// <summary>The status of each try; 0 if there was none in time.</summary>
    public IReadOnlyList<int> Answers => answers;

    public bool IsDone => answers.Count > 0 && answers[^1] is 200 or 204;

    /// <summary>When it is due again; null when it was answered well or given up.</summary>
    public DateTimeOffset? NextAt { get; private set; }

    /// <summary>The next try, now.</summary>
    public async Task<int> Send()
    {
        if (IsDone) throw new InvalidOperationException("It was answered well and is not sent again.");
        if (answers.Count > Schedule.Count) throw new InvalidOperationException("It was given up.");
        answers.Add(await notifier.Send(Notice));
        NextAt = IsDone || answers.Count > Schedule.Count ? null : clock.GetUtcNow() + Schedule[answers.Count - 1];
        return answers[^1];
    }
}

/// <summary>Tells the merchant what happened, well or badly, when a test says so and not before: a notification that no test sends is lost.</summary>
internal sealed class Notifier(PayServer server, TimeProvider clock, Lock gate) : IDisposable
{
    /// <summary>A merchant has so long to answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private const string TransferType = "mch_payment";

    /// <summary>Where the merchant's address leads today, as the domain name system would say.</summary>
    public Func<Uri, Uri> Resolve { get; set; } = address => address;

    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience };

    public Notice Paid(string outTradeNo)
    {
        lock (gate)
        {
            var trade = server.Ledger.Trade(outTradeNo);
            if (trade.State != TradeState.Paid) throw new InvalidOperationException($"Trade {outTradeNo} is {trade.State}: there is nothing to tell.");
            return new(Guid.NewGuid().ToString(), "TRANSACTION.SUCCESS", "transaction", clock.GetUtcNow(), server.Ledger.ToldToMerchant(trade), new(trade.NotifyUrl));
        }
    }

    public Notice Refunded(string outRefundNo)
    {
        lock (gate)
        {
            var refund = server.Ledger.Refund(outRefundNo);
            if (refund.End == RefundEnd.Processing) throw new InvalidOperationException($"Refund {outRefundNo} is not at its end: there is nothing to tell.");
            var address = refund.NotifyUrl ?? throw new InvalidOperationException($"Refund {outRefundNo} was asked for without an address: nobody is told.");
            return new(Guid.NewGuid().ToString(), $"REFUND.{refund.Status}", "refund", clock.GetUtcNow(), server.Ledger.ToldToMerchant(refund), new(address));
        }
    }

    /// <param name="merchantMember">some pages of the documentation say <c>mch_id</c>, others <c>mchid</c></param>
    public Notice Transferred(string outBillNo, string merchantMember = "mch_id")
    {
        lock (gate)
        {
            var transfer = server.Transfers.Get(outBillNo);
            if (!transfer.IsAtItsEnd) throw new InvalidOperationException($"Transfer {outBillNo} is {transfer.State}: there is nothing to tell.");
            var address = transfer.NotifyUrl ?? throw new InvalidOperationException($"Transfer {outBillNo} was asked for without an address: nobody is told.");
            return new(Guid.NewGuid().ToString(), "MCHTRANSFER.BILL.FINISHED", TransferType, clock.GetUtcNow(), server.Transfers.ToldToMerchant(transfer, merchantMember), new(address));
        }
    }

    public Delivery Deliver(Notice notice) => new(this, notice, clock);

    /// <summary>The same notice so many times at once.</summary>
    public Task<int[]> SendAtOnce(Notice notice, int times) => Task.WhenAll(Enumerable.Range(0, times).Select(_ => Send(notice)));

    /// <returns>the status; 0 if there was no answer in time</returns>
    public async Task<int> Send(Notice notice, Forgery forgery = Forgery.None, Variant variant = Variant.Usual)
    {
        using var request = Compose(notice, forgery, variant);
        int status;
        try
        {
            using var response = await http.SendAsync(request);
            status = (int)response.StatusCode;
        }
        catch (Exception silent) when (silent is HttpRequestException or OperationCanceledException)
        {
            status = 0;
        }

        if (forgery != Forgery.None && status is >= 200 and < 300) server.Note("notification", $"A forged notification ({forgery}) was answered {status}.");
        return status;
    }

    public void Dispose() => http.Dispose();

    private HttpRequestMessage Compose(Notice notice, Forgery forgery, Variant variant)
    {
        var body = Body(notice, forgery, variant);
        var key = server.Keys.Next();
        var at = clock.GetUtcNow() + (forgery switch { Forgery.StaleTimestamp => -1, Forgery.FutureTimestamp => 1, _ => 0 } * TimeSpan.FromSeconds(301));
        var (timestamp, nonce) = (at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), PayCrypto.Nonce(32));
        var signature = PayCrypto.Sign(forgery == Forgery.WrongKey ? PlatformKeys.Stranger : key.Key, PayCrypto.ReplyText(timestamp, nonce, body));
        if (forgery == Forgery.ProbeSignature) signature = PayCrypto.ProbePrefix + PayCrypto.Nonce(60);
        if (forgery == Forgery.AlteredByte) body[body.AsSpan().IndexOf("\"id\":\""u8) + 6] ^= 1; // '0' becomes '1': it reads as well as before

        var request = new HttpRequestMessage(HttpMethod.Post, Resolve(notice.Address)) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.UserAgent.ParseAdd("Mozilla/4.0");
        request.Headers.Add("Request-ID", PayCrypto.Nonce(26));
        if (forgery == Forgery.NoHeaders) return request;
        request.Headers.Add("Wechatpay-Timestamp", timestamp);
        request.Headers.Add("Wechatpay-Nonce", nonce);
        request.Headers.TryAddWithoutValidation("Wechatpay-Signature", signature);
        request.Headers.Add("Wechatpay-Serial", forgery == Forgery.UnknownSerial ? "0000000000000000000000000000000000000000" : key.Serial);
        request.Headers.Add("Wechatpay-Signature-Type", PayCrypto.Scheme);
        return request;
    }

    private byte[] Body(Notice notice, Forgery forgery, Variant variant)
    {
        var told = notice.Told.DeepClone().AsObject();
        if (forgery == Forgery.WrongAmount && notice.OriginalType == TransferType) told["transfer_amount"] = 1;
        else if (forgery == Forgery.WrongAmount) told["amount"]![notice.OriginalType == "refund" ? "refund" : "total"] = 1;
        if (forgery == Forgery.WrongMchid) told[told.ContainsKey("mch_id") ? "mch_id" : "mchid"] = "1900000999";
        if (forgery == Forgery.WrongAppid) told["appid"] = "wx0000000000000000";
        if (forgery == Forgery.UnknownTrade) told[notice.OriginalType == TransferType ? "out_bill_no" : "out_trade_no"] = "ffffffffffffffffffffffffffffffff";

        var nonce = PayCrypto.Nonce(12);
        var associated = variant is Variant.EmptyAssociatedData or Variant.NoAssociatedData ? "" : notice.OriginalType;
        var key = Encoding.UTF8.GetBytes(forgery == Forgery.WrongApiV3Key ? new string('0', 32) : server.Merchant.ApiV3Key);
        var resource = new JsonObject
        {
            ["original_type"] = notice.OriginalType,
            ["algorithm"] = "AEAD_AES_256_GCM",
            ["ciphertext"] = PayCrypto.Seal(key, nonce, associated, PayReply.Bytes(told)),
            ["nonce"] = nonce,
        };
        if (variant != Variant.NoAssociatedData) resource["associated_data"] = associated;
        return PayReply.Bytes(new JsonObject
        {
            ["id"] = notice.Id,
            ["create_time"] = PayLedger.Time(notice.CreatedAt),
            ["resource_type"] = "encrypt-resource",
            ["event_type"] = variant == Variant.UnknownEventType ? "TRANSACTION.SOMETHING" : notice.EventType,
            ["summary"] = notice.OriginalType switch { "refund" => "退款通知", TransferType => "商家转账单据终态通知", _ => "支付成功" },
            ["resource"] = resource,
        });
    }
}
