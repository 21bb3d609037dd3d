using System.Text.Json;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Runtime;
using Orleans.Runtime.Placement;
using GrainId = Campaigns.Grains.Kernel.GrainId;

namespace Campaigns.ClusterTests;

/// <summary>Two silos that all these tests share, and a gateway. A test that ends a silo brings it.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    internal Gateway Gateway { get; } = new();

    internal Cluster Cluster { get; private set; } = null!;

    public async Task InitializeAsync() => Cluster = await Cluster.Start(2, Options, Gateway);

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    internal static LocalEngineOptions Options { get; } = new()
    {
        Lanes = 1,
        WaitingMax = 50,
        GrainBackoff = TimeSpan.FromMilliseconds(5),
        ReceiverBackoff = TimeSpan.FromMilliseconds(5),
        BackoffMax = TimeSpan.FromMilliseconds(50),
        DuePoll = TimeSpan.FromMilliseconds(50),
        DrainMax = TimeSpan.FromSeconds(5),
    };
}

/// <summary>An outside system that answers when it is opened.</summary>
internal sealed class Gateway : IReceiver
{
    private volatile TaskCompletionSource open = new();

    public string Kind => "gateway";

    public void Close() => open = new();

    public void Open() => open.TrySetResult();

    public async Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation)
    {
        await open.Task.WaitAsync(cancellation);
        return new(Done.Instance, null);
    }
}

/// <summary>A command that whoever gets it cannot read, as one that a newer release has added.</summary>
[JsonConverter(typeof(JuggleJson))]
internal sealed record Juggle : ICommand<Done>;

internal sealed class JuggleJson : JsonConverter<Juggle>
{
    public override Juggle Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new TypeLoadException("There is no Juggle here.");

    public override void Write(Utf8JsonWriter writer, Juggle value, JsonSerializerOptions options) => writer.WriteStringValue("juggle");
}

