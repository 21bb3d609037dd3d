using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using static Campaigns.Grains.Campaign.CampaignRefusal;
using static Campaigns.Grains.Kernel.GrainRefusal;
using CampaignDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Campaign.CampaignEvent>;

namespace Campaigns.Grains.Campaign;

/// <summary>Owned by one grain and changed in place: hundreds of thousands may take part, and no command but the gates looks through them.</summary>
internal sealed class CampaignState
{
    public const string StartDebt = "start";
    public const string PauseDebt = "pause";
    public const string ResumeDebt = "resume";
    public const string CancelDebt = "cancel";
    public const string ReserveDebt = "reserve";
    public const string CloseDebt = "close-reservation";

    /// <summary>What was drafted; frozen from publication on. Null before the first draft.</summary>
    public CampaignPlan? Plan { get; set; }

    public CampaignStatus Status { get; set; }

    /// <summary>Stays true when the campaign is settled.</summary>
    public bool WasKilled { get; set; }

    public int Revision { get; set; }

    public PublicationFacts? Facts { get; set; }

    public IReadOnlyList<Finding> Findings { get; set; } = [];

    /// <summary>The publication that waits for the stock.</summary>
    public CampaignPublicationRequested? Publication { get; set; }

    /// <summary>Why the newest publication was refused by the stock.</summary>
    public CampaignPublicationRefused? RefusedPublication { get; set; }

    public int Total { get; set; }

    /// <summary>Places of the quota that are kept for those who still take part.</summary>
    public int Held { get; set; }

    public int Sold { get; set; }

    /// <summary>When it last asked for a number of units.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset WishedAt { get; set; }

    /// <summary>The change of the quota that waits for the stock.</summary>
    public QuotaChangeRequested? Change { get; set; }

    public QuotaChangeRefused? RefusedChange { get; set; }

    public Dictionary<Guid, Participation> Participations { get; set; } = [];

    /// <summary>How many of them are not over.</summary>
    public int Live { get; set; }

    /// <summary>Units that orders have claimed and not bought yet, where units are claimed.</summary>
    public Dictionary<Guid, Claim> Claims { get; set; } = [];

    /// <summary>Units that each shopper has claimed or bought.</summary>
    public Dictionary<Guid, int> UnitsOf { get; set; } = [];

    /// <summary>Those that are over, oldest first: the newest are remembered, so that a late repeat of their admission is known as one.</summary>
    public Queue<Guid> Closed { get; set; } = [];

    /// <summary>How many participations have not yet heard of a pause, a resumption, the kill.</summary>
    public Dictionary<string, int> Untold { get; set; } = new(StringComparer.Ordinal);

    /// <summary>How often it was paused and resumed, when it was last paused and when it was last resumed.</summary>
    public int PausedAs { get; set; }

    public int ResumedAs { get; set; }

    /// <summary>Admissions and claims that are over or were refused.</summary>
    public Past Past { get; set; } = new();

    public Debts Debts { get; set; } = new();

    [JsonIgnore]
    public int Taken => Held + Sold;

    [JsonIgnore]
    public int Left => Total - Taken;

    [JsonIgnore]
    public bool IsOver => Status is CampaignStatus.Ended or CampaignStatus.Killed;

    /// <summary>True if the oldest of those that are over may not be remembered any more.</summary>
    [JsonIgnore]
    public bool HasForgotten => Closed.Count >= CampaignRules.ClosedMax;

    /// <summary>True while a participation has not heard of its start, of a pause or of a resumption.</summary>
    public bool Tells(Guid participation) => Debts.Contains(StartDebt, participation) || Debts.Contains(PauseDebt, participation) || Debts.Contains(ResumeDebt, participation);

    public int UntoldOf(string what) => Untold.GetValueOrDefault(what);

    /// <summary>Within its window and open, whether or not the wake-up of its start came already.</summary>
    public bool IsOpen(DateTimeOffset now) => Status is CampaignStatus.Scheduled or CampaignStatus.Running && now >= Plan!.StartsAt && now < Plan.EndsAt;
}

[StructLayout(LayoutKind.Auto)]
internal readonly record struct Claim(Guid Participation, Guid Owner, int Units, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] DateTimeOffset AskedAt = default);

