using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Reply = Campaigns.Grains.Kernel.Answer;
using SaleDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.FlashSale.FlashSaleEvent>;

namespace Campaigns.Grains.FlashSale;

/// <summary>The shell of the flash sale: which rule decides what, what is answered, what is owed to whom.</summary>
internal sealed class FlashSaleGrain() : GrainDefinition<FlashSaleState, FlashSaleEvent>(FlashSaleJson.Default)
{
    /// <summary>Viewers hear of every so many parts of what is sold, and of the first and last unit: not of each of ten thousand takes a second.</summary>
    private const int PartsTold = 20;

    public override string Kind => "flash-sale";

    public override SaleDecision Decide(FlashSaleState state, object command, in Turn turn) => command switch
    {
        TakeUnits c => FlashSaleRules.Decide(state, c, turn.Now),
        GetFlashSale or GetQuota or GetTakers => SaleDecision.Nothing,
        OrderPaid c => FlashSaleRules.Decide(state, c, turn.Now),
        OrderReleased c => FlashSaleRules.Decide(state, c, turn.Now),
        OfferLatePayment c => FlashSaleRules.Decide(state, c, turn.Now),
        PrepareSale c => FlashSaleRules.Decide(state, c, turn.Now),
        SetPaused c => FlashSaleRules.Decide(state, c, turn.Now),
        CancelParticipation c => FlashSaleRules.Decide(state, c, turn.Now),
        Wake c => FlashSaleRules.Decide(state, c, turn.Now),
        _ => throw Unknown(command),
    };

    public override FlashSaleState Evolve(FlashSaleState state, FlashSaleEvent @event) => FlashSaleRules.Evolve(state, @event);

    public override Reply Answer(FlashSaleState state, object command, in Turn turn) => command switch
    {
        PrepareSale c => AnswerTo(state, c),
        _ when !state.IsThere => GrainRefusal.NotFound,
        TakeUnits c => AnswerTo(state, c),
        GetFlashSale => Reply.Of(View(state, turn.Now)),
        GetQuota => Reply.Of(QuotaOf(state, turn.Now)),
        GetTakers => Reply.Of(new SaleTakers(state.UnitsOf.Count > SaleTakers.Max ? null : state.UnitsOf.Keys.ToHashSet())),
        OfferLatePayment c when !state.Stands(c.Order) => state.Past.WhyNot(c.Order.Value, c.OfferedAt) ?? Refusal.Of(GrainRefusal.WrongState),
        OfferLatePayment => Reply.Of(new LatePaymentAnswer(null)),
        _ => Reply.Of(Done.Instance),
    };

    public override DateTimeOffset? Deadline(FlashSaleState state) => state.Phase switch
    {
        SalePhase.Planned => state.OpensAt - FlashSaleRules.ReserveAhead,
        SalePhase.Ready => state.IsOpened ? state.ClosesAt : state.OpensAt,
        _ => null,
    };

    public override Debts Owes(FlashSaleState state) => state.Debts;

    public override Owed Message(FlashSaleState state, Debt debt, GrainId self)
    {
        var sale = state.Sale!;
        return debt.What switch
        {
            FlashSaleState.PlaceDebt => new(OrderId.Of(debt.About).In(self.Shop), PlaceOrder(state, sale, debt.About, self)),

            // The first occurrence and a change of the quota ask for exactly so much; a later occurrence takes what is there.
            FlashSaleState.ReserveDebt => new(sale.Sku.In(self.Shop), new ReserveStock(debt.About, state.Change?.Asked ?? state.Quota, UpTo: state.Change is null && state.Number > 1, state.AskedAt)),
            FlashSaleState.CloseDebt => new(sale.Sku.In(self.Shop), new CloseReservation(debt.About)),
            FlashSaleState.OverDebt => new(sale.Campaign.In(self.Shop), new CloseParticipation(self.Key, Used: false)),
            _ => throw Unknown(debt),
        };
    }

    public override SaleDecision Settle(FlashSaleState state, Debt debt, in Receipt receipt, in Turn turn) => debt.What switch
    {
        FlashSaleState.PlaceDebt => FlashSaleRules.OrderDecided(state, OrderId.Of(debt.About), receipt.Refusal, turn.Now),
        FlashSaleState.ReserveDebt => FlashSaleRules.StockDecided(state, receipt.Reply as ReservedStock, turn.Now),
        FlashSaleState.CloseDebt => FlashSaleRules.ReservationClosed(state, turn.Now),
        FlashSaleState.OverDebt => new SaleClosed(),
        _ => throw Unknown(debt),
    };

