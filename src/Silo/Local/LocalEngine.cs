using System.Diagnostics;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Microsoft.Extensions.Logging;

namespace Campaigns.Silo.Local;

/// <summary>
/// The engine of one machine: lanes decide, one flusher makes their batches durable together, and nothing leaves before (group commit).
/// </summary>
public sealed class LocalEngine : IGrains, IAsyncDisposable
{
    private readonly IJournal journal;
    private readonly ProductClock clock;
    private readonly LocalEngineOptions options;
    private readonly Dictionary<string, GrainDefinition> definitions;
    private readonly Dictionary<string, IReceiver> receivers;
    private readonly Lane[] lanes;
    private readonly AutoResetEvent flushSignal = new(initialState: false);
    private readonly CancellationTokenSource stop = new();
    private readonly List<Thread> threads = [];
    private Task? duePoll;
    private long onTheirWay;
    private int accepting;
    private Exception? failure;

    public LocalEngine(IJournal journal, IEnumerable<GrainDefinition> definitions, IEnumerable<IReceiver> receivers, ProductClock clock, LocalEngineOptions options, ILogger<LocalEngine> log)
    {
        this.journal = journal;
        this.clock = clock;
        this.options = options;
        Log = log;
        this.definitions = definitions.ToDictionary(d => d.Kind, StringComparer.Ordinal);
        this.receivers = receivers.ToDictionary(r => r.Kind, StringComparer.Ordinal);
        lanes = Enumerable.Range(0, options.Lanes).Select(_ => new Lane(this, journal, clock, options)).ToArray();
    }

    /// <summary>Called once when the journal failed: the process must end and start again from what is durable (law 7).</summary>
    public event Action<Exception>? Failed;

    /// <summary>Called after each flush with the newest position, on the flusher's thread.</summary>
    public event Action<long>? Flushed;

    public bool IsAccepting => Volatile.Read(ref accepting) == 1 && failure is null;

    public int ActiveGrains => lanes.Sum(l => l.Active);

    public int QueuedCommands => lanes.Sum(l => l.Queued);

    public long CommandsHandled => lanes.Sum(l => l.Commands);

    public long EventsRecorded => lanes.Sum(l => l.Events);

    public double DeadlineLatenessMs => lanes.Max(l => l.DeadlineLatenessMs);

    /// <summary>Messages that wait for their answer.</summary>
    public long MessagesOnTheirWay => Interlocked.Read(ref onTheirWay);

    public long Flushes { get; private set; }

    /// <summary>Seconds spent flushing since the start.</summary>
    public double FlushSeconds { get; private set; }

    /// <summary>How many events the start replayed, and how long that took.</summary>
    public (long Events, TimeSpan Took) Recovery { get; private set; }

    internal ILogger Log { get; }

    /// <summary>Replays the tail of the journal, then decides what fell due while the process was down, then accepts.</summary>
    public async Task Start()
    {
        Recover();
        for (var i = 0; i < lanes.Length; i++) StartThread($"lane-{i}", lanes[i].Run);
        StartThread("flusher", RunFlusher);
        Volatile.Write(ref accepting, 1);
        clock.Moved += WakeLanes;
        foreach (var lane in lanes) lane.Receive(new Chore(lane.Recovered));
        foreach (var debtor in journal.Due(DateTimeOffset.MinValue, Snapshot.AtOnce, int.MaxValue).Select(g => Ask(g, Wake.Instance)).ToArray()) await debtor;
        await WakeStored();
        duePoll = Task.Run(PollDue);
    }

