using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Campaigns.ApiFrontend.Edge;

namespace Campaigns.ApiFrontend.Cli;

/// <param name="Code">the refusal's code, empty for a success</param>
internal sealed record DemoAnswer(int Status, JsonElement Body, string Code)
{
    public bool IsSuccess => Status is >= 200 and < 300;

    public string Text(string field) => Body.GetProperty(field).GetString()!;

    public long Number(string field) => Body.GetProperty(field).GetInt64();
}

/// <summary>Somebody with a phone.</summary>
internal sealed class DemoPerson(string name)
{
    public string Name { get; } = name;

    public string? Token { get; set; }
}

/// <summary>The HTTP side of the demo evening: signs in whoever needs it, counts refusals and times every answer.</summary>
internal sealed class DemoClient(Uri server, string shop, CancellationToken cancellation) : IDisposable
{
    private readonly HttpClient http = new() { BaseAddress = server, Timeout = TimeSpan.FromSeconds(30) };

    public string MerchantKey { get; set; } = "";

    public SortedDictionary<string, int> Refusals { get; } = new(StringComparer.Ordinal);

    public int Answers { get; private set; }

    public (TimeSpan Took, string Request) Slowest { get; private set; }

    public Task<DemoAnswer> Merchant(HttpMethod method, string path, object? body = null) => Send(method, path, body, r => r.Headers.Add("X-Api-Key", MerchantKey));

    public Task<DemoAnswer> Sandbox(HttpMethod method, string path, object? body = null) => Send(method, path, body, _ => { });

    public async Task<DemoAnswer> As(DemoPerson who, HttpMethod method, string path, object? body = null)
    {
        if (who.Token is not null)
        {
            var answer = await WithToken();
            if (answer.Status != 401) return answer;
        }

        // The first time, and when a token ran out in the course of the evening.
        var session = Require(await Send(HttpMethod.Post, "/v1/sessions", new { shopId = shop, code = $"dev:{who.Name}" }, _ => { }));
        who.Token = session.Text("token");
        return await WithToken();

        Task<DemoAnswer> WithToken() => Send(method, path, body, r => r.Headers.Authorization = new("Bearer", who.Token));
    }

    public static DemoAnswer Require(DemoAnswer answer) =>
        answer.IsSuccess ? answer : throw new InvalidOperationException($"The server answered {answer.Status} {answer.Code}: {answer.Body}");

    public void Dispose() => http.Dispose();

    private async Task<DemoAnswer> Send(HttpMethod method, string path, object? body, Action<HttpRequestMessage> credentials)
    {
        using var request = new HttpRequestMessage(method, path);
        if (method != HttpMethod.Get) request.Content = new StringContent(JsonSerializer.Serialize(body ?? new { }, Api.Json), Encoding.UTF8, "application/json");
        credentials(request);
        var start = Stopwatch.GetTimestamp();
        using var response = await http.SendAsync(request, cancellation);
        var bytes = await response.Content.ReadAsByteArrayAsync(cancellation);
        var took = Stopwatch.GetElapsedTime(start);
        Answers++;

        // Moving the clock decides everything that fell due before it answers: that is work, not waiting.
        if (took > Slowest.Took && path != "/sandbox/clock") Slowest = (took, $"{method} {path.Split('?')[0]}");
        var json = bytes.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(bytes);
        var code = response.IsSuccessStatusCode || json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("code", out var c) ? "" : c.GetString()!;
        if (code.Length > 0 && code != "Unauthenticated") Refusals[code] = Refusals.GetValueOrDefault(code) + 1;
        return new((int)response.StatusCode, json, code);
    }
}
