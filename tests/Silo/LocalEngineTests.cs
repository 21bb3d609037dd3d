using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.Silo;

/// <summary>The laws, as the local engine keeps them: durable before answered, repeats, bugs, limits, failure, stop.</summary>
public abstract class LocalEngineTests : StoredTests
{
    private static readonly GrainId Counter = CounterGrain.Id(1);

    [Fact]
    public async Task Answer_leaves_only_after_the_flush()
    {
        await using var engines = await Start();
        engines.Journal.Hold();
        var added = engines.Send(Counter, new Add(5));
        await engines.Journal.Arrival();
        Assert.False(added.IsCompleted);

        engines.Journal.Release();
        Assert.Equal(5, (await added.WaitAsync(Engines.Patience)).Reply!.Total);
    }

    [Fact]
    public async Task One_flush_takes_everything_that_queued_meanwhile()
    {
        await using var engines = await Start();
        engines.Journal.Hold();
        var first = engines.Send(Counter, new Add(1));
        await engines.Journal.Arrival();
        var others = Enumerable.Range(2, 500).Select(i => engines.Send(CounterGrain.Id(i), new Add(1))).ToArray();
        await WhenTaken(engines);

        var before = engines.Journal.Appends;
        engines.Journal.Release();
        await Task.WhenAll([first, .. others]).WaitAsync(Engines.Patience);
        Assert.Equal(before + 1, engines.Journal.Appends);
    }

    [Fact]
    public async Task Read_waits_for_the_flush_of_the_fact_it_shows()
    {
        await using var engines = await Start();
        await engines.Ask(CounterGrain.Id(2), new Add(7));
        engines.Journal.Hold();
        var added = engines.Send(Counter, new Add(5));
        await engines.Journal.Arrival();
        var read = engines.Send(Counter, new GetCounter());
        var refused = engines.Send(Counter, new CloseCounter());

        // The lane handles in order: when this one is answered, the read has been decided and was held back.
        Assert.Equal(7, await engines.Total(CounterGrain.Id(2)));
        Assert.False(added.IsCompleted || read.IsCompleted || refused.IsCompleted);

        engines.Journal.Release();
        Assert.Equal(5, (await read.WaitAsync(Engines.Patience)).Reply!.Total);
    }

