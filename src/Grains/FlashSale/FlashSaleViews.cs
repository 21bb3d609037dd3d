using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.FlashSale;

/// <summary>The flash sale's part of the lists (what is left) and of the campaign's report.</summary>
public sealed class FlashSaleViews : IProjection
{
    private const string Sales = "flash-sales";

    public bool Reads(string kind) => kind == "flash-sale";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        switch (fact.Event)
        {
            case SalePrepared e:
                documents.Put(fact.Grain.Shop, Sales, e.Campaign.ToString(), "", e.At, new Prices(e.Terms.SalePriceFen, e.ListPriceFen - e.Terms.SalePriceFen, e.Quota));
                break;
            case UnitsReserved { Total: var total }:
                Left(documents, fact, _ => total);
                break;
            case UnitsTaken e:
                Left(documents, fact, left => left - e.Quantity);
                CampaignViews.TakePart(documents, fact, CampaignId.Of(fact.Grain.Key), e.Shopper, by: null);
                break;
            case LateUnitsTaken { Quantity: var late }:
                Left(documents, fact, left => left - late);
                break;
            case TakeSettled:
                Count(documents, fact, c => c with { Orders = c.Orders + 1 });
                break;
            case TakeRefused { Quantity: var refused }:
                Left(documents, fact, left => left + refused);
                break;
            case UnitsReleased { SellsAgain: true, Quantity: var released }:
                Left(documents, fact, left => left + released);
                break;
            case UnitsSold e when PricesOf(documents, fact) is { } prices:
                Count(documents, fact, c => c with { PaidOrders = c.PaidOrders + 1, RevenueFen = c.RevenueFen + (prices.SaleFen * e.Quantity), DiscountFen = c.DiscountFen + (prices.DiscountFen * e.Quantity) });
                break;
            case SaleQuotaChanged e when PricesOf(documents, fact) is { } prices:
                documents.Put(fact.Grain.Shop, Sales, fact.Grain.Key.ToString("N"), "", fact.At, prices with { Quota = e.Quota });
                break;
            case SaleEnded:
                Left(documents, fact, _ => 0);
                break;
            case OccurrencePlanned when PricesOf(documents, fact) is { } prices:
                Left(documents, fact, _ => prices.Quota);
                break;
        }
    }

    // The sale has the id of its campaign, so its facts find the campaign's document.
    private static void Left(IDocuments documents, in Recorded fact, Func<int, int> change) => CampaignViews.ChangeLeft(documents, fact, change);

    private static Prices? PricesOf(IDocuments documents, in Recorded fact) => documents.Find<Prices>(fact.Grain.Shop, Sales, fact.Grain.Key.ToString("N"));

    private static void Count(IDocuments documents, in Recorded fact, Func<CampaignCounts, CampaignCounts> change) => CampaignViews.Count(documents, fact, CampaignId.Of(fact.Grain.Key), change);

    private sealed record Prices(long SaleFen, long DiscountFen, int Quota);
}
