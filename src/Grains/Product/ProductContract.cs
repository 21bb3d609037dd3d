using System.Text.Json.Serialization;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Product;

[JsonConverter(typeof(IdJson<ProductId>))]
public readonly record struct ProductId(Guid Value) : IId<ProductId>
{
    public static ProductId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out ProductId id) => Ids.TryParse(text, out id);

    public GrainId In(ShopId shop) => new("product", shop, Value);

    public override string ToString() => Value.ToString("N");
}

public sealed record NewSku(SkuId Id, string Name, Money ListPrice, long Stock);

/// <summary>A product (商品) of the catalogue and its SKUs.</summary>
public sealed record ProductView(ProductId Id, string Title, string Type, IReadOnlyList<ProductSku> Skus);

public sealed record ProductSku(SkuId Id, string Name, long ListPriceFen);

/// <summary>
/// Adds a product and opens its SKUs; answered when all SKUs are open. A repeat changes nothing.
/// Bounds (refused <c>Invalid</c>): title and names 1–120 characters, 1–50 SKUs, price 0–10,000,000,000 fen, stock 0–10,000,000.
/// </summary>
/// <param name="Type"><c>daily</c>, <c>handmade</c>, <c>seasonal</c> or <c>virtual</c></param>
/// <param name="Commission">its own rates, 0–100 percent, both levels together too; null for the shop's. Each SKU may change them later</param>
public sealed record AddProduct(string Title, string Type, IReadOnlyList<NewSku> Skus, CommissionRates? Commission = null) : ICommand<ProductView>;

public sealed record GetProduct : ICommand<ProductView>;
