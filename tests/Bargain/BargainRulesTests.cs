using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;
using static Campaigns.Tests.Bargain.BargainCast;

namespace Campaigns.Tests.Bargain;

public class BargainRulesTests
{
    private static readonly ShopId Shop = new("demo");

    // ---- start

    [Fact]
    public void Start_fixes_price_plan_and_deadline() =>
        Running()
            .ThenOne<BargainStarted>(e =>
            {
                Assert.Equal(Start.AddHours(24), e.EndsAt);
                Assert.Equal(9_900, e.ListPriceFen);
                Assert.Equal("14adc8443d89bce5380a03ad1ae2eaea1e45c0c680c08b7604ae467ab04ab2b1", e.Commitment);
                Assert.Equal(Enumerable.Repeat(500L, 8), e.Slots);
                Assert.True(e.HasPlace);
            })
            .ThenSurvivesSnapshot()
            .ThenAgainNothing();

    [Fact]
    public void Bargain_ends_with_its_campaign_if_that_is_sooner() =>
        Story().At(CampaignEnd.AddHours(-2)).When(StartWith(Terms)).ThenOne<BargainStarted>(e => Assert.Equal(CampaignEnd, e.EndsAt));

    [Fact]
    public void Self_cut_takes_slot_one_at_the_start()
    {
        var story = Running(Terms with { SelfCut = true, NewUserWeight = 5 });

        story.ThenOne<PriceCut>(e => Assert.Equal((Owner, 1, 1, 500L, 9_400L), (e.Helper, e.Slot, e.SlotsUsed, e.CutFen, e.PriceFen)));
        Assert.Equal(7, story.View().SlotsLeft);
        story.ThenAgainNothing();
    }

    [Fact]
    public void Self_cut_that_is_the_only_one_succeeds_at_once() =>
        Assert.Equal(BargainStatus.Succeeded, Running(Terms with { SelfCut = true, AssistsNeeded = 1 }).View().State);

    [Fact]
    public void Self_cut_that_is_the_only_one_waits_for_a_place_too() =>
        Running(AtSuccess with { SelfCut = true, AssistsNeeded = 1 }).ThenOne<LastAssistHeld>().WhenRefused("claim-place", CampaignRefusal.SoldOut).Then(new PlaceDenied(), new BargainSoldOut(Start));

    // ---- assist: one row per guard, in source order

    [Fact]
    public void Assist_of_an_unknown_bargain_is_not_found() => Story().When(Assist(101)).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    [Trait("EdgeCase", "1")]
    public void Second_tap_of_a_helper_cuts_nothing_and_shows_the_first_result()
    {
        var story = Helped(1);
        var first = story.ResultTo(101);
        for (var tap = 0; tap < 50; tap++) story.When(Assist(101)).ThenNothing();

        Assert.Equal(new AssistResult(500, 1, 9_400, 3_500, 7, BargainStatus.Running), first);
        Assert.Equal(first, story.ResultTo(101));
        Assert.Equal(9_400, story.View().PriceFen);
    }

    [Fact]
    public void Repeat_comes_before_every_refusal()
    {
        var story = Helped(3);
        var first = story.ResultTo(102);
        story.When(new SetPaused(true)).When(Assist(102)).ThenNothing();
        story.When(new SetPaused(false)).When(Assist(104)).At(Start.AddDays(2)).When(Wake.Instance).ThenOne<BargainExpired>();
        story.When(Assist(102)).ThenNothing();

        Assert.Equal(first, story.ResultTo(102));
        Assert.Equal(new AssistResult(500, 1, 8_900, 3_000, 6, BargainStatus.Running), first);
    }

    [Fact]
    [Trait("EdgeCase", "10")]
    public void Assist_is_refused_while_the_campaign_is_paused() => Running().When(new SetPaused(true)).When(Assist(101)).ThenRefused(BargainRefusal.CampaignPaused);

    [Fact]
    public void Pause_comes_before_the_end() => Running().When(new SetPaused(true)).At(Start.AddDays(2)).When(Assist(101)).ThenRefused(BargainRefusal.CampaignPaused);

    [Fact]
    [Trait("EdgeCase", "10")]
    public void Assist_at_the_first_moment_counts_and_at_the_end_is_refused()
    {
        Running().At(Start).When(Assist(101)).ThenOne<PriceCut>();
        Running().At(Start.AddHours(24).AddTicks(-1)).When(Assist(101)).ThenOne<PriceCut>();
        Running().At(Start.AddHours(24)).When(Assist(101)).ThenRefused(BargainRefusal.BargainNotRunning);
    }

