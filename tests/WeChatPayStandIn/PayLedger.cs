using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>The merchant as the gateway knows it.</summary>
internal sealed record Merchant(string Mchid, string Appid, string CertificateSerial, string PublicKeyPem, string ApiV3Key);

internal enum TradeState
{
    NotPaid = 1,
    Paid = 2,
    Closed = 3,
}

internal enum RefundEnd
{
    Processing = 1,
    Success = 2,
    Closed = 3,
    Abnormal = 4,
}

internal sealed class Trade(string outTradeNo, JsonElement asked, DateTimeOffset createdAt)
{
    /// <summary>How long a prepay id shows a payment sheet, whatever else was agreed.</summary>
    public static readonly TimeSpan PrepayLife = TimeSpan.FromHours(2);

    public string OutTradeNo { get; } = outTradeNo;

    /// <summary>The request that opened it.</summary>
    public JsonElement Asked { get; } = asked;

    public DateTimeOffset CreatedAt { get; } = createdAt;

    public TradeState State { get; set; } = TradeState.NotPaid;

    public Dictionary<string, DateTimeOffset> Prepays { get; } = new(StringComparer.Ordinal);

    public string? TransactionId { get; set; }

    public DateTimeOffset PaidAt { get; set; }

    public List<Refund> Refunds { get; } = [];

    public long Total => Asked.GetProperty("amount").GetProperty("total").GetInt64();

    public string OpenId => Asked.GetProperty("payer").GetProperty("openid").GetString()!;

    public string NotifyUrl => Asked.GetProperty("notify_url").GetString()!;

    public string? Attach => Asked.TryGetProperty("attach", out var attach) ? attach.GetString() : null;

    /// <summary>Until when it can be paid, moved into what the gateway allows: a minute ahead at least, seven days if nothing was said.</summary>
    public DateTimeOffset PayableUntil
    {
        get
        {
            if (!Asked.TryGetProperty("time_expire", out var said)) return CreatedAt.AddDays(7);
            var until = DateTimeOffset.Parse(said.GetString()!, CultureInfo.InvariantCulture);
            return until < CreatedAt.AddMinutes(1) ? CreatedAt.AddMinutes(1) : until > CreatedAt.AddDays(90) ? CreatedAt.AddDays(90) : until;
        }
    }

    /// <summary>What went back or is going back; a closed refund stays with the merchant.</summary>
    public long GivenBack => Refunds.Where(r => r.End != RefundEnd.Closed).Sum(r => r.Amount);
}

internal sealed class Refund(string outRefundNo, string refundId, Trade trade, JsonElement asked, DateTimeOffset acceptedAt)
{
    public string OutRefundNo { get; } = outRefundNo;

    public string RefundId { get; } = refundId;

    public Trade Trade { get; } = trade;

    public JsonElement Asked { get; } = asked;

    public DateTimeOffset AcceptedAt { get; } = acceptedAt;

    public RefundEnd End { get; set; } = RefundEnd.Processing;

    public DateTimeOffset EndedAt { get; set; }

    public long Amount => Asked.GetProperty("amount").GetProperty("refund").GetInt64();

    public string? NotifyUrl => Asked.TryGetProperty("notify_url", out var address) ? address.GetString() : null;

    public string Status => End.ToString().ToUpperInvariant();
}

/// <summary>What the gateway answers, before it is signed.</summary>
/// <param name="Inner">the number behind the request id, by which support finds what it was</param>
internal sealed record PayReply(int Status, byte[] Body, long Inner = 0, string? ContentType = "application/json; charset=utf-8", bool Signed = true)
{
    private static readonly JsonSerializerOptions AsWritten = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static PayReply Of(JsonNode body) => new(200, Bytes(body));

    public static PayReply Refused(int status, string code, string message, long inner, JsonNode? detail = null)
    {
        var body = new JsonObject { ["code"] = code, ["message"] = message };
        if (detail is not null) body["detail"] = detail;
        return new(status, Bytes(body), inner, Signed: false);
    }

    public static byte[] Bytes(JsonNode body) => JsonSerializer.SerializeToUtf8Bytes(body, AsWritten);
}

