using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Campaigns.LoadTests.Fuzz;

/// <summary>A request in the making: valid at first, then changed where it hurts.</summary>
internal sealed class Draft(Operation operation)
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<string> raw = [];

    public Operation Operation { get; } = operation;

    public string Method { get; set; } = operation.Method;

    public string Path { get; set; } = operation.Path;

    public List<(string Name, string Value)> Query { get; } = [];

    public List<(string Name, string Value)> Headers { get; } = [];

    public JsonNode? Body { get; set; }

    /// <summary>Done to the bytes of the body at last, such as cutting it off in the middle.</summary>
    public Func<byte[], byte[]>? Spoil { get; set; }

    public List<string> Mutations { get; } = [];

    /// <summary>A place in the body for text that no JSON tree can hold: a number of 400 digits, half a surrogate, a member twice.</summary>
    public JsonNode Raw(string text)
    {
        raw.Add(text);
        return JsonValue.Create($"@raw{raw.Count - 1}@")!;
    }

    public void Set(string header, string value)
    {
        Headers.RemoveAll(h => h.Name == header);
        Headers.Add((header, value));
    }

    public FuzzRequest Finish(int number)
    {
        var target = Query.Count == 0 ? Path : $"{Path}?{string.Join('&', Query.Select(q => $"{q.Name}={q.Value}"))}";
        return new(number, Operation, Method, target, Headers, Bytes(), Mutations);
    }

    private byte[]? Bytes()
    {
        if (Body is null && Spoil is null) return null;
        var text = Body?.ToJsonString(Json) ?? "";
        for (var i = raw.Count - 1; i >= 0; i--) text = text.Replace($"\"@raw{i}@\"", raw[i], StringComparison.Ordinal);
        var bytes = Encoding.UTF8.GetBytes(text);
        return Spoil is null ? bytes : Spoil(bytes);
    }
}
