using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Campaigns.LoadTests.Crash;

/// <summary>A shopper of the harness, and the token of the last sign-in.</summary>
internal sealed class Person(string name)
{
    public string Name { get; } = name;

    public string Id { get; set; } = "";

    public string? Token { get; set; }
}

/// <param name="Code">the refusal's code, empty for a success</param>
internal sealed record Reply(int Status, JsonElement Body, string Code)
{
    public bool IsSuccess => Status is >= 200 and < 300;

    public T As<T>() => Body.Deserialize<T>(ShopClient.Json)!;
}

/// <summary>
/// Talks to the server as a patient client does: a request without an answer is sent again, with the same <c>Idempotency-Key</c>, until it
/// is answered, however often the server dies in between.
/// </summary>
internal sealed class ShopClient(HttpClient http, Func<Uri> address, Findings findings, CancellationToken stop)
{
    public const string MerchantKey = "demo-merchant-key";

    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    // What a client may wait for a server that neither answers nor dies; beyond it a request counts as stuck.
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(30);

    private long unanswered;
    private long busy;

    /// <summary>Requests whose answer was lost with the connection.</summary>
    public long Unanswered => Interlocked.Read(ref unanswered);

    /// <summary>Answers 503: the server could not do it right then.</summary>
    public long Busy => Interlocked.Read(ref busy);

    public Task<Reply> Get(string path, Person? who = null) => Send(HttpMethod.Get, path, null, who, null);

    public Task<Reply> Post(string path, object? body, Person? who = null, string? key = null) => Send(HttpMethod.Post, path, body ?? new { }, who, key);

    public Task<Reply> Put(string path, object body) => Send(HttpMethod.Put, path, body, null, null);

    /// <summary>The ids of everything in somebody's list, page by page.</summary>
    public async Task<HashSet<string>> Ids(string path, Person owner)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (string? cursor = null; ;)
        {
            var page = (await Get($"{path}?limit=100{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}", owner)).Body;
            foreach (var item in page.GetProperty("items").EnumerateArray()) ids.Add(item.GetProperty("id").GetString()!);
            cursor = page.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
            if (cursor is null) return ids;
        }
    }

    public async Task SignIn(Person who)
    {
        var session = await Post("/v1/sessions", new { shopId = "demo", code = $"dev:{who.Name}" });
        if (!session.IsSuccess) throw new InvalidOperationException($"{who.Name} could not sign in: {session.Status} {session.Code}.");
        var id = session.Body.GetProperty("shopperId").GetString()!;
        if (who.Id.Length > 0 && who.Id != id) findings.Add(Wrong.Lost, $"{who.Name} was shopper {who.Id} and is now {id}.");
        who.Id = id;
        who.Token = session.Body.GetProperty("token").GetString();
    }

    private async Task<Reply> Send(HttpMethod method, string path, object? body, Person? who, string? key)
    {
        for (var cutOff = 0; ;)
        {
            stop.ThrowIfCancellationRequested();
            var token = who?.Token;
            var reply = await Try(method, path, body, token, key);
            if (reply is { Status: 401 } && who is not null)
            {
                // The token ran out when the clock was moved.
                if (who.Token == token) await SignIn(who);
                continue;
            }

            if (reply is null && cutOff++ == 0) Interlocked.Increment(ref unanswered);
            if (reply is { Status: 503 }) Interlocked.Increment(ref busy);
            if (reply is { Status: >= 500 and not 503 }) findings.Add(Wrong.Other, $"{method} {path} was answered {reply.Status} {reply.Code}.");
            if (reply is not (null or { Status: 503 } or { Code: "RateLimited" or "QueueFull" })) return reply;
            await Task.Delay(Pause, stop);
        }
    }

    private async Task<Reply?> Try(HttpMethod method, string path, object? body, string? token, string? key)
    {
        using var request = new HttpRequestMessage(method, new Uri(address(), path));
        if (body is not null) request.Content = JsonContent.Create(body, options: Json);
        if (token is not null) request.Headers.Authorization = new("Bearer", token);
        if (path.StartsWith("/merchant/", StringComparison.Ordinal)) request.Headers.Add("X-Api-Key", MerchantKey);
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(AnswerMax);
        try
        {
            using var response = await http.SendAsync(request, limit.Token);
            var bytes = await response.Content.ReadAsByteArrayAsync(limit.Token);
            var json = bytes.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(bytes);
            var code = response.IsSuccessStatusCode || json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("code", out var c) ? "" : c.GetString()!;
            return new((int)response.StatusCode, json, code);
        }
        catch (Exception lost) when (lost is HttpRequestException or IOException or JsonException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            findings.Add(Wrong.Other, $"{method} {path} had no answer for {AnswerMax.TotalSeconds} s.");
            return null;
        }
    }
}
