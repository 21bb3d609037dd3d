using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Microsoft.Extensions.Logging;

namespace Campaigns.Silo.Local;

/// <summary>
/// Decides for its share of the grains, one thread at a time: its own, or that of a caller who finds it idle. A decision is memory only; what it leads to (answers, messages, live events) waits
/// in the open batch until the flusher has made the batch durable (law 3), while the lane goes on deciding into the next one.
/// </summary>
internal sealed class Lane
{
    private const int WorksPerTurn = 256;
    private const int SweepsPerTurn = 64;
    private const int FewWaiting = 32;
    private const int SnapshotsPerBatch = 1_000;
    private static readonly TimeSpan PauseAfterBug = TimeSpan.FromMinutes(1);

    // The sweep comes by every few seconds.
    private static readonly TimeSpan TimersAhead = TimeSpan.FromMinutes(10);

    // A lane decides ten times a second: a clock that is further on, or back, was moved, or the machine has slept.
    private static readonly TimeSpan Leap = TimeSpan.FromMinutes(1);

    // What is asked from within a decision (of a grain of this silo, through the cluster) waits for its lane's thread: decisions do not nest.
    [ThreadStatic]
    private static bool isDeciding;

    private readonly LocalEngine engine;
    private readonly LocalEngineOptions options;
    private readonly IJournal journal;
    private readonly TimeProvider clock;
    private readonly Inbox inbox;
    private readonly Lock gate = new();
    private readonly Dictionary<GrainId, Activation> active = [];
    private readonly PriorityQueue<(Activation Activation, Retry? Retry), DateTimeOffset> timers = new();
    private readonly Queue<Activation> sweep = new();
    private readonly HashSet<Activation> crowded = [];
    private readonly Queue<(AskedFromElsewhere Asked, DateTimeOffset Until)> impatient = new();
    private readonly Queue<(Activation Activation, long Since, long Events)> dirty = new();
    private readonly Dictionary<GrainId, List<Work>> loading = [];
    private readonly AutoResetEvent room = new(initialState: false);
    private Pending open = new() { Number = 1 };
    private Pending spare = new();
    private long flushedBatch;
    private volatile bool gateWanted;
    private Activation? held;
    private bool hasEnded;
    private int waitingToLoad;
    private DateTimeOffset nextSweep;
    private DateTimeOffset decidedAt;

    public Lane(LocalEngine engine, IJournal journal, TimeProvider clock, LocalEngineOptions options)
    {
        (this.engine, this.journal, this.clock, this.options) = (engine, journal, clock, options);
        inbox = new(options.InboxMax, options.GrainInboxMax);
        decidedAt = clock.GetUtcNow();
    }

    /// <summary>Facts decided since the start; read by metrics from any thread.</summary>
    public long Events { get; private set; }

    /// <summary>Commands handled since the start.</summary>
    public long Commands { get; private set; }

    /// <summary>Commands that wait to be handled, those included whose grain is just being loaded.</summary>
    public int Queued => inbox.Count + Volatile.Read(ref waitingToLoad);

    public int Active => active.Count;

    /// <summary>How late the latest deadline was handled, in milliseconds.</summary>
    public double DeadlineLatenessMs { get; private set; }

    /// <summary>When the next deadline or the next try to send something is due; null if nothing is in the next minutes.</summary>
    public DateTimeOffset? NextTimer
    {
        get
        {
            lock (gate) return timers.TryPeek(out _, out var at) ? at : null;
        }
    }

    public Machine Machine => engine.Machine;

    /// <summary>Who makes durable what this lane decides.</summary>
    public Flusher Flusher { get; set; } = null!;

    /// <summary>True while so much waits for the disk that the lane must not decide more.</summary>
    public bool IsAheadOfDisk => Volatile.Read(ref open) is var waiting && (waiting.Journal.Decisions.Length > options.UnflushedBytesMax || waiting.Answers.Count > options.InboxMax);

    /// <returns>false if the queue is full</returns>
    public bool TryPost(Work work)
    {
        if (!inbox.TryPost(work)) return false;
        inbox.WakeIfAsleep();
        return true;
    }