    public override (string Name, object Data)? Live(FlashSaleState state, FlashSaleEvent @event) => @event switch
    {
        UnitsTaken e => Fewer(state, e.Quantity, e.At),
        LateUnitsTaken e => Fewer(state, e.Quantity, e.At),
        TakeRefused e => More(state, e.Quantity, e.At),
        UnitsReleased { SellsAgain: true } e => More(state, e.Quantity, e.At),
        SaleOpened e => ("opened", View(state, e.At)),
        SalePaused e => ("paused", View(state, e.At)),
        SaleResumed e => ("resumed", View(state, e.At)),
        SaleKilled e => ("killed", View(state, e.At)),
        SaleQuotaAsked e => ("quotaChanged", View(state, e.At)),
        SaleQuotaChanged e => ("quotaChanged", View(state, e.At)),
        SaleEnded e => ("ended", View(state, e.At)),
        OccurrencePlanned e => ("planned", View(state, e.At)),
        UnitsReserved e => ("reserved", View(state, e.At)),
        _ => null,
    };

    private static (string Name, object Data)? Fewer(FlashSaleState state, int units, DateTimeOffset at) =>
        state.Available == 0 ? ("soldOut", View(state, at)) : PartOf(state, state.Available) != PartOf(state, state.Available + units) ? ("left", View(state, at)) : null;

    private static (string Name, object Data)? More(FlashSaleState state, int units, DateTimeOffset at) =>
        state.Available == units ? ("available", View(state, at)) : PartOf(state, state.Available) != PartOf(state, state.Available - units) ? ("left", View(state, at)) : null;

    private static int PartOf(FlashSaleState state, int units) => (int)((long)PartsTold * units / Math.Max(1, state.Total));

    private static Reply AnswerTo(FlashSaleState state, PrepareSale command)
    {
        if (state.Phase == SalePhase.None) return state.RefusedPreparation ?? Refusal.Of(GrainRefusal.Busy);
        if (state.RefusedChange is { } refused && refused.Request == command.Request) return refused.Why;
        if (!state.IsThere || state.Change is not null) return Reply.Later;

        return Reply.Of(new ReservedStock(state.Quota));
    }

    private static Reply AnswerTo(FlashSaleState state, TakeUnits command)
    {
        if (state.IsPlacing(command.Order)) return Reply.Later;
        if (state.Stands(command.Order) || state.HasEnded(command.Order)) return Reply.Of(Done.Instance);

        var why = Refusal.Of(GrainRefusal.Busy);
        foreach (var returned in state.Returned)
            if (returned.Order == command.Order.Value) why = returned.Why;
        return why;
    }

    private static FlashSaleView View(FlashSaleState state, DateTimeOffset now)
    {
        var sale = state.Sale!;
        var (next, quota) = (FlashSaleRules.NextOf(state, now), QuotaOf(state, now));
        return new(
            sale.Campaign,
            StatusOf(state, next is not null, now),
            sale.Sku,
            sale.Title,
            sale.ListPriceFen,
            sale.Terms.SalePriceFen,
            quota.Left,
            quota.Total,
            sale.Terms.PerUserLimit,
            state.OpensAt,
            state.ClosesAt,
            state.IsKilled ? null : next?.StartsAt,
            now);
    }

    private static CampaignQuota QuotaOf(FlashSaleState state, DateTimeOffset now) => state.Phase switch
    {
        SalePhase.Ready => new(state.Total, now < state.ClosesAt ? state.Available : 0),
        SalePhase.Planned or SalePhase.Reserving => new(state.Quota, state.Quota),
        _ => new(state.Quota, 0),
    };

    private static FlashSaleStatus StatusOf(FlashSaleState state, bool hasNext, DateTimeOffset now)
    {
        if (state.IsKilled) return FlashSaleStatus.Killed;
        if (now >= state.ClosesAt && !hasNext) return FlashSaleStatus.Ended;
        if (state.IsPaused) return FlashSaleStatus.Paused;

        return now >= state.OpensAt && now < state.ClosesAt ? FlashSaleStatus.Running : FlashSaleStatus.Scheduled;
    }

    /// <remarks>The order waits for its money as long as the hold lasts; its payment window is not used.</remarks>
    private static PlaceOrder PlaceOrder(FlashSaleState state, SalePrepared sale, Guid order, GrainId self)
    {
        const int minutes = 15;
        var hold = state.Holds[order];
        var discount = (sale.ListPriceFen - sale.Terms.SalePriceFen) * hold.Quantity;
        return new(
            ShopperId.Of(hold.Shopper),
            "flash-sale",
            self,
            state.Purpose,
            [new OrderLine(sale.Sku, sale.Title, hold.Quantity, sale.ListPriceFen, sale.ListPriceFen * hold.Quantity)],
            discount > 0 ? [new DiscountLine("秒杀优惠", "merchant", discount)] : [],
            minutes,
            sale.Terms.HoldSeconds,
            AsksLate: true,
            EarnsCommission: sale.Terms.EarnsCommission,
            WantedAt: state.WantedAt.GetValueOrDefault(order));
    }
}
