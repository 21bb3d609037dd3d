using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;
using CampaignDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Campaign.CampaignEvent>;
using Reply = Campaigns.Grains.Kernel.Answer;

namespace Campaigns.Grains.Campaign;

/// <summary>The shell of the campaign: which rule decides what, what is answered, what is owed to whom.</summary>
internal sealed class CampaignGrain() : GrainDefinition<CampaignState, CampaignEvent>(CampaignJson.Default)
{
    public override string Kind => "campaign";

    public override CampaignDecision Decide(CampaignState state, object command, in Turn turn) => command switch
    {
        GetCampaign or CheckAdmission or CheckUnits or RouteLatePayment => CampaignDecision.Nothing,
        Admit c => CampaignRules.Decide(state, c, turn.Now),
        ClaimPlace c => CampaignRules.Decide(state, c),
        ClaimUnits c => CampaignRules.Decide(state, c, turn.Now),
        ReturnUnits c => CampaignRules.Decide(state, c),
        CloseParticipation c => CampaignRules.Decide(state, c, turn.Now),
        DraftCampaign c => CampaignRules.Decide(state, c, turn.Now),
        PublishCampaign c => CampaignRules.Decide(state, c, turn.Now),
        PauseCampaign c => CampaignRules.Decide(state, c, turn.Now),
        ResumeCampaign c => CampaignRules.Decide(state, c, turn.Now),
        KillCampaign c => CampaignRules.Decide(state, c, turn.Now),
        ChangeQuota c => CampaignRules.Decide(state, c, turn.Now),
        Wake c => CampaignRules.Decide(state, c, turn.Now),
        _ => throw Unknown(command),
    };

    public override CampaignState Evolve(CampaignState state, CampaignEvent @event) => CampaignRules.Evolve(state, @event);

    public override Reply Answer(CampaignState state, object command, in Turn turn) => command switch
    {
        _ when state.Plan is null => GrainRefusal.NotFound,
        Admit c when state.Participations.TryGetValue(c.Participation, out var p) => p.IsStarted ? Reply.Of(Done.Instance) : Reply.Later,
        Admit c => state.Past.WhyNot(c.Participation, c.AskedAt, Refusal.Of(GrainRefusal.WrongState)) is { } refusal ? refusal : Reply.Of(Done.Instance),
        CheckAdmission c when CampaignRules.WhyNotAdmit(state, c.Participation, turn.Now) is { } refusal => refusal,
        CheckUnits c when CampaignRules.WhyNotClaim(state, c.Claim, turn.Now) is { } refusal => refusal,
        ClaimPlace or CloseParticipation or ReturnUnits => Reply.Of(Done.Instance),
        ClaimUnits c when !state.Claims.ContainsKey(c.Order) => state.Past.WhyNot(CampaignRules.AboutClaim(c.Order, c.Participation), c.AskedAt) ?? Refusal.Of(GrainRefusal.WrongState),
        ClaimUnits c => Reply.Of(AdmissionOf(state, c.Participation, turn.Self)),
        RouteLatePayment c => Reply.Of(new LatePaymentRoute(state.Plan.Terms.Participation(turn.Self.Shop, CampaignRules.RouteOf(state, c)))),
        PublishCampaign when state.Publication is not null => Reply.Later,
        PublishCampaign when state.RefusedPublication is { } refused => Refusal.Of(CampaignRefusal.NotPublishable) with { Findings = refused.Findings },
        PauseCampaign => ViewWhenTold(state, CampaignState.PauseDebt, turn),
        ResumeCampaign => ViewWhenTold(state, CampaignState.ResumeDebt, turn),
        KillCampaign => ViewWhenTold(state, CampaignState.CancelDebt, turn),
        ChangeQuota c when state.Change?.Request == c.Request => Reply.Later,
        ChangeQuota c when state.RefusedChange is { } refused && refused.Request == c.Request => refused.Why,
        _ => Reply.Of(View(state, turn.Self)),
    };

    public override DateTimeOffset? Deadline(CampaignState state) => state.Status switch
    {
        CampaignStatus.Scheduled => state.Plan!.StartsAt,
        CampaignStatus.Running or CampaignStatus.Paused => state.Plan!.EndsAt,
        _ => null,
    };

    public override Debts Owes(CampaignState state) => state.Debts;

    public override Owed Message(CampaignState state, Debt debt, GrainId self) => debt.What switch
    {
        CampaignState.StartDebt => state.Plan!.Terms.Start(AdmissionOf(state, debt.About, self)),
        CampaignState.PauseDebt => new(state.Plan!.Terms.Participation(self.Shop, debt.About), new SetPaused(true, state.PausedAs)),
        CampaignState.ResumeDebt => new(state.Plan!.Terms.Participation(self.Shop, debt.About), new SetPaused(false, state.ResumedAs)),
        CampaignState.CancelDebt => new(state.Plan!.Terms.Participation(self.Shop, debt.About), new CancelParticipation()),
        CampaignState.ReserveDebt => state.Plan!.Terms.Reserve(WishOf(state, self)),
        CampaignState.CloseDebt => new(state.Plan!.Sku.In(self.Shop), new CloseReservation(self.Key)),
        _ => throw Unknown(debt),
    };

    public override CampaignDecision Settle(CampaignState state, Debt debt, in Receipt receipt, in Turn turn) => debt.What switch
    {
        // A start is refused by no mechanic, so a refusal is a fault that must not lose an admission: it is sent again.
        CampaignState.StartDebt => receipt.Refusal is null ? new ParticipationStarted(debt.About) : CampaignDecision.Nothing,
        CampaignState.PauseDebt or CampaignState.ResumeDebt or CampaignState.CancelDebt => new ParticipationTold(debt.What, debt.About),
        CampaignState.ReserveDebt => CampaignRules.StockDecided(state, receipt.Reply as ReservedStock, receipt.Refusal, CampaignId.Of(turn.Self.Key), turn.Now),
        CampaignState.CloseDebt => new CampaignSettled(turn.Now),
        _ => throw Unknown(debt),
    };

    private static Reply ViewWhenTold(CampaignState state, string what, in Turn turn) =>
        state.UntoldOf(what) > 0 ? Reply.Later : Reply.Of(View(state, turn.Self));

    private static Admission AdmissionOf(CampaignState state, Guid participation, GrainId self) =>
        new(self.Shop, CampaignId.Of(self.Key), state.Revision, state.Plan!, state.Facts!, participation, state.Participations[participation].Owner);

    private static QuotaWish WishOf(CampaignState state, GrainId self) =>
        new(self.Shop, CampaignId.Of(self.Key), Math.Max(1, state.Revision), state.Plan!, state.Publication?.Facts ?? state.Facts!, state.Change?.Asked ?? state.Total, state.Change?.Request ?? default, state.WishedAt);

    private static CampaignView View(CampaignState state, GrainId self)
    {
        var plan = state.Plan!;
        return new(
            CampaignId.Of(self.Key),
            plan.Terms.Kind,
            plan.Title,
            state.Status,
            state.Revision,
            plan.Sku,
            plan.StartsAt,
            plan.EndsAt,
            plan.Terms,
            new(state.Total, state.Left),
            state.Facts?.ListPrice.Fen ?? 0,
            state.Findings);
    }
}
