using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Campaign;

/// <summary>A campaign as lists show it.</summary>
/// <param name="PriceFen">the price that can be reached</param>
/// <param name="Left">places of the quota left</param>
public sealed record CampaignListItem(CampaignId Id, string Kind, string Title, SkuId Sku, long ListPriceFen, long? PriceFen, DateTimeOffset StartsAt, DateTimeOffset EndsAt, int Left, CampaignStatus State);

/// <summary>What happened in a campaign, counted. Every mechanic's read model adds to it.</summary>
public sealed record CampaignCounts
{
    public int Launched { get; init; }

    public int Assists { get; init; }

    /// <summary>Different people who helped.</summary>
    public int Helpers { get; init; }

    /// <summary>Different people who took part in any way.</summary>
    public int Participants { get; init; }

    public int NewCustomers { get; init; }

    public int Succeeded { get; init; }

    public int Orders { get; init; }

    public int PaidOrders { get; init; }

    public long RevenueFen { get; init; }

    public long DiscountFen { get; init; }

    /// <summary>Commission that the campaign's orders were granted, less what was taken back.</summary>
    public long CommissionFen { get; init; }

    /// <summary>Rooms that were completed although members were missing; null where there are no rooms.</summary>
    public int? VirtualRooms { get; init; }

    /// <summary>New participants by how far the campaign had to travel to them: the first number are friends of those who came by themselves.</summary>
    public IReadOnlyList<int> Hops { get; init; } = [];
}

/// <summary>How many shoppers a shop knows.</summary>
public sealed record ShopCounts
{
    public int Shoppers { get; init; }
}

/// <summary>One figure beside what operators of such campaigns call healthy.</summary>
/// <param name="Verdict"><c>low</c>, <c>healthy</c> or <c>high</c></param>
public sealed record HealthCheck(string Metric, long Value, long? Low, long? High, string Verdict);

/// <summary>Between which two values, both included, a figure is healthy.</summary>
public sealed record HealthBand(long Low, long High);

/// <summary>Whether a campaign works.</summary>
/// <param name="ParticipationPercent">participants of 100 shoppers that the shop knows</param>
/// <param name="VirtualRooms">of the rooms that succeeded, those that were completed although members were missing</param>
/// <param name="CommissionFen">what distributors earn by the campaign's orders</param>
/// <param name="CostPerNewCustomerFen">discounts and commission together for each new customer, rounded down; null while there is none</param>
public sealed record CampaignReport(
    int Launched,
    int Assists,
    int Helpers,
    int NewCustomers,
    int Succeeded,
    int Orders,
    int PaidOrders,
    long RevenueFen,
    long DiscountFen,
    int ParticipationPercent,
    IReadOnlyList<int> Hops,
    IReadOnlyList<HealthCheck> Health,
    DateTimeOffset AsOf,
    int? VirtualRooms = null,
    long CommissionFen = 0,
    long? CostPerNewCustomerFen = null)
{
    public static CampaignReport Of(CampaignTerms terms, CampaignCounts counts, ShopCounts shop, DateTimeOffset asOf)
    {
        var participation = shop.Shoppers == 0 ? 0 : (int)(100L * counts.Participants / shop.Shoppers);
        return new(
            counts.Launched,
            counts.Assists,
            counts.Helpers,
            counts.NewCustomers,
            counts.Succeeded,
            counts.Orders,
            counts.PaidOrders,
            counts.RevenueFen,
            counts.DiscountFen,
            participation,
            counts.Hops,
            [Check("participationPercent", participation, terms.HealthyParticipationPercent), Check("hops", counts.Hops.Count, terms.HealthyHops)],
            asOf,
            counts.VirtualRooms,
            counts.CommissionFen,
            counts.NewCustomers == 0 ? null : (counts.DiscountFen + counts.CommissionFen) / counts.NewCustomers);
    }

    private static HealthCheck Check(string metric, long value, HealthBand healthy) => new(metric, value, healthy.Low, healthy.High, value < healthy.Low ? "low" : value > healthy.High ? "high" : "healthy");
}

/// <summary>Somebody whom a campaign reached, in the tree of who brought whom (裂变).</summary>
/// <param name="Hop">how many hand-overs it took; 0 for who came by themselves</param>
/// <param name="IsNew">was a new customer when it happened</param>
/// <param name="Brought">how many they brought themselves</param>
public sealed record SpreadNode(ShopperId ShopperId, ShopperId? BroughtBy, int Hop, bool IsNew, int Brought, DateTimeOffset At);

/// <summary>Lists of campaigns for shoppers and merchants, and how many shoppers a shop has.</summary>
public sealed class CampaignViews : IProjection
{
    public const string OfMerchant = "campaigns";
    public const string Published = "campaigns-published";
    public const string PublishedByKind = "campaigns-by-kind";
    public const string Counts = "campaign-counts";
    public const string ShopTotals = "shop-counts";
    public const string Spread = "spread";
    public const string All = "all";