/// <summary>What a cluster does that one engine does not: grains move, silos come and go, and some of them do not know that they are dead.</summary>
public sealed class ManySilosTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>How long a caller may wait for a grain whose silo was killed. Three missed probes and a vote are one second.</summary>
    private static readonly TimeSpan AwayMax = TimeSpan.FromSeconds(10);

    /// <summary>How long a silo may take to hand over grains that wait for each other's answers. Left alone, they would until messages expire.</summary>
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(8);

    private static int used;

    private Cluster Cluster => shared.Cluster;

    private TestSilo Here => Cluster.Silos[0];

    private TestSilo There => Cluster.Silos[1];

    [Fact]
    public async Task A_second_activation_in_an_engine_that_is_no_member_makes_no_total_wrong()
    {
        var grain = await OneAt(There);
        var journal = Cluster.OpenJournal();
        var stranger = new LocalEngine(journal, [new CounterGrain()], [], Cluster.Clock, SharedCluster.Options, NullLogger<LocalEngine>.Instance, new NoMember(Here.Grains));
        await stranger.Start();
        var answers = new List<CounterView>();

        await Task.WhenAll(Write(stranger, 1_000), Write(Here.Grains, 1_000_000));

        var totals = Facts().Where(f => f.Grain == grain).Aggregate(new Dictionary<long, long> { [0] = 0 }, (sums, fact) =>
        {
            sums[fact.Sequence] = sums[fact.Sequence - 1] + fact.Data.GetProperty("Amount").GetInt32();
            return sums;
        });
        Assert.Equal(1 + 40 * 1_000 + 40 * 1_000_000, totals[81]);
        Assert.All(answers, a => Assert.Equal(totals[a.Sequence], a.Total));
        Assert.Equal(totals[81], (await Ask(Here, grain, Plus(0))).Total);
        await stranger.DisposeAsync();
        await journal.DisposeAsync();

        async Task Write(IGrains through, int amount)
        {
            for (var i = 0; i < 40; i++)
            {
                var added = await Ask(through, grain, Plus(amount));
                var asked = await Ask(through, grain, new GetCounter());
                lock (answers) answers.AddRange([added, asked]);
            }
        }
    }

    [Fact]
    public async Task Nobody_is_refused_while_a_silo_stops_and_what_it_had_sent_is_settled_once()
    {
        var stops = await Cluster.Join();
        var counters = new (GrainId Grain, int Adds)[12]; // looked at while the callers count: a list would not let itself be
        for (var i = 0; i < counters.Length; i++) counters[i] = (await OneAt(i % 3 == 0 ? Here : stops), 1);
        var (debtor, creditor) = (await OneAt(stops), await OneAt(Here));
        await Ask(Here, debtor, new PayMany(creditor, 300));
        var (left, right) = (await OneAt(stops), await OneAt(stops));
        using var enough = new CancellationTokenSource();
        var refusals = new List<Refusal>();
        var callers = Enumerable.Range(0, counters.Length).Select(i => Task.Run(() => Call(i))).ToList();

        await Task.WhenAll(Ask(Here, left, new PayMany(right, 400)), Ask(Here, right, new PayMany(left, 400)));
        var since = TimeProvider.System.GetTimestamp();
        await Cluster.Stop(stops);
        Assert.InRange(TimeProvider.System.GetElapsedTime(since), TimeSpan.Zero, StopMax);
        var then = counters.Sum(c => c.Adds);
        await Until(() => Task.FromResult(callers.Exists(c => c.IsCompleted) || counters.Sum(c => c.Adds) > then + 100));
        await enough.CancelAsync();
        await Task.WhenAll(callers);

        Assert.Empty(refusals);
        foreach (var (grain, adds) in counters) Assert.Equal(adds, (await Ask(Here, grain, new GetCounter())).Total);
        await Until(async () => (await Ask(Here, creditor, new GetCounter())).Total == 1 + 300 * 301 / 2);
        Assert.Equal(301, (await Ask(Here, creditor, new GetCounter())).Sequence);
        foreach (var both in (GrainId[])[left, right]) await Until(async () => await Ask(Here, both, new GetCounter()) is { Total: 1, Sequence: 1 + 400 + 400 + 400 });

        async Task Call(int i)
        {
            for (var (n, grain) = (0, counters[i].Grain); !enough.IsCancellationRequested; n++)
            {
                var outcome = await (n % 2 == 0 ? Here : There).Grains.Ask(grain, Plus(1));
                if (outcome.Refusal is { } refusal) lock (refusals) refusals.Add(refusal);
                else counters[i] = (grain, counters[i].Adds + 1);
            }
        }
    }

    [Fact]
    public async Task Grains_of_a_killed_silo_answer_again_elsewhere()
    {
        var dies = await Cluster.Join();
        var grains = new List<GrainId>();
        for (var i = 0; i < 10; i++) grains.Add(await OneAt(dies));

        var since = TimeProvider.System.GetTimestamp();
        var end = Cluster.Kill(dies);
        var totals = await Task.WhenAll(grains.Select(g => Ask(Here, g, Plus(1))));
        var took = TimeProvider.System.GetElapsedTime(since);
        await end;

        Assert.All(totals, t => Assert.Equal(2, t.Total));
        Assert.InRange(took, TimeSpan.Zero, AwayMax);
    }

    [Fact]
    public async Task Who_asks_through_a_silo_that_was_killed_is_told_at_once_to_ask_elsewhere()
    {
        var dies = await Cluster.Join();
        var (grain, through) = (await OneAt(Here), dies.Grains);
        await Cluster.Kill(dies);

        Assert.Equal(Refusal.Of(GrainRefusal.Busy), (await through.Ask(grain, new GetCounter()).AsTask().WaitAsync(TimeSpan.FromSeconds(2))).Refusal);
    }

    [Fact]
    public async Task Grains_of_other_silos_stay_where_they_are_when_one_dies()
    {
        var dies = await Cluster.Join();
        using var limit = new CancellationTokenSource(Patience);
        var viewers = new List<(GrainId Grain, IAsyncEnumerator<LiveEvent> Events)>();
        for (var i = 0; i < 20; i++)
        {
            var grain = await OneAt(There);
            viewers.Add((grain, (await Watch(Here, grain, 1, limit.Token)).GetAsyncEnumerator(limit.Token)));
        }

        await Cluster.Kill(dies);
        await Until(async () => !(await There.Members.List()).Any(m => m.Name == dies.Name && m.Status == nameof(SiloStatus.Active)));

        foreach (var (grain, events) in viewers)
        {
            await Ask(Here, grain, Plus(5));
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(new LiveEvent(2, "added", new Added(5)), events.Current);
            await events.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_a_killed_silo_owed_and_when_it_wanted_to_wake_is_seen_to_without_being_asked()
    {
        var dies = await Cluster.Join();
        var (bell, debtor, creditor) = (await OneAt(dies), await OneAt(dies), await OneAt(Here));
        await Ask(Here, bell, new RingAt(Cluster.Clock.GetUtcNow().AddHours(1)));
        await Ask(Here, debtor, new PayMany(creditor, 100));

        await Cluster.Kill(dies);
        Cluster.Clock.Advance(TimeSpan.FromHours(2));

        await Until(() => Task.FromResult(Facts().Any(f => f.Grain == bell && f.Name == "counter-rang")));
        await Until(() => Task.FromResult(Facts().Count(f => f.Grain == creditor && f.Name == "counter-taken") == 100));
        await Until(() => Task.FromResult(Facts().Count(f => f.Grain == debtor && f.Name == "counter-paid") == 100));
        Assert.Equal(1 + 100 * 101 / 2, (await Ask(Here, creditor, new GetCounter())).Total);
    }

    [Fact]
    public async Task A_silo_that_was_fenced_off_stops_and_nothing_more_of_it_becomes_durable()
    {
        var fenced = await Cluster.Join();
        var grain = await OneAt(fenced);

        Assert.Equal(1, Here.Database.FenceDead([fenced.Name]));
        var refused = await fenced.Engine.Ask(grain, Plus(10));
        await Until(() => Task.FromResult(!fenced.Engine.IsAccepting));
        var refusedLater = await fenced.Engine.Ask(grain, Plus(100));
        await Cluster.Stop(fenced);

        Assert.Equal(Refusal.Of(GrainRefusal.Busy), refused.Refusal);
        Assert.Equal(Refusal.Of(GrainRefusal.Busy), refusedLater.Refusal);
        Assert.Equal(1_001, (await Ask(Here, grain, Plus(1_000))).Total);
    }

    [Fact]
    public async Task An_idle_grain_leaves_memory_everywhere_and_comes_back()
    {
        var grains = new List<GrainId>();
        for (var i = 0; i < 6; i++) grains.Add(await OneAt(i % 2 == 0 ? Here : There));
        Assert.True(Cluster.Silos.Sum(s => s.Residents.Count) >= 6 && Cluster.Silos.Sum(s => s.Engine.ActiveGrains) >= 6);

        Cluster.Clock.Advance(2 * SharedCluster.Options.IdleAfter);

        await Until(() => Task.FromResult(Cluster.Silos.All(s => s.Residents.Count == 0 && s.Engine.ActiveGrains == 0)));
        foreach (var grain in grains) Assert.Equal(1, (await Ask(Here, grain, new GetCounter())).Total);
    }

    [Fact]
    public async Task An_id_with_nothing_behind_it_costs_no_memory()
    {
        var before = Cluster.Silos.Sum(s => s.Residents.Count);
        for (var i = 0; i < 20; i++) Assert.Equal(Refusal.Of(CounterRefusal.Empty), (await Here.Grains.Ask(New(), new GetCounter())).Refusal);

        await Until(() => Task.FromResult(Cluster.Silos.Sum(s => s.Residents.Count) <= before));
    }

    [Fact]
    public async Task A_viewer_of_a_grain_elsewhere_goes_on_with_the_last_id_when_that_silo_dies()
    {
        var dies = await Cluster.Join();
        var grain = await OneAt(dies);
        using var limit = new CancellationTokenSource(Patience);
        await using (var events = (await Here.Grains.Watch(grain, new GetCounter(), null, limit.Token)).Reply!.GetAsyncEnumerator(limit.Token))
        {
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(new LiveEvent(1, LiveEvent.Snapshot, new CounterView(1, 1)), events.Current);
            await Ask(There, grain, Plus(41));
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(new LiveEvent(2, "added", new Added(41)), events.Current);

            await Cluster.Kill(dies);

            Assert.False(await events.MoveNextAsync());
        }

        await using var goesOn = (await Watch(Here, grain, 2, limit.Token)).GetAsyncEnumerator(limit.Token);
        await Ask(There, grain, Plus(5));
        Assert.True(await goesOn.MoveNextAsync());
        Assert.Equal(new LiveEvent(3, "added", new Added(5)), goesOn.Current);
    }

    [Fact]
    public async Task Too_many_callers_elsewhere_are_refused_busy_and_who_gives_up_hears_so()
    {
        var grain = await OneAt(There);
        shared.Gateway.Close();
        using var giveUp = new CancellationTokenSource();
        var pay = new Pay(Guid.NewGuid(), new("gateway", new("demo"), Guid.NewGuid()), 1);
        var callers = Enumerable.Range(0, SharedCluster.Options.WaitingMax + 20).Select(_ => Here.Grains.Ask(grain, pay, giveUp.Token).AsTask()).ToList();

        var first = await Task.WhenAny(callers).WaitAsync(Patience);
        Assert.Equal(Refusal.Of(GrainRefusal.Busy), (await first).Refusal);
        Assert.Equal(0, (await Ask(Here, grain, new GetCounter())).Total);

        await giveUp.CancelAsync();
        foreach (var caller in callers.Where(c => c != first))
        {
            try
            {
                Assert.Equal(Refusal.Of(GrainRefusal.Busy), (await caller.WaitAsync(Patience)).Refusal);
            }
            catch (OperationCanceledException)
            {
                Assert.True(caller.IsCanceled);
            }
        }

        Assert.Contains(callers, c => c.IsCanceled);
        shared.Gateway.Open();
        Assert.Equal(0, (await Ask(Here, grain, pay)).Total);
    }

    [Fact]
    public async Task A_command_of_a_newer_release_is_a_fault_at_once_and_no_endless_wait()
    {
        var grain = await OneAt(There);
        var asked = await Here.Grains.Ask(grain, new Juggle()).AsTask().WaitAsync(TimeSpan.FromSeconds(5));
        var watched = await Here.Grains.Watch(grain, new Juggle(), null).AsTask().WaitAsync(TimeSpan.FromSeconds(5));

        Assert.Equal(Refusal.Of(GrainRefusal.Faulted), asked.Refusal);
        Assert.Equal(Refusal.Of(GrainRefusal.Faulted), watched.Refusal);
        Assert.Equal(1, (await Ask(Here, grain, new GetCounter())).Total);
    }

    [Fact]
    public async Task Every_silo_tells_who_the_members_are()
    {
        var stops = await Cluster.Join();
        await Until(async () => (await Here.Members.List()).Any(m => m.Name == stops.Name && m.Status == nameof(SiloStatus.Active)));

        await Cluster.Stop(stops);

        await Until(async () => !(await There.Members.List()).Any(m => m.Name == stops.Name && m.Status == nameof(SiloStatus.Active)));
    }

    private static Add Plus(int amount) => new(amount, Guid.NewGuid());

    private static GrainId New() => CounterGrain.Id(Interlocked.Increment(ref used));

    /// <returns>a grain with its place on that silo; its total is 1</returns>
    private static async Task<GrainId> OneAt(TestSilo silo)
    {
        var grain = New();
        RequestContext.Set(IPlacementDirector.PlacementHintKey, silo.Address);
        Assert.Equal(1, (await Ask(silo, grain, Plus(1))).Total);
        Assert.Equal(silo.Address, await silo.HomeOf(grain));
        return grain;
    }

    private static Task<TReply> Ask<TReply>(TestSilo through, GrainId grain, ICommand<TReply> command) => Ask(through.Grains, grain, command);

    // As a client would: busy is no answer.
    private static async Task<TReply> Ask<TReply>(IGrains through, GrainId grain, ICommand<TReply> command)
    {
        var reply = default(TReply);
        await Until(async () =>
        {
            var outcome = await through.Ask(grain, command).AsTask().WaitAsync(Patience);
            Assert.True(outcome.Refusal is null or { Kind: RefusalKind.Busy }, outcome.Refusal?.Code);
            reply = outcome.Reply;
            return outcome.IsAccepted;
        });
        return reply!;
    }

    private static async Task<IAsyncEnumerable<LiveEvent>> Watch(TestSilo through, GrainId grain, long after, CancellationToken cancellation)
    {
        var events = default(IAsyncEnumerable<LiveEvent>);
        await Until(async () =>
        {
            var watching = await through.Grains.Watch(grain, new GetCounter(), after, cancellation);
            Assert.True(watching.Refusal is null or { Kind: RefusalKind.Busy }, watching.Refusal?.Code);
            events = watching.Reply;
            return watching.IsAccepted;
        });
        return events!;
    }

    private static async Task Until(Func<Task<bool>> isSo)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!await isSo()) Assert.True(await again.WaitForNextTickAsync(limit.Token), "It did not come to be.");
    }

    private List<DurableFact> Facts() => DurableFacts.In(Here.Database);

    /// <summary>What an engine that the others do not know has of the cluster.</summary>
    private sealed class NoMember(IGrains members) : ICluster
    {
        public async Task<Receipt> Ask(GrainId grain, object command) => new(null, (await members.Ask(grain, (ICommand<Done>)command)).Refusal);

        public void Left(GrainId grain)
        {
        }
    }
}
