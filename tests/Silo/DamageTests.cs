using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Data.Sqlite;

namespace Campaigns.Tests.Silo;

/// <summary>What was acknowledged comes back exactly, or the start is refused by name: never another state than the one that was acknowledged.</summary>
public sealed class DamageTests : IDisposable
{
    private const int Counters = 20;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly DirectoryInfo left = Directory.CreateTempSubdirectory("campaigns-");
    private readonly long[] totals = new long[Counters];

    private string JournalFile => Path.Combine(left.FullName, "journal.db");

    private string LogFile => JournalFile + "-wal";

    [Fact]
    public async Task A_killed_process_leaves_what_was_acknowledged()
    {
        await Kill(inFile: false);
        Assert.Equal(totals, await Totals());
    }

    [Fact]
    public async Task An_index_of_the_log_that_is_gone_is_made_again()
    {
        await Kill(inFile: false);
        File.Delete(JournalFile + "-shm");
        Assert.Equal(totals, await Totals());
    }

    [Theory]
    [InlineData("last frame flipped")]
    [InlineData("cut in a frame")]
    [InlineData("cut in the first frame")]
    [InlineData("empty")]
    [InlineData("gone")]
    public async Task A_log_without_its_end_is_refused_and_left_as_it_is(string damage)
    {
        await Kill(inFile: false);
        using (var log = new FileStream(LogFile, FileMode.Open))
        {
            switch (damage)
            {
                case "last frame flipped":
                    Flip(log, log.Length - 100);
                    break;
                case "cut in a frame":
                    log.SetLength(log.Length - 5_000);
                    break;
                case "cut in the first frame":
                    log.SetLength(5_000);
                    break;
                case "empty":
                    log.SetLength(0);
                    break;
            }
        }

        if (damage == "gone") File.Delete(LogFile);
        var before = Bytes();
        var refused = Refused();
        Assert.Contains("was acknowledged: 'journal.db-wal' was damaged, truncated or deleted", refused.Message, StringComparison.Ordinal);
        Assert.Contains("campaigns restore", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, Bytes());
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task A_journal_that_is_empty_or_gone_is_refused_and_its_log_is_kept(bool gone, bool markGone)
    {
        await Kill(inFile: false);
        if (gone) File.Delete(JournalFile);
        else await File.WriteAllBytesAsync(JournalFile, []);
        if (markGone) File.Delete(Path.Combine(left.FullName, "journal.high"));
        var log = new FileInfo(LogFile).Length;
        Assert.Contains(gone ? "it is gone" : "it is empty", Refused().Message, StringComparison.Ordinal);
        Assert.Equal(log, new FileInfo(LogFile).Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flush_that_was_changed_is_not_decoded_into_something_else(bool inFile)
    {
        await Kill(inFile);
        var file = inFile ? JournalFile : LogFile;
        var bytes = await File.ReadAllBytesAsync(file);
        var amount = bytes.AsSpan().LastIndexOf("{\"Amount\":"u8) + "{\"Amount\":"u8.Length;
        Assert.InRange(bytes[amount], (byte)'0', (byte)'9');
        bytes[amount] = (byte)(bytes[amount] == '9' ? '8' : '9'); // as good a fact as the one that was acknowledged
        await File.WriteAllBytesAsync(file, bytes);
        Assert.Contains(inFile ? "is not what was written" : "was acknowledged", Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stored_state_that_was_changed_is_read_by_nobody_and_the_others_are()
    {
        await Kill(inFile: true, stored: true);
        var bytes = await File.ReadAllBytesAsync(JournalFile);
        var total = bytes.AsSpan().LastIndexOf("\"Total\":"u8) + "\"Total\":"u8.Length;
        Assert.InRange(bytes[total], (byte)'0', (byte)'9');
        bytes[total] = (byte)(bytes[total] == '9' ? '8' : '9');
        await File.WriteAllBytesAsync(JournalFile, bytes);

        await using var journal = SqliteJournal.Open(left.FullName);
        var damaged = 0;
        for (var i = 0; i < Counters; i++)
        {
            var grain = CounterGrain.Id(i);
            if (Record.Exception(() => journal.Read(grain)) is { } refused) Assert.Contains($"the stored state of {grain} is not what was written", Assert.IsType<JournalDamaged>(refused).Message, StringComparison.Ordinal);
            else Assert.Equal(totals[i], Total(journal, i));
            damaged += Record.Exception(() => journal.Read(grain)) is null ? 0 : 1;
        }

        Assert.Equal(1, damaged);
    }

    [Theory]
    [InlineData("update meta set value = 3 where name = 'tail-start'")]
    [InlineData("update flush set position = 1000 where position = (select max(position) from flush)")]
    [InlineData("delete from flush where position = 7")]
    [InlineData("delete from flush where position > 7")]
    [InlineData("update flush set decisions = (select decisions from flush where position = 4) where position = 5")]
    [InlineData("update flush set checksum = checksum + 1 where position = 5")]
    public async Task Rows_that_are_missing_moved_or_exchanged_are_found(string sql)
    {
        await Kill(inFile: true);
        await Execute(sql);
        Refused();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Bytes_flipped_anywhere_never_make_another_state(int seed)
    {
        await Kill(inFile: seed % 2 == 0);
        var (journal, log) = (await File.ReadAllBytesAsync(JournalFile), await File.ReadAllBytesAsync(LogFile));
        var high = await File.ReadAllBytesAsync(Path.Combine(left.FullName, "journal.high"));
        var random = new Random(seed);
        var (exact, refused) = (0, 0);
        for (var round = 0; round < 150; round++)
        {
            foreach (var file in left.GetFiles()) file.Delete();
            var (hurtJournal, hurtLog) = ((byte[])journal.Clone(), (byte[])log.Clone());
            for (var flips = random.Next(1, 9); flips > 0; flips--)
            {
                var hurt = hurtLog.Length == 0 || random.Next(2) == 0 ? hurtJournal : hurtLog;
                hurt[random.Next(hurt.Length)] ^= (byte)random.Next(1, 256);
            }

            await File.WriteAllBytesAsync(JournalFile, hurtJournal);
            await File.WriteAllBytesAsync(LogFile, hurtLog);
            await File.WriteAllBytesAsync(Path.Combine(left.FullName, "journal.high"), high);
            try
            {
                var found = await Totals();
                Assert.True(totals.SequenceEqual(found), $"seed {seed}, round {round}: {string.Join(',', found)} instead of {string.Join(',', totals)}");
                exact++;
            }
            catch (IOException named)
            {
                Assert.Contains("journal.db", named.Message, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.True(exact > 0 && refused > 0, $"{exact} exact, {refused} refused");
    }

    [Fact]
    public async Task A_journal_of_format_1_is_upgraded_in_place_and_checked_from_then_on()
    {
        File.Copy(Path.Combine(Repository.Root, "tests", "Silo", "Journals", "release-0.1", "journal.db"), JournalFile);
        var batch = new Batch();
        batch.Snapshots.Add(new(CounterGrain.Id(1), 0, null, []));
        long last;
        await using (var journal = SqliteJournal.Open(left.FullName))
        {
            last = journal.LastPosition;
            Assert.Equal(last, journal.ReadAfter(0, int.MaxValue).Count);
            Assert.Equal(new CounterView(5, 1), new SecondHost(journal, new CounterGrain()).Ask(CounterGrain.Id(2), new Add(5)).Reply);
        }

        await using (var journal = SqliteJournal.Open(left.FullName)) Assert.Equal(last + 1, journal.LastPosition);
        await Execute($"update flush set decisions = (select decisions from flush where position = {last}) where position = {last + 1}");
        Refused();
    }

    public void Dispose()
    {
        folder.Delete(recursive: true);
        left.Delete(recursive: true);
    }

    // Copied while it is open, a folder is what a killed process would have left.
    private async Task Kill(bool inFile, bool stored = false)
    {
        await using (var journal = SqliteJournal.Open(folder.FullName))
        {
            var host = new SecondHost(journal, new CounterGrain());
            for (var i = 1; i <= 200; i++)
            {
                totals[i % Counters] += i;
                Assert.NotNull(host.Ask(CounterGrain.Id(i % Counters), new Add(i)).Reply);
            }

            for (var i = 0; stored && i < Counters; i++) host.Leave(CounterGrain.Id(i));
            foreach (var file in folder.GetFiles("journal.*")) file.CopyTo(Path.Combine(left.FullName, file.Name));
        }

        if (inFile) await Execute("pragma wal_checkpoint(truncate)");
        else Assert.True(new FileInfo(LogFile).Length > 100_000);
        if (!File.Exists(LogFile)) await File.WriteAllBytesAsync(LogFile, []);
    }

    private static void Flip(FileStream file, long at)
    {
        file.Position = at;
        var old = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(old ^ 0x10));
    }

    private async Task<long[]> Totals()
    {
        await using var journal = SqliteJournal.Open(left.FullName);
        return [.. Enumerable.Range(0, Counters).Select(i => Total(journal, i))];
    }

    private static long Total(SqliteJournal journal, int counter) => new SecondHost(journal, new CounterGrain()).Ask(CounterGrain.Id(counter), new GetCounter()).Reply!.Total;

    private JournalDamaged Refused()
    {
        var refused = Assert.Throws<JournalDamaged>(() => SqliteJournal.Open(left.FullName));
        Assert.Contains($"'{JournalFile}' is damaged", refused.Message, StringComparison.Ordinal);
        return refused;
    }

    private string Bytes() => string.Join(' ', left.GetFiles("journal.db*").Where(f => f.Length > 0 && !f.Name.EndsWith("-shm", StringComparison.Ordinal)).OrderBy(f => f.Name).Select(f => f.Name + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f.FullName)))));

    private async Task Execute(string sql)
    {
        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = JournalFile, Pooling = false }.ToString());
        connection.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}
