using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Campaigns.LoadTests.Fuzz;

/// <summary>What an attacker, a broken client or a careless proxy does to a valid request.</summary>
internal sealed partial class Mutations(Cast cast, Random chance)
{
    public void Apply(Draft draft)
    {
        switch (chance.Next(draft.Body is null ? 6 : 16))
        {
            case 0: Id(draft); break;
            case 1 or 2: Header(draft); break;
            case 3: Query(draft); break;
            case 4: Caller(draft); break;
            case 5: Method(draft); break;
            case 6 or 7: Bytes(draft); break;
            default: Field(draft); break;
        }
    }

    private void Id(Draft draft)
    {
        if (HexId().Match(draft.Path) is not { Success: true } id)
        {
            draft.Path += Pick(["/", "//", "/x", "/..", "/%2e%2e", "%00", "%20", ".json", ";a=b", "/" + Pick(HostileValues.Segments)]);
            draft.Mutations.Add("path");
            return;
        }

        var kind = draft.Operation.Path.Split('/').TakeWhile(s => s != "{id}").Last();
        var value = chance.Next(4) switch
        {
            0 => cast.OfOtherShop(kind),
            1 => id.Value.ToUpperInvariant(),
            2 => Pick([id.Value + "0", id.Value[1..], $"{id.Value}%20", $"%20{id.Value}", $"{id.Value}%00", $"{id.Value}/", $"./{id.Value}", $"x/../{id.Value}", $"%{(int)id.Value[0]:x2}{id.Value[1..]}", $"{{{id.Value}}}"]),
            _ => Pick(HostileValues.Segments),
        };
        draft.Path = draft.Path.Replace(id.Value, value, StringComparison.Ordinal);
        draft.Mutations.Add("id");
    }

    private void Header(Draft draft)
    {
        var (name, values) = Pick(HostileValues.Headers);
        var value = Pick(values);
        if (chance.Next(4) == 0) draft.Headers.Add((name, value));
        else draft.Set(name, value);
        draft.Mutations.Add($"header {(name.Length > 40 ? "long" : name)}");
    }

    private void Query(Draft draft)
    {
        var name = draft.Operation.Query.Count > 0 && chance.Next(4) > 0 ? Pick(draft.Operation.Query) : Pick(["limit", "cursor", "kind", "unknown", "", "%00", "a[]", "limit%00", "id"]);
        draft.Query.Add((name, Pick(HostileValues.QueryValues)));
        if (chance.Next(4) == 0) draft.Query.Add((name, Pick(HostileValues.QueryValues)));
        draft.Mutations.Add($"query {name}");
    }

    private void Caller(Draft draft)
    {
        draft.Headers.RemoveAll(h => h.Name is "Authorization" or "X-Api-Key");
        var token = Pick(cast.People).Token;
        var (name, value) = Pick<(string, string)>(
        [
            ("X-Nobody", "1"), ("Authorization", $"Bearer {cast.Stranger.Token}"), ("X-Api-Key", cast.OtherMerchantKey), ("Authorization", $"Bearer {cast.MerchantKey}"), ("X-Api-Key", token), ("Authorization", $"Bearer {token}"),
            ("Authorization", $"Bearer {token}x"), ("Authorization", $"Bearer {token[..^3]}"), ("Authorization", $"Bearer {token},Bearer {token}"), ("Authorization", $"Basic {token}"), ("Authorization", token), ("X-Api-Key", $"{cast.MerchantKey} "), ("X-Api-Key", cast.MerchantKey.ToUpperInvariant()),
        ]);
        draft.Headers.Add((name, value));
        draft.Mutations.Add("caller");
    }

    private void Method(Draft draft)
    {
        draft.Method = Pick(HostileValues.Methods);
        draft.Mutations.Add($"method {draft.Method}");
    }

