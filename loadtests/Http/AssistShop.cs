using System.Net;
using System.Text;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Flash;

namespace Campaigns.LoadTests.Http;

/// <summary>The demo shop of a real server with the bargains and the helpers that a plan needs, made over its API.</summary>
internal sealed class AssistShop(ShopClient client, Uri address, IPEndPoint endPoint)
{
    private const int LaunchesPerOwner = 100;
    private const int Connections = 64;
    private const int ReadersAtOnce = 16;

    private readonly List<string> bargains = [];
    private string reader = "";

    /// <exception cref="InvalidOperationException">the server refused a part of it</exception>
    public async Task<AssistRequests> Open(AssistPlan plan, CancellationToken stop)
    {
        var campaign = await OpenCampaign(plan.Bargains);

        // Names that no earlier run has used on a server that was here before.
        var run = Guid.NewGuid().ToString("N")[..8];
        var owners = SignIn($"{run}-owner", (plan.Bargains / LaunchesPerOwner) + 1, stop);
        var helpers = SignIn($"{run}-helper", plan.Helpers, stop);
        var launch = $$"""{"campaignId":"{{campaign}}"}""";
        bargains.AddRange(Play([.. Enumerable.Range(0, plan.Bargains).Select(i => Post("/v1/bargains", owners[i / LaunchesPerOwner], launch))], "id", stop));
        reader = owners[0];
        return new(plan, address.Authority, bargains, helpers);
    }

    /// <summary>Every bargain must have as many helpers as were told that they helped.</summary>
    public async Task Audit(AssistPlan plan, AssistRequests requests, Findings findings, CancellationToken stop)
    {
        var person = new Person("reader") { Token = reader };
        await Parallel.ForEachAsync(Enumerable.Range(0, plan.Bargains).Where(b => requests.AcceptedAt(b) > 0), new ParallelOptions { MaxDegreeOfParallelism = ReadersAtOnce, CancellationToken = stop }, async (bargain, _) =>
        {
            var view = (await client.Get($"/v1/bargains/{bargains[bargain]}", person)).Body;
            var (slots, cuts) = (view.GetProperty("slots").GetInt32() - view.GetProperty("slotsLeft").GetInt32(), view.GetProperty("helpers").EnumerateArray().Sum(h => h.GetProperty("cutFen").GetInt64()));
            if (slots != requests.AcceptedAt(bargain)) findings.Add(Wrong.Lost, $"{requests.AcceptedAt(bargain)} helped in bargain {bargains[bargain]}, which knows of {slots}.");
            if (view.GetProperty("listPriceFen").GetInt64() - view.GetProperty("priceFen").GetInt64() != cuts) findings.Add(Wrong.Other, $"The cuts of bargain {bargains[bargain]} do not add up to its price.");
        });
    }

    private async Task<string> OpenCampaign(int quota)
    {
        var settings = (await client.Get("/merchant/v1/settings")).As<Dictionary<string, object>>();
        settings["dailyAssistCap"] = AssistPlan.AssistsPerDay;
        Require(await client.Put("/merchant/v1/settings", settings));
        var product = Require(await client.Post("/merchant/v1/products", new { title = "Storm cake", type = "handmade", skus = new[] { new { name = "box", listPriceFen = 99_000, stock = 2 * quota } } }));
        var now = (await client.Get("/sandbox/clock")).Body.GetProperty("now").GetDateTimeOffset();
        var rules = new { floorFen = 990, assistsNeeded = AssistPlan.Slots, curve = "even", minCutFen = 1, ttlMinutes = 1_440, payWindowMinutes = 1_440, quota, launchesPerUser = LaunchesPerOwner };
        var draft = Require(await client.Post("/merchant/v1/campaigns", new { kind = "bargain", title = "Storm", startsAt = now, endsAt = now.AddDays(9), sku = product.Body.GetProperty("skus")[0].GetProperty("id").GetString(), rules }));
        var campaign = draft.Body.GetProperty("id").GetString()!;
        Require(await client.Post($"/merchant/v1/campaigns/{campaign}/publications", null));
        return campaign;
    }

    private List<string> SignIn(string name, int people, CancellationToken stop) =>
        Play([.. Enumerable.Range(0, people).Select(i => Post("/v1/sessions", null, $$"""{"shopId":"demo","code":"dev:{{name}}{{i}}"}"""))], "token", stop);

    private List<string> Play(List<byte[]> requests, string field, CancellationToken stop)
    {
        var heard = new Opening(endPoint, requests, Connections).Play(TimeSpan.Zero, stop);
        foreach (var refused in heard.Where(h => h.Status != 201).Take(1)) throw new InvalidOperationException($"The shop could not be prepared: {refused.Status} {refused.Body}");
        return [.. heard.Select(h => h.Body.GetProperty(field).GetString()!)];
    }

    private byte[] Post(string path, string? token, string body) => Encoding.ASCII.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n{(token is null ? "" : $"Authorization: Bearer {token}\r\n")}\r\n{body}");

    private static Reply Require(Reply reply) => reply.IsSuccess ? reply : throw new InvalidOperationException($"The shop could not be prepared: {reply.Status} {reply.Body}");
}
