using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using BindingDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Binding.BindingEvent>;
using Reply = Campaigns.Grains.Kernel.Answer;

namespace Campaigns.Grains.Binding;

/// <summary>The shell of the binding: which rule decides what, what is answered, what is owed to whom.</summary>
internal sealed class BindingGrain() : GrainDefinition<BindingState, BindingEvent>(BindingJson.Default)
{
    public override string Kind => BindingAddress.Kind;

    public override BindingDecision Decide(BindingState state, object command, in Turn turn) => command switch
    {
        AskAttribution or GetBinding or CheckPromoter => BindingDecision.Nothing,
        BindPromoter c => BindingRules.Decide(state, c, turn),
        EndBinding c => BindingRules.Decide(state, c, turn.Now),
        NoteJoined c => BindingRules.Decide(state, c, turn),
        _ => throw Unknown(command),
    };

    public override BindingState Evolve(BindingState state, BindingEvent @event) => BindingRules.Evolve(state, @event);

    public override Reply Answer(BindingState state, object command, in Turn turn) => command switch
    {
        AskAttribution c => Reply.Of(state.BondAt(c.At) is { } bond ? new Attribution(bond.Promoter, bond.Channel, bond.IsSuspect) : new Attribution(null)),
        BindPromoter c => AnswerTo(state, c, turn.Now),
        CheckPromoter c => AnswerTo(state, c, turn),
        NoteJoined => Reply.Of(new JoinedUnder(state.Joined!.Promoter)),
        GetBinding or EndBinding => Reply.Of(View(state.BondAt(turn.Now))),
        _ => throw Unknown(command),
    };

    public override Debts Owes(BindingState state) => state.Debts;

    public override Owed Message(BindingState state, Debt debt, GrainId self) =>
        new(ShopperId.Of(debt.About).DistributorIn(self.Shop), new AdmitCustomer(ShopperId.Of(self.Key), state.Asked!.Device));

    public override BindingDecision Settle(BindingState state, Debt debt, in Receipt receipt, in Turn turn) =>
        receipt.Refusal is { } refusal ? new PromoterReturned(state.Asked!.Promoter, refusal) : BindingRules.Settle(state, (AdmittedCustomer)receipt.Reply!, turn);

    private static Reply AnswerTo(BindingState state, BindPromoter command, DateTimeOffset now)
    {
        if (state.BondAt(now) is { } bond && bond.Promoter == command.Promoter) return Reply.Of(View(bond));
        if (state.Asked?.Promoter == command.Promoter) return Reply.Later;
        return state.Returned is { } returned && returned.Promoter == command.Promoter ? returned.Why : GrainRefusal.Busy;
    }

    private static Reply AnswerTo(BindingState state, CheckPromoter command, in Turn turn)
    {
        if (BindingRules.Decide(state, command.Bind, turn).Refusal is { } refusal) return refusal;
        var isBound = state.BondAt(turn.Now)?.Promoter == command.Bind.Promoter;
        if (!isBound && command.PromoterJoinedAt is { } at && BindingRules.Loops(state, command.Bind.Promoter, at, ShopperId.Of(turn.Self.Key))) return BindingRefusal.BindingLoop;

        return Reply.Of(Done.Instance);
    }

    private static BindingView View(Bond? bond) => new(bond?.Promoter, bond?.Since, bond?.Until, bond?.ProtectedUntil, bond?.Channel);
}
