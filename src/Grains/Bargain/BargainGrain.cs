using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using BargainDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Bargain.BargainEvent>;
using Reply = Campaigns.Grains.Kernel.Answer;

namespace Campaigns.Grains.Bargain;

/// <summary>The shell of the bargain: which rule decides what, what is answered, what is owed to whom.</summary>
internal sealed class BargainGrain() : GrainDefinition<BargainState, BargainEvent>(BargainJson.Default)
{
    public override string Kind => "bargain";

    public override bool Draws(object command) => command is StartBargain;

    public override BargainDecision Decide(BargainState state, object command, in Turn turn) => command switch
    {
        ApplyAssist c => BargainRules.Decide(state, c, turn.Now),
        CheckAssist or GetBargain or GetProof => BargainDecision.Nothing,
        StartBargain c => BargainRules.Decide(state, c, turn),
        OrderBargain c => BargainRules.Decide(state, c, turn.Now),
        OrderPaid c => BargainRules.Decide(state, c, turn.Now),
        OrderReleased c => BargainRules.Decide(state, c, turn.Now),
        SetPaused c => BargainRules.Decide(state, c, turn.Now),
        CancelParticipation c => BargainRules.Decide(state, c, turn.Now),
        Wake c => BargainRules.Decide(state, c, turn.Now),
        _ => throw Unknown(command),
    };

    public override BargainState Evolve(BargainState state, BargainEvent @event) => BargainRules.Evolve(state, @event);

    public override Reply Answer(BargainState state, object command, in Turn turn) => command switch
    {
        _ when state.Launch is null => GrainRefusal.NotFound,
        ApplyAssist c => AnswerTo(state, c),
        CheckAssist c => AnswerTo(state, c, turn.Now),
        GetBargain => Reply.Of(View(state, turn.Now)),
        GetProof => Reply.Of(Proof(state)),
        OrderBargain c => AnswerTo(state, c),
        _ => Reply.Of(Done.Instance),
    };

    public override DateTimeOffset? Deadline(BargainState state) => state switch
    {
        { Status: BargainStatus.Running, IsWaiting: false } => state.Launch!.EndsAt,
        { Status: BargainStatus.Succeeded } => state.PayBefore,
        _ => null,
    };

    public override Debts Owes(BargainState state) => state.Debts;

    public override Owed Message(BargainState state, Debt debt, GrainId self)
    {
        var launch = state.Launch!;
        return debt.What switch
        {
            BargainState.ClaimDebt => new(launch.Campaign.In(self.Shop), new ClaimPlace(self.Key)),
            BargainState.CloseDebt => new(launch.Campaign.In(self.Shop), new CloseParticipation(self.Key, Used: state.Status == BargainStatus.Paid)),
            BargainState.OrderDebt => new(state.Order!.Order.In(self.Shop), PlaceOrder(launch, state.Order, self)),
            _ => throw Unknown(debt),
        };
    }

    public override BargainDecision Settle(BargainState state, Debt debt, in Receipt receipt, in Turn turn) => debt.What switch
    {
        BargainState.ClaimDebt => BargainRules.PlaceDecided(state, receipt.Refusal, turn.Now),
        BargainState.OrderDebt => BargainRules.OrderDecided(state, OrderId.Of(debt.About), receipt.Refusal, turn.Now),
        BargainState.CloseDebt => new BargainClosed(),
        _ => throw Unknown(debt),
    };

    public override (string Name, object Data)? Live(BargainState state, BargainEvent @event) => @event switch
    {
        PriceCut e => ("cut", new BargainCut(e.Helper, e.Slot, e.SlotsUsed, e.CutFen, e.PriceFen, e.PriceFen - state.Terms.FloorFen, state.SlotsLeft, e.At)),
        BargainSucceeded e => ("succeeded", View(state, e.At)),
        BargainOrdered e => ("ordered", View(state, e.At)),
        BargainOrderReleased e => ("released", View(state, e.At)),
        BargainOrderRefused e => ("released", View(state, e.At)),
        BargainPaid e => ("paid", View(state, e.At)),
        BargainExpired e => ("expired", View(state, e.At)),
        BargainCancelled e => ("cancelled", View(state, e.At)),
        BargainLapsed e => ("lapsed", View(state, e.At)),
        BargainSoldOut e => ("soldOut", View(state, e.At)),
        _ => null,
    };

    private static Reply AnswerTo(BargainState state, ApplyAssist command)
    {
        if (state.CutBy(command.Helper) is { } cut) return Reply.Of(BargainRules.ResultOf(state, cut));
        if (!state.IsLastAssist(command.Helper)) return BargainRefusal.BargainNotRunning;

        return state.IsWaiting ? Reply.Later : BargainRefusal.SoldOut;
    }

    private static Reply AnswerTo(BargainState state, CheckAssist command, DateTimeOffset now)
    {
        if (state.CutBy(command.Helper) is { } cut) return Reply.Of(new AssistCheck(BargainRules.ResultOf(state, cut)));
        if (state.IsLastAssist(command.Helper)) return state.IsWaiting ? Reply.Of(new AssistCheck(null)) : BargainRefusal.SoldOut;
        if (BargainRules.WhyNotAssist(state, command.Helper, command.Device, now) is { } refusal) return refusal;

        return Reply.Of(new AssistCheck(null));
    }

    private static Reply AnswerTo(BargainState state, OrderBargain command)
    {
        if (state.RefusedOrders.Find(r => r.Order == command.Order) is { } refused) return refused.Why;
        if (state.HeldOrder?.Order.Order == command.Order || state.Debts.Contains(BargainState.OrderDebt, command.Order.Value)) return Reply.Later;

        return Reply.Of(Done.Instance);
    }

    private static BargainView View(BargainState state, DateTimeOffset now)
    {
        var launch = state.Launch!;
        return new(
            launch.Id,
            launch.Campaign,
            launch.Owner,
            launch.Sku,
            state.Status,
            launch.ListPriceFen,
            launch.Terms.FloorFen,
            state.PriceFen,
            state.PriceFen - launch.Terms.FloorFen,
            launch.Slots.Length,
            state.SlotsLeft,
            [.. state.Cuts.Select(c => new BargainHelper(c.Helper, c.Slot, c.SlotsUsed, c.CutFen, c.At))],
            launch.At,
            launch.EndsAt,
            state.PayBefore,
            state.Order?.Order,
            launch.Commitment,
            now);
    }

    private static BargainProof Proof(BargainState state)
    {
        var launch = state.Launch!;
        var parameters = BargainRules.ParametersOf(launch.Id, launch.ListPriceFen, launch.Terms);
        return state.IsRevealed
            ? new(BargainPlan.Version, launch.Commitment, parameters, Convert.ToHexStringLower(launch.Seed), launch.Slots, [.. state.Cuts.Select(c => new HelperSlots(c.Helper, c.Slot, c.SlotsUsed))])
            : new(BargainPlan.Version, launch.Commitment, parameters, null, null, null);
    }

    private static PlaceOrder PlaceOrder(BargainStarted launch, BargainOrdered order, GrainId self)
    {
        var discount = order.UnitPriceFen - order.PriceFen;
        return new(
            launch.Owner,
            "bargain",
            self,
            launch.Campaign.Value,
            [new OrderLine(launch.Sku, launch.Title, 1, order.UnitPriceFen, order.UnitPriceFen)],
            discount > 0 ? [new DiscountLine("砍价优惠", "merchant", discount)] : [],
            order.PaymentWindowMinutes,
            EarnsCommission: launch.Terms.EarnsCommission,
            WantedAt: order.At);
    }
}
