using Campaigns.Grains.Ledger;

namespace Campaigns.Simulation.Plays;

/// <summary>Points are earned, frozen, released, spent and taken back, step by step of many sources; each message may come twice, or with the steps before it.</summary>
internal sealed class LedgerPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } = [new("post to a ledger", 2, Post), new("look at a ledger", 1, LookAt)];

    private static async Task Post(Town town)
    {
        var (owner, source, entries) = (town.Any(town.Shoppers), town.NewId(), new List<LedgerEntry>());
        var ledger = owner.LedgerIn(town.Shop, LedgerKind.Points);
        long fen = town.Chance.Next(1, 1_000);
        LedgerEntry[] life =
        [
            new("earned", LedgerAccount.Shop, LedgerAccount.Pending, new(fen)),
            new("frozen", LedgerAccount.Pending, LedgerAccount.Frozen, new(fen)),
            new("released", LedgerAccount.Frozen, LedgerAccount.Available, new(fen)),
            new("taken-back", LedgerAccount.Available, LedgerAccount.Shop, new(town.Chance.NextInt64(1, fen + 1)), MayOwe: true),
        ];
        var steps = town.Chance.Next(1, life.Length + 1);
        for (var posted = 0; posted < steps;)
        {
            entries.AddRange(life[posted..town.Chance.Next(posted + 1, steps + 1)]);
            var first = town.Chance.Next(3) == 0 ? 1 : posted + 1;
            var command = new PostEntries(owner, LedgerKind.Points, source, source, first, [.. entries.Skip(first - 1)], IsLast: entries.Count == life.Length);
            var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(ledger, command)));
            if (!taps.Any(t => t is { IsAccepted: true })) break;
            posted = entries.Count;
        }

        // Whoever gave up does not know: it is sent once more in the end, as a debtor would.
        var whole = new PostEntries(owner, LedgerKind.Points, source, source, 1, entries, IsLast: entries.Count == life.Length);
        town.Promised($"the source {source:N} is posted once, as a whole", async () => (await town.Insist(ledger, whole)).Reply?.Through == entries.Count);
        if (!town.Points.TryGetValue(owner, out var known)) town.Points.Add(owner, known = []);
        known.Add(whole);
        town.Promised($"the points of {owner} are those of its sources", async () =>
        {
            foreach (var one in known) await town.Insist(ledger, one);
            var (all, view) = (known.SelectMany(p => p.Entries).ToList(), (await town.Insist(ledger, new GetLedger())).Reply!);
            var left = view.PendingFen + view.FrozenFen + view.AvailableFen - view.DebtFen;
            return view.GivenFen == Sum(all, e => e.From == LedgerAccount.Shop) && view.TakenBackFen == Sum(all, e => e.To == LedgerAccount.Shop) && left == view.GivenFen - view.TakenBackFen;
        });
    }

    private static long Sum(IEnumerable<LedgerEntry> entries, Func<LedgerEntry, bool> which) => entries.Where(which).Sum(e => e.Amount.Fen);

    private static Task LookAt(Town town) => town.Ask(town.Any(town.Shoppers).LedgerIn(town.Shop, town.Chance.Next(2) == 0 ? LedgerKind.Points : LedgerKind.Commission), new GetLedger());
}
