using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Silo.Projections;
using QRCoder;

namespace Campaigns.ApiFrontend;

/// <param name="Code">26 characters, as the promoter's page shows them</param>
/// <param name="Channel">where the link was seen, 1–40 characters, such as <c>moments</c></param>
internal sealed record PromoterBody(string Code, string? Channel = null);

/// <param name="BoundTo">absent if nobody promotes the shopper now</param>
/// <param name="ProtectedUntil">until then it can be neither taken over nor ended</param>
internal sealed record PromoterView(ShopperId? BoundTo, DateTimeOffset? Since, DateTimeOffset? Until, DateTimeOffset? ProtectedUntil, string? Channel, DateTimeOffset ServerTime);

/// <param name="Standing"><c>Active</c>, <c>Frozen</c> or <c>Closed</c></param>
/// <param name="Reason">1–500 characters</param>
internal sealed record StandingBody(DistributorStanding Standing, string Reason);

/// <param name="Tier">a tier of the settings; absent takes the distributor out of all</param>
internal sealed record TierBody(string? Tier = null);

/// <summary>A distributor as they see themselves.</summary>
/// <param name="Link">what the promotion code opens, to be shared; the QR code holds the same</param>
/// <param name="Reason">why they stand so, as the merchant said it last</param>
internal sealed record MyDistributor(ShopperId ShopperId, string Code, int Level, DistributorStanding Standing, string? Tier, int Trust, DateTimeOffset? JoinedAt, string? Reason, string Link);

/// <summary>Somebody in my team.</summary>
/// <param name="Until">when the binding ends, or has ended; absent for a distributor</param>
internal sealed record MyTeamMember(ShopperId ShopperId, bool IsDistributor, DateTimeOffset Since, DateTimeOffset? Until, string? Channel);

/// <summary>What a promotion link opens: a path of the mini program, or an address of the shop's pages.</summary>
/// <param name="LinkBase">without a query</param>
internal sealed record DistributionLinks(string LinkBase = "pages/index/index")
{
    public string Of(string code, string? channel) => $"{LinkBase}?c={code}{(channel is null ? "" : $"&ch={Uri.EscapeDataString(channel)}")}";
}

/// <summary>Distributors (分销员), who promoted whom (绑定), and the merchant's work on them.</summary>
internal static class DistributorEndpoints
{
    private const int ChannelLengthMax = 40;
    private const int PixelsPerModule = 8;

    public static void MapDistributors(this IEndpointRouteBuilder routes)
    {
        var mine = routes.MapGroup("/v1/me").RequireAuthorization(Rights.Shopper).WithTags("Distribution");
        mine.MapPost("/distributor", Join).Produces<MyDistributor>(201).WithSummary("Become a distributor: after a first paid order, or invited; never by paying for it");
        mine.MapGet("/distributor", Mine).Produces<MyDistributor>().WithSummary("My code, standing and trust");
        mine.MapPost("/distributor/applications", Apply).Produces<MyDistributor>(201).WithSummary("Ask the merchant to become one");
        mine.MapGet("/distributor/qr", Qr).Produces(200, contentType: "image/png").WithSummary("My promotion link as a QR code; ?channel= says where it is shown");
        mine.MapGet("/team", Team).Produces<Page<MyTeamMember>>().WithSummary("My team, newest first: customers who are bound to me, and distributors who joined under me");
        mine.MapPost("/promoter", Bind).Produces<PromoterView>().WithSummary("I came through this code");
        mine.MapGet("/promoter", Promoter).Produces<PromoterView>().WithSummary("Who promoted me");
        mine.MapPost("/promoter/endings", End).Produces<PromoterView>().WithSummary("End the binding; orders placed before keep it");

        var read = routes.MapGroup("/merchant/v1/distributors").RequireAuthorization(Rights.MerchantRead).WithTags("Distribution");
        read.MapGet("", OfShop).Produces<Page<DistributorListItem>>().WithSummary("The shop's distributors, newest first; of one standing if it is named");
        read.MapGet("/{id:id}", Get).Produces<DistributorView>().WithSummary("A distributor");
        read.MapGet("/{id:id}/team", TeamOf).Produces<Page<TeamMember>>().WithSummary("The team of a distributor, newest first");

        var write = routes.MapGroup("/merchant/v1/distributors/{id:id}").RequireAuthorization(Rights.MerchantWrite).WithTags("Distribution");
        write.MapPost("/invitations", Invite).Produces<DistributorView>(201).WithSummary("Invite a shopper, who may then join without an order");
        write.MapPost("/approvals", Approve).Produces<DistributorView>().WithSummary("Approve an application");
        write.MapPost("/declines", Decline).Produces<DistributorView>().WithSummary("Turn an application down");
        write.MapPost("/standings", Set).Produces<DistributorView>().WithSummary("Freeze, reactivate or close a distributor");
        write.MapPost("/tiers", SetTier).Produces<DistributorView>().WithSummary("Put a distributor into a tier of the settings, or out of it");
        write.MapPost("/complaints", Complain).Produces<DistributorView>(201).WithSummary("Note a complaint: trust falls");
    }

