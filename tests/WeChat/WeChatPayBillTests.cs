using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.Tests.WeChat;

public sealed class WeChatPayBillTests
{
    // The columns as WeChat Pay writes them.
    internal const string Header = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";

    internal const string Totals = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n`2,`94.00,`30.00,`0.00,`0.56000,`99.00,`30.00\n";

    private const string Paid = "`2026-11-20 19:59:58,`wx,`1900007291,`0,`,`4200000000202611200000000001,`T1,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`JSAPI,`SUCCESS,`OTHERS,`CNY,`94.00,`5.00,`0,`0,`0.00,`0.00,`,`,`茶, 大 \"礼\"盒,`demo,`0.56000,`0.60%,`99.00,`0.00,`";
    private const string Refunded = "`2026-11-20 20:30:00,`wx,`1900007291,`0,`,`4200000000202611200000000001,`T1,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50200207182018070300011301001,`o-1,`28.50,`0.00,`ORIGINAL,`PROCESSING,`茶,`demo,`-0.17000,`0.60%,`0.00,`30.00,`";

    [Fact]
    public void Payments_and_refunds_are_read_over_what_was_asked_for()
    {
        var lines = Read($"{Header}\n{Paid}\n{Refunded}\n{Totals}");
        Assert.Equal(
        [
            new GatewayBillLine(BillLineKind.Payment, "T1", "4200000000202611200000000001", null, 9_900, null, new(2026, 11, 20, 11, 59, 58, TimeSpan.Zero), new ShopId("demo")),
            new GatewayBillLine(BillLineKind.Refund, "T1", "4200000000202611200000000001", "o-1", 3_000, RefundStatus.Processing, new(2026, 11, 20, 12, 30, 0, TimeSpan.Zero), new ShopId("demo")),
        ],
        lines!);
    }

    [Theory]
    [InlineData("\uFEFF", "\n")]
    [InlineData("", "\r\n")]
    public void Byte_order_mark_and_line_ends_do_not_matter(string mark, string end) =>
        Assert.Equal(2, Read(mark + $"{Header}\n{Paid}\n{Refunded}\n{Totals}".Replace("\n", end, StringComparison.Ordinal))!.Count);

    [Fact]
    public void Columns_are_found_by_their_names()
    {
        var names = Header.Split(',');
        var turned = string.Join(',', names.Reverse()) + "\n`" + string.Join(",`", Paid[1..].Split(",`").Reverse()) + "\n" + Totals;
        Assert.Equal(Read($"{Header}\n{Paid}\n{Totals}")!, Read(turned)!);
    }

    [Fact]
    public void Day_without_lines_has_totals() => Assert.Empty(Read($"{Header}\n{Totals}")!);

    [Theory]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData(Header)]
    [InlineData(Header + "\n" + Paid + "\n" + Refunded)] // cut off before its totals
    [InlineData(Header + "\n" + Paid + ",`one more\n" + Totals)]
    [InlineData(Header + "\nnot a line\n" + Totals)]
    [InlineData("交易时间,微信订单号\n" + Totals)]
    public void What_is_no_bill_is_not_read_in_part(string text) => Assert.Null(Read(text));

    [Theory]
    [InlineData("`99.00", "`99.005")]
    [InlineData("`99.00", "`99,00")]
    [InlineData("`99.00", "`-99.00")]
    [InlineData("2026-11-20 19:59:58", "2026-13-20 19:59:58")]
    [InlineData("`SUCCESS", "`PAYERROR")]
    public void Line_that_cannot_be_read_makes_the_bill_worthless(string good, string bad)
    {
        Assert.Contains(good, Paid, StringComparison.Ordinal);
        Assert.Null(Read($"{Header}\n{Paid.Replace(good, bad, StringComparison.Ordinal)}\n{Totals}"));
    }

    [Theory]
    [InlineData("SUCCESS", RefundStatus.Succeeded)]
    [InlineData("PROCESSING", RefundStatus.Processing)]
    [InlineData("FAILED", RefundStatus.Failed)]
    [InlineData("CHANGE", RefundStatus.Failed)]
    public void Refund_has_the_state_of_when_the_bill_was_written(string word, RefundStatus state) =>
        Assert.Equal(state, Assert.Single(Read($"{Header}\n{Refunded.Replace("PROCESSING", word, StringComparison.Ordinal)}\n{Totals}")!).RefundState);

    [Fact]
    public void Payment_of_somebody_else_with_the_same_merchant_has_no_shop() =>
        Assert.Null(Assert.Single(Read($"{Header}\n{Paid.Replace("`demo", "`cipher code", StringComparison.Ordinal)}\n{Totals}")!).Shop);

    [Theory]
    [InlineData("0.01", 1L)]
    [InlineData("0.1", 10L)]
    [InlineData("1", 100L)]
    [InlineData("0.29", 29L)] // 0.29 * 100 is 28.999… in floating point
    [InlineData("1.15", 115L)]
    [InlineData("4.35", 435L)]
    [InlineData("100000000.00", 10_000_000_000L)]
    [InlineData("", null)]
    [InlineData(".5", null)]
    [InlineData("1.", null)]
    [InlineData("1.234", null)]
    [InlineData("1.2.3", null)]
    [InlineData("+1.00", null)]
    [InlineData("1e2", null)]
    [InlineData("１.00", null)]
    [InlineData("1234567890123.00", null)]
    public void Yuan_become_fen_digit_by_digit(string yuan, long? fen) => Assert.Equal(fen, WeChatPayBill.FenOf(yuan));

    [Fact]
    public void Every_amount_up_to_ten_thousand_yuan_survives()
    {
        for (var fen = 0; fen <= 1_000_000; fen += 7) Assert.Equal(fen, WeChatPayBill.FenOf(new Money(fen).ToString()));
    }

    [Fact]
    public async Task Hash_is_of_what_was_unpacked()
    {
        var text = Encoding.UTF8.GetBytes($"{Header}\n{Paid}\n{Totals}");
        Assert.Single((await WeChatPayBill.Open(Packed(text), Ticket(text), default))!);
        Assert.Single((await WeChatPayBill.Open(text, Ticket(text), default))!); // not packed after all
        Assert.Null(await WeChatPayBill.Open(Packed(text), Ticket(Packed(text)), default));
        Assert.Null(await WeChatPayBill.Open(Packed(text), Ticket(text) with { HashType = "MD5" }, default));
        Assert.Null(await WeChatPayBill.Open(Packed([.. text, 10]), Ticket(text), default));
        Assert.Null(await WeChatPayBill.Open(Packed(text)[..^20], Ticket(text), default));
    }

    internal static byte[] Packed(byte[] text)
    {
        using var file = new MemoryStream();
        using (var pack = new GZipStream(file, CompressionMode.Compress)) pack.Write(text);
        return file.ToArray();
    }

#pragma warning disable CA5350 // WeChat Pay's choice
    internal static string HashOf(byte[] text) => Convert.ToHexStringLower(SHA1.HashData(text));
#pragma warning restore CA5350

    private static BillTicket Ticket(byte[] text) => new("SHA1", HashOf(text), "");

    private static IReadOnlyList<GatewayBillLine>? Read(string text) => WeChatPayBill.Read(Encoding.UTF8.GetBytes(text));
}
