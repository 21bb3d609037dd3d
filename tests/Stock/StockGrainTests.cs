using Campaigns.Grains.Kernel;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Stock;

public sealed class StockGrainTests
{
    private static readonly Guid Campaign = Guid.Parse("01890000-0000-7000-8000-0000000000c1");
    private static readonly Guid First = Guid.Parse("01890000-0000-7000-8000-0000000000d1");
    private static readonly Guid Second = Guid.Parse("01890000-0000-7000-8000-0000000000d2");
    private static readonly Guid Request = Guid.Parse("01890000-0000-7000-8000-0000000000e1");
    private static readonly OpenStock Open = new("凤梨酥", "small", "daily", new(9_900), 10);
    private static readonly StockOpened Opened = new("凤梨酥", "small", "daily", new(9_900), 10);

    private static readonly DateTimeOffset Start = Story<StockState, StockEvent>.Start;

    private readonly Story<StockState, StockEvent> story = new(new StockGrain());

    private StockLevel Level => ((SkuView)story.Answer(new GetSku()).Value!).Stock;

    public static TheoryData<object> CommandsToAnUnknownSku =>
    [
        new ChangeStock(Request, 1, "more"), new ChangePrice(Request, new(1)), new ChangeCommission(Request, null), new ReserveStock(Campaign, 1), new CloseReservation(Campaign),
        new HoldStock(First, null, 1), new ConsumeStock(First), new ReleaseStock(First),
    ];

    public static TheoryData<Enum, object> Guards => new()
    {
        { GrainRefusal.Invalid, new ChangeStock(Request, 0, "none") },
        { GrainRefusal.Invalid, new ChangeStock(Request, long.MinValue, "all") },
        { GrainRefusal.Invalid, new ChangeStock(Request, -10_000_001, "more than any SKU has") },
        { GrainRefusal.Invalid, new ChangeStock(Request, 1, " ") },
        { GrainRefusal.Invalid, new ChangeStock(Request, 1, new('x', 501)) },
        { GrainRefusal.Invalid, new ChangeStock(Request, 9_999_991, "too many") },
        { StockRefusal.SoldOut, new ChangeStock(Request, -5, "one more than is free") },
        { GrainRefusal.Invalid, new ChangePrice(Request, new(-1)) },
        { GrainRefusal.Invalid, new ChangePrice(Request, new(10_000_000_001)) },
        { GrainRefusal.Invalid, new ChangeCommission(Request, new(-1, 0)) },
        { GrainRefusal.Invalid, new ChangeCommission(Request, new(101, 0)) },
        { GrainRefusal.Invalid, new ChangeCommission(Request, new(0, -1)) },
        { GrainRefusal.Invalid, new ChangeCommission(Request, new(0, 101)) },
        { GrainRefusal.Invalid, new ChangeCommission(Request, new(51, 50)) },
        { GrainRefusal.Invalid, new ReserveStock(Campaign, -1) },
        { GrainRefusal.Invalid, new ReserveStock(Campaign, 10_000_001) },
        { StockRefusal.SoldOut, new ReserveStock(Campaign, 11) },
        { StockRefusal.SoldOut, new ReserveStock(Second, 5) },
        { GrainRefusal.Invalid, new HoldStock(First, Campaign, 0) },
        { GrainRefusal.Invalid, new HoldStock(First, Campaign, 10_001) },
        { StockRefusal.SoldOut, new HoldStock(First, Campaign, 7) },
        { StockRefusal.SoldOut, new HoldStock(First, null, 5) },
        { StockRefusal.SoldOut, new HoldStock(First, Second, 1) },
    };

