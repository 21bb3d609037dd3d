using Campaigns.Grains.Binding;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using DistributorDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Distributor.DistributorEvent>;
using Reply = Campaigns.Grains.Kernel.Answer;

namespace Campaigns.Grains.Distributor;

/// <summary>The shell of the distributor: which rule decides what, what is answered, what is owed to whom.</summary>
internal sealed class DistributorGrain() : GrainDefinition<DistributorState, DistributorEvent>(DistributorJson.Default)
{
    public override string Kind => DistributorAddress.Kind;

    public override DistributorDecision Decide(DistributorState state, object command, in Turn turn) => command switch
    {
        AdmitCustomer c => DistributorRules.Decide(state, c, turn.Now),
        NoteEarnings c => DistributorRules.Decide(state, c),
        GetDistributorTerms or GetDistributor or CheckCustomer => DistributorDecision.Nothing,
        JoinDistribution c => DistributorRules.Decide(state, c, turn.Now),
        ApplyForDistribution c => DistributorRules.Decide(state, c, turn.Now),
        DecideApplication c => DistributorRules.Decide(state, c, turn.Now),
        InviteDistributor c => DistributorRules.Decide(state, c, turn.Now),
        SetStanding c => DistributorRules.Decide(state, c, turn.Now),
        SetTier c => DistributorRules.Decide(state, c, turn.Now),
        NoteComplaint c => DistributorRules.Decide(state, c, turn.Now),
        _ => throw Unknown(command),
    };

    public override DistributorState Evolve(DistributorState state, DistributorEvent @event) => DistributorRules.Evolve(state, @event);

    public override Reply Answer(DistributorState state, object command, in Turn turn) => command switch
    {
        AdmitCustomer or CheckCustomer when state.Standing != DistributorStanding.Active => BindingRefusal.UnknownCode,
        CheckCustomer c => Reply.Of(Admitted(state, c.Buyer, null)),
        _ when state.Standing is null => GrainRefusal.NotFound,
        NoteEarnings => Reply.Of(Done.Instance),
        GetDistributorTerms when state.JoinedAt is null => GrainRefusal.NotFound,

        // Until the place in the team is known there is no level to show, no upline to pay and nobody to bind to.
        _ when state is { JoinedAt: not null, IsPlaced: false } => Reply.Later,
        AdmitCustomer c => Reply.Of(Admitted(state, c.Buyer, c.Device)),
        GetDistributorTerms => Reply.Of(Terms(state)),
        _ => Reply.Of(View(state, ShopperId.Of(turn.Self.Key))),
    };

    public override Debts Owes(DistributorState state) => state.Debts;

    public override Owed Message(DistributorState state, Debt debt, GrainId self) => new(ShopperId.Of(self.Key).BindingIn(self.Shop), new NoteJoined(state.JoinedAt!.Value));

    /// <remarks>The own binding refuses nobody who has joined: any other answer means "ask again".</remarks>
    public override DistributorDecision Settle(DistributorState state, Debt debt, in Receipt receipt, in Turn turn) =>
        receipt.Reply is JoinedUnder under ? new DistributorPlaced(under.Promoter) : DistributorDecision.Nothing;

    private static AdmittedCustomer Admitted(DistributorState state, ShopperId buyer, string? device) => new(state.JoinedAt!.Value, state.IsSuspect(buyer, device));

    private static DistributorTerms Terms(DistributorState state)
    {
        var (rate, cap) = DistributorRules.PercentsAt(state.Trust);
        return new(state.Standing!.Value, state.Upline, state.Tier, rate, cap);
    }

    private static DistributorView View(DistributorState state, ShopperId self) => new(
        self, PromotionCode.Of(self), state.Upline is null ? 1 : 2, state.Standing!.Value, state.Tier, state.Trust, state.JoinedAt, state.Upline, state.Reason, state.Complaints, state.Suspects.Count);
}
