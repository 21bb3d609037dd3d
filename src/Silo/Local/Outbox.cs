using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Local;

/// <summary>
/// What one activation has to send: one message at a time to each receiver, in the order the debts were made, and a bounded number in all.
/// Holds nothing that a restart needs: the debts are in the state.
/// </summary>
internal sealed class Outbox(int inFlightMax)
{
    // One line for each receiver: null if its only debt is on its way, which is nearly always so.
    private readonly Dictionary<GrainId, Queue<Debt>?> lines = [];
    private readonly Queue<GrainId> waitingLines = new();
    private Dictionary<Debt, int>? tries;
    private int inFlight;

    /// <summary>Messages that were sent and are not answered.</summary>
    public int OnTheirWay { get; set; }

    /// <summary>Debts whose message could not be built: a bug, tried again later.</summary>
    public int Unsendable { get; set; }

    public bool IsIdle => lines.Count == 0 && Unsendable == 0;

    /// <returns>true if the debt may be sent now; else it waits for its turn</returns>
    public bool TrySend(Debt debt, GrainId to)
    {
        if (lines.TryGetValue(to, out var line))
        {
            if (line is null) lines[to] = line = new();
            line.Enqueue(debt);
            return false;
        }

        if (inFlight >= inFlightMax)
        {
            lines.Add(to, new([debt]));
            waitingLines.Enqueue(to);
            return false;
        }

        lines.Add(to, null);
        inFlight++;
        return true;
    }

    /// <summary>The receiver has answered and the debt is settled: the next in its line goes, or the first in another line.</summary>
    public bool TryNext(Debt settled, GrainId to, out Debt next, out GrainId nextTo)
    {
        tries?.Remove(settled);
        nextTo = to;
        if (lines[to] is { } line && line.TryDequeue(out next)) return true;

        lines.Remove(to);
        inFlight--;
        next = default;
        if (!waitingLines.TryDequeue(out nextTo)) return false;

        inFlight++;
        next = lines[nextTo]!.Dequeue();
        return true;
    }

    /// <returns>how long to wait before the debt is sent again; doubles with each try</returns>
    public TimeSpan Backoff(Debt debt, TimeSpan first, TimeSpan max)
    {
        tries ??= [];
        var tried = tries[debt] = tries.GetValueOrDefault(debt) + 1;
        return TimeSpan.FromTicks(Math.Min(max.Ticks, first.Ticks << Math.Min(tried - 1, 20)));
    }
}
