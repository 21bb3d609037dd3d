using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Ledger;

internal sealed class LedgerGrain() : GrainDefinition<LedgerState, LedgerEvent>(LedgerJson.Default)
{
    public override string Kind => LedgerAddress.Kind;

    public override Decision<LedgerEvent> Decide(LedgerState state, object command, in Turn turn) => command switch
    {
        PostEntries c => LedgerRules.Decide(state, c, turn.Now),
        HoldForWithdrawal c => LedgerRules.Decide(state, c, turn.Now),
        GetLedger or CheckHoldForWithdrawal => Decision<LedgerEvent>.Nothing,
        _ => throw Unknown(command),
    };

    public override LedgerState Evolve(LedgerState state, LedgerEvent @event) => LedgerRules.Evolve(state, @event);

    public override Answer Answer(LedgerState state, object command, in Turn turn) => command switch
    {
        PostEntries c => Kernel.Answer.Of(state.Posted(c.Source)),
        HoldForWithdrawal c when !state.Sources.ContainsKey(c.Withdrawal) && state.Past.WhyNot(c.Withdrawal, c.AskedAt, Refusal.Of(GrainRefusal.WrongState)) is { } refusal => refusal,
        HoldForWithdrawal c => Kernel.Answer.Of(state.Posted(c.Withdrawal)),
        CheckHoldForWithdrawal c when LedgerRules.WhyNotHold(state, c.Hold, turn.Now) is { } refusal => refusal,
        CheckHoldForWithdrawal => Kernel.Answer.Of(Done.Instance),
        _ => Kernel.Answer.Of(state.View()),
    };
}