    [Theory]
    [InlineData(BargainStatus.Succeeded)]
    [InlineData(BargainStatus.Ordered)]
    [InlineData(BargainStatus.Paid)]
    [InlineData(BargainStatus.Expired)]
    [InlineData(BargainStatus.Cancelled)]
    [InlineData(BargainStatus.Lapsed)]
    [InlineData(BargainStatus.SoldOut)]
    public void Assist_is_refused_in_every_state_but_running(BargainStatus status) => In(status).When(Assist(999)).ThenRefused(BargainRefusal.BargainNotRunning);

    [Fact]
    public void Assist_is_refused_while_the_last_one_waits_for_a_place() => Succeeded(AtSuccess).When(Assist(999)).ThenRefused(BargainRefusal.BargainNotRunning);

    [Fact]
    [Trait("EdgeCase", "15")]
    public void Owner_cannot_assist_even_after_a_self_cut()
    {
        Running().When(new ApplyAssist(Owner, false, null)).ThenRefused(BargainRefusal.SelfAssistNotAllowed);
        Running(Terms with { SelfCut = true }).When(new ApplyAssist(Owner, false, null)).ThenRefused(BargainRefusal.SelfAssistNotAllowed);
    }

    [Fact]
    [Trait("EdgeCase", "15")]
    public void Fourth_helper_on_one_device_is_refused()
    {
        var story = Running().When(Assist(101, "d")).When(Assist(102, "d")).When(Assist(103, "d")).ThenOne<PriceCut>();

        story.When(Assist(104, "d")).ThenRefused(BargainRefusal.DeviceLimitReached);
        story.When(Assist(104, "e")).ThenOne<PriceCut>();
        story.When(Assist(105)).ThenOne<PriceCut>();
    }

    [Fact]
    [Trait("EdgeCase", "2")]
    public void Two_helpers_cut_two_slots()
    {
        var view = Helped(2, Terms with { Curve = CutCurve.Random, MinCutFen = 10 }).View();

        Assert.Equal([180L, 435L], view.Helpers.Select(h => h.CutFen));
        Assert.Equal(view.ListPriceFen - view.Helpers.Sum(h => h.CutFen), view.PriceFen);
        Assert.Equal(view.PriceFen - view.FloorFen, view.LeftFen);
    }

    [Fact]
    [Trait("EdgeCase", "6")]
    public void Three_fen_for_three_helpers_are_one_each_and_end_at_the_floor()
    {
        var story = Helped(3, Terms with { FloorFen = 9_897, AssistsNeeded = 3, Curve = CutCurve.Random });

        Assert.Equal([1L, 1L, 1L], story.View().Helpers.Select(h => h.CutFen));
        Assert.Equal((9_897L, 0L, BargainStatus.Succeeded), (story.View().PriceFen, story.View().LeftFen, story.View().State));
    }

    [Fact]
    public void New_customer_takes_as_many_slots_as_weigh_and_are_left()
    {
        var story = Running(Terms with { NewUserWeight = 5 }).When(Assist(101, isNew: true));
        story.ThenOne<PriceCut>(e => Assert.Equal((1, 5, 2_500L, 7_400L), (e.Slot, e.SlotsUsed, e.CutFen, e.PriceFen)));

        story.When(Assist(102, isNew: true)).ThenOne<PriceCut>(e => Assert.Equal((6, 3, 1_500L, 5_900L), (e.Slot, e.SlotsUsed, e.CutFen, e.PriceFen)));
        Assert.Equal(new AssistResult(1_500, 3, 5_900, 0, 0, BargainStatus.Succeeded), story.ResultTo(102));
    }

    [Fact]
    public void New_customer_weighs_one_slot_unless_the_terms_say_more() => Running().When(Assist(101, isNew: true)).ThenOne<PriceCut>(e => Assert.Equal(1, e.SlotsUsed));

    [Fact]
    public void Last_assist_succeeds_at_once_where_the_place_was_taken_at_launch()
    {
        var story = Helped(8);

        story.Then(new PriceCut(Somebody(108), 8, 1, 500, 5_900, null, Start), new BargainSucceeded(Start.AddHours(24), Start)).ThenSurvivesSnapshot();
        Assert.Equal(Start.AddHours(24), story.Deadline);
        Assert.Empty(story.Debts);
    }

    // ---- the last assist under at-success

