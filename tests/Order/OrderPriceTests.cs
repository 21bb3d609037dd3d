using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Order;

/// <summary>What an order costs at the moment its stock is held: what was agreed, or the list prices if those are lower.</summary>
public sealed class OrderPriceTests
{
    private static readonly DateTimeOffset Start = Story<OrderState, OrderEvent>.Start;
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly SkuId Tea = Sku(1);
    private static readonly SkuId Cake = Sku(2);
    private static readonly DiscountLine Bargain = new("砍价", "merchant", 1_500);
    private static readonly DiscountLine Coupon = new("券", "platform", 500);
    private static readonly OrderPlaced Placed = new(Amei, "plain", null, null, [new(Tea, "茶", 2, 3_000, 6_000), new(Cake, "糕", 1, 4_000, 4_000)], [Bargain, Coupon], new(8_000), 15);

    private readonly Story<OrderState, OrderEvent> story = new(new OrderGrain());

    private OrderView View => (OrderView)story.Answer(new GetOrder(null)).Value!;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 200)];

    [Fact]
    public void A_list_price_that_rose_changes_nothing() =>
        story.Given(Placed, new LineHeld(Tea)).WhenSettled("hold", new HeldStock(4_001)).Then(new LineHeld(Cake), new OrderOpened(Start.AddMinutes(15)));

    [Fact]
    public void A_list_price_that_fell_takes_from_the_discounts_the_last_one_first()
    {
        story.Given(Placed, new LineHeld(Tea)).WhenSettled("hold", new HeldStock(3_700)).Then(new LineHeld(Cake, 3_700), new OrderOpened(Start.AddMinutes(15), [Bargain, Coupon with { AmountFen = 200 }])).ThenSurvivesSnapshot();

        Assert.Equal((8_000, 3_700), (View.AmountFen, View.Lines[1].UnitPriceFen));
        Assert.Equal(View.AmountFen, View.Lines.Sum(l => l.AmountFen) - View.DiscountLines.Sum(d => d.AmountFen));
    }

    [Fact]
    public void A_discount_that_is_used_up_is_gone_and_the_next_one_shrinks()
    {
        story.Given(Placed, new LineHeld(Tea, 2_600)).WhenSettled("hold", new HeldStock(4_000)).Then(new LineHeld(Cake), new OrderOpened(Start.AddMinutes(15), [Bargain with { AmountFen = 1_200 }]));

        Assert.Equal(8_000, View.AmountFen);
    }

    [Fact]
    public void Nobody_pays_more_than_the_list_prices_of_now()
    {
        story.Given(Placed, new LineHeld(Tea, 1_000)).WhenSettled("hold", new HeldStock(100)).Then(new LineHeld(Cake, 100), new OrderOpened(Start.AddMinutes(15), [])).ThenSurvivesSnapshot();

        Assert.Equal(2_100, View.AmountFen);
        Assert.Empty(View.DiscountLines);
    }

    [Fact]
    public void What_became_free_is_paid_at_once() =>
        story.Given(Placed, new LineHeld(Tea, 0)).WhenSettled("hold", new HeldStock(0)).Then(new LineHeld(Cake, 0), new OrderOpened(Start.AddMinutes(15), []), new PaidInFull(null, Start));

    [Theory]
    [InlineData(0, 900)]
    [InlineData(1, 1)]
    [InlineData(3_600, 3_600)]
    public void Seconds_of_holding_go_before_the_payment_window(int holdSeconds, int expected)
    {
        story.Given(Placed with { HoldSeconds = holdSeconds }, new LineHeld(Tea)).WhenSettled("hold", new HeldStock(4_000));

        Assert.Equal(Start.AddSeconds(expected), story.Deadline);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3_601)]
    public void Seconds_of_holding_have_bounds(int holdSeconds) =>
        story.When(new PlaceOrder(Amei, "plain", null, null, Placed.Lines, [], 15, holdSeconds)).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("holdSeconds", Assert.Single(r.Findings!).Field));

    [Theory]
    [MemberData(nameof(Seeds))]
    [Trait("EdgeCase", "36")]
    public void The_amount_never_rises_never_falls_below_zero_and_always_adds_up(int seed)
    {
        var random = new Random(seed);
        var lines = Enumerable.Range(1, random.Next(1, 6)).Select(i => (Id: Sku(i), Units: random.Next(1, 5), Price: random.Next(0, 5_000)))
            .Select(l => new OrderLine(l.Id, "t", l.Units, l.Price, l.Price * l.Units)).ToList();
        var (left, discounts) = (lines.Sum(l => l.AmountFen), new List<DiscountLine>());
        for (var i = random.Next(0, 4); i > 0 && left > 0; i--)
        {
            discounts.Add(new($"d{i}", "merchant", random.NextInt64(1, left + 1)));
            left -= discounts[^1].AmountFen;
        }

        story.When(new PlaceOrder(Amei, "plain", null, null, lines, discounts, 15));
        var now = lines.ToDictionary(l => l.Sku, _ => (long)random.Next(0, 5_000));
        foreach (var debt in story.Debts.Where(d => d.What == "hold").ToList())
            story.Given([.. new OrderGrain().Settle(story.State, debt, new(new HeldStock(now[new(debt.About)]), null), new(story.Self, Start)).Events]);

        var lowest = lines.Sum(l => Math.Min(l.UnitPriceFen, now[l.Sku]) * l.Quantity);
        Assert.Equal(Math.Min(left, lowest), View.AmountFen);
        Assert.Equal(View.AmountFen, View.Lines.Sum(l => l.AmountFen) - View.DiscountLines.Sum(d => d.AmountFen));
        Assert.All(View.DiscountLines, d => Assert.True(d.AmountFen > 0));
        Assert.All(View.Lines, l => Assert.True(l.UnitPriceFen <= now[l.Sku] || l.UnitPriceFen == lines.Single(o => o.Sku == l.Sku).UnitPriceFen));
    }

    private static SkuId Sku(int i) => new(new Guid(i, 1, 0, new byte[8]));
}
