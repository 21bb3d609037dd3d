using System.Text.Json;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend;

internal sealed record CampaignDraft(string Kind, string Title, DateTimeOffset StartsAt, DateTimeOffset EndsAt, SkuId Sku, JsonElement Rules);

internal sealed record QuotaChange(int Delta);

/// <summary>Somebody whom a campaign reached, and the newest of those whom they brought.</summary>
/// <param name="Brought">how many they brought themselves, shown here or not</param>
internal sealed record SpreadPerson(ShopperId ShopperId, int Hop, bool IsNew, int Brought, DateTimeOffset At, IReadOnlyList<SpreadPerson> Children);

/// <summary>Campaigns (活动): what a shopper can take part in, and the merchant's work on them.</summary>
internal static class CampaignEndpoints
{
    // A page of 100 people with 5 children each and 5 of each of those reads 600 short lists at most.
    private const int SpreadDepthMax = 3;
    private const int SpreadChildrenMax = 5;

    public static void MapCampaigns(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/campaigns", Open).RequireAuthorization(Rights.Shopper).Produces<Page<CampaignListItem>>().WithTags("Campaign").WithSummary("Campaigns to take part in");

        var read = routes.MapGroup("/merchant/v1/campaigns").RequireAuthorization(Rights.MerchantRead).WithTags("Campaign");
        read.MapGet("", All).Produces<Page<CampaignView>>().WithSummary("All campaigns, newest first");
        read.MapGet("/{id:id}", Get).Produces<CampaignView>().WithSummary("A campaign");
        read.MapGet("/{id:id}/spread", Spread).Produces<Page<SpreadPerson>>().WithSummary("Who brought whom: those who came by themselves, or those whom ?by= brought, each with the newest of their own; ?depth= 1 to 3, 2 if absent");
        read.MapGet("/{id:id}/report", Report).Produces<CampaignReport>().WithSummary("Whether it works: participation, hops, cost, health");

        var write = routes.MapGroup("/merchant/v1/campaigns").RequireAuthorization(Rights.MerchantWrite).WithTags("Campaign");
        write.MapPost("", Draft).Produces<CampaignView>(201).WithSummary("Write a draft");
        write.MapPut("/{id:id}", Redraft).Produces<CampaignView>().WithSummary("Replace a draft");
        write.MapPost("/{id:id}/publications", Publish).Produces<CampaignView>(201).WithSummary("Publish; refused with all findings at once");
        write.MapPost("/{id:id}/pauses", Pause).Produces<CampaignView>().WithSummary("Stop new participation for now");
        write.MapPost("/{id:id}/resumptions", Resume).Produces<CampaignView>().WithSummary("Go on after a pause");
        write.MapPost("/{id:id}/kills", Kill).Produces<CampaignView>().WithSummary("Stop for good and settle what was earned");
        write.MapPost("/{id:id}/quota-changes", ChangeQuota).Produces<CampaignView>().WithSummary("Add to or take from the quota while it runs");
    }

    private static IResult Open(string? kind, ShopperCaller caller, Paging page, DocumentStore documents) =>
        TypedResults.Json(kind is null
            ? documents.List<CampaignListItem>(caller.Shop, CampaignViews.Published, CampaignViews.All, page.Cursor, page.Limit)
            : documents.List<CampaignListItem>(caller.Shop, CampaignViews.PublishedByKind, kind, page.Cursor, page.Limit), Api.Json);

    // The read model gives the order, the campaigns themselves give what a merchant edits: their rules and the quota to the unit.
    private static async Task<IResult> All(MerchantCaller caller, Paging page, DocumentStore documents, IGrains grains)
    {
        var list = documents.List<CampaignListItem>(caller.Shop, CampaignViews.OfMerchant, CampaignViews.All, page.Cursor, page.Limit);
        var campaigns = await Task.WhenAll(list.Items.Select(c => Ask(c.Id, new GetCampaign(), caller, grains)));
        return campaigns.FirstOrDefault(c => !c.IsAccepted).Refusal is { } refusal
            ? Api.Refuse(refusal)
            : TypedResults.Json(new Page<CampaignView>([.. campaigns.Select(c => c.Reply!)], list.NextCursor, list.AsOf), Api.Json);
    }

    private static async Task<IResult> Get(CampaignId id, MerchantCaller caller, IGrains grains) => (await Ask(id, new GetCampaign(), caller, grains)).Ok();

    private static async Task<IResult> Report(CampaignId id, MerchantCaller caller, IGrains grains, DocumentStore documents)
    {
        var campaign = await grains.Ask(id.In(caller.Shop), new GetCampaign());
        return campaign.Refusal is { } refusal
            ? Api.Refuse(refusal)
            : TypedResults.Json(CampaignReport.Of(
                campaign.Reply!.Rules,
                documents.Read<CampaignCounts>(caller.Shop, CampaignViews.Counts, id.ToString()) ?? new(),
                documents.Read<ShopCounts>(caller.Shop, CampaignViews.ShopTotals, CampaignViews.All) ?? new(),
                documents.AsOf), Api.Json);
    }

