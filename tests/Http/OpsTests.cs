using System.Globalization;
using System.Text.RegularExpressions;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed partial class OpsTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task Health_is_on_both_ports()
    {
        foreach (var path in (string[])["/health/live", "/health/ready"])
        {
            (await shop.Nobody.Get(path)).Expect(200);
            (await shop.Ops(HttpMethod.Get, path)).Expect(200);
        }

        Assert.Equal("ready", (await shop.Nobody.Get("/health/ready")).Text("status"));
    }

    [Fact]
    public async Task What_is_for_operators_is_not_on_the_public_port_and_the_reverse()
    {
        foreach (var path in (string[])["/metrics", "/ops/status", "/ops/limbo"])
        {
            (await shop.Ops(HttpMethod.Get, path)).Expect(200);
            (await shop.Nobody.Get(path)).Refused(404, "NotFound");
            (await shop.Nobody.With("Host", $"127.0.0.1:{shop.Host.OpsAddress.Port}").Get(path)).Refused(404, "NotFound");
        }

        (await shop.Nobody.Post("/ops/shops", new { shopId = "mine" })).Refused(404, "NotFound");
        foreach (var path in (string[])["/v1/me", "/merchant/v1/settings", "/sandbox/clock", "/openapi/v1.json"]) (await shop.Ops(HttpMethod.Get, path)).Refused(404, "NotFound");
    }

    [Fact]
    public async Task The_operations_port_refuses_with_problems_too()
    {
        (await shop.Ops(HttpMethod.Delete, "/metrics")).Refused(405, "MethodNotAllowed");
        (await shop.Ops(HttpMethod.Post, "/ops/shops", "{")).Refused(400, "Malformed");
        Assert.Matches("^[0-9a-f]{32}$", (await shop.Ops(HttpMethod.Post, "/ops/shops", """{"shopId":"No!"}""")).Refused(422, "Invalid").Header("X-Request-Id"));
    }

    [Fact]
    public async Task An_operator_opens_a_shop()
    {
        var made = (await shop.Ops(HttpMethod.Post, "/ops/shops", """{"shopId":"opened-by-ops"}""")).Expect(201);
        (await new Merchant(shop, made.Text("shopId"), made.Text("merchantKey")).Get("/merchant/v1/settings")).Expect(200);
    }

    [Fact]
    public async Task Metrics_are_Prometheus_text()
    {
        var amei = await shop.SignIn();
        await amei.Get("/v1/bargains/00000000000000000000000000000000");
        await shop.Nobody.Send(new HttpMethod("INVENTED"), "/nowhere");
        await amei.Send(HttpMethod.Post, "/v1/bargains", "{");
        var metrics = (await shop.Ops(HttpMethod.Get, "/metrics")).Expect(200);
        Assert.Equal("text/plain", metrics.MediaType);

        var types = new Dictionary<string, string>(StringComparer.Ordinal);
        var series = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in metrics.Content.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal)) continue;
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var parts = line.Split(' ');
                Assert.Contains(parts[3], (string[])["counter", "gauge", "histogram"]);
                Assert.True(types.TryAdd(parts[2], parts[3]), $"{parts[2]} is declared twice.");
                continue;
            }

            var sample = Sample().Match(line);
            Assert.True(sample.Success, line);
            Assert.True(series.Add(sample.Groups["name"].Value + sample.Groups["labels"].Value), $"Twice: {line}");
            var family = Regex.Replace(sample.Groups["name"].Value, "_(bucket|sum|count)$", "", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
            Assert.True(types.ContainsKey(sample.Groups["name"].Value) || types.GetValueOrDefault(family) == "histogram", $"Undeclared: {line}");
            Assert.True(double.TryParse(sample.Groups["value"].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out _), line);
            Assert.DoesNotContain(amei.Id, line, StringComparison.Ordinal);
            Assert.DoesNotContain("INVENTED", line, StringComparison.Ordinal);
        }

        Assert.Contains("campaigns_refusals_total{code=\"NotFound\"}", series);
        Assert.Contains(series, s => s.StartsWith("campaigns_http_request_duration_seconds_count{", StringComparison.Ordinal) && s.Contains("route=\"/v1/bargains/\",status=\"400\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_status_is_in_numbers()
    {
        var status = (await shop.Ops(HttpMethod.Get, "/ops/status")).Expect(200);
        Assert.True(status.Number("journalPosition") > 0);
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<labels>\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*",?)+\})? (?<value>\S+)$""", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Sample();
}
