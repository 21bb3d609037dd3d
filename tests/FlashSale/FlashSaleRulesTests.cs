using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;
using static Campaigns.Tests.FlashSale.FlashSaleCast;

namespace Campaigns.Tests.FlashSale;

public class FlashSaleRulesTests
{
    private static readonly ShopId Shop = new("demo");

    // ---- prepare

    [Fact]
    public void Preparation_asks_the_stock_for_all_units_and_is_answered_when_they_are_there()
    {
        var story = Story().At(Published).When(Prepare()).ThenOne<SalePrepared>(e => Assert.Equal((Opens, Closes, 10, 5_900L), (e.OpensAt, e.ClosesAt, e.Quota, e.Terms.SalePriceFen)));

        Assert.True(story.Answer().IsLater);
        Assert.Equal(new ReserveStock(PurposeOf(1), 10, AskedAt: Opens.AddHours(-3)), story.MessageOf<ReserveStock>("reserve-units", Sku.In(Shop)));
        story.ThenAgainNothing().ThenSurvivesSnapshot().WhenSettled("reserve-units", new ReservedStock(10)).Then(new UnitsReserved(1, 10, Published));
        Assert.Equal(new ReservedStock(10), story.Answer(Prepare()).Value);
        story.When(Prepare()).ThenNothing();
        Assert.Equal((10, 0, 0), story.Units());
    }

    [Fact]
    public void Preparation_that_the_stock_refuses_leaves_no_sale_and_may_be_asked_for_again()
    {
        var story = Story().At(Published).When(Prepare()).WhenRefused("reserve-units", StockRefusal.SoldOut).Then(new PreparationRefused(Refusal.Of(CampaignRefusal.SoldOut))).ThenSurvivesSnapshot();

        Assert.Equal("SoldOut", story.Answer(Prepare()).Refusal?.Code);
        story.When(Take(1)).ThenRefused(GrainRefusal.NotFound);
        story.When(Prepare()).ThenOne<SalePrepared>().WhenSettled("reserve-units", new ReservedStock(10)).ThenOne<UnitsReserved>();
    }

    [Fact]
    public void Preparation_after_the_last_occurrence_is_refused()
    {
        Story().At(Closes).When(Prepare()).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Story().At(Closes.AddTicks(-1)).When(Prepare()).ThenOne<SalePrepared>();
        Story().At(Opens.AddHours(2)).When(Prepare(Weekly, endsAt: Opens.AddHours(3))).ThenRefused(CampaignRefusal.CampaignNotRunning);
    }

    [Fact]
    public void Sale_is_not_there_before_it_has_its_units()
    {
        var story = Story().At(Opens).When(Prepare());

        Assert.Equal("NotFound", story.Answer(new GetFlashSale()).Refusal?.Code);
        story.When(Take(1)).ThenRefused(GrainRefusal.NotFound);
    }

    // ---- take: one row per guard, in source order

    [Fact]
    public void Take_of_an_unknown_sale_is_not_found() => Story().When(Take(1)).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    public void Take_holds_the_units_and_asks_for_the_order()
    {
        var story = Open().When(Take(1, quantity: 2)).Then(new UnitsTaken(OrderNo(1), Somebody(101), 2, Opens));

        Assert.Equal((8, 2, 0), story.Units());
        Assert.True(story.Answer().IsLater);
        var order = story.MessageOf<PlaceOrder>("place-order", OrderNo(1).In(Shop));
        Assert.Equal((Somebody(101), "flash-sale", (GrainId?)Self, (Guid?)PurposeOf(1), 600, true, false), (order.Buyer, order.Kind, order.Source, order.Purpose, order.HoldSeconds, order.AsksLate, order.AwaitsGroup));
        Assert.Equal([new OrderLine(Sku, "手冲咖啡壶", 2, 9_900, 19_800)], order.Lines);
        Assert.Equal([new DiscountLine("秒杀优惠", "merchant", 8_000)], order.Discounts);

        story.ThenAgainNothing().WhenSettled("place-order", Done.Instance).Then(new TakeSettled(OrderNo(1)));
        Assert.Same(Done.Instance, story.Answer(Take(1)).Value);
        story.When(Take(1)).ThenNothing().ThenSurvivesSnapshot();
    }

    [Fact]
    public void Repeat_comes_before_every_refusal_and_after_every_end()
    {
        var story = Held(2).When(new OrderPaid(OrderNo(1))).When(new OrderReleased(OrderNo(2))).Hold(3).When(new SetPaused(true)).When(new CancelParticipation()).At(Closes.AddDays(1));

        for (var order = 1; order <= 3; order++)
        {
            story.When(Take(order)).ThenNothing();
            Assert.Same(Done.Instance, story.Answer().Value);
        }
    }