    public static TheoryData<long, object> Bounds => new()
    {
        { 0, new ChangeStock(Request, 10_000_000, "all") },
        { 10_000_000, new ChangeStock(Request, -10_000_000, "all") },
        { 10, new ChangeStock(Request, -10, new('x', 500)) },
        { 10, new ChangePrice(Request, Money.Zero) },
        { 10, new ChangePrice(Request, new(10_000_000_000)) },
        { 10, new ChangeCommission(Request, new(0, 0)) },
        { 10, new ChangeCommission(Request, new(50, 50)) },
        { 10, new ReserveStock(Campaign, 0) },
        { 10_000_000, new ReserveStock(Campaign, 10_000_000) },
        { 10, new HoldStock(First, null, 1) },
        { 10_000, new HoldStock(First, null, 10_000) },
    };

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Each_number_may_be_at_its_bound(long onHand, object command) => story.Given(Opened with { OnHand = onHand }).When(command).ThenOne<StockEvent>();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(10_000_000_000, 10_000_000)]
    public void A_SKU_opens_at_the_bounds(long priceFen, long onHand) =>
        story.When(Open with { ListPrice = new(priceFen), OnHand = onHand }).Then(Opened with { At = Start, ListPrice = new(priceFen), OnHand = onHand });

    [Fact]
    public void A_SKU_is_opened_once()
    {
        story.When(Open).Then(Opened with { At = Start }).ThenAgainNothing().When(Open with { OnHand = 99 }).ThenNothing().ThenSurvivesSnapshot();

        Assert.Equal(new SkuView(SkuId.Of(story.Self.Key), "凤梨酥", "small", "daily", 9_900, new(10, 0, 10)), story.Answer().Value);
    }

    [Fact]
    public void A_price_is_not_negative() => story.When(Open with { ListPrice = new(-1) }).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    public void A_stock_is_not_negative() => story.When(Open with { OnHand = -1 }).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    public void A_stock_has_at_most_ten_million_units() => story.When(Open with { OnHand = 10_000_001 }).ThenRefused(GrainRefusal.Invalid);

    [Theory]
    [MemberData(nameof(CommandsToAnUnknownSku))]
    public void A_SKU_that_was_not_opened_is_not_found(object command)
    {
        story.When(command).ThenRefused(GrainRefusal.NotFound);

        Assert.Equal("NotFound", story.Answer().Refusal!.Code);
        Assert.Equal("NotFound", story.Answer(new GetSku()).Refusal!.Code);
    }

    [Theory]
    [MemberData(nameof(Guards))]
    public void With_six_of_ten_units_reserved_the_stock_refuses(Enum code, object command) =>
        story.Given(Opened, new StockReserved(Campaign, 6)).When(command).ThenRefused(code);

    [Fact]
    public void Check_says_what_a_hold_would_be_told_and_writes_nothing()
    {
        story.Given(Opened, new StockReserved(Campaign, 6), new StockHeld(First, null, 3));
        Assert.IsType<SkuView>(Check(First, 3).Value);
        Assert.IsType<SkuView>(Check(Second, 1).Value);
        Assert.Equal("SoldOut", Check(Second, 2).Refusal!.Code);
        Assert.Equal(new(10, 9, 1), Level);

        Answer Check(Guid order, int quantity) => story.When(new CheckHold(order, quantity)).ThenNothing().Answer();
    }

    [Fact]
    public void Units_come_and_go_by_deltas()
    {
        story.Given(Opened, new StockReserved(Campaign, 6)).When(new ChangeStock(Request, -4, "broken")).Then(new StockChanged(-4, "broken"));
        Assert.Equal(new(6, 6, 0), Level);

        story.When(new ChangeStock(Request, 3, "found")).Then(new StockChanged(3, "found")).ThenSurvivesSnapshot();
        Assert.Equal(new(9, 6, 3), Level);
    }

    [Fact]
    public void A_SKU_has_commission_rates_of_its_own_until_they_are_taken_away()
    {
        story.When(new OpenStock("凤梨酥", "small", "daily", new(9_900), 10, new(101, 0))).ThenRefused(GrainRefusal.Invalid);
        story.When(new OpenStock("凤梨酥", "small", "daily", new(9_900), 10, new(20, 5))).Then(Opened with { At = Start, Commission = new(20, 5) }).ThenSurvivesSnapshot();
        Assert.Equal(new(20, 5), ((SkuView)story.Answer().Value!).Commission);

        story.When(new ChangeCommission(Request, new(0, 0))).Then(new CommissionChanged(new(0, 0))).ThenAgainNothing().ThenSurvivesSnapshot();
        story.When(new ChangeCommission(Request, null)).Then(new CommissionChanged(null)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Null(((SkuView)story.Answer().Value!).Commission);
    }

    [Fact]
    public void A_price_changes_once() => story.Given(Opened).When(new ChangePrice(Request, new(8_800))).Then(new PriceChanged(new(8_800))).ThenAgainNothing().ThenSurvivesSnapshot();

    [Fact]
    public void A_reservation_is_absolute_so_that_a_repeat_changes_nothing()
    {
        story.Given(Opened).When(new ReserveStock(Campaign, 6)).Then(new StockReserved(Campaign, 6)).ThenAgainNothing();
        Assert.Equal(new(10, 6, 4), Level);

        story.When(new ReserveStock(Campaign, 10)).Then(new StockReserved(Campaign, 10)).When(new ReserveStock(Campaign, 2)).Then(new StockReserved(Campaign, 2));
        Assert.Equal(new(10, 2, 8), Level);
    }

    [Fact]
    public void A_reservation_up_to_what_there_is_takes_what_is_available()
    {
        story.Given(Opened, new StockReserved(Second, 6)).When(new ReserveStock(Campaign, 9, UpTo: true)).Then(new StockReserved(Campaign, 4)).ThenAgainNothing();
        Assert.Equal(new ReservedStock(4), story.Answer().Value);

        story.When(new ReserveStock(Campaign, 3, UpTo: true)).Then(new StockReserved(Campaign, 3)).When(new ReserveStock(Campaign, 4, UpTo: true)).Then(new StockReserved(Campaign, 4));
        story.Given(new StockHeld(First, Campaign, 2)).When(new ReserveStock(Campaign, 1, UpTo: true)).Then(new StockReserved(Campaign, 2)).ThenSurvivesSnapshot();
    }

    [Fact]
    public void A_reservation_up_to_what_there_is_is_kept_even_if_that_is_nothing() =>
        story.Given(Opened, new StockReserved(Second, 10)).When(new ReserveStock(Campaign, 5, UpTo: true)).Then(new StockReserved(Campaign, 0)).ThenAgainNothing();

    [Fact]
    public void A_reservation_never_goes_below_what_was_taken()
    {
        story.Given(Opened, new StockReserved(Campaign, 6), new StockHeld(First, Campaign, 4));

        story.When(new ReserveStock(Campaign, 1)).Then(new StockReserved(Campaign, 4)).ThenAgainNothing();
        Assert.Equal(new(10, 4, 6), Level);
    }

    [Fact]
    public void What_was_sold_stays_taken_from_its_reservation()
    {
        story.Given(Opened, new StockReserved(Campaign, 6), new StockHeld(First, Campaign, 4), new StockConsumed(First, 4));
        Assert.Equal(new(6, 2, 4), Level);

        story.When(new HoldStock(Second, Campaign, 3)).ThenRefused(StockRefusal.SoldOut);
    }

    [Fact]
    public void A_closed_reservation_frees_what_it_did_not_take()
    {
        story.Given(Opened, new StockReserved(Campaign, 6), new StockHeld(First, Campaign, 4))
            .When(new CloseReservation(Campaign)).Then(new ReservationClosed(Campaign)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new(10, 4, 6), Level);
    }

    [Fact]
    public void A_reservation_that_arrives_after_its_end_locks_nothing_up() =>
        story.Given(Opened, new StockReserved(Campaign, 6), new ReservationClosed(Campaign))
            .ThenSurvivesSnapshot()
            .When(new ReserveStock(Campaign, 6)).ThenRefused(GrainRefusal.WrongState)
            .When(new HoldStock(First, Campaign, 1)).ThenRefused(StockRefusal.SoldOut);

    [Fact]
    public void Only_the_newest_closed_purposes_are_remembered()
    {
        story.Given(Opened);
        foreach (var i in Enumerable.Range(0, StockRules.PurposesMax + 5))
        {
            var purpose = new Guid(i, 0, 0, new byte[8]);
            story.Given(new StockReserved(purpose, 0), new ReservationClosed(purpose));
        }

        Assert.Equal(Enumerable.Range(5, StockRules.PurposesMax).Select(i => new Guid(i, 0, 0, new byte[8])), story.State.Closed);
    }

    [Fact]
    public void A_hold_is_taken_once_per_order()
    {
        story.Given(Opened).When(new HoldStock(First, null, 3)).Then(new StockHeld(First, null, 3)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new HeldStock(9_900), story.Answer().Value);
        Assert.Equal(new(10, 3, 7), Level);
    }

    [Fact]
    public void A_hold_out_of_a_reservation_leaves_the_free_units_alone()
    {
        story.Given(Opened, new StockReserved(Campaign, 6)).When(new HoldStock(First, Campaign, 6)).Then(new StockHeld(First, Campaign, 6));
        Assert.Equal(new(10, 6, 4), Level);

        story.When(new HoldStock(Second, Campaign, 1)).ThenRefused(StockRefusal.SoldOut).When(new HoldStock(Second, null, 4)).ThenOne<StockHeld>();
        Assert.Equal(new(10, 10, 0), Level);
    }

    [Fact]
    public void A_paid_hold_leaves_the_stock_once()
    {
        story.Given(Opened, new StockHeld(First, null, 3)).When(new ConsumeStock(First)).Then(new StockConsumed(First, 3)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal(new(7, 0, 7), Level);
        story.When(new ReleaseStock(First)).ThenNothing();
    }

    [Fact]
    public void A_released_hold_goes_back_to_its_reservation_once()
    {
        story.Given(Opened, new StockReserved(Campaign, 6), new StockHeld(First, Campaign, 6))
            .When(new ReleaseStock(First)).Then(new StockReleased(First, Campaign, 6)).ThenAgainNothing();

        Assert.Equal(new(10, 6, 4), Level);
        story.When(new HoldStock(Second, Campaign, 6)).ThenOne<StockHeld>();
    }

    [Fact]
    public void A_released_hold_of_a_closed_reservation_is_free()
    {
        story.Given(Opened, new StockReserved(Campaign, 6), new StockHeld(First, Campaign, 6), new ReservationClosed(Campaign))
            .When(new ReleaseStock(First)).Then(new StockReleased(First, null, 6));

        Assert.Equal(new(10, 0, 10), Level);
    }

    [Fact]
    public void More_purposes_than_a_SKU_remembers_are_asked_to_come_back()
    {
        story.Given(Opened).Given([.. Enumerable.Range(0, StockRules.PurposesMax).Select(i => new StockReserved(new(i, 0, 0, new byte[8]), 0))]);

        story.When(new ReserveStock(Campaign, 1)).ThenRefused(GrainRefusal.Busy);
        story.When(new ReserveStock(new(7, 0, 0, new byte[8]), 1)).ThenOne<StockReserved>();
    }

    [Fact]
    public void More_holds_than_a_SKU_remembers_are_asked_to_come_back()
    {
        story.Given(Opened with { OnHand = StockRules.OnHandMax });
        for (var i = 0; i < StockRules.HoldsMax; i++) story.State.Holds.Add(new(i, 0, 0, new byte[8]), new(null, 1));

        story.When(new HoldStock(First, null, 1)).ThenRefused(GrainRefusal.Busy);
    }

    [Fact]
    public void A_SKU_is_stored_under_the_kind_it_is_addressed_by() => Assert.Equal(story.Self, SkuId.Of(story.Self.Key).In(story.Self.Shop));

    // ---- copies that come late

    [Fact]
    public void A_copy_of_a_hold_that_is_over_takes_nothing_and_the_order_may_ask_again()
    {
        var hold = new HoldStock(First, null, 3, Start);
        foreach (var end in (object[])[new ReleaseStock(First, Start), new ConsumeStock(First, Start)])
        {
            var one = new Story<StockState, StockEvent>(new StockGrain()).Given(Opened).When(hold).Then(new StockHeld(First, null, 3, Start)).ThenAgainNothing().When(end).ThenOne<StockEvent>().ThenSurvivesSnapshot();
            Assert.Equal("SoldOut", one.When(hold).ThenNothing().Answer().Refusal!.Code);
            one.When(hold with { AskedAt = Start.AddTicks(1) }).ThenOne<StockHeld>();
        }
    }

    [Fact]
    public void A_copy_of_a_release_or_of_a_consumption_leaves_a_newer_hold()
    {
        story.Given(Opened, new StockHeld(First, null, 3, Start.AddTicks(1)));
        story.When(new ReleaseStock(First, Start)).ThenNothing().When(new ConsumeStock(First, Start)).ThenNothing();
        story.When(new ReleaseStock(First, Start.AddTicks(1))).ThenOne<StockReleased>();
    }

    [Fact]
    public void A_hold_that_was_refused_stays_so_when_there_are_units_again()
    {
        var hold = new HoldStock(First, null, 11, Start);
        story.Given(Opened).When(hold).Then(new HoldRefused(First, Start, Refusal.Of(StockRefusal.SoldOut))).ThenSurvivesSnapshot();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);

        story.When(new ChangeStock(Request, 5, "more")).When(hold).ThenNothing();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);
        story.When(hold with { AskedAt = Start.AddTicks(1) }).ThenOne<StockHeld>();
    }

    [Fact]
    public void A_hold_that_was_asked_for_before_the_SKU_was_there_takes_nothing()
    {
        story.When(Open).When(new HoldStock(First, null, 1, Start.AddTicks(-1))).ThenNothing();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);
    }

    [Fact]
    public void A_copy_of_an_older_wish_changes_no_reservation()
    {
        story.Given(Opened).When(new ReserveStock(Campaign, 6, AskedAt: Start)).Then(new StockReserved(Campaign, 6, Start)).ThenAgainNothing();
        story.When(new ReserveStock(Campaign, 4, AskedAt: Start.AddTicks(1))).ThenOne<StockReserved>().When(new ReserveStock(Campaign, 6, AskedAt: Start)).ThenNothing();
        Assert.Equal(new(10, 4, 6), Level);
    }

    [Fact]
    public void A_wish_that_was_refused_stays_so_when_there_are_units_again()
    {
        var wish = new ReserveStock(Campaign, 11, AskedAt: Start);
        story.Given(Opened).When(wish).Then(new ReservationRefused(Campaign, Start, Refusal.Of(StockRefusal.SoldOut))).ThenSurvivesSnapshot();
        story.When(new ChangeStock(Request, 5, "more")).When(wish).ThenNothing();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);

        story.When(wish with { AskedAt = Start.AddTicks(1) }).ThenOne<StockReserved>();
        Assert.Equal(new ReservedStock(11), story.Answer().Value);
    }

    [Fact]
    public void A_wish_that_came_after_everything_newer_was_forgotten_reserves_nothing()
    {
        story.When(Open).When(new ReserveStock(Campaign, 6, AskedAt: Start.AddTicks(-1))).ThenNothing();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);
    }
}
