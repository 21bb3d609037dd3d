using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Tests.Kit;
using static Campaigns.Tests.Ledger.LedgerCast;

namespace Campaigns.Tests.Ledger;

public sealed class LedgerRulesTests
{
    private readonly Story<LedgerState, LedgerEvent> story = Story();

    private LedgerView View => (LedgerView)story.Answer(new GetLedger()).Value!;

    // With 100 pending of Source, 1,000 available and 600 of that held.
    public static TheoryData<Enum, object> Guards => new()
    {
        { GrainRefusal.Invalid, Post(2, Earn(1)) with { Kind = (LedgerKind)9 } },
        { GrainRefusal.Invalid, Post(2, Earn(1)) with { Owner = Bo } },
        { GrainRefusal.Invalid, Post(2, Earn(1)) with { Kind = LedgerKind.Points } },
        { GrainRefusal.Invalid, Post(2) },
        { GrainRefusal.Invalid, Post(2, [.. Enumerable.Repeat(Earn(1), 101)]) },
        { GrainRefusal.Invalid, Post(0, Earn(1)) },
        { GrainRefusal.Invalid, Post(1_000_001, Earn(1)) },
        { GrainRefusal.Invalid, Post(int.MaxValue, Earn(1), Earn(1)) },
        { GrainRefusal.Invalid, Post(2, Earn(1) with { Reason = " " }) },
        { GrainRefusal.Invalid, Post(2, Earn(1) with { Reason = new('x', 41) }) },
        { GrainRefusal.Invalid, Post(2, Earn(0)) },
        { GrainRefusal.Invalid, Post(2, Earn(-1)) },
        { GrainRefusal.Invalid, Post(2, Earn(10_000_000_000_000_001)) },
        { GrainRefusal.Invalid, Post(2, Earn(1) with { From = (LedgerAccount)8 }) },
        { GrainRefusal.Invalid, Post(2, Earn(1) with { To = (LedgerAccount)(-1) }) },
        { GrainRefusal.Invalid, Post(2, Earn(1) with { To = LedgerAccount.Shop }) },
        { GrainRefusal.Invalid, Post(2, Earn(1) with { To = LedgerAccount.Debt }) },
        { GrainRefusal.Invalid, Post(2, Earn(1) with { From = LedgerAccount.Debt }) },
        { GrainRefusal.Invalid, Post(2, Earn(1) with { To = LedgerAccount.Held }) },
        { GrainRefusal.Invalid, Post(2, Earn(1) with { MayOwe = true }) },
        { GrainRefusal.Invalid, Post(2, TakeBack(1) with { To = LedgerAccount.Frozen }) },
        { GrainRefusal.Invalid, Post(1, Earn(1), Earn(0)) }, // also in a step that is there
        { GrainRefusal.WrongState, Post(3, Earn(1)) },
        { GrainRefusal.WrongState, Post(2, Returned(600)) },
        { LedgerRefusal.InsufficientBalance, Post(2, Freeze(101)) },
        { LedgerRefusal.InsufficientBalance, Post(2, Freeze(60), Freeze(60)) },
        { LedgerRefusal.InsufficientBalance, Post(2, TakeBack(401) with { MayOwe = false }) },
        { LedgerRefusal.InsufficientBalance, Post(2, TakeBack(1_101)) },
        { GrainRefusal.WrongState, End(Returned(600)) with { IsLast = false } },
        { GrainRefusal.WrongState, End(Returned(599)) },
        { GrainRefusal.WrongState, End(Earn(1)) },
        { GrainRefusal.WrongState, End(Returned(600)) with { FirstStep = 3 } },
        { LedgerRefusal.InsufficientBalance, End(Paid(500), Fee(101)) },
        { GrainRefusal.Invalid, Hold with { Withdrawal = Another, Owner = Bo } },
        { GrainRefusal.Invalid, Hold with { Withdrawal = Another, Kind = LedgerKind.Points } },
        { GrainRefusal.Invalid, Hold with { Withdrawal = Another, Amount = Money.Zero } },
        { LedgerRefusal.WithdrawalOpen, Hold with { Withdrawal = Another, Amount = new(1) } },
    };

    [Theory]
    [MemberData(nameof(Guards))]
    public void What_would_spoil_the_ledger_is_refused_and_moves_nothing(Enum code, object command)
    {
        story.Given(Having(1_000)).Given(Posted(Source, 1, Move(1, "earned", LedgerAccount.Shop, LedgerAccount.Pending, 100)), new BalanceHeld(First, new(600), new(2026, 11, 20)));
        var before = View;
        story.When(command).ThenRefused(code);
        Assert.Equal(before, View);
    }

