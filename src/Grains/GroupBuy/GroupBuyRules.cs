using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using static Campaigns.Grains.GroupBuy.GroupBuyRefusal;
using static Campaigns.Grains.Kernel.GrainRefusal;
using GroupBuyDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.GroupBuy.GroupRoomEvent>;

namespace Campaigns.Grains.GroupBuy;

/// <summary>How far a seat is. Others see it from <c>Held</c> on.</summary>
internal enum SeatStage
{
    /// <summary>The campaign is asked for its units.</summary>
    Claiming = 1,

    /// <summary>Its order is being opened.</summary>
    Ordering = 2,

    /// <summary>The payment is awaited.</summary>
    Held = 3,

    Paid = 4,

    /// <summary>It was paid in a room that came to nothing, and its order is no more.</summary>
    Released = 5,
}

/// <param name="PaidFen">for all its units, once it is paid</param>
/// <param name="IsLate">its order was there before: it is not placed, it has late money</param>
internal sealed record Seat(OrderId Order, ShopperId Shopper, int Quantity, int PaymentWindowMinutes, bool IsFounder, bool IsLate, SeatStage Stage, long PaidFen = 0, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] DateTimeOffset ClaimedAt = default);

internal sealed record RefusedSeat(OrderId Order, Refusal Why);

/// <summary>Owned by one grain and changed in place. Lists, because a room has 50 seats at most.</summary>
internal sealed class GroupRoomState : IOrderSource, IUnitsClaimant
{
    public const string ClaimDebt = "claim-units";
    public const string ReturnDebt = "return-units";
    public const string OrderDebt = "place-order";
    public const string VoidDebt = "void-order";
    public const string ConfirmDebt = "confirm-group";
    public const string CloseDebt = "close";

    /// <summary>Whom the first seat asked, before the room is opened.</summary>
    public CampaignId Campaign { get; set; }

    /// <summary>What was agreed when the campaign let the room in; null before.</summary>
    public GroupRoomOpened? Opened { get; set; }

    /// <summary>0 before the room is opened.</summary>
    public GroupRoomStatus Status { get; set; }

    public ShopperId Leader { get; set; }

    /// <summary>In the order they were taken. Once the room is over, those who had paid.</summary>
    public List<Seat> Seats { get; set; } = [];

    /// <summary>Those who are no members any more and whose order, or whose units, are not settled yet.</summary>
    public List<Seat> Departing { get; set; } = [];

    /// <summary>Orders that were open once and came to nothing: none of them may be placed again. The newest are remembered.</summary>
    public List<OrderId> LostOrders { get; set; } = [];

    /// <summary>Why the newest seats were refused, for those who still wait for the answer.</summary>
    public List<RefusedSeat> RefusedSeats { get; set; } = [];

    /// <summary>Why the orders of a room that came to nothing are voided.</summary>
    public string VoidReason { get; set; } = "";

    /// <summary>Of one unit, once completed.</summary>
    public long FinalPriceFen { get; set; }

    public int VirtualMembers { get; set; }

    /// <summary>The campaign knows how it ended.</summary>
    public bool IsClosed { get; set; }

    /// <summary>When the newest seat was claimed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset ClaimedAt { get; set; }

    /// <summary>When the units that are going back were claimed.</summary>
    public Dictionary<Guid, DateTimeOffset> Returning { get; set; } = [];

    /// <summary>Late money that was offered: each offer is taken or refused once.</summary>
    public Past Past { get; set; } = new();

    public Debts Debts { get; set; } = new();

    [JsonIgnore]
    public GroupBuyTerms Terms => Opened!.Terms;

    [JsonIgnore]
    public bool IsOver => Status is GroupRoomStatus.Completed or GroupRoomStatus.Failed or GroupRoomStatus.Cancelled;

    [JsonIgnore]
    public int Paid => Seats.Count(s => s.Stage >= SeatStage.Paid);

    public bool IsOpen(DateTimeOffset now) => Status == GroupRoomStatus.Open && now < Opened!.EndsAt;

    public Seat? SeatOf(OrderId order) => Seats.Find(s => s.Order == order);

    public Seat? SeatOf(ShopperId shopper) => Seats.Find(s => s.Shopper == shopper);

    public Seat? DepartingOf(OrderId order) => Departing.Find(s => s.Order == order);

    public bool Knows(OrderId order) => SeatOf(order) is not null || DepartingOf(order) is not null || LostOrders.Contains(order);

    public bool Stands(OrderId order) => SeatOf(order) is { Stage: < SeatStage.Released } || DepartingOf(order) is not null;

