using System.Text.RegularExpressions;
using Campaigns.ApiFrontend;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Campaigns.Tests.Http;

/// <summary>Made from the list of endpoints itself: a new one is checked the day it is mapped.</summary>
public sealed class AuthorizationTests(LiveShop shop) : IClassFixture<LiveShop>
{
    // Who may come without credentials, and what stands in for them.
    private static readonly string[] Anonymous =
    [
        "GET /health/live",
        "GET /health/ready",
        "GET /openapi/v1.json",
        "GET /sandbox/clock", // Development only, like everything under /sandbox
        "GET /sandbox/wechat/sns/jscode2session",
        "POST /callbacks/wechat-pay", // the platform's signature
        "POST /callbacks/wechat-pay/{shop}",
        "POST /sandbox/clock",
        "POST /sandbox/payments/{id:id}/fail",
        "POST /sandbox/payments/{id:id}/pay",
        "POST /sandbox/prepay-faults",
        "POST /sandbox/refund-faults",
        "POST /sandbox/shops",
        "POST /sandbox/transfers/{id:id}/fail",
        "POST /sandbox/transfers/{id:id}/succeed",
        "POST /v1/sessions", // the code of wx.login
    ];

    private const string Draft = """{"kind":"bargain","title":"t","startsAt":"2026-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z","sku":"<skus>","rules":{"floorFen":1,"assistsNeeded":3,"ttlMinutes":60,"quota":1}}""";
    private const string Reason = """{"reason":"why"}""";
    private const string Settings = """{"timeZone":"Asia/Shanghai","channel":"mini-program","dailyAssistCap":5,"minAccountAgeHours":0,"paymentWindowMinutes":30,"commissionMinPercent":0,"commissionMaxPercent":30,"freezeDays":7,"bindingMode":"first-touch","bindingDays":30}""";

