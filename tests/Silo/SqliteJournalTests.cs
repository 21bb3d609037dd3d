using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Data.Sqlite;

namespace Campaigns.Tests.Silo;

public sealed class SqliteJournalTests() : JournalTests(Store.Sqlite())
{
    private static readonly byte[] State = new byte[64 << 10];

    private int written;

    private SqliteJournal Sqlite => (SqliteJournal)Journal;

    [Fact]
    public async Task Tail_start_is_the_lowest_of_all_batches_and_never_goes_back()
    {
        Append(Facts(One, 1));
        Append(Facts(Two, 1));
        Append(Late(1), Late(2));
        Assert.Equal(1, Journal.TailStart);
        Append(Late(0));
        Assert.Equal(1, Journal.TailStart);
        await Reopen();
        Assert.Equal(1, Journal.TailStart);
    }

    [Fact]
    public void Wake_times_are_found_in_order_and_with_open_debts_first()
    {
        Append(Snapshots((One, At.AddTicks(1)), (Two, At.AddHours(-1)), (CounterGrain.Id(3), Campaigns.Silo.Journal.Snapshot.AtOnce), (CounterGrain.Id(4), null)));
        Assert.Equal([Two, One], Journal.Due(Campaigns.Silo.Journal.Snapshot.AtOnce, At.AddMilliseconds(1), 10));
        Assert.Equal([Two], Journal.Due(Campaigns.Silo.Journal.Snapshot.AtOnce, At.AddMilliseconds(1), 1));
        Assert.Equal([Two], Journal.Due(Campaigns.Silo.Journal.Snapshot.AtOnce, At, 10)); // not a moment too early
        Assert.Equal([CounterGrain.Id(3)], Journal.Due(DateTimeOffset.MinValue, Campaigns.Silo.Journal.Snapshot.AtOnce, int.MaxValue));
    }

    [Fact]
    public void Second_owner_of_the_folder_is_refused_with_what_to_do()
    {
        var refused = Assert.Throws<IOException>(() => SqliteJournal.Open(Store.Folder));
        Assert.Contains("in use by another process. Stop it, or choose another folder", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_that_is_no_journal_is_refused_with_its_name()
    {
        await Close();
        foreach (var file in new DirectoryInfo(Store.Folder).GetFiles("journal.db*")) file.Delete();
        await File.WriteAllTextAsync(Path.Combine(Store.Folder, "journal.db"), new string('x', 10_000));
        Assert.Contains("journal.db", Assert.Throws<JournalDamaged>(() => SqliteJournal.Open(Store.Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_begins_again_while_it_is_written_and_what_it_held_is_in_the_file()
    {
        await Write(1_600);
        Assert.InRange(Sqlite.LogBytes, 1, 50 << 20); // of 100 MB
        await Reopen();
        Assert.Equal(Enumerable.Range(1, 1_600).Select(i => (long)i), Tail(One));
        Assert.Equal(State.Length, Journal.Read(CounterGrain.Id(1_700)).State!.Value.Length);
    }

    [Fact]
    public async Task Log_grows_while_somebody_reads_for_long_and_no_longer()
    {
        await Write(1);
        await using (var backup = new SqliteConnection($"Data Source={Sqlite.FileName};Mode=ReadOnly;Pooling=False"))
        {
            backup.Open();
            await using var reading = backup.BeginTransaction(deferred: true);
            Assert.Equal(2L, Count(backup));
            await Write(1_000);
            Assert.InRange(Sqlite.LogBytes, 60 << 20, long.MaxValue);
            Assert.Equal(2L, Count(backup));
        }

        await Write(3_000);
        Assert.InRange(Sqlite.LogBytes, 1, 160 << 20); // of 250 MB: once the reader is gone it is moved, and begins again
    }

    [Fact]
    public async Task Grain_that_was_not_there_is_found_once_it_is()
    {
        Assert.Same(GrainRecord.Empty, Journal.Read(One));
        Append(Facts(One, 1));
        Assert.Equal([1L], Tail(One));
        Assert.Same(GrainRecord.Empty, Journal.Read(Two));
        for (var i = 0; i < 20_000; i++) Assert.Same(GrainRecord.Empty, Journal.Read(CounterGrain.Id(10 + i))); // more than it remembers
        Append(Facts(Two, 1, 2));
        var last = Snapshot(Two, 2);
        last.Closed.Add(Two);
        Append(last);
        Assert.Equal(2, Journal.Read(Two).Sequence);
        await Reopen();
        Assert.Equal([1L], Tail(One));
    }

    private static object? Count(SqliteConnection connection)
    {
        using var count = connection.CreateCommand();
        count.CommandText = "select count(*) from flush";
        return count.ExecuteScalar();
    }

    // Each time a fact of One, and another grain with 64 KB.
    private async Task Write(int states)
    {
        for (var last = written + states; written < last;)
        {
            written++;
            var batch = Facts(CounterGrain.Id(100 + written), 1);
            batch.Snapshots.Add(new(CounterGrain.Id(100 + written), 1, null, State));
            Append(Facts(One, written), batch);
            if (written % 20 == 0) await Task.Yield();
        }
    }
}
