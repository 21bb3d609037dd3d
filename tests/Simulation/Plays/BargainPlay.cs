using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Simulation.Plays;

/// <summary>Shoppers launch bargains, help each other, sometimes twice at once, and order.</summary>
internal sealed class BargainPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } = [new("launch a bargain", 9, Launch), new("help", 24, Help), new("order a bargain", 14, Order), new("look at a bargain", 2, LookAt)];

    private static async Task Launch(Town town)
    {
        if (town.Campaigns.Count == 0) return;
        var (campaign, owner, bargain) = (town.Any(town.Campaigns), town.Any(town.Shoppers), BargainId.Of(town.NewId()));
        if ((await town.Ask(campaign.In(town.Shop), new GetCampaign()))?.Reply?.Rules is not BargainTerms terms) return;
        var command = new LaunchParticipation(bargain.Value, campaign, terms.LaunchesPerUser);
        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(owner.In(town.Shop), command)));
        if (!taps.Any(t => t is { IsAccepted: true })) return;
        town.Bargains.Add(bargain);
        town.Promised($"bargain {bargain} was launched", async () => (await town.Insist(bargain.In(town.Shop), new GetBargain())).Reply?.OwnerId == owner);
    }

    private static async Task Help(Town town)
    {
        if (town.Bargains.Count == 0) return;

        // The newest bargains get most of the help, or none would ever be won.
        var bargain = town.Chance.Next(3) == 0 ? town.Any(town.Bargains) : town.Bargains[^(1 + town.Chance.Next(Math.Min(3, town.Bargains.Count)))];
        var helper = town.Any(town.Shoppers);
        var device = town.Chance.Next(2) == 0 ? null : $"device-{town.Chance.Next(3)}";
        if (town.Chance.Next(2) == 0 && await town.Ask(bargain.In(town.Shop), new CheckAssist(helper, device)) is not { IsAccepted: true }) return;

        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(helper.In(town.Shop), new PledgeAssist(bargain, town.Policy, device, town.NewId()))));
        foreach (var tap in taps)
            if (tap?.Reply is { } assist)
                town.Promised($"{helper} has cut bargain {bargain} by {assist.Result.CutFen}", async () =>
                    (await town.Insist(bargain.In(town.Shop), new GetBargain())).Reply!.Helpers.Count(h => h.ShopperId == helper && h.CutFen == assist.Result.CutFen) == 1);
    }

    private static async Task Order(Town town)
    {
        if (town.Bargains.Count == 0) return;
        var bargain = town.Any(town.Bargains);
        if ((await town.Ask(bargain.In(town.Shop), new GetBargain()))?.Reply is not { } view) return;
        if ((await town.Ask(view.Sku.In(town.Shop), new GetSku()))?.Reply is not { } sku) return;
        var order = OrderId.Of(town.NewId());
        var buyer = town.Chance.Next(10) == 0 ? town.Any(town.Shoppers) : view.OwnerId;
        var ordered = await town.Ask(bargain.In(town.Shop), new OrderBargain(order, buyer, new(sku.ListPriceFen), town.Chance.Next(1, 60)));
        if (ordered is not { IsAccepted: true }) return;
        town.Orders.Add((order, view.OwnerId));
        town.Promised($"order {order} of bargain {bargain} was opened", async () => (await town.Insist(order.In(town.Shop), new GetOrder(view.OwnerId))).IsAccepted);
    }

    private static Task LookAt(Town town) => town.Bargains.Count == 0 ? Task.CompletedTask : town.Ask(town.Any(town.Bargains).In(town.Shop), new GetBargain());
}