    private static readonly Dictionary<string, Row> Rows = new(StringComparer.Ordinal)
    {
        ["GET /v1/me"] = new(Meets.Own, Meets.Own),
        ["GET /v1/campaigns"] = new(Meets.Shared, Meets.Own),
        ["POST /v1/bargains/"] = new(Meets.Shared, Meets.NotFound, """{"campaignId":"<campaigns>"}"""),
        ["GET /v1/bargains/"] = new(Meets.Own, Meets.Own),
        ["GET /v1/bargains/{id:id}"] = new(Meets.Shared, Meets.NotFound),
        ["POST /v1/bargains/{id:id}/assists"] = new(Meets.Shared, Meets.NotFound, "{}"),
        ["GET /v1/bargains/{id:id}/proof"] = new(Meets.Shared, Meets.NotFound),
        ["GET /v1/bargains/{id:id}/events"] = new(Meets.Shared, Meets.NotFound),
        ["POST /v1/bargains/{id:id}/orders"] = new(Meets.NotOwner, Meets.NotFound, "{}"),
        ["GET /v1/flash-sales/{id:id}"] = new(Meets.Shared, Meets.NotFound),
        ["GET /v1/flash-sales/{id:id}/events"] = new(Meets.Shared, Meets.NotFound),
        ["POST /v1/flash-sales/{id:id}/orders"] = new(Meets.Shared, Meets.NotFound, """{"quantity":1}"""),
        ["POST /v1/group-rooms/"] = new(Meets.Shared, Meets.NotFound, """{"campaignId":"<groups>","quantity":1}"""),
        ["GET /v1/group-rooms/"] = new(Meets.Own, Meets.Own),
        ["GET /v1/group-rooms/{id:id}"] = new(Meets.Shared, Meets.NotFound),
        ["POST /v1/group-rooms/{id:id}/seats"] = new(Meets.Shared, Meets.NotFound, """{"quantity":1}"""),
        ["GET /v1/group-rooms/{id:id}/events"] = new(Meets.Shared, Meets.NotFound),
        ["GET /v1/campaigns/{id:id}/group-rooms"] = new(Meets.Shared, Meets.NotFound),
        ["POST /v1/orders/"] = new(Meets.Shared, Meets.NotFound, """{"lines":[{"sku":"<skus>","quantity":1}]}"""),
        ["GET /v1/orders/"] = new(Meets.Own, Meets.Own),
        ["GET /v1/orders/{id:id}"] = new(Meets.NotFound, Meets.NotFound),
        ["POST /v1/orders/{id:id}/payments"] = new(Meets.NotFound, Meets.NotFound, "{}"),
        ["POST /v1/orders/{id:id}/cancellations"] = new(Meets.NotFound, Meets.NotFound, Reason),
        ["GET /merchant/v1/orders"] = new(Meets.Nobody, Meets.Own),
        ["GET /merchant/v1/orders/{id:id}"] = new(Meets.Nobody, Meets.NotFound),
        ["POST /v1/orders/{id:id}/receipts"] = new(Meets.NotFound, Meets.NotFound, "{}"),
        ["GET /v1/orders/{id:id}/timeline"] = new(Meets.NotFound, Meets.NotFound),
        ["GET /merchant/v1/orders/{id:id}/timeline"] = new(Meets.Nobody, Meets.NotFound),
        ["POST /merchant/v1/orders/{id:id}/shipments"] = new(Meets.Nobody, Meets.NotFound, """{"carrier":"SF","trackingNumber":"SF1"}"""),
        ["POST /merchant/v1/orders/{id:id}/refunds"] = new(Meets.Nobody, Meets.NotFound, """{"reason":"why"}"""),
        ["POST /merchant/v1/shipment-uploads"] = new(Meets.Nobody, Meets.Own, "orderId,carrier,trackingNumber\n<orders>,SF,SF1", "text/csv"),
        ["GET /merchant/v1/shipment-uploads/template"] = new(Meets.Nobody, Meets.Own),
        ["POST /v1/me/withdrawals"] = new(Meets.NotEligible, Meets.NotEligible, """{"amountFen":100}"""),
        ["GET /v1/me/withdrawals"] = new(Meets.Own, Meets.Own),
        ["GET /v1/me/withdrawals/{id:id}"] = new(Meets.NotFound, Meets.NotFound),
        ["GET /v1/me/ledger"] = new(Meets.Own, Meets.Own),
        ["GET /merchant/v1/withdrawals"] = new(Meets.Nobody, Meets.Own),
        ["GET /merchant/v1/withdrawals/{id:id}"] = new(Meets.Nobody, Meets.NotFound),
        ["GET /merchant/v1/withdrawals/export"] = new(Meets.Nobody, Meets.Own),
        ["POST /merchant/v1/withdrawals/{id:id}/approvals"] = new(Meets.Nobody, Meets.NotFound, Reason),
        ["POST /merchant/v1/withdrawals/{id:id}/rejections"] = new(Meets.Nobody, Meets.NotFound, Reason),
        ["GET /merchant/v1/ledgers/{id:id}"] = new(Meets.Nobody, Meets.NotFound),
        ["GET /merchant/v1/limbo"] = new(Meets.Nobody, Meets.Own),
        ["POST /merchant/v1/limbo/{id:id}/settlements"] = new(Meets.Nobody, Meets.NotFound, Reason),
        ["GET /merchant/v1/campaigns/"] = new(Meets.Nobody, Meets.Own),
        ["GET /merchant/v1/campaigns/{id:id}"] = new(Meets.Nobody, Meets.NotFound),
        ["GET /merchant/v1/campaigns/{id:id}/spread"] = new(Meets.Nobody, Meets.NotFound),
        ["GET /merchant/v1/campaigns/{id:id}/report"] = new(Meets.Nobody, Meets.NotFound),
        ["POST /merchant/v1/campaigns/"] = new(Meets.Nobody, Meets.Invalid, Draft),
        ["PUT /merchant/v1/campaigns/{id:id}"] = new(Meets.Nobody, Meets.NotFound, Draft),
        ["POST /merchant/v1/campaigns/{id:id}/publications"] = new(Meets.Nobody, Meets.NotFound, "{}"),
        ["POST /merchant/v1/campaigns/{id:id}/pauses"] = new(Meets.Nobody, Meets.NotFound, Reason),
        ["POST /merchant/v1/campaigns/{id:id}/resumptions"] = new(Meets.Nobody, Meets.NotFound, Reason),
        ["POST /merchant/v1/campaigns/{id:id}/kills"] = new(Meets.Nobody, Meets.NotFound, Reason),
        ["POST /merchant/v1/campaigns/{id:id}/quota-changes"] = new(Meets.Nobody, Meets.NotFound, """{"delta":1}"""),
        ["GET /merchant/v1/products/{id:id}"] = new(Meets.Nobody, Meets.NotFound),
        ["GET /merchant/v1/skus/{id:id}"] = new(Meets.Nobody, Meets.NotFound),
        ["GET /merchant/v1/settings"] = new(Meets.Nobody, Meets.Own),
        ["POST /merchant/v1/products"] = new(Meets.Nobody, Meets.Own, """{"title":"t","type":"daily","skus":[{"name":"n","listPriceFen":1,"stock":1}]}"""),
        ["POST /merchant/v1/skus/{id:id}/stock-changes"] = new(Meets.Nobody, Meets.NotFound, """{"delta":1,"reason":"why"}"""),
        ["POST /merchant/v1/skus/{id:id}/price-changes"] = new(Meets.Nobody, Meets.NotFound, """{"listPriceFen":1}"""),
        ["POST /v1/me/distributor"] = new(Meets.NotEligible, Meets.NotEligible, "{}"),
        ["GET /v1/me/distributor"] = new(Meets.NotFound, Meets.NotFound),
        ["POST /v1/me/distributor/applications"] = new(Meets.Own, Meets.Own, Reason),
        ["GET /v1/me/distributor/qr"] = new(Meets.NotFound, Meets.NotFound),
        ["GET /v1/me/team"] = new(Meets.Own, Meets.Own),
        ["POST /v1/me/promoter"] = new(Meets.Shared, Meets.UnknownCode, """{"code":"<codes>"}"""),
        ["GET /v1/me/promoter"] = new(Meets.Own, Meets.Own),
        ["POST /v1/me/promoter/endings"] = new(Meets.Own, Meets.Own, "{}"),
        ["GET /merchant/v1/distributors/"] = new(Meets.Nobody, Meets.Own),
        ["GET /merchant/v1/distributors/{id:id}"] = new(Meets.Nobody, Meets.NotFound),
        ["GET /merchant/v1/distributors/{id:id}/team"] = new(Meets.Nobody, Meets.NotFound),
        ["POST /merchant/v1/distributors/{id:id}/invitations"] = new(Meets.Nobody, Meets.NotFound, "{}"),
        ["POST /merchant/v1/distributors/{id:id}/approvals"] = new(Meets.Nobody, Meets.NotFound, Reason),
        ["POST /merchant/v1/distributors/{id:id}/declines"] = new(Meets.Nobody, Meets.NotFound, Reason),
        ["POST /merchant/v1/distributors/{id:id}/standings"] = new(Meets.Nobody, Meets.NotFound, """{"standing":"Frozen","reason":"why"}"""),
        ["POST /merchant/v1/distributors/{id:id}/tiers"] = new(Meets.Nobody, Meets.NotFound, "{}"),
        ["POST /merchant/v1/distributors/{id:id}/complaints"] = new(Meets.Nobody, Meets.NotFound, Reason),
        ["GET /v1/me/commissions"] = new(Meets.Own, Meets.Own),
        ["GET /merchant/v1/commissions"] = new(Meets.Nobody, Meets.Own),
        ["GET /merchant/v1/orders/{id:id}/commissions"] = new(Meets.Nobody, Meets.NotFound),
        ["GET /merchant/v1/distribution/leaderboard"] = new(Meets.Nobody, Meets.Own),
        ["POST /merchant/v1/skus/{id:id}/commission-changes"] = new(Meets.Nobody, Meets.NotFound, """{"commission":{"level1Percent":20,"level2Percent":0}}"""),
        ["PUT /merchant/v1/settings"] = new(Meets.Nobody, Meets.Own, Settings),
        ["GET /merchant/v1/distribution/compliance"] = new(Meets.Nobody, Meets.Own),
        ["POST /merchant/v1/distribution/stops"] = new(Meets.Nobody, Meets.Own, Reason),
        ["POST /merchant/v1/distribution/resumptions"] = new(Meets.Nobody, Meets.Own, "{}"),
        ["POST /merchant/v1/shoppers/{id:id}/blocks"] = new(Meets.Nobody, Meets.NotFound, """{"until":"2099-01-01T00:00:00Z","reason":"why"}"""),
    };

