using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;

namespace Campaigns.Grains.GroupBuy;

/// <summary>What must hold before a group-buy campaign may be published. Every finding is given, not only the first.</summary>
internal static class GroupBuyPublication
{
    /// <summary>Values that no group can have, whatever its SKU costs.</summary>
    public static IEnumerable<Finding> Bounds(GroupBuyTerms terms)
    {
        const int week = 7 * 24 * 60;
        var ladder = terms.Ladder ?? [];
        return
        [
            .. CampaignTerms.Within("rules.groupPriceFen", terms.GroupPriceFen, 0, Money.Max.Fen),
            .. CampaignTerms.Within("rules.leaderPriceFen", terms.LeaderPriceFen ?? 0, 0, Money.Max.Fen),
            .. CampaignTerms.Within("rules.size", terms.Size, GroupBuyTerms.SizeMin, GroupBuyTerms.SizeMax),
            .. CampaignTerms.Within("rules.ttlMinutes", terms.TtlMinutes, 10, week),
            .. CampaignTerms.Within("rules.perUserLimit", terms.PerUserLimit, 1, CampaignRules.UnitsMax),
            .. CampaignTerms.Within("rules.audience", (int)terms.Audience, (int)GroupAudience.Anyone, (int)GroupAudience.NewCustomers),
            .. CampaignTerms.Within("rules.latePayment", (int)terms.LatePayment, (int)LatePaymentPolicy.Reroute, (int)LatePaymentPolicy.Refund),
            .. CampaignTerms.Within("rules.seatHoldMinutes", terms.SeatHoldMinutes ?? 1, 1, OrderRules.PaymentWindowMinutesMax),
            .. CampaignTerms.Within("rules.ladder", ladder.Count, 0, GroupBuyTerms.SizeMax),
            .. ladder.SelectMany((step, i) => CampaignTerms.Within($"rules.ladder[{i}].size", step?.Size ?? 0, GroupBuyTerms.SizeMin, GroupBuyTerms.SizeMax)),
            .. ladder.SelectMany((step, i) => CampaignTerms.Within($"rules.ladder[{i}].priceFen", step?.PriceFen ?? 0, 0, Money.Max.Fen)),
            .. terms.VirtualCompletion is { } completion ? CampaignTerms.Within("rules.virtualCompletion.realMembers", completion.RealMembers, 1, Math.Max(1, terms.Size - 1)) : [],
        ];
    }

    public static IEnumerable<Finding> Check(GroupBuyTerms terms, CampaignPlan plan, PublicationFacts facts)
    {
        var (list, price) = (facts.ListPrice, new Money(terms.GroupPriceFen));
        if (price >= list)
            yield return new("GROUP-BUY-PRICE", Finding.Block, "rules.groupPriceFen", $"The group's price {price} is not below the list price {list}: nobody gains by joining.");

        if (terms.LeaderPriceFen > terms.GroupPriceFen)
            yield return new("GROUP-BUY-LEADER-PRICE", Finding.Block, "rules.leaderPriceFen", $"The founder's price {new Money(terms.LeaderPriceFen.Value)} is above the group's price {price}.");

        var (size, step) = (terms.Size, terms.GroupPriceFen);
        for (var i = 0; i < terms.Ladder?.Count; i++)
        {
            if (terms.Ladder[i].Size <= size) yield return new("GROUP-BUY-LADDER", Finding.Block, $"rules.ladder[{i}].size", $"A step at {terms.Ladder[i].Size} members does not come after {size}.");
            if (terms.Ladder[i].PriceFen >= step) yield return new("GROUP-BUY-LADDER", Finding.Block, $"rules.ladder[{i}].priceFen", $"A step to {new Money(terms.Ladder[i].PriceFen)} is not below {new Money(step)}.");
            (size, step) = (terms.Ladder[i].Size, terms.Ladder[i].PriceFen);
        }

        var needed = terms.VirtualCompletion?.RealMembers ?? terms.Size;
        if (terms.Quota < needed)
            yield return new("GROUP-BUY-QUOTA", Finding.Block, "rules.quota", $"The quota is {terms.Quota} units: no group could find its {needed} members.");
        else if (terms.Quota < terms.Capacity)
            yield return new("GROUP-BUY-QUOTA", Finding.Warn, "rules.quota", $"The quota is {terms.Quota} units: a group of {terms.Capacity} finds not enough.");

        // A link to a group-buy may be shared in a chat; in Moments the platform bans it.
        if (facts.Channel == Channel.H5Link)
            yield return new("WX-GROUP-01", Finding.Warn, "settings.channel", "The platform bans links to group-buys in Moments; share them in chats only, or set the shop's channel to mini-program.");

        if (terms.VirtualCompletion is { } completion)
            yield return new("LAW-PRICE-09", Finding.Warn, "rules.virtualCompletion", $"Made-up members are false advertising (Anti-Unfair Competition Law, articles 8 and 9). A group that {completion.RealMembers} of {terms.Size} have paid is completed at its deadline; who is missing is shown as missing, and only real members are counted.");

        if (plan.EndsAt - plan.StartsAt < TimeSpan.FromMinutes(terms.TtlMinutes))
            yield return new("GROUP-BUY-TTL", Finding.Warn, "rules.ttlMinutes", $"The campaign is shorter than the {terms.TtlMinutes} minutes of a group: every group ends with the campaign.");

        yield return new("LAW-GROUP-01", Finding.Info, "rules", $"Shoppers are told before they join: {terms.Size} members at {price}, within {terms.TtlMinutes} minutes, or everybody gets all the money back.");

        var lowest = new Money(Math.Min(terms.PriceAt(terms.Capacity), terms.LeaderPriceFen ?? long.MaxValue));
        if (price < list)
            yield return new("GROUP-BUY-COST", Finding.Info, "rules.quota", $"If all {terms.Quota} units are sold at the lowest price {lowest}, the discounts cost {(list - lowest) * terms.Quota} yuan.");
    }
}
