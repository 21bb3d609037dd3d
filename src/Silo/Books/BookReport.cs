namespace Campaigns.Silo.Books;

/// <summary>One thing that is wrong.</summary>
/// <param name="Where">the grain's address, or <c>flush 17</c></param>
/// <param name="What">a plain sentence with its figures</param>
public sealed record BookFinding(string Where, string What);

/// <summary>Messages of one kind that are still owed: what is in limbo.</summary>
/// <param name="Kind">the kind of grain that owes them</param>
/// <param name="What">the name of the debt</param>
/// <param name="OldestSeconds">how long before the journal's newest fact the oldest was made</param>
/// <param name="Oldest">who owes the oldest</param>
public sealed record OpenDebts(string Kind, string What, int Count, long OldestSeconds, string Oldest);

/// <summary>What a walk through a journal counted, and everything it found wrong.</summary>
/// <param name="AsOf">the time of the newest fact</param>
/// <param name="Grains">grains by kind</param>
/// <param name="Snapshots">stored states that were compared with the facts</param>
/// <param name="Books">grains whose books were looked at</param>
/// <param name="Wrong">how much was found wrong, also beyond what is kept in <paramref name="Findings"/></param>
public sealed record BookReport(
    long Flushes,
    long Decisions,
    long Events,
    DateTimeOffset? AsOf,
    IReadOnlyDictionary<string, int> Grains,
    int Snapshots,
    int Books,
    IReadOnlyList<OpenDebts> Debts,
    long Wrong,
    IReadOnlyList<BookFinding> Findings)
{
    public bool IsClean => Wrong == 0;
}

/// <summary>Counts everything that is wrong and keeps the first of it: a damaged journal of a million grains must not fill the memory.</summary>
public sealed class BookFindings
{
    public const int KeptMax = 1_000;

    private readonly List<BookFinding> kept = [];

    public long Count { get; private set; }

    public IReadOnlyList<BookFinding> Kept => kept;

    public void Add(string where, string what)
    {
        Count++;
        if (kept.Count < KeptMax) kept.Add(new(where, what));
    }
}
