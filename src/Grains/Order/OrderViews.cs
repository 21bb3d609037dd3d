using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Order;

/// <summary>An order as lists show it: all of <see cref="OrderView"/> but the server's time, which is now and not in any document.</summary>
public sealed record OrderListItem(
    OrderId Id,
    string Kind,
    OrderStatus State,
    IReadOnlyList<OrderLine> Lines,
    long AmountFen,
    IReadOnlyList<DiscountLine> DiscountLines,
    DateTimeOffset PlacedAt,
    DateTimeOffset PayBefore,
    DateTimeOffset? PaidAt,
    IReadOnlyList<OrderRefund> Refunds);

/// <summary>Money that is on its way back and has not arrived.</summary>
public sealed record LimboItem(OrderId Order, string Refund, long AmountFen, RefundStatus State, string Reason, DateTimeOffset Since);

/// <summary>Lists of orders: a shopper's, a shop's, and the money in limbo.</summary>
public sealed class OrderViews : IProjection
{
    public const string ByBuyer = "orders-by-buyer";
    public const string OfShop = "orders-of-shop";
    public const string Limbo = "limbo";
    public const string All = "all";
    public const string Open = "open";
    public const string Settled = "settled";

    public bool Reads(string kind) => kind == "order";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var (shop, id) = (fact.Grain.Shop, OrderId.Of(fact.Grain.Key));
        switch (fact.Event)
        {
            case OrderPlaced e:
                // The stock is not held yet: the order joins the lists when it opens.
                documents.Put(shop, "orders-placed", id.ToString(), "", fact.At, new Placed(e.Buyer.ToString(), e.Kind, e.Lines, e.Discounts, e.Amount.Fen, e.AwaitsGroup));
                break;
            case LineHeld { UnitPriceFen: { } unitPrice } e when documents.Find<Placed>(shop, "orders-placed", id.ToString()) is { } placed:
                documents.Put(shop, "orders-placed", id.ToString(), "", fact.At, placed with { Lines = [.. placed.Lines.Select(l => l.Sku == e.Sku ? l with { UnitPriceFen = unitPrice, AmountFen = unitPrice * l.Quantity } : l)] });
                break;
            case OrderOpened e when documents.Find<Placed>(shop, "orders-placed", id.ToString()) is { } placed:
                var discounts = e.Discounts ?? placed.Discounts;
                Put(documents, fact, placed, new(id, placed.Kind, OrderStatus.Pending, placed.Lines, placed.Lines.Sum(l => l.AmountFen) - discounts.Sum(d => d.AmountFen), discounts, fact.At, e.PayBefore, null, []));
                break;
            case PaidInFull e when documents.Find<Placed>(shop, "orders-placed", id.ToString()) is { } placed:
                Change(documents, fact, o => o with { State = placed.AwaitsGroup ? OrderStatus.AwaitingGroup : OrderStatus.Paid, PaidAt = e.At });
                break;
            case GroupConfirmed:
                Change(documents, fact, o => o with { State = OrderStatus.Paid });
                break;
            case OrderCancelled:
                Change(documents, fact, o => o with { State = OrderStatus.Cancelled });
                break;
            case OrderTimedOut:
                Change(documents, fact, o => o with { State = OrderStatus.TimedOut });
                break;
            case RefundRequested e:
                documents.Put(shop, Limbo, e.Refund, Open, fact.At, new LimboItem(id, e.Refund, e.Amount.Fen, RefundStatus.Requested, e.Reason, fact.At));
                Change(documents, fact, o => o with { Refunds = [.. o.Refunds, new(e.Refund, e.Amount.Fen, RefundStatus.Requested, e.Reason)] });
                break;
            case RefundNoted e when documents.Find<LimboItem>(shop, Limbo, e.Refund) is { } refund:
                documents.Put(shop, Limbo, e.Refund, e.State == RefundStatus.Succeeded ? Settled : Open, refund.Since, refund with { State = e.State });
                Change(documents, fact, o => o with { Refunds = [.. o.Refunds.Select(r => r.Id == e.Refund ? r with { State = e.State } : r)] });
                break;
        }
    }

    private static void Change(IDocuments documents, in Recorded fact, Func<OrderListItem, OrderListItem> change)
    {
        var key = fact.Grain.Key.ToString("N");
        if (documents.Find<OrderListItem>(fact.Grain.Shop, OfShop, key) is { } order && documents.Find<Placed>(fact.Grain.Shop, "orders-placed", key) is { } placed)
            Put(documents, fact, placed, change(order));
    }

    private static void Put(IDocuments documents, in Recorded fact, Placed placed, OrderListItem order)
    {
        documents.Put(fact.Grain.Shop, OfShop, order.Id.ToString(), All, order.PlacedAt, order);
        documents.Put(fact.Grain.Shop, ByBuyer, order.Id.ToString(), placed.Buyer, order.PlacedAt, order);
    }

    private sealed record Placed(string Buyer, string Kind, IReadOnlyList<OrderLine> Lines, IReadOnlyList<DiscountLine> Discounts, long AmountFen, bool AwaitsGroup);
}