    [Fact]
    public void Every_endpoint_says_who_may_use_it() => Assert.Empty(Unruled(shop.Host.Endpoints));

    [Fact]
    public void An_endpoint_without_a_rule_is_found_and_so_is_one_that_only_says_authorized()
    {
        RequestDelegate nothing = _ => Task.CompletedTask;
        Endpoint forgotten = new RouteEndpoint(nothing, RoutePatternFactory.Parse("/forgotten"), 0, new(new HttpMethodMetadata(["GET"])), "forgotten");
        Endpoint vague = new RouteEndpoint(nothing, RoutePatternFactory.Parse("/vague"), 0, new(new HttpMethodMetadata(["GET"]), new AuthorizeAttribute()), "vague");
        Endpoint ruled = new RouteEndpoint(nothing, RoutePatternFactory.Parse("/ruled"), 0, new(new HttpMethodMetadata(["GET"]), new AuthorizeAttribute(Rights.Shopper)), "ruled");
        Assert.Equal(["GET /forgotten", "GET /vague"], Unruled([forgotten, vague, ruled]));
    }

    [Fact]
    public async Task An_endpoint_without_a_rule_is_refused_to_everybody()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System);
        await using var app = builder.Build();
        app.UseRouting();
        app.UseRules();
        app.MapGet("/forgotten", () => "secret");
        app.MapGet("/open", () => "hello").AllowAnonymous();
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new(app.Urls.First()) };
        (await Reply.Of(await http.GetAsync(new Uri("/forgotten", UriKind.Relative)))).Refused(403, "Forbidden");
        (await Reply.Of(await http.GetAsync(new Uri("/open", UriKind.Relative)))).Expect(200);
    }

    [Fact]
    public void Only_a_listed_few_are_open_to_everybody() =>
        Assert.Equal(Anonymous, Routes(shop.Host.Endpoints).Where(r => r.Endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null).Select(r => r.Name).Order(StringComparer.Ordinal));

    [Fact]
    public async Task Every_other_endpoint_refuses_every_credential_but_its_own()
    {
        var amei = await shop.SignIn();
        await Grant("reader", Rights.ReadScope);
        await Grant("writer", Rights.WriteScope);
        await shop.Quiet();
        var position = shop.Position;
        var tried = 0;
        foreach (var (name, _) in Routes(shop.Host.Endpoints).Where(r => !Anonymous.Contains(r.Name)))
        {
            foreach (var (who, caller) in WrongFor(RuleOf(name), amei))
            {
                var reply = await caller.With("Idempotency-Key", "k").Send(MethodOf(name), PathOf(name, new string('0', 32)), name.StartsWith("GET ", StringComparison.Ordinal) ? null : "{}");
                var expected = who.EndsWith("scope", StringComparison.Ordinal) ? (403, "Forbidden") : (401, "Unauthenticated");
                Assert.True(reply.Status == expected.Item1 && reply.Code == expected.Item2, $"{name} answered {who}: {reply.Status} {reply.Content}");
                tried++;
            }
        }

        Assert.True(tried > 700, $"Only {tried} were tried.");
        Assert.Equal(position, shop.Position);
    }

    [Fact]
    public void Every_endpoint_says_what_a_stranger_meets()
    {
        Assert.Empty(WithoutRow(Routes(shop.Host.Endpoints).Select(r => r.Name)));
        Assert.Empty(Rows.Keys.Except(Routes(shop.Host.Endpoints).Select(r => r.Name)));
        Assert.Equal(["GET /v1/forgotten"], WithoutRow(["GET /v1/me", "GET /v1/forgotten", "GET /health/live"]));
    }

    [Fact]
    public async Task Nobody_reaches_what_is_another_shopper_s_or_another_shop_s()
    {
        var scene = await Scene.Set(shop);
        await shop.Quiet();
        await shop.CaughtUp();
        var position = shop.Position;
        var meetings = Rows.SelectMany(row => scene.StrangersTo(row.Key, row.Value), (row, stranger) => (Name: row.Key, Row: row.Value, Stranger: stranger)).ToList();
        foreach (var (name, row, (who, caller, meets)) in meetings.Where(m => m.Stranger.Meets is not (Meets.Own or Meets.Shared))) await Refuse(who, caller, name, row, meets, scene);
        Assert.Equal(position, shop.Position);

        // What they see of their own comes first: then nothing of it can be what they did to what is shared.
        foreach (var (name, row, (who, caller, meets)) in meetings.Where(m => m.Stranger.Meets == Meets.Own)) await Let(who, caller, name, row, meets, scene);
        foreach (var (name, row, (who, caller, meets)) in meetings.Where(m => m.Stranger.Meets == Meets.Shared)) await Let(who, caller, name, row, meets, scene);
    }

    [Fact]
    public async Task The_operations_port_serves_operators_alone()
    {
        var routes = Routes(shop.Host.OperatorEndpoints).Select(r => r.Name).ToList();
        Assert.Equal(["GET /health/live", "GET /health/ready", "GET /metrics", "GET /ops/limbo", "GET /ops/status", "POST /ops/shops"], routes.Order(StringComparer.Ordinal));
        foreach (var name in routes.Where(r => !r.Contains("/health/", StringComparison.Ordinal)))
            foreach (var caller in (Client[])[shop.Nobody, shop.Merchant, await shop.SignIn()])
                (await caller.Send(MethodOf(name), PathOf(name, ""), name.StartsWith("GET ", StringComparison.Ordinal) ? null : """{"shopId":"mine"}""")).Refused(404, "NotFound");
        foreach (var name in Rows.Keys) (await shop.Ops(MethodOf(name), PathOf(name, new string('0', 32)), name.StartsWith("GET ", StringComparison.Ordinal) ? null : "{}")).Refused(404, "NotFound");
    }

    private static IEnumerable<string> WithoutRow(IEnumerable<string> names) => names.Where(n => !Anonymous.Contains(n) && !Rows.ContainsKey(n));

    // Not what the endpoint says, but what its address promises: a write that asks for the read scope alone is found.
    private static string RuleOf(string name) => !name.Contains(" /merchant/", StringComparison.Ordinal) ? Rights.Shopper : name.StartsWith("GET ", StringComparison.Ordinal) ? Rights.MerchantRead : Rights.MerchantWrite;

    private static HttpMethod MethodOf(string name) => new(name.Split(' ')[0]);

    private static string PathOf(string name, string id) => name.Split(' ')[1].Replace("{id:id}", id, StringComparison.Ordinal);

    // Each is what the endpoint asks for but for one thing.
    private IEnumerable<(string Who, Client Caller)> WrongFor(string policy, LiveShopper amei)
    {
        var now = shop.Host.Services.GetRequiredService<TimeProvider>().GetUtcNow();
        var parts = amei.Token.Split('.');
        (string Who, string Credential)[] wrong =
        [
            ("garbage", "garbage"),
            ("an empty token", ""),
            ("an expired token", Token("campaigns-shopper", at: now.AddHours(-3))),
            ("a token of tomorrow", Token("campaigns-shopper", at: now.AddDays(1))),
            ("a token for another audience", Token("campaigns-merchant")),
            ("a token of another issuer", Token("campaigns-shopper", issuer: "somebody")),
            ("a forged token", CredentialTests.Sign([.. Enumerable.Repeat((byte)7, 32)], amei.Id, "campaigns-shopper", at: now)),
            ("a token without a signature", $"{parts[0]}.{parts[1]}."),
            ("a token with alg none", $"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{parts[1]}."),
            ("another token's signature", $"{parts[0]}.{Token("campaigns-shopper", at: now.AddMinutes(-1)).Split('.')[1]}.{parts[2]}"),
            policy == Rights.Shopper ? ("a merchant's key", shop.Merchant.Key) : ("a shopper's token", amei.Token),
        ];
        yield return ("nobody", shop.Nobody);
        yield return ("a malformed header", new(shop, ("Authorization", policy == Rights.Shopper ? amei.Token : shop.Merchant.Key)));
        yield return ("another scheme", new(shop, ("Authorization", $"Basic {(policy == Rights.Shopper ? amei.Token : shop.Merchant.Key)}")));
        foreach (var (who, credential) in wrong)
        {
            yield return ($"{who} as a bearer", new(shop, ("Authorization", $"Bearer {credential}")));
            yield return ($"{who} as a key", new(shop, ("X-Api-Key", credential)));
        }

        if (policy == Rights.MerchantWrite) yield return ("a key with the read scope", new(shop, ("X-Api-Key", "reader")));
        if (policy == Rights.MerchantRead) yield return ("a key with the write scope", new(shop, ("X-Api-Key", "writer")));

        string Token(string audience, string issuer = "campaigns", DateTimeOffset? at = null) => CredentialTests.Sign(shop.TokenKey, amei.Id, audience, issuer, at ?? now);
    }

    private async Task Grant(string key, string scope) =>
        await shop.Host.Services.GetRequiredService<IGrains>().Ask(ApiKeyAddress.Of(key), new GrantApiKey(CampaignsHost.DemoShop, [scope]));

    private static async Task Refuse(string who, Client caller, string name, Row row, Meets meets, Scene scene)
    {
        var (status, code) = meets switch
        {
            Meets.NotOwner => (403, "NotOwner"),
            Meets.NotEligible => (403, "NotEligible"),
            Meets.UnknownCode => (404, "UnknownCode"),
            Meets.Invalid => (422, "Invalid"),
            _ => (404, "NotFound"),
        };
        var reply = await Send(caller, name, row, scene.Ids);
        Assert.True(reply.Status == status && reply.Code == code, $"{name} answered {who}: {reply.Status} {reply.Content}");
        if (meets is Meets.NotOwner or Meets.NotEligible) return;

        // What is somebody else's must look like what does not exist at all.
        var nothing = await Send(caller, name, row, kind => new string('0', 32));
        Assert.Equal(WithoutRequestId(nothing), WithoutRequestId(reply));
    }

    private static async Task Let(string who, Client caller, string name, Row row, Meets meets, Scene scene)
    {
        if (name.EndsWith("/events", StringComparison.Ordinal))
        {
            using var live = await caller.Shop.Open(caller.Request(HttpMethod.Get, PathOf(name, scene.Ids(KindOf(name)))), CancellationToken.None);
            Assert.Equal(200, (int)live.StatusCode);
            return;
        }

        var reply = await Send(caller, name, row, scene.Ids);
        Assert.True(reply.Status is 200 or 201, $"{name} answered {who}: {reply.Status} {reply.Content}");
        if (meets == Meets.Own) Assert.All(scene.All, id => Assert.False(reply.Content.Contains(id, StringComparison.Ordinal), $"{name} tells {who} about {id}."));
    }

    private static Task<Reply> Send(Client caller, string name, Row row, Func<string, string> ids)
    {
        var body = row.Body is null ? null : Regex.Replace(row.Body, "<(?<kind>[a-z]+)>", m => ids(m.Groups["kind"].Value), RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        return caller.Send(MethodOf(name), PathOf(name, ids(KindOf(name))), body, row.MediaType);
    }

    private static string KindOf(string name) => name.Split('/').TakeWhile(s => !s.StartsWith('{')).Last();

    private static string WithoutRequestId(Reply reply)
    {
        var problem = reply.Body.DeepClone().AsObject();
        problem.Remove("requestId");
        return problem.ToJsonString();
    }

    private static IEnumerable<string> Unruled(IEnumerable<Endpoint> endpoints) =>
        from route in Routes(endpoints)
        let rules = route.Endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>()
        where route.Endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null && !(rules.Count > 0 && rules.All(r => r.Policy is Rights.Shopper or Rights.MerchantRead or Rights.MerchantWrite))
        select route.Name;

    private static IEnumerable<(string Name, Endpoint Endpoint)> Routes(IEnumerable<Endpoint> endpoints) =>
        from endpoint in endpoints.OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["ANY"]
        select ($"{method} {endpoint.RoutePattern.RawText}", (Endpoint)endpoint);

    /// <summary>What somebody with good credentials meets at what is not theirs.</summary>
    private enum Meets
    {
        /// <summary>It is about the caller alone, and tells nothing of anybody else.</summary>
        Own,

        /// <summary>It is for everybody in the shop, such as helping a friend.</summary>
        Shared,

        /// <summary>404, word for word the one of what does not exist.</summary>
        NotFound,

        /// <summary>403: everybody in the shop sees the bargain anyway.</summary>
        NotOwner,

        /// <summary>403: it takes a distributor.</summary>
        NotEligible,

        /// <summary>404 for a promotion code, the same as for one that nobody has.</summary>
        UnknownCode,

        /// <summary>422 with the field that names it.</summary>
        Invalid,

        /// <summary>No such caller can come so far.</summary>
        Nobody,
    }

    /// <param name="Shopper">another shopper of the same shop</param>
    /// <param name="Shop">a shopper or a merchant of another shop</param>
    /// <param name="Body">a body that would be taken from the owner; &lt;skus&gt; stands for the owner's id of that kind</param>
    private sealed record Row(Meets Shopper, Meets Shop, string? Body = null, string MediaType = "application/json");

    /// <summary>Amei with a thing of every kind, and strangers.</summary>
    private sealed class Scene(IReadOnlyDictionary<string, string> ids, Client neighbour, Client foreigner, Client rival)
    {
        public IEnumerable<string> All => ids.Values;

        public string Ids(string kind) => ids.GetValueOrDefault(kind, "");

        public static async Task<Scene> Set(LiveShop shop)
        {
            var running = await shop.Merchant.Run();
            var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
            var bargain = await amei.Succeed(running);
            var order = await amei.Order(bargain);
            var stray = await amei.Stray(running.Sku);
            var product = (await shop.Merchant.Post("/merchant/v1/products", new { title = "t", type = "daily", skus = new[] { new { name = "n", listPriceFen = 1, stock = 1 } } })).Expect(201);
            var other = await shop.AnotherShop();
            var group = await shop.Merchant.RunGroup(r => (r["size"], r["perUserLimit"]) = (9, 9));
            var ids = new Dictionary<string, string> { ["groups"] = group.Id, ["group-rooms"] = (await amei.Found(group.Id)).Room, ["campaigns"] = running.Id, ["skus"] = running.Sku, ["products"] = product.Text("id"), ["bargains"] = await amei.Launch(running.Id), ["orders"] = order, ["limbo"] = stray, ["shoppers"] = amei.Id, ["ledgers"] = amei.Id, ["distributors"] = amei.Id, ["codes"] = PromotionCode.Of(ShopperId.Of(Guid.ParseExact(amei.Id, "N"))), ["withdrawals"] = await Withdraw(shop, amei), ["flash-sales"] = (await shop.Merchant.RunSale()).Id };
            return new(ids, bo, await shop.SignIn(shop: other.ShopId), other);
        }

        private static async Task<string> Withdraw(LiveShop shop, LiveShopper who)
        {
            var (grains, owner) = (shop.Host.Services.GetRequiredService<IGrains>(), ShopperId.Of(Guid.ParseExact(who.Id, "N")));
            await grains.Ask(owner.DistributorIn(CampaignsHost.DemoShop), new JoinDistribution(HasBought: true, null));
            await grains.Ask(owner.LedgerIn(CampaignsHost.DemoShop, LedgerKind.Commission), new PostEntries(owner, LedgerKind.Commission, owner.Value, owner.Value, 1, [new("given", LedgerAccount.Shop, LedgerAccount.Available, new(1_000))]));
            return (await who.Post("/v1/me/withdrawals", new { amountFen = 100 })).Expect(201).Text("id");
        }

        public IEnumerable<(string Who, Client Caller, Meets Meets)> StrangersTo(string name, Row row)
        {
            var forMerchants = name.Contains("/merchant/", StringComparison.Ordinal);
            if (row.Shopper != Meets.Nobody) yield return ("another shopper", neighbour, row.Shopper);
            yield return forMerchants ? ("another shop's merchant", rival, row.Shop) : ("another shop's shopper", foreigner, row.Shop);
        }
    }
}