    [Fact]
    public async Task Grain_in_an_idle_lane_is_asked_on_the_callers_thread()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(5));
        await engines.Quiet();
        Assert.Contains(Enumerable.Range(0, 100), _ => engines.Send(Counter, new GetCounter()).IsCompleted && engines.Grain.DecidedOn == Environment.CurrentManagedThreadId);
    }

    [Fact]
    public async Task Repeat_of_a_command_adds_nothing()
    {
        await using var engines = await Start();
        var add = new Add(5, Guid.CreateVersion7());
        var both = await Task.WhenAll(engines.Ask(Counter, add), engines.Ask(Counter, add));
        Assert.All(both, b => Assert.Equal(5, b.Reply!.Total));
        Assert.Equal(new CounterView(5, 1), await engines.View(Counter));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Repeat_adds_nothing_after_a_restart_from_the_tail_or_from_a_snapshot(bool clean)
    {
        await using var engines = await Start();
        var add = new Add(5, Guid.CreateVersion7());
        await engines.Ask(Counter, add);
        await (clean ? engines.Stop() : engines.Kill());
        await engines.Start();
        Assert.Equal(clean || !engines.IsReplayed ? 0 : 1, engines.Engine.Recovery.Events);

        await engines.Ask(Counter, add);
        Assert.Equal(new CounterView(5, 1), await engines.View(Counter));
    }

    [Fact]
    public async Task Newest_requests_are_remembered_and_older_ones_forgotten()
    {
        await using var engines = await Start();
        var requests = Enumerable.Range(0, Cell.RequestsRemembered + 1).Select(_ => new Add(1, Guid.CreateVersion7())).ToArray();
        foreach (var add in requests) await engines.Ask(Counter, add);
        foreach (var add in requests.Skip(1)) await engines.Ask(Counter, add);
        Assert.Equal(requests.Length, await engines.Total(Counter));
    }

    [Fact]
    public async Task Chance_is_drawn_once_and_replayed()
    {
        await using var engines = await Start();
        var drawn = (await engines.Ask(Counter, new DrawChance())).Reply!.Drawn;
        Assert.NotEqual(drawn, (await engines.Ask(CounterGrain.Id(2), new DrawChance())).Reply!.Drawn);
        await engines.Kill();
        await engines.Start();
        Assert.Equal(drawn, (await engines.View(Counter)).Drawn);
    }

    [Fact]
    public async Task Bug_in_a_rule_is_answered_and_changes_nothing()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(5));
        Assert.Equal(RefusalKind.Fault, (await engines.Ask(Counter, new Break())).Refusal?.Kind);
        Assert.Equal(RefusalKind.Fault, (await engines.Ask(CounterGrain.Id(2), new Break())).Refusal?.Kind);
        Assert.Equal(new CounterView(5, 1), await engines.View(Counter));
        Assert.True(engines.Engine.IsAccepting);
        Assert.Equal(1, engines.Engine.ActiveGrains);
    }

    [Fact]
    public async Task Fact_survives_a_bug_in_its_answer()
    {
        await using var engines = await Start();
        engines.Journal.Hold();
        var added = engines.Send(Counter, new AddAndBreakAnswer(5));
        await engines.Journal.Arrival();
        Assert.False(added.IsCompleted);
        engines.Journal.Release();
        Assert.Equal(RefusalKind.Fault, (await added.WaitAsync(Engines.Patience)).Refusal?.Kind);

        await engines.Ask(CounterGrain.Id(2), new Add(1));
        await engines.Kill();
        await engines.Start();
        Assert.Equal(new CounterView(5, 1), await engines.View(Counter));
    }

    [Fact]
    public async Task Half_a_decision_stops_the_engine_and_is_never_written()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(5));
        var failed = WhenFailed(engines);
        _ = engines.Send(Counter, new BreakHalfway());
        await failed;
        Assert.False(engines.Engine.IsAccepting);
        Assert.Equal(RefusalKind.Busy, (await engines.Ask(Counter, new Add(1))).Refusal?.Kind);

        await engines.Restart();
        Assert.Equal(new CounterView(5, 1), await engines.View(Counter));
    }

    [Fact]
    public async Task Journal_failure_stops_the_engine_with_nothing_answered()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(5));
        var failed = WhenFailed(engines);
        engines.Journal.Hold();
        var first = engines.Send(Counter, new Add(10));
        await engines.Journal.Arrival();
        var second = engines.Send(Counter, new Add(20));
        var read = engines.Send(Counter, new GetCounter());
        engines.Journal.Die();

        Assert.IsType<JournalFailure>(await failed);
        Assert.False(first.IsCompleted || second.IsCompleted || read.IsCompleted);
        Assert.Equal(RefusalKind.Busy, (await engines.Ask(Counter, new GetCounter())).Refusal?.Kind);

        await engines.Restart();
        Assert.Equal(new CounterView(5, 1), await engines.View(Counter));
        foreach (var unknown in new[] { first, second, read })
            Assert.Equal(RefusalKind.Busy, (await unknown.WaitAsync(Engines.Patience)).Refusal?.Kind);
    }

    [Fact]
    public async Task Full_queue_is_refused()
    {
        await using var engines = await Start(o => o with { InboxMax = 10, UnflushedBytesMax = 1 });
        engines.Journal.Hold();
        var first = engines.Send(Counter, new Add(1));
        await engines.Journal.Arrival();
        var asked = Enumerable.Range(0, 100).Select(_ => engines.Send(Counter, new Add(1))).ToArray();
        Assert.Contains(asked, a => a.IsCompleted && a.Result.Refusal?.Kind == RefusalKind.Busy);

        engines.Journal.Release();
        var answers = await Task.WhenAll([first, .. asked]).WaitAsync(Engines.Patience);
        Assert.Equal(answers.Count(a => a.IsAccepted), await engines.Total(Counter));
    }

    [Fact]
    public async Task Drain_that_meets_a_failing_disk_ends_and_tells_those_who_wait()
    {
        await using var engines = await Start();
        var failures = 0;
        engines.Engine.Failed += _ => failures++;
        engines.Journal.Hold();
        var asked = engines.Send(Counter, new Add(1));
        await engines.Journal.Arrival();
        var drained = engines.Engine.DisposeAsync().AsTask();
        engines.Journal.Die();
        await drained.WaitAsync(Engines.Patience);
        Assert.Equal(RefusalKind.Busy, (await asked.WaitAsync(Engines.Patience)).Refusal?.Kind);
        Assert.Equal(1, failures);
    }

    [Fact]
    public async Task Grain_that_everybody_wants_leaves_room_for_the_others()
    {
        await using var engines = await Start(o => o with { GrainInboxMax = 10, UnflushedBytesMax = 1 });
        engines.Journal.Hold();
        var first = engines.Send(Counter, new Add(1));
        await engines.Journal.Arrival();
        var wanted = Enumerable.Range(0, 100).Select(_ => engines.Send(Counter, new Add(1))).ToArray();
        var others = Enumerable.Range(2, 20).Select(i => engines.Send(CounterGrain.Id(i), new Add(1))).ToArray();
        Assert.Contains(wanted, w => w.IsCompleted && w.Result.Refusal?.Kind == RefusalKind.Busy);
        Assert.All(others, o => Assert.False(o.IsCompleted));

        engines.Journal.Release();
        Assert.All(await Task.WhenAll(others).WaitAsync(Engines.Patience), o => Assert.Null(o.Refusal));
        var answers = await Task.WhenAll([first, .. wanted]).WaitAsync(Engines.Patience);
        Assert.Equal(answers.Count(a => a.IsAccepted), await engines.Total(Counter));
    }

    [Fact]
    public async Task Reads_that_wait_for_a_slow_disk_are_bounded()
    {
        await using var engines = await Start(o => o with { InboxMax = 300 });
        engines.Journal.Hold();
        var first = engines.Send(Counter, new Add(1));
        await engines.Journal.Arrival();
        var refused = 0;
        for (var i = 0; i < 1_000_000 && refused == 0; i++)
            if (engines.Send(Counter, new GetCounter()) is { IsCompleted: true }) refused++;
        Assert.Equal(1, refused);
        engines.Journal.Release();
        await first.WaitAsync(Engines.Patience);
    }

    [Fact]
    public async Task Unknown_ids_cost_no_memory()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(1));
        foreach (var stranger in Enumerable.Range(100, 200).Select(i => CounterGrain.Id(i)))
        {
            Assert.Equal("Empty", (await engines.Ask(stranger, new GetCounter())).Refusal?.Code);
            Assert.Equal("Empty", (await engines.Engine.Watch(stranger, new GetCounter(), null)).Refusal?.Code);
        }

        Assert.Equal("NotFound", (await engines.Ask(new GrainId("nothing", new("demo"), Guid.NewGuid()), new GetCounter())).Refusal?.Code);
        Assert.Equal(1, engines.Engine.ActiveGrains);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Idle_grain_leaves_memory_and_comes_back_as_it_was(bool replayed)
    {
        await using var engines = await Start();
        foreach (var i in Enumerable.Range(1, 100)) await engines.Ask(CounterGrain.Id(i), new Add(i));
        if (replayed)
        {
            await engines.Kill();
            await engines.Start();
            if (engines.IsReplayed) Assert.Equal((100, 100), (engines.Engine.Recovery.Events, engines.Engine.ActiveGrains));
        }

        var tick = CounterGrain.Id(1_000);
        await engines.Ask(tick, new Add(1));
        for (var round = 0; engines.Engine.ActiveGrains > 1; round++)
        {
            Assert.True(round < 1_000, $"{engines.Engine.ActiveGrains} grains stay.");
            engines.Clock.Advance(TimeSpan.FromMinutes(6));
            await engines.Ask(tick, new Add(1));
        }

        foreach (var i in Enumerable.Range(1, 100)) Assert.Equal(new CounterView(i, 1), await engines.View(CounterGrain.Id(i)));
        await engines.Ask(Counter, new Add(1));
        await engines.Kill();
        await engines.Start();
        Assert.Equal(new CounterView(2, 2), await engines.View(Counter));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Snapshots_bound_the_tail_and_recovery_equals_live(int lanes)
    {
        await using var engines = await Start(o => o with { Lanes = lanes, TailEventsMax = 20 });
        var random = new Random(7);
        var live = new Dictionary<GrainId, CounterView>();
        for (var i = 0; i < 400; i++)
        {
            var grain = CounterGrain.Id(random.Next(40));
            live[grain] = (await engines.Ask(grain, new Add(random.Next(100)))).Reply!;
        }

        await engines.Kill();
        await engines.Start();
        Assert.InRange(engines.Engine.Recovery.Events, engines.IsReplayed ? 1 : 0, engines.IsReplayed ? 300 : 0);
        foreach (var (grain, view) in live) Assert.Equal(view, await engines.View(grain));
    }

    [Fact]
    public async Task Tail_stays_bounded_however_often_it_is_killed()
    {
        await using var engines = await Start(o => o with { TailEventsMax = 20 });
        for (var kill = 0; kill < 5; kill++)
        {
            for (var i = 0; i < 15; i++) await engines.Ask(Counter, new Add(1));
            await engines.Kill();
            await engines.Start();
        }

        Assert.InRange(engines.Engine.Recovery.Events, engines.IsReplayed ? 1 : 0, 30);
        Assert.Equal(75, await engines.Total(Counter));
    }

    [Fact]
    public async Task Quiet_lane_keeps_its_facts_in_the_tail_while_another_lane_moves_on()
    {
        await using var engines = await Start(o => o with { Lanes = 3, TailEventsMax = 5 });
        var quiet = Enumerable.Range(1, 12).Select(i => CounterGrain.Id(i)).ToArray();
        foreach (var grain in quiet) await engines.Ask(grain, new Add(3));
        var busy = CounterGrain.Id(99);
        for (var i = 0; i < 100; i++) await engines.Ask(busy, new Add(1));

        await engines.Kill();
        await engines.Start();
        foreach (var grain in quiet) Assert.Equal(new CounterView(3, 1), await engines.View(grain));
        Assert.Equal(100, await engines.Total(busy));
    }

    [Fact]
    public async Task Graceful_stop_finishes_what_was_accepted_and_the_next_start_replays_nothing()
    {
        await using var engines = await Start(o => o with { Lanes = 2 });
        var asked = Enumerable.Range(0, 2_000).Select(i => engines.Send(CounterGrain.Id(i % 50), new Add(1))).ToArray();
        await engines.Stop();
        var answers = await Task.WhenAll(asked).WaitAsync(Engines.Patience);
        Assert.All(answers, a => Assert.True(a.IsAccepted));
        Assert.Equal(RefusalKind.Busy, (await engines.Ask(Counter, new Add(1))).Refusal?.Kind);

        await engines.Start();
        Assert.Equal(0, engines.Engine.Recovery.Events);
        foreach (var i in Enumerable.Range(0, 50)) Assert.Equal(40, await engines.Total(CounterGrain.Id(i)));
    }

    [Fact]
    public async Task Callers_who_come_while_it_stops_are_all_answered()
    {
        await using var engines = await Start(o => o with { Lanes = 2 });
        var callers = Enumerable.Range(0, 4).Select(c => Task.Run(async () =>
        {
            for (var accepted = 0L; ; accepted++)
                if (!(await engines.Send(CounterGrain.Id(c), new Add(1))).IsAccepted) return accepted;
        })).ToArray();
        await engines.Ask(Counter, new Add(0));
        await engines.Stop();
        var accepted = await Task.WhenAll(callers).WaitAsync(Engines.Patience);

        await engines.Start();
        Assert.Equal(accepted, await Task.WhenAll(Enumerable.Range(0, 4).Select(async c => accepted[c] == 0 ? 0 : await engines.Total(CounterGrain.Id(c)))));
    }

    [Fact]
    public async Task Many_callers_on_several_lanes_lose_nothing_and_double_nothing()
    {
        await using var engines = await Start(o => o with { Lanes = 3, TailEventsMax = 200 });
        await Task.WhenAll(Enumerable.Range(0, 50).Select(c => Task.Run(async () =>
        {
            var random = new Random(c);
            for (var i = 0; i < 100; i++)
            {
                var add = new Add(1, Guid.CreateVersion7());
                var grain = CounterGrain.Id(random.Next(10));
                await engines.Ask(grain, add);
                if (random.Next(4) == 0) await engines.Ask(grain, add);
            }
        })));
        await engines.Kill();
        await engines.Start();
        var totals = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => engines.Total(CounterGrain.Id(i))));
        Assert.Equal(5_000, totals.Sum());
    }

    [Fact]
    public async Task Fenced_activation_is_reloaded_and_nothing_it_decided_since_is_written()
    {
        await using var engines = await Start();
        await engines.Ask(Counter, new Add(1));
        var intruder = new SecondHost(engines.Journal, engines.Grain);
        Assert.Equal(3, intruder.Ask(Counter, new Add(2)).Reply!.Total);

        // Decided on top of 1: the first is refused by the journal; the second fits by number, because the intruder wrote one fact too.
        engines.Journal.Hold();
        var first = engines.Send(Counter, new Add(10));
        await engines.Journal.Arrival();
        var second = engines.Send(Counter, new Add(20));
        await WhenTaken(engines);
        engines.Journal.Release();
        Assert.Equal(RefusalKind.Busy, (await first.WaitAsync(Engines.Patience)).Refusal?.Kind);
        Assert.Equal(RefusalKind.Busy, (await second.WaitAsync(Engines.Patience)).Refusal?.Kind);

        Assert.Equal(new CounterView(3, 2), await engines.View(Counter));
        Assert.Equal(new CounterView(7, 3), (await engines.Ask(Counter, new Add(4))).Reply);
        await engines.Kill();
        await engines.Start();
        Assert.Equal(new CounterView(7, 3), await engines.View(Counter));
    }

    [Fact]
    public async Task Engine_that_never_started_can_be_disposed_twice()
    {
        await using var engines = await Start();
        var idle = new Campaigns.Silo.Local.LocalEngine(engines.Journal, [engines.Grain], [], engines.Clock, engines.Options, NullLogger<Campaigns.Silo.Local.LocalEngine>.Instance);
        await idle.DisposeAsync();
        await idle.DisposeAsync();
        Assert.Equal(RefusalKind.Busy, (await idle.Ask(Counter, new Add(1))).Refusal?.Kind);
    }

    // A grain whose facts are flushed is answered at once, in its turn: so everything asked before it has been decided.
    private static async Task WhenTaken(Engines engines)
    {
        while (engines.Engine.QueuedCommands > 0) await Task.Yield();
        Assert.Equal("NotFound", (await engines.Ask(new GrainId("nothing", new("demo"), Guid.Empty), new GetCounter())).Refusal?.Code);
    }

    private static Task<Exception> WhenFailed(Engines engines)
    {
        var failed = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        engines.Engine.Failed += failed.SetResult;
        return failed.Task.WaitAsync(Engines.Patience);
    }
}

public sealed class LocalEngineTestsOnSqlite : LocalEngineTests
{
    [Fact]
    public async Task Second_engine_on_the_same_folder_is_refused()
    {
        await using var engines = await Start();
        var refused = Assert.Throws<IOException>(() => SqliteJournal.Open(engines.Folder));
        Assert.Contains("in use by another process", refused.Message, StringComparison.Ordinal);
    }

    private protected override Store NewStore() => Store.Sqlite();
}

public sealed class LocalEngineTestsOnPostgres : LocalEngineTests
{
    private protected override Store NewStore() => Store.Postgres();
}
