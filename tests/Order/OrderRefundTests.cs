using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Order;

/// <summary>What a merchant gives back: units at their net price, goodwill, or all that is left.</summary>
public sealed class OrderRefundTests
{
    private static readonly DateTimeOffset Start = Story<OrderState, OrderEvent>.Start;
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly SkuId Tea = Sku(1);
    private static readonly SkuId Cake = Sku(2);
    private static readonly GrainId Room = new("group-room", new("demo"), Guid.Parse("01890000-0000-7000-8000-0000000000c1"));
    private static readonly PaymentId First = new(Guid.Parse("01890000-0000-7000-8000-0000000000e1"));

    // 3 × 1,000 and 1 × 4,000 less 1,000: the tea bears 428 4/7 and the cake 571 3/7, so the fen left over is the tea's.
    private static readonly OrderPlaced Placed = new(Amei, "plain", null, null, [new(Tea, "茶", 3, 1_000, 3_000), new(Cake, "糕", 1, 4_000, 4_000)], [new("券", "merchant", 1_000)], new(6_000), 15);
    private static readonly OrderEvent[] Open = [Placed, new LineHeld(Tea), new LineHeld(Cake), new OrderOpened(Start.AddMinutes(15)), new PaymentStarted(First)];
    private static readonly OrderEvent[] Paid = [.. Open, new PaidInFull(First, Start)];
    private static readonly OrderEvent[] Shipped = [.. Paid, new OrderShipped("SF", "SF1", 7, Start)];

    private readonly OrderGrain grain = new();
    private readonly Story<OrderState, OrderEvent> story = new(new OrderGrain());

    private OrderView View => (OrderView)story.Answer(new GetOrder(null)).Value!;

