using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Conformance;

/// <summary>What every engine promises, over every journal: the same suite for each. What only one of them has is tested beside it.</summary>
public abstract class EngineConformance
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly GrainId One = CounterGrain.Id(1);
    private static readonly GrainId Two = CounterGrain.Id(2);

    private protected static LocalEngineOptions Options { get; } = new()
    {
        Lanes = 2,
        GrainInboxMax = 1_000,
        WaitingMax = 200,
        GrainBackoff = TimeSpan.FromMilliseconds(5),
        ReceiverBackoff = TimeSpan.FromMilliseconds(5),
        BackoffMax = TimeSpan.FromMilliseconds(50),
        DuePoll = TimeSpan.FromMilliseconds(50),
        DrainMax = TimeSpan.FromSeconds(10),
    };

    private protected abstract Task<IEngineUnderTest> Start(params IReceiver[] receivers);

    [Fact]
    public async Task What_was_added_is_there_for_whoever_asks()
    {
        await using var engine = await Start();
        for (var i = 1; i <= 5; i++) Assert.Equal(i, (await Ask(engine, One, new Add(1))).Total);
        Assert.Equal(5, await Total(engine, One));
    }

    [Fact]
    public async Task A_refusal_says_what_and_why()
    {
        await using var engine = await Start();
        await Ask(engine, One, new CloseCounter());

        var refused = await Outcome(engine, One, new Add(1));

        Assert.Equal(Refusal.Of(CounterRefusal.Closed), refused.Refusal);
    }

    [Fact]
    public async Task An_unknown_kind_is_not_found()
    {
        await using var engine = await Start();
        Assert.Equal(Refusal.Of(GrainRefusal.NotFound), (await Outcome(engine, new("nothing", new("demo"), Guid.NewGuid()), new GetCounter())).Refusal);
    }

    [Fact]
    public async Task A_bug_in_a_rule_is_answered_and_changes_nothing()
    {
        await using var engine = await Start();
        await Ask(engine, One, new Add(3));

        Assert.Equal(RefusalKind.Fault, (await Outcome(engine, One, new Break())).Refusal?.Kind);
        Assert.Equal(3, await Total(engine, One));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repeat_adds_nothing_also_after_the_process_ended(bool clean)
    {
        await using var engine = await Start();
        var twice = new Add(7, Guid.NewGuid());
        await Ask(engine, One, twice);
        await Ask(engine, One, twice);

        await (clean ? engine.Restart() : engine.Kill());

        await Ask(engine, One, twice);
        Assert.Equal(7, await Total(engine, One));
    }

    [Fact]
    public async Task A_payment_is_answered_when_the_other_grain_has_taken_it()
    {
        await using var engine = await Start();
        await Ask(engine, One, new Add(100));

        Assert.Equal(60, (await Ask(engine, One, new Pay(Guid.NewGuid(), Two, 40))).Total);
        Assert.Equal(40, await Total(engine, Two));
    }

    [Fact]
    public async Task A_payment_that_is_refused_comes_back()
    {
        await using var engine = await Start();
        await Ask(engine, One, new Add(100));
        await Ask(engine, Two, new CloseCounter());

        Assert.Equal(100, (await Ask(engine, One, new Pay(Guid.NewGuid(), Two, 40))).Total);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_owed_when_the_process_ends_is_paid_without_being_asked(bool clean)
    {
        await using var engine = await Start();
        await Ask(engine, One, new PayMany(Two, 300));

        await (clean ? engine.Restart() : engine.Kill());

        await Until(async () => (await Outcome(engine, Two, new GetCounter())).Reply?.Total == 300 * 301 / 2);
        Assert.Equal(300, (await Ask(engine, Two, new GetCounter())).Sequence);
    }

    [Fact]
    public async Task A_deadline_fires_without_being_asked()
    {
        await using var engine = await Start();
        await Ask(engine, One, new RingAt(engine.Clock.GetUtcNow().AddHours(1), Times: 3));
        Assert.Equal(0, (await Ask(engine, One, new GetCounter())).Rings);

        engine.Clock.Advance(TimeSpan.FromHours(2));

        await Until(() => Task.FromResult(Rings(engine) == 3));
        Assert.Equal(3, (await Ask(engine, One, new GetCounter())).Rings);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_deadline_survives_the_process(bool clean)
    {
        await using var engine = await Start();
        await Ask(engine, One, new RingAt(engine.Clock.GetUtcNow().AddHours(1)));
        await Ask(engine, One, new Pay(Guid.NewGuid(), Two, 1)); // two facts after each other, whatever was stored of the first

        await (clean ? engine.Restart() : engine.Kill());
        engine.Clock.Advance(TimeSpan.FromHours(2));

        await Until(() => Task.FromResult(Rings(engine) == 1));
        Assert.Equal(1, (await Ask(engine, One, new GetCounter())).Rings);
    }

    [Theory]
    [InlineData(1, 2_000)]
    [InlineData(200, 20)]
    public async Task Many_callers_lose_nothing_and_double_nothing(int grains, int each)
    {
        await using var engine = await Start();
        await Task.WhenAll(Enumerable.Range(0, grains * each).Select(async i =>
        {
            var add = new Add(1, Guid.NewGuid());
            while ((await Outcome(engine, CounterGrain.Id(i % grains), add)).Refusal is { } refusal) Assert.Equal(RefusalKind.Busy, refusal.Kind);
        }));

        for (var i = 0; i < grains; i++) Assert.Equal(each, await Total(engine, CounterGrain.Id(i)));
    }

    [Fact]
    public async Task Money_between_grains_is_neither_made_nor_lost_while_processes_end()
    {
        const int Counters = 20;
        await using var engine = await Start();
        for (var i = 0; i < Counters; i++) await Ask(engine, CounterGrain.Id(i), new Add(1_000));

        for (var round = 0; round < 4; round++)
        {
            var payments = Enumerable.Range(0, 100).Select(async i =>
            {
                var pay = new Pay(Guid.NewGuid(), CounterGrain.Id((i * 7 + round) % Counters), i);
                await Until(async () => (await Outcome(engine, CounterGrain.Id(i % Counters), pay)).IsAccepted);
            }).ToList();
            await (round % 2 == 0 ? engine.Kill() : engine.Restart());
            await Task.WhenAll(payments).WaitAsync(Patience);
        }

        await Until(async () => (await Task.WhenAll(Enumerable.Range(0, Counters).Select(i => Total(engine, CounterGrain.Id(i))))).Sum() == Counters * 1_000);
    }

    [Fact]
    public async Task An_outside_system_that_fails_is_called_again_until_it_answers()
    {
        var gateway = new Unreliable(failures: 3);
        await using var engine = await Start(gateway);

        var paid = await Ask(engine, One, new Pay(Guid.NewGuid(), new(Unreliable.Name, new("demo"), Guid.NewGuid()), 5));

        Assert.Equal(-5, paid.Total);
        Assert.Equal(4, gateway.Calls);
    }

    [Fact]
    public async Task A_grain_that_everybody_wants_is_refused_busy_and_others_are_served()
    {
        await using var stuck = await Start(new Unreliable(failures: int.MaxValue));

        // Callers who wait for what is owed to a system that does not answer are bounded.
        var waiting = Enumerable.Range(0, Options.WaitingMax + 100).Select(_ => stuck.Grains.Ask(One, new Pay(PaymentOnce, new(Unreliable.Name, new("demo"), PaymentOnce), 1)).AsTask()).ToList();
        var first = await Task.WhenAny(waiting).WaitAsync(Patience);

        Assert.Equal(RefusalKind.Busy, (await first).Refusal?.Kind);
        Assert.Equal(1, (await Ask(stuck, Two, new Add(1))).Total);
    }

    [Fact]
    public async Task A_caller_who_gives_up_hears_so_and_what_was_decided_stays()
    {
        var gateway = new Unreliable(failures: int.MaxValue);
        await using var engine = await Start(gateway);
        using var giveUp = new CancellationTokenSource();
        var asked = engine.Grains.Ask(One, new Pay(PaymentOnce, new(Unreliable.Name, new("demo"), PaymentOnce), 5), giveUp.Token).AsTask();
        await Until(() => Task.FromResult(gateway.Calls > 0));

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        Assert.Equal(-5, await Total(engine, One));
    }

    [Fact]
    public async Task A_viewer_sees_a_snapshot_and_then_what_happens()
    {
        await using var engine = await Start();
        await Ask(engine, One, new Add(1));
        using var limit = new CancellationTokenSource(Patience);
        var watching = await engine.Grains.Watch(One, new GetCounter(), null, limit.Token);
        await using var events = watching.Reply!.GetAsyncEnumerator(limit.Token);

        Assert.True(await events.MoveNextAsync());
        Assert.Equal((1L, LiveEvent.Snapshot, (object)new CounterView(1, 1)), (events.Current.Sequence, events.Current.Name, events.Current.Data));
        await Ask(engine, One, new Add(41));
        Assert.True(await events.MoveNextAsync());
        Assert.Equal((2L, "added", (object)new Added(41)), (events.Current.Sequence, events.Current.Name, events.Current.Data));
    }

    [Fact]
    public async Task A_viewer_who_comes_back_misses_nothing_and_sees_nothing_twice()
    {
        await using var engine = await Start();
        await Ask(engine, One, new Add(1));
        using var limit = new CancellationTokenSource(Patience);
        using (var first = CancellationTokenSource.CreateLinkedTokenSource(limit.Token))
        {
            await foreach (var _ in (await engine.Grains.Watch(One, new GetCounter(), null, first.Token)).Reply!) break;
        }

        for (var i = 2; i <= 4; i++) await Ask(engine, One, new Add(i));
        var seen = new List<long>();
        await foreach (var live in (await engine.Grains.Watch(One, new GetCounter(), 1, limit.Token)).Reply!)
        {
            seen.Add(live.Sequence);
            if (seen.Count == 3) break;
        }

        Assert.Equal([2, 3, 4], seen);
    }

    [Fact]
    public async Task A_view_that_is_refused_cannot_be_watched()
    {
        await using var engine = await Start();
        Assert.Equal(Refusal.Of(CounterRefusal.Empty), (await engine.Grains.Watch(One, new GetCounter(), null)).Refusal);
    }

    private static readonly Guid PaymentOnce = Guid.NewGuid();

    private static async Task<Outcome<TReply>> Outcome<TReply>(IEngineUnderTest engine, GrainId grain, ICommand<TReply> command) => await engine.Grains.Ask(grain, command).AsTask().WaitAsync(Patience);

    // As a client would: busy is no answer.
    private static async Task<TReply> Ask<TReply>(IEngineUnderTest engine, GrainId grain, ICommand<TReply> command)
    {
        var reply = default(TReply);
        await Until(async () =>
        {
            var outcome = await Outcome(engine, grain, command);
            Assert.True(outcome.Refusal is null or { Kind: RefusalKind.Busy }, outcome.Refusal?.Code);
            reply = outcome.Reply;
            return outcome.IsAccepted;
        });
        return reply!;
    }

    private static async Task<long> Total(IEngineUnderTest engine, GrainId grain) => (await Ask(engine, grain, new GetCounter())).Total;

    private static int Rings(IEngineUnderTest engine) => DurableFacts.In(engine.Journal).Count(f => f.Name == "counter-rang");

    private static async Task Until(Func<Task<bool>> isSo)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!await isSo()) Assert.True(await again.WaitForNextTickAsync(limit.Token), "It did not come to be.");
    }
}

/// <summary>A system outside that fails some times before it answers.</summary>
internal sealed class Unreliable(int failures) : IReceiver
{
    public const string Name = "gateway";

    private int calls;

    public string Kind => Name;

    public int Calls => Volatile.Read(ref calls);

    public Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation) =>
        Interlocked.Increment(ref calls) <= failures ? throw new IOException("It does not answer.") : Task.FromResult(new Receipt(Done.Instance, null));
}
