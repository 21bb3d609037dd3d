using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.Payments;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Stock;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo.Projections;
using Microsoft.AspNetCore.Mvc;

namespace Campaigns.ApiFrontend;

/// <summary>What the WeChat client needs to show the payment sheet.</summary>
internal sealed record PaymentSheetView(string AppId, string TimeStamp, string NonceStr, string Package, string SignType, string PaySign);

internal sealed record StartedPayment(PaymentId PaymentId, PaymentSheetView Prepay);

/// <summary>An order in a list. Server time is with every countdown, and each order may have one.</summary>
internal sealed record ListedOrder(
    OrderId Id,
    string Kind,
    OrderStatus State,
    IReadOnlyList<OrderLineView> Lines,
    long AmountFen,
    IReadOnlyList<DiscountLine> DiscountLines,
    DateTimeOffset PlacedAt,
    DateTimeOffset PayBefore,
    DateTimeOffset? PaidAt,
    IReadOnlyList<OrderRefund> Refunds,
    DateTimeOffset ServerTime,
    OrderShipment? Shipment = null,
    DateTimeOffset? ReceiveBefore = null,
    DateTimeOffset? ReceivedAt = null);

/// <param name="Refund">null unless it is being refunded</param>
/// <param name="AgeSeconds">how long it has not been settled: seconds are normal for <c>Captured</c> and <c>Closing</c>, through which every payment or unpaid order passes</param>
/// <param name="Problem">the gateway's word for a failure, such as <c>NOT_ENOUGH</c></param>
internal sealed record LimboEntry(
    OrderId? Order, string? Refund, long AmountFen, LimboState State, string Reason, DateTimeOffset Since, long AgeSeconds, PaymentId? Payment = null, string? Problem = null, WithdrawalId? Withdrawal = null);

/// <summary>One moment of an order. Newest first in a page.</summary>
/// <param name="What">a stable name of what happened</param>
/// <param name="Text">the same in the caller's language</param>
/// <param name="AmountFen">the amount that it is about</param>
/// <param name="Refund">the refund that it is about</param>
/// <param name="Lines">at <c>Opened</c> and <c>PriceFell</c>: the lines as they were then</param>
/// <param name="DiscountLines">at <c>Opened</c>: the discounts of then, each with who funds it</param>
/// <param name="RefundedUnits">the units that a refund is for</param>
internal sealed record TimelineEntry(
    DateTimeOffset At,
    OrderMoment What,
    string Text,
    long? AmountFen,
    string? Refund,
    string? Reason,
    IReadOnlyList<OrderLine>? Lines,
    IReadOnlyList<DiscountLine>? DiscountLines,
    IReadOnlyList<RefundedUnits>? RefundedUnits);

/// <param name="Carrier">1–40 characters: its name or code</param>
/// <param name="TrackingNumber">1–64 characters without blanks</param>
internal sealed record ShipmentBody(string Carrier, string TrackingNumber);

/// <param name="AmountFen">absent: the net of the lines, or all that is left of the order if there are none</param>
/// <param name="Lines">the units that it is for; <c>line</c> counts from 1, as in the order</param>
/// <param name="Reason">1–80 characters: the buyer reads it in WeChat</param>
internal sealed record RefundBody(string Reason, long? AmountFen = null, IReadOnlyList<RefundedUnits>? Lines = null);

