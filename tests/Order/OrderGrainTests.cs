using Campaigns.Grains.Binding;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Order;

public sealed class OrderGrainTests
{
    private static readonly DateTimeOffset Start = Story<OrderState, OrderEvent>.Start;
    private static readonly DateTimeOffset PayBefore = Start.AddMinutes(15);
    private static readonly ShopId Demo = new("demo");
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly ShopperId Bo = new(Guid.Parse("01890000-0000-7000-8000-0000000000a2"));
    private static readonly SkuId Tea = new(Guid.Parse("01890000-0000-7000-8000-0000000000b1"));
    private static readonly SkuId Cake = new(Guid.Parse("01890000-0000-7000-8000-0000000000b2"));
    private static readonly GrainId Bargain = new("bargain", Demo, Guid.Parse("01890000-0000-7000-8000-0000000000c1"));
    private static readonly Guid Campaign = Guid.Parse("01890000-0000-7000-8000-0000000000d1");
    private static readonly PaymentId First = new(Guid.Parse("01890000-0000-7000-8000-0000000000e1"));
    private static readonly PaymentId Second = new(Guid.Parse("01890000-0000-7000-8000-0000000000e2"));
    private static readonly Money Amount = new(8_000);

    private static readonly OrderLine TeaLine = new(Tea, "茶", 2, 3_000, 6_000);
    private static readonly OrderLine CakeLine = new(Cake, "凤梨酥", 1, 4_000, 4_000);
    private static readonly DiscountLine Cut = new("砍价", "merchant", 2_000);
    private static readonly PlaceOrder Place = new(Amei, "bargain", Bargain, Campaign, [TeaLine, CakeLine], [Cut], 15);
    private static readonly OrderPlaced Placed = new(Amei, "bargain", Bargain, Campaign, [TeaLine, CakeLine], [Cut], Amount, 15, At: Start);
    private static readonly OrderEvent[] Open = [Placed, new LineHeld(Tea), new LineHeld(Cake), new OrderOpened(PayBefore)];
    private static readonly OrderEvent[] Paying = [.. Open, new PaymentStarted(First)];
    private static readonly OrderEvent[] Paid = [.. Paying, new PaidInFull(First, Start)];
    private static readonly OrderEvent[] Cancelled = [.. Paying, new OrderCancelled("changed my mind")];
    private static readonly OrderEvent[] TimedOut = [.. Paying, new OrderTimedOut()];
    private static readonly OrderEvent[] Rejected = [Placed, new LineHeld(Tea), new LineRefused(Cake, "SoldOut", RefusalKind.State), new OrderRejected("SoldOut", RefusalKind.State)];

    private readonly OrderGrain grain = new();
    private readonly Story<OrderState, OrderEvent> story = new(new OrderGrain());

    private OrderView View => (OrderView)story.Answer(new GetOrder(null)).Value!;

    private string FirstRefund => $"{story.Self.Key:N}-1";

