using System.Text.Json;
using System.Text.Json.Nodes;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Simulation;

/// <summary>
/// A journal that survives the processes which write to it, with a disk that can fail before or after the bytes are down. It reads all that
/// is written to it like an auditor: it knows at all times what every grain's state is by the facts alone.
/// </summary>
/// <param name="world">whose disk it is</param>
/// <param name="definitions">every kind of grain</param>
/// <param name="file">where the production journal keeps everything as well; null keeps it in memory, which is much faster</param>
internal sealed class SimulatedDisk(World world, IReadOnlyDictionary<string, GrainDefinition> definitions, RealFile? file) : IJournal, IBooks
{
    /// <summary>How the world's own faults are told from others.</summary>
    public const string Failed = "The simulated disk failed.";

    private readonly List<byte[]> flushes = [];
    private readonly Dictionary<GrainId, Snapshot> snapshots = [];
    private readonly Dictionary<GrainId, List<(long Last, byte[] Decision)>> tails = [];
    private readonly Dictionary<GrainId, DurableGrain> grains = [];

    private readonly HashSet<(GrainId, Guid)> requests = [];
    private long tailStart;

    public long LastPosition => file?.Journal.LastPosition ?? flushes.Count;

    public long TailStart => file?.Journal.TailStart ?? tailStart;

    /// <summary>The next write is the last thing this process does, and only a part of it gets down.</summary>
    public bool IsTearing { get; set; }

    /// <summary>No write succeeds any more until there is room again.</summary>
    public bool IsFull { get; set; }

    /// <summary>How often each kind of fact was recorded.</summary>
    public Dictionary<string, int> Facts { get; } = new(StringComparer.Ordinal);

    /// <summary>How often a stored state was compared with the facts.</summary>
    public long Compared { get; private set; }

    public IEnumerable<KeyValuePair<GrainId, DurableGrain>> Grains => grains;

    /// <summary>The state of a grain by its durable facts.</summary>
    public DurableGrain? Of(GrainId grain) => grains.GetValueOrDefault(grain);

    TState? IBooks.Of<TState>(GrainId grain)
        where TState : class => Of(grain)?.State as TState;

    public long SequenceOf(GrainId grain) => grains.TryGetValue(grain, out var book) ? book.Sequence : 0;

    public GrainRecord Read(GrainId grain, bool withTail = true)
    {
        if (file is not null) return file.Journal.Read(grain, withTail);
        var known = snapshots.TryGetValue(grain, out var snapshot);
        var tail = !withTail ? [] : tails.GetValueOrDefault(grain, []).Where(d => !known || d.Last > snapshot.Sequence).Select(d => (ReadOnlyMemory<byte>)d.Decision).ToList();
        return known ? new(snapshot.Sequence, snapshot.State is { } state ? state : default(ReadOnlyMemory<byte>?), snapshot.WakeAt, tail) : GrainRecord.Empty with { Tail = tail };
    }

    public IReadOnlyCollection<GrainId> Append(IReadOnlyList<Batch> batches, int line = 0)
    {
        var fails = IsFull || (world.IsRough && world.Chance.Next(1_000) < world.Weather.WritesFailing);
        if (fails && (IsFull || world.Chance.Next(2) == 0)) throw Failure();
        if (IsTearing)
        {
            IsTearing = false;
            file?.Tear(batches, world.Chance);
            throw Failure();
        }

        foreach (var batch in batches) Store(batch);
        tailStart = Math.Max(tailStart, batches.Min(b => b.TailStart));
        if (file?.Journal.Append(batches) is { Count: > 0 } fenced) world.Violated($"{string.Join(", ", fenced)} were fenced, and there is no other instance.");
        return fails ? throw Failure() : [];
    }

    public IReadOnlyList<Flush> ReadAfter(long position, int bytesMax)
    {
        if (file is not null) return file.Journal.ReadAfter(position, bytesMax);
        var found = new List<Flush>();
        for (var bytes = 0; position < flushes.Count && bytes < bytesMax; position++)
        {
            found.Add(new(position + 1, flushes[(int)position]));
            bytes += flushes[(int)position].Length;
        }

        return found;
    }

    public IReadOnlyList<GrainId> Due(DateTimeOffset after, DateTimeOffset until, int limit) => file is not null ? file.Journal.Due(after, until, limit) :
        [.. snapshots.Values.Where(s => s.WakeAt > after && s.WakeAt <= until).OrderBy(s => s.WakeAt).Select(s => s.Grain).Take(limit)];

    /// <summary>The process is gone: the next one opens what is there.</summary>
    public void Reopen(bool wasKilled)
    {
        if (file is null) return;
        file.Reopen(wasKilled);
        var found = file.Journal.ReadAfter(0, int.MaxValue);
        if (found.Count != flushes.Count || found.Zip(flushes).Any(f => !f.First.Decisions.Span.SequenceEqual(f.Second)))
            world.Violated($"The file has {found.Count} flushes and should have {flushes.Count}, or they are not what was written.");
    }