    private void Bytes(Draft draft)
    {
        var (name, spoil) = Pick<(string, Func<byte[], byte[]>)>(
        [
            ("truncated", b => b[..(b.Length / 2)]), ("without its end", b => b.Length == 0 ? b : b[..^1]), ("trailing garbage", b => [.. b, .. "x"u8]), ("twice", b => [.. b, .. b]), ("trailing comma", b => b.Length == 0 ? b : [.. b[..^1], .. ",}"u8]), ("comment", b => [.. b, .. "/* why */"u8]),
            ("byte order mark", b => [0xef, 0xbb, 0xbf, .. b]), ("UTF-16", b => Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(b))), ("UTF-16 with mark", b => [0xff, 0xfe, .. Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(b))]), ("UTF-32", b => Encoding.UTF32.GetBytes(Encoding.UTF8.GetString(b))),
            ("no text", b => [.. b.Select(x => (byte)(x ^ 0x80))]), ("one bad byte", b => [.. b.Take(b.Length / 2), 0xff, .. b.Skip(b.Length / 2)]), ("overlong", b => [.. b.Take(b.Length / 2), 0xc0, 0xaf, .. b.Skip(b.Length / 2)]), ("NUL", b => [.. b, 0]),
            ("empty", _ => []), ("blank", _ => " \r\n\t "u8.ToArray()), ("form", _ => "campaignId=1&quantity=2"u8.ToArray()), ("xml", _ => "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>"u8.ToArray()),
            ("at the limit", b => Padded(b, 64 * 1024)), ("over the limit", b => Padded(b, (64 * 1024) + 1)), ("a megabyte", b => Padded(b, 1024 * 1024)), ("quote", _ => "\""u8.ToArray()), ("gzip", _ => [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]),
        ]);
        draft.Spoil = spoil;
        draft.Mutations.Add($"body {name}");
    }

    private void Field(Draft draft)
    {
        var sites = new List<Site> { new(null, "", -1) };
        Collect(draft.Body!, sites);
        var site = sites.Count == 1 ? sites[0] : sites[chance.Next(chance.Next(8) == 0 ? 0 : 1, sites.Count)];
        var old = site.In(draft);
        switch (chance.Next(12))
        {
            case 0 when site.Parent is not null:
                site.Remove();
                draft.Mutations.Add($"{site} missing");
                break;
            case 1 when site.Parent is JsonObject parent:
                site.Remove();
                parent[site.Name.ToUpperInvariant()] = old?.DeepClone();
                draft.Mutations.Add($"{site} in capitals");
                break;
            case 2 when site.Parent is JsonObject:
                site.Put(draft, draft.Raw($"{old?.ToJsonString() ?? "null"},\"{site.Name}\":{old?.ToJsonString() ?? "null"}"));
                draft.Mutations.Add($"{site} twice");
                break;
            case 3 when site.Parent is JsonObject:
                site.Put(draft, draft.Raw($"{old?.ToJsonString() ?? "null"},{Pick(HostileValues.Members)}"));
                draft.Mutations.Add($"{site} and another member");
                break;
            case 4 or 5: Replace(draft, site, HostileValues.OfAnotherType, "of another type"); break;
            case 6: Replace(draft, site, HostileValues.Structures, "a structure"); break;
            default:
                var isText = old is JsonValue text && text.GetValueKind() == System.Text.Json.JsonValueKind.String;
                if (isText ^ chance.Next(8) == 0) Replace(draft, site, HostileValues.Strings, "a hostile text");
                else Replace(draft, site, HostileValues.Numbers, "a hostile number");
                break;
        }
    }

    private void Replace(Draft draft, Site site, string[] values, string what)
    {
        var value = Pick(values);
        site.Put(draft, draft.Raw(value));
        draft.Mutations.Add($"{site} {what}: {(value.Length > 60 ? $"{value[..60]}… ({value.Length})" : value)}");
    }

    private static void Collect(JsonNode node, List<Site> sites)
    {
        if (node is JsonObject fields)
        {
            foreach (var (name, value) in fields)
            {
                sites.Add(new(fields, name, -1));
                if (value is not null) Collect(value, sites);
            }
        }
        else if (node is JsonArray items)
        {
            for (var i = 0; i < items.Count; i++)
            {
                sites.Add(new(items, "", i));
                if (items[i] is { } item) Collect(item, sites);
            }
        }
    }

    // Filled with blanks inside, so that only the size is wrong.
    private static byte[] Padded(byte[] body, int size) => body.Length >= size ? body : [.. Enumerable.Repeat((byte)' ', size - body.Length), .. body];

    private T Pick<T>(IReadOnlyList<T> list) => list[chance.Next(list.Count)];

    [GeneratedRegex("(?<=/)[0-9a-f]{32}(?=/|$)", RegexOptions.None, 1_000)]
    private static partial Regex HexId();

    /// <summary>A value in the body: a member, an item, or the whole.</summary>
    private sealed record Site(JsonNode? Parent, string Name, int Index)
    {
        public JsonNode? In(Draft draft) => Parent switch
        {
            JsonObject fields => fields[Name],
            JsonArray items => items[Index],
            _ => draft.Body,
        };

        public void Put(Draft draft, JsonNode value)
        {
            if (Parent is JsonObject fields) fields[Name] = value;
            else if (Parent is JsonArray items) items[Index] = value;
            else draft.Body = value;
        }

        public void Remove()
        {
            if (Parent is JsonObject fields) fields.Remove(Name);
            else if (Parent is JsonArray items) items.RemoveAt(Index);
        }

        public override string ToString() => Parent is null ? "the body" : Parent is JsonArray ? $"[{Index}]" : Name;
    }
}
