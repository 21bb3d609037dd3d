using System.Text.Json;

namespace Campaigns.Silo.Books;

/// <summary>The first place where two states mean different things. The order of a dictionary's entries and of a set's members means nothing.</summary>
internal static class StateDifference
{
    private const int ShownMax = 60;

    /// <returns>null if they mean the same</returns>
    public static string? Between(JsonElement stored, JsonElement folded) => Between("", stored, folded);

    private static string? Between(string path, JsonElement stored, JsonElement folded)
    {
        if (stored.ValueKind == folded.ValueKind && JsonElement.DeepEquals(stored, folded)) return null;
        return (stored.ValueKind, folded.ValueKind) switch
        {
            (JsonValueKind.Object, JsonValueKind.Object) => OfObjects(path, stored, folded),
            (JsonValueKind.Array, JsonValueKind.Array) => OfArrays(path, stored, folded),
            _ => $"{(path.Length == 0 ? "the state" : path[1..])} is {Shown(stored)} there and {Shown(folded)} by the facts",
        };
    }

    private static string? OfObjects(string path, JsonElement stored, JsonElement folded)
    {
        foreach (var property in stored.EnumerateObject())
            if (Between($"{path}.{property.Name}", property.Value, folded.TryGetProperty(property.Name, out var other) ? other : default) is { } difference) return difference;
        foreach (var property in folded.EnumerateObject())
            if (!stored.TryGetProperty(property.Name, out _)) return Between($"{path}.{property.Name}", default, property.Value);
        return null;
    }

    private static string? OfArrays(string path, JsonElement stored, JsonElement folded)
    {
        var (left, right) = (stored.EnumerateArray().ToList(), folded.EnumerateArray().ToList());
        if (left.Count != right.Count) return $"{path.TrimStart('.')} has {left.Count} entries there and {right.Count} by the facts";

        // A set is written in the order its members happened to come: the same ids in another order are the same set.
        if (left.TrueForAll(e => e.ValueKind == JsonValueKind.String) && left.Select(Text).Order(StringComparer.Ordinal).SequenceEqual(right.Select(Text).Order(StringComparer.Ordinal), StringComparer.Ordinal)) return null;
        return left.Zip(right).Select((pair, i) => Between($"{path}[{i}]", pair.First, pair.Second)).FirstOrDefault(d => d is not null);
    }

    private static string Text(JsonElement element) => element.GetRawText();

    private static string Shown(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Undefined) return "nothing";
        var text = element.GetRawText();
        return text.Length <= ShownMax ? text : $"{text[..ShownMax]}…";
    }
}
