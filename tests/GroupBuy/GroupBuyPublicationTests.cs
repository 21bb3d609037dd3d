using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using static Campaigns.Tests.GroupBuy.GroupBuyCast;

namespace Campaigns.Tests.GroupBuy;

public class GroupBuyPublicationTests
{
    [Fact]
    public void A_sound_group_is_told_what_it_tells_shoppers_and_what_it_costs()
    {
        var findings = Check(Terms);

        Assert.Equal([("LAW-GROUP-01", Finding.Info), ("GROUP-BUY-COST", Finding.Info)], findings.Select(f => (f.RuleId, f.Severity)));
        Assert.Contains("3 members at 79.00, within 1440 minutes", findings[0].Message, StringComparison.Ordinal);
        Assert.Contains("cost 2000.00 yuan", findings[1].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9_900)]
    [InlineData(9_901)]
    public void The_groups_price_is_below_the_list_price(long price) => AssertBlocked(Terms with { GroupPriceFen = price }, "GROUP-BUY-PRICE", "rules.groupPriceFen");

    [Fact]
    public void The_founder_pays_no_more_than_the_group()
    {
        AssertBlocked(Terms with { LeaderPriceFen = 7_901 }, "GROUP-BUY-LEADER-PRICE", "rules.leaderPriceFen");
        Assert.DoesNotContain(Check(Terms with { LeaderPriceFen = 7_900 }), f => f.Severity == Finding.Block);
    }

