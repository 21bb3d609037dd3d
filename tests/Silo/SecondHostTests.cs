using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Silo;

/// <summary>The engine seam: another host runs the same cells over the same journal, and two of them cannot harm each other.</summary>
public abstract class SecondHostTests : IAsyncDisposable
{
    private static readonly GrainId Counter = CounterGrain.Id(1);

    private readonly Store store;
    private IJournal journal;
    private SecondHost a;
    private SecondHost b;

    private protected SecondHostTests(Store store)
    {
        this.store = store;
        journal = store.Open();
        (a, b) = (NewHost(), NewHost());
    }

    [Fact]
    public void Grain_moves_from_one_host_to_another()
    {
        var add = new Add(5, Guid.CreateVersion7());
        a.Ask(Counter, add);
        a.Leave(Counter);
        Assert.Equal(new CounterView(5, 1), b.Ask(Counter, add).Reply);
        Assert.Equal(new CounterView(8, 2), b.Ask(Counter, new Add(3)).Reply);
    }

    [Fact]
    public void Grain_whose_host_died_is_found_again_from_its_tail()
    {
        a.Ask(Counter, new Add(5));
        a.Ask(Counter, new Add(6));
        Assert.Equal(new CounterView(11, 2), b.Ask(Counter, new GetCounter()).Reply);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Stale_write_is_fenced_and_the_host_goes_on_after_a_reload(bool stored)
    {
        a.Ask(Counter, new Add(5));
        b.Ask(Counter, new Add(3));
        if (stored) b.Leave(Counter);

        Assert.Equal(RefusalKind.Busy, a.Ask(Counter, new Add(100)).Refusal?.Kind);
        Assert.Equal(new CounterView(8, 2), NewHost().Ask(Counter, new GetCounter()).Reply);
        Assert.Equal(new CounterView(9, 3), a.Ask(Counter, new Add(1)).Reply);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Stale_snapshot_cannot_rewrite_history(bool stored)
    {
        a.Ask(Counter, new Add(5));
        b.Ask(Counter, new Add(3));
        if (stored) b.Leave(Counter);

        Assert.False(a.Store(Counter));
        Assert.Equal(new CounterView(8, 2), NewHost().Ask(Counter, new GetCounter()).Reply);
        Assert.True(a.Store(Counter));
    }

    [Fact]
    public void Fence_takes_everything_of_the_stale_grain_and_nothing_of_the_others()
    {
        var other = CounterGrain.Id(2);
        a.Ask(Counter, new Add(5));
        var stale = Campaigns.Silo.Cell.Restore(Counter, new CounterGrain(), journal.Read(Counter));
        var fresh = Campaigns.Silo.Cell.Restore(other, new CounterGrain(), journal.Read(other));
        b.Ask(Counter, new Add(1));

        var batch = new Batch();
        var turn = new Turn(Counter, DateTimeOffset.UnixEpoch);
        stale.Handle(new Add(100), turn, batch);
        fresh.Handle(new Add(7), turn, batch);
        stale.Handle(new Add(100), turn, batch);
        batch.Snapshots.Add(stale.Snapshot());
        Assert.Equal([Counter], journal.Append([batch]));

        Assert.Equal(new CounterView(6, 2), NewHost().Ask(Counter, new GetCounter()).Reply);
        Assert.Equal(new CounterView(7, 1), NewHost().Ask(other, new GetCounter()).Reply);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Facts_that_share_a_header_with_those_of_a_snapshot_are_not_lost(bool restarted)
    {
        var cell = Campaigns.Silo.Cell.Restore(Counter, new CounterGrain(), GrainRecord.Empty);
        var batch = new Batch();
        var turn = new Turn(Counter, DateTimeOffset.UnixEpoch);
        cell.Handle(new Add(5), turn, batch);
        batch.Snapshots.Add(cell.Snapshot());
        cell.Handle(new Add(3), turn, batch);
        Assert.Single(batch.Entries);
        journal.Append([batch]);
        if (restarted) await Restart();

        Assert.Equal(new CounterView(8, 2), a.Ask(Counter, new GetCounter()).Reply);
        Assert.Equal(new CounterView(9, 3), a.Ask(Counter, new Add(1)).Reply);
        Assert.Equal(new CounterView(9, 3), NewHost().Ask(Counter, new GetCounter()).Reply);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Moves_and_stale_writes_in_any_order_keep_the_total(int seed)
    {
        var random = new Random(seed);
        var expected = new long[5];
        for (var step = 0; step < 500; step++)
        {
            var host = random.Next(2) == 0 ? a : b;
            var number = random.Next(expected.Length);
            var grain = CounterGrain.Id(number);
            switch (random.Next(20))
            {
                case 0:
                    host.Leave(grain);
                    break;
                case 1:
                    host.Store(grain);
                    break;
                case 2 when random.Next(10) == 0:
                    await Restart();
                    break;
                default:
                    var add = new Add(random.Next(1, 100), Guid.CreateVersion7());
                    var outcome = host.Ask(grain, add);
                    if (!outcome.IsAccepted) outcome = host.Ask(grain, add); // reloaded now
                    expected[number] += add.Amount;
                    Assert.True(outcome.Reply!.Total == expected[number], $"seed {seed}, step {step}: {outcome.Reply.Total} instead of {expected[number]}");
                    break;
            }
        }

        await Restart();
        Assert.Equal(expected, Enumerable.Range(0, expected.Length).Select(i => a.Ask(CounterGrain.Id(i), new GetCounter()).Reply!.Total));
    }

    public async ValueTask DisposeAsync()
    {
        await journal.DisposeAsync();
        await store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private SecondHost NewHost() => new(journal, new CounterGrain());

    private async Task Restart()
    {
        await journal.DisposeAsync();
        journal = store.Open();
        (a, b) = (NewHost(), NewHost());
    }
}

public sealed class SecondHostTestsOnSqlite() : SecondHostTests(Store.Sqlite());

public sealed class SecondHostTestsOnPostgres() : SecondHostTests(Store.Postgres());
