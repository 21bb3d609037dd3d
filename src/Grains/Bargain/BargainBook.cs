using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Bargain;

/// <summary>What must be true of a bargain: the price is what the cuts made of it, and its place and its one order are what others say.</summary>
internal sealed class BargainBook : Book<BargainState>
{
    public override string Kind => "bargain";

    public override IEnumerable<string> WrongWith(GrainId grain, BargainState state, IBooks books) =>
        state.Launch is null ? ["it has facts but was never started"] : [.. Plan(state.Launch), .. Cuts(state, state.Launch), .. Helpers(grain, state, books), .. Place(grain, state, books), .. Order(grain, state, books)];

    private static IEnumerable<string> Plan(BargainStarted launch)
    {
        var (sum, way) = (launch.Slots.Sum(), launch.ListPriceFen - launch.Terms.FloorFen);
        if (sum != way) yield return $"its slots sum to {sum} fen, but from list price to floor are {way}";
        if (launch.Slots.Length != launch.Terms.AssistsNeeded) yield return $"it has {launch.Slots.Length} slots and needs {launch.Terms.AssistsNeeded} assists";
        if (BargainPlan.Commitment(launch.Seed, BargainRules.ParametersOf(launch.Id, launch.ListPriceFen, launch.Terms)) != launch.Commitment) yield return "seed and parameters do not hash to the commitment";
    }

    private static IEnumerable<string> Cuts(BargainState state, BargainStarted launch)
    {
        var (price, next) = (launch.ListPriceFen, 1);
        foreach (var cut in state.Cuts)
        {
            price -= cut.CutFen;
            if (cut.Slot != next || cut.SlotsUsed < 1 || cut.Slot - 1 + cut.SlotsUsed > launch.Slots.Length)
            {
                yield return $"the cut of {cut.Helper} takes {cut.SlotsUsed} slots from {cut.Slot} on; the next of {launch.Slots.Length} is {next}";
                yield break;
            }

            var planned = launch.Slots.AsSpan(cut.Slot - 1, cut.SlotsUsed).ToArray().Sum();
            if (cut.CutFen != planned) yield return $"the cut of {cut.Helper} is {cut.CutFen} fen, and its slots are {planned}";
            if (cut.PriceFen != price) yield return $"the price after the cut of {cut.Helper} is {cut.PriceFen} fen, but the cuts leave {price}";
            next += cut.SlotsUsed;
        }

        if (state.PriceFen < launch.Terms.FloorFen) yield return $"the price is {state.PriceFen} fen and the floor {launch.Terms.FloorFen}";
        if (state.PayBefore is not null && state.SlotsLeft > 0) yield return $"it has succeeded with {state.SlotsLeft} slots left";
        if (state is { SlotsLeft: 0, PayBefore: null }) yield return $"all slots are taken and it is {state.Status} without having succeeded";
    }

    private static IEnumerable<string> Helpers(GrainId grain, BargainState state, IBooks books)
    {
        foreach (var helper in state.Cuts.GroupBy(c => c.Helper).Where(g => g.Count() > 1)) yield return $"{helper.Key} has helped {helper.Count()} times";
        foreach (var device in state.Cuts.Where(c => c.Device is not null).GroupBy(c => c.Device, StringComparer.Ordinal).Where(g => g.Count() > ApplyAssist.HelpersPerDeviceMax)) yield return $"{device.Count()} helpers share the device {device.Key}";

        var bargain = BargainId.Of(grain.Key);
        for (var i = 0; i < state.Cuts.Count; i++)
        {
            var cut = state.Cuts[i];
            if (cut.Helper == state.Launch!.Owner)
            {
                if (i > 0 || !state.Terms.SelfCut) yield return $"the owner's own cut is the number {i + 1}, and the terms say selfCut {state.Terms.SelfCut}";
            }
            else if (books.Of<ShopperState>(cut.Helper.In(grain.Shop)) is not { } helper)
            {
                yield return $"its helper {cut.Helper} does not exist";
            }
            else if (helper.PledgeOf(bargain) is null && !MayHaveForgotten(helper, cut))
            {
                yield return $"its helper {cut.Helper} has pledged no assist";
            }
        }
    }