    public bool KnowsPaid(OrderId order) => SeatOf(order) is not { Stage: < SeatStage.Paid };

    public bool KnowsLost(OrderId order) => !Stands(order);

    /// <summary>What a unit of this seat costs before anything is refunded.</summary>
    public long PriceOf(Seat seat) => seat.IsFounder ? Terms.LeaderPriceFen ?? Terms.GroupPriceFen : Terms.GroupPriceFen;

    public bool Claims(Guid order) =>
        Debts.Contains(ClaimDebt, order) || Debts.Contains(ReturnDebt, order) || Seats.Exists(s => s.Order.Value == order && s.Stage is > SeatStage.Claiming and < SeatStage.Released) || Departing.Exists(s => s.Order.Value == order);
}

/// <summary>Every rule of the group-buy. Pure: no clock, no chance, no I/O.</summary>
internal static class GroupBuyRules
{
    /// <summary>Refusals that are kept for callers who still wait: as many as can wait for one turn of their lane.</summary>
    public const int RefusedSeatsMax = GroupBuyTerms.SizeMax + DepartingMax;

    /// <summary>Those who have left are settled within a second; more than so many at once is somebody's game.</summary>
    public const int DepartingMax = 100;

    /// <summary>A repeat of a command comes within seconds; 200 lost orders are 8 KB.</summary>
    public const int LostOrdersMax = 200;

    public const string NotFilled = "the group was not completed in time";
    public const string CompletedWithout = "the group was completed without this order";
    public const string CampaignStopped = "the campaign was stopped";
    public const string Empty = "nobody is left in the group";

    public static GroupBuyDecision Decide(GroupRoomState state, HoldSeat command, DateTimeOffset now)
    {
        if (WhyNotHold(state, command, now) is { } refusal) return refusal;
        if (state.Knows(command.Order)) return GroupBuyDecision.Nothing;

        return new SeatClaimed(state.Opened?.Campaign ?? command.Founds!.Value, command.Order, command.Shopper, command.Quantity, command.PaymentWindowMinutes, Founds: state.Opened is null, IsLate: false, Past.After(state.ClaimedAt, now));
    }

    /// <summary>Why this seat is not taken, in the order of precedence; null if it is, or was.</summary>
    public static Refusal? WhyNotHold(GroupRoomState state, HoldSeat command, DateTimeOffset now)
    {
        if (state.Opened is null && command.Founds is null) return Refusal.Of(NotFound);
        if (state.Knows(command.Order)) return null;
        if (command.Quantity is < 1 or > CampaignRules.UnitsMax) return Refusal.Invalid("quantity", "1 to 10,000 units.");
        if (state.Opened is null) return state.Seats.Count > 0 ? Refusal.Of(Busy) : null;
        if (!state.IsOpen(now)) return Refusal.Of(RoomClosed);
        if (state.SeatOf(command.Shopper) is not null) return Refusal.Of(AlreadyMember);
        if (state.Terms.Audience == GroupAudience.NewCustomers && !command.IsNew) return Refusal.Of(NewCustomersOnly);
        if (state.Seats.Count >= state.Terms.Capacity) return Refusal.Of(RoomFull);
        if (state.Departing.Count >= DepartingMax) return Refusal.Of(Busy);

        return null;
    }

    /// <remarks>Nothing may also mean that there is no seat: the answer says so.</remarks>
    public static GroupBuyDecision Decide(GroupRoomState state, OfferLatePayment command, DateTimeOffset now)
    {
        if (state.SeatOf(command.Order) is not null) return GroupBuyDecision.Nothing;
        if (state.DepartingOf(command.Order) is not null) return GroupBuyDecision.Nothing;
        if (state.Past.Has(command.Order.Value, command.OfferedAt)) return GroupBuyDecision.Nothing;
        if (state.Opened is null && command.Purpose is null) return GroupBuyDecision.Nothing;
        if (state.Opened is null && state.Seats.Count > 0) return Busy;
        if (state.Opened is null) return new SeatClaimed(CampaignId.Of(command.Purpose!.Value), command.Order, command.Buyer, command.Quantity, 0, Founds: true, IsLate: true, Past.After(state.ClaimedAt, now), command.OfferedAt);
        if (state.Terms.Audience == GroupAudience.NewCustomers && !state.LostOrders.Contains(command.Order)) return GroupBuyDecision.Nothing; // whoever may not join founds a room of their own
        if (!state.IsOpen(now)) return GroupBuyDecision.Nothing;
        if (state.SeatOf(command.Buyer) is not null) return new LateSeatRefused(command.Order, command.OfferedAt);
        if (state.Seats.Count >= state.Terms.Capacity) return new LateSeatRefused(command.Order, command.OfferedAt);
        if (state.Departing.Count >= DepartingMax) return Busy;

        return new SeatClaimed(state.Campaign, command.Order, command.Buyer, command.Quantity, 0, Founds: false, IsLate: true, Past.After(state.ClaimedAt, now), command.OfferedAt);
    }

