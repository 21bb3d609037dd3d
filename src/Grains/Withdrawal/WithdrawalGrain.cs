using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;

namespace Campaigns.Grains.Withdrawal;

internal sealed class WithdrawalGrain() : GrainDefinition<WithdrawalState, WithdrawalEvent>(WithdrawalJson.Default)
{
    public override string Kind => "withdrawal";

    public override Decision<WithdrawalEvent> Decide(WithdrawalState state, object command, in Turn turn) => command switch
    {
        AskWithdrawal c => WithdrawalRules.Decide(state, c, turn.Now),
        DecideWithdrawal c => WithdrawalRules.Decide(state, c, turn.Now),
        NoteTransfer c => WithdrawalRules.Decide(state, c, turn.Now),
        CheckWithdrawal or GetWithdrawal => Decision<WithdrawalEvent>.Nothing,
        _ => throw Unknown(command),
    };

    public override WithdrawalState Evolve(WithdrawalState state, WithdrawalEvent @event) => WithdrawalRules.Evolve(state, @event);

    // One that was rejected is answered when the money is back, so that the caller's next look shows it.
    public override Answer Answer(WithdrawalState state, object command, in Turn turn) => command switch
    {
        CheckWithdrawal { Ask: var ask } c when !state.IsOpened && (WithdrawalRules.WhyNot(ask.Amount, ask.Policy) ?? WithdrawalRules.WhyNot(ask.Amount, ask.Policy, c.Terms)) is { } refusal => refusal,
        CheckWithdrawal { Ask: var ask } c => Kernel.Answer.Of(WithdrawalRules.HoldOf(turn.Self.Key, ask.Owner, ask.Amount, WithdrawalRules.Share(ask.Policy.DailyCap, c.Terms?.CapPercent ?? 0), ask.Policy.TimeZone)),
        AskWithdrawal when state.Stage is WithdrawalStage.Asked or WithdrawalStage.Holding => Kernel.Answer.Later,
        AskWithdrawal when state.Stage == WithdrawalStage.Refused => state.Why!,
        _ when !state.IsOpened => GrainRefusal.NotFound,
        GetWithdrawal { Viewer: { } viewer } when viewer != state.Owner => GrainRefusal.NotFound,
        DecideWithdrawal when state.Stage == WithdrawalStage.Rejected && state.Owes(WithdrawalRules.SettleLedger) => Kernel.Answer.Later,
        NoteTransfer => Kernel.Answer.Of(Done.Instance),
        _ => Kernel.Answer.Of(state.View(WithdrawalId.Of(turn.Self.Key), toOwner: command is AskWithdrawal or GetWithdrawal { Viewer: not null })),
    };

    public override Debts Owes(WithdrawalState state) => state.Debts;

    public override Owed Message(WithdrawalState state, Debt debt, GrainId self) => debt.What switch
    {
        WithdrawalRules.AskTerms => new(state.Owner!.Value.DistributorIn(self.Shop), new GetDistributorTerms()),
        WithdrawalRules.AskHold => new(Ledger(state, self.Shop), WithdrawalRules.HoldOf(self.Key, state.Owner!.Value, state.Amount, state.DailyCap, state.Policy!.TimeZone, state.AskedAt)),
        WithdrawalRules.AskTransfer => new(TransferGateway.For(self.Shop, WithdrawalId.Of(self.Key)), new TransferAtGateway(WithdrawalId.Of(self.Key), state.Owner!.Value, state.Net)),
        WithdrawalRules.SettleLedger => new(Ledger(state, self.Shop), WithdrawalRules.SettlementOf(state, self.Key)),
        _ => throw Unknown(debt),
    };

    public override Decision<WithdrawalEvent> Settle(WithdrawalState state, Debt debt, in Receipt receipt, in Turn turn) => WithdrawalRules.Settle(state, debt, receipt, turn.Now);

    private static GrainId Ledger(WithdrawalState state, ShopId shop) => state.Owner!.Value.LedgerIn(shop, LedgerKind.Commission);
}
