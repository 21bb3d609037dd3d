using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using static Campaigns.Grains.Bargain.BargainRefusal;
using static Campaigns.Grains.Kernel.GrainRefusal;
using BargainDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Bargain.BargainEvent>;

namespace Campaigns.Grains.Bargain;

/// <summary>Owned by one grain and changed in place: an assist must not copy the list of helpers.</summary>
internal sealed class BargainState : IOrderSource
{
    public const string ClaimDebt = "claim-place";
    public const string OrderDebt = "place-order";
    public const string CloseDebt = "close";

    /// <summary>What was agreed at the start; null before it.</summary>
    public BargainStarted? Launch { get; set; }

    public BargainStatus Status { get; set; }

    public bool Paused { get; set; }

    /// <summary>The number of the pause or resumption that was heard of last.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int PauseHeard { get; set; }

    /// <summary>Since when it takes assists again, if there was a time when it did not.</summary>
    public DateTimeOffset? ReopenedAt { get; set; }

    public bool KillNoted { get; set; }

    /// <summary>True while the campaign keeps a place of its quota for this bargain.</summary>
    public bool HasPlace { get; set; }

    /// <summary>It was once told that there is none; a copy of that question may have got one since, which it keeps until this bargain is over.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool WasDenied { get; set; }

    /// <summary>The facts themselves, oldest first: at most one per slot.</summary>
    public List<PriceCut> Cuts { get; set; } = [];

    /// <summary>The last assist, while it waits for a place and after it found none.</summary>
    public LastAssistHeld? Held { get; set; }

    /// <summary>An order above the floor, while it waits for a place.</summary>
    public BargainOrderHeld? HeldOrder { get; set; }

    /// <summary>The order of <c>Ordered</c> and <c>Paid</c>.</summary>
    public BargainOrdered? Order { get; set; }

    public DateTimeOffset? PayBefore { get; set; }

    /// <summary>When the newest order was wanted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset OrderedAt { get; set; }

    /// <summary>Orders that were open once and came to nothing: none of them may be opened again.</summary>
    public List<OrderId> LostOrders { get; set; } = [];

    /// <summary>Why the newest orders were refused, for those who still wait for the answer.</summary>
    public List<RefusedOrder> RefusedOrders { get; set; } = [];

    public Debts Debts { get; set; } = new();

    [JsonIgnore]
    public BargainTerms Terms => Launch!.Terms;

    [JsonIgnore]
    public int SlotsTaken => Cuts is [.., var last] ? last.Slot - 1 + last.SlotsUsed : 0;

    [JsonIgnore]
    public int SlotsLeft => Launch!.Slots.Length - SlotsTaken;

    [JsonIgnore]
    public long PriceFen => Cuts is [.., var last] ? last.PriceFen : Launch!.ListPriceFen;

    /// <summary>True while the campaign decides whether there is a place; until then neither the deadline nor anybody's assist does anything.</summary>
    [JsonIgnore]
    public bool IsWaiting => Status == BargainStatus.Running && (Held is not null || HeldOrder is not null);

    /// <summary>The plan is shown once nothing can be gained by knowing it: an order above the floor may still be released.</summary>
    [JsonIgnore]
    public bool IsRevealed => Status != BargainStatus.Running && (Status != BargainStatus.Ordered || PayBefore is not null);

    // At most 200 cuts, mostly fewer than 20: looking through them costs less time than a set would cost memory in every idle bargain.
    // The owner's own cut at launch is no assist, so it is not found here.
    public PriceCut? CutBy(ShopperId helper)
    {
        if (helper == Launch!.Owner) return null;
        foreach (var cut in Cuts)
            if (cut.Helper == helper) return cut;
        return null;
    }

    public bool IsLastAssist(ShopperId helper) => Held?.Cut.Helper == helper && Status is BargainStatus.Running or BargainStatus.SoldOut;

    public bool Knows(OrderId order) => Order?.Order == order || HeldOrder?.Order.Order == order || LostOrders.Contains(order);

    public bool Stands(OrderId order) => Order?.Order == order;

    public bool KnowsPaid(OrderId order) => Status == BargainStatus.Paid && Order?.Order == order;

    public bool KnowsLost(OrderId order) => LostOrders.Contains(order);

    public int HelpersOn(string? device)
    {
        if (device is null) return 0;
        var helpers = 0;
        foreach (var cut in Cuts)
            if (cut.Device == device) helpers++;
        return helpers;
    }
}

internal sealed record RefusedOrder(OrderId Order, Refusal Why);

/// <summary>Every rule of the bargain. Pure: no clock, no chance, no I/O.</summary>
internal static class BargainRules
{
    /// <summary>Refusals that are kept for callers who still wait; they are answered with the very next change.</summary>
    public const int RefusedOrdersMax = 8;

