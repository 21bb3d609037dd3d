using System.Globalization;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Order;

/// <summary>Stands beside each moment of an order: what is said of it. <c>{amount}</c> and the like stand for what the item holds.</summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class TellsAttribute(string chinese, string english) : Attribute
{
    public string Chinese { get; } = chinese;

    public string English { get; } = english;
}

/// <summary>What can happen to an order. The names are public: append, never rename.</summary>
public enum OrderMoment
{
    [Tells("下单成功：{lines}；{discounts}应付 {amount} 元", "Ordered: {lines}; {discounts}{amount} yuan to pay")]
    Opened = 1,

    [Tells("{title} 已降价，按现价每件 {amount} 元计算", "The list price of {title} had fallen: it counts at {amount} yuan each")]
    PriceFell = 2,

    [Tells("发起支付", "A payment was started")]
    PaymentStarted = 3,

    [Tells("已支付 {amount} 元", "{amount} yuan were paid")]
    Paid = 4,

    [Tells("已支付 {amount} 元，等待成团", "{amount} yuan were paid; it waits for its group")]
    GroupAwaited = 5,

    [Tells("拼团成功", "The group is complete")]
    GroupCompleted = 6,

    [Tells("买家申请退出拼团", "The buyer asked to leave the group")]
    LeaveAsked = 7,

    [Tells("拼团已成功，不能退出", "The group was complete already, so the buyer stays")]
    LeaveRefused = 8,

    [Tells("订单已取消{reason}", "It was cancelled{reason}")]
    Cancelled = 9,

    [Tells("超时未支付，订单已关闭，库存已释放", "It was not paid in time, and its units went back")]
    TimedOut = 10,

    [Tells("超时后收到 {amount} 元，正在确认能否恢复订单", "{amount} yuan came after the time was over; it is being asked whether the order can stand again")]
    LatePaymentHeld = 11,

    [Tells("原名额已无，正在寻找其他名额", "There was no place left; another one is being looked for")]
    LatePaymentSentOn = 12,

    [Tells("名额仍在，订单恢复，正在锁定库存", "There is a place: the order stands again, and its units are being held")]
    Revived = 13,

    [Tells("库存已无，订单未能恢复", "The units were gone, so the order could not stand again")]
    RevivalFailed = 14,

    [Tells("退款 {amount} 元已发起{reason}", "A refund of {amount} yuan was begun{reason}")]
    RefundRequested = 15,

    [Tells("退款 {amount} 元处理中", "The refund of {amount} yuan is on its way")]
    RefundProcessing = 16,

    [Tells("退款 {amount} 元已到账", "The refund of {amount} yuan has arrived")]
    RefundSucceeded = 17,

    [Tells("退款 {amount} 元失败，将自动重试", "The refund of {amount} yuan failed and is tried again")]
    RefundFailed = 18,

    [Tells("已发货：{carrier} {number}", "It was shipped: {carrier} {number}")]
    Shipped = 19,

    [Tells("物流信息已更正：{carrier} {number}", "The shipment was corrected: {carrier} {number}")]
    ShipmentCorrected = 20,

    [Tells("买家已确认收货", "The buyer has received it")]
    Received = 21,

    [Tells("已到期自动确认收货", "It counts as received: the time to say otherwise is over")]
    ReceivedByTime = 22,

    [Tells("订单已完结", "It is closed")]
    Closed = 23,

    [Tells("订单计入推广人业绩", "It counts for the promoter who brought the buyer")]
    Attributed = 24,
}

/// <summary>One moment of an order. Nothing in it says who the buyer is.</summary>
/// <param name="AmountFen">the amount that it is about, if it is about one</param>
/// <param name="Refund">the refund that it is about</param>
/// <param name="Lines">the lines that it is about, as they were then</param>
/// <param name="DiscountLines">the discounts of then, each with who funds it</param>
/// <param name="RefundedUnits">the units that a refund is for</param>
public sealed record OrderTimelineItem(
    OrderMoment What,
    DateTimeOffset At,
    long? AmountFen = null,
    string? Refund = null,
    string? Reason = null,
    IReadOnlyList<OrderLine>? Lines = null,
    IReadOnlyList<DiscountLine>? DiscountLines = null,
    string? Carrier = null,
    string? TrackingNumber = null,
    IReadOnlyList<RefundedUnits>? RefundedUnits = null);

