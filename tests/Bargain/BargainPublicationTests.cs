using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using static Campaigns.Tests.Bargain.BargainCast;

namespace Campaigns.Tests.Bargain;

public class BargainPublicationTests
{
    [Fact]
    public void Sound_terms_are_told_their_worst_cost_and_nothing_else()
    {
        var finding = Assert.Single(Check(Terms));

        Assert.Equal(("BARGAIN-COST", "info", "rules.quota"), (finding.RuleId, finding.Severity, finding.Field));
        Assert.Contains("4000.00 yuan", finding.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9_900)]
    [InlineData(9_901)]
    [Trait("EdgeCase", "8")]
    public void Floor_that_is_not_below_the_price_blocks(long floor) => AssertBlocked(Terms with { FloorFen = floor }, "BARGAIN-FLOOR", "rules.floorFen");

    [Fact]
    [Trait("EdgeCase", "8")]
    public void Floor_of_zero_is_allowed() => Assert.DoesNotContain(Check(Terms with { FloorFen = 0 }), f => f.Severity == Finding.Block);

    [Fact]
    [Trait("EdgeCase", "7")]
    public void Less_than_one_fen_for_each_assist_blocks()
    {
        AssertBlocked(Terms with { FloorFen = 9_893 }, "BARGAIN-MIN-CUT", "rules.assistsNeeded");
        Assert.DoesNotContain(Check(Terms with { FloorFen = 9_892 }), f => f.Severity == Finding.Block);
    }

    [Fact]
    [Trait("EdgeCase", "7")]
    public void Smallest_cuts_that_pass_the_floor_block()
    {
        AssertBlocked(Terms with { MinCutFen = 501 }, "BARGAIN-MIN-CUT", "rules.minCutFen");
        Assert.DoesNotContain(Check(Terms with { MinCutFen = 500 }), f => f.Severity == Finding.Block);
    }

    [Fact]
    [Trait("EdgeCase", "55")]
    public void Page_behind_a_link_blocks() =>
        Assert.Contains(Check(Terms, Channel.H5Link), f => f is { RuleId: "WX-SHARE-02", Severity: "block", Field: "settings.channel" });

    [Fact]
    public void Everything_is_found_at_once()
    {
        var terms = AtSuccess with { MinCutFen = 501, Curve = CutCurve.Random, TtlMinutes = 10_080, SelfCut = true };

        Assert.Equal(["BARGAIN-MIN-CUT", "WX-SHARE-02", "WX-SHARE-05", "BARGAIN-AT-SUCCESS", "BARGAIN-TTL", "BARGAIN-COST"], Check(terms, Channel.H5Link, Start.AddDays(6)).Select(f => f.RuleId));
        Assert.Equal(["rules.minCutFen", "settings.channel", "rules.curve", "rules.reservation", "rules.ttlMinutes", "rules.quota"], Check(terms, Channel.H5Link, Start.AddDays(6)).Select(f => f.Field));
        Assert.Contains(Check(Terms with { AssistsNeeded = 1, SelfCut = true }), f => f is { RuleId: "BARGAIN-SELF-ONLY", Severity: "warn", Field: "rules.selfCut" });
        Assert.DoesNotContain(Check(Terms with { AssistsNeeded = 1 }), f => f.RuleId == "BARGAIN-SELF-ONLY");
        Assert.DoesNotContain(Check(Terms, end: Start.AddMinutes(Terms.TtlMinutes)), f => f.RuleId == "BARGAIN-TTL");
    }

    [Fact]
    public void Messages_say_the_numbers()
    {
        Assert.Contains("8 assists of at least 501 fen cut more than the 4000 fen", Check(Terms with { MinCutFen = 501 })[0].Message, StringComparison.Ordinal);
        Assert.Contains("8 assists reach 59.00", Check(Terms with { Curve = CutCurve.Random })[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Findings_at_the_bounds_do_not_overflow()
    {
        var terms = Terms with { Quota = CampaignTerms.QuotaMax, FloorFen = 0, MinCutFen = Money.Max.Fen, AssistsNeeded = 200 };

        Assert.Equal(["BARGAIN-MIN-CUT", "BARGAIN-COST"], BargainPublication.Check(terms, Plan(terms, CampaignEnd), new("x", Money.Max, 1, Channel.MiniProgram)).Select(f => f.RuleId));
    }

    [Theory]
    [InlineData("rules.quota", 0, 1, 10_000_000)]
    [InlineData("rules.floorFen", -1, 0, 10_000_000_000)]
    [InlineData("rules.assistsNeeded", 0, 1, 200)]
    [InlineData("rules.minCutFen", 0, 1, 10_000_000_000)]
    [InlineData("rules.ttlMinutes", 59, 60, 10_080)]
    [InlineData("rules.payWindowMinutes", 0, 1, 10_080)]
    [InlineData("rules.newUserWeight", 0, 1, 5)]
    [InlineData("rules.launchesPerUser", 0, 1, 100)]
    public void Values_have_bounds(string field, long below, long low, long high)
    {
        Assert.Equal(field, Assert.Single(With(field, below).Bounds()).Field);
        Assert.Empty(With(field, low).Bounds());
        Assert.Empty(With(field, high).Bounds());
        Assert.Equal(field, Assert.Single(With(field, high + 1).Bounds()).Field);
    }

    [Fact]
    public void Unknown_curve_and_policy_are_out_of_bounds() =>
        Assert.Equal(["rules.curve", "rules.reservation"], (Terms with { Curve = (CutCurve)4, Reservation = (ReservationPolicy)3 }).Bounds().Select(f => f.Field));

    private static BargainTerms With(string field, long value) => field switch
    {
        "rules.quota" => Terms with { Quota = (int)value },
        "rules.floorFen" => Terms with { FloorFen = value },
        "rules.assistsNeeded" => Terms with { AssistsNeeded = (int)value },
        "rules.minCutFen" => Terms with { MinCutFen = value },
        "rules.ttlMinutes" => Terms with { TtlMinutes = (int)value },
        "rules.payWindowMinutes" => Terms with { PayWindowMinutes = (int)value },
        "rules.newUserWeight" => Terms with { NewUserWeight = (int)value },
        "rules.launchesPerUser" => Terms with { LaunchesPerUser = (int)value },
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };

    private static void AssertBlocked(BargainTerms terms, string ruleId, string field) =>
        Assert.Equal((ruleId, field), Check(terms).Where(f => f.Severity == Finding.Block).Select(f => (f.RuleId, f.Field)).Single());

    private static List<Finding> Check(BargainTerms terms, Channel channel = Channel.MiniProgram, DateTimeOffset? end = null)
    {
        var findings = BargainPublication.Check(terms, Plan(terms, end ?? CampaignEnd), new("x", new Money(9_900), 1_000, channel)).ToList();
        Assert.All(findings, f => Assert.NotEmpty(f.Message));
        return findings;
    }

    private static CampaignPlan Plan(BargainTerms terms, DateTimeOffset end) => new("x", Start, end, Sku, terms);
}
