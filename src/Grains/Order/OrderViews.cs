using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Withdrawal;

namespace Campaigns.Grains.Order;

/// <summary>An order as lists show it: all of <see cref="OrderView"/> but the server's time, which is now and not in any document.</summary>
/// <param name="LoweredFen">what a group's final price was lower than what was paid</param>
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
    IReadOnlyList<OrderRefund> Refunds,
    OrderShipment? Shipment = null,
    DateTimeOffset? ReceivedAt = null,
    DateTimeOffset? ReceiveBefore = null,
    long LoweredFen = 0)
{
    /// <summary>The lines with what each really costs.</summary>
    public IReadOnlyList<OrderLineView> SeenLines() => OrderNets.Views(
        Lines,
        OrderNets.Of([.. Lines.Select(l => l.AmountFen)], DiscountLines.Sum(d => d.AmountFen) + LoweredFen),
        line => Refunds.SelectMany(r => r.Lines ?? []).Where(u => u.Line == line).Sum(u => u.Quantity));
}

/// <summary>
/// Where money is that is not settled: the state of a refund; <c>Held</c> while it is found out who can take it, or until it is given back by
/// hand; <c>Captured</c> while its order has not taken it yet; <c>Closing</c> while the gateway may still take it; <c>Transferring</c> while an
/// approved withdrawal is not with its owner.
/// </summary>
public enum LimboState
{
    Requested = 1,
    Processing = 2,
    Succeeded = 3,
    Failed = 4,
    Held = 5,
    Captured = 6,
    Closing = 7,
    Transferring = 8,
}

/// <summary>Money that is neither the shop's nor where it goes to.</summary>
/// <param name="Order">null for a withdrawal</param>
/// <param name="Refund">null unless it is being refunded</param>
/// <param name="Since">from when on it waits for what its state says; a refund of late money, from when that came</param>
/// <param name="Payment">the payment it came with; null for what was written before this was kept</param>
/// <param name="Withdrawal">the withdrawal that is being transferred</param>
public sealed record LimboItem(OrderId? Order, string? Refund, long AmountFen, LimboState State, string Reason, DateTimeOffset Since, PaymentId? Payment = null, WithdrawalId? Withdrawal = null);

/// <summary>An order as it was placed, and opened since.</summary>
/// <param name="AmountFen">what it is over, once it is open</param>
internal sealed record PlacedOrder(string Buyer, string Kind, IReadOnlyList<OrderLine> Lines, IReadOnlyList<DiscountLine> Discounts, long AmountFen, bool AwaitsGroup);

/// <summary>Money in limbo as the installation's operators see it.</summary>
public sealed record ShopLimbo(ShopId Shop, LimboItem Item, bool IsOpen);

/// <summary>How much money of all shops is in limbo.</summary>
public sealed record LimboTotals(long Items, long AmountFen);