    public ValueTask<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command, CancellationToken cancellation = default)
    {
        var work = new Asked<TReply>(grain, command);
        if (!IsAccepting || !LaneOf(grain).TryPost(work)) return new(Refusal.Of(GrainRefusal.Busy));
        return new(cancellation.CanBeCanceled ? work.Outcome.WaitAsync(cancellation) : work.Outcome);
    }

    public async ValueTask<Outcome<IAsyncEnumerable<LiveEvent>>> Watch<TView>(GrainId grain, ICommand<TView> view, long? after, CancellationToken cancellation = default)
    {
        if (!IsAccepting) return Refusal.Of(GrainRefusal.Busy);
        var lane = LaneOf(grain);
        var joined = new TaskCompletionSource<(Answer, LiveFeed?, System.Threading.Channels.Channel<LiveEvent>?)>(TaskCreationOptions.RunContinuationsAsynchronously);
        lane.Receive(new Chore(() => lane.Join(grain, view, after, (a, f, v) => joined.TrySetResult((a, f, v)))));
        var (answer, feed, viewer) = await joined.Task.WaitAsync(cancellation);
        return new Outcome<IAsyncEnumerable<LiveEvent>>(answer.Refusal is null ? Read(feed!, viewer!, cancellation) : null, answer.Refusal);
    }

    /// <summary>Waits until everything due by now is decided and durable, and no message is on its way (those in a backoff apart).</summary>
    public async Task WhenQuiet(CancellationToken cancellation)
    {
        await WakeStored();
        for (var quiet = 0; quiet < 2;)
        {
            quiet = lanes.All(l => l.IsQuiet(clock.GetUtcNow())) && MessagesOnTheirWay == 0 ? quiet + 1 : 0;
            await Task.Delay(1, cancellation);
        }
    }

    /// <summary>Refuses new commands, finishes what was accepted, stores all states, stops.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref accepting, 0) == 1 && failure is null)
        {
            using var limit = new CancellationTokenSource(options.DrainMax);
            try
            {
                while (!(lanes.All(l => l.Queued == 0) && MessagesOnTheirWay == 0)) await Task.Delay(1, limit.Token);
                await Task.WhenAll(lanes.Select(StoreAll));
                while (!lanes.All(l => l.IsQuiet(DateTimeOffset.MinValue))) await Task.Delay(1, limit.Token);
            }
            catch (OperationCanceledException)
            {
                Log.LogWarning("Stopped after {DrainMax} with work left; everything acknowledged is in the journal and goes on at the next start.", options.DrainMax);
            }
        }

        clock.Moved -= WakeLanes;
        await stop.CancelAsync();
        if (duePoll is not null) await duePoll;
        WakeLanes();
        SignalFlush();
        foreach (var thread in threads) thread.Join();
    }

    internal GrainDefinition? DefinitionOf(string kind) => definitions.GetValueOrDefault(kind);

    internal bool IsOutside(GrainId grain) => receivers.ContainsKey(grain.Kind);

    internal void SignalFlush() => flushSignal.Set();

    internal void Departed() => Interlocked.Increment(ref onTheirWay);

    internal void Arrived() => Interlocked.Decrement(ref onTheirWay);

    /// <summary>Takes a durable message to its receiver.</summary>
    internal void Send(Activation sender, Debt debt, GrainId to, object command)
    {
        if (receivers.TryGetValue(to.Kind, out var receiver)) _ = SendOutside(receiver, sender, debt, to, command);
        else if (!LaneOf(to).TryPost(new Delivered(to, command, sender, debt)))
            sender.Lane.Receive(new Settled(sender, debt, to, new(null, Refusal.Of(GrainRefusal.Busy))));
    }

    /// <summary>True if a bug in a rule can be answered and survived: nothing of the decision is in the batch. Otherwise everything stops (law 7).</summary>
    internal bool SurvivesBug(Exception bug, Activation activation, object command, Batch batch)
    {
        var written = batch.Entries.Count == 0 ? 0 : batch.Entries[^1].Offset + batch.Entries[^1].Length;
        var survives = written == batch.Decisions.Length;
        Log.LogError(bug, "{Command} at {Grain} failed; {Consequence}.", command.GetType().Name, activation.Cell.Id, survives ? "it changed nothing" : "stopping");
        if (!survives) Fail(bug);
        return true;
    }

    private static async IAsyncEnumerable<LiveEvent> Read(LiveFeed feed, System.Threading.Channels.Channel<LiveEvent> viewer, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        try
        {
            await foreach (var live in viewer.Reader.ReadAllAsync(cancellation)) yield return live;
        }
        finally
        {
            feed.Leave(viewer);
        }
    }

    private Lane LaneOf(GrainId grain) => lanes.Length == 1 ? lanes[0] : lanes[(uint)grain.GetHashCode() % (uint)lanes.Length];

    private async Task SendOutside(IReceiver receiver, Activation sender, Debt debt, GrainId to, object command)
    {
        Receipt receipt;
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            limit.CancelAfter(options.ReceiverTimeout);
            receipt = await Task.Run(() => receiver.Receive(to, command, limit.Token), limit.Token);
        }
        catch (Exception failed)
        {
            if (!stop.IsCancellationRequested) Log.LogWarning("{Command} to {Receiver} got no answer ({Reason}); it is sent again.", command.GetType().Name, to, failed.Message);
            receipt = new(null, Refusal.Of(GrainRefusal.Busy));
        }

        sender.Lane.Receive(new Settled(sender, debt, to, receipt));
    }

    private void Recover()
    {
        var watch = Stopwatch.StartNew();
        var now = clock.GetUtcNow();
        for (var position = journal.TailStart; ;)
        {
            var flushes = journal.ReadAfter(position, 1 << 24);
            if (flushes.Count == 0) break;
            foreach (var flush in flushes)
            {
                var decision = new DecisionReader(flush.Decisions.Span);
                while (decision.Next())
                    if (DefinitionOf(decision.Grain.Kind) is not null) LaneOf(decision.Grain).Replay(ref decision, now);
                position = flush.Position;
            }
        }

        Recovery = (EventsRecorded, watch.Elapsed);
        Log.LogInformation("Recovered {Events} events of {Grains} grains in {Milliseconds} ms.", EventsRecorded, ActiveGrains, watch.ElapsedMilliseconds);
    }

    private void RunFlusher(CancellationToken cancellation)
    {
        var taken = new List<(Lane Lane, Pending Batch)>();
        var batches = new List<Batch>();
        while (true)
        {
            foreach (var lane in lanes)
                if (lane.TakeOpen() is { } batch)
                {
                    taken.Add((lane, batch));
                    if (!batch.Journal.IsEmpty) batches.Add(batch.Journal);
                }

            if (taken.Count == 0)
            {
                if (cancellation.IsCancellationRequested) return;
                flushSignal.WaitOne();
                continue;
            }

            if (failure is not null) return;
            IReadOnlyCollection<GrainId> fenced = [];
            if (batches.Count > 0)
            {
                try
                {
                    var start = Stopwatch.GetTimestamp();
                    fenced = journal.Append(batches);
                    FlushSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
                    Flushes++;
                }
                catch (Exception unknown)
                {
                    // The outcome is unknown. Nothing is answered: callers time out or see the connection close, and ask again after the restart.
                    Fail(unknown);
                    return;
                }
            }

            foreach (var (lane, batch) in taken) lane.Flushed(batch, fenced);
            if (batches.Count > 0) Flushed?.Invoke(journal.LastPosition);
            taken.Clear();
            batches.Clear();
        }
    }

    private void Fail(Exception cause)
    {
        if (Interlocked.CompareExchange(ref failure, cause, null) is not null) return;
        Log.LogCritical(cause, "The engine stopped: {Message}", cause.Message);
        Failed?.Invoke(cause);
    }

    // Deadlines of grains that are not in memory: the stored ones are looked up by time.
    private async Task PollDue()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(options.DuePoll, stop.Token);
                await WakeStored();
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task WakeStored()
    {
        const int page = 1_000;
        var now = clock.GetUtcNow();
        while (!stop.IsCancellationRequested)
        {
            var due = journal.Due(Snapshot.AtOnce, now, page);
            foreach (var outcome in due.Select(g => Ask(g, Wake.Instance)).ToArray()) await outcome;
            if (due.Count < page) return;
        }
    }

    private async Task StoreAll(Lane lane)
    {
        for (var more = true; more;)
        {
            var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            lane.Receive(new Chore(() => done.SetResult(lane.SnapshotSome())));
            more = await done.Task;
        }
    }

    private void WakeLanes()
    {
        foreach (var lane in lanes) lane.Wake();
    }

    private void StartThread(string name, Action<CancellationToken> run)
    {
        var thread = new Thread(() => run(stop.Token)) { Name = name, IsBackground = true };
        threads.Add(thread);
        thread.Start();
    }
}