    [Fact]
    public void A_ladder_climbs_in_size_and_falls_in_price()
    {
        AssertBlocked(Terms with { Ladder = [new(3, 6_900)] }, "GROUP-BUY-LADDER", "rules.ladder[0].size");
        AssertBlocked(Terms with { Ladder = [new(4, 7_900)] }, "GROUP-BUY-LADDER", "rules.ladder[0].priceFen");
        AssertBlocked(Terms with { Ladder = [new(4, 6_900), new(4, 5_900)] }, "GROUP-BUY-LADDER", "rules.ladder[1].size");
        AssertBlocked(Terms with { Ladder = [new(4, 6_900), new(5, 6_900)] }, "GROUP-BUY-LADDER", "rules.ladder[1].priceFen");
        Assert.DoesNotContain(Check(Ladder), f => f.Severity == Finding.Block);
        Assert.Contains("lowest price 59.00", Check(Ladder)[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quota_is_enough_for_one_group()
    {
        AssertBlocked(Terms with { Quota = 2 }, "GROUP-BUY-QUOTA", "rules.quota");
        Assert.DoesNotContain(Check(Terms with { Quota = 3 }), f => f.RuleId == "GROUP-BUY-QUOTA");
        Assert.Equal(Finding.Warn, Check(Ladder with { Quota = 4 }).Single(f => f.RuleId == "GROUP-BUY-QUOTA").Severity);
        Assert.Equal(Finding.Warn, Check(Terms with { Quota = 2, VirtualCompletion = new(2) }).Single(f => f.RuleId == "GROUP-BUY-QUOTA").Severity);
        AssertBlocked(Terms with { Quota = 1, VirtualCompletion = new(2) }, "GROUP-BUY-QUOTA", "rules.quota");
    }

    [Fact]
    [Trait("EdgeCase", "25")]
    public void Completion_short_of_members_is_published_with_the_law_behind_it()
    {
        var finding = Check(Terms with { VirtualCompletion = new(2) }).Single(f => f.RuleId == "LAW-PRICE-09");

        Assert.Equal((Finding.Warn, "rules.virtualCompletion"), (finding.Severity, finding.Field));
        Assert.Contains("only real members are counted", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_is_for_chats_only() => Assert.Equal(Finding.Warn, Check(Terms, Channel.H5Link).Single(f => f.RuleId == "WX-GROUP-01").Severity);

    [Fact]
    public void A_campaign_shorter_than_its_groups_is_worth_knowing()
    {
        Assert.Equal(Finding.Warn, Check(Terms, end: Start.AddMinutes(1_439)).Single(f => f.RuleId == "GROUP-BUY-TTL").Severity);
        Assert.DoesNotContain(Check(Terms, end: Start.AddMinutes(1_440)), f => f.RuleId == "GROUP-BUY-TTL");
    }

    [Theory]
    [InlineData("rules.quota", 0, 1, 10_000_000)]
    [InlineData("rules.groupPriceFen", -1, 0, 10_000_000_000)]
    [InlineData("rules.leaderPriceFen", -1, 0, 10_000_000_000)]
    [InlineData("rules.size", 1, 2, 50)]
    [InlineData("rules.ttlMinutes", 9, 10, 10_080)]
    [InlineData("rules.perUserLimit", 0, 1, 10_000)]
    [InlineData("rules.seatHoldMinutes", 0, 1, 1_440)]
    [InlineData("rules.ladder[0].size", 1, 2, 50)]
    [InlineData("rules.ladder[0].priceFen", -1, 0, 10_000_000_000)]
    [InlineData("rules.virtualCompletion.realMembers", 0, 1, 2)]
    public void Values_have_bounds(string field, long below, long low, long high)
    {
        Assert.Equal(field, Assert.Single(With(field, below).Bounds()).Field);
        Assert.Empty(With(field, low).Bounds());
        Assert.Empty(With(field, high).Bounds());
        Assert.Equal(field, Assert.Single(With(field, high + 1).Bounds()).Field);
    }

    [Fact]
    public void Unknown_audiences_policies_and_steps_are_out_of_bounds() =>
        Assert.Equal(["rules.audience", "rules.latePayment", "rules.ladder[0].size"], (Terms with { Audience = (GroupAudience)3, LatePayment = (LatePaymentPolicy)3, Ladder = [null!] }).Bounds().Select(f => f.Field));

    [Fact]
    public void A_ladder_has_at_most_as_many_steps_as_a_group_has_members() =>
        Assert.Contains((Terms with { Ladder = [.. Enumerable.Repeat(new LadderStep(4, 1), 51)] }).Bounds(), f => f.Field == "rules.ladder");

    [Fact]
    public void Terms_with_the_same_ladder_are_the_same()
    {
        var again = Terms with { Ladder = [new(4, 6_900), new(5, 5_900)] };
        Assert.Equal(Ladder, again);
        Assert.Equal(Ladder.GetHashCode(), again.GetHashCode());
        Assert.NotEqual(Ladder, Terms);
        Assert.NotEqual(Terms, Ladder);
        Assert.NotEqual(Ladder, Terms with { Ladder = [new(4, 6_900)] });
        Assert.All(
            (GroupBuyTerms[])[Ladder with { Quota = 1 }, Ladder with { GroupPriceFen = 1 }, Ladder with { LeaderPriceFen = 1 }, Ladder with { Size = 2 }, Ladder with { TtlMinutes = 1 }, Ladder with { PerUserLimit = 2 }, Ladder with { Audience = GroupAudience.NewCustomers }, Ladder with { LatePayment = LatePaymentPolicy.Reroute }, Ladder with { SeatHoldMinutes = 1 }, Ladder with { VirtualCompletion = new(1) }],
            other => Assert.NotEqual(Ladder, other));
    }

    private static GroupBuyTerms With(string field, long value) => field switch
    {
        "rules.quota" => Terms with { Quota = (int)value },
        "rules.groupPriceFen" => Terms with { GroupPriceFen = value },
        "rules.leaderPriceFen" => Terms with { LeaderPriceFen = value },
        "rules.size" => Terms with { Size = (int)value },
        "rules.ttlMinutes" => Terms with { TtlMinutes = (int)value },
        "rules.perUserLimit" => Terms with { PerUserLimit = (int)value },
        "rules.seatHoldMinutes" => Terms with { SeatHoldMinutes = (int)value },
        "rules.ladder[0].size" => Terms with { Ladder = [new((int)value, 1)] },
        "rules.ladder[0].priceFen" => Terms with { Ladder = [new(4, value)] },
        "rules.virtualCompletion.realMembers" => Terms with { VirtualCompletion = new((int)value) },
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };

    private static void AssertBlocked(GroupBuyTerms terms, string ruleId, string field) =>
        Assert.Equal((ruleId, field), Check(terms).Where(f => f.Severity == Finding.Block).Select(f => (f.RuleId, f.Field)).Single());

    private static List<Finding> Check(GroupBuyTerms terms, Channel channel = Channel.MiniProgram, DateTimeOffset? end = null)
    {
        var findings = GroupBuyPublication.Check(terms, new("x", Start, end ?? CampaignEnd, Sku, terms), Facts with { Channel = channel }).ToList();
        Assert.All(findings, f => Assert.NotEmpty(f.Message));
        return findings;
    }
}
