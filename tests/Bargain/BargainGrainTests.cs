using System.Text.Json;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using static Campaigns.Tests.Bargain.BargainCast;

namespace Campaigns.Tests.Bargain;

public class BargainGrainTests
{
    [Fact]
    public void Unknown_bargain_answers_not_found()
    {
        foreach (var question in new object[] { new GetBargain(), new GetProof(), new CheckAssist(Somebody(101), null) })
        {
            var story = Story().When(question).ThenNothing();
            Assert.Equal("NotFound", story.Answer().Refusal!.Code);
        }
    }

    [Fact]
    public void Check_says_what_an_assist_would_be_told_and_writes_nothing()
    {
        var story = Running().When(Assist(101, "d")).When(Assist(102, "d")).When(Assist(103, "d"));

        Assert.Equal(new AssistCheck(new AssistResult(500, 1, 9_400, 3_500, 7, BargainStatus.Running)), Check(101, "d").Value);
        Assert.Equal(new AssistCheck(null), Check(104, null).Value);
        Assert.Equal("DeviceLimitReached", Check(104, "d").Refusal!.Code);
        Assert.Equal("SelfAssistNotAllowed", Check(1, "d").Refusal!.Code);
        story.At(Start.AddHours(24));
        Assert.Equal("BargainNotRunning", Check(104, "d").Refusal!.Code);
        story.When(new SetPaused(true));
        Assert.Equal("CampaignPaused", Check(104, "d").Refusal!.Code);
        Assert.IsType<AssistCheck>(Check(101, "d").Value);

        Answer Check(int helper, string? device) => story.When(new CheckAssist(Somebody(helper), device)).ThenNothing().Answer();
    }

    [Fact]
    public void Check_lets_the_last_helper_wait_and_tells_sold_out_afterwards()
    {
        var story = Succeeded(AtSuccess);
        Assert.Equal(new AssistCheck(null), story.Answer(new CheckAssist(Somebody(108), null)).Value);
        Assert.Equal("BargainNotRunning", story.Answer(new CheckAssist(Somebody(109), null)).Refusal!.Code);

        story.WhenRefused("claim-place", CampaignRefusal.SoldOut);
        Assert.Equal("SoldOut", story.Answer(new CheckAssist(Somebody(108), null)).Refusal!.Code);
        Assert.Equal("BargainNotRunning", story.Answer(new CheckAssist(Somebody(109), null)).Refusal!.Code);
    }

    [Fact]
    public void View_shows_price_and_slots_exactly()
    {
        var view = Helped(2, Terms with { Curve = CutCurve.FrontLoaded, MinCutFen = 10 }).View();

        Assert.Equal((TheCampaign, Owner, BargainStatus.Running), (view.CampaignId, view.OwnerId, view.State));
        Assert.Equal((9_900L, 5_900L, 8_245L, 2_345L, 8, 6), (view.ListPriceFen, view.FloorFen, view.PriceFen, view.LeftFen, view.Slots, view.SlotsLeft));
        Assert.Equal([new BargainHelper(Somebody(101), 1, 1, 882, Start), new BargainHelper(Somebody(102), 2, 1, 773, Start)], view.Helpers);
        Assert.Equal((Start, Start.AddHours(24), null, Start), (view.StartedAt, view.EndsAt, view.PayBefore, view.ServerTime));
    }

    [Fact]
    public void View_that_was_given_out_does_not_change_with_the_bargain()
    {
        var story = Helped(2);
        var view = story.View();
        story.When(Assist(900));

        Assert.Equal(2, view.Helpers.Count);
    }

    [Fact]
    public void Plan_is_committed_at_launch_and_revealed_at_success()
    {
        var story = Helped(7, Terms with { Curve = CutCurve.Random, NewUserWeight = 3 });
        var committed = story.Proof();
        Assert.Equal(story.View().Commitment, committed.Commitment);
        Assert.Equal(("v1", null, null, null), (committed.Version, committed.Seed, committed.Slots, committed.HelperSlots));
        Assert.False(BargainPlan.Verify(committed, out _));

        var revealed = story.When(Assist(108, isNew: true)).Proof();

        Assert.Equal((committed.Commitment, committed.Parameters), (revealed.Commitment, revealed.Parameters));
        Assert.True(BargainPlan.Verify(revealed, out var problem), problem);
        Assert.Equal(new HelperSlots(Somebody(108), 8, 1), revealed.HelperSlots![^1]);
    }