/// <param name="HasPlace">a place of the quota is kept for it, or sold to it</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Participation(ShopperId Owner, bool IsStarted, bool HasPlace, bool IsOver, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] DateTimeOffset AskedAt = default);

/// <summary>Every rule of the campaign. Pure: no clock, no chance, no I/O.</summary>
internal static class CampaignRules
{
    public const int TitleLengthMax = 120;

    public const int ReasonLengthMax = 500;

    /// <summary>A repeat of an admission comes within seconds; 10,000 closed participations are 400 KB at most.</summary>
    public const int ClosedMax = 10_000;

    public const int UnitsMax = StockRules.QuantityMax;

    /// <summary>Late money is offered to so many participations that are there already before a new one is made for it.</summary>
    public const int RoutesMax = 3;

    public static CampaignDecision Decide(CampaignState state, DraftCampaign command, DateTimeOffset now)
    {
        if (state.Plan is not null && (state.Status != CampaignStatus.Draft || state.Publication is not null)) return NotEditable;
        if (state.Plan == command.Plan) return CampaignDecision.Nothing;
        if (Bounds(command.Plan) is { Count: > 0 } findings) return Refusal.Of(Invalid) with { Findings = findings };

        return new CampaignDrafted(command.Plan, now);
    }

    public static CampaignDecision Decide(CampaignState state, PublishCampaign command, DateTimeOffset now)
    {
        if (state.Plan is null) return NotFound;
        if (state.Status != CampaignStatus.Draft || state.Publication is not null) return WrongState;
        var findings = Check(state.Plan, command.Facts, now);
        if (findings.Any(f => f.Severity == Finding.Block)) return Refusal.Of(NotPublishable) with { Findings = findings };

        return new CampaignPublicationRequested(command.Facts, findings, Past.After(state.WishedAt, now));
    }

    private static Refusal? WrongWith(string reason) => reason.Length > ReasonLengthMax ? Refusal.Invalid("reason", "A reason has at most 500 characters.") : null;

    public static CampaignDecision Decide(CampaignState state, PauseCampaign command, DateTimeOffset now)
    {
        if (state.Plan is null) return NotFound;
        if (WrongWith(command.Reason) is { } wrong) return wrong;
        if (!state.IsOpen(now)) return WrongState;
        if (state.UntoldOf(CampaignState.PauseDebt) > 0) return Busy;

        return (CampaignEvent[])[.. Opening(state, now), new CampaignPausedByMerchant(command.Reason, now)];
    }

    public static CampaignDecision Decide(CampaignState state, ResumeCampaign command, DateTimeOffset now)
    {
        if (state.Plan is null) return NotFound;
        if (WrongWith(command.Reason) is { } wrong) return wrong;
        if (state.Status != CampaignStatus.Paused || now >= state.Plan.EndsAt) return WrongState;
        if (state.UntoldOf(CampaignState.ResumeDebt) > 0) return Busy;

        return new CampaignResumed(command.Reason, now);
    }

    public static CampaignDecision Decide(CampaignState state, KillCampaign command, DateTimeOffset now)
    {
        if (state.Plan is null) return NotFound;
        if (WrongWith(command.Reason) is { } wrong) return wrong;
        if (state.Status is CampaignStatus.Draft or CampaignStatus.Killed or CampaignStatus.Settled) return WrongState;

        // An ended campaign without participants owes its reservation already.
        return (CampaignEvent[])[new CampaignKilledByMerchant(command.Reason, now), .. state.Live == 0 && !state.IsOver ? [new CampaignEmptied()] : Array.Empty<CampaignEvent>()];
    }

    public static CampaignDecision Decide(CampaignState state, ChangeQuota command, DateTimeOffset now)
    {
        if (state.Plan is null) return NotFound;
        if (state.Status is not (CampaignStatus.Scheduled or CampaignStatus.Running or CampaignStatus.Paused)) return WrongState;
        if (state.Change is not null) return Busy;
        if ((long)state.Total + command.Delta > CampaignTerms.QuotaMax) return Refusal.Invalid("delta", $"The quota would be {(long)state.Total + command.Delta}; it must not be above {CampaignTerms.QuotaMax}.");
        var asked = (int)Math.Max((long)state.Total + command.Delta, state.Taken);
        if (asked == state.Total) return CampaignDecision.Nothing;

        return new QuotaChangeRequested(command.Request, asked, Math.Min(asked, state.Total), Past.After(state.WishedAt, now));
    }

