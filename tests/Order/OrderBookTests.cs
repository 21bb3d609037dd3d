using Campaigns.Grains.Bargain;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.Order;

public sealed class OrderBookTests
{
    private static readonly OrderShipment Sent = new("SF", "SF1", default);

    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["the amount is 991 fen, but lines of 9900 less discounts of 8910 are 990"] = w => w.Change<OrderState>(OpenOrder, o => o with { Amount = new(991) }),
        ["says 9901 fen, but 1 units at 9900 fen are 9900"] = w => w.Change<OrderState>(OpenOrder, o => o with { Lines = [o.Lines[0] with { AmountFen = 9_901 }] }),
        ["it is Pending and the stock holds nothing for its line"] = w => w.The<StockState>(Sku).Holds.Remove(OpenOrder.Key),
        ["the stock holds 3 units"] = w => w.The<StockState>(Sku).Holds[OpenOrder.Key] = new(TheCampaign.Key, 3),
        ["was never held"] = w => w.Change<OrderState>(PaidOrder, o => o with { Held = [] }),
        ["it waits for its stock and has asked for none"] = w => w.Change<OrderState>(OpenOrder, o => o with { Stage = OrderStage.Holding }),
        ["without a payment"] = w => w.Change<OrderState>(PaidOrder, o => o with { PaidBy = null }),
        ["it is Paid, but its payment"] = w => w.Change<PaymentState>(ThePayment, p => p with { TransactionId = null }),
        ["is over 991 fen and the order over 990"] = w => w.Change<PaymentState>(ThePayment, p => p with { Amount = new(991) }),
        ["does not exist or is of another order"] = w => w.Remove(ThePayment),
        ["it came to nothing, and its payment 0000001e000070008000000000000000 is Ready and not being closed"] = w =>
        {
            w.Change<OrderState>(PaidOrder, o => o with { ClosesPayment = true });
            w.Change<PaymentState>(ThePayment, p => p with { TransactionId = null });
        },
        ["its buyer"] = w => w.The<ShopperState>(Person(1)).HasBought = false,
        ["refunds of 1980 fen exceed the 990 fen of payment"] = w => w.Change<OrderState>(LostOrder, o => o with { Refunds = [o.Refunds[0], o.Refunds[0] with { Id = "x" }] }),
        ["989 of the 990 fen of payment"] = w => w.Change<OrderState>(LostOrder, o => o with { Refunds = [o.Refunds[0] with { Amount = new(989) }] }),
        ["is neither owed nor known to its payment"] = w => w.Change<PaymentState>(LatePayment, p => p with { Refunds = [] }),
        ["is over 990 fen here and 989 in its payment"] = w => w.Change<PaymentState>(LatePayment, p => p with { Refunds = [p.Refunds[0] with { Amount = new(989) }] }),
        ["has Succeeded here and is Processing in its payment"] = w => w.Change<PaymentState>(LatePayment, p => p with { Refunds = [p.Refunds[0] with { State = RefundStatus.Processing }] }),
        ["has no such order"] = w => w.The<BargainState>(Ordered).Order = null,
        ["it is Paid and its source"] = w => w.The<BargainState>(Paid).Status = BargainStatus.Ordered,
        ["it is Cancelled and its source"] = w => w.The<BargainState>(Refunded).LostOrders.Clear(),
        ["its source bargain/demo/0000000b000070008000000000000000 does not exist"] = w => w.Remove(Ordered),
        ["it is Shipped and was never shipped"] = w => w.Change<OrderState>(PaidOrder, o => o with { Stage = OrderStage.Shipped }),
        ["it is Paid and was shipped"] = w => w.Change<OrderState>(PaidOrder, o => o with { Shipment = Sent }),
        ["it is Received, and was never received"] = w => w.Change<OrderState>(PaidOrder, o => o with { Stage = OrderStage.Received, Shipment = Sent }),
        ["it is Shipped, and was received"] = w => w.Change<OrderState>(PaidOrder, o => o with { Stage = OrderStage.Shipped, Shipment = Sent, ReceivedAt = default(DateTimeOffset) }),
        ["it is Closed, was never shipped, and 990 fen of it were not given back"] = w => w.Change<OrderState>(PaidOrder, o => o with { Stage = OrderStage.Closed }),
        ["2 units of the 1 of line 1 are refunded"] = w => w.Change<OrderState>(LostOrder, o => o with { Refunds = [o.Refunds[0] with { Units = [new(1, 2)] }] }),
        ["it is Shipped and its source"] = w =>
        {
            w.The<BargainState>(Paid).Status = BargainStatus.Ordered;
            w.Change<OrderState>(PaidOrder, o => o with { Stage = OrderStage.Shipped, Shipment = Sent });
        },
        ["has facts but was never placed"] = w => w.Change<OrderState>(OpenOrder, _ => new()),
    };

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);

    [Fact]
    public void A_line_held_at_a_lower_price_is_no_fault_before_the_order_opens()
    {
        var world = new World();
        var order = world.The<OrderState>(OpenOrder);
        var cheaper = order with { Lines = [order.Lines[0] with { UnitPriceFen = 500, AmountFen = 500 }] };

        Assert.DoesNotContain(new OrderBook().WrongWith(OpenOrder, cheaper with { Stage = OrderStage.Holding }, world), w => w.Contains("the amount is", StringComparison.Ordinal));
        Assert.Contains(new OrderBook().WrongWith(OpenOrder, cheaper, world), w => w.Contains("the amount is", StringComparison.Ordinal));
    }
}