    [Fact]
    public void Plan_is_revealed_at_an_end_without_success()
    {
        Assert.NotNull(Helped(2).When(new CancelParticipation()).Proof().Seed);
        Assert.NotNull(Helped(2).At(Start.AddDays(1)).When(Wake.Instance).Proof().Seed);
        Assert.NotNull(Succeeded(AtSuccess).WhenRefused("claim-place", CampaignRefusal.SoldOut).Proof().Seed);
    }

    [Fact]
    public void Plan_is_not_revealed_while_the_bargain_may_still_run_on()
    {
        Assert.Null(Succeeded(AtSuccess).Proof().Seed);
        var story = Helped(3, AnyPrice).When(Buy());
        Assert.Null(story.Proof().Seed);
        Assert.NotNull(story.When(new OrderPaid(OrderNo(1))).Proof().Seed);
    }

    [Fact]
    public void Viewers_are_told_of_each_turn()
    {
        var grain = new BargainGrain();
        var story = Helped(3);

        var cut = grain.Live(story.State, story.State.Cuts[^1]);
        Assert.Equal(("cut", new BargainCut(Somebody(103), 3, 1, 500, 8_400, 2_500, 5, Start)), (cut!.Value.Name, (BargainCut)cut.Value.Data));
        Assert.Null(grain.Live(story.State, new BargainPaused()));
        Assert.Null(grain.Live(story.State, new LastAssistHeld(story.State.Cuts[^1])));
        AssertView("succeeded", new BargainSucceeded(Start, Start));
        AssertView("ordered", new BargainOrdered(OrderNo(1), 1, 1, 1, Start));
        AssertView("paid", new BargainPaid(OrderNo(1), Start));
        AssertView("expired", new BargainExpired(Start));
        AssertView("cancelled", new BargainCancelled(Start));
        AssertView("lapsed", new BargainLapsed(Start));
        AssertView("soldOut", new BargainSoldOut(Start));
        AssertView("released", new BargainOrderReleased(OrderNo(1), BargainStatus.Succeeded, Start));
        AssertView("released", new BargainOrderRefused(OrderNo(1), Refusal.Of(GrainRefusal.NotFound), BargainStatus.Succeeded, Start));

        void AssertView(string name, BargainEvent @event)
        {
            var live = grain.Live(story.State, @event);
            Assert.Equal(name, live!.Value.Name);
            Assert.Equal(Start, Assert.IsType<BargainView>(live.Value.Data).ServerTime);
        }
    }

    [Fact]
    public void Bargain_is_stored_under_the_kind_it_is_addressed_by()
    {
        var self = Story().Self;

        Assert.Equal(self, BargainId.Of(self.Key).In(self.Shop));
    }

    [Fact]
    public void Only_the_start_draws()
    {
        var grain = new BargainGrain();

        Assert.True(grain.Draws(StartWith(Terms)));
        Assert.False(grain.Draws(Assist(101)));
    }

    [Fact]
    public void Late_receipt_of_a_debt_that_is_settled_changes_nothing()
    {
        var story = Succeeded().When(Buy()).When(new OrderPaid(OrderNo(1)));

        Assert.Empty(story.Settle(new Debt("place-order", OrderNo(1).Value), new Receipt(Done.Instance, null)).Events.ToArray());
    }

    [Fact]
    public void Enumerations_are_spelled_as_in_the_interface()
    {
        var json = JsonSerializer.Serialize(AtSuccess with { Curve = CutCurve.FrontLoaded }, typeof(BargainTerms), BargainJson.Default);

        Assert.Contains("\"curve\":\"front-loaded\"", json, StringComparison.Ordinal);
        Assert.Contains("\"reservation\":\"at-success\"", json, StringComparison.Ordinal);
    }

    /// <summary>A field that is added to the terms later is missing in every older journal.</summary>
    [Fact]
    public void Terms_without_a_field_have_its_default()
    {
        var terms = (BargainTerms)JsonSerializer.Deserialize("""{"quota":1,"floorFen":0,"assistsNeeded":3,"ttlMinutes":60}""", typeof(BargainTerms), BargainJson.Default)!;

        Assert.Equal(new BargainTerms { Quota = 1, FloorFen = 0, AssistsNeeded = 3, TtlMinutes = 60 }, terms);
    }
}
