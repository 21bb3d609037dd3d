using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Campaigns.Tests.Operations;

/// <summary>What is below <c>deploy</c>, as data.</summary>
internal static class DeployFiles
{
    /// <summary>Every file, by its path from the root with forward slashes; nothing that somebody's secrets are in.</summary>
    public static IReadOnlyList<string> All { get; } = [.. from file in Directory.EnumerateFiles(System.IO.Path.Combine(Repository.Root, "deploy"), "*", SearchOption.AllDirectories)
                                                           let path = System.IO.Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')
                                                           where !path.StartsWith("deploy/secrets/", StringComparison.Ordinal)
                                                           orderby path
                                                           select path];

    public static IEnumerable<string> Ending(string end) => All.Where(p => p.EndsWith(end, StringComparison.Ordinal));

    public static string Text(string path) => File.ReadAllText(Path(path));

    public static bool Exists(string path) => File.Exists(Path(path));

    public static JsonNode Json(string path) => JsonNode.Parse(Text(path))!;

    /// <summary>The documents of a YAML file, merge keys resolved; every scalar is a string.</summary>
    /// <exception cref="YamlException">it is none, or a key is there twice</exception>
    public static IReadOnlyList<JsonNode> Yaml(string path) => Parse(Text(path));

    public static IReadOnlyList<JsonNode> Parse(string yaml)
    {
        // Twice: a merged key may be given again, and then hides a key that was written twice by mistake.
        foreach (var parser in (IParser[])[new Parser(new StringReader(yaml)), new MergingParser(new Parser(new StringReader(yaml)))])
        {
            var deserializer = parser is Parser ? new DeserializerBuilder().WithDuplicateKeyChecking().Build() : new DeserializerBuilder().Build();
            var documents = new List<JsonNode>();
            parser.Consume<StreamStart>();
            while (parser.Accept<DocumentStart>(out _)) documents.Add(Node(deserializer.Deserialize(parser))!);
            if (parser is MergingParser) return documents;
        }

        return [];
    }

    private static string Path(string path) => System.IO.Path.Combine(Repository.Root, path);

    private static JsonNode? Node(object? yaml) => yaml switch
    {
        null => null,
        IDictionary<object, object> map => new JsonObject(map.Select(e => KeyValuePair.Create((string)e.Key, Node(e.Value)))),
        IList<object> list => new JsonArray([.. list.Select(Node)]),
        _ => JsonValue.Create((string)yaml),
    };
}
