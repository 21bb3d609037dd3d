using System.Diagnostics;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Bargain;
using Campaigns.Tests.Kit;
using static Campaigns.Tests.Campaign.CampaignCast;

namespace Campaigns.Tests.Campaign;

public class CampaignRulesTests
{
    private static readonly ShopId Shop = new("demo");

    [Fact]
    public void Unknown_campaign_is_not_found_except_by_its_first_draft()
    {
        foreach (var command in new object[] { Publish(), Pause(), Resume(), Kill(), Change(1), Admit(1), Claim(1), Close(1) })
            Story().When(command).ThenRefused(GrainRefusal.NotFound);
        Assert.Equal("NotFound", Story().When(new GetCampaign()).ThenNothing().Answer().Refusal!.Code);
        Story().When(Wake.Instance).ThenNothing();
    }

    [Fact]
    public void Campaign_is_stored_under_the_kind_it_is_addressed_by()
    {
        var self = Story().Self;

        Assert.Equal(self, CampaignId.Of(self.Key).In(self.Shop));
    }

    // ---- draft

    [Fact]
    public void Draft_is_made_and_replaced_whole()
    {
        var story = Drafted().Then(new CampaignDrafted(Plan(), Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        story.When(new DraftCampaign(Plan() with { Title = "neu" })).ThenOne<CampaignDrafted>();

        var view = story.View();
        Assert.Equal(("neu", "bargain", CampaignStatus.Draft, 0, 0L), (view.Title, view.Kind, view.State, view.Revision, view.ListPriceFen));
        Assert.Equal(new CampaignQuota(3, 3), view.Quota);
        Assert.Equal(Terms, view.Rules);
    }

    [Fact]
    public void Draft_out_of_bounds_is_refused_with_everything_that_is_wrong() =>
        Story().When(new DraftCampaign(Plan(Terms with { AssistsNeeded = 201, TtlMinutes = 59, Quota = 0 }) with { Title = " " }))
            .ThenRefused(GrainRefusal.Invalid, r => Assert.Equal(["title", "rules.quota", "rules.assistsNeeded", "rules.ttlMinutes"], r.Findings!.Select(f => f.Field)));

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(120, true)]
    [InlineData(121, false)]
    public void Title_has_1_to_120_characters(int length, bool accepted)
    {
        var story = Story().When(new DraftCampaign(Plan() with { Title = new string('砍', length) }));
        _ = accepted ? story.ThenOne<CampaignDrafted>() : story.ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("title", Assert.Single(r.Findings!).Field));
    }

    [Fact]
    [Trait("EdgeCase", "11")]
    public void Published_campaign_is_not_editable_nor_one_that_is_being_published()
    {
        Running().When(new DraftCampaign(Plan() with { Title = "x" })).ThenRefused(CampaignRefusal.NotEditable);
        Drafted().When(Publish()).When(new DraftCampaign(Plan() with { Title = "x" })).ThenRefused(CampaignRefusal.NotEditable);
        Running().When(new DraftCampaign(Plan())).ThenRefused(CampaignRefusal.NotEditable);
    }

    // ---- publish

    [Fact]
    public void Publication_reserves_the_quota_and_freezes_a_revision()
    {
        var story = Drafted().When(Publish()).ThenOne<CampaignPublicationRequested>().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Owed(BargainCast.Sku.In(Shop), new ReserveStock(story.Self.Key, 3, AskedAt: Start)), story.Message("reserve"));
        Assert.Equal(CampaignStatus.Draft, story.View().State);

        story.WhenReserved().ThenOne<CampaignPublished>(e => Assert.Equal((1, CampaignStatus.Running), (e.Revision, e.State))).ThenSurvivesSnapshot();