    public static BargainDecision Decide(BargainState state, StartBargain command, in Turn turn)
    {
        if (state.Launch is not null) return BargainDecision.Nothing;

        var id = BargainId.Of(turn.Self.Key);
        var terms = command.Terms;
        var list = command.ListPrice.Fen;
        var seed = turn.Chance.ToArray();
        var ownEnd = turn.Now.AddMinutes(terms.TtlMinutes);
        var started = new BargainStarted(
            id,
            command.Campaign,
            command.Revision,
            command.Owner,
            command.Sku,
            command.Title,
            list,
            terms,
            seed,
            BargainPlan.Slots(seed, list, terms.FloorFen, terms.AssistsNeeded, terms.MinCutFen, terms.Curve),
            BargainPlan.Commitment(seed, ParametersOf(id, list, terms)),
            terms.TakesPlaceAtEntry,
            ownEnd < command.CampaignEndsAt ? ownEnd : command.CampaignEndsAt,
            turn.Now);
        if (!terms.SelfCut) return started;

        return (BargainEvent[])[started, .. Cut(started, 0, list, started.HasPlace, command.Owner, 1, null, turn.Now).Events];
    }

    public static BargainDecision Decide(BargainState state, ApplyAssist command, DateTimeOffset now)
    {
        if (state.Launch is null) return NotFound;
        if (state.CutBy(command.Helper) is not null || state.IsLastAssist(command.Helper)) return BargainDecision.Nothing;
        if (WhyNotAssist(state, command.Helper, command.Device, now) is { } refusal) return refusal;
        if (command.PledgedAt != default && command.PledgedAt <= state.ReopenedAt) return BargainNotRunning;

        var weight = command.IsNew ? state.Terms.NewUserWeight : 1;
        return Cut(state.Launch, state.SlotsTaken, state.PriceFen, state.HasPlace, command.Helper, weight, command.Device, now);
    }

    public static BargainDecision Decide(BargainState state, OrderBargain command, DateTimeOffset now)
    {
        if (state.Launch is null) return NotFound;
        if (state.Knows(command.Order)) return BargainDecision.Nothing;
        if (command.Buyer != state.Launch.Owner) return NotOwner;
        if (state.Status is BargainStatus.Ordered or BargainStatus.Paid || state.HeldOrder is not null) return AlreadyOrdered;
        if (state.IsWaiting) return Busy;
        if (!MayOrder(state, now)) return PriceNotEarned;
        if (state.LostOrders.Count >= OrderBargain.LostOrdersMax) return OrderLimitReached;

        // Nobody pays more than the list price of today, nor is shown a discount counted from a higher one than at launch.
        var unitPrice = Math.Min(state.Launch.ListPriceFen, command.ListPriceNow.Fen);
        var order = new BargainOrdered(command.Order, unitPrice, Math.Min(state.PriceFen, unitPrice), command.PaymentWindowMinutes, Past.After(state.OrderedAt, now));
        return state.HasPlace ? order : new BargainOrderHeld(order);
    }

    public static BargainDecision Decide(BargainState state, OrderPaid command, DateTimeOffset now)
    {
        if (state.Launch is null) return NotFound;
        if (state.Status != BargainStatus.Ordered || state.Order!.Order != command.Order) return BargainDecision.Nothing;

        return new BargainPaid(command.Order, now);
    }

    public static BargainDecision Decide(BargainState state, OrderReleased command, DateTimeOffset now)
    {
        if (state.Launch is null) return NotFound;
        if (state.Status != BargainStatus.Ordered || state.Order!.Order != command.Order) return BargainDecision.Nothing;

        return (BargainEvent[])[new BargainOrderReleased(command.Order, BeforeOrder(state), now), .. OverBy(state, now)];
    }

    public static BargainDecision Decide(BargainState state, SetPaused command, DateTimeOffset now)
    {
        if (state.Launch is null) return NotFound;
        if (state.Paused == command.Paused || IsOver(state.Status)) return BargainDecision.Nothing;
        if (command.Number != 0 && command.Number <= state.PauseHeard) return BargainDecision.Nothing;

        return command.Paused ? new BargainPaused(command.Number) : new BargainResumed(command.Number, now);
    }

    /// <remarks>What was earned or ordered stays. One order above the floor is remembered instead: if it comes to nothing there is nothing to go back to.</remarks>
    public static BargainDecision Decide(BargainState state, CancelParticipation _, DateTimeOffset now) => state switch
    {
        { Status: BargainStatus.Running, HeldOrder.Order.Order: var order } => (BargainEvent[])[new BargainOrderRefused(order, Refusal.Of(BargainNotRunning), BargainStatus.Running, now), new BargainCancelled(now)],
        { Status: BargainStatus.Running } => new BargainCancelled(now),
        { Status: BargainStatus.Ordered, PayBefore: null, KillNoted: false } => new BargainKillNoted(),
        _ => BargainDecision.Nothing,
    };

