using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using ProductDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Product.ProductEvent>;

namespace Campaigns.Grains.Product;

internal sealed record ProductState
{
    public string? Title { get; set; }

    public string Type { get; set; } = "";

    public IReadOnlyList<NewSku> Skus { get; set; } = [];

    /// <summary>The commission rates that its SKUs open with.</summary>
    public CommissionRates? Commission { get; set; }

    public Debts Debts { get; set; } = new();

    [JsonIgnore]
    public bool IsAdded => Title is not null;

    public ProductView View(ProductId id) => new(id, Title!, Type, [.. Skus.Select(s => new ProductSku(s.Id, s.Name, s.ListPrice.Fen))]);
}

/// <summary>Every rule of a product. Pure: no clock, no chance, no I/O.</summary>
internal static class ProductRules
{
    public const string OpenSku = "open-sku";
    public const int TextLengthMax = 120;
    public const int SkusMax = 50;
    public const long StockMax = 10_000_000;

    public static ProductDecision Decide(ProductState state, AddProduct command, DateTimeOffset now)
    {
        if (state.IsAdded) return ProductDecision.Nothing;
        if (!IsText(command.Title)) return Refusal.Invalid("title", "A title has 1 to 120 characters.");
        if (command.Type is not ("daily" or "handmade" or "seasonal" or "virtual")) return Refusal.Invalid("type", "The type is daily, handmade, seasonal or virtual.");
        if (command.Skus.Count is < 1 or > SkusMax) return Refusal.Invalid("skus", "A product has 1 to 50 SKUs.");
        if (command.Skus.Select((_, i) => WrongWith(command.Skus, i)).FirstOrDefault(r => r is not null) is { } wrong) return wrong;
        if (CommissionRules.WrongWith(command.Commission) is { } wrongRates) return wrongRates;

        return new ProductAdded(command.Title, command.Type, command.Skus, command.Commission);
    }

    /// <summary>A SKU opens at the first try or is asked again: a refusal would only say that its grain is busy.</summary>
    public static ProductDecision Settle(ProductState state, Debt debt, in Receipt receipt)
    {
        if (receipt.Refusal is not null) return ProductDecision.Nothing;

        return new SkuOpened(new(debt.About));
    }

    public static ProductState Evolve(ProductState state, ProductEvent @event) => @event switch
    {
        ProductAdded e => state with { Title = e.Title, Type = e.Type, Skus = e.Skus, Commission = e.Commission, Debts = e.Skus.Aggregate(state.Debts, (debts, sku) => debts.Owe(OpenSku, sku.Id.Value)) },
        SkuOpened e => state with { Debts = state.Debts.Settle(OpenSku, e.Sku.Value) },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    private static Refusal? WrongWith(IReadOnlyList<NewSku> skus, int i)
    {
        if (!IsText(skus[i].Name)) return Refusal.Invalid($"skus[{i}].name", "A name has 1 to 120 characters.");
        if (skus[i].ListPrice < Money.Zero || skus[i].ListPrice > Money.Max) return Refusal.Invalid($"skus[{i}].listPriceFen", "0 to 10,000,000,000 fen.");
        if (skus[i].Stock is < 0 or > StockMax) return Refusal.Invalid($"skus[{i}].stock", "0 to 10,000,000 units.");
        if (skus.Take(i).Any(s => s.Id == skus[i].Id)) return Refusal.Invalid($"skus[{i}].id", "Each SKU has its own id.");

        return null;
    }

    private static bool IsText(string? text) => !string.IsNullOrWhiteSpace(text) && text.Length <= TextLengthMax;
}
