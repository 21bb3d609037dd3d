using System.Collections.Frozen;
using System.Reflection;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.ApiFrontend;

/// <summary>The moments of an order in words, in the language of whoever asks.</summary>
internal static class OrderTimelineTexts
{
    private static readonly FrozenDictionary<OrderMoment, TellsAttribute> Texts =
        Enum.GetValues<OrderMoment>().ToFrozenDictionary(m => m, m => typeof(OrderMoment).GetField(m.ToString())!.GetCustomAttribute<TellsAttribute>()!);

    // Reasons that the product itself gives; those of people are told as they wrote them.
    private static readonly FrozenDictionary<string, string> Reasons = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["late payment"] = "逾期付款",
        ["second payment"] = "重复付款",
        ["wrong amount"] = "金额不符",
        ["left the group"] = "退出拼团",
        ["lower final price"] = "成交价下调",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> Funders = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["platform"] = "平台",
        ["merchant"] = "商家",
        ["supplier"] = "供应商",
        ["leader"] = "团长",
    }.ToFrozenDictionary();

    public static TimelineEntry Tell(OrderTimelineItem item, bool isEnglish) => new(
        item.At,
        item.What,
        Text(item, isEnglish),
        item.AmountFen,
        item.Refund,
        item.Reason,
        item.Lines,
        item.DiscountLines,
        item.RefundedUnits);

    private static string Text(OrderTimelineItem item, bool isEnglish) => (isEnglish ? Texts[item.What].English : Texts[item.What].Chinese)
        .Replace("{amount}", Yuan(item.AmountFen ?? 0), StringComparison.Ordinal)
        .Replace("{discounts}", Discounts(item.DiscountLines ?? [], isEnglish), StringComparison.Ordinal)
        .Replace("{lines}", string.Join(isEnglish ? ", " : "、", (item.Lines ?? []).Select(l => $"{l.Title} × {l.Quantity} = {Yuan(l.AmountFen)}")), StringComparison.Ordinal)
        .Replace("{title}", item.Lines?[0].Title, StringComparison.Ordinal)
        .Replace("{carrier}", item.Carrier, StringComparison.Ordinal)
        .Replace("{number}", item.TrackingNumber, StringComparison.Ordinal)
        .Replace("{reason}", item.Reason is { Length: > 0 } reason ? isEnglish ? $": {reason}" : $"：{Reasons.GetValueOrDefault(reason, reason)}" : "", StringComparison.Ordinal);

    private static string Discounts(IReadOnlyList<DiscountLine> discounts, bool isEnglish) => string.Concat(discounts.Select(d => isEnglish
        ? $"{d.Name} −{Yuan(d.AmountFen)} (funded by the {d.FundedBy}); "
        : $"{d.Name} −{Yuan(d.AmountFen)}（{Funders.GetValueOrDefault(d.FundedBy, d.FundedBy)}承担）；"));

    private static string Yuan(long fen) => new Money(fen).ToString();
}