    public static GroupBuyDecision Decide(GroupRoomState state, OrderPaid command, DateTimeOffset now)
    {
        if (state.Opened is null) return NotFound;
        if (state.SeatOf(command.Order) is not { Stage: < SeatStage.Paid }) return GroupBuyDecision.Nothing;

        var paid = new SeatPaid(command.Order, command.Amount.Fen, now);
        return state.Paid + 1 < state.Terms.Capacity ? paid : new GroupRoomEvent[] { paid, Complete(state, state.Terms.Capacity, now) };
    }

    /// <remarks>A room that is completed stays so: what happens to one order afterwards is between its buyer and the merchant.</remarks>
    public static GroupBuyDecision Decide(GroupRoomState state, OrderReleased command, DateTimeOffset now)
    {
        if (state.Opened is null) return NotFound;
        if ((state.SeatOf(command.Order) ?? state.DepartingOf(command.Order)) is { IsLate: true } && !command.WasLate) return GroupBuyDecision.Nothing;
        if (state.DepartingOf(command.Order) is { Stage: > SeatStage.Claiming }) return new SeatReleased(command.Order, WasMember: false, state.Leader, now);
        if (state.SeatOf(command.Order) is not { Stage: > SeatStage.Claiming and < SeatStage.Released } seat) return GroupBuyDecision.Nothing;
        if (state.Status == GroupRoomStatus.Completed) return GroupBuyDecision.Nothing;
        if (state.IsOver) return new SeatReleased(command.Order, WasMember: false, state.Leader, now);

        return (GroupRoomEvent[])[new SeatReleased(command.Order, seat.Stage >= SeatStage.Held, LeaderWithout(state, seat), now), .. OverIfEmptyWithout(state, seat, now)];
    }

    public static GroupBuyDecision Decide(GroupRoomState state, LeaveGroup command, DateTimeOffset now)
    {
        if (state.Opened is null) return NotFound;
        if (state.SeatOf(command.Order) is not { Stage: < SeatStage.Released } seat) return GroupBuyDecision.Nothing;
        if (!state.IsOpen(now)) return RoomClosed;

        return (GroupRoomEvent[])[new SeatLeft(command.Order, LeaderWithout(state, seat), now), .. OverIfEmptyWithout(state, seat, now)];
    }

    /// <remarks>Asked again until it is known whether there is a room at all.</remarks>
    public static GroupBuyDecision Decide(GroupRoomState state, CancelParticipation _, DateTimeOffset now)
    {
        if (state.Opened is null) return state.Seats.Count > 0 ? Busy : NotFound;
        if (state.IsOver) return GroupBuyDecision.Nothing;

        return new GroupRoomCancelled(CampaignStopped, now);
    }

    public static GroupBuyDecision Decide(GroupRoomState state, Wake _, DateTimeOffset now)
    {
        if (state.Status != GroupRoomStatus.Open) return GroupBuyDecision.Nothing;
        if (now < state.Opened!.EndsAt) return GroupBuyDecision.Nothing;
        if (state.Paid >= state.Terms.Size) return Complete(state, state.Paid, now);
        if (state.Paid >= state.Terms.VirtualCompletion?.RealMembers) return Complete(state, state.Paid, now);

        return new GroupRoomFailed(now);
    }

    /// <summary>The campaign has said whether there are units. Its word counts even if the deadline has passed while it was on its way.</summary>
    /// <param name="admission">null if it refused</param>
    public static GroupBuyDecision ClaimDecided(GroupRoomState state, OrderId order, Admission? admission, Refusal? refusal, DateTimeOffset now)
    {
        if (state.SeatOf(order) is not { } seat) return refusal is null ? new SeatReleased(order, WasMember: false, state.Leader, now) : new SeatRefused(order, refusal, ReturnsUnits: false, state.Leader);
        if (refusal is not null) return Refuse(state, seat, refusal, returnsUnits: false, now);

        return (GroupRoomEvent[])[.. state.Opened is null ? [Open(admission!, seat, now)] : Array.Empty<GroupRoomEvent>(), new SeatGranted(order), .. seat.IsLate ? [new SeatHeld(order, now)] : Array.Empty<GroupRoomEvent>()];
    }

