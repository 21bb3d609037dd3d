using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;

namespace Campaigns.ApiFrontend;

internal sealed record ShopBody(string ShopId);

internal sealed record ShopWithKey(string ShopId, string MerchantKey);

/// <summary>How a shop comes to be: by SREs on the operations port, by developers in the sandbox, and the demo shop at the start.</summary>
internal static class ShopOpening
{
    /// <summary>Opens a shop with a fresh merchant key, which is told this once.</summary>
    public static async Task<IResult> OpenWithNewKey(ShopBody body, IGrains grains)
    {
        if (!ShopId.TryParse(body.ShopId, out var shop)) return Api.Refuse(Refusal.Invalid("shopId", "1–40 characters of a–z, 0–9 and -."));
        var key = $"mk-{Guid.NewGuid():N}";
        return await Open(grains, shop, shop.Value, key) is { } refusal ? Api.Refuse(refusal) : Api.Created(new ShopWithKey(shop.Value, key));
    }

    /// <summary>Opens a shop with a merchant key that may do everything in it.</summary>
    public static async Task<Refusal?> Open(IGrains grains, ShopId shop, string name, string key) =>
        (await grains.Ask(shop.Grain(), new OpenShop(name))).Refusal
        ?? (await grains.Ask(ApiKeyAddress.Of(key), new GrantApiKey(shop, [Rights.ReadScope, Rights.WriteScope]))).Refusal;
}
