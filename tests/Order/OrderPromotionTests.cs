using Campaigns.Grains.Binding;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Order;

/// <summary>Whose promotion a sale is, and what the commission hears of it.</summary>
public sealed class OrderPromotionTests
{
    private static readonly DateTimeOffset Start = Story<OrderState, OrderEvent>.Start;
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly ShopperId Bing = new(Guid.Parse("01890000-0000-7000-8000-0000000000a2"));
    private static readonly SkuId Tea = Sku(1);
    private static readonly SkuId Cake = Sku(2);
    private static readonly GrainId Room = new("group-room", new("demo"), Guid.Parse("01890000-0000-7000-8000-0000000000c1"));
    private static readonly PaymentId First = new(Guid.Parse("01890000-0000-7000-8000-0000000000e1"));
    private static readonly PaymentId Second = new(Guid.Parse("01890000-0000-7000-8000-0000000000e2"));

    // 3 × 1,000 and 1 × 4,000 less 1,000: the nets are 2,571 and 3,429.
    private static readonly OrderPlaced Placed = new(Amei, "plain", null, null, [new(Tea, "茶", 3, 1_000, 3_000), new(Cake, "糕", 1, 4_000, 4_000)], [new("券", "merchant", 1_000)], new(6_000), 15, At: Start.AddMinutes(-3));
    private static readonly OrderEvent[] Open = [Placed, new LineHeld(Tea), new LineHeld(Cake), new OrderOpened(Start.AddMinutes(15)), new PaymentStarted(First)];
    private static readonly OrderEvent[] Paid = [.. Open, new PaidInFull(First, Start, AsksPromoter: true)];
    private static readonly OrderEvent[] Attributed = [.. Paid, new OrderAttributed(Bing, "moments", true)];
    private static readonly OrderEvent[] Told = [.. Attributed, new DebtSettled("tell-sale", Bing.Value)];

