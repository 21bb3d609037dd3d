using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Reply = Campaigns.Grains.Kernel.Answer;
using ShopperDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Shopper.ShopperEvent>;

namespace Campaigns.Grains.Shopper;

/// <summary>The shell of the shopper: which rule decides what, what is answered, what is owed to whom.</summary>
internal sealed class ShopperGrain() : GrainDefinition<ShopperState, ShopperEvent>(ShopperJson.Default)
{
    public override string Kind => "shopper";

    public override ShopperDecision Decide(ShopperState state, object command, in Turn turn) => command switch
    {
        PledgeAssist c => ShopperRules.Decide(state, c, turn.Now),
        GetShopper or GetPayer or GetCustomer => ShopperDecision.Nothing,
        RegisterShopper c => ShopperRules.Decide(state, c, turn.Now),
        LaunchParticipation c => ShopperRules.Decide(state, c, turn.Now),
        NotePaidOrder c => ShopperRules.Decide(state, c, turn.Now),
        BlockShopper c => ShopperRules.Decide(state, c, turn.Now),
        _ => throw Unknown(command),
    };

    public override ShopperState Evolve(ShopperState state, ShopperEvent @event) => ShopperRules.Evolve(state, @event);

    public override Reply Answer(ShopperState state, object command, in Turn turn) => command switch
    {
        _ when state.OpenId is null => GrainRefusal.NotFound,
        PledgeAssist c => AnswerTo(state, c, turn.Now),
        LaunchParticipation c => AnswerTo(state, c),
        GetShopper c => Reply.Of(View(state, c.Policy, turn)),
        GetCustomer => Reply.Of(new CustomerView(ShopperId.Of(turn.Self.Key), state.HasBought)),
        GetPayer => Reply.Of(new Payer(state.OpenId)),
        _ => Reply.Of(Done.Instance),
    };

    public override Debts Owes(ShopperState state) => state.Debts;

    public override Owed Message(ShopperState state, Debt debt, GrainId self) => debt.What switch
    {
        ShopperState.AssistDebt => Assist(state.PledgeOf(BargainId.Of(debt.About))!, self),
        ShopperState.AdmitDebt => Admit(state.LaunchOf(debt.About)!, self),
        _ => throw Unknown(debt),
    };

    public override ShopperDecision Settle(ShopperState state, Debt debt, in Receipt receipt, in Turn turn) => (debt.What, receipt.Refusal) switch
    {
        (ShopperState.AssistDebt, null) => new AssistSettled(BargainId.Of(debt.About), (AssistResult)receipt.Reply!),
        (ShopperState.AssistDebt, { } refusal) => new AssistReturned(BargainId.Of(debt.About), refusal),
        (ShopperState.AdmitDebt, null) => new LaunchSettled(debt.About),
        (ShopperState.AdmitDebt, { } refusal) => new LaunchReturned(debt.About, refusal),
        _ => throw Unknown(debt),
    };

    private static Owed Assist(Pledge pledge, GrainId self) =>
        new(pledge.Bargain.In(self.Shop), new ApplyAssist(ShopperId.Of(self.Key), pledge.IsNew, pledge.Device, pledge.At));

    private static Owed Admit(Launch launch, GrainId self) =>
        new(launch.Campaign.In(self.Shop), new Admit(launch.Participation, ShopperId.Of(self.Key), launch.At));

    private static Reply AnswerTo(ShopperState state, PledgeAssist command, DateTimeOffset now)
    {
        if (state.PledgeOf(command.Bargain) is not { } pledge) return WhyReturned(state, ShopperState.AssistDebt, command.Bargain.Value);
        if (pledge.Result is null) return Reply.Later;

        return Reply.Of(new PledgedAssist(pledge.Result, AssistsLeft(state, command.Policy, LocalDay.Of(now, command.Policy.TimeZone)), pledge.Tap != command.Tap));
    }

    private static Reply AnswerTo(ShopperState state, LaunchParticipation command) => state.LaunchOf(command.Participation) switch
    {
        null => WhyReturned(state, ShopperState.AdmitDebt, command.Participation),
        { IsOpen: true } => Reply.Later,
        _ => Reply.Of(Done.Instance),
    };

    private static Reply WhyReturned(ShopperState state, string what, Guid about) =>
        state.Returned.FindLast(r => r.What == what && r.About == about)?.Why ?? Refusal.Of(GrainRefusal.Busy);

    private static int AssistsLeft(ShopperState state, AssistPolicy policy, DateOnly today) => Math.Max(0, policy.DailyCap - state.UsedOn(today));

    private static ShopperView View(ShopperState state, AssistPolicy policy, in Turn turn)
    {
        var today = LocalDay.Of(turn.Now, policy.TimeZone);
        return new(ShopperId.Of(turn.Self.Key), AssistsLeft(state, policy, today), LocalDay.EndOf(today, policy.TimeZone), ShopperRules.IsNew(state, turn.Now), Follower: false);
    }
}
