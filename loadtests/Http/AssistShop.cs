using System.Text;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Flash;

namespace Campaigns.LoadTests.Http;

/// <summary>The demo shop of a real server with the bargains and the helpers that a plan needs, made over its API.</summary>
internal sealed class AssistShop(RealServer server)
{
    private const int ListPriceFen = 99_000;
    private const int LaunchesPerOwner = 100;
    private const int Connections = 64;
    private const int ReadersAtOnce = 16;

    private string reader = "";

    public IReadOnlyList<string> Bargains { get; private set; } = [];

    /// <summary>Of the helpers.</summary>
    public IReadOnlyList<string> Tokens { get; private set; } = [];

    /// <exception cref="InvalidOperationException">the server refused a part of it</exception>
    public async Task Open(AssistPlan plan, CancellationToken stop)
    {
        var settings = (await server.Client.Get("/merchant/v1/settings")).As<Dictionary<string, object>>();
        settings["dailyAssistCap"] = AssistPlan.AssistsPerDay;
        Require(await server.Client.Put("/merchant/v1/settings", settings));
        var rules = new { floorFen = ListPriceFen / 100, assistsNeeded = AssistPlan.Slots, curve = "even", minCutFen = 1, ttlMinutes = 1_440, payWindowMinutes = 1_440, quota = plan.Bargains, launchesPerUser = LaunchesPerOwner };
        var campaign = await Publish("bargain", plan.Bargains, rules);

        // Names that no earlier run has used on a server that was here before.
        var run = Guid.NewGuid().ToString("N")[..8];
        var owners = SignIn($"{run}-owner", (plan.Bargains / LaunchesPerOwner) + 1, stop);
        Tokens = SignIn($"{run}-helper", plan.Helpers, stop);
        var launch = $$"""{"campaignId":"{{campaign}}"}""";
        Bargains = Play([.. Enumerable.Range(0, plan.Bargains).Select(i => Post("/v1/bargains", owners[i / LaunchesPerOwner], launch))], "id", stop);
        reader = owners[0];
    }

    /// <summary>Every bargain must have as many helpers as were told that they helped.</summary>
    public async Task Audit(Func<int, int> accepted, Findings findings, CancellationToken stop)
    {
        var person = new Person("reader") { Token = reader };
        await Parallel.ForEachAsync(Enumerable.Range(0, Bargains.Count), new ParallelOptions { MaxDegreeOfParallelism = ReadersAtOnce, CancellationToken = stop }, async (bargain, _) =>
        {
            var view = (await server.Client.Get($"/v1/bargains/{Bargains[bargain]}", person)).Body;
            var (slots, cuts) = (view.GetProperty("slots").GetInt32() - view.GetProperty("slotsLeft").GetInt32(), view.GetProperty("helpers").EnumerateArray().Sum(h => h.GetProperty("cutFen").GetInt64()));
            if (slots != accepted(bargain)) findings.Add(Wrong.Lost, $"{accepted(bargain)} helped in bargain {Bargains[bargain]}, which knows of {slots}.");
            if (view.GetProperty("listPriceFen").GetInt64() - view.GetProperty("priceFen").GetInt64() != cuts) findings.Add(Wrong.Other, $"The cuts of bargain {Bargains[bargain]} do not add up to its price.");
        });
    }

    /// <summary>A campaign that runs, with a SKU of its own.</summary>
    public async Task<string> Publish(string kind, int quota, object rules)
    {
        var product = Require(await server.Client.Post("/merchant/v1/products", new { title = $"Storm cake, {kind}", type = "handmade", skus = new[] { new { name = "box", listPriceFen = ListPriceFen, stock = quota } } }));
        var now = (await server.Client.Get("/sandbox/clock")).Body.GetProperty("now").GetDateTimeOffset();
        var draft = Require(await server.Client.Post("/merchant/v1/campaigns", new { kind, title = $"Storm, {kind}", startsAt = now, endsAt = now.AddDays(9), sku = product.Body.GetProperty("skus")[0].GetProperty("id").GetString(), rules }));
        var campaign = draft.Body.GetProperty("id").GetString()!;
        Require(await server.Client.Post($"/merchant/v1/campaigns/{campaign}/publications", null));
        return campaign;
    }

    private List<string> SignIn(string name, int people, CancellationToken stop) =>
        Play([.. Enumerable.Range(0, people).Select(i => Post("/v1/sessions", null, $$"""{"shopId":"demo","code":"dev:{{name}}{{i}}"}"""))], "token", stop);

    private List<string> Play(List<byte[]> requests, string field, CancellationToken stop)
    {
        var heard = new Opening(server.EndPoint, requests, Connections).Play(TimeSpan.Zero, stop);
        foreach (var refused in heard.Where(h => h.Status != 201).Take(1)) throw new InvalidOperationException($"The shop could not be prepared: {refused.Status} {refused.Body}");
        return [.. heard.Select(h => h.Body.GetProperty(field).GetString()!)];
    }

    private byte[] Post(string path, string? token, string body) => Encoding.ASCII.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: {server.Address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n{(token is null ? "" : $"Authorization: Bearer {token}\r\n")}\r\n{body}");

    private static Reply Require(Reply reply) => reply.IsSuccess ? reply : throw new InvalidOperationException($"The shop could not be prepared: {reply.Status} {reply.Body}");
}
