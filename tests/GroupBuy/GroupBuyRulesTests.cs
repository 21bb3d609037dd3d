using Campaigns.Grains.Campaign;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;
using static Campaigns.Tests.GroupBuy.GroupBuyCast;

namespace Campaigns.Tests.GroupBuy;

public class GroupBuyRulesTests
{
    // ---- found

    [Fact]
    public void The_first_seat_asks_the_campaign_and_there_is_no_room_until_it_answers()
    {
        var story = Story().When(Found(quantity: 2)).Then(new SeatClaimed(TheCampaign, OrderOf(1), Member(1), 2, 15, Founds: true, IsLate: false, Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.True(story.Answer().IsLater);
        Assert.True(story.Answer(new GetGroupRoom()).IsLater);
        Assert.Equal(new Owed(TheCampaign.In(Demo), new ClaimUnits(OrderOf(1).Value, story.Self.Key, Member(1), 2, Start)), story.Message("claim-units"));
        Assert.Null(story.Deadline);
    }

    [Fact]
    public void The_campaigns_yes_opens_the_room_and_the_order_is_placed()
    {
        var story = Story().When(Found(quantity: 2));
        story.WhenSettled("claim-units", story.Admitted())
            .Then(new GroupRoomOpened(GroupRoomId.Of(story.Self.Key), TheCampaign, 1, Member(1), Sku, "手冲咖啡壶", 9_900, Terms, RoomEnd, Start), new SeatGranted(OrderOf(1)))
            .ThenSurvivesSnapshot();

        Assert.True(story.Answer(Found()).IsLater);
        Assert.Equal(RoomEnd, story.Deadline);
        var placed = Assert.IsType<PlaceOrder>(story.Message("place-order").Command);
        Assert.Equal((Member(1), "group-buy", story.Self, (Guid?)TheCampaign.Value, 15, true, true), (placed.Buyer, placed.Kind, placed.Source!.Value, placed.Purpose, placed.PaymentWindowMinutes, placed.AwaitsGroup, placed.AsksLate));
        Assert.Equal([new OrderLine(Sku, "手冲咖啡壶", 2, 9_900, 19_800)], placed.Lines);
        Assert.Equal([new DiscountLine("拼团优惠", "merchant", 4_000)], placed.Discounts);

        story.WhenSettled("place-order", Done.Instance).Then(new SeatHeld(OrderOf(1), Start));
        Assert.Same(Done.Instance, story.Answer(Found()).Value);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void A_founder_pays_the_leaders_price_and_the_seat_is_held_as_long_as_the_campaign_says()
    {
        var terms = Terms with { LeaderPriceFen = 5_900, SeatHoldMinutes = 5 };
        var story = Story().When(Found());
        var placed = Assert.IsType<PlaceOrder>(story.WhenSettled("claim-units", story.Admitted(terms)).Message("place-order").Command);

        Assert.Equal([new DiscountLine("团长优惠", "merchant", 4_000)], placed.Discounts);
        Assert.Equal(5, placed.PaymentWindowMinutes);
        story.WhenSettled("place-order", Done.Instance).When(Join(2)).WhenSettled("claim-units", story.Admitted(terms));
        Assert.Equal(new DiscountLine("拼团优惠", "merchant", 2_000), Assert.Single(((PlaceOrder)story.Message("place-order").Command).Discounts));
    }

    [Fact]
    public void A_room_ends_with_its_campaign_if_that_is_sooner()
    {
        var story = Story().At(CampaignEnd.AddHours(-2)).When(Found());

        story.WhenSettled("claim-units", story.Admitted()).ThenOne<GroupRoomOpened>(e => Assert.Equal(CampaignEnd, e.EndsAt));
    }

    [Theory]
    [InlineData(CampaignRefusal.CampaignNotRunning)]
    [InlineData(CampaignRefusal.CampaignPaused)]
    [InlineData(CampaignRefusal.CampaignKilled)]
    [InlineData(CampaignRefusal.PurchaseLimit)]
    [InlineData(CampaignRefusal.SoldOut)]
    public void A_room_that_the_campaign_refuses_never_was(CampaignRefusal refusal)
    {
        var story = Story().When(Found()).WhenRefused("claim-units", refusal).Then(new SeatRefused(OrderOf(1), Refusal.Of(refusal), ReturnsUnits: false, Member(1)));

        Assert.Equal(refusal.ToString(), story.Answer(Found()).Refusal!.Code);
        Assert.Equal("NotFound", story.Answer(new GetGroupRoom()).Refusal!.Code);
        Assert.Empty(story.Debts);
        Assert.True(new GroupBuyGrain().Forgotten(story.State));
        story.When(Found()).ThenOne<SeatClaimed>();
        Assert.False(new GroupBuyGrain().Forgotten(story.State));
        Assert.True(story.Answer(Found()).IsLater);
    }

    [Fact]
    public void A_room_whose_founders_order_finds_no_stock_is_over_and_its_units_go_back()
    {
        var story = Story().When(Found());
        story.WhenSettled("claim-units", story.Admitted()).WhenRefused("place-order", StockRefusal.SoldOut)
            .Then(new SeatRefused(OrderOf(1), Refusal.Of(StockRefusal.SoldOut), ReturnsUnits: true, Member(1)), new GroupRoomCancelled(GroupBuyRules.Empty, Start));

        Assert.Equal("SoldOut", story.Answer(Found()).Refusal!.Code);
        Assert.Equal(["return-units 1"], story.Owed());
        Assert.Equal(["close campaign"], story.Settled("return-units", 1).Owed());
    }

    [Fact]
    public void A_busy_campaign_is_asked_again() => Assert.Equal(["claim-units 1"], Story().When(Found()).WhenRefused("claim-units", GrainRefusal.Busy).ThenNothing().Owed());

    // ---- join: one row per guard, in source order

    [Fact]
    public void Nobody_joins_a_room_that_is_not_there() => Story().When(Join(2)).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    public void A_repeat_comes_before_every_refusal()
    {
        var story = Founded().WithHeld(2).When(Join(2, quantity: 0)).ThenNothing();
        Assert.Same(Done.Instance, story.Answer().Value);
        story.At(RoomEnd).When(Wake.Instance).ThenOne<GroupRoomFailed>();
        Assert.Same(Done.Instance, story.When(Join(2)).ThenNothing().Answer().Value);
        story.When(new OrderReleased(OrderOf(2)));
        Assert.Same(Done.Instance, story.When(Join(2)).ThenNothing().Answer().Value);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10_001)]
    public void A_quantity_has_its_bounds(int quantity)
    {
        Story().When(Found(quantity: quantity)).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("quantity", Assert.Single(r.Findings!).Field));
        Founded().When(Join(2, quantity)).ThenRefused(GrainRefusal.Invalid);
    }

    [Fact]
    public void A_quantity_may_be_at_its_bounds()
    {
        Founded().When(Join(2, 1)).ThenOne<SeatClaimed>();
        Founded().When(Join(2, 10_000)).ThenOne<SeatClaimed>();
    }

    [Fact]
    public void A_second_founder_waits_for_the_first() => Story().When(Found()).When(Found(2)).ThenRefused(GrainRefusal.Busy);

    [Fact]
    public void A_room_is_open_until_just_before_its_end()
    {
        Founded().At(RoomEnd.AddTicks(-1)).When(Join(2)).ThenOne<SeatClaimed>();
        Founded().At(RoomEnd).When(Join(2)).ThenRefused(GroupBuyRefusal.RoomClosed);
    }

    [Fact]
    public void Nobody_joins_a_room_that_is_over()
    {
        Completed().When(Join(9)).ThenRefused(GroupBuyRefusal.RoomClosed);
        Failed().At(Start).When(Join(9)).ThenRefused(GroupBuyRefusal.RoomClosed);
        Cancelled().When(Join(9)).ThenRefused(GroupBuyRefusal.RoomClosed);
    }

    [Fact]
    [Trait("EdgeCase", "26")]
    public void Nobody_joins_twice_nor_the_own_room()
    {
        var again = new HoldSeat(OrderOf(50), Member(1), 1, IsNew: true, 15);
        Founded().When(again).ThenRefused(GroupBuyRefusal.AlreadyMember);
        Founded().WithPaid(1).When(again).ThenRefused(GroupBuyRefusal.AlreadyMember);
        Founded().When(Join(2)).When(again with { Shopper = Member(2) }).ThenRefused(GroupBuyRefusal.AlreadyMember);
    }

    [Fact]
    public void Only_new_customers_join_where_the_campaign_says_so_and_anybody_founds()
    {
        var terms = Terms with { Audience = GroupAudience.NewCustomers };
        Founded(terms).When(Join(2)).ThenRefused(GroupBuyRefusal.NewCustomersOnly);
        Founded(terms).When(Join(2, isNew: true)).ThenOne<SeatClaimed>();
        Founded().When(Join(2)).ThenOne<SeatClaimed>();
    }

    [Fact]
    [Trait("EdgeCase", "16")]
    public void A_seat_of_whatever_stage_takes_room()
    {
        var story = Founded().WithPaid(1).WithHeld(2).When(Join(3));
        story.When(Join(4)).ThenRefused(GroupBuyRefusal.RoomFull);
        story.WhenSettled("claim-units", story.Admitted()).When(Join(4)).ThenRefused(GroupBuyRefusal.RoomFull);
        story.WhenSettled("place-order", Done.Instance).When(Join(4)).ThenRefused(GroupBuyRefusal.RoomFull);
    }

    [Fact]
    public void With_a_ladder_the_last_step_is_the_room_there_is()
    {
        var story = Founded(Ladder).WithPaid(1, 2, 3, 4);
        Assert.Equal(GroupRoomStatus.Open, story.View().State);
        story.When(Join(5)).ThenOne<SeatClaimed>();
        story.When(Join(6)).ThenRefused(GroupBuyRefusal.RoomFull);
    }

    [Fact]
    public void Who_comes_and_goes_without_end_is_told_to_wait()
    {
        var story = Founded(Terms with { Size = 2 }).WithPaid(1);
        for (var i = 0; i < GroupBuyRules.DepartingMax; i++)
        {
            var order = OrderId.Of(new Guid(1_000 + i, 0, 0x7000, 0x80, 1, 0, 0, 0, 0, 0, 0));
            story.When(new HoldSeat(order, Member(2), 1, false, 15)).ThenOne<SeatClaimed>().WhenSettled("claim-units", story.Admitted()).WhenSettled("place-order", Done.Instance).When(new LeaveGroup(order)).ThenOne<SeatLeft>();
        }

        story.When(Join(2)).ThenRefused(GrainRefusal.Busy);
        story.When(Late(2)).ThenRefused(GrainRefusal.Busy);
    }

    [Theory]
    [InlineData(CampaignRefusal.PurchaseLimit)]
    [InlineData(CampaignRefusal.SoldOut)]
    [InlineData(CampaignRefusal.CampaignPaused)]
    public void A_seat_that_the_campaign_refuses_is_free_again(CampaignRefusal refusal)
    {
        var story = Founded().WithPaid(1).When(Join(2)).WhenRefused("claim-units", refusal).Then(new SeatRefused(OrderOf(2), Refusal.Of(refusal), ReturnsUnits: false, Member(1)));

        Assert.Equal(refusal.ToString(), story.Answer(Join(2)).Refusal!.Code);
        Assert.Equal(2, story.View().SeatsLeft);
        Assert.Empty(story.Debts);
        story.When(Join(2)).ThenOne<SeatClaimed>();
        Assert.True(story.Answer(Join(2)).IsLater);
    }

    [Fact]
    public void A_seat_whose_order_is_refused_is_free_again_and_its_units_go_back()
    {
        var story = Founded().When(Join(2));
        story.WhenSettled("claim-units", story.Admitted()).WhenRefused("place-order", StockRefusal.SoldOut).Then(new SeatRefused(OrderOf(2), Refusal.Of(StockRefusal.SoldOut), ReturnsUnits: true, Member(1)));

        Assert.Equal(new Owed(TheCampaign.In(Demo), new ReturnUnits(OrderOf(2).Value, story.Self.Key, Start.AddTicks(1))), story.Message("return-units"));
        Assert.Empty(story.Settled("return-units", 2).Debts);
    }

    [Fact]
    public void Only_the_newest_refusals_are_kept()
    {
        var story = Founded();
        for (var i = 2; i <= GroupBuyRules.RefusedSeatsMax + 2; i++) story.When(Join(i)).WhenRefused("claim-units", CampaignRefusal.SoldOut);

        Assert.Equal(Enumerable.Range(3, GroupBuyRules.RefusedSeatsMax).Select(OrderOf), story.State.RefusedSeats.Select(r => r.Order));
    }

    // ---- pay

    [Fact]
    public void Nobody_pays_in_a_room_that_is_not_there() => Story().When(Pay(1)).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    [Trait("EdgeCase", "20")]
    public void A_payment_told_five_times_is_one_member()
    {
        var story = Founded().When(Pay(1)).Then(new SeatPaid(OrderOf(1), 7_900, Start)).ThenSurvivesSnapshot();
        for (var i = 0; i < 4; i++) story.ThenAgainNothing();

        Assert.Equal((1, 0, 2), (story.View().Paid, story.View().Held, story.View().SeatsLeft));
        Assert.Equal([new GroupMember(Member(1), Paid: true)], story.View().Members);
    }

    [Fact]
    public void A_payment_may_be_told_before_the_order_is_said_to_be_open()
    {
        var story = Founded().When(Join(2));
        story.WhenSettled("claim-units", story.Admitted()).When(Pay(2)).Then(new SeatPaid(OrderOf(2), 7_900, Start));

        Assert.Empty(story.Debts);
        Assert.Same(Done.Instance, story.Answer(Join(2)).Value);
    }

    [Fact]
    public void Money_for_an_order_without_a_seat_changes_nothing() => Founded().When(Pay(9)).ThenNothing();

    [Fact]
    [Trait("EdgeCase", "17")]
    public void The_last_payment_completes_the_room_in_the_same_decision()
    {
        var story = Founded().WithPaid(1).WithHeld(2, 3).When(Pay(3)).Then(new SeatPaid(OrderOf(3), 7_900, Start));
        story.When(Pay(2)).Then(new SeatPaid(OrderOf(2), 7_900, Start), new GroupRoomCompleted(7_900, 0, Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal((GroupRoomStatus.Completed, 3, 0, 0), (story.View().State, story.View().Paid, story.View().Held, story.View().SeatsLeft));
        Assert.Null(story.Deadline);
        Assert.Equal(["confirm-group 1", "confirm-group 2", "confirm-group 3"], story.Owed());
        Assert.Equal(new Owed(OrderOf(2).In(Demo), new ConfirmGroup(Money.Zero)), story.MessageAbout("confirm-group", 2));
    }

    [Fact]
    public void The_campaign_hears_of_the_end_when_everybody_else_has()
    {
        var story = Completed().Settled("confirm-group", 1).Settled("confirm-group", 3);
        Assert.Equal(["confirm-group 2"], story.Owed());
        Assert.Equal(["close campaign"], story.Settled("confirm-group", 2).Owed());

        var close = Assert.IsType<CloseParticipation>(story.Message("close").Command);
        Assert.Equal((story.Self.Key, true), (close.Participation, close.Used));
        Assert.Equal([OrderOf(1).Value, OrderOf(2).Value, OrderOf(3).Value], close.Sold!);
        story.WhenSettled("close", Done.Instance).Then(new GroupRoomClosed()).ThenSurvivesSnapshot();
        Assert.Empty(story.Debts);
        Assert.True(story.State.IsClosed);
    }

    [Fact]
    public void The_last_step_of_the_ladder_completes_the_room_and_everybody_pays_its_price()
    {
        var story = Founded(Ladder with { LeaderPriceFen = 5_000, PerUserLimit = 9 }, quantity: 2).When(Pay(1, 10_000)).WithPaid(2, 3, 4);
        story.When(Join(5, 3)).WhenSettled("claim-units", story.Admitted()).WhenSettled("place-order", Done.Instance)
            .When(Pay(5, 23_700)).Then(new SeatPaid(OrderOf(5), 23_700, Start), new GroupRoomCompleted(5_900, 0, Start));

        Assert.Equal(new ConfirmGroup(Money.Zero), story.MessageAbout("confirm-group", 1).Command);
        Assert.Equal(new ConfirmGroup(new(2_000)), story.MessageAbout("confirm-group", 2).Command);
        Assert.Equal(new ConfirmGroup(new(6_000)), story.MessageAbout("confirm-group", 5).Command);
        Assert.Equal(5_900, story.View().PriceFen);
    }

    [Fact]
    public void Who_paid_less_because_the_list_price_fell_gets_back_only_what_is_above_the_final_price()
    {
        var story = Founded(Ladder).When(Pay(1, 6_500)).WithPaid(2, 3, 4, 5);

        Assert.Equal(new ConfirmGroup(new(600)), story.MessageAbout("confirm-group", 1).Command);
        Assert.Equal(new ConfirmGroup(new(2_000)), story.MessageAbout("confirm-group", 2).Command);
    }

    // ---- deadline

    [Fact]
    public void A_wake_up_before_the_end_changes_nothing() => Founded().At(RoomEnd.AddTicks(-1)).When(Wake.Instance).ThenNothing();

    [Fact]
    public void A_wake_up_without_a_room_changes_nothing() => Story().When(Wake.Instance).ThenNothing();

    [Fact]
    [Trait("EdgeCase", "21")]
    public void A_room_that_is_not_full_in_time_fails_and_owes_each_order_its_end()
    {
        var story = Founded().WithPaid(1, 2).WithHeld(3).At(RoomEnd).When(Wake.Instance).Then(new GroupRoomFailed(RoomEnd)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal((GroupRoomStatus.Failed, 2, 0), (story.View().State, story.View().Paid, story.View().Held));
        Assert.Equal(["void-order 1", "void-order 2", "void-order 3"], story.Owed());
        Assert.Equal(new Owed(OrderOf(1).In(Demo), new VoidOrder(GroupBuyRules.NotFilled, story.Self)), story.MessageAbout("void-order", 1));
    }

    [Fact]
    public void A_failed_room_is_closed_when_every_order_is_gone_and_every_unit_is_back()
    {
        var story = Founded().WithPaid(1).WithHeld(2).At(RoomEnd).When(Wake.Instance);
        story.When(new OrderReleased(OrderOf(1))).Then(new SeatReleased(OrderOf(1), WasMember: false, Member(1), RoomEnd)).ThenAgainNothing();
        story.When(new OrderReleased(OrderOf(2))).Then(new SeatReleased(OrderOf(2), WasMember: false, Member(1), RoomEnd)).ThenAgainNothing();
        Assert.Equal(["return-units 1", "return-units 2"], story.Owed());
        Assert.Equal(1, story.View().Paid);

        story.Settled("return-units", 2).Settled("return-units", 1);
        var close = Assert.IsType<CloseParticipation>(story.Message("close").Command);
        Assert.Equal((story.Self.Key, false, null), (close.Participation, close.Used, close.Sold));
        Assert.Empty(story.WhenSettled("close", Done.Instance).Then(new GroupRoomClosed()).Debts);
    }

    [Fact]
    public void An_order_is_void_when_the_room_hears_that_it_is_released_and_not_before()
    {
        var story = Failed();
        Assert.Equal(["void-order 1", "void-order 2"], story.Owed());
        Assert.Equal(["void-order 1", "void-order 2"], story.Settled("void-order", 1).Owed());
        story.When(new OrderReleased(OrderOf(1)));
        Assert.Equal(["void-order 2", "return-units 1"], story.Owed());
        Assert.Equal(["void-order 2", "return-units 1"], story.WhenRefused("void-order", GrainRefusal.NotFound).ThenNothing().Owed());
    }

    [Fact]
    [Trait("EdgeCase", "19")]
    public void Money_at_the_instant_of_the_end_counts_if_it_is_decided_first_and_comes_back_if_not()
    {
        var story = Founded().WithPaid(1, 2).WithHeld(3).At(RoomEnd).When(Pay(3)).Then(new SeatPaid(OrderOf(3), 7_900, RoomEnd), new GroupRoomCompleted(7_900, 0, RoomEnd));
        story.When(Wake.Instance).ThenNothing();

        story = Founded().WithPaid(1, 2).WithHeld(3).At(RoomEnd).When(Wake.Instance).Then(new GroupRoomFailed(RoomEnd));
        story.When(Pay(3)).ThenNothing();
        Assert.Contains("void-order 3", story.Owed());
    }

    [Theory]
    [InlineData(2, null)]
    [InlineData(3, 7_900L)]
    [InlineData(4, 6_900L)]
    public void At_the_end_a_ladder_stands_at_the_step_that_was_reached(int paid, long? price)
    {
        var story = Founded(Ladder).WithPaid([.. Enumerable.Range(1, paid)]).At(RoomEnd).When(Wake.Instance);

        if (price is { } fen) story.Then(new GroupRoomCompleted(fen, 0, RoomEnd));
        else story.Then(new GroupRoomFailed(RoomEnd));
    }

    [Fact]
    public void Who_has_not_paid_when_a_ladder_ends_is_not_in_the_group()
    {
        var story = Founded(Ladder).WithPaid(1, 2, 3).WithHeld(4).When(Join(5)).At(RoomEnd).When(Wake.Instance).Then(new GroupRoomCompleted(7_900, 0, RoomEnd));

        Assert.Equal(["claim-units 5", "confirm-group 1", "confirm-group 2", "confirm-group 3", "void-order 4"], story.Owed());
        Assert.Equal("RoomClosed", story.Answer(Join(5)).Refusal!.Code);
        Assert.Same(Done.Instance, story.Answer(Join(4)).Value);
        story.Settled("claim-units", 5, story.Admitted());
        Assert.Contains("return-units 5", story.Owed());
        story.When(new OrderReleased(OrderOf(4))).ThenOne<SeatReleased>();
        foreach (var number in (int[])[1, 2, 3]) story.Settled("confirm-group", number);
        Assert.Equal(["return-units 5", "return-units 4"], story.Owed());
        Assert.Equal(["close campaign"], story.Settled("return-units", 4).Settled("return-units", 5).Owed());
    }

    [Fact]
    public void An_order_that_opens_after_the_end_is_voided_next()
    {
        var story = Founded().When(Join(2));
        story.WhenSettled("claim-units", story.Admitted()).At(RoomEnd).When(Wake.Instance);
        Assert.Equal(["place-order 2", "void-order 1", "void-order 2"], story.Owed());
        Assert.Equal("RoomClosed", story.Answer(Join(2)).Refusal!.Code);

        story.WhenSettled("place-order", Done.Instance).Then(new SeatHeld(OrderOf(2), RoomEnd));
        story.When(new OrderReleased(OrderOf(2))).ThenOne<SeatReleased>();
        Assert.Equal(["void-order 1", "return-units 2"], story.Owed());
    }

    [Fact]
    public void An_order_that_is_refused_after_the_end_needs_no_voiding()
    {
        var story = Founded().When(Join(2));
        story.WhenSettled("claim-units", story.Admitted()).At(RoomEnd).When(Wake.Instance).WhenRefused("place-order", StockRefusal.SoldOut).ThenOne<SeatRefused>();

        Assert.Equal(["void-order 1", "return-units 2"], story.Owed());
    }

    [Fact]
    public void A_claim_that_is_refused_after_the_end_leaves_nothing()
    {
        var story = Founded().When(Join(2)).At(RoomEnd).When(Wake.Instance).WhenRefused("claim-units", CampaignRefusal.SoldOut).ThenOne<SeatRefused>();

        Assert.Equal(["void-order 1"], story.Owed());
        Assert.Null(story.State.DepartingOf(OrderOf(2)));
    }

    [Theory]
    [Trait("EdgeCase", "25")]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    public void A_group_is_completed_short_of_members_only_from_its_threshold_on(int paid, bool completes)
    {
        var terms = Terms with { Size = 4, VirtualCompletion = new(2) };
        var story = Founded(terms).WithPaid([.. Enumerable.Range(1, paid)]).At(RoomEnd).When(Wake.Instance);

        if (!completes)
        {
            story.Then(new GroupRoomFailed(RoomEnd));
            return;
        }

        story.Then(new GroupRoomCompleted(7_900, 4 - paid, RoomEnd));
        Assert.Equal((paid, 4 - paid, paid), (story.View().Paid, story.View().VirtualMembers, story.View().Members.Count));
        Assert.Equal(paid, story.Debts.Count);
    }

    [Fact]
    [Trait("EdgeCase", "25")]
    public void A_group_that_counts_on_its_threshold_still_waits_for_its_deadline() =>
        Assert.Equal(GroupRoomStatus.Open, Founded(Terms with { VirtualCompletion = new(1) }).WithPaid(1, 2).View().State);

    // ---- leave

    [Fact]
    public void Nobody_leaves_a_room_that_is_not_there() => Story().When(new LeaveGroup(OrderOf(1))).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    [Trait("EdgeCase", "23")]
    public void A_leader_who_leaves_hands_the_room_to_who_paid_first_and_the_deadline_stays()
    {
        var story = Founded().WithPaid(1).WithHeld(2).WithPaid(3);
        story.At(Start.AddHours(1)).When(new LeaveGroup(OrderOf(1))).Then(new SeatLeft(OrderOf(1), Member(3), Start.AddHours(1))).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal((Member(3), 1, 1, 1, RoomEnd), (story.View().LeaderId, story.View().Paid, story.View().Held, story.View().SeatsLeft, story.View().EndsAt));
        Assert.Empty(story.Debts);
        story.When(Join(4)).ThenOne<SeatClaimed>();
        story.When(new OrderReleased(OrderOf(1))).Then(new SeatReleased(OrderOf(1), WasMember: false, Member(3), Start.AddHours(1)));
        Assert.Contains("return-units 1", story.Owed());
    }

    [Fact]
    [Trait("EdgeCase", "23")]
    public void Without_anybody_who_paid_the_room_goes_to_who_came_first() =>
        Founded().WithHeld(2, 3).When(new OrderReleased(OrderOf(1))).Then(new SeatReleased(OrderOf(1), WasMember: true, Member(2), Start));

    [Fact]
    [Trait("EdgeCase", "23")]
    public void The_last_one_to_leave_closes_the_room()
    {
        var story = Founded().WithPaid(1).When(new LeaveGroup(OrderOf(1))).Then(new SeatLeft(OrderOf(1), Member(1), Start), new GroupRoomCancelled(GroupBuyRules.Empty, Start)).ThenSurvivesSnapshot();

        Assert.Equal((GroupRoomStatus.Cancelled, 0), (story.View().State, story.View().Members.Count));
        story.When(new OrderReleased(OrderOf(1)));
        Assert.Equal(["close campaign"], story.Settled("return-units", 1).Owed());
    }

    [Fact]
    public void A_member_who_leaves_leaves_the_leader_where_it_was() => Founded().WithPaid(1, 2).When(new LeaveGroup(OrderOf(2))).Then(new SeatLeft(OrderOf(2), Member(1), Start));

    [Fact]
    public void Nobody_leaves_a_room_that_is_over()
    {
        Completed().When(new LeaveGroup(OrderOf(2))).ThenRefused(GroupBuyRefusal.RoomClosed);
        Failed().When(new LeaveGroup(OrderOf(1))).ThenRefused(GroupBuyRefusal.RoomClosed);
        Cancelled().When(new LeaveGroup(OrderOf(1))).ThenRefused(GroupBuyRefusal.RoomClosed);
        Founded().WithPaid(1).At(RoomEnd).When(new LeaveGroup(OrderOf(1))).ThenRefused(GroupBuyRefusal.RoomClosed);
        Founded().WithPaid(1).At(RoomEnd.AddTicks(-1)).When(new LeaveGroup(OrderOf(1))).ThenOne<SeatLeft>();
    }

    [Fact]
    public void Who_is_not_in_the_room_has_left_it_already() => Founded().When(new LeaveGroup(OrderOf(9))).ThenNothing();

    // ---- orders that come to nothing

    [Fact]
    public void An_order_of_a_room_that_is_not_there_is_not_found() => Story().When(new OrderReleased(OrderOf(1))).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    [Trait("EdgeCase", "18")]
    public void A_seat_whose_payment_never_came_is_free_again()
    {
        var story = Founded().WithPaid(1).WithHeld(2, 3).When(Join(4)).ThenRefused(GroupBuyRefusal.RoomFull);
        story.When(new OrderReleased(OrderOf(2))).Then(new SeatReleased(OrderOf(2), WasMember: true, Member(1), Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(["return-units 2"], story.Owed());
        Assert.Equal((1, 1, 1), (story.View().Paid, story.View().Held, story.View().SeatsLeft));
        story.When(Join(4)).ThenOne<SeatClaimed>();
    }

    [Fact]
    public void An_order_may_come_to_nothing_before_it_is_said_to_be_open()
    {
        var story = Founded().When(Join(2));
        story.WhenSettled("claim-units", story.Admitted()).When(new OrderReleased(OrderOf(2))).Then(new SeatReleased(OrderOf(2), WasMember: false, Member(1), Start));

        Assert.Equal(["return-units 2"], story.Owed());
        Assert.Same(Done.Instance, story.Answer(Join(2)).Value);
    }

    [Fact]
    public void A_room_that_loses_its_only_order_is_over() =>
        Founded().When(new OrderReleased(OrderOf(1))).Then(new SeatReleased(OrderOf(1), WasMember: true, Member(1), Start), new GroupRoomCancelled(GroupBuyRules.Empty, Start));

    [Fact]
    [Trait("EdgeCase", "24")]
    public void A_completed_room_stays_so_whatever_becomes_of_an_order()
    {
        var story = Completed().When(new OrderReleased(OrderOf(2))).ThenNothing();

        Assert.Equal((GroupRoomStatus.Completed, 3), (story.View().State, story.View().Paid));
    }

    [Fact]
    public void Orders_that_came_to_nothing_are_remembered_up_to_a_number()
    {
        var story = Founded().WithPaid(1);
        for (var i = 0; i <= GroupBuyRules.LostOrdersMax; i++)
        {
            var order = OrderId.Of(new Guid(1_000 + i, 0, 0x7000, 0x80, 1, 0, 0, 0, 0, 0, 0));
            story.When(new HoldSeat(order, Member(2), 1, false, 15)).WhenSettled("claim-units", story.Admitted()).WhenSettled("place-order", Done.Instance).When(new OrderReleased(order)).WhenSettled("return-units", Done.Instance);
        }

        Assert.Equal(GroupBuyRules.LostOrdersMax, story.State.LostOrders.Count);
        Assert.Empty(story.Debts);
    }

    // ---- the campaign

    [Fact]
    [Trait("EdgeCase", "28")]
    public void A_killed_campaign_cancels_the_room_and_its_orders()
    {
        var story = Founded().WithPaid(1).WithHeld(2).When(new CancelParticipation()).Then(new GroupRoomCancelled(GroupBuyRules.CampaignStopped, Start)).ThenAgainNothing();

        Assert.Equal(["void-order 1", "void-order 2"], story.Owed());
        Assert.Equal(new VoidOrder(GroupBuyRules.CampaignStopped, story.Self), story.MessageAbout("void-order", 1).Command);
    }

    [Fact]
    public void A_killed_campaign_leaves_what_is_over()
    {
        Completed().When(new CancelParticipation()).ThenNothing();
        Failed().When(new CancelParticipation()).ThenNothing();
    }

    [Fact]
    public void A_kill_waits_until_it_is_known_whether_there_is_a_room()
    {
        Story().When(Found()).When(new CancelParticipation()).ThenRefused(GrainRefusal.Busy);
        Story().When(new CancelParticipation()).ThenRefused(GrainRefusal.NotFound);
    }

    [Fact]
    public void A_pause_changes_nothing_in_the_room()
    {
        var story = Founded().When(new SetPaused(true)).ThenNothing();
        Assert.Same(Done.Instance, story.Answer().Value);
        story.When(Pay(1)).ThenOne<SeatPaid>();
    }

    // ---- late money

    [Fact]
    [Trait("EdgeCase", "18")]
    public void Late_money_gets_its_seat_back_if_one_is_free()
    {
        var story = Founded().WithPaid(1).WithHeld(2).When(new OrderReleased(OrderOf(2))).Settled("return-units", 2);
        story.When(Late(2)).Then(new SeatClaimed(TheCampaign, OrderOf(2), Member(2), 1, 0, Founds: false, IsLate: true, Start.AddTicks(2), Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);

        story.WhenSettled("claim-units", story.Admitted()).Then(new SeatGranted(OrderOf(2)), new SeatHeld(OrderOf(2), Start));
        Assert.Empty(story.Debts);
        Assert.Equal(new LatePaymentAnswer(null), story.Answer(Late(2)).Value);
        story.When(Late(2)).ThenNothing();
        story.When(Pay(2)).Then(new SeatPaid(OrderOf(2), 7_900, Start));
    }

    [Fact]
    public void Late_money_gets_its_seat_back_where_only_new_customers_join()
    {
        var story = Founded(Terms with { Audience = GroupAudience.NewCustomers }).WithPaid(1).WithHeld(2).When(new OrderReleased(OrderOf(2)));
        story.When(Late(2)).ThenOne<SeatClaimed>();
    }

    [Fact]
    public void A_seat_taken_for_late_money_is_free_again_if_the_stock_is_gone()
    {
        var story = Founded().WithPaid(1).When(Late(2));
        story.WhenSettled("claim-units", story.Admitted()).When(new OrderReleased(OrderOf(2))).ThenNothing();
        story.When(new OrderReleased(OrderOf(2), WasLate: true)).Then(new SeatReleased(OrderOf(2), WasMember: true, Member(1), Start));

        Assert.Equal(["return-units 2"], story.Owed());
        story.Settled("return-units", 2).When(Late(2)).ThenNothing();
    }

    [Fact]
    public void Late_money_that_finds_no_units_goes_back()
    {
        var story = Founded().WithPaid(1).When(Late(2)).WhenRefused("claim-units", CampaignRefusal.SoldOut).ThenOne<SeatRefused>();

        Assert.Equal("SoldOut", story.Answer(Late(2)).Refusal!.Code);
    }

    [Theory]
    [Trait("EdgeCase", "16")]
    [Trait("EdgeCase", "18")]
    [InlineData(LatePaymentPolicy.Refund)]
    [InlineData(LatePaymentPolicy.Reroute)]
    public void Late_money_without_a_seat_goes_back_or_on_as_the_campaign_says(LatePaymentPolicy policy)
    {
        var terms = Terms with { LatePayment = policy };
        AssertNoSeat(Founded(terms).WithHeld(2, 3).When(Late(9)), GroupBuyRefusal.RoomFull);
        AssertNoSeat(Founded(terms).WithHeld(2).When(Late(9) with { Buyer = Member(2) }), GroupBuyRefusal.RoomFull);
        AssertNoSeat(Founded(terms with { Audience = GroupAudience.NewCustomers }).When(Late(9)), GroupBuyRefusal.RoomFull);
        AssertNoSeat(Completed(terms).When(Late(9)), GroupBuyRefusal.RoomClosed);
        AssertNoSeat(Failed(terms).When(Late(9)), GroupBuyRefusal.RoomClosed);

        void AssertNoSeat(Story<GroupRoomState, GroupRoomEvent> story, GroupBuyRefusal refusal)
        {
            Assert.Null(story.State.SeatOf(OrderOf(9)));
            var answer = story.Answer();
            if (policy == LatePaymentPolicy.Refund) Assert.Equal(refusal.ToString(), answer.Refusal!.Code);
            else Assert.Equal(new LatePaymentAnswer(TheCampaign.In(Demo)), answer.Value);
        }
    }

    [Fact]
    public void Late_money_of_who_was_a_member_is_taken_whatever_the_audience() =>
        Founded(Terms with { Audience = GroupAudience.NewCustomers }).WithPaid(1).WithHeld(2).When(new OrderReleased(OrderOf(2))).Settled("return-units", 2).When(Late(2)).ThenOne<SeatClaimed>();

    [Fact]
    public void A_room_takes_no_late_money_from_its_end_on() => Founded().At(RoomEnd).When(Late(9)).ThenNothing();

    [Fact]
    public void Late_money_that_no_room_has_a_seat_for_founds_one()
    {
        var story = Story().When(Late(1)).Then(new SeatClaimed(TheCampaign, OrderOf(1), Member(1), 1, 0, Founds: true, IsLate: true, Start, Start)).ThenAgainNothing();
        story.WhenSettled("claim-units", story.Admitted());

        Assert.Equal(new LatePaymentAnswer(null), story.Answer(Late(1)).Value);
        Assert.Equal((Member(1), GroupRoomStatus.Open, 1), (story.View().LeaderId, story.View().State, story.View().Held));
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void Late_money_that_may_not_found_a_room_goes_back()
    {
        Assert.Equal("PurchaseLimit", Story().When(Late(1)).WhenRefused("claim-units", CampaignRefusal.PurchaseLimit).Answer(Late(1)).Refusal!.Code);
        Assert.Equal("NotFound", Story().When(Late(1) with { Purpose = null }).ThenNothing().Answer().Refusal!.Code);
        Story().When(Found()).When(Late(2)).ThenRefused(GrainRefusal.Busy);
    }

    [Fact]
    public void Late_money_is_sent_on_only_when_its_units_are_back()
    {
        var story = Founded(Terms with { LatePayment = LatePaymentPolicy.Reroute }).WithPaid(1).WithHeld(2).When(new OrderReleased(OrderOf(2))).At(RoomEnd).When(Wake.Instance).When(Late(2)).ThenNothing();
        Assert.True(story.Answer().IsLater);
        Assert.IsType<LatePaymentAnswer>(story.Settled("return-units", 2).Answer(Late(2)).Value);
    }

    [Fact]
    public void Late_money_whose_room_ended_before_it_heard_of_its_seat_hears_of_it_and_is_voided()
    {
        var story = Founded(Terms with { LatePayment = LatePaymentPolicy.Reroute }).WithPaid(1).When(Late(2));
        story.WhenSettled("claim-units", story.Admitted()).At(RoomEnd).When(Wake.Instance);
        Assert.Contains("void-order 2", story.Owed());

        Assert.Equal(new LatePaymentAnswer(null), story.When(Late(2)).ThenNothing().Answer().Value);
        Assert.Contains("void-order 2", story.Owed());
    }

    [Fact]
    public void Late_money_whose_room_ended_while_it_asked_for_units_waits_for_the_answer()
    {
        var story = Founded(Terms with { LatePayment = LatePaymentPolicy.Reroute }).WithPaid(1).When(Late(2)).At(RoomEnd).When(Wake.Instance).When(Late(2)).ThenNothing();
        Assert.True(story.Answer().IsLater);
        story.Settled("claim-units", 2, story.Admitted());
        Assert.True(story.Answer(Late(2)).IsLater);
        Assert.IsType<LatePaymentAnswer>(story.Settled("return-units", 2).Answer(Late(2)).Value);
    }

    // ---- copies that come late

    [Fact]
    public void Late_money_that_found_no_seat_gets_none_by_a_copy_when_one_is_free()
    {
        var story = Founded().WithHeld(2, 3).When(Late(9)).Then(new LateSeatRefused(OrderOf(9), Start)).ThenSurvivesSnapshot();
        story.When(new OrderReleased(OrderOf(3))).When(Late(9)).ThenNothing();
    }

    [Fact]
    public void A_copy_of_the_release_before_late_money_does_not_end_the_seat_that_it_got()
    {
        var story = Founded().WithPaid(1).WithHeld(2).When(new OrderReleased(OrderOf(2))).Settled("return-units", 2).When(Late(2));
        story.WhenSettled("claim-units", story.Admitted()).When(new OrderReleased(OrderOf(2))).ThenNothing();
        story.When(Pay(2)).ThenOne<SeatPaid>().When(new OrderReleased(OrderOf(2))).ThenNothing();
    }

    [Fact]
    public void Units_that_go_back_are_those_of_the_claim_that_is_over()
    {
        var story = Founded().WithPaid(1).WithHeld(2).When(new OrderReleased(OrderOf(2)));
        var claimed = ((ReturnUnits)story.Message("return-units").Command).AskedAt;
        story.Settled("return-units", 2).When(Late(2));
        Assert.True(Assert.IsType<ClaimUnits>(story.Message("claim-units").Command).AskedAt > claimed);
        Assert.Empty(story.State.Returning);
    }

    [Fact]
    public void A_room_that_its_campaign_refused_to_late_money_is_not_founded_again_by_a_copy()
    {
        var story = Story().When(Late(1)).WhenRefused("claim-units", CampaignRefusal.SoldOut).ThenSurvivesSnapshot();
        Assert.False(new GroupBuyGrain().Forgotten(story.State));
        story.When(Late(1)).ThenNothing();
    }
}
