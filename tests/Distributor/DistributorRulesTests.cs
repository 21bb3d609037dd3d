using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Distributor;

public sealed class DistributorRulesTests
{
    private static readonly DateTimeOffset Start = Story<DistributorState, DistributorEvent>.Start;
    private static readonly ShopperId Self = ShopperId.Of(Story().Self.Key);
    private static readonly ShopperId Upline = Buyer(900);
    private static readonly string Long = new('x', 500);

    public static TheoryData<Enum, string, object> Guards => new()
    {
        { DistributorRefusal.NotEligible, "Nobody", new JoinDistribution(false, null) },
        { DistributorRefusal.NotEligible, "Applied", new JoinDistribution(false, null) },
        { DistributorRefusal.NotEligible, "Declined", new JoinDistribution(false, null) },
        { DistributorRefusal.NotEligible, "Frozen", new JoinDistribution(true, null) },
        { DistributorRefusal.NotEligible, "Closed", new JoinDistribution(true, null) },
        { GrainRefusal.Invalid, "Nobody", new ApplyForDistribution(" ") },
        { GrainRefusal.Invalid, "Nobody", new ApplyForDistribution(Long + "x") },
        { GrainRefusal.WrongState, "Active", new ApplyForDistribution("x") },
        { GrainRefusal.WrongState, "Frozen", new ApplyForDistribution("x") },
        { GrainRefusal.WrongState, "Closed", new ApplyForDistribution("x") },
        { GrainRefusal.NotFound, "Nobody", new DecideApplication(true, null) },
        { GrainRefusal.Invalid, "Applied", new DecideApplication(false, null) },
        { GrainRefusal.Invalid, "Applied", new DecideApplication(true, "") },
        { GrainRefusal.Invalid, "Applied", new DecideApplication(true, Long + "x") },
        { GrainRefusal.WrongState, "Invited", new DecideApplication(true, null) },
        { GrainRefusal.WrongState, "Active", new DecideApplication(true, null) },
        { GrainRefusal.WrongState, "Declined", new DecideApplication(true, null) },
        { GrainRefusal.WrongState, "Active", new InviteDistributor() },
        { GrainRefusal.WrongState, "Frozen", new InviteDistributor() },
        { GrainRefusal.WrongState, "Closed", new InviteDistributor() },
        { GrainRefusal.NotFound, "Nobody", new SetStanding(DistributorStanding.Active, "x") },
        { GrainRefusal.Invalid, "Active", new SetStanding(DistributorStanding.Invited, "x") },
        { GrainRefusal.Invalid, "Active", new SetStanding((DistributorStanding)9, "x") },
        { GrainRefusal.Invalid, "Active", new SetStanding(DistributorStanding.Frozen, "") },
        { GrainRefusal.Invalid, "Active", new SetStanding(DistributorStanding.Frozen, Long + "x") },
        { GrainRefusal.WrongState, "Applied", new SetStanding(DistributorStanding.Active, "x") },
        { GrainRefusal.WrongState, "Closed", new SetStanding(DistributorStanding.Active, "x") },
        { GrainRefusal.NotFound, "Nobody", new SetTier("gold") },
        { GrainRefusal.Invalid, "Active", new SetTier("") },
        { GrainRefusal.Invalid, "Active", new SetTier(new string('x', 41)) },
        { GrainRefusal.WrongState, "Invited", new SetTier("gold") },
        { GrainRefusal.NotFound, "Nobody", new NoteComplaint(Guid.Empty, "x") },
        { GrainRefusal.Invalid, "Active", new NoteComplaint(Guid.Empty, " ") },
        { GrainRefusal.WrongState, "Applied", new NoteComplaint(Guid.Empty, "x") },
        { GrainRefusal.NotFound, "Nobody", new NoteEarnings(1, 0) },
        { GrainRefusal.NotFound, "Invited", new NoteEarnings(1, 0) },
        { BindingRefusal.UnknownCode, "Nobody", new AdmitCustomer(Buyer(1), null) },
        { BindingRefusal.UnknownCode, "Applied", new AdmitCustomer(Buyer(1), null) },
        { BindingRefusal.UnknownCode, "Frozen", new AdmitCustomer(Buyer(1), null) },
        { BindingRefusal.UnknownCode, "Closed", new AdmitCustomer(Buyer(1), null) },
    };

