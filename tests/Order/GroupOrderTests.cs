using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Order;

/// <summary>The order's side of a group: it awaits it, is voided or left, and comes back with late money.</summary>
public sealed class GroupOrderTests
{
    private static readonly DateTimeOffset Start = Story<OrderState, OrderEvent>.Start;
    private static readonly ShopId Demo = new("demo");
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly SkuId Tea = new(Guid.Parse("01890000-0000-7000-8000-0000000000b1"));
    private static readonly CampaignId Campaign = new(Guid.Parse("01890000-0000-7000-8000-0000000000d1"));
    private static readonly PaymentId Payment = new(Guid.Parse("01890000-0000-7000-8000-0000000000e1"));
    private static readonly GrainId Room = new("group-room", Demo, Guid.Parse("01890000-0000-7000-8000-0000000000c1"));
    private static readonly GrainId OtherRoom = new("group-room", Demo, Guid.Parse("01890000-0000-7000-8000-0000000000c2"));
    private static readonly Money Amount = new(8_000);

    private static readonly OrderEvent[] Open =
    [
        new OrderPlaced(Amei, "group-buy", Room, Campaign.Value, [new(Tea, "茶", 1, 9_000, 9_000)], [new("拼团优惠", "merchant", 1_000)], Amount, 15, AwaitsGroup: true, AsksLate: true),
        new LineHeld(Tea),
        new OrderOpened(Start.AddMinutes(15)),
        new PaymentStarted(Payment),
        new DebtSettled("open-payment", Payment.Value),
    ];

    private static readonly OrderEvent[] Waiting = [.. Open, new PaidInFull(Payment, Start), new DebtSettled("tell-paid", Room.Key)];

    private static readonly OrderEvent[] Late = [.. Open, new OrderTimedOut(), new DebtSettled("release", Tea.Value), new DebtSettled("tell-released", Room.Key), new LatePaymentHeld(Payment, Amount)];

    private readonly Story<OrderState, OrderEvent> story = new(new OrderGrain());

    private OrderId Self => OrderId.Of(story.Self.Key);

