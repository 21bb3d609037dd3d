using System.Collections.Concurrent;
using System.Text.Json;
using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Cluster;

/// <summary>
/// What mechanics and the edge put into a message, as JSON beside the name of its type. Written by hand for the messages between silos: the JSON
/// codec of Orleans parses the name and looks for attributes of the type at each value, half of what a call of another silo cost.
/// </summary>
[GenerateSerializer, Alias("campaigns.written")]
internal struct Written
{
    private static readonly ConcurrentDictionary<Type, string?> Names = [];
    private static readonly ConcurrentDictionary<string, Type> Types = [];

    /// <summary>Null if <see cref="Other"/> holds the value.</summary>
    [Id(0)]
    public string? Name { get; set; }

    [Id(1)]
    public byte[]? Json { get; set; }

    /// <summary>What is not ours alone, such as a list of ours: Orleans writes it.</summary>
    [Id(2)]
    public object? Other { get; set; }

    public static Written Of(object? value)
    {
        if (value is null || NameOf(value.GetType()) is not { } name) return new() { Other = value };
        return new() { Name = name, Json = JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), ClusterHosting.Json) };
    }

    public readonly object? Read() => Name is null ? Other : JsonSerializer.Deserialize(Json, TypeOf(Name), ClusterHosting.Json);

    private static string? NameOf(Type type) => Names.GetOrAdd(type, static t => ClusterHosting.IsOurs(t) && !t.IsGenericType ? $"{t.FullName}, {t.Assembly.GetName().Name}" : null);

    // Only types of ours are made, and only those that exist are remembered: what comes over the wire chooses among them.
    private static Type TypeOf(string name)
    {
        if (Types.TryGetValue(name, out var known)) return known;
        var type = Type.GetType(name) is { } found && ClusterHosting.IsOurs(found) ? found : throw new JsonException($"'{name}' is no type of a message.");
        Types[name] = type;
        return type;
    }
}

[GenerateSerializer, Alias("campaigns.command.written")]
internal struct WrittenCommand
{
    [Id(0)]
    public Written Command { get; set; }
}

[GenerateSerializer, Alias("campaigns.answer.written")]
internal struct WrittenAnswer
{
    [Id(0)]
    public Written Reply { get; set; }

    [Id(1)]
    public Written Refusal { get; set; }

    [Id(2)]
    public bool IsLater { get; set; }
}

[RegisterConverter]
internal sealed class CommandOnTheWire : IConverter<CellCommand, WrittenCommand>
{
    public CellCommand ConvertFromSurrogate(in WrittenCommand surrogate) => new(surrogate.Command.Read()!);

    public WrittenCommand ConvertToSurrogate(in CellCommand value) => new() { Command = Written.Of(value.Command) };
}

[RegisterConverter]
internal sealed class AnswerOnTheWire : IConverter<CellAnswer, WrittenAnswer>
{
    public CellAnswer ConvertFromSurrogate(in WrittenAnswer surrogate) => new(surrogate.Reply.Read(), (Refusal?)surrogate.Refusal.Read(), surrogate.IsLater);

    public WrittenAnswer ConvertToSurrogate(in CellAnswer value) => new() { Reply = Written.Of(value.Reply), Refusal = Written.Of(value.Refusal), IsLater = value.IsLater };
}
