using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;

namespace Campaigns.Grains.Withdrawal;

/// <summary>What must be true of a withdrawal: the ledger holds it while it is open and not any longer, and somebody is asked to go on.</summary>
internal sealed class WithdrawalBook : Book<WithdrawalState>
{
    public override string Kind => "withdrawal";

    public override IEnumerable<string> WrongWith(GrainId grain, WithdrawalState state, IBooks books)
    {
        if (state.Owner is not { } owner)
        {
            yield return "it has facts but was never asked for";
            yield break;
        }

        if (state.Amount <= Money.Zero) yield return $"the amount is {state.Amount.Fen} fen";
        if (state.Fee < Money.Zero || state.Fee >= state.Amount) yield return $"the fee is {state.Fee.Fen} of {state.Amount.Fen} fen";
        foreach (var what in (string[])[WithdrawalRules.AskTerms, WithdrawalRules.AskHold, WithdrawalRules.AskTransfer])
            if (state.Owes(what) != (DebtOf(state.Stage) == what)) yield return state.Owes(what) ? $"it is {state.Stage} and '{what}' is asked" : $"it is {state.Stage} and '{what}' is not asked";
        if (state.Owes(WithdrawalRules.SettleLedger) && !state.IsEnded) yield return $"it is {state.Stage} and the ledger is told that it has ended";
        if (state.Stage >= WithdrawalStage.Approved != state.DecidedBy is not null) yield return $"it is {state.Stage} and decided by {state.DecidedBy?.ToString("N") ?? "nobody"}";
        if (state.IsEnded != state.EndedAt is not null) yield return $"it is {state.Stage} and its end is {state.EndedAt?.ToString("O") ?? "not known"}";

        var ledger = books.Of<LedgerState>(owner.LedgerIn(grain.Shop, LedgerKind.Commission));
        var isHeld = ledger?.Open?.Withdrawal == grain.Key;
        var hasEnded = state.IsEnded && !state.Owes(WithdrawalRules.SettleLedger);
        if (state.IsOpened && !state.IsEnded && !isHeld) yield return $"it is {state.Stage} over {state.Amount.Fen} fen and the ledger does not hold them";
        if (state.Stage is WithdrawalStage.Asked or WithdrawalStage.Refused && isHeld) yield return $"it is {state.Stage} and the ledger holds {state.Amount.Fen} fen for it";
        if (hasEnded && isHeld) yield return $"it is {state.Stage} and the ledger still holds {state.Amount.Fen} fen for it";
    }

    private static string? DebtOf(WithdrawalStage stage) => stage switch
    {
        WithdrawalStage.Asked => WithdrawalRules.AskTerms,
        WithdrawalStage.Holding => WithdrawalRules.AskHold,
        WithdrawalStage.Approved or WithdrawalStage.Transferring => WithdrawalRules.AskTransfer,
        _ => null,
    };
}
