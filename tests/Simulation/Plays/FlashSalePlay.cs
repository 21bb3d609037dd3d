using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Stock;

namespace Campaigns.Simulation.Plays;

/// <summary>The merchant publishes flash sales of a few units, some of them weekly; shoppers take units, sometimes twice at once, and sometimes with an id that is used.</summary>
internal sealed class FlashSalePlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } = [new("publish a flash sale", 2, Publish), new("take units", 14, Take), new("look at a flash sale", 1, LookAt)];

    public override Task Prepare(Town town) => Publish(town);

    private static async Task Publish(Town town)
    {
        var chance = town.Chance;
        var sku = town.Any(town.Skus);
        if ((await town.Ask(sku.In(town.Shop), new GetSku()))?.Reply is not { } view || view.ListPriceFen < 2) return;

        var id = CampaignId.Of(town.NewId());
        var begins = town.Now.AddMinutes(chance.Next(-30, 90)).ToOffset(TimeSpan.FromHours(8));
        var terms = new FlashSaleTerms
        {
            Quota = chance.Next(1, 8),
            SalePriceFen = chance.Next(5) == 0 ? 0 : view.ListPriceFen / 2,
            PerUserLimit = chance.Next(1, 4),
            HoldSeconds = chance.Next(1, 3_600),
            WeeklySlot = chance.Next(2) == 0 ? null : new(begins.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)begins.DayOfWeek, $"{begins:HH:mm}", chance.Next(1, 1_440)),
        };
        var plan = new CampaignPlan("Flash sale", begins, begins.AddHours(chance.Next(1, 600)), sku, terms);
        if ((await town.Ask(id.In(town.Shop), new DraftCampaign(plan)))?.IsAccepted != true) return;

        // What the merchant saw of the stock may be old.
        var available = view.Stock.Available + (chance.Next(6) == 0 ? terms.Quota : 0);
        var facts = new PublicationFacts(view.Title, new(view.ListPriceFen), available, Channel.MiniProgram);
        if (await town.Ask(id.In(town.Shop), new PublishCampaign(town.NewId(), facts)) is not { IsAccepted: true }) return;
        town.Campaigns.Add(id);
        town.FlashSales.Add(id);
        town.Promised($"flash sale {id} is published", async () => (await town.Insist(FlashSaleId.Of(id.Value).In(town.Shop), new GetFlashSale())).IsAccepted);
    }

    private static async Task Take(Town town)
    {
        if (town.FlashSales.Count == 0) return;
        var sale = town.Chance.Next(3) == 0 ? town.Any(town.FlashSales) : town.FlashSales[^1];
        var used = town.Orders.Count > 0 && town.Chance.Next(12) == 0;
        var (order, buyer) = used ? town.Any(town.Orders) : (OrderId.Of(town.NewId()), town.Any(town.Shoppers));
        var command = new TakeUnits(order, buyer, town.Chance.Next(1, 3));
        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(FlashSaleId.Of(sale.Value).In(town.Shop), command)));
        if (!taps.Any(t => t is { IsAccepted: true }) || used) return;
        town.Orders.Add((order, buyer));
        town.Promised($"order {order} of flash sale {sale} was opened", async () => (await town.Insist(order.In(town.Shop), new GetOrder(buyer))).IsAccepted);
    }

    private static Task LookAt(Town town) => town.FlashSales.Count == 0 ? Task.CompletedTask : town.Ask(FlashSaleId.Of(town.Any(town.FlashSales).Value).In(town.Shop), new GetFlashSale());
}
