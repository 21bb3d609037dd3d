using Campaigns.Grains.Kernel;

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
        var read = definitions.Where(d => projections.Any(p => p.Reads(d.Kind))).ToDictionary(d => d.Kind, StringComparer.Ordinal);
        var (position, last) = (0L, journal.FindLastPosition());
        while (position < last && journal.ReadAfter(position, BytesPerStep) is { Count: > 0 } flushes)
        {
            foreach (var flush in flushes)
            {
                var decision = new DecisionReader(flush.Decisions.Span);
                while (decision.Next())
                    if (read.TryGetValue(decision.Grain.Kind, out var definition)) Apply(ref decision, definition, projections, documents);
            }

            position = flushes[^1].Position;
            walked?.Invoke(position);
            cancellation.ThrowIfCancellationRequested();
        }

        return position;
    }

    private static void Apply(ref DecisionReader decision, GrainDefinition definition, IReadOnlyList<IProjection> projections, IDocuments documents)
    {
        for (var i = 0; i < decision.Count; i++)
        {
            var json = decision.NextEvent(out var name);
            var fact = new Recorded(decision.Grain, decision.FirstSequence + i, decision.At, definition.ReadEvent(name, json));
            foreach (var projection in projections)
                if (projection.Reads(fact.Grain.Kind)) projection.Apply(fact, documents);
        }
    }
}
