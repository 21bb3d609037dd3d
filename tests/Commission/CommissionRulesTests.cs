using Campaigns.Grains.Commission;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Tests.Kit;
using static Campaigns.Grains.Commission.CommissionRules;
using static Campaigns.Tests.Commission.CommissionCast;

namespace Campaigns.Tests.Commission;

public sealed class CommissionRulesTests
{
    private readonly Story<CommissionState, CommissionEvent> story = NewStory();

    [Fact]
    public void A_sale_is_noted_and_it_is_asked_what_it_earns()
    {
        story.When(Sale).Then(Noted).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal([AskShop, AskPromoter, AskSku, AskSku], story.Debts.Select(d => d.What));
        Assert.Equal(new Owed(story.Self.Shop.Grain(), new GetShop()), story.Message(AskShop));
        Assert.Equal(new Owed(Bing.DistributorIn(story.Self.Shop), new GetDistributorTerms()), story.Message(AskPromoter));
        Assert.Empty(View(story).Levels);
    }

    [Fact]
    public void The_last_answer_decides_and_not_the_one_before()
    {
        story.When(Sale).WhenSettled(AskShop, TheShop()).Then(new ShopAnswered(15, 0, 30, HasSecondLevel: false, IsStopped: false, "Asia/Shanghai", null)).ThenSurvivesSnapshot();
        story.WhenSettled(AskPromoter, Active).Then(new PromoterAnswered(DistributorStanding.Active, null, null, 100)).ThenSurvivesSnapshot();
        Settle(story, new(AskSku, Tea.Value), Sku(Tea));
        Assert.Equal(CommissionStage.Asking, story.State.Stage);

        story.WhenSettled(AskSku, Sku(Cake)).Then(new SkuAnswered(Cake, null), new CommissionGranted([new(CommissionLevel.First, Bing, [450, 149])], "2026-11")).ThenSurvivesSnapshot();
        Assert.Equal([new Debt(PostFirst, About(1))], story.Debts);
        Assert.Null(story.State.Findings);
    }

    [Theory]
    [InlineData(AskShop)]
    [InlineData(AskPromoter)]
    public void What_could_not_be_answered_is_asked_again(string what) => story.When(Sale).WhenRefused(what, GrainRefusal.WrongState).ThenNothing();

    [Fact]
    [Trait("EdgeCase", "41")]
    public void The_commission_is_the_sum_of_its_lines_each_rounded_down_to_the_fen()
    {
        // 15 % of 3,000 and of 999 are 450 and 149.85; of both together it would be 599.85 all the same, of 999 and 999 it is 298 and not 299.
        Assert.Equal(599, Level(Answered()).AmountFen);
        Assert.Equal(298, Level(Answered(sale: Sale with { Lines = [new(Tea, 999, 0), new(Cake, 999, 0)] })).AmountFen);
    }

    [Fact]
    [Trait("EdgeCase", "41")]
    public void Both_levels_together_are_at_most_what_the_shop_allows_of_each_line()
    {
        var granted = Answered(TwoLevels with { CommissionMaxPercent = 20 }, Active with { Upline = Chen }, tea: new(18, 7), cake: new(30, 7));

        Assert.Equal([540, 199], Level(granted).Lines.Select(l => l.AmountFen));
        Assert.Equal([60, 0], Level(granted, CommissionLevel.Second).Lines.Select(l => l.AmountFen));
    }

    [Fact]
    public void A_product_s_own_rate_comes_before_the_tier_s_and_that_before_the_shop_s()
    {
        var tiers = OneLevel with { CommissionTiers = [new("gold", 20, 0), new("silver", 18, 0)] };

        Assert.Equal([450, 149], Level(Answered(tiers)).Lines.Select(l => l.AmountFen));
        Assert.Equal([600, 199], Level(Answered(tiers, Active with { Tier = "gold" })).Lines.Select(l => l.AmountFen));
        Assert.Equal([450, 149], Level(Answered(tiers, Active with { Tier = "gone" })).Lines.Select(l => l.AmountFen));
        Assert.Equal([750, 199], Level(Answered(tiers, Active with { Tier = "gold" }, tea: new(25, 0))).Lines.Select(l => l.AmountFen));
        Assert.Equal([0, 149], Level(Answered(tea: new(0, 0))).Lines.Select(l => l.AmountFen));
    }

    [Fact]
    public void Little_trust_earns_a_share_of_the_rate() => Assert.Equal([225, 74], Level(Answered(promoter: Active with { RatePercent = 50 })).Lines.Select(l => l.AmountFen));

