using Campaigns.LoadTests.Growth;
using Campaigns.LoadTests.Http;

namespace Campaigns.LoadTests.All;

/// <param name="Seconds">how long each rate is measured</param>
/// <param name="Connections">callers over HTTP, one number after the other</param>
/// <param name="Running">bargains that run at the same time over HTTP</param>
/// <param name="Buyers">at the flash sale, whatever its units</param>
/// <param name="Grains">stored at the last point of the growth curve</param>
/// <param name="Events">in the journal at the last point of the other</param>
/// <param name="Rounds">measurements at each point of both</param>
internal sealed record AllSize(int Seconds, IReadOnlyList<int> Connections, int Running, int Buyers, int Units, long Grains, long Events, int Rounds)
{
    public static readonly AllSize Full = new(3, HttpOptions.ConnectionsUsual, HttpOptions.RunningUsual, 100_000, 1_000, 1_000_000, 10_000_000, 3);

    public static readonly AllSize Quick = new(1, [128], 200, 10_000, 100, GrowthPlan.GrainsFirst, GrowthPlan.EventsFirst, 1);
}
