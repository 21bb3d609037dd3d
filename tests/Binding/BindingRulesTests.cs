using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using static Campaigns.Tests.Binding.BindingCast;

namespace Campaigns.Tests.Binding;

public sealed class BindingRulesTests
{
    // ---- bind: one row per guard, in source order

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(40, true)]
    [InlineData(41, false)]
    public void Channel_has_1_to_40_characters(int length, bool isGood)
    {
        var story = Story().When(Bind(Bing, channel: new string('c', length)));
        if (isGood) story.ThenOne<PromoterAsked>();
        else story.ThenRefused(GrainRefusal.Invalid);
        Story().When(Bind(Bing, channel: null)).ThenOne<PromoterAsked>();
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Nobody_promotes_themselves()
    {
        Story().When(Bind(Self)).ThenRefused(BindingRefusal.OwnCode);
        Bound().When(Bind(Self)).ThenRefused(BindingRefusal.OwnCode);
        Assert.Equal("OwnCode", Story().When(new CheckPromoter(Bind(Self))).ThenNothing().Answer().Refusal!.Code);
    }

    [Fact]
    public void Binding_is_asked_at_the_promoter_and_made_when_they_agree()
    {
        var story = Story().When(Bind(Bing)).Then(new PromoterAsked(Bing, "moments", "d", Last, Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Owed(Bing.DistributorIn(story.Self.Shop), new AdmitCustomer(Self, "d")), story.Message("admit-customer"));
        Assert.Null(story.ViewOf().BoundTo);

        var at = Start.AddSeconds(5);
        story.At(at).WhenSettled("admit-customer", new AdmittedCustomer(Joined, IsSuspect: false))
            .Then(new PromoterBound(Bing, Joined, "moments", false, at, at.AddDays(15), at.AddDays(3))).ThenSurvivesSnapshot();
        Assert.Empty(story.Debts);
        var view = new BindingView(Bing, at, at.AddDays(15), at.AddDays(3), "moments");
        Assert.Equal(view, story.When(Bind(Bing)).ThenNothing().Answer().Value);
        Assert.Equal(view, story.ViewOf());
    }

    [Fact]
    public void Same_promoter_renews_a_last_touch_and_is_refused_by_nothing()
    {
        var day = Start.AddDays(1);
        var story = Bound().At(day).When(Bind(Bing)).Then(new BindingRenewed(day.AddDays(15))).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new BindingView(Bing, Start, day.AddDays(15), Start.AddDays(3), "moments"), story.Answer().Value);
        story.When(Bind(Bing, Last with { Days = 14 })).ThenNothing();
        story.At(day.AddMinutes(59)).When(Bind(Bing)).ThenNothing();
        for (var i = 2; i < 40; i++) story.At(Start.AddDays(i)).When(Bind(Bing)).ThenOne<BindingRenewed>();
    }

    [Fact]
    public void Same_promoter_changes_nothing_of_a_first_touch_while_it_lasts()
    {
        var story = Bound(First).At(Start.AddDays(15).AddTicks(-1)).When(Bind(Bing, First)).ThenNothing();

        Assert.Equal(Start.AddDays(15), Assert.IsType<BindingView>(story.Answer().Value).Until);
        story.At(Start.AddDays(15)).When(Bind(Bing, First)).ThenOne<PromoterAsked>();
    }

    [Fact]
    public void Same_promoter_renews_even_while_another_is_being_asked()
    {
        var story = Bound().At(Start.AddDays(4)).When(Bind(Chen)).ThenOne<PromoterAsked>().When(Bind(Bing)).ThenOne<BindingRenewed>();

        Assert.Equal(Bing, Assert.IsType<BindingView>(story.Answer().Value).BoundTo);
        story.WhenSettled("admit-customer", new AdmittedCustomer(Joined, false)).ThenOne<PromoterBound>();
        Assert.Equal(Chen, story.ViewOf().BoundTo);
    }

    [Fact]
    public void One_promoter_is_asked_at_a_time()
    {
        var story = Story().When(Bind(Bing)).When(Bind(Chen)).ThenRefused(GrainRefusal.Busy);

        Assert.Equal("Busy", story.Answer(new CheckPromoter(Bind(Chen))).Refusal!.Code);
        Assert.Same(Done.Instance, story.Answer(new CheckPromoter(Bind(Bing))).Value);
        story.When(Bind(Bing)).ThenNothing();
        Assert.Single(story.Debts);
    }

    [Fact]
    public void First_touch_keeps_out_everybody_else_until_it_ends()
    {
        Bound(First).At(Start.AddDays(15).AddTicks(-1)).When(Bind(Chen, First)).ThenRefused(BindingRefusal.AlreadyBound);
        Bound(First).At(Start.AddDays(15)).When(Bind(Chen, First)).ThenOne<PromoterAsked>();
        Assert.Equal("AlreadyBound", Bound(First).Answer(new CheckPromoter(Bind(Chen, First))).Refusal!.Code);
    }

    [Fact]
    public void Last_touch_is_taken_over_once_its_protection_is_over()
    {
        Bound().At(Start.AddDays(3).AddTicks(-1)).When(Bind(Chen)).ThenRefused(BindingRefusal.AlreadyBound);
        var story = Bound().At(Start.AddDays(3)).When(Bind(Chen)).ThenOne<PromoterAsked>();

        Assert.Equal(Bing, story.ViewOf().BoundTo);
        story.WhenSettled("admit-customer", new AdmittedCustomer(Joined, false)).ThenOne<PromoterBound>();
        Assert.Equal(Chen, story.ViewOf().BoundTo);
    }

    [Fact]
    public void Renewal_does_not_prolong_the_protection() => Bound().At(Start.AddDays(2)).When(Bind(Bing)).At(Start.AddDays(3)).When(Bind(Chen)).ThenOne<PromoterAsked>();

    [Fact]
    public void Eleventh_new_binding_within_30_days_is_too_many()
    {
        var story = Story();
        for (var i = 0; i < BindingRules.BindingsMax; i++) story.At(Start.AddHours(i)).Bound(Promoter(i), Last with { ProtectionDays = 0 });
        var policy = Last with { ProtectionDays = 0 };

        story.At(Start.AddDays(14)).When(Bind(Promoter(50), policy)).ThenRefused(BindingRefusal.BindingLimitReached, r => Assert.Equal((10L, Start.AddDays(30)), (r.Limit, r.ResetsAt)));
        Assert.Equal("BindingLimitReached", story.Answer(new CheckPromoter(Bind(Promoter(50), policy))).Refusal!.Code);
        story.When(Bind(Promoter(9), policy)).ThenOne<BindingRenewed>();
        story.At(Start.AddDays(30).AddTicks(-1)).When(Bind(Promoter(50), policy)).ThenRefused(BindingRefusal.BindingLimitReached);
        story.At(Start.AddDays(30)).Bound(Promoter(50), policy);
        story.When(Bind(Promoter(51), policy)).ThenRefused(BindingRefusal.BindingLimitReached, r => Assert.Equal(Start.AddHours(1).AddDays(30), r.ResetsAt));
    }

    [Fact]
    public void Refused_questions_do_not_count_as_bindings()
    {
        var story = Story();
        for (var i = 0; i < 20; i++) story.When(Bind(Bing)).WhenRefused("admit-customer", BindingRefusal.UnknownCode);

        story.When(Bind(Bing)).ThenOne<PromoterAsked>();
    }

    // ---- settlement

    [Fact]
    public void Refusal_is_given_back_and_decided_again_when_asked_again()
    {
        var story = Story().When(Bind(Bing)).WhenRefused("admit-customer", BindingRefusal.UnknownCode).Then(new PromoterReturned(Bing, Refusal.Of(BindingRefusal.UnknownCode))).ThenSurvivesSnapshot();

        Assert.Equal("UnknownCode", story.Answer(Bind(Bing)).Refusal!.Code);
        Assert.Equal("Busy", story.Answer(Bind(Chen)).Refusal!.Code);
        Assert.Empty(story.Debts);
        story.When(Bind(Bing)).ThenOne<PromoterAsked>();
        Assert.True(story.Answer().IsLater);
    }

    [Theory]
    [InlineData(GrainRefusal.Busy)]
    [InlineData(GrainRefusal.Faulted)]
    public void What_is_no_answer_is_asked_again(Enum refusal)
    {
        var story = Story().When(Bind(Bing)).WhenRefused("admit-customer", refusal).ThenNothing();

        Assert.Single(story.Debts);
        Assert.True(story.Answer(Bind(Bing)).IsLater);
    }

    [Fact]
    public void Late_receipt_of_a_debt_that_is_settled_changes_nothing()
    {
        var story = Bound();

        Assert.Empty(story.Settle(new Debt("admit-customer", Bing.Value), new Receipt(new AdmittedCustomer(Joined, false), null)).Events.ToArray());
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Binding_made_on_a_device_of_the_promoter_says_so()
    {
        var story = Story().When(Bind(Bing)).WhenSettled("admit-customer", new AdmittedCustomer(Joined, IsSuspect: true)).ThenOne<PromoterBound>(e => Assert.True(e.IsSuspect));

        Assert.Equal(new Attribution(Bing, "moments", IsSuspect: true), story.AttributionAt(Start));
    }

    // ---- end

    [Fact]
    public void End_is_refused_while_the_binding_is_protected()
    {
        Story().When(new EndBinding()).ThenNothing();
        Bound().At(Start.AddDays(3).AddTicks(-1)).When(new EndBinding()).ThenRefused(BindingRefusal.BindingProtected);
        var end = Start.AddDays(3);
        var story = Bound().At(end).When(new EndBinding()).Then(new BindingEnded(end)).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new BindingView(null, null, null, null, null), story.Answer().Value);
        story.When(Bind(Chen, First)).ThenOne<PromoterAsked>();
        Bound().At(Start.AddDays(15)).When(new EndBinding()).ThenNothing();
    }

    // ---- joining, and loops

    [Fact]
    public void Who_joins_hears_who_promoted_them_at_that_moment()
    {
        var story = Bound().At(Start.AddDays(1)).When(new NoteJoined(Start.AddHours(1))).Then(new BindingOwnerJoined(Start.AddHours(1), Bing)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(new JoinedUnder(Bing), story.Answer().Value);

        story.At(Start.AddDays(3)).Bound(Chen);
        Assert.Equal(new JoinedUnder(Bing), story.Answer(new NoteJoined(Start.AddHours(1))).Value);
        Assert.Equal(new JoinedUnder(null), Story().When(new NoteJoined(Start)).Answer().Value);
        Assert.Equal(new JoinedUnder(null), Bound().When(new NoteJoined(Start.AddTicks(-1))).Answer().Value);
        Assert.Equal(new JoinedUnder(null), Bound().When(new NoteJoined(Start.AddDays(15))).Answer().Value);
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Distributor_is_promoted_only_by_who_joined_before()
    {
        var story = Story().When(new NoteJoined(Joined)).When(Bind(Bing)).WhenSettled("admit-customer", new AdmittedCustomer(Joined.AddTicks(1), false)).Then(new PromoterReturned(Bing, Refusal.Of(BindingRefusal.BindingLoop)));
        Assert.Equal("BindingLoop", story.Answer(Bind(Bing)).Refusal!.Code);

        story.When(Bind(Bing)).WhenSettled("admit-customer", new AdmittedCustomer(Joined.AddTicks(-1), false)).ThenOne<PromoterBound>();
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Of_two_who_joined_at_the_same_moment_the_smaller_id_was_first()
    {
        foreach (var other in (ShopperId[])[Bing, Promoter(int.MaxValue)])
        {
            var story = Story().When(new NoteJoined(Joined)).When(Bind(other)).WhenSettled("admit-customer", new AdmittedCustomer(Joined, false));
            if (other.Value.CompareTo(Self.Value) < 0) story.ThenOne<PromoterBound>();
            else story.ThenOne<PromoterReturned>();
        }

        Assert.True(Bing.Value.CompareTo(Self.Value) < 0 && Promoter(int.MaxValue).Value.CompareTo(Self.Value) > 0);
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Shopper_who_joins_while_a_promoter_is_being_asked_is_decided_about_at_the_answer() =>
        Story().When(Bind(Bing)).When(new NoteJoined(Joined)).WhenSettled("admit-customer", new AdmittedCustomer(Start, false)).ThenOne<PromoterReturned>(e => Assert.Equal("BindingLoop", e.Why.Code));

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Promoter_who_joined_later_and_was_bound_before_that_was_known_is_let_go()
    {
        var story = Bound().At(Start.AddMinutes(1)).When(new NoteJoined(Joined.AddDays(-1))).Then(new BindingOwnerJoined(Joined.AddDays(-1), null), new BindingEnded(Start.AddMinutes(1))).ThenAgainNothing();

        Assert.Null(story.ViewOf().BoundTo);
        Assert.Equal(new JoinedUnder(null), story.Answer().Value);
        Assert.Equal(Bing, story.AttributionAt(Start).Promoter);
    }

    [Fact]
    public void Loop_is_refused_before_anything_is_written_if_it_is_known_when_the_promoter_joined()
    {
        var story = Story().When(new NoteJoined(Joined));

        Assert.Equal("BindingLoop", story.When(new CheckPromoter(Bind(Bing), Joined.AddDays(1))).ThenNothing().Answer().Refusal!.Code);
        Assert.Same(Done.Instance, story.Answer(new CheckPromoter(Bind(Bing), Joined.AddDays(-1))).Value);
        Assert.Same(Done.Instance, story.Answer(new CheckPromoter(Bind(Bing))).Value);
        Assert.Same(Done.Instance, Story().Answer(new CheckPromoter(Bind(Bing), Start)).Value);
    }

    // ---- attribution

    [Fact]
    [Trait("EdgeCase", "44")]
    public void Sale_is_owed_to_who_was_bound_when_it_was_placed_and_intervals_are_half_open()
    {
        var story = Bound().At(Start.AddDays(5)).Bound(Chen).At(Start.AddDays(40)).ThenSurvivesSnapshot();

        Assert.Equal(new Attribution(null), story.AttributionAt(Start.AddTicks(-1)));
        Assert.Equal(new Attribution(Bing, "moments"), story.AttributionAt(Start));
        Assert.Equal(Bing, story.AttributionAt(Start.AddDays(5).AddTicks(-1)).Promoter);
        Assert.Equal(Chen, story.AttributionAt(Start.AddDays(5)).Promoter);
        Assert.Equal(Chen, story.AttributionAt(Start.AddDays(20).AddTicks(-1)).Promoter);
        Assert.Equal(new Attribution(null), story.AttributionAt(Start.AddDays(20)));
        story.When(new AskAttribution(Start)).ThenNothing();
        Assert.Equal(new Attribution(null), Story().AttributionAt(Start));
    }

    [Fact]
    [Trait("EdgeCase", "44")]
    public void Binding_that_was_ended_keeps_what_was_placed_before()
    {
        var story = Bound().At(Start.AddDays(4)).When(new EndBinding());

        Assert.Equal(Bing, story.AttributionAt(Start.AddDays(4).AddTicks(-1)).Promoter);
        Assert.Null(story.AttributionAt(Start.AddDays(4)).Promoter);
    }

    [Fact]
    [Trait("EdgeCase", "44")]
    public void Binding_that_ran_out_before_the_next_one_keeps_its_own_end()
    {
        var story = Bound().At(Start.AddDays(20)).Bound(Chen);

        Assert.Equal(Bing, story.AttributionAt(Start.AddDays(15).AddTicks(-1)).Promoter);
        Assert.Null(story.AttributionAt(Start.AddDays(15)).Promoter);
    }

    [Fact]
    public void Bindings_are_remembered_for_90_days_after_their_end()
    {
        var story = Bound().At(Start.AddDays(15 + 90).AddTicks(-1)).Bound(Chen);
        Assert.Equal(Bing, story.AttributionAt(Start).Promoter);

        story.At(Start.AddDays(15 + 90 + 3)).Bound(Promoter(3));
        Assert.Null(story.AttributionAt(Start).Promoter);
    }

    [Fact]
    public void Only_the_newest_20_ended_bindings_are_remembered()
    {
        var story = Story();
        for (var i = 0; i < 23; i++) story.At(Start.AddDays(3 * i)).Bound(Promoter(i), new(Last.Mode, 3, 3));

        Assert.Equal(BindingRules.EndedMax, story.ThenSurvivesSnapshot().State.Ended.Count);
        Assert.Equal([Promoter(2), Promoter(21)], (ShopperId[])[story.State.Ended[0].Promoter, story.State.Ended[^1].Promoter]);
    }

    [Fact]
    public void Binding_is_stored_under_the_kind_it_is_addressed_by() => Assert.Equal(Story().Self, Self.BindingIn(Story().Self.Shop));
}