    public static TheoryData<Enum, string, object> Questions => new()
    {
        { GrainRefusal.NotFound, "Nobody", new GetDistributor() },
        { GrainRefusal.NotFound, "Nobody", new GetDistributorTerms() },
        { GrainRefusal.NotFound, "Invited", new GetDistributorTerms() },
        { BindingRefusal.UnknownCode, "Nobody", new CheckCustomer(Buyer(1)) },
        { BindingRefusal.UnknownCode, "Declined", new CheckCustomer(Buyer(1)) },
        { BindingRefusal.UnknownCode, "Frozen", new CheckCustomer(Buyer(1)) },
    };

    [Theory]
    [MemberData(nameof(Guards))]
    public void Guard_refuses(Enum refusal, string who, object command) => Of(who).When(command).ThenRefused(refusal);

    [Theory]
    [MemberData(nameof(Questions))]
    public void Question_is_refused_and_decides_nothing(Enum refusal, string who, object question) => Assert.Equal(refusal.ToString(), Of(who).When(question).ThenNothing().Answer().Refusal!.Code);

    // ---- joining

    [Fact]
    public void Join_is_answered_when_the_place_in_the_team_is_known()
    {
        var story = Story().When(new JoinDistribution(true, "d")).Then(new DistributorJoined(Start), new DistributorSeen("d")).ThenAgainNothing().ThenSurvivesSnapshot();
        foreach (var question in (object[])[new JoinDistribution(true, "d"), new GetDistributor(), new GetDistributorTerms(), new AdmitCustomer(Buyer(1), null)]) Assert.True(story.Answer(question).IsLater);
        Assert.Equal(new Owed(Self.BindingIn(story.Self.Shop), new NoteJoined(Start)), story.Message("note-joined"));

        story.WhenSettled("note-joined", new JoinedUnder(Upline)).Then(new DistributorPlaced(Upline)).ThenSurvivesSnapshot();
        Assert.Empty(story.Debts);
        var view = new DistributorView(Self, PromotionCode.Of(Self), 2, DistributorStanding.Active, null, 100, Start, Upline, null, 0, 0);
        Assert.Equal(view, story.Answer(new JoinDistribution(true, "d")).Value);
        Assert.Equal(new DistributorTerms(DistributorStanding.Active, Upline, null, 100, 100), story.Answer(new GetDistributorTerms()).Value);
        story.After(TimeSpan.FromDays(9)).When(new JoinDistribution(false, null)).ThenNothing();
    }

    [Fact]
    public void Who_was_promoted_by_nobody_stands_on_the_first_level() => Assert.Equal((1, null), View(Of("Active")) is var v ? (v.Level, v.Upline) : default);

    [Theory]
    [InlineData(GrainRefusal.Busy)]
    [InlineData(GrainRefusal.Faulted)]
    public void Place_in_the_team_is_asked_for_until_it_is_known(Enum refusal)
    {
        var story = Story().When(new JoinDistribution(true, null)).WhenRefused("note-joined", refusal).ThenNothing();

        Assert.Single(story.Debts);
        Assert.Empty(Of("Active").Settle(new Debt("note-joined", Guid.Empty), new Receipt(new JoinedUnder(Upline), null)).Events.ToArray());
    }

    [Theory]
    [InlineData("Invited", false)]
    [InlineData("Invited", true)]
    [InlineData("Applied", true)]
    [InlineData("Declined", true)]
    public void Invited_or_with_a_paid_order_they_may_join(string who, bool hasBought) => Of(who).When(new JoinDistribution(hasBought, null)).Then(new DistributorJoined(Start));

