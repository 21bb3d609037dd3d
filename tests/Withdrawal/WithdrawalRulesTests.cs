using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Withdrawal;
using Campaigns.Tests.Kit;
using static Campaigns.Tests.Ledger.LedgerCast;

namespace Campaigns.Tests.Withdrawal;

public sealed class WithdrawalRulesTests
{
    private static readonly WithdrawalPolicy Policy = new(new(100), new(2_000), new(3_000), 3, Zone);
    private static readonly AskWithdrawal Ask = new(Amei, new(1_000), Policy);
    private static readonly WithdrawalAsked Asked = new(Amei, new(1_000), Policy, Start);
    private static readonly DistributorTerms Terms = new(DistributorStanding.Active, null, null, 100, 100);
    private static readonly WithdrawalEvent[] Held = [Asked, new WithdrawalAllowed(new(3_000)), new WithdrawalOpened(new(30))];
    private static readonly DecideWithdrawal Approve = new(Source, IsApproved: true, null);
    private static readonly DecideWithdrawal Reject = new(Another, IsApproved: false, "not you");
    private static readonly WithdrawalEvent[] Approved = [.. Held, new WithdrawalApproved(Source, null, Start)];
    private static readonly NoteTransfer Arrived = new(new(970), TransferStatus.Succeeded);

    private readonly WithdrawalGrain grain = new();
    private readonly Story<WithdrawalState, WithdrawalEvent> story = new(new WithdrawalGrain());

    private WithdrawalId Self => WithdrawalId.Of(story.Self.Key);

    private WithdrawalView View => (WithdrawalView)story.Answer(new GetWithdrawal(Amei)).Value!;

    private GrainId AmeisLedger => Amei.LedgerIn(Demo, LedgerKind.Commission);

    public static TheoryData<Enum, object> RefusedAsks => new()
    {
        { GrainRefusal.Invalid, Ask with { Policy = Policy with { FeePercent = 101 } } },
        { GrainRefusal.Invalid, Ask with { Policy = Policy with { FeePercent = -1 } } },
        { WithdrawalRefusal.BelowMinimum, Ask with { Amount = new(99) } },
        { WithdrawalRefusal.BelowMinimum, Ask with { Amount = new(long.MinValue) } },
        { WithdrawalRefusal.AboveMaximum, Ask with { Amount = new(2_001) } },
        { WithdrawalRefusal.AboveMaximum, Ask with { Amount = new(long.MaxValue), Policy = Policy with { Max = new(long.MaxValue) } } },
        { WithdrawalRefusal.BelowMinimum, Ask with { Policy = Policy with { FeePercent = 100 } } }, // nothing would arrive
    };

    [Theory]
    [MemberData(nameof(RefusedAsks))]
    public void An_amount_out_of_the_shop_s_limits_writes_nothing(Enum code, object command) => story.When(command).ThenRefused(code);

    [Theory]
    [InlineData(100)]
    [InlineData(2_000)]
    public void The_limits_are_inclusive(long fen) => story.When(Ask with { Amount = new(fen) }).ThenOne<WithdrawalAsked>();

    [Fact]
    public void A_withdrawal_that_was_not_asked_for_is_not_found()
    {
        story.When(Approve).ThenRefused(GrainRefusal.NotFound).When(Arrived).ThenRefused(GrainRefusal.NotFound);
        Assert.Equal("NotFound", story.Answer(new GetWithdrawal(null)).Refusal!.Code);
    }

    [Fact]
    public void One_that_is_not_held_yet_is_seen_by_nobody()
    {
        story.Given(Asked).When(Approve).ThenRefused(GrainRefusal.NotFound).When(Arrived).ThenRefused(GrainRefusal.NotFound);
        Assert.Equal("NotFound", story.Answer(new GetWithdrawal(Amei)).Refusal!.Code);
    }

    [Fact]
    public void It_is_answered_when_the_ledger_holds_it()
    {
        story.When(Ask).Then(Asked).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Owed(Amei.DistributorIn(Demo), new GetDistributorTerms()), story.Message("terms"));

        story.WhenSettled("terms", Terms).Then(new WithdrawalAllowed(new(3_000))).ThenSurvivesSnapshot();
        Assert.True(story.Answer(Ask).IsLater);
        Assert.Equal(new Owed(AmeisLedger, new HoldForWithdrawal(Amei, LedgerKind.Commission, Self.Value, new(1_000), new(3_000), Zone, Start)), story.Message("hold"));

