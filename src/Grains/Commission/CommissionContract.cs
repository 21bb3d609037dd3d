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

/// <summary>Why nobody earns by a sale.</summary>
public enum NoCommissionReason
{
    /// <summary>The merchant had stopped distribution.</summary>
    DistributionStopped = 1,

    /// <summary>The promoter is no active distributor.</summary>
    PromoterNotActive = 2,

    /// <summary>The rates are 0, or what they come to is less than one fen.</summary>
    NothingToEarn = 3,
}

/// <summary>What the sale of one order earned, for the merchant. <c>NotFound</c> if nobody promoted its buyer.</summary>
public sealed record GetCommission : ICommand<CommissionView>;

/// <summary>The commission of one order.</summary>
/// <param name="IsSuspect">the promoter was seen on the buyer's device</param>
/// <param name="NoCommission">why nobody earns by it; null if somebody does, or while that is being found out</param>
/// <param name="Levels">each with who earns it; empty while it is being found out</param>
public sealed record CommissionView(
    OrderId OrderId,
    ShopperId Promoter,
    string? Channel,
    bool IsSuspect,
    NoCommissionReason? NoCommission,
    CommissionStatus? State,
    DateTimeOffset? AvailableAt,
    IReadOnlyList<EarnedLevel> Levels);

/// <summary>One level of an order's commission.</summary>
/// <param name="Id">also what its entries in the ledger are about</param>
/// <param name="AmountFen">what was granted: it is never counted again, whatever the settings say later</param>
/// <param name="ReversedFen">what of that was taken back with refunds</param>
public sealed record EarnedLevel(string Id, CommissionLevel Level, ShopperId Earner, long AmountFen, long ReversedFen, IReadOnlyList<EarnedLine> Lines);

/// <param name="NetFen">what the line really cost</param>
/// <param name="RefundedFen">what of that went back</param>
/// <param name="AmountFen">what it earned at this level, rounded down to the fen</param>
public sealed record EarnedLine(SkuId Sku, long NetFen, long RefundedFen, long AmountFen);