    public static TheoryData<string, RefundOrder> Guards => new()
    {
        { "reason", All(1) with { Reason = "" } },
        { "reason", All(1) with { Reason = " " } },
        { "reason", All(1) with { Reason = new('x', 81) } },
        { "amountFen", All(1) with { AmountFen = 0 } },
        { "amountFen", All(1) with { AmountFen = -1 } },
        { "lines", All(1) with { Lines = [] } },
        { "lines", All(1) with { Lines = [.. Enumerable.Repeat(new RefundedUnits(1, 1), 51)] } },
        { "lines[0].line", Units(1, (0, 1)) },
        { "lines[0].line", Units(1, (3, 1)) },
        { "lines[1].line", Units(1, (1, 1), (1, 1)) },
        { "lines[0].quantity", Units(1, (1, 0)) },
        { "lines[1].quantity", Units(1, (1, 3), (2, 2)) },
    };

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 200)];

    [Fact]
    public void A_line_shows_what_it_really_costs()
    {
        story.Given(Paid);

        Assert.Equal([(1, 3_000L, 429L, 2_571L, 0), (2, 4_000L, 571L, 3_429L, 0)], View.Lines.Select(l => (l.Line, l.AmountFen, l.DiscountFen, l.NetFen, l.RefundedQuantity)));
        Assert.Equal(View.AmountFen, View.Lines.Sum(l => l.NetFen));
    }

    [Fact]
    [Trait("EdgeCase", "37")]
    public void Units_are_refunded_at_their_net_price_and_all_of_them_give_back_exactly_the_line()
    {
        story.Given(Shipped).When(Units(1, (1, 1))).Then(Asked(1, 857, "broken", [new(1, 1)], 1)).ThenAgainNothing().ThenSurvivesSnapshot();
        story.When(Units(2, (1, 2))).Then(Asked(2, 1_714, "broken", [new(1, 2)], 2)).ThenSurvivesSnapshot();

        Assert.Equal(2_571, View.Refunds.Sum(r => r.AmountFen));
        Assert.Equal((OrderStatus.Shipped, 3, 0), (View.State, View.Lines[0].RefundedQuantity, View.Lines[1].RefundedQuantity));
        Assert.Equal([[new RefundedUnits(1, 1)], [new RefundedUnits(1, 2)]], View.Refunds.Select(r => r.Lines!));
        story.When(Units(3, (1, 1))).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("lines[0].quantity", r.Findings![0].Field));
    }

    [Fact]
    public void Several_lines_are_one_refund() => story.Given(Paid).When(Units(1, (2, 1), (1, 2))).ThenOne<RefundRequested>(r => Assert.Equal(3_429 + 1_714, r.Amount.Fen));

    [Fact]
    public void The_same_request_never_refunds_twice_whatever_came_between()
    {
        story.Given(Shipped).When(Units(1, (1, 1))).When(Goodwill(2, 100)).When(new NoteRefund($"{story.Self.Key:N}-1", RefundStatus.Succeeded));

        story.When(Units(1, (1, 1))).ThenNothing();
        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal(2, View.Refunds.Count);
    }

    [Fact]
    public void Goodwill_names_no_units()
    {
        story.Given(Shipped).When(Goodwill(1, 500)).Then(Asked(1, 500, "sorry", null, 1));

        Assert.Equal([0, 0], View.Lines.Select(l => l.RefundedQuantity));
        story.When(Goodwill(2, 5_501)).ThenRefused(PaymentRefusal.RefundExceedsPaid, r => Assert.Equal(5_500, r.Limit));
        story.When(Goodwill(2, 5_500)).ThenOne<RefundRequested>();
    }

    [Fact]
    public void Units_may_give_back_less_than_their_net_and_never_more()
    {
        story.Given(Shipped).When(Units(1, (1, 3)) with { AmountFen = 2_572 }).ThenRefused(PaymentRefusal.RefundExceedsPaid, r => Assert.Equal(2_571, r.Limit));
        story.When(Units(1, (1, 3)) with { AmountFen = 2_571 }).ThenOne<RefundRequested>();
        new Story<OrderState, OrderEvent>(grain).Given(Shipped).When(Units(1, (1, 3)) with { AmountFen = 1 }).ThenOne<RefundRequested>(r => Assert.Equal(3, r.Units![0].Quantity));
    }

    [Fact]
    public void Units_never_give_back_more_than_is_left()
    {
        story.Given(Shipped).When(Goodwill(1, 5_000)).When(Units(2, (1, 3))).ThenRefused(PaymentRefusal.RefundExceedsPaid, r => Assert.Equal(1_000, r.Limit));

        story.When(Units(2, (1, 3)) with { AmountFen = 1_000 }).ThenOne<RefundRequested>();
    }

    [Fact]
    public void Without_amount_and_lines_all_that_is_left_goes_back_with_all_units()
    {
        story.Given(Shipped).When(Units(1, (1, 1))).When(All(2)).Then(Asked(2, 5_143, "all", [new(1, 2), new(2, 1)], 2));

        Assert.Equal((OrderStatus.Shipped, 6_000), (View.State, View.Refunds.Sum(r => r.AmountFen)));
        story.When(All(3)).ThenRefused(PaymentRefusal.RefundExceedsPaid, r => Assert.Equal(0, r.Limit));
        story.When(Goodwill(3, 1)).ThenRefused(PaymentRefusal.RefundExceedsPaid);
    }

    [Fact]
    public void What_is_refunded_in_full_before_it_is_shipped_is_closed_and_never_shipped()
    {
        story.Given(Paid).When(Units(1, (1, 3))).ThenOne<RefundRequested>();
        Assert.Equal(OrderStatus.Paid, View.State);

        story.When(Units(2, (2, 1))).Then(Asked(2, 3_429, "broken", [new(2, 1)], 2), new OrderClosed(Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(OrderStatus.Closed, View.State);
        story.When(new ShipOrder("SF", "SF1", 7)).ThenRefused(GrainRefusal.WrongState);
        Assert.Null(story.Deadline);
    }

    [Fact]
    public void An_order_that_is_closed_may_still_be_refunded() =>
        story.Given([.. Shipped, new OrderReceived(Start, ByBuyer: true), new OrderClosed(Start.AddDays(7))]).When(Units(1, (1, 1))).ThenOne<RefundRequested>();

    [Theory]
    [MemberData(nameof(Guards))]
    public void Each_part_of_a_refund_has_its_bounds(string field, RefundOrder command) =>
        story.Given(Paid).When(command).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal(field, Assert.Single(r.Findings!).Field));

    [Fact]
    public void A_reason_may_have_80_characters() => story.Given(Paid).When(All(1) with { Reason = new('因', 80) }).ThenOne<RefundRequested>();

    [Fact]
    public void Only_what_was_paid_is_refunded_and_while_a_group_is_open_the_group_decides()
    {
        story.When(All(1)).ThenRefused(GrainRefusal.NotFound);
        foreach (var other in (OrderEvent[][])[Open, [.. Open, new OrderCancelled(null)], [.. Open, new OrderTimedOut()], [Placed with { Source = Room, AwaitsGroup = true }, .. Paid[1..]]])
            new Story<OrderState, OrderEvent>(grain).Given(other).When(All(1)).ThenRefused(GrainRefusal.WrongState);
    }

    [Fact]
    public void Nothing_is_refunded_of_an_order_over_nothing() =>
        story.Given(Placed with { Amount = Money.Zero, Discounts = [new("gift", "merchant", 7_000)] }, new LineHeld(Tea), new LineHeld(Cake), new OrderOpened(Start), new PaidInFull(null, Start))
            .When(All(1)).ThenRefused(PaymentRefusal.RefundExceedsPaid, r => Assert.Equal(0, r.Limit));

    [Fact]
    public void A_year_after_the_payment_no_gateway_gives_money_back()
    {
        story.Given(Shipped).At(Start.AddDays(365)).When(Goodwill(1, 1)).ThenRefused(GrainRefusal.WrongState);
        story.At(Start.AddDays(365).AddTicks(-1)).When(Goodwill(1, 1)).ThenOne<RefundRequested>();
    }

    [Fact]
    public void There_are_fifty_refunds_at_most()
    {
        story.Given(Shipped);
        for (var i = 1; i <= 50; i++) story.When(Goodwill(i, 1)).ThenOne<RefundRequested>();

        story.When(Goodwill(51, 1)).ThenRefused(GrainRefusal.WrongState);
        story.When(Goodwill(50, 1)).ThenNothing();
    }

    [Fact]
    [Trait("EdgeCase", "24")]
    public void Peers_24_a_member_refunded_after_success_leaves_the_order_and_its_group_as_they_are()
    {
        OrderEvent[] confirmed = [Placed with { Source = Room, AwaitsGroup = true }, .. Paid[1..], new DebtSettled("tell-paid", Room.Key), new GroupConfirmed(Start)];
        story.Given(confirmed).When(Units(1, (1, 3))).ThenOne<RefundRequested>();
        Assert.Equal(OrderStatus.Paid, View.State);

        story.When(All(2)).ThenOne<OrderClosed>();
        Assert.DoesNotContain(story.Debts, d => grain.Message(story.State, d, story.Self).To == Room);
    }

    [Fact]
    public void A_lower_final_price_lowers_what_each_unit_gives_back()
    {
        story.Given([Placed with { Source = Room, AwaitsGroup = true }, .. Paid[1..]]).When(new ConfirmGroup(new(700))).ThenOne<RefundRequested>(r => Assert.True(r.LowersPrice));
        Assert.Equal([2_271L, 3_029L], View.Lines.Select(l => l.NetFen));

        story.When(Units(1, (1, 3))).ThenOne<RefundRequested>(r => Assert.Equal(2_271, r.Amount.Fen));
        story.When(All(2)).ThenOne<RefundRequested>(r => Assert.Equal(3_029, r.Amount.Fen)).ThenOne<OrderClosed>();
        Assert.Equal(6_000, View.Refunds.Sum(r => r.AmountFen));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    [Trait("EdgeCase", "36")]
    public void Lines_less_discounts_are_exact_and_any_order_of_unit_refunds_gives_back_exactly_the_line(int seed)
    {
        var random = new Random(seed);
        var lines = Lines(random);
        var total = lines.Sum(l => l.AmountFen);
        var discount = random.Next(5) switch { 0 => 0, 1 => total, _ => random.NextInt64(0, total + 1) };
        var nets = OrderNets.Of([.. lines.Select(l => l.AmountFen)], discount);

        Assert.Equal(total - discount, nets.Sum());
        Assert.All(lines.Zip(nets), l => Assert.InRange(l.Second, 0, l.First.AmountFen));
        foreach (var (line, net) in lines.Zip(nets))
        {
            if (total > 0) Assert.InRange(net, line.AmountFen - (long)((Int128)discount * line.AmountFen / total) - 1, line.AmountFen - (long)((Int128)discount * line.AmountFen / total));
            var (before, back) = (0, 0L);
            while (before < line.Quantity)
            {
                var units = random.Next(1, line.Quantity - before + 1);
                var refund = OrderNets.OfUnits(net, line.Quantity, before, units);
                Assert.True(refund >= 0);
                (before, back) = (before + units, back + refund);
            }

            Assert.Equal(net, back);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_is_refunded_in_whatever_order_never_exceeds_what_was_paid_and_all_units_return_all_of_it(int seed)
    {
        var random = new Random(seed);
        var lines = Lines(random).Where(l => l.Quantity <= 20).DefaultIfEmpty(new(Tea, "t", 3, 1_000, 3_000)).ToList();
        var total = lines.Sum(l => l.AmountFen);
        var discount = total == 0 ? 0 : random.NextInt64(0, total);
        story.Given([Placed with { Lines = lines, Discounts = discount == 0 ? [] : [new("d", "merchant", discount)], Amount = new(total - discount) }, .. lines.Select(l => new LineHeld(l.Sku)), new OrderOpened(Start), new PaidInFull(First, Start), new OrderShipped("SF", "1", 7, Start)]);

        var goodwill = random.Next(2) == 0;
        for (var request = 1; request <= 40; request++)
        {
            var line = random.Next(lines.Count);
            var units = random.Next(1, lines[line].Quantity + 1);
            story.When(goodwill && random.Next(4) == 0 ? Goodwill(request, random.NextInt64(1, 200)) : Units(request, (line + 1, units)));
            Assert.InRange(View.Refunds.Sum(r => r.AmountFen), 0, View.AmountFen);
            Assert.All(View.Lines, l => Assert.InRange(l.RefundedQuantity, 0, l.Quantity));
            Assert.All(View.Lines, l => Assert.True(goodwill || View.Refunds.Where(r => r.Lines!.Any(u => u.Line == l.Line)).Sum(r => r.AmountFen) == l.NetFen * l.RefundedQuantity / l.Quantity));
        }

        if (story.State.RefundableFen > 0) story.When(All(99)).ThenOne<RefundRequested>();
        Assert.Equal(View.AmountFen, View.Refunds.Sum(r => r.AmountFen));
        if (View.Refunds.Count > 0 && View.Refunds[^1].Reason == "all") Assert.All(View.Lines, l => Assert.Equal(l.Quantity, l.RefundedQuantity));
        story.ThenSurvivesSnapshot();
    }

    private static List<OrderLine> Lines(Random random) =>
        [.. Enumerable.Range(1, random.Next(1, 8)).Select(i => (Sku: Sku(i), Units: random.Next(3) == 0 ? 1 : random.Next(1, 40), Price: random.Next(6) switch { 0 => 0L, 1 => 10_000_000_000, _ => random.NextInt64(1, 20_000) }))
            .Select(l => new OrderLine(l.Sku, "t", l.Units, l.Price, l.Price * l.Units))];

    private static SkuId Sku(int i) => new(new Guid(i, 1, 0, new byte[8]));

    private static Guid Request(int i) => new(i, 9, 0, new byte[8]);

    private static RefundOrder All(int request) => new(Request(request), null, null, "all");

    private static RefundOrder Goodwill(int request, long amountFen) => new(Request(request), amountFen, null, "sorry");

    private static RefundOrder Units(int request, params (int Line, int Quantity)[] units) => new(Request(request), null, [.. units.Select(u => new RefundedUnits(u.Line, u.Quantity))], "broken");

    private RefundRequested Asked(int number, long amountFen, string reason, IReadOnlyList<RefundedUnits>? units, int request) =>
        new($"{story.Self.Key:N}-{number}", First, new(amountFen), reason, units, Request(request));

    [Fact]
    public void An_older_word_about_a_refund_that_comes_late_says_nothing()
    {
        story.Given(Paid).Given(new RefundRequested("o-1", First, new(100), "why"));
        story.When(new NoteRefund("o-1", RefundStatus.Processing, 1)).Then(new RefundNoted("o-1", RefundStatus.Processing, 1));
        story.When(new NoteRefund("o-1", RefundStatus.Failed, 2)).ThenOne<RefundNoted>().When(new NoteRefund("o-1", RefundStatus.Processing, 1)).ThenNothing();
        story.When(new NoteRefund("o-1", RefundStatus.Processing, 3)).ThenOne<RefundNoted>();
    }
}
