using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.ApiFrontend;

/// <param name="Quantity">1–10,000</param>
internal sealed record WantedUnits(int Quantity);

/// <summary>Flash sales (秒杀): watch, and buy while there are units.</summary>
internal static class FlashSaleEndpoints
{
    public static void MapFlashSales(this IEndpointRouteBuilder routes)
    {
        var sales = routes.MapGroup("/v1/flash-sales").RequireAuthorization(Rights.Shopper).WithTags("FlashSale");
        sales.MapGet("/{id:id}", Get).Produces<FlashSaleView>().WithSummary("The sale that runs or comes next, with what is left");
        sales.MapGet("/{id:id}/events", Events).Produces(200, contentType: "text/event-stream").WithMetadata(new Counted(Counts.Stream)).WithSummary("What happens to the sale, live (SSE)");
        sales.MapPost("/{id:id}/orders", Order).Produces<OrderView>(201).WithMetadata(TakesUnits.Instance).WithSummary("Take units and order them; they are held until the order is paid or runs out");
    }

    private static async Task<IResult> Get(FlashSaleId id, ShopperCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetFlashSale())).Ok();

    private static Task<IResult> Events(FlashSaleId id, ShopperCaller caller, HttpRequest request, IGrains grains, CancellationToken cancellation) =>
        LiveStream.Of(id.In(caller.Shop), new GetFlashSale(), request, grains, cancellation);

    private static async Task<IResult> Order(FlashSaleId id, WantedUnits body, ShopperCaller caller, EffectId effect, IGrains grains, SoldOutSales soldOut)
    {
        var (sale, order) = (id.In(caller.Shop), new OrderId(effect.Value));

        // With a key it may be the repeat of a take whose order is not open yet, of before a restart: the sale itself knows.
        var refusal = soldOut.Contains(sale) && !effect.IsKeyed ? Refusal.Of(CampaignRefusal.SoldOut) : (await grains.Ask(sale, new TakeUnits(order, caller.Shopper, body.Quantity))).Refusal;
        if (refusal?.Code == nameof(CampaignRefusal.SoldOut)) soldOut.Watch(sale);
        if (refusal?.Kind == RefusalKind.Busy) return Api.Refuse(EdgeRefusal.QueueFull);
        if (refusal is not null && !effect.IsKeyed) return Api.Refuse(refusal);

        // Whatever is refused now: who has this order already sent the request before, and gets it.
        var made = await grains.Ask(order.In(caller.Shop), new GetOrder(caller.Shopper));
        return refusal is not null && made.Refusal is not null ? Api.Refuse(refusal) : made.Created(o => $"/v1/orders/{o.Id}");
    }
}
