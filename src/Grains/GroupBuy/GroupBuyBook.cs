using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.Grains.GroupBuy;

/// <summary>What must be true of a room: nobody is in it twice or too many, and its units and orders are what others say.</summary>
internal sealed class GroupBuyBook : Book<GroupRoomState>
{
    public override string Kind => "group-room";

    public override IEnumerable<string> WrongWith(GrainId grain, GroupRoomState state, IBooks books)
    {
        if (state.Opened is null) return Founding(state);

        return [.. Members(state), .. End(state), .. Participation(grain, state, books), .. Units(grain, state, books), .. Orders(grain, state, books)];
    }

    private static IEnumerable<string> Founding(GroupRoomState state)
    {
        if (state.Seats.Count > 1) yield return $"it is not open and has {state.Seats.Count} seats";
        foreach (var seat in state.Seats)
            if (seat.Stage != SeatStage.Claiming) yield return $"it is not open and the seat of order {seat.Order} is {seat.Stage}";
        if (state.Departing.Count > 0) yield return "it is not open and somebody is leaving";
    }

    private static IEnumerable<string> Members(GroupRoomState state)
    {
        if (state.Seats.Count > state.Terms.Capacity) yield return $"it has {state.Seats.Count} seats and room for {state.Terms.Capacity}";
        foreach (var shopper in state.Seats.GroupBy(s => s.Shopper).Where(g => g.Count() > 1)) yield return $"{shopper.Key} has {shopper.Count()} seats";
        foreach (var order in state.Seats.Concat(state.Departing).GroupBy(s => s.Order).Where(g => g.Count() > 1)) yield return $"the order {order.Key} has {order.Count()} seats";
        if (state.Seats.Count > 0 && !state.IsOver && state.SeatOf(state.Leader) is null) yield return $"its leader {state.Leader} has no seat";

        foreach (var seat in state.Seats.Concat(state.Departing))
        {
            if (seat.Stage == SeatStage.Claiming && !Owes(state, GroupRoomState.ClaimDebt, seat)) yield return $"the seat of order {seat.Order} waits for its units and does not ask for them";
            if (seat.Stage == SeatStage.Ordering && !Owes(state, GroupRoomState.OrderDebt, seat)) yield return $"the seat of order {seat.Order} waits for its order and does not place it";
        }
    }

    private static IEnumerable<string> End(GroupRoomState state)
    {
        var (paid, terms) = (state.Seats.Count(s => s.Stage == SeatStage.Paid), state.Terms);
        switch (state.Status)
        {
            case GroupRoomStatus.Open:
                if (paid >= terms.Capacity) yield return $"all {paid} seats are paid and it is not complete";
                if (state.Seats.Count == 0) yield return "it is open and nobody is in it";
                break;
            case GroupRoomStatus.Completed:
                if (paid + state.VirtualMembers < terms.Size) yield return $"it is complete with {paid} of {terms.Size} members";
                if (state.VirtualMembers > 0 && !(paid >= terms.VirtualCompletion?.RealMembers)) yield return $"it is complete with {paid} members, and {terms.VirtualCompletion?.RealMembers ?? terms.Size} are needed";
                if (state.FinalPriceFen != terms.PriceAt(paid)) yield return $"its final price is {state.FinalPriceFen} fen, and {paid} members make it {terms.PriceAt(paid)}";
                break;
        }

        if (!state.IsOver) yield break;
        if (state.Seats.Exists(s => s.Stage < SeatStage.Paid)) yield return $"it is {state.Status} and keeps a seat that is not paid";
        if (state.IsClosed && state.Departing.Count > 0) yield return $"it is closed and {state.Departing.Count} who left are not settled";
        if (state is { IsClosed: false, Debts.Count: 0 }) yield return $"it is {state.Status}, its campaign does not know and is not being told";
    }

    private static IEnumerable<string> Participation(GrainId grain, GroupRoomState state, IBooks books)
    {
        if (books.Of<CampaignState>(state.Campaign.In(grain.Shop)) is not { } campaign)
        {
            yield return $"its campaign {state.Campaign} does not exist";
            yield break;
        }

        if (!campaign.Participations.TryGetValue(grain.Key, out var participation))
        {
            if (!campaign.HasForgotten || !state.IsOver) yield return $"its campaign {state.Campaign} does not know it";
        }
        else if (state.IsClosed != participation.IsOver && !state.Debts.Contains(GroupRoomState.CloseDebt, state.Campaign.Value)) yield return $"it is {state.Status}, and its campaign says it is {(participation.IsOver ? "over" : "running")}";
    }

    /// <remarks>That no claim outlives its seat is the campaign's to say: it knows of every claim.</remarks>
    private static IEnumerable<string> Units(GrainId grain, GroupRoomState state, IBooks books)
    {
        if (books.Of<CampaignState>(state.Campaign.In(grain.Shop)) is not { } campaign || state.IsClosed || state.Debts.Contains(GroupRoomState.CloseDebt, state.Campaign.Value)) yield break;

        foreach (var seat in state.Seats.Concat(state.Departing).Where(s => s.Stage is > SeatStage.Claiming and < SeatStage.Released))
            if (!campaign.Claims.TryGetValue(seat.Order.Value, out var claim) || claim.Participation != grain.Key || claim.Units != seat.Quantity || claim.Owner != seat.Shopper.Value)
                yield return $"it is {state.Status}, the seat of order {seat.Order} is {seat.Stage} over {seat.Quantity} units, and its campaign keeps {claim.Units} for it";
    }

    private static IEnumerable<string> Orders(GrainId grain, GroupRoomState state, IBooks books)
    {
        foreach (var seat in state.Seats.Concat(state.Departing).Where(s => s.Stage is SeatStage.Held or SeatStage.Paid))
        {
            if (books.Of<OrderState>(seat.Order.In(grain.Shop)) is not { Stage: not (OrderStage.None or OrderStage.Rejected) } order)
            {
                yield return $"its order {seat.Order} does not exist";
                continue;
            }

            if (order.Buyer != seat.Shopper) yield return $"its order {seat.Order} is of {order.Buyer}, and the seat of {seat.Shopper}";
            if (order.Lines.Sum(l => l.Quantity) != seat.Quantity) yield return $"its order {seat.Order} is over {order.Lines.Sum(l => l.Quantity)} units, and the seat over {seat.Quantity}";
            if (seat.Stage != SeatStage.Paid || state.SeatOf(seat.Order) is null) continue;
            if (order.Amount.Fen != seat.PaidFen) yield return $"its order {seat.Order} is over {order.Amount.Fen} fen, and {seat.PaidFen} were paid for the seat";
            if (state.Status != GroupRoomStatus.Completed) continue;
            if (order.Stage is OrderStage.Pending or OrderStage.TimedOut) yield return $"it is complete, and its order {seat.Order} is {order.Stage}";
            if (order.Stage == OrderStage.AwaitingGroup && !Owes(state, GroupRoomState.ConfirmDebt, seat)) yield return $"it is complete, and its order {seat.Order} does not know and is not being told";
        }
    }

    private static bool Owes(GroupRoomState state, string what, Seat seat) => state.Debts.Contains(what, seat.Order.Value);
}
