using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.Http;

/// <summary>A full house refuses at once and in full; what was let in is finished.</summary>
public sealed class InFlightTests
{
    [Fact]
    public async Task Who_comes_to_a_full_house_is_refused_at_once_and_who_is_in_it_succeeds()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:Requests=4", "--Limits:Streams=2");
        var campaign = await shop.Merchant.Run();
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var bargain = await amei.Launch(campaign.Id);

        // Three quarters of the room for one endpoint, and not more.
        var launches = new List<SlowRequest>();
        for (var i = 0; i < 3; i++) launches.Add(await SlowRequest.Begin(amei, "/v1/bargains", new { campaignId = campaign.Id }));
        (await amei.TryLaunch(campaign.Id)).Refused(503, "Busy");
        await bo.Me();

        using var assist = await SlowRequest.Begin(bo, $"/v1/bargains/{bargain}/assists", new { });
        var position = shop.Position;
        var before = shop.Host.Services.GetRequiredService<InFlight>().Requests;
        Assert.Equal(4, before);
        foreach (var reply in await Task.WhenAll(Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? bo.Assist(bargain) : amei.With("Accept-Language", "en").Get("/v1/me"))))
        {
            reply.Refused(503, "Busy");
            Assert.InRange(reply.Number("retryAfter"), 1, 2);
            Assert.Equal(reply.Header("Retry-After"), $"{reply.Number("retryAfter")}");
            Assert.Equal(reply.Header("X-Request-Id"), reply.Text("requestId"));
            Assert.Matches("^[0-9a-f]{32}$", reply.Text("requestId"));
        }

        Assert.Equal(position, shop.Position);
        (await shop.Nobody.Get("/health/ready")).Expect(200);
        var metrics = (await shop.Ops(HttpMethod.Get, "/metrics")).Expect(200).Content;
        Assert.Contains("campaigns_http_requests_in_flight 4\n", metrics, StringComparison.Ordinal);
        Assert.Contains("campaigns_refusals_total{code=\"Busy\"} 41\n", metrics, StringComparison.Ordinal);
        Assert.Contains("route=\"/v1/me\",status=\"503\",le=\"+Inf\"} 20\n", metrics, StringComparison.Ordinal);

        foreach (var launch in launches) Assert.StartsWith("HTTP/1.1 201 ", await launch.Finish(), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 201 ", await assist.Finish(), StringComparison.Ordinal);
        await Empty(shop);
        await bo.Me();
    }

    [Fact]
    public async Task A_refusal_of_a_full_house_reads_like_any_other()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:Requests=1");
        var amei = await shop.SignIn();
        using (await SlowRequest.Begin(amei, "/v1/bargains", new { campaignId = Guid.NewGuid().ToString("N") }))
        {
            var refused = (await amei.Get("/v1/me")).Refused(503, "Busy");
            Assert.Equal(["code", "detail", "requestId", "retryAfter", "status", "title", "type"], refused.Body.AsObject().Select(f => f.Key).Order(StringComparer.Ordinal));
            Assert.Equal(("urn:campaigns:refusal:Busy", 503), (refused.Text("type"), refused.Number("status")));
            Assert.Equal(Problems.Texts["Busy"].Chinese, refused.Text("detail"));
            Assert.Equal(Problems.Texts["Busy"].English, (await amei.With("Accept-Language", "en").Get("/v1/me")).Text("detail"));
        }
    }

    [Fact]
    public async Task The_room_is_free_again_after_clients_that_left_errors_and_streams()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:Requests=8", "--Limits:Streams=2");
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var bargain = await amei.Launch(campaign.Id);
        for (var i = 0; i < 5; i++)
        {
            (await SlowRequest.Begin(amei, "/v1/bargains", new { campaignId = campaign.Id })).Dispose();
            await Empty(shop);
        }

        for (var i = 0; i < 10; i++)
        {
            (await amei.Send(HttpMethod.Post, "/v1/bargains", "{")).Refused(400, "Malformed");
            (await amei.Get("/v1/nothing")).Refused(404, "NotFound");
            (await shop.Nobody.Get("/v1/me")).Refused(401, "Unauthenticated");
        }

        // Streams have a room of their own, and leave it with their viewer.
        var inFlight = shop.Host.Services.GetRequiredService<InFlight>();
        using (await Watch(amei, bargain, 200))
        using (await Watch(amei, bargain, 200))
        {
            (await Watch(amei, bargain, 503)).Dispose();
            Assert.Equal((0, 2), (inFlight.Requests, inFlight.Streams));
            await amei.Me();
        }

        await Empty(shop);
        (await Watch(amei, bargain, 200)).Dispose();
        await Empty(shop);
    }

    private static async Task<HttpResponseMessage> Watch(LiveShopper who, string bargain, int status)
    {
        using var request = who.Request(HttpMethod.Get, $"/v1/bargains/{bargain}/events");
        var response = await who.Shop.Open(request, CancellationToken.None);
        Assert.Equal(status, (int)response.StatusCode);
        return response;
    }

    private static async Task Empty(LiveShop shop)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var inFlight = shop.Host.Services.GetRequiredService<InFlight>();
        for (; inFlight.Requests + inFlight.Streams > 0; await Task.Yield()) limit.Token.ThrowIfCancellationRequested();
    }

    /// <summary>A request that is in the house until its body comes: the server has asked for it.</summary>
    private sealed class SlowRequest : IDisposable
    {
        private readonly TcpClient client = new();
        private byte[] body = [];

        public static async Task<SlowRequest> Begin(LiveShopper who, string path, object body)
        {
            var slow = new SlowRequest { body = JsonSerializer.SerializeToUtf8Bytes(body, Client.Json) };
            var address = who.Shop.Host.Address;
            await slow.client.ConnectAsync(address.Host, address.Port);
            await slow.client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: {address.Authority}\r\nAuthorization: Bearer {who.Token}\r\nContent-Type: application/json\r\nContent-Length: {slow.body.Length}\r\nExpect: 100-continue\r\n\r\n"));
            Assert.StartsWith("HTTP/1.1 100 ", await slow.Read(), StringComparison.Ordinal);
            return slow;
        }

        public async Task<string> Finish()
        {
            await client.GetStream().WriteAsync(body);
            return await Read();
        }

        public void Dispose() => client.Dispose();

        private async Task<string> Read()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            var buffer = new byte[8_192];
            return Encoding.UTF8.GetString(buffer, 0, await client.GetStream().ReadAsync(buffer, limit.Token));
        }
    }
}
