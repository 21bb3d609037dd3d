using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Shopper;

public class ShopperRulesTests
{
    private static readonly DateTimeOffset Start = Story<ShopperState, ShopperEvent>.Start;
    private static readonly DateTimeOffset Midnight = new(2026, 11, 21, 0, 0, 0, TimeSpan.FromHours(8));
    private static readonly ShopId Shop = new("demo");
    private static readonly AssistPolicy Policy = new(3, 0, "Asia/Shanghai");
    private static readonly AssistResult Cut = new(500, 1, 9_400, 3_500, 7, BargainStatus.Running);

    // ---- register, block, first order

    [Fact]
    public void First_sign_in_registers_once()
    {
        var story = Story().When(new RegisterShopper("wx-1")).Then(new ShopperRegistered("wx-1", Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new Payer("wx-1"), story.Answer(new GetPayer()).Value);
        Assert.Equal(new ShopperView(ShopperId.Of(story.Self.Key), 3, Midnight, true, false), story.Answer(new GetShopper(Policy)).Value);
    }

    [Fact]
    public void Unknown_shopper_is_not_found()
    {
        foreach (var command in new object[] { Pledge(1), Launch(1), new NotePaidOrder(), new BlockShopper(Start, "x") }) Story().When(command).ThenRefused(GrainRefusal.NotFound);
        foreach (var question in new object[] { new GetShopper(Policy), new GetPayer() }) Assert.Equal("NotFound", Story().When(question).ThenNothing().Answer().Refusal!.Code);
    }

    [Fact]
    public void Block_is_noted_once_and_the_past_lifts_it()
    {
        Known().When(new BlockShopper(Start.AddDays(1), new string('x', 501))).ThenRefused(GrainRefusal.Invalid);
        Known().When(new BlockShopper(Start.AddDays(1), new string('x', 500))).ThenOne<ShopperBlocked>();
        var story = Known().When(new BlockShopper(Start.AddDays(1), "fake")).Then(new ShopperBlocked(Start.AddDays(1), "fake", Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        story.When(Pledge(1)).ThenRefused(ShopperRefusal.HelperBlocked);
        story.At(Start.AddDays(1)).When(Pledge(1)).ThenOne<AssistPledged>();
        story.At(Start).When(new BlockShopper(Start.AddDays(-1), "sorry")).When(Pledge(2)).ThenOne<AssistPledged>();
    }

    [Fact]
    public void First_paid_order_makes_an_old_customer()
    {
        var story = Known().When(new NotePaidOrder()).Then(new ShopperBought(Start)).ThenAgainNothing();

        Assert.False(Assert.IsType<ShopperView>(story.Answer(new GetShopper(Policy)).Value).IsNew);
        story.When(Pledge(1)).ThenOne<AssistPledged>(e => Assert.False(e.IsNew));
    }

    [Fact]
    public void Customer_is_new_for_thirty_days()
    {
        Known().At(Start.AddDays(30).AddTicks(-1)).When(Pledge(1)).ThenOne<AssistPledged>(e => Assert.True(e.IsNew));
        Known().At(Start.AddDays(30)).When(Pledge(1)).ThenOne<AssistPledged>(e => Assert.False(e.IsNew));
    }

    // ---- pledge: one row per guard, in source order

    [Fact]
    public void Pledge_takes_an_assist_of_the_day_and_owes_the_cut()
    {
        var story = Known().When(Pledge(1, device: "d")).Then(new AssistPledged(Bargain(1), true, "d", new DateOnly(2026, 11, 20), Start)).ThenSurvivesSnapshot();

        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Owed(Bargain(1).In(Shop), new ApplyAssist(ShopperId.Of(story.Self.Key), true, "d", Start)), story.Message("apply-assist"));
        story.WhenSettled("apply-assist", Cut).Then(new AssistSettled(Bargain(1), Cut)).ThenSurvivesSnapshot();
        Assert.Equal(new PledgedAssist(Cut, 2), story.Answer(Pledge(1)).Value);
        Assert.Empty(story.Debts);
    }

    [Fact]
    [Trait("EdgeCase", "1")]
    public void Repeat_while_the_assist_is_open_waits_for_the_same_answer()
    {
        var story = Known();
        for (var tap = 0; tap < 50; tap++) story.When(Pledge(1));

        story.ThenNothing();
        Assert.True(story.Answer().IsLater);
        Assert.Single(story.Debts);
    }

    [Fact]
    [Trait("EdgeCase", "1")]
    public void Repeat_on_the_same_day_gets_the_first_result_before_any_refusal()
    {
        var story = Helped(1, 2, 3).When(new BlockShopper(Start.AddDays(9), "x")).When(Pledge(2)).ThenNothing();

        Assert.Equal(new PledgedAssist(Cut, 0), story.Answer().Value);
    }

    [Fact]
    public void Repeat_of_an_assist_that_is_still_open_the_next_day_is_no_second_one() =>
        Known().When(Pledge(1)).At(Midnight.AddHours(1)).When(Pledge(1)).ThenNothing();

    [Fact]
    public void Blocked_comes_before_too_young() =>
        Known().When(new BlockShopper(Start.AddDays(1), "x")).When(Pledge(1, Policy with { MinAccountAgeHours = 1 })).ThenRefused(ShopperRefusal.HelperBlocked);

    [Fact]
    public void Account_must_be_old_enough()
    {
        var policy = Policy with { MinAccountAgeHours = 24 };

        Known().At(Start.AddHours(24).AddTicks(-1)).When(Pledge(1, policy)).ThenRefused(ShopperRefusal.AccountTooYoung);
        Known().At(Start.AddHours(24)).When(Pledge(1, policy)).ThenOne<AssistPledged>();
    }

    [Fact]
    public void Too_young_comes_before_the_daily_cap() => Helped(1, 2, 3).When(Pledge(4, Policy with { MinAccountAgeHours = 1 })).ThenRefused(ShopperRefusal.AccountTooYoung);

    [Fact]
    [Trait("EdgeCase", "4")]
    public void Daily_cap_says_how_many_and_when_it_resets() =>
        Helped(1, 2, 3).When(Pledge(4)).ThenRefused(ShopperRefusal.DailyAssistCapReached, r =>
        {
            Assert.Equal(3, r.Limit);
            Assert.Equal(Midnight, r.ResetsAt);
        });

    [Fact]
    [Trait("EdgeCase", "3")]
    public void Two_bargains_at_a_cap_of_one_get_one_assist_even_while_the_first_is_open() =>
        Known().When(Pledge(1, Policy with { DailyCap = 1 })).When(Pledge(2, Policy with { DailyCap = 1 })).ThenRefused(ShopperRefusal.DailyAssistCapReached);

    [Fact]
    [Trait("EdgeCase", "4")]
    public void Cap_resets_at_local_midnight_and_not_a_moment_before()
    {
        Helped(1, 2, 3).At(Midnight.AddTicks(-1)).When(Pledge(4)).ThenRefused(ShopperRefusal.DailyAssistCapReached);
        var story = Helped(1, 2, 3).At(Midnight).When(Pledge(4)).ThenOne<AssistPledged>(e => Assert.Equal(new DateOnly(2026, 11, 21), e.Day));

        Assert.Equal(2, Assert.IsType<ShopperView>(story.Answer(new GetShopper(Policy)).Value).AssistsLeftToday);
    }

    [Fact]
    [Trait("EdgeCase", "57")]
    public void Day_is_the_one_of_the_shops_zone_at_acceptance()
    {
        // 16:00 in London is midnight in Shanghai, and 08:00 in Los Angeles.
        var moment = Midnight.ToUniversalTime();

        Known().At(moment).When(Pledge(1)).ThenOne<AssistPledged>(e => Assert.Equal(new DateOnly(2026, 11, 21), e.Day));
        Known().At(moment).When(Pledge(1, Policy with { TimeZone = "America/Los_Angeles" })).ThenOne<AssistPledged>(e => Assert.Equal(new DateOnly(2026, 11, 20), e.Day));
    }

    [Fact]
    [Trait("EdgeCase", "57")]
    public void Day_ends_at_the_next_local_midnight_even_where_clocks_change()
    {
        Assert.Equal(Midnight, LocalDay.EndOf(new(2026, 11, 20), "Asia/Shanghai"));
        Assert.Equal(new DateTimeOffset(2026, 3, 9, 0, 0, 0, TimeSpan.FromHours(-4)), LocalDay.EndOf(new(2026, 3, 8), "America/New_York"));

        // Cairo skips the hour after midnight on 24 April 2026: that day begins at 01:00 summer time.
        var end = LocalDay.EndOf(new(2026, 4, 23), "Africa/Cairo");
        Assert.Equal(new DateTimeOffset(2026, 4, 23, 22, 0, 0, TimeSpan.Zero), end.ToUniversalTime());
        Assert.Equal(new DateOnly(2026, 4, 23), LocalDay.Of(end.AddTicks(-1), "Africa/Cairo"));
        Assert.Equal(new DateOnly(2026, 4, 24), LocalDay.Of(end, "Africa/Cairo"));

        // Havana repeats the hour after midnight on 1 November 2026: that day begins with the first of the two.
        Assert.Equal(new DateTimeOffset(2026, 11, 1, 4, 0, 0, TimeSpan.Zero), LocalDay.EndOf(new(2026, 10, 31), "America/Havana").ToUniversalTime());
    }

    [Fact]
    public void Open_pledges_are_limited()
    {
        var story = Known();
        for (var i = 1; i <= ShopperRules.OpenPledgesMax; i++) story.When(Pledge(i, Policy with { DailyCap = 1_000 })).ThenOne<AssistPledged>();

        story.When(Pledge(900, Policy with { DailyCap = 1_000 })).ThenRefused(GrainRefusal.Busy);
    }

    // ---- settlement

    [Theory]
    [InlineData(BargainRefusal.BargainNotRunning)]
    [InlineData(BargainRefusal.SoldOut)]
    [InlineData(GrainRefusal.NotFound)]
    [Trait("EdgeCase", "5")]
    public void Refused_assist_is_given_back_and_the_caller_hears_why(Enum refusal)
    {
        var story = Known().When(Pledge(1)).WhenRefused("apply-assist", refusal).Then(new AssistReturned(Bargain(1), Refusal.Of(refusal))).ThenSurvivesSnapshot();

        Assert.Equal(refusal.ToString(), story.Answer(Pledge(1)).Refusal!.Code);
        Assert.Equal(3, Assert.IsType<ShopperView>(story.Answer(new GetShopper(Policy)).Value).AssistsLeftToday);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void Refused_assist_may_be_tried_again()
    {
        var story = Known().When(Pledge(1)).WhenRefused("apply-assist", BargainRefusal.CampaignPaused).When(Pledge(1)).ThenOne<AssistPledged>();

        Assert.True(story.Answer().IsLater);
        Assert.Empty(story.State.Returned);
        story.WhenSettled("apply-assist", Cut);
        Assert.Equal(new PledgedAssist(Cut, 2), story.Answer(Pledge(1)).Value);
    }

    [Fact]
    [Trait("EdgeCase", "4")]
    public void Assist_of_yesterday_that_comes_back_today_does_not_raise_todays_quota()
    {
        var story = Known().When(Pledge(1)).At(Midnight).When(Pledge(2)).When(Pledge(3)).When(Pledge(4)).ThenOne<AssistPledged>();
        story.When(Pledge(5)).ThenRefused(ShopperRefusal.DailyAssistCapReached);

        story.Given(new AssistReturned(Bargain(1), Refusal.Of(BargainRefusal.BargainNotRunning)));

        story.When(Pledge(5)).ThenRefused(ShopperRefusal.DailyAssistCapReached);
        story.Given(new AssistReturned(Bargain(2), Refusal.Of(BargainRefusal.BargainNotRunning)));
        story.When(Pledge(5)).ThenOne<AssistPledged>();
    }

    [Fact]
    [Trait("EdgeCase", "57")]
    public void Assist_accepted_before_midnight_and_settled_after_belongs_to_the_day_before()
    {
        var story = Known().At(Midnight.AddTicks(-1)).When(Pledge(1)).At(Midnight).WhenSettled("apply-assist", Cut);

        Assert.Equal(new PledgedAssist(Cut, 3), story.Answer(Pledge(1)).Value);
    }

    [Fact]
    public void Only_the_tap_that_made_the_assist_is_the_first()
    {
        var (first, second) = (new Guid(1, 0, 0, new byte[8]), new Guid(2, 0, 0, new byte[8]));
        var story = Known().When(Pledge(1) with { Tap = first }).When(Pledge(1) with { Tap = second }).ThenNothing().ThenSurvivesSnapshot().WhenSettled("apply-assist", Cut);

        Assert.Equal(new PledgedAssist(Cut, 2), story.Answer(Pledge(1) with { Tap = first }).Value);
        Assert.Equal(new PledgedAssist(Cut, 2, Repeated: true), story.Answer(Pledge(1) with { Tap = second }).Value);
    }

    [Fact]
    public void Assist_tried_again_forgets_only_why_it_came_back_itself()
    {
        var story = Known().When(Launch(2)).WhenRefused("admit", CampaignRefusal.SoldOut)
            .When(Pledge(1)).WhenRefused("apply-assist", BargainRefusal.CampaignPaused)
            .When(Pledge(2)).WhenRefused("apply-assist", BargainRefusal.BargainNotRunning);

        story.When(Pledge(2));
        Assert.Equal(["SoldOut", "CampaignPaused"], story.State.Returned.Select(r => r.Why.Code));
        story.When(Launch(2));
        Assert.Equal(["CampaignPaused"], story.State.Returned.Select(r => r.Why.Code));
    }

    [Fact]
    public void Answer_that_was_forgotten_is_asked_again()
    {
        Assert.Equal("Busy", Known().Answer(Pledge(1)).Refusal!.Code);
        Assert.Equal("Busy", Known().Answer(Launch(1)).Refusal!.Code);
    }

    [Fact]
    public void Cap_that_was_lowered_leaves_no_assists_and_not_fewer() =>
        Assert.Equal(0, Assert.IsType<ShopperView>(Helped(1, 2, 3).Answer(new GetShopper(Policy with { DailyCap = 2 })).Value).AssistsLeftToday);

    [Fact]
    public void Shopper_is_stored_under_the_kind_it_is_addressed_by()
    {
        var self = Story().Self;

        Assert.Equal(self, ShopperId.Of(self.Key).In(self.Shop));
    }

    [Fact]
    public void Busy_bargain_is_asked_again()
    {
        var story = Known().When(Pledge(1)).WhenRefused("apply-assist", GrainRefusal.Busy).ThenNothing();

        Assert.Single(story.Debts);
        Assert.True(story.Answer(Pledge(1)).IsLater);
    }

    [Fact]
    public void Past_days_are_forgotten_but_for_what_is_open()
    {
        var story = Helped(1, 2).When(Pledge(3)).At(Midnight).When(Pledge(4));

        Assert.Equal([Bargain(3), Bargain(4)], story.State.Pledges.Select(p => p.Bargain));
        Assert.Equal(["apply-assist", "apply-assist"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void Another_assist_for_the_same_bargain_on_a_later_day_is_asked_anew()
    {
        var story = Helped(1).At(Midnight).When(Pledge(1)).ThenOne<AssistPledged>().WhenSettled("apply-assist", Cut);

        Assert.Equal(new PledgedAssist(Cut, 2), story.Answer(Pledge(1)).Value);
        Assert.Single(story.State.Pledges);
    }

    [Fact]
    public void Only_the_newest_refusals_are_kept()
    {
        var story = Known();
        for (var i = 1; i <= ShopperRules.ReturnedMax + 3; i++) story.When(Pledge(i)).WhenRefused("apply-assist", BargainRefusal.BargainNotRunning);

        Assert.Equal(Enumerable.Range(4, ShopperRules.ReturnedMax).Select(i => Bargain(i).Value), story.State.Returned.Select(r => r.About));
    }

    [Fact]
    [Trait("EdgeCase", "5")]
    [Trait("EdgeCase", "56")]
    public void Crash_between_pledge_and_cut_sends_the_same_message_again()
    {
        var story = Known().When(Pledge(1, device: "d"));
        var before = story.Message("apply-assist");

        Assert.Equal(before, story.ThenSurvivesSnapshot().Message("apply-assist"));
    }

    // ---- launch

    [Fact]
    public void Launch_asks_the_campaign_to_admit_and_is_answered_when_it_has()
    {
        var story = Known().When(Launch(1)).Then(new ParticipationLaunched(Bargain(1).Value, Campaign(1), Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Owed(Campaign(1).In(Shop), new Admit(Bargain(1).Value, ShopperId.Of(story.Self.Key), Start)), story.Message("admit"));

        story.WhenSettled("admit", Done.Instance).Then(new LaunchSettled(Bargain(1).Value)).ThenSurvivesSnapshot();
        Assert.Same(Done.Instance, story.Answer(Launch(1)).Value);
        story.When(Launch(1)).ThenNothing();
    }

    [Fact]
    public void Launches_of_one_campaign_are_limited_and_open_ones_count()
    {
        var story = Known().When(Launch(1)).When(Launch(2)).ThenRefused(ShopperRefusal.LaunchLimitReached, r => Assert.Equal(1, r.Limit));

        story.When(Launch(3, campaign: 2)).ThenOne<ParticipationLaunched>();
        story.When(Launch(2, limit: 2)).ThenOne<ParticipationLaunched>();
        story.When(Launch(4, limit: 2)).ThenRefused(ShopperRefusal.LaunchLimitReached);
    }

    [Fact]
    public void Refused_launch_does_not_count_and_the_caller_hears_why()
    {
        var story = Known().When(Launch(1)).WhenRefused("admit", CampaignRefusal.CampaignPaused).Then(new LaunchReturned(Bargain(1).Value, Refusal.Of(CampaignRefusal.CampaignPaused))).ThenSurvivesSnapshot();

        Assert.Equal("CampaignPaused", story.Answer(Launch(1)).Refusal!.Code);
        story.When(Launch(1)).ThenOne<ParticipationLaunched>();
        Assert.True(story.Answer().IsLater);
    }

    [Fact]
    public void Launch_and_assist_of_the_same_bargain_do_not_mix_up_their_refusals()
    {
        var story = Known().When(Launch(1)).WhenRefused("admit", CampaignRefusal.SoldOut).When(Pledge(1)).WhenRefused("apply-assist", GrainRefusal.NotFound);

        Assert.Equal("SoldOut", story.Answer(Launch(1)).Refusal!.Code);
        Assert.Equal("NotFound", story.Answer(Pledge(1)).Refusal!.Code);
    }

    [Fact]
    public void Open_launches_are_limited()
    {
        var story = Known();
        for (var i = 1; i <= ShopperRules.OpenLaunchesMax; i++) story.When(Launch(i, campaign: i));

        story.When(Launch(900, campaign: 900)).ThenRefused(GrainRefusal.Busy);
    }

    [Fact]
    public void Only_the_newest_launches_are_remembered_and_no_open_one_is_forgotten()
    {
        var story = Known().When(Launch(1, campaign: 1));
        for (var i = 2; i <= ShopperRules.LaunchesMax + 1; i++)
            story.Given(new ParticipationLaunched(Bargain(i).Value, Campaign(i), Start), new LaunchSettled(Bargain(i).Value));

        Assert.Equal(ShopperRules.LaunchesMax, story.State.Launches.Count);
        Assert.Equal(Campaign(1).In(Shop), story.Message("admit").To);
        story.When(Launch(2, campaign: 2)).ThenOne<ParticipationLaunched>();
        story.When(Launch(3000, campaign: 500)).ThenRefused(ShopperRefusal.LaunchLimitReached);
    }

    [Fact]
    public void Late_receipt_of_a_debt_that_is_settled_changes_nothing()
    {
        var story = Helped(1);

        Assert.Empty(story.Settle(new Debt("apply-assist", Bargain(1).Value), new Receipt(Cut, null)).Events.ToArray());
    }

    private static BargainId Bargain(int number) => BargainId.Of(new Guid(number, 0, 0x7000, 0x80, 3, 0, 0, 0, 0, 0, 0));

    private static CampaignId Campaign(int number) => CampaignId.Of(new Guid(number, 0, 0x7000, 0x80, 4, 0, 0, 0, 0, 0, 0));

    private static PledgeAssist Pledge(int bargain, AssistPolicy? policy = null, string? device = null) => new(Bargain(bargain), policy ?? Policy, device);

    private static LaunchParticipation Launch(int participation, int campaign = 1, int limit = 1) => new(Bargain(participation).Value, Campaign(campaign), limit);

    private static Story<ShopperState, ShopperEvent> Story() => new(new ShopperGrain());

    private static Story<ShopperState, ShopperEvent> Known() => Story().When(new RegisterShopper("wx-1"));

    private static Story<ShopperState, ShopperEvent> Helped(params int[] bargains)
    {
        var story = Known();
        foreach (var bargain in bargains) story.When(Pledge(bargain)).WhenSettled("apply-assist", Cut);
        return story;
    }
}
