using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using static Campaigns.Tests.FlashSale.FlashSaleCast;

namespace Campaigns.Tests.FlashSale;

public class FlashSalePublicationTests
{
    [Fact]
    public void Sound_terms_are_told_their_cost_and_the_rule_about_the_price_beside_it()
    {
        var findings = Check(Terms);

        Assert.Equal([("LAW-PRICE-01", "info", "rules.salePriceFen"), ("FLASHSALE-COST", "info", "rules.quota")], findings.Select(f => (f.RuleId, f.Severity, f.Field)));
        Assert.Contains("400.00 yuan", findings[1].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9_900)]
    [InlineData(9_901)]
    public void Price_that_is_not_below_the_list_price_blocks(long price) => Assert.Equal(("FLASHSALE-PRICE", "block", "rules.salePriceFen"), Only(Terms with { SalePriceFen = price }));

    [Theory]
    [InlineData(0)]
    [InlineData(9_899)]
    public void Every_price_below_it_is_allowed_and_so_is_nothing(long price) => Assert.DoesNotContain(Check(Terms with { SalePriceFen = price }), f => f.Severity != Finding.Info);

    [Fact]
    public void Slot_that_never_comes_blocks()
    {
        var never = Weekly with { WeeklySlot = new(6, "20:00", 60) };
        Assert.Contains(Check(never, Opens.AddDays(1).AddTicks(-1)), f => f is { RuleId: "FLASHSALE-SLOT", Severity: "block", Field: "rules.weeklySlot" });
        Assert.DoesNotContain(Check(never, Opens.AddDays(2)), f => f.Severity == Finding.Block);
    }

    [Fact]
    public void Weekly_sale_is_told_where_its_later_units_come_from() => Assert.Contains(Check(Weekly, Opens.AddDays(30)), f => f is { RuleId: "FLASHSALE-STOCK", Severity: "info", Field: "rules.quota" });

    [Fact]
    public void Limit_above_the_quota_is_worth_a_warning()
    {
        Assert.Contains(Check(Terms with { PerUserLimit = 11 }), f => f is { RuleId: "FLASHSALE-LIMIT", Severity: "warn", Field: "rules.perUserLimit" });
        Assert.DoesNotContain(Check(Terms with { PerUserLimit = 10 }), f => f.RuleId == "FLASHSALE-LIMIT");
    }

    [Fact]
    public void Hold_that_outlasts_the_sale_is_worth_a_warning()
    {
        Assert.Contains(Check(Terms, Opens.AddSeconds(600)), f => f is { RuleId: "FLASHSALE-HOLD", Severity: "warn", Field: "rules.holdSeconds" });
        Assert.DoesNotContain(Check(Terms, Opens.AddSeconds(601)), f => f.RuleId == "FLASHSALE-HOLD");
        Assert.Contains(Check(Weekly with { WeeklySlot = new(5, "20:00", 10) }, Opens.AddDays(30)), f => f.RuleId == "FLASHSALE-HOLD");
    }

    public static TheoryData<string, FlashSaleTerms> OutOfBounds => new()
    {
        { "rules.quota", Terms with { Quota = 0 } },
        { "rules.quota", Terms with { Quota = 10_000_001 } },
        { "rules.salePriceFen", Terms with { SalePriceFen = -1 } },
        { "rules.salePriceFen", Terms with { SalePriceFen = 10_000_000_001 } },
        { "rules.perUserLimit", Terms with { PerUserLimit = 0 } },
        { "rules.perUserLimit", Terms with { PerUserLimit = 10_001 } },
        { "rules.holdSeconds", Terms with { HoldSeconds = 0 } },
        { "rules.holdSeconds", Terms with { HoldSeconds = 3_601 } },
        { "rules.weeklySlot.day", Terms with { WeeklySlot = new(0, "20:00", 60) } },
        { "rules.weeklySlot.day", Terms with { WeeklySlot = new(8, "20:00", 60) } },
        { "rules.weeklySlot.time", Terms with { WeeklySlot = new(1, "24:00", 60) } },
        { "rules.weeklySlot.time", Terms with { WeeklySlot = new(1, "8:00", 60) } },
        { "rules.weeklySlot.minutes", Terms with { WeeklySlot = new(1, "20:00", 0) } },
        { "rules.weeklySlot.minutes", Terms with { WeeklySlot = new(1, "20:00", 1_441) } },
    };

    [Theory]
    [MemberData(nameof(OutOfBounds))]
    public void Each_value_has_its_bounds(string field, FlashSaleTerms terms) => Assert.Equal(("INVALID", "block", field), terms.Bounds().Select(f => (f.RuleId, f.Severity, f.Field)).Single());

    public static TheoryData<FlashSaleTerms> AtBounds =>
    [
        Terms with { Quota = 1, SalePriceFen = 0, PerUserLimit = 1, HoldSeconds = 1 },
        Terms with { Quota = 10_000_000, SalePriceFen = 10_000_000_000, PerUserLimit = 10_000, HoldSeconds = 3_600 },
        Terms with { WeeklySlot = new(1, "00:00", 1) },
        Terms with { WeeklySlot = new(7, "23:59", 1_440) },
    ];

    [Theory]
    [MemberData(nameof(AtBounds))]
    public void Each_value_may_be_at_its_bound(FlashSaleTerms terms) => Assert.Empty(terms.Bounds());

    private static (string, string, string) Only(FlashSaleTerms terms)
    {
        var finding = Assert.Single(Check(terms));
        return (finding.RuleId, finding.Severity, finding.Field);
    }

    private static List<Finding> Check(FlashSaleTerms terms, DateTimeOffset? end = null) =>
        [.. terms.Check(new("秒杀", Opens, end ?? Closes, Sku, terms), new PublicationFacts("手冲咖啡壶", new(9_900), 100, Channel.MiniProgram))];
}