    [Fact]
    public void Application_is_decided_once()
    {
        var applied = new ApplyForDistribution(Long);
        Of("Nobody").When(applied).Then(new DistributorApplied(Long, Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Of("Nobody").When(applied with { Device = "phone" }).Then(new DistributorApplied(Long, Start), new DistributorSeen("phone")).ThenAgainNothing();
        Of("Invited").When(applied).ThenNothing();

        var story = Of("Applied").When(new DecideApplication(true, null)).Then(new ApplicationApproved(null, Start), new DistributorJoined(Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        story.WhenSettled("note-joined", new JoinedUnder(null)).When(new DecideApplication(false, "no")).ThenRefused(GrainRefusal.WrongState);
        Assert.Equal(DistributorStanding.Active, View(story).Standing);
    }

    [Fact]
    public void Declined_application_says_why_and_another_may_follow()
    {
        var story = Of("Applied").When(new DecideApplication(false, "too soon")).Then(new ApplicationDeclined("too soon", Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal((DistributorStanding.Declined, "too soon"), View(story) is var v ? (v.Standing, v.Reason) : default);

        story.When(new ApplyForDistribution("again")).ThenOne<DistributorApplied>().When(new DecideApplication(false, "no")).ThenOne<ApplicationDeclined>();
    }

    [Theory]
    [InlineData("Nobody")]
    [InlineData("Applied")]
    [InlineData("Declined")]
    public void Invitation_is_taken_up_without_an_order(string who)
    {
        var story = Of(who).When(new InviteDistributor()).Then(new DistributorInvited(Start)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal((DistributorStanding.Invited, null), View(story) is var v ? (v.Standing, v.JoinedAt) : default);
        story.When(new JoinDistribution(false, null)).ThenOne<DistributorJoined>();
    }

    // ---- standing and tier

    [Fact]
    public void Standing_is_set_once_and_closed_is_for_good()
    {
        var story = Of("Active").When(new SetStanding(DistributorStanding.Frozen, Long)).Then(new StandingSet(DistributorStanding.Frozen, Long, Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(DistributorStanding.Frozen, Assert.IsType<DistributorTerms>(story.Answer(new GetDistributorTerms()).Value).Standing);

        story.When(new SetStanding(DistributorStanding.Active, "fine")).ThenOne<StandingSet>().When(new AdmitCustomer(Buyer(1), null)).ThenNothing();
        story.When(new SetStanding(DistributorStanding.Closed, "enough")).ThenOne<StandingSet>().ThenAgainNothing();
        story.When(new SetStanding(DistributorStanding.Frozen, "x")).ThenRefused(GrainRefusal.WrongState);
        Assert.Equal((DistributorStanding.Closed, "enough"), View(story) is var v ? (v.Standing, v.Reason) : default);
    }

    [Fact]
    public void Tier_is_put_and_taken()
    {
        var gold = new string('g', 40);
        var story = Of("Active").When(new SetTier(gold)).Then(new TierSet(gold, Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(gold, Assert.IsType<DistributorTerms>(story.Answer(new GetDistributorTerms()).Value).Tier);

        Assert.Null(View(story.When(new SetTier(null)).Then(new TierSet(null, Start)).ThenAgainNothing()).Tier);
    }

    // ---- trust

    [Fact]
    public void Complaint_lowers_the_trust()
    {
        var story = Of("Active").When(new NoteComplaint(Guid.Empty, "rude")).Then(new ComplaintNoted("rude", Start)).ThenSurvivesSnapshot();

        Assert.Equal((1, 85), View(story) is var v ? (v.Complaints, v.Trust) : default);
        Of("Closed").When(new NoteComplaint(Guid.Empty, Long)).ThenOne<ComplaintNoted>();
    }

    [Fact]
    public void Earnings_only_grow()
    {
        var story = Of("Active").When(new NoteEarnings(20_000, 5_000)).Then(new EarningsNoted(20_000, 5_000)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(85, View(story).Trust);

        story.When(new NoteEarnings(10_000, 5_000)).ThenNothing();
        story.When(new NoteEarnings(30_000, 1)).Then(new EarningsNoted(30_000, 5_000));
        story.When(new NoteEarnings(0, 6_000)).Then(new EarningsNoted(30_000, 6_000));
        Of("Closed").When(new NoteEarnings(1, 0)).ThenOne<EarningsNoted>();
    }

    [Theory]
    [InlineData(0, 0, 0, 0, 100)]
    [InlineData(1, 0, 0, 0, 85)]
    [InlineData(6, 0, 0, 0, 10)]
    [InlineData(7, 0, 0, 0, 0)]
    [InlineData(int.MaxValue, 0, 0, 0, 0)]
    [InlineData(0, 9_999, 9_999, 0, 100)]
    [InlineData(0, 10_000, 1_099, 0, 100)]
    [InlineData(0, 10_000, 1_100, 0, 99)]
    [InlineData(0, 10_000, 1_199, 0, 99)]
    [InlineData(0, 10_000, 10_000, 0, 10)]
    [InlineData(0, long.MaxValue, long.MaxValue, 0, 10)]
    [InlineData(0, 0, 0, 1, 90)]
    [InlineData(0, 0, 0, 5, 50)]
    [InlineData(0, 0, 0, 100, 50)]
    [InlineData(1, 10_000, 2_000, 2, 55)]
    public void Trust_follows_from_what_is_known(int complaints, long given, long takenBack, int suspects, int trust) => Assert.Equal(trust, DistributorRules.TrustOf(complaints, given, takenBack, suspects));

    [Theory]
    [InlineData(100, 100, 100)]
    [InlineData(80, 100, 100)]
    [InlineData(79, 75, 50)]
    [InlineData(60, 75, 50)]
    [InlineData(59, 50, 25)]
    [InlineData(40, 50, 25)]
    [InlineData(39, 25, 25)]
    [InlineData(0, 25, 25)]
    public void Rates_and_limits_tighten_as_trust_falls(int trust, int rate, int cap) => Assert.Equal((rate, cap), DistributorRules.PercentsAt(trust));

    [Fact]
    public void Terms_follow_the_trust()
    {
        var story = Of("Active");
        for (var i = 0; i < 2; i++) story.When(new NoteComplaint(Guid.Empty, "x"));

        Assert.Equal((75, 50), Assert.IsType<DistributorTerms>(story.Answer(new GetDistributorTerms()).Value) is var t ? (t.RatePercent, t.CapPercent) : default);
    }

    // ---- customers

    [Fact]
    public void Active_distributor_takes_customers_and_writes_nothing()
    {
        var story = Of("Active").When(new AdmitCustomer(Buyer(1), "theirs")).ThenNothing();

        Assert.Equal(new AdmittedCustomer(Start, IsSuspect: false), story.Answer().Value);
        Assert.Equal(new AdmittedCustomer(Start, IsSuspect: false), story.When(new CheckCustomer(Buyer(1))).ThenNothing().Answer().Value);
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Customer_on_the_distributors_device_is_suspect_and_stays_so()
    {
        var story = Of("Active").When(new JoinDistribution(true, "mine")).When(new AdmitCustomer(Buyer(1), "mine")).Then(new CustomerSuspected(Buyer(1), Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(new AdmittedCustomer(Start, IsSuspect: true), story.Answer().Value);

        Assert.Equal(new AdmittedCustomer(Start, IsSuspect: true), story.When(new AdmitCustomer(Buyer(1), "another")).ThenNothing().Answer().Value);
        Assert.Equal(new AdmittedCustomer(Start, IsSuspect: true), story.Answer(new CheckCustomer(Buyer(1))).Value);
        Assert.Equal(new AdmittedCustomer(Start, IsSuspect: false), story.When(new AdmitCustomer(Buyer(2), null)).ThenNothing().Answer().Value);
        Assert.Equal((1, 90), View(story) is var v ? (v.SuspectBindings, v.Trust) : default);
    }

    [Fact]
    public void Only_the_five_newest_devices_count()
    {
        var story = Of("Active");
        for (var i = 0; i < 6; i++) story.When(new JoinDistribution(true, $"device-{i}")).Then(new DistributorSeen($"device-{i}")).ThenAgainNothing();

        story.When(new AdmitCustomer(Buyer(1), "device-0")).ThenNothing();
        story.When(new AdmitCustomer(Buyer(1), "device-1")).ThenOne<CustomerSuspected>();
    }

    [Fact]
    public void Hundred_suspects_are_remembered_and_the_next_is_still_flagged()
    {
        var story = Of("Active").When(new JoinDistribution(true, "mine"));
        for (var i = 0; i < DistributorRules.SuspectsMax; i++) story.When(new AdmitCustomer(Buyer(i), "mine")).ThenOne<CustomerSuspected>();

        Assert.Equal(new AdmittedCustomer(Start, IsSuspect: true), story.When(new AdmitCustomer(Buyer(500), "mine")).ThenNothing().Answer().Value);
        Assert.Equal(100, View(story).SuspectBindings);
    }

    [Fact]
    public void Frozen_while_a_customer_waits_refuses_them()
    {
        var story = Story().When(new JoinDistribution(true, null)).When(new AdmitCustomer(Buyer(1), null));
        Assert.True(story.Answer().IsLater);

        Assert.Equal("UnknownCode", story.Given(new StandingSet(DistributorStanding.Frozen, "x", Start)).Answer().Refusal!.Code);
    }

    // ---- the code

    [Fact]
    public void Code_is_the_id_and_is_read_without_regard_to_case_and_to_what_looks_alike()
    {
        foreach (var id in (Guid[])[Self.Value, Guid.Empty, new("ffffffff-ffff-ffff-ffff-ffffffffffff"), Buyer(7).Value])
        {
            var code = PromotionCode.Of(ShopperId.Of(id));
            Assert.Equal(PromotionCode.Length, code.Length);
            foreach (var text in (string[])[code, code.ToLowerInvariant(), code.Replace('0', 'O').Replace('1', 'l'), code.Replace('1', 'I')])
            {
                Assert.True(PromotionCode.TryParse(text, out var read));
                Assert.Equal(id, read.Value);
            }
        }

        foreach (var wrong in (string?[])[null, "", new('0', 25), new('0', 27), "8" + new string('0', 25), new string('0', 25) + "U", new string('0', 25) + "零"]) Assert.False(PromotionCode.TryParse(wrong, out _));
    }

    [Fact]
    public void Distributor_is_stored_under_the_kind_it_is_addressed_by() => Assert.Equal(Story().Self, Self.DistributorIn(Story().Self.Shop));

    private static ShopperId Buyer(int number) => ShopperId.Of(new Guid(number, 0, 0x7000, 0x80, 5, 0, 0, 0, 0, 0, 0));

    private static DistributorView View(Story<DistributorState, DistributorEvent> story) => Assert.IsType<DistributorView>(story.Answer(new GetDistributor()).Value);

    private static Story<DistributorState, DistributorEvent> Story() => new(new DistributorGrain());

    private static Story<DistributorState, DistributorEvent> Of(string who) => Story().Given(who switch
    {
        "Applied" => [new DistributorApplied("please", Start)],
        "Declined" => [new DistributorApplied("please", Start), new ApplicationDeclined("no", Start)],
        "Invited" => [new DistributorInvited(Start)],
        "Active" => [new DistributorJoined(Start), new DistributorPlaced(null)],
        "Frozen" or "Closed" => [new DistributorJoined(Start), new DistributorPlaced(null), new StandingSet(Enum.Parse<DistributorStanding>(who), "x", Start)],
        _ => [],
    });
}