    public static TheoryData<string, PlaceOrder> Guards => new()
    {
        { "kind", Place with { Kind = "" } },
        { "kind", Place with { Kind = new('x', 41) } },
        { "lines", Place with { Lines = [] } },
        { "lines", Place with { Lines = [.. Enumerable.Range(0, 51).Select(_ => TeaLine with { Sku = new(Guid.NewGuid()) })] } },
        { "lines[1].title", Place with { Lines = [TeaLine, CakeLine with { Title = "" }] } },
        { "lines[0].title", Place with { Lines = [TeaLine with { Title = new('x', 301) }] } },
        { "lines[0].quantity", Place with { Lines = [TeaLine with { Quantity = 0, AmountFen = 0 }] } },
        { "lines[0].quantity", Place with { Lines = [TeaLine with { Quantity = 10_001, AmountFen = 30_003_000 }] } },
        { "lines[0].unitPriceFen", Place with { Lines = [TeaLine with { UnitPriceFen = -1, AmountFen = -2 }] } },
        { "lines[0].unitPriceFen", Place with { Lines = [TeaLine with { UnitPriceFen = 10_000_000_001 }] } },
        { "lines[0].amountFen", Place with { Lines = [TeaLine with { AmountFen = 5_999 }] } },
        { "lines[1].sku", Place with { Lines = [TeaLine, TeaLine] } },
        { "discountLines", Place with { Discounts = [.. Enumerable.Repeat(Cut with { AmountFen = 1 }, 21)] } },
        { "discountLines[0].name", Place with { Discounts = [Cut with { Name = "" }] } },
        { "discountLines[0].name", Place with { Discounts = [Cut with { Name = new('x', 121) }] } },
        { "discountLines[1].name", Place with { Discounts = [Cut, Cut with { Name = "" }] } },
        { "discountLines[0].amountFen", Place with { Discounts = [Cut with { AmountFen = 0 }] } },
        { "discountLines[0].amountFen", Place with { Discounts = [Cut with { AmountFen = 100_000_000_000_001 }] } },
        { "discountLines[0].fundedBy", Place with { Discounts = [Cut with { FundedBy = "buyer" }] } },
        { "paymentWindowMinutes", Place with { PaymentWindowMinutes = 0 } },
        { "paymentWindowMinutes", Place with { PaymentWindowMinutes = 1_441 } },
    };

    public static TheoryData<PlaceOrder> Bounds =>
    [
        Place with { Kind = "x" },
        Place with { Kind = new('x', 40) },
        Place with { Lines = [.. Enumerable.Range(0, 50).Select(i => TeaLine with { Sku = new(new Guid(i, 0, 0, new byte[8])) })] },
        Place with { Lines = [TeaLine with { Title = "x" }] },
        Place with { Lines = [TeaLine with { Title = new('x', 300) }] },
        Place with { Lines = [CakeLine with { Quantity = 10_000, AmountFen = 40_000_000 }] },
        Place with { Lines = [CakeLine with { UnitPriceFen = 0, AmountFen = 0 }], Discounts = [] },
        Place with { Lines = [CakeLine with { UnitPriceFen = 10_000_000_000, AmountFen = 10_000_000_000 }] },
        Place with { Discounts = [] },
        Place with { Discounts = [.. Enumerable.Repeat(Cut with { AmountFen = 1 }, 20)] },
        Place with { Discounts = [Cut with { Name = "x", FundedBy = "platform" }] },
        Place with { Discounts = [Cut with { Name = new('x', 120), FundedBy = "supplier" }] },
        Place with { Discounts = [Cut with { FundedBy = "leader" }] },
        Place with { Lines = [TeaLine with { Quantity = 10_000, UnitPriceFen = 10_000_000_000, AmountFen = 100_000_000_000_000 }], Discounts = [Cut with { AmountFen = 100_000_000_000_000 }] },
        Place with { PaymentWindowMinutes = 1 },
        Place with { PaymentWindowMinutes = 1_440 },
    ];

    public static TheoryData<object> CommandsToAnUnknownOrder =>
        [new StartPayment(First, Amei), new CancelOrder(Amei, null), new TakePayment(First, Amount), new NoteRefund("x-1", RefundStatus.Succeeded)];

    [Theory]
    [MemberData(nameof(CommandsToAnUnknownOrder))]
    public void An_order_that_was_not_placed_is_not_found(object command)
    {
        story.When(command).ThenRefused(GrainRefusal.NotFound);

        Assert.Equal("NotFound", story.Answer(new GetOrder(null)).Refusal!.Code);
    }

