using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.Payments;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Stock;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend;

/// <summary>What the WeChat client needs to show the payment sheet.</summary>
internal sealed record PaymentSheetView(string AppId, string TimeStamp, string NonceStr, string Package, string SignType, string PaySign);

internal sealed record StartedPayment(PaymentId PaymentId, PaymentSheetView Prepay);

/// <summary>An order in a list. Server time is with every countdown, and each order may have one.</summary>
internal sealed record ListedOrder(
    OrderId Id,
    string Kind,
    OrderStatus State,
    IReadOnlyList<OrderLine> Lines,
    long AmountFen,
    IReadOnlyList<DiscountLine> DiscountLines,
    DateTimeOffset PlacedAt,
    DateTimeOffset PayBefore,
    DateTimeOffset? PaidAt,
    IReadOnlyList<OrderRefund> Refunds,
    DateTimeOffset ServerTime);

/// <param name="AgeSeconds">how long it has not been settled</param>
/// <param name="Problem">the gateway's word for a failure, such as <c>NOT_ENOUGH</c></param>
internal sealed record LimboEntry(OrderId Order, string Refund, long AmountFen, RefundStatus State, string Reason, DateTimeOffset Since, long AgeSeconds, string? Problem);

internal sealed record CancelBody(string? Reason = null);

internal sealed record WantedLine(SkuId Sku, int Quantity);

internal sealed record PlainOrder(IReadOnlyList<WantedLine> Lines);

/// <summary>Orders (订单) and their payments.</summary>
internal static class OrderEndpoints
{
    private const int LinesMax = 50;
    private const int QuantityMax = 10_000;

    public static void MapOrders(this IEndpointRouteBuilder routes)
    {
        var orders = routes.MapGroup("/v1/orders").RequireAuthorization(Rights.Shopper).WithTags("Order");
        orders.MapPost("", Place).Produces<OrderView>(201).WithSummary("Order at list price, all lines or none");
        orders.MapGet("", Mine).Produces<Page<ListedOrder>>().WithSummary("My orders, newest first");
        orders.MapGet("/{id:id}", Get).Produces<OrderView>().WithSummary("An order");
        orders.MapPost("/{id:id}/payments", Pay).Produces<StartedPayment>(201).WithSummary("Begin to pay");
        orders.MapPost("/{id:id}/cancellations", Cancel).Produces<OrderView>().WithSummary("Cancel an unpaid order");

        var merchant = routes.MapGroup("/merchant/v1").RequireAuthorization(Rights.MerchantRead).WithTags("Order");
        merchant.MapGet("/orders", OfShop).Produces<Page<ListedOrder>>().WithSummary("The shop's orders, newest first");
        merchant.MapGet("/orders/{id:id}", GetAsMerchant).Produces<OrderView>().WithSummary("An order");
        merchant.MapGet("/limbo", Limbo).Produces<Page<LimboEntry>>().WithSummary("Money that is not settled yet, with its reason and since when");
    }

    private static async Task<IResult> Place(PlainOrder body, ShopperCaller caller, EffectId effect, IGrains grains)
    {
        if (body.Lines.Contains(null!)) return Api.Refuse(EdgeRefusal.Malformed);
        if (body.Lines.Count is < 1 or > LinesMax) return Api.Refuse(Refusal.Invalid("lines", "An order has 1 to 50 lines."));

        // Before anything is multiplied: an amount out of its bounds could not even be asked about.
        for (var i = 0; i < body.Lines.Count; i++)
            if (body.Lines[i].Quantity is < 1 or > QuantityMax) return Api.Refuse(Refusal.Invalid($"lines[{i}].quantity", "1 to 10,000 units."));

        // The check writes nothing: what is sold out costs no disk. What it lets pass is decided by the order and the stock.
        var skus = await Task.WhenAll(body.Lines.Select(l => grains.Ask(l.Sku.In(caller.Shop), new CheckHold(effect.Value, l.Quantity)).AsTask()));
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if ((skus.FirstOrDefault(s => !s.IsAccepted).Refusal ?? shop.Refusal) is { } unknown) return Api.Refuse(unknown);

        var lines = body.Lines.Zip(skus, (l, s) => new OrderLine(l.Sku, s.Reply!.Title, l.Quantity, s.Reply.ListPriceFen, s.Reply.ListPriceFen * l.Quantity)).ToList();
        var order = new OrderId(effect.Value);
        var placed = await grains.Ask(order.In(caller.Shop), new PlaceOrder(caller.Shopper, "plain", null, null, lines, [], shop.Reply!.Settings.PaymentWindowMinutes));
        return placed.Refusal is { } refusal ? Api.Refuse(refusal) : (await grains.Ask(order.In(caller.Shop), new GetOrder(caller.Shopper))).Created(o => $"/v1/orders/{o.Id}");
    }

