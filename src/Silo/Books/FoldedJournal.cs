using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Silo.Books;

/// <summary>
/// The states of all grains after a prefix of the journal, flush by flush, held in memory. Finds what is wrong with how facts and snapshots
/// are written; what is wrong between the states is for <see cref="BookCheck.Look"/>.
/// </summary>
/// <param name="definitions">every kind of grain that the journal may hold</param>
/// <param name="snapshots">where stored states are read to be compared; null compares none</param>
/// <param name="findings">where is written what is wrong</param>
public sealed class FoldedJournal(IEnumerable<GrainDefinition> definitions, IJournal? snapshots, BookFindings findings) : IBooks
{
    private readonly Dictionary<string, GrainDefinition> definitions = definitions.ToDictionary(d => d.Kind, StringComparer.Ordinal);
    private readonly Dictionary<GrainId, FoldedGrain> grains = [];
    private readonly HashSet<string> strangers = new(StringComparer.Ordinal);
    private int compared;

    /// <summary>The newest flush that the states include.</summary>
    public long Position { get; private set; }

    public long Flushes { get; private set; }

    public long Decisions { get; private set; }

    public long Events { get; private set; }

    /// <summary>The time of the newest fact.</summary>
    public DateTimeOffset? AsOf { get; private set; }

    /// <summary>Stored states that were compared.</summary>
    public int Snapshots => compared;

    /// <summary>Every grain that has facts, with its state.</summary>
    public IEnumerable<KeyValuePair<GrainId, object>> States => grains.Where(g => g.Value.Sequence > 0).Select(g => KeyValuePair.Create(g.Key, g.Value.State));

    internal IEnumerable<KeyValuePair<GrainId, FoldedGrain>> Grains => grains;

    public TState? Of<TState>(GrainId grain)
        where TState : class =>
        grains.TryGetValue(grain, out var folded) && folded.Sequence > 0 ? folded.State as TState : null;

    public void Apply(in Flush flush)
    {
        var next = Position + 1;
        if (flush.Position != next) findings.Add($"flush {next}", flush.Position > next ? $"flushes {next} to {flush.Position - 1} are missing" : $"flush {flush.Position} comes after {Position}");
        Position = flush.Position;
        Flushes++;
        var decision = new DecisionReader(flush.Decisions.Span);
        var read = 0;
        try
        {
            for (; decision.Next(); read++) Apply(ref decision);
        }
        catch (Exception damage)
        {
            findings.Add($"flush {flush.Position}", $"it cannot be read after {read} decisions: {damage.Message}");
        }
    }

    /// <summary>What can be said only when there is nothing more to apply: a snapshot that includes facts which are not there.</summary>
    public void Complete()
    {
        foreach (var (id, grain) in grains)
            if (grain.SnapshotSequence > grain.Sequence && !grain.IsBroken) findings.Add(id.ToString(), $"its snapshot includes {grain.SnapshotSequence} facts, but the journal has {grain.Sequence}");
    }

    private void Apply(ref DecisionReader decision)
    {
        Decisions++;
        AsOf = decision.At > AsOf ? decision.At : AsOf ?? decision.At;
        if (!grains.TryGetValue(decision.Grain, out var grain))
        {
            if (!definitions.TryGetValue(decision.Grain.Kind, out var definition))
            {
                if (strangers.Add(decision.Grain.Kind)) findings.Add(decision.Grain.ToString(), $"this version knows no kind '{decision.Grain.Kind}'");
                return;
            }

            grains.Add(decision.Grain, grain = new(decision.Grain, definition, SnapshotOf(decision.Grain)));
        }

        if (!grain.IsBroken) Events += grain.Apply(ref decision, Position, findings, ref compared);
    }

    private GrainRecord SnapshotOf(GrainId grain)
    {
        try
        {
            return snapshots?.Read(grain, withTail: false) ?? GrainRecord.Empty;
        }
        catch (JournalDamaged damage)
        {
            findings.Add(grain.ToString(), damage.Message);
            return GrainRecord.Empty;
        }
    }
}
