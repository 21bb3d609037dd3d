using Campaigns.Grains.Kernel;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Product;

/// <summary>What must be true of a product: each of its SKUs is open or is being opened.</summary>
internal sealed class ProductBook : Book<ProductState>
{
    public override string Kind => "product";

    public override IEnumerable<string> WrongWith(GrainId grain, ProductState state, IBooks books)
    {
        foreach (var sku in state.Skus)
            if (!state.Debts.Contains(ProductRules.OpenSku, sku.Id.Value) && books.Of<StockState>(sku.Id.In(grain.Shop)) is null) yield return $"its SKU {sku.Id} is neither open nor owed";
    }
}
