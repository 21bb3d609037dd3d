using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.Kit;

/// <summary>A journal's store and the engines that run over it one after another, as processes would.</summary>
internal sealed class Engines(Store store) : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<IReceiver> receivers = [];
    private ProductClock? clock;

    public string Folder => store.Folder;

    /// <summary>See <see cref="Store.IsReplayed"/>.</summary>
    public bool IsReplayed => store.IsReplayed;

    /// <summary>The clock below the product's, which somebody may set.</summary>
    public SkewedClock MachineClock { get; } = new();

    public ProductClock Clock => clock ??= new(system: MachineClock);

    public CounterGrain Grain { get; } = new();

    public LocalEngineOptions Options { get; set; } = new() { Lanes = 1, DuePoll = TimeSpan.FromMilliseconds(20), DrainMax = TimeSpan.FromSeconds(5) };

    public HeldJournal Journal { get; private set; } = null!;

    public LocalEngine Engine { get; private set; } = null!;

    public static async Task<Engines> Start(Store store, Func<LocalEngineOptions, LocalEngineOptions>? change = null, params IReceiver[] receivers)
    {
        var engines = new Engines(store);
        engines.receivers.AddRange(receivers);
        if (change is not null) engines.Options = change(engines.Options);
        await engines.Start();
        return engines;
    }

    public async Task Start()
    {
        Journal = new(store.Open());
        Engine = NewEngine(Journal);
        await Engine.Start().WaitAsync(Patience);
    }

    public LocalEngine NewEngine(IJournal journal) => new(journal, [Grain], receivers, Clock, Options, NullLogger<LocalEngine>.Instance);

    /// <summary>A clean stop.</summary>
    public async Task Stop()
    {
        Journal.Release();
        await Engine.DisposeAsync().AsTask().WaitAsync(Patience);
        await Journal.DisposeAsync();
    }

    /// <summary>The power goes: nothing more reaches the disk.</summary>
    public async Task Kill()
    {
        Journal.Die();
        await Engine.DisposeAsync().AsTask().WaitAsync(Patience);
        await store.Die(Journal);
    }

    public async Task Restart()
    {
        await Stop();
        await Start();
    }

    public Task<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command) => Engine.Ask(grain, command).AsTask().WaitAsync(Patience);

    /// <summary>Asks and does not wait: the caller hangs until the answer may leave.</summary>
    public Task<Outcome<TReply>> Send<TReply>(GrainId grain, ICommand<TReply> command) => Engine.Ask(grain, command).AsTask();

    public async Task<CounterView> View(GrainId grain)
    {
        var outcome = await Ask(grain, new GetCounter());
        Assert.Null(outcome.Refusal);
        return outcome.Reply!;
    }

    public async Task<long> Total(GrainId grain) => (await View(grain)).Total;

    public async Task Quiet()
    {
        using var limit = new CancellationTokenSource(Patience);
        await Engine.WhenQuiet(limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        await store.DisposeAsync();
    }
}
