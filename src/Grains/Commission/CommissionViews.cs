using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Commission;

/// <summary>One level of an order's commission as lists show it.</summary>
/// <param name="State">all but <c>Withdrawn</c>: that is read from the ledger</param>
/// <param name="GrantedAt">when it was granted: lists are sorted by it</param>
/// <param name="Month">in which it was granted, by the shop's calendar</param>
/// <param name="ReleasedFen">once it is available: what the earner had of all commissions that became so, up to this one</param>
public sealed record CommissionListItem(
    string Id,
    OrderId OrderId,
    CommissionLevel Level,
    ShopperId Earner,
    long AmountFen,
    long ReversedFen,
    CommissionStatus State,
    DateTimeOffset GrantedAt,
    string Month,
    DateTimeOffset? AvailableAt = null,
    string? Channel = null,
    bool IsSuspect = false,
    long? ReleasedFen = null)
{
    /// <summary>
    /// What is withdrawn first is what became available first. A refund that takes back what was available already counts for what becomes
    /// available after it; an item between the two says <c>Withdrawn</c> that much later, though no balance is wrong.
    /// </summary>
    /// <param name="withdrawnFen">all that the earner has ever withdrawn, fees included</param>
    public CommissionStatus StateAfter(long withdrawnFen) => ReleasedFen <= withdrawnFen && ReversedFen < AmountFen ? CommissionStatus.Withdrawn : State;
}

/// <summary>What one distributor was granted in one month.</summary>
/// <param name="ReversedFen">what of it was taken back since</param>
/// <param name="Orders">how many orders earned it</param>
public sealed record MonthlyEarnings(ShopperId ShopperId, long GrantedFen, long ReversedFen, int Orders)
{
    public long NetFen => GrantedFen - ReversedFen;
}

/// <summary>Commissions of an earner and of a shop, and who earned most in a month.</summary>
public sealed class CommissionViews : IProjection
{
    public const string ByEarner = "commissions-by-earner";
    public const string OfShop = "commissions-of-shop";

    /// <summary>Listed by month, who earned most first.</summary>
    public const string Leaders = "commission-leaders";
    public const string All = "all";

    private const string Sales = "commission-sales";
    private const string Released = "commission-released";

    public bool Reads(string kind) => kind == CommissionAddress.Kind;

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var (shop, order, at) = (fact.Grain.Shop, OrderId.Of(fact.Grain.Key), fact.At);
        switch (fact.Event)
        {
            case SaleNoted e:
                documents.Put(shop, Sales, order.ToString(), "", at, new Origin(e.Channel, e.IsSuspect, e.Campaign));
                break;
            case CommissionGranted e when documents.Find<Origin>(shop, Sales, order.ToString()) is { } sale:
                foreach (var level in e.Levels)
                {
                    var amount = level.LineFen.Sum();
                    Put(documents, shop, new(CommissionRules.SourceOf(order, level.Level).ToString("N"), order, level.Level, level.Earner, amount, 0, CommissionStatus.Pending, at, e.Month, Channel: sale.Channel, IsSuspect: sale.IsSuspect));
                    Lead(documents, shop, e.Month, level.Earner, m => m with { GrantedFen = m.GrantedFen + amount, Orders = m.Orders + 1 });
                    Cost(documents, fact, order, amount);
                }

                break;
            case CommissionReversed e when ItemOf(documents, shop, order, e.Level) is { } item:
                Put(documents, shop, item with { ReversedFen = item.ReversedFen + e.Amount.Fen });
                Lead(documents, shop, item.Month, item.Earner, m => m with { ReversedFen = m.ReversedFen + e.Amount.Fen });
                Cost(documents, fact, order, -e.Amount.Fen);
                if (item.ReleasedFen is not null) Release(documents, fact, item.Earner, -e.Amount.Fen);
                break;
            case CommissionFrozen e:
                foreach (var item in ItemsOf(documents, shop, order)) Put(documents, shop, item with { State = CommissionStatus.Frozen, AvailableAt = e.AvailableAt });
                break;
            case CommissionReleased:
                foreach (var item in ItemsOf(documents, shop, order)) Put(documents, shop, item with { State = CommissionStatus.Available, ReleasedFen = Release(documents, fact, item.Earner, item.AmountFen - item.ReversedFen) });
                break;
        }
    }

    private static IEnumerable<CommissionListItem> ItemsOf(IDocuments documents, ShopId shop, OrderId order) =>
        Enum.GetValues<CommissionLevel>().Select(level => ItemOf(documents, shop, order, level)).OfType<CommissionListItem>().ToList();

    private static CommissionListItem? ItemOf(IDocuments documents, ShopId shop, OrderId order, CommissionLevel level) =>
        documents.Find<CommissionListItem>(shop, OfShop, CommissionRules.SourceOf(order, level).ToString("N"));

    /// <summary>What an order of a campaign earns is what the campaign costs.</summary>
    private static void Cost(IDocuments documents, in Recorded fact, OrderId order, long fen)
    {
        if (documents.Find<Origin>(fact.Grain.Shop, Sales, order.ToString())?.Campaign is { } purpose)
            CampaignViews.Count(documents, fact, CampaignViews.OfPurpose(documents, fact.Grain.Shop, purpose), c => c with { CommissionFen = c.CommissionFen + fen });
    }

    private static void Put(IDocuments documents, ShopId shop, CommissionListItem item)
    {
        documents.Put(shop, OfShop, item.Id, All, item.GrantedAt, item);
        documents.Put(shop, ByEarner, item.Id, item.Earner.ToString(), item.GrantedAt, item);
    }

    /// <returns>what the earner has of all that became available</returns>
    private static long Release(IDocuments documents, in Recorded fact, ShopperId earner, long fen)
    {
        var total = new Total((documents.Find<Total>(fact.Grain.Shop, Released, earner.ToString())?.Fen ?? 0) + fen);
        documents.Put(fact.Grain.Shop, Released, earner.ToString(), "", fact.At, total);
        return total.Fen;
    }

    // Lists are sorted by a time, newest first: here the amount stands for it, so that a month's page is one indexed read.
    private static void Lead(IDocuments documents, ShopId shop, string month, ShopperId earner, Func<MonthlyEarnings, MonthlyEarnings> change)
    {
        var key = $"{month}-{earner}";
        var earnings = change(documents.Find<MonthlyEarnings>(shop, Leaders, key) ?? new(earner, 0, 0, 0));
        documents.Put(shop, Leaders, key, month, new(earnings.NetFen, TimeSpan.Zero), earnings);
    }

    private sealed record Origin(string? Channel, bool IsSuspect, Guid? Campaign);

    private sealed record Total(long Fen);
}
