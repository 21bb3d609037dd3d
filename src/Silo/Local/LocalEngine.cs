using System.Diagnostics;
using System.Runtime.CompilerServices;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Microsoft.Extensions.Logging;

namespace Campaigns.Silo.Local;

/// <summary>
/// The engine of one machine: lanes decide, flushers make their batches durable, many decisions together (group commit), and nothing leaves before.
/// </summary>
public sealed class LocalEngine : IGrains, IAsyncDisposable
{
    private const int WokenTogether = 1_000;
    private const int TailBytes = 1 << 23; // read at a time, while as many are replayed

    private readonly IJournal journal;
    private readonly ProductClock clock;
    private readonly LocalEngineOptions options;
    private readonly ICluster? cluster;
    private readonly Dictionary<string, GrainDefinition> definitions;
    private readonly Dictionary<string, IReceiver> receivers;
    private readonly Lane[] lanes;
    private readonly Flusher[] flushers;
    private readonly Machine machine;
    private readonly CancellationTokenSource stop = new();
    private readonly CancellationTokenSource failing = new();
    private Task? duePoll;
    private Task? end;
    private long onTheirWay;
    private int accepting;
    private bool quiet;
    private volatile bool ended;
    private volatile Exception? failure;

    public LocalEngine(IJournal journal, IEnumerable<GrainDefinition> definitions, IEnumerable<IReceiver> receivers, ProductClock clock, LocalEngineOptions options, ILogger<LocalEngine> log, ICluster? cluster = null)
        : this(journal, definitions, receivers, clock, options, log, new RealMachine(), cluster)
    {
    }

    internal LocalEngine(IJournal journal, IEnumerable<GrainDefinition> definitions, IEnumerable<IReceiver> receivers, ProductClock clock, LocalEngineOptions options, ILogger log, Machine machine, ICluster? cluster = null)
    {
        this.machine = machine;
        this.cluster = cluster;
        this.journal = journal;
        this.clock = clock;
        this.options = options;
        Log = log;
        this.definitions = definitions.ToDictionary(d => d.Kind, StringComparer.Ordinal);
        this.receivers = receivers.ToDictionary(r => r.Kind, StringComparer.Ordinal);
        lanes = [.. Enumerable.Range(0, options.Lanes ?? Math.Max(journal.Lines, Environment.ProcessorCount / 2)).Select(_ => new Lane(this, journal, clock, options))];
        flushers = [.. Enumerable.Range(0, Math.Min(lanes.Length, journal.Lines)).Select(line => new Flusher(this, journal, line, [.. lanes.Where((_, i) => i % journal.Lines == line)]))];
        Loader = new(journal, machine);
    }

    /// <summary>Called once when the journal failed: the process must end and start again from what is durable (law 7).</summary>
    public event Action<Exception>? Failed;

    /// <summary>Called after each flush with the newest position, on a flusher's thread.</summary>
    public event Action<long>? Flushed;

    public bool IsAccepting => Volatile.Read(ref accepting) == 1 && failure is null;

    public int ActiveGrains => lanes.Sum(l => l.Active);

    public int QueuedCommands => lanes.Sum(l => l.Queued);

    public long CommandsHandled => lanes.Sum(l => l.Commands);

    public long EventsRecorded => lanes.Sum(l => l.Events);

    public double DeadlineLatenessMs => lanes.Max(l => l.DeadlineLatenessMs);

    /// <summary>Messages that wait for their answer.</summary>
    public long MessagesOnTheirWay => Interlocked.Read(ref onTheirWay);

    public long Flushes => flushers.Sum(f => f.Flushes);

    /// <summary>Seconds spent flushing since the start.</summary>
    public double FlushSeconds => flushers.Sum(f => f.Seconds);

    /// <summary>How many events the start replayed, and how long that took.</summary>
    public (long Events, TimeSpan Took) Recovery { get; private set; }

    internal ILogger Log { get; }

    internal bool HasFailed => failure is not null;

    /// <summary>True if what the grains owe is left to their next activations, in another engine.</summary>
    internal bool IsQuiet
    {
        get => Volatile.Read(ref quiet);
        private set => Volatile.Write(ref quiet, value);
    }

    internal Machine Machine => machine;

    internal ICluster? Cluster => cluster;

    internal Loader Loader { get; }

