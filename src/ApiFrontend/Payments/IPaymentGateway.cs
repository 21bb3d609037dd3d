using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo;

namespace Campaigns.ApiFrontend.Payments;

/// <summary>
/// A payment gateway (支付渠道). Every call may be repeated with the same ids and then does nothing new. A call whose outcome nobody knows
/// throws, and is made again.
/// </summary>
internal interface IPaymentGateway
{
    Task<Outcome<Prepaid>> Prepay(ShopId shop, Prepay prepay, CancellationToken cancellation);

    Task<Outcome<ClosedAtGateway>> Close(ShopId shop, CloseAtGateway close, CancellationToken cancellation);

    Task<RefundedAtGateway> Refund(ShopId shop, RefundAtGateway refund, CancellationToken cancellation);

    /// <summary>Pays a shopper; asked again, says how that stands. <c>Failed</c> is final: nothing was paid, and nothing will be.</summary>
    Task<TransferredAtGateway> Transfer(ShopId shop, TransferAtGateway transfer, CancellationToken cancellation);

    /// <summary>What the gateway has taken and given back on one day in Beijing, over all shops.</summary>
    Task<GatewayBill> Bill(DateOnly day, CancellationToken cancellation);

    /// <summary>What the WeChat client needs to show the payment sheet of a prepay id.</summary>
    PaymentSheetView Sheet(string prepayId);
}

/// <summary>Carries what payments owe to the gateway.</summary>
internal sealed class GatewayReceiver(Func<IPaymentGateway> gateway) : IReceiver
{
    public string Kind => Gateway.Kind;

    public async Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation) => command switch
    {
        Prepay prepay => Receipt(await gateway().Prepay(to.Shop, prepay, cancellation)),
        CloseAtGateway close => Receipt(await gateway().Close(to.Shop, close, cancellation)),
        RefundAtGateway refund => new(await gateway().Refund(to.Shop, refund, cancellation), null),
        _ => throw new InvalidOperationException($"The gateway takes no {command.GetType().Name}."),
    };

    private static Receipt Receipt<TReply>(Outcome<TReply> outcome) => new(outcome.Reply, outcome.Refusal);
}

/// <summary>Carries what withdrawals owe to the gateway.</summary>
internal sealed class TransferReceiver(Func<IPaymentGateway> gateway) : IReceiver
{
    public string Kind => TransferGateway.Kind;

    public async Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation) =>
        new(await gateway().Transfer(to.Shop, (TransferAtGateway)command, cancellation), null);
}
