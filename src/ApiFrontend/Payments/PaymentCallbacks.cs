using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;

namespace Campaigns.ApiFrontend.Payments;

/// <summary>How a refused notification is answered: WeChat Pay shows the message in its console and sends it again.</summary>
internal sealed record CallbackRefusal(string Code, string Message);

/// <summary>WeChat Pay's notifications. Nothing is believed before its signature; a repeat is answered like the first.</summary>
internal static class PaymentCallbacks
{
    public const string Path = "/callbacks/wechat-pay";

    // Authorization is the platform's signature, which is checked before anything else.
    public static void MapPaymentCallbacks(this IEndpointRouteBuilder routes) =>
        routes.MapPost(Path, Notify).AllowAnonymous().Produces(204).Produces<CallbackRefusal>(401).WithTags("Callback").WithSummary("Payment notification of WeChat Pay v3");

    private static async Task<IResult> Notify(HttpRequest request, IGrains grains, WeChatPayKeys keys, TimeProvider clock, ILogger<CallbackRefusal> log)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        var opened = WeChatPayNotification.Open(SignedHeaders.From(request.Headers), body.GetBuffer().AsSpan(0, (int)body.Length), keys, clock.GetUtcNow());
        if (opened.Transaction is not { } transaction) return Refuse(log, request, 401, opened.Refusal.ToString()!);
        if (!transaction.IsPaid) return TypedResults.NoContent();
        if (!PaymentId.TryParse(transaction.OutTradeNo, out var payment) || !ShopId.TryParse(transaction.Attach, out var shop)) return Refuse(log, request, 404, "UnknownPayment");

        var confirmed = await grains.Ask(payment.In(shop), new ConfirmPayment(transaction.TransactionId, new(transaction.Amount.Total), transaction.SuccessTime.ToUniversalTime()));
        return confirmed.Refusal is { } refusal ? Refuse(log, request, Problems.StatusOf(refusal), refusal.Code) : TypedResults.NoContent();
    }

    private static IResult Refuse(ILogger log, HttpRequest request, int status, string reason)
    {
        log.LogWarning("A payment notification was refused: {Reason} ({RequestId}).", reason, request.HttpContext.TraceIdentifier);
        return TypedResults.Json(new CallbackRefusal("FAIL", reason), Api.Json, statusCode: status);
    }
}
