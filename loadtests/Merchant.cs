using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests;

/// <summary>Prepares what a load test sells in the demo shop, over the API as any merchant would.</summary>
/// <exception cref="InvalidOperationException">the server refused a part of it</exception>
internal sealed class Merchant(ShopClient client)
{
    /// <summary>Bargains that one shopper may launch in a campaign of <see cref="OpenBargains"/>.</summary>
    public const int LaunchesPerOwner = 100;

    /// <summary>What is sold costs so much outside campaigns.</summary>
    public const int ListPriceFen = 99_000;

    private const int DaysUsual = 9;

    /// <summary>A product with one SKU.</summary>
    /// <returns>the SKU's id</returns>
    public async Task<string> AddSku(string title, long stock)
    {
        var product = Require(await client.Post("/merchant/v1/products", new { title, type = "handmade", skus = new[] { new { name = "box", listPriceFen = ListPriceFen, stock } } }));
        return product.Body.GetProperty("skus")[0].GetProperty("id").GetString()!;
    }

    /// <summary>A campaign that is published.</summary>
    /// <param name="opensAfter">by the product's clock; zero is at once</param>
    /// <param name="days">how long it runs from then on</param>
    /// <returns>its id</returns>
    public async Task<string> Publish(string kind, string title, string sku, object rules, TimeSpan opensAfter = default, int days = DaysUsual)
    {
        var opens = (await client.Get("/sandbox/clock")).Body.GetProperty("now").GetDateTimeOffset() + opensAfter;
        var campaign = Require(await client.Post("/merchant/v1/campaigns", new { kind, title, startsAt = opens, endsAt = opens.AddDays(days), sku, rules })).Body.GetProperty("id").GetString()!;
        Require(await client.Post($"/merchant/v1/campaigns/{campaign}/publications", null));
        return campaign;
    }

    /// <summary>A bargain campaign that runs, with a SKU of its own. The price falls evenly to a hundredth.</summary>
    /// <param name="slots">assists that a bargain needs</param>
    /// <param name="minutes">how long a bargain runs, and how long it may be paid</param>
    /// <param name="quota">bargains that may be won, and units in stock</param>
    /// <param name="assistsPerDay">of one helper, in the whole shop</param>
    /// <returns>its id</returns>
    public async Task<string> OpenBargains(string title, int slots, int minutes, int quota, int assistsPerDay)
    {
        var settings = (await client.Get("/merchant/v1/settings")).As<Dictionary<string, object>>();
        settings["dailyAssistCap"] = assistsPerDay;
        Require(await client.Put("/merchant/v1/settings", settings));
        var rules = new { floorFen = ListPriceFen / 100, assistsNeeded = slots, curve = "even", minCutFen = 1, ttlMinutes = minutes, payWindowMinutes = minutes, quota, launchesPerUser = LaunchesPerOwner };
        return await Publish("bargain", title, await AddSku($"{title} cake", quota), rules);
    }

    public static Reply Require(Reply reply) => reply.IsSuccess ? reply : throw new InvalidOperationException($"The shop could not be prepared: {reply.Status} {reply.Body}");
}