    [Fact]
    public void A_second_level_is_asked_for_and_paid_only_where_somebody_has_signed_off()
    {
        var unsigned = Answered(TwoLevels with { SecondLevelSignOff = null }, Active with { Upline = Chen });
        Assert.Equal(Bing, Assert.Single(View(unsigned).Levels).Earner);

        story.When(Sale).WhenSettled(AskShop, TheShop(TwoLevels)).WhenSettled(AskPromoter, Active with { Upline = Chen })
            .Then(new PromoterAnswered(DistributorStanding.Active, Chen, null, 100), new UplineAsked(Chen)).ThenSurvivesSnapshot();
        Assert.Equal(new Owed(Chen.DistributorIn(story.Self.Shop), new GetDistributorTerms()), story.Message(AskUpline));

        var signed = Answered(TwoLevels, Active with { Upline = Chen }).ThenSurvivesSnapshot();
        Assert.Equal([(CommissionLevel.First, Bing, 599L), (CommissionLevel.Second, Chen, 199L)], View(signed).Levels.Select(l => (l.Level, l.Earner, l.AmountFen)));
        Assert.Equal([new Debt(PostFirst, About(1)), new Debt(PostSecond, About(1))], signed.Debts);
    }

    [Fact]
    public void The_second_level_has_its_earner_s_own_tier_and_trust()
    {
        var settings = TwoLevels with { CommissionTiers = [new("gold", 20, 8)] };
        var granted = Answered(settings, Active with { Upline = Chen }, Active with { Tier = "gold", RatePercent = 50 });

        Assert.Equal([120, 39], Level(granted, CommissionLevel.Second).Lines.Select(l => l.AmountFen));
    }

    [Theory]
    [InlineData(DistributorStanding.Frozen)]
    [InlineData(DistributorStanding.Closed)]
    [InlineData(DistributorStanding.Applied)]
    [InlineData(DistributorStanding.Invited)]
    [InlineData(DistributorStanding.Declined)]
    public void Who_stands_above_and_is_not_active_earns_nothing(DistributorStanding standing) =>
        Assert.Equal(Bing, Assert.Single(View(Answered(TwoLevels, Active with { Upline = Chen }, Active with { Standing = standing })).Levels).Earner);

    [Fact]
    public void An_upline_who_never_joined_earns_nothing()
    {
        story.When(Sale).WhenSettled(AskShop, TheShop(TwoLevels)).WhenSettled(AskPromoter, Active with { Upline = Chen }).WhenRefused(AskUpline, GrainRefusal.NotFound).Then(new UplineAnswered(null, null, 0));
        Settle(story, new(AskSku, Tea.Value), Sku(Tea));
        Settle(story, new(AskSku, Cake.Value), Sku(Cake));

        Assert.Equal(Bing, Assert.Single(View(story).Levels).Earner);
    }

    [Fact]
    public void Nobody_earns_by_what_they_buy_themselves() =>
        Assert.Equal(Bing, Assert.Single(View(Answered(TwoLevels, Active with { Upline = Amei })).Levels).Earner);

    [Fact]
    public void Nothing_is_granted_while_distribution_is_stopped()
    {
        story.When(Sale).WhenSettled(AskShop, TheShop(TwoLevels, isStopped: true)).WhenSettled(AskPromoter, Active with { Upline = Chen }).ThenOne<PromoterAnswered>();
        Settle(story, new(AskSku, Tea.Value), Sku(Tea));
        story.WhenSettled(AskSku, Sku(Cake)).Then(new SkuAnswered(Cake, null), new CommissionDenied(NoCommissionReason.DistributionStopped)).ThenSurvivesSnapshot();

        Assert.Empty(story.Debts);
        Assert.Equal((NoCommissionReason.DistributionStopped, null), (View(story).NoCommission, View(story).State));
    }

    [Theory]
    [InlineData(DistributorStanding.Frozen)]
    [InlineData(DistributorStanding.Closed)]
    public void A_promoter_who_is_not_active_earns_nothing(DistributorStanding standing) =>
        Assert.Equal(NoCommissionReason.PromoterNotActive, Answered(TwoLevels, Active with { Standing = standing, Upline = Chen }).State.Reason);

    [Fact]
    public void A_promoter_who_never_joined_earns_nothing()
    {
        story.When(Sale).WhenSettled(AskShop, TheShop()).WhenRefused(AskPromoter, GrainRefusal.NotFound).Then(new PromoterAnswered(null, null, null, 0));
        Settle(story, new(AskSku, Tea.Value), Sku(Tea));
        Settle(story, new(AskSku, Cake.Value), Sku(Cake));

        Assert.Equal(NoCommissionReason.PromoterNotActive, story.State.Reason);
    }

