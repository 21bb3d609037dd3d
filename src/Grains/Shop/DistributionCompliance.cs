using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Shop;

/// <summary>What law and platform say about a shop's distribution (分销). Every finding is given, not only the first. Pure.</summary>
internal static class DistributionCompliance
{
    /// <summary>What the payment platform lets an order be split by, unless it grants a shop more: percent of the order's amount.</summary>
    public const int SplitPercentMax = 30;

    public static IEnumerable<Finding> Check(ShopSettings settings, UnlawfulTerms? asked = null) => [.. Pyramid(asked), .. SecondLevel(settings), .. Rates(settings), .. Split(settings), .. Duties()];

    public static bool AsksForPyramid(UnlawfulTerms? asked) => Pyramid(asked).Any();

    // No sign-off lifts these: the platform bans for them, and the law has no lowest number of people or levels.
    private static IEnumerable<Finding> Pyramid(UnlawfulTerms? asked)
    {
        (bool IsAsked, string Field, string Reason)[] wishes =
        [
            (asked is { JoinFeeFen: not 0 }, "joinFeeFen", "Nobody may pay to become a distributor"),
            (asked is { MustBuySku.Length: > 0 }, "mustBuySku", "Nobody may be made to buy something to become a distributor"),
            (asked is { RecruitRewardFen: not 0 }, "recruitRewardFen", "Nobody may be paid for recruiting: commission is paid on orders alone"),
            (asked is { CommissionLevels: > 2 }, "commissionLevels", "Commission reaches the promoter, and at most who stands above them: there is no third level"),
        ];
        return wishes.Where(w => w.IsAsked).SelectMany(w => (Finding[])
        [
            new("LAW-PYRAMID-01", Finding.Block, w.Field, $"{w.Reason} (Regulations on the Prohibition of Pyramid Selling, article 7)."),
            new("WX-DIST-01", Finding.Block, w.Field, $"{w.Reason}; the platform closes mini-programs for it, for good."),
        ]);
    }

    private static IEnumerable<Finding> SecondLevel(ShopSettings settings)
    {
        if (RatesOf(settings).All(r => r.Level2 == 0)) yield break;

        yield return settings.SecondLevelSignOff is { } signOff
            ? new("WX-DIST-01", Finding.Warn, "secondLevelSignOff", $"A second level is paid, signed off by {signOff.By}: the platform calls one level on orders safe, and has never said so of two.")
            : new("WX-DIST-01", Finding.Block, "secondLevelSignOff", "A second level needs the legal sign-off of a named person: the platform calls one level on orders safe, and has never said so of two.");
    }

    private static IEnumerable<Finding> Rates(ShopSettings settings)
    {
        foreach (var (field, whose, level1, level2) in RatesOf(settings))
        {
            var sum = level1 + level2;
            if (sum > settings.CommissionMaxPercent)
                yield return new("DIST-RATE", Finding.Block, field, $"{whose}: both levels together are {sum} %, above commissionMaxPercent {settings.CommissionMaxPercent} %.");
            if (sum > 0 && sum < settings.CommissionMinPercent)
                yield return new("DIST-RATE", Finding.Block, field, $"{whose}: both levels together are {sum} %, below commissionMinPercent {settings.CommissionMinPercent} %. Only 0 may be.");
        }
    }

    private static IEnumerable<Finding> Split(ShopSettings settings)
    {
        var (share, max) = (settings.SupplierSharePercent, settings.CommissionMaxPercent);
        if (max > SplitPercentMax)
            yield return new("WX-PAY-01", Finding.Block, "commissionMaxPercent", $"The payment platform lets {SplitPercentMax} % of an order be split: commission of {max} % could not be paid.");

        // Without a supplier's share the bounds of the rates say it already.
        if (share == 0) yield break;
        var highest = RatesOf(settings).Max(r => r.Level1 + r.Level2);
        if (highest + share > SplitPercentMax)
            yield return new("WX-PAY-01", Finding.Block, "supplierSharePercent", $"The payment platform lets {SplitPercentMax} % of an order be split: commission of {highest} % and the suppliers' {share} % are {highest + share} %.");
        else if (max + share > SplitPercentMax)
            yield return new("WX-PAY-01", Finding.Warn, "supplierSharePercent", $"A SKU's own rate may be up to {max} %; with the suppliers' {share} % it could not be paid. Keep such rates at {SplitPercentMax - share} % or less.");
    }

    private static IEnumerable<Finding> Duties()
    {
        yield return new("LAW-PYRAMID-02", Finding.Info, "settings", "Pyramid selling is punished at any size, and prosecuted from 30 people in three levels on (Criminal Law, article 224-1). What distributors promise each other counts as well.");
        yield return new("LAW-TAX-02", Finding.Info, "settings", "Commission is income from labour: who pays it withholds the tax and reports it. Nothing is withheld here.");
    }

    // Of the default and of every tier, with the field that a finding about it names.
    private static IEnumerable<(string Field, string Whose, int Level1, int Level2)> RatesOf(ShopSettings settings) =>
    [
        ("level1Percent", "The default rate", settings.Level1Percent, settings.Level2Percent),
        .. (settings.CommissionTiers ?? []).Select((t, i) => ($"commissionTiers[{i}].level1Percent", $"Tier {t.Name}", t.Level1Percent, t.Level2Percent)),
    ];
}
