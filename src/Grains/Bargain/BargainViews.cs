using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Bargain;

/// <summary>A bargain as its owner's list shows it.</summary>
public sealed record BargainListItem(BargainId Id, CampaignId CampaignId, string Title, BargainStatus State, long ListPriceFen, long FloorFen, long PriceFen, int Slots, int SlotsLeft, DateTimeOffset StartedAt, DateTimeOffset EndsAt, DateTimeOffset? PayBefore);

/// <summary>A shopper's bargains, and the bargain's part of the campaign's report.</summary>
public sealed class BargainViews : IProjection
{
    public const string ByOwner = "bargains";

    public bool Reads(string kind) => kind == "bargain";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var shop = fact.Grain.Shop;
        switch (fact.Event)
        {
            case BargainStarted e:
                Put(documents, shop, new(new(e.Id, e.Campaign, e.Title, BargainStatus.Running, e.ListPriceFen, e.Terms.FloorFen, e.ListPriceFen, e.Slots.Length, e.Slots.Length, e.At, e.EndsAt, null), e.Owner, 0, 0));
                CampaignViews.TakePart(documents, fact, e.Campaign, e.Owner, by: null);
                CampaignViews.Count(documents, fact, e.Campaign, c => c with { Launched = c.Launched + 1 });
                break;
            case PriceCut e when Find(documents, fact) is { } bargain:
                Put(documents, shop, bargain with { Item = bargain.Item with { PriceFen = e.PriceFen, SlotsLeft = bargain.Item.SlotsLeft - e.SlotsUsed } });
                if (e.Helper != bargain.Owner) Helped(documents, fact, bargain, e.Helper);
                break;
            case BargainSucceeded e:
                Change(documents, fact, b => b with { Item = b.Item with { State = BargainStatus.Succeeded, PayBefore = e.PayBefore } });
                Count(documents, fact, c => c with { Succeeded = c.Succeeded + 1 });
                break;
            case BargainOrdered e:
                Change(documents, fact, b => b with { Item = b.Item with { State = BargainStatus.Ordered }, OrderedFen = e.PriceFen, DiscountFen = e.UnitPriceFen - e.PriceFen });
                Count(documents, fact, c => c with { Orders = c.Orders + 1 });
                break;
            case BargainPaid when Find(documents, fact) is { } bargain:
                Put(documents, shop, bargain with { Item = bargain.Item with { State = BargainStatus.Paid } });
                Count(documents, fact, c => c with { PaidOrders = c.PaidOrders + 1, RevenueFen = c.RevenueFen + bargain.OrderedFen, DiscountFen = c.DiscountFen + bargain.DiscountFen });
                break;
            case BargainOrderRefused e:
                Change(documents, fact, b => b with { Item = b.Item with { State = e.Back } });
                break;
            case BargainOrderReleased e:
                Change(documents, fact, b => b with { Item = b.Item with { State = e.Back } });
                break;
            case BargainExpired:
                Change(documents, fact, b => b with { Item = b.Item with { State = BargainStatus.Expired } });
                break;
            case BargainCancelled:
                Change(documents, fact, b => b with { Item = b.Item with { State = BargainStatus.Cancelled } });
                break;
            case BargainLapsed:
                Change(documents, fact, b => b with { Item = b.Item with { State = BargainStatus.Lapsed } });
                break;
            case BargainSoldOut:
                Change(documents, fact, b => b with { Item = b.Item with { State = BargainStatus.SoldOut } });
                break;
        }
    }

    private static void Helped(IDocuments documents, in Recorded fact, Listed bargain, ShopperId helper)
    {
        var campaign = bargain.Item.CampaignId;
        var isFirst = CampaignViews.Help(documents, fact, campaign, helper, bargain.Owner);
        CampaignViews.Count(documents, fact, campaign, c => c with { Assists = c.Assists + 1, Helpers = c.Helpers + (isFirst ? 1 : 0) });
    }

    private static void Count(IDocuments documents, in Recorded fact, Func<CampaignCounts, CampaignCounts> change)
    {
        if (Find(documents, fact) is { } bargain) CampaignViews.Count(documents, fact, bargain.Item.CampaignId, change);
    }

    private static void Change(IDocuments documents, in Recorded fact, Func<Listed, Listed> change)
    {
        if (Find(documents, fact) is { } bargain) Put(documents, fact.Grain.Shop, change(bargain));
    }

    private static Listed? Find(IDocuments documents, in Recorded fact) => documents.Find<Listed>(fact.Grain.Shop, "bargains-listed", fact.Grain.Key.ToString("N"));

    private static void Put(IDocuments documents, ShopId shop, Listed bargain)
    {
        documents.Put(shop, "bargains-listed", bargain.Item.Id.ToString(), "", bargain.Item.StartedAt, bargain);
        documents.Put(shop, ByOwner, bargain.Item.Id.ToString(), bargain.Owner.ToString(), bargain.Item.StartedAt, bargain.Item);
    }

    private sealed record Listed(BargainListItem Item, ShopperId Owner, long OrderedFen, long DiscountFen);
}
