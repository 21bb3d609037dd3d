using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using GroupBuyDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.GroupBuy.GroupRoomEvent>;
using Reply = Campaigns.Grains.Kernel.Answer;

namespace Campaigns.Grains.GroupBuy;

/// <summary>The shell of the room: which rule decides what, what is answered, what is owed to whom.</summary>
internal sealed class GroupBuyGrain() : GrainDefinition<GroupRoomState, GroupRoomEvent>(GroupBuyJson.Default)
{
    public override string Kind => "group-room";

    public override GroupBuyDecision Decide(GroupRoomState state, object command, in Turn turn) => command switch
    {
        HoldSeat c => GroupBuyRules.Decide(state, c, turn.Now),
        OrderPaid c => GroupBuyRules.Decide(state, c, turn.Now),
        OrderReleased c => GroupBuyRules.Decide(state, c, turn.Now),
        LeaveGroup c => GroupBuyRules.Decide(state, c, turn.Now),
        OfferLatePayment c => GroupBuyRules.Decide(state, c, turn.Now),
        CancelParticipation c => GroupBuyRules.Decide(state, c, turn.Now),
        Wake c => GroupBuyRules.Decide(state, c, turn.Now),

        // A pause works where the units are claimed: who is in a room may still pay.
        GetGroupRoom or CheckSeat or SetPaused => GroupBuyDecision.Nothing,
        _ => throw Unknown(command),
    };

    public override GroupRoomState Evolve(GroupRoomState state, GroupRoomEvent @event) => GroupBuyRules.Evolve(state, @event);

    public override Reply Answer(GroupRoomState state, object command, in Turn turn) => command switch
    {
        HoldSeat c => AnswerTo(state, c),
        OfferLatePayment c => AnswerTo(state, c, turn.Self.Shop),
        CheckSeat c when GroupBuyRules.WhyNotHold(state, c.Seat, turn.Now) is { } refusal => refusal,
        CheckSeat c => Reply.Of(new SeatCheck(state.Opened?.Campaign ?? c.Seat.Founds!.Value, state.Knows(c.Seat.Order))),
        GetGroupRoom when state.Opened is null && state.Seats.Count > 0 => Reply.Later,
        _ when state.Opened is null => GrainRefusal.NotFound,
        GetGroupRoom => Reply.Of(View(state, turn.Now)),
        _ => Reply.Of(Done.Instance),
    };

    public override DateTimeOffset? Deadline(GroupRoomState state) => state.Status == GroupRoomStatus.Open ? state.Opened!.EndsAt : null;

    public override Debts Owes(GroupRoomState state) => state.Debts;

    public override Owed Message(GroupRoomState state, Debt debt, GrainId self)
    {
        var (order, campaign) = (OrderId.Of(debt.About), state.Campaign.In(self.Shop));
        return debt.What switch
        {
            GroupRoomState.ClaimDebt when (state.SeatOf(order) ?? state.DepartingOf(order)!) is var seat => new(campaign, new ClaimUnits(order.Value, self.Key, seat.Shopper, seat.Quantity, seat.ClaimedAt)),
            GroupRoomState.ReturnDebt => new(campaign, new ReturnUnits(order.Value, self.Key, state.Returning.GetValueOrDefault(order.Value))),
            GroupRoomState.OrderDebt => new(order.In(self.Shop), PlaceOrder(state, state.SeatOf(order) ?? state.DepartingOf(order)!, self)),
            GroupRoomState.VoidDebt => new(order.In(self.Shop), new VoidOrder(state.VoidReason, self, TimesOut: state.Status != GroupRoomStatus.Cancelled && state.Terms.LatePayment == LatePaymentPolicy.Reroute)),
            GroupRoomState.ConfirmDebt => new(order.In(self.Shop), new ConfirmGroup(GroupBuyRules.RefundOf(state, state.SeatOf(order)!))),
            GroupRoomState.CloseDebt when state.Status == GroupRoomStatus.Completed => new(campaign, new CloseParticipation(self.Key, Used: true, [.. state.Seats.Select(s => s.Order.Value)])),
            GroupRoomState.CloseDebt => new(campaign, new CloseParticipation(self.Key, Used: false)),
            _ => throw Unknown(debt),
        };
    }

    public override GroupBuyDecision Settle(GroupRoomState state, Debt debt, in Receipt receipt, in Turn turn)
    {
        var order = OrderId.Of(debt.About);
        return debt.What switch
        {
            GroupRoomState.ClaimDebt => GroupBuyRules.ClaimDecided(state, order, receipt.Reply as Admission, receipt.Refusal, turn.Now),
            GroupRoomState.OrderDebt => GroupBuyRules.OrderDecided(state, order, receipt.Refusal, turn.Now),

            // Neither units nor money may be given up because of a no that no rule gives: it is sent again.
            _ when receipt.Refusal is not null => GroupBuyDecision.Nothing,
            GroupRoomState.ReturnDebt => new SeatUnitsReturned(order),

            // An order says so when the room has heard that it is released, which settles the debt: there is nothing left to note.
            GroupRoomState.VoidDebt => GroupBuyDecision.Nothing,
            GroupRoomState.ConfirmDebt => new SeatOrderConfirmed(order),
            GroupRoomState.CloseDebt => new GroupRoomClosed(),
            _ => throw Unknown(debt),
        };
    }