/// <summary>Why an order is what it is: its facts in the order in which they happened, from the moment it opened.</summary>
public sealed class OrderTimeline : IProjection
{
    /// <summary>Listed by order.</summary>
    public const string Moments = "order-timeline";

    public bool Reads(string kind) => kind == "order";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var (shop, order) = (fact.Grain.Shop, OrderId.Of(fact.Grain.Key).ToString());
        if (ItemOf(fact, documents) is not { } item) return;

        // The sequence keeps the order of facts of one moment; ten digits keep the order of their names.
        documents.Put(shop, Moments, string.Create(CultureInfo.InvariantCulture, $"{order}-{fact.Sequence:D10}"), order, fact.At, item);
    }

    private static OrderTimelineItem? ItemOf(in Recorded fact, IDocuments documents)
    {
        var (shop, at) = (fact.Grain.Shop, fact.At);
        switch (fact.Event)
        {
            case LineHeld { UnitPriceFen: { } unitPrice } e when PlacedOf(fact, documents)?.Lines.FirstOrDefault(l => l.Sku == e.Sku) is { } line:
                return new(OrderMoment.PriceFell, at, unitPrice, Lines: [line with { UnitPriceFen = unitPrice, AmountFen = unitPrice * line.Quantity }]);
            case OrderOpened e when PlacedOf(fact, documents) is { } placed:
                var discounts = e.Discounts ?? placed.Discounts;
                return new(OrderMoment.Opened, at, placed.Lines.Sum(l => l.AmountFen) - discounts.Sum(d => d.AmountFen), Lines: placed.Lines, DiscountLines: discounts);
            case PaidInFull when PlacedOf(fact, documents) is { } paid:
                return new(paid.AwaitsGroup ? OrderMoment.GroupAwaited : OrderMoment.Paid, at, paid.AmountFen);
            case LatePaymentHeld e:
                return new(OrderMoment.LatePaymentHeld, at, e.Amount.Fen);
            case RefundRequested e:
                return new(OrderMoment.RefundRequested, at, e.Amount.Fen, e.Refund, e.Reason, RefundedUnits: e.Units);
            case RefundNoted e when documents.Find<LimboItem>(shop, OrderViews.Limbo, e.Refund) is { } refund:
                return new(MomentOf(e.State), at, refund.AmountFen, e.Refund);
            case OrderCancelled e:
                return new(OrderMoment.Cancelled, at, Reason: e.Reason);
            case LeaveAsked e:
                return new(OrderMoment.LeaveAsked, at, Reason: e.Reason);
            case OrderShipped e:
                return new(OrderMoment.Shipped, at, Carrier: e.Carrier, TrackingNumber: e.TrackingNumber);
            case ShipmentCorrected e:
                return new(OrderMoment.ShipmentCorrected, at, Carrier: e.Carrier, TrackingNumber: e.TrackingNumber);
            case OrderReceived e:
                return new(e.ByBuyer ? OrderMoment.Received : OrderMoment.ReceivedByTime, at);
        }

        return fact.Event switch
        {
            PaymentStarted => new(OrderMoment.PaymentStarted, at),
            GroupConfirmed => new(OrderMoment.GroupCompleted, at),
            LeaveRefused => new(OrderMoment.LeaveRefused, at),
            OrderTimedOut => new(OrderMoment.TimedOut, at),
            LatePaymentSentOn => new(OrderMoment.LatePaymentSentOn, at),
            OrderRevived => new(OrderMoment.Revived, at),
            RevivalFailed => new(OrderMoment.RevivalFailed, at),
            OrderClosed => new(OrderMoment.Closed, at),
            OrderAttributed => new(OrderMoment.Attributed, at),
            _ => null,
        };
    }

    private static PlacedOrder? PlacedOf(in Recorded fact, IDocuments documents) => documents.Find<PlacedOrder>(fact.Grain.Shop, OrderViews.Placed, OrderId.Of(fact.Grain.Key).ToString());

    private static OrderMoment MomentOf(RefundStatus state) => state switch
    {
        RefundStatus.Succeeded => OrderMoment.RefundSucceeded,
        RefundStatus.Failed => OrderMoment.RefundFailed,
        _ => OrderMoment.RefundProcessing,
    };
}