/// <summary>Every trade and refund of one merchant, and what may happen to them. Not thread-safe: its owner asks one thing at a time.</summary>
internal sealed class PayLedger(Merchant merchant, TimeProvider clock)
{
    public const int RefundsPerTradeMax = 50;

    private readonly Dictionary<string, Trade> trades = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Refund> refunds = new(StringComparer.Ordinal);
    private int numbers;

    /// <summary>The openids this gateway has issued to the app; null while anybody's is good.</summary>
    public HashSet<string>? OpenIds { get; set; }

    /// <summary>So many refunds are refused for want of money on the merchant's account.</summary>
    public int NotEnough { get; set; }

    /// <summary>Refunds are done the moment they are accepted.</summary>
    public bool RefundsEndAtOnce { get; set; }

    public IReadOnlyCollection<Trade> Trades => trades.Values;

    public IReadOnlyCollection<Refund> Refunds => refunds.Values;

    public Trade Trade(string outTradeNo) => trades.TryGetValue(outTradeNo, out var trade) ? trade : throw new InvalidOperationException($"The gateway knows no trade {outTradeNo}.");

    public Refund Refund(string outRefundNo) => refunds.TryGetValue(outRefundNo, out var refund) ? refund : throw new InvalidOperationException($"The gateway knows no refund {outRefundNo}.");

    /// <param name="fault">what the client did against the rules, if anything</param>
    public PayReply Prepay(JsonElement asked, out string? fault)
    {
        fault = null;
        if (WrongMerchant(asked) is { } wrong) return Faulty(400, "APPID_MCHID_NOT_MATCH", wrong, 268445527, out fault);
        if (OpenIds is not null && !OpenIds.Contains(asked.GetProperty("payer").GetProperty("openid").GetString()!)) return Faulty(400, "PARAM_ERROR", "payer.openid is none of this app", 268501013, out fault);

        var number = asked.GetProperty("out_trade_no").GetString()!;
        if (trades.TryGetValue(number, out var trade))
        {
            if (trade.State == TradeState.Paid) return PayReply.Refused(403, "OUT_TRADE_NO_USED", "the order is paid", 268449538);
            if (trade.State == TradeState.Closed) return PayReply.Refused(403, "OUT_TRADE_NO_USED", "the order is closed", 268498689);
            if (!IsSame(trade.Asked, asked)) return Faulty(400, "INVALID_REQUEST", "the same out_trade_no with other parameters", 268498688, out fault);
        }
        else
        {
            trades.Add(number, trade = new(number, asked, clock.GetUtcNow()));
        }

        var prepay = $"wx{clock.GetUtcNow().ToOffset(Beijing):yyyyMMddHHmmss}{PayCrypto.Nonce(20)}";
        trade.Prepays.Add(prepay, clock.GetUtcNow());
        return PayReply.Of(new JsonObject { ["prepay_id"] = prepay });
    }

    public PayReply Query(Func<Trade, bool> which)
    {
        if (trades.Values.FirstOrDefault(which) is not { } trade) return PayReply.Refused(404, "ORDER_NOT_EXIST", "there is no such order", 268512771);
        return PayReply.Of(Told(trade));
    }

    public PayReply Close(string outTradeNo, JsonElement asked, out string? fault)
    {
        fault = null;
        if (asked.GetProperty("mchid").GetString() != merchant.Mchid) return Faulty(400, "PARAM_ERROR", "mchid is another merchant's", 268435461, out fault);
        if (!trades.TryGetValue(outTradeNo, out var trade)) return PayReply.Refused(404, "ORDER_NOT_EXIST", "there is no such order", 268512771);
        if (trade.State == TradeState.Paid) return PayReply.Refused(400, "INVALID_REQUEST", "the order is paid and cannot be closed", 268449641);

        trade.State = TradeState.Closed;
        return new(204, [], ContentType: null);
    }

