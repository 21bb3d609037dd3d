using System.Text.Json.Serialization;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Product;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record ProductEvent;

[Stored("product-added")]
internal sealed record ProductAdded(string Title, string Type, IReadOnlyList<NewSku> Skus, CommissionRates? Commission = null) : ProductEvent;

[Stored("sku-opened")]
internal sealed record SkuOpened(SkuId Sku) : ProductEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProductAdded))]
[JsonSerializable(typeof(SkuOpened))]
[JsonSerializable(typeof(ProductState))]
internal sealed partial class ProductJson : JsonSerializerContext;