    public static GroupBuyDecision OrderDecided(GroupRoomState state, OrderId order, Refusal? refusal, DateTimeOffset now)
    {
        if (refusal is null) return new SeatHeld(order, now);
        if (state.SeatOf(order) is not { } seat) return new SeatRefused(order, refusal, ReturnsUnits: true, state.Leader);

        return Refuse(state, seat, refusal, returnsUnits: true, now);
    }

    /// <summary>What a member of a completed room gets back of what was paid: nobody pays more than the final price.</summary>
    public static Money RefundOf(GroupRoomState state, Seat seat) => new(Math.Max(0, seat.PaidFen - (state.FinalPriceFen * seat.Quantity)));

    public static GroupRoomState Evolve(GroupRoomState state, GroupRoomEvent @event)
    {
        switch (@event)
        {
            case SeatClaimed e:
                Claim(state, e);
                break;
            case GroupRoomOpened e:
                state.Opened = e;
                state.Status = GroupRoomStatus.Open;
                break;
            case SeatGranted e:
                Move(state, e.Order, SeatStage.Ordering);
                state.Debts.Settle(GroupRoomState.ClaimDebt, e.Order.Value);
                if (!state.SeatOf(e.Order)!.IsLate) state.Debts.Owe(GroupRoomState.OrderDebt, e.Order.Value);
                break;
            case SeatRefused e:
                if (e.ReturnsUnits) Return(state, e.Order);
                Remove(state, e.Order);
                state.Leader = e.Leader;
                if (state.RefusedSeats.Count == RefusedSeatsMax) state.RefusedSeats.RemoveAt(0);
                state.RefusedSeats.Add(new(e.Order, e.Why));
                break;
            case SeatHeld e:
                Move(state, e.Order, SeatStage.Held);
                state.Debts.Settle(GroupRoomState.OrderDebt, e.Order.Value);
                break;
            case SeatPaid e:
                Move(state, e.Order, SeatStage.Paid, e.PaidFen);
                state.Debts.Settle(GroupRoomState.OrderDebt, e.Order.Value);
                break;
            case SeatLeft e:
                state.Leader = e.Leader;
                Depart(state, state.SeatOf(e.Order)!);
                break;
            case SeatReleased e:
                Release(state, e);
                break;
            case LateSeatRefused e:
                state.Past.Note(e.Order.Value, e.OfferedAt);
                break;
            case SeatUnitsReturned e:
                state.Debts.Settle(GroupRoomState.ReturnDebt, e.Order.Value);
                state.Returning.Remove(e.Order.Value);
                break;
            case GroupRoomCompleted e:
                (state.FinalPriceFen, state.VirtualMembers) = (e.PriceFen, e.VirtualMembers);
                End(state, GroupRoomStatus.Completed, CompletedWithout);
                break;
            case GroupRoomFailed:
                End(state, GroupRoomStatus.Failed, NotFilled);
                break;
            case GroupRoomCancelled e:
                End(state, GroupRoomStatus.Cancelled, e.Reason);
                break;
            case SeatOrderConfirmed e:
                state.Debts.Settle(GroupRoomState.ConfirmDebt, e.Order.Value);
                break;
            case GroupRoomClosed:
                state.IsClosed = true;
                state.Debts.Settle(GroupRoomState.CloseDebt, state.Campaign.Value);
                break;
            default:
                throw new UnreachableException($"Unknown event {@event.GetType().Name}.");
        }

        // The campaign hears of the end last: told earlier, it could give the reservation back while an order still holds units out of it.
        if (state is { IsOver: true, IsClosed: false, Debts.Count: 0 }) state.Debts.Owe(GroupRoomState.CloseDebt, state.Campaign.Value);
        return state;
    }

    private static GroupRoomOpened Open(Admission admission, Seat founder, DateTimeOffset now)
    {
        var terms = (GroupBuyTerms)admission.Plan.Terms;
        var ownEnd = now.AddMinutes(terms.TtlMinutes);
        return new(
            GroupRoomId.Of(admission.Id),
            admission.Campaign,
            admission.Revision,
            founder.Shopper,
            admission.Plan.Sku,
            admission.Facts.SkuTitle,
            admission.Facts.ListPrice.Fen,
            terms,
            ownEnd < admission.Plan.EndsAt ? ownEnd : admission.Plan.EndsAt,
            now);
    }

    private static GroupRoomCompleted Complete(GroupRoomState state, int paid, DateTimeOffset now) => new(state.Terms.PriceAt(paid), Math.Max(0, state.Terms.Size - paid), now);

