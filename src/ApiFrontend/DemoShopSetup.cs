using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Product;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Stock;

namespace Campaigns.ApiFrontend;

/// <summary>The demo shop of a developer's machine: a shop, a key, a product and a published bargain, made once and found again at each start.</summary>
internal static class DemoShopSetup
{
    public static readonly CampaignId Campaign = new(Ids.Derive("demo", "campaign"));

    private static readonly ProductId Product = new(Ids.Derive("demo", "product"));
    private static readonly SkuId Sku = new(Ids.Derive("demo", "sku"));

    /// <returns>the first refusal, null if the shop is open</returns>
    public static async Task<Refusal?> Open(IGrains grains, TimeProvider clock)
    {
        var shop = CampaignsHost.DemoShop;
        if (await ShopOpening.Open(grains, shop, "演示小店", CampaignsHost.DemoKey) is { } refusal) return refusal;
        if ((await grains.Ask(Product.In(shop), new AddProduct("手工桂花糕", "handmade", [new(Sku, "礼盒装", new(9_900), 100_000)]))).Refusal is { } noProduct) return noProduct;

        var known = await grains.Ask(Campaign.In(shop), new GetCampaign());
        if (known.Reply is { State: not CampaignStatus.Draft }) return null;
        var now = clock.GetUtcNow();
        var terms = new BargainTerms { Quota = 10_000, FloorFen = 990, AssistsNeeded = 3, MinCutFen = 100, TtlMinutes = 1_440, LaunchesPerUser = 100 };
        var drafted = await grains.Ask(Campaign.In(shop), new DraftCampaign(new("砍价免费拿 · 桂花糕", now, now.AddYears(1), Sku, terms)));
        if (drafted.Refusal is not null) return drafted.Refusal;
        return (await grains.Ask(Campaign.In(shop), new PublishCampaign(Ids.Derive("demo", "publication"), new PublicationFacts("手工桂花糕 礼盒装", new(9_900), 100_000, Channel.MiniProgram)))).Refusal;
    }
}
