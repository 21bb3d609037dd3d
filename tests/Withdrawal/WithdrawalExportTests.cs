using System.Globalization;
using System.Text;
using Campaigns.ApiFrontend;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo.Projections;
using ExcelDataReader;

namespace Campaigns.Tests.Withdrawal;

/// <summary>The file that accountants open: read again byte for byte, and by a library that reads spreadsheets.</summary>
public sealed class WithdrawalExportTests : IDisposable
{
    private const string Zone = "Asia/Shanghai";
    private const string Digits = "01890000000070008000000000000001";

    private static readonly ShopId Demo = new("demo");
    private static readonly ShopperId Amei = new(Guid.ParseExact(Digits, "N"));
    private static readonly DateTimeOffset Midnight = new(2026, 11, 1, 0, 0, 0, TimeSpan.FromHours(8));

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly DocumentStore documents;
    private int made;

    static WithdrawalExportTests() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance); // the library wants them for older spreadsheets

    public WithdrawalExportTests() => documents = new SqliteDocuments(Path.Combine(folder.FullName, "projections.db"));

    public static TheoryData<string, string> Notes => new()
    {
        { "", "" },
        { "已核对, \"张三\"", "已核对, \"张三\"" },
        { "two\r\nlines", "two\r\nlines" },
        { "=HYPERLINK(\"http://x\",\"y\")", "'=HYPERLINK(\"http://x\",\"y\")" },
        { "+1+1", "'+1+1" },
        { "-1+1", "'-1+1" },
        { "@SUM(A1)", "'@SUM(A1)" },
        { "\t=1+1", "'\t=1+1" },
        { "\r=1+1", "'\r=1+1" },
        { "＝1+1", "'＝1+1" },
        { "a=1", "a=1" },
    };

    public void Dispose()
    {
        documents.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Every_byte_is_as_spreadsheets_want_it()
    {
        Add(Midnight.AddHours(20), 123_456, 3_703, "已核对");
        var bytes = await Export();

        Assert.Equal([0xEF, 0xBB, 0xBF], bytes[..3]);
        Assert.Equal(
            "提现单号 Withdrawal,分销员编号 Distributor,申请时间 Asked at,审核时间 Decided at,到账时间 Paid at,所属月份 Month,提现金额(元) Gross,手续费(元) Fee,实付金额(元) Net,备注 Note\r\n"
            + $"'{Numbered(1)},'{Digits},2026-10-31 20:00:00,2026-11-01 08:00:00,2026-11-01 20:00:00,202611,1234.56,37.03,1197.53,已核对\r\n",
            Encoding.UTF8.GetString(bytes.AsSpan(3)));
    }

    [Theory]
    [MemberData(nameof(Notes))]
    public async Task No_text_of_anybody_becomes_a_formula(string note, string cell)
    {
        Add(Midnight, 100, 0, note);
        Assert.Equal(cell, Assert.Single(await Rows())[9]);
    }

    [Fact]
    public async Task An_id_of_digits_alone_stays_a_text_and_amounts_are_plain_numbers()
    {
        Add(Midnight, 1_000_000_000_005, 5, null);
        var row = Assert.Single(await Rows());
        Assert.Equal($"'{Digits}", row[1]);
        Assert.Equal([10_000_000_000.05m, 0.05m, 10_000_000_000.00m], row[6..9].Select(n => decimal.Parse(n, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task The_rows_are_those_paid_from_the_first_day_to_the_last_newest_first()
    {
        foreach (var at in (ReadOnlySpan<DateTimeOffset>)[Midnight.AddTicks(-1), Midnight, Midnight.AddDays(30).AddTicks(-1), Midnight.AddDays(30)]) Add(at, 100, 0, null);
        Assert.Equal(["2026-11-30 23:59:59", "2026-11-01 00:00:00"], (await Rows()).Select(r => r[4]));
        Assert.Equal(2, documents.Count(Demo, WithdrawalViews.Paid, WithdrawalViews.All, Midnight, Midnight.AddDays(30)));
    }

    [Fact]
    public async Task Many_rows_come_page_by_page_without_a_gap_or_a_double()
    {
        for (var i = 0; i < 250; i++) Add(Midnight.AddMinutes(i / 3), 100 + i, 0, null); // several of one moment
        var rows = await Rows();
        Assert.Equal(250, rows.Select(r => r[0]).Distinct().Count());
        Assert.Equal((250, 250 * 100) is var (n, fen) ? (n, fen + (249 * 125)) : default, (rows.Count, (int)(rows.Sum(r => decimal.Parse(r[6], CultureInfo.InvariantCulture)) * 100)));
        Assert.Equal(rows.Select(r => r[4]).OrderDescending(StringComparer.Ordinal), rows.Select(r => r[4]));
    }

    private static string Numbered(int i) => WithdrawalId.Of(new Guid(i, 0, 0, new byte[8])).ToString();

    private void Add(DateTimeOffset paidAt, long amountFen, long feeFen, string? reason)
    {
        var withdrawal = new WithdrawalView(WithdrawalId.Of(new Guid(++made, 0, 0, new byte[8])), Amei, WithdrawalStatus.Paid, amountFen, feeFen, paidAt.AddDays(-1).ToUniversalTime(), paidAt.AddHours(-12).ToUniversalTime(), paidAt.ToUniversalTime(), reason, null, null);
        documents.Put(Demo, WithdrawalViews.Paid, withdrawal.Id.ToString(), WithdrawalViews.All, paidAt, withdrawal);
        documents.Commit(made, paidAt);
    }

    /// <summary>November 2026.</summary>
    private async Task<byte[]> Export()
    {
        using var file = new MemoryStream();
        await WithdrawalExport.Write(file, documents, Demo, Midnight, Midnight.AddDays(30), Zone, CancellationToken.None);
        return file.ToArray();
    }

    /// <summary>The rows below the header, as a spreadsheet reads them.</summary>
    private async Task<IReadOnlyList<string[]>> Rows()
    {
        using var file = new MemoryStream(await Export());
        using var sheet = ExcelReaderFactory.CreateCsvReader(file, new() { FallbackEncoding = Encoding.Latin1 }); // UTF-8 is known by the byte order mark alone
        var rows = new List<string[]>();
        while (sheet.Read()) rows.Add([.. Enumerable.Range(0, sheet.FieldCount).Select(i => sheet.GetString(i) ?? "")]);
        Assert.StartsWith("提现单号", rows[0][0], StringComparison.Ordinal);
        Assert.All(rows, r => Assert.Equal(10, r.Length));
        return rows[1..];
    }
}
