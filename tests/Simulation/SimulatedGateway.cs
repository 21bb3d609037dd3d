using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Silo;

namespace Campaigns.Simulation;

/// <summary>
/// A payment gateway outside the process: it outlives crashes, answers late or not at all, and does each thing once however often it is asked.
/// Of some payments it takes a fen more than it was asked for, which no gateway should.
/// </summary>
internal sealed class SimulatedGateway(World world) : IReceiver
{
    private const int StrayEvery = 32;

    private readonly Dictionary<PaymentId, Money> announced = [];
    private readonly Dictionary<PaymentId, PaidAtGateway> paid = [];
    private readonly HashSet<PaymentId> closed = [];
    private readonly Dictionary<string, (PaymentId Payment, Money Amount)> refunds = new(StringComparer.Ordinal);

    public string Kind => Gateway.Kind;

    /// <summary>What shoppers have paid and not got back.</summary>
    public long Kept(PaymentId payment) => (paid.TryGetValue(payment, out var money) ? money.Amount.Fen : 0) - refunds.Values.Where(r => r.Payment == payment).Sum(r => r.Amount.Fen);

    public async Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation)
    {
        world.Evidence.Arrived(command);
        if (Fails()) throw new HttpRequestException("The gateway could not be reached.");
        var reply = Do(command);
        if (Fails()) await Task.Delay(Timeout.InfiniteTimeSpan, world.Time, cancellation); // done, but the answer gets lost
        return new(reply, null);
    }

    /// <summary>The shopper pays; from now on the gateway tells us until we have heard it.</summary>
    /// <returns>null if nothing was announced under this id, or it was closed before it was paid</returns>
    public ConfirmPayment? Pay(PaymentId payment)
    {
        if (!announced.TryGetValue(payment, out var amount)) return null;
        if (!paid.TryGetValue(payment, out var money))
        {
            if (closed.Contains(payment)) return null;
            paid.Add(payment, money = new($"tx-{paid.Count}", IsStray(payment) ? amount + new Money(1) : amount, world.Time.Now));
        }

        return new(money.TransactionId, money.Amount, world.Time.Now);
    }

    /// <summary>Whether another amount is taken for it: its id decides, which was drawn.</summary>
    public static bool IsStray(PaymentId payment) => payment.Value.ToByteArray()[0] % StrayEvery == 0;

    private object Do(object command)
    {
        switch (command)
        {
            case Prepay prepay:
                if (announced.TryGetValue(prepay.Payment, out var amount) && amount != prepay.Amount) world.Violated($"Payment {prepay.Payment} was announced over {amount.Fen} and now over {prepay.Amount.Fen} fen.");
                if (paid.TryGetValue(prepay.Payment, out var early)) return new Prepaid(null, early);
                announced[prepay.Payment] = prepay.Amount;
                return new Prepaid($"prepay-{prepay.Payment}");
            case CloseAtGateway close:
                if (paid.TryGetValue(close.Payment, out var late)) return new ClosedAtGateway(late);
                closed.Add(close.Payment);
                return new ClosedAtGateway();
            case RefundAtGateway refund:
                if (!paid.ContainsKey(refund.Payment)) world.Violated($"Refund {refund.RefundId} of payment {refund.Payment}, which nobody has paid.");
                if (!refunds.TryAdd(refund.RefundId, (refund.Payment, refund.Amount)) && refunds[refund.RefundId] != (refund.Payment, refund.Amount)) world.Violated($"Refund {refund.RefundId} was asked for twice with different contents.");
                if (Kept(refund.Payment) < 0) world.Violated($"More was refunded of payment {refund.Payment} than was paid.");
                return new RefundedAtGateway(Fails() ? RefundStatus.Processing : RefundStatus.Succeeded);
            default:
                throw new InvalidOperationException($"The gateway takes no {command.GetType().Name}.");
        }
    }

    private bool Fails() => world.IsRough && world.Chance.Next(100) < world.Weather.GatewayFailing;
}
