using Campaigns.Grains.Campaign;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Tests.Bargain;
using Campaigns.Tests.GroupBuy;
using Campaigns.Tests.Kit;
using static Campaigns.Tests.Campaign.CampaignCast;

namespace Campaigns.Tests.Campaign;

/// <summary>Where a campaign's units are claimed by orders: the quota, the limit of one shopper, and where late money may go.</summary>
public sealed class UnitsTests
{
    private static readonly GroupBuyTerms Few = GroupBuyCast.Terms with { Quota = 3, PerUserLimit = 2 };

    [Fact]
    public void A_claim_lets_its_participation_in_and_is_answered_with_the_plan()
    {
        var story = Group().When(Units(1)).Then(new UnitsClaimed(Id(1), Id(101), BargainCast.Somebody(1), 1, Admits: true, Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        var admission = Assert.IsType<Admission>(story.Answer().Value);
        Assert.Equal((Id(101), Few), (admission.Id, (GroupBuyTerms)admission.Plan.Terms));
        story.When(Units(2)).Then(new UnitsClaimed(Id(2), Id(101), BargainCast.Somebody(2), 1, Admits: false, Start));
        Assert.Equal(1, story.View().Quota.Left);
    }

    [Fact]
    public void Where_units_are_not_claimed_nobody_finds_any() => Running().When(Units(1)).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    public void A_check_says_what_a_claim_would_be_told_and_writes_nothing()
    {
        var story = Group().When(Units(1, units: 2));

        Assert.IsType<CampaignView>(Check(Units(1, units: 2)).Value);
        Assert.IsType<CampaignView>(Check(Units(2)).Value);
        Assert.Equal("SoldOut", Check(Units(2, units: 2)).Refusal!.Code);
        Assert.Equal("PurchaseLimit", Check(Units(2, shopper: 1)).Refusal!.Code);
        Assert.Equal("NotFound", Story().When(new CheckUnits(Units(1))).ThenNothing().Answer().Refusal!.Code);

        Answer Check(ClaimUnits claim) => story.When(new CheckUnits(claim)).ThenNothing().Answer();
    }

    [Fact]
    public void An_order_claims_for_one_participation_at_a_time()
    {
        var story = Group().When(Units(1)).When(Units(1, room: 102)).ThenRefused(GrainRefusal.Busy);
        story.When(new ReturnUnits(Id(1), Id(101))).Then(new UnitsReturned(Id(1), 1)).ThenAgainNothing();
        story.When(Units(1, room: 102)).ThenOne<UnitsClaimed>(e => Assert.True(e.Admits));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10_001)]
    public void A_claim_has_its_bounds(int units) => Group().When(Units(1, units: units)).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    [Trait("EdgeCase", "30")]
    public void A_shopper_claims_up_to_the_limit_over_all_rooms_and_gets_it_back_with_the_units()
    {
        var story = Group().When(Units(1)).When(Units(2, room: 102, shopper: 1)).ThenOne<UnitsClaimed>();
        story.When(Units(3, room: 103, shopper: 1)).ThenRefused(CampaignRefusal.PurchaseLimit, r => Assert.Equal(2, r.Limit));
        story.When(new ReturnUnits(Id(2), Id(102))).When(Units(3, room: 103, shopper: 1)).ThenOne<UnitsClaimed>();
    }

    [Fact]
    public void Units_end_with_the_quota()
    {
        var story = Group().When(Units(1, units: 2)).When(Units(2, units: 2)).ThenRefused(CampaignRefusal.SoldOut);
        story.When(Units(2)).ThenOne<UnitsClaimed>();
        story.When(Units(3)).ThenRefused(CampaignRefusal.SoldOut);
    }

    [Fact]
    public void A_campaign_that_is_not_open_gives_no_units()
    {
        Group().When(Pause()).When(Units(1)).ThenRefused(CampaignRefusal.CampaignPaused);
        Group().When(Kill()).When(Units(1)).ThenRefused(CampaignRefusal.CampaignKilled);
        Group().At(End).When(Units(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Group().When(Units(1)).When(Close(101)).When(Units(2)).ThenRefused(GrainRefusal.WrongState);
    }

    [Fact]
    public void What_a_participation_sold_stays_sold()
    {
        var story = Group().When(Units(1)).When(Units(2)).When(new CloseParticipation(Id(101), Used: true, [Id(1)])).ThenOne<ParticipationClosed>();

        Assert.Equal((1, 1), (story.State.Sold, story.State.Held));
        story.When(new ReturnUnits(Id(1), Id(101))).ThenNothing();
    }

    [Fact]
    public void Late_money_goes_to_rooms_that_run_and_were_not_tried_and_then_to_one_of_its_own()
    {
        var story = Group().When(Units(1)).When(Units(2, room: 102)).When(Close(101));

        Assert.Equal(GroupRoomId.Of(Id(102)).In(story.Self.Shop), Route(Id(200)));
        var own = Route(Id(200), Id(102));
        Assert.Equal(own, Route(Id(200), Id(201), Id(202)));
        Assert.DoesNotContain(own.Key, story.State.Participations.Keys);

        GrainId Route(params Guid[] tried) => Assert.IsType<LatePaymentRoute>(story.When(new RouteLatePayment(OrderId.Of(Id(9)), tried)).ThenNothing().Answer().Value).Source;
    }

    // ---- copies that come late

    [Fact]
    public void A_copy_of_a_claim_that_is_over_claims_nothing_and_the_room_may_ask_again()
    {
        var claim = Units(1) with { AskedAt = Start };
        var story = Group().When(claim).ThenOne<UnitsClaimed>().When(new ReturnUnits(Id(1), Id(101), Start)).ThenOne<UnitsReturned>().ThenSurvivesSnapshot();
        Assert.Equal("WrongState", story.When(claim).ThenNothing().Answer().Refusal!.Code);
        story.When(claim with { AskedAt = Start.AddTicks(1) }).ThenOne<UnitsClaimed>();
    }

    [Fact]
    public void A_copy_of_a_claim_whose_units_are_sold_claims_nothing()
    {
        var claim = Units(1) with { AskedAt = Start };
        Group().When(claim).When(new CloseParticipation(Id(101), Used: true, [Id(1)])).When(claim).ThenNothing();
    }

    [Fact]
    public void A_copy_of_a_return_leaves_a_newer_claim_and_that_of_another_room()
    {
        var story = Group().When(Units(1) with { AskedAt = Start.AddTicks(1) });
        story.When(new ReturnUnits(Id(1), Id(101), Start)).ThenNothing().When(new ReturnUnits(Id(1), Id(102), Start.AddTicks(1))).ThenNothing();
    }

    [Fact]
    public void A_claim_that_was_refused_stays_so_when_there_are_units_again()
    {
        var claim = Units(3, room: 103, shopper: 1) with { AskedAt = Start };
        var story = Group().When(Units(1)).When(Units(2, room: 102, shopper: 1)).When(claim).ThenOne<ClaimRefused>().ThenSurvivesSnapshot();
        Assert.Equal("PurchaseLimit", story.Answer().Refusal!.Code);

        story.When(new ReturnUnits(Id(2), Id(102))).When(claim).ThenNothing();
        Assert.Equal("PurchaseLimit", story.Answer().Refusal!.Code);
    }

    private static Story<CampaignState, CampaignEvent> Group() =>
        Drafted(new("拼团", Start, End, BargainCast.Sku, Few)).When(Publish()).WhenReserved();

    private static ClaimUnits Units(int order, int room = 101, int? shopper = null, int units = 1) => new(Id(order), Id(room), BargainCast.Somebody(shopper ?? order), units);
}