    private static async Task<IResult> Spread(CampaignId id, ShopperId? by, int? depth, MerchantCaller caller, Paging page, IGrains grains, DocumentStore documents)
    {
        if (depth is < 1 or > SpreadDepthMax) return Api.Refuse(Refusal.Invalid("depth", "1 to 3 levels."));
        if ((await grains.Ask(id.In(caller.Shop), new GetCampaign())).Refusal is { } refusal) return Api.Refuse(refusal);

        var people = documents.List<SpreadNode>(caller.Shop, CampaignViews.Spread, CampaignViews.BroughtBy(id, by), page.Cursor, page.Limit);
        return TypedResults.Json(new Page<SpreadPerson>([.. people.Items.Select(p => Person(p, depth ?? 2))], people.NextCursor, people.AsOf), Api.Json);

        SpreadPerson Person(SpreadNode node, int levels) => new(node.ShopperId, node.Hop, node.IsNew, node.Brought, node.At, levels == 1 || node.Brought == 0
            ? []
            : [.. documents.List<SpreadNode>(caller.Shop, CampaignViews.Spread, CampaignViews.BroughtBy(id, node.ShopperId), null, SpreadChildrenMax).Items.Select(c => Person(c, levels - 1))]);
    }

    private static Task<IResult> Draft(CampaignDraft body, MerchantCaller caller, EffectId effect, IGrains grains) =>
        Write(new(effect.Value), body, caller, grains, outcome => outcome.Created(c => $"/merchant/v1/campaigns/{c.Id}"));

    private static async Task<IResult> Redraft(CampaignId id, CampaignDraft body, MerchantCaller caller, IGrains grains)
    {
        var known = await grains.Ask(id.In(caller.Shop), new GetCampaign());
        return known.Refusal is { } refusal ? Api.Refuse(refusal) : await Write(id, body, caller, grains, outcome => outcome.Ok());
    }

    private static async Task<IResult> Write(CampaignId id, CampaignDraft body, MerchantCaller caller, IGrains grains, Func<Outcome<CampaignView>, IResult> answer)
    {
        if (!CampaignKinds.TermsOf.TryGetValue(body.Kind, out var type)) return Api.Refuse(Refusal.Invalid("kind", $"Known kinds: {string.Join(", ", CampaignKinds.TermsOf.Keys)}."));
        if ((await grains.Ask(body.Sku.In(caller.Shop), new GetSku())).Refusal is not null) return Api.Refuse(Refusal.Invalid("sku", "This shop has no such SKU."));

        CampaignTerms terms;
        try
        {
            terms = (CampaignTerms?)body.Rules.Deserialize(type, Api.Json) ?? throw new JsonException("null", "$", null, null);
        }
        catch (JsonException unreadable)
        {
            // The path was counted from the rules; the client counts from the body.
            throw new BadHttpRequestException("rules", new JsonException(unreadable.Message, $"$.rules{unreadable.Path?[1..]}", null, null));
        }

        return answer(await grains.Ask(id.In(caller.Shop), new DraftCampaign(new(body.Title, body.StartsAt.ToUniversalTime(), body.EndsAt.ToUniversalTime(), body.Sku, terms))));
    }

    private static async Task<IResult> Publish(CampaignId id, EmptyBody? body, MerchantCaller caller, EffectId effect, IGrains grains)
    {
        var campaign = await grains.Ask(id.In(caller.Shop), new GetCampaign());
        if (campaign.Refusal is { } missing) return Api.Refuse(missing);
        var sku = await grains.Ask(campaign.Reply!.Sku.In(caller.Shop), new GetSku());
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if ((sku.Refusal ?? shop.Refusal) is { } unknown) return Api.Refuse(unknown);

        var facts = new PublicationFacts(sku.Reply!.Title, new(sku.Reply.ListPriceFen), sku.Reply.Stock.Available, shop.Reply!.Settings.Channel, shop.Reply.Settings.TimeZone);
        return (await Ask(id, new PublishCampaign(effect.Value, facts), caller, grains)).Created();
    }

    private static async Task<IResult> Pause(CampaignId id, ReasonBody body, MerchantCaller caller, EffectId effect, IGrains grains) =>
        (await Ask(id, new PauseCampaign(effect.Value, body.Reason), caller, grains)).Ok();

    private static async Task<IResult> Resume(CampaignId id, ReasonBody body, MerchantCaller caller, EffectId effect, IGrains grains) =>
        (await Ask(id, new ResumeCampaign(effect.Value, body.Reason), caller, grains)).Ok();

    private static async Task<IResult> Kill(CampaignId id, ReasonBody body, MerchantCaller caller, EffectId effect, IGrains grains) =>
        (await Ask(id, new KillCampaign(effect.Value, body.Reason), caller, grains)).Ok();

    private static async Task<IResult> ChangeQuota(CampaignId id, QuotaChange body, MerchantCaller caller, EffectId effect, IGrains grains) =>
        (await Ask(id, new ChangeQuota(effect.Value, body.Delta), caller, grains)).Ok();

    // Where one grain is the whole campaign, that grain knows what is left of the quota.
    private static async Task<Outcome<CampaignView>> Ask(CampaignId id, ICommand<CampaignView> command, MerchantCaller caller, IGrains grains)
    {
        var campaign = await grains.Ask(id.In(caller.Shop), command);
        if (campaign.Reply is not { Rules.IsOneParticipation: true, State: not CampaignStatus.Draft } view) return campaign;

        var quota = await grains.Ask(view.Rules.Participation(caller.Shop, id.Value), new GetQuota());
        return quota.Refusal is { } refusal ? refusal : new Outcome<CampaignView>(view with { Quota = quota.Reply! }, null);
    }
}
