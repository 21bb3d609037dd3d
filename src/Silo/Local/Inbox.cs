using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Campaigns.Silo.Local;

/// <summary>
/// A queue that many threads fill and one empties, bounded as a whole and for each grain: one that everybody wants must not take the room of
/// all others. The signal is touched only while the reader sleeps: 40 ns a command otherwise.
/// </summary>
/// <param name="capacity">works in all</param>
/// <param name="grainMax">works for one grain</param>
internal sealed class Inbox(int capacity, int grainMax)
{
    // Grains are counted by a part of their hash: two that share a counter share its room, which is rare and harmless.
    private const int Counters = 1 << 12;

    private readonly int[] queued = new int[Counters];
    private readonly ConcurrentQueue<Work> queue = new();
    private readonly AutoResetEvent signal = new(initialState: false);
    private int count;
    private int asleep;

    public int Count => Volatile.Read(ref count);

    /// <summary>Posts and lets the reader sleep: whoever posts reads by itself, or calls <see cref="WakeIfAsleep"/>.</summary>
    /// <returns>false if the queue is full, as a whole or for this grain</returns>
    public bool TryPost(Work work)
    {
        if (Volatile.Read(ref count) >= capacity || Volatile.Read(ref QueuedFor(work)) >= grainMax) return false;
        Post(work);
        return true;
    }

    /// <summary>Posts even if full: for answers to what this lane itself has sent, whose number is bounded elsewhere.</summary>
    public void Post(Work work)
    {
        Interlocked.Increment(ref count);
        Interlocked.Increment(ref QueuedFor(work));
        queue.Enqueue(work);
    }

    public void WakeIfAsleep()
    {
        if (TryHold()) signal.Set();
    }

    /// <summary>Lets the reader sleep on, whatever is posted, until <see cref="Resume"/>.</summary>
    /// <returns>false if it does not sleep</returns>
    public bool TryHold() => Volatile.Read(ref asleep) == 1 && Interlocked.Exchange(ref asleep, 0) == 1;

    public void Resume()
    {
        Interlocked.Exchange(ref asleep, 1);
        if (!queue.IsEmpty) WakeIfAsleep();
    }

    public bool TryTake([NotNullWhen(true)] out Work? work)
    {
        if (!queue.TryDequeue(out work)) return false;
        Interlocked.Decrement(ref count);
        Interlocked.Decrement(ref QueuedFor(work));
        return true;
    }

    /// <summary>Ends the current wait, or the next one if the reader is just about to sleep.</summary>
    public void Wake() => signal.Set();

    /// <summary>Waits until something was posted, <see cref="Wake"/> was called or the time is over.</summary>
    public void Wait(TimeSpan atMost)
    {
        Interlocked.Exchange(ref asleep, 1);
        if (queue.IsEmpty) signal.WaitOne(atMost);
        Volatile.Write(ref asleep, 0);
    }

    private ref int QueuedFor(Work work) => ref queued[(work.Grain.GetHashCode() >>> 16) & (Counters - 1)]; // other bits than those that choose the lane
}
