using Campaigns.Grains.Kernel;
using Campaigns.Silo.Local;
using Microsoft.Extensions.Logging;
using GrainId = Campaigns.Grains.Kernel.GrainId;

namespace Campaigns.Silo.Cluster;

/// <summary>What a silo's engine needs of the others.</summary>
internal sealed class SiloCluster(OrleansGrains grains, Residents residents, ILogger<SiloCluster> log) : ICluster
{
    public async Task<Receipt> Ask(GrainId grain, object command)
    {
        try
        {
            return await grains.Ask(grain, command, CancellationToken.None);
        }
        catch (Exception bug)
        {
            log.LogError(bug, "{Command} could not be sent to {Grain}; it is sent again.", command.GetType().Name, grain);
            return new(null, Refusal.Of(GrainRefusal.Busy));
        }
    }

    public void Left(GrainId grain) => residents.Vacate(grain);
}
