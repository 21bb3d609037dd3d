using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Campaigns.ApiFrontend.Backups;
using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains;
using Campaigns.Silo.Books;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Projections;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.ApiFrontend.Cli;

/// <summary>The commands that keep a data folder: check, back up, restore, rebuild, reconcile. Exit codes as in <see cref="Commands"/>.</summary>
internal static class Upkeep
{
    private const int FindingsShownMax = 50;

    public static IEnumerable<Command> Create(Option<string> data)
    {
        var json = new Option<bool>("--json") { Description = "Print the report as one JSON object" };
        var check = new Command("check", "Read the whole journal and look whether everything that must be true is (stop the server first, or check a backup). Keeps the states of all grains in memory, a few KB each") { json };
        check.SetAction((parsed, stop) => Guard(() => Check(parsed.GetValue(data)!, parsed.GetValue(json), stop)));
        yield return check;

        var to = new Option<string>("--to") { Description = "A folder that does not exist yet", Required = true };
        var backup = new Command("backup", "Copy the data folder, also while the server runs") { to };
        backup.SetAction((parsed, stop) => Guard(() => TakeBackup(parsed.GetValue(data)!, parsed.GetValue(to)!, stop)));
        yield return backup;

        var from = new Option<string>("--from") { Description = "A folder that 'backup' has made", Required = true };
        var restore = new Command("restore", "Verify a backup and make the data folder named with --data of it, which must not exist yet") { from };
        restore.SetAction((parsed, stop) => Guard(() => Restore(parsed.GetValue(from)!, parsed.GetValue(data)!, stop)));
        yield return restore;

        var rebuild = new Command("rebuild", "Build lists and reports again from the journal, from zero (stop the server first)");
        rebuild.SetAction((parsed, stop) => Guard(() => Rebuild(parsed.GetValue(data)!, stop)));
        yield return rebuild;

        var hours = new Option<int>("--older-than") { Description = "Hours (2–8,760)", DefaultValueFactory = _ => 24 };
        var prune = new Command("prune", "Delete the index of decisions that stored states contain, of a journal in PostgreSQL, also while silos run; the facts themselves stay. Once a day") { hours };
        prune.SetAction((parsed, stop) => Guard(() => Prune(parsed.GetValue(data)!, Math.Clamp(parsed.GetValue(hours), 2, 8_760))));
        yield return prune;

        yield return Reconcile.Create(data);
    }

    private static async Task<int> Check(string folder, bool json, CancellationToken stop)
    {
        var deployment = Deployment.Read();
        if (deployment.Postgres is null && IsNoData(folder)) return 2;
        await using var journal = OpenToCheck(folder, deployment);
        var report = await Bar.Show("Reading the journal", journal.LastPosition, progress => BookCheck.Walk(journal, CampaignsHost.Definitions(), Mechanics.Books, p => progress(p), stop));
        if (json) Console.WriteLine(JsonSerializer.Serialize(report, Api.Json));
        else Print(report);
        return report.IsClean ? 0 : 1;
    }

    private static IJournal OpenToCheck(string folder, Deployment deployment)
    {
        try
        {
            return Stores.OpenToRead(folder, deployment);
        }
        catch (IOException inUse) when (inUse.InnerException is IOException)
        {
            throw new IOException($"{inUse.Message} To check while it runs, back up and check the copy: 'backup --data {folder} --to COPY', then 'check --data COPY'.", inUse);
        }
    }

