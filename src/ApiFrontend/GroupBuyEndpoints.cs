using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend;

internal sealed record FoundRoom(CampaignId CampaignId, int Quantity);

internal sealed record TakeSeat(int Quantity);

/// <summary>A seat that is held, and the order that pays for it.</summary>
internal sealed record TakenSeat(GroupRoomView Room, OrderView Order);

/// <summary>Group-buys (拼团): found a room, find one, join it, watch it.</summary>
internal static class GroupBuyEndpoints
{
    public static void MapGroupBuys(this IEndpointRouteBuilder routes)
    {
        var rooms = routes.MapGroup("/v1/group-rooms").RequireAuthorization(Rights.Shopper).WithTags("GroupBuy");
        rooms.MapPost("", Found).Produces<TakenSeat>(201).WithSummary("Found a room: holds the leader's seat and opens its order");
        rooms.MapGet("", Mine).Produces<Page<GroupRoomListItem>>().WithSummary("Rooms I have been in, newest first");
        rooms.MapGet("/{id:id}", Get).Produces<GroupRoomView>().WithSummary("The room with its members and the seats left");
        rooms.MapPost("/{id:id}/seats", Join).Produces<TakenSeat>(201).WithSummary("Join: holds a seat before it is paid for");
        rooms.MapGet("/{id:id}/events", Events).Produces(200, contentType: "text/event-stream").WithMetadata(new Counted(Counts.Stream)).WithSummary("What happens in the room, live (SSE)");

        routes.MapGet("/v1/campaigns/{id:id}/group-rooms", OfCampaign).RequireAuthorization(Rights.Shopper).Produces<Page<GroupRoomListItem>>().WithTags("GroupBuy").WithSummary("Rooms of a campaign that still need people, newest first");
    }

    private static Task<IResult> Found(FoundRoom body, ShopperCaller caller, EffectId effect, IGrains grains) =>
        Hold(GroupRoomId.Of(Ids.Derive("group-room", effect.Value.ToString("N"))), body.CampaignId, body.Quantity, caller, effect, grains);

    private static Task<IResult> Join(GroupRoomId id, TakeSeat body, ShopperCaller caller, EffectId effect, IGrains grains) => Hold(id, null, body.Quantity, caller, effect, grains);

    private static async Task<IResult> Hold(GroupRoomId room, CampaignId? founds, int quantity, ShopperCaller caller, EffectId effect, IGrains grains)
    {
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if (shop.Refusal is { } closed) return Api.Refuse(closed);
        var me = await grains.Ask(caller.Grain, new GetShopper(shop.Reply!.Settings.Assists()));
        if (me.Refusal is { } unknown) return Api.Refuse(unknown);

        var order = new OrderId(effect.Value);
        var seat = new HoldSeat(order, caller.Shopper, quantity, me.Reply!.IsNew, shop.Reply.Settings.PaymentWindowMinutes, founds);
        if (await WhyHopeless(room, seat, caller, grains) is { } hopeless) return Api.Refuse(hopeless);
        var held = await grains.Ask(room.In(caller.Shop), seat);
        if (held.Refusal is { } refusal) return Api.Refuse(refusal);

        var opened = await grains.Ask(order.In(caller.Shop), new GetOrder(caller.Shopper));
        var view = await grains.Ask(room.In(caller.Shop), new GetGroupRoom());
        return (opened.Refusal ?? view.Refusal) is { } lost ? Api.Refuse(lost) : Api.Created(new TakenSeat(view.Reply!, opened.Reply!), $"/v1/group-rooms/{room}");
    }

    // The checks write nothing, and keep a hopeless seat from the journal. What they let pass is decided by the room and the campaign.
    private static async Task<Refusal?> WhyHopeless(GroupRoomId room, HoldSeat seat, ShopperCaller caller, IGrains grains)
    {
        var check = await grains.Ask(room.In(caller.Shop), new CheckSeat(seat));
        if (check.Refusal is not null || check.Reply!.IsKnown) return check.Refusal;
        var campaign = await grains.Ask(check.Reply.Campaign.In(caller.Shop), new CheckUnits(new(seat.Order.Value, room.Value, caller.Shopper, seat.Quantity)));
        return campaign.Refusal;
    }

    private static IResult Mine(ShopperCaller caller, Paging page, DocumentStore documents) =>
        TypedResults.Json(documents.List<GroupRoomListItem>(caller.Shop, GroupBuyViews.ByMember, caller.Shopper.ToString(), page.Cursor, page.Limit), Api.Json);

    private static async Task<IResult> OfCampaign(CampaignId id, ShopperCaller caller, Paging page, DocumentStore documents, IGrains grains)
    {
        var campaign = await grains.Ask(id.In(caller.Shop), new GetCampaign());
        if (campaign.Refusal is { } refusal) return Api.Refuse(refusal);
        if (campaign.Reply!.State == CampaignStatus.Draft) return Api.Refuse(EdgeRefusal.NotFound);

        return TypedResults.Json(documents.List<GroupRoomListItem>(caller.Shop, GroupBuyViews.OpenByCampaign, id.ToString(), page.Cursor, page.Limit), Api.Json);
    }

    private static async Task<IResult> Get(GroupRoomId id, ShopperCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetGroupRoom())).Ok();

    private static Task<IResult> Events(GroupRoomId id, ShopperCaller caller, HttpRequest request, IGrains grains, CancellationToken cancellation) =>
        LiveStream.Of(id.In(caller.Shop), new GetGroupRoom(), request, grains, cancellation);
}
