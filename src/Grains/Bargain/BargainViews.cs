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

    public bool Reads(string kind) => kind is "bargain" or "shopper";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var shop = fact.Grain.Shop;
        switch (fact.Event)
        {
            case ShopperRegistered e:
                documents.Put(shop, "shoppers", fact.Grain.Key.ToString("N"), "", e.At, new Known(e.At, HasBought: false));
                break;
            case ShopperBought when documents.Find<Known>(shop, "shoppers", fact.Grain.Key.ToString("N")) is { } known:
                documents.Put(shop, "shoppers", fact.Grain.Key.ToString("N"), "", known.FirstSeen, known with { HasBought = true });
                break;
            case BargainStarted e:
                Put(documents, shop, new(new(e.Id, e.Campaign, e.Title, BargainStatus.Running, e.ListPriceFen, e.Terms.FloorFen, e.ListPriceFen, e.Slots.Length, e.Slots.Length, e.At, e.EndsAt, null), e.Owner, 0, 0));
                TakePart(documents, fact, e.Campaign, e.Owner, hop: 0);
                Count(documents, fact, e.Campaign, c => c with { Launched = c.Launched + 1 });
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
        var owner = documents.Find<Reached>(fact.Grain.Shop, "reached", $"{campaign}/{bargain.Owner}");
        var reached = TakePart(documents, fact, campaign, helper, (owner?.Hop ?? 0) + 1);
        if (!reached.Helped) documents.Put(fact.Grain.Shop, "reached", $"{campaign}/{helper}", "", fact.At, reached with { Helped = true });
        Count(documents, fact, campaign, c => c with { Assists = c.Assists + 1, Helpers = c.Helpers + (reached.Helped ? 0 : 1) });
    }

    /// <summary>Somebody takes part whom nobody has brought.</summary>
    internal static void CameByThemselves(IDocuments documents, in Recorded fact, CampaignId campaign, ShopperId shopper) => TakePart(documents, fact, campaign, shopper, hop: 0);

    // The first time somebody takes part in a campaign, by whatever way: that is how far it had to travel to reach them.
    private static Reached TakePart(IDocuments documents, in Recorded fact, CampaignId campaign, ShopperId shopper, int hop)
    {
        var key = $"{campaign}/{shopper}";
        if (documents.Find<Reached>(fact.Grain.Shop, "reached", key) is { } known) return known;

        var reached = new Reached(hop, Helped: false);
        documents.Put(fact.Grain.Shop, "reached", key, "", fact.At, reached);
        var person = documents.Find<Known>(fact.Grain.Shop, "shoppers", shopper.ToString());
        var isNew = person is { HasBought: false } && fact.At < person.FirstSeen.AddDays(ShopperRules.NewCustomerDays);
        Count(documents, fact, campaign, c => c with
        {
            Participants = c.Participants + 1,
            NewCustomers = c.NewCustomers + (isNew ? 1 : 0),
            Hops = hop == 0 ? c.Hops : [.. Enumerable.Range(1, Math.Max(hop, c.Hops.Count)).Select(h => c.Hops.ElementAtOrDefault(h - 1) + (h == hop ? 1 : 0))],
        });
        return reached;
    }

    private static void Count(IDocuments documents, in Recorded fact, Func<CampaignCounts, CampaignCounts> change)
    {
        if (Find(documents, fact) is { } bargain) Count(documents, fact, bargain.Item.CampaignId, change);
    }

    private static void Count(IDocuments documents, in Recorded fact, CampaignId campaign, Func<CampaignCounts, CampaignCounts> change) =>
        documents.Put(fact.Grain.Shop, CampaignViews.Counts, campaign.ToString(), "", fact.At, change(documents.Find<CampaignCounts>(fact.Grain.Shop, CampaignViews.Counts, campaign.ToString()) ?? new()));

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

    private sealed record Reached(int Hop, bool Helped);

    private sealed record Known(DateTimeOffset FirstSeen, bool HasBought);
}
