using Campaigns.Grains.Kernel;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Silo;

/// <summary>Deadlines fire on the product's clock, survive everything, and the state decides whether they matter (law 6).</summary>
public abstract class DeadlineTests : StoredTests
{
    private static readonly GrainId Counter = CounterGrain.Id(1);

    [Fact]
    public async Task Deadline_fires_when_its_time_has_come_and_not_before()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new RingAt(engines.Clock.GetUtcNow().AddHours(2)));
        engines.Clock.Advance(TimeSpan.FromHours(1));
        await engines.Quiet();
        Assert.Equal(0, (await engines.View(Counter)).Rings);

        engines.Clock.Advance(TimeSpan.FromHours(1));
        await engines.Quiet();
        Assert.Equal(new CounterView(100, 2, Rings: 1), await engines.View(Counter));
        Assert.InRange(engines.Engine.DeadlineLatenessMs, 0, 30_000);
    }

    [Fact]
    public async Task Moved_deadline_fires_once_at_its_last_time()
    {
        await using var engines = await Start();
        var start = engines.Clock.GetUtcNow();
        for (var hours = 1; hours <= 10; hours++) await engines.Ask(Counter, new RingAt(start.AddHours(hours)));
        await engines.Ask(CounterGrain.Id(2), new RingAt(start.AddHours(8)));
        await engines.Ask(CounterGrain.Id(2), new RingAt(start.AddHours(2)));
        engines.Clock.Advance(TimeSpan.FromHours(9));
        await engines.Quiet();
        Assert.Equal(0, (await engines.View(Counter)).Rings);
        Assert.Equal(1, (await engines.View(CounterGrain.Id(2))).Rings);

        engines.Clock.Advance(TimeSpan.FromHours(1));
        await engines.Quiet();
        Assert.Equal(1, (await engines.View(Counter)).Rings);
    }

    [Theory]
    [InlineData(18)]
    [InlineData(1)]
    public async Task Deadline_far_away_of_a_grain_that_stays_in_memory_fires_at_its_time(int steps)
    {
        await using var engines = await Start(o => o with { IdleAfter = TimeSpan.FromDays(365) });
        var counters = Enumerable.Range(1, 200).Select(i => CounterGrain.Id(i)).ToList(); // more than one sweep looks at
        foreach (var counter in counters) await engines.Ask(counter, new RingAt(engines.Clock.GetUtcNow().AddMinutes(12)));
        for (var step = 0; step < steps; step++)
        {
            foreach (var counter in counters) Assert.Equal(0, (await engines.View(counter)).Rings);
            engines.Clock.Advance(TimeSpan.FromMinutes(12) / steps);
            await engines.Quiet();
        }

        foreach (var counter in counters) Assert.Equal(1, (await engines.View(counter)).Rings);
    }

    [Fact]
    public async Task Deadline_far_away_takes_no_place_among_the_timers()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new RingAt(engines.Clock.GetUtcNow().AddHours(2)));
        Assert.Null(engines.Engine.LaneOf(Counter).NextTimer);

        await engines.Ask(Counter, new RingAt(engines.Clock.GetUtcNow().AddMinutes(2)));
        Assert.NotNull(engines.Engine.LaneOf(Counter).NextTimer);
    }

    [Fact]
    public async Task Deadline_fires_at_its_time_after_the_clock_was_set_back()
    {
        await using var engines = await Start(o => o with { IdleAfter = TimeSpan.FromDays(365) });
        engines.MachineClock.Skew = TimeSpan.FromHours(3);
        await engines.Ask(CounterGrain.Id(2), new Add(1));
        engines.MachineClock.Skew = TimeSpan.Zero;
        await engines.Ask(Counter, new RingAt(engines.Clock.GetUtcNow().AddMinutes(12)));
        for (var step = 0; step < 18; step++)
        {
            engines.Clock.Advance(TimeSpan.FromSeconds(40));
            await engines.Quiet();
        }

        Assert.Equal(1, (await engines.View(Counter)).Rings);
    }

    [Fact]
    public void Wake_up_that_no_deadline_asked_for_is_no_business_of_any_rule() =>
        Assert.All(Campaigns.Grains.Mechanics.Grains, g => Assert.Null(g.DecideAny(g.NewState(), Wake.Instance, new(new(g.Kind, new("demo"), Guid.NewGuid()), DateTimeOffset.UnixEpoch))));

    [Fact]
    public async Task State_decides_whether_a_wake_matters()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new RingAt(engines.Clock.GetUtcNow().AddHours(1)));
        Assert.True((await engines.Ask(Counter, Wake.Instance)).IsAccepted);
        Assert.Equal(new CounterView(0, 1), await engines.View(Counter));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Deadline_that_passed_while_it_was_down_fires_after_the_start(bool clean)
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new RingAt(engines.Clock.GetUtcNow().AddHours(1)));
        await (clean ? engines.Stop() : engines.Kill());
        engines.Clock.Advance(TimeSpan.FromHours(2));
        await engines.Start();
        await engines.Quiet();
        Assert.Equal(new CounterView(100, 2, Rings: 1), await engines.View(Counter));

        await engines.Restart();
        await engines.Quiet();
        Assert.Equal(1, (await engines.View(Counter)).Rings);
    }

    [Fact]
    public async Task Several_deadlines_that_passed_one_after_another_all_fire_at_once()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new RingAt(engines.Clock.GetUtcNow().AddHours(1), Times: 5));
        await engines.Stop();
        engines.Clock.Advance(TimeSpan.FromHours(2));
        await engines.Start();
        await engines.Quiet();
        Assert.Equal(5, (await engines.View(Counter)).Rings);
    }

    [Fact]
    public async Task Grain_that_left_memory_is_woken_by_its_stored_deadline()
    {
        await using var engines = await Start();
        var hour = engines.Clock.GetUtcNow().AddHours(1);
        foreach (var i in Enumerable.Range(1, 30)) await engines.Ask(CounterGrain.Id(i), new RingAt(hour));
        var tick = CounterGrain.Id(1_000);
        engines.Clock.Advance(TimeSpan.FromMinutes(6));
        for (var round = 0; engines.Engine.ActiveGrains > 1; round++)
        {
            Assert.True(round < 100_000, $"{engines.Engine.ActiveGrains} grains stay.");
            await engines.Ask(tick, new Add(1));
        }

        await engines.Quiet(); // a grain leaves memory before the journal knows that it has, and only then finds it by its deadline
        engines.Clock.Advance(TimeSpan.FromMinutes(55));
        await engines.Quiet();
        foreach (var i in Enumerable.Range(1, 30)) Assert.Equal(1, (await engines.View(CounterGrain.Id(i))).Rings);
    }

    [Fact]
    public async Task Stored_deadline_is_found_without_anybody_waiting()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new RingAt(engines.Clock.GetUtcNow().AddHours(1)));
        await engines.Restart();
        Assert.Equal(0, engines.Engine.ActiveGrains);
        engines.Clock.Advance(TimeSpan.FromHours(2));

        using var limit = new CancellationTokenSource(Engines.Patience);
        while (engines.Engine.EventsRecorded == 0) await engines.Quiet().WaitAsync(limit.Token);
        Assert.Equal(1, (await engines.View(Counter)).Rings);
        Assert.Empty(engines.Journal.Due(DateTimeOffset.MinValue, DateTimeOffset.MaxValue.AddDays(-1), 10));
    }
}

public sealed class DeadlineTestsOnSqlite : DeadlineTests
{
    private protected override Store NewStore() => Store.Sqlite();
}

public sealed class DeadlineTestsOnPostgres : DeadlineTests
{
    private protected override Store NewStore() => Store.Postgres();
}