    private static async Task<IResult> Join(EmptyBody? body, ShopperCaller caller, Device device, IGrains grains, DistributionLinks links)
    {
        var me = await grains.Ask(caller.Grain, new GetCustomer());
        if (me.Refusal is { } unknown) return Api.Refuse(unknown);
        return (await grains.Ask(caller.Shopper.DistributorIn(caller.Shop), new JoinDistribution(me.Reply!.HasBought, device.Hash))).Seen(links).Created(_ => "/v1/me/distributor");
    }

    private static async Task<IResult> Mine(ShopperCaller caller, IGrains grains, DistributionLinks links) =>
        (await grains.Ask(caller.Shopper.DistributorIn(caller.Shop), new GetDistributor())).Seen(links).Ok();

    private static async Task<IResult> Apply(ReasonBody body, ShopperCaller caller, Device device, IGrains grains, DistributionLinks links) =>
        (await grains.Ask(caller.Shopper.DistributorIn(caller.Shop), new ApplyForDistribution(body.Reason, device.Hash))).Seen(links).Created(_ => "/v1/me/distributor");

    private static async Task<IResult> Qr(string? channel, ShopperCaller caller, IGrains grains, DistributionLinks links)
    {
        if (channel is { Length: 0 or > ChannelLengthMax }) return Api.Refuse(Refusal.Invalid("channel", "1 to 40 characters."));
        var me = await grains.Ask(caller.Shopper.DistributorIn(caller.Shop), new GetDistributor());
        if (me.Refusal is { } refusal) return Api.Refuse(refusal);
        if (me.Reply!.Standing != DistributorStanding.Active) return Api.Refuse(DistributorRefusal.NotEligible);

        using var code = QRCodeGenerator.GenerateQrCode(links.Of(me.Reply.Code, channel), QRCodeGenerator.ECCLevel.M);
        using var image = new PngByteQRCode(code);
        return TypedResults.Bytes(image.GetGraphic(PixelsPerModule), "image/png");
    }

    private static async Task<IResult> Bind(PromoterBody body, ShopperCaller caller, Device device, IGrains grains, TimeProvider clock)
    {
        if (!PromotionCode.TryParse(body.Code, out var promoter)) return Api.Refuse(BindingRefusal.UnknownCode);
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if (shop.Refusal is { } closed) return Api.Refuse(closed);

        // The checks write nothing, and keep a hopeless binding from the journal. What they let pass is decided by both grains.
        var settings = shop.Reply!.Settings;
        var bind = new BindPromoter(promoter, body.Channel, device.Hash, new(settings.BindingMode, settings.BindingDays, settings.BindingProtectionDays));
        var binding = caller.Shopper.BindingIn(caller.Shop);
        if ((await grains.Ask(binding, new CheckPromoter(bind))).Refusal is { } hopeless) return Api.Refuse(hopeless);
        var bound = await grains.Ask(binding, new GetBinding());
        if (bound.Refusal is { } lost) return Api.Refuse(lost);
        if (bound.Reply!.BoundTo == promoter) return Seen(await grains.Ask(binding, bind), clock); // never refused, whatever has become of the promoter
        var customer = await grains.Ask(promoter.DistributorIn(caller.Shop), new CheckCustomer(caller.Shopper));
        if (customer.Refusal is { } nobody) return Api.Refuse(nobody);
        if ((await grains.Ask(binding, new CheckPromoter(bind, customer.Reply!.JoinedAt))).Refusal is { } loop) return Api.Refuse(loop);
        return Seen(await grains.Ask(binding, bind), clock);
    }

    private static async Task<IResult> Promoter(ShopperCaller caller, IGrains grains, TimeProvider clock) => Seen(await grains.Ask(caller.Shopper.BindingIn(caller.Shop), new GetBinding()), clock);

    private static async Task<IResult> End(EmptyBody? body, ShopperCaller caller, IGrains grains, TimeProvider clock) => Seen(await grains.Ask(caller.Shopper.BindingIn(caller.Shop), new EndBinding()), clock);