    private static IResult Mine(ShopperCaller caller, Paging page, DocumentStore documents, TimeProvider clock) =>
        List(documents.List<OrderListItem>(caller.Shop, OrderViews.ByBuyer, caller.Shopper.ToString(), page.Cursor, page.Limit), clock.GetUtcNow());

    private static IResult OfShop(MerchantCaller caller, Paging page, DocumentStore documents, TimeProvider clock) =>
        List(documents.List<OrderListItem>(caller.Shop, OrderViews.OfShop, OrderViews.All, page.Cursor, page.Limit), clock.GetUtcNow());

    private static IResult List(Page<OrderListItem> page, DateTimeOffset now) => TypedResults.Json(
        new Page<ListedOrder>([.. page.Items.Select(o => new ListedOrder(o.Id, o.Kind, o.State, o.Lines, o.AmountFen, o.DiscountLines, o.PlacedAt, o.PayBefore, o.PaidAt, o.Refunds, now))], page.NextCursor, page.AsOf), Api.Json);

    private static IResult Limbo(MerchantCaller caller, Paging page, DocumentStore documents, TimeProvider clock)
    {
        var (now, limbo) = (clock.GetUtcNow(), documents.List<LimboItem>(caller.Shop, OrderViews.Limbo, OrderViews.Open, page.Cursor, page.Limit));
        return TypedResults.Json(
            new Page<LimboEntry>([.. limbo.Items.Select(l => new LimboEntry(l.Order, l.Refund, l.AmountFen, l.State, l.Reason, l.Since, (long)(now - l.Since).TotalSeconds, ProblemOf(l)))], limbo.NextCursor, limbo.AsOf), Api.Json);

        string? ProblemOf(LimboItem item) => item.State == RefundStatus.Failed ? documents.Read<RefundProblem>(caller.Shop, PaymentViews.Problems, item.Refund)?.Problem : null;
    }

    private static async Task<IResult> Get(OrderId id, ShopperCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetOrder(caller.Shopper))).Ok();

    private static async Task<IResult> GetAsMerchant(OrderId id, MerchantCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetOrder(null))).Ok();

    private static async Task<IResult> Pay(OrderId id, EmptyBody? body, ShopperCaller caller, EffectId effect, IGrains grains, IPaymentGateway gateway)
    {
        var started = await grains.Ask(id.In(caller.Shop), new StartPayment(new(effect.Value), caller.Shopper));
        if (started.Refusal is { } refusal) return Api.Refuse(refusal);
        var payment = await grains.Ask(started.Reply.In(caller.Shop), new GetPayment(WhenReady: true));
        if (payment.Refusal is { } unavailable) return Api.Refuse(unavailable);
        if (payment.Reply is not { State: not PaymentStatus.Closed, PrepayId: { } prepay }) return Api.Refuse(OrderRefusal.OrderNotPayable);
        return Api.Created(new StartedPayment(started.Reply, gateway.Sheet(prepay)));
    }

    private static async Task<IResult> Cancel(OrderId id, CancelBody? body, ShopperCaller caller, IGrains grains)
    {
        var cancelled = await grains.Ask(id.In(caller.Shop), new CancelOrder(caller.Shopper, body?.Reason));
        return cancelled.Refusal is { } refusal ? Api.Refuse(refusal) : (await grains.Ask(id.In(caller.Shop), new GetOrder(caller.Shopper))).Ok();
    }
}