    [Fact]
    public void Last_assist_claims_a_place_and_waits()
    {
        var story = Succeeded(AtSuccess).ThenOne<LastAssistHeld>().ThenSurvivesSnapshot();

        Assert.Equal(new ClaimPlace(story.Self.Key), story.MessageOf<ClaimPlace>("claim-place", TheCampaign.In(Shop)));
        Assert.True(story.Answer(Assist(108)).IsLater);
        Assert.Equal((BargainStatus.Running, 6_400L), (story.View().State, story.View().PriceFen));
        story.When(Assist(108)).ThenNothing();
    }

    [Fact]
    public void Last_assist_with_a_place_succeeds()
    {
        var story = Succeeded(AtSuccess).After(TimeSpan.FromSeconds(2)).WhenSettled("claim-place", Done.Instance);

        story.Then(new PlaceClaimed(), new PriceCut(Somebody(108), 8, 1, 500, 5_900, null, Start.AddSeconds(2)), new BargainSucceeded(Start.AddSeconds(2).AddHours(24), Start.AddSeconds(2)));
        Assert.Equal(new AssistResult(500, 1, 5_900, 0, 0, BargainStatus.Succeeded), story.ResultTo(108));
        Assert.Empty(story.Debts);
    }

    [Fact]
    [Trait("EdgeCase", "13")]
    public void Last_assist_without_a_place_ends_the_bargain_sold_out_and_everybody_is_told()
    {
        var story = Succeeded(AtSuccess).WhenRefused("claim-place", CampaignRefusal.SoldOut).Then(new PlaceDenied(), new BargainSoldOut(Start)).ThenSurvivesSnapshot();

        Assert.Equal("SoldOut", story.Answer(Assist(108)).Refusal!.Code);
        story.When(Assist(108)).ThenNothing();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);
        Assert.Equal((BargainStatus.SoldOut, 6_400L, 1), (story.View().State, story.View().PriceFen, story.View().SlotsLeft));
        Assert.Equal(500, story.ResultTo(101).CutFen);
        Assert.False(story.MessageOf<CloseParticipation>("close", TheCampaign.In(Shop)).Used);
    }

    [Fact]
    public void Claim_that_is_answered_busy_is_sent_again()
    {
        var story = Succeeded(AtSuccess).WhenRefused("claim-place", GrainRefusal.Busy).ThenNothing();

        Assert.Equal("claim-place", Assert.Single(story.Debts).What);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Claim_decides_even_if_the_deadline_passes_meanwhile(bool place)
    {
        var story = Succeeded(AtSuccess).At(Start.AddDays(2)).When(Wake.Instance).ThenNothing();
        Assert.Null(story.Deadline);

        _ = place ? story.WhenSettled("claim-place", Done.Instance) : story.WhenRefused("claim-place", CampaignRefusal.SoldOut);

        Assert.Equal(place ? BargainStatus.Succeeded : BargainStatus.SoldOut, story.View().State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Cancellation_wins_over_a_claim_and_the_helper_is_refused(bool place)
    {
        var story = Succeeded(AtSuccess).When(new CancelParticipation()).Then(new BargainCancelled(Start));
        Assert.Equal("BargainNotRunning", story.Answer(Assist(108)).Refusal!.Code);
        story.When(Assist(108)).ThenRefused(BargainRefusal.BargainNotRunning);
        Assert.Equal(["claim-place", "close"], story.Debts.Select(d => d.What));

        _ = place ? story.WhenSettled("claim-place", Done.Instance).Then(new PlaceClaimed()) : story.WhenRefused("claim-place", CampaignRefusal.SoldOut).Then(new PlaceDenied());

        Assert.Equal(BargainStatus.Cancelled, story.View().State);
        Assert.False(story.MessageOf<CloseParticipation>("close", TheCampaign.In(Shop)).Used);
    }

    [Fact]
    public void Claim_at_a_killed_campaign_cancels_the_bargain() =>
        Succeeded(AtSuccess).WhenRefused("claim-place", CampaignRefusal.CampaignKilled).Then(new PlaceDenied(), new BargainCancelled(Start));

    // ---- order: one row per guard, in source order

    [Fact]
    public void Order_of_an_unknown_bargain_is_not_found() => Story().When(Buy()).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    public void Same_order_again_is_no_second_order() => Succeeded().When(Buy()).ThenOne<BargainOrdered>().ThenAgainNothing();

    [Fact]
    public void Somebody_else_cannot_order() => Succeeded().When(Buy() with { Buyer = Somebody(101) }).ThenRefused(BargainRefusal.NotOwner);

    [Fact]
    public void Second_order_is_refused_while_one_is_open_or_paid()
    {
        Ordered().When(Buy(2)).ThenRefused(BargainRefusal.AlreadyOrdered);
        In(BargainStatus.Paid).When(Buy(2)).ThenRefused(BargainRefusal.AlreadyOrdered);
        Helped(1, AnyPrice with { Reservation = ReservationPolicy.AtSuccess }).When(Buy()).ThenOne<BargainOrderHeld>().When(Buy(2)).ThenRefused(BargainRefusal.AlreadyOrdered);
    }

    [Fact]
    public void Order_waits_until_the_last_assist_has_its_place() =>
        Succeeded(AtSuccess with { BuyAtAnyPrice = true }).When(Buy()).ThenRefused(GrainRefusal.Busy);

    [Theory]
    [InlineData(BargainStatus.Running)]
    [InlineData(BargainStatus.Expired)]
    [InlineData(BargainStatus.Cancelled)]
    [InlineData(BargainStatus.Lapsed)]
    [InlineData(BargainStatus.SoldOut)]
    public void Price_that_was_not_earned_cannot_be_ordered(BargainStatus status) => In(status).When(Buy(2)).ThenRefused(BargainRefusal.PriceNotEarned);

    [Fact]
    public void Earned_price_can_be_ordered_until_the_pay_window_ends()
    {
        Succeeded().At(Start.AddHours(24).AddTicks(-1)).When(Buy()).ThenOne<BargainOrdered>();
        Succeeded().At(Start.AddHours(24)).When(Buy()).ThenRefused(BargainRefusal.PriceNotEarned);
    }

    [Fact]
    public void Price_above_the_floor_can_be_ordered_while_the_bargain_runs_where_the_terms_say_so()
    {
        Helped(3, AnyPrice).At(Start.AddHours(24).AddTicks(-1)).When(Buy()).Then(new BargainOrdered(OrderNo(1), 9_900, 8_400, 15, Start.AddHours(24).AddTicks(-1)));
        Helped(3, AnyPrice).At(Start.AddHours(24)).When(Buy()).ThenRefused(BargainRefusal.PriceNotEarned);
    }

    [Fact]
    public void Pause_does_not_stop_an_order() => Succeeded().When(new SetPaused(true)).When(Buy()).ThenOne<BargainOrdered>();

    [Fact]
    public void Orders_that_come_to_nothing_are_limited()
    {
        var story = Succeeded(Terms with { PayWindowMinutes = 10_080 });
        for (var i = 1; i <= OrderBargain.LostOrdersMax; i++) story.When(Buy(i)).When(new OrderReleased(OrderNo(i)));

        story.When(Buy(500)).ThenRefused(BargainRefusal.OrderLimitReached);
        story.When(Buy(1)).ThenNothing();
    }

    [Fact]
    public void Order_is_placed_with_the_list_price_and_the_discount_the_merchant_funds()
    {
        var story = Succeeded().When(Buy()).ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);

        var placed = story.MessageOf<PlaceOrder>("place-order", OrderNo(1).In(Shop));

        Assert.Equal((Owner, "bargain", (Guid?)TheCampaign.Value, 15), (placed.Buyer, placed.Kind, placed.Purpose, placed.PaymentWindowMinutes));
        Assert.Equal(story.Self, placed.Source);
        Assert.Equal([new OrderLine(Sku, "手冲咖啡壶", 1, 9_900, 9_900)], placed.Lines);
        Assert.Equal([new DiscountLine("砍价优惠", "merchant", 4_000)], placed.Discounts);
        story.WhenSettled("place-order", Done.Instance).Then(new BargainOrderPlaced(OrderNo(1)));
        Assert.Same(Done.Instance, story.Answer(Buy()).Value);
        Assert.Equal((BargainStatus.Ordered, (OrderId?)OrderNo(1)), (story.View().State, story.View().OrderId));
    }

    [Theory]
    [InlineData(12_000, 9_900, 4_000)]
    [InlineData(9_900, 9_900, 4_000)]
    [InlineData(7_000, 7_000, 1_100)]
    [InlineData(5_900, 5_900, 0)]
    [InlineData(4_000, 4_000, 0)]
    [InlineData(0, 0, 0)]
    [Trait("EdgeCase", "14")]
    public void Nobody_pays_more_than_the_list_price_and_no_discount_is_negative(long listPriceNow, long unitPrice, long discount)
    {
        var placed = Succeeded().When(Buy(listPriceFen: listPriceNow)).MessageOf<PlaceOrder>("place-order", OrderNo(1).In(Shop));

        Assert.Equal(unitPrice, Assert.Single(placed.Lines).AmountFen);
        Assert.Equal(discount, placed.Discounts.Sum(d => d.AmountFen));
        Assert.DoesNotContain(placed.Discounts, d => d.AmountFen <= 0);
    }

    [Fact]
    [Trait("EdgeCase", "13")]
    public void Order_that_the_stock_refuses_gives_the_earned_price_back_and_says_so()
    {
        var story = Succeeded().When(Buy()).WhenRefused("place-order", StockRefusal.SoldOut);

        story.Then(new BargainOrderRefused(OrderNo(1), Refusal.Of(StockRefusal.SoldOut), BargainStatus.Succeeded, Start)).ThenSurvivesSnapshot();
        Assert.Empty(story.Debts);
        Assert.Equal("SoldOut", story.Answer(Buy()).Refusal!.Code);
        Assert.Equal((BargainStatus.Succeeded, (OrderId?)null), (story.View().State, story.View().OrderId));
        story.When(Buy(2)).ThenOne<BargainOrdered>();
    }

    [Fact]
    public void Refused_order_may_be_tried_again_under_its_name()
    {
        var story = Succeeded().When(Buy()).WhenRefused("place-order", StockRefusal.SoldOut).When(Buy()).ThenOne<BargainOrdered>();

        Assert.True(story.Answer().IsLater);
        Assert.Equal("place-order", Assert.Single(story.Debts).What);
    }

    [Fact]
    public void Order_that_found_no_place_may_be_tried_again_under_its_name()
    {
        var story = Helped(3, AnyPrice with { Reservation = ReservationPolicy.AtSuccess });
        foreach (var order in (int[])[1, 2]) story.When(Buy(order)).WhenRefused("claim-place", CampaignRefusal.SoldOut);

        story.When(Buy(2)).ThenOne<BargainOrderHeld>();
        Assert.True(story.Answer().IsLater);
        Assert.Equal("SoldOut", story.Answer(Buy(1)).Refusal!.Code);
    }

    [Fact]
    public void Only_the_newest_refused_orders_are_kept()
    {
        var story = Succeeded();
        for (var i = 1; i <= BargainRules.RefusedOrdersMax + 3; i++) story.When(Buy(i)).WhenRefused("place-order", StockRefusal.SoldOut);

        Assert.Equal(Enumerable.Range(4, BargainRules.RefusedOrdersMax).Select(OrderNo), story.State.RefusedOrders.Select(r => r.Order));
    }

    [Fact]
    public void Order_refused_after_the_pay_window_leaves_a_lapsed_bargain() =>
        Succeeded().When(Buy()).At(Start.AddHours(25)).WhenRefused("place-order", StockRefusal.SoldOut)
            .Then(new BargainOrderRefused(OrderNo(1), Refusal.Of(StockRefusal.SoldOut), BargainStatus.Succeeded, Start.AddHours(25)), new BargainLapsed(Start.AddHours(25)));

    // ---- paid, released

    [Fact]
    public void Paid_order_ends_the_bargain_and_uses_its_place()
    {
        var story = Ordered().When(new OrderPaid(OrderNo(1))).Then(new BargainPaid(OrderNo(1), Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(BargainStatus.Paid, story.View().State);
        Assert.True(story.MessageOf<CloseParticipation>("close", TheCampaign.In(Shop)).Used);
        story.WhenSettled("close", Done.Instance).Then(new BargainClosed());
        Assert.Empty(story.Debts);
        Assert.Null(story.Deadline);
    }

    [Fact]
    public void Free_order_can_be_paid_before_it_is_known_to_be_placed()
    {
        var story = Succeeded().When(Buy()).When(new OrderPaid(OrderNo(1))).ThenOne<BargainPaid>();

        Assert.Same(Done.Instance, story.Answer(Buy()).Value);
        Assert.Equal("close", Assert.Single(story.Debts).What);
    }

    [Fact]
    public void Money_for_another_order_changes_nothing()
    {
        Ordered().When(new OrderPaid(OrderNo(2))).ThenNothing();
        Ordered().When(new OrderReleased(OrderNo(2))).ThenNothing();
        Succeeded().When(new OrderPaid(OrderNo(1))).ThenNothing();
        Story().When(new OrderPaid(OrderNo(1))).ThenRefused(GrainRefusal.NotFound);
        Story().When(new OrderReleased(OrderNo(1))).ThenRefused(GrainRefusal.NotFound);
    }

    [Fact]
    [Trait("EdgeCase", "12")]
    public void Earned_price_survives_an_order_that_timed_out()
    {
        var story = Ordered().After(TimeSpan.FromMinutes(15)).When(new OrderReleased(OrderNo(1)));

        story.Then(new BargainOrderReleased(OrderNo(1), BargainStatus.Succeeded, Start.AddMinutes(15))).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(Start.AddHours(24), story.Deadline);
        story.When(Buy()).ThenNothing();
        story.When(Buy(2)).ThenOne<BargainOrdered>(e => Assert.Equal(5_900, e.PriceFen));
    }

    [Fact]
    [Trait("EdgeCase", "12")]
    public void Earned_price_lapses_if_the_order_times_out_after_the_pay_window()
    {
        var story = Ordered().At(Start.AddHours(24)).When(Wake.Instance).ThenNothing().When(new OrderReleased(OrderNo(1)));

        story.Then(new BargainOrderReleased(OrderNo(1), BargainStatus.Succeeded, Start.AddHours(24)), new BargainLapsed(Start.AddHours(24)));
        Assert.False(story.MessageOf<CloseParticipation>("close", TheCampaign.In(Shop)).Used);
    }

    // ---- buy at any price

    [Fact]
    public void Assists_stop_while_a_price_above_the_floor_is_ordered_and_go_on_when_the_order_is_released()
    {
        var story = Helped(3, AnyPrice).When(Buy()).When(Assist(900)).ThenRefused(BargainRefusal.BargainNotRunning);

        story.When(new OrderReleased(OrderNo(1))).Then(new BargainOrderReleased(OrderNo(1), BargainStatus.Running, Start));
        Assert.Equal(Start.AddHours(24), story.Deadline);
        story.When(Assist(900)).ThenOne<PriceCut>(e => Assert.Equal(7_900, e.PriceFen));
    }

    [Fact]
    public void Price_above_the_floor_expires_if_its_order_is_released_after_the_end() =>
        Helped(3, AnyPrice).When(Buy()).At(Start.AddHours(24)).When(Wake.Instance).ThenNothing().When(new OrderReleased(OrderNo(1)))
            .Then(new BargainOrderReleased(OrderNo(1), BargainStatus.Running, Start.AddHours(24)), new BargainExpired(Start.AddHours(24)));

    [Fact]
    public void Order_above_the_floor_claims_its_place_first()
    {
        var story = Helped(3, AnyPrice with { Reservation = ReservationPolicy.AtSuccess }).When(Buy()).ThenOne<BargainOrderHeld>().ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer(Buy()).IsLater);
        Assert.Equal("claim-place", Assert.Single(story.Debts).What);
        story.When(Assist(900)).ThenRefused(BargainRefusal.BargainNotRunning);

        story.WhenSettled("claim-place", Done.Instance).Then(new PlaceClaimed(), new BargainOrdered(OrderNo(1), 9_900, 8_400, 15, Start));
        Assert.True(story.Answer(Buy()).IsLater);
        story.WhenSettled("place-order", Done.Instance);
        Assert.Same(Done.Instance, story.Answer(Buy()).Value);
    }

    [Fact]
    public void Place_of_a_released_order_is_kept_for_the_next_one_and_for_success()
    {
        var story = Helped(7, AnyPrice with { Reservation = ReservationPolicy.AtSuccess }).When(Buy()).WhenSettled("claim-place", Done.Instance).WhenSettled("place-order", Done.Instance);

        story.When(new OrderReleased(OrderNo(1))).When(Buy(2)).ThenOne<BargainOrdered>();
        story.When(new OrderReleased(OrderNo(2))).When(Assist(900)).ThenOne<BargainSucceeded>();
    }

    [Fact]
    public void Order_above_the_floor_without_a_place_leaves_the_bargain_running()
    {
        var story = Helped(3, AnyPrice with { Reservation = ReservationPolicy.AtSuccess }).When(Buy()).WhenRefused("claim-place", CampaignRefusal.SoldOut);

        story.Then(new PlaceDenied(), new BargainOrderRefused(OrderNo(1), Refusal.Of(CampaignRefusal.SoldOut), BargainStatus.Running, Start));
        Assert.Equal("SoldOut", story.Answer(Buy()).Refusal!.Code);
        Assert.Equal(BargainStatus.Running, story.View().State);
        story.When(Assist(900)).ThenOne<PriceCut>();
    }

    [Fact]
    public void Order_above_the_floor_without_a_place_expires_if_the_end_has_come_meanwhile()
    {
        var story = Helped(3, AnyPrice with { Reservation = ReservationPolicy.AtSuccess }).When(Buy()).At(Start.AddDays(2)).When(Wake.Instance).ThenNothing();

        story.WhenRefused("claim-place", CampaignRefusal.SoldOut).ThenOne<BargainExpired>();
        Assert.Equal(BargainStatus.Expired, story.View().State);
    }

    // ---- wake, pause, cancel

    [Fact]
    public void Deadline_expires_a_running_bargain_and_lapses_a_succeeded_one()
    {
        Helped(2).At(Start.AddHours(24).AddTicks(-1)).When(Wake.Instance).ThenNothing().At(Start.AddHours(24)).When(Wake.Instance).Then(new BargainExpired(Start.AddHours(24))).ThenAgainNothing();
        Succeeded().At(Start.AddHours(24).AddTicks(-1)).When(Wake.Instance).ThenNothing().At(Start.AddHours(24)).When(Wake.Instance).Then(new BargainLapsed(Start.AddHours(24))).ThenAgainNothing();
        Story().When(Wake.Instance).ThenNothing();
    }

    [Fact]
    public void Pause_and_resumption_are_noted_once()
    {
        Running().When(new SetPaused(false)).ThenNothing().When(new SetPaused(true)).Then(new BargainPaused()).ThenAgainNothing().When(new SetPaused(false)).Then(new BargainResumed(At: Start)).When(Assist(101)).ThenOne<PriceCut>();
        Story().When(new SetPaused(true)).ThenRefused(GrainRefusal.NotFound);
        In(BargainStatus.Expired).When(new SetPaused(true)).ThenNothing();
    }

    [Fact]
    public void Pause_is_kept_while_an_order_above_the_floor_is_open() =>
        Helped(3, AnyPrice).When(Buy()).When(new SetPaused(true)).ThenOne<BargainPaused>().When(new OrderReleased(OrderNo(1))).When(Assist(900)).ThenRefused(BargainRefusal.CampaignPaused);

    [Fact]
    [Trait("EdgeCase", "55")]
    public void Kill_cancels_what_runs_and_leaves_what_was_earned()
    {
        Helped(3).When(new CancelParticipation()).Then(new BargainCancelled(Start)).ThenAgainNothing();
        Succeeded().When(new CancelParticipation()).ThenNothing().When(Buy()).ThenOne<BargainOrdered>();
        Ordered().When(new CancelParticipation()).ThenNothing();
        In(BargainStatus.Paid).When(new CancelParticipation()).ThenNothing();
        Story().When(new CancelParticipation()).ThenNothing();
    }

    [Fact]
    [Trait("EdgeCase", "55")]
    public void Kill_while_a_price_above_the_floor_is_ordered_lets_it_be_paid_but_not_run_on()
    {
        Helped(3, AnyPrice).When(Buy()).When(new CancelParticipation()).Then(new BargainKillNoted()).ThenAgainNothing().When(new OrderPaid(OrderNo(1))).ThenOne<BargainPaid>();
        Helped(3, AnyPrice).When(Buy()).When(new CancelParticipation()).When(new OrderReleased(OrderNo(1))).ThenOne<BargainCancelled>();
        Helped(3, AnyPrice).When(Buy()).When(new CancelParticipation()).WhenRefused("place-order", StockRefusal.SoldOut).ThenOne<BargainCancelled>();
    }

    [Fact]
    public void Kill_while_an_order_waits_for_its_place_refuses_the_order()
    {
        var story = Helped(3, AnyPrice with { Reservation = ReservationPolicy.AtSuccess }).When(Buy()).When(new CancelParticipation()).ThenOne<BargainCancelled>();

        Assert.Equal("BargainNotRunning", story.Answer(Buy()).Refusal!.Code);
        Assert.Equal(["claim-place", "close"], story.Debts.Select(d => d.What));
        story.WhenSettled("claim-place", Done.Instance).Then(new PlaceClaimed());
        Assert.Equal(BargainStatus.Cancelled, story.View().State);
    }

    [Fact]
    public void Claim_of_an_order_at_a_killed_campaign_cancels_the_bargain() =>
        Helped(3, AnyPrice with { Reservation = ReservationPolicy.AtSuccess }).When(Buy()).WhenRefused("claim-place", CampaignRefusal.CampaignKilled).ThenOne<BargainOrderRefused>().ThenOne<BargainCancelled>();

    [Theory]
    [InlineData(BargainStatus.Paid, true)]
    [InlineData(BargainStatus.Expired, false)]
    [InlineData(BargainStatus.Cancelled, false)]
    [InlineData(BargainStatus.Lapsed, false)]
    [InlineData(BargainStatus.SoldOut, false)]
    public void Every_end_is_told_to_the_campaign_once(BargainStatus status, bool used)
    {
        var story = In(status);
        Assert.Equal(used, story.MessageOf<CloseParticipation>("close", TheCampaign.In(Shop)).Used);
        Assert.Single(story.Debts);

        story.WhenSettled("close", Done.Instance).Then(new BargainClosed()).ThenSurvivesSnapshot();
        Assert.Empty(story.Debts);
        Assert.Null(story.Deadline);
    }

    [Fact]
    [Trait("EdgeCase", "11")]
    public void Running_bargain_keeps_the_terms_it_started_with()
    {
        var story = Helped(1).When(StartWith(Terms with { FloorFen = 1, AssistsNeeded = 2 })).ThenNothing();

        Assert.Equal((5_900L, 8), (story.View().FloorFen, story.View().Slots));
    }

    [Fact]
    [Trait("EdgeCase", "56")]
    public void Crash_between_decision_and_message_leaves_the_same_debts_and_messages()
    {
        var story = Succeeded(AtSuccess with { BuyAtAnyPrice = true });
        var before = story.Message("claim-place");
        story.ThenSurvivesSnapshot();
        Assert.Equal(before, story.Message("claim-place"));

        story.WhenSettled("claim-place", Done.Instance).When(Buy());
        var order = (PlaceOrder)story.Message("place-order").Command;
        story.ThenSurvivesSnapshot();
        var again = (PlaceOrder)story.Message("place-order").Command;
        Assert.Equal(order.Lines, again.Lines);
        Assert.Equal(order.Discounts, again.Discounts);
    }

    /// <summary>A bargain in this state, with whatever it owes.</summary>
    // ---- copies that come late

    [Fact]
    public void An_assist_that_was_refused_in_a_pause_stays_so_after_it()
    {
        var assist = Assist(101) with { PledgedAt = Start };
        var story = Running().When(new SetPaused(true, 1)).When(assist).ThenRefused(BargainRefusal.CampaignPaused).After(TimeSpan.FromMinutes(1)).When(new SetPaused(false, 2)).ThenSurvivesSnapshot();
        story.When(assist).ThenRefused(BargainRefusal.BargainNotRunning);
        story.When(assist with { PledgedAt = Start.AddMinutes(1).AddTicks(1) }).ThenOne<PriceCut>();
    }

    [Fact]
    public void A_copy_of_a_pause_does_not_undo_the_resumption()
    {
        var story = Running().When(new SetPaused(true, 1)).ThenOne<BargainPaused>().When(new SetPaused(false, 2)).ThenOne<BargainResumed>().ThenSurvivesSnapshot();
        story.When(new SetPaused(true, 1)).ThenNothing().When(new SetPaused(true, 3)).ThenOne<BargainPaused>().When(new SetPaused(false, 2)).ThenNothing();
    }

    [Fact]
    public void An_order_that_is_wanted_again_is_wanted_later()
    {
        var story = Succeeded().When(Buy()).WhenRefused("place-order", StockRefusal.SoldOut).When(Buy()).ThenOne<BargainOrdered>(e => Assert.Equal(Start.AddTicks(1), e.At));
        Assert.Equal(Start.AddTicks(1), Assert.IsType<PlaceOrder>(story.Message("place-order").Command).WantedAt);
    }

    private static Story<BargainState, BargainEvent> In(BargainStatus status) => status switch
    {
        BargainStatus.Running => Helped(2),
        BargainStatus.Succeeded => Succeeded(),
        BargainStatus.Ordered => Ordered(),
        BargainStatus.Paid => Ordered().When(new OrderPaid(OrderNo(1))),
        BargainStatus.Expired => Helped(2).At(Start.AddHours(24)).When(Wake.Instance),
        BargainStatus.Cancelled => Helped(2).When(new CancelParticipation()),
        BargainStatus.Lapsed => Succeeded().At(Start.AddHours(24)).When(Wake.Instance),
        BargainStatus.SoldOut => Succeeded(AtSuccess).WhenRefused("claim-place", CampaignRefusal.SoldOut),
        _ => throw new ArgumentOutOfRangeException(nameof(status)),
    };
}