    private static IResult Team(ShopperCaller caller, Paging page, DocumentStore documents)
    {
        // That somebody is suspected is for the merchant to know.
        var team = documents.List<TeamMember>(caller.Shop, DistributorViews.Team, caller.Shopper.ToString(), page.Cursor, page.Limit);
        return TypedResults.Json(new Page<MyTeamMember>([.. team.Items.Select(m => new MyTeamMember(m.ShopperId, m.IsDistributor, m.Since, m.Until, m.Channel))], team.NextCursor, team.AsOf), Api.Json);
    }

    private static IResult OfShop(DistributorStanding? standing, MerchantCaller caller, Paging page, DocumentStore documents) => TypedResults.Json(
        standing is { } one
            ? documents.List<DistributorListItem>(caller.Shop, DistributorViews.ByStanding, one.ToString(), page.Cursor, page.Limit)
            : documents.List<DistributorListItem>(caller.Shop, DistributorViews.OfShop, DistributorViews.All, page.Cursor, page.Limit), Api.Json);

    private static async Task<IResult> Get(ShopperId id, MerchantCaller caller, IGrains grains) => (await grains.Ask(id.DistributorIn(caller.Shop), new GetDistributor())).Ok();

    private static async Task<IResult> TeamOf(ShopperId id, MerchantCaller caller, Paging page, IGrains grains, DocumentStore documents) =>
        (await grains.Ask(id.DistributorIn(caller.Shop), new GetDistributor())).Refusal is { } refusal ? Api.Refuse(refusal) : TypedResults.Json(documents.List<TeamMember>(caller.Shop, DistributorViews.Team, id.ToString(), page.Cursor, page.Limit), Api.Json);

    // Only who is known here can be invited: an id that nobody has would wait for ever.
    private static async Task<IResult> Invite(ShopperId id, EmptyBody? body, MerchantCaller caller, IGrains grains) =>
        (await grains.Ask(id.In(caller.Shop), new GetCustomer())).Refusal is { } unknown ? Api.Refuse(unknown) : (await Ask(id, new InviteDistributor(), caller, grains)).Created();

    private static async Task<IResult> Approve(ShopperId id, OptionalReasonBody? body, MerchantCaller caller, IGrains grains) => (await Ask(id, new DecideApplication(IsApproved: true, body?.Reason), caller, grains)).Ok();

    private static async Task<IResult> Decline(ShopperId id, OptionalReasonBody? body, MerchantCaller caller, IGrains grains) => (await Ask(id, new DecideApplication(IsApproved: false, body?.Reason), caller, grains)).Ok();

    private static async Task<IResult> Set(ShopperId id, StandingBody body, MerchantCaller caller, IGrains grains) => (await Ask(id, new SetStanding(body.Standing, body.Reason), caller, grains)).Ok();

    private static async Task<IResult> SetTier(ShopperId id, TierBody body, MerchantCaller caller, IGrains grains)
    {
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if (shop.Refusal is { } closed) return Api.Refuse(closed);
        if (body.Tier is { } tier && shop.Reply!.Settings.CommissionTiers?.Any(t => t.Name == tier) != true) return Api.Refuse(Refusal.Invalid("tier", "The settings have no such tier."));
        return (await Ask(id, new SetTier(body.Tier), caller, grains)).Ok();
    }

    private static async Task<IResult> Complain(ShopperId id, ReasonBody body, MerchantCaller caller, EffectId effect, IGrains grains) => (await Ask(id, new NoteComplaint(effect.Value, body.Reason), caller, grains)).Created();

    private static ValueTask<Outcome<DistributorView>> Ask(ShopperId id, ICommand<DistributorView> command, MerchantCaller caller, IGrains grains) => grains.Ask(id.DistributorIn(caller.Shop), command);

    private static Outcome<MyDistributor> Seen(this Outcome<DistributorView> outcome, DistributionLinks links) => outcome.Refusal is { } refusal
        ? refusal
        : new Outcome<MyDistributor>(new(outcome.Reply!.ShopperId, outcome.Reply.Code, outcome.Reply.Level, outcome.Reply.Standing, outcome.Reply.Tier, outcome.Reply.Trust, outcome.Reply.JoinedAt, outcome.Reply.Reason, links.Of(outcome.Reply.Code, null)), null);

    private static IResult Seen(Outcome<BindingView> outcome, TimeProvider clock) => outcome.Refusal is { } refusal
        ? Api.Refuse(refusal)
        : TypedResults.Json(new PromoterView(outcome.Reply!.BoundTo, outcome.Reply.Since, outcome.Reply.Until, outcome.Reply.ProtectedUntil, outcome.Reply.Channel, clock.GetUtcNow()), Api.Json);
}
