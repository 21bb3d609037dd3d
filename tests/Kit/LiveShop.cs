using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Campaigns.ApiFrontend;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Silo.Projections;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.Kit;

/// <summary>The real product in this process, on a port and in a folder of its own, and the demo shop's merchant. One for a class of tests.</summary>
public sealed class LiveShop : IAsyncLifetime, IAsyncDisposable
{
    private static int names;

    private readonly HttpClient http = new(new SocketsHttpHandler { PooledConnectionLifetime = Timeout.InfiniteTimeSpan, MaxConnectionsPerServer = 256, RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 }) { Timeout = TimeSpan.FromSeconds(30) };
    private CampaignsHost? host;

    /// <summary>Its data folder.</summary>
    public string Folder { get; init; } = Directory.CreateTempSubdirectory("campaigns-").FullName;

    /// <summary>How long the edge waits for a gateway; short, because the tests wait too.</summary>
    public TimeSpan PatienceMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it waits for Redis; long, because a machine full of tests is slow.</summary>
    public TimeSpan RedisPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The limits of its engine, from the next start on.</summary>
    public LocalEngineOptions? Engine { get; set; }

    /// <summary>Configuration, as on the command line.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The merchant of the shop <c>demo</c>.</summary>
    public Merchant Merchant => new(this, "demo", CampaignsHost.DemoKey);

    /// <summary>Where the journal is: a refused request must not move it.</summary>
    public long Position => Host.Services.GetRequiredService<IJournal>().LastPosition;

    /// <summary>What the tokens are signed with: a test may forge one that is wrong in a single point.</summary>
    public byte[] TokenKey => Convert.FromBase64String(File.ReadAllText(Path.Combine(Folder, "keys", "token.key")));

    internal CampaignsHost Host => host ?? throw new InvalidOperationException("The shop is closed.");

    public static async Task<LiveShop> Open(TimeSpan? patience = null, params string[] arguments)
    {
        var shop = new LiveShop { PatienceMax = patience ?? TimeSpan.FromSeconds(10), Arguments = arguments };
        await shop.InitializeAsync();
        return shop;
    }

    public async Task InitializeAsync() =>
        host = await CampaignsHost.Start(new HostOptions("http://127.0.0.1:0", Data: Folder, Engine: Engine) { PatienceMax = PatienceMax, RedisPatience = RedisPatience }, ["--Logging:LogLevel:Default=None", .. Arguments]);

    /// <summary>Ends the process's part of the product and starts it again on the same folder.</summary>
    public async Task Restart()
    {
        await Stop();
        await InitializeAsync();
    }

    public async Task Stop()
    {
        var running = Interlocked.Exchange(ref host, null);
        if (running is not null) await running.DisposeAsync();
    }

    public async Task DisposeAsync()
    {
        await Stop();
        http.Dispose();
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    /// <summary>Somebody nobody has seen before, unless they are named.</summary>
    public async Task<LiveShopper> SignIn(string? name = null, string shop = "demo")
    {
        name ??= $"shopper-{Interlocked.Increment(ref names)}";
        var session = (await Nobody.Post("/v1/sessions", new { shopId = shop, code = $"dev:{name}" })).Expect(201);
        return new(this, shop, name, session.Text("shopperId"), session.Text("token"));
    }

    public async Task<IReadOnlyList<LiveShopper>> SignIn(int people) => await Task.WhenAll(Enumerable.Range(0, people).Select(_ => SignIn()));

    /// <summary>Another shop with a merchant of its own.</summary>
    public async Task<Merchant> AnotherShop()
    {
        var made = (await Nobody.Post("/sandbox/shops", new { shopId = $"shop-{Interlocked.Increment(ref names)}" })).Expect(201);
        return new(this, made.Text("shopId"), made.Text("merchantKey"));
    }

    /// <summary>A client without credentials.</summary>
    public Client Nobody => new(this, []);

    public async Task<DateTimeOffset> Now() => (await Nobody.Get("/sandbox/clock")).Expect(200).Time("now");

    /// <summary>Time passes; when it has, everything that fell due is decided.</summary>
    public async Task Pass(TimeSpan time) => (await Nobody.Post("/sandbox/clock", new { advanceSeconds = (long)time.TotalSeconds })).Expect(200);

    /// <summary>Lists and reports show everything up to now.</summary>
    public async Task CaughtUp()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await Host.Services.GetRequiredService<Projector>().WhenCaughtUp(limit.Token);
    }

