using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Silo.Local;

/// <summary>Reads grains for the lanes from a journal that is far away: those asked for while one way is made go together on the next.</summary>
internal sealed class Loader(IJournal journal, Machine machine)
{
    private const int GrainsPerWay = 500;

    private readonly Lock sync = new();
    private readonly Queue<(Lane Lane, GrainId Grain)> wanted = new();
    private bool isUnderWay;

    /// <summary>The lane gets a <see cref="Loaded"/>.</summary>
    public void Want(Lane lane, GrainId grain)
    {
        lock (sync)
        {
            wanted.Enqueue((lane, grain));
            if (isUnderWay) return;
            isUnderWay = true;
        }

        _ = machine.Run(Load);
    }

    private Task Load()
    {
        while (true)
        {
            var some = new List<(Lane Lane, GrainId Grain)>();
            lock (sync)
            {
                while (some.Count < GrainsPerWay && wanted.TryDequeue(out var next)) some.Add(next);
                isUnderWay = some.Count > 0;
            }

            if (some.Count == 0) return Task.CompletedTask;
            var loaded = Read([.. some.Select(s => s.Grain)]);
            for (var i = 0; i < some.Count; i++) some[i].Lane.Receive(loaded[i]);
        }
    }

    private List<Loaded> Read(List<GrainId> grains)
    {
        try
        {
            return [.. journal.Read(grains).Zip(grains, (record, grain) => new Loaded(grain, record, null))];
        }
        catch (Exception damage) when (grains.Count > 1 && damage is JournalDamaged or InvalidDataException)
        {
            // One that is damaged must not take the others with it.
            return [.. grains.SelectMany(g => Read([g]))];
        }
        catch (Exception failure)
        {
            return [.. grains.Select(g => new Loaded(g, null, failure))];
        }
    }
}