    public static BargainDecision Decide(BargainState state, Wake _, DateTimeOffset now) => state switch
    {
        { Status: BargainStatus.Running, IsWaiting: false } when now >= state.Launch!.EndsAt => new BargainExpired(now),
        { Status: BargainStatus.Succeeded } when now >= state.PayBefore => new BargainLapsed(now),
        _ => BargainDecision.Nothing,
    };

    /// <summary>The campaign has said whether there is a place. Its word counts even if the deadline has passed while it was on its way.</summary>
    public static BargainDecision PlaceDecided(BargainState state, Refusal? refusal, DateTimeOffset now) => state switch
    {
        { IsWaiting: true, Held.Cut: var cut } => refusal switch
        {
            null => (BargainEvent[])[new PlaceClaimed(), cut with { At = now }, Succeed(state.Terms, now)],
            { Code: nameof(CampaignRefusal.CampaignKilled) } => (BargainEvent[])[new PlaceDenied(), new BargainCancelled(now)],
            _ => (BargainEvent[])[new PlaceDenied(), new BargainSoldOut(now)],
        },
        { IsWaiting: true, HeldOrder.Order: var order } => refusal switch
        {
            null => (BargainEvent[])[new PlaceClaimed(), order with { At = Past.After(state.OrderedAt, now) }],
            { Code: nameof(CampaignRefusal.CampaignKilled) } => (BargainEvent[])[new PlaceDenied(), new BargainOrderRefused(order.Order, refusal, BargainStatus.Running, now), new BargainCancelled(now)],
            _ => (BargainEvent[])[new PlaceDenied(), new BargainOrderRefused(order.Order, refusal, BargainStatus.Running, now), .. OverBy(state, now)],
        },

        // Cancelled while it waited; if a place was given, the message that closes this bargain follows and gives it back.
        _ => refusal is null ? new PlaceClaimed() : new PlaceDenied(),
    };

    public static BargainDecision OrderDecided(BargainState state, OrderId order, Refusal? refusal, DateTimeOffset now)
    {
        if (refusal is null) return new BargainOrderPlaced(order);

        return (BargainEvent[])[new BargainOrderRefused(order, refusal, BeforeOrder(state), now), .. OverBy(state, now)];
    }

    /// <summary>Why this helper's assist is not taken, in the order of precedence; null if it is.</summary>
    public static BargainRefusal? WhyNotAssist(BargainState state, ShopperId helper, string? device, DateTimeOffset now)
    {
        if (state.Paused) return CampaignPaused;
        if (state.Status != BargainStatus.Running || state.IsWaiting || now >= state.Launch!.EndsAt) return BargainNotRunning;
        if (helper == state.Launch.Owner) return SelfAssistNotAllowed;
        if (state.HelpersOn(device) >= ApplyAssist.HelpersPerDeviceMax) return DeviceLimitReached;
        return null;
    }

    public static bool MayOrder(BargainState state, DateTimeOffset now) => state.Status switch
    {
        BargainStatus.Succeeded => now < state.PayBefore,
        BargainStatus.Running => state.Terms.BuyAtAnyPrice && now < state.Launch!.EndsAt,
        _ => false,
    };

    /// <summary>What the assist that made <paramref name="cut"/> was answered then, and is answered at every repeat.</summary>
    public static AssistResult ResultOf(BargainState state, PriceCut cut)
    {
        var slotsLeft = state.Launch!.Slots.Length - (cut.Slot - 1) - cut.SlotsUsed;
        return new(cut.CutFen, cut.SlotsUsed, cut.PriceFen, cut.PriceFen - state.Terms.FloorFen, slotsLeft, slotsLeft == 0 ? BargainStatus.Succeeded : BargainStatus.Running);
    }

    public static string ParametersOf(BargainId id, long listPriceFen, BargainTerms terms) =>
        BargainPlan.Parameters(id, listPriceFen, terms.FloorFen, terms.AssistsNeeded, terms.MinCutFen, terms.Curve, terms.NewUserWeight);

