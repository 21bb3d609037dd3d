using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Campaigns.Silo.Local;

/// <summary>A bounded queue that many threads fill and one empties. The signal is touched only while the reader sleeps: 40 ns a command otherwise.</summary>
internal sealed class Inbox(int capacity)
{
    private readonly ConcurrentQueue<Work> queue = new();
    private readonly AutoResetEvent signal = new(initialState: false);
    private int count;
    private int asleep;

    public int Count => Volatile.Read(ref count);

    /// <returns>false if the queue is full</returns>
    public bool TryPost(Work work)
    {
        if (Volatile.Read(ref count) >= capacity) return false;
        Post(work);
        return true;
    }

    /// <summary>Posts even if full: for answers to what this lane itself has sent, whose number is bounded elsewhere.</summary>
    public void Post(Work work)
    {
        Interlocked.Increment(ref count);
        queue.Enqueue(work);
        if (Volatile.Read(ref asleep) == 1 && Interlocked.Exchange(ref asleep, 0) == 1) signal.Set();
    }

    public bool TryTake([NotNullWhen(true)] out Work? work)
    {
        if (!queue.TryDequeue(out work)) return false;
        Interlocked.Decrement(ref count);
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
}
