using System.Text.Json;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Tests.Kit;

/// <summary>One fact as the journal holds it.</summary>
internal sealed record DurableFact(GrainId Grain, long Sequence, string Name, JsonElement Data);

/// <summary>Everything that is durable, read without asking a grain: a question would wake it.</summary>
internal static class DurableFacts
{
    public static List<DurableFact> In(IJournal journal)
    {
        var facts = new List<DurableFact>();
        for (var position = 0L; journal.ReadAfter(position, 1 << 24) is { Count: > 0 } flushes; position = flushes[^1].Position)
        {
            foreach (var flush in flushes)
            {
                var reader = new DecisionReader(flush.Decisions.Span);
                while (reader.Next())
                {
                    for (var sequence = reader.FirstSequence; sequence <= reader.LastSequence; sequence++)
                    {
                        var json = reader.NextEvent(out var name);
                        facts.Add(new(reader.Grain, sequence, name, JsonSerializer.Deserialize<JsonElement>(json)));
                    }
                }
            }
        }

        return facts;
    }
}