    [Fact]
    public void Nobody_has_anything_in_a_ledger_without_entries()
    {
        Assert.Equal(new LedgerView(0, 0, 0, 0, 0, 0, 0, 0), View);
        story.When(Hold).ThenRefused(LedgerRefusal.InsufficientBalance).When(Post(1, TakeBack(1))).ThenRefused(LedgerRefusal.InsufficientBalance);
    }

    [Fact]
    public void The_first_entry_opens_the_ledger_and_a_repeat_changes_nothing()
    {
        story.When(Post(1, Earn(300))).Then(Opened, Posted(Source, 1, Move(1, "earned", LedgerAccount.Shop, LedgerAccount.Pending, 300))).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new LedgerPosted(1, 300, 0), story.Answer().Value);
        Assert.Equal(new LedgerView(300, 0, 0, 0, 0, 0, 300, 0), View);
    }

    [Fact]
    public void Steps_that_are_there_are_skipped_and_those_behind_them_posted()
    {
        story.When(Post(1, Earn(300))).When(Post(1, Earn(300), Freeze(300), Release(200)))
            .Then(Posted(Source, 3, Move(2, "frozen", LedgerAccount.Pending, LedgerAccount.Frozen, 300), Move(3, "released", LedgerAccount.Frozen, LedgerAccount.Available, 200)))
            .ThenAgainNothing().When(Post(2, Freeze(300), Release(200))).ThenNothing().When(Post(3, Release(200))).ThenNothing().ThenSurvivesSnapshot();

        Assert.Equal(new LedgerPosted(3, 300, 0), story.Answer().Value);
        Assert.Equal(new LedgerView(0, 100, 200, 0, 0, 0, 300, 0), View);
    }

    [Fact]
    public void Entries_are_posted_all_or_none()
    {
        story.Given(Opened).When(Post(1, Earn(300), Freeze(300), Release(301))).ThenRefused(LedgerRefusal.InsufficientBalance);
        Assert.Equal(0, View.PendingFen);
        story.When(Post(1, Earn(300), Freeze(300), Release(300))).ThenOne<MovesPosted>();
    }

    [Fact]
    [Trait("EdgeCase", "42")]
    public void What_is_not_there_any_more_when_it_is_taken_back_is_owed()
    {
        story.Given(Having(1_000)).Given(new BalanceHeld(First, new(700), new(2026, 11, 20))).When(End(Paid(700))).When(Post(1, TakeBack(1_000)))
            .Then(Posted(Source, 1, Move(1, "taken-back", LedgerAccount.Debt, LedgerAccount.Shop, 700), Move(1, "taken-back", LedgerAccount.Available, LedgerAccount.Shop, 300))).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new LedgerView(0, 0, 0, 0, 700, 700, 1_000, 1_000), View);
    }

    [Fact]
    [Trait("EdgeCase", "42")]
    public void Later_earnings_pay_off_what_is_owed_first()
    {
        story.Given(Having(1_000)).Given(new BalanceHeld(First, new(1_000), new(2026, 11, 20))).When(End(Paid(1_000))).When(Post(1, TakeBack(500)));
        story.When(Post(2, Give(200))).Then(Posted(Source, 2, Move(2, "given", LedgerAccount.Shop, LedgerAccount.Debt, 200)));
        Assert.Equal((300, 0), (View.DebtFen, View.AvailableFen));

        story.When(Post(3, Give(400))).Then(Posted(Source, 3, Move(3, "given", LedgerAccount.Shop, LedgerAccount.Debt, 300), Move(3, "given", LedgerAccount.Shop, LedgerAccount.Available, 100)));
        Assert.Equal(new LedgerView(0, 0, 100, 0, 1_000, 0, 1_600, 500), View);
    }

    [Fact]
    [Trait("EdgeCase", "38")]
    public void Points_that_were_spent_and_are_taken_back_are_owed_at_the_amount_that_was_given()
    {
        var points = new Story<LedgerState, LedgerEvent>(new LedgerGrain()) { Self = Amei.LedgerIn(Demo, LedgerKind.Points) };
        PostEntries Of(int step, LedgerEntry entry) => Post(step, entry) with { Kind = LedgerKind.Points };
        points.When(Of(1, Give(100))).When(Of(2, new("spent", LedgerAccount.Available, LedgerAccount.Withdrawn, new(80)))).When(Of(3, new("spent", LedgerAccount.Available, LedgerAccount.Withdrawn, new(21)))).ThenRefused(LedgerRefusal.InsufficientBalance);

        points.When(Of(3, TakeBack(100))).ThenOne<MovesPosted>();
        var after = (LedgerView)points.When(new GetLedger()).Answer().Value!;
        Assert.Equal((0, 80), (after.AvailableFen, after.DebtFen));
        Assert.Equal(0, Enum.GetValues<LedgerAccount>().Sum(points.State.Balances.Of));
    }

    [Fact]
    public void What_comes_back_from_a_withdrawal_pays_off_what_became_owed_meanwhile()
    {
        story.Given(Having(1_000)).When(Hold with { Amount = new(1_000) }).When(Post(1, TakeBack(400))).When(End(Returned(1_000))).ThenOne<MovesPosted>();

        Assert.Equal(new LedgerView(0, 0, 600, 0, 0, 0, 1_000, 400), View);
    }

    [Fact]
    [Trait("EdgeCase", "47")]
    public void A_release_and_a_refund_in_the_same_second_have_one_winner_and_lose_nothing()
    {
        LedgerEntry release = Release(300), refund = new("taken-back", LedgerAccount.Frozen, LedgerAccount.Shop, new(300));
        foreach (var (first, second) in (ReadOnlySpan<(LedgerEntry, LedgerEntry)>)[(release, refund), (refund, release)])
        {
            var one = Story().When(Post(1, Earn(300), Freeze(300))).When(Post(3, first)).ThenOne<MovesPosted>().When(Post(4, second)).ThenRefused(LedgerRefusal.InsufficientBalance);
            Assert.Equal(0, Enum.GetValues<LedgerAccount>().Sum(one.State.Balances.Of));
        }
    }

    [Fact]
    public void A_withdrawal_is_held_once()
    {
        story.Given(Having(1_000)).When(Hold).Then(new BalanceHeld(First, new(600), new(2026, 11, 20))).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new LedgerPosted(1, 1_000, 0), story.Answer().Value);
        Assert.Equal(new LedgerView(0, 0, 400, 600, 0, 0, 1_000, 0), View);
    }

    [Fact]
    [Trait("EdgeCase", "46")]
    public void A_withdrawal_ends_once_paid_with_its_fee()
    {
        story.Given(Having(1_000)).When(Hold).When(End(Paid(580), Fee(20))).ThenOne<MovesPosted>(e => Assert.Equal((3, true), (e.Through, e.IsLast))).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(new LedgerView(0, 0, 400, 0, 580, 0, 1_000, 0), View);

        story.When(Hold).ThenNothing().When(End(Paid(580), Fee(20), Give(1))).ThenRefused(GrainRefusal.WrongState);
    }

    [Fact]
    [Trait("EdgeCase", "46")]
    public void A_withdrawal_that_failed_gives_the_money_back_once()
    {
        story.Given(Having(1_000)).When(Hold).When(End(Returned(600))).ThenOne<MovesPosted>().ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new LedgerView(0, 0, 1_000, 0, 0, 0, 1_000, 0), View);
        story.When(Hold with { Withdrawal = Another }).ThenOne<BalanceHeld>();
    }

    [Fact]
    public void The_withdrawals_of_one_day_stay_within_its_cap()
    {
        story.Given(Having(9_000)).When(Hold with { Amount = new(1_500) }).When(End(Paid(1_500)));
        story.When(Hold with { Withdrawal = Another, Amount = new(501) }).ThenRefused(LedgerRefusal.DailyWithdrawalCapReached, r => Assert.Equal((2_000, new DateTimeOffset(2026, 11, 21, 0, 0, 0, TimeSpan.FromHours(8))), (r.Limit, r.ResetsAt)));
        Assert.Equal("DailyWithdrawalCapReached", Check(Hold with { Withdrawal = Another, Amount = new(501) }).Refusal!.Code);
        Assert.Same(Done.Instance, Check(Hold with { Withdrawal = Another, Amount = new(500) }).Value);

        // 20:00 in Shanghai: the day is over after four hours.
        story.At(Start.AddHours(4)).When(Hold with { Withdrawal = Another, Amount = new(2_000) }).Then(new BalanceHeld(Another, new(2_000), new(2026, 11, 21)));

        Answer Check(HoldForWithdrawal hold) => story.When(new CheckHoldForWithdrawal(hold)).ThenNothing().Answer();
    }

    [Fact]
    public void What_comes_back_on_the_same_day_does_not_count()
    {
        story.Given(Having(9_000)).When(Hold with { Amount = new(2_000) }).When(End(Returned(2_000))).When(Hold with { Withdrawal = Another, Amount = new(2_000) }).ThenOne<BalanceHeld>();
    }

    [Fact]
    public void What_comes_back_on_a_later_day_leaves_that_day_alone()
    {
        story.Given(Having(9_000)).When(Hold with { Amount = new(2_000) }).At(Start.AddDays(1)).When(End(Returned(2_000))).When(Hold with { Withdrawal = Another, Amount = new(2_000) });
        story.When(End(Paid(2_000)) with { Source = Another }).When(Hold with { Withdrawal = TheOrder, Amount = new(1) }).ThenRefused(LedgerRefusal.DailyWithdrawalCapReached);
    }

    [Fact]
    public void A_refused_hold_of_the_whole_is_for_want_of_balance_before_the_cap() =>
        story.Given(Having(100)).When(Hold with { Amount = new(101), DailyCap = Money.Zero }).ThenRefused(LedgerRefusal.InsufficientBalance).When(Hold with { Amount = new(100), DailyCap = Money.Zero }).ThenRefused(LedgerRefusal.DailyWithdrawalCapReached);

    [Fact]
    public void A_source_that_is_closed_takes_nothing_more()
    {
        story.When(Post(1, Earn(300)) with { IsLast = true }).ThenOne<MovesPosted>().ThenAgainNothing();

        story.When(Post(1, Earn(300), Freeze(300))).ThenRefused(GrainRefusal.WrongState).When(Post(2, Freeze(300))).ThenRefused(GrainRefusal.WrongState);
    }

    [Fact]
    public void A_source_is_closed_by_a_repeat_that_says_so_and_nothing_moves()
    {
        story.When(Post(1, Earn(300))).When(Post(1, Earn(300)) with { IsLast = true }).Then(new MovesPosted(Source, TheOrder, 1, [], IsLast: true)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(300, View.PendingFen);
    }

    [Fact]
    public void The_newest_thousand_closed_sources_are_remembered()
    {
        story.Given(Opened);
        for (var i = 0; i <= LedgerRules.ClosedSourcesMax; i++) story.Given(Posted(Numbered(i), 1, Move(1, "given", LedgerAccount.Shop, LedgerAccount.Available, 1)) with { IsLast = true });

        Assert.Equal(LedgerRules.ClosedSourcesMax, story.State.Sources.Count);
        story.ThenSurvivesSnapshot().When(Post(1, Give(1)) with { Source = Numbered(1), IsLast = true }).ThenNothing();
        story.When(Post(2, Give(1)) with { Source = Numbered(0) }).ThenRefused(GrainRefusal.WrongState);
    }

    [Fact]
    public void A_million_sources_may_be_open()
    {
        story.Given(Having(1_000));
        for (var i = 1; i < LedgerRules.OpenSourcesMax; i++) story.State.Sources.Add(Numbered(i), new(1, IsClosed: false));

        story.When(Post(1, Give(1))).ThenRefused(GrainRefusal.Busy).When(Hold).ThenOne<BalanceHeld>().When(End(Paid(600))).ThenOne<MovesPosted>();
        story.When(Post(1, Give(1)) with { Source = Numbered(1), IsLast = true }).ThenOne<MovesPosted>().When(Post(1, Give(1))).ThenOne<MovesPosted>();
    }

    [Fact]
    public void Everything_may_be_at_its_bound()
    {
        story.When(Post(1, [.. Enumerable.Repeat(Earn(1) with { Reason = new('x', 40), Amount = LedgerRules.AmountMax }, 100)])).ThenOne<MovesPosted>();
        for (var step = 101; step <= 301; step += 100) story.When(Post(step, [.. Enumerable.Repeat(Earn(1) with { Amount = LedgerRules.AmountMax }, 100)]));
        Assert.Equal(LedgerRules.GivenMax, View.GivenFen);

        story.When(Post(401, Earn(1))).ThenRefused(GrainRefusal.Invalid);
        story.Given(Posted(Numbered(7), LedgerRules.StepsMax - 1)).When(Post(LedgerRules.StepsMax, Freeze(1)) with { Source = Numbered(7) }).ThenOne<MovesPosted>();
    }

    private static Guid Numbered(int i) => new(i, 9, 0, new byte[8]);

    // ---- copies that come late

    [Fact]
    public void A_copy_of_a_hold_whose_withdrawal_is_over_and_forgotten_holds_nothing()
    {
        var story = Story().Given(Having(1_000)).When(Hold with { AskedAt = Start }).ThenOne<BalanceHeld>().When(End(Returned(600))).ThenSurvivesSnapshot();
        story.State.Sources.Remove(First);
        story.When(Hold with { AskedAt = Start }).ThenNothing();
        Assert.Null(story.State.Open);
    }

    [Fact]
    public void A_hold_that_was_refused_stays_so_when_there_is_enough()
    {
        var hold = Hold with { AskedAt = Start };
        var story = Story().When(hold).Then(Opened, new WithdrawalHoldRefused(First, Start, Refusal.Of(LedgerRefusal.InsufficientBalance))).ThenSurvivesSnapshot();
        Assert.Equal("InsufficientBalance", story.Answer().Refusal!.Code);

        story.When(Post(1, Give(1_000))).When(hold).ThenNothing();
        Assert.Equal("InsufficientBalance", story.Answer().Refusal!.Code);
        story.When(hold with { AskedAt = Start.AddTicks(1) }).ThenOne<BalanceHeld>();
        Assert.IsType<LedgerPosted>(story.Answer().Value);
    }
}
