using System.Security.Cryptography;
using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Local;

/// <summary>
/// What the engine takes from the machine it runs on: threads, chance, and the way between its grains. A simulator brings its own, so that
/// one seed decides everything that happens to the engine.
/// </summary>
internal abstract class Machine
{
    /// <summary>Lanes decide and flushers flush from now on, until <paramref name="stop"/> and <see cref="Flusher.End"/>.</summary>
    public abstract void Start(IReadOnlyList<Lane> lanes, IReadOnlyList<Flusher> flushers, CancellationToken stop);

    /// <summary>True if a caller's thread may decide for a lane that is idle.</summary>
    public virtual bool LendsThreads => true;

    /// <summary>Returns when no lane decides any more.</summary>
    public abstract void JoinLanes();

    /// <summary>Returns when the flushers have flushed what the lanes left.</summary>
    public abstract void JoinFlushers();

    /// <summary>Runs what must not hold up a lane or a flusher.</summary>
    public abstract Task<TResult> Run<TResult>(Func<Task<TResult>> work);

    /// <inheritdoc cref="Run{TResult}"/>
    public abstract Task Run(Func<Task> work);

    /// <summary>Begins what is needed soon.</summary>
    public virtual Task<TResult> Ahead<TResult>(Func<TResult> work) => Task.FromResult(work());

    /// <summary>How many things it can do <see cref="Together"/>.</summary>
    public virtual int Hands => 1;

    /// <summary>Does what does not touch each other, and returns when all of it is done.</summary>
    public virtual void Together(IReadOnlyList<Action> works)
    {
        foreach (var work in works) work();
    }

    /// <summary>32 random bytes that nobody can foresee.</summary>
    public abstract ReadOnlyMemory<byte> Chance();

    /// <summary>Takes a message to the lane of its receiver.</summary>
    public virtual void Carry(Lane to, Delivered message)
    {
        if (!to.TryPost(message)) CarryBack(new(message.Sender, message.Debt, message.Grain, new(null, Refusal.Of(GrainRefusal.Busy))));
    }

    /// <summary>Takes the answer to a message back to its sender.</summary>
    public virtual void CarryBack(Settled answer) => answer.Debtor.Lane.Receive(answer);
}

/// <summary>Real threads, the system's random numbers, and no distance between grains.</summary>
internal sealed class RealMachine : Machine
{
    private const int HandsMax = 8;

    private readonly List<Thread> laneThreads = [];
    private readonly List<Thread> flusherThreads = [];

    public override void Start(IReadOnlyList<Lane> lanes, IReadOnlyList<Flusher> flushers, CancellationToken stop)
    {
        for (var i = 0; i < lanes.Count; i++)
        {
            var lane = lanes[i];
            laneThreads.Add(Start($"lane-{i}", () => lane.Run(stop)));
        }

        for (var i = 0; i < flushers.Count; i++) flusherThreads.Add(Start($"flusher-{i}", flushers[i].Run));
    }

    public override void JoinLanes() => laneThreads.ForEach(t => t.Join());

    public override void JoinFlushers() => flusherThreads.ForEach(t => t.Join());

    public override Task<TResult> Run<TResult>(Func<Task<TResult>> work) => Alone(() => Task.Run(work));

    public override Task Run(Func<Task> work) => Alone(() => Task.Run(work));

    public override Task<TResult> Ahead<TResult>(Func<TResult> work) => Task.Run(work);

    // Each hand of a replay reads the heads of all decisions: more of them soon do nothing but that.
    public override int Hands => Math.Min(Environment.ProcessorCount, HandsMax);

    public override void Together(IReadOnlyList<Action> works) => Task.WhenAll(works.Select(w => Task.Run(w))).GetAwaiter().GetResult();

    public override ReadOnlyMemory<byte> Chance() => RandomNumberGenerator.GetBytes(32);

    // The thread may be a caller's: what it carries with it (a trace, a log scope) is not of this work.
    private static TTask Alone<TTask>(Func<TTask> start)
    {
        if (ExecutionContext.IsFlowSuppressed()) return start();
        ExecutionContext.SuppressFlow();
        try
        {
            return start();
        }
        finally
        {
            ExecutionContext.RestoreFlow();
        }
    }

    private static Thread Start(string name, ThreadStart run)
    {
        var thread = new Thread(run) { Name = name, IsBackground = true };
        thread.Start();
        return thread;
    }
}