    [Theory]
    [MemberData(nameof(Guards))]
    public void Each_part_of_an_order_has_its_bounds(string field, PlaceOrder command) =>
        story.When(command).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal(field, Assert.Single(r.Findings!).Field));

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Each_part_of_an_order_may_be_at_its_bound(PlaceOrder command) =>
        story.When(command).ThenOne<OrderPlaced>(e => Assert.Equal(command.Lines.Sum(l => l.AmountFen) - command.Discounts.Sum(d => d.AmountFen), e.Amount.Fen));

    [Fact]
    public void Peers_14_a_discount_is_never_negative() =>
        story.When(Place with { Discounts = [Cut with { AmountFen = -1 }] }).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("discountLines[0].amountFen", r.Findings![0].Field));

    [Fact]
    public void Peers_14_discounts_never_exceed_what_is_ordered() =>
        story.When(Place with { Discounts = [Cut with { AmountFen = 10_001 }] }).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("discountLines", r.Findings![0].Field));

    [Fact]
    public void A_placed_order_asks_every_SKU_for_its_units_and_is_answered_later()
    {
        story.When(Place).Then(Placed).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.True(story.Answer().IsLater);
        Assert.True(story.Answer(new GetOrder(Amei)).IsLater);
        Assert.Equal(["hold", "hold"], story.Debts.Select(d => d.What));
        Assert.Equal(
            [new(Tea.In(Demo), new HoldStock(story.Self.Key, Campaign, 2, Start)), new Owed(Cake.In(Demo), new HoldStock(story.Self.Key, Campaign, 1, Start))],
            story.Debts.Select(d => grain.Message(story.State, d, story.Self)));
    }

    [Fact]
    public void The_last_hold_opens_the_order()
    {
        story.Given(Placed, new LineHeld(Tea)).WhenSettled("hold", Done.Instance).Then(new LineHeld(Cake), new OrderOpened(PayBefore)).ThenSurvivesSnapshot();

        Assert.Same(Done.Instance, story.Answer(Place).Value);
        Assert.Equal(PayBefore, story.Deadline);
        Assert.Empty(story.Debts);
        Assert.Equal(OrderStatus.Pending, View.State);
        Assert.Equal(8_000, View.AmountFen);
        Assert.Equal(View.AmountFen, View.Lines.Sum(l => l.AmountFen) - View.DiscountLines.Sum(d => d.AmountFen));
    }

    [Fact]
    public void A_hold_that_is_not_the_last_only_notes_the_line()
    {
        story.Given(Placed);
        story.Given([.. grain.Settle(story.State, new("hold", Tea.Value), new(Done.Instance, null), new(story.Self, Start)).Events]);

        Assert.Equal([Tea], story.State.Held);
        Assert.True(story.Answer(Place).IsLater);
    }

    [Fact]
    public void A_source_that_wants_an_order_once_more_after_it_has_heard_of_its_end_is_refused()
    {
        // Until it has heard, the repeat is of what it wanted at first, and the end is on its way to it.
        foreach (var end in (OrderEvent[][])[Paid, Cancelled, TimedOut])
        {
            var ended = new Story<OrderState, OrderEvent>(new OrderGrain()).Given(end);
            Assert.Same(Done.Instance, ended.When(Place).ThenNothing().Answer().Value);
            foreach (var sku in (SkuId[])[Tea, Cake]) ended.Given(new DebtSettled("release", sku.Value));
            Assert.Same(Done.Instance, ended.Answer(Place).Value);
            ended.Given(new DebtSettled("tell-paid", Bargain.Key), new DebtSettled("tell-released", Bargain.Key));
            Assert.Equal(Refusal.Of(GrainRefusal.WrongState), ended.When(Place).ThenNothing().Answer().Refusal);
        }

        Assert.Same(Done.Instance, story.Given(Open).When(Place).ThenNothing().Answer().Value);
    }

    [Fact]
    public void Another_source_does_not_get_the_order()
    {
        var other = Place with { Source = new("flash-sale", Demo, Campaign) };
        Assert.Equal(Refusal.Of(GrainRefusal.WrongState), story.Given(Open).When(other).ThenNothing().Answer().Refusal);
        Assert.Equal(Refusal.Of(GrainRefusal.WrongState), story.Answer(Place with { Source = null }).Refusal);
    }

    [Fact]
    public void A_busy_SKU_is_asked_again()
    {
        story.Given(Placed, new LineHeld(Tea)).WhenRefused("hold", GrainRefusal.Busy).ThenNothing();

        Assert.Contains(new Debt("hold", Cake.Value), story.Debts);
    }

    [Fact]
    [Trait("EdgeCase", "32")]
    public void Peers_32_one_line_without_stock_rejects_the_order_and_gives_the_others_back()
    {
        story.Given(Placed, new LineHeld(Tea)).WhenRefused("hold", StockRefusal.SoldOut)
            .Then(new LineRefused(Cake, "SoldOut", RefusalKind.State), new OrderRejected("SoldOut", RefusalKind.State))
            .ThenSurvivesSnapshot();
        Assert.Equal(new Owed(Tea.In(Demo), new ReleaseStock(story.Self.Key, Start)), story.Message("release"));
        Assert.True(story.Answer(Place).IsLater);

        story.WhenSettled("release", Done.Instance).Then(new DebtSettled("release", Tea.Value));
        Assert.Equal(Refusal.Of(StockRefusal.SoldOut), story.Answer(Place).Refusal);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void A_line_refused_before_the_last_answer_still_rejects_the_order()
    {
        story.Given(Placed, new LineRefused(Tea, "SoldOut", RefusalKind.State)).WhenSettled("hold", Done.Instance)
            .Then(new LineHeld(Cake), new OrderRejected("SoldOut", RefusalKind.State));

        Assert.Equal(new Owed(Cake.In(Demo), new ReleaseStock(story.Self.Key, Start)), story.Message("release"));
    }

    [Fact]
    public void The_first_refusal_is_the_answer()
    {
        story.Given(Placed, new LineRefused(Tea, "SoldOut", RefusalKind.State)).WhenRefused("hold", GrainRefusal.NotFound)
            .Then(new LineRefused(Cake, "NotFound", RefusalKind.Missing), new OrderRejected("SoldOut", RefusalKind.State));

        Assert.Equal("SoldOut", story.Answer(Place).Refusal!.Code);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void A_rejected_order_waits_for_its_stock_to_be_back_and_is_then_decided_again()
    {
        story.Given(Rejected).When(Place).ThenNothing();
        story.Given(new DebtSettled("release", Tea.Value)).When(Place).Then(Placed with { At = Start.AddTicks(1) });
        Assert.True(story.Answer().IsLater);
        story.Given(new LineHeld(Tea)).WhenSettled("hold", Done.Instance).Then(new LineHeld(Cake), new OrderOpened(PayBefore)).ThenSurvivesSnapshot();
    }

    [Fact]
    public void A_rejected_order_is_seen_by_nobody()
    {
        story.Given(Rejected).Given(new DebtSettled("release", Tea.Value));
        Assert.Equal("NotFound", story.Answer(new GetOrder(Amei)).Refusal!.Code);
        Assert.Null(story.Deadline);

        story.When(new StartPayment(First, Amei)).ThenRefused(GrainRefusal.NotFound);
        story.When(new CancelOrder(Amei, null)).ThenRefused(GrainRefusal.NotFound);
    }

    [Fact]
    public void An_order_over_nothing_is_paid_at_once()
    {
        story.Given(Placed with { Amount = Money.Zero, Discounts = [new("gift", "merchant", Placed.Lines.Sum(l => l.AmountFen))] }, new LineHeld(Tea)).WhenSettled("hold", Done.Instance)
            .Then(new LineHeld(Cake), new OrderOpened(PayBefore), new PaidInFull(null, Start))
            .ThenSurvivesSnapshot();

        Assert.Equal(OrderStatus.Paid, View.State);
        Assert.Equal(Start, View.PaidAt);
        Assert.Null(story.Deadline);
        story.When(new StartPayment(First, Amei)).ThenRefused(OrderRefusal.OrderNotPayable);
    }

    [Fact]
    public void Only_the_buyer_and_the_merchant_see_an_order()
    {
        story.Given(Open);

        Assert.IsType<OrderView>(story.Answer(new GetOrder(Amei)).Value);
        Assert.IsType<OrderView>(story.Answer(new GetOrder(null)).Value);
        Assert.Equal("NotFound", story.Answer(new GetOrder(Bo)).Refusal!.Code);
    }

    [Fact]
    public void A_started_payment_is_answered_when_it_exists()
    {
        story.Given(Open).When(new StartPayment(First, Amei)).Then(new PaymentStarted(First)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Owed(First.In(Demo), new OpenPayment(OrderId.Of(story.Self.Key), Amei, Amount, "茶", PayBefore)), story.Message("open-payment"));

        story.WhenSettled("open-payment", Done.Instance).Then(new DebtSettled("open-payment", First.Value));
        Assert.Equal(First, story.Answer().Value);
    }

    [Fact]
    public void A_second_start_is_answered_with_the_payment_that_is_open()
    {
        story.Given(Paying).Given(new DebtSettled("open-payment", First.Value)).When(new StartPayment(Second, Amei)).ThenNothing();

        Assert.Equal(First, story.Answer().Value);
    }

    [Fact]
    public void A_repeated_start_is_answered_like_the_first_even_after_the_order_is_paid()
    {
        story.Given(Paid).Given(new DebtSettled("open-payment", First.Value)).When(new StartPayment(First, Amei)).ThenNothing();

        Assert.Equal(First, story.Answer().Value);
    }

    [Fact]
    public void Another_buyer_cannot_pay() => story.Given(Open).When(new StartPayment(First, Bo)).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    public void A_paid_order_is_not_payable() => story.Given(Paid).When(new StartPayment(Second, Amei)).ThenRefused(OrderRefusal.OrderNotPayable);

    [Fact]
    public void A_cancelled_order_is_not_payable() => story.Given(Cancelled).When(new StartPayment(Second, Amei)).ThenRefused(OrderRefusal.OrderNotPayable);

    [Fact]
    public void An_order_is_payable_until_just_before_its_window_ends() =>
        story.Given(Open)
            .At(PayBefore).When(new StartPayment(First, Amei)).ThenRefused(OrderRefusal.OrderNotPayable)
            .At(PayBefore.AddTicks(-1)).When(new StartPayment(First, Amei)).Then(new PaymentStarted(First));

    [Fact]
    public void Money_pays_the_order_and_the_order_owes_its_consequences()
    {
        story.Given(Paying).Given(new DebtSettled("open-payment", First.Value))
            .When(new TakePayment(First, Amount)).Then(new PaidInFull(First, Start, AsksPromoter: true)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal(OrderStatus.Paid, View.State);
        Assert.Null(story.Deadline);
        Assert.Equal(
            [
                new(Tea.In(Demo), new ConsumeStock(story.Self.Key, Start)),
                new(Cake.In(Demo), new ConsumeStock(story.Self.Key, Start)),
                new(Bargain, new OrderPaid(OrderId.Of(story.Self.Key), Amount)),
                new(Amei.In(Demo), new NotePaidOrder()),
                new Owed(Amei.BindingIn(Demo), new AskAttribution(Start)),
            ],
            story.Debts.Select(d => grain.Message(story.State, d, story.Self)));
    }

    [Fact]
    public void A_plain_order_has_nobody_to_tell_but_the_buyer_and_asks_who_brought_them()
    {
        story.Given(Placed with { Source = null, Purpose = null }, new LineHeld(Tea), new LineHeld(Cake), new OrderOpened(PayBefore)).ThenSurvivesSnapshot();

        story.When(new TakePayment(First, Amount)).ThenOne<PaidInFull>();
        Assert.Equal(["consume", "consume", "tell-buyer", "ask-promoter"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void Money_that_comes_before_the_time_out_is_decided_counts() => story.Given(Paying).At(PayBefore).When(new TakePayment(First, Amount)).Then(new PaidInFull(First, PayBefore, AsksPromoter: true));

    [Fact]
    public void Money_after_the_time_out_goes_back_as_late()
    {
        story.Given(TimedOut).When(new TakePayment(First, Amount))
            .Then(new RefundRequested(FirstRefund, First, Amount, "late payment")).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new Owed(First.In(Demo), new RefundPayment(FirstRefund, Amount, "late payment")), story.Message("refund"));
        Assert.Equal([new(FirstRefund, 8_000, RefundStatus.Requested, "late payment")], View.Refunds);
    }

    [Fact]
    public void Money_for_a_cancelled_order_goes_back_as_late() =>
        story.Given(Cancelled).When(new TakePayment(First, Amount)).Then(new RefundRequested(FirstRefund, First, Amount, "late payment"));

    [Fact]
    public void Money_for_a_paid_order_goes_back_as_the_second()
    {
        story.Given(Paid).When(new TakePayment(Second, Amount)).Then(new RefundRequested(FirstRefund, Second, Amount, "second payment")).ThenAgainNothing();

        Assert.Equal(OrderStatus.Paid, View.State);
    }

    [Fact]
    public void Another_amount_goes_back_and_leaves_the_order_open()
    {
        story.Given(Paying).When(new TakePayment(First, new(7_999))).Then(new RefundRequested(FirstRefund, First, new(7_999), "wrong amount"));

        Assert.Equal(OrderStatus.Pending, View.State);
    }

    [Fact]
    public void Each_refund_of_an_order_has_its_own_number() =>
        story.Given(TimedOut).When(new TakePayment(First, Amount)).When(new TakePayment(Second, Amount))
            .Then(new RefundRequested($"{story.Self.Key:N}-2", Second, Amount, "late payment"));

    [Fact]
    public void Peers_56_a_crash_between_the_decision_and_the_refund_leaves_the_refund_owed()
    {
        story.Given(TimedOut).When(new TakePayment(First, Amount)).ThenSurvivesSnapshot();
        Assert.Equal(FirstRefund, Assert.IsType<RefundPayment>(story.Message("refund").Command).RefundId);

        story.WhenRefused("refund", GrainRefusal.Busy).ThenNothing().WhenRefused("refund", GrainRefusal.NotFound).ThenNothing().ThenSurvivesSnapshot();
        Assert.Equal(FirstRefund, Assert.IsType<RefundPayment>(story.Message("refund").Command).RefundId);

        story.WhenSettled("refund", Done.Instance).ThenOne<DebtSettled>();
        Assert.DoesNotContain(story.Debts, d => d.What == "refund");
    }

    [Fact]
    public void A_refund_is_seen_as_the_payment_tells_it()
    {
        story.Given(TimedOut).When(new TakePayment(First, Amount));

        story.When(new NoteRefund(FirstRefund, RefundStatus.Processing)).Then(new RefundNoted(FirstRefund, RefundStatus.Processing)).ThenAgainNothing();
        story.When(new NoteRefund(FirstRefund, RefundStatus.Succeeded)).Then(new RefundNoted(FirstRefund, RefundStatus.Succeeded)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(RefundStatus.Succeeded, Assert.Single(View.Refunds).State);
    }

    [Fact]
    public void A_refund_that_succeeded_is_not_reopened_by_old_news() =>
        story.Given(TimedOut).When(new TakePayment(First, Amount)).Given(new RefundNoted(FirstRefund, RefundStatus.Succeeded))
            .When(new NoteRefund(FirstRefund, RefundStatus.Processing)).ThenNothing();

    [Fact]
    public void News_of_an_unknown_refund_is_refused() => story.Given(Paid).When(new NoteRefund("other-1", RefundStatus.Succeeded)).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    public void A_cancelled_order_gives_its_units_back_and_tells_its_source_before_it_is_answered()
    {
        story.Given(Open).When(new CancelOrder(Amei, "changed my mind")).Then(new OrderCancelled("changed my mind")).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(
            [
                new(Tea.In(Demo), new ReleaseStock(story.Self.Key, Start)),
                new Owed(Cake.In(Demo), new ReleaseStock(story.Self.Key, Start)),
            ],
            story.Debts.Select(d => grain.Message(story.State, d, story.Self)));

        story.Given(new DebtSettled("release", Tea.Value), new DebtSettled("release", Cake.Value));
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Owed(Bargain, new OrderReleased(OrderId.Of(story.Self.Key))), story.Message("tell-released"));
        story.WhenRefused("tell-released", GrainRefusal.WrongState).ThenOne<DebtSettled>();
        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal(OrderStatus.Cancelled, View.State);
        Assert.Null(story.Deadline);
    }

    [Fact]
    public void The_source_hears_of_the_end_when_the_last_unit_is_back()
    {
        // Told earlier, a bargain could lapse and its campaign give the place away, or order again, while the stock still counts the unit as taken.
        story.Given(Open).At(PayBefore).When(Wake.Instance).Given(new DebtSettled("release", Tea.Value));
        Assert.Equal(["release"], story.Debts.Select(d => d.What));
        story.WhenSettled("release", Done.Instance).Then(new DebtSettled("release", Cake.Value));
        Assert.Equal(["tell-released"], story.Debts.Select(d => d.What));
        story.WhenSettled("tell-released", Done.Instance).ThenSurvivesSnapshot();
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void An_order_that_comes_to_nothing_closes_the_payment_that_was_started()
    {
        story.Given(Paying).When(new CancelOrder(Amei, null)).Then(new OrderCancelled(null, First)).ThenSurvivesSnapshot();
        Assert.Equal(new Owed(First.In(Demo), new ClosePayment()), story.Message("close-payment"));
        Assert.Equal(["open-payment", "close-payment"], story.Debts.Where(d => d.About == First.Value).Select(d => d.What));

        story.WhenRefused("close-payment", GrainRefusal.Busy).ThenNothing().WhenRefused("close-payment", GrainRefusal.NotFound).ThenNothing();
        story.WhenSettled("close-payment", Done.Instance).Then(new DebtSettled("close-payment", First.Value));

        var timedOut = new Story<OrderState, OrderEvent>(grain).Given(Paying).At(PayBefore).When(Wake.Instance).Then(new OrderTimedOut(First)).ThenSurvivesSnapshot();
        Assert.Contains(new Debt("close-payment", First.Value), timedOut.Debts);
        new Story<OrderState, OrderEvent>(grain).Given(Paying).When(new VoidOrder("x")).Then(new OrderCancelled("x", First));
    }

    [Fact]
    public void Nobody_waits_for_the_payment_to_be_closed()
    {
        story.Given(Paying).When(new CancelOrder(Amei, null)).Given(new DebtSettled("release", Tea.Value), new DebtSettled("release", Cake.Value), new DebtSettled("tell-released", Bargain.Key));

        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Contains(story.Debts, d => d.What == "close-payment");
    }

    [Fact]
    public void Money_that_closing_finds_goes_back_as_late() =>
        story.Given(Paying).When(new CancelOrder(Amei, null)).When(new TakePayment(First, Amount)).Then(new RefundRequested(FirstRefund, First, Amount, "late payment"));

    [Fact]
    public void Another_buyer_cannot_cancel() => story.Given(Open).When(new CancelOrder(Bo, null)).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    public void A_paid_order_cannot_be_cancelled() => story.Given(Paid).When(new CancelOrder(Amei, null)).ThenRefused(OrderRefusal.OrderNotCancellable);

    [Fact]
    public void A_timed_out_order_cannot_be_cancelled() => story.Given(TimedOut).When(new CancelOrder(Amei, null)).ThenRefused(OrderRefusal.OrderNotCancellable);

    [Fact]
    public void An_order_that_still_waits_for_its_stock_cannot_be_cancelled() => story.Given(Placed).When(new CancelOrder(Amei, null)).ThenRefused(OrderRefusal.OrderNotCancellable);

    [Fact]
    public void A_reason_has_at_most_500_characters() =>
        story.Given(Open).When(new CancelOrder(Amei, new('x', 501))).ThenRefused(GrainRefusal.Invalid)
            .When(new CancelOrder(Amei, new('x', 500))).ThenOne<OrderCancelled>();

    [Fact]
    public void Peers_12_an_unpaid_order_times_out_and_returns_its_stock_once()
    {
        story.Given(Open).At(PayBefore.AddTicks(-1)).When(Wake.Instance).ThenNothing();
        story.At(PayBefore).When(Wake.Instance).Then(new OrderTimedOut()).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(OrderStatus.TimedOut, View.State);
        Assert.Equal(["release", "release"], story.Debts.Select(d => d.What));
        Assert.Null(story.Deadline);
    }

    [Fact]
    public void Peers_13_an_order_of_a_campaign_holds_out_of_the_units_reserved_for_it()
    {
        story.When(Place with { Lines = [TeaLine] });

        Assert.Equal(Campaign, Assert.IsType<HoldStock>(story.Message("hold").Command).Purpose);
    }

    [Fact]
    public void A_deadline_after_payment_or_cancellation_does_nothing()
    {
        story.Given(Paid).At(PayBefore).When(Wake.Instance).ThenNothing();
        new Story<OrderState, OrderEvent>(grain).Given(Cancelled).At(PayBefore).When(Wake.Instance).ThenNothing();
        new Story<OrderState, OrderEvent>(grain).When(Wake.Instance).ThenNothing();
    }

    [Fact]
    public void A_source_that_says_no_has_been_told_but_stock_stays_owed_until_it_moved()
    {
        story.Given(Placed with { Lines = [TeaLine] }, new LineHeld(Tea), new OrderOpened(PayBefore), new PaidInFull(First, Start));

        story.WhenRefused("tell-paid", GrainRefusal.Busy).ThenNothing().WhenRefused("tell-paid", GrainRefusal.WrongState).Then(new DebtSettled("tell-paid", Bargain.Key));
        story.WhenRefused("tell-buyer", GrainRefusal.NotFound).Then(new DebtSettled("tell-buyer", Amei.Value));
        story.WhenRefused("consume", GrainRefusal.NotFound).ThenNothing().WhenSettled("consume", Done.Instance).Then(new DebtSettled("consume", Tea.Value));
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void An_answer_to_a_debt_that_is_settled_changes_nothing()
    {
        story.Given(Paid);

        Assert.Empty(story.Settle(new("hold", Tea.Value), new(Done.Instance, null)).Events.ToArray());
    }

    [Fact]
    public void Every_state_survives_a_snapshot()
    {
        foreach (var history in new[] { Open, Paying, Paid, Cancelled, TimedOut, Rejected })
            new Story<OrderState, OrderEvent>(grain).Given(history).ThenSurvivesSnapshot();
    }

    [Fact]
    public void An_order_is_stored_under_the_kind_it_is_addressed_by() => Assert.Equal(story.Self, OrderId.Of(story.Self.Key).In(Demo));

    [Fact]
    public void News_of_one_refund_leaves_the_others_as_they_are()
    {
        story.Given(TimedOut).When(new TakePayment(First, Amount)).When(new TakePayment(Second, Amount)).When(new NoteRefund(FirstRefund, RefundStatus.Succeeded));

        Assert.Equal([RefundStatus.Succeeded, RefundStatus.Requested], View.Refunds.Select(r => r.State));
    }

    [Fact]
    public void A_rejected_order_is_not_placed_again_by_a_copy_but_by_a_newer_wish()
    {
        story.When(Place with { Lines = [TeaLine], WantedAt = Start }).ThenOne<OrderPlaced>().WhenRefused("hold", StockRefusal.SoldOut).ThenOne<OrderRejected>().ThenSurvivesSnapshot();
        story.When(Place with { Lines = [TeaLine], WantedAt = Start }).ThenNothing();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);
        story.When(Place with { Lines = [TeaLine], WantedAt = Start.AddTicks(1) }).ThenOne<OrderPlaced>(e => Assert.Equal(Start.AddTicks(1), e.WantedAt));
    }

    [Fact]
    public void Neither_busy_nor_a_fault_is_an_answer()
    {
        story.When(Place with { Lines = [TeaLine] });
        story.WhenRefused("hold", GrainRefusal.Busy).ThenNothing().WhenRefused("hold", GrainRefusal.Faulted).ThenNothing().WhenRefused("hold", StockRefusal.SoldOut).ThenOne<OrderRejected>();
    }
}