    public static CampaignDecision Decide(CampaignState state, Admit command, DateTimeOffset now)
    {
        if (state.Plan is null) return NotFound;
        if (state.Participations.ContainsKey(command.Participation)) return CampaignDecision.Nothing;
        if (state.Past.Has(command.Participation, command.AskedAt)) return CampaignDecision.Nothing;
        if (WhyNotAdmit(state, command.Participation, now) is { } refusal) return command.AskedAt == default ? refusal : new AdmissionRefused(command.Participation, command.AskedAt, refusal);

        var admitted = new ParticipationAdmitted(command.Participation, command.Owner, state.Plan.Terms.TakesPlaceAtEntry, now, command.AskedAt);
        return (CampaignEvent[])[.. Opening(state, now), admitted];
    }

    /// <summary>Why somebody would not be let in now; null if they would, or have been.</summary>
    public static Refusal? WhyNotAdmit(CampaignState state, Guid participation, DateTimeOffset now)
    {
        if (state.Participations.ContainsKey(participation)) return null;
        if (WhyNotOpen(state, now) is { } closed) return closed;
        if (state.Left <= 0) return Refusal.Of(SoldOut);

        return null;
    }

    public static CampaignDecision Decide(CampaignState state, ClaimUnits command, DateTimeOffset now)
    {
        if (state.Plan is null) return NotFound;
        if (state.Past.Has(AboutClaim(command.Order, command.Participation), command.AskedAt)) return CampaignDecision.Nothing;
        if (WhyNotClaim(state, command, now) is { } refusal) return refusal.Kind == RefusalKind.Busy || command.AskedAt == default ? refusal : new ClaimRefused(command.Order, command.Participation, command.AskedAt, refusal);
        if (state.Claims.ContainsKey(command.Order)) return CampaignDecision.Nothing;

        return (CampaignEvent[])[.. Opening(state, now), new UnitsClaimed(command.Order, command.Participation, command.Owner, command.Units, !state.Participations.ContainsKey(command.Participation), now, command.AskedAt)];
    }

    /// <summary>Why units would not be claimed now; null if they would, or are.</summary>
    public static Refusal? WhyNotClaim(CampaignState state, ClaimUnits command, DateTimeOffset now)
    {
        if (state.Plan!.Terms.UnitsPerShopper == 0) return Refusal.Of(NotFound);
        if (state.Claims.TryGetValue(command.Order, out var claim)) return claim.Participation == command.Participation ? null : Refusal.Of(Busy);
        if (command.Units is < 1 or > UnitsMax) return Refusal.Invalid("quantity", "1 to 10,000 units.");
        if (WhyNotOpen(state, now) is { } closed) return closed;
        if (state.Participations.TryGetValue(command.Participation, out var participation) && participation.IsOver) return Refusal.Of(WrongState);
        if (state.UnitsOf.GetValueOrDefault(command.Owner.Value) + command.Units > state.Plan.Terms.UnitsPerShopper) return Refusal.Of(PurchaseLimit) with { Limit = state.Plan.Terms.UnitsPerShopper };
        if (state.Left < command.Units) return Refusal.Of(SoldOut);

        return null;
    }

    public static CampaignDecision Decide(CampaignState state, ReturnUnits command)
    {
        if (state.Plan is null) return NotFound;
        if (!state.Claims.TryGetValue(command.Order, out var claim)) return CampaignDecision.Nothing;
        if (claim.Participation != command.Participation || claim.AskedAt > command.AskedAt) return CampaignDecision.Nothing;

        return new UnitsReturned(command.Order, claim.Units);
    }

    /// <summary>What names the claim of a participation for an order among what is over: late money may be claimed for by another participation.</summary>
    public static Guid AboutClaim(Guid order, Guid participation) => Ids.Derive("claim", order.ToString("N"), participation.ToString("N"));

    /// <summary>Which participation may have a place for late money: one of the oldest that run and were not tried, else a new one.</summary>
    public static Guid RouteOf(CampaignState state, RouteLatePayment command)
    {
        if (command.Tried.Count < RoutesMax)
            foreach (var (id, participation) in state.Participations)
                if (!participation.IsOver && !command.Tried.Contains(id)) return id;

        return Ids.Derive("late-payment", command.Order.ToString());
    }