    /// <summary>A process that ends closes nothing: the disk is the world's.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static JournalFailure Failure() => new(Failed, new IOException("No space left on device"));

    private void Store(Batch batch)
    {
        foreach (var snapshot in batch.Snapshots)
            if (snapshot.Sequence < SequenceOf(snapshot.Grain)) world.Violated($"A snapshot of {snapshot.Grain} at {snapshot.Sequence} lacks facts: {SequenceOf(snapshot.Grain)} are durable.");

        if (batch.Entries.Count > 0)
        {
            flushes.Add(batch.Decisions.Written.ToArray());
            var decisions = new DecisionReader(flushes[^1]);
            while (decisions.Next()) Enter(ref decisions, batch.Snapshots);
        }

        foreach (var snapshot in batch.Snapshots)
        {
            if (snapshot.Sequence > SequenceOf(snapshot.Grain)) world.Violated($"A snapshot of {snapshot.Grain} holds {snapshot.Sequence} facts, but only {SequenceOf(snapshot.Grain)} are durable.");
            else if (snapshot.Sequence == SequenceOf(snapshot.Grain)) Compare(snapshot);
            snapshots[snapshot.Grain] = snapshot with { WakeAt = snapshot.WakeAt is { } wake ? DateTimeOffset.FromUnixTimeMilliseconds(wake.AddTicks(TimeSpan.TicksPerMillisecond - 1).ToUnixTimeMilliseconds()) : null };
            if (tails.TryGetValue(snapshot.Grain, out var tail)) tail.RemoveAll(d => d.Last <= snapshot.Sequence);
        }
    }

    private void Enter(ref DecisionReader decision, List<Snapshot> asWell)
    {
        var grain = decision.Grain;
        if (!grains.TryGetValue(grain, out var book)) grains.Add(grain, book = new(definitions[grain.Kind]));
        if (decision.FirstSequence != book.Sequence + 1) world.Violated($"The facts of {grain} jump from {book.Sequence} to {decision.FirstSequence}.");
        if (decision.Request != Guid.Empty && !requests.Add((grain, decision.Request))) world.Violated($"{grain} has decided request {decision.Request} twice (law 4).");
        if (!tails.TryGetValue(grain, out var tail)) tails.Add(grain, tail = []);
        tail.Add((decision.LastSequence, decision.Encoded.ToArray()));
        for (var i = 0; i < decision.Count; i++)
        {
            var json = decision.NextEvent(out var name);
            book.Enter(name, json);
            Facts[name] = Facts.GetValueOrDefault(name) + 1;

            // A state that was stored between two facts of one write is compared where it belongs.
            foreach (var snapshot in asWell)
                if (snapshot.Grain == grain && snapshot.Sequence == book.Sequence) Compare(snapshot);
        }
    }

    private void Compare(in Snapshot snapshot)
    {
        if (snapshot.State is null || !grains.TryGetValue(snapshot.Grain, out var book)) return;
        Compared++;
        var facts = Witness.Open(snapshot.State.AsSpan(4 + 16 * BitConverter.ToInt32(snapshot.State)), out var state);
        var told = book.Write();
        if (facts > snapshot.Sequence || (!state.SequenceEqual(told) && !Same(state, told)))
            world.Violated($"The state of {snapshot.Grain} in memory is not what its {snapshot.Sequence} facts say.\n  memory: {System.Text.Encoding.UTF8.GetString(state)}\n  facts:  {System.Text.Encoding.UTF8.GetString(told)}");
    }

    // Entries of a dictionary may stand in another order once it was stored and read: what counts is what it says.
    private static bool Same(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) => JsonNode.DeepEquals(Sorted(JsonNode.Parse(a)), Sorted(JsonNode.Parse(b)));

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject o => new JsonObject(o.Select(p => new KeyValuePair<string, JsonNode?>(p.Key, Sorted(p.Value)))),
        JsonArray a => new JsonArray([.. a.Select(Sorted).OrderBy(n => n?.ToJsonString(), StringComparer.Ordinal)]),
        _ => node?.DeepClone(),
    };

    /// <summary>One grain by its durable facts.</summary>
    internal sealed class DurableGrain(GrainDefinition definition)
    {
        public GrainDefinition Definition { get; } = definition;

        public object State { get; private set; } = definition.NewState();

        public long Sequence { get; private set; }

        public void Enter(string name, ReadOnlySpan<byte> json)
        {
            State = Definition.EvolveAny(State, Definition.ReadEvent(name, json));
            Sequence++;
        }

        public byte[] Write()
        {
            using var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { SkipValidation = true })) Definition.WriteState(writer, State);
            return stream.ToArray();
        }
    }
}
