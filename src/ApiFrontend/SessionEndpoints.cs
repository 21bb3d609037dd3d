using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;

namespace Campaigns.ApiFrontend;

internal sealed record SignIn(string ShopId, string Code);

internal sealed record Session(string Token, ShopperId ShopperId, DateTimeOffset ExpiresAt);

/// <summary>A shopper as they see themselves.</summary>
/// <param name="Distributor">absent for who is none</param>
internal sealed record MeView(ShopperId ShopperId, int AssistsLeftToday, DateTimeOffset AssistCapResetsAt, bool IsNew, bool Follower, MyStanding? Distributor);

internal sealed record MyStanding(string Code, int Level, DistributorStanding Standing);

/// <summary>Shoppers sign in with the code of <c>wx.login</c>, and look at themselves.</summary>
internal static class SessionEndpoints
{
    public static void MapSessions(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/sessions", SignIn).AllowAnonymous().Produces<Session>(201).WithTags("Session").WithSummary("Sign in with a WeChat code");
        routes.MapGet("/v1/me", Me).RequireAuthorization(Rights.Shopper).Produces<MeView>().WithTags("Session").WithSummary("The shopper, and today's assists");
    }

    private static async Task<IResult> SignIn(SignIn body, IGrains grains, WeChatLogin weChat, ShopperTokens tokens, CancellationToken cancellation)
    {
        if (!ShopId.TryParse(body.ShopId, out var shop)) return Api.Refuse(EdgeRefusal.NotFound);
        if ((await grains.Ask(shop.Grain(), new GetShop(), cancellation)).Refusal is { } noShop) return Api.Refuse(noShop);

        var login = await weChat.Exchange(body.Code, cancellation);
        if (login.Session is not { } session) return Api.Refuse(login.Refusal == LoginRefusal.InvalidCode ? EdgeRefusal.InvalidCode : EdgeRefusal.LoginUnavailable);

        var shopper = ShopperId.OfOpenId(shop, session.Openid);
        if ((await grains.Ask(shopper.In(shop), new RegisterShopper(session.Openid), cancellation)).Refusal is { } refusal) return Api.Refuse(refusal);
        var (token, expires) = tokens.Issue(shop, shopper);
        return Api.Created(new Session(token, shopper, expires));
    }

    private static async Task<IResult> Me(ShopperCaller caller, IGrains grains)
    {
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if (shop.Refusal is { } closed) return Api.Refuse(closed);
        var shopper = await grains.Ask(caller.Grain, new GetShopper(shop.Reply!.Settings.Assists()));
        if (shopper.Refusal is { } unknown) return Api.Refuse(unknown);
        var distributor = await grains.Ask(caller.Shopper.DistributorIn(caller.Shop), new GetDistributor());
        if (distributor.Refusal is { Kind: not RefusalKind.Missing } refusal) return Api.Refuse(refusal);

        var (me, standing) = (shopper.Reply!, distributor.Reply is { } d ? new MyStanding(d.Code, d.Level, d.Standing) : null);
        return TypedResults.Json(new MeView(me.ShopperId, me.AssistsLeftToday, me.AssistCapResetsAt, me.IsNew, me.Follower, standing), Api.Json);
    }

    /// <summary>The part of the settings that an assist is decided by.</summary>
    public static AssistPolicy Assists(this ShopSettings settings) => new(settings.DailyAssistCap, settings.MinAccountAgeHours, settings.TimeZone);
}
