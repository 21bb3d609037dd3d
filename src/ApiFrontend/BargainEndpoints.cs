using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend;

internal sealed record LaunchBargain(CampaignId CampaignId);

/// <summary>What an assist did, and how many the helper has left today.</summary>
internal sealed record Assist(long CutFen, int SlotsUsed, long PriceFen, long LeftFen, int SlotsLeft, BargainStatus State, int AssistsLeftToday);

/// <summary>Bargains (砍价): launch, help, watch, verify, order.</summary>
internal static class BargainEndpoints
{
    public static void MapBargains(this IEndpointRouteBuilder routes)
    {
        var bargains = routes.MapGroup("/v1/bargains").RequireAuthorization(Rights.Shopper).WithTags("Bargain");
        bargains.MapPost("", Launch).Produces<BargainView>(201).WithSummary("Start a bargain");
        bargains.MapGet("", Mine).Produces<Page<BargainListItem>>().WithSummary("My bargains, newest first");
        bargains.MapGet("/{id:id}", Get).Produces<BargainView>().WithSummary("The bargain with the exact amounts left");
        bargains.MapPost("/{id:id}/assists", Help).Produces<Assist>(201).Produces<Assist>().WithSummary("Help: cut the price once; a repeat answers 200 with the first result");
        bargains.MapGet("/{id:id}/proof", Proof).Produces<BargainProof>().WithSummary("The evidence that the cuts were fixed at launch");
        bargains.MapGet("/{id:id}/events", Events).Produces(200, contentType: "text/event-stream").WithMetadata(new Counted(Counts.Stream)).WithSummary("What happens to the bargain, live (SSE)");
        bargains.MapPost("/{id:id}/orders", Order).Produces<OrderView>(201).WithSummary("Order at the price earned");
    }

    private static async Task<IResult> Launch(LaunchBargain body, ShopperCaller caller, EffectId effect, IGrains grains)
    {
        // The check writes nothing, and keeps a hopeless launch from the shopper's journal. What it lets pass is decided by the two grains.
        var campaign = await grains.Ask(body.CampaignId.In(caller.Shop), new CheckAdmission(effect.Value));
        if (campaign.Refusal is { } hopeless) return Api.Refuse(hopeless);
        if (campaign.Reply!.Rules is not BargainTerms terms) return Api.Refuse(EdgeRefusal.NotFound);

        var launched = await grains.Ask(caller.Grain, new LaunchParticipation(effect.Value, body.CampaignId, terms.LaunchesPerUser));
        if (launched.Refusal is { } refusal) return Api.Refuse(refusal);
        return (await grains.Ask(new BargainId(effect.Value).In(caller.Shop), new GetBargain())).Created(b => $"/v1/bargains/{b.Id}");
    }

    private static IResult Mine(ShopperCaller caller, Paging page, DocumentStore documents) =>
        TypedResults.Json(documents.List<BargainListItem>(caller.Shop, BargainViews.ByOwner, caller.Shopper.ToString(), page.Cursor, page.Limit), Api.Json);

    private static async Task<IResult> Get(BargainId id, ShopperCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetBargain())).Ok();

    private static async Task<IResult> Proof(BargainId id, ShopperCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetProof())).Ok();

    private static async Task<IResult> Help(BargainId id, EmptyBody? body, ShopperCaller caller, EffectId effect, Device device, IGrains grains)
    {
        // The check writes nothing: a hopeless assist costs neither quota nor disk. What it lets pass is decided by the two grains.
        var settings = grains.Ask(caller.Shop.Grain(), new GetShop());
        var check = await grains.Ask(id.In(caller.Shop), new CheckAssist(caller.Shopper, device.Hash));
        var shop = await settings;
        if ((check.Refusal ?? shop.Refusal) is { } hopeless) return Api.Refuse(hopeless);

        var policy = shop.Reply!.Settings.Assists();
        if (check.Reply!.First is { } first)
        {
            var me = await grains.Ask(caller.Grain, new GetShopper(policy));
            return me.Refusal is { } unknown ? Api.Refuse(unknown) : TypedResults.Json(ToAssist(first, me.Reply!.AssistsLeftToday), Api.Json);
        }

        var pledged = await grains.Ask(caller.Grain, new PledgeAssist(id, policy, device.Hash, effect.Value));
        if (pledged.Refusal is { } refusal) return Api.Refuse(refusal);
        var assist = ToAssist(pledged.Reply!.Result, pledged.Reply.AssistsLeftToday);
        return pledged.Reply.Repeated ? TypedResults.Json(assist, Api.Json) : Api.Created(assist);
    }

    private static Task<IResult> Events(BargainId id, ShopperCaller caller, HttpRequest request, IGrains grains, CancellationToken cancellation) =>
        LiveStream.Of(id.In(caller.Shop), new GetBargain(), request, grains, cancellation);

    private static async Task<IResult> Order(BargainId id, EmptyBody? body, ShopperCaller caller, EffectId effect, IGrains grains)
    {
        var bargain = await grains.Ask(id.In(caller.Shop), new GetBargain());
        if (bargain.Refusal is { } missing) return Api.Refuse(missing);
        var sku = await grains.Ask(bargain.Reply!.Sku.In(caller.Shop), new Grains.Stock.GetSku());
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if ((sku.Refusal ?? shop.Refusal) is { } unknown) return Api.Refuse(unknown);

        var order = new OrderId(effect.Value);
        var ordered = await grains.Ask(id.In(caller.Shop), new OrderBargain(order, caller.Shopper, new(sku.Reply!.ListPriceFen), shop.Reply!.Settings.PaymentWindowMinutes));
        if (ordered.Refusal is { } refusal) return Api.Refuse(refusal);
        return (await grains.Ask(order.In(caller.Shop), new GetOrder(caller.Shopper))).Created(o => $"/v1/orders/{o.Id}");
    }

    private static Assist ToAssist(AssistResult result, int left) => new(result.CutFen, result.SlotsUsed, result.PriceFen, result.LeftFen, result.SlotsLeft, result.State, left);
}