    private static Refusal? WhyNotOpen(CampaignState state, DateTimeOffset now)
    {
        if (state.WasKilled) return Refusal.Of(CampaignKilled);
        if (state.Status == CampaignStatus.Paused) return Refusal.Of(CampaignPaused);
        if (!state.IsOpen(now)) return Refusal.Of(CampaignNotRunning);

        return null;
    }

    /// <remarks>Neither a pause nor the end of the window stops it: the participation has run its course.</remarks>
    public static CampaignDecision Decide(CampaignState state, ClaimPlace command)
    {
        if (state.Plan is null) return NotFound;
        if (!state.Participations.TryGetValue(command.Participation, out var participation)) return NotFound;
        if (participation.HasPlace) return CampaignDecision.Nothing;
        if (participation.IsOver) return NotFound;
        if (state.WasKilled) return CampaignKilled;
        if (state.Left <= 0) return SoldOut;

        return new ParticipationPlaceClaimed(command.Participation);
    }

    public static CampaignDecision Decide(CampaignState state, CloseParticipation command, DateTimeOffset now)
    {
        if (state.Plan is null) return NotFound;
        // A sale that is over before its campaign has heard that it is ready: told now, it would be admitted afterwards and never close.
        if (state.Publication is not null) return Busy;
        if (!state.Participations.TryGetValue(command.Participation, out var participation) || participation.IsOver) return CampaignDecision.Nothing;

        var closed = new ParticipationClosed(command.Participation, participation.HasPlace && command.Used, participation.HasPlace && !command.Used, now, command.Sold);
        return state.IsOver && state.Live == 1 ? (CampaignEvent[])[closed, new CampaignEmptied()] : closed;
    }

    public static CampaignDecision Decide(CampaignState state, Wake _, DateTimeOffset now)
    {
        if (state.Status is not (CampaignStatus.Scheduled or CampaignStatus.Running or CampaignStatus.Paused)) return CampaignDecision.Nothing;
        if (now < state.Plan!.EndsAt) return (CampaignEvent[])[.. Opening(state, now)];

        return (CampaignEvent[])[.. Opening(state, now), new CampaignEnded(now), .. state.Live == 0 ? [new CampaignEmptied()] : Array.Empty<CampaignEvent>()];
    }

    /// <summary>Whoever keeps the units has answered: either a publication or a change of the quota waited for it, never both.</summary>
    /// <param name="reserved">what may be sold in all; null if that was refused</param>
    /// <param name="refusal">why it was</param>
    public static CampaignDecision StockDecided(CampaignState state, ReservedStock? reserved, Refusal? refusal, CampaignId self, DateTimeOffset now) => (state.Publication, state.Change, reserved) switch
    {
        ({ } asked, _, not null) => Published(state, asked, self, now),
        ({ } asked, _, _) => new CampaignPublicationRefused([.. asked.Findings, NotEnoughStock(state.Plan!, null)], now),
        (_, not null, { Total: var total }) => new QuotaChanged((int)total, now),
        (_, { } change, _) => new QuotaChangeRefused(change.Request, refusal ?? Refusal.Of(SoldOut), now),
        _ => throw new UnreachableException("The stock answered, and nothing was asked."),
    };

