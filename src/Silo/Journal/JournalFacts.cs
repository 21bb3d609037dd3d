using Campaigns.Grains.Kernel;
using Campaigns.Silo.Projections;

namespace Campaigns.Silo.Journal;

/// <summary>Reads the facts of some kinds of grain once, for who needs no read models that follow.</summary>
public static class JournalFacts
{
    private const int BytesPerStep = 1 << 22;

    /// <summary>Applies everything up to the newest flush there is at the beginning.</summary>
    /// <param name="journal">may be written meanwhile</param>
    /// <param name="definitions">every kind that the projections read</param>
    /// <param name="projections">see the facts in global order</param>
    /// <param name="documents">what the projections write into</param>
    /// <param name="walked">told the position reached, from time to time</param>
    /// <returns>the newest flush that was read</returns>
    /// <exception cref="JournalDamaged">it cannot be read to its end</exception>
    public static long Apply(IJournal journal, IEnumerable<GrainDefinition> definitions, IReadOnlyList<IProjection> projections, IDocuments documents, Action<long>? walked = null, CancellationToken cancellation = default)
    {
        var reader = new FactReader(definitions, projections);
        var facts = new List<(Recorded Fact, IProjection[] Readers)>();
        var (position, last) = (0L, journal.FindLastPosition());
        while (position < last && journal.ReadAfter(position, BytesPerStep) is { Count: > 0 } flushes)
        {
            foreach (var flush in flushes)
            {
                var decision = new DecisionReader(flush.Decisions.Span);
                while (decision.Next()) reader.Collect(ref decision, facts);
            }

            FactReader.Apply(facts, documents);
            facts.Clear();
            position = flushes[^1].Position;
            walked?.Invoke(position);
            cancellation.ThrowIfCancellationRequested();
        }

        return position;
    }
}