    private readonly OrderGrain grain = new();
    private readonly Story<OrderState, OrderEvent> story = new(new OrderGrain());

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 300)];

    [Fact]
    [Trait("EdgeCase", "44")]
    public void A_paid_order_asks_who_promoted_its_buyer_when_it_was_placed()
    {
        story.Given(Open).When(new TakePayment(First, new(6_000))).Then(new PaidInFull(First, Start, AsksPromoter: true)).ThenSurvivesSnapshot();

        // The binding may have changed between the order and its payment: it is asked about the moment of the order.
        Assert.Equal(new Owed(Amei.BindingIn(story.Self.Shop), new AskAttribution(Start.AddMinutes(-3))), story.Message("ask-promoter"));
    }

    [Fact]
    public void An_order_of_before_the_moment_was_noted_asks_about_its_payment()
    {
        story.Given([Placed with { At = null }, .. Paid[1..]]);

        Assert.Equal(new AskAttribution(Start), story.Message("ask-promoter").Command);
        story.WhenSettled("ask-promoter", new Attribution(Bing));
        Assert.Equal(Start, Sale().PlacedAt);
    }

    [Fact]
    public void An_order_that_was_paid_before_promoters_were_asked_for_never_asks()
    {
        story.Given([.. Open, new PaidInFull(First, Start)]).ThenSurvivesSnapshot();

        Assert.DoesNotContain(story.Debts, d => d.What == "ask-promoter");
    }

    [Fact]
    public void The_answer_is_recorded_and_the_commission_is_told()
    {
        story.Given(Paid).WhenSettled("ask-promoter", new Attribution(Bing, "moments", true)).Then(new OrderAttributed(Bing, "moments", true)).ThenSurvivesSnapshot();

        Assert.DoesNotContain(story.Debts, d => d.What == "ask-promoter");
        Assert.Equal(OrderId.Of(story.Self.Key).CommissionIn(story.Self.Shop), story.Message("tell-sale").To);
        var sale = Sale();
        Assert.Equal((Amei, Bing, "moments", true, "plain", Start.AddMinutes(-3), null, null), (sale.Buyer, sale.Promoter, sale.Channel, sale.IsSuspect, sale.Kind, sale.PlacedAt, sale.ReceivedAt, sale.AfterSaleDays));
        Assert.Equal([new SaleLine(Tea, 2_571, 0), new SaleLine(Cake, 3_429, 0)], sale.Lines);
        story.WhenSettled("tell-sale", Done.Instance).Then(new DebtSettled("tell-sale", Bing.Value)).ThenSurvivesSnapshot();
    }

    [Fact]
    public void What_the_commission_could_not_take_is_told_again() => story.Given(Attributed).WhenRefused("tell-sale", GrainRefusal.WrongState).ThenNothing();

    [Fact]
    public void A_buyer_whom_nobody_promoted_settles_it()
    {
        story.Given(Paid).WhenSettled("ask-promoter", new Attribution(null)).Then(new DebtSettled("ask-promoter", Amei.Value));
        new Story<OrderState, OrderEvent>(grain).Given(Paid).WhenRefused("ask-promoter", GrainRefusal.NotFound).Then(new DebtSettled("ask-promoter", Amei.Value));

        story.When(Refund(1, 100));
        Assert.DoesNotContain(story.Debts, d => d.What == "tell-sale");
    }

    [Fact]
    public void Nobody_is_the_promoter_of_their_own_order() =>
        story.Given(Paid).WhenSettled("ask-promoter", new Attribution(Amei)).Then(new DebtSettled("ask-promoter", Amei.Value));

    [Fact]
    public void A_busy_binding_is_asked_again() => story.Given(Paid).WhenRefused("ask-promoter", GrainRefusal.Busy).ThenNothing();

    [Fact]
    public void An_order_of_a_campaign_without_commission_asks_nobody()
    {
        story.When(new PlaceOrder(Amei, "plain", null, null, Placed.Lines, Placed.Discounts, 15, EarnsCommission: false)).ThenOne<OrderPlaced>(e => Assert.False(e.EarnsCommission)).ThenSurvivesSnapshot();

        story.Given(Open[1..]).When(new TakePayment(First, new(6_000))).Then(new PaidInFull(First, Start));
        var group = new Story<OrderState, OrderEvent>(grain).Given([Placed with { Source = Room, AwaitsGroup = true, EarnsCommission = false }, .. Open[1..], new PaidInFull(First, Start)]);
        group.When(new ConfirmGroup(Money.Zero)).Then(new GroupConfirmed(Start));
    }

    [Fact]
    public void An_order_over_nothing_asks_nobody() =>
        story.Given(Placed with { Amount = Money.Zero, Discounts = [new("gift", "merchant", 7_000)] }, new LineHeld(Tea)).WhenSettled("hold", new HeldStock(4_000))
            .Then(new LineHeld(Cake), new OrderOpened(Start.AddMinutes(15)), new PaidInFull(null, Start));

    [Fact]
    public void A_group_s_order_counts_when_its_group_is_complete()
    {
        story.Given([Placed with { Source = Room, AwaitsGroup = true }, .. Open[1..]]).When(new TakePayment(First, new(6_000))).Then(new PaidInFull(First, Start));
        Assert.DoesNotContain(story.Debts, d => d.What == "ask-promoter");

        story.When(new ConfirmGroup(new(600))).ThenOne<GroupConfirmed>(e => Assert.True(e.AsksPromoter)).ThenOne<RefundRequested>();
        story.WhenSettled("ask-promoter", new Attribution(Bing));

        // The lower final price is no refund of what was bought: it cost less.
        Assert.Equal([(2_314, 0L), (3_086, 0L)], Sale().Lines.Select(l => (l.NetFen, l.RefundedFen)));
    }

    [Fact]
    public void A_group_that_gives_everything_back_earns_nothing() =>
        story.Given([Placed with { Source = Room, AwaitsGroup = true }, .. Open[1..], new PaidInFull(First, Start)]).When(new ConfirmGroup(new(6_000))).ThenOne<GroupConfirmed>(e => Assert.False(e.AsksPromoter));

    [Fact]
    public void A_refund_before_the_promoter_is_known_is_in_the_first_word()
    {
        story.Given(Paid).When(Refund(1, null, (1, 1)));
        Assert.DoesNotContain(story.Debts, d => d.What == "tell-sale");

        story.WhenSettled("ask-promoter", new Attribution(Bing));
        Assert.Equal([new SaleLine(Tea, 2_571, 857), new SaleLine(Cake, 3_429, 0)], Sale().Lines);
    }

    [Fact]
    public void Each_refund_and_the_receipt_are_told_even_while_another_word_is_under_way()
    {
        story.Given(Attributed).When(Refund(1, 100)).When(Refund(2, 100));
        story.Given(new OrderShipped("SF", "SF1", 7, Start)).When(new ReceiveOrder(Amei)).ThenSurvivesSnapshot();

        Assert.Equal(4, story.Debts.Count(d => d.What == "tell-sale"));
        Assert.All(story.Debts.Where(d => d.What == "tell-sale"), d => Assert.Equal((200, Start, 7), Whole((NoteSale)grain.Message(story.State, d, story.Self).Command)));

        static (long, DateTimeOffset?, int?) Whole(NoteSale sale) => (sale.Lines.Sum(l => l.RefundedFen), sale.ReceivedAt, sale.AfterSaleDays);
    }

    [Fact]
    public void Money_that_the_order_could_not_keep_is_no_refund_of_the_sale()
    {
        story.Given(Told).When(new TakePayment(Second, new(6_000))).ThenOne<RefundRequested>();

        Assert.DoesNotContain(story.Debts, d => d.What == "tell-sale");
        story.When(Refund(1, 100));
        Assert.Equal(100, Sale().Lines.Sum(l => l.RefundedFen));
    }

    [Fact]
    public void The_merchant_sees_the_promoter_and_the_buyer_does_not()
    {
        story.Given(Attributed);

        Assert.Equal(Bing, ((OrderView)story.Answer(new GetOrder(null)).Value!).Promoter);
        Assert.Null(((OrderView)story.Answer(new GetOrder(Amei)).Value!).Promoter);
    }

    [Fact]
    public void A_refund_of_units_is_their_line_s_and_an_amount_is_everybody_s()
    {
        Assert.Equal([857, 0], OrderNets.Refunded([2_571, 3_429], [3, 1], [(857, [new(1, 1)])]));
        Assert.Equal([257, 343], OrderNets.Refunded([2_571, 3_429], [3, 1], [(600, null)]));
        Assert.Equal([500, 0], OrderNets.Refunded([2_571, 3_429], [3, 1], [(500, [new(1, 3)])]));

        // 500 over both are 214.25 and 285.75: the larger remainder is the cake's.
        Assert.Equal([214, 286], OrderNets.Refunded([2_571, 3_429], [3, 1], [(500, [new(1, 3), new(2, 1)])]));

        // Goodwill of 5,000 has left 429 and 571: what the tea cannot give back itself comes from the cake.
        Assert.Equal([2_571, 3_429], OrderNets.Refunded([2_571, 3_429], [3, 1], [(5_000, null), (1_000, [new(1, 3)])]));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_the_lines_gave_back_is_what_was_refunded_and_no_line_gives_more_than_it_cost(int seed)
    {
        var random = new Random(seed);
        var lines = Enumerable.Range(1, random.Next(1, 6)).Select(i => (Units: random.Next(1, 5), Price: (long)random.Next(0, 500))).Select((l, i) => new OrderLine(Sku(i + 1), "t", l.Units, l.Price, l.Price * l.Units)).ToList();
        var total = lines.Sum(l => l.AmountFen);
        var discount = random.NextInt64(0, total + 1);
        if (total - discount == 0) return;
        var placed = Placed with { Lines = lines, Discounts = discount == 0 ? [] : [new("d", "merchant", discount)], Amount = new(total - discount), Source = Room, AwaitsGroup = true };
        story.Given([placed, .. lines.Select(l => new LineHeld(l.Sku)), new OrderOpened(Start.AddMinutes(15)), new PaymentStarted(First), new PaidInFull(First, Start)]);
        story.When(new ConfirmGroup(new(random.NextInt64(0, total - discount))));

        var before = story.State.Sale();
        for (var i = 0; i < 30; i++)
        {
            var line = random.Next(1, lines.Count + 1);
            RefundedUnits[]? units = random.Next(2) == 0 ? [new(line, random.Next(1, lines[line - 1].Quantity + 1))] : null;
            long? amount = random.Next(2) == 0 ? random.NextInt64(1, ((total - discount) / 4) + 2) : null;
            if (amount is null && units is null && random.Next(10) > 0) continue;
            story.When(new RefundOrder(new Guid(i, 0, 0, new byte[8]), amount, units, "why"));

            var now = story.State.Sale();
            Assert.Equal(story.State.RefundsOf(First).Where(r => !r.LowersPrice).Sum(r => r.Amount.Fen), now.Sum(l => l.RefundedFen));
            Assert.All(now.Zip(before), l => Assert.InRange(l.First.RefundedFen, l.Second.RefundedFen, l.First.NetFen));
            Assert.Equal(before.Select(l => l.NetFen), now.Select(l => l.NetFen));
            before = now;
        }
    }

    private NoteSale Sale() => (NoteSale)grain.Message(story.State, story.Debts.Last(d => d.What == "tell-sale"), story.Self).Command;

    private static RefundOrder Refund(int request, long? amount, params (int Line, int Quantity)[] units) =>
        new(new Guid(request, 0, 0, new byte[8]), amount, units.Length == 0 ? null : [.. units.Select(u => new RefundedUnits(u.Line, u.Quantity))], "why");

    private static SkuId Sku(int number) => new(new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 5));
}