    /// <summary>Who owns the documents of those whom this shopper brought into the campaign; null for those who came by themselves.</summary>
    public static string BroughtBy(CampaignId campaign, ShopperId? by) => $"{campaign}/{by?.ToString() ?? "-"}";

    public bool Reads(string kind) => kind is "campaign" or "shopper";

    // Of all facts most are assists, which are the bargain's to tell.
    public bool Reads(Type fact) => !fact.IsSubclassOf(typeof(ShopperEvent)) || fact == typeof(ShopperRegistered) || fact == typeof(ShopperBought);

    public void Apply(in Recorded fact, IDocuments documents)
    {
        switch (fact.Event)
        {
            case ShopperRegistered e:
                documents.Put(fact.Grain.Shop, "shoppers", fact.Grain.Key.ToString("N"), "", e.At, new Known(e.At, HasBought: false));
                var totals = documents.Find<ShopCounts>(fact.Grain.Shop, ShopTotals, All) ?? new();
                documents.Put(fact.Grain.Shop, ShopTotals, All, "", fact.At, totals with { Shoppers = totals.Shoppers + 1 });
                break;
            case ShopperBought when documents.Find<Known>(fact.Grain.Shop, "shoppers", fact.Grain.Key.ToString("N")) is { } known:
                documents.Put(fact.Grain.Shop, "shoppers", fact.Grain.Key.ToString("N"), "", known.FirstSeen, known with { HasBought = true });
                break;
            case CampaignDrafted { Plan: var plan }:
                Put(documents, fact.Grain.Shop, new(new(CampaignId.Of(fact.Grain.Key), plan.Terms.Kind, plan.Title, plan.Sku, 0, plan.Terms.PriceFen, plan.StartsAt, plan.EndsAt, plan.Terms.Quota, CampaignStatus.Draft), plan.Terms.Quota, fact.At));
                break;
            case CampaignPublished e:
                Change(documents, fact, c => c with { Item = c.Item with { State = e.State, ListPriceFen = e.Facts.ListPrice.Fen } });
                break;
            case CampaignOpened:
                Change(documents, fact, c => c with { Item = c.Item with { State = CampaignStatus.Running } });
                break;
            case CampaignPausedByMerchant:
                Change(documents, fact, c => c with { Item = c.Item with { State = CampaignStatus.Paused } });
                break;
            case CampaignResumed:
                var resumedAt = fact.At;
                Change(documents, fact, c => c with { Item = c.Item with { State = resumedAt < c.Item.StartsAt ? CampaignStatus.Scheduled : CampaignStatus.Running } });
                break;
            case CampaignKilledByMerchant:
                Change(documents, fact, c => c with { Item = c.Item with { State = CampaignStatus.Killed } });
                break;
            case CampaignEnded:
                Change(documents, fact, c => c with { Item = c.Item with { State = CampaignStatus.Ended } });
                break;
            case CampaignSettled:
                Change(documents, fact, c => c with { Item = c.Item with { State = CampaignStatus.Settled } });
                break;
            case QuotaChangeRequested e:
                Change(documents, fact, c => c.WithTotal(e.Total));
                break;
            case QuotaChanged e:
                Change(documents, fact, c => c.WithTotal(e.Total));
                break;
            case ParticipationAdmitted { TakesPlace: true } or ParticipationPlaceClaimed:
                Change(documents, fact, c => c.WithLeft(c.Item.Left - 1));
                break;
            case UnitsClaimed { Units: var claimed }:
                Change(documents, fact, c => c.WithLeft(c.Item.Left - claimed));
                break;
            case UnitsReturned { Units: var returned }:
                Change(documents, fact, c => c.WithLeft(c.Item.Left + returned));
                break;
            case ParticipationClosed { FreesPlace: true }:
                Change(documents, fact, c => c.WithLeft(c.Item.Left + 1));
                break;
        }
    }

    /// <summary>What is left of the campaign whose id the fact's grain has, where that grain keeps the quota.</summary>
    internal static void ChangeLeft(IDocuments documents, in Recorded fact, Func<int, int> change) => Change(documents, fact, c => c.WithLeft(change(c.Item.Left)));

    /// <summary>Notes that what is reserved for <paramref name="purpose"/> belongs to a campaign, where that is not the campaign's own id.</summary>
    internal static void Belongs(IDocuments documents, in Recorded fact, Guid purpose, CampaignId campaign) =>
        documents.Put(fact.Grain.Shop, "campaign-purposes", purpose.ToString("N"), "", fact.At, new Purpose(campaign));

    /// <summary>The campaign that an order's reservation belongs to.</summary>
    internal static CampaignId OfPurpose(IDocuments documents, ShopId shop, Guid purpose) => documents.Find<Purpose>(shop, "campaign-purposes", purpose.ToString("N"))?.Campaign ?? CampaignId.Of(purpose);

    /// <summary>Adds to the counts of a campaign.</summary>
    internal static void Count(IDocuments documents, in Recorded fact, CampaignId campaign, Func<CampaignCounts, CampaignCounts> change) =>
        documents.Put(fact.Grain.Shop, Counts, campaign.ToString(), "", fact.At, change(documents.Find<CampaignCounts>(fact.Grain.Shop, Counts, campaign.ToString()) ?? new()));

