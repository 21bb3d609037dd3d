using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Journal;

/// <summary>
/// Where decisions become durable. Two natural forms implement it: a write-ahead log in global order with checkpointed grain states
/// (SQLite, one machine), and one row per grain and flush (PostgreSQL, many silos).
/// </summary>
public interface IJournal : IAsyncDisposable
{
    /// <summary>The position of the newest flush that this process knows of, 0 for none. Positions are 1, 2, 3 … without a gap.</summary>
    long LastPosition { get; }

    /// <summary>Asks the store for the newest position: where several processes write, it may be ahead of <see cref="LastPosition"/>.</summary>
    long FindLastPosition() => LastPosition;

    /// <summary>What is stored of a grain: its last snapshot and the decisions after it. Opens the grain for appending from that sequence on.</summary>
    /// <param name="grain">the grain to open</param>
    /// <param name="withTail">false if the caller replays the tail by itself</param>
    GrainRecord Read(GrainId grain, bool withTail = true);

    /// <summary>True if reading takes a way over a network, so long that nobody may wait for it who could decide meanwhile.</summary>
    bool IsFar => false;

    /// <summary>Reads many grains with their tails, on one way if the journal is far.</summary>
    /// <param name="grains">each once</param>
    /// <returns>in the same order</returns>
    IReadOnlyList<GrainRecord> Read(IReadOnlyList<GrainId> grains) => [.. grains.Select(g => Read(g))];

    /// <summary>
    /// Makes the batches durable in one step, in order. A decision whose <c>(grain, sequence)</c> is not the next one was made by a
    /// stale activation: it is fenced off, with everything else of that grain in the call, and nothing of it is written. So is a snapshot
    /// that lacks what is durable or holds what is not.
    /// </summary>
    /// <param name="batches">in order</param>
    /// <param name="line">on which of the <see cref="Lines"/>; each takes one call at a time, and a grain always comes on the same one</param>
    /// <returns>the grains that were fenced</returns>
    /// <exception cref="JournalFailure">the outcome is unknown: the caller must stop and start again from the journal (law 7)</exception>
    IReadOnlyCollection<GrainId> Append(IReadOnlyList<Batch> batches, int line = 0);

    /// <summary>How many calls of <see cref="Append"/> may be under way at a time. More than one only where nothing is replayed at a start.</summary>
    int Lines => 1;

    /// <summary>The decisions after <paramref name="position"/> in global order, at least one flush if there is one, about <paramref name="bytesMax"/> at most.</summary>
    IReadOnlyList<Flush> ReadAfter(long position, int bytesMax);

    /// <summary>The newest position whose decisions, and all before it, are contained in snapshots: recovery replays from here.</summary>
    long TailStart { get; }

    /// <summary>Stored grains whose wake-up time is in <c>(after, until]</c>, by time. Grains with open debts are stored with <see cref="Snapshot.AtOnce"/>.</summary>
    IReadOnlyList<GrainId> Due(DateTimeOffset after, DateTimeOffset until, int limit);
}

/// <summary>The disk or the database failed while writing.</summary>
public sealed class JournalFailure(string message, Exception inner) : Exception(message, inner);

/// <summary>What is stored is not what was written, or not all of it. Nothing may be decided from it.</summary>
/// <param name="file">where it is stored</param>
/// <param name="what">what was found, as the middle of a sentence</param>
public sealed class JournalDamaged(string file, string what)
    : IOException($"'{file}' is damaged: {what}. Nothing was changed. See how far it is readable with 'campaigns check', and go back to the last backup with 'campaigns restore'.");

/// <summary>One durable write: some decisions, in the format of <see cref="DecisionReader"/>.</summary>
public readonly record struct Flush(long Position, ReadOnlyMemory<byte> Decisions);

/// <param name="Sequence">the sequence number that the snapshot includes, 0 without one</param>
/// <param name="WakeAt">what the snapshot was stored with</param>
/// <param name="Tail">the encoded decisions with facts after it, oldest first; the first may begin before it</param>
public sealed record GrainRecord(long Sequence, ReadOnlyMemory<byte>? State, DateTimeOffset? WakeAt, IReadOnlyList<ReadOnlyMemory<byte>> Tail)
{
    public static readonly GrainRecord Empty = new(0, null, null, []);
}

/// <param name="WakeAt">when the grain must be woken if nobody asks for it before</param>
/// <param name="State">null if nothing needs to be kept of the grain but its sequence</param>
public readonly record struct Snapshot(GrainId Grain, long Sequence, DateTimeOffset? WakeAt, byte[]? State)
{
    /// <summary>The wake-up time of a grain that owes something: whoever starts next must pay it.</summary>
    public static readonly DateTimeOffset AtOnce = DateTimeOffset.UnixEpoch;

    // Rounded up: woken a little too early, a grain would find nothing to do.
    internal long? WakeAtMs => WakeAt?.AddTicks(TimeSpan.TicksPerMillisecond - 1).ToUnixTimeMilliseconds();
}

/// <summary>What one lane has decided since the last flush. Reused: cleared, never reallocated.</summary>
public sealed class Batch
{
    public readonly record struct Entry(GrainId Grain, long FirstSequence, int Events, int Offset, int Length);

    public DecisionWriter Decisions { get; } = new();

    public List<Entry> Entries { get; } = [];

    public List<Snapshot> Snapshots { get; } = [];

    /// <summary>Grains whose activation ends with this batch.</summary>
    public List<GrainId> Closed { get; } = [];

    /// <summary>Set when applying a fact failed: the state, and this batch, are changed by half a decision.</summary>
    public bool IsBroken { get; set; }

    /// <summary>See <see cref="IJournal.TailStart"/>: what every lane of this engine agrees to. 0 leaves it where it is.</summary>
    public long TailStart { get; set; }

    public bool IsEmpty => Entries.Count == 0 && Snapshots.Count == 0 && Closed.Count == 0;

    /// <summary>True if the newest decision is this grain's and leads up to <paramref name="sequence"/>.</summary>
    public bool EndsWith(GrainId grain, long sequence) => Entries is [.., var last] && last.FirstSequence + last.Events - 1 == sequence && last.Grain == grain;

    /// <summary>Takes out everything of some grains: it was decided by activations that turned out to be stale.</summary>
    public void Remove(IReadOnlySet<GrainId> grains)
    {
        Snapshots.RemoveAll(s => grains.Contains(s.Grain));
        Closed.RemoveAll(grains.Contains);
        if (!Entries.Exists(e => grains.Contains(e.Grain))) return;

        var written = Decisions.Written.ToArray();
        var all = Entries.ToArray();
        Decisions.Clear();
        Entries.Clear();
        foreach (var entry in all)
            if (!grains.Contains(entry.Grain)) Entries.Add(entry with { Offset = Decisions.Copy(written.AsSpan(entry.Offset, entry.Length)) });
    }

    public void Clear()
    {
        Decisions.Clear();
        Entries.Clear();
        Snapshots.Clear();
        Closed.Clear();
    }
}
