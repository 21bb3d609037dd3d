using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Order;

/// <summary>From the payment to the close: shipped, corrected, received.</summary>
public sealed class OrderShippingTests
{
    private static readonly DateTimeOffset Start = Story<OrderState, OrderEvent>.Start;
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly ShopperId Bo = new(Guid.Parse("01890000-0000-7000-8000-0000000000a2"));
    private static readonly SkuId Tea = new(Guid.Parse("01890000-0000-7000-8000-0000000000b1"));
    private static readonly GrainId Room = new("group-room", new("demo"), Guid.Parse("01890000-0000-7000-8000-0000000000c1"));
    private static readonly PaymentId First = new(Guid.Parse("01890000-0000-7000-8000-0000000000e1"));
    private static readonly OrderPlaced Placed = new(Amei, "plain", null, null, [new(Tea, "茶", 2, 3_000, 6_000)], [], new(6_000), 15);
    private static readonly OrderEvent[] Open = [Placed, new LineHeld(Tea), new OrderOpened(Start.AddMinutes(15)), new PaymentStarted(First)];
    private static readonly OrderEvent[] Paid = [.. Open, new PaidInFull(First, Start)];
    private static readonly OrderEvent[] Shipped = [.. Paid, new OrderShipped("SF", "SF1", 7, Start)];
    private static readonly OrderEvent[] Received = [.. Shipped, new OrderReceived(Start, ByBuyer: true)];
    private static readonly OrderEvent[] Closed = [.. Received, new OrderClosed(Start.AddDays(7))];
    private static readonly ShipOrder Ship = new("SF", "SF1", 7);

    private readonly OrderGrain grain = new();
    private readonly Story<OrderState, OrderEvent> story = new(new OrderGrain());

    private OrderView View => (OrderView)story.Answer(new GetOrder(null)).Value!;

    public static TheoryData<string, ShipOrder> Guards => new()
    {
        { "carrier", Ship with { Carrier = "" } },
        { "carrier", Ship with { Carrier = "  " } },
        { "carrier", Ship with { Carrier = new('x', 41) } },
        { "carrier", Ship with { Carrier = "S\nF" } },
        { "trackingNumber", Ship with { TrackingNumber = "" } },
        { "trackingNumber", Ship with { TrackingNumber = new('1', 65) } },
        { "trackingNumber", Ship with { TrackingNumber = "SF 1" } },
        { "trackingNumber", Ship with { TrackingNumber = "SF\u00011" } },
        { "afterSaleDays", Ship with { AfterSaleDays = -1 } },
        { "afterSaleDays", Ship with { AfterSaleDays = 91 } },
    };

    public static TheoryData<ShipOrder> Bounds =>
    [
        Ship with { Carrier = "x" },
        Ship with { Carrier = new('顺', 40) },
        Ship with { TrackingNumber = "1" },
        Ship with { TrackingNumber = new('1', 64) },
        Ship with { AfterSaleDays = 0 },
        Ship with { AfterSaleDays = 90 },
    ];

    // ---- ship

