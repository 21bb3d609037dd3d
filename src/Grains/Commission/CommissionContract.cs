using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Commission;

/// <summary>How far from the buyer a commission is paid. There is no third value: a third level cannot be said.</summary>
public enum CommissionLevel
{
    /// <summary>The buyer's promoter.</summary>
    First = 1,

    /// <summary>Who stands above the promoter; off until a named person has signed off for the shop.</summary>
    Second = 2,
}

/// <summary><c>Pending</c> (paid) → <c>Frozen</c> (received) → <c>Available</c> (after-sale period over) → <c>Withdrawn</c>.</summary>
public enum CommissionStatus
{
    Pending = 1,
    Frozen = 2,
    Available = 3,
    Withdrawn = 4,
}

/// <summary>Both levels of a rate in whole percent of the net.</summary>
public sealed record CommissionRates(int Level1Percent, int Level2Percent);

/// <summary>The commission (佣金) of one order. Its grain has the order's key.</summary>
public static class CommissionAddress
{
    public const string Kind = "commission";

    public static GrainId CommissionIn(this OrderId order, ShopId shop) => new(Kind, shop, order.Value);
}

/// <summary>A line of a sale.</summary>
/// <param name="NetFen">what it really cost, after all discounts and without shipping</param>
/// <param name="RefundedFen">what of that has gone back so far</param>
public sealed record SaleLine(SkuId Sku, long NetFen, long RefundedFen);

/// <summary>
/// From an order that somebody promoted: how it stands now. Sent when it counts as paid, at every refund and when it is received; always the
/// whole, so that a repeat, or an older one that comes late, changes nothing.
/// </summary>
/// <param name="AfterSaleDays">how long after its receipt it stays open for after-sale, 0–90; null until it is shipped</param>
public sealed record NoteSale(
    ShopperId Buyer, ShopperId Promoter, string? Channel, bool IsSuspect, string Kind, Guid? Campaign, DateTimeOffset PlacedAt, IReadOnlyList<SaleLine> Lines, DateTimeOffset? ReceivedAt, int? AfterSaleDays) : ICommand<Done>;