    [Fact]
    public void Quantity_has_its_bounds()
    {
        var terms = Terms with { PerUserLimit = 10_000 };
        Open(terms).When(Take(1, quantity: 0)).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("quantity", r.Findings![0].Field));
        Open(terms).When(Take(1, quantity: 10_001)).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("quantity", r.Findings![0].Field));
        Open(terms).When(Take(1, quantity: 10_000)).ThenRefused(CampaignRefusal.SoldOut);
        Open(terms).When(Take(1, quantity: 1)).ThenOne<UnitsTaken>();
    }

    [Fact]
    public void Bounds_come_before_the_kill() => Open().When(new CancelParticipation()).When(Take(1, quantity: 0)).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    public void Take_of_a_killed_sale_is_refused_even_if_it_was_paused() =>
        Open().When(new SetPaused(true)).When(new CancelParticipation()).When(Take(1)).ThenRefused(CampaignRefusal.CampaignKilled);

    [Fact]
    public void Take_of_a_paused_sale_is_refused_even_outside_its_window()
    {
        Open().When(new SetPaused(true)).When(Take(1)).ThenRefused(CampaignRefusal.CampaignPaused);
        Ready().When(new SetPaused(true)).At(Opens.AddHours(-1)).When(Take(1)).ThenRefused(CampaignRefusal.CampaignPaused);
        Open().When(new SetPaused(true)).When(new SetPaused(false)).When(Take(1)).ThenOne<UnitsTaken>();
    }

    [Fact]
    [Trait("EdgeCase", "57")]
    public void Take_at_the_first_moment_counts_and_at_the_end_is_refused()
    {
        Ready().At(Opens.AddTicks(-1)).When(Take(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Ready().At(Opens).When(Take(1)).Then(new SaleOpened(1, Opens), new UnitsTaken(OrderNo(1), Somebody(101), 1, Opens));
        Open().At(Closes.AddTicks(-1)).When(Take(1)).ThenOne<UnitsTaken>();
        Open().At(Closes).When(Take(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Open().At(Closes).When(Wake.Instance).When(Take(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
    }

    [Fact]
    [Trait("EdgeCase", "30")]
    public void Limit_counts_units_that_are_held_and_bought()
    {
        Held(0).Hold(1, 1).Hold(2, 1).When(Take(3, 1)).ThenRefused(CampaignRefusal.PurchaseLimit, r => Assert.Equal(2, r.Limit));
        Held(0).When(Take(1, 1, 3)).ThenRefused(CampaignRefusal.PurchaseLimit);
        Held(0).Hold(1, 1).When(new OrderPaid(OrderNo(1))).When(Take(2, 1, 2)).ThenRefused(CampaignRefusal.PurchaseLimit);
        Held(0).When(Take(1, 1, 2)).ThenOne<UnitsTaken>().When(Take(2, 1, 2)).ThenRefused(CampaignRefusal.PurchaseLimit);
        Held(0).Hold(1, 1, 2).Hold(2, 2, 2);
    }

    [Fact]
    [Trait("EdgeCase", "30")]
    public void Released_order_gives_the_allowance_back()
    {
        var story = Held(0).Hold(1, 1, 2).When(new OrderReleased(OrderNo(1))).Then(new UnitsReleased(OrderNo(1), 2, SellsAgain: true, Opens)).ThenAgainNothing();

        Assert.Equal((10, 0, 0), story.Units());
        Assert.Equal((Somebody(1).Value, 0), (Assert.Single(story.State.UnitsOf).Key, story.State.UnitsOf.Values.Sum()));
        story.When(Take(2, 1, 2)).ThenOne<UnitsTaken>();
    }

    [Fact]
    public void Limit_comes_before_sold_out() => Held(0, Terms with { PerUserLimit = 10 }).Hold(1, 1, 10).When(Take(2, 1)).ThenRefused(CampaignRefusal.PurchaseLimit);

    [Fact]
    public void Take_of_more_than_is_left_is_refused_and_of_what_is_left_is_not()
    {
        Held(9).When(Take(20, quantity: 2)).ThenRefused(CampaignRefusal.SoldOut);
        Held(9).When(Take(20)).ThenOne<UnitsTaken>().When(Take(21)).ThenRefused(CampaignRefusal.SoldOut);
    }

    [Fact]
    public void Stock_that_has_nothing_after_all_gives_the_units_back_and_the_caller_its_refusal()
    {
        var story = Open().When(Take(1, quantity: 2)).WhenRefused("place-order", StockRefusal.SoldOut).ThenOne<TakeRefused>(e => Assert.Equal((2, "SoldOut"), (e.Quantity, e.Why.Code)));

        Assert.Equal("SoldOut", story.Answer(Take(1, quantity: 2)).Refusal?.Code);
        Assert.Equal((10, 0, 0), story.Units());
        story.ThenSurvivesSnapshot().When(Take(1, quantity: 2)).ThenOne<UnitsTaken>().WhenSettled("place-order", Done.Instance);
        Assert.Same(Done.Instance, story.Answer(Take(1, quantity: 2)).Value);
    }

    [Fact]
    public void Busy_order_is_asked_again()
    {
        var story = Open().When(Take(1)).WhenRefused("place-order", GrainRefusal.Busy).ThenNothing();

        Assert.Single(story.Debts);
        Assert.True(story.Answer(Take(1)).IsLater);
    }

    [Fact]
    public void Refusals_are_kept_for_those_who_wait_and_for_no_more()
    {
        var story = Open();
        for (var order = 1; order <= 600; order++) story.When(Take(order)).WhenRefused("place-order", StockRefusal.SoldOut);

        Assert.Equal(512, story.State.Returned.Count);
        Assert.Equal("Busy", story.Answer(Take(88)).Refusal?.Code);
        Assert.Equal("SoldOut", story.Answer(Take(89)).Refusal?.Code);
    }

    [Fact]
    public void Order_that_was_over_long_ago_leaks_no_hold()
    {
        var story = Held(1).When(new OrderReleased(OrderNo(1)));
        for (var order = 2; order <= 10_001; order++) story.Given(new UnitsTaken(OrderNo(order), Somebody(1), 1, Opens), new UnitsSold(OrderNo(order), 1, Opens));

        Assert.Equal(10_000, story.State.Ended.Count);
        story = Held(0).When(Take(1)).WhenRefused("place-order", GrainRefusal.WrongState);
        Assert.Equal((10, 0, 0), story.Units());
        Assert.Equal("WrongState", story.Answer(Take(1)).Refusal?.Code);
    }

    // ---- what the order tells

    [Fact]
    public void Payment_sells_the_units_and_keeps_them_in_the_limit()
    {
        var story = Held(1).When(new OrderPaid(OrderNo(1))).Then(new UnitsSold(OrderNo(1), 1, Opens)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal((9, 0, 1), story.Units());
        Assert.Empty(story.State.Holds);
        story.When(new OrderReleased(OrderNo(1))).ThenNothing();
    }

    [Fact]
    public void Order_of_nobody_changes_nothing_and_of_no_sale_is_not_found()
    {
        Open().When(new OrderPaid(OrderNo(1))).ThenNothing().When(new OrderReleased(OrderNo(1))).ThenNothing();
        Story().When(new OrderPaid(OrderNo(1))).ThenRefused(GrainRefusal.NotFound);
        Story().When(new OrderReleased(OrderNo(1))).ThenRefused(GrainRefusal.NotFound);
        Story().When(Late(1)).ThenRefused(GrainRefusal.NotFound);
        Story().When(new SetPaused(true)).ThenRefused(GrainRefusal.NotFound);
        Story().When(new CancelParticipation()).ThenRefused(GrainRefusal.NotFound);
    }

    [Fact]
    public void Order_that_ends_before_its_opening_was_heard_of_is_settled_with_it()
    {
        Assert.Empty(Open().When(Take(1)).When(new OrderPaid(OrderNo(1))).Debts);
        Assert.Empty(Open().When(Take(1)).When(new OrderReleased(OrderNo(1))).Debts);
        Assert.Equal(0, Open().When(Take(1)).When(new OrderPaid(OrderNo(1))).State.Placing);
    }

    // ---- late money

    [Fact]
    [Trait("EdgeCase", "33")]
    public void Late_money_takes_again_while_units_are_left()
    {
        var story = Held(1).When(new OrderReleased(OrderNo(1))).When(Late(1)).Then(new LateUnitsTaken(OrderNo(1), Somebody(101), 1, Opens)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new LatePaymentAnswer(null), story.Answer(Late(1)).Value);
        Assert.Equal((9, 1, 0), story.Units());
        Assert.Empty(story.Debts);
        story.When(new OrderPaid(OrderNo(1))).ThenOne<UnitsSold>();
        Assert.Equal((9, 0, 1), story.Units());
    }

    [Fact]
    [Trait("EdgeCase", "33")]
    public void Late_money_is_sent_back_when_the_unit_was_sold_again() =>
        Held(10).When(new OrderReleased(OrderNo(1))).Hold(11).When(Late(1)).ThenRefused(CampaignRefusal.SoldOut);

    [Fact]
    public void Late_money_meets_the_same_guards_as_a_take()
    {
        Story<FlashSaleState, FlashSaleEvent> Released() => Held(1).When(new OrderReleased(OrderNo(1)));

        Released().When(Late(1, number: 2)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Released().When(new CancelParticipation()).When(Late(1)).ThenRefused(CampaignRefusal.CampaignKilled);
        Released().When(new SetPaused(true)).When(Late(1)).ThenRefused(CampaignRefusal.CampaignPaused);
        Released().At(Closes).When(Late(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Released().At(Closes.AddTicks(-1)).When(Late(1)).ThenOne<LateUnitsTaken>();
        Released().Hold(2, 101, 2).When(Late(1)).ThenRefused(CampaignRefusal.PurchaseLimit);
    }

    [Fact]
    public void Late_money_for_an_order_that_is_being_opened_settles_the_opening() => Assert.Empty(Open().When(Take(1)).When(Late(1)).Then(new TakeSettled(OrderNo(1))).Debts);

    [Fact]
    public void Late_take_that_the_stock_does_not_confirm_is_released_again()
    {
        var story = Held(1).When(new OrderReleased(OrderNo(1))).When(Late(1)).When(new OrderReleased(OrderNo(1))).ThenNothing().When(new OrderReleased(OrderNo(1), WasLate: true)).ThenOne<UnitsReleased>();
        Assert.Equal((10, 0, 0), story.Units());
    }

    // ---- pause and kill

    [Fact]
    public void Pause_and_resumption_count_once()
    {
        Open().When(new SetPaused(true)).Then(new SalePaused(Opens)).ThenAgainNothing();
        Open().When(new SetPaused(false)).ThenNothing();
        Open().When(new SetPaused(true)).When(new SetPaused(false)).Then(new SaleResumed(Opens)).ThenAgainNothing();
    }

    [Fact]
    public void Kill_gives_the_rest_back_and_leaves_open_orders_payable()
    {
        var story = Held(2).When(new CancelParticipation()).Then(new SaleKilled(Opens), new SaleEnded(1, Opens), new RestReturned(1)).ThenAgainNothing();

        Assert.Equal(FlashSaleStatus.Killed, story.View().State);
        Assert.Equal(new CloseReservation(PurposeOf(1)), story.MessageOf<CloseReservation>("close-reservation", Sku.In(Shop)));
        story.WhenSettled("close-reservation", Done.Instance).Then(new OccurrenceClosed(1));
        story.When(new OrderPaid(OrderNo(1))).Then(new UnitsSold(OrderNo(1), 1, Opens));
        story.When(new OrderReleased(OrderNo(2))).Then(new UnitsReleased(OrderNo(2), 1, SellsAgain: false, Opens), new SaleOver());
        Assert.Equal(new CloseParticipation(Self.Key, Used: false), story.MessageOf<CloseParticipation>("close-participation", TheCampaign.In(Shop)));
        Assert.Equal((0, 0, 1), story.Units());
        story.WhenSettled("close-participation", Done.Instance).Then(new SaleClosed());
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void Kill_of_a_weekly_sale_ends_it_wherever_it_is()
    {
        Between().When(new CancelParticipation()).Then(new SaleKilled(Closes), new OccurrenceClosed(2), new SaleOver());
        Between().At(Opens.AddDays(7).AddHours(-1)).When(Wake.Instance).When(new CancelParticipation()).Then(new SaleKilled(Opens.AddDays(7).AddHours(-1)))
            .WhenSettled("reserve-units", new ReservedStock(4)).Then(new UnitsReserved(2, 4, Opens.AddDays(7).AddHours(-1)), new SaleEnded(2, Opens.AddDays(7).AddHours(-1)), new RestReturned(2));
        Open(Weekly).At(Closes).When(Wake.Instance).When(new CancelParticipation()).Then(new SaleKilled(Closes)).WhenSettled("close-reservation", Done.Instance).Then(new OccurrenceClosed(1), new SaleOver());
    }

    // ---- the end of a window

    [Fact]
    public void End_waits_for_orders_that_are_being_opened()
    {
        var story = Open().When(Take(1)).When(Take(2)).At(Closes).When(Wake.Instance).Then(new SaleEnded(1, Closes)).ThenAgainNothing();

        var first = OrderNo(1).Value;
        story.Given(new TakeSettled(OrderNo(1)));
        Assert.DoesNotContain(story.Debts, d => d.About == first);
        story.WhenRefused("place-order", StockRefusal.SoldOut).ThenOne<RestReturned>();
        Assert.Equal((0, 1, 0), story.Units());
    }

    [Fact]
    public void Payment_and_release_of_an_order_that_is_being_opened_let_the_end_go_on()
    {
        Open().When(Take(1)).At(Closes).When(Wake.Instance).When(new OrderPaid(OrderNo(1))).Then(new UnitsSold(OrderNo(1), 1, Closes), new RestReturned(1));
        Open().When(Take(1)).At(Closes).When(Wake.Instance).When(new OrderReleased(OrderNo(1))).Then(new UnitsReleased(OrderNo(1), 1, SellsAgain: false, Closes), new RestReturned(1));
        Open().When(Take(1)).At(Closes).When(Wake.Instance).WhenSettled("place-order", Done.Instance).Then(new TakeSettled(OrderNo(1)), new RestReturned(1));
    }

    [Fact]
    public void Sale_that_nobody_wanted_is_over_with_its_window()
    {
        var story = Open().At(Closes).When(Wake.Instance).Then(new SaleEnded(1, Closes), new RestReturned(1)).WhenSettled("close-reservation", Done.Instance).Then(new OccurrenceClosed(1), new SaleOver()).ThenSurvivesSnapshot();

        Assert.Null(story.Deadline);
        Assert.Equal((FlashSaleStatus.Ended, 0), (story.View().State, story.View().Left));
        story.When(new CancelParticipation()).Then(new SaleKilled(Closes));
    }

    [Fact]
    public void Deadlines_are_the_opening_and_then_the_end()
    {
        Assert.Equal(Opens, Ready().Deadline);
        Assert.Equal(Closes, Open().Deadline);
        Ready().At(Opens.AddTicks(-1)).When(Wake.Instance).ThenNothing();
        Ready().At(Opens).When(Wake.Instance).Then(new SaleOpened(1, Opens)).ThenAgainNothing();
        Ready().At(Closes).When(Wake.Instance).Then(new SaleEnded(1, Closes), new RestReturned(1));
        Assert.Null(Story().When(Prepare()).Deadline);
    }

    // ---- weekly

    [Fact]
    public void Next_week_begins_anew_with_what_the_stock_has()
    {
        var story = Held(0, Weekly).Hold(1, 1, 2).When(new OrderPaid(OrderNo(1))).Hold(2, 2).At(Closes).When(Wake.Instance)
            .WhenSettled("close-reservation", Done.Instance).Then(new OccurrenceClosed(1), new OccurrencePlanned(2, Opens.AddDays(7), Closes.AddDays(7), Closes)).ThenSurvivesSnapshot();

        Assert.Equal((FlashSaleStatus.Scheduled, 10, Opens.AddDays(7), Opens.AddDays(14)), (story.View().State, story.View().Left, story.View().StartsAt, story.View().NextStartsAt!.Value));
        Assert.Equal(Opens.AddDays(7).AddHours(-1), story.Deadline);
        story.At(story.Deadline!.Value.AddTicks(-1)).When(Wake.Instance).ThenNothing();
        story.At(story.Deadline!.Value).When(Wake.Instance).Then(new UnitsAsked(2, Opens.AddDays(7).AddHours(-1)));
        Assert.Equal(new ReserveStock(PurposeOf(2), 10, UpTo: true, Opens.AddDays(7).AddHours(-1)), story.MessageOf<ReserveStock>("reserve-units", Sku.In(Shop)));
        story.WhenSettled("reserve-units", new ReservedStock(4)).ThenOne<UnitsReserved>(e => Assert.Equal(4, e.Total));
        Assert.Equal((4, 10), (story.View().Left, story.State.Quota));

        // The limit begins anew, and an order of last week neither sells nor gives back here.
        story.At(Opens.AddDays(7)).When(Take(3, 1, 2)).ThenOne<UnitsTaken>();
        story.When(new OrderReleased(OrderNo(2))).Then(new UnitsReleased(OrderNo(2), 1, SellsAgain: false, Opens.AddDays(7)));
        Assert.Equal((2, 2, 0), story.Units());
        story.When(Late(2, 2)).ThenRefused(CampaignRefusal.CampaignNotRunning);
    }

    [Fact]
    public void Week_for_which_the_stock_has_nothing_is_sold_out_from_the_start()
    {
        var story = Between().At(Opens.AddDays(7)).When(Wake.Instance).WhenRefused("reserve-units", StockRefusal.SoldOut).ThenOne<UnitsReserved>(e => Assert.Equal(0, e.Total));
        story.When(Take(9)).ThenRefused(CampaignRefusal.SoldOut);
    }

    [Fact]
    [Trait("EdgeCase", "57")]
    public void Weeks_that_passed_while_nobody_ran_are_skipped()
    {
        Between().At(Closes.AddDays(7)).When(Wake.Instance).Then(new OccurrencePlanned(3, Opens.AddDays(14), Closes.AddDays(14), Closes.AddDays(7)));
        Between().At(Closes.AddDays(7).AddTicks(-1)).When(Wake.Instance).Then(new UnitsAsked(2, Closes.AddDays(7).AddTicks(-1)));
        Between().At(Closes.AddDays(28)).When(Wake.Instance).Then(new OccurrenceClosed(2), new SaleOver());
        Open(Weekly).At(Closes.AddDays(21).AddHours(-1)).When(Wake.Instance).Then(new SaleEnded(1, Closes.AddDays(21).AddHours(-1)), new RestReturned(1))
            .WhenSettled("close-reservation", Done.Instance).Then(new OccurrenceClosed(1), new OccurrencePlanned(2, Opens.AddDays(21), Closes.AddDays(21), Closes.AddDays(21).AddHours(-1)));
    }

    [Fact]
    public void Order_of_last_week_is_paid_in_this_one()
    {
        var story = Held(1, Weekly).At(Closes).When(Wake.Instance).WhenSettled("close-reservation", Done.Instance);
        Assert.Equal(1, story.State.PastHeld);
        story.When(new OrderPaid(OrderNo(1))).ThenOne<UnitsSold>().ThenAgainNothing();
        Assert.Equal((0, 0), (story.State.PastHeld, story.State.Sold));
    }

    // ---- quota

    [Fact]
    [Trait("EdgeCase", "31")]
    public void More_units_are_sold_when_the_stock_has_them()
    {
        var story = Held(10).When(Quota(12)).Then(new SaleQuotaAsked(Wish(1), 12, 12, 10, Opens)).ThenAgainNothing();

        Assert.True(story.Answer(Quota(12)).IsLater);
        story.When(Take(11)).ThenRefused(CampaignRefusal.SoldOut);
        Assert.Equal(new ReserveStock(PurposeOf(1), 12, AskedAt: Opens), story.MessageOf<ReserveStock>("reserve-units", Sku.In(Shop)));
        story.WhenSettled("reserve-units", new ReservedStock(12)).Then(new SaleQuotaChanged(Wish(1), 12, 12, Opens)).ThenSurvivesSnapshot();
        Assert.Equal(new ReservedStock(12), story.Answer(Quota(12)).Value);
        story.When(Take(11, quantity: 2)).ThenOne<UnitsTaken>().When(Quota(12)).ThenNothing();
    }

    [Fact]
    [Trait("EdgeCase", "31")]
    public void Fewer_units_hold_at_once_and_stop_at_those_held_and_sold()
    {
        var story = Held(9).When(new OrderPaid(OrderNo(1))).When(Quota(8)).Then(new SaleQuotaAsked(Wish(1), 9, 9, 9, Opens));

        story.When(Take(20)).ThenRefused(CampaignRefusal.SoldOut);
        story.WhenSettled("reserve-units", new ReservedStock(9)).Then(new SaleQuotaChanged(Wish(1), 9, 9, Opens));
        Assert.Equal(new ReservedStock(9), story.Answer(Quota(8)).Value);
        Assert.Equal((0, 8, 1), story.Units());

        // What is released later may sell again; the next wish counts from what holds.
        story.When(new OrderReleased(OrderNo(2))).When(Take(21)).ThenOne<UnitsTaken>();
        story.When(Quota(8, request: 2)).Then(new SaleQuotaChanged(Wish(2), 9, 9, Opens)).ThenAgainNothing();
    }

    [Fact]
    public void More_than_the_stock_has_changes_nothing()
    {
        var story = Open().When(Quota(12)).WhenRefused("reserve-units", StockRefusal.SoldOut).Then(new SaleQuotaRefused(Wish(1), Refusal.Of(CampaignRefusal.SoldOut)));

        Assert.Equal("SoldOut", story.Answer(Quota(12)).Refusal?.Code);
        Assert.Equal((10, 0, 0), story.Units());
        story.When(Quota(12)).ThenNothing().When(Quota(11, request: 2)).ThenOne<SaleQuotaAsked>();
        Assert.True(story.Answer(Quota(11, request: 2)).IsLater);
    }

    [Fact]
    public void Change_waits_for_the_one_before_and_for_the_units_of_the_week()
    {
        Open().When(Quota(12)).When(Quota(13, request: 2)).ThenRefused(GrainRefusal.Busy);
        Between().At(Opens.AddDays(7)).When(Wake.Instance).When(Quota(12)).ThenRefused(GrainRefusal.Busy);
    }

    [Fact]
    public void Change_of_a_sale_that_is_over_is_refused()
    {
        Open().When(new CancelParticipation()).When(Quota(12)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Open().At(Closes).When(Wake.Instance).WhenSettled("close-reservation", Done.Instance).When(Quota(12)).ThenRefused(CampaignRefusal.CampaignNotRunning);
    }

    [Fact]
    public void Change_between_two_weeks_is_what_the_next_one_asks_for()
    {
        var story = Between().When(Quota(12)).Then(new SaleQuotaChanged(Wish(1), 12, 0, Closes)).ThenAgainNothing().At(Opens.AddDays(7)).When(Wake.Instance);
        Assert.Equal(new ReserveStock(PurposeOf(2), 12, UpTo: true, Opens.AddDays(7)), story.MessageOf<ReserveStock>("reserve-units", Sku.In(Shop)));
    }

    [Fact]
    public void Change_in_a_week_that_got_less_adds_as_much_to_it()
    {
        var story = Between().At(Opens.AddDays(7)).When(Wake.Instance).WhenSettled("reserve-units", new ReservedStock(4)).When(Quota(13)).Then(new SaleQuotaAsked(Wish(1), 13, 7, 4, Opens.AddDays(7).AddTicks(1)));
        Assert.Equal(new ReserveStock(PurposeOf(2), 7, AskedAt: Opens.AddDays(7).AddTicks(1)), story.MessageOf<ReserveStock>("reserve-units", Sku.In(Shop)));
    }

    [Fact]
    public void Smaller_quota_in_a_week_that_got_less_takes_nothing_away_that_is_below_it()
    {
        var story = Between().At(Opens.AddDays(7)).When(Wake.Instance).WhenSettled("reserve-units", new ReservedStock(4));
        story.When(Quota(6)).Then(new SaleQuotaChanged(Wish(1), 6, 4, Opens.AddDays(7)));
        story.When(Quota(3, request: 2)).Then(new SaleQuotaAsked(Wish(2), 3, 3, 3, Opens.AddDays(7).AddTicks(1)));
    }

    [Fact]
    public void Whoever_is_refused_for_want_of_room_has_taken_nothing()
    {
        var story = Open();
        story.State.Placing = FlashSaleRules.PlacingMax;
        story.When(Take(1)).ThenRefused(GrainRefusal.Busy);
        Assert.Equal((10, 0, 0), story.Units());
    }

    [Fact]
    public void End_waits_for_the_answer_to_a_change()
    {
        Open().When(Quota(12)).At(Closes).When(Wake.Instance).Then(new SaleEnded(1, Closes)).WhenSettled("reserve-units", new ReservedStock(12)).Then(new SaleQuotaChanged(Wish(1), 12, 12, Closes), new RestReturned(1));
        Open().When(Quota(12)).At(Closes).When(Wake.Instance).WhenRefused("reserve-units", StockRefusal.SoldOut).ThenOne<RestReturned>();
        Open().When(Take(1)).When(Quota(12)).At(Closes).When(Wake.Instance).WhenSettled("place-order", Done.Instance).Then(new TakeSettled(OrderNo(1))).WhenSettled("reserve-units", new ReservedStock(12)).ThenOne<RestReturned>();
        Open().When(Take(1)).When(Quota(12)).At(Closes).When(Wake.Instance).WhenSettled("reserve-units", new ReservedStock(12)).ThenOne<SaleQuotaChanged>().WhenSettled("place-order", Done.Instance).ThenOne<RestReturned>();
    }

    // ---- what is shown

    [Fact]
    public void View_counts_down_to_the_opening_and_shows_what_is_left()
    {
        Assert.Equal(new FlashSaleView(TheCampaign, FlashSaleStatus.Scheduled, Sku, "手冲咖啡壶", 9_900, 5_900, 10, 10, 2, Opens, Closes, null, Published), Ready().View());
        var story = Held(3);
        Assert.Equal((FlashSaleStatus.Running, 7), (story.View().State, story.View().Left));
        Assert.Equal(FlashSaleStatus.Paused, story.When(new SetPaused(true)).View().State);
        story.At(Closes).When(Wake.Instance);
        Assert.Equal((FlashSaleStatus.Ended, 0), (story.View().State, story.View().Left));
    }

    [Fact]
    public void Viewers_hear_of_the_last_unit_and_of_the_first_that_is_back()
    {
        var grain = new FlashSaleGrain();
        var story = Held(10);
        Assert.Equal("soldOut", grain.Live(story.State, new UnitsTaken(OrderNo(10), Somebody(110), 1, Opens))?.Name);
        story.When(new OrderReleased(OrderNo(1)));
        Assert.Equal("available", grain.Live(story.State, new UnitsReleased(OrderNo(1), 1, true, Opens))?.Name);
        story.When(new OrderReleased(OrderNo(2)));
        Assert.Equal("left", grain.Live(story.State, new UnitsReleased(OrderNo(2), 1, true, Opens))?.Name);
        Assert.Null(grain.Live(story.State, new UnitsReleased(OrderNo(2), 1, false, Opens)));
        Assert.Null(grain.Live(story.State, new UnitsSold(OrderNo(3), 1, Opens)));
        Assert.Equal("ended", grain.Live(story.State, new SaleEnded(1, Opens))?.Name);
    }

    [Fact]
    public void Viewers_of_a_large_sale_hear_of_each_twentieth()
    {
        var grain = new FlashSaleGrain();
        var story = Story().Given(Story().At(Published).When(Prepare(total: 1_000)).State.Sale!, new UnitsReserved(1, 1_000, Published));
        var told = 0;
        for (var order = 1; order <= 1_000; order++)
        {
            var taken = new UnitsTaken(OrderNo(order), Somebody(order), 1, Opens);
            story.Given(taken);
            told += grain.Live(story.State, taken) is null ? 0 : 1;
        }

        Assert.Equal(21, told);
    }

    [Fact]
    public void Whoever_had_units_is_among_the_takers_and_more_than_ten_thousand_are_not_copied()
    {
        var story = Held(0).Hold(1, 1).Hold(2, 2).When(new OrderReleased(OrderNo(1)));
        Assert.Equal([Somebody(1).Value, Somebody(2).Value], Takers()!.Order());
        for (var i = 3; i <= SaleTakers.Max; i++) story.State.UnitsOf.Add(Somebody(i).Value, 1);
        Assert.Equal(SaleTakers.Max, Takers()!.Count);
        story.State.UnitsOf.Add(Somebody(SaleTakers.Max + 1).Value, 1);
        Assert.Null(Takers());

        ISet<Guid>? Takers() => ((SaleTakers)new FlashSaleGrain().Answer(story.State, new GetTakers(), default).Value!).Shoppers;
    }

    [Fact]
    public void A_million_buyers_cost_at_most_64_bytes_each()
    {
        // A slot of a dictionary from Guid to int: hash, next, key, value and a bucket.
        const int buyers = 1_000_000, slotBytes = 4 + 4 + 16 + 4 + 4;
        var units = new FlashSaleState().UnitsOf;
        for (var i = 0; i < buyers; i++) units.Add(Somebody(i).Value, 1);

        Assert.Equal(44, (long)units.Capacity * slotBytes / buyers);
    }

    private static Story<FlashSaleState, FlashSaleEvent> Between() => Open(Weekly).At(Closes).When(Wake.Instance).WhenSettled("close-reservation", Done.Instance);

    // ---- copies that come late

    [Fact]
    public void A_preparation_that_the_stock_refused_is_not_begun_again_by_a_copy()
    {
        var prepare = Prepare() with { AskedAt = Published };
        var story = Story().At(Published).When(prepare).WhenRefused("reserve-units", StockRefusal.SoldOut).ThenOne<PreparationRefused>().ThenSurvivesSnapshot();
        story.When(prepare).ThenNothing();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);
        story.When(prepare with { AskedAt = Published.AddTicks(1) }).ThenOne<SalePrepared>();
        Assert.True(Assert.IsType<ReserveStock>(story.Message("reserve-units").Command).AskedAt > Published);
    }

    [Fact]
    public void A_copy_of_an_older_wish_does_not_change_the_quota()
    {
        var story = Open().When(Quota(12) with { AskedAt = Opens }).WhenSettled("reserve-units", new ReservedStock(12)).When(Quota(8, request: 2) with { AskedAt = Opens.AddTicks(1) }).WhenSettled("reserve-units", new ReservedStock(8));
        story.When(Quota(12) with { AskedAt = Opens }).ThenNothing();
        Assert.Equal((8, 0, 0), story.Units());
    }

    [Fact]
    public void Late_money_that_found_no_units_gets_none_by_a_copy_when_there_are()
    {
        var late = Late(99) with { OfferedAt = Opens };
        var story = Held(10).When(late).ThenOne<LateUnitsRefused>().ThenSurvivesSnapshot();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);
        story.When(new OrderReleased(OrderNo(1))).When(late).ThenNothing();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);
    }

    [Fact]
    public void Late_money_takes_units_once_however_often_it_is_offered()
    {
        var late = Late(1) with { OfferedAt = Opens };
        var story = Held(1).When(new OrderReleased(OrderNo(1))).When(late).ThenOne<LateUnitsTaken>().ThenAgainNothing();
        Assert.Equal(new LatePaymentAnswer(null), story.Answer().Value);
        story.When(new OrderPaid(OrderNo(1))).ThenOne<UnitsSold>().When(late).ThenNothing();
        Assert.Equal((9, 0, 1), story.Units());
    }

    [Fact]
    public void A_copy_of_a_pause_does_not_undo_the_resumption()
    {
        var story = Open().When(new SetPaused(true, 1)).ThenOne<SalePaused>().When(new SetPaused(false, 2)).ThenOne<SaleResumed>().ThenSurvivesSnapshot();
        story.When(new SetPaused(true, 1)).ThenNothing().When(new SetPaused(true, 3)).ThenOne<SalePaused>().When(new SetPaused(false, 2)).ThenNothing();
    }

    [Fact]
    public void An_order_that_is_taken_again_is_wanted_later()
    {
        var story = Open().When(Take(1));
        var first = story.MessageOf<PlaceOrder>("place-order", OrderNo(1).In(Shop)).WantedAt;
        story.WhenRefused("place-order", StockRefusal.SoldOut).When(Take(1));
        Assert.True(story.MessageOf<PlaceOrder>("place-order", OrderNo(1).In(Shop)).WantedAt > first);
        Assert.Single(story.State.WantedAt);
    }
}
