using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.Sandbox;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Silo;
using Campaigns.Silo.Journal;

namespace Campaigns.ApiFrontend.Cli;

/// <summary>
/// Compares a day's payments and refunds with the gateway's bill, beside a running server or without one. Exit codes: 0 they agree, 1 they
/// do not or the bill cannot be had, 2 usage, 4 the configuration is refused.
/// </summary>
internal static class Reconcile
{
    private const int DifferencesShownMax = 200;

    public static Command Create(Option<string> data)
    {
        var date = new Option<string>("--date") { Description = "The day in Beijing, as 2026-11-24", Required = true };
        var bill = new Option<FileInfo?>("--bill") { Description = "A trade bill as WeChat Pay writes it, packed or not (default: ask the gateway)" };
        var json = new Option<bool>("--json") { Description = "Print the report as one JSON object" };
        var command = new Command("reconcile", "Compare a day's payments and refunds with the gateway's bill, also while the server runs. Keeps all payments in memory, about 1 KB each") { date, bill, json };
        command.SetAction((parsed, stop) => Upkeep.Guard(() => Run(parsed.GetValue(date)!, parsed.GetValue(bill), parsed.GetValue(data)!, parsed.GetValue(json), stop)));
        return command;
    }

    private static async Task<int> Run(string date, FileInfo? file, string folder, bool json, CancellationToken stop)
    {
        if (!DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)) return Misused($"'{date}' is no date. Name one as 2026-11-24.");
        if (file is { Exists: false }) return Misused($"There is no file '{file}'.");
        var deployment = Deployment.Read();
        if (deployment.Postgres is null && Upkeep.IsNoData(folder)) return 2;

