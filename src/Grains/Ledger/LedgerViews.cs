using System.Globalization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Ledger;

/// <summary>One entry of a statement (流水): what moved, why, and what was on each account then.</summary>
/// <param name="Subject">the order or the withdrawal that it is about</param>
/// <param name="Moves">one, or two where a debt was made or paid off</param>
/// <param name="After">the balances right after it</param>
public sealed record StatementItem(DateTimeOffset At, Guid Subject, string Reason, IReadOnlyList<LedgerMove> Moves, LedgerBalances After);

/// <summary>A ledger as its entries have left it.</summary>
internal sealed record LedgerSheet(ShopperId Owner, LedgerKind Kind, LedgerBalances Balances);

/// <summary>The statements of all ledgers: every fen on every account is explained by the entries before it.</summary>
public sealed class LedgerViews : IProjection
{
    /// <summary>Listed by <see cref="ListOf"/>.</summary>
    public const string Entries = "ledger-entries";

    private const string Sheets = "ledger-sheets";

    public static string ListOf(ShopperId owner, LedgerKind kind) => $"{owner}/{kind}";

    public bool Reads(string kind) => kind == LedgerAddress.Kind;

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var (shop, key) = (fact.Grain.Shop, fact.Grain.Key.ToString("N"));
        switch (fact.Event)
        {
            case LedgerOpened e:
                documents.Put(shop, Sheets, key, "", fact.At, new LedgerSheet(e.Owner, e.Kind, default));
                break;
            case EntriesPosted e:
                foreach (var entry in e.Moves.GroupBy(m => m.Step)) Put(documents, fact, e.Subject, [.. entry]);
                break;
            case BalanceHeld e:
                Put(documents, fact, e.Withdrawal, [e.AsMove()]);
                break;
        }
    }

    private static void Put(IDocuments documents, in Recorded fact, Guid subject, IReadOnlyList<LedgerMove> moves)
    {
        var (shop, key) = (fact.Grain.Shop, fact.Grain.Key.ToString("N"));
        var before = documents.Find<LedgerSheet>(shop, Sheets, key)!;
        var sheet = before with { Balances = moves.Aggregate(before.Balances, (balances, move) => balances.After(move)) };
        documents.Put(shop, Sheets, key, "", fact.At, sheet);

        // The sequence and the step keep the order of entries of one moment; their digits keep the order of their names.
        var name = string.Create(CultureInfo.InvariantCulture, $"{key}-{fact.Sequence:D10}-{moves[0].Step:D7}");
        documents.Put(shop, Entries, name, ListOf(sheet.Owner, sheet.Kind), fact.At, new StatementItem(fact.At, subject, moves[0].Reason, moves, sheet.Balances));
    }
}
