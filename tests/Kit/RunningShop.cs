using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Campaigns.LoadTests.Crash;

namespace Campaigns.Tests.Kit;

/// <summary>The demo shop in the real program, as a child process, with shoppers who start bargains and remember what was acknowledged.</summary>
internal sealed class RunningShop : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string Campaign = Campaigns.ApiFrontend.DemoShopSetup.Campaign.ToString();

    private readonly HttpClient http = new() { Timeout = Patience };
    private readonly CancellationTokenSource limit = new(2 * Patience);
    private readonly List<string> tokens = [];
    private readonly ConcurrentBag<string> unanswered = [];

    public RunningShop(string data) => Server = new(ServerProcess.FindProgram(), data, http);

    public ServerProcess Server { get; }

    /// <summary>Bargains that were answered 201, and whose they are.</summary>
    public ConcurrentDictionary<string, string> Acknowledged { get; } = new(StringComparer.Ordinal);

    public async Task Open(params string[] under)
    {
        Server.Start(under);
        await Server.WhenReady(limit.Token);
    }

    public async Task<int> Ended() => await Server.WhenEnded(limit.Token);

    public async Task SignIn(int people)
    {
        for (var i = tokens.Count; i < people; i++)
        {
            using var response = await http.PostAsJsonAsync(new Uri(Server.Address, "/v1/sessions"), new { shopId = "demo", code = $"dev:disk{i}" }, limit.Token);
            tokens.Add((await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonObject>(limit.Token))!["token"]!.GetValue<string>());
        }
    }

    /// <summary>Everybody starts bargains until the server gives no answer, or says that it cannot.</summary>
    /// <returns>the last status each of them saw, 0 for none</returns>
    public Task<int[]> LaunchUntilItEnds(int launchesMax = 90) => Task.WhenAll(tokens.Select(async token =>
    {
        for (var i = 0; i < launchesMax; i++)
            if (await Launch(token) is var status and not 201) return status;
        return 201;
    }));

    /// <summary>What was acknowledged is there, and another bargain can be started.</summary>
    public async Task Serves()
    {
        foreach (var (bargain, token) in Acknowledged)
        {
            var (status, body) = await Get($"/v1/bargains/{bargain}", token);
            Assert.True(status == 200 && body["state"]!.GetValue<string>() == "Running", $"{bargain} was acknowledged and is answered {status} {body}");
        }

        Assert.Equal(201, await Launch(tokens[0]));
    }

    /// <summary>The lists show what was acknowledged, sooner or later, and nothing that nobody asked for.</summary>
    public async Task Lists()
    {
        foreach (var token in tokens)
        {
            // What had no answer may have been decided, and goes on after a restart.
            var expected = Acknowledged.Where(a => a.Value == token).Select(a => a.Key).ToHashSet(StringComparer.Ordinal);
            var most = expected.Count + unanswered.Count(t => t == token);
            for (HashSet<string> listed; !(listed = await Ids(token)).IsSupersetOf(expected); limit.Token.ThrowIfCancellationRequested())
                Assert.True(listed.Count <= most, $"{listed.Count} bargains are listed, {expected.Count} were acknowledged and at most {most} decided.");
        }
    }

    public async Task<string> Health() => (await Get("/health/ready", tokens[0])).Body.ToString();

    public async Task<int> Launch(string token)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Server.Address, "/v1/bargains")) { Content = JsonContent.Create(new { campaignId = Campaign }) };
            request.Headers.Authorization = new("Bearer", token);
            using var response = await http.SendAsync(request, limit.Token);
            if ((int)response.StatusCode == 201) Acknowledged.TryAdd((await response.Content.ReadFromJsonAsync<JsonObject>(limit.Token))!["id"]!.GetValue<string>(), token);
            if ((int)response.StatusCode >= 500) unanswered.Add(token);
            return (int)response.StatusCode;
        }
        catch (Exception gone) when (gone is HttpRequestException or IOException)
        {
            unanswered.Add(token);
            return 0;
        }
    }

    /// <summary>The start of a bargain as bytes, for who sends it slowly.</summary>
    public (string Head, string Body) LaunchInParts(int person)
    {
        var body = $$"""{"campaignId":"{{Campaign}}"}""";
        return ($"POST /v1/bargains HTTP/1.1\r\nHost: {Server.Address.Authority}\r\nAuthorization: Bearer {tokens[person]}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nExpect: 100-continue\r\n\r\n", body);
    }

    public string TokenOf(int person) => tokens[person];

    public void Dispose()
    {
        Server.Dispose();
        http.Dispose();
        limit.Dispose();
    }

    private async Task<HashSet<string>> Ids(string token)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var path = "/v1/bargains?limit=100"; ;)
        {
            var (status, body) = await Get(path, token);
            Assert.Equal(200, status);
            ids.UnionWith(body["items"]!.AsArray().Select(i => i!["id"]!.GetValue<string>()));
            if (body["nextCursor"] is not { } next) return ids;
            path = $"/v1/bargains?limit=100&cursor={next}";
        }
    }

    private async Task<(int Status, JsonNode Body)> Get(string path, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Server.Address, path));
        request.Headers.Authorization = new("Bearer", token);
        using var response = await http.SendAsync(request, limit.Token);
        return ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>(limit.Token))!);
    }
}
