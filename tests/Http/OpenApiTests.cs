using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class OpenApiTests(LiveShop shop) : IClassFixture<LiveShop>
{
    private const string Update = "UPDATE_OPENAPI";

    private static readonly string[] Tags = ["Session", "Campaign", "Bargain", "GroupBuy", "FlashSale", "Order", "Catalogue", "Commission", "Withdrawal", "Callback", "Health", "Sandbox"];
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_served_document_is_the_one_checked_in()
    {
        var served = (await shop.Nobody.Get("/openapi/v1.json")).Expect(200).Body.ToJsonString(Readable).ReplaceLineEndings("\n") + "\n";
        var file = Path.Combine(Repository.Root, "docs", "openapi.json");
        if (Environment.GetEnvironmentVariable(Update) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, served);
        }

        var kept = File.Exists(file) ? await File.ReadAllTextAsync(file) : "";
        Assert.True(served == kept, $"The interface differs from docs/openapi.json, first at: {FirstDifference(kept, served)}\nIf clients can live with that, run {Update}=1 ./test OpenApi and commit the file.");
    }

    [Fact]
    public async Task Every_operation_has_a_known_tag_a_summary_and_says_how_it_is_refused()
    {
        var operations = await Operations();
        Assert.True(operations.Count > 40, $"Only {operations.Count} operations.");
        foreach (var (name, operation) in operations)
        {
            Assert.True(operation["tags"]?.AsArray() is [{ } tag] && Tags.Contains(tag.GetValue<string>()), $"{name} has no known tag.");
            Assert.False(string.IsNullOrWhiteSpace(operation["summary"]?.GetValue<string>()), $"{name} has no summary.");
            Assert.NotNull(operation["responses"]!["default"]?["content"]?["application/problem+json"]?["schema"]);
            Assert.Contains(operation["responses"]!.AsObject(), r => r.Key.StartsWith('2'));
        }
    }

    [Fact]
    public async Task What_needs_credentials_says_which()
    {
        foreach (var (name, operation) in await Operations())
        {
            var scheme = operation["security"]?[0]?.AsObject().Single().Key;
            var expected = name.Contains("/merchant/", StringComparison.Ordinal) ? "merchant" : name.Contains(" /v1/", StringComparison.Ordinal) && !name.EndsWith("/v1/sessions", StringComparison.Ordinal) ? "shopper" : null;
            Assert.True(scheme == expected, $"{name} says {scheme ?? "nobody"}.");
        }
    }

    [Fact]
    public async Task Every_field_has_a_type()
    {
        var document = (await shop.Nobody.Get("/openapi/v1.json")).Body;
        var untyped = from schema in document["components"]!["schemas"]!.AsObject()
                      from field in schema.Value!["properties"]?.AsObject() ?? []
                      where field.Value is JsonObject { Count: 0 } && schema.Key != "CampaignDraft" // its rules depend on the kind
                      select $"{schema.Key}.{field.Key}";
        Assert.Empty(untyped);
    }

    [Fact]
    public async Task A_field_that_may_be_left_out_is_not_required()
    {
        var bargain = (await shop.Nobody.Get("/openapi/v1.json")).Body["components"]!["schemas"]!["BargainView"]!;
        var required = bargain["required"]!.AsArray().Select(f => f!.GetValue<string>()).ToList();
        Assert.Contains("priceFen", required);
        Assert.DoesNotContain("payBefore", required);
        Assert.DoesNotContain("orderId", required);
    }

    private static string FirstDifference(string kept, string served)
    {
        var pairs = kept.Split('\n').Zip(served.Split('\n'));
        return pairs.FirstOrDefault(p => p.First != p.Second) is { First: { } before, Second: { } now } ? $"'{before.Trim()}' is now '{now.Trim()}'" : "its length";
    }

    private async Task<List<(string Name, JsonNode Operation)>> Operations()
    {
        var paths = (await shop.Nobody.Get("/openapi/v1.json")).Expect(200).Body["paths"]!.AsObject();
        return [.. from path in paths from operation in path.Value!.AsObject() select ($"{operation.Key.ToUpperInvariant()} {path.Key}", operation.Value!)];
    }
}
