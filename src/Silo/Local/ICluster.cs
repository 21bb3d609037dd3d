using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Local;

/// <summary>The other engines that share a journal with this one. An engine without a cluster is alone: every grain lives in it.</summary>
public interface ICluster
{
    /// <summary>Asks a grain wherever it lives, this engine included.</summary>
    /// <returns>
    /// its answer; <see cref="GrainRefusal.Busy"/> if none came and <see cref="GrainRefusal.Faulted"/> if one of the two cannot be read there,
    /// whether or not it was asked
    /// </returns>
    Task<Receipt> Ask(GrainId grain, object command);

    /// <summary>A grain has left this engine by itself: it was idle, has nothing in it, or was fenced off because another engine wrote to it. Must not block.</summary>
    void Left(GrainId grain);
}
