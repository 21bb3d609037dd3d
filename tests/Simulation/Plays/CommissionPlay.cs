using Campaigns.Grains.Binding;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Stock;

namespace Campaigns.Simulation.Plays;

/// <summary>
/// Shoppers promote each other, in a shop that has signed off for a second level; its products get rates of their own. What they buy, receive and
/// give back is the order's play: here it is promised that the commissions follow it.
/// </summary>
internal sealed class CommissionPlay : Play
{
    // Money that the order could not keep was never paid for it.
    private static readonly string[] NoRefunds = [OrderRules.LatePayment, OrderRules.SecondPayment, OrderRules.WrongAmount];

    private static readonly BindingPolicy Policy = new(BindingMode.LastTouch, 30, 0);

    public override IReadOnlyList<Act> Acts { get; } =
    [
        new("promote somebody", 3, Promote),
        new("sign off for a second level", 2, SignOff),
        new("change a product's commission", 1, ChangeRates),
        new("look at a commission", 3, LookAt),
    ];

    public override async Task Prepare(Town town)
    {
        await SignOff(town);
        for (var i = 0; i < 4; i++) await Promote(town);
    }

    private static async Task SignOff(Town town)
    {
        if ((await town.Ask(town.Shop.Grain(), new GetShop()))?.Reply is not { } shop) return;
        await town.Ask(town.Shop.Grain(), new ReplaceSettings(shop.Settings with { Level2Percent = 5, SecondLevelSignOff = new("counsel", "checked") }));
    }

    private static async Task Promote(Town town)
    {
        var (promoter, buyer) = (town.Any(town.Shoppers), town.Any(town.Shoppers));
        if (await town.Ask(promoter.DistributorIn(town.Shop), new JoinDistribution(HasBought: true, null)) is not { IsAccepted: true }) return;
        await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(buyer.BindingIn(town.Shop), new BindPromoter(promoter, "moments", null, Policy))));
    }

    private static async Task ChangeRates(Town town)
    {
        var (sku, rates) = (town.Any(town.Skus), town.Chance.Next(3) == 0 ? null : new CommissionRates(town.Chance.Next(0, 25), town.Chance.Next(0, 6)));
        await town.Ask(sku.In(town.Shop), new ChangeCommission(town.NewId(), rates));
    }

    private static async Task LookAt(Town town)
    {
        if (town.Orders.Count == 0) return;
        var (order, buyer) = town.Any(town.Orders);
        if ((await town.Ask(order.CommissionIn(town.Shop), new GetCommission()))?.Reply is not { Levels.Count: > 0 } seen) return;

        // What was granted stays what it is; what is kept of it is in proportion to what was not refunded, and nothing once all is.
        town.Promised($"order {order} earns what it was granted less what was refunded", async () =>
        {
            var now = (await town.Insist(order.CommissionIn(town.Shop), new GetCommission())).Reply!;
            var refunds = (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).Reply!;
            return now.Levels.Select(l => (l.Earner, l.AmountFen)).SequenceEqual(seen.Levels.Select(l => (l.Earner, l.AmountFen)))
                && now.Levels.All(l => l.AmountFen - l.ReversedFen == l.Lines.Sum(Kept))
                && now.Levels[0].Lines.Sum(l => l.NetFen - l.RefundedFen) == refunds.AmountFen - refunds.Refunds.Where(r => !NoRefunds.Contains(r.Reason, StringComparer.Ordinal)).Sum(r => r.AmountFen);
        });
    }

    private static long Kept(EarnedLine line) => line.NetFen == 0 ? 0 : (long)((Int128)line.AmountFen * (line.NetFen - line.RefundedFen) / line.NetFen);
}
