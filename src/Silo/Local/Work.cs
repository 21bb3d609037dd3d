using System.Diagnostics;
using System.Threading.Channels;
using System.Threading.Tasks.Sources;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Silo.Local;

/// <summary>Something for a grain to do, and what happens with the answer.</summary>
internal abstract class Work(GrainId grain, object command)
{
    public GrainId Grain { get; } = grain;

    public object Command { get; } = command;

    /// <summary>True once nobody waits any more.</summary>
    public virtual bool IsComplete => false;

    /// <summary>Called once, after everything the answer shows is durable. Must not block and must not run a caller's code on this thread.</summary>
    public abstract void Complete(in Answer answer);
}

/// <summary>A caller outside the runtime waits. The work is its own source of the awaited value: a completion source and its task cost 112 bytes more.</summary>
internal abstract class Awaited<TResult>(GrainId grain, object command) : Work(grain, command), IValueTaskSource<TResult>
{
    private ManualResetValueTaskSourceCore<TResult> completion = new() { RunContinuationsAsynchronously = true };
    private int completed;

    public override bool IsComplete => Volatile.Read(ref completed) == 1;

    /// <summary>To be awaited once.</summary>
    public ValueTask<TResult> Outcome => new(this, completion.Version);

    public override void Complete(in Answer answer)
    {
        // The flusher lets an answer out while the lane finds that its caller has waited long enough, or the end of an engine finds what was just answered.
        if (Interlocked.Exchange(ref completed, 1) == 0) completion.SetResult(ResultOf(answer));
    }

    public TResult GetResult(short token) => completion.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => completion.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        completion.OnCompleted(continuation, state, token, flags);

    protected abstract TResult ResultOf(in Answer answer);
}

/// <summary>A caller asks who knows what the answer is.</summary>
internal sealed class Asked<TReply>(GrainId grain, ICommand<TReply> command) : Awaited<Outcome<TReply>>(grain, command)
{
    protected override Outcome<TReply> ResultOf(in Answer answer) => new Receipt(answer.Value, answer.Refusal).As<TReply>();
}

/// <summary>Another engine asks for a caller of its own, who does not wait here for long: a grain that is waited for cannot move.</summary>
internal sealed class AskedFromElsewhere(GrainId grain, object command) : Awaited<Answer>(grain, command)
{
    protected override Answer ResultOf(in Answer answer) => answer;
}

/// <summary>A viewer joins the feed of a grain.</summary>
internal sealed class Joining(GrainId grain, object view, long? after) : Work(grain, view)
{
    private readonly TaskCompletionSource<Answer> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LiveFeed? feed;
    private Channel<LiveEvent>? viewer;

    public long? After { get; } = after;

    public Task<Answer> Outcome => completion.Task;

    public ChannelReader<LiveEvent> Events => viewer!.Reader;

    /// <returns>false if the grain has too many viewers</returns>
    public bool Join(LiveFeed joined, LiveEvent snapshot) => (viewer = (feed = joined).Join(After, snapshot)) is not null;

    public void Leave()
    {
        if (viewer is not null) feed!.Leave(viewer);
    }

    public override void Complete(in Answer answer)
    {
        if (answer.Refusal is not null) Leave();
        completion.TrySetResult(answer);
    }
}

/// <summary>Another grain sends what it owes; the answer goes back to it as a <see cref="Settled"/>.</summary>
internal sealed class Delivered(GrainId to, object command, Activation sender, Debt debt) : Work(to, command)
{
    public Activation Sender { get; } = sender;

    public Debt Debt { get; } = debt;

    public override void Complete(in Answer answer) => Sender.Lane.Machine.CarryBack(new(Sender, Debt, Grain, new(answer.Value, answer.Refusal)));
}

/// <summary>The answer to a debt comes back.</summary>
internal sealed class Settled(Activation debtor, Debt debt, GrainId creditor, in Receipt receipt) : Work(debtor.Cell.Id, debt)
{
    public Activation Debtor { get; } = debtor;

    public Debt Debt { get; } = debt;

    public GrainId Creditor { get; } = creditor;

    public Receipt Receipt { get; } = receipt;

    public override void Complete(in Answer answer) => throw new UnreachableException("Nobody waits for a settlement.");
}

/// <summary>A grain moves to another engine: its state is stored and it leaves this one. Complete when another may open it.</summary>
internal sealed class Handover(GrainId grain) : Work(grain, grain)
{
    private readonly TaskCompletionSource completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Done => completion.Task;

    public override void Complete(in Answer answer) => completion.TrySetResult();
}

/// <summary>What the journal has of a grain that is asked for, or why it could not be read.</summary>
internal sealed class Loaded(GrainId grain, GrainRecord? record, Exception? failure) : Work(grain, grain)
{
    public GrainRecord? Record { get; } = record;

    public Exception? Failure { get; } = failure;

    public override void Complete(in Answer answer) => throw new UnreachableException("Nobody waits for a grain to be loaded.");
}

/// <summary>Something the lane itself shall do on its own thread.</summary>
internal sealed class Chore(Action run) : Work(default, run)
{
    public override void Complete(in Answer answer) => throw new UnreachableException("Nobody waits for a chore.");
}