        var books = await Read(folder, deployment, stop);
        var bill = file is null ? await AskGateway(day, folder, books, stop) : await WeChatPayBill.ReadFile(await File.ReadAllBytesAsync(file.FullName, stop), stop) is { } lines ? new(BillState.Complete, lines) : null;
        if (bill is null) return Misused($"'{file}' is no trade bill of WeChat Pay, or not a whole one.");
        if (file is not null && bill.Lines.FirstOrDefault(l => BeijingTime.DayOf(l.At) != day) is { } other) return Misused($"'{file}' is the bill of {BeijingTime.DayOf(other.At):yyyy-MM-dd}.");
        if (bill.State == BillState.NotReady)
        {
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"The bill of {day:yyyy-MM-dd} is not ready. Ask again after {BeijingTime.BillReady(day):yyyy-MM-dd HH:mm} in Beijing."));
            return 1;
        }

        var report = Reconciliation.Compare(day, books.All<PaymentMoney>(PaymentMoneys.Collection), bill.Lines);
        if (json) Console.WriteLine(JsonSerializer.Serialize(report, Api.Json));
        else Print(report);
        return report.Agrees ? 0 : 1;
    }

    private static async Task<Shelf> Read(string folder, Deployment deployment, CancellationToken stop)
    {
        await using var journal = deployment.Postgres is null ? SqliteJournal.OpenBeside(folder) : Stores.OpenToRead(folder, deployment);
        var shelf = new Shelf();
        await Bar.Show("Reading the journal", journal.LastPosition, progress => JournalFacts.Apply(journal, CampaignsHost.Definitions(), [new PaymentMoneys(), new SandboxBill()], shelf, p => progress(p), stop));
        return shelf;
    }

    // As the server is configured, so is this: through the environment and the settings beside the program.
    private static async Task<GatewayBill> AskGateway(DateOnly day, string folder, Shelf books, CancellationToken stop)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = CampaignsHost.EnvironmentName() });
        var settings = StartRefused.ThrowIfNotAllowed(builder.Environment, builder.Configuration, folder);
        var clock = new ProductClock(Path.Combine(folder, "clock-offset-seconds"));
        if (settings.Merchant is not { } merchant) return clock.GetUtcNow() < BeijingTime.BillReady(day) ? GatewayBill.NotReady : SandboxBill.Of(day, books.All<GatewayBillLine>(SandboxBill.Lines));

        await using var services = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(clock).AddSingleton<IGrains, NoGrains>().AddWeChatPay(merchant).BuildServiceProvider();
        return await services.GetRequiredService<IPaymentGateway>().Bill(day, stop);
    }

    private static void Print(ReconciliationReport report)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Day:yyyy-MM-dd} in Beijing, in yuan:"));
        Console.WriteLine($"{"",-10}{"payments",10}{"paid",16}{"refunds",10}{"given back",16}");
        foreach (var (side, totals) in ((string, MoneyTotals)[])[("gateway", report.Gateway), ("books", report.Books)])
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{side,-10}{totals.Payments,10}{new Money(totals.PaidFen),16}{totals.Refunds,10}{new Money(totals.RefundedFen),16}"));
        foreach (var refund in report.Unsure) Console.WriteLine($"Refund {refund} was asked for about midnight: the bill of the day before or after has it.");
        if (report.Agrees)
        {
            Console.WriteLine("They agree.");
            return;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Differences.Count} differences:"));
        foreach (var difference in report.Differences.Take(DifferencesShownMax)) Console.WriteLine($"  {Sentence(difference)}");
        if (report.Differences.Count > DifferencesShownMax) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  … and {report.Differences.Count - DifferencesShownMax} more; --json lists all."));
    }

    private static string Sentence(MoneyDifference difference)
    {
        var what = difference.Refund is { } refund ? $"refund {refund} of payment {difference.Payment}" : $"payment {difference.Payment}";
        var means = difference.Kind switch
        {
            MoneyDifferenceKind.PaymentNotTaken => "the gateway has the money, and the books wait for it",
            MoneyDifferenceKind.PaymentUnknown => "the gateway has money under a number that is none of ours",
            MoneyDifferenceKind.PaymentMissing => "the books have money that the gateway does not have",
            MoneyDifferenceKind.PaymentAmount => "the amounts differ",
            MoneyDifferenceKind.PaymentTransaction => "the transactions differ",
            MoneyDifferenceKind.PaymentDay => "the days differ",
            MoneyDifferenceKind.PaymentTwice => "it is on the bill more than once",
            MoneyDifferenceKind.RefundUnknown => "the gateway gives back what nobody asked it to",
            MoneyDifferenceKind.RefundMissing => "the gateway had accepted it and does not have it",
            MoneyDifferenceKind.RefundAmount => "the amounts differ",
            MoneyDifferenceKind.RefundState => "the states differ",
            MoneyDifferenceKind.RefundTwice => "it is on the bill more than once",
            MoneyDifferenceKind.RefundFromAnother => "the gateway gives it back from another payment",
            _ => difference.Kind.ToString(),
        };
        return $"{what}{(difference.Shop is { } shop ? $" (shop '{shop}')" : "")}: {means}. Gateway: {Side(difference.Gateway)}; books: {Side(difference.Books)}.";
    }

    private static string Side(MoneySide? side) => side is null ? "nothing" : string.Join(", ", ((string?[])
    [
        new Money(side.AmountFen).ToString(),
        side.State?.ToString(),
        side.At is { } at ? string.Create(CultureInfo.InvariantCulture, $"at {at.ToOffset(BeijingTime.Offset):yyyy-MM-dd HH:mm:ss}") : null,
        side.TransactionId is { } transaction ? $"transaction {transaction}" : null,
    ]).OfType<string>());

    private static int Misused(string message)
    {
        Console.Error.WriteLine(message);
        return 2;
    }

    /// <summary>Documents in memory, for as long as a command runs.</summary>
    private sealed class Shelf : IDocuments
    {
        private readonly Dictionary<(ShopId Shop, string Collection, string Key), object> documents = [];

        public TDocument? Find<TDocument>(ShopId shop, string collection, string key)
            where TDocument : class => documents.GetValueOrDefault((shop, collection, key)) as TDocument;

        public void Put<TDocument>(ShopId shop, string collection, string key, string owner, DateTimeOffset sort, TDocument document)
            where TDocument : class => documents[(shop, collection, key)] = document;

        public void Drop(ShopId shop, string collection, string key) => documents.Remove((shop, collection, key));

        public IReadOnlyCollection<TDocument> All<TDocument>(string collection) => [.. documents.Where(d => d.Key.Collection == collection).Select(d => d.Value).OfType<TDocument>()];
    }

    // A bill is asked for without a grain: no server runs in this process.
    private sealed class NoGrains : IGrains
    {
        public ValueTask<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command, CancellationToken cancellation = default) => throw new InvalidOperationException("No grain is asked here.");

        public ValueTask<Outcome<IAsyncEnumerable<LiveEvent>>> Watch<TView>(GrainId grain, ICommand<TView> view, long? after, CancellationToken cancellation = default) => throw new InvalidOperationException("No grain is asked here.");
    }
}
