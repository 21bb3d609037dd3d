using System.Text.Json;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using static Campaigns.Tests.GroupBuy.GroupBuyCast;

namespace Campaigns.Tests.GroupBuy;

public class GroupBuyGrainTests
{
    [Fact]
    public void An_unknown_room_answers_not_found()
    {
        foreach (var question in new object[] { new GetGroupRoom(), new SetPaused(true) }) Assert.Equal("NotFound", Story().When(question).ThenNothing().Answer().Refusal!.Code);
    }

    [Fact]
    public void A_check_says_what_a_seat_would_be_told_and_writes_nothing()
    {
        Assert.Equal(new SeatCheck(TheCampaign, IsKnown: false), Story().When(new CheckSeat(Found())).ThenNothing().Answer().Value);
        Assert.Equal("NotFound", Story().When(new CheckSeat(Join(2))).ThenNothing().Answer().Refusal!.Code);

        var story = Founded().WithHeld(2);
        Assert.Equal(new SeatCheck(TheCampaign, IsKnown: false), story.Answer(new CheckSeat(Join(3))).Value);
        Assert.Equal(new SeatCheck(TheCampaign, IsKnown: true), story.Answer(new CheckSeat(Join(2))).Value);
        Assert.Equal("AlreadyMember", story.Answer(new CheckSeat(Join(3) with { Shopper = Member(2) })).Refusal!.Code);
        story.WithHeld(3);
        Assert.Equal("RoomFull", story.Answer(new CheckSeat(Join(4))).Refusal!.Code);
        story.At(RoomEnd);
        Assert.Equal("RoomClosed", story.Answer(new CheckSeat(Join(4))).Refusal!.Code);
    }

    [Fact]
    public void The_view_counts_members_by_whether_they_have_paid()
    {
        var view = Founded(Ladder).WithPaid(1, 2, 3, 4).WithHeld(5).View();

        Assert.Equal((TheCampaign, Member(1), GroupRoomStatus.Open, Sku), (view.CampaignId, view.LeaderId, view.State, view.Sku));
        Assert.Equal((3, 5, 4, 1, 0), (view.Size, view.Capacity, view.Paid, view.Held, view.SeatsLeft));
        Assert.Equal([new(Member(1), true), new(Member(2), true), new(Member(3), true), new(Member(4), true), new GroupMember(Member(5), false)], view.Members);
        Assert.Equal((9_900L, 6_900L, 0), (view.ListPriceFen, view.PriceFen, view.VirtualMembers));
        Assert.Equal([new(4, 6_900), new LadderStep(5, 5_900)], view.Ladder!);
        Assert.Equal((Start, RoomEnd, Start), (view.StartedAt, view.EndsAt, view.ServerTime));
    }

    [Fact]
    public void A_seat_is_seen_when_its_order_is_open()
    {
        var story = Founded().When(Join(2));
        Assert.Equal((1, 1, 1), (story.View().Held, story.View().Members.Count, story.View().SeatsLeft));
        story.WhenSettled("claim-units", story.Admitted());
        Assert.Equal((1, 1, 1), (story.View().Held, story.View().Members.Count, story.View().SeatsLeft));
    }

    [Fact]
    public void Viewers_are_told_of_each_turn()
    {
        var grain = new GroupBuyGrain();
        var story = Founded().WithHeld(2);
        AssertView("joined", new SeatHeld(OrderOf(2), Start));
        AssertView("paid", new SeatPaid(OrderOf(2), 1, Start));
        AssertView("left", new SeatLeft(OrderOf(2), Member(1), Start));
        AssertView("left", new SeatReleased(OrderOf(2), WasMember: true, Member(1), Start));
        AssertView("completed", new GroupRoomCompleted(1, 0, Start));
        AssertView("failed", new GroupRoomFailed(Start));
        AssertView("cancelled", new GroupRoomCancelled("x", Start));
        Assert.Null(grain.Live(story.State, new SeatReleased(OrderOf(2), WasMember: false, Member(1), Start)));
        Assert.Null(grain.Live(story.State, new SeatHeld(OrderOf(9), Start)));
        Assert.Null(grain.Live(story.State, new SeatGranted(OrderOf(2))));

        void AssertView(string name, GroupRoomEvent @event)
        {
            var live = grain.Live(story.State, @event);
            Assert.Equal(name, live!.Value.Name);
            Assert.Equal(Start, Assert.IsType<GroupRoomView>(live.Value.Data).ServerTime);
        }
    }

    [Fact]
    public void A_room_is_stored_under_the_kind_it_is_addressed_by()
    {
        var self = Story().Self;

        Assert.Equal(self, GroupRoomId.Of(self.Key).In(self.Shop));
    }

    [Fact]
    public void A_late_receipt_of_a_debt_that_is_settled_changes_nothing()
    {
        var story = Founded().When(Pay(1));

        Assert.Empty(story.Settle(new("place-order", OrderOf(1).Value), new(Done.Instance, null)).Events.ToArray());
    }

    [Fact]
    public void A_no_that_no_rule_gives_is_asked_again()
    {
        var story = Founded().WithPaid(1).When(new LeaveGroup(OrderOf(1))).When(new OrderReleased(OrderOf(1))).WhenRefused("return-units", GrainRefusal.NotFound).ThenNothing();
        Assert.Equal(["return-units 1"], story.Owed());
    }

    [Fact]
    public void Enumerations_are_spelled_as_in_the_interface()
    {
        var json = JsonSerializer.Serialize(Terms with { Audience = GroupAudience.NewCustomers, LatePayment = LatePaymentPolicy.Reroute }, typeof(GroupBuyTerms), GroupBuyJson.Default);

        Assert.Contains("\"audience\":\"new-customers\"", json, StringComparison.Ordinal);
        Assert.Contains("\"latePayment\":\"reroute\"", json, StringComparison.Ordinal);
    }

    /// <summary>A field that is added to the terms later is missing in every older journal.</summary>
    [Fact]
    public void Terms_without_a_field_have_its_default()
    {
        var terms = (GroupBuyTerms)JsonSerializer.Deserialize("""{"quota":100,"groupPriceFen":7900,"size":3,"ttlMinutes":1440}""", typeof(GroupBuyTerms), GroupBuyJson.Default)!;

        Assert.Equal(Terms, terms);
        Assert.Equal((1, GroupAudience.Anyone, LatePaymentPolicy.Refund), (terms.PerUserLimit, terms.Audience, terms.LatePayment));
    }

    [Fact]
    public void What_orders_ask_their_source_is_answered_for_each_seat()
    {
        IOrderSource source = Founded().WithPaid(1).WithHeld(2).When(Join(3)).State;

        Assert.True(source.Stands(OrderOf(1)) && source.Stands(OrderOf(2)) && source.Stands(OrderOf(3)));
        Assert.False(source.Stands(OrderOf(9)));
        Assert.True(source.KnowsPaid(OrderOf(1)) && source.KnowsPaid(OrderOf(9)));
        Assert.False(source.KnowsPaid(OrderOf(2)));
        Assert.False(source.KnowsLost(OrderOf(1)));
        Assert.True(source.KnowsLost(OrderOf(9)));
    }
}
