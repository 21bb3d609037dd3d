using System.Text.RegularExpressions;
using Campaigns.ApiFrontend.Edge;
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
        "POST /sandbox/clock",
        "POST /sandbox/payments/{id:id}/fail",
        "POST /sandbox/payments/{id:id}/pay",
        "POST /sandbox/prepay-faults",
        "POST /sandbox/refund-faults",
        "POST /sandbox/shops",
        "POST /v1/sessions", // the code of wx.login
    ];

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
    public async Task Every_other_endpoint_refuses_nobody_garbage_and_the_other_kind_of_caller()
    {
        var amei = await shop.SignIn();
        await shop.Quiet();
        var position = shop.Position;
        var tried = 0;
        foreach (var (name, endpoint) in Routes(shop.Host.Endpoints).Where(r => !Anonymous.Contains(r.Name)))
        {
            var forShoppers = endpoint.Metadata.GetMetadata<IAuthorizeData>()!.Policy == Rights.Shopper;
            Client[] wrong =
            [
                shop.Nobody,
                new(shop, ("Authorization", "Bearer garbage")),
                new(shop, ("X-Api-Key", "garbage")),
                forShoppers ? shop.Merchant : amei,
                forShoppers ? new(shop, ("Authorization", $"Bearer {shop.Merchant.Key}")) : new(shop, ("X-Api-Key", amei.Token)),
            ];
            var (method, path) = (name.Split(' ')[0], Regex.Replace(name.Split(' ')[1], @"\{[^}]*\}", new string('0', 32), RegexOptions.None, TimeSpan.FromSeconds(1)));
            foreach (var caller in wrong)
            {
                var reply = await caller.With("Idempotency-Key", "k").Send(new(method), path, method == "GET" ? null : "{}");
                Assert.True(reply.Status is 401 or 403 && reply.Code is "Unauthenticated" or "Forbidden", $"{name}: {reply.Status} {reply.Content}");
                tried++;
            }
        }

        Assert.True(tried > 100, $"Only {tried} were tried.");
        Assert.Equal(position, shop.Position);
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
}
