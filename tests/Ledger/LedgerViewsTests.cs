using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Silo.Projections;
using Campaigns.Tests.Kit;
using static Campaigns.Tests.Ledger.LedgerCast;

namespace Campaigns.Tests.Ledger;

/// <summary>The statement explains every balance.</summary>
public sealed class LedgerViewsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly DocumentStore documents;
    private readonly LedgerGrain grain = new();
    private readonly LedgerViews views = new();
    private readonly Story<LedgerState, LedgerEvent> story = Story();
    private long sequence;

    public LedgerViewsTests() => documents = new SqliteDocuments(Path.Combine(folder.FullName, "projections.db"));

    private IReadOnlyList<StatementItem> Statement => documents.List<StatementItem>(Demo, LedgerViews.Entries, LedgerViews.ListOf(Amei, LedgerKind.Commission), null, 100).Items;

    public void Dispose()
    {
        documents.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Every_entry_is_told_newest_first_with_what_was_there_after_it()
    {
        Happens(Post(1, Earn(300), Freeze(300), Release(300)));
        Happens(Hold with { Amount = new(300) });
        Happens(Post(4, TakeBack(100)));
        Happens(End(Returned(300)));

        Assert.Equal(["withdrawal-returned", "taken-back", "withdrawal-held", "released", "frozen", "earned"], Statement.Select(s => s.Reason));
        Assert.Equal([First, TheOrder, First, TheOrder, TheOrder, TheOrder], Statement.Select(s => s.Subject));
        Assert.Equal([Move(2, "withdrawal-returned", LedgerAccount.Held, LedgerAccount.Debt, 100), Move(2, "withdrawal-returned", LedgerAccount.Held, LedgerAccount.Available, 200)], Statement[0].Moves);
        Assert.Equal(new LedgerBalances(-200, 0, 0, 200, 0, 0, 0), Statement[0].After);
        Assert.Equal(new LedgerBalances(-200, 0, 0, 0, 300, 0, -100), Statement[1].After);
    }

    [Fact]
    public void The_newest_balance_is_that_of_the_ledger_and_each_follows_from_the_one_before()
    {
        for (var i = 1; i < 60; i += 3) Happens(Post(i, Earn(i), Freeze(i), Release(i)));
        Happens(Hold with { Amount = new(500) });
        Happens(End(Paid(490), Fee(10)));
        Happens(Post(61, TakeBack(400)));

        Assert.Equal(story.State.Balances, Statement[0].After);
        var balances = default(LedgerBalances);
        foreach (var entry in Statement.Reverse())
        {
            balances = entry.Moves.Aggregate(balances, (b, m) => b.After(m));
            Assert.Equal(balances, entry.After);
        }
    }

    [Fact]
    public void A_source_that_is_only_closed_is_no_entry()
    {
        Happens(Post(1, Earn(300)));
        Happens(Post(1, Earn(300)) with { IsLast = true });
        Assert.Single(Statement);
    }

    private void Happens(object command)
    {
        var decision = grain.Decide(story.State, command, new Turn(story.Self, Start));
        Assert.Null(decision.Refusal);
        story.When(command);
        foreach (var fact in decision.Events) views.Apply(new Recorded(story.Self, ++sequence, Start, fact), documents);
        documents.Commit(sequence, Start);
    }
}