/// <param name="Reason">1–80 characters: how it was given back</param>
internal sealed record SettlementBody(string Reason);

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

        orders.MapPost("/{id:id}/receipts", Receive).Produces<OrderView>().WithSummary("It has come");
        orders.MapGet("/{id:id}/timeline", Timeline).Produces<Page<TimelineEntry>>().WithSummary("Why it is what it is: everything that happened to it, newest first");

        var merchant = routes.MapGroup("/merchant/v1").RequireAuthorization(Rights.MerchantRead).WithTags("Order");
        merchant.MapGet("/orders", OfShop).Produces<Page<ListedOrder>>().WithSummary("The shop's orders, newest first");
        merchant.MapGet("/orders/{id:id}", GetAsMerchant).Produces<OrderView>().WithSummary("An order");
        merchant.MapGet("/orders/{id:id}/timeline", TimelineAsMerchant).Produces<Page<TimelineEntry>>().WithSummary("Why it is what it is: everything that happened to it, newest first");
        merchant.MapGet("/limbo", Limbo).Produces<Page<LimboEntry>>().WithSummary("Money that is not settled yet, with its reason and since when");
        merchant.MapGet("/shipment-uploads/template", ShipmentUploads.Template).Produces<string>(200, ShipmentUploads.MediaType).WithSummary("An empty file for shipment-uploads");

        var changes = routes.MapGroup("/merchant/v1").RequireAuthorization(Rights.MerchantWrite).WithTags("Order");
        changes.MapPost("/orders/{id:id}/shipments", Ship).Produces<OrderView>(201).WithSummary("Ship an order, or correct its shipment until it is received");
        changes.MapPost("/orders/{id:id}/refunds", Refund).Produces<OrderView>(201).WithSummary("Give money back: for units at their net price, an amount, or all that is left");
        changes.MapPost("/limbo/{id:id}/settlements", Settle).Produces<SettledStray>(201).WithSummary("Money of a wrong amount was given back by hand; the id is its payment's");
        changes.MapPost("/shipment-uploads", ShipmentUploads.Upload).Produces<ShipmentReport>().WithMetadata(new CsvBody(ShipmentUploads.Format), new RequestSizeLimitAttribute(ShipmentUploads.BytesMax))
            .WithSummary("Ship up to 5,000 orders with one CSV file; a row that cannot be shipped blocks no other");
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
        new Page<ListedOrder>([.. page.Items.Select(o => new ListedOrder(o.Id, o.Kind, o.State, o.SeenLines(), o.AmountFen, o.DiscountLines, o.PlacedAt, o.PayBefore, o.PaidAt, o.Refunds, now, o.Shipment, o.ReceiveBefore, o.ReceivedAt))], page.NextCursor, page.AsOf), Api.Json);

    private static IResult Limbo(MerchantCaller caller, Paging page, DocumentStore documents, TimeProvider clock)
    {
        var (now, limbo) = (clock.GetUtcNow(), documents.List<LimboItem>(caller.Shop, OrderViews.Limbo, OrderViews.Open, page.Cursor, page.Limit));
        return TypedResults.Json(
            new Page<LimboEntry>([.. limbo.Items.Select(l => new LimboEntry(l.Order, l.Refund, l.AmountFen, l.State, l.Reason, l.Since, (long)(now - l.Since).TotalSeconds, l.Payment, ProblemOf(l), l.Withdrawal))], limbo.NextCursor, limbo.AsOf), Api.Json);

        string? ProblemOf(LimboItem item) => item switch
        {
            { State: LimboState.Failed, Refund: { } refund } => documents.Read<RefundProblem>(caller.Shop, PaymentViews.Problems, refund)?.Problem,
            { Withdrawal: { } withdrawal } => documents.Read<WithdrawalView>(caller.Shop, WithdrawalViews.OfShop, withdrawal.ToString())?.Problem,
            _ => null,
        };
    }

    private static async Task<IResult> Get(OrderId id, ShopperCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetOrder(caller.Shopper))).Ok();

    private static async Task<IResult> GetAsMerchant(OrderId id, MerchantCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetOrder(null))).Ok();

    private static async Task<IResult> Timeline(OrderId id, ShopperCaller caller, Paging page, IGrains grains, DocumentStore documents, HttpContext context) =>
        Moments(await grains.Ask(id.In(caller.Shop), new GetOrder(caller.Shopper)), caller.Shop, page, documents, context);

    private static async Task<IResult> TimelineAsMerchant(OrderId id, MerchantCaller caller, Paging page, IGrains grains, DocumentStore documents, HttpContext context) =>
        Moments(await grains.Ask(id.In(caller.Shop), new GetOrder(null)), caller.Shop, page, documents, context);

    private static IResult Moments(Outcome<OrderView> order, ShopId shop, Paging page, DocumentStore documents, HttpContext context)
    {
        if (order.Refusal is { } refusal) return Api.Refuse(refusal);
        var (moments, isEnglish) = (documents.List<OrderTimelineItem>(shop, OrderTimeline.Moments, order.Reply!.Id.ToString(), page.Cursor, page.Limit), Problems.PrefersEnglish(context));
        return TypedResults.Json(new Page<TimelineEntry>([.. moments.Items.Select(m => OrderTimelineTexts.Tell(m, isEnglish))], moments.NextCursor, moments.AsOf), Api.Json);
    }

    private static async Task<IResult> Ship(OrderId id, ShipmentBody body, MerchantCaller caller, IGrains grains)
    {
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if (shop.Refusal is { } unknown) return Api.Refuse(unknown);
        var shipped = await grains.Ask(id.In(caller.Shop), new ShipOrder(body.Carrier, body.TrackingNumber, shop.Reply!.Settings.FreezeDays));
        return shipped.Refusal is { } refusal ? Api.Refuse(refusal) : (await grains.Ask(id.In(caller.Shop), new GetOrder(null))).Created();
    }

    private static async Task<IResult> Refund(OrderId id, RefundBody body, MerchantCaller caller, EffectId effect, IGrains grains)
    {
        if (body.Lines?.Contains(null!) == true) return Api.Refuse(EdgeRefusal.Malformed);
        var refunded = await grains.Ask(id.In(caller.Shop), new RefundOrder(effect.Value, body.AmountFen, body.Lines, body.Reason));
        return refunded.Refusal is { } refusal ? Api.Refuse(refusal) : (await grains.Ask(id.In(caller.Shop), new GetOrder(null))).Created();
    }

    private static async Task<IResult> Settle(PaymentId id, SettlementBody body, MerchantCaller caller, IGrains grains) =>
        (await grains.Ask(id.In(caller.Shop), new SettleStray(body.Reason))).Created();

    private static async Task<IResult> Receive(OrderId id, EmptyBody? body, ShopperCaller caller, IGrains grains)
    {
        var received = await grains.Ask(id.In(caller.Shop), new ReceiveOrder(caller.Shopper));
        return received.Refusal is { } refusal ? Api.Refuse(refusal) : (await grains.Ask(id.In(caller.Shop), new GetOrder(caller.Shopper))).Ok();
    }

    private static async Task<IResult> Pay(OrderId id, EmptyBody? body, ShopperCaller caller, EffectId effect, IGrains grains, IPaymentGateway gateway)
    {
        var started = await grains.Ask(id.In(caller.Shop), new StartPayment(new(effect.Value), caller.Shopper));
        if (started.Refusal is { } refusal) return Api.Refuse(refusal);
        var payment = await grains.Ask(started.Reply.In(caller.Shop), new GetPayment(WhenReady: true));
        if (payment.Refusal is { } unavailable) return Api.Refuse(unavailable);
        if (payment.Reply is not { State: not PaymentStatus.Closed, PrepayId: { } prepay }) return Api.Refuse(OrderRefusal.OrderNotPayable);
        return Api.Created(new StartedPayment(started.Reply, gateway.Sheet(prepay)));
    }

    private static async Task<IResult> Cancel(OrderId id, OptionalReasonBody? body, ShopperCaller caller, IGrains grains)
    {
        var cancelled = await grains.Ask(id.In(caller.Shop), new CancelOrder(caller.Shopper, body?.Reason));
        return cancelled.Refusal is { } refusal ? Api.Refuse(refusal) : (await grains.Ask(id.In(caller.Shop), new GetOrder(caller.Shopper))).Ok();
    }
}
