using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.Payments;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend;

/// <summary>What the WeChat client needs to show the payment sheet.</summary>
internal sealed record PaymentSheetView(string AppId, string TimeStamp, string NonceStr, string Package, string SignType, string PaySign);

internal sealed record StartedPayment(PaymentId PaymentId, PaymentSheetView Prepay);

/// <summary>Orders (订单) and their payments.</summary>
internal static class OrderEndpoints
{
    public static void MapOrders(this IEndpointRouteBuilder routes)
    {
        var orders = routes.MapGroup("/v1/orders").RequireAuthorization(Rights.Shopper).WithTags("Order");
        orders.MapGet("", Mine).Produces<Page<OrderListItem>>().WithSummary("My orders, newest first");
        orders.MapGet("/{id:id}", Get).Produces<OrderView>().WithSummary("An order");
        orders.MapPost("/{id:id}/payments", Pay).Produces<StartedPayment>(201).WithSummary("Begin to pay");
        orders.MapPost("/{id:id}/cancellations", Cancel).Produces<OrderView>().WithSummary("Cancel an unpaid order");

        var merchant = routes.MapGroup("/merchant/v1").RequireAuthorization(Rights.MerchantRead).WithTags("Order");
        merchant.MapGet("/orders", OfShop).Produces<Page<OrderListItem>>().WithSummary("The shop's orders, newest first");
        merchant.MapGet("/orders/{id:id}", GetAsMerchant).Produces<OrderView>().WithSummary("An order");
        merchant.MapGet("/limbo", Limbo).Produces<Page<LimboItem>>().WithSummary("Money that is not settled yet, with its reason and since when");
    }

    private static IResult Mine(ShopperCaller caller, Paging page, DocumentStore documents) =>
        TypedResults.Json(documents.List<OrderListItem>(caller.Shop, OrderViews.ByBuyer, caller.Shopper.ToString(), page.Cursor, page.Limit), Api.Json);

    private static IResult OfShop(MerchantCaller caller, Paging page, DocumentStore documents) =>
        TypedResults.Json(documents.List<OrderListItem>(caller.Shop, OrderViews.OfShop, OrderViews.All, page.Cursor, page.Limit), Api.Json);

    private static IResult Limbo(MerchantCaller caller, Paging page, DocumentStore documents) =>
        TypedResults.Json(documents.List<LimboItem>(caller.Shop, OrderViews.Limbo, OrderViews.Open, page.Cursor, page.Limit), Api.Json);

    private static async Task<IResult> Get(OrderId id, ShopperCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetOrder(caller.Shopper))).Ok();

    private static async Task<IResult> GetAsMerchant(OrderId id, MerchantCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetOrder(null))).Ok();

    private static async Task<IResult> Pay(OrderId id, EmptyBody? body, ShopperCaller caller, EffectId effect, IGrains grains, IPaymentGateway gateway)
    {
        var started = await grains.Ask(id.In(caller.Shop), new StartPayment(new(effect.Value), caller.Shopper));
        if (started.Refusal is { } refusal) return Api.Refuse(refusal);
        var payment = await grains.Ask(started.Reply.In(caller.Shop), new GetPayment(WhenReady: true));
        if (payment.Refusal is { } unavailable) return Api.Refuse(unavailable);
        return Api.Created(new StartedPayment(started.Reply, gateway.Sheet(payment.Reply!.PrepayId!)));
    }

    private static async Task<IResult> Cancel(OrderId id, ReasonBody? body, ShopperCaller caller, IGrains grains)
    {
        var cancelled = await grains.Ask(id.In(caller.Shop), new CancelOrder(caller.Shopper, body?.Reason));
        return cancelled.Refusal is { } refusal ? Api.Refuse(refusal) : (await grains.Ask(id.In(caller.Shop), new GetOrder(caller.Shopper))).Ok();
    }
}
