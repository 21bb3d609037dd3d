namespace Campaigns.LoadTests.Crash;

/// <summary>What a crash run sells: bargains, flash sales and group-buys, each kind with a SKU of its own.</summary>
internal sealed record Shop(string BargainSku, IReadOnlyList<Offer> Bargains, string SaleSku, IReadOnlyList<UnitOffer> Sales, string GroupSku, IReadOnlyList<UnitOffer> Groups)
{
    public const long StockUnits = 100_000;
    public const int GroupSize = 3;

    private const int ListPriceFen = 9_900;
    private static readonly string[] Curves = ["even", "front-loaded", "random", "even"];

    /// <summary>Makes everything and publishes it.</summary>
    public static async Task<Shop> Open(ShopClient client, Random chance, int dailyCap, Func<DateTimeOffset> now)
    {
        var settings = (await client.Get("/merchant/v1/settings")).As<Dictionary<string, object>>();
        settings["dailyAssistCap"] = dailyCap;
        Require(await client.Put("/merchant/v1/settings", settings));
        var (bargain, sale, group) = (await AddSku(client, "bargain"), await AddSku(client, "sale"), await AddSku(client, "group"));
        return new(bargain, await OpenBargains(client, bargain, chance, now), sale, await OpenSales(client, sale, now), group, await OpenGroups(client, group, now));
    }

    private static async Task<List<Offer>> OpenBargains(ShopClient client, string sku, Random chance, Func<DateTimeOffset> now)
    {
        Offer[] wanted =
        [
            new("", 4_000, PlaceAtLaunch: true, AnyPrice: false, SelfCut: false),
            new("", 4_000, PlaceAtLaunch: true, AnyPrice: true, SelfCut: true),
            new("", 4_000, PlaceAtLaunch: false, AnyPrice: true, SelfCut: false),
            new("", 40, PlaceAtLaunch: false, AnyPrice: false, SelfCut: true), // runs out: the last assist finds no place
        ];
        var offers = new List<Offer>();
        foreach (var (offer, i) in wanted.Select((o, i) => (o, i)))
        {
            var rules = new
            {
                floorFen = i == 0 ? 0 : 990, // an order over 0 fen is paid at once
                assistsNeeded = chance.Next(3, 11),
                curve = Curves[i],
                minCutFen = 1,
                ttlMinutes = 60,
                payWindowMinutes = 120,
                buyAtAnyPrice = offer.AnyPrice,
                selfCut = offer.SelfCut,
                newUserWeight = 1 + i % 2,
                quota = offer.Quota,
                reservation = offer.PlaceAtLaunch ? "at-launch" : "at-success",
                launchesPerUser = 100,
            };
            offers.Add(offer with { Id = await Publish(client, "bargain", i, sku, rules, now()) });
        }

        return offers;
    }

    private static async Task<List<UnitOffer>> OpenSales(ShopClient client, string sku, Func<DateTimeOffset> now)
    {
        UnitOffer[] wanted = [new("", 4_000, PerUserLimit: 5), new("", 60, PerUserLimit: 2)]; // the second is nearly always sold out
        var sales = new List<UnitOffer>();
        foreach (var sale in wanted)
        {
            var rules = new { salePriceFen = 5_900, quota = sale.Quota, perUserLimit = sale.PerUserLimit, holdSeconds = 600 };
            sales.Add(sale with { Id = await Publish(client, "flash-sale", sales.Count, sku, rules, now()) });
        }

        return sales;
    }

    private static async Task<List<UnitOffer>> OpenGroups(ShopClient client, string sku, Func<DateTimeOffset> now)
    {
        (UnitOffer Offer, string Late)[] wanted = [(new("", 4_000, PerUserLimit: 6), "refund"), (new("", 400, PerUserLimit: 4), "reroute")];
        var groups = new List<UnitOffer>();
        foreach (var (group, latePayment) in wanted)
        {
            var rules = new { groupPriceFen = 7_900, leaderPriceFen = 6_900, size = GroupSize, ttlMinutes = 60, quota = group.Quota, perUserLimit = group.PerUserLimit, seatHoldMinutes = 30, latePayment };
            groups.Add(group with { Id = await Publish(client, "group-buy", groups.Count, sku, rules, now()) });
        }

        return groups;
    }

    private static async Task<string> AddSku(ShopClient client, string name)
    {
        var product = Require(await client.Post("/merchant/v1/products", new { title = $"Crash cake, {name}", type = "handmade", skus = new[] { new { name = "box", listPriceFen = ListPriceFen, stock = StockUnits } } }, key: $"crash-product-{name}"));
        return product.Body.GetProperty("skus")[0].GetProperty("id").GetString()!;
    }

    private static async Task<string> Publish(ShopClient client, string kind, int number, string sku, object rules, DateTimeOffset now)
    {
        var draft = Require(await client.Post("/merchant/v1/campaigns", new { kind, title = $"Crash {kind} {number}", startsAt = now, endsAt = now.AddDays(300), sku, rules }, key: $"crash-draft-{kind}-{number}"));
        var id = draft.Body.GetProperty("id").GetString()!;
        Require(await client.Post($"/merchant/v1/campaigns/{id}/publications", null, key: $"crash-publish-{kind}-{number}"));
        return id;
    }

    private static Reply Require(Reply reply) => reply.IsSuccess ? reply : throw new InvalidOperationException($"The shop could not be opened: {reply.Status} {reply.Body}");
}
