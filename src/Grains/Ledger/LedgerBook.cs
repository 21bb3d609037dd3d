using Campaigns.Grains.Kernel;
using Campaigns.Grains.Withdrawal;

namespace Campaigns.Grains.Ledger;

/// <summary>What must be true of a ledger: no fen appears or disappears, and what is held is held for an open withdrawal.</summary>
internal sealed class LedgerBook : Book<LedgerState>
{
    public override string Kind => LedgerAddress.Kind;

    public override IEnumerable<string> WrongWith(GrainId grain, LedgerState state, IBooks books)
    {
        if (state.Owner is not { } owner)
        {
            yield return "it has facts but was never opened";
            yield break;
        }

        if (owner.LedgerIn(grain.Shop, state.Kind) != grain) yield return $"it says that it is the {state.Kind} ledger of {owner}, which is at another address";
        foreach (var wrong in Sums(state)) yield return wrong;
        if (state.Closed.Count > LedgerRules.ClosedSourcesMax) yield return $"{state.Closed.Count} closed sources are remembered";
        foreach (var source in state.Closed)
            if (!state.Sources.GetValueOrDefault(source).IsClosed) yield return $"the source {source:N} is closed and counts as open";

        if (state.Open is { } open)
            foreach (var wrong in Held(grain.Shop, owner, open, books)) yield return wrong;
    }

    private static IEnumerable<string> Sums(LedgerState state)
    {
        var balances = state.Balances;
        var sum = Enum.GetValues<LedgerAccount>().Sum(balances.Of);
        if (sum != 0) yield return $"its accounts sum to {sum}";
        foreach (var account in Enum.GetValues<LedgerAccount>())
            if (account is not (LedgerAccount.Shop or LedgerAccount.Debt) && balances.Of(account) < 0) yield return $"{account} is {balances.Of(account)}";
        if (balances.Debt > 0) yield return $"Debt is {balances.Debt}";
        if (balances.Debt != 0 && balances.Available != 0) yield return $"{balances.Available} are available while {-balances.Debt} are owed";
        if (balances.Held != (state.Open?.Amount.Fen ?? 0)) yield return $"{balances.Held} are held and {state.Open?.Amount.Fen ?? 0} are being withdrawn";
        if (state.TakenBackFen < 0 || state.TakenBackFen > state.GivenFen) yield return $"{state.TakenBackFen} were taken back of {state.GivenFen} that were given";

        // What is neither the owner's nor taken back is what the shop kept of withdrawals.
        if (balances.Shop + state.GivenFen - state.TakenBackFen is var fees && fees < 0) yield return $"the shop gave {state.GivenFen} and took back {state.TakenBackFen}, but its account is {balances.Shop}";
    }

    /// <summary>Money is held from the withdrawal's wish for it until the withdrawal has seen it paid or back.</summary>
    private static IEnumerable<string> Held(ShopId shop, Shopper.ShopperId owner, OpenWithdrawal open, IBooks books)
    {
        var id = WithdrawalId.Of(open.Withdrawal);
        if (books.Of<WithdrawalState>(id.In(shop)) is not { } withdrawal)
        {
            yield return $"{open.Amount.Fen} are held for withdrawal {id}, which does not exist";
            yield break;
        }

        if (withdrawal.Owner != owner) yield return $"{open.Amount.Fen} are held for withdrawal {id} of somebody else";
        if (withdrawal.Amount != open.Amount) yield return $"{open.Amount.Fen} are held for withdrawal {id} over {withdrawal.Amount.Fen}";
        var isExpected = withdrawal.Stage switch
        {
            WithdrawalStage.Holding => withdrawal.Owes(WithdrawalRules.AskHold),
            WithdrawalStage.Reviewing or WithdrawalStage.Approved or WithdrawalStage.Transferring => true,
            _ => withdrawal.Owes(WithdrawalRules.SettleLedger),
        };
        if (!isExpected) yield return $"{open.Amount.Fen} are held for withdrawal {id}, which is {withdrawal.Stage} and has finished with them";
    }
}
