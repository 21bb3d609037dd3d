using Campaigns.Grains.Binding;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Order;

internal sealed class OrderGrain() : GrainDefinition<OrderState, OrderEvent>(OrderJson.Default)
{
    public override string Kind => "order";

    public override Decision<OrderEvent> Decide(OrderState state, object command, in Turn turn) => command switch
    {
        PlaceOrder c => OrderRules.Decide(state, c, turn.Now),
        StartPayment c => OrderRules.Decide(state, c, turn.Now),
        CancelOrder c => OrderRules.Decide(state, c, turn.Now),
        TakePayment c => OrderRules.Decide(state, c, OrderId.Of(turn.Self.Key), turn.Now),
        ConfirmGroup c => OrderRules.Decide(state, c, OrderId.Of(turn.Self.Key), turn.Now),
        VoidOrder c => OrderRules.Decide(state, c, OrderId.Of(turn.Self.Key)),
        ShipOrder c => OrderRules.Decide(state, c, turn.Now),
        ReceiveOrder c => OrderRules.Decide(state, c, turn.Now),
        RefundOrder c => OrderRules.Decide(state, c, OrderId.Of(turn.Self.Key), turn.Now),
        NoteRefund c => OrderRules.Decide(state, c, turn.Now),
        Wake c => OrderRules.Decide(state, c, turn.Now),
        GetOrder => Decision<OrderEvent>.Nothing,
        _ => throw Unknown(command),
    };

    public override OrderState Evolve(OrderState state, OrderEvent @event) => OrderRules.Evolve(state, @event);

    // A placed or cancelled order is answered when its stock is where it belongs, so that the caller's next look shows it.
    public override Answer Answer(OrderState state, object command, in Turn turn) => command switch
    {
        _ when state.Stage == OrderStage.None => GrainRefusal.NotFound,
        PlaceOrder or GetOrder when state.Stage == OrderStage.Holding => Kernel.Answer.Later,
        PlaceOrder when state.Stage == OrderStage.Rejected => state.IsReleased ? state.Refusal! : Kernel.Answer.Later,
        PlaceOrder c when state.Source != c.Source || state.HasEndedForItsSource => GrainRefusal.WrongState,
        GetOrder c => state.IsSeenBy(c.Viewer) ? Kernel.Answer.Of(state.View(OrderId.Of(turn.Self.Key), c.Viewer, turn.Now)) : GrainRefusal.NotFound,
        StartPayment => state.Debts.Contains(OrderRules.Announce, state.Payment!.Value.Value) ? Kernel.Answer.Later : Kernel.Answer.Of(state.Payment.Value),
        CancelOrder when state.Leave is not null => Kernel.Answer.Later,
        CancelOrder when state.Stage != OrderStage.Cancelled => OrderRefusal.OrderNotCancellable,
        CancelOrder or VoidOrder when !state.IsReleased => Kernel.Answer.Later,
        _ => Kernel.Answer.Of(Done.Instance),
    };

    public override DateTimeOffset? Deadline(OrderState state) => OrderRules.DeadlineOf(state);

    public override Debts Owes(OrderState state) => state.Debts;

    public override Owed Message(OrderState state, Debt debt, GrainId self) => debt.What switch
    {
        OrderRules.Hold when state.Lines.Single(l => l.Sku.Value == debt.About) is var line => new(line.Sku.In(self.Shop), new HoldStock(self.Key, state.Purpose, line.Quantity, state.AskedAt)),
        OrderRules.Release => new(SkuId.Of(debt.About).In(self.Shop), new ReleaseStock(self.Key, state.AskedAt)),
        OrderRules.Consume => new(SkuId.Of(debt.About).In(self.Shop), new ConsumeStock(self.Key, state.AskedAt)),
        OrderRules.Announce => new(PaymentId.Of(debt.About).In(self.Shop), new OpenPayment(OrderId.Of(self.Key), state.Buyer, state.Amount, state.Lines[0].Title, state.PayBefore)),
        OrderRules.EndPayment => new(PaymentId.Of(debt.About).In(self.Shop), new ClosePayment()),
        OrderRules.TellPaid => new(state.Source!.Value, new OrderPaid(OrderId.Of(self.Key), state.Amount)),
        OrderRules.TellReleased => new(state.Source!.Value, new OrderReleased(OrderId.Of(self.Key), state.WasRevived)),
        OrderRules.AskLeave => new(state.Source!.Value, new LeaveGroup(OrderId.Of(self.Key))),
        OrderRules.OfferLate => new(state.Source!.Value, new OfferLatePayment(OrderId.Of(self.Key), state.Purpose, state.Buyer, state.Lines[0].Quantity, state.Late!.At)),
        OrderRules.AskRoute => new(state.Late!.Router!.Value, new RouteLatePayment(OrderId.Of(self.Key), state.Late.Tried)),
        OrderRules.TellBuyer => new(state.Buyer.In(self.Shop), new NotePaidOrder()),
        OrderRules.AskPromoter => new(state.Buyer.BindingIn(self.Shop), new AskAttribution(state.PlacedAt ?? state.PaidAt!.Value)),
        OrderRules.TellSale => new(OrderId.Of(self.Key).CommissionIn(self.Shop), SaleOf(state)),
        OrderRules.ReturnMoney when state.Refunds.Single(r => r.About == debt.About) is var refund =>
            new(refund.Payment.In(self.Shop), new RefundPayment(refund.Id, refund.Amount, refund.Reason)),
        _ => throw Unknown(debt),
    };

    public override Decision<OrderEvent> Settle(OrderState state, Debt debt, in Receipt receipt, in Turn turn) => OrderRules.Settle(state, debt, receipt, OrderId.Of(turn.Self.Key), turn.Now);

    private static NoteSale SaleOf(OrderState state) => new(
        state.Buyer,
        state.Attributed!.Promoter,
        state.Attributed.Channel,
        state.Attributed.IsSuspect,
        state.Kind,
        state.Purpose,
        state.PlacedAt ?? state.PaidAt!.Value,
        state.Sale(),
        state.ReceivedAt,
        state.Shipment is null ? null : state.AfterSaleDays);
}