    /// <summary>
    /// As <see cref="TryPost"/>, and decides it here and now if the lane has nothing else to do: what needs no disk is answered without a change of
    /// threads, which costs more than the decision.
    /// </summary>
    /// <returns>false if the queue is full</returns>
    public bool TryAsk(Work work)
    {
        if (!inbox.TryPost(work)) return false;
        if (inbox.Count > 1 || IsAheadOfDisk || !TryStep() || inbox.Count > 0) inbox.WakeIfAsleep();
        return true;
    }

    /// <summary>If the lane sleeps: it sleeps on until <see cref="GoOn"/>, whatever comes in.</summary>
    public bool TryHold() => inbox.TryHold();

    /// <summary>Decides what came in meanwhile, on this thread; what is too much for it wakes the lane.</summary>
    public void GoOn()
    {
        if (!IsAheadOfDisk) TryStep();
        inbox.Resume();
    }

    /// <summary>Takes an answer to something this lane has sent, or a chore: their number is bounded, so they always fit.</summary>
    public void Receive(Work work)
    {
        inbox.Post(work);
        inbox.WakeIfAsleep();
    }

    public void Wake() => inbox.Wake();

    /// <summary>The lane's thread.</summary>
    public void Run(CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested && !engine.HasFailed)
            {
                if (IsAheadOfDisk) room.WaitOne(TimeSpan.FromMilliseconds(10));
                else if (!Step()) inbox.Wait(UntilNextTimer());
            }
        }
        catch (Exception bug)
        {
            // What this lane holds in memory may be half changed: only the journal is sure (law 7).
            engine.Fail(bug);
        }
    }

    /// <summary>Decides what is there and what is due. Returns false when there was nothing to do.</summary>
    public bool Step()
    {
        // The lock is not fair: a lane that takes it again at once would keep the flusher out for milliseconds (measured: 3 x the rate of spread load).
        for (var spin = default(SpinWait); gateWanted;) spin.SpinOnce(sleep1Threshold: -1);
        bool did;
        bool flush;
        lock (gate) (did, flush) = Decide();
        if (flush) Flusher.Signal();
        return did;
    }

    // On a caller's thread, if no other one is in here.
    private bool TryStep()
    {
        if (gateWanted || isDeciding || !gate.TryEnter()) return false;
        var flush = false;
        try
        {
            if (hasEnded || engine.HasFailed) return false;
            var timer = NextTimer;
            (_, flush) = Decide();
            if (NextTimer is { } next && !(timer <= next)) Wake(); // the lane's thread sleeps until then, and must not until later
        }
        catch (Exception bug)
        {
            engine.Fail(bug);
        }
        finally
        {
            gate.Exit();
        }

        if (flush) Flusher.Signal();
        return true;
    }

    private (bool Did, bool Flush) Decide()
    {
        isDeciding = true;
        try
        {
            var now = clock.GetUtcNow();
            if (Leapt(now)) SetTimers(now);
            decidedAt = now;
            var did = HandleInbox(now) | HandleTimers(now);
            AnswerCrowds(now);
            AnswerImpatient(now);
            Sweep(now);
            Checkpoint();
            return (did, !open.IsEmpty);
        }
        finally
        {
            isDeciding = false;
        }
    }

    /// <summary>The flusher takes what was decided. Null if there is nothing.</summary>
    /// <param name="tailStart">what this lane needs of the journal to recover comes after this position</param>
    public Pending? TakeOpen(out long tailStart)
    {
        gateWanted = true;
        lock (gate)
        {
            gateWanted = false;
            tailStart = TailStart();
            if (open.IsEmpty) return null;
            var full = open;
            open = spare;
            open.Number = full.Number + 1;
            spare = null!; // comes back with Flushed: it has one flusher, so never two batches are away
            room.Set();
            return full;
        }
    }

    /// <summary>The batch is durable: answers leave, messages go out. Runs on the flusher's thread.</summary>
    public void Flushed(Pending batch, IReadOnlyCollection<GrainId> fenced)
    {
        if (fenced.Count > 0) Fence(fenced);
        Volatile.Write(ref flushedBatch, batch.Number);
        foreach (var (activation, live) in batch.Live)
            if (!activation.Fenced) activation.Feed!.Publish(live);
        foreach (var (activation, debt, to, command) in batch.Messages)
        {
            if (activation.Fenced) engine.Arrived();
            else engine.Send(activation, debt, to, command);
        }

        foreach (var (work, answer, activation) in batch.Answers)
        {
            if (activation.Fenced) TurnAway(work);
            else work.Complete(answer);
        }

        if (batch.Closing.Count > 0) Receive(new Chore(Leave(batch.Closing.ToArray())));
        batch.Clear();
        Volatile.Write(ref spare, batch);
    }

    /// <summary>The engine has stopped, and this lane's thread with it: whoever still waits is told to ask again.</summary>
    /// <param name="unflushed">the batch whose outcome is unknown, if the journal failed</param>
    public void End(Pending? unflushed)
    {
        lock (gate)
        {
            hasEnded = true; // a caller may have decided here until now
            RefuseQueued();
            foreach (var (work, _, _) in unflushed?.Answers ?? []) TurnAway(work);
            foreach (var (work, _, _) in open.Answers) TurnAway(work);
            open.Answers.Clear();
            foreach (var work in loading.Values.SelectMany(w => w)) TurnAway(work);
            foreach (var activation in active.Values) Abandon(activation);
        }
    }

    /// <summary>Nobody takes from the queue any more.</summary>
    public void RefuseQueued()
    {
        while (inbox.TryTake(out var work))
            if (work is not (Settled or Chore or Loaded)) TurnAway(work);
    }

    /// <summary>Takes a grain that was replayed while the engine starts.</summary>
    public void Adopt(Activation replayed)
    {
        Add(replayed);
        if (replayed.Cell.Sequence == replayed.Stored) return;
        MarkDirty(replayed, journal.TailStart, events: 0); // from the tail's beginning on: by its end the first of its facts are old
        Events += replayed.Cell.Sequence - replayed.Stored;
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
        lock (gate) return inbox.Count == 0 && loading.Count == 0 && open.IsEmpty && spare is not null && (now == DateTimeOffset.MinValue || !Leapt(now)) && !(timers.TryPeek(out _, out var at) && at <= now);
    }

    /// <summary>Stores every state that is not stored, for a quick start next time. Runs on the lane's thread; returns false when all is stored.</summary>
    public bool SnapshotSome()
    {
        lock (gate)
        {
            while (open.Journal.Snapshots.Count < SnapshotsPerBatch && dirty.TryPeek(out var entry) && !(IsCurrent(entry) && entry.Activation.Fenced))
            {
                dirty.Dequeue();
                if (IsCurrent(entry)) Store(entry.Activation);
            }

            return dirty.Count > 0;
        }
    }

    private bool HandleInbox(DateTimeOffset now)
    {
        var handled = 0;
        while (handled < WorksPerTurn && inbox.TryTake(out var work))
        {
            handled++;
            Do(work, now);
        }

        Commands += handled;
        return handled > 0;
    }

    private void Do(Work work, DateTimeOffset now)
    {
        switch (work)
        {
            case Settled settled:
                Settle(settled, now);
                break;
            case Chore chore:
                ((Action)chore.Command)();
                break;
            case Joining joining:
                Join(joining, now);
                break;
            case Handover handover:
                HandOver(handover, now);
                break;
            case Loaded loaded:
                Open(loaded, now);
                break;
            default:
                Handle(work, now);
                break;
        }
    }

    private void Handle(Work work, DateTimeOffset now)
    {
        if (Find(work, now) is not { } activation) return;

        Turn turn;
        Decided decided;
        try
        {
            turn = TurnOf(activation, work.Command, now);
            decided = activation.Cell.Handle(work.Command, turn, open.Journal);
        }
        catch (Exception bug) when (engine.SurvivesBug(bug, activation, work.Command, open.Journal))
        {
            work.Complete(GrainRefusal.Faulted);
            if (!activation.IsSwept) Keep(activation);
            return;
        }

        Follow(activation, decided, turn);
        if (work.Command is Wake && activation.StoredWakeAt <= now) StoreWoken(activation, now);
        var answer = decided.Refusal is { } refusal ? refusal : AnswerOf(activation, work.Command, turn);
        if (answer.IsLater) Wait(activation, work);
        else Release(work, answer, activation);
        if (!activation.IsSwept) Keep(activation);
    }

    private void Settle(Settled settled, DateTimeOffset now)
    {
        var activation = settled.Debtor;
        if (IsGone(activation))
        {
            engine.Arrived();
            return;
        }

        var cell = activation.Cell;
        activation.LastUsed = now;
        activation.Outbox!.OnTheirWay--;
        var turn = new Turn(cell.Id, now);
        var decided = default(Decided);
        try
        {
            decided = cell.Settle(settled.Debt, settled.Receipt, turn, open.Journal);
        }
        catch (Exception bug) when (engine.SurvivesBug(bug, activation, settled.Debt, open.Journal))
        {
            // The debt stays open and is sent again: a bug here must not lose money.
        }

        Follow(activation, decided, turn);
        if (Owes(activation, settled.Debt)) SendLater(activation, settled.Debt, settled.Creditor, now);
        else SendNext(activation, settled.Debt, settled.Creditor);
        if (activation.Leaving is not null) LeaveOnceAnswered(activation, now);
        engine.Arrived(); // last: what follows from the answer is already counted as on its way
    }

    private void HandOver(Handover handover, DateTimeOffset now)
    {
        if (loading.TryGetValue(handover.Grain, out var works))
        {
            works.Add(handover);
            waitingToLoad++;
            return;
        }

        if (!active.TryGetValue(handover.Grain, out var activation) || IsGone(activation))
        {
            handover.Complete(default);
            return;
        }

        if (activation.Leaving is { } first)
        {
            _ = first.Done.ContinueWith((_, second) => ((Handover)second!).Complete(default), handover, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            return;
        }

        activation.Leaving = handover;
        LeaveOnceAnswered(activation, now);
    }

    private void LeaveOnceAnswered(Activation activation, DateTimeOffset now)
    {
        if (activation.Outbox is { OnTheirWay: > 0 }) return;
        Store(activation);
        activation.LastBatch = open.Number;
        open.Closing.Add(activation);
    }

    private bool HandleTimers(DateTimeOffset now)
    {
        var handled = 0;
        while (handled < WorksPerTurn && timers.TryPeek(out var timer, out var at) && at <= now)
        {
            handled++;
            timers.Dequeue();
            var (activation, retry) = timer;
            if (IsGone(activation)) continue;
            if (activation.Leaving is not null)
            {
                activation.TimerAt = null; // its next activation sets it
            }
            else if (retry is not null)
            {
                SendAgain(activation, retry);
            }
            else if (activation.TimerAt == at)
            {
                activation.TimerAt = null;
                if (activation.Deadline <= now) Fire(activation, now);
                else SetTimer(activation, now);
            }
        }

        return handled > 0;
    }

    private void Fire(Activation activation, DateTimeOffset now)
    {
        var fired = activation.Deadline!.Value;
        DeadlineLatenessMs = (now - fired).TotalMilliseconds;
        var turn = new Turn(activation.Cell.Id, now);
        var decided = default(Decided);
        try
        {
            decided = activation.Cell.Handle(Grains.Kernel.Wake.Instance, turn, open.Journal);
        }
        catch (Exception bug) when (engine.SurvivesBug(bug, activation, Grains.Kernel.Wake.Instance, open.Journal))
        {
            // Tried again after the pause below.
        }

        Follow(activation, decided, turn);

        // The state did not move on: asking again at once would be a loop. A next deadline may have passed too, though, and fires at once.
        if (activation.Deadline <= fired)
        {
            activation.Deadline = now + PauseAfterBug;
            SetTimer(activation, now);
        }

        if (activation.StoredWakeAt <= now) StoreWoken(activation, now);
    }

    private bool Leapt(DateTimeOffset now) => (now - decidedAt).Duration() > Leap;

    private void SetTimers(DateTimeOffset now)
    {
        nextSweep = now;
        foreach (var activation in active.Values) SetTimer(activation, now);
    }

    // A deadline that is far away gets its timer when the sweep comes by: most grains leave memory before it, and a million timers nobody
    // waits for would be a hundred megabytes to look through.
    private void SetTimer(Activation activation, DateTimeOffset now)
    {
        if (activation.Deadline is not { } at || at > now + TimersAhead || activation.TimerAt <= at || activation.Fenced || activation.Leaving is not null) return;
        activation.TimerAt = at;
        timers.Enqueue((activation, null), at);
    }

    private Activation? Find(Work work, DateTimeOffset now)
    {
        if (active.TryGetValue(work.Grain, out var activation) && !activation.Fenced)
        {
            if (activation.Leaving is not null)
            {
                TurnAway(work);
                return null;
            }

            activation.LastUsed = now;
            return activation;
        }

        if (engine.DefinitionOf(work.Grain.Kind) is not { } definition)
        {
            work.Complete(GrainRefusal.NotFound);
            return null;
        }

        if (journal.IsFar)
        {
            WaitToLoad(work);
            return null;
        }

        try
        {
            return Open(work.Grain, definition, journal.Read(work.Grain), now);
        }
        catch (Exception unreadable)
        {
            work.Complete(WhyUnreadable(work.Grain, unreadable));
            return null;
        }
    }

    // Others are decided meanwhile; who wants the same grain waits for the same answer of the journal.
    private void WaitToLoad(Work work)
    {
        if (!loading.TryGetValue(work.Grain, out var works))
        {
            loading.Add(work.Grain, works = []);
            engine.Loader.Want(this, work.Grain);
        }

        if (waitingToLoad >= options.InboxMax || works.Count >= options.GrainInboxMax)
        {
            work.Complete(GrainRefusal.Busy);
            return;
        }

        works.Add(work);
        waitingToLoad++;
    }

    private void Open(Loaded loaded, DateTimeOffset now)
    {
        loading.Remove(loaded.Grain, out var works);
        waitingToLoad -= works!.Count;
        try
        {
            if (loaded.Failure is not null) throw loaded.Failure;
            held = Open(loaded.Grain, engine.DefinitionOf(loaded.Grain.Kind)!, loaded.Record!, now);
        }
        catch (Exception unreadable)
        {
            var why = WhyUnreadable(loaded.Grain, unreadable);
            foreach (var work in works) work.Complete(why);
            return;
        }

        // One with nothing in it stays until all are answered who came for it.
        foreach (var work in works) Do(work, now);
        var opened = held;
        held = null;
        if (!IsGone(opened) && !opened.IsSwept) Keep(opened);
    }

    private Activation Open(GrainId grain, GrainDefinition definition, GrainRecord record, DateTimeOffset now)
    {
        var cell = Cell.Restore(grain, definition, record);
        if (active.TryGetValue(grain, out var stale)) Drop(stale);
        var activation = new Activation(this, cell) { LastUsed = now, StoredWakeAt = record.WakeAt, Stored = record.Sequence };
        Add(activation);
        if (record.Tail.Count > 0) Store(activation); // facts that nobody else has marked as unsaved: the tail may start after them
        Follow(activation);
        return activation;
    }

    // A connection that is gone comes back; a state that makes no sense does not.
    private Answer WhyUnreadable(GrainId grain, Exception unreadable)
    {
        engine.Log.LogError(unreadable, "{Grain} cannot be read from the journal.", grain);
        return unreadable is IOException and not JournalDamaged ? GrainRefusal.Busy : GrainRefusal.Faulted;
    }

    private void Add(Activation activation)
    {
        active.Add(activation.Cell.Id, activation);
        if (activation.Cell.Sequence > 0) Keep(activation);
    }

    // A stranger's id must not cost memory: only an activation with something in it stays.
    private void Keep(Activation activation)
    {
        if (activation == held) return;
        if (activation.Cell.Sequence == 0 && activation.IsQuiet)
        {
            Drop(activation);
            engine.Cluster?.Left(activation.Cell.Id);
        }
        else
        {
            activation.IsSwept = true;
            sweep.Enqueue(activation);
        }
    }

    // After a change: what the new state means for others.
    private void Follow(Activation activation, in Decided decided, in Turn turn)
    {
        if (!decided.Changed) return;
        activation.LastBatch = open.Number;
        MarkDirty(activation, journal.LastPosition, Events);
        var events = decided.Events as object[];
        Events += events?.Length ?? 1;
        if (activation.Feed is not null) Publish(activation, events ?? [decided.Events!]);
        Follow(activation);
        if (journal.IsFar && activation.Cell.Sequence - activation.Stored > Math.Max(options.GrainTailMax, activation.Cell.Sequence / 2)) Store(activation);
        if (activation.Waiting is not { Count: > 0 } waiting) return;
        if (waiting.Count <= FewWaiting) AnswerWaiting(activation, turn);
        else crowded.Add(activation);
    }

    private void Follow(Activation activation)
    {
        var cell = activation.Cell;
        if (cell.Definition.OwedBy(cell.State) is { } debts)
            while (debts.TryTakeFresh(out var debt)) Offer(activation, debt);

        var deadline = cell.Definition.DeadlineOf(cell.State);
        if (deadline == activation.Deadline) return;
        activation.Deadline = deadline;
        SetTimer(activation, clock.GetUtcNow());
    }

    private static bool Owes(Activation activation, Debt debt) =>
        activation.Cell.Definition.OwedBy(activation.Cell.State)!.Contains(debt.What, debt.About);

    private void Offer(Activation activation, Debt debt)
    {
        activation.Outbox ??= new(options.MessagesInFlightMax);
        if (TryMessage(activation, debt) is not { } message)
        {
            activation.Outbox.Unsendable++;
            var at = clock.GetUtcNow() + PauseAfterBug;
            timers.Enqueue((activation, new(debt, null)), at);
        }
        else if (activation.Outbox.TrySend(debt, message.To))
        {
            Dispatch(activation, debt, message.To, message.Command);
        }
    }

    // The message is built now, from the state as it is, and leaves when that state is durable.
    private void Send(Activation activation, Debt debt, GrainId to)
    {
        if (TryMessage(activation, debt) is { } message) Dispatch(activation, debt, to, message.Command);
        else SendLater(activation, debt, to, clock.GetUtcNow());
    }

    private void Dispatch(Activation activation, Debt debt, GrainId to, object command)
    {
        if (activation.Leaving is not null || engine.IsQuiet) return; // its next activation sends it
        activation.Outbox!.OnTheirWay++;
        engine.Departed();
        if (IsFlushed(activation)) engine.Send(activation, debt, to, command);
        else open.Messages.Add((activation, debt, to, command));
    }

    private void SendLater(Activation activation, Debt debt, GrainId to, DateTimeOffset now)
    {
        var first = engine.IsOutside(to) ? options.ReceiverBackoff : options.GrainBackoff;
        timers.Enqueue((activation, new(debt, to)), now + activation.Outbox!.Backoff(debt, first, options.BackoffMax));
    }

    private void SendAgain(Activation activation, Retry retry)
    {
        if (retry.To is { } to)
        {
            if (Owes(activation, retry.Debt)) Send(activation, retry.Debt, to);
            else SendNext(activation, retry.Debt, to);
            return;
        }

        activation.Outbox!.Unsendable--;
        if (Owes(activation, retry.Debt)) Offer(activation, retry.Debt);
    }

    // The line to a receiver moves on; a debt in it may have been settled in another way meanwhile.
    private void SendNext(Activation activation, Debt settled, GrainId to)
    {
        while (activation.Outbox!.TryNext(settled, to, out var next, out to))
        {
            if (Owes(activation, next))
            {
                Send(activation, next, to);
                return;
            }

            settled = next;
        }
    }

    private Owed? TryMessage(Activation activation, Debt debt)
    {
        try
        {
            return activation.Cell.Definition.MessageFor(activation.Cell.State, debt, activation.Cell.Id);
        }
        catch (Exception bug)
        {
            engine.Log.LogError(bug, "{Grain} cannot build the message that pays {Debt}; it is tried again.", activation.Cell.Id, debt);
            return null;
        }
    }

    private Answer AnswerOf(Activation activation, object command, in Turn turn)
    {
        try
        {
            return activation.Cell.Answer(command, turn);
        }
        catch (Exception bug)
        {
            engine.Log.LogError(bug, "{Grain} has handled {Command}, but answering failed.", activation.Cell.Id, command.GetType().Name);
            return GrainRefusal.Faulted;
        }
    }

    private void Publish(Activation activation, object[] events)
    {
        var cell = activation.Cell;
        for (var i = 0; i < events.Length; i++)
        {
            try
            {
                if (cell.Definition.LiveOf(cell.State, events[i]) is { } live)
                    open.Live.Add((activation, new(cell.Sequence - events.Length + 1 + i, live.Name, live.Data)));
            }
            catch (Exception bug)
            {
                engine.Log.LogError(bug, "{Grain} cannot tell its viewers about {Event}.", cell.Id, events[i].GetType().Name);
            }
        }
    }

    private void Wait(Activation activation, Work work)
    {
        activation.Waiting ??= [];
        if (activation.Waiting.Count >= options.WaitingMax) activation.Waiting.RemoveAll(w => w.IsComplete);
        if (activation.Waiting.Count >= options.WaitingMax)
        {
            work.Complete(GrainRefusal.Busy);
            return;
        }

        activation.Waiting.Add(work);
        if (work is AskedFromElsewhere elsewhere) impatient.Enqueue((elsewhere, clock.GetUtcNow() + options.ElsewherePatience));
    }

    private void AnswerImpatient(DateTimeOffset now)
    {
        while (impatient.TryPeek(out var longest) && (longest.Asked.IsComplete || longest.Until <= now)) impatient.Dequeue().Asked.Complete(Answer.Later);
    }

    // Where many wait, each is asked about once a turn and not once a fact: 10,000 launches of one campaign would be 200 million questions.
    private void AnswerCrowds(DateTimeOffset now)
    {
        foreach (var activation in crowded)
            if (!IsGone(activation)) AnswerWaiting(activation, new(activation.Cell.Id, now));
        crowded.Clear();
    }

    private void AnswerWaiting(Activation activation, in Turn turn)
    {
        if (activation.Waiting is not { } waiting) return;
        var kept = 0;
        for (var i = 0; i < waiting.Count; i++)
        {
            if (waiting[i].IsComplete) continue;
            var answer = AnswerOf(activation, waiting[i].Command, turn);
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

    private Turn TurnOf(Activation activation, object command, DateTimeOffset now) =>
        activation.Cell.Definition.Draws(command) ? new(activation.Cell.Id, now, engine.Machine.Chance()) : new(activation.Cell.Id, now);

    /// <param name="since">its unsaved facts come after this position</param>
    /// <param name="events">and after so many events of this lane</param>
    private void MarkDirty(Activation activation, long since, long events)
    {
        if (activation.Dirty) return;
        activation.Dirty = true;
        activation.DirtySince = since;
        dirty.Enqueue((activation, since, events));
    }

    private void Store(Activation activation)
    {
        var snapshot = activation.Cell.Snapshot();
        activation.StoredWakeAt = snapshot.WakeAt;
        activation.Stored = snapshot.Sequence;
        activation.Dirty = false;
        open.Journal.Snapshots.Add(snapshot);
    }

    // Its wake-up time has come: the stored one must move on, or it would be found again and again.
    private void StoreWoken(Activation activation, DateTimeOffset now)
    {
        Store(activation);
        activation.LastBatch = open.Number;
        if (activation.StoredWakeAt <= now && activation.StoredWakeAt != Snapshot.AtOnce)
        {
            activation.StoredWakeAt = now + PauseAfterBug;
            open.Journal.Snapshots[^1] = open.Journal.Snapshots[^1] with { WakeAt = activation.StoredWakeAt };
        }
    }

    // Keeps the tail that a recovery replays short: the state that is unsaved for longest is saved first.
    private void Checkpoint()
    {
        while (dirty.TryPeek(out var oldest) && (!IsCurrent(oldest) || Events - oldest.Events > options.TailEventsMax))
        {
            if (open.Journal.Snapshots.Count >= SnapshotsPerBatch) return;
            if (IsCurrent(oldest) && oldest.Activation.Fenced) return; // holds the tail until it is reloaded, which is soon
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
        entry.Activation.Dirty && entry.Activation.DirtySince == entry.Since;

    // A slow clock hand over all activations: cheaper than moving each to the front of a list at every use.
    private void Sweep(DateTimeOffset now)
    {
        if (now < nextSweep || sweep.Count == 0) return;
        nextSweep = now + TimeSpan.FromMilliseconds(20);
        for (var i = Math.Min(SweepsPerTurn + sweep.Count / 256, sweep.Count); i > 0; i--)
        {
            var activation = sweep.Dequeue();
            if (activation.Fenced && !IsCurrent(activation)) continue;

            sweep.Enqueue(activation);
            SetTimer(activation, now);
            if (activation.Fenced || activation.LastUsed + options.IdleAfter > now || !activation.IsQuiet || activation.IsClosing) continue;
            if (open.Journal.Snapshots.Count >= SnapshotsPerBatch) continue; // the next time it comes by
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
            if (activation.Fenced || (activation.Leaving is null ? Stays(activation) : activation.Outbox is { OnTheirWay: > 0 } || !IsFlushed(activation))) continue;
            Drop(activation);
            open.Journal.Closed.Add(activation.Cell.Id);
            if (activation.Leaving is null) engine.Cluster?.Left(activation.Cell.Id);
        }
    };

    private bool Stays(Activation activation) => activation.LastUsed > activation.ClosingSince || activation.Dirty || !activation.IsQuiet || !IsFlushed(activation);

    private void Drop(Activation activation)
    {
        if (IsCurrent(activation)) active.Remove(activation.Cell.Id);
        Abandon(activation);
        activation.Fenced = true; // the sweep finds it and forgets it
        activation.Dirty = false;
        activation.Cell.Forget();
    }

    // Nothing is wrong with the command: it came where the grain does not live any more. In a cluster it is asked again where it does.
    private static void TurnAway(Work work) => work.Complete(work is AskedFromElsewhere ? Answer.Later : GrainRefusal.Busy);

    private static void Abandon(Activation activation)
    {
        foreach (var work in activation.Waiting ?? []) TurnAway(work);
        activation.Waiting = null;
        activation.Feed?.Close();
        activation.Leaving?.Complete(default);
    }

    private bool IsCurrent(Activation activation) => active.TryGetValue(activation.Cell.Id, out var current) && current == activation;

    private static bool IsGone(Activation activation) => activation.Fenced;

    private void Fence(IReadOnlyCollection<GrainId> fenced)
    {
        lock (gate)
        {
            // What a stale activation has decided since is as wrong as what the journal refused, even where its numbers fit by chance.
            var mine = fenced.Where(active.ContainsKey).ToHashSet();
            if (mine.Count == 0) return;
            open.Journal.Remove(mine);
            foreach (var grain in mine)
            {
                var activation = active[grain];
                activation.Fenced = true;
                if (engine.Cluster is null) Receive(new Asked<Done>(grain, Grains.Kernel.Wake.Instance)); // reloads it: its debts and deadlines go on
                else Receive(new Chore(Expel(activation)));
            }

            engine.Log.LogWarning("Fenced off {Count} activations: another instance wrote to their grains.", mine.Count);
        }
    }

    // Its newest state lives in another engine: whoever asks next is sent there.
    private Action Expel(Activation fenced) => () =>
    {
        Drop(fenced);
        engine.Cluster!.Left(fenced.Cell.Id);
    };

    private TimeSpan UntilNextTimer()
    {
        var longest = TimeSpan.FromMilliseconds(100);
        if (NextTimer is not { } at) return longest;
        var wait = at - clock.GetUtcNow();
        return wait <= TimeSpan.Zero ? TimeSpan.Zero : wait < longest ? wait : longest;
    }

    private void Join(Joining viewer, DateTimeOffset now)
    {
        if (Find(viewer, now) is not { } activation) return;

        var answer = AnswerOf(activation, viewer.Command, new(viewer.Grain, now));
        if (answer.IsLater)
        {
            answer = GrainRefusal.Busy;
        }
        else if (answer.Value is { } shown)
        {
            activation.Feed ??= new(activation.Cell.Sequence);
            if (!viewer.Join(activation.Feed, new(activation.Cell.Sequence, LiveEvent.Snapshot, shown))) answer = GrainRefusal.Busy;
        }

        Release(viewer, answer, activation);
        if (!activation.IsSwept) Keep(activation);
    }

    /// <param name="To">whose line it stands in; null if that could not be told</param>
    private sealed record Retry(Debt Debt, GrainId? To);
}

/// <summary>A batch and everything that leaves when it is durable.</summary>
internal sealed class Pending
{
    public long Number { get; set; }

    public Batch Journal { get; } = new();

    public List<(Work Work, Answer Answer, Activation Activation)> Answers { get; } = [];

    public List<(Activation Activation, Debt Debt, GrainId To, object Command)> Messages { get; } = [];

    public List<(Activation Activation, LiveEvent Live)> Live { get; } = [];

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
