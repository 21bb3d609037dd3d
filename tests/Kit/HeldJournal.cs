using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Tests.Kit;

/// <summary>A journal whose disk a test controls: it can be slow, and it can die.</summary>
internal sealed class HeldJournal(IJournal inner) : IJournal
{
    private readonly SemaphoreSlim arrived = new(0);
    private readonly Lock sync = new();
    private TaskCompletionSource? free;
    private volatile bool broken;

    /// <summary>How many writes arrived at the disk.</summary>
    public int Appends { get; private set; }

    public long LastPosition => inner.LastPosition;

    public long FindLastPosition() => inner.FindLastPosition();

    public long TailStart => inner.TailStart;

    public bool IsFar => inner.IsFar;

    public int Lines => inner.Lines;

    /// <summary>From now on writes wait.</summary>
    public void Hold()
    {
        while (arrived.Wait(0))
        {
            // What arrived before is nobody's concern.
        }

        lock (sync) free ??= new();
    }

    public void Release()
    {
        lock (sync)
        {
            free?.TrySetResult();
            free = null;
        }
    }

    /// <summary>The write that waits goes through; the next one waits again.</summary>
    public void ReleaseOne()
    {
        lock (sync)
        {
            free!.SetResult();
            free = new();
        }
    }

    /// <summary>From now on writes fail, also those that wait: what a killed process would have left is all there is.</summary>
    public void Die()
    {
        broken = true;
        Release();
    }

    /// <summary>Waits until a write has arrived that nobody has waited for yet.</summary>
    public Task Arrival() => arrived.WaitAsync().WaitAsync(Engines.Patience);

    public GrainRecord Read(GrainId grain, bool withTail = true) => inner.Read(grain, withTail);

    public IReadOnlyList<GrainRecord> Read(IReadOnlyList<GrainId> grains) => inner.Read(grains);

    public IReadOnlyCollection<GrainId> Append(IReadOnlyList<Batch> batches, int line = 0)
    {
        Appends++;
        Task held;
        lock (sync) held = free?.Task ?? Task.CompletedTask;
        arrived.Release();
        held.Wait();
        return broken ? throw new JournalFailure("The disk died.", new IOException("No space left on device")) : inner.Append(batches, line);
    }

    public IReadOnlyList<Flush> ReadAfter(long position, int bytesMax) => inner.ReadAfter(position, bytesMax);

    public IReadOnlyList<GrainId> Due(DateTimeOffset after, DateTimeOffset until, int limit) => inner.Due(after, until, limit);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
