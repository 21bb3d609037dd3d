using Campaigns.Grains.Kernel;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Silo;

/// <summary>Live views: the whole first, then each durable fact once, in order, also after a lost connection.</summary>
public abstract class WatchTests : StoredTests
{
    private static readonly GrainId Counter = CounterGrain.Id(1);

    [Fact]
    public async Task Viewer_sees_a_snapshot_and_then_what_happens()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(5));
        await using var viewer = await Watch(engines, null);
        await engines.Ask(Counter, new Add(6));
        await engines.Ask(Counter, new DrawChance()); // viewers are not told
        await engines.Ask(Counter, new Add(7));

        Assert.Equal(new LiveEvent(1, LiveEvent.Snapshot, new CounterView(5, 1)), await Next(viewer));
        Assert.Equal(new LiveEvent(2, "added", new Added(6)), await Next(viewer));
        Assert.Equal(new LiveEvent(4, "added", new Added(7)), await Next(viewer));
    }

    [Fact]
    public async Task Nothing_is_shown_before_it_is_durable()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(5));
        await using var viewer = await Watch(engines, null);
        await Next(viewer);
        engines.Journal.Hold();
        _ = engines.Send(Counter, new Add(6));
        await engines.Journal.Arrival();
        var live = viewer.MoveNextAsync().AsTask();
        var late = engines.Engine.Watch(Counter, new GetCounter(), null).AsTask();
        Assert.Equal("Empty", (await engines.Ask(CounterGrain.Id(2), new GetCounter())).Refusal?.Code);
        Assert.False(live.IsCompleted || late.IsCompleted);

        engines.Journal.Release();
        Assert.True(await live.WaitAsync(Engines.Patience));
        Assert.Equal(2, viewer.Current.Sequence);
        await using var second = (await late.WaitAsync(Engines.Patience)).Reply!.GetAsyncEnumerator();
        Assert.Equal(new LiveEvent(2, LiveEvent.Snapshot, new CounterView(11, 2)), await Next(second));
    }

    [Fact]
    public async Task Viewer_who_comes_back_misses_nothing_and_sees_nothing_twice()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(1));
        await using var keeper = await Watch(engines, null);
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++) await engines.Ask(Counter, new Add(1));
        });

        var seen = 1L;
        while (seen < 301)
        {
            await using var viewer = await Watch(engines, seen);
            for (var i = 0; i < 7 && seen < 301; i++)
            {
                var live = await Next(viewer);
                Assert.Equal("added", live.Name);
                Assert.Equal(seen + 1, live.Sequence);
                seen = live.Sequence;
            }
        }

        await writing;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(77)]
    [InlineData(-5)]
    public async Task Unknown_place_to_go_on_gives_a_snapshot(long after)
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(1));
        await engines.Ask(Counter, new Add(2));
        await using var viewer = await Watch(engines, after);
        Assert.Equal(new LiveEvent(2, LiveEvent.Snapshot, new CounterView(3, 2)), await Next(viewer));
    }

    [Fact]
    public async Task Viewer_who_cannot_keep_up_is_disconnected_and_comes_back_to_a_snapshot()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(1));
        await using var slow = await Watch(engines, null);
        await Task.WhenAll(Enumerable.Range(0, 2_000).Select(_ => engines.Ask(Counter, new Add(1))));
        var last = 0L;
        while (await slow.MoveNextAsync().AsTask().WaitAsync(Engines.Patience)) last = slow.Current.Sequence;
        Assert.InRange(last, 2, 1_999);

        await using var again = await Watch(engines, last);
        Assert.Equal(new LiveEvent(2_001, LiveEvent.Snapshot, new CounterView(2_001, 2_001)), await Next(again));
    }

    [Fact]
    public async Task Refused_view_is_refused()
    {
        await using var engines = await Start();
        Assert.Equal("Empty", (await engines.Engine.Watch(Counter, new GetCounter(), null)).Refusal?.Code);
    }

    [Fact]
    public async Task Stop_ends_the_streams()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(1));
        await using var viewer = await Watch(engines, null);
        await Next(viewer);
        await engines.Stop();
        Assert.False(await viewer.MoveNextAsync().AsTask().WaitAsync(Engines.Patience));
    }

    [Fact]
    public async Task Viewer_who_gives_up_does_not_keep_the_grain_in_memory()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(1));
        using var gone = new CancellationTokenSource();
        Assert.True((await engines.Engine.Watch(Counter, new GetCounter(), null, gone.Token)).IsAccepted); // never read
        await using (var left = await Watch(engines, null)) await Next(left);
        engines.Journal.Hold();
        _ = engines.Send(Counter, new Add(1));
        await engines.Journal.Arrival();
        var waiting = engines.Engine.Watch(Counter, new GetCounter(), null, gone.Token).AsTask();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        engines.Journal.Release();

        var tick = CounterGrain.Id(2);
        await engines.Ask(tick, new Add(1));
        for (var round = 0; engines.Engine.ActiveGrains > 1; round++)
        {
            Assert.True(round < 1_000, "The viewers still count.");
            engines.Clock.Advance(TimeSpan.FromMinutes(6));
            await engines.Ask(tick, new Add(1));
        }
    }

    private static async Task<IAsyncEnumerator<LiveEvent>> Watch(Engines engines, long? after) =>
        (await engines.Engine.Watch(Counter, new GetCounter(), after).AsTask().WaitAsync(Engines.Patience)).Reply!.GetAsyncEnumerator();

    private static async Task<LiveEvent> Next(IAsyncEnumerator<LiveEvent> viewer)
    {
        Assert.True(await viewer.MoveNextAsync().AsTask().WaitAsync(Engines.Patience));
        return viewer.Current;
    }
}

public sealed class WatchTestsOnSqlite : WatchTests
{
    private protected override Store NewStore() => Store.Sqlite();
}

public sealed class WatchTestsOnPostgres : WatchTests
{
    private protected override Store NewStore() => Store.Postgres();
}