/// <summary>Lists of orders: a shopper's, a shop's, and the money in limbo.</summary>
public sealed class OrderViews : IProjection
{
    public const string ByBuyer = "orders-by-buyer";
    public const string OfShop = "orders-of-shop";
    public const string Limbo = "limbo";
    public const string Totals = "limbo-totals";
    public const string Placed = "orders-placed";
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
                documents.Put(shop, Placed, id.ToString(), "", fact.At, new PlacedOrder(e.Buyer.ToString(), e.Kind, e.Lines, e.Discounts, e.Amount.Fen, e.AwaitsGroup));
                break;
            case LineHeld { UnitPriceFen: { } unitPrice } e when documents.Find<PlacedOrder>(shop, Placed, id.ToString()) is { } placed:
                documents.Put(shop, Placed, id.ToString(), "", fact.At, placed with { Lines = [.. placed.Lines.Select(l => l.Sku == e.Sku ? l with { UnitPriceFen = unitPrice, AmountFen = unitPrice * l.Quantity } : l)] });
                break;
            case OrderOpened e when documents.Find<PlacedOrder>(shop, Placed, id.ToString()) is { } placed:
                var discounts = e.Discounts ?? placed.Discounts;
                var opened = placed with { Discounts = discounts, AmountFen = placed.Lines.Sum(l => l.AmountFen) - discounts.Sum(d => d.AmountFen) };
                documents.Put(shop, Placed, id.ToString(), "", fact.At, opened);
                Put(documents, fact, opened, new(id, opened.Kind, OrderStatus.Pending, opened.Lines, opened.AmountFen, opened.Discounts, fact.At, e.PayBefore, null, []));
                break;
            case PaidInFull e when documents.Find<PlacedOrder>(shop, Placed, id.ToString()) is { } placed:
                Change(documents, fact, o => o with { State = placed.AwaitsGroup ? OrderStatus.AwaitingGroup : OrderStatus.Paid, PaidAt = e.At });
                if (e.Payment is { } taken) Take(documents, shop, taken);
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
            case OrderShipped e:
                Change(documents, fact, o => o with { State = OrderStatus.Shipped, Shipment = new(e.Carrier, e.TrackingNumber, e.At), ReceiveBefore = e.At.AddDays(OrderRules.ReceiptDays) });
                break;
            case ShipmentCorrected e:
                Change(documents, fact, o => o with { Shipment = o.Shipment! with { Carrier = e.Carrier, TrackingNumber = e.TrackingNumber } });
                break;
            case OrderReceived e:
                Change(documents, fact, o => o with { State = OrderStatus.Received, ReceivedAt = e.At, ReceiveBefore = null });
                break;
            case OrderClosed:
                Change(documents, fact, o => o with { State = OrderStatus.Closed });
                break;
            case LatePaymentHeld e:
                DropLimbo(documents, shop, Awaited(e.Payment));
                PutLimbo(documents, shop, Held(e.Payment), isOpen: true, new LimboItem(id, null, e.Amount.Fen, LimboState.Held, OrderRules.LatePayment, fact.At, e.Payment));
                break;
            case RefundRequested e:
                var since = Take(documents, shop, e.Payment) ?? fact.At;
                PutLimbo(documents, shop, e.Refund, isOpen: true, new LimboItem(id, e.Refund, e.Amount.Fen, LimboState.Requested, e.Reason, since, e.Payment));
                Change(documents, fact, o => o with { Refunds = [.. o.Refunds, new(e.Refund, e.Amount.Fen, RefundStatus.Requested, e.Reason, e.Units)], LoweredFen = o.LoweredFen + (e.LowersPrice ? e.Amount.Fen : 0) });
                break;
            case RefundNoted e when documents.Find<LimboItem>(shop, Limbo, e.Refund) is { } refund:
                PutLimbo(documents, shop, e.Refund, isOpen: e.State != RefundStatus.Succeeded, refund with { State = (LimboState)e.State });
                Change(documents, fact, o => o with { Refunds = [.. o.Refunds.Select(r => r.Id == e.Refund ? r with { State = e.State } : r)] });
                break;
        }
    }

    private static string Held(PaymentId payment) => $"held-{payment}";

    /// <summary>Names money that waits for a word of its order or of the gateway.</summary>
    internal static string Awaited(PaymentId payment) => $"awaited-{payment}";

    /// <summary>Money that was awaited or held is the shop's now, or on its way back: it counts once.</summary>
    /// <returns>since when it was held, null if it was not</returns>
    private static DateTimeOffset? Take(IDocuments documents, ShopId shop, PaymentId payment)
    {
        DropLimbo(documents, shop, Awaited(payment));
        if (documents.Find<LimboItem>(shop, Limbo, Held(payment)) is not { } held) return null;
        PutLimbo(documents, shop, Held(payment), isOpen: false, held);
        return held.Since;
    }

    // Merchants read their own, newest first; whoever runs the installation reads all of it, oldest first, and the totals.
    internal static void PutLimbo(IDocuments documents, ShopId shop, string key, bool isOpen, LimboItem item)
    {
        var wasOpen = documents.Find<ShopLimbo>(ShopId.Installation, Limbo, $"{shop}/{key}")?.IsOpen == true;
        documents.Put(shop, Limbo, key, isOpen ? Open : Settled, item.Since, item);
        documents.Put(ShopId.Installation, Limbo, $"{shop}/{key}", isOpen ? Open : Settled, OldestFirst(item.Since), new ShopLimbo(shop, item, isOpen));
        if (wasOpen != isOpen) Count(documents, isOpen ? 1 : -1, item);
    }

    // Every payment is awaited for a moment. Unlike the rest, nobody asks for it afterwards, and what comes and goes in one step of the projector is not written.
    internal static void DropLimbo(IDocuments documents, ShopId shop, string key)
    {
        if (documents.Find<LimboItem>(shop, Limbo, key) is not { } item) return;
        documents.Drop(shop, Limbo, key);
        documents.Drop(ShopId.Installation, Limbo, $"{shop}/{key}");
        Count(documents, -1, item);
    }

    private static void Count(IDocuments documents, int sign, LimboItem item)
    {
        var totals = documents.Find<LimboTotals>(ShopId.Installation, Totals, All) ?? new(0, 0);
        documents.Put(ShopId.Installation, Totals, All, "", item.Since, new LimboTotals(totals.Items + sign, totals.AmountFen + (sign * item.AmountFen)));
    }

    // Lists are newest first, so the time is turned round.
    private static DateTimeOffset OldestFirst(DateTimeOffset since) => new(DateTimeOffset.MaxValue.UtcTicks - since.UtcTicks, TimeSpan.Zero);

    private static void Change(IDocuments documents, in Recorded fact, Func<OrderListItem, OrderListItem> change)
    {
        var key = fact.Grain.Key.ToString("N");
        if (documents.Find<OrderListItem>(fact.Grain.Shop, OfShop, key) is { } order && documents.Find<PlacedOrder>(fact.Grain.Shop, Placed, key) is { } placed)
            Put(documents, fact, placed, change(order));
    }

    private static void Put(IDocuments documents, in Recorded fact, PlacedOrder placed, OrderListItem order)
    {
        documents.Put(fact.Grain.Shop, OfShop, order.Id.ToString(), All, order.PlacedAt, order);
        documents.Put(fact.Grain.Shop, ByBuyer, order.Id.ToString(), placed.Buyer, order.PlacedAt, order);
    }
}
