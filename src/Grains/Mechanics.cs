using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains;

/// <summary>The registration list: every kind of grain, what must be true of it, and every read model. A new mechanic adds its lines here.</summary>
public static class Mechanics
{
    public static IReadOnlyList<GrainDefinition> Grains { get; } =
    [
        new Shop.ShopGrain(),
        new Shop.ApiKeyGrain(),
        new Product.ProductGrain(),
        new Stock.StockGrain(),
        new Shopper.ShopperGrain(),
        new Distributor.DistributorGrain(),
        new Binding.BindingGrain(),
        new CampaignGrain(),
        new Bargain.BargainGrain(),
        new FlashSale.FlashSaleGrain(),
        new GroupBuy.GroupBuyGrain(),
        new Order.OrderGrain(),
        new Payment.PaymentGrain(),
        new Commission.CommissionGrain(),
        new Ledger.LedgerGrain(),
        new Withdrawal.WithdrawalGrain(),
        new Request.RequestGrain(),
    ];

    public static IReadOnlyList<IBook> Books { get; } =
    [
        new Product.ProductBook(),
        new Stock.StockBook(),
        new Shopper.ShopperBook(),
        new Distributor.DistributorBook(),
        new Binding.BindingBook(),
        new CampaignBook(),
        new Bargain.BargainBook(),
        new FlashSale.FlashSaleBook(),
        new GroupBuy.GroupBuyBook(),
        new Order.OrderBook(),
        new Payment.PaymentBook(),
        new Commission.CommissionBook(),
        new Ledger.LedgerBook(),
        new Withdrawal.WithdrawalBook(),
    ];

    public static IReadOnlyList<IProjection> Projections { get; } =
    [
        new Distributor.DistributorViews(),
        new CampaignViews(),
        new Bargain.BargainViews(),
        new FlashSale.FlashSaleViews(),
        new GroupBuy.GroupBuyViews(),
        new Order.OrderViews(),
        new Order.OrderTimeline(),
        new Payment.PaymentViews(),
        new Commission.CommissionViews(),
        new Ledger.LedgerViews(),
        new Withdrawal.WithdrawalViews(),
    ];
}
