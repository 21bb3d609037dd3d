using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Local;

/// <summary>
/// What one activation has to send: one message at a time to each receiver, in the order the debts were made, and a bounded number in all.
/// Holds nothing that a restart needs: the debts are in the state.
/// </summary>
internal sealed class Outbox(int inFlightMax)
{
    private readonly Dictionary<GrainId, Queue<Debt>?> inFlight = [];
    private readonly Queue<(Debt Debt, GrainId To)> ready = new();
    private Dictionary<Debt, int>? tries;

    public bool IsIdle => inFlight.Count == 0 && ready.Count == 0;

    /// <returns>true if the debt may be sent now; else it waits for an earlier one</returns>
    public bool TrySend(Debt debt, GrainId to)
    {
        if (inFlight.TryGetValue(to, out var behind))
        {
            if (behind is null) inFlight[to] = behind = new();
            behind.Enqueue(debt);
            return false;
        }

        if (inFlight.Count >= inFlightMax)
        {
            ready.Enqueue((debt, to));
            return false;
        }

        inFlight.Add(to, null);
        return true;
    }

    /// <summary>The receiver has answered and the debt is settled.</summary>
    /// <returns>debts that may be tried now</returns>
    public IEnumerable<(Debt Debt, GrainId To)> Settled(Debt debt, GrainId to)
    {
        tries?.Remove(debt);
        if (!inFlight.Remove(to, out var behind)) yield break;
        foreach (var next in behind ?? []) yield return (next, to);
        if (ready.TryDequeue(out var waiting)) yield return waiting;
    }

    /// <returns>how long to wait before the debt is sent again; doubles with each try</returns>
    public TimeSpan Backoff(Debt debt, TimeSpan first, TimeSpan max)
    {
        tries ??= [];
        var tried = tries[debt] = tries.GetValueOrDefault(debt) + 1;
        return TimeSpan.FromTicks(Math.Min(max.Ticks, first.Ticks << Math.Min(tried - 1, 20)));
    }
}
