using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Campaigns.LoadTests.Fuzz;

/// <param name="Seed">chooses every request</param>
/// <param name="Requests">how many are sent at most</param>
/// <param name="Limit">the run takes no longer, the last story apart</param>
/// <param name="Only">if not null, only the shop of this request is played, up to this request</param>
internal sealed record FuzzOptions(int Seed, int Requests, TimeSpan Limit, int? Only = null)
{
    /// <summary>A fresh pair of shops after so many requests: what one did cannot make the rest of the run unreachable.</summary>
    public int RequestsPerShop { get; init; } = 1_000;

    /// <summary>Part of the shops' names, so that a server can be fuzzed twice with one seed.</summary>
    public string Run { get; init; } = "fuzz";
}

/// <summary>
/// Sends valid and hostile requests to a running server, one at a time, and checks every answer. One at a time, because only then is it
/// certain who has written: a refused request must record nothing.
/// </summary>
internal sealed class FuzzRun : IDisposable
{
    private const int FindingsMax = 20;
    private const int MutationsMax = 3;
    private static readonly TimeSpan QuietMax = TimeSpan.FromSeconds(5);

    private readonly FuzzOptions options;
    private readonly Uri server;
    private readonly Uri ops;
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8, UseCookies = false }) { Timeout = TimeSpan.FromSeconds(30) };
    private readonly Dictionary<string, Reached> reached = new(StringComparer.Ordinal);
    private readonly List<string> findings = [];
    private readonly List<string> unexplained = [];
    private double slowest;

    private FuzzRun(FuzzOptions options, Uri server, Uri ops) => (this.options, this.server, this.ops) = (options, server, ops);

    /// <param name="server">where shoppers and merchants are served; its sandbox makes the shops</param>
    /// <param name="ops">the operations port, which tells how many facts were recorded</param>
    /// <param name="sent">called after each request with their number</param>
    public static async Task<FuzzReport> Play(FuzzOptions options, Uri server, Uri ops, Action<int> sent, CancellationToken cancellation)
    {
        using var run = new FuzzRun(options, server, ops);
        return await run.Play(sent, cancellation);
    }

    public void Dispose() => http.Dispose();

    private async Task<FuzzReport> Play(Action<int> sent, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var document = new ApiDocument((await http.GetFromJsonAsync<JsonNode>(new Uri(server, "/openapi/v1.json"), cancellation))!);
        foreach (var operation in document.Operations) reached[operation.Name] = new();
        var before = await ResidentBytes();
        var number = options.Only is { } only ? only - (only % options.RequestsPerShop) : 0;
        var first = number;
        Cast? cast = null;
        long facts = 0;
        for (; number < (options.Only + 1 ?? options.Requests) && watch.Elapsed < options.Limit && findings.Count < FindingsMax && !cancellation.IsCancellationRequested; number++)
        {
            if (cast is null || number % options.RequestsPerShop == 0)
            {
                cast = await Cast.Open(http, server, $"{options.Run}-{options.Seed}-{number / options.RequestsPerShop}");
                facts = await FactsWhenQuiet();
            }

            var request = Make(document, cast, number);
            sent(number - first + 1);
            if (await Send(request) is not { } answer) continue;
            Count(request, answer);
            if (Oracle.WrongWith(request, answer) is { } wrong) Find(request, answer, wrong);
            var now = await FactsWhenQuiet();
            if (answer.IsSuccess) await Follow(request, answer, cast);
            else if (now != facts) await Explain(request, answer, now - facts);
            facts = answer.IsSuccess || now != facts ? await FactsWhenQuiet() : now;
        }

        await CheckAlive();
        return new(options.Seed, number - first, findings, unexplained, reached, before, await ResidentBytes(), slowest, watch.Elapsed);
    }

    private FuzzRequest Make(ApiDocument document, Cast cast, int number)
    {
        // Hashed, because generators of neighbouring seeds begin alike.
        var chance = new Random(BitConverter.ToInt32(SHA256.HashData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{options.Seed}/{number}")))));
        var valid = new ValidRequests(document, cast, "fuzz", chance);
        var draft = valid.Make(valid.Pick(document.Operations), number);
        if (chance.Next(4) == 0) return draft.Finish(number);

        var mutations = new Mutations(cast, chance);
        for (var i = chance.Next(MutationsMax); i >= 0; i--) mutations.Apply(draft);
        return draft.Finish(number);
    }

    /// <returns>null if no HTTP client sends such a request</returns>
    private async Task<Answer?> Send(FuzzRequest request)
    {
        // A connection that the server closes after an oversize body can take the next request with it: only twice is a finding.
        return await Try(request) is { Status: not 0 } answer ? answer : await Try(request);
    }

    private async Task<Answer?> Try(FuzzRequest request)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            using var message = request.ToMessage(request.Operation.IsOps ? ops : server);
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
            var media = response.Content.Headers.ContentType?.MediaType;
            var content = media == "text/event-stream" ? await FirstBytes(response) : await response.Content.ReadAsStringAsync();
            return new((int)response.StatusCode, media, Header("X-Request-Id"), Header("Retry-After"), content, watch.Elapsed);

            string? Header(string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
        }
        catch (Exception lost) when (lost is HttpRequestException or IOException or OperationCanceledException)
        {
            return new(0, null, null, null, $"{lost.Message} {lost.InnerException?.Message}", watch.Elapsed);
        }
        catch (Exception unsendable) when (unsendable is UriFormatException or FormatException or ArgumentException or InvalidOperationException or NotSupportedException)
        {
            return null;
        }
    }

    private static async Task<string> FirstBytes(HttpResponseMessage response)
    {
        await using var stream = await response.Content.ReadAsStreamAsync();
        var bytes = new byte[4_096];
        var read = await stream.ReadAsync(bytes);
        return Encoding.UTF8.GetString(bytes, 0, read);
    }

    private void Count(FuzzRequest request, Answer answer)
    {
        // Another method is another operation: it says nothing about this one.
        if (request.Method != request.Operation.Method) return;
        var statuses = reached[request.Operation.Name].Statuses;
        statuses[answer.Status] = statuses.GetValueOrDefault(answer.Status) + 1;
        slowest = Math.Max(slowest, answer.Took.TotalMilliseconds);
    }

    private void Find(FuzzRequest request, Answer answer, string wrong)
    {
        var content = answer.Content.Length > 400 ? $"{answer.Content[..400]}…" : answer.Content;
        findings.Add(string.Create(CultureInfo.InvariantCulture, $"""
            {wrong}: {request.Method} {request.Operation.Path} was answered {answer.Status} {content}
              changed: {(request.Mutations.Count == 0 ? "nothing" : string.Join("; ", request.Mutations))}
              {request.ToCurl(request.Operation.IsOps ? ops : server)}
              again: fuzz --seed {options.Seed} --only {request.Number}
            """));
    }

    // A deadline may have fired in the same moment; what the request itself writes, it writes each time.
    private async Task Explain(FuzzRequest request, Answer answer, long more)
    {
        for (var again = 0; again < 3; again++)
        {
            var before = await FactsWhenQuiet();
            await Send(request);
            if (await FactsWhenQuiet() != before) continue;
            unexplained.Add(string.Create(CultureInfo.InvariantCulture, $"{more} facts at {answer.Status} {answer.Code} of {request.ToCurl(request.Operation.IsOps ? ops : server)} (--only {request.Number})"));
            return;
        }

        Find(request, answer, "a refused request wrote");
    }

    // Later requests are about what earlier ones made. Only ids that a replay makes again are kept: those that come from the key.
    private async Task Follow(FuzzRequest request, Answer answer, Cast cast)
    {
        if (request.Operation.Path.StartsWith("/sandbox/", StringComparison.Ordinal)) await PutBack(request, cast);
        if (request.Mutations.Count > 0 || !request.Operation.TakesKey || Answer.TryParse(answer.Content) is not JsonObject made) return;
        var owner = cast.People.FirstOrDefault(p => request.Headers.Any(h => h.Value == $"Bearer {p.Token}"));
        var kind = request.Operation.Path.Split('/')[^1];
        if (kind is "bargains" or "orders" or "campaigns" or "products") cast.Add(kind, made["id"]!.GetValue<string>(), owner);
        if (kind == "payments") cast.Add(kind, made["paymentId"]!.GetValue<string>());
        if (kind == "products") cast.Add("skus", made["skus"]![0]!["id"]!.GetValue<string>());
    }

    // The levers of the sandbox are for everybody: a fault that stays planned would be found as one of the product.
    private async Task PutBack(FuzzRequest request, Cast cast)
    {
        if (request.Operation.Path.EndsWith("/clock", StringComparison.Ordinal)) await cast.SignInAgain();
        if (!request.Operation.Path.EndsWith("-faults", StringComparison.Ordinal)) return;
        using var none = await http.PostAsJsonAsync(new Uri(server, request.Operation.Path), new { failures = 0 });
    }

    private async Task CheckAlive()
    {
        using var ready = await http.GetAsync(new Uri(server, "/health/ready"));
        if (!ready.IsSuccessStatusCode) findings.Add($"/health/ready answers {(int)ready.StatusCode} after the run.");
        if (await (await Cast.Open(http, server, $"{options.Run}-{options.Seed}-end")).Story() is { } wrong) findings.Add($"A bargain from launch to payment does not work after the run: {wrong}");
    }

    /// <summary>How many facts were ever recorded, once no message is on its way any more: seen twice, for between two messages it looks quiet too.</summary>
    private async Task<long> FactsWhenQuiet()
    {
        long seen = -1;
        for (var watch = Stopwatch.StartNew(); ;)
        {
            var status = (await http.GetFromJsonAsync<JsonNode>(new Uri(ops, "/ops/status")))!;
            var facts = status["eventsRecorded"]!.GetValue<long>();
            var isQuiet = status["queuedCommands"]!.GetValue<long>() == 0 && status["messagesInFlight"]!.GetValue<long>() == 0;
            if ((isQuiet && facts == seen) || watch.Elapsed > QuietMax) return facts;
            seen = isQuiet ? facts : -1;
        }
    }

    private async Task<long> ResidentBytes()
    {
        const string name = "process_resident_memory_bytes ";
        var metrics = await http.GetStringAsync(new Uri(ops, "/metrics"));
        return long.Parse(metrics.Split('\n').Single(l => l.StartsWith(name, StringComparison.Ordinal))[name.Length..], CultureInfo.InvariantCulture);
    }
}
