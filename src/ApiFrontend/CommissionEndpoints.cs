using System.Globalization;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend;

/// <summary>What a distributor earned by one order.</summary>
/// <param name="Level">1: the buyer came through their code; 2: through somebody in their team</param>
/// <param name="ReversedFen">what of it was taken back with refunds</param>
internal sealed record EarningView(string Id, OrderId OrderId, int Level, long AmountFen, long ReversedFen, CommissionStatus State, DateTimeOffset GrantedAt, DateTimeOffset? AvailableAt, string? Channel);

/// <param name="DebtFen">what was taken back after it had been withdrawn: later earnings pay it off</param>
internal sealed record EarningsBalance(long PendingFen, long FrozenFen, long AvailableFen, long HeldFen, long WithdrawnFen, long DebtFen);

internal sealed record EarningsPage(IReadOnlyList<EarningView> Items, string? NextCursor, DateTimeOffset AsOf, EarningsBalance Balance);

/// <summary>A commission as the merchant sees it.</summary>
/// <param name="IsSuspect">the promoter was seen on the buyer's device</param>
internal sealed record ListedCommission(
    string Id,
    OrderId OrderId,
    int Level,
    ShopperId ShopperId,
    long AmountFen,
    long ReversedFen,
    CommissionStatus State,
    DateTimeOffset GrantedAt,
    DateTimeOffset? AvailableAt,
    string? Channel,
    bool IsSuspect);

internal sealed record OrderCommission(string Id, int Level, ShopperId ShopperId, long AmountFen, long ReversedFen, IReadOnlyList<EarnedLine> Lines);

/// <summary>What an order earned, and for whom.</summary>
/// <param name="Promoter">absent if nobody promoted the buyer</param>
/// <param name="NoCommission">why nobody earns by it</param>
internal sealed record OrderCommissions(
    OrderId OrderId,
    ShopperId? Promoter,
    string? Channel,
    bool IsSuspect,
    NoCommissionReason? NoCommission,
    CommissionStatus? State,
    DateTimeOffset? AvailableAt,
    IReadOnlyList<OrderCommission> Items);

/// <param name="NetFen">what was granted in the month, less what was taken back of it</param>
internal sealed record LeaderView(int Rank, ShopperId ShopperId, long NetFen, long GrantedFen, long ReversedFen, int Orders);

internal sealed record Leaderboard(string Month, IReadOnlyList<LeaderView> Items, DateTimeOffset AsOf);

/// <param name="Commission">absent: the shop's rates apply again</param>
internal sealed record CommissionChange(CommissionRates? Commission = null);

/// <summary>Commissions (佣金) of distributors.</summary>
internal static class CommissionEndpoints
{
    public static void MapCommissions(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/me/commissions", Mine).RequireAuthorization(Rights.Shopper).Produces<EarningsPage>().WithTags("Commission").WithSummary("What I earned, newest first, and my balance");

        var read = routes.MapGroup("/merchant/v1").RequireAuthorization(Rights.MerchantRead).WithTags("Commission");
        read.MapGet("/commissions", OfShop).Produces<Page<ListedCommission>>().WithSummary("All commissions, newest first");
        read.MapGet("/orders/{id:id}/commissions", OfOrder).Produces<OrderCommissions>().WithSummary("What an order earned, and for whom");
        read.MapGet("/distribution/leaderboard", Leaders).Produces<Leaderboard>().WithSummary("The hundred who earned most in a month, such as 2026-11; without one, in this month");

        var write = routes.MapGroup("/merchant/v1").RequireAuthorization(Rights.MerchantWrite).WithTags("Commission");
        write.MapPost("/skus/{id:id}/commission-changes", Change).Produces<SkuView>().WithSummary("Give a SKU commission rates of its own, or take them away");
    }

    /// <summary>Why the shop does not allow these rates of a product; null if it does, or there are none.</summary>
    public static async Task<Refusal?> WhyNot(CommissionRates? rates, ShopId shop, IGrains grains)
    {
        if (rates is null) return null;
        var view = await grains.Ask(shop.Grain(), new GetShop());
        if (view.Refusal is { } unknown) return unknown;

        var (settings, both) = (view.Reply!.Settings, (long)rates.Level1Percent + rates.Level2Percent);
        if (both > settings.CommissionMaxPercent) return Refusal.Invalid("commission.level1Percent", $"Both levels together are at most {settings.CommissionMaxPercent} percent in this shop.");
        if (both > 0 && both < settings.CommissionMinPercent) return Refusal.Invalid("commission.level1Percent", $"Both levels together are 0, or at least {settings.CommissionMinPercent} percent in this shop.");
        if (rates.Level2Percent > 0 && settings.SecondLevelSignOff is null) return Refusal.Invalid("commission.level2Percent", "A second level needs the legal sign-off of a named person in the settings (WX-DIST-01).");

        return null;
    }

