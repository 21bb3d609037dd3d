namespace Campaigns.Silo;

/// <summary>What a process does in a cluster.</summary>
public enum ClusterRole
{
    /// <summary>Grains live here. It serves the API too: send it traffic, or let frontends do that.</summary>
    Silo = 1,

    /// <summary>The API alone: it asks the silos.</summary>
    Frontend = 2,
}

/// <summary>How a process finds its cluster. Absent on one machine.</summary>
public sealed record ClusterSettings
{
    /// <summary>The key under which a cluster's way to its grains is registered.</summary>
    public const string Grains = "cluster";

    public ClusterRole Role { get; init; }

    /// <summary>Processes with the same id and the same database are one cluster.</summary>
    public string Id { get; init; } = "campaigns";

    /// <summary>Where the other silos reach this one: an IP address. Null: the first address of this machine.</summary>
    public string? Address { get; init; }

    public int SiloPort { get; init; } = 11111;

    /// <summary>Where frontends reach this silo.</summary>
    public int GatewayPort { get; init; } = 30000;

    /// <summary>
    /// Opens Orleans' own dashboard at <c>/ops/dashboard</c> of the operations port to whoever knows it (HTTP Basic, any user name). Null: there is
    /// none, and calls are not counted for it.
    /// </summary>
    public string? DashboardPassword { get; init; }

    /// <summary>A silo that misses three of these in a row is voted dead.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(1);
}
