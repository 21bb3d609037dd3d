using Campaigns.Grains.Binding;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Order;

/// <summary>Orders whose source decides with them: groups that are awaited, left and voided, and money that comes late.</summary>
public sealed class OrderOfGroupTests
{
    private static readonly DateTimeOffset Start = Story<OrderState, OrderEvent>.Start;
    private static readonly ShopId Demo = new("demo");
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly SkuId Tea = new(Guid.Parse("01890000-0000-7000-8000-0000000000b1"));
    private static readonly SkuId Cake = new(Guid.Parse("01890000-0000-7000-8000-0000000000b2"));
    private static readonly GrainId Room = new("group-room", Demo, Guid.Parse("01890000-0000-7000-8000-0000000000c1"));
    private static readonly GrainId OtherRoom = new("group-room", Demo, Guid.Parse("01890000-0000-7000-8000-0000000000c2"));
    private static readonly GrainId Router = new("campaign", Demo, Guid.Parse("01890000-0000-7000-8000-0000000000d1"));
    private static readonly PaymentId First = new(Guid.Parse("01890000-0000-7000-8000-0000000000e1"));
    private static readonly PaymentId Second = new(Guid.Parse("01890000-0000-7000-8000-0000000000e2"));
    private static readonly Money Amount = new(5_000);

    private static readonly OrderPlaced Placed = new(Amei, "group-buy", Room, Router.Key, [new(Tea, "茶", 2, 3_000, 6_000)], [new("拼团", "merchant", 1_000)], Amount, 15, AwaitsGroup: true, AsksLate: true);
    private static readonly OrderEvent[] Open = [Placed, new LineHeld(Tea), new OrderOpened(Start.AddMinutes(15)), new PaymentStarted(First), new DebtSettled("open-payment", First.Value)];
    private static readonly OrderEvent[] Awaiting = [.. Open, new PaidInFull(First, Start), new DebtSettled("tell-paid", Room.Key)];
    private static readonly OrderEvent[] Leaving = [.. Awaiting, new LeaveAsked("no time")];
    private static readonly OrderEvent[] Confirmed = [.. Awaiting, new GroupConfirmed(Start)];
    private static readonly OrderEvent[] TimedOut = [.. Open, new OrderTimedOut()];
    private static readonly OrderEvent[] Released = [.. TimedOut, new DebtSettled("release", Tea.Value), new DebtSettled("tell-released", Room.Key)];
    private static readonly OrderEvent[] Late = [.. Released, new LatePaymentHeld(First, Amount, Start)];
    private static readonly OrderEvent[] Asking = [.. Late, new LatePaymentSentOn(Router)];
    private static readonly OrderEvent[] Revived = [.. Late, new OrderRevived()];

    private readonly OrderGrain grain = new();
    private readonly Story<OrderState, OrderEvent> story = new(new OrderGrain());

    private OrderId Self => OrderId.Of(story.Self.Key);

    private OrderView View => (OrderView)story.Answer(new GetOrder(null)).Value!;

    private string FirstRefund => $"{story.Self.Key:N}-1";

    // ---- a group that is awaited

