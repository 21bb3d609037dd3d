using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Journal;

/// <summary>The arguments of one <c>append</c>: a column of each table that it writes is one list. Reused: cleared, never reallocated.</summary>
internal sealed class PostgresFlush
{
    private readonly ArrayBufferWriter<byte> joined = new();
    private readonly Dictionary<GrainId, int> storedAt = [];
    private readonly List<Row> rows = [];

    public ReadOnlyMemory<byte> Decisions { get; private set; }

    public List<Guid> Grains { get; } = [];

    public List<long> Firsts { get; } = [];

    public List<int> Counts { get; } = [];

    public List<int> Starts { get; } = [];

    public List<int> Lengths { get; } = [];

    public List<Guid> Marked { get; } = [];

    public List<string> MarkedIds { get; } = [];

    public List<long> MarkedAfter { get; } = [];

    public List<Guid> Stored { get; } = [];

    public List<string> StoredIds { get; } = [];

    public List<long> StoredSequences { get; } = [];

    public List<long?> StoredWakes { get; } = [];

    public List<byte[]?> StoredStates { get; } = [];

    public List<long> StoredCrcs { get; } = [];

    public List<Guid> Closed { get; } = [];

    public List<Guid> Lost { get; } = [];

    public bool IsEmpty => Grains.Count == 0 && Stored.Count == 0 && Closed.Count == 0 && Lost.Count == 0;

    /// <summary>The key of a grain's rows: of one length, and spread evenly.</summary>
    public static Guid KeyOf(string printed)
    {
        Span<byte> text = stackalloc byte[Encoding.UTF8.GetMaxByteCount(printed.Length)];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..Encoding.UTF8.GetBytes(printed, text)], hash);
        return new(hash[..16], bigEndian: true);
    }

    public void Clear()
    {
        Decisions = default;
        joined.ResetWrittenCount();
        storedAt.Clear();
        rows.Clear();
        Grains.Clear();
        Firsts.Clear();
        Counts.Clear();
        Starts.Clear();
        Lengths.Clear();
        Marked.Clear();
        MarkedIds.Clear();
        MarkedAfter.Clear();
        Stored.Clear();
        StoredIds.Clear();
        StoredSequences.Clear();
        StoredWakes.Clear();
        StoredStates.Clear();
        StoredCrcs.Clear();
        Closed.Clear();
        Lost.Clear();
    }

    /// <summary>Takes the batches' bytes, without those of the fenced grains.</summary>
    /// <param name="batches">in order</param>
    /// <param name="fenced">nothing of them is written</param>
    /// <param name="keyOf">the key of a grain</param>
    public void AddDecisions(IReadOnlyList<Batch> batches, HashSet<GrainId> fenced, Func<GrainId, Guid> keyOf)
    {
        var isAlone = fenced.Count == 0 && batches.Count(b => b.Entries.Count > 0) == 1;
        foreach (var batch in batches)
        {
            var written = batch.Decisions.Written;
            foreach (var entry in batch.Entries)
            {
                if (fenced.Contains(entry.Grain)) continue;
                if (isAlone) Add(keyOf(entry.Grain), entry, entry.Offset);
                else
                {
                    Add(keyOf(entry.Grain), entry, joined.WrittenCount);
                    joined.Write(written.Span.Slice(entry.Offset, entry.Length));
                }
            }

            if (isAlone && batch.Entries.Count > 0) Decisions = written; // not copied: it may be megabytes
        }

        if (!isAlone) Decisions = joined.WrittenMemory;

        // Neighbours in the index one after the other: a fifth less work for the server with 5,000 grains of 100,000.
        rows.Sort(static (a, b) => a.Grain.CompareTo(b.Grain) is not 0 and var order ? order : a.First.CompareTo(b.First));
        foreach (var row in rows)
        {
            Grains.Add(row.Grain);
            Firsts.Add(row.First);
            Counts.Add(row.Count);
            Starts.Add(row.Start);
            Lengths.Add(row.Length);
        }
    }

    public void AddSnapshot(Guid key, in Snapshot snapshot)
    {
        var printed = snapshot.Grain.ToString();
        var crc = Checksum.Of(printed, snapshot.Sequence, null, snapshot.State); // not of the wake-up time, which the database changes by itself

        // A row can be written once in a statement: the newest snapshot counts.
        ref var at = ref CollectionsMarshal.GetValueRefOrAddDefault(storedAt, snapshot.Grain, out var known);
        if (known)
        {
            (StoredSequences[at], StoredWakes[at], StoredStates[at], StoredCrcs[at]) = (snapshot.Sequence, snapshot.WakeAtMs, snapshot.State, crc);
            return;
        }

        at = Stored.Count;
        Stored.Add(key);
        StoredIds.Add(printed);
        StoredSequences.Add(snapshot.Sequence);
        StoredWakes.Add(snapshot.WakeAtMs);
        StoredStates.Add(snapshot.State);
        StoredCrcs.Add(crc);
    }

    // What one grain has decided several times in a row is one row: a hot grain decides hundreds of times in a flush.
    private void Add(Guid key, in Batch.Entry entry, int start)
    {
        var last = rows.Count > 0 ? rows[^1] : default;
        if (last.Grain == key && last.First + last.Count == entry.FirstSequence && last.Start + last.Length == start) rows[^1] = last with { Count = last.Count + entry.Events, Length = last.Length + entry.Length };
        else rows.Add(new(key, entry.FirstSequence, entry.Events, start, entry.Length));
    }

    private readonly record struct Row(Guid Grain, long First, int Count, int Start, int Length);
}