    public static BargainState Evolve(BargainState state, BargainEvent @event)
    {
        switch (@event)
        {
            case BargainStarted e:
                state.Launch = e;
                state.Status = BargainStatus.Running;
                state.HasPlace = e.HasPlace;
                break;
            case PriceCut e:
                state.Cuts.Add(e);
                break;
            case LastAssistHeld e:
                state.Held = e;
                state.Debts.Owe(BargainState.ClaimDebt, state.Launch!.Campaign.Value);
                break;
            case PlaceClaimed:
                state.HasPlace = true;
                state.Debts.Settle(BargainState.ClaimDebt, state.Launch!.Campaign.Value);
                break;
            case PlaceDenied:
                state.WasDenied = true;
                state.Debts.Settle(BargainState.ClaimDebt, state.Launch!.Campaign.Value);
                break;
            case BargainSucceeded e:
                state.Status = BargainStatus.Succeeded;
                state.PayBefore = e.PayBefore;
                state.Held = null;
                break;
            case BargainSoldOut:
                End(state, BargainStatus.SoldOut);
                break;
            case BargainExpired:
                End(state, BargainStatus.Expired);
                break;
            case BargainCancelled:
                End(state, BargainStatus.Cancelled);
                break;
            case BargainLapsed:
                End(state, BargainStatus.Lapsed);
                break;
            case BargainPaused e:
                (state.Paused, state.PauseHeard) = (true, e.Number);
                break;
            case BargainResumed e:
                (state.Paused, state.PauseHeard, state.ReopenedAt) = (false, e.Number, e.At);
                break;
            case BargainKillNoted:
                state.KillNoted = true;
                break;
            case BargainOrderHeld e:
                state.HeldOrder = e;
                state.RefusedOrders.RemoveAll(r => r.Order == e.Order.Order);
                state.Debts.Owe(BargainState.ClaimDebt, state.Launch!.Campaign.Value);
                break;
            case BargainOrdered e:
                state.Status = BargainStatus.Ordered;
                state.Order = e;
                state.OrderedAt = e.At;
                state.HeldOrder = null;
                state.RefusedOrders.RemoveAll(r => r.Order == e.Order);
                state.Debts.Owe(BargainState.OrderDebt, e.Order.Value);
                break;
            case BargainOrderPlaced e:
                state.Debts.Settle(BargainState.OrderDebt, e.Order.Value);
                break;
            case BargainOrderRefused e:
                BackTo(state, e.Back, e.Order, e.At);
                if (state.RefusedOrders.Count == RefusedOrdersMax) state.RefusedOrders.RemoveAt(0);
                state.RefusedOrders.Add(new(e.Order, e.Why));
                break;
            case BargainOrderReleased e:
                BackTo(state, e.Back, e.Order, e.At);
                state.LostOrders.Add(e.Order);
                break;
            case BargainPaid e:
                state.Debts.Settle(BargainState.OrderDebt, e.Order.Value);
                End(state, BargainStatus.Paid);
                break;
            case BargainClosed:
                state.Debts.Settle(BargainState.CloseDebt, state.Launch!.Campaign.Value);
                break;
            default:
                throw new UnreachableException($"Unknown event {@event.GetType().Name}.");
        }

        return state;
    }

    private static BargainDecision Cut(BargainStarted launch, int taken, long price, bool hasPlace, ShopperId helper, int weight, string? device, DateTimeOffset now)
    {
        var used = Math.Min(weight, launch.Slots.Length - taken);
        var fen = 0L;
        foreach (var slot in launch.Slots.AsSpan(taken, used)) fen += slot;
        var cut = new PriceCut(helper, taken + 1, used, fen, price - fen, device, now);
        if (taken + used < launch.Slots.Length) return cut;
        if (!hasPlace) return new LastAssistHeld(cut);

        return (BargainEvent[])[cut, Succeed(launch.Terms, now)];
    }

    private static BargainSucceeded Succeed(BargainTerms terms, DateTimeOffset now) => new(now.AddMinutes(terms.PayWindowMinutes), now);

    private static BargainStatus BeforeOrder(BargainState state) => state.PayBefore is null ? BargainStatus.Running : BargainStatus.Succeeded;

    /// <summary>The end that came while an order was open or asked for a place, if one did.</summary>
    private static BargainEvent[] OverBy(BargainState state, DateTimeOffset now) => state switch
    {
        { PayBefore: { } payBefore } => now >= payBefore ? [new BargainLapsed(now)] : [],
        { KillNoted: true } => [new BargainCancelled(now)],
        _ => now >= state.Launch!.EndsAt ? [new BargainExpired(now)] : [],
    };

    public static bool IsOver(BargainStatus status) =>
        status is BargainStatus.Paid or BargainStatus.Expired or BargainStatus.Cancelled or BargainStatus.Lapsed or BargainStatus.SoldOut;

    private static void BackTo(BargainState state, BargainStatus status, OrderId order, DateTimeOffset at)
    {
        state.Status = status;
        state.ReopenedAt = at;
        state.Order = null;
        state.HeldOrder = null;
        state.Debts.Settle(BargainState.OrderDebt, order.Value);
    }

    private static void End(BargainState state, BargainStatus status)
    {
        state.Status = status;
        state.Debts.Owe(BargainState.CloseDebt, state.Launch!.Campaign.Value);
    }
}
