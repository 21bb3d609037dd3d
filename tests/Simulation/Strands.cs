namespace Campaigns.Simulation;

/// <summary>All asynchronous work of one side of the world, on one thread: whatever can go on waits here until the world picks it.</summary>
internal sealed class Strands : SynchronizationContext
{
    private readonly List<(SendOrPostCallback Run, object? State)> ready = [];

    private readonly int thread = Environment.CurrentManagedThreadId;

    public int Ready => ready.Count;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId != thread) throw new InvalidOperationException("Something has left the world's only thread: the run is not decided by its seed.");
        ready.Add((d, state));
    }

    public override void Send(SendOrPostCallback d, object? state) => d(state);

    /// <summary>Lets one of those that can go on do so.</summary>
    public bool TryRun(Random chance)
    {
        if (ready.Count == 0) return false;
        var picked = chance.Next(ready.Count);
        var (run, state) = ready[picked];
        ready.RemoveAt(picked);
        In(() => run(state));
        return true;
    }

    /// <summary>Runs something as part of this side: what it awaits goes on here.</summary>
    public void In(Action act)
    {
        var outer = Current;
        SetSynchronizationContext(this);
        try
        {
            act();
        }
        finally
        {
            SetSynchronizationContext(outer);
        }
    }

    public void Forget() => ready.Clear();
}