    /// <summary>Notes that somebody takes part. The first time counts, by whatever way: that is how far the campaign had to travel to reach them.</summary>
    /// <param name="by">whom they followed into it; null if they came by themselves, or by their promoter</param>
    internal static void TakePart(IDocuments documents, in Recorded fact, CampaignId campaign, ShopperId shopper, ShopperId? by) => Reach(documents, fact, campaign, shopper, by);

    /// <summary>Notes that somebody helps.</summary>
    /// <param name="helped">who was helped, and so brought them</param>
    /// <returns>true if it is the first time</returns>
    internal static bool Help(IDocuments documents, in Recorded fact, CampaignId campaign, ShopperId helper, ShopperId helped)
    {
        var reached = Reach(documents, fact, campaign, helper, helped);
        if (!reached.Helped) documents.Put(fact.Grain.Shop, "reached", $"{campaign}/{helper}", "", fact.At, reached with { Helped = true });
        return !reached.Helped;
    }

    private static Reached Reach(IDocuments documents, in Recorded fact, CampaignId campaign, ShopperId shopper, ShopperId? by)
    {
        var key = $"{campaign}/{shopper}";
        if (documents.Find<Reached>(fact.Grain.Shop, "reached", key) is { } known) return known;

        // Who comes by themselves and has a promoter was brought by that promoter.
        by ??= documents.Find<PromoterOf>(fact.Grain.Shop, DistributorViews.Promoters, shopper.ToString()) is { } promoter && fact.At < promoter.Until ? promoter.Promoter : null;
        if (by == shopper) by = null;
        var hop = by is { } bringer ? (documents.Find<Reached>(fact.Grain.Shop, "reached", $"{campaign}/{bringer}")?.Hop ?? 0) + 1 : 0;
        var reached = new Reached(hop, Helped: false);
        documents.Put(fact.Grain.Shop, "reached", key, "", fact.At, reached);
        var person = documents.Find<Known>(fact.Grain.Shop, "shoppers", shopper.ToString());
        var isNew = person is { HasBought: false } && fact.At < person.FirstSeen.AddDays(ShopperRules.NewCustomerDays);
        var node = documents.Find<SpreadNode>(fact.Grain.Shop, Spread, key);
        Place(documents, fact.Grain.Shop, campaign, new(shopper, by, hop, isNew, node?.Brought ?? 0, fact.At));
        if (by is { } parent)
        {
            // A promoter brings people without taking part; the tree has a place for them, the counts have not.
            var above = documents.Find<SpreadNode>(fact.Grain.Shop, Spread, $"{campaign}/{parent}") ?? new(parent, null, 0, IsNew: false, 0, fact.At);
            Place(documents, fact.Grain.Shop, campaign, above with { Brought = above.Brought + 1 });
        }

        Count(documents, fact, campaign, c => c with
        {
            Participants = c.Participants + 1,
            NewCustomers = c.NewCustomers + (isNew ? 1 : 0),
            Hops = hop == 0 ? c.Hops : [.. Enumerable.Range(1, Math.Max(hop, c.Hops.Count)).Select(h => c.Hops.ElementAtOrDefault(h - 1) + (h == hop ? 1 : 0))],
        });
        return reached;
    }

    private static void Place(IDocuments documents, ShopId shop, CampaignId campaign, SpreadNode node) =>
        documents.Put(shop, Spread, $"{campaign}/{node.ShopperId}", BroughtBy(campaign, node.BroughtBy), node.At, node);

    private static void Change(IDocuments documents, in Recorded fact, Func<Listed, Listed> change)
    {
        if (documents.Find<Listed>(fact.Grain.Shop, "campaigns-listed", fact.Grain.Key.ToString("N")) is { } listed) Put(documents, fact.Grain.Shop, change(listed));
    }

    private static void Put(IDocuments documents, ShopId shop, Listed listed)
    {
        var (item, key) = (listed.Item, listed.Item.Id.ToString());
        documents.Put(shop, "campaigns-listed", key, "", listed.DraftedAt, listed);
        documents.Put(shop, OfMerchant, key, All, listed.DraftedAt, item);
        if (item.State == CampaignStatus.Draft) return;
        documents.Put(shop, Published, key, All, item.StartsAt, item);
        documents.Put(shop, PublishedByKind, key, item.Kind, item.StartsAt, item);
    }

    private sealed record Purpose(CampaignId Campaign);

    private sealed record Reached(int Hop, bool Helped);

    private sealed record Known(DateTimeOffset FirstSeen, bool HasBought);

    private sealed record Listed(CampaignListItem Item, int Total, DateTimeOffset DraftedAt)
    {
        public Listed WithTotal(int total) => this with { Total = total, Item = Item with { Left = Item.Left + total - Total } };

        public Listed WithLeft(int left) => this with { Item = Item with { Left = left } };
    }
}
