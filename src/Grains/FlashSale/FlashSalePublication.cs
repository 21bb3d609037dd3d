using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.FlashSale;

/// <summary>What must hold before a flash sale may be published. Every finding is given, not only the first.</summary>
internal static class FlashSalePublication
{
    public const int HoldSecondsMax = 3_600;

    /// <summary>Values that no flash sale can have, whatever its SKU costs.</summary>
    public static IEnumerable<Finding> Bounds(FlashSaleTerms terms) =>
    [
        .. CampaignTerms.Within("rules.salePriceFen", terms.SalePriceFen, 0, Money.Max.Fen),
        .. CampaignTerms.Within("rules.perUserLimit", terms.PerUserLimit, 1, FlashSaleRules.QuantityMax),
        .. CampaignTerms.Within("rules.holdSeconds", terms.HoldSeconds, 1, HoldSecondsMax),
        .. terms.WeeklySlot is { } slot ? Bounds(slot) : [],
    ];

    public static IEnumerable<Finding> Check(FlashSaleTerms terms, CampaignPlan plan, PublicationFacts facts)
    {
        var (list, sale) = (facts.ListPrice, new Money(terms.SalePriceFen));
        if (sale >= list)
            yield return new("FLASHSALE-PRICE", Finding.Block, "rules.salePriceFen", $"The sale price {sale} is not below the list price {list}: nothing is on sale.");

        var first = FlashSaleCalendar.Next(terms.WeeklySlot, facts.TimeZone, plan.StartsAt, plan.EndsAt, plan.StartsAt);
        if (terms.WeeklySlot is { } slot && plan.EndsAt > plan.StartsAt && first is null)
            yield return new("FLASHSALE-SLOT", Finding.Block, "rules.weeklySlot", $"No day {slot.Day} at {slot.Time} ({facts.TimeZone}) lies inside the campaign's window: the sale would never take place.");

        if (terms.PerUserLimit > terms.Quota)
            yield return new("FLASHSALE-LIMIT", Finding.Warn, "rules.perUserLimit", $"One shopper may buy {terms.PerUserLimit} units and there are {terms.Quota}: one alone can empty the sale.");

        if (first is { } occurrence && occurrence.EndsAt - occurrence.StartsAt <= TimeSpan.FromSeconds(terms.HoldSeconds))
            yield return new("FLASHSALE-HOLD", Finding.Warn, "rules.holdSeconds", $"An unpaid order keeps its units for {terms.HoldSeconds} s, longer than the sale: what is not paid is not sold again.");

        if (terms.WeeklySlot is not null)
            yield return new("FLASHSALE-STOCK", Finding.Info, "rules.quota", $"The first sale has {terms.Quota} units for sure. Each later one takes, an hour before it begins, what the stock has then up to {terms.Quota}; shoppers see that number.");

        if (sale >= list) yield break;

        // The price that is crossed out beside the sale price may not be one at which nobody has bought.
        yield return new("LAW-PRICE-01", Finding.Info, "rules.salePriceFen", $"Shoppers see the list price {list} beside the sale price {sale}. It must not be above the lowest price of the last 7 days, unless it is labelled and proven.");
        yield return new("FLASHSALE-COST", Finding.Info, "rules.quota", $"If all {terms.Quota} units are sold{(terms.WeeklySlot is null ? "" : " in a week")}, the discounts cost {(list - sale) * terms.Quota} yuan.");
    }

    private static IEnumerable<Finding> Bounds(WeeklySlot slot) =>
    [
        .. CampaignTerms.Within("rules.weeklySlot.day", slot.Day, 1, 7),
        .. FlashSaleCalendar.TimeOf(slot) is null ? new[] { new Finding("INVALID", Finding.Block, "rules.weeklySlot.time", "A time has the form 20:00.") } : [],
        .. CampaignTerms.Within("rules.weeklySlot.minutes", slot.Minutes, 1, 1_440),
    ];
}