    public PayReply Refund(JsonElement asked, out string? fault)
    {
        fault = null;
        var (byTransaction, byTrade) = (asked.TryGetProperty("transaction_id", out var transaction), asked.TryGetProperty("out_trade_no", out var outTrade));
        if (byTransaction == byTrade) return Faulty(400, "PARAM_ERROR", "either transaction_id or out_trade_no names the trade", 268435461, out fault);
        if (asked.TryGetProperty("reason", out var reason) && Forms.Bytes(reason.GetString()!) > Forms.ReasonBytesMax) return Faulty(400, "PARAM_ERROR", "reason is longer than 80 bytes", 268435461, out fault);

        var trade = trades.Values.FirstOrDefault(t => byTrade ? t.OutTradeNo == outTrade.GetString() : t.TransactionId == transaction.GetString());
        if (trade is null) return Faulty(404, "RESOURCE_NOT_EXISTS", "there is no such order", 268512771, out fault);

        var (number, money) = (asked.GetProperty("out_refund_no").GetString()!, asked.GetProperty("amount"));
        if (refunds.TryGetValue(number, out var known))
            return known.Trade == trade && IsSame(known.Asked, asked) ? PayReply.Of(Told(known)) : Faulty(400, "INVALID_REQUEST", "the same out_refund_no with other parameters", 268498688, out fault);
        if (trade.State != TradeState.Paid) return Faulty(400, "INVALID_REQUEST", "the order is not paid", 268435461, out fault);
        if (money.GetProperty("total").GetInt64() != trade.Total) return Faulty(400, "INVALID_REQUEST", "amount.total is not what the order cost", 268435461, out fault);
        if (trade.GivenBack + money.GetProperty("refund").GetInt64() > trade.Total) return Faulty(400, "INVALID_REQUEST", "more would go back than was paid", 268435461, out fault);
        if (trade.Refunds.Count >= RefundsPerTradeMax) return Faulty(400, "INVALID_REQUEST", "the order has 50 refunds already", 268435461, out fault);
        if (clock.GetUtcNow() > trade.PaidAt.AddYears(1)) return Faulty(400, "INVALID_REQUEST", "the order was paid more than a year ago", 268435461, out fault);
        if (NotEnough > 0)
        {
            NotEnough--;
            return PayReply.Refused(403, "NOT_ENOUGH", "the account has not enough money", 268435461);
        }

        var refund = new Refund(number, $"503{Number():D25}", trade, asked, clock.GetUtcNow());
        refunds.Add(number, refund);
        trade.Refunds.Add(refund);
        if (RefundsEndAtOnce) EndRefund(number, RefundEnd.Success);
        return PayReply.Of(Told(refund));
    }

    public PayReply QueryRefund(string outRefundNo) =>
        refunds.TryGetValue(outRefundNo, out var refund) ? PayReply.Of(Told(refund)) : PayReply.Refused(404, "RESOURCE_NOT_EXISTS", "there is no such refund", 268512771);

    /// <summary>The shopper pays with a prepay id, as far as it still can be paid.</summary>
    public void Pay(string outTradeNo, string prepayId)
    {
        var (trade, now) = (Trade(outTradeNo), clock.GetUtcNow());
        if (trade.State != TradeState.NotPaid) throw new InvalidOperationException($"Trade {outTradeNo} is {trade.State}.");
        if (!trade.Prepays.TryGetValue(prepayId, out var issued) || now > issued + WeChatPayStandIn.Trade.PrepayLife) throw new InvalidOperationException($"The prepay id of trade {outTradeNo} is over.");
        if (now > trade.PayableUntil) throw new InvalidOperationException($"The time to pay trade {outTradeNo} is over.");

        trade.State = TradeState.Paid;
        trade.TransactionId = $"4200{Number():D24}";
        trade.PaidAt = now;
    }

    public void EndRefund(string outRefundNo, RefundEnd end)
    {
        var refund = Refund(outRefundNo);
        if (refund.End is RefundEnd.Success or RefundEnd.Closed) throw new InvalidOperationException($"Refund {outRefundNo} is {refund.End}.");
        refund.End = end;
        refund.EndedAt = clock.GetUtcNow();
    }