    [Fact]
    public void A_paid_order_tells_the_room_what_was_paid_and_keeps_its_stock()
    {
        story.Given(Open).When(new TakePayment(Payment, Amount)).Then(new PaidInFull(Payment, Start));

        Assert.Equal(OrderStage.AwaitingGroup, story.State.Stage);
        Assert.Equal(new Owed(Room, new OrderPaid(Self, Amount)), story.Message("tell-paid"));
        Assert.Equal(["tell-paid"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void What_was_paid_is_less_where_the_list_price_has_fallen()
    {
        story.Given([.. Open[..1], new LineHeld(Tea, 7_500), new OrderOpened(Start.AddMinutes(15), [])]).When(new TakePayment(Payment, new(7_500)));

        Assert.Equal(new Owed(Room, new OrderPaid(Self, new(7_500))), story.Message("tell-paid"));
    }

    [Fact]
    public void The_rooms_yes_makes_it_paid_and_gives_back_what_is_above_the_final_price()
    {
        story.Given(Waiting).When(new ConfirmGroup(new(500))).Then(new GroupConfirmed(Start), new RefundRequested($"{Self}-1", Payment, new(500), OrderRules.LowerPrice)).ThenAgainNothing();

        Assert.Equal(OrderStage.Paid, story.State.Stage);
        story.When(new ConfirmGroup(Money.Zero)).ThenNothing();
    }

    [Fact]
    public void No_more_is_given_back_than_was_paid() => story.Given(Waiting).When(new ConfirmGroup(new(8_001))).ThenRefused(PaymentRefusal.RefundExceedsPaid);

    [Fact]
    public void A_voided_order_gives_everything_back_once()
    {
        story.Given(Waiting).When(new VoidOrder("why", Room)).Then(new OrderCancelled("why"), new RefundRequested($"{Self}-1", Payment, Amount, "why")).ThenAgainNothing();
        Assert.True(story.Answer().IsLater);
    }

    [Fact]
    public void A_room_that_the_order_has_left_for_another_cannot_void_it()
    {
        story.Given([.. Late, new LatePaymentSentOn(Campaign.In(Demo)), new LatePaymentRouted(OtherRoom)]).When(new VoidOrder("why", Room)).ThenNothing();
        Assert.Same(Done.Instance, story.Answer().Value);
        story.Given(new OrderRevived(), new LineHeld(Tea), new PaidInFull(Payment, Start)).When(new VoidOrder("why", Room)).ThenNothing();
        story.When(new VoidOrder("why", OtherRoom)).ThenOne<OrderCancelled>();
    }

    [Fact]
    public void Who_waits_for_late_money_cannot_be_voided_yet() => story.Given(Late).When(new VoidOrder("why", Room)).ThenRefused(GrainRefusal.Busy);

    [Fact]
    [Trait("EdgeCase", "18")]
    public void Late_money_is_offered_to_the_room_and_comes_back_if_nobody_has_a_place()
    {
        story.Given(Late);
        Assert.Equal(new Owed(Room, new OfferLatePayment(Self, Campaign.Value, Amei, 1)), story.Message("offer-late-payment"));

        story.WhenSettled("offer-late-payment", new LatePaymentAnswer(Campaign.In(Demo))).Then(new LatePaymentSentOn(Campaign.In(Demo)));
        var asked = Assert.IsType<RouteLatePayment>(story.Message("route-late-payment").Command);
        Assert.Equal(Self, asked.Order);
        Assert.Equal([Room.Key], asked.Tried);
        story.WhenSettled("route-late-payment", new LatePaymentRoute(OtherRoom)).Then(new LatePaymentRouted(OtherRoom));
        story.WhenRefused("offer-late-payment", CampaignRefusal.SoldOut).Then(new RefundRequested($"{Self}-1", Payment, Amount, OrderRules.LatePayment));
        Assert.Equal(["refund"], story.Debts.Select(d => d.What));
        Assert.Null(story.State.Late);
    }

    [Fact]
    [Trait("EdgeCase", "18")]
    public void Late_money_with_a_place_again_holds_its_stock_again_and_awaits_the_group()
    {
        story.Given(Late).WhenSettled("offer-late-payment", new LatePaymentAnswer(null)).Then(new OrderRevived());
        story.WhenSettled("hold", new HeldStock(9_000)).Then(new LineHeld(Tea), new PaidInFull(Payment, Start));

        Assert.Equal(OrderStage.AwaitingGroup, story.State.Stage);
        Assert.Equal(["tell-paid"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void Late_money_whose_stock_is_gone_comes_back_and_the_room_hears_of_it()
    {
        story.Given(Late).WhenSettled("offer-late-payment", new LatePaymentAnswer(null)).WhenRefused("hold", StockRefusal.SoldOut)
            .Then(new LineRefused(Tea, "SoldOut", RefusalKind.State), new RevivalFailed("SoldOut"), new RefundRequested($"{Self}-1", Payment, Amount, OrderRules.LatePayment));

        Assert.Equal(["tell-released", "refund"], story.Debts.Select(d => d.What).Order(StringComparer.Ordinal).Reverse());
    }

    [Fact]
    public void Who_leaves_is_let_go_by_the_room_or_stays()
    {
        story.Given(Waiting).When(new CancelOrder(Amei, "changed my mind")).Then(new LeaveAsked("changed my mind")).ThenAgainNothing();
        Assert.Equal(new Owed(Room, new LeaveGroup(Self)), story.Message("leave-group"));
        Assert.True(story.Answer().IsLater);

        story.WhenRefused("leave-group", Campaigns.Grains.GroupBuy.GroupBuyRefusal.RoomClosed).Then(new LeaveRefused());
        Assert.Equal("OrderNotCancellable", story.Answer(new CancelOrder(Amei, null)).Refusal!.Code);
        story.When(new CancelOrder(Amei, null)).WhenSettled("leave-group", Done.Instance).Then(new OrderCancelled(null), new RefundRequested($"{Self}-1", Payment, Amount, OrderRules.LeftGroup));
    }
}