        var view = Assert.IsType<CampaignView>(story.Answer(Publish()).Value);
        Assert.Equal((CampaignStatus.Running, 1, 9_900L), (view.State, view.Revision, view.ListPriceFen));
        Assert.Equal("BARGAIN-COST", Assert.Single(view.Findings).RuleId);
    }

    [Fact]
    public void Publication_before_the_start_is_scheduled()
    {
        var story = Scheduled();
        Assert.Equal(CampaignStatus.Scheduled, story.View().State);
        Assert.Equal(Start.AddDays(1), story.Deadline);
    }

    [Fact]
    public void Publishing_twice_is_the_wrong_state()
    {
        Running().When(Publish(2)).ThenRefused(GrainRefusal.WrongState);
        Drafted().When(Publish()).When(Publish(2)).ThenRefused(GrainRefusal.WrongState);
    }

    [Fact]
    [Trait("EdgeCase", "55")]
    public void Publication_is_refused_with_every_finding_and_the_draft_stays()
    {
        var story = Drafted(Plan(Terms with { FloorFen = 9_900, Quota = 101 }) with { EndsAt = Start });

        story.When(Publish(facts: Facts with { Channel = Channel.H5Link })).ThenRefused(CampaignRefusal.NotPublishable, r =>
            Assert.Equal(["BARGAIN-FLOOR", "WX-SHARE-02", "BARGAIN-TTL", "CAMPAIGN-WINDOW", "BARGAIN-QUOTA-STOCK"], r.Findings!.Select(f => f.RuleId)));
        story.When(new DraftCampaign(Plan())).ThenOne<CampaignDrafted>();
    }

    [Fact]
    public void Window_must_not_be_empty_nor_over()
    {
        AssertBlocked(Drafted(Plan() with { EndsAt = Start }).When(Publish()), "CAMPAIGN-WINDOW", "endsAt");
        AssertBlocked(Drafted(Plan() with { StartsAt = End }).When(Publish()), "CAMPAIGN-WINDOW", "endsAt");
        AssertBlocked(Drafted().At(End).When(Publish()), "CAMPAIGN-WINDOW", "endsAt");
        Drafted().At(End.AddTicks(-1)).When(Publish()).ThenOne<CampaignPublicationRequested>();
    }

    [Fact]
    public void Quota_must_be_in_stock()
    {
        AssertBlocked(Drafted().When(Publish(facts: Facts with { Available = 2 })), "BARGAIN-QUOTA-STOCK", "rules.quota");
        Drafted().When(Publish(facts: Facts with { Available = 3 })).ThenOne<CampaignPublicationRequested>();
    }

    [Fact]
    public void Stock_that_has_gone_meanwhile_puts_the_draft_back_and_says_so()
    {
        var story = Drafted().When(Publish()).WhenRefused("reserve", StockRefusal.SoldOut).ThenOne<CampaignPublicationRefused>().ThenSurvivesSnapshot();

        var refusal = story.Answer(Publish()).Refusal!;
        Assert.Equal("NotPublishable", refusal.Code);
        Assert.Equal(["BARGAIN-COST", "BARGAIN-QUOTA-STOCK"], refusal.Findings!.Select(f => f.RuleId));
        Assert.All(refusal.Findings!, f => Assert.NotEmpty(f.Message));
        Assert.Empty(story.Debts);
        Assert.Equal(CampaignStatus.Draft, story.View().State);
        story.When(Publish(2)).ThenOne<CampaignPublicationRequested>();
        Assert.True(story.Answer().IsLater);
        story.WhenReserved();
        Assert.IsType<CampaignView>(story.Answer(Publish(2)).Value);
    }

    [Fact]
    public void Busy_is_no_answer()
    {
        var story = Drafted().When(Publish()).WhenRefused("reserve", GrainRefusal.Busy).ThenNothing();

        Assert.Single(story.Debts);
        Assert.True(story.Answer(Publish()).IsLater);
    }

    // ---- window

    [Fact]
    public void Start_and_end_come_by_themselves()
    {
        var story = Scheduled().At(Start.AddDays(1).AddTicks(-1)).When(Wake.Instance).ThenNothing();
        story.At(Start.AddDays(1)).When(Wake.Instance).Then(new CampaignOpened(Start.AddDays(1))).ThenAgainNothing();
        Assert.Equal(End, story.Deadline);

        story.At(End.AddTicks(-1)).When(Wake.Instance).ThenNothing();
        story.At(End).When(Wake.Instance).Then(new CampaignEnded(End), new CampaignEmptied()).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Null(story.Deadline);
    }

    [Fact]
    public void Window_that_passed_while_nobody_was_there_opens_and_ends() =>
        Scheduled().At(End).When(Wake.Instance).Then(new CampaignOpened(End), new CampaignEnded(End), new CampaignEmptied());

    [Fact]
    public void Reasons_have_a_limit()
    {
        var tooLong = new string('x', 501);
        foreach (var command in new object[] { new PauseCampaign(Guid.NewGuid(), tooLong), new ResumeCampaign(Guid.NewGuid(), tooLong), new KillCampaign(Guid.NewGuid(), tooLong) })
            Running().When(command).ThenRefused(GrainRefusal.Invalid);
        Running().When(new PauseCampaign(Guid.NewGuid(), new string('x', 500))).ThenOne<CampaignPausedByMerchant>();
    }

    [Fact]
    public void Paused_campaign_ends_too() => Running().When(Pause()).At(End).When(Wake.Instance).ThenOne<CampaignEnded>();

    // ---- admission: one row per guard, in source order

    [Fact]
    public void Admission_takes_a_place_and_starts_the_bargain()
    {
        var story = Running().When(Admit(1)).Then(new ParticipationAdmitted(Id(1), BargainCast.Somebody(1), true, Start)).ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new CampaignQuota(3, 2), story.View().Quota);

        var owed = story.Message("start");
        Assert.Equal(BargainId.Of(Id(1)).In(Shop), owed.To);
        Assert.Equal(new StartBargain(CampaignId.Of(story.Self.Key), 1, BargainCast.Somebody(1), BargainCast.Sku, "手冲咖啡壶", new Money(9_900), Terms, End), owed.Command);
        story.WhenSettled("start", Done.Instance).Then(new ParticipationStarted(Id(1)));
        Assert.Same(Done.Instance, story.Answer(Admit(1)).Value);
    }

    [Fact]
    public void Admission_is_idempotent_even_after_the_participation_is_over()
    {
        Running().When(Admit(1)).ThenAgainNothing();
        var story = Taking(1).When(Close(1)).When(Admit(1)).ThenNothing();
        Assert.Same(Done.Instance, story.Answer().Value);
        story.When(Kill()).When(Admit(1)).ThenNothing();
    }

    [Fact]
    [Trait("EdgeCase", "55")]
    public void Killed_campaign_admits_nobody_even_when_settled()
    {
        Running().When(Kill()).When(Admit(1)).ThenRefused(CampaignRefusal.CampaignKilled);
        Running().When(Kill()).WhenSettled("close-reservation", Done.Instance).When(Admit(1)).ThenRefused(CampaignRefusal.CampaignKilled);
    }

    [Fact]
    public void Check_says_what_an_admission_would_be_told_and_writes_nothing()
    {
        var story = Taking(1);
        Assert.IsType<CampaignView>(Check(1).Value);
        Assert.IsType<CampaignView>(Check(2).Value);
        story.When(Pause());
        Assert.Equal("CampaignPaused", Check(2).Refusal!.Code);
        story.When(Kill());
        Assert.Equal("CampaignKilled", Check(2).Refusal!.Code);
        Assert.IsType<CampaignView>(Check(1).Value);
        Assert.Equal("SoldOut", Taking(3).When(new CheckAdmission(Id(4))).ThenNothing().Answer().Refusal!.Code);
        Assert.Equal("CampaignNotRunning", Running().At(End).When(new CheckAdmission(Id(1))).ThenNothing().Answer().Refusal!.Code);
        Assert.Equal("NotFound", Story().When(new CheckAdmission(Id(1))).ThenNothing().Answer().Refusal!.Code);

        Answer Check(int participation) => story.When(new CheckAdmission(Id(participation))).ThenNothing().Answer();
    }

    [Fact]
    [Trait("EdgeCase", "10")]
    public void Paused_campaign_admits_nobody() => Running().When(Pause()).When(Admit(1)).ThenRefused(CampaignRefusal.CampaignPaused);

    [Fact]
    [Trait("EdgeCase", "10")]
    public void Nobody_is_admitted_outside_the_window()
    {
        Drafted().When(Admit(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Drafted().When(Publish()).When(Admit(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Scheduled().At(Start.AddDays(1).AddTicks(-1)).When(Admit(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Running().At(End).When(Admit(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
        Running().At(End).When(Wake.Instance).When(Admit(1)).ThenRefused(CampaignRefusal.CampaignNotRunning);
    }

    [Fact]
    [Trait("EdgeCase", "10")]
    public void First_and_last_moment_of_the_window_admit()
    {
        Scheduled().At(Start.AddDays(1)).When(Admit(1)).Then(new CampaignOpened(Start.AddDays(1)), new ParticipationAdmitted(Id(1), BargainCast.Somebody(1), true, Start.AddDays(1)));
        Running().At(End.AddTicks(-1)).When(Admit(1)).ThenOne<ParticipationAdmitted>();
    }

    [Fact]
    public void Full_campaign_admits_nobody_under_either_policy()
    {
        Taking(3).When(Admit(4)).ThenRefused(CampaignRefusal.SoldOut);
        Taking(4, AtSuccess).When(Claim(1)).When(Claim(2)).When(Admit(5)).ThenOne<ParticipationAdmitted>().When(Claim(3)).When(Admit(6)).ThenRefused(CampaignRefusal.SoldOut);
    }

    [Fact]
    public void Start_that_is_refused_is_sent_again()
    {
        var story = Running().When(Admit(1)).WhenRefused("start", GrainRefusal.NotFound).ThenNothing();

        Assert.True(story.Answer(Admit(1)).IsLater);
    }

    // ---- places

    [Fact]
    public void Place_is_claimed_once()
    {
        var story = Taking(1, AtSuccess);
        Assert.Equal(3, story.View().Quota.Left);

        story.When(Claim(1)).Then(new ParticipationPlaceClaimed(Id(1))).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(2, story.View().Quota.Left);
        Taking(1).When(Claim(1)).ThenNothing();
    }

    [Fact]
    public void Place_cannot_be_claimed_by_a_stranger_or_after_the_participation_is_over()
    {
        Running(AtSuccess).When(Claim(1)).ThenRefused(GrainRefusal.NotFound);
        Taking(1, AtSuccess).When(Close(1)).When(Claim(1)).ThenRefused(GrainRefusal.NotFound);
    }

    [Fact]
    public void No_place_can_be_claimed_at_a_killed_campaign() => Taking(1, AtSuccess).When(Kill()).When(Claim(1)).ThenRefused(CampaignRefusal.CampaignKilled);

    [Fact]
    [Trait("EdgeCase", "13")]
    public void Claim_finds_out_when_the_places_are_gone()
    {
        var story = Taking(4, AtSuccess).When(Claim(1)).When(Claim(2)).When(Claim(3));

        story.When(Claim(4)).ThenRefused(CampaignRefusal.SoldOut);
        story.When(Claim(3)).ThenNothing();
        story.When(Close(2)).When(Claim(4)).ThenOne<ParticipationPlaceClaimed>();
    }

    [Fact]
    public void Claims_go_on_after_a_pause_and_after_the_end()
    {
        Taking(1, AtSuccess).When(Pause()).When(Claim(1)).ThenOne<ParticipationPlaceClaimed>();
        Taking(1, AtSuccess).At(End).When(Wake.Instance).When(Claim(1)).ThenOne<ParticipationPlaceClaimed>();
    }

    [Fact]
    public void Lapsed_place_is_free_again_and_a_used_one_is_gone()
    {
        var story = Taking(3).When(Close(1)).Then(new ParticipationClosed(Id(1), false, true, Start)).ThenAgainNothing();
        Assert.Equal(1, story.View().Quota.Left);
        story.When(Close(2, used: true)).Then(new ParticipationClosed(Id(2), true, false, Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(1, story.View().Quota.Left);
        Assert.Equal((1, 1, 1), (story.State.Live, story.State.Held, story.State.Sold));
        Assert.Equal(0, Taking(1, AtSuccess).When(Close(1)).Then(new ParticipationClosed(Id(1), false, false, Start)).State.Held);
        story.When(Close(99)).ThenNothing();
    }

    [Fact]
    public void Participation_that_ends_before_its_start_is_known_counts_as_started()
    {
        var story = Running().When(Admit(1)).When(Close(1, used: true));

        Assert.Empty(story.Debts);
        Assert.Same(Done.Instance, story.Answer(Admit(1)).Value);
    }

    [Fact]
    public void Only_the_newest_closed_participations_are_remembered()
    {
        var story = Running(Terms with { Quota = 100_000 });
        for (var i = 1; i <= CampaignRules.ClosedMax + 10; i++)
            story.Given(new ParticipationAdmitted(Id(i), BargainCast.Owner, true, Start), new ParticipationClosed(Id(i), false, true, Start));

        Assert.Equal(CampaignRules.ClosedMax, story.State.Participations.Count);
        Assert.True(story.State.HasForgotten);
        Assert.Equal((0, 0, 100_000), (story.State.Live, story.State.Held, story.State.Left));
        Assert.DoesNotContain(Id(10), story.State.Participations.Keys);
        Assert.Contains(Id(11), story.State.Participations.Keys);
        story.ThenSurvivesSnapshot();
    }

    // ---- pause, resume, kill

    [Fact]
    public void Pause_is_answered_when_every_participation_knows()
    {
        var story = Taking(2).When(Pause()).Then(new CampaignPausedByMerchant("why", Start)).ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Owed(BargainId.Of(Id(1)).In(Shop), new SetPaused(true, 1)), new CampaignGrain().Message(story.State, new Debt("pause", Id(1)), story.Self));

        story.Given(new ParticipationTold("pause", Id(1)));
        Assert.True(story.Answer(Pause()).IsLater);
        story.WhenSettled("pause", Done.Instance).Then(new ParticipationTold("pause", Id(2)));
        Assert.Equal(CampaignStatus.Paused, Assert.IsType<CampaignView>(story.Answer(Pause()).Value).State);
    }

    [Fact]
    public void Sale_that_is_over_before_its_campaign_knows_that_it_is_ready_is_heard_afterwards()
    {
        var sale = Plan() with { Terms = new FlashSaleTerms { Quota = 3, SalePriceFen = 5_900 } };
        var story = Drafted(sale).When(Publish());
        story.When(new CloseParticipation(story.Self.Key, Used: false)).ThenRefused(GrainRefusal.Busy);

        story.WhenSettled("reserve", new ReservedStock(3)).ThenOne<ParticipationAdmitted>();
        story.When(new CloseParticipation(story.Self.Key, Used: false)).ThenOne<ParticipationClosed>();
    }

    [Fact]
    public void Participation_that_does_not_know_the_bargain_any_more_counts_as_told() =>
        Taking(1).When(Pause()).WhenRefused("pause", GrainRefusal.NotFound).ThenOne<ParticipationTold>();

    [Fact]
    public void Closed_participations_are_told_nothing()
    {
        var story = Taking(3).When(Close(1)).When(Pause());
        Assert.Equal([Id(2), Id(3)], story.Debts.Select(d => d.About));

        story.When(Close(2)).WhenSettled("pause", Done.Instance);
        Assert.IsType<CampaignView>(story.Answer(Pause()).Value);
        story.When(Resume());
        Assert.Equal(Id(3), Assert.Single(story.Debts).About);
    }

    [Fact]
    public void Resumption_follows_a_pause_that_is_still_on_its_way()
    {
        var story = Taking(1).When(Pause()).When(Resume()).ThenOne<CampaignResumed>().ThenSurvivesSnapshot();
        Assert.Equal(["pause", "resume"], story.Debts.Select(d => d.What));
        Assert.Equal(new SetPaused(false, 2), story.Message("resume").Command);

        // A second pause would have to overtake the first one: it waits.
        story.When(Pause(2)).ThenRefused(GrainRefusal.Busy);
        story.WhenSettled("pause", Done.Instance).When(Pause(2)).ThenOne<CampaignPausedByMerchant>();
        Assert.Equal(["resume", "pause"], story.Debts.Select(d => d.What));
        story.When(Resume(2)).ThenRefused(GrainRefusal.Busy);
        story.WhenSettled("resume", Done.Instance).When(Resume(2)).ThenOne<CampaignResumed>();
    }

    [Fact]
    public void Transitions_that_do_not_apply_are_the_wrong_state()
    {
        foreach (var command in new object[] { Pause(), Resume(), Kill(), Change(1) }) Drafted().When(command).ThenRefused(GrainRefusal.WrongState);
        foreach (var command in new object[] { Pause(), Resume() }) Scheduled().When(command).ThenRefused(GrainRefusal.WrongState);
        Running().When(Resume()).ThenRefused(GrainRefusal.WrongState);
        Running().When(Pause()).When(Pause(2)).ThenRefused(GrainRefusal.WrongState);
        foreach (var command in new object[] { Pause(), Resume(), Change(1) }) Running().At(End).When(Wake.Instance).When(command).ThenRefused(GrainRefusal.WrongState);
        foreach (var command in new object[] { Pause(), Resume(), Kill(2), Change(1) }) Taking(1).When(Kill()).When(command).ThenRefused(GrainRefusal.WrongState);
        foreach (var command in new object[] { Pause(), Resume(), Kill(2), Change(1) }) Settled().When(command).ThenRefused(GrainRefusal.WrongState);
        Running().At(End).When(Pause()).ThenRefused(GrainRefusal.WrongState);
        Running().When(Pause()).At(End).When(Resume()).ThenRefused(GrainRefusal.WrongState);
    }

    [Fact]
    [Trait("EdgeCase", "55")]
    public void Kill_is_answered_when_every_participation_knows()
    {
        var story = Taking(2).When(Pause()).AllSettled("pause").When(Kill()).Then(new CampaignKilledByMerchant("why", Start)).ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.IsType<CancelParticipation>(new CampaignGrain().Message(story.State, story.Debts[0], story.Self).Command);

        story.AllSettled("cancel");
        Assert.Equal(CampaignStatus.Killed, Assert.IsType<CampaignView>(story.Answer(Kill()).Value).State);
        story.When(Close(1)).When(Close(2)).Then(new ParticipationClosed(Id(2), false, true, Start), new CampaignEmptied());
        Assert.Equal(new Owed(BargainCast.Sku.In(Shop), new CloseReservation(story.Self.Key)), story.Message("close-reservation"));
        story.WhenSettled("close-reservation", Done.Instance).Then(new CampaignSettled(Start));
        Assert.Equal(CampaignStatus.Settled, story.View().State);
    }

    [Fact]
    public void Kill_applies_to_every_published_state()
    {
        Scheduled().When(Kill()).Then(new CampaignKilledByMerchant("why", Start), new CampaignEmptied());
        Running().When(Kill()).ThenOne<CampaignEmptied>();
        Taking(1).At(End).When(Wake.Instance).When(Kill()).Then(new CampaignKilledByMerchant("why", End));
        Running().At(End).When(Wake.Instance).When(Kill()).Then(new CampaignKilledByMerchant("why", End));
    }

    // ---- quota

    [Fact]
    [Trait("EdgeCase", "31")]
    public void Increase_reserves_first_and_holds_when_the_stock_has_it()
    {
        var story = Taking(3).When(Change(2)).Then(new QuotaChangeRequested(Change(2).Request, 5, 3, Start.AddTicks(1))).ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new ReserveStock(story.Self.Key, 5, AskedAt: Start.AddTicks(1)), story.Message("reserve").Command);
        story.When(Admit(4)).ThenRefused(CampaignRefusal.SoldOut);

        story.WhenReserved().Then(new QuotaChanged(5, Start));
        Assert.Empty(story.Debts);
        Assert.Equal(new CampaignQuota(5, 2), Assert.IsType<CampaignView>(story.Answer(Change(2)).Value).Quota);
        story.When(Admit(4)).ThenOne<ParticipationAdmitted>();
    }

    [Fact]
    [Trait("EdgeCase", "31")]
    public void Increase_beyond_the_stock_is_sold_out_and_changes_nothing()
    {
        var story = Running().When(Change(2)).WhenRefused("reserve", StockRefusal.SoldOut).ThenSurvivesSnapshot();

        Assert.Equal("SoldOut", story.Answer(Change(2)).Refusal!.Code);
        Assert.Equal(new CampaignQuota(3, 3), story.View().Quota);
        Assert.Empty(story.Debts);
        story.When(Change(2)).WhenReserved();
        Assert.Equal(5, Assert.IsType<CampaignView>(story.Answer(Change(2)).Value).Quota.Total);
        story.When(Change(-1, request: 2)).WhenReserved();
        Assert.Equal(4, Assert.IsType<CampaignView>(story.Answer(Change(-1, request: 2)).Value).Quota.Total);
    }

    [Fact]
    [Trait("EdgeCase", "31")]
    public void Decrease_holds_at_once_and_stops_at_what_is_taken()
    {
        var story = Taking(2).When(Close(1, used: true)).When(Change(-100)).Then(new QuotaChangeRequested(Change(-100).Request, 2, 2, Start.AddTicks(1)));
        Assert.Equal(new CampaignQuota(2, 0), story.View().Quota);
        Assert.Equal(new ReserveStock(story.Self.Key, 2, AskedAt: Start.AddTicks(1)), story.Message("reserve").Command);
        story.When(Admit(4)).ThenRefused(CampaignRefusal.SoldOut);

        story.WhenReserved();
        Assert.Equal(new CampaignQuota(2, 0), story.View().Quota);
        story.When(Change(-1, request: 2)).ThenNothing();
        story.When(Close(2)).When(Admit(5)).ThenOne<ParticipationAdmitted>();
    }

    [Fact]
    public void Quota_has_an_upper_bound_and_does_not_overflow()
    {
        Running().When(Change(int.MaxValue)).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("delta", Assert.Single(r.Findings!).Field));
        Running().When(Change(CampaignTerms.QuotaMax)).ThenRefused(GrainRefusal.Invalid, r => Assert.Contains("would be 10000003", Assert.Single(r.Findings!).Message, StringComparison.Ordinal));
        Running().When(Change(CampaignTerms.QuotaMax - 3)).ThenOne<QuotaChangeRequested>();
        Running().When(Change(int.MinValue)).ThenOne<QuotaChangeRequested>(e => Assert.Equal(0, e.Asked));
        Running().When(Change(0)).ThenNothing();
    }

    [Fact]
    public void One_change_of_the_quota_at_a_time() => Running().When(Change(2)).When(Change(2, request: 2)).ThenRefused(GrainRefusal.Busy);

    // ---- end

    [Fact]
    public void Ended_campaign_settles_when_the_last_participation_is_over()
    {
        var story = Taking(2).At(End).When(Wake.Instance).Then(new CampaignEnded(End)).When(Close(1, used: true)).Then(new ParticipationClosed(Id(1), true, false, End));

        story.When(Close(2)).ThenOne<CampaignEmptied>().ThenSurvivesSnapshot();
        story.WhenRefused("close-reservation", GrainRefusal.NotFound).Then(new CampaignSettled(End));
        Assert.Equal((CampaignStatus.Settled, 2), (story.View().State, story.View().Quota.Left));
        Assert.Null(story.Deadline);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void Late_receipt_of_a_debt_that_is_settled_changes_nothing()
    {
        var story = Taking(1).When(Close(1));

        Assert.Empty(story.Settle(new Debt("start", Id(1)), new Receipt(Done.Instance, null)).Events.ToArray());
    }

    /// <summary>A decision that looked through all 100,000 participations would need minutes here.</summary>
    [Fact]
    public void Hundred_thousand_participations_cost_no_more_than_a_few()
    {
        const int many = 100_000;
        var grain = new CampaignGrain();
        var story = Running(Terms with { Quota = many });
        var turn = new Turn(story.Self, Start);
        var state = story.State;
        var watch = Stopwatch.StartNew();
        for (var i = 1; i <= many; i++)
        {
            Apply(grain.Decide(state, Admit(i), turn));
            Apply(grain.Settle(state, new Debt("start", Id(i)), new Receipt(Done.Instance, null), turn));
            grain.Deadline(state);
            grain.Answer(state, Admit(i), turn);
        }

        for (var i = 1; i <= many; i++) Apply(grain.Decide(state, Close(i, used: true), turn));

        Assert.Equal((0, many, 0), (state.Live, state.Sold, state.Left));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"It took {watch.Elapsed}.");

        void Apply(Decision<CampaignEvent> decision)
        {
            foreach (var @event in decision.Events) state = grain.Evolve(state, @event);
        }
    }

    // ---- copies that come late

    [Fact]
    public void An_admission_that_was_refused_stays_so_when_there_are_places_again()
    {
        var admit = Admit(4) with { AskedAt = Start };
        var story = Taking(3).When(admit).ThenOne<AdmissionRefused>().ThenSurvivesSnapshot();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);

        story.When(Close(1)).When(admit).ThenNothing();
        Assert.Equal("SoldOut", story.Answer().Refusal!.Code);
        story.When(admit with { AskedAt = Start.AddTicks(1) }).ThenOne<ParticipationAdmitted>();
    }

    [Fact]
    public void A_participation_that_is_over_and_forgotten_is_not_admitted_by_a_copy()
    {
        var story = Running().When(Admit(1) with { AskedAt = Start }).WhenSettled("start", Done.Instance).When(Close(1));
        story.State.Participations.Clear();

        story.When(Admit(1) with { AskedAt = Start }).ThenNothing();
        Assert.Equal(Done.Instance, story.Answer().Value);
    }

    [Fact]
    public void Pauses_and_resumptions_are_numbered_one_after_the_other()
    {
        var story = Taking(1).When(Pause()).WhenSettled("pause", Done.Instance).When(Resume()).WhenSettled("resume", Done.Instance).When(Pause(2));
        Assert.Equal(new SetPaused(true, 3), story.Message("pause").Command);
    }

    private static Story<CampaignState, CampaignEvent> Settled() => Running().At(End).When(Wake.Instance).WhenSettled("close-reservation", Done.Instance);

    private static void AssertBlocked(Story<CampaignState, CampaignEvent> story, string ruleId, string field) =>
        story.ThenRefused(CampaignRefusal.NotPublishable, r => Assert.Contains(r.Findings!, f => f.RuleId == ruleId && f.Field == field && f.Severity == Finding.Block));
}