    /// <summary>Every message and callback has arrived.</summary>
    public async Task Quiet()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await Host.Services.GetRequiredService<LocalEngine>().WhenQuiet(limit.Token);
    }

    public Task Pay(string payment, object? how = null) => PayAndWait(payment, how ?? new { });

    /// <summary>Sends anything at all, well-formed or not.</summary>
    public async Task<Reply> Send(HttpRequestMessage request)
    {
        request.RequestUri = new Uri(Host.Address, request.RequestUri!);
        return await Reply.Of(await http.SendAsync(request));
    }

    /// <summary>Asks the operations port.</summary>
    public async Task<Reply> Ops(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(Host.OpsAddress, path));
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await Reply.Of(await http.SendAsync(request));
    }

    internal async Task<HttpResponseMessage> Open(HttpRequestMessage request, CancellationToken cancellation)
    {
        request.RequestUri = new Uri(Host.Address, request.RequestUri!);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    private async Task PayAndWait(string payment, object how)
    {
        (await Nobody.Post($"/sandbox/payments/{payment}/pay", how)).Expect(200);
        await Quiet();
    }
}

/// <summary>Somebody who sends requests with the same headers each time.</summary>
public class Client(LiveShop shop, IReadOnlyDictionary<string, string> headers)
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public Client(LiveShop shop, params (string Name, string Value)[] headers)
        : this(shop, headers.ToDictionary(h => h.Name, h => h.Value, StringComparer.OrdinalIgnoreCase))
    {
    }

    public LiveShop Shop { get; } = shop;

    public Client With(string name, string value) => new(Shop, new Dictionary<string, string>(headers, StringComparer.OrdinalIgnoreCase) { [name] = value });

    public Task<Reply> Get(string path) => Send(HttpMethod.Get, path);

    public Task<Reply> Post(string path, object? body = null) => Send(HttpMethod.Post, path, JsonSerializer.Serialize(body ?? new { }, Json));

    public Task<Reply> Put(string path, object body) => Send(HttpMethod.Put, path, JsonSerializer.Serialize(body, Json));

    /// <summary>The same act as one with an Idempotency-Key.</summary>
    public Task<Reply> PostOnce(string key, string path, object? body = null) => With("Idempotency-Key", key).Post(path, body);

    public async Task<Reply> Send(HttpMethod method, string path, string? json = null, string mediaType = "application/json")
    {
        using var request = Request(method, path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, mediaType);
        return await Shop.Send(request);
    }

    public HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }
}

/// <summary>A shopper who signed in.</summary>
public sealed class LiveShopper(LiveShop shop, string shopId, string name, string id, string token) : Client(shop, ("Authorization", $"Bearer {token}"))
{
    public string Name { get; } = name;

    public string Id { get; } = id;

    public string Token { get; } = token;

    /// <summary>The same person with a fresh token: tokens end, people do not.</summary>
    public Task<LiveShopper> Again() => Shop.SignIn(Name, shopId);

    public async Task<Reply> Me() => (await Get("/v1/me")).Expect(200);

    public Task<Reply> TryLaunch(string campaign) => Post("/v1/bargains", new { campaignId = campaign });

    /// <returns>the id of the bargain</returns>
    public async Task<string> Launch(string campaign) => (await TryLaunch(campaign)).Expect(201).Text("id");

    public Task<Reply> Assist(string bargain) => Post($"/v1/bargains/{bargain}/assists");

    public async Task<Reply> Bargain(string bargain) => (await Get($"/v1/bargains/{bargain}")).Expect(200);

    public Task<Reply> TryOrder(string bargain) => Post($"/v1/bargains/{bargain}/orders");

    /// <returns>the id of the order</returns>
    public async Task<string> Order(string bargain) => (await TryOrder(bargain)).Expect(201).Text("id");

    public Task<Reply> TryFound(string campaign, int quantity = 1) => Post("/v1/group-rooms", new { campaignId = campaign, quantity });

    /// <summary>A room and the leader's order.</summary>
    public async Task<(string Room, string Order)> Found(string campaign, int quantity = 1) => RoomAndOrder((await TryFound(campaign, quantity)).Expect(201));

    public Task<Reply> TryJoin(string room, int quantity = 1) => Post($"/v1/group-rooms/{room}/seats", new { quantity });

    /// <returns>the id of the order</returns>
    public async Task<string> Join(string room, int quantity = 1) => RoomAndOrder((await TryJoin(room, quantity)).Expect(201)).Order;

    public async Task<Reply> Room(string room) => (await Get($"/v1/group-rooms/{room}")).Expect(200);

    public async Task<Reply> SeeOrder(string order) => (await Get($"/v1/orders/{order}")).Expect(200);