    public static CampaignState Evolve(CampaignState state, CampaignEvent @event)
    {
        switch (@event)
        {
            case CampaignDrafted e:
                state.Plan = e.Plan;
                state.Status = CampaignStatus.Draft;
                state.Total = e.Plan.Terms.Quota;
                state.RefusedPublication = null;
                break;
            case CampaignPublicationRequested e:
                state.Publication = e;
                state.WishedAt = e.At;
                state.RefusedPublication = null;
                state.Debts.Owe(CampaignState.ReserveDebt, state.Plan!.Sku.Value);
                break;
            case CampaignPublicationRefused e:
                state.Publication = null;
                state.RefusedPublication = e;
                state.Debts.Settle(CampaignState.ReserveDebt, state.Plan!.Sku.Value);
                break;
            case CampaignPublished e:
                state.Publication = null;
                state.Status = e.State;
                state.Revision = e.Revision;
                state.Facts = e.Facts;
                state.Findings = e.Findings;
                state.Debts.Settle(CampaignState.ReserveDebt, state.Plan!.Sku.Value);
                break;
            case CampaignOpened:
                state.Status = CampaignStatus.Running;
                break;
            case CampaignPausedByMerchant:
                state.Status = CampaignStatus.Paused;
                state.PausedAs = state.ResumedAs + 1;
                TellAll(state, CampaignState.PauseDebt);
                break;
            case CampaignResumed:
                state.Status = CampaignStatus.Running;
                state.ResumedAs = state.PausedAs + 1;
                TellAll(state, CampaignState.ResumeDebt);
                break;
            case CampaignKilledByMerchant:
                state.Status = CampaignStatus.Killed;
                state.WasKilled = true;
                TellAll(state, CampaignState.CancelDebt);
                break;
            case CampaignEnded:
                state.Status = CampaignStatus.Ended;
                break;
            case CampaignEmptied:
                state.Debts.Owe(CampaignState.CloseDebt, state.Plan!.Sku.Value);
                break;
            case CampaignSettled:
                state.Status = CampaignStatus.Settled;
                state.Debts.Settle(CampaignState.CloseDebt, state.Plan!.Sku.Value);
                break;
            case QuotaChangeRequested e:
                state.Total = e.Total;
                state.Change = e;
                state.WishedAt = e.At;
                state.RefusedChange = null;
                state.Debts.Owe(CampaignState.ReserveDebt, state.Plan!.Sku.Value);
                break;
            case QuotaChanged e:
                state.Total = e.Total;
                state.Change = null;
                state.Debts.Settle(CampaignState.ReserveDebt, state.Plan!.Sku.Value);
                break;
            case QuotaChangeRefused e:
                state.Change = null;
                state.RefusedChange = e;
                state.Debts.Settle(CampaignState.ReserveDebt, state.Plan!.Sku.Value);
                break;
            case ParticipationAdmitted e:
                state.Participations.Add(e.Participation, new(e.Owner, IsStarted: false, e.TakesPlace, IsOver: false, e.AskedAt));
                state.Live++;
                state.Held += e.TakesPlace ? 1 : 0;
                state.Debts.Owe(CampaignState.StartDebt, e.Participation);
                break;
            case AdmissionRefused e:
                state.Past.Note(e.Participation, e.AskedAt, e.Why);
                break;
            case ParticipationStarted e:
                state.Participations[e.Participation] = state.Participations[e.Participation] with { IsStarted = true };
                state.Debts.Settle(CampaignState.StartDebt, e.Participation);
                break;
            case ParticipationPlaceClaimed e:
                state.Participations[e.Participation] = state.Participations[e.Participation] with { HasPlace = true };
                state.Held++;
                break;
            case UnitsClaimed e:
                if (e.Admits)
                {
                    state.Participations.Add(e.Participation, new(e.Owner, IsStarted: true, HasPlace: false, IsOver: false));
                    state.Live++;
                }

                state.Claims.Add(e.Order, new(e.Participation, e.Owner.Value, e.Units, e.AskedAt));
                state.Held += e.Units;
                state.UnitsOf[e.Owner.Value] = state.UnitsOf.GetValueOrDefault(e.Owner.Value) + e.Units;
                break;
            case ClaimRefused e:
                state.Past.Note(AboutClaim(e.Order, e.Participation), e.AskedAt, e.Why);
                break;
            case UnitsReturned e:
                Return(state, e.Order);
                break;
            case ParticipationClosed e:
                Close(state, e);
                break;
            case ParticipationTold e:
                NoteTold(state, e.What, e.Participation);
                break;
            default:
                throw new UnreachableException($"Unknown event {@event.GetType().Name}.");
        }

        return state;
    }

    private static CampaignEvent[] Published(CampaignState state, CampaignPublicationRequested asked, CampaignId self, DateTimeOffset now)
    {
        var published = new CampaignPublished(state.Revision + 1, asked.Facts, asked.Findings, now < state.Plan!.StartsAt ? CampaignStatus.Scheduled : CampaignStatus.Running, now);
        if (!state.Plan.Terms.IsOneParticipation) return [published];

        return [published, new ParticipationAdmitted(self.Value, default, TakesPlace: false, now), new ParticipationStarted(self.Value)];
    }

