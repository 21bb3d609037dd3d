using System.Security.Cryptography;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Microsoft.Extensions.Logging;

namespace Campaigns.Silo.Local;

/// <summary>
/// One thread that decides for its share of the grains. A decision is memory only; what it leads to (answers, messages, live events) waits
/// in the open batch until the flusher has made the batch durable (law 3), while the lane goes on deciding into the next one.
/// </summary>
internal sealed class Lane
{
    private const int WorksPerTurn = 256;
    private const int SweepsPerTurn = 64;
    private const int SnapshotsPerBatch = 1_000;

    private readonly LocalEngine engine;
    private readonly LocalEngineOptions options;
    private readonly IJournal journal;
    private readonly TimeProvider clock;
    private readonly Inbox inbox;
    private readonly Lock gate = new();
    private readonly Dictionary<GrainId, Activation> active = [];
    private readonly PriorityQueue<(Activation Activation, Debt? Retry, DateTimeOffset At), DateTimeOffset> timers = new();
    private readonly Queue<Activation> sweep = new();
    private readonly Queue<(Activation Activation, long Since, long Events)> dirty = new();
    private readonly AutoResetEvent room = new(initialState: false);
    private Pending open = new() { Number = 1 };
    private Pending spare = new();
    private long flushedBatch;
    private DateTimeOffset nextSweep;

    public Lane(LocalEngine engine, IJournal journal, TimeProvider clock, LocalEngineOptions options)
    {
        (this.engine, this.journal, this.clock, this.options) = (engine, journal, clock, options);
        inbox = new(options.InboxMax);
    }

    /// <summary>Facts decided since the start; read by metrics from any thread.</summary>
    public long Events { get; private set; }

    /// <summary>Commands handled since the start.</summary>
    public long Commands { get; private set; }

    public int Queued => inbox.Count;

    public int Active => active.Count;

    /// <summary>How late the latest deadline was handled, in milliseconds.</summary>
    public double DeadlineLatenessMs { get; private set; }

    /// <returns>false if the queue is full</returns>
    public bool TryPost(Work work) => inbox.TryPost(work);

    /// <summary>Takes an answer to something this lane has sent, or a chore: their number is bounded, so they always fit.</summary>
    public void Receive(Work work) => inbox.Post(work);

    public void Wake() => inbox.Wake();

