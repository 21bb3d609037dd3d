using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Campaigns.Grains.Kernel;

/// <summary>The name of an event in the journal. Stored forever: it outlives the name of the type, so it is never changed.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class StoredAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}

/// <summary>The events of one kind of grain by stored name, with their source-generated JSON.</summary>
internal sealed class EventNames
{
    private readonly Dictionary<Type, (string Name, JsonTypeInfo Json)> byType = [];
    private readonly Dictionary<string, JsonTypeInfo> byName = new(StringComparer.Ordinal);

    public EventNames(Type family, JsonSerializerContext json)
    {
        foreach (var type in family.Assembly.GetTypes().Where(t => !t.IsAbstract && t.IsSubclassOf(family)))
        {
            var name = type.GetCustomAttribute<StoredAttribute>()?.Name ?? throw new InvalidOperationException($"{type.Name} lacks [Stored].");
            var info = json.GetTypeInfo(type) ?? throw new InvalidOperationException($"{type.Name} is not in {json.GetType().Name}.");
            byType.Add(type, (name, info));
            byName.Add(name, info);
        }
    }

    public IEnumerable<string> All => byName.Keys;

    public string NameOf(object @event) => byType[@event.GetType()].Name;

    public void Write(Utf8JsonWriter writer, object @event) => JsonSerializer.Serialize(writer, @event, byType[@event.GetType()].Json);

    public Type TypeOf(string name) => Find(name).Type;

    public object Read(string name, ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, Find(name))!;

    private JsonTypeInfo Find(string name) =>
        byName.TryGetValue(name, out var info)
            ? info
            : throw new InvalidDataException($"The journal holds an event '{name}' that this version does not know. Run a version at least as new as the one that wrote it.");
}