    private static List<Finding> Bounds(CampaignPlan plan) =>
    [
        .. plan.Title.Trim().Length is >= 1 and <= TitleLengthMax ? [] : new[] { new Finding("INVALID", Finding.Block, "title", $"The title has {plan.Title.Trim().Length} characters; it must have 1 to {TitleLengthMax}.") },
        .. plan.Terms.Bounds(),
    ];

    private static List<Finding> Check(CampaignPlan plan, PublicationFacts facts, DateTimeOffset now)
    {
        var findings = plan.Terms.Check(plan with { StartsAt = now > plan.StartsAt ? now : plan.StartsAt }, facts).ToList(); // a start in the past means at once
        if (plan.EndsAt <= plan.StartsAt) findings.Add(new("CAMPAIGN-WINDOW", Finding.Block, "endsAt", $"The campaign ends at {plan.EndsAt:O}, which is not after its start at {plan.StartsAt:O}."));
        else if (plan.EndsAt <= now) findings.Add(new("CAMPAIGN-WINDOW", Finding.Block, "endsAt", $"The campaign would have ended already, at {plan.EndsAt:O}."));
        if (plan.Terms.Quota > facts.Available) findings.Add(NotEnoughStock(plan, facts.Available));
        return findings;
    }

    private static Finding NotEnoughStock(CampaignPlan plan, long? available) => new(
        $"{plan.Terms.Kind.ToUpperInvariant()}-QUOTA-STOCK",
        Finding.Block,
        "rules.quota",
        available is { } units ? $"The quota is {plan.Terms.Quota}, but only {units} units of the SKU are available." : $"The SKU has not {plan.Terms.Quota} units available any more.");

    /// <summary>The start of the window, if it has come and was not noted yet.</summary>
    private static CampaignEvent[] Opening(CampaignState state, DateTimeOffset now) =>
        state.Status == CampaignStatus.Scheduled && now >= state.Plan!.StartsAt ? [new CampaignOpened(now)] : [];

    private static void TellAll(CampaignState state, string what)
    {
        foreach (var (id, participation) in state.Participations)
            if (!participation.IsOver) state.Debts.Owe(what, id);
        state.Untold[what] = state.Live;
    }

    private static void NoteTold(CampaignState state, string what, Guid participation)
    {
        state.Debts.Settle(what, participation);
        state.Untold[what]--;
    }

    private static void Return(CampaignState state, Guid order)
    {
        state.Claims.Remove(order, out var claim);
        state.Past.Note(AboutClaim(order, claim.Participation), claim.AskedAt);
        state.Held -= claim.Units;
        var left = state.UnitsOf[claim.Owner] - claim.Units;
        if (left > 0) state.UnitsOf[claim.Owner] = left;
        else state.UnitsOf.Remove(claim.Owner);
    }

    /// <remarks>One that is over need not be told anything more, and it must have started even if that answer is still on its way.</remarks>
    private static void Close(CampaignState state, ParticipationClosed e)
    {
        state.Participations[e.Participation] = state.Participations[e.Participation] with { IsStarted = true, HasPlace = e.SellsPlace, IsOver = true };
        state.Live--;
        state.Held -= e.SellsPlace || e.FreesPlace ? 1 : 0;
        state.Sold += e.SellsPlace ? 1 : 0;
        foreach (var order in e.Sold ?? [])
        {
            if (!state.Claims.Remove(order, out var claim)) continue;
            state.Past.Note(AboutClaim(order, claim.Participation), claim.AskedAt);
            state.Held -= claim.Units;
            state.Sold += claim.Units;
        }

        state.Debts.Settle(CampaignState.StartDebt, e.Participation);
        foreach (var what in (ReadOnlySpan<string>)[CampaignState.PauseDebt, CampaignState.ResumeDebt, CampaignState.CancelDebt])
            if (state.Debts.Contains(what, e.Participation)) NoteTold(state, what, e.Participation);

        state.Past.Note(e.Participation, state.Participations[e.Participation].AskedAt);
        state.Closed.Enqueue(e.Participation);
        if (state.Closed.Count > ClosedMax) state.Participations.Remove(state.Closed.Dequeue());
    }
}
