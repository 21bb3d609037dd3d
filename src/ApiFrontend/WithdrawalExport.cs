using System.Globalization;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo.Projections;
using CsvHelper;

namespace Campaigns.ApiFrontend;

/// <summary>
/// What was paid out, as a file for spreadsheets and the tax office (提现明细): one row for each transfer that has arrived, with what was asked for,
/// what the shop kept and what arrived.
/// </summary>
internal static class WithdrawalExport
{
    public const int DaysMax = 366;
    public const int RowsMax = 50_000;

    private const string Day = "yyyy-MM-dd";

    // What spreadsheets take for the beginning of a formula; Chinese and Japanese ones also take it in full width.
    private const string Formula = "=+-@\t\r＝＋－＠";

    // The byte order mark tells Excel and WPS that it is UTF-8.
    private static readonly CsvWriterOptions Csv = CsvWriterOptions.Default with { Separator = ',', NewLine = "\r\n", WriteByteOrderMark = true };

    private static readonly string[] Header =
    [
        "提现单号 Withdrawal", "分销员编号 Distributor", "申请时间 Asked at", "审核时间 Decided at", "到账时间 Paid at", "所属月份 Month", "提现金额(元) Gross", "手续费(元) Fee", "实付金额(元) Net", "备注 Note",
    ];

    /// <param name="from">the first day of the shop's calendar that something was paid on, <c>YYYY-MM-DD</c>; this month's if absent</param>
    /// <param name="to">the last one; today if absent</param>
    public static async Task<IResult> Export(string? from, string? to, MerchantCaller caller, IGrains grains, DocumentStore documents, TimeProvider clock, HttpContext context)
    {
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if (shop.Refusal is { } unknown) return Api.Refuse(unknown);
        var zone = shop.Reply!.Settings.TimeZone;
        var today = LocalDay.Of(clock.GetUtcNow(), zone);
        if (DayOf(to, today) is not { } last) return Api.Refuse(Refusal.Invalid("to", "A day is YYYY-MM-DD."));
        if (DayOf(from, new(last.Year, last.Month, 1)) is not { } first) return Api.Refuse(Refusal.Invalid("from", "A day is YYYY-MM-DD."));
        if (last.DayNumber - first.DayNumber is < 0 or >= DaysMax) return Api.Refuse(Refusal.Invalid("to", "1 to 366 days from the first to the last."));
        var (start, end) = (LocalDay.At(first, TimeOnly.MinValue, zone), LocalDay.EndOf(last, zone));
        if (documents.Count(caller.Shop, WithdrawalViews.Paid, WithdrawalViews.All, start, end) > RowsMax) return Api.Refuse(Refusal.Invalid("to", "More than 50,000 rows: take fewer days."));

        var name = string.Create(CultureInfo.InvariantCulture, $"withdrawals-{first:yyyyMMdd}-{last:yyyyMMdd}.csv");
        return TypedResults.Stream(body => Write(body, documents, caller.Shop, start, end, zone, context.RequestAborted), $"{ShipmentUploads.MediaType}; charset=utf-8", name);
    }

    internal static async Task Write(Stream body, DocumentStore documents, ShopId shop, DateTimeOffset start, DateTimeOffset end, string zone, CancellationToken cancellation)
    {
        await using var writer = CsvWriter.Create(body, Csv, leaveOpen: true);
        await writer.WriteRecordAsync(Header, cancellation);
        for (var cursor = DocumentStore.CursorBefore(end); cursor is not null;)
        {
            var page = documents.List<WithdrawalView>(shop, WithdrawalViews.Paid, WithdrawalViews.All, cursor, DocumentStore.PageMax);
            foreach (var withdrawal in page.Items.TakeWhile(w => w.EndedAt >= start)) await writer.WriteRecordAsync(Row(withdrawal, zone), cancellation);
            await writer.FlushAsync(cancellation);
            cursor = page.Items is [.., { EndedAt: var oldest }] && oldest >= start ? page.NextCursor : null;
        }
    }

    private static string[] Row(WithdrawalView withdrawal, string zone) =>
    [
        AsText(withdrawal.Id.ToString()),
        AsText(withdrawal.ShopperId.ToString()),
        Time(withdrawal.AskedAt, zone),
        Time(withdrawal.DecidedAt, zone),
        Time(withdrawal.EndedAt, zone),
        LocalDay.Of(withdrawal.EndedAt!.Value, zone).ToString("yyyyMM", CultureInfo.InvariantCulture), // with a dash a spreadsheet would make a date of it
        new Money(withdrawal.AmountFen).ToString(),
        new Money(withdrawal.FeeFen).ToString(),
        new Money(withdrawal.AmountFen - withdrawal.FeeFen).ToString(),
        withdrawal.Reason is [var first, ..] reason && Formula.Contains(first, StringComparison.Ordinal) ? AsText(reason) : withdrawal.Reason ?? "",
    ];

    // Behind an apostrophe anything is a text: an id of digits alone would become a rounded number.
    private static string AsText(string cell) => $"'{cell}";

    private static string Time(DateTimeOffset? at, string zone) =>
        at is { } moment ? TimeZoneInfo.ConvertTimeBySystemTimeZoneId(moment, zone).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) : "";

    private static DateOnly? DayOf(string? text, DateOnly absent)
    {
        if (string.IsNullOrEmpty(text)) return absent;
        return DateOnly.TryParseExact(text, Day, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day.Year is >= 2000 and < 2200 ? day : null;
    }
}