        story.WhenSettled("hold", new LedgerPosted(1, 1_000, 0)).Then(new WithdrawalOpened(new(30))).ThenSurvivesSnapshot();
        Assert.Equal(new WithdrawalView(Self, Amei, WithdrawalStatus.Reviewing, 1_000, 30, Start, null, null, null, null, null), story.Answer(Ask).Value);
        Assert.Empty(story.Debts);
        story.When(Ask).ThenNothing().When(Ask with { Amount = new(5) }).ThenNothing();
    }

    [Theory]
    [InlineData(DistributorStanding.Applied, false)]
    [InlineData(DistributorStanding.Invited, false)]
    [InlineData(DistributorStanding.Active, true)]
    [InlineData(DistributorStanding.Frozen, false)]
    [InlineData(DistributorStanding.Closed, true)]
    [InlineData(DistributorStanding.Declined, false)]
    public void Only_who_is_a_distributor_or_was_one_for_good_may_withdraw(DistributorStanding standing, bool may)
    {
        Assert.Equal(may ? null : "NotEligible", Check(Terms with { Standing = standing }).Refusal?.Code);
        story.When(Ask).WhenSettled("terms", Terms with { Standing = standing });
        if (may) story.ThenOne<WithdrawalAllowed>();
        else story.ThenOne<WithdrawalRefused>(e => Assert.Equal("NotEligible", e.Why.Code));
    }

    [Fact]
    public void Who_never_joined_may_not_withdraw()
    {
        Assert.Equal("NotEligible", Check(null).Refusal!.Code);
        story.When(Ask).WhenRefused("terms", GrainRefusal.NotFound).ThenOne<WithdrawalRefused>().ThenSurvivesSnapshot();
        Assert.Equal("NotEligible", story.Answer(Ask).Refusal!.Code);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void Trust_that_has_fallen_lowers_the_maximum_and_the_daily_cap()
    {
        var half = Terms with { CapPercent = 50 };
        Assert.Equal(new HoldForWithdrawal(Amei, LedgerKind.Commission, Self.Value, new(1_000), new(1_500), Zone), Check(half).Value);
        Assert.Equal((1_000, "AboveMaximum"), Check(half, Ask with { Amount = new(1_001) }).Refusal is { } r ? (r.Limit, r.Code) : default);

        story.When(Ask).WhenSettled("terms", half).Then(new WithdrawalAllowed(new(1_500)));
        Assert.Equal(new(1_500), Assert.IsType<HoldForWithdrawal>(story.Message("hold").Command).DailyCap);

        var more = new Story<WithdrawalState, WithdrawalEvent>(grain).When(Ask with { Amount = new(1_001) }).WhenSettled("terms", half).ThenOne<WithdrawalRefused>();
        Assert.Equal((1_000, "AboveMaximum"), more.Answer(Ask).Refusal is { } why ? (why.Limit, why.Code) : default);
    }

    [Fact]
    public void What_was_refused_is_decided_again_when_it_is_asked_again()
    {
        story.When(Ask).WhenSettled("terms", Terms).WhenRefused("hold", LedgerRefusal.WithdrawalOpen).ThenOne<WithdrawalRefused>().ThenSurvivesSnapshot();
        Assert.Equal("WithdrawalOpen", story.Answer(Ask).Refusal!.Code);
        Assert.Equal("NotFound", story.Answer(new GetWithdrawal(Amei)).Refusal!.Code);

        story.When(Ask with { Amount = new(900) }).Then(Asked with { Amount = new(900), At = Start.AddTicks(1) });
        Assert.True(story.Answer().IsLater);
        story.WhenSettled("terms", Terms).WhenSettled("hold", new LedgerPosted(1, 1_000, 0)).Then(new WithdrawalOpened(new(27)));
        Assert.Equal(900, View.AmountFen);
    }

    [Fact]
    public void Busy_is_no_answer()
    {
        story.When(Ask).WhenRefused("terms", GrainRefusal.Busy).ThenNothing().WhenSettled("terms", Terms).WhenRefused("hold", GrainRefusal.Busy).ThenNothing();
        Assert.Equal("hold", Assert.Single(story.Debts).What);

        story.WhenSettled("hold", new LedgerPosted(1, 1_000, 0)).When(Reject).WhenRefused("settle", GrainRefusal.Busy).ThenNothing();
        Assert.Equal("settle", Assert.Single(story.Debts).What);
    }

    [Fact]
    public void Nobody_asks_for_or_sees_somebody_else_s()
    {
        story.Given(Held).When(Ask with { Owner = Bo }).ThenRefused(GrainRefusal.NotFound);
        Assert.Equal("NotFound", story.Answer(new GetWithdrawal(Bo)).Refusal!.Code);
        Assert.Equal(View, story.Answer(new GetWithdrawal(null)).Value);
    }

    [Fact]
    public void The_check_of_one_that_is_there_lets_its_repeat_pass() => Assert.IsType<HoldForWithdrawal>(story.Given(Held).Answer(new CheckWithdrawal(Ask with { Amount = new(1) }, null)).Value);

    [Fact]
    [Trait("EdgeCase", "45")]
    public void It_is_decided_once()
    {
        story.Given(Held).When(Approve with { Reason = new('x', 501) }).ThenRefused(GrainRefusal.Invalid);
        story.When(Approve with { Reason = new('x', 500) }).Then(new WithdrawalApproved(Source, new('x', 500), Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(WithdrawalStatus.Approved, ((WithdrawalView)story.Answer().Value!).State);
        Assert.Equal(new Owed(TransferGateway.For(Demo, Self), new TransferAtGateway(Self, Amei, new(970))), story.Message("transfer"));

        story.When(Reject).ThenRefused(WithdrawalRefusal.AlreadyDecided).When(Approve with { Request = Another }).ThenRefused(WithdrawalRefusal.AlreadyDecided);
        Assert.Equal("transfer", Assert.Single(story.Debts).What);
    }

    [Fact]
    [Trait("EdgeCase", "45")]
    public void One_that_was_rejected_gives_the_money_back_and_is_answered_when_it_is_back()
    {
        story.Given(Held).When(Reject).Then(new WithdrawalRejected(Another, "not you", Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal([Returned(1_000)], Settlement().Entries);
        Assert.Equal((2, true), (Settlement().FirstStep, Settlement().IsLast));

        story.WhenSettled("settle", new LedgerPosted(2, 1_000, 0)).Then(new WithdrawalSettled());
        Assert.Equal(new WithdrawalView(Self, Amei, WithdrawalStatus.Rejected, 1_000, 30, Start, Start, Start, "not you", null, null), story.Answer(Reject).Value);
        story.When(Approve).ThenRefused(WithdrawalRefusal.AlreadyDecided).When(Arrived).ThenRefused(GrainRefusal.WrongState);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void A_transfer_that_arrives_is_paid_with_its_fee()
    {
        story.Given(Approved).WhenSettled("transfer", new TransferredAtGateway(TransferStatus.Succeeded)).Then(new TransferSucceeded(Start)).ThenSurvivesSnapshot();
        Assert.Equal([Paid(970), Fee(30)], Settlement().Entries);
        Assert.Equal((WithdrawalStatus.Paid, Start), (View.State, View.EndedAt));

        story.WhenSettled("settle", new LedgerPosted(3, 1_000, 0)).Then(new WithdrawalSettled());
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void Without_a_fee_there_is_no_entry_for_it()
    {
        story.Given(Asked with { Policy = Policy with { FeePercent = 0 } }, new WithdrawalAllowed(new(3_000))).WhenSettled("hold", new LedgerPosted(1, 1_000, 0)).Then(new WithdrawalOpened(Money.Zero));
        story.When(Approve).When(Arrived with { Amount = new(1_000) });
        Assert.Equal([Paid(1_000)], Settlement().Entries);
    }

    [Fact]
    public void A_fee_is_rounded_down_to_the_fen() =>
        story.Given(Asked with { Amount = new(133) }, new WithdrawalAllowed(new(3_000))).WhenSettled("hold", new LedgerPosted(1, 1_000, 0)).Then(new WithdrawalOpened(new(3)));

    [Fact]
    public void The_owner_alone_is_told_how_to_confirm_it()
    {
        story.Given(Approved).WhenSettled("transfer", new TransferredAtGateway(TransferStatus.AwaitsConfirmation, "package")).Then(new TransferProgressed(TransferStatus.AwaitsConfirmation, "package", null)).ThenSurvivesSnapshot();
        Assert.Equal((WithdrawalStatus.Transferring, "package"), (View.State, View.Confirmation));
        Assert.Null(((WithdrawalView)story.Answer(new GetWithdrawal(null)).Value!).Confirmation);
        Assert.Null(((WithdrawalView)story.Answer(Approve).Value!).Confirmation);

        story.WhenSettled("transfer", new TransferredAtGateway(TransferStatus.AwaitsConfirmation, "package")).ThenNothing();
        Assert.Equal("transfer", Assert.Single(story.Debts).What);
        story.WhenSettled("transfer", new TransferredAtGateway(TransferStatus.Processing)).Then(new TransferProgressed(TransferStatus.Processing, null, null));
        Assert.Null(View.Confirmation);
        story.WhenSettled("transfer", new TransferredAtGateway(TransferStatus.Succeeded)).ThenOne<TransferSucceeded>();
    }

    [Fact]
    public void A_gateway_that_refuses_has_not_said_that_it_failed()
    {
        story.Given(Approved).WhenRefused("transfer", PaymentRefusal.GatewayRefused).ThenNothing().WhenRefused("transfer", GrainRefusal.Busy).ThenNothing();
        Assert.Equal("transfer", Assert.Single(story.Debts).What);
    }

    [Fact]
    [Trait("EdgeCase", "46")]
    public void A_transfer_that_failed_gives_the_money_back_once()
    {
        story.Given(Approved).WhenSettled("transfer", new TransferredAtGateway(TransferStatus.Failed, Problem: "ACCOUNT_FROZEN")).Then(new TransferFailed("ACCOUNT_FROZEN", Start)).ThenSurvivesSnapshot();
        Assert.Equal((WithdrawalStatus.Failed, "ACCOUNT_FROZEN", Start), (View.State, View.Problem, View.EndedAt));
        Assert.Equal([Returned(1_000)], Settlement().Entries);

        story.When(Arrived with { State = TransferStatus.Failed, Problem = "ACCOUNT_FROZEN" }).ThenNothing().When(Arrived).ThenNothing();
        story.WhenSettled("settle", new LedgerPosted(2, 1_000, 0)).Then(new WithdrawalSettled());
        story.When(Arrived with { State = TransferStatus.Failed }).ThenNothing();
        Assert.Empty(story.Debts);
    }

    [Fact]
    [Trait("EdgeCase", "46")]
    public void A_callback_settles_it_at_once_and_its_repeats_say_nothing()
    {
        story.Given(Approved).When(Arrived).Then(new TransferSucceeded(Start)).ThenAgainNothing().ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal("settle", Assert.Single(story.Debts).What);
        Assert.Empty(story.Settle(new("transfer", Amei.Value), new(new TransferredAtGateway(TransferStatus.Failed), null)).Events.ToArray());
        story.When(Arrived with { State = TransferStatus.Failed }).ThenNothing().When(Arrived with { State = TransferStatus.Processing }).ThenNothing();
    }

    [Fact]
    [Trait("EdgeCase", "46")]
    public void A_callback_over_another_amount_changes_nothing() =>
        story.Given(Approved).When(Arrived with { Amount = new(1_000) }).ThenRefused(PaymentRefusal.AmountMismatch).When(Arrived).ThenOne<TransferSucceeded>().When(Arrived with { Amount = new(969) }).ThenRefused(PaymentRefusal.AmountMismatch);

    [Fact]
    public void A_callback_about_what_nobody_approved_is_refused() => story.Given(Held).When(Arrived).ThenRefused(GrainRefusal.WrongState);

    [Fact]
    public void A_callback_that_it_goes_on_keeps_what_is_needed_to_confirm_it()
    {
        story.Given(Approved).Given(new TransferProgressed(TransferStatus.AwaitsConfirmation, "package", null)).When(Arrived with { State = TransferStatus.AwaitsConfirmation }).ThenNothing();
        Assert.Equal("package", View.Confirmation);
    }

    [Fact]
    public void A_withdrawal_is_stored_under_the_kind_it_is_addressed_by() => Assert.Equal(story.Self, Self.In(Demo));

    [Fact]
    public void The_policy_is_what_the_shop_has_set() =>
        Assert.Equal(new WithdrawalPolicy(new(200), new(300), new(400), 5, "Asia/Urumqi"), WithdrawalPolicy.Of(ShopSettings.Default with { WithdrawalMinFen = 200, WithdrawalMaxFen = 300, WithdrawalDailyCapFen = 400, WithdrawalFeePercent = 5, TimeZone = "Asia/Urumqi" }));

    private Answer Check(DistributorTerms? terms, AskWithdrawal? ask = null) => new Story<WithdrawalState, WithdrawalEvent>(grain).When(new CheckWithdrawal(ask ?? Ask, terms)).ThenNothing().Answer();

    private PostEntries Settlement()
    {
        var message = story.Message("settle");
        Assert.Equal(AmeisLedger, message.To);
        return Assert.IsType<PostEntries>(message.Command);
    }
}
