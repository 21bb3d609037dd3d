using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;

namespace Campaigns.Grains.Bargain;

/// <summary>What must hold before a bargain campaign may be published. Every finding is given, not only the first.</summary>
internal static class BargainPublication
{
    /// <summary>Values that no bargain can have, whatever its SKU costs.</summary>
    public static IEnumerable<Finding> Bounds(BargainTerms terms)
    {
        const int week = 7 * 24 * 60;
        return
        [
            .. CampaignTerms.Within("rules.floorFen", terms.FloorFen, 0, Money.Max.Fen),
            .. CampaignTerms.Within("rules.assistsNeeded", terms.AssistsNeeded, 1, BargainPlan.SlotsMax),
            .. CampaignTerms.Within("rules.curve", (int)terms.Curve, (int)CutCurve.Even, (int)CutCurve.Random),
            .. CampaignTerms.Within("rules.minCutFen", terms.MinCutFen, 1, Money.Max.Fen),
            .. CampaignTerms.Within("rules.ttlMinutes", terms.TtlMinutes, 60, week),
            .. CampaignTerms.Within("rules.payWindowMinutes", terms.PayWindowMinutes, 1, week),
            .. CampaignTerms.Within("rules.newUserWeight", terms.NewUserWeight, 1, 5),
            .. CampaignTerms.Within("rules.reservation", (int)terms.Reservation, (int)ReservationPolicy.AtLaunch, (int)ReservationPolicy.AtSuccess),
            .. CampaignTerms.Within("rules.launchesPerUser", terms.LaunchesPerUser, 1, 100),
        ];
    }

    public static IEnumerable<Finding> Check(BargainTerms terms, CampaignPlan plan, PublicationFacts facts)
    {
        var price = facts.ListPrice;
        var floor = new Money(terms.FloorFen);
        var discount = price - floor;

        if (floor >= price)
            yield return new("BARGAIN-FLOOR", Finding.Block, "rules.floorFen", $"The floor {floor} is not below the list price {price}: there is nothing to cut.");
        else if (discount.Fen < terms.AssistsNeeded)
            yield return new("BARGAIN-MIN-CUT", Finding.Block, "rules.assistsNeeded", $"{terms.AssistsNeeded} assists cannot share {discount.Fen} fen: each must cut at least 1 fen.");
        else if (new Money(terms.MinCutFen) * terms.AssistsNeeded > discount)
            yield return new("BARGAIN-MIN-CUT", Finding.Block, "rules.minCutFen", $"{terms.AssistsNeeded} assists of at least {terms.MinCutFen} fen cut more than the {discount.Fen} fen between list price and floor.");

        // The platform allows friends to help with a price inside a mini-program, and bans the same page behind a link.
        if (facts.Channel == Channel.H5Link)
            yield return new("WX-SHARE-02", Finding.Block, "settings.channel", "The platform bans bargains behind an H5 link; set the shop's channel to mini-program.");

        if (terms.Curve == CutCurve.Random)
            yield return new("WX-SHARE-05", Finding.Info, "rules.curve", $"The single cuts differ at random; shoppers are told before the start that {terms.AssistsNeeded} assists reach {floor}, and every amount to the fen.");

        if (terms is { SelfCut: true, AssistsNeeded: 1 })
            yield return new("BARGAIN-SELF-ONLY", Finding.Warn, "rules.selfCut", "The owner's own cut is the only one: every bargain succeeds at once, without a friend.");

        if (terms.Reservation == ReservationPolicy.AtSuccess)
            yield return new("BARGAIN-AT-SUCCESS", Finding.Warn, "rules.reservation", $"Places are taken at success: when all {terms.Quota} are gone, bargains whose friends have helped already end sold out.");

        if (plan.EndsAt - plan.StartsAt < TimeSpan.FromMinutes(terms.TtlMinutes))
            yield return new("BARGAIN-TTL", Finding.Warn, "rules.ttlMinutes", $"The campaign is shorter than the {terms.TtlMinutes} minutes of a bargain: every bargain ends with the campaign.");

        if (floor < price)
            yield return new("BARGAIN-COST", Finding.Info, "rules.quota", $"If all {terms.Quota} places are won at the floor, the discounts cost {discount * terms.Quota} yuan.");
    }
}
