using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class DistributionSettingsTests(LiveShop shop) : IClassFixture<LiveShop>
{
    private static readonly JsonObject SignOff = new() { ["by"] = "Li", ["reason"] = "opinion 7" };

    [Fact]
    public async Task Tiers_protection_and_the_suppliers_share_are_settings_and_a_repeat_is_the_same()
    {
        var own = await shop.AnotherShop();
        for (var i = 0; i < 2; i++)
        {
            var settings = (await own.Settings(s => (s["commissionTiers"], s["bindingProtectionDays"], s["supplierSharePercent"]) = (new JsonArray(Tier("金", 20)), 7, 10))).Expect(200);
            Assert.Equal((7, 10), (settings.Number("bindingProtectionDays"), settings.Number("supplierSharePercent")));
            Assert.Equal("""[{"name":"金","level1Percent":20,"level2Percent":0}]""", settings.Body["commissionTiers"]!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        }

        foreach (var (field, value) in new (string, JsonNode)[] { ("commissionTiers", new JsonArray([null])), ("commissionTiers", new JsonArray(Tier("", 20))), ("bindingProtectionDays", 16), ("supplierSharePercent", 101) })
            (await own.Settings(s => s[field] = value)).Refused(422, "Invalid");
        foreach (var (field, value) in new (string, JsonNode)[] { ("commissionTiers", 3), ("commissionTiers", new JsonArray(new JsonObject { ["name"] = "金" })), ("bindingProtectionDays", "7") })
            (await own.Settings(s => s[field] = value)).Refused(400, "Malformed");
    }

    [Fact]
    public async Task What_no_shop_may_have_is_refused_with_the_reason_and_its_absence_is_not()
    {
        var own = await shop.AnotherShop();
        foreach (var (field, value) in new (string, JsonNode)[] { ("joinFeeFen", 9_900), ("mustBuySku", "gift-box"), ("recruitRewardFen", 500), ("commissionLevels", 3) })
            Assert.Equal([$"LAW-PYRAMID-01 {field}", $"WX-DIST-01 {field}"], Findings((await own.Settings(s => s[field] = value)).Refused(422, "Invalid")));

        (await own.Settings(s => (s["joinFeeFen"], s["mustBuySku"], s["recruitRewardFen"], s["commissionLevels"]) = (0, null, 0, 2))).Expect(200);
        (await own.Settings(s => s["joinFeeFen"] = "99")).Refused(400, "Malformed");
        Assert.False((await own.Get("/merchant/v1/settings")).Body.AsObject().ContainsKey("joinFeeFen"));
    }

    [Fact]
    public async Task All_that_blocks_is_told_at_once()
    {
        var own = await shop.AnotherShop();
        var refused = (await own.Settings(s => (s["commissionMaxPercent"], s["level1Percent"], s["level2Percent"], s["supplierSharePercent"], s["recruitRewardFen"]) = (31, 32, 1, 5, 500))).Refused(422, "Invalid");
        Assert.Equal(
            ["LAW-PYRAMID-01 recruitRewardFen", "WX-DIST-01 recruitRewardFen", "WX-DIST-01 secondLevelSignOff", "DIST-RATE level1Percent", "WX-PAY-01 commissionMaxPercent", "WX-PAY-01 supplierSharePercent"],
            Findings(refused));
    }

    [Fact]
    public async Task Compliance_tells_what_holds_now()
    {
        var own = await shop.AnotherShop();
        Assert.Equal(["LAW-PYRAMID-02 settings", "LAW-TAX-02 settings"], Findings((await own.Get("/merchant/v1/distribution/compliance")).Expect(200)));

        (await own.Settings(s => (s["level2Percent"], s["secondLevelSignOff"]) = (5, SignOff.DeepClone()))).Expect(200);
        var warned = (await own.Get("/merchant/v1/distribution/compliance")).Expect(200);
        Assert.Equal(("WX-DIST-01", "warn"), (warned.Body["findings"]![0]!["ruleId"]!.GetValue<string>(), warned.Body["findings"]![0]!["severity"]!.GetValue<string>()));
        Assert.Null(warned.Body["stop"]);
    }

    [Fact]
    public async Task The_kill_switch_stops_once_and_resumes_once()
    {
        var own = await shop.AnotherShop();
        (await own.Post("/merchant/v1/distribution/stops", new { reason = " " })).Refused(422, "Invalid");
        (await own.Post("/merchant/v1/distribution/stops", new { })).Refused(400, "Malformed");
        Assert.Null((await own.Post("/merchant/v1/distribution/resumptions", new { })).Expect(200).Body["stop"]);

        var first = (await own.Post("/merchant/v1/distribution/stops", new { reason = "投诉" })).Expect(201).Body["stop"]!;
        Assert.Equal("投诉", first["reason"]!.GetValue<string>());
        await shop.Pass(TimeSpan.FromMinutes(1));
        var again = (await own.Post("/merchant/v1/distribution/stops", new { reason = "another" })).Expect(201).Body["stop"]!;
        Assert.Equal(first.ToJsonString(), again.ToJsonString());
        Assert.Equal(first.ToJsonString(), (await own.Get("/merchant/v1/distribution/compliance")).Expect(200).Body["stop"]!.ToJsonString());

        for (var i = 0; i < 2; i++) Assert.Null((await own.Post("/merchant/v1/distribution/resumptions", new { })).Expect(200).Body["stop"]);
        Assert.Null((await own.Get("/merchant/v1/distribution/compliance")).Expect(200).Body["stop"]);
    }

    private static JsonObject Tier(string name, int level1) => new() { ["name"] = name, ["level1Percent"] = level1, ["level2Percent"] = 0 };

    private static IEnumerable<string> Findings(Reply reply) => reply.Body["findings"]!.AsArray().Select(f => $"{f!["ruleId"]} {f["field"]}");
}
