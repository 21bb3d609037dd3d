namespace Campaigns.Silo.Cluster;

/// <summary>The cluster's table of members, as any silo tells it.</summary>
internal sealed class Members(IGrainFactory cluster) : IMembers
{
    public async Task<IReadOnlyList<Member>> List() =>
    [
        .. (await cluster.GetGrain<IManagementGrain>(0).GetDetailedHosts())
            .Select(m => new Member(m.SiloName, m.SiloAddress.ToParsableString(), m.Status.ToString(), new(m.StartTime, TimeSpan.Zero)))
            .OrderBy(m => m.Status, StringComparer.Ordinal).ThenBy(m => m.Name, StringComparer.Ordinal),
    ];
}