    /// <returns>the id of the payment</returns>
    public async Task<string> StartPayment(string order) => (await Post($"/v1/orders/{order}/payments")).Expect(201).Text("paymentId");

    public async Task Pay(string order, object? how = null) => await Shop.Pay(await StartPayment(order), how);

    /// <summary>An order that is paid with another amount and cancelled: its money is a stray.</summary>
    /// <returns>the id of the payment</returns>
    public async Task<string> Stray(string sku)
    {
        var order = (await Post("/v1/orders", new { lines = new[] { new { sku, quantity = 1 } } })).Expect(201).Text("id");
        var payment = await StartPayment(order);
        await Shop.Pay(payment, new { amountFen = 1 });
        (await Post($"/v1/orders/{order}/cancellations")).Expect(200);
        await Shop.Quiet();
        return payment;
    }

    public Task<Reply> TryTake(string sale, int quantity = 1, string? key = null) =>
        key is null ? Post($"/v1/flash-sales/{sale}/orders", new { quantity }) : PostOnce(key, $"/v1/flash-sales/{sale}/orders", new { quantity });

    /// <returns>the id of the order</returns>
    public async Task<string> Take(string sale, int quantity = 1) => (await TryTake(sale, quantity)).Expect(201).Text("id");

    public async Task<Reply> Sale(string sale) => (await Get($"/v1/flash-sales/{sale}")).Expect(200);

    private static (string Room, string Order) RoomAndOrder(Reply taken) => (taken.Body["room"]!["id"]!.GetValue<string>(), taken.Body["order"]!["id"]!.GetValue<string>());

    /// <summary>A bargain that enough friends have helped.</summary>
    public async Task<string> Succeed(LiveCampaign campaign)
    {
        var bargain = await Launch(campaign.Id);
        foreach (var friend in await Shop.SignIn(campaign.AssistsNeeded)) (await friend.Assist(bargain)).Expect(201);
        Assert.Equal("Succeeded", (await Bargain(bargain)).Text("state"));
        return bargain;
    }
}

/// <summary>A merchant's program.</summary>
public sealed class Merchant(LiveShop shop, string shopId, string key) : Client(shop, ("X-Api-Key", key))
{
    public string ShopId { get; } = shopId;

    public string Key { get; } = key;

    /// <returns>the id of the SKU</returns>
    public async Task<string> AddSku(long listPriceFen = 9_900, long stock = 1_000)
    {
        var product = (await Post("/merchant/v1/products", new { title = "桂花糕", type = "handmade", skus = new[] { new { name = "礼盒装", listPriceFen, stock } } })).Expect(201);
        return product.Body["skus"]![0]!["id"]!.GetValue<string>();
    }

    public async Task<Reply> Sku(string sku) => (await Get($"/merchant/v1/skus/{sku}")).Expect(200);

    public async Task<(long OnHand, long Reserved, long Available)> Stock(string sku)
    {
        var stock = (await Sku(sku)).Body["stock"]!;
        return (stock["onHand"]!.GetValue<long>(), stock["reserved"]!.GetValue<long>(), stock["available"]!.GetValue<long>());
    }

    public static JsonObject Rules(Action<JsonObject>? change = null)
    {
        var rules = new JsonObject { ["floorFen"] = 990, ["assistsNeeded"] = 3, ["curve"] = "even", ["minCutFen"] = 1, ["ttlMinutes"] = 1_440, ["payWindowMinutes"] = 1_440, ["quota"] = 100, ["launchesPerUser"] = 100 };
        change?.Invoke(rules);
        return rules;
    }

    public async Task<JsonObject> Plan(string sku, Action<JsonObject>? change = null, Action<JsonObject>? plan = null)
    {
        var now = await Shop.Now();
        var body = new JsonObject { ["kind"] = "bargain", ["title"] = "砍价免费拿", ["startsAt"] = now.AddMinutes(-1), ["endsAt"] = now.AddDays(30), ["sku"] = sku, ["rules"] = Rules(change) };
        plan?.Invoke(body);
        return body;
    }

    /// <returns>the id of the campaign</returns>
    public async Task<string> Draft(string sku, Action<JsonObject>? change = null, Action<JsonObject>? plan = null) =>
        (await Post("/merchant/v1/campaigns", await Plan(sku, change, plan))).Expect(201).Text("id");

    public Task<Reply> Publish(string campaign) => Post($"/merchant/v1/campaigns/{campaign}/publications");

    public Task<Reply> Do(string campaign, string gate) => Post($"/merchant/v1/campaigns/{campaign}/{gate}", new { reason = "test" });