    private static async Task<int> TakeBackup(string folder, string to, CancellationToken stop)
    {
        if (Deployment.Read().Postgres is not null) throw new StartRefused("The journal is in a PostgreSQL database: back it up with PostgreSQL's own tools (deploy/runbooks/postgresql.md).");
        if (IsNoData(folder)) return 2;
        var (journal, partial) = (new FileInfo(Path.Combine(folder, Backup.Journal)), new FileInfo(Path.Combine(to, Backup.Journal + ".partial")));
        var work = Task.Run(() => Backup.Take(folder, to, DateTimeOffset.UtcNow, stop), CancellationToken.None);
        var manifest = await Bar.Show("Copying the journal", journal.Length, async progress =>
        {
            // The copy is one statement; how far it is shows in the size of its file.
            while (await Task.WhenAny(work, Task.Delay(200, CancellationToken.None)) != work)
            {
                partial.Refresh();
                if (partial.Exists) progress(partial.Length);
            }

            progress(journal.Length);
            return await work;
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Backed up to '{to}': flush {manifest.Position}, {manifest.Files.Sum(f => f.Bytes)} bytes in {manifest.Files.Count} files, journal SHA-256 {manifest.Files[0].Sha256}."));
        Console.WriteLine("It holds secrets (keys/): keep it where only operators can read it.");
        return 0;
    }

    private static async Task<int> Restore(string from, string folder, CancellationToken stop)
    {
        var manifest = await Bar.Show("Verifying and copying", 1, _ => Backup.Restore(from, folder, stop));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Restored '{folder}' from the backup of {manifest.TakenAt:yyyy-MM-dd HH:mm:ss} UTC, up to flush {manifest.Position}."));
        Console.WriteLine($"Next: 'check --data {folder}', then start with '--data {folder}'. Lists and reports are made again from the journal.");
        return 0;
    }

    private static async Task<int> Rebuild(string folder, CancellationToken stop)
    {
        var deployment = Deployment.Read();
        if (deployment.Postgres is not null)
        {
            await using var database = Stores.OpenToRead(folder, deployment);
            using var lists = Stores.OpenDocuments(folder, deployment);
            return await Rebuild(database, lists, stop);
        }

        if (IsNoData(folder)) return 2;
        await using var journal = SqliteJournal.Open(folder);
        foreach (var old in Directory.GetFiles(folder, "projections.db*")) File.Delete(old);
        using var documents = new SqliteDocuments(Path.Combine(folder, "projections.db"));
        return await Rebuild(journal, documents, stop);
    }

    private static async Task<int> Rebuild(IJournal journal, DocumentStore documents, CancellationToken stop)
    {
        if (!documents.TryLead() || !documents.Clear())
        {
            await Console.Error.WriteLineAsync("A server writes the lists: stop every one first.");
            return 1;
        }

        await using var projector = new Projector(journal, CampaignsHost.Definitions(), CampaignsHost.Projections(), documents, NullLogger<Projector>.Instance);
        var facts = await Bar.Show("Reading the journal", journal.FindLastPosition(), progress =>
        {
            long sum = 0;
            for (int read; !stop.IsCancellationRequested && (read = projector.Step()) > 0; progress(documents.Position)) sum += read;
            return sum;
        });
        if (documents.Position < journal.FindLastPosition())
        {
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Interrupted at flush {documents.Position} of {journal.FindLastPosition()}: the lists are incomplete. Run it again, or start the server, which goes on from there."));
            return 1;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Rebuilt from {facts} facts up to flush {documents.Position}."));
        return 0;
    }

    private static async Task<int> Prune(string folder, int hours)
    {
        await using var journal = Stores.OpenToRead(folder, Deployment.Read());
        if (journal is not PostgresJournal shared) throw new StartRefused("Only a journal in PostgreSQL has such an index. Name the database with Journal__Postgres.");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Deleted {shared.Prune(TimeSpan.FromHours(hours))} rows."));
        return 0;
    }

    private static void Print(BookReport report)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Flushes} flushes, {report.Decisions} decisions, {report.Events} facts up to {report.AsOf:yyyy-MM-dd HH:mm:ss} UTC; {report.Snapshots} snapshots compared, {report.Books} books looked at."));
        Console.WriteLine($"Grains: {(report.Grains.Count == 0 ? "none" : string.Join(", ", report.Grains.Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Value} {g.Key}"))))}.");
        foreach (var debts in report.Debts) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"In limbo: {debts.Count} '{debts.What}' owed by {debts.Kind}, the oldest for {debts.OldestSeconds} s by {debts.Oldest}."));
        if (report.IsClean)
        {
            Console.WriteLine("Nothing is wrong.");
            return;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Wrong} things are wrong:"));
        foreach (var finding in report.Findings.Take(FindingsShownMax)) Console.WriteLine($"  {finding.Where}: {finding.What}");
        if (report.Wrong > FindingsShownMax) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  … and {report.Wrong - FindingsShownMax} more; --json lists up to {BookFindings.KeptMax}."));
    }

    internal static bool IsNoData(string folder)
    {
        if (File.Exists(Path.Combine(folder, Backup.Journal))) return false;
        Console.Error.WriteLine($"There is no journal in '{folder}'. Name the data folder with --data.");
        return true;
    }

    internal static async Task<int> Guard(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("Interrupted: nothing is finished.");
        }
        catch (StartRefused refused)
        {
            await Console.Error.WriteLineAsync(refused.Message);
            return 4;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or WeChatPayUnsettled)
        {
            await Console.Error.WriteLineAsync(failure.Message);
        }
        catch (SqliteException damage)
        {
            await Console.Error.WriteLineAsync($"The journal cannot be read: {damage.Message}. Restore the last backup ('restore --help').");
        }

        return 1;
    }
}
