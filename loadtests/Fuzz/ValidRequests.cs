using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Shopper;

namespace Campaigns.LoadTests.Fuzz;

/// <summary>Makes valid requests from the document and the cast: right types, sensible values, ids of what exists, the credentials of who may.</summary>
internal sealed partial class ValidRequests(ApiDocument document, Cast cast, string keys, Random chance)
{
    // What a number of this name may be; others are 1.
    private static readonly Dictionary<string, (int Low, int High)> Numbers = new(StringComparer.Ordinal)
    {
        ["listPriceFen"] = (5_000, 20_000),
        ["stock"] = (1, 1_000),
        ["delta"] = (1, 20),
        ["quantity"] = (1, 3),
        ["advanceSeconds"] = (0, 5),
        ["delaySeconds"] = (0, 0),
        ["repeat"] = (0, 2),
        ["failures"] = (0, 0),
        ["dailyAssistCap"] = (80, 100),
        ["minAccountAgeHours"] = (0, 0),
        ["paymentWindowMinutes"] = (1_000, 1_440),
        ["commissionMinPercent"] = (0, 1),
        ["commissionMaxPercent"] = (15, 30),
        ["supplierSharePercent"] = (0, 15),
        ["freezeDays"] = (0, 90),
        ["bindingDays"] = (1, 365),
        ["bindingProtectionDays"] = (0, 1),
        ["level1Percent"] = (0, 15),
        ["level2Percent"] = (0, 0),
        ["joinFeeFen"] = (0, 0),
        ["recruitRewardFen"] = (0, 0),
        ["commissionLevels"] = (0, 2),
        ["withdrawalMinFen"] = (1, 100),
        ["withdrawalMaxFen"] = (100, 2_000_000),
        ["withdrawalDailyCapFen"] = (100, 2_000_000),
        ["withdrawalFeePercent"] = (0, 10),
        ["amountFen"] = (9_900, 9_900),
        ["line"] = (1, 1),
    };

    public Draft Make(Operation operation, int number)
    {
        var draft = new Draft(operation);
        var about = Kind().Match(operation.Path) is { Success: true } kind ? Pick(cast.Things(kind.Groups["kind"].Value)) : null;
        if (about is not null) draft.Path = operation.Path.Replace("{id}", about.Id, StringComparison.Ordinal);

        // Who owns it acts on it, but nobody helps themselves.
        var others = cast.People.Where(p => p != about?.Owner).ToList();
        var who = about?.Owner is { } owner && !operation.Path.EndsWith("/assists", StringComparison.Ordinal) ? owner : others[chance.Next(others.Count)];
        if (operation.Credentials == "shopper") draft.Set("Authorization", $"Bearer {who.Token}");
        if (operation.Credentials == "merchant") draft.Set("X-Api-Key", cast.MerchantKey);
        if (operation.TakesKey) draft.Set("Idempotency-Key", $"{keys}-{number}");
        if (chance.Next(4) == 0) draft.Set("X-Device-Id", $"phone-{chance.Next(50)}");
        foreach (var name in operation.Query.Where(_ => chance.Next(2) == 0)) draft.Query.Add((name, QueryOf(operation, name)));

        if (operation.TakesCsv)
        {
            draft.Set("Content-Type", "text/csv");
            draft.Spoil = _ => Encoding.UTF8.GetBytes(Shipments(number));
        }

        if (operation.Body is null) return draft;
        draft.Body = Value(operation.Body, "") ?? new JsonObject();
        if (operation.Path.EndsWith("/promoter", StringComparison.Ordinal)) draft.Body["code"] = PromotionCode.Of(ShopperId.Of(Guid.ParseExact(Pick(cast.People).Id, "N")));
        draft.Set("Content-Type", "application/json");
        return draft;
    }

    private string QueryOf(Operation operation, string name) => name switch
    {
        "limit" => "5",
        "kind" => operation.Path.Contains("ledger", StringComparison.Ordinal) ? Pick(["commission", "points", "balance"]) : Pick(["bargain", "flash-sale", "group-buy"]),
        "state" => Pick(["Reviewing", "Paid", ""]),
        "standing" => "Active",
        "by" => Pick(cast.People).Id,
        "depth" => "2",
        "channel" => "moments",
        "from" => cast.Now.AddDays(-40).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        "to" => cast.Now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        _ => "",
    };

    /// <summary>A file of shipments, now and then with what spreadsheets make of one.</summary>
    private string Shipments(int number)
    {
        var file = new StringBuilder(Pick(["orderId,carrier,trackingNumber\n", "\uFEFF订单号,快递公司,运单号\r\n", "运单号,备注,订单号,快递公司\n", "orderId,carrier\n", ""]));
        for (var rows = chance.Next(5); rows > 0; rows--)
            file.Append(Pick([$"{Pick(cast.Things("orders")).Id},SF,SF{number}\n", $"\"{Pick(cast.Things("orders")).Id}\",\"顺丰, 陆运\",1.2E+11\n", "nonsense,,\n", ",,\n", "\"open,SF,1\n", $"{cast.OfOtherShop("orders")},SF,SF1\n", "\0,\uFFFF,\t\n"]));
        return file.ToString();
    }