    /// <summary>A product with a campaign that runs.</summary>
    public async Task<LiveCampaign> Run(Action<JsonObject>? change = null, long listPriceFen = 9_900, long stock = 1_000, Action<JsonObject>? plan = null)
    {
        var sku = await AddSku(listPriceFen, stock);
        var campaign = await Draft(sku, change, plan);
        (await Publish(campaign)).Expect(201);
        return new(campaign, sku, Rules(change)["assistsNeeded"]!.GetValue<int>());
    }

    /// <summary>A product with a flash sale: published, 10 units at 59.00 instead of 99.00, two for each, unless it is changed.</summary>
    public async Task<LiveCampaign> RunSale(Action<JsonObject>? change = null, long listPriceFen = 9_900, long stock = 1_000, Action<JsonObject>? plan = null)
    {
        var sku = await AddSku(listPriceFen, stock);
        var campaign = await DraftSale(sku, change, plan);
        (await Publish(campaign)).Expect(201);
        return new(campaign, sku, 0);
    }

    /// <summary>A group-buy that runs: three members at 79 yuan, 24 hours.</summary>
    public async Task<LiveCampaign> RunGroup(Action<JsonObject>? change = null, Action<JsonObject>? plan = null)
    {
        var rules = new JsonObject { ["groupPriceFen"] = 7_900, ["size"] = 3, ["ttlMinutes"] = 1_440, ["quota"] = 100 };
        change?.Invoke(rules);
        var sku = await AddSku();
        var campaign = await Draft(sku, plan: p =>
        {
            (p["kind"], p["title"], p["rules"]) = ("group-buy", "三人成团", rules);
            plan?.Invoke(p);
        });
        (await Publish(campaign)).Expect(201);
        return new(campaign, sku, 0);
    }

    /// <returns>the id of the campaign</returns>
    public Task<string> DraftSale(string sku, Action<JsonObject>? change = null, Action<JsonObject>? plan = null) => Draft(sku, plan: body =>
    {
        var rules = new JsonObject { ["salePriceFen"] = 5_900, ["quota"] = 10, ["perUserLimit"] = 2, ["holdSeconds"] = 600 };
        change?.Invoke(rules);
        (body["kind"], body["title"], body["rules"]) = ("flash-sale", "限时秒杀", rules);
        plan?.Invoke(body);
    });

    public async Task<Reply> Campaign(string campaign) => (await Get($"/merchant/v1/campaigns/{campaign}")).Expect(200);

    public async Task<IReadOnlyList<JsonNode>> Limbo()
    {
        await Shop.CaughtUp();
        return (await Get("/merchant/v1/limbo")).Expect(200).Items;
    }

    /// <summary>Changes the settings as a whole, the way a console would: read, change, put.</summary>
    public async Task<Reply> Settings(Action<JsonObject> change)
    {
        var settings = (await Get("/merchant/v1/settings")).Expect(200).Body.AsObject();
        change(settings);
        return await Put("/merchant/v1/settings", settings);
    }
}

/// <summary>A campaign that was published.</summary>
public sealed record LiveCampaign(string Id, string Sku, int AssistsNeeded);

/// <summary>An answer, read whole.</summary>
public sealed class Reply(int status, string content, string? mediaType, HttpResponseHeaders headers)
{
    private JsonNode? body;

    public int Status { get; } = status;

    public string Content { get; } = content;

    public string? MediaType { get; } = mediaType;

    public JsonNode Body => body ??= JsonNode.Parse(Content) ?? throw new InvalidOperationException($"{Status} without a body.");

    public string? Code => Text("code");

    public IReadOnlyList<JsonNode> Items => [.. Body["items"]!.AsArray().Select(i => i!)];

    public static async Task<Reply> Of(HttpResponseMessage response)
    {
        using (response) return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Content.Headers.ContentType?.MediaType, response.Headers);
    }

    public string? Header(string name) => headers.TryGetValues(name, out var values) ? string.Join(",", values) : null;

    public Reply Expect(int status)
    {
        Assert.True(Status == status, $"Expected {status}, got {Status}: {Content}");
        return this;
    }

    /// <summary>A problem document with this status and code.</summary>
    public Reply Refused(int status, string code)
    {
        Assert.True(Status == status && MediaType == "application/problem+json" && Code == code, $"Expected {status} {code}, got {Status} {MediaType}: {Content}");
        return this;
    }

    public string Text(string field) => Body[field]!.GetValue<string>();

    public long Number(string field) => Body[field]!.GetValue<long>();

    public DateTimeOffset Time(string field) => Body[field]!.GetValue<DateTimeOffset>();
}
