using Campaigns.Grains.Product;
using Campaigns.Grains.Stock;

namespace Campaigns.Simulation.Plays;

/// <summary>The merchant opens SKUs with little stock, and adds and takes away units.</summary>
internal sealed class StockPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } = [new("change stock", 2, Change), new("change a price", 1, ChangePrice)];

    public override async Task Prepare(Town town)
    {
        var skus = Enumerable.Range(0, 3).Select(i => new NewSku(SkuId.Of(town.NewId()), $"size {i}", new(town.Chance.Next(0, 6) == 0 ? 0 : town.Chance.Next(1, 100_000)), town.Chance.Next(0, 60))).ToList();
        await town.Insist(ProductId.Of(town.NewId()).In(town.Shop), new AddProduct("Cake", "daily", skus));
        town.Skus.AddRange(skus.Select(s => s.Id));
    }

    private static async Task Change(Town town)
    {
        var (sku, request) = (town.Any(town.Skus), town.NewId());
        var command = new ChangeStock(request, town.Chance.Next(2) == 0 ? town.Chance.Next(1, 20) : -town.Chance.Next(1, 5), request.ToString("N"));
        await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(sku.In(town.Shop), command)));
    }

    private static Task ChangePrice(Town town) => town.Ask(town.Any(town.Skus).In(town.Shop), new ChangePrice(town.NewId(), new(town.Chance.Next(1, 100_000))));
}
