namespace Campaigns.Silo.Journal;

/// <param name="Connection">an Npgsql connection string: host, user, database …</param>
public sealed record PostgresJournalOptions(string Connection)
{
    /// <summary>The schema that holds the journal: a lower-case name of letters, digits and <c>_</c>. Made if it is not there.</summary>
    public string Schema { get; init; } = "campaigns";

    /// <summary>What others call this process, for <see cref="PostgresJournal.FenceDead"/> and for whoever looks at the table. A new one for each start.</summary>
    public string Name { get; init; } = $"{Environment.MachineName}/{Environment.ProcessId}";

    /// <summary>
    /// True for the only process that writes this journal: every other one that still does is fenced off when it opens. False for a silo of a
    /// cluster, which lives beside the others.
    /// </summary>
    public bool TakesOver { get; init; } = true;

    /// <summary>Connections that write, each with grains of its own. Two at least: while the server's disk has what came on one, its processors work for the other.</summary>
    public int Lines { get; init; } = Math.Clamp(Environment.ProcessorCount / 2, 2, 8);

    /// <summary>How long a write whose connection broke waits to learn from the server what became of it.</summary>
    public TimeSpan ReconnectMax { get; init; } = TimeSpan.FromSeconds(20);
}