    public override (string Name, object Data)? Live(GroupRoomState state, GroupRoomEvent @event) => @event switch
    {
        SeatHeld e when state.SeatOf(e.Order) is not null => ("joined", View(state, e.At)),
        SeatPaid e => ("paid", View(state, e.At)),
        SeatLeft e => ("left", View(state, e.At)),
        SeatReleased { WasMember: true } e => ("left", View(state, e.At)),
        GroupRoomCompleted e => ("completed", View(state, e.At)),
        GroupRoomFailed e => ("failed", View(state, e.At)),
        GroupRoomCancelled e => ("cancelled", View(state, e.At)),
        _ => null,
    };

    /// <summary>A campaign that refused leaves nothing behind, but for the late money that a copy could offer again.</summary>
    public override bool Forgotten(GroupRoomState state) => state.Opened is null && state.Seats.Count == 0 && state.Past.Remembered.Count == 0;

    private static Reply AnswerTo(GroupRoomState state, HoldSeat command)
    {
        if (state.RefusedSeats.Find(r => r.Order == command.Order) is { } refused) return refused.Why;
        if (state.SeatOf(command.Order) is { } seat) return seat.Stage < SeatStage.Held ? Reply.Later : Reply.Of(Done.Instance);
        if (state.DepartingOf(command.Order) is { Stage: >= SeatStage.Held } || state.LostOrders.Contains(command.Order)) return Reply.Of(Done.Instance);

        return state.Opened is null ? GrainRefusal.NotFound : GroupBuyRefusal.RoomClosed;
    }

    /// <remarks>An order is sent on, or given up, when its units are back: the next room claims them under the same number.</remarks>
    private static Reply AnswerTo(GroupRoomState state, OfferLatePayment command, ShopId shop)
    {
        if (state.SeatOf(command.Order) is { } seat) return seat.Stage == SeatStage.Claiming ? Reply.Later : Reply.Of(new LatePaymentAnswer(null));

        // It will be voided, which it hears when it has taken the place.
        if (state.DepartingOf(command.Order) is { Stage: > SeatStage.Claiming }) return Reply.Of(new LatePaymentAnswer(null));
        if (state.DepartingOf(command.Order) is not null || state.Debts.Contains(GroupRoomState.ReturnDebt, command.Order.Value)) return Reply.Later;
        if (state.RefusedSeats.Find(r => r.Order == command.Order) is { } refused) return refused.Why;
        if (state.Opened is null) return GrainRefusal.NotFound;
        if (state.Terms.LatePayment == LatePaymentPolicy.Reroute) return Reply.Of(new LatePaymentAnswer(state.Campaign.In(shop)));

        return state.Status == GroupRoomStatus.Open ? GroupBuyRefusal.RoomFull : GroupBuyRefusal.RoomClosed;
    }

    private static PlaceOrder PlaceOrder(GroupRoomState state, Seat seat, GrainId self)
    {
        var (room, price) = (state.Opened!, state.PriceOf(seat));
        var discount = (room.ListPriceFen - price) * seat.Quantity;
        return new(
            seat.Shopper,
            "group-buy",
            self,
            room.Campaign.Value,
            [new OrderLine(room.Sku, room.Title, seat.Quantity, room.ListPriceFen, room.ListPriceFen * seat.Quantity)],
            discount > 0 ? [new DiscountLine(seat.IsFounder && room.Terms.LeaderPriceFen is not null ? "团长优惠" : "拼团优惠", "merchant", discount)] : [],
            room.Terms.SeatHoldMinutes ?? seat.PaymentWindowMinutes,
            AwaitsGroup: true,
            AsksLate: true,
            EarnsCommission: room.Terms.EarnsCommission,
            WantedAt: seat.ClaimedAt);
    }

    private static GroupRoomView View(GroupRoomState state, DateTimeOffset now)
    {
        var (room, terms, paid) = (state.Opened!, state.Terms, state.Paid);
        var held = state.Seats.Count(s => s.Stage == SeatStage.Held);
        return new(
            room.Id,
            room.Campaign,
            state.Leader,
            state.Status,
            room.Sku,
            terms.Size,
            terms.Capacity,
            paid,
            held,
            state.Status == GroupRoomStatus.Open ? terms.Capacity - state.Seats.Count : 0,
            [.. state.Seats.Where(s => s.Stage >= SeatStage.Held).Select(s => new GroupMember(s.Shopper, s.Stage >= SeatStage.Paid))],
            state.VirtualMembers,
            room.ListPriceFen,
            state.Status == GroupRoomStatus.Completed ? state.FinalPriceFen : terms.PriceAt(paid),
            terms.Ladder,
            room.At,
            room.EndsAt,
            now);
    }
}
