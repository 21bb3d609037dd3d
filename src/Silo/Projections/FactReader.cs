using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Silo.Projections;

/// <summary>Picks the facts that projections want out of decisions, and hands them over. What nobody wants is not even read: its JSON would cost more than all the rest.</summary>
/// <param name="definitions">every kind that the projections read</param>
internal sealed class FactReader(IEnumerable<GrainDefinition> definitions, IReadOnlyList<IProjection> projections)
{
    private readonly Dictionary<string, Kind> kinds = definitions.Where(d => projections.Any(p => p.Reads(d.Kind))).ToDictionary(d => d.Kind, d => new Kind(d, [.. projections.Where(p => p.Reads(d.Kind))]), StringComparer.Ordinal);

    /// <exception cref="InvalidDataException">an event that this release does not know</exception>
    public void Collect(ref DecisionReader decision, List<(Recorded Fact, IProjection[] Readers)> facts)
    {
        if (!kinds.TryGetValue(decision.Grain.Kind, out var kind)) return;
        for (var i = 0; i < decision.Count; i++)
        {
            var json = decision.NextEvent(out var name);
            if (kind.ReadersOf(name) is { Length: > 0 } readers)
                facts.Add((new(decision.Grain, decision.FirstSequence + i, decision.At, kind.Definition.ReadEvent(name, json)), readers));
        }
    }

    public static void Apply(List<(Recorded Fact, IProjection[] Readers)> facts, IDocuments documents)
    {
        foreach (var (fact, readers) in facts)
            foreach (var projection in readers) projection.Apply(fact, documents);
    }

    private sealed class Kind(GrainDefinition definition, IProjection[] readers)
    {
        private readonly Dictionary<string, IProjection[]> byEvent = new(StringComparer.Ordinal);

        public GrainDefinition Definition => definition;

        public IProjection[] ReadersOf(string name)
        {
            if (byEvent.TryGetValue(name, out var known)) return known;
            var type = definition.TypeOf(name);
            return byEvent[name] = [.. readers.Where(r => r.Reads(type))];
        }
    }
}
