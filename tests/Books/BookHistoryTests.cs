using Campaigns.Grains;
using Campaigns.Silo.Books;
using Campaigns.Silo.Journal;

namespace Campaigns.Tests.Books;

/// <summary>Real histories are clean, after every single flush.</summary>
public sealed class BookHistoryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(19)]
    public async Task Every_prefix_of_a_busy_evening_with_power_cuts_keeps_the_books(int seed)
    {
        await using var market = new Market(seed);
        await market.Play(500);
        await using var journal = SqliteJournal.Open(market.Folder);

        var findings = new BookFindings();
        var folded = new FoldedJournal(Mechanics.Grains, journal, findings);
        foreach (var flush in journal.ReadAfter(0, int.MaxValue))
        {
            folded.Apply(flush);
            BookCheck.Look(folded.States, folded, Mechanics.Books, findings);
            Assert.True(findings.Count == 0, $"seed {seed}, after flush {flush.Position}: {string.Join('\n', findings.Kept.Take(5))}");
        }

        var report = BookCheck.Walk(journal, Mechanics.Grains, Mechanics.Books);
        Assert.True(report.IsClean, string.Join('\n', report.Findings));
        Assert.True(report is { Events: > 500, Snapshots: > 30 }, report.ToString());
    }
}