    public JsonObject Told(Trade trade)
    {
        var told = new JsonObject
        {
            ["appid"] = merchant.Appid,
            ["mchid"] = merchant.Mchid,
            ["out_trade_no"] = trade.OutTradeNo,
            ["trade_state"] = trade.State switch { TradeState.Closed => "CLOSED", TradeState.NotPaid => "NOTPAY", _ => trade.Refunds.Count > 0 ? "REFUND" : "SUCCESS" },
            ["trade_state_desc"] = trade.State switch { TradeState.Closed => "订单已关闭", TradeState.NotPaid => "订单未支付", _ => trade.Refunds.Count > 0 ? "转入退款" : "支付成功" },
            ["payer"] = new JsonObject { ["openid"] = trade.OpenId },
        };
        if (trade.Attach is { } attach) told["attach"] = attach;
        if (trade.State != TradeState.Paid)
        {
            told["amount"] = new JsonObject { ["total"] = trade.Total, ["currency"] = "CNY" };
            return told;
        }

        told["transaction_id"] = trade.TransactionId;
        told["trade_type"] = "JSAPI";
        told["bank_type"] = "OTHERS";
        told["success_time"] = Time(trade.PaidAt);
        told["amount"] = new JsonObject { ["total"] = trade.Total, ["payer_total"] = trade.Total, ["currency"] = "CNY", ["payer_currency"] = "CNY" };
        return told;
    }

    public static JsonObject Told(Refund refund)
    {
        var told = new JsonObject
        {
            ["refund_id"] = refund.RefundId,
            ["out_refund_no"] = refund.OutRefundNo,
            ["transaction_id"] = refund.Trade.TransactionId,
            ["out_trade_no"] = refund.Trade.OutTradeNo,
            ["channel"] = "ORIGINAL",
            ["user_received_account"] = "支付用户零钱",
            ["create_time"] = Time(refund.AcceptedAt),
            ["status"] = refund.Status,
            ["funds_account"] = "AVAILABLE",
            ["amount"] = new JsonObject
            {
                ["total"] = refund.Trade.Total,
                ["refund"] = refund.Amount,
                ["from"] = new JsonArray(),
                ["payer_total"] = refund.Trade.Total,
                ["payer_refund"] = refund.Amount,
                ["settlement_refund"] = refund.Amount,
                ["settlement_total"] = refund.Trade.Total,
                ["discount_refund"] = 0,
                ["currency"] = "CNY",
                ["refund_fee"] = 0,
            },
        };
        if (refund.End == RefundEnd.Success) told["success_time"] = Time(refund.EndedAt);
        return told;
    }

    /// <summary>What a notification says of a payment.</summary>
    public JsonObject ToldToMerchant(Trade trade)
    {
        var told = Told(trade);
        told["trade_state"] = "SUCCESS";
        told["trade_state_desc"] = "支付成功";
        return told;
    }

    /// <summary>What a notification says of a refund: other names than the query's, and no currency.</summary>
    public JsonObject ToldToMerchant(Refund refund)
    {
        var told = new JsonObject
        {
            ["mchid"] = merchant.Mchid,
            ["transaction_id"] = refund.Trade.TransactionId,
            ["out_trade_no"] = refund.Trade.OutTradeNo,
            ["refund_id"] = refund.RefundId,
            ["out_refund_no"] = refund.OutRefundNo,
            ["refund_status"] = refund.Status,
            ["user_received_account"] = "支付用户零钱",
            ["amount"] = new JsonObject { ["total"] = refund.Trade.Total, ["refund"] = refund.Amount, ["payer_total"] = refund.Trade.Total, ["payer_refund"] = refund.Amount },
        };
        if (refund.End == RefundEnd.Success) told["success_time"] = Time(refund.EndedAt);
        return told;
    }

    public static readonly TimeSpan Beijing = TimeSpan.FromHours(8);

    public static string Time(DateTimeOffset at) => at.ToOffset(Beijing).ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture);

    private static PayReply Faulty(int status, string code, string message, long inner, out string? fault)
    {
        fault = message;
        return PayReply.Refused(status, code, message, inner);
    }

    private static bool IsSame(JsonElement one, JsonElement other) => JsonElement.DeepEquals(one, other);

    private string? WrongMerchant(JsonElement asked) =>
        asked.GetProperty("mchid").GetString() == merchant.Mchid && asked.GetProperty("appid").GetString() == merchant.Appid ? null : "appid and mchid do not belong together";

    private int Number() => ++numbers;
}