    public T Pick<T>(IReadOnlyList<T> list) => list[chance.Next(list.Count)];

    private JsonNode? Value(JsonObject schema, string name)
    {
        if (schema["oneOf"]?.AsArray() is { } choices) return chance.Next(2) == 0 ? null : Value(choices[^1]!.AsObject(), name);
        if (ApiDocument.ReferenceOf(schema) is { } reference && IdOf(reference) is { } id) return id;
        schema = document.Resolve(schema);
        if (schema["enum"]?.AsArray() is { } members) return members[chance.Next(members.Count)]!.DeepClone();
        return TypeOf(schema) switch
        {
            "object" => ObjectOf(schema),
            "array" => new JsonArray([.. Enumerable.Range(0, 1 + chance.Next(2)).Select(_ => Value(schema["items"]!.AsObject(), name))]),
            "integer" or "number" => Numbers.TryGetValue(name, out var range) ? chance.Next(range.Low, range.High + 1) : 1,
            "boolean" => chance.Next(8) == 0,
            "string" => schema["format"]?.GetValue<string>() == "date-time" ? TimeOf(name) : TextOf(name),
            _ => Rules(), // a value without a type depends on another field: the rules of a campaign on its kind
        };
    }

    private JsonObject ObjectOf(JsonObject schema)
    {
        var required = schema["required"]?.AsArray().Select(r => r!.GetValue<string>()).ToList() ?? [];
        var made = new JsonObject();
        foreach (var (name, field) in schema["properties"]?.AsObject() ?? [])
            if ((required.Contains(name) || chance.Next(2) == 0) && Value(field!.AsObject(), name) is { } value) made[name] = value;
        if (made["kind"]?.GetValue<string>() == "flash-sale" && made.ContainsKey("rules")) made["rules"] = SaleRules();
        return made;
    }

    // Usually the newest SKU or campaign, but the first campaigns are the ones that surely run.
    private string? IdOf(string reference) => reference switch
    {
        "CampaignId" => chance.Next(2) == 0 ? cast.Things("campaigns")[Pick([0, 1, 4])].Id : Pick(cast.Things("campaigns")).Id,
        "SkuId" => Pick(cast.Things("skus")).Id,
        _ => null,
    };

    private DateTimeOffset TimeOf(string name) => name switch
    {
        "startsAt" => cast.Now.AddMinutes(-1),
        "endsAt" => cast.Now.AddDays(100),
        _ => cast.Now.AddMinutes(1),
    };

    private string TextOf(string name) => name switch
    {
        "shopId" => cast.Shop,
        "code" => $"dev:{Pick(cast.People).Name}",
        "kind" => Pick(["bargain", "bargain", "flash-sale"]),
        "type" => "handmade",
        "timeZone" => "Asia/Shanghai",
        "mustBuySku" => "",
        "trackingNumber" => $"SF{chance.Next(1_000)}",
        _ => $"{name} 桂花糕",
    };

    private JsonObject Rules() => new()
    {
        ["floorFen"] = 990,
        ["assistsNeeded"] = 1 + chance.Next(30),
        ["curve"] = Pick(["even", "front-loaded", "random"]),
        ["minCutFen"] = 1 + chance.Next(100),
        ["ttlMinutes"] = 1_440,
        ["payWindowMinutes"] = 1_440,
        ["buyAtAnyPrice"] = chance.Next(2) == 0,
        ["selfCut"] = chance.Next(2) == 0,
        ["newUserWeight"] = 1 + chance.Next(3),
        ["reservation"] = Pick(["at-launch", "at-success"]),
        ["launchesPerUser"] = 100,
        ["quota"] = 1 + chance.Next(100),
    };

    private JsonObject SaleRules() => new()
    {
        ["salePriceFen"] = chance.Next(4_000),
        ["quota"] = 1 + chance.Next(100),
        ["perUserLimit"] = 1 + chance.Next(10),
        ["holdSeconds"] = 1 + chance.Next(3_600),
        ["weeklySlot"] = chance.Next(2) == 0 ? null : new JsonObject { ["day"] = 1 + chance.Next(7), ["time"] = $"{chance.Next(24):00}:{chance.Next(60):00}", ["minutes"] = 1 + chance.Next(1_440) },
    };

    private static string TypeOf(JsonObject schema) => schema["type"] switch
    {
        JsonArray several => several.Select(t => t!.GetValue<string>()).First(t => t != "null"),
        { } one => one.GetValue<string>(),
        null => "",
    };

    [GeneratedRegex("/(?<kind>[a-z-]+)/\\{id\\}", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Kind();
}