    [Fact]
    public void Less_than_one_fen_is_nothing_to_earn()
    {
        Assert.Equal(NoCommissionReason.NothingToEarn, Answered(OneLevel with { Level1Percent = 0 }).State.Reason);
        Assert.Equal(NoCommissionReason.NothingToEarn, Answered(sale: Sale with { Lines = [new(Tea, 6, 0), new(Cake, 6, 0)] }).State.Reason);
        Assert.Equal(NoCommissionReason.NothingToEarn, Answered(promoter: Active with { RatePercent = 0 }).State.Reason);
    }

    [Fact]
    public void Where_nothing_was_granted_refunds_are_noted_and_nothing_follows()
    {
        var denied = Answered(promoter: Active with { RatePercent = 0 });

        denied.When(Refunded(1_000).Received(Start)).Then(new SaleChanged([1_000, 0], Start, 7)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Null(denied.Deadline);
        Assert.Empty(denied.Debts);
    }

    [Fact]
    public void What_was_granted_is_posted_as_the_first_step()
    {
        var granted = Answered();

        var message = granted.Message(PostFirst);
        Assert.Equal(Bing.LedgerIn(granted.Self.Shop, LedgerKind.Commission), message.To);
        var post = Assert.IsType<PostEntries>(message.Command);
        Assert.Equal((Bing, LedgerKind.Commission, SourceOf(OrderId.Of(granted.Self.Key), CommissionLevel.First), granted.Self.Key, 1, false), (post.Owner, post.Kind, post.Source, post.Subject, post.FirstStep, post.IsLast));
        Assert.Equal([new LedgerEntry(Earned, LedgerAccount.Shop, LedgerAccount.Pending, new(599))], post.Entries);

        granted.WhenSettled(PostFirst, new LedgerPosted(1, 599, 0)).Then(new StepsPosted(CommissionLevel.First, 1, new(599), Money.Zero, TellsEarner: false)).ThenSurvivesSnapshot();
        Assert.Empty(granted.Debts);
    }

    [Fact]
    public void What_the_ledger_refuses_is_posted_again() => Answered().WhenRefused(PostFirst, GrainRefusal.WrongState).ThenNothing();

    [Fact]
    public void Both_levels_are_posted_to_their_own_ledgers_under_their_own_sources()
    {
        var granted = Answered(TwoLevels, Active with { Upline = Chen });

        var (first, second) = ((PostEntries)granted.Message(PostFirst).Command, (PostEntries)granted.Message(PostSecond).Command);
        Assert.NotEqual(first.Source, second.Source);
        Assert.Equal((Chen, Chen.LedgerIn(granted.Self.Shop, LedgerKind.Commission)), (second.Owner, granted.Message(PostSecond).To));
        granted.Post(PostSecond).Then(new StepsPosted(CommissionLevel.Second, 1, Money.Zero, Money.Zero, TellsEarner: false));
        Assert.Equal([new Debt(PostFirst, About(1))], granted.Debts);
    }

    [Fact]
    public void A_received_order_freezes_it_until_its_after_sale_period_is_over()
    {
        var granted = Answered().Post();
        granted.When(Sale.Received(Start)).Then(new SaleChanged([0, 0], Start, 7), new CommissionFrozen(Start.AddDays(7))).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal((CommissionStatus.Frozen, Start.AddDays(7), Start.AddDays(7)), (View(granted).State, View(granted).AvailableAt, granted.Deadline));

        granted.At(Start.AddDays(7).AddTicks(-1)).When(Wake.Instance).ThenNothing();
        granted.At(Start.AddDays(7)).When(Wake.Instance).Then(new CommissionReleased()).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Null(granted.Deadline);
        Assert.Equal(CommissionStatus.Available, View(granted).State);

        var post = (PostEntries)granted.Message(PostFirst).Command;
        Assert.Equal(2, post.FirstStep);
        Assert.Equal([new LedgerEntry(Frozen, LedgerAccount.Pending, LedgerAccount.Frozen, new(599)), new LedgerEntry(Released, LedgerAccount.Frozen, LedgerAccount.Available, new(599))], post.Entries);
    }

    [Fact]
    public void What_is_decided_while_entries_are_under_way_is_posted_after_them()
    {
        var granted = Answered();
        var underWay = (PostEntries)granted.Message(PostFirst).Command;
        granted.When(Refunded(3_000)).ThenOne<CommissionReversed>();
        Assert.Equal([new Debt(PostFirst, About(1))], granted.Debts);

        granted.WhenSettled(PostFirst, new LedgerPosted(underWay.Entries.Count, 599, 0)).Then(new StepsPosted(CommissionLevel.First, 1, new(599), Money.Zero, TellsEarner: false)).ThenSurvivesSnapshot();
        Assert.Equal([new Debt(PostFirst, About(2))], granted.Debts);
        Assert.Equal(2, ((PostEntries)granted.Message(PostFirst).Command).FirstStep);
    }

    [Fact]
    public void A_refund_and_a_receipt_that_came_before_the_grant_follow_it_at_once()
    {
        story.When(Sale).WhenSettled(AskShop, TheShop()).WhenSettled(AskPromoter, Active);
        story.When(Refunded(1_000).Received(Start)).Then(new SaleChanged([1_000, 0], Start, 7));
        Settle(story, new(AskSku, Tea.Value), Sku(Tea));
        story.WhenSettled(AskSku, Sku(Cake)).Then(
            new SkuAnswered(Cake, null),
            new CommissionGranted([new(CommissionLevel.First, Bing, [450, 149])], "2026-11"),
            new CommissionReversed(CommissionLevel.First, new(150)),
            new CommissionFrozen(Start.AddDays(7)));

        Assert.Equal([("commission-earned", 599L), ("commission-reversed", 150L), ("commission-frozen", 449L)], Entries(story).Select(e => (e.Reason, e.Amount.Fen)));
    }

    [Fact]
    public void A_sale_that_is_told_for_the_first_time_may_be_received_and_refunded_already()
    {
        var granted = Answered(sale: Refunded(3_000, 999).Received(Start, 0));

        Assert.Equal([Earned, Reversed], Entries(granted).Select(e => e.Reason)); // nothing is left to be frozen
        granted.When(Wake.Instance).Then(new CommissionReleased());
        Assert.Equal((599, 599), (Level(granted).AmountFen, Level(granted).ReversedFen));
    }

    [Fact]
    public void An_older_word_about_the_sale_changes_nothing()
    {
        var granted = Answered();
        granted.When(Refunded(1_000, 500).Received(Start));

        granted.When(Refunded(1_000)).ThenNothing();
        granted.When(Sale).ThenNothing();
        granted.When(Refunded(500, 600)).ThenOne<SaleChanged>(e => Assert.Equal([1_000, 600], e.RefundedFen));
        granted.When(Refunded(1_000, 600).Received(Start.AddDays(1), 9)).ThenNothing();
        Assert.Equal(Start.AddDays(7), granted.Deadline);
    }

    [Fact]
    public void Another_promoter_and_other_lines_are_another_sale()
    {
        var granted = Answered();

        granted.When(Sale with { Promoter = Chen }).ThenRefused(GrainRefusal.WrongState);
        granted.When(Sale with { Lines = [Sale.Lines[0], Sale.Lines[1] with { NetFen = 998 }] }).ThenRefused(GrainRefusal.WrongState);
        granted.When(Sale with { Lines = [Sale.Lines[0]] }).ThenRefused(GrainRefusal.WrongState);
    }

    [Fact]
    public void The_month_is_the_shop_s()
    {
        story.When(Sale).At(new(2026, 11, 30, 16, 0, 0, TimeSpan.Zero)).WhenSettled(AskShop, TheShop()).WhenSettled(AskPromoter, Active);
        Settle(story, new(AskSku, Tea.Value), Sku(Tea));
        story.WhenSettled(AskSku, Sku(Cake)).ThenOne<CommissionGranted>(e => Assert.Equal("2026-12", e.Month));
    }

    [Fact]
    [Trait("EdgeCase", "42")]
    public void A_refund_while_it_is_pending_takes_back_its_share()
    {
        var granted = Answered().Post();
        granted.When(Refunded(1_000)).Then(new SaleChanged([1_000, 0], null, null), new CommissionReversed(CommissionLevel.First, new(150))).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal([new LedgerEntry(Reversed, LedgerAccount.Pending, LedgerAccount.Shop, new(150))], Entries(granted));
        Assert.Equal((599, 150), (Level(granted).AmountFen, Level(granted).ReversedFen));
    }

    [Fact]
    [Trait("EdgeCase", "42")]
    public void A_refund_during_the_freeze_takes_back_its_share()
    {
        var granted = Answered().Post().When(Sale.Received(Start)).Post();
        granted.When(Refunded(1_000).Received(Start)).ThenOne<CommissionReversed>(e => Assert.Equal(150, e.Amount.Fen));

        Assert.Equal([new LedgerEntry(Reversed, LedgerAccount.Frozen, LedgerAccount.Shop, new(150))], Entries(granted));
        granted.At(Start.AddDays(7)).When(Wake.Instance);
        Assert.Equal(449, Entries(granted)[^1].Amount.Fen);
    }

    [Fact]
    [Trait("EdgeCase", "42")]
    public void A_refund_after_the_freeze_takes_back_its_share_and_what_was_withdrawn_becomes_debt()
    {
        var granted = Answered().Post().When(Sale.Received(Start)).At(Start.AddDays(7)).When(Wake.Instance).Post();
        granted.When(Refunded(1_000).Received(Start)).ThenOne<CommissionReversed>(e => Assert.Equal(150, e.Amount.Fen));

        // The ledger takes from debt what is not available any more: withdrawn or not, the same entry says so.
        Assert.Equal([new LedgerEntry(Reversed, LedgerAccount.Available, LedgerAccount.Shop, new(150), MayOwe: true)], Entries(granted));
        granted.Post(given: 599, takenBack: 150).Then(new StepsPosted(CommissionLevel.First, 4, new(599), new(150), TellsEarner: true)).ThenSurvivesSnapshot();
    }

    [Fact]
    public void When_something_was_taken_back_the_earner_s_grain_hears_what_the_ledger_says()
    {
        var granted = Answered().Post().When(Refunded(1_000)).Post(given: 5_000, takenBack: 700);

        Assert.Equal(new Owed(Bing.DistributorIn(granted.Self.Shop), new NoteEarnings(5_000, 700)), granted.Message(TellFirst));
        granted.When(Refunded(2_000)).Post(given: 5_000, takenBack: 850);
        Assert.Equal([new Debt(TellFirst, About(2)), new Debt(TellFirst, About(3))], granted.Debts);
        Settle(granted, new(TellFirst, About(2)), Done.Instance);
        granted.WhenRefused(TellFirst, GrainRefusal.NotFound).Then(new EarnerTold(TellFirst, About(3))).ThenSurvivesSnapshot();
        Assert.Empty(granted.Debts);
    }

    [Fact]
    [Trait("EdgeCase", "24")]
    [Trait("EdgeCase", "42")]
    public void A_full_refund_takes_back_everything_of_both_levels_at_what_was_granted()
    {
        var granted = Answered(TwoLevels, Active with { Upline = Chen });
        granted.When(Refunded(1_234, 5));
        granted.When(Refunded(3_000, 999)).ThenSurvivesSnapshot();

        Assert.All(View(granted).Levels, l => Assert.Equal(l.AmountFen, l.ReversedFen));
        Assert.All(granted.State.Levels, l => Assert.Equal(0, l.Unposted.Sum(e => e.From == LedgerAccount.Shop ? e.Amount.Fen : -e.Amount.Fen)));
    }

    [Theory]
    [Trait("EdgeCase", "47")]
    [InlineData(true)]
    [InlineData(false)]
    public void The_end_of_the_freeze_and_a_refund_in_the_same_second_leave_nothing_whichever_comes_first(bool refundFirst)
    {
        var end = Start.AddDays(7);
        var granted = Answered().Post().When(Sale.Received(Start)).At(end);
        object[] both = [Refunded(3_000, 999).Received(Start), Wake.Instance];
        foreach (var command in refundFirst ? both : both.Reverse()) granted.When(command);
        foreach (var command in both) granted.When(command).ThenNothing();

        Assert.Equal((CommissionStatus.Available, 599L), (View(granted).State, Level(granted).ReversedFen));
        var accounts = Balances([new(Earned, LedgerAccount.Shop, LedgerAccount.Pending, new(599)), .. Entries(granted)]);
        Assert.All(accounts.Values, fen => Assert.Equal(0, fen));
    }

    internal static Dictionary<LedgerAccount, long> Balances(IEnumerable<LedgerEntry> entries)
    {
        var accounts = Enum.GetValues<LedgerAccount>().ToDictionary(a => a, _ => 0L);
        foreach (var entry in entries)
        {
            accounts[entry.From] -= entry.Amount.Fen;
            accounts[entry.To] += entry.Amount.Fen;
        }

        return accounts;
    }

    private static CommissionView View(Story<CommissionState, CommissionEvent> of) => (CommissionView)of.Answer(new GetCommission()).Value!;

    private static EarnedLevel Level(Story<CommissionState, CommissionEvent> of, CommissionLevel level = CommissionLevel.First) => View(of).Levels.Single(l => l.Level == level);

    private static IReadOnlyList<LedgerEntry> Entries(Story<CommissionState, CommissionEvent> of) => ((PostEntries)of.Message(PostFirst).Command).Entries;

    [Fact]
    public void What_nobody_promoted_has_no_commission() => Assert.Equal("NotFound", story.Answer(new GetCommission()).Refusal?.Code);
}
