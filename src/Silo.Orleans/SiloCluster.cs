using Campaigns.Grains.Kernel;
using Campaigns.Silo.Local;
using GrainId = Campaigns.Grains.Kernel.GrainId;

namespace Campaigns.Silo.Cluster;

/// <summary>What a silo's engine needs of the others.</summary>
internal sealed class SiloCluster(OrleansGrains grains, Residents residents) : ICluster
{
    public Task<Receipt> Ask(GrainId grain, object command) => grains.Ask(grain, command, CancellationToken.None);

    public void Left(GrainId grain) => residents.Vacate(grain);
}
