using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Product;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.ApiFrontend;

internal sealed record SkuBody(string Name, long ListPriceFen, long Stock);

/// <param name="Commission">its own rates; absent: the shop's</param>
internal sealed record ProductBody(string Title, string Type, IReadOnlyList<SkuBody> Skus, CommissionRates? Commission = null);

internal sealed record StockChange(long Delta, string Reason);

internal sealed record PriceChange(long ListPriceFen);

internal sealed record BlockBody(DateTimeOffset Until, string Reason);

/// <summary>The merchant's catalogue, stock, settings and customers.</summary>
internal static class CatalogueEndpoints
{
    public static void MapCatalogue(this IEndpointRouteBuilder routes)
    {
        var read = routes.MapGroup("/merchant/v1").RequireAuthorization(Rights.MerchantRead).WithTags("Catalogue");
        read.MapGet("/products/{id:id}", GetProduct).Produces<ProductView>().WithSummary("A product");
        read.MapGet("/skus/{id:id}", GetSku).Produces<SkuView>().WithSummary("A SKU with its price and stock");
        read.MapGet("/settings", GetSettings).Produces<ShopSettings>().WithSummary("The shop's settings");

        var write = routes.MapGroup("/merchant/v1").RequireAuthorization(Rights.MerchantWrite).WithTags("Catalogue");
        write.MapPost("/products", AddProduct).Produces<ProductView>(201).WithSummary("Add a product and its SKUs");
        write.MapPost("/skus/{id:id}/stock-changes", ChangeStock).Produces<SkuView>().WithSummary("Add or take stock");
        write.MapPost("/skus/{id:id}/price-changes", ChangePrice).Produces<SkuView>().WithSummary("Change the list price");
        write.MapPut("/settings", PutSettings).Produces<ShopSettings>().WithSummary("Replace the settings as a whole");
        write.MapPost("/shoppers/{id:id}/blocks", Block).Produces<Done>(201).WithSummary("Keep a shopper from helping until a time");
    }

    private static async Task<IResult> AddProduct(ProductBody body, MerchantCaller caller, EffectId effect, IGrains grains)
    {
        if (body.Skus.Contains(null!)) return Api.Refuse(EdgeRefusal.Malformed);
        if (await CommissionEndpoints.WhyNot(body.Commission, caller.Shop, grains) is { } refusal) return Api.Refuse(refusal);
        var skus = body.Skus.Select((s, i) => new NewSku(new(Ids.Derive("sku", effect.Value.ToString("N"), i.ToString())), s.Name, new(s.ListPriceFen), s.Stock)).ToList();
        return (await grains.Ask(new ProductId(effect.Value).In(caller.Shop), new AddProduct(body.Title, body.Type, skus, body.Commission))).Created(p => $"/merchant/v1/products/{p.Id}");
    }

    private static async Task<IResult> GetProduct(ProductId id, MerchantCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetProduct())).Ok();

    private static async Task<IResult> GetSku(SkuId id, MerchantCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetSku())).Ok();

    private static async Task<IResult> ChangeStock(SkuId id, StockChange body, MerchantCaller caller, EffectId effect, IGrains grains) =>
        (await grains.Ask(id.In(caller.Shop), new ChangeStock(effect.Value, body.Delta, body.Reason))).Ok();

    private static async Task<IResult> ChangePrice(SkuId id, PriceChange body, MerchantCaller caller, EffectId effect, IGrains grains) =>
        (await grains.Ask(id.In(caller.Shop), new ChangePrice(effect.Value, new(body.ListPriceFen)))).Ok();

    private static async Task<IResult> GetSettings(MerchantCaller caller, IGrains grains) => Settings(await grains.Ask(caller.Shop.Grain(), new GetShop()));

    private static async Task<IResult> PutSettings(ShopSettings body, MerchantCaller caller, IGrains grains) => Settings(await grains.Ask(caller.Shop.Grain(), new ReplaceSettings(body)));

    private static async Task<IResult> Block(ShopperId id, BlockBody body, MerchantCaller caller, IGrains grains) =>
        (await grains.Ask(id.In(caller.Shop), new BlockShopper(body.Until.ToUniversalTime(), body.Reason))).Created();

    private static IResult Settings(Outcome<ShopView> shop) => shop.Refusal is { } refusal ? Api.Refuse(refusal) : TypedResults.Json(shop.Reply!.Settings, Api.Json);
}
