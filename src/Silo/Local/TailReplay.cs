using System.Runtime.InteropServices;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Silo.Local;

/// <summary>
/// A part of what a start replays of the journal: the decisions of those grains that fall to it. A decision concerns one grain alone, so the
/// parts need nothing of each other.
/// </summary>
/// <param name="engine">its lanes get the grains in the end</param>
/// <param name="part">which one of <paramref name="parts"/>, from 0</param>
internal sealed class TailReplay(LocalEngine engine, IJournal journal, DateTimeOffset now, int part, int parts)
{
    private readonly Dictionary<GrainId, Activation> replayed = [];

    public IReadOnlyCollection<Activation> Activations => replayed.Values;

    /// <summary>The next flushes, in order.</summary>
    public void Replay(IReadOnlyList<Flush> flushes)
    {
        foreach (var flush in flushes)
        {
            var decision = new DecisionReader(flush.Decisions.Span);
            while (decision.Next())
                if (IsMine(decision.Grain) && engine.DefinitionOf(decision.Grain.Kind) is { } definition) Replay(ref decision, definition);
        }
    }

    private void Replay(ref DecisionReader decision, GrainDefinition definition)
    {
        ref var activation = ref CollectionsMarshal.GetValueRefOrAddDefault(replayed, decision.Grain, out _);
        activation ??= Restore(ref decision, definition);
        activation.Cell.Replay(ref decision);
    }

    // A tail that begins with the grain's first fact holds all of it: looking for a snapshot would cost more than the replay. Whether
    // one is stored, and to be woken when, is not known then: it is stored anew at the next wake-up.
    private Activation Restore(ref DecisionReader decision, GrainDefinition definition)
    {
        var isWhole = decision.FirstSequence == 1;
        var record = isWhole ? GrainRecord.Empty : journal.Read(decision.Grain, withTail: false);
        return new(engine.LaneOf(decision.Grain), Cell.Restore(decision.Grain, definition, record))
        {
            LastUsed = now,
            Stored = record.Sequence,
            StoredWakeAt = isWhole ? Snapshot.AtOnce : record.WakeAt,
        };
    }

    private bool IsMine(GrainId grain) => unchecked((uint)grain.GetHashCode()) % (uint)parts == part;
}
