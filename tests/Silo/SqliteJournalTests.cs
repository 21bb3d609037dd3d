using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Data.Sqlite;

namespace Campaigns.Tests.Silo;

public sealed class SqliteJournalTests : IAsyncDisposable
{
    private static readonly GrainId One = CounterGrain.Id(1);
    private static readonly GrainId Two = CounterGrain.Id(2);
    private static readonly DateTimeOffset At = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private SqliteJournal journal;

    public SqliteJournalTests() => journal = SqliteJournal.Open(folder.FullName);

    [Fact]
    public void Empty_journal_knows_no_grain()
    {
        Assert.Same(GrainRecord.Empty, journal.Read(One));
        Assert.Equal((0L, 0L), (journal.LastPosition, journal.TailStart));
        Assert.Empty(journal.ReadAfter(0, 1_000));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_appended_is_read_in_order(bool reopened)
    {
        Append(Facts(One, 1, 2), Facts(Two, 1));
        Append(Facts(One, 3));
        if (reopened) await Reopen();

        Assert.Equal([1L, 2L, 3L], Tail(One));
        Assert.Equal([1L], Tail(Two));
        Assert.Equal([1L, 2L, 3L], journal.ReadAfter(0, int.MaxValue).Select(f => f.Position));
        Assert.Equal([3L], journal.ReadAfter(2, int.MaxValue).Select(f => f.Position));
        Assert.Single(journal.ReadAfter(0, 1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tail_begins_after_the_snapshot(bool reopened)
    {
        Append(Facts(One, 1, 2));
        var batch = Facts(One, 3, 4); // the snapshot is of 3: one fact was decided after it, in the same flush
        batch.Snapshots.Add(new(One, 3, null, [1, 2, 3]));
        Append(batch);
        Append(Facts(One, 5));
        if (reopened) await Reopen();

        var record = journal.Read(One);
        Assert.Equal(3, record.Sequence);
        Assert.Equal([1, 2, 3], record.State!.Value.ToArray());
        Assert.Equal([4L, 5L], Tail(One));
        Assert.Empty(journal.Read(One, withTail: false).Tail);
    }

    [Fact]
    public void Forgotten_grain_keeps_its_sequence_alone()
    {
        var batch = Facts(One, 1);
        batch.Snapshots.Add(new(One, 1, null, null));
        Append(batch);
        var record = journal.Read(One);
        Assert.Equal((1L, false), (record.Sequence, record.State.HasValue));
        Assert.Equal([One], journal.Append([Facts(One, 1)]));
        Append(Facts(One, 2));
    }

    [Theory]
    [InlineData(1)] // again
    [InlineData(4)] // a gap
    public void Sequence_that_is_not_the_next_one_is_fenced(long wrong)
    {
        Append(Facts(One, 1, 2));
        Assert.Equal([One], journal.Append([Facts(One, wrong)]));
        Assert.Equal([1L, 2L], Tail(One));
        Append(Facts(One, 3));
        Assert.Equal(2, journal.LastPosition);
    }

    [Fact]
    public void Closed_grain_is_fenced_as_well()
    {
        var batch = Facts(One, 1, 2);
        batch.Snapshots.Add(new(One, 2, null, [1]));
        batch.Closed.Add(One);
        Append(batch);
        Assert.Equal([One], journal.Append([Facts(One, 2)]));
        Assert.Equal([One], journal.Append([Snapshot(One, 1)]));
        Assert.Equal([One], journal.Append([Snapshot(One, 3)]));
        Append(Facts(One, 3));
        Assert.Equal([3L], Tail(One));
    }

    [Fact]
    public async Task Tail_start_is_the_lowest_of_all_batches_and_never_goes_back()
    {
        Append(Facts(One, 1));
        Append(Facts(Two, 1));
        Append(Late(1), Late(2));
        Assert.Equal(1, journal.TailStart);
        Append(Late(0));
        Assert.Equal(1, journal.TailStart);
        await Reopen();
        Assert.Equal(1, journal.TailStart);
    }

    [Fact]
    public void Wake_times_are_found_in_order_and_with_open_debts_first()
    {
        Append(Snapshots((One, At.AddTicks(1)), (Two, At.AddHours(-1)), (CounterGrain.Id(3), Campaigns.Silo.Journal.Snapshot.AtOnce), (CounterGrain.Id(4), null)));
        Assert.Equal([Two, One], journal.Due(Campaigns.Silo.Journal.Snapshot.AtOnce, At.AddMilliseconds(1), 10));
        Assert.Equal([Two], journal.Due(Campaigns.Silo.Journal.Snapshot.AtOnce, At.AddMilliseconds(1), 1));
        Assert.Equal([Two], journal.Due(Campaigns.Silo.Journal.Snapshot.AtOnce, At, 10)); // not a moment too early
        Assert.Equal([CounterGrain.Id(3)], journal.Due(DateTimeOffset.MinValue, Campaigns.Silo.Journal.Snapshot.AtOnce, int.MaxValue));
    }

    [Fact]
    public void Second_owner_of_the_folder_is_refused_with_what_to_do()
    {
        var refused = Assert.Throws<IOException>(() => SqliteJournal.Open(folder.FullName));
        Assert.Contains("in use by another process. Stop it, or choose another folder", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Journal_of_a_newer_version_is_refused_and_left_alone()
    {
        await Close();
        Execute("update meta set value = 99 where name = 'format'");
        for (var i = 0; i < 2; i++)
        {
            var refused = Assert.Throws<IOException>(() => SqliteJournal.Open(folder.FullName));
            Assert.Contains("Upgrade the program", refused.Message, StringComparison.Ordinal);
        }

        Execute("update meta set value = 2 where name = 'format'");
        journal = SqliteJournal.Open(folder.FullName);
    }

    [Fact]
    public async Task File_that_is_no_journal_is_refused_with_its_name()
    {
        await Close();
        foreach (var file in folder.GetFiles("journal.db*")) file.Delete();
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "journal.db"), new string('x', 10_000));
        Assert.Contains("journal.db", Assert.Throws<JournalDamaged>(() => SqliteJournal.Open(folder.FullName)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Failed_write_is_final()
    {
        Append(Facts(One, 1));
        Execute("alter table flush rename to gone");
        Assert.Throws<JournalFailure>(() => journal.Append([Facts(One, 2)]));
        Execute("alter table gone rename to flush");
        Assert.Throws<InvalidOperationException>(() => journal.Append([Facts(One, 2)]));
        Assert.Equal(1, journal.LastPosition);
    }

    [Fact]
    public async Task Reading_goes_on_from_many_threads_while_it_writes()
    {
        var writing = Task.Run(() =>
        {
            for (var i = 1; i <= 200; i++) Append(Facts(One, i));
        });
        var reading = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var position = 0L; position < 200;)
            {
                foreach (var flush in journal.ReadAfter(position, 10_000))
                {
                    Assert.Equal(position + 1, flush.Position);
                    position = flush.Position;
                }

                var tail = Tail(One);
                Assert.Equal(Enumerable.Range(1, tail.Count).Select(i => (long)i), tail);
            }
        }));
        await Task.WhenAll([writing, .. reading]).WaitAsync(Engines.Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await Close();
        folder.Delete(recursive: true);
    }

    private static Batch Facts(GrainId grain, params long[] sequences)
    {
        var batch = new Batch();
        foreach (var sequence in sequences)
        {
            batch.Decisions.Begin(grain, sequence, At, Guid.Empty, 1);
            batch.Decisions.Add(new CounterGrain(), new Added(1));
            var (offset, length) = batch.Decisions.End();
            batch.Entries.Add(new(grain, sequence, 1, offset, length));
        }

        return batch;
    }

    private static Batch Snapshot(GrainId grain, long sequence)
    {
        var batch = new Batch();
        batch.Snapshots.Add(new(grain, sequence, null, []));
        return batch;
    }

    private static Batch Snapshots(params (GrainId Grain, DateTimeOffset? WakeAt)[] all)
    {
        var batch = new Batch();
        foreach (var (grain, wakeAt) in all) batch.Snapshots.Add(new(grain, 0, wakeAt, []));
        return batch;
    }

    private static Batch Late(long tailStart) => new() { TailStart = tailStart };

    private void Append(params Batch[] batches) => Assert.Empty(journal.Append(batches));

    private List<long> Tail(GrainId grain)
    {
        var sequences = new List<long>();
        foreach (var decision in journal.Read(grain).Tail)
        {
            var reader = new DecisionReader(decision.Span);
            reader.Next();
            sequences.Add(reader.FirstSequence);
        }

        return sequences;
    }

    private async Task Reopen()
    {
        await Close();
        journal = SqliteJournal.Open(folder.FullName);
    }

    private async Task Close() => await journal.DisposeAsync();

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder.FullName, "journal.db"), Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
