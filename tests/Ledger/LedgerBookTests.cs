using Campaigns.Grains.Ledger;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;
using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.Ledger;

public sealed class LedgerBookTests
{
    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["has facts but was never opened"] = w => w.The<LedgerState>(TheLedger).Owner = null,
        ["is at another address"] = w => w.The<LedgerState>(TheLedger).Kind = LedgerKind.Points,
        ["its accounts sum to -1"] = w => Change(w, b => b with { Shop = b.Shop - 1 }),
        ["Pending is -5"] = w => Change(w, b => b with { Pending = -5, Available = b.Available + 5 }),
        ["Withdrawn is -5"] = w => Change(w, b => b with { Withdrawn = -5, Available = b.Available + b.Withdrawn + 5 }),
        ["Debt is 5"] = w => Change(w, b => b with { Debt = 5, Available = b.Available - 5 }),
        ["605 are available while 5 are owed"] = w => Change(w, b => b with { Debt = -5, Available = b.Available + 5 }),
        ["405 are held and 400 are being withdrawn"] = w => Change(w, b => b with { Held = b.Held + 5, Available = b.Available - 5 }),
        ["400 are held and 0 are being withdrawn"] = w => w.The<LedgerState>(TheLedger).Open = null,
        ["2001 were taken back of 2000 that were given"] = w => w.The<LedgerState>(TheLedger).TakenBackFen = 2_001,
        ["the shop gave 1000 and took back 0, but its account is -1990"] = w => w.The<LedgerState>(TheLedger).GivenFen = 1_000,
        ["closed sources are remembered"] = w => w.The<LedgerState>(TheLedger).Closed = new(Enumerable.Repeat(PaidWithdrawal.Key, 1_001)),
        ["is closed and counts as open"] = w => w.The<LedgerState>(TheLedger).Sources[PaidWithdrawal.Key] = new(3, IsClosed: false),
        ["which does not exist"] = w => w.Remove(HeldWithdrawal),
        ["of somebody else"] = w => w.Change<WithdrawalState>(HeldWithdrawal, s => s with { Owner = ShopperId.Of(Person(1).Key) }),
        ["over 399"] = w => w.Change<WithdrawalState>(HeldWithdrawal, s => s with { Amount = new(399) }),
        ["which is Paid and has finished with them"] = w => w.Change<WithdrawalState>(HeldWithdrawal, s => s with { Stage = WithdrawalStage.Paid }),
        ["which is Holding and has finished with them"] = w => w.Change<WithdrawalState>(HeldWithdrawal, s => s with { Stage = WithdrawalStage.Holding }),
    };

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);

    private static void Change(World world, Func<LedgerBalances, LedgerBalances> change) => world.The<LedgerState>(TheLedger).Balances = change(world.The<LedgerState>(TheLedger).Balances);
}
