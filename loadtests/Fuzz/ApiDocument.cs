using System.Text.Json.Nodes;

namespace Campaigns.LoadTests.Fuzz;

/// <summary>One method of one path, as the document describes it.</summary>
/// <param name="Path">with its parameters, such as <c>/v1/orders/{id}</c></param>
/// <param name="Credentials"><c>shopper</c>, <c>merchant</c> or null for nobody</param>
/// <param name="Query">the names of its query parameters</param>
/// <param name="TakesKey">whether it takes an <c>Idempotency-Key</c></param>
/// <param name="Body">the schema of its body, null if it takes none</param>
/// <param name="Answers">the statuses of its successes</param>
/// <param name="TakesCsv">its body is a file of shipments</param>
internal sealed record Operation(string Method, string Path, string? Credentials, IReadOnlyList<string> Query, bool TakesKey, JsonObject? Body, IReadOnlySet<int> Answers, bool IsOps = false, bool TakesCsv = false)
{
    public string Name => $"{Method} {Path}{(IsOps ? " (operations port)" : "")}";
}

/// <summary>The product's OpenAPI document, read as a list of operations, and what it does not describe: the operations port and what only machines call.</summary>
internal sealed class ApiDocument
{
    private static readonly IReadOnlySet<int> Ok = new HashSet<int> { 200 };

    private readonly JsonObject schemas;

    public ApiDocument(JsonNode document)
    {
        schemas = document["components"]!["schemas"]!.AsObject();
        var shopBody = Resolve(new JsonObject { ["$ref"] = "#/components/schemas/ShopBody" });
        Operations =
        [
            .. document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => Read(operation.Key.ToUpperInvariant(), path.Key, operation.Value!))),
            new("GET", "/openapi/v1.json", null, [], false, null, Ok),
            new("GET", "/sandbox/wechat/sns/jscode2session", null, ["appid", "secret", "js_code", "grant_type"], false, null, Ok),
            new("GET", "/health/ready", null, [], false, null, Ok, IsOps: true),
            new("GET", "/metrics", null, [], false, null, Ok, IsOps: true),
            new("GET", "/ops/status", null, [], false, null, Ok, IsOps: true),
            new("POST", "/ops/shops", null, [], false, shopBody, new HashSet<int> { 201 }, IsOps: true),
        ];
    }

    public IReadOnlyList<Operation> Operations { get; }

    /// <summary>The schema itself, where another one is only named.</summary>
    public JsonObject Resolve(JsonObject schema) => schema["$ref"] is { } reference ? schemas[NameOf(reference)]!.AsObject() : schema;

    public static string? ReferenceOf(JsonObject schema) => schema["$ref"] is { } reference ? NameOf(reference) : null;

    private static string NameOf(JsonNode reference) => reference.GetValue<string>().Split('/')[^1];

    private static Operation Read(string method, string path, JsonNode operation)
    {
        var parameters = operation["parameters"]?.AsArray().Select(p => (In: p!["in"]!.GetValue<string>(), Name: p["name"]!.GetValue<string>())).ToList() ?? [];
        return new(
            method,
            path,
            operation["security"]?[0]?.AsObject().Single().Key,
            [.. parameters.Where(p => p.In == "query").Select(p => p.Name)],
            parameters.Any(p => p.In == "header"),
            operation["requestBody"]?["content"]?["application/json"]?["schema"]?.AsObject(),
            operation["responses"]!.AsObject().Select(r => int.TryParse(r.Key, out var status) ? status : 0).ToHashSet(),
            TakesCsv: operation["requestBody"]?["content"]?["text/csv"] is not null);
    }
}
