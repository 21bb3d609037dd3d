using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Silo;

/// <summary>What every Journal promises, whatever stores it.</summary>
public abstract class JournalTests : IAsyncDisposable
{
    private protected static readonly GrainId One = CounterGrain.Id(1);
    private protected static readonly GrainId Two = CounterGrain.Id(2);
    private protected static readonly DateTimeOffset At = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private protected JournalTests(Store store)
    {
        Store = store;
        Journal = store.Open();
    }

    private protected Store Store { get; }

    private protected IJournal Journal { get; private set; }

    [Fact]
    public void Empty_journal_knows_no_grain()
    {
        Assert.Same(GrainRecord.Empty, Journal.Read(One));
        Assert.Equal((0L, 0L), (Journal.FindLastPosition(), Journal.TailStart));
        Assert.Empty(Journal.ReadAfter(0, 1_000));
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
        Assert.Equal([(One, 1L), (One, 2L), (Two, 1L), (One, 3L)], Decisions(0));
        var last = Journal.FindLastPosition();
        Assert.Equal(Enumerable.Range(1, (int)last).Select(i => (long)i), Journal.ReadAfter(0, int.MaxValue).Select(f => f.Position));
        Assert.Equal([(One, 3L)], Decisions(last - 1));
        Assert.Single(Journal.ReadAfter(0, 1));
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

        var record = Journal.Read(One);
        Assert.Equal(3, record.Sequence);
        Assert.Equal([1, 2, 3], record.State!.Value.ToArray());
        Assert.Equal([4L, 5L], Tail(One));
        Assert.Empty(Journal.Read(One, withTail: false).Tail);
    }

    [Fact]
    public void Forgotten_grain_keeps_its_sequence_alone()
    {
        var batch = Facts(One, 1);
        batch.Snapshots.Add(new(One, 1, null, null));
        Append(batch);
        var record = Journal.Read(One);
        Assert.Equal((1L, false), (record.Sequence, record.State.HasValue));
        Assert.Equal([One], Journal.Append([Facts(One, 1)]));
        Append(Facts(One, 2));
    }

    [Theory]
    [InlineData(1)] // again
    [InlineData(4)] // a gap
    public void Sequence_that_is_not_the_next_one_is_fenced(long wrong)
    {
        Append(Facts(One, 1, 2));
        Assert.Equal([One], Journal.Append([Facts(One, wrong)]));
        Assert.Equal([1L, 2L], Tail(One));
        Append(Facts(One, 3));
        Assert.Equal(2, Journal.FindLastPosition());
    }

    [Fact]
    public void Closed_grain_is_fenced_as_well()
    {
        var batch = Facts(One, 1, 2);
        batch.Snapshots.Add(new(One, 2, null, [1]));
        batch.Closed.Add(One);
        Append(batch);
        Assert.Equal([One], Journal.Append([Facts(One, 2)]));
        Assert.Equal([One], Journal.Append([Snapshot(One, 1)]));
        Assert.Equal([One], Journal.Append([Snapshot(One, 3)]));
        Append(Facts(One, 3));
        Assert.Equal([3L], Tail(One));
    }

    [Fact]
    public async Task Journal_of_a_newer_version_is_refused_and_left_alone()
    {
        await Close();
        Store.Execute("update meta set value = value + 97 where name = 'format'");
        for (var i = 0; i < 2; i++)
        {
            var refused = Assert.Throws<IOException>(() => Store.Open());
            Assert.Contains("Upgrade the program", refused.Message, StringComparison.Ordinal);
        }

        Store.Execute("update meta set value = value - 97 where name = 'format'");
        Journal = Store.Open();
    }

    [Fact]
    public void Failed_write_is_final()
    {
        Append(Facts(One, 1));
        Store.Execute("alter table flush rename to gone");
        Assert.Throws<JournalFailure>(() => Journal.Append([Facts(One, 2)]));
        Store.Execute("alter table gone rename to flush");
        Assert.Throws<JournalFailure>(() => Journal.Append([Facts(One, 2)]));
        Assert.Equal(1, Journal.FindLastPosition());
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
                foreach (var flush in Journal.ReadAfter(position, 10_000))
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

    public virtual async ValueTask DisposeAsync()
    {
        await Close();
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static Batch Facts(GrainId grain, params long[] sequences)
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

    private protected static Batch Snapshot(GrainId grain, long sequence)
    {
        var batch = new Batch();
        batch.Snapshots.Add(new(grain, sequence, null, []));
        return batch;
    }

    private protected static Batch Snapshots(params (GrainId Grain, DateTimeOffset? WakeAt)[] all)
    {
        var batch = new Batch();
        foreach (var (grain, wakeAt) in all) batch.Snapshots.Add(new(grain, 0, wakeAt, []));
        return batch;
    }

    private protected static Batch Late(long tailStart) => new() { TailStart = tailStart };

    private protected void Append(params Batch[] batches) => Assert.Empty(Journal.Append(batches));

    private protected List<long> Tail(GrainId grain)
    {
        var sequences = new List<long>();
        foreach (var decision in Journal.Read(grain).Tail)
        {
            var reader = new DecisionReader(decision.Span);
            reader.Next();
            sequences.Add(reader.FirstSequence);
        }

        return sequences;
    }

    private protected List<(GrainId Grain, long Sequence)> Decisions(long after)
    {
        var found = new List<(GrainId, long)>();
        foreach (var flush in Journal.ReadAfter(after, int.MaxValue))
        {
            var reader = new DecisionReader(flush.Decisions.Span);
            while (reader.Next()) found.Add((reader.Grain, reader.FirstSequence));
        }

        return found;
    }

    private protected async Task Reopen()
    {
        await Close();
        Journal = Store.Open();
    }

    private protected async Task Close() => await Journal.DisposeAsync();
}
