using System.Collections.Concurrent;
using GrainId = Campaigns.Grains.Kernel.GrainId;

namespace Campaigns.Silo.Cluster;

/// <summary>The grains that have their place on this silo.</summary>
internal sealed class Residents
{
    private readonly ConcurrentDictionary<GrainId, CellGrain> here = [];

    public int Count => here.Count;

    public void Enter(GrainId id, CellGrain grain) => here[id] = grain;

    public void Leave(GrainId id, CellGrain grain) => here.TryRemove(new(id, grain));

    public CellGrain? Find(GrainId id) => here.GetValueOrDefault(id);

    /// <summary>Tells a grain that its cell is gone from this silo's engine.</summary>
    public void Vacate(GrainId id)
    {
        if (here.TryGetValue(id, out var grain)) grain.Vacate();
    }
}
