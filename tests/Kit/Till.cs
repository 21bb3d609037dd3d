using System.Collections.Concurrent;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Silo;

namespace Campaigns.Tests.Kit;

/// <summary>A payment gateway that outlives the engines in front of it and does each thing once, however often it is asked.</summary>
internal sealed class Till : IReceiver
{
    private readonly ConcurrentDictionary<PaymentId, Money> announced = new();
    private readonly ConcurrentDictionary<PaymentId, Money> paid = new();
    private readonly ConcurrentDictionary<string, (PaymentId Payment, Money Amount)> refunds = new(StringComparer.Ordinal);

    public string Kind => Gateway.Kind;

    /// <summary>What has come in less what went back, in fen.</summary>
    public long Kept => paid.Values.Sum(p => p.Fen) - refunds.Values.Sum(r => r.Amount.Fen);

    /// <summary>How many refunds were made.</summary>
    public int Refunds => refunds.Count;

    /// <summary>The shopper pays what was announced.</summary>
    public ConfirmPayment Pay(PaymentId payment, DateTimeOffset now)
    {
        paid[payment] = announced[payment];
        return new($"tx-{payment}", announced[payment], now);
    }

    public Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation) => Task.FromResult(new Receipt(Do(command), null));

    private object Do(object command)
    {
        switch (command)
        {
            case Prepay prepay:
                Assert.Equal(prepay.Amount, announced.GetOrAdd(prepay.Payment, prepay.Amount));
                return new Prepaid($"prepay-{prepay.Payment}");
            case CloseAtGateway close:
                return new ClosedAtGateway(paid.TryGetValue(close.Payment, out var came) ? new($"tx-{close.Payment}", came, DateTimeOffset.UnixEpoch) : null);
            case RefundAtGateway refund:
                Assert.Equal((refund.Payment, refund.Amount), refunds.GetOrAdd(refund.RefundId, (refund.Payment, refund.Amount)));
                return new RefundedAtGateway(RefundStatus.Succeeded);
            default:
                throw new InvalidOperationException($"The till takes no {command.GetType().Name}.");
        }
    }
}
