using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Campaigns.ApiFrontend.Payments;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>
/// WeChat Pay's trade bill (交易账单): UTF-8 lines of values after backticks, below a header and above two lines of totals; money in yuan.
/// Source: WeChat Pay v3 documentation, "format of the trade bill".
/// </summary>
internal static class WeChatPayBill
{
    public const int FileBytesMax = 64 << 20;
    public const int TextBytesMax = 256 << 20;

    private const string Time = "交易时间";
    private const string Transaction = "微信订单号";
    private const string OutTradeNo = "商户订单号";
    private const string TradeState = "交易状态";
    private const string OutRefundNo = "商户退款单号";
    private const string RefundState = "退款状态";
    private const string Attach = "商户数据包";
    private const string Total = "订单金额";
    private const string RefundAsked = "申请退款金额";
    private const string Totals = "总交易单数";

    private static readonly string[] Columns = [Time, Transaction, OutTradeNo, TradeState, OutRefundNo, RefundState, Attach, Total, RefundAsked];

    /// <returns>null if the file is not what its ticket says, or no bill</returns>
    public static async Task<IReadOnlyList<GatewayBillLine>?> Open(byte[] file, BillTicket ticket, CancellationToken cancellation) =>
        await Unpack(file, cancellation) is { } text && IsAsTold(text, ticket) ? Read(text) : null;

    /// <returns>null if it is no bill: a line that cannot be read makes all of it worthless</returns>
    public static IReadOnlyList<GatewayBillLine>? Read(byte[] text)
    {
        using var reader = new StreamReader(new MemoryStream(text), Encoding.UTF8); // eats a byte order mark
        if (reader.ReadLine() is not { } header) return null;
        var names = header.Split(',');
        var places = Columns.ToDictionary(c => c, c => Array.IndexOf(names, c), StringComparer.Ordinal);
        if (places.Values.Any(p => p < 0)) return null;

        var lines = new List<GatewayBillLine>();
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith(Totals, StringComparison.Ordinal)) return lines;
            if (!line.StartsWith('`')) return null;
            var values = line[1..].Split(",`");
            if (values.Length != names.Length || Line(name => values[places[name]]) is not { } read) return null;
            lines.Add(read);
        }

        return null; // without its totals it was cut off
    }

    /// <summary>Yuan with up to two decimals as fen, digit by digit: floating point would lose one now and then.</summary>
    public static long? FenOf(string yuan)
    {
        var parts = yuan.Split('.');
        if (parts.Length > 2 || parts[0].Length is 0 or > 12 || (parts.Length == 2 && parts[1].Length is 0 or > 2)) return null;
        var digits = parts[0] + (parts.Length == 2 ? parts[1] : "").PadRight(2, '0');
        return digits.All(char.IsAsciiDigit) ? long.Parse(digits, CultureInfo.InvariantCulture) : null;
    }

    private static GatewayBillLine? Line(Func<string, string> value)
    {
        var isRefund = value(TradeState) is "REFUND" or "REVOKED";
        if (!isRefund && value(TradeState) is not WeChatPayTransaction.Success) return null;
        if (FenOf(value(isRefund ? RefundAsked : Total)) is not { } fen) return null;
        if (!DateTime.TryParseExact(value(Time), "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var at)) return null;

        ShopId? shop = ShopId.TryParse(value(Attach), out var known) ? known : null;
        return new(
            isRefund ? BillLineKind.Refund : BillLineKind.Payment, value(OutTradeNo), value(Transaction), isRefund ? value(OutRefundNo) : null, fen,
            isRefund ? StateOf(value(RefundState)) : null, new DateTimeOffset(at, BeijingTime.Offset).ToUniversalTime(), shop);
    }

    private static RefundStatus StateOf(string word) => word switch
    {
        "SUCCESS" => RefundStatus.Succeeded,
        "PROCESSING" => RefundStatus.Processing,
        _ => RefundStatus.Failed,
    };

    private static async Task<byte[]?> Unpack(byte[] file, CancellationToken cancellation)
    {
        if (file is not [0x1f, 0x8b, ..]) return file;
        try
        {
            await using var unpacked = new GZipStream(new MemoryStream(file), CompressionMode.Decompress);
            return await unpacked.ReadAtMost(TextBytesMax, cancellation);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    // The download is not signed; the hash is in a reply that is. It is SHA-1 because WeChat Pay's is.
#pragma warning disable CA5350
    private static bool IsAsTold(byte[] text, BillTicket ticket) =>
        ticket.HashType is "SHA1" && string.Equals(Convert.ToHexString(SHA1.HashData(text)), ticket.HashValue, StringComparison.OrdinalIgnoreCase);
#pragma warning restore CA5350
}
