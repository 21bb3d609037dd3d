using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;

namespace Campaigns.Tests.Shop;

public sealed class DistributionComplianceTests
{
    // One level of 8 % on orders: what the platform calls safe.
    private static readonly ShopSettings Safe = ShopSettings.Default with { CommissionMinPercent = 5, Level1Percent = 8 };
    private static readonly SecondLevelSignOff SignOff = new("Li", "opinion 7");

    public static TheoryData<string, ShopSettings, UnlawfulTerms?, string[]> Cases => new()
    {
        { "one level of 8 %, no fee", Safe, null, [] },
        { "no commission at all", Safe with { Level1Percent = 0 }, null, [] },
        { "a second level", Safe with { Level2Percent = 4 }, null, ["block WX-DIST-01 secondLevelSignOff"] },
        { "a second level that is signed off", Safe with { Level2Percent = 4, SecondLevelSignOff = SignOff }, null, ["warn WX-DIST-01 secondLevelSignOff"] },
        { "a sign-off that is not used", Safe with { SecondLevelSignOff = SignOff }, null, [] },
        { "a second level of a tier alone", Safe with { CommissionTiers = [new("金", 8, 4)] }, null, ["block WX-DIST-01 secondLevelSignOff"] },
        { "a signed-off second level of a tier", Safe with { CommissionTiers = [new("金", 8, 4)], SecondLevelSignOff = SignOff }, null, ["warn WX-DIST-01 secondLevelSignOff"] },
        { "three levels", Safe, new(CommissionLevels: 3), ["block LAW-PYRAMID-01 commissionLevels", "block WX-DIST-01 commissionLevels"] },
        { "three levels, whoever signs", Safe with { SecondLevelSignOff = SignOff }, new(CommissionLevels: 3), ["block LAW-PYRAMID-01 commissionLevels", "block WX-DIST-01 commissionLevels"] },
        { "two levels are the settings' own", Safe, new(CommissionLevels: 2), [] },
        { "a fee of 99 yuan", Safe, new(JoinFeeFen: 9_900), ["block LAW-PYRAMID-01 joinFeeFen", "block WX-DIST-01 joinFeeFen"] },
        { "a negative fee", Safe, new(JoinFeeFen: -1), ["block LAW-PYRAMID-01 joinFeeFen", "block WX-DIST-01 joinFeeFen"] },
        { "a purchase as the price of joining", Safe, new(MustBuySku: "gift-box"), ["block LAW-PYRAMID-01 mustBuySku", "block WX-DIST-01 mustBuySku"] },
        { "a reward per recruit", Safe, new(RecruitRewardFen: 1), ["block LAW-PYRAMID-01 recruitRewardFen", "block WX-DIST-01 recruitRewardFen"] },
        { "nothing asked for", Safe, new(MustBuySku: ""), [] },
        { "all 30 %", Safe with { Level1Percent = 30 }, null, [] },
        { "rates of 31 % together", Safe with { Level1Percent = 20, Level2Percent = 11, SecondLevelSignOff = SignOff }, null, ["warn WX-DIST-01 secondLevelSignOff", "block DIST-RATE level1Percent"] },
        { "rates of 31 % together where the shop allows them", Safe with { CommissionMaxPercent = 31, Level1Percent = 31 }, null, ["block WX-PAY-01 commissionMaxPercent"] },
        { "a rate above the shop's own maximum", Safe with { CommissionMaxPercent = 10, Level1Percent = 11 }, null, ["block DIST-RATE level1Percent"] },
        { "a rate below the shop's own minimum", Safe with { Level1Percent = 4 }, null, ["block DIST-RATE level1Percent"] },
        { "a rate at the shop's own minimum", Safe with { Level1Percent = 5 }, null, [] },
        { "both levels together reach the minimum", Safe with { Level1Percent = 4, Level2Percent = 1, SecondLevelSignOff = SignOff }, null, ["warn WX-DIST-01 secondLevelSignOff"] },
        { "tiers above and below", Safe with { CommissionTiers = [new("金", 31, 0), new("银", 0, 0), new("铜", 4, 0)] }, null, ["block DIST-RATE commissionTiers[0].level1Percent", "block DIST-RATE commissionTiers[2].level1Percent"] },
        { "suppliers get what is left", Safe with { CommissionMaxPercent = 8, SupplierSharePercent = 22 }, null, [] },
        { "suppliers get what is left, if no SKU has a higher rate", Safe with { SupplierSharePercent = 22 }, null, ["warn WX-PAY-01 supplierSharePercent"] },
        { "suppliers get one percent too much", Safe with { SupplierSharePercent = 23 }, null, ["block WX-PAY-01 supplierSharePercent"] },
        { "suppliers get too much beside a tier", Safe with { SupplierSharePercent = 16, CommissionTiers = [new("金", 15, 0)] }, null, ["block WX-PAY-01 supplierSharePercent"] },
        { "suppliers get too much beside a second level", Safe with { SupplierSharePercent = 19, Level2Percent = 4, SecondLevelSignOff = SignOff }, null, ["warn WX-DIST-01 secondLevelSignOff", "block WX-PAY-01 supplierSharePercent"] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_case_has_its_findings(string what, ShopSettings settings, UnlawfulTerms? asked, string[] expected) =>
        Assert.True(Judged(settings, asked).SequenceEqual(expected), $"{what}: {string.Join("; ", Judged(settings, asked))}");

    [Fact]
    public void Duties_of_the_merchant_are_always_named() =>
        Assert.Equal(["LAW-PYRAMID-02", "LAW-TAX-02"], DistributionCompliance.Check(Safe).Where(f => f.Severity == Finding.Info).Select(f => f.RuleId));

    [Fact]
    public void Default_settings_are_allowed() => Assert.Empty(Judged(ShopSettings.Default, null));

    private static List<string> Judged(ShopSettings settings, UnlawfulTerms? asked) =>
        [.. DistributionCompliance.Check(settings, asked).Where(f => f.Severity != Finding.Info).Select(f => $"{f.Severity} {f.RuleId} {f.Field}")];
}
