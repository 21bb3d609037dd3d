using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>A trade bill as the gateway writes it: Chinese headings, a backtick before every value, money in yuan, totals at the end.</summary>
internal static class TradeBill
{
    private const string Heading =
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";

    private const string TotalsHeading = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

    /// <param name="day">in Beijing; a payment belongs to the day it was paid, a refund to the day it was accepted</param>
    /// <returns>null if nothing moved</returns>
    public static byte[]? Write(PayLedger ledger, Merchant merchant, DateOnly day)
    {
        var paid = ledger.Trades.Where(t => t.State == TradeState.Paid && IsOn(day, t.PaidAt)).OrderBy(t => t.PaidAt).ToList();
        var refunded = ledger.Refunds.Where(r => IsOn(day, r.AcceptedAt)).OrderBy(r => r.AcceptedAt).ToList();
        if (paid.Count + refunded.Count == 0) return null;

        var text = new StringBuilder().Append(Heading).Append("\r\n");
        foreach (var trade in paid) Line(text, [Time(trade.PaidAt), .. About(trade, merchant), "SUCCESS", "OTHERS", "CNY", Yuan(trade.Total), "0.00", "0", "0", "0.00", "0.00", "", "", .. Goods(trade), "0.00000", "0.60%", Yuan(trade.Total), "0.00", ""]);
        foreach (var refund in refunded)
        {
            Line(text, [Time(refund.AcceptedAt), .. About(refund.Trade, merchant), "REFUND", "OTHERS", "CNY", "0.00", "0.00", refund.RefundId, refund.OutRefundNo, Yuan(refund.Amount), "0.00", "ORIGINAL", refund.Status, .. Goods(refund.Trade), "0.00000", "0.60%", "0.00", Yuan(refund.Amount), ""]);
        }

        text.Append(TotalsHeading).Append("\r\n");
        var (taken, back) = (paid.Sum(t => t.Total), refunded.Sum(r => r.Amount));
        Line(text, [(paid.Count + refunded.Count).ToString(CultureInfo.InvariantCulture), Yuan(taken), Yuan(back), "0.00", "0.00000", Yuan(taken), Yuan(back)]);
        return [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text.ToString())];
    }

#pragma warning disable CA5350 // the hash that the gateway writes down; nothing is secured by it
    public static string Hash(byte[] file) => Convert.ToHexStringLower(SHA1.HashData(file));
#pragma warning restore CA5350

    public static byte[] Zip(byte[] file)
    {
        using var zipped = new MemoryStream();
        using (var zip = new GZipStream(zipped, CompressionLevel.Fastest)) zip.Write(file);
        return zipped.ToArray();
    }

    private static bool IsOn(DateOnly day, DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(PayLedger.Beijing).DateTime) == day;

    private static string[] About(Trade trade, Merchant merchant) => [merchant.Appid, merchant.Mchid, "0", "", trade.TransactionId!, trade.OutTradeNo, trade.OpenId, "JSAPI"];

    // With the merchant's commas in it: only the backticks tell where a value begins.
    private static string[] Goods(Trade trade) => [trade.Asked.GetProperty("description").GetString()!, trade.Attach ?? ""];

    private static void Line(StringBuilder text, IEnumerable<string> values) => text.AppendJoin(',', values.Select(v => "`" + v)).Append("\r\n");

    private static string Time(DateTimeOffset at) => at.ToOffset(PayLedger.Beijing).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Yuan(long fen) => string.Create(CultureInfo.InvariantCulture, $"{fen / 100}.{fen % 100:D2}");
}
