using Campaigns.Grains.Ledger;
using Campaigns.Grains.Withdrawal;
using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.Withdrawal;

public sealed class WithdrawalBookTests
{
    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["has facts but was never asked for"] = w => Change(w, HeldWithdrawal, s => s with { Owner = null }),
        ["the amount is 0 fen"] = w => Change(w, HeldWithdrawal, s => s with { Amount = default }),
        ["the fee is 400 of 400 fen"] = w => Change(w, HeldWithdrawal, s => s with { Fee = s.Amount }),
        ["the fee is -1 of 400 fen"] = w => Change(w, HeldWithdrawal, s => s with { Fee = new(-1) }),
        ["it is Reviewing and 'transfer' is asked"] = w => Owe(w, HeldWithdrawal, WithdrawalRules.AskTransfer),
        ["it is Paid and 'terms' is asked"] = w => Owe(w, PaidWithdrawal, WithdrawalRules.AskTerms),
        ["it is Holding and 'hold' is not asked"] = w => Change(w, HeldWithdrawal, s => s with { Stage = WithdrawalStage.Holding }),
        ["it is Approved and 'transfer' is not asked"] = w => Change(w, HeldWithdrawal, s => s with { Stage = WithdrawalStage.Approved }),
        ["it is Reviewing and the ledger is told that it has ended"] = w => Owe(w, HeldWithdrawal, WithdrawalRules.SettleLedger),
        ["it is Paid and decided by nobody"] = w => Change(w, PaidWithdrawal, s => s with { DecidedBy = null }),
        ["it is Paid and its end is not known"] = w => Change(w, PaidWithdrawal, s => s with { EndedAt = null }),
        ["it is Reviewing over 400 fen and the ledger does not hold them"] = w => w.The<LedgerState>(TheLedger).Open = null,
        ["it is Refused and the ledger holds 400 fen for it"] = w => Change(w, HeldWithdrawal, s => s with { Stage = WithdrawalStage.Refused }),
        ["it is Paid and the ledger still holds 1000 fen for it"] = w => w.The<LedgerState>(TheLedger).Open = new(PaidWithdrawal.Key, new(400)),
    };

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);

    private static void Change(World world, Campaigns.Grains.Kernel.GrainId grain, Func<WithdrawalState, WithdrawalState> change) => world.Change(grain, change);

    private static void Owe(World world, Campaigns.Grains.Kernel.GrainId grain, string what) => world.The<WithdrawalState>(grain).Debts.Owe(what, world.The<WithdrawalState>(grain).About);
}
