using Campaigns.Grains.Distributor;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Withdrawal;

namespace Campaigns.Simulation.Plays;

/// <summary>Distributors have commission, want it paid out, several times at once; the merchant approves and rejects, and the gateway pays, fails and tells of it.</summary>
internal sealed class WithdrawalPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } =
    [
        new("have commission", 2, Earn),
        new("withdraw", 3, Withdraw),
        new("decide a withdrawal", 3, Decide),
        new("tell of a transfer", 1, Tell),
    ];

    private static async Task Earn(Town town)
    {
        var (owner, source) = (town.Any(town.Shoppers), town.NewId());
        await town.Ask(owner.DistributorIn(town.Shop), new JoinDistribution(HasBought: true, null));
        var command = new PostEntries(owner, LedgerKind.Commission, source, source, 1, [new("given", LedgerAccount.Shop, LedgerAccount.Available, new(town.Chance.Next(1, 2_000)))], IsLast: true);
        await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(owner.LedgerIn(town.Shop, LedgerKind.Commission), command)));
    }

    private static async Task Withdraw(Town town)
    {
        var owner = town.Any(town.Shoppers);
        if ((await town.Ask(owner.LedgerIn(town.Shop, LedgerKind.Commission), new GetLedger()))?.Reply is not { AvailableFen: > 0 } ledger) return;
        var command = new AskWithdrawal(owner, new(town.Chance.Next(4) == 0 ? ledger.AvailableFen + 1 : town.Chance.NextInt64(1, ledger.AvailableFen + 1)), new(new(1), new(5_000), new(6_000), town.Chance.Next(0, 10), "Asia/Shanghai"));
        var ids = Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => WithdrawalId.Of(town.NewId())).ToList();
        if (town.Chance.Next(3) == 0) ids.Add(ids[0]);
        var asked = await Task.WhenAll(ids.Select(id => town.Ask(id.In(town.Shop), command)));
        foreach (var (id, _) in ids.Zip(asked).Where(a => a.Second is { IsAccepted: true }).DistinctBy(a => a.First))
        {
            town.Withdrawals.Add(id);
            town.Promised($"withdrawal {id} is paid out once or back", async () =>
            {
                var (view, balances) = ((await town.Insist(id.In(town.Shop), new GetWithdrawal(owner))).Reply!, (await town.Insist(owner.LedgerIn(town.Shop, LedgerKind.Commission), new GetLedger())).Reply!);
                return view.State switch
                {
                    WithdrawalStatus.Reviewing => town.Transfers.Arrived(id) == 0 && balances.HeldFen == view.AmountFen,
                    WithdrawalStatus.Paid => town.Transfers.Arrived(id) == view.AmountFen - view.FeeFen,
                    WithdrawalStatus.Rejected or WithdrawalStatus.Failed => town.Transfers.Arrived(id) == 0,
                    _ => false,
                };
            });
        }

        town.Promised($"the ledger of {owner} has as withdrawn what has arrived", async () =>
            (await town.Insist(owner.LedgerIn(town.Shop, LedgerKind.Commission), new GetLedger())).Reply!.WithdrawnFen == town.Transfers.Arrived(owner));
    }

    private static async Task Decide(Town town)
    {
        if (town.Withdrawals.Count == 0) return;
        var (id, command) = (town.Chance.Next(2) == 0 ? town.Withdrawals[^1] : town.Any(town.Withdrawals), new DecideWithdrawal(town.NewId(), town.Chance.Next(3) != 0, null));

        // Two at the console, or one who taps twice.
        var rival = town.Chance.Next(2) == 0 ? command : new DecideWithdrawal(town.NewId(), !command.IsApproved, "no");
        var taps = await Task.WhenAll(((DecideWithdrawal[])[command, rival])[..town.Chance.Next(1, 3)].Select(c => town.Ask(id.In(town.Shop), c)));
        if (!taps.Any(t => t is { IsAccepted: true })) return;
        town.Promised($"withdrawal {id} is decided", async () => (await town.Insist(id.In(town.Shop), new GetWithdrawal(null))).Reply is { DecidedAt: not null });
    }

    private static async Task Tell(Town town)
    {
        if (town.Withdrawals.Count == 0) return;
        var id = town.Any(town.Withdrawals);
        if (town.Transfers.News(id) is not { } news) return;
        await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Insist(id.In(town.Shop), news)));
    }
}