    /// <summary>Replays the tail of the journal, then decides what fell due while the process was down, then accepts.</summary>
    public async Task Start()
    {
        Recover();
        machine.Start(lanes, flushers, stop.Token);
        Volatile.Write(ref accepting, 1);
        clock.Moved += WakeLanes;
        foreach (var lane in lanes) lane.Receive(new Chore(lane.Recovered));
        if (cluster is null)
        {
            await WakeDebtors();
            await WakeStored();
        }

        duePoll = machine.Run(PollDue);
    }

    public ValueTask<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command, CancellationToken cancellation = default)
    {
        var work = new Asked<TReply>(grain, command);
        if (!TryPost(work)) return new(Refusal.Of(GrainRefusal.Busy));
        return cancellation.CanBeCanceled ? new(work.Outcome.AsTask().WaitAsync(cancellation)) : work.Outcome;
    }

    /// <summary>Asks for a caller in another engine of the cluster, who knows what the answer is.</summary>
    /// <returns>the answer; <see cref="Answer.Later"/> if the state could not tell it for <see cref="LocalEngineOptions.ElsewherePatience"/>: ask again</returns>
    public ValueTask<Answer> Deliver(GrainId grain, object command)
    {
        var work = new AskedFromElsewhere(grain, command);
        return TryPost(work) ? work.Outcome : new(IsAccepting ? GrainRefusal.Busy : Answer.Later);
    }

    public ValueTask<Outcome<IAsyncEnumerable<LiveEvent>>> Watch<TView>(GrainId grain, ICommand<TView> view, long? after, CancellationToken cancellation = default) =>
        Watch(grain, (object)view, after, cancellation);

    /// <inheritdoc cref="IGrains.Watch{TView}"/>
    public async ValueTask<Outcome<IAsyncEnumerable<LiveEvent>>> Watch(GrainId grain, object view, long? after, CancellationToken cancellation)
    {
        var viewer = new Joining(grain, view, after);
        if (!TryPost(viewer)) return Refusal.Of(GrainRefusal.Busy);
        try
        {
            var answer = await viewer.Outcome.WaitAsync(cancellation);
            if (answer.Refusal is { } refusal) return refusal;
        }
        catch (OperationCanceledException)
        {
            _ = viewer.Outcome.ContinueWith((_, v) => ((Joining)v!).Leave(), viewer, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            throw;
        }

        var leave = cancellation.UnsafeRegister(static v => ((Joining)v!).Leave(), viewer);
        return new Outcome<IAsyncEnumerable<LiveEvent>>(Read(viewer, leave, cancellation), null);
    }

    /// <summary>
    /// Sends nothing more and waits for the answers to what was sent, while all grains still answer. Grains that wait for each other's answers
    /// could not be handed over: whoever leaves takes no message.
    /// </summary>
    public async Task Quiet(CancellationToken cancellation)
    {
        IsQuiet = true;
        while (MessagesOnTheirWay > 0 && failure is null) await Task.Delay(TimeSpan.FromMilliseconds(1), clock, cancellation);
    }

    /// <summary>
    /// Stores a grain's state and lets it go, so that another engine may open it. Waits for the answers to what it has sent: a message must not
    /// arrive after those that its next activation sends.
    /// </summary>
    public Task HandOver(GrainId grain)
    {
        var work = new Handover(grain);
        LaneOf(grain).Receive(work);
        if (ended) LaneOf(grain).RefuseQueued();
        return work.Done;
    }

    /// <summary>Waits until everything due by now is decided and durable, and no message is on its way (those in a backoff apart).</summary>
    public async Task WhenQuiet(CancellationToken cancellation)
    {
        await WhenIdle(clock.GetUtcNow, cancellation); // a grain that is just leaving is not among the stored ones yet
        await WakeStored();
        await WhenIdle(clock.GetUtcNow, cancellation);
    }

    /// <summary>Refuses new commands, finishes what was accepted, stores all states, stops. Who still waits then is told to ask again.</summary>
    public ValueTask DisposeAsync()
    {
        lock (failing) return new(end ??= End());
    }

    internal GrainDefinition? DefinitionOf(string kind) => definitions.GetValueOrDefault(kind);

    internal bool IsOutside(GrainId grain) => receivers.ContainsKey(grain.Kind);

    /// <summary>True if nothing is queued, unflushed, due by then, or on its way (messages in a backoff apart).</summary>
    internal bool IsIdle(DateTimeOffset until) => lanes.All(l => l.IsQuiet(until)) && MessagesOnTheirWay == 0;

    internal void Fail(Exception cause)
    {
        if (Interlocked.CompareExchange(ref failure, cause, null) is not null) return;
        Log.LogCritical(cause, "The engine stopped: {Message}", cause.Message);
        foreach (var flusher in flushers) flusher.Signal();
        Failed?.Invoke(cause);
        failing.Cancel();
    }

    internal void Announce(long position) => Flushed?.Invoke(position);

    internal void Departed() => Interlocked.Increment(ref onTheirWay);

    internal void Arrived() => Interlocked.Decrement(ref onTheirWay);

    /// <summary>Takes a durable message to its receiver.</summary>
    internal void Send(Activation sender, Debt debt, GrainId to, object command)
    {
        // Not on this thread: it may be a caller's, in the middle of a decision.
        if (receivers.TryGetValue(to.Kind, out var receiver)) _ = machine.Run(() => SendOutside(receiver, sender, debt, to, command));
        else if (cluster is not null) _ = machine.Run(() => SendThere(cluster, sender, debt, to, command));
        else machine.Carry(LaneOf(to), new Delivered(to, command, sender, debt));
    }

    /// <summary>True if a bug in a rule can be answered and survived: no fact of the decision was applied. Otherwise everything stops (law 7).</summary>
    internal bool SurvivesBug(Exception bug, Activation activation, object command, Batch batch)
    {
        Log.LogError(bug, "{Command} at {Grain} failed; {Consequence}.", command.GetType().Name, activation.Cell.Id, batch.IsBroken ? "stopping" : "it changed nothing");
        if (batch.IsBroken) Fail(bug);
        return true;
    }

    private static async IAsyncEnumerable<LiveEvent> Read(Joining viewer, CancellationTokenRegistration leave, [EnumeratorCancellation] CancellationToken cancellation)
    {
        try
        {
            await foreach (var live in viewer.Events.ReadAllAsync(cancellation)) yield return live;
        }
        finally
        {
            await leave.DisposeAsync();
            viewer.Leave();
        }
    }

    private bool TryPost(Work work)
    {
        if (!IsAccepting) return false;
        var lane = LaneOf(work.Grain);
        if (!(machine.LendsThreads ? lane.TryAsk(work) : lane.TryPost(work))) return false;

        // Posted while the engine stopped: nobody else would answer it.
        if (ended) lane.RefuseQueued();
        return true;
    }

    internal Lane LaneOf(GrainId grain) => lanes.Length == 1 ? lanes[0] : lanes[unchecked((uint)grain.GetHashCode()) % (uint)lanes.Length];

    private async Task SendOutside(IReceiver receiver, Activation sender, Debt debt, GrainId to, object command)
    {
        Receipt receipt;
        try
        {
            using var patience = new CancellationTokenSource(options.ReceiverTimeout, clock);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, patience.Token);
            receipt = await machine.Run(() => receiver.Receive(to, command, limit.Token)).WaitAsync(limit.Token);
        }
        catch (Exception failed)
        {
            if (!stop.IsCancellationRequested) Log.LogWarning("{Command} to {Receiver} got no answer ({Reason}); it is sent again.", command.GetType().Name, to, failed.Message);
            receipt = new(null, Refusal.Of(GrainRefusal.Busy));
        }

        machine.CarryBack(new(sender, debt, to, receipt));
    }

    private async Task SendThere(ICluster elsewhere, Activation sender, Debt debt, GrainId to, object command)
    {
        var receipt = await elsewhere.Ask(to, command);
        machine.CarryBack(new(sender, debt, to, receipt));
    }

    private void Recover()
    {
        var watch = Stopwatch.StartNew();
        var now = clock.GetUtcNow();

        // No further than was there: of a journal that keeps each grain's tail apart, nothing is replayed here, whatever others write meanwhile.
        var last = journal.LastPosition;
        TailReplay[] parts = [.. Enumerable.Range(0, machine.Hands).Select(part => new TailReplay(this, journal, now, part, machine.Hands))];
        for (var flushes = ReadTail(journal.TailStart); flushes.Count > 0;)
        {
            // The next ones are read while these are replayed.
            var (current, reached) = (flushes, flushes[^1].Position);
            var next = reached < last ? machine.Ahead(() => ReadTail(reached)) : null;
            try
            {
                machine.Together([.. parts.Select(p => (Action)(() => p.Replay(current)))]);
            }
            finally
            {
                if (next is not null) ((IAsyncResult)next).AsyncWaitHandle.WaitOne(); // whatever happens, nobody reads on from a journal that is closed
            }

            flushes = next?.GetAwaiter().GetResult() ?? [];
        }

        foreach (var activation in parts.SelectMany(p => p.Activations)) activation.Lane.Adopt(activation);

        IReadOnlyList<Flush> ReadTail(long after) => after < last ? journal.ReadAfter(after, TailBytes) : [];

        Recovery = (EventsRecorded, watch.Elapsed);
        Log.LogInformation("Recovered {Events} events of {Grains} grains in {Milliseconds} ms.", EventsRecorded, ActiveGrains, watch.ElapsedMilliseconds);
    }

    // Two looks in a row: the first may have seen a lane before an answer reached it that was no longer on its way at the end of the look.
    private async Task WhenIdle(Func<DateTimeOffset> until, CancellationToken cancellation)
    {
        for (var idle = 0; idle < 2 && failure is null;)
        {
            idle = IsIdle(until()) ? idle + 1 : 0;
            await Task.Delay(TimeSpan.FromMilliseconds(1), clock, cancellation);
        }
    }

    // Deadlines of grains that are not in memory: the stored ones are looked up by time.
    private async Task PollDue()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(options.DuePoll, clock, stop.Token);
                await WakeStored();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (JournalFailure fenced)
            {
                Fail(fenced);
                return;
            }
            catch (Exception failed)
            {
                Log.LogError(failed, "Stored deadlines could not be looked up; tried again after {DuePoll}.", options.DuePoll);
            }
        }
    }

    private async Task WakeStored()
    {
        var now = clock.GetUtcNow();
        while (IsAccepting && !IsQuiet)
        {
            var due = journal.Due(cluster is null ? Snapshot.AtOnce : DateTimeOffset.MinValue, now, WokenTogether); // also what engines that died owe
            var refused = (await Wake(due)).Count(w => w.Refusal is not null);

            // A grain that cannot be woken now is found again by the next look.
            if (due.Count < WokenTogether || refused == due.Count) return;
        }
    }

    // All who owe something when the process starts, however many: none of them would be asked by anybody.
    private async Task WakeDebtors()
    {
        foreach (var some in journal.Due(DateTimeOffset.MinValue, Snapshot.AtOnce, int.MaxValue).Where(g => DefinitionOf(g.Kind) is not null).Chunk(WokenTogether))
        {
            for (var left = some; left.Length > 0 && IsAccepting; await Task.Yield()) left = (await Wake(left)).Where(w => w.Refusal?.Kind == RefusalKind.Busy).Select(w => w.Grain).ToArray();
        }
    }

    private async Task<(GrainId Grain, Refusal? Refusal)[]> Wake(IReadOnlyList<GrainId> grains) =>
        await Task.WhenAll(grains.Select(async g => (g, cluster is null ? (await Ask(g, Grains.Kernel.Wake.Instance)).Refusal : (await cluster.Ask(g, Grains.Kernel.Wake.Instance)).Refusal)));

    private static async Task StoreAll(Lane lane, CancellationToken limit)
    {
        for (var more = true; more;)
        {
            var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            lane.Receive(new Chore(() => done.TrySetResult(lane.SnapshotSome())));
            await using var giveUp = limit.Register(() => done.TrySetCanceled(limit));
            more = await done.Task;
        }
    }

    private async Task End()
    {
        if (Interlocked.Exchange(ref accepting, 0) == 1 && failure is null)
        {
            using var patience = new CancellationTokenSource(options.DrainMax, clock);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(failing.Token, patience.Token);
            try
            {
                await WhenIdle(() => DateTimeOffset.MinValue, limit.Token);
                await Task.WhenAll(lanes.Select(l => StoreAll(l, limit.Token)));
                await WhenIdle(() => DateTimeOffset.MinValue, limit.Token);
            }
            catch (OperationCanceledException)
            {
                if (failure is null) Log.LogWarning("Stopped after {DrainMax} with work left; everything acknowledged is in the journal and goes on at the next start.", options.DrainMax);
            }
        }

        // A failure ends the drain on the thread that failed, and that thread cannot wait for its own end.
        await Task.Yield();
        clock.Moved -= WakeLanes;
        EndThreads();
        ended = true;
        foreach (var lane in lanes) lane.End(lane.Flusher.UnflushedOf(lane));

        if (duePoll is not null) await duePoll;
    }

    private void EndThreads()
    {
        stop.Cancel();
        WakeLanes();
        machine.JoinLanes();
        foreach (var flusher in flushers) flusher.End(); // after what the lanes have left
        machine.JoinFlushers();
    }

    private void WakeLanes()
    {
        foreach (var lane in lanes) lane.Wake();
    }
}
