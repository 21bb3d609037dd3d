using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Withdrawal;

namespace Campaigns.ApiFrontend.Payments;

/// <summary>
/// WeChat Pay's notifications. Nothing is believed before its signature; a repeat is answered like the first. A refusal is a problem like
/// any other: WeChat Pay looks at the status alone, and sends again what was not answered 2xx.
/// </summary>
internal static class PaymentCallbacks
{
    public const string Path = "/callbacks/wechat-pay";

    // Authorization is the platform's signature, which is checked before anything else. No limit for an address: all money comes from a few, and
    // what is refused comes back after 15 seconds at best.
    public static void MapPaymentCallbacks(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path, Notify).AllowAnonymous().DisableRateLimiting().Produces(204).WithTags("Callback").WithSummary("Payment notification of WeChat Pay v3");

        // What the notifications of refunds and transfers hold names no shop, so their address does. The signature does not cover it: it only says where to look.
        routes.MapPost(Path + "/{shop}", (string shop, HttpRequest request, IGrains grains, WeChatPayKeyRing ring, TimeProvider clock, ILoggerFactory logs) => Receive(shop, request, grains, ring, clock, logs))
            .AllowAnonymous().DisableRateLimiting().Produces(204).WithTags("Callback").WithSummary("Notification of WeChat Pay v3 about a refund or a transfer");
    }

    private static Task<IResult> Notify(HttpRequest request, IGrains grains, WeChatPayKeyRing ring, TimeProvider clock, ILoggerFactory logs) => Receive(null, request, grains, ring, clock, logs);

    private static async Task<IResult> Receive(string? shopInPath, HttpRequest request, IGrains grains, WeChatPayKeyRing ring, TimeProvider clock, ILoggerFactory logs)
    {
        var log = logs.CreateLogger(typeof(PaymentCallbacks));
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        var headers = SignedHeaders.From(request.Headers);
        var keys = await ring.KeysFor(headers.Serial, request.HttpContext.RequestAborted);
        var opened = WeChatPayNotification.Open(headers, body.GetBuffer().AsSpan(0, (int)body.Length), keys, clock.GetUtcNow());
        if (opened.Refund is { } refund) return await NoteRefund(log, request, grains, refund, shopInPath);
        if (opened.Transfer is { } transfer) return await NoteTransfer(log, request, grains, transfer, shopInPath);
        if (opened.Transaction is not { } transaction) return Refuse(log, request, Refusal.Of(EdgeRefusal.Unauthenticated), opened.Refusal.ToString()!);
        if (!transaction.IsPaid) return TypedResults.NoContent();
        if (!PaymentId.TryParse(transaction.OutTradeNo, out var payment) || !ShopId.TryParse(transaction.Attach, out var shop)) return Refuse(log, request, Refusal.Of(EdgeRefusal.NotFound), "UnknownPayment");

        var confirmed = await grains.Ask(payment.In(shop), new ConfirmPayment(transaction.TransactionId, new(transaction.Amount.Total), transaction.SuccessTime.ToUniversalTime()));
        return confirmed.Refusal is { } refusal ? Refuse(log, request, refusal, refusal.Code) : TypedResults.NoContent();
    }

    private static async Task<IResult> NoteRefund(ILogger log, HttpRequest request, IGrains grains, WeChatPayRefund refund, string? shopInPath)
    {
        if (WeChatPayGateway.StateOf(refund.RefundStatus) is not { } state) return Refuse(log, request, Refusal.Of(GrainRefusal.Invalid), "UnknownRefundState");
        if (!PaymentId.TryParse(refund.OutTradeNo, out var payment) || !ShopId.TryParse(shopInPath, out var shop)) return Refuse(log, request, Refusal.Of(EdgeRefusal.NotFound), "UnknownRefund");

        if (state.Problem is { } problem) log.LogWarning("Refund {Refund} has not arrived: {Problem}.", refund.OutRefundNo, problem);
        var noted = await grains.Ask(payment.In(shop), new NoteGatewayRefund(refund.OutRefundNo, new(refund.Amount.Refund), state.State, state.Problem));
        return noted.Refusal is { } refusal ? Refuse(log, request, refusal, refusal.Code) : TypedResults.NoContent();
    }

    private static async Task<IResult> NoteTransfer(ILogger log, HttpRequest request, IGrains grains, WeChatPayTransfer transfer, string? shopInPath)
    {
        if (WeChatPayTransfers.StateOf(transfer.State, transfer.FailReason) is not { } state) return Refuse(log, request, Refusal.Of(GrainRefusal.Invalid), "UnknownTransferState");
        if (!WithdrawalId.TryParse(transfer.OutBillNo, out var withdrawal) || !ShopId.TryParse(shopInPath, out var shop)) return Refuse(log, request, Refusal.Of(EdgeRefusal.NotFound), "UnknownTransfer");

        if (state.Problem is { } problem) log.LogWarning("Transfer {Withdrawal} has failed: {Problem}.", withdrawal, problem);
        var noted = await grains.Ask(withdrawal.In(shop), new NoteTransfer(new(transfer.TransferAmount), state.State, state.Problem));
        return noted.Refusal is { } refusal ? Refuse(log, request, refusal, refusal.Code) : TypedResults.NoContent();
    }

    private static IResult Refuse(ILogger log, HttpRequest request, Refusal refusal, string reason)
    {
        log.LogWarning("A payment notification was refused: {Reason} ({RequestId}).", reason, request.HttpContext.TraceIdentifier);
        return Api.Refuse(refusal);
    }
}