    [Fact]
    public void A_paid_order_is_shipped_once()
    {
        story.Given(Paid).When(Ship).Then(new OrderShipped("SF", "SF1", 7, Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal((OrderStatus.Shipped, new OrderShipment("SF", "SF1", Start), Start.AddDays(14)), (View.State, View.Shipment, View.ReceiveBefore));
        Assert.Equal(Start.AddDays(14), story.Deadline);
    }

    [Theory]
    [MemberData(nameof(Guards))]
    public void Each_part_of_a_shipment_has_its_bounds(string field, ShipOrder command) =>
        story.Given(Paid).When(command).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal(field, Assert.Single(r.Findings!).Field));

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Each_part_of_a_shipment_may_be_at_its_bound(ShipOrder command) => story.Given(Paid).When(command).ThenOne<OrderShipped>();

    [Fact]
    [Trait("EdgeCase", "27")]
    public void Peers_27_an_order_is_not_shipped_before_its_group_is_complete()
    {
        story.Given([Placed with { Source = Room, AwaitsGroup = true }, .. Paid[1..]]).When(Ship).ThenRefused(OrderRefusal.AwaitingGroup);

        story.When(new ConfirmGroup(Money.Zero)).When(Ship).ThenOne<OrderShipped>();
    }

    [Fact]
    public void Only_a_paid_order_is_shipped()
    {
        story.When(Ship).ThenRefused(GrainRefusal.NotFound);
        foreach (var other in (OrderEvent[][])[Open, [.. Open, new OrderCancelled(null)], [.. Open, new OrderTimedOut()], [.. Paid, new OrderClosed(Start)]])
            new Story<OrderState, OrderEvent>(grain).Given(other).When(Ship).ThenRefused(GrainRefusal.WrongState);
        new Story<OrderState, OrderEvent>(grain).Given(Placed, new LineRefused(Tea, "SoldOut", RefusalKind.State), new OrderRejected("SoldOut", RefusalKind.State)).When(Ship).ThenRefused(GrainRefusal.NotFound);
    }

    [Fact]
    public void A_shipment_is_corrected_until_it_is_received_and_the_time_to_receive_it_stays()
    {
        story.Given(Shipped).At(Start.AddDays(1)).When(Ship with { TrackingNumber = "SF2" }).Then(new ShipmentCorrected("SF", "SF2")).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal((new OrderShipment("SF", "SF2", Start), Start.AddDays(14)), (View.Shipment, View.ReceiveBefore));

        story.When(Ship with { Carrier = "YTO", TrackingNumber = "SF2" }).Then(new ShipmentCorrected("YTO", "SF2"));
        story.Given(new OrderReceived(Start, ByBuyer: true)).When(Ship).ThenRefused(GrainRefusal.WrongState);
        story.When(new ShipOrder("YTO", "SF2", 7)).ThenNothing();
    }

    [Fact]
    public void A_shipment_is_corrected_twenty_times()
    {
        story.Given(Shipped);
        for (var i = 1; i <= OrderRules.CorrectionsMax; i++) story.When(Ship with { TrackingNumber = $"N{i}" }).ThenOne<ShipmentCorrected>();

        story.When(Ship).ThenRefused(GrainRefusal.WrongState);
        story.When(Ship with { TrackingNumber = "N20" }).ThenNothing();
    }

    [Fact]
    public void The_same_shipment_again_changes_nothing_in_any_later_state()
    {
        story.Given(Received).When(Ship).ThenNothing();
        new Story<OrderState, OrderEvent>(grain).Given(Closed).When(Ship).ThenNothing();
    }

    [Fact]
    public void What_was_shipped_is_neither_cancelled_nor_voided_nor_paid_again()
    {
        story.Given(Shipped).When(new CancelOrder(Amei, null)).ThenRefused(OrderRefusal.OrderNotCancellable);
        story.When(new VoidOrder("x")).ThenNothing();
        story.When(new ConfirmGroup(Money.Zero)).ThenNothing();
        story.When(new StartPayment(First, Amei)).ThenNothing();
        story.When(new StartPayment(new(Guid.NewGuid()), Amei)).ThenRefused(OrderRefusal.OrderNotPayable);
        story.When(new TakePayment(new(Guid.NewGuid()), new(6_000))).ThenOne<RefundRequested>(r => Assert.Equal("second payment", r.Reason));
    }

    // ---- receive

    [Fact]
    public void The_buyer_says_that_it_has_come()
    {
        story.Given(Shipped).At(Start.AddDays(2)).When(new ReceiveOrder(Amei)).Then(new OrderReceived(Start.AddDays(2), ByBuyer: true)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal((OrderStatus.Received, Start.AddDays(2), null), (View.State, View.ReceivedAt, View.ReceiveBefore));
        Assert.Equal(Start.AddDays(9), story.Deadline);
    }

    [Fact]
    public void Only_the_buyer_says_so_and_only_of_what_was_shipped()
    {
        story.When(new ReceiveOrder(Amei)).ThenRefused(GrainRefusal.NotFound);
        story.Given(Shipped).When(new ReceiveOrder(Bo)).ThenRefused(GrainRefusal.NotFound);
        foreach (var other in (OrderEvent[][])[Open, Paid, [.. Paid, new OrderClosed(Start)], [.. Open, new OrderTimedOut()]])
            new Story<OrderState, OrderEvent>(grain).Given(other).When(new ReceiveOrder(Amei)).ThenRefused(GrainRefusal.WrongState);
        new Story<OrderState, OrderEvent>(grain).Given(Closed).When(new ReceiveOrder(Amei)).ThenNothing();
    }

    [Fact]
    public void After_fourteen_days_it_counts_as_received()
    {
        story.Given(Shipped).At(Start.AddDays(14).AddTicks(-1)).When(Wake.Instance).ThenNothing();
        story.At(Start.AddDays(14)).When(Wake.Instance).Then(new OrderReceived(Start.AddDays(14), ByBuyer: false)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(OrderStatus.Received, View.State);
    }

    [Fact]
    public void It_is_closed_when_the_after_sale_period_is_over()
    {
        story.Given(Received).At(Start.AddDays(7).AddTicks(-1)).When(Wake.Instance).ThenNothing();
        story.At(Start.AddDays(7)).When(Wake.Instance).Then(new OrderClosed(Start.AddDays(7))).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(OrderStatus.Closed, View.State);
        Assert.Null(story.Deadline);
    }

    [Fact]
    public void Without_an_after_sale_period_it_is_closed_at_once() =>
        story.Given([.. Paid, new OrderShipped("SF", "SF1", 0, Start)]).When(new ReceiveOrder(Amei)).When(Wake.Instance).Then(new OrderClosed(Start));

    [Fact]
    public void A_paid_order_that_nobody_ships_stays_paid() => story.Given(Paid).At(Start.AddDays(1_000)).When(Wake.Instance).ThenNothing();

    [Fact]
    public void Every_state_survives_a_snapshot()
    {
        foreach (var history in (OrderEvent[][])[Shipped, [.. Shipped, new ShipmentCorrected("YTO", "2")], Received, Closed])
            new Story<OrderState, OrderEvent>(grain).Given(history).ThenSurvivesSnapshot();
    }
}