    private static async Task<IResult> Mine(ShopperCaller caller, Paging page, IGrains grains, DocumentStore documents)
    {
        var ledger = await grains.Ask(caller.Shopper.LedgerIn(caller.Shop, LedgerKind.Commission), new GetLedger());
        if (ledger.Refusal is { } refusal) return Api.Refuse(refusal);

        var (balance, mine) = (ledger.Reply!, documents.List<CommissionListItem>(caller.Shop, CommissionViews.ByEarner, caller.Shopper.ToString(), page.Cursor, page.Limit));
        return TypedResults.Json(
            new EarningsPage(
                [.. mine.Items.Select(c => new EarningView(c.Id, c.OrderId, (int)c.Level, c.AmountFen, c.ReversedFen, c.StateAfter(balance.WithdrawnFen + balance.FeesFen), c.GrantedAt, c.AvailableAt, c.Channel))],
                mine.NextCursor,
                mine.AsOf,
                new(balance.PendingFen, balance.FrozenFen, balance.AvailableFen, balance.HeldFen, balance.WithdrawnFen, balance.DebtFen)),
            Api.Json);
    }

    private static IResult OfShop(MerchantCaller caller, Paging page, DocumentStore documents)
    {
        var all = documents.List<CommissionListItem>(caller.Shop, CommissionViews.OfShop, CommissionViews.All, page.Cursor, page.Limit);
        return TypedResults.Json(
            new Page<ListedCommission>([.. all.Items.Select(c => new ListedCommission(c.Id, c.OrderId, (int)c.Level, c.Earner, c.AmountFen, c.ReversedFen, c.State, c.GrantedAt, c.AvailableAt, c.Channel, c.IsSuspect))], all.NextCursor, all.AsOf),
            Api.Json);
    }

    private static async Task<IResult> OfOrder(OrderId id, MerchantCaller caller, IGrains grains)
    {
        var order = await grains.Ask(id.In(caller.Shop), new GetOrder(null));
        if (order.Refusal is { } refusal) return Api.Refuse(refusal);

        var commission = await grains.Ask(id.CommissionIn(caller.Shop), new GetCommission());
        if (commission.Refusal is { Kind: not RefusalKind.Missing } unavailable) return Api.Refuse(unavailable);
        if (commission.Reply is not { } c) return TypedResults.Json(new OrderCommissions(id, order.Reply!.Promoter, null, false, null, null, null, []), Api.Json);

        return TypedResults.Json(
            new OrderCommissions(id, c.Promoter, c.Channel, c.IsSuspect, c.NoCommission, c.State, c.AvailableAt, [.. c.Levels.Select(l => new OrderCommission(l.Id, (int)l.Level, l.Earner, l.AmountFen, l.ReversedFen, l.Lines))]),
            Api.Json);
    }

    private static async Task<IResult> Leaders(MerchantCaller caller, string? month, IGrains grains, DocumentStore documents, TimeProvider clock)
    {
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        if (shop.Refusal is { } refusal) return Api.Refuse(refusal);

        if (string.IsNullOrEmpty(month)) month = LocalDay.Of(clock.GetUtcNow(), shop.Reply!.Settings.TimeZone).ToString("yyyy-MM", CultureInfo.InvariantCulture);
        if (!DateOnly.TryParseExact(month, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)) return Api.Refuse(Refusal.Invalid("month", "A month is written such as 2026-11."));

        var leaders = documents.List<MonthlyEarnings>(caller.Shop, CommissionViews.Leaders, month, null, DocumentStore.PageMax);
        return TypedResults.Json(new Leaderboard(month, [.. leaders.Items.Select((l, i) => new LeaderView(i + 1, l.ShopperId, l.NetFen, l.GrantedFen, l.ReversedFen, l.Orders))], leaders.AsOf), Api.Json);
    }

    private static async Task<IResult> Change(SkuId id, CommissionChange body, MerchantCaller caller, EffectId effect, IGrains grains) =>
        await WhyNot(body.Commission, caller.Shop, grains) is { } refusal ? Api.Refuse(refusal) : (await grains.Ask(id.In(caller.Shop), new ChangeCommission(effect.Value, body.Commission))).Ok();
}
