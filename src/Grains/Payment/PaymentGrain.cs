using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.Grains.Payment;

internal sealed class PaymentGrain() : GrainDefinition<PaymentState, PaymentEvent>(PaymentJson.Default)
{
    public override string Kind => "payment";

    public override Decision<PaymentEvent> Decide(PaymentState state, object command, in Turn turn) => command switch
    {
        OpenPayment c => PaymentRules.Decide(state, c, turn.Now),
        ConfirmPayment c => PaymentRules.Decide(state, c, turn.Now),
        RefundPayment c => PaymentRules.Decide(state, c, turn.Now),
        NoteGatewayRefund c => PaymentRules.Decide(state, c, turn.Now),
        ClosePayment c => PaymentRules.Decide(state, c, turn.Now),
        GetPayment c => PaymentRules.Decide(state, c, turn.Now),
        SettleStray c => PaymentRules.Decide(state, c, turn.Now),
        _ => throw Unknown(command),
    };

    public override PaymentState Evolve(PaymentState state, PaymentEvent @event) => PaymentRules.Evolve(state, @event);

    public override Answer Answer(PaymentState state, object command, in Turn turn) => command switch
    {
        _ when !state.IsOpened => GrainRefusal.NotFound,
        OpenPayment or RefundPayment or NoteGatewayRefund or ClosePayment => Kernel.Answer.Of(Done.Instance),
        SettleStray => Kernel.Answer.Of(state.Settled(PaymentId.Of(turn.Self.Key))),
        GetPayment { WhenReady: true } when state.Status == PaymentStatus.Opening => Kernel.Answer.Later,
        _ => Kernel.Answer.Of(state.View(PaymentId.Of(turn.Self.Key))),
    };

    public override Debts Owes(PaymentState state) => state.Debts;

    public override Owed Message(PaymentState state, Debt debt, GrainId self) => debt.What switch
    {
        PaymentRules.AskPrepay => new(Gateway.For(self.Shop, PaymentId.Of(self.Key)), new Prepay(PaymentId.Of(self.Key), state.Payer, state.Amount, state.Description, state.PayBefore)),
        PaymentRules.AskClose => new(Gateway.For(self.Shop, PaymentId.Of(self.Key)), new CloseAtGateway(PaymentId.Of(self.Key))),
        PaymentRules.TellOrder => new(state.Order!.Value.In(self.Shop), new TakePayment(PaymentId.Of(self.Key), state.Amount)),
        PaymentRules.AskRefund when state.RefundOf(debt.About) is var refund =>
            new(Gateway.For(self.Shop, PaymentId.Of(self.Key)), new RefundAtGateway(PaymentId.Of(self.Key), refund.Id, refund.Amount, state.Amount, refund.Reason, refund.State != RefundStatus.Requested)),
        PaymentRules.TellRefundProcessing => Telling(state, debt, self, RefundStatus.Processing),
        PaymentRules.TellRefundSucceeded => Telling(state, debt, self, RefundStatus.Succeeded),
        PaymentRules.TellRefundFailed => Telling(state, debt, self, RefundStatus.Failed),
        _ => throw Unknown(debt),
    };

    public override Decision<PaymentEvent> Settle(PaymentState state, Debt debt, in Receipt receipt, in Turn turn) => PaymentRules.Settle(state, debt, receipt, turn.Now);

    private static Owed Telling(PaymentState state, Debt debt, GrainId self, RefundStatus told)
    {
        var refund = state.RefundOf(debt.About);
        return new(state.Order!.Value.In(self.Shop), new NoteRefund(refund.Id, told, refund.Word));
    }
}
