using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;

namespace Campaigns.ApiFrontend.Payments;

/// <summary>
/// WeChat Pay's notifications. Nothing is believed before its signature; a repeat is answered like the first. A refusal is a problem like
/// any other: WeChat Pay looks at the status alone, and sends again what was not answered 2xx.
/// </summary>
internal static class PaymentCallbacks
{
    public const string Path = "/callbacks/wechat-pay";

    // Authorization is the platform's signature, which is checked before anything else.
    public static void MapPaymentCallbacks(this IEndpointRouteBuilder routes) =>
        routes.MapPost(Path, Notify).AllowAnonymous().Produces(204).WithTags("Callback").WithSummary("Payment notification of WeChat Pay v3");

    private static async Task<IResult> Notify(HttpRequest request, IGrains grains, WeChatPayKeys keys, TimeProvider clock, ILoggerFactory logs)
    {
        var log = logs.CreateLogger(typeof(PaymentCallbacks));
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        var opened = WeChatPayNotification.Open(SignedHeaders.From(request.Headers), body.GetBuffer().AsSpan(0, (int)body.Length), keys, clock.GetUtcNow());
        if (opened.Transaction is not { } transaction) return Refuse(log, request, Refusal.Of(EdgeRefusal.Unauthenticated), opened.Refusal.ToString()!);
        if (!transaction.IsPaid) return TypedResults.NoContent();
        if (!PaymentId.TryParse(transaction.OutTradeNo, out var payment) || !ShopId.TryParse(transaction.Attach, out var shop)) return Refuse(log, request, Refusal.Of(EdgeRefusal.NotFound), "UnknownPayment");

        var confirmed = await grains.Ask(payment.In(shop), new ConfirmPayment(transaction.TransactionId, new(transaction.Amount.Total), transaction.SuccessTime.ToUniversalTime()));
        return confirmed.Refusal is { } refusal ? Refuse(log, request, refusal, refusal.Code) : TypedResults.NoContent();
    }

    private static IResult Refuse(ILogger log, HttpRequest request, Refusal refusal, string reason)
    {
        log.LogWarning("A payment notification was refused: {Reason} ({RequestId}).", reason, request.HttpContext.TraceIdentifier);
        return Api.Refuse(refusal);
    }
}
