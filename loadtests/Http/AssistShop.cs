using System.Text;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Flash;

namespace Campaigns.LoadTests.Http;

/// <summary>The demo shop of a real server with the bargains and the helpers that a plan needs, made over its API.</summary>
internal sealed class AssistShop(RealServer server)
{
    private const int BargainMinutes = 1_440;
    private const int Connections = 64;
    private const int ReadersAtOnce = 16;

    private string reader = "";

    public IReadOnlyList<string> Bargains { get; private set; } = [];

    /// <summary>Of the helpers.</summary>
    public IReadOnlyList<string> Tokens { get; private set; } = [];

    /// <exception cref="InvalidOperationException">the server refused a part of it</exception>
    public async Task Open(AssistPlan plan, CancellationToken stop)
    {
        var campaign = await new Merchant(server.Client).OpenBargains("Storm", AssistPlan.Slots, BargainMinutes, plan.Bargains, AssistPlan.AssistsPerDay);

        // Names that no earlier run has used on a server that was here before.
        var run = Guid.NewGuid().ToString("N")[..8];
        var owners = SignIn($"{run}-owner", (plan.Bargains / Merchant.LaunchesPerOwner) + 1, stop);
        Tokens = SignIn($"{run}-helper", plan.Helpers, stop);
        var launch = $$"""{"campaignId":"{{campaign}}"}""";
        Bargains = Play([.. Enumerable.Range(0, plan.Bargains).Select(i => Post("/v1/bargains", owners[i / Merchant.LaunchesPerOwner], launch))], "id", stop);
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
}