    private static GroupRoomEvent[] Refuse(GroupRoomState state, Seat seat, Refusal why, bool returnsUnits, DateTimeOffset now) =>
        [new SeatRefused(seat.Order, why, returnsUnits, LeaderWithout(state, seat)), .. OverIfEmptyWithout(state, seat, now)];

    private static GroupRoomEvent[] OverIfEmptyWithout(GroupRoomState state, Seat seat, DateTimeOffset now) =>
        state.Status == GroupRoomStatus.Open && state.Seats.TrueForAll(s => s.Order == seat.Order) ? [new GroupRoomCancelled(Empty, now)] : [];

    /// <summary>The room passes from its leader to whoever has paid first, else to whoever came first.</summary>
    private static ShopperId LeaderWithout(GroupRoomState state, Seat leaving)
    {
        if (leaving.Shopper != state.Leader) return state.Leader;

        var others = state.Seats.FindAll(s => s.Order != leaving.Order);
        return (others.Find(s => s.Stage == SeatStage.Paid) ?? others.FirstOrDefault())?.Shopper ?? state.Leader;
    }

    private static void Claim(GroupRoomState state, SeatClaimed e)
    {
        if (e.Founds)
        {
            state.Campaign = e.Campaign;
            state.Leader = e.Shopper;
            state.RefusedSeats.Clear();
        }

        state.RefusedSeats.RemoveAll(r => r.Order == e.Order);
        state.LostOrders.Remove(e.Order);
        state.Seats.Add(new(e.Order, e.Shopper, e.Quantity, e.PaymentWindowMinutes, e.Founds, e.IsLate, SeatStage.Claiming, ClaimedAt: e.At));
        state.ClaimedAt = e.At;
        state.Past.Note(e.Order.Value, e.OfferedAt);
        state.Debts.Owe(GroupRoomState.ClaimDebt, e.Order.Value);
    }

    private static void Move(GroupRoomState state, OrderId order, SeatStage stage, long paidFen = 0)
    {
        foreach (var seats in (ReadOnlySpan<List<Seat>>)[state.Seats, state.Departing])
            if (seats.FindIndex(s => s.Order == order) is >= 0 and var i) seats[i] = seats[i] with { Stage = stage, PaidFen = paidFen };
    }

    private static void Depart(GroupRoomState state, Seat seat)
    {
        state.Seats.Remove(seat);
        state.Departing.Add(seat);
    }

    private static void Return(GroupRoomState state, OrderId order)
    {
        state.Returning[order.Value] = (state.SeatOf(order) ?? state.DepartingOf(order))?.ClaimedAt ?? default;
        state.Debts.Owe(GroupRoomState.ReturnDebt, order.Value);
    }

    private static void Release(GroupRoomState state, SeatReleased e)
    {
        Return(state, e.Order);
        if (state.IsOver && state.SeatOf(e.Order) is { } paid)
        {
            Move(state, e.Order, SeatStage.Released, paid.PaidFen);
            SettleOrder(state, e.Order);
        }
        else
        {
            if ((state.SeatOf(e.Order) ?? state.DepartingOf(e.Order)) is { Stage: > SeatStage.Claiming })
            {
                if (state.LostOrders.Count == LostOrdersMax) state.LostOrders.RemoveAt(0);
                state.LostOrders.Add(e.Order);
            }

            Remove(state, e.Order);
        }

        state.Leader = e.Leader;
    }

    private static void Remove(GroupRoomState state, OrderId order)
    {
        state.Seats.RemoveAll(s => s.Order == order);
        state.Departing.RemoveAll(s => s.Order == order);
        SettleOrder(state, order);
    }

    private static void SettleOrder(GroupRoomState state, OrderId order)
    {
        foreach (var what in (ReadOnlySpan<string>)[GroupRoomState.ClaimDebt, GroupRoomState.OrderDebt, GroupRoomState.VoidDebt]) state.Debts.Settle(what, order.Value);
    }

    private static void End(GroupRoomState state, GroupRoomStatus status, string reason)
    {
        (state.Status, state.VoidReason) = (status, reason);
        foreach (var seat in state.Seats.FindAll(s => s.Stage < SeatStage.Paid)) Depart(state, seat);
        foreach (var seat in state.Seats) state.Debts.Owe(status == GroupRoomStatus.Completed ? GroupRoomState.ConfirmDebt : GroupRoomState.VoidDebt, seat.Order.Value);

        // A seat whose units are not granted yet has no order.
        foreach (var seat in state.Departing.Where(s => s.Stage > SeatStage.Claiming)) state.Debts.Owe(GroupRoomState.VoidDebt, seat.Order.Value);
    }
}