    /// <summary>The lane's thread.</summary>
    public void Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (Step()) continue;
            inbox.Wait(UntilNextTimer());
        }
    }

    /// <summary>Decides what is there and what is due. Returns false when there was nothing to do.</summary>
    public bool Step()
    {
        if (Volatile.Read(ref open).Journal.Decisions.Length > options.UnflushedBytesMax)
        {
            engine.SignalFlush();
            room.WaitOne(TimeSpan.FromMilliseconds(10));
            return true;
        }

        var now = clock.GetUtcNow();
        bool did;
        bool flush;
        lock (gate)
        {
            did = HandleInbox(now) | HandleTimers(now);
            Sweep(now);
            Checkpoint();
            flush = !open.IsEmpty;
        }

        if (flush) engine.SignalFlush();
        return did;
    }

    /// <summary>The flusher takes what was decided. Null if there is nothing.</summary>
    public Pending? TakeOpen()
    {
        lock (gate)
        {
            if (open.IsEmpty) return null;
            open.Journal.TailStart = TailStart();
            var full = open;
            open = spare;
            open.Number = full.Number + 1;
            spare = null!; // comes back with Flushed: there is one flusher, so never two batches are away
            room.Set();
            return full;
        }
    }

    /// <summary>The batch is durable: answers leave, messages go out. Runs on the flusher's thread.</summary>
    public void Flushed(Pending batch, IReadOnlyCollection<GrainId> fenced)
    {
        if (fenced.Count > 0) Fence(fenced);
        Volatile.Write(ref flushedBatch, batch.Number);
        foreach (var (feed, live) in batch.Live) feed.Publish(live);
        foreach (var (activation, debt, to, command) in batch.Messages)
        {
            if (activation.Fenced) engine.Arrived();
            else engine.Send(activation, debt, to, command);
        }

        foreach (var (work, answer, activation) in batch.Answers) work.Complete(activation.Fenced ? GrainRefusal.Busy : answer);
        if (batch.Closing.Count > 0) Receive(new Chore(Leave(batch.Closing.ToArray())));
        batch.Clear();
        lock (gate) spare = batch;
    }

    /// <summary>Replays one decision of the tail while the engine starts.</summary>
    public void Replay(ref DecisionReader decision, DateTimeOffset now)
    {
        if (!active.TryGetValue(decision.Grain, out var activation))
            activation = Activate(decision.Grain, engine.DefinitionOf(decision.Grain.Kind)!, journal.Read(decision.Grain, withTail: false), now);
        activation.Cell.Replay(ref decision);
        Events += decision.Count;
        MarkDirty(activation, journal.TailStart);
    }

    /// <summary>After the tail was replayed: deadlines are set and what is owed goes out.</summary>
    public void Recovered()
    {
        lock (gate)
            foreach (var activation in active.Values)
                Follow(activation);
    }

    /// <summary>Counts an activation in and out of the whole: used to wait until nothing is on its way.</summary>
    public bool IsQuiet(DateTimeOffset now)
    {
        lock (gate) return inbox.Count == 0 && open.IsEmpty && spare is not null && !(timers.TryPeek(out _, out var at) && at <= now);
    }

    /// <summary>Stores every state that is not stored, for a quick start next time. Runs on the lane's thread; returns false when all is stored.</summary>
    public bool SnapshotSome()
    {
        lock (gate)
        {
            while (open.Journal.Snapshots.Count < SnapshotsPerBatch && dirty.TryDequeue(out var entry))
                if (IsCurrent(entry)) Store(entry.Activation);
            return dirty.Count > 0;
        }
    }

    private bool HandleInbox(DateTimeOffset now)
    {
        var handled = 0;
        while (handled < WorksPerTurn && inbox.TryTake(out var work))
        {
            handled++;
            switch (work)
            {
                case Settled settled:
                    Settle(settled, now);
                    break;
                case Chore chore:
                    ((Action)chore.Command)();
                    break;
                default:
                    Handle(work, now);
                    break;
            }
        }

        Commands += handled;
        return handled > 0;
    }

    private void Handle(Work work, DateTimeOffset now)
    {
        if (Find(work.Grain, now) is not { } activation)
        {
            work.Complete(GrainRefusal.NotFound);
            return;
        }

        activation.LastUsed = now;
        var turn = TurnOf(activation, work.Command, now);
        try
        {
            var decided = activation.Cell.Handle(work.Command, turn, open.Journal);
            var answer = decided.Refusal is { } refusal ? refusal : activation.Cell.Answer(work.Command, turn);
            Follow(activation, decided, turn);
            if (answer.IsLater) Wait(activation, work);
            else Release(work, answer, activation);
            if (work.Command is Wake && activation.StoredWakeAt <= now) Store(activation);
            if (activation.Cell.Sequence == 0 && activation.IsQuiet) Drop(activation); // a stranger's id must not cost memory
        }
        catch (Exception bug) when (engine.SurvivesBug(bug, activation, work.Command, open.Journal))
        {
            work.Complete(GrainRefusal.Faulted);
        }
    }

    private void Settle(Settled settled, DateTimeOffset now)
    {
        engine.Arrived();
        var activation = settled.Debtor;
        if (activation.Fenced || !active.TryGetValue(activation.Cell.Id, out var current) || current != activation) return;

        var cell = activation.Cell;
        activation.LastUsed = now;
        if (settled.Receipt.Refusal?.Kind is not (RefusalKind.Busy or RefusalKind.Fault))
        {
            var turn = new Turn(cell.Id, now);
            try
            {
                Follow(activation, cell.Settle(settled.Debt, settled.Receipt, turn, open.Journal), turn);
            }
            catch (Exception bug) when (engine.SurvivesBug(bug, activation, settled.Debt, open.Journal))
            {
                // The debt stays open and is sent again: a bug here must not lose money.
            }
        }

        if (cell.Definition.OwedBy(cell.State)!.Contains(settled.Debt.What, settled.Debt.About))
        {
            var first = engine.IsOutside(settled.Creditor) ? options.ReceiverBackoff : options.GrainBackoff;
            var at = now + activation.Outbox!.Backoff(settled.Debt, first, options.BackoffMax);
            timers.Enqueue((activation, settled.Debt, at), at);
            return;
        }

        foreach (var (debt, to) in activation.Outbox!.Settled(settled.Debt, settled.Creditor).ToArray())
            if (activation.Outbox.TrySend(debt, to)) Dispatch(activation, debt);
    }

    private bool HandleTimers(DateTimeOffset now)
    {
        var handled = 0;
        while (handled < WorksPerTurn && timers.TryPeek(out var timer, out var at) && at <= now)
        {
            handled++;
            timers.Dequeue();
            var activation = timer.Activation;
            if (activation.Fenced || !active.TryGetValue(activation.Cell.Id, out var current) || current != activation) continue;
            if (timer.Retry is { } debt) Dispatch(activation, debt);
            else if (activation.Deadline == at) Fire(activation, now);
        }

        return handled > 0;
    }

    private void Fire(Activation activation, DateTimeOffset now)
    {
        DeadlineLatenessMs = (now - activation.Deadline!.Value).TotalMilliseconds;
        activation.Deadline = null;
        var turn = new Turn(activation.Cell.Id, now);
        try
        {
            Follow(activation, activation.Cell.Handle(Grains.Kernel.Wake.Instance, turn, open.Journal), turn);
        }
        catch (Exception bug) when (engine.SurvivesBug(bug, activation, Grains.Kernel.Wake.Instance, open.Journal))
        {
            // Tried again after the pause below.
        }

        if (activation.Cell.Definition.DeadlineOf(activation.Cell.State) is { } again && again <= now)
        {
            // The state did not move on: asking again at once would be a loop.
            activation.Deadline = now + TimeSpan.FromMinutes(1);
            timers.Enqueue((activation, null, activation.Deadline.Value), activation.Deadline.Value);
        }

        if (activation.StoredWakeAt <= now) Store(activation);
    }

    private Activation? Find(GrainId id, DateTimeOffset now)
    {
        if (active.TryGetValue(id, out var activation) && !activation.Fenced) return activation;
        if (activation is not null) Drop(activation);
        if (engine.DefinitionOf(id.Kind) is not { } definition) return null;

        activation = Activate(id, definition, journal.Read(id), now);
        Follow(activation);
        return activation;
    }

    private Activation Activate(GrainId id, GrainDefinition definition, GrainRecord record, DateTimeOffset now)
    {
        var activation = new Activation(this, Cell.Restore(id, definition, record)) { LastUsed = now, StoredWakeAt = record.WakeAt };
        active.Add(id, activation);
        sweep.Enqueue(activation);
        return activation;
    }

    // After a change: what the new state means for others.
    private void Follow(Activation activation, in Decided decided, in Turn turn)
    {
        if (!decided.Changed) return;
        activation.LastBatch = open.Number;
        MarkDirty(activation, journal.LastPosition);
        var events = decided.Events as object[];
        Events += events?.Length ?? 1;
        if (activation.Feed is { } feed) Publish(activation.Cell, feed, events ?? [decided.Events!]);
        Follow(activation);
        if (activation.Waiting is { Count: > 0 }) AnswerWaiting(activation, turn);
    }

    private void Follow(Activation activation)
    {
        var cell = activation.Cell;
        if (cell.Definition.OwedBy(cell.State) is { } debts)
            while (debts.TryTakeFresh(out var debt)) Offer(activation, debt);

        var deadline = cell.Definition.DeadlineOf(cell.State);
        if (deadline == activation.Deadline) return;
        activation.Deadline = deadline;
        if (deadline is { } at) timers.Enqueue((activation, null, at), at);
    }

    private void Offer(Activation activation, Debt debt)
    {
        activation.Outbox ??= new(options.MessagesInFlightMax);
        var to = activation.Cell.Definition.MessageFor(activation.Cell.State, debt, activation.Cell.Id).To;
        if (activation.Outbox.TrySend(debt, to)) Dispatch(activation, debt);
    }

    // The message is built now, from the state as it is, and leaves when that state is durable.
    private void Dispatch(Activation activation, Debt debt)
    {
        var owed = activation.Cell.Definition.MessageFor(activation.Cell.State, debt, activation.Cell.Id);
        engine.Departed();
        if (IsFlushed(activation)) engine.Send(activation, debt, owed.To, owed.Command);
        else open.Messages.Add((activation, debt, owed.To, owed.Command));
    }

    private void Publish(Cell cell, LiveFeed feed, object[] events)
    {
        for (var i = 0; i < events.Length; i++)
            if (cell.Definition.LiveOf(cell.State, events[i]) is { } live)
                open.Live.Add((feed, new(cell.Sequence - events.Length + 1 + i, live.Name, live.Data)));
    }

    private void Wait(Activation activation, Work work)
    {
        activation.Waiting ??= [];
        if (activation.Waiting.Count < options.WaitingMax) activation.Waiting.Add(work);
        else work.Complete(GrainRefusal.Busy);
    }

    private void AnswerWaiting(Activation activation, in Turn turn)
    {
        var waiting = activation.Waiting!;
        var kept = 0;
        for (var i = 0; i < waiting.Count; i++)
        {
            var answer = activation.Cell.Answer(waiting[i].Command, turn);
            if (answer.IsLater) waiting[kept++] = waiting[i];
            else Release(waiting[i], answer, activation);
        }

        waiting.RemoveRange(kept, waiting.Count - kept);
    }

    private void Release(Work work, in Answer answer, Activation activation)
    {
        // An answer without new facts may still show facts of this grain that are not flushed yet.
        if (IsFlushed(activation)) work.Complete(answer);
        else open.Answers.Add((work, answer, activation));
    }

    private bool IsFlushed(Activation activation) => activation.LastBatch <= Volatile.Read(ref flushedBatch);

    private static Turn TurnOf(Activation activation, object command, DateTimeOffset now) =>
        activation.Cell.Definition.Draws(command) ? new(activation.Cell.Id, now, RandomNumberGenerator.GetBytes(32)) : new(activation.Cell.Id, now);

    private void MarkDirty(Activation activation, long since)
    {
        if (activation.Dirty) return;
        activation.Dirty = true;
        activation.DirtySince = since;
        dirty.Enqueue((activation, since, Events));
    }

    private void Store(Activation activation)
    {
        var snapshot = activation.Cell.Snapshot();
        activation.StoredWakeAt = snapshot.WakeAt;
        activation.Dirty = false;
        open.Journal.Snapshots.Add(snapshot);
    }

    // Keeps the tail that a recovery replays short: the state that is unsaved for longest is saved first.
    private void Checkpoint()
    {
        while (dirty.TryPeek(out var oldest) && (!IsCurrent(oldest) || Events - oldest.Events > options.TailEventsMax))
        {
            if (open.Journal.Snapshots.Count >= SnapshotsPerBatch) return;
            dirty.Dequeue();
            if (IsCurrent(oldest)) Store(oldest.Activation);
        }
    }

    private long TailStart()
    {
        while (dirty.TryPeek(out var oldest))
        {
            if (IsCurrent(oldest)) return oldest.Since;
            dirty.Dequeue();
        }

        return journal.LastPosition;
    }

    private static bool IsCurrent((Activation Activation, long Since, long Events) entry) =>
        entry.Activation.Dirty && entry.Activation.DirtySince == entry.Since && !entry.Activation.Fenced;

    // A slow clock hand over all activations: cheaper than moving each to the front of a list at every use.
    private void Sweep(DateTimeOffset now)
    {
        if (now < nextSweep || sweep.Count == 0) return;
        nextSweep = now + TimeSpan.FromMilliseconds(20);
        for (var i = Math.Min(SweepsPerTurn + sweep.Count / 256, sweep.Count); i > 0; i--)
        {
            var activation = sweep.Dequeue();
            if (activation.Fenced)
            {
                Drop(activation);
                continue;
            }

            sweep.Enqueue(activation);
            if (activation.LastUsed + options.IdleAfter > now || !activation.IsQuiet || activation.IsClosing) continue;
            if (activation.Dirty) Store(activation);
            activation.IsClosing = true;
            activation.ClosingSince = now;
            open.Closing.Add(activation);
        }
    }

    // Only when the snapshot is durable may the activation go: whoever asks in between must find the newest state.
    private Action Leave(Activation[] closing) => () =>
    {
        foreach (var activation in closing)
        {
            activation.IsClosing = false;
            if (activation.LastUsed > activation.ClosingSince || activation.Dirty || !activation.IsQuiet || !IsFlushed(activation)) continue;
            Drop(activation);
            open.Journal.Closed.Add(activation.Cell.Id);
        }
    };

    private void Drop(Activation activation)
    {
        if (active.TryGetValue(activation.Cell.Id, out var current) && current == activation) active.Remove(activation.Cell.Id);
        foreach (var work in activation.Waiting ?? []) work.Complete(GrainRefusal.Busy);
        activation.Waiting = null;
        activation.Fenced = true; // its timers and the sweep find it and forget it
    }

    private void Fence(IReadOnlyCollection<GrainId> fenced)
    {
        lock (gate)
            foreach (var grain in fenced)
                if (active.TryGetValue(grain, out var activation)) activation.Fenced = true;
        engine.Log.LogWarning("Fenced off {Count} activations: another instance wrote to their grains.", fenced.Count);
    }

    private TimeSpan UntilNextTimer()
    {
        var longest = TimeSpan.FromMilliseconds(100);
        lock (gate)
        {
            if (!timers.TryPeek(out _, out var at)) return longest;
            var wait = at - clock.GetUtcNow();
            return wait <= TimeSpan.Zero ? TimeSpan.Zero : wait < longest ? wait : longest;
        }
    }

    /// <summary>Joins a viewer to a grain's feed; see <see cref="IGrains.Watch"/>.</summary>
    public void Join(GrainId grain, object view, long? after, Action<Answer, LiveFeed?, System.Threading.Channels.Channel<LiveEvent>?> joined)
    {
        var now = clock.GetUtcNow();
        if (Find(grain, now) is not { } activation)
        {
            joined(GrainRefusal.NotFound, null, null);
            return;
        }

        activation.LastUsed = now;
        var answer = activation.Cell.Answer(view, new(grain, now));
        if (answer.Value is not { } shown)
        {
            joined(answer.IsLater ? GrainRefusal.Busy : answer, null, null);
            return;
        }

        var feed = activation.Feed ??= new(activation.Cell.Sequence);
        var viewer = feed.Join(after, new(activation.Cell.Sequence, LiveEvent.Snapshot, shown));
        var completion = new Joined(grain, view, a => joined(viewer is null ? GrainRefusal.Busy : a, feed, viewer));
        Release(completion, answer, activation);
    }

    private sealed class Joined(GrainId grain, object view, Action<Answer> joined) : Work(grain, view)
    {
        public override void Complete(in Answer answer) => joined(answer);
    }
}

/// <summary>A batch and everything that leaves when it is durable.</summary>
internal sealed class Pending
{
    public long Number { get; set; }

    public Batch Journal { get; } = new();

    public List<(Work Work, Answer Answer, Activation Activation)> Answers { get; } = [];

    public List<(Activation Activation, Debt Debt, GrainId To, object Command)> Messages { get; } = [];

    public List<(LiveFeed Feed, LiveEvent Live)> Live { get; } = [];

    public List<Activation> Closing { get; } = [];

    public bool IsEmpty => Journal.IsEmpty && Answers.Count == 0 && Messages.Count == 0 && Live.Count == 0 && Closing.Count == 0;

    public void Clear()
    {
        Journal.Clear();
        Answers.Clear();
        Messages.Clear();
        Live.Clear();
        Closing.Clear();
    }
}