    // A pledge is forgotten when its shopper pledges on a later day. What came of that one is remembered, unless it was refused; a day of
    // tolerance, because the day is the shop's.
    private static bool MayHaveForgotten(ShopperState helper, PriceCut cut) =>
        helper.Returned.Count > 0 || helper.Pledges.Exists(p => p.Day >= DateOnly.FromDateTime(cut.At.UtcDateTime).AddDays(-1));

    private static IEnumerable<string> Place(GrainId grain, BargainState state, IBooks books)
    {
        var id = state.Launch!.Campaign;
        if (books.Of<CampaignState>(id.In(grain.Shop)) is not { } campaign)
        {
            yield return $"its campaign {id} does not exist";
            yield break;
        }

        var (claims, closes) = (state.Debts.Contains(BargainState.ClaimDebt, id.Value), state.Debts.Contains(BargainState.CloseDebt, id.Value));
        if (state.IsWaiting && !claims) yield return "it waits for a place and does not ask for one";

        if (campaign.Status is CampaignStatus.Running or CampaignStatus.Paused && state.Paused != (campaign.Status == CampaignStatus.Paused) && !BargainRules.IsOver(state.Status) && !campaign.Tells(grain.Key))
            yield return $"it is {(state.Paused ? "paused" : "not paused")}, its campaign is {campaign.Status} and does not say so";

        var closed = BargainRules.IsOver(state.Status) && !closes;
        if (!campaign.Participations.TryGetValue(grain.Key, out var participation))
        {
            if (!closed || !campaign.HasForgotten) yield return $"its campaign {id} does not know it";
        }
        else if (closed)
        {
            if (!participation.IsOver) yield return $"it is {state.Status}, its campaign does not know and is not being told";
            else if (participation.HasPlace != (state.Status == BargainStatus.Paid)) yield return $"it is {state.Status}, and its campaign counts its place as {(participation.HasPlace ? "used" : "free")}";
        }
        else if (!closes)
        {
            if (participation.IsOver) yield return $"it is {state.Status}, and its campaign has closed it";
            else if (state.HasPlace && !participation.HasPlace) yield return $"its campaign keeps no place for it";
            else if (participation.HasPlace && !state.HasPlace && !claims && !state.WasDenied) yield return $"its campaign keeps a place for it that it does not know of";
        }
    }

    private static IEnumerable<string> Order(GrainId grain, BargainState state, IBooks books)
    {
        foreach (var lost in state.LostOrders)
            if (StageOf(lost) is not (OrderStage.Cancelled or OrderStage.TimedOut)) yield return $"its order {lost} came to nothing, but is {StageOf(lost)}";
        foreach (var (refused, _) in state.RefusedOrders)
            if (StageOf(refused) is not (OrderStage.None or OrderStage.Rejected)) yield return $"its order {refused} was refused, but is {StageOf(refused)}";

        if (state.Status is BargainStatus.Ordered or BargainStatus.Paid != state.Order is not null) yield return state.Order is null ? $"it is {state.Status} without an order" : $"it is {state.Status} with an order";
        if (state.Order is not { } ordered) yield break;

        var order = books.Of<OrderState>(ordered.Order.In(grain.Shop));
        if (order is null or { Stage: OrderStage.None or OrderStage.Rejected })
        {
            if (!state.Debts.Contains(BargainState.OrderDebt, ordered.Order.Value)) yield return $"its order {ordered.Order} is neither open nor being placed";
            yield break;
        }

        if (order.Source != grain) yield return $"its order {ordered.Order} is of {order.Source?.ToString() ?? "nobody"}";
        if (order.Amount.Fen > ordered.PriceFen) yield return $"its order {ordered.Order} is over {order.Amount.Fen} fen, and it was ordered at {ordered.PriceFen}";
        if (state.Status == BargainStatus.Paid && !order.IsPaid) yield return $"it is Paid, and its order {ordered.Order} is {order.Stage}";

        OrderStage StageOf(OrderId id) => books.Of<OrderState>(id.In(grain.Shop))?.Stage ?? OrderStage.None;
    }
}
