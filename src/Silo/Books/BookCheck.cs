using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Silo.Books;

/// <summary>The book check: folds a whole journal and looks whether everything that must be true is.</summary>
public static class BookCheck
{
    private const int BytesPerStep = 1 << 22;

    /// <summary>
    /// Walks the journal from its first flush to its newest. Reads only, and keeps the states of all grains in memory until the end.
    /// </summary>
    /// <param name="journal">not being written meanwhile</param>
    /// <param name="definitions">every kind of grain that the journal may hold</param>
    /// <param name="books">what must be true of their states</param>
    /// <param name="walked">told the position reached, from time to time</param>
    public static BookReport Walk(IJournal journal, IEnumerable<GrainDefinition> definitions, IEnumerable<IBook> books, Action<long>? walked = null, CancellationToken cancellation = default)
    {
        var findings = new BookFindings();
        var folded = new FoldedJournal(definitions, journal, findings);
        try
        {
            while (journal.ReadAfter(folded.Position, BytesPerStep) is { Count: > 0 } flushes)
            {
                foreach (var flush in flushes) folded.Apply(flush);
                walked?.Invoke(folded.Position);
                cancellation.ThrowIfCancellationRequested();
            }

            folded.Complete();
        }
        catch (JournalDamaged damage)
        {
            // What comes after it cannot be told; what came before is still looked at.
            findings.Add("journal", damage.Message);
        }

        CheckMessages(folded, findings);
        var looked = Look(folded.States, folded, books, findings);
        return new(
            folded.Flushes,
            folded.Decisions,
            folded.Events,
            folded.AsOf,
            folded.States.GroupBy(s => s.Key.Kind, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal),
            folded.Snapshots,
            looked,
            DebtsOf(folded),
            findings.Count,
            findings.Kept);
    }

    /// <summary>The half that needs no journal: looks at the books of these states.</summary>
    /// <param name="states">the grains to look at</param>
    /// <param name="all">the states of all grains at the same moment</param>
    /// <param name="books">what must be true of them</param>
    /// <param name="findings">where is written what is wrong</param>
    /// <returns>how many grains have a book</returns>
    public static int Look(IEnumerable<KeyValuePair<GrainId, object>> states, IBooks all, IEnumerable<IBook> books, BookFindings findings)
    {
        var byKind = books.ToLookup(b => b.Kind, StringComparer.Ordinal);
        var looked = 0;
        foreach (var (grain, state) in states)
        {
            if (!byKind.Contains(grain.Kind)) continue;
            looked++;
            foreach (var book in byKind[grain.Kind])
            {
                try
                {
                    foreach (var wrong in book.WrongWith(grain, state, all)) findings.Add(grain.ToString(), wrong);
                }
                catch (Exception damage)
                {
                    findings.Add(grain.ToString(), $"its state makes no sense: {damage.Message}");
                }
            }
        }

        return looked;
    }

    // What is owed must be payable: a debt whose message cannot be built would stay open for ever.
    private static void CheckMessages(FoldedJournal folded, BookFindings findings)
    {
        foreach (var (id, grain) in folded.Grains)
        {
            foreach (var (debt, _) in grain.Debts)
            {
                try
                {
                    grain.Definition.MessageFor(grain.State, debt, id);
                }
                catch (Exception bug)
                {
                    findings.Add(id.ToString(), $"the message that pays its debt '{debt.What}' about {debt.About:N} cannot be built: {bug.Message}");
                }
            }
        }
    }

    private static List<OpenDebts> DebtsOf(FoldedJournal folded) =>
    [
        .. folded.Grains
            .SelectMany(g => g.Value.Debts.Select(d => (Grain: g.Key, d.Debt.What, d.At)))
            .GroupBy(d => (d.Grain.Kind, d.What))
            .OrderBy(g => $"{g.Key.Kind} {g.Key.What}", StringComparer.Ordinal)
            .Select(g => (g.Key, Count: g.Count(), Oldest: g.MinBy(d => d.At)))
            .Select(g => new OpenDebts(g.Key.Kind, g.Key.What, g.Count, (long)(folded.AsOf!.Value - g.Oldest.At).TotalSeconds, g.Oldest.Grain.ToString())),
    ];
}
