using System.Text;
using System.Text.RegularExpressions;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using CsvHelper;

namespace Campaigns.ApiFrontend;

/// <summary>Marks an endpoint that takes a CSV file as its body.</summary>
/// <param name="Format">what stands in it, for the document</param>
internal sealed record CsvBody(string Format);

/// <param name="Row">the line of the file, from 1; the header counts</param>
/// <param name="Code">why it was not shipped: the code that the order alone would have been refused with</param>
/// <param name="Message">the same in the caller's language</param>
internal sealed record RefusedShipment(int Row, string Code, string Message);

/// <param name="Rows">rows with an order in them</param>
/// <param name="Accepted">rows whose order is shipped now with what they say, or was before</param>
internal sealed record ShipmentReport(int Rows, int Accepted, IReadOnlyList<RefusedShipment> Refused);

/// <summary>
/// Many shipments in one file, as spreadsheets and warehouses give them (批量发货). Every row stands for itself; the same file again changes nothing.
/// </summary>
internal static partial class ShipmentUploads
{
    public const string MediaType = "text/csv";
    public const int BytesMax = 1 << 20;
    public const string Format = "CSV in UTF-8, with or without a byte order mark, at most 1 MiB and 5,000 rows. The first row names the columns orderId, carrier, trackingNumber or 订单号, 快递公司, 运单号, in any order; other columns are left alone. GB18030 and other encodings are refused.";

    private const int RowsMax = 5_000;
    private const int CharactersPerRowMax = 2_000;
    private const int AtOnce = 100;

    private static readonly string[][] Columns = [["orderId", "订单号"], ["carrier", "快递公司"], ["trackingNumber", "运单号"]];

    // A row is a line: an open quote spoils its own row and not the rest of the file.
    private static readonly CsvReaderOptions Csv = CsvReaderOptions.Default with { Separator = ',', HasHeader = false, MalformedData = CsvMalformedDataHandling.Skip };

    /// <summary>With a byte order mark: without it Excel takes the Chinese for something else.</summary>
    public static IResult Template() => TypedResults.File(Encoding.UTF8.GetBytes("\uFEFF订单号,快递公司,运单号\r\n"), $"{MediaType}; charset=utf-8", "shipments.csv");

    public static async Task<IResult> Upload(HttpContext context, MerchantCaller caller, IGrains grains)
    {
        if (!string.Equals(Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) ? type.MediaType.Value : null, MediaType, StringComparison.OrdinalIgnoreCase))
            return Api.Refuse(EdgeRefusal.UnsupportedMediaType, "text/csv");
        if (await Read(context) is not { } text) return Api.Refuse(EdgeRefusal.NotUtf8);

        var lines = text.ReplaceLineEndings("\n").Split('\n').Select((content, i) => (Row: i + 1, Content: content)).Where(l => l.Content.Trim(',', ' ', '\t').Length > 0).ToList();
        if (lines.Count == 0 || PlacesOf(Fields(lines[0].Content)) is not { } places) return Api.Refuse(Refusal.Invalid("header", "The first row names the columns orderId, carrier, trackingNumber or 订单号, 快递公司, 运单号."));
        if (lines.Count - 1 > RowsMax) return Api.Refuse(Refusal.Invalid("rows", "At most 5,000 rows; send the rest in another file."));

        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if (shop.Refusal is { } unknown) return Api.Refuse(unknown);
        var refusals = new List<(int Row, Refusal Refusal)>();
        var wishes = new List<(int Row, OrderId Order, ShipOrder Command)>();
        var first = new Dictionary<OrderId, ShipOrder>();
        foreach (var (row, content) in lines.Skip(1))
        {
            if (WrongWith(content, places, shop.Reply!.Settings.FreezeDays, out var order, out var command) is { } wrong) refusals.Add((row, wrong));
            else if (!first.TryAdd(order, command!) && first[order] != command) refusals.Add((row, Refusal.Invalid("orderId", "The order has another shipment in a row above.")));
            else wishes.Add((row, order, command!));
        }

        foreach (var some in wishes.Chunk(AtOnce))
        {
            var outcomes = await Task.WhenAll(some.Select(w => grains.Ask(w.Order.In(caller.Shop), w.Command).AsTask()));
            refusals.AddRange(some.Zip(outcomes).Where(o => !o.Second.IsAccepted).Select(o => (o.First.Row, o.Second.Refusal!)));
        }

        var isEnglish = Problems.PrefersEnglish(context);
        return TypedResults.Json(new ShipmentReport(lines.Count - 1, lines.Count - 1 - refusals.Count, [.. refusals.OrderBy(r => r.Row).Select(r => new RefusedShipment(r.Row, r.Refusal.Code, Tell(r.Refusal, isEnglish)))]), Api.Json);
    }

    /// <returns>null if it is not UTF-8</returns>
    private static async Task<string?> Read(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(body.GetBuffer(), 0, (int)body.Length).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <returns>empty if the row cannot be read</returns>
    private static string[] Fields(string line)
    {
        using var reader = CsvReader.FromText(line, Csv);
        return reader.Read() ? [.. reader.Current.ToArray().Select(Plain)] : [];
    }

    /// <returns>where each of the three columns is; null if one is missing or there twice</returns>
    private static int[]? PlacesOf(string[] header)
    {
        var places = Columns.Select(names => header.Index().Where(h => names.Contains(h.Item, StringComparer.OrdinalIgnoreCase)).Select(h => h.Index).ToList()).ToList();
        return places.All(p => p.Count == 1) ? [.. places.Select(p => p[0])] : null;
    }

    private static Refusal? WrongWith(string content, int[] places, int afterSaleDays, out OrderId order, out ShipOrder? command)
    {
        (order, command) = (default, null);
        if (content.Length > CharactersPerRowMax) return Refusal.Invalid("row", "A row has at most 2,000 characters.");
        if (content.Contains('\0', StringComparison.Ordinal)) return Refusal.Invalid("row", "A text has no NUL in it.");
        var fields = Fields(content);
        if (fields.Length <= places.Max()) return Refusal.Invalid("row", "A column is missing, or a quote is left open.");
        var (id, carrier, number) = (fields[places[0]], fields[places[1]], fields[places[2]]);
        if (Scientific().IsMatch(number)) return Refusal.Invalid("trackingNumber", "The spreadsheet has turned the number into a rounded one: make the column a text column.");
        if (!Ids.TryParse<OrderId>(id, out order)) return Refusal.Of(GrainRefusal.NotFound);

        command = new(carrier, number, afterSaleDays);
        return null;
    }

    // Spreadsheets keep long numbers whole when they stand behind an apostrophe or a tab.
    private static string Plain(string field) => field.Trim().TrimStart('\'').Trim();

    private static string Tell(Refusal refusal, bool isEnglish)
    {
        // Short: the answers of 5,000 rows must fit what an Idempotency-Key remembers, 1,000,000 characters.
        var text = isEnglish ? Problems.Texts[refusal.Code].English : Problems.Texts[refusal.Code].Chinese;
        return refusal.Findings is not [var finding, ..] ? text : isEnglish ? $"{finding.Field}: {finding.Message}" : $"{text} {finding.Field}: {finding.Message}";
    }

    [GeneratedRegex(@"^\d([.,]\d+)?E\+\d+$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Scientific();
}
