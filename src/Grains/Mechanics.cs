using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains;

/// <summary>The registration list: every kind of grain and every read model. A new mechanic adds its lines here.</summary>
public static class Mechanics
{
    public static IReadOnlyList<GrainDefinition> Grains { get; } =
    [
        new Shop.ShopGrain(),
        new Shop.ApiKeyGrain(),
        new Product.ProductGrain(),
        new Stock.StockGrain(),
        new Shopper.ShopperGrain(),
        new CampaignGrain(),
        new Bargain.BargainGrain(),
        new Order.OrderGrain(),
        new Payment.PaymentGrain(),
        new Request.RequestGrain(),
    ];

    public static IReadOnlyList<IProjection> Projections { get; } =
    [
        new CampaignViews(),
        new Bargain.BargainViews(),
        new Order.OrderViews(),
    ];
}