    [Fact]
    public void A_paid_order_of_a_group_waits_for_it_with_its_stock_held()
    {
        story.Given(Open).When(new TakePayment(First, Amount)).Then(new PaidInFull(First, Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal((OrderStatus.AwaitingGroup, Start), (View.State, View.PaidAt));
        Assert.Equal([new Owed(Room, new OrderPaid(Self, Amount))], story.Debts.Select(d => grain.Message(story.State, d, story.Self)));
        Assert.Null(story.Deadline);
    }

    [Fact]
    public void A_complete_group_makes_its_paid_orders_count()
    {
        story.Given(Awaiting).When(new ConfirmGroup(Money.Zero)).Then(new GroupConfirmed(Start, AsksPromoter: true)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(OrderStatus.Paid, View.State);
        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal([new(Tea.In(Demo), new ConsumeStock(story.Self.Key)), new(Amei.In(Demo), new NotePaidOrder()), new Owed(Amei.BindingIn(Demo), new AskAttribution(Start))], story.Debts.Select(d => grain.Message(story.State, d, story.Self)));
    }

    [Fact]
    public void A_larger_group_gives_back_what_its_price_is_lower()
    {
        story.Given(Awaiting).When(new ConfirmGroup(new(700))).ThenOne<GroupConfirmed>().ThenOne<RefundRequested>(r => Assert.Equal((FirstRefund, First, new Money(700), "lower final price"), (r.Refund, r.Payment, r.Amount, r.Reason)));
        story.ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal((OrderStatus.Paid, 700), (View.State, View.Refunds.Single().AmountFen));
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(5_000, true)]
    [InlineData(5_001, false)]
    public void A_group_never_gives_back_more_than_was_paid(long refundFen, bool accepted)
    {
        story.Given(Awaiting).When(new ConfirmGroup(new(refundFen)));
        _ = accepted ? story.ThenOne<RefundRequested>() : story.ThenRefused(PaymentRefusal.RefundExceedsPaid);
    }

    [Fact]
    public void Only_an_order_that_awaits_its_group_is_confirmed()
    {
        story.When(new ConfirmGroup(Money.Zero)).ThenRefused(GrainRefusal.NotFound);
        foreach (var other in (OrderEvent[][])[Open, TimedOut, [.. Open, new OrderCancelled(null)], Confirmed])
            new Story<OrderState, OrderEvent>(grain).Given(other).When(new ConfirmGroup(new(700))).ThenNothing();
    }

    // ---- void

    [Fact]
    public void An_unpaid_order_that_shall_not_be_is_cancelled_and_answered_when_its_stock_is_back()
    {
        story.Given(Open).When(new VoidOrder("group failed")).Then(new OrderCancelled("group failed", First)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);

        story.WhenSettled("release", Done.Instance);
        Assert.True(story.Answer(new VoidOrder("group failed")).IsLater);
        story.WhenSettled("tell-released", Done.Instance);
        Assert.Same(Done.Instance, story.Answer(new VoidOrder("group failed")).Value);
    }

    [Fact]
    public void A_paid_order_that_shall_not_be_is_refunded_in_full_with_the_reason()
    {
        story.Given(Awaiting).When(new VoidOrder("group failed")).Then(new OrderCancelled("group failed"), new RefundRequested(FirstRefund, First, Amount, "group failed")).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(OrderStatus.Cancelled, View.State);
        Assert.Equal(["release", "refund"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void A_free_order_of_a_group_that_failed_has_nothing_to_give_back() =>
        story.Given(Placed with { Amount = Money.Zero, Discounts = [new("gift", "merchant", 6_000)] }, new LineHeld(Tea), new OrderOpened(Start), new PaidInFull(null, Start))
            .When(new VoidOrder("group failed")).Then(new OrderCancelled("group failed"));

    [Fact]
    public void An_order_that_cannot_tell_yet_what_it_is_is_voided_later()
    {
        story.When(new VoidOrder("x")).ThenRefused(GrainRefusal.NotFound);
        foreach (var undecided in (OrderEvent[][])[[Placed], Late, Asking, Revived])
            new Story<OrderState, OrderEvent>(grain).Given(undecided).When(new VoidOrder("x")).ThenRefused(GrainRefusal.Busy);
    }

    [Fact]
    public void What_is_over_or_counts_is_not_voided()
    {
        OrderEvent[] rejected = [Placed, new LineRefused(Tea, "SoldOut", RefusalKind.State), new OrderRejected("SoldOut", RefusalKind.State)];
        foreach (var over in (OrderEvent[][])[rejected, [.. Open, new OrderCancelled(null)], TimedOut, Confirmed])
            new Story<OrderState, OrderEvent>(grain).Given(over).When(new VoidOrder("x")).ThenNothing();
    }

    // ---- leaving

    [Fact]
    public void Leaving_a_group_is_asked_of_its_room_and_answered_when_it_has_decided()
    {
        story.Given(Awaiting).When(new CancelOrder(Amei, "no time")).Then(new LeaveAsked("no time")).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Owed(Room, new LeaveGroup(Self)), story.Message("leave-group"));
        Assert.Equal(OrderStatus.AwaitingGroup, View.State);
    }

    [Fact]
    public void Who_may_leave_is_refunded()
    {
        story.Given(Leaving).WhenSettled("leave-group", Done.Instance).Then(new OrderCancelled("no time"), new RefundRequested(FirstRefund, First, Amount, "left the group")).ThenSurvivesSnapshot();

        Assert.True(story.Answer(new CancelOrder(Amei, null)).IsLater);
        story.WhenSettled("release", Done.Instance).WhenSettled("tell-released", Done.Instance);
        Assert.Same(Done.Instance, story.Answer(new CancelOrder(Amei, null)).Value);
    }

    [Fact]
    public void Who_may_not_leave_any_more_stays_and_is_told()
    {
        story.Given(Leaving).WhenRefused("leave-group", GrainRefusal.Busy).ThenNothing();
        story.WhenRefused("leave-group", GrainRefusal.WrongState).Then(new LeaveRefused()).ThenSurvivesSnapshot();

        Assert.Equal("OrderNotCancellable", story.Answer(new CancelOrder(Amei, null)).Refusal!.Code);
        Assert.Equal(OrderStatus.AwaitingGroup, View.State);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void A_group_that_completes_while_a_member_asks_to_leave_keeps_them()
    {
        story.Given(Leaving).When(new ConfirmGroup(Money.Zero)).Then(new GroupConfirmed(Start, AsksPromoter: true));
        story.WhenRefused("leave-group", GrainRefusal.WrongState).Then(new LeaveRefused());

        Assert.Equal("OrderNotCancellable", story.Answer(new CancelOrder(Amei, null)).Refusal!.Code);
        Assert.Equal(OrderStatus.Paid, View.State);
    }

    [Fact]
    public void A_group_that_fails_while_a_member_asks_to_leave_refunds_them_once()
    {
        story.Given(Leaving).When(new VoidOrder("group failed")).Then(new OrderCancelled("group failed"), new RefundRequested(FirstRefund, First, Amount, "group failed")).ThenSurvivesSnapshot();

        Assert.DoesNotContain(story.Debts, d => d.What == "leave-group");
    }

    // ---- late money

    [Fact]
    public void Late_money_is_kept_while_the_source_is_asked()
    {
        story.Given(Released).When(new TakePayment(First, Amount)).Then(new LatePaymentHeld(First, Amount, Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new Owed(Room, new OfferLatePayment(Self, Router.Key, Amei, 2, Start)), story.Message("offer-late-payment"));
        Assert.Equal(OrderStatus.TimedOut, View.State);
    }

    [Fact]
    public void Late_money_is_offered_only_after_the_source_knows_that_the_stock_is_back()
    {
        story.Given(TimedOut).When(new TakePayment(First, Amount)).Then(new LatePaymentHeld(First, Amount, Start));
        Assert.Equal(["release"], story.Debts.Select(d => d.What));

        story.WhenSettled("release", Done.Instance).ThenSurvivesSnapshot();
        Assert.Equal(["tell-released", "offer-late-payment"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void Late_money_that_comes_while_the_source_is_being_told_is_offered_behind_that()
    {
        story.Given(TimedOut).WhenSettled("release", Done.Instance).When(new TakePayment(First, Amount));

        Assert.Equal(["tell-released", "offer-late-payment"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void Other_late_money_and_late_money_of_an_order_that_does_not_ask_goes_back()
    {
        story.Given(Released).When(new TakePayment(First, new(4_999))).Then(new RefundRequested(FirstRefund, First, new(4_999), "wrong amount"));
        new Story<OrderState, OrderEvent>(grain).Given([Placed with { AsksLate = false }, .. Released[1..]]).When(new TakePayment(First, Amount)).Then(new RefundRequested(FirstRefund, First, Amount, "late payment"));
    }

    [Fact]
    public void A_second_payment_never_pushes_out_the_late_one()
    {
        story.Given(Late).When(new TakePayment(Second, Amount)).Then(new RefundRequested(FirstRefund, Second, Amount, "second payment"));

        Assert.True(story.State.HasTaken(First));
        Assert.Equal(["offer-late-payment", "refund"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void Its_room_hears_what_was_paid_which_is_less_where_the_list_price_has_fallen()
    {
        story.Given(Placed, new LineHeld(Tea, 2_400), new OrderOpened(Start.AddMinutes(15), [])).When(new TakePayment(First, new(4_800)));

        Assert.Equal(new Owed(Room, new OrderPaid(Self, new(4_800))), story.Message("tell-paid"));
    }

    [Fact]
    public void An_unpaid_order_of_a_group_whose_time_is_over_times_out_with_it()
    {
        story.Given(Open).When(new VoidOrder("too late", Room, TimesOut: true)).Then(new OrderTimedOut(First)).ThenAgainNothing();
        Assert.Equal(OrderStatus.TimedOut, View.State);
    }

    [Fact]
    public void A_room_that_the_order_has_left_for_another_cannot_void_it()
    {
        var other = Room with { Key = Guid.Parse("01890000-0000-7000-8000-0000000000c2") };
        story.Given([.. Late, new LatePaymentSentOn(Router), new LatePaymentRouted(other)]).When(new VoidOrder("why", Room)).ThenNothing();
        Assert.Same(Done.Instance, story.Answer().Value);

        story.Given(new OrderRevived(), new LineHeld(Tea), new PaidInFull(First, Start)).When(new VoidOrder("why", Room)).ThenNothing();
        story.When(new VoidOrder("why", other)).ThenOne<OrderCancelled>();
    }

    [Fact]
    public void A_source_with_a_place_revives_the_order_and_its_stock_is_held_again()
    {
        story.Given(Late).WhenRefused("offer-late-payment", GrainRefusal.Busy).ThenNothing();
        story.WhenSettled("offer-late-payment", new LatePaymentAnswer(null)).Then(new OrderRevived(Start)).ThenSurvivesSnapshot();
        Assert.Equal(["hold"], story.Debts.Select(d => d.What));

        story.WhenSettled("hold", new HeldStock(2_000)).Then(new LineHeld(Tea), new PaidInFull(First, Start)).ThenSurvivesSnapshot();
        Assert.Equal((OrderStatus.AwaitingGroup, 5_000), (View.State, View.AmountFen));
        Assert.Equal([new Owed(Room, new OrderPaid(Self, Amount))], story.Debts.Select(d => grain.Message(story.State, d, story.Self)));
        story.When(new TakePayment(First, Amount)).ThenNothing();
    }

    [Fact]
    public void A_revived_order_without_stock_tells_its_source_and_gives_the_money_back()
    {
        story.Given(Revived).WhenRefused("hold", StockRefusal.SoldOut)
            .Then(new LineRefused(Tea, "SoldOut", RefusalKind.State), new RevivalFailed("SoldOut"), new RefundRequested(FirstRefund, First, Amount, "late payment")).ThenSurvivesSnapshot();

        Assert.Equal(["tell-released", "refund"], story.Debts.Select(d => d.What));
        Assert.Equal((OrderStatus.TimedOut, 1), (View.State, View.Refunds.Count));
        Assert.Null(story.State.Late);
    }

    [Fact]
    public void A_revival_that_fails_at_its_second_line_gives_the_first_back_before_the_source_is_told()
    {
        var placed = Placed with { Lines = [new(Tea, "茶", 2, 2_500, 5_000), new(Cake, "糕", 1, 1_000, 1_000)] };
        story.Given(placed, new LineHeld(Tea), new LineHeld(Cake), new OrderOpened(Start), new PaymentStarted(First), new DebtSettled("open-payment", First.Value), new OrderTimedOut())
            .Given(new DebtSettled("release", Tea.Value), new DebtSettled("release", Cake.Value), new DebtSettled("tell-released", Room.Key), new LatePaymentHeld(First, Amount, Start), new OrderRevived(), new LineHeld(Tea))
            .WhenRefused("hold", StockRefusal.SoldOut).ThenOne<RevivalFailed>().ThenSurvivesSnapshot();
        Assert.Equal(["release", "refund"], story.Debts.Select(d => d.What));

        story.WhenSettled("release", Done.Instance);
        Assert.Equal(["refund", "tell-released"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void A_source_without_a_place_sends_the_money_on_and_another_is_asked()
    {
        story.Given(Late).WhenSettled("offer-late-payment", new LatePaymentAnswer(Router)).Then(new LatePaymentSentOn(Router)).ThenSurvivesSnapshot();
        var asked = Assert.IsType<RouteLatePayment>(story.Message("route-late-payment").Command);
        Assert.Equal((Self, Router), (asked.Order, story.Message("route-late-payment").To));
        Assert.Equal([Room.Key], asked.Tried);
        Assert.Equal(["route-late-payment"], story.Debts.Select(d => d.What));

        story.WhenSettled("route-late-payment", new LatePaymentRoute(OtherRoom)).Then(new LatePaymentRouted(OtherRoom)).ThenSurvivesSnapshot();
        Assert.Equal(new Owed(OtherRoom, new OfferLatePayment(Self, Router.Key, Amei, 2, Start)), story.Message("offer-late-payment"));

        story.WhenSettled("offer-late-payment", new LatePaymentAnswer(null)).WhenSettled("hold", new HeldStock(3_000)).ThenOne<PaidInFull>();
        Assert.Equal(OtherRoom, story.Message("tell-paid").To);
    }

    [Theory]
    [InlineData("offer-late-payment")]
    [InlineData("route-late-payment")]
    public void A_refusal_gives_late_money_back(string asked)
    {
        story.Given(asked == "offer-late-payment" ? Late : Asking).WhenRefused(asked, GrainRefusal.WrongState).Then(new RefundRequested(FirstRefund, First, Amount, "late payment")).ThenSurvivesSnapshot();

        Assert.Equal(["refund"], story.Debts.Select(d => d.What));
        Assert.Null(story.State.Late);
        story.When(new TakePayment(First, Amount)).ThenNothing();
    }

    [Fact]
    public void Late_money_is_offered_to_five_sources_and_then_goes_back()
    {
        story.Given(Late);
        for (var source = 1; source < RouteLatePayment.SourcesMax; source++)
            story.WhenSettled("offer-late-payment", new LatePaymentAnswer(Router)).ThenOne<LatePaymentSentOn>()
                .WhenSettled("route-late-payment", new LatePaymentRoute(OtherRoom with { Key = new(source, 0, 0, new byte[8]) })).ThenOne<LatePaymentRouted>();

        story.WhenSettled("offer-late-payment", new LatePaymentAnswer(Router)).Then(new RefundRequested(FirstRefund, First, Amount, "late payment"));
    }

    [Fact]
    public void An_order_that_asks_its_source_has_one()
    {
        var place = new PlaceOrder(Amei, "group-buy", null, null, Placed.Lines, [], 15);
        story.When(place with { AwaitsGroup = true }).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("source", Assert.Single(r.Findings!).Field));
        story.When(place with { AsksLate = true }).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("source", Assert.Single(r.Findings!).Field));
        story.When(place with { AwaitsGroup = true, AsksLate = true, Source = Room }).ThenOne<OrderPlaced>();
    }

    [Fact]
    public void Every_state_survives_a_snapshot()
    {
        foreach (var history in (OrderEvent[][])[Awaiting, Leaving, Confirmed, Late, Asking, Revived, [.. Revived, new LineHeld(Tea)], [.. Asking, new LatePaymentRouted(OtherRoom)]])
            new Story<OrderState, OrderEvent>(grain).Given(history).ThenSurvivesSnapshot();
    }

    [Fact]
    public void A_source_can_tell_the_release_before_a_revival_from_that_after_it()
    {
        Assert.False(Assert.IsType<OrderReleased>(new Story<OrderState, OrderEvent>(grain).Given(TimedOut).Given(new DebtSettled("release", Tea.Value)).Message("tell-released").Command).WasLate);
        Assert.True(Assert.IsType<OrderReleased>(story.Given(Revived).WhenRefused("hold", StockRefusal.SoldOut).Message("tell-released").Command).WasLate);
    }
}
