using System.Collections;
using System.Reflection;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;

namespace Campaigns.ClusterTests;

/// <summary>Makes a value of any type of the product, with something in every part of it.</summary>
/// <param name="isBare">whatever may be null is null, and every collection is empty</param>
/// <param name="seed">another one takes other members of an enum and other kinds of what has several</param>
internal sealed class Filled(bool isBare, int seed)
{
    private static readonly Dictionary<Type, Func<int, object>> Known = new()
    {
        [typeof(string)] = n => $"文-{n}",
        [typeof(bool)] = n => n % 2 == 0,
        [typeof(byte)] = n => (byte)n,
        [typeof(int)] = n => n,
        [typeof(long)] = n => 5_000_000_000L + n,
        [typeof(double)] = n => n + 0.1,
        [typeof(decimal)] = n => n + 0.10m,
        [typeof(Guid)] = n => new Guid(n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        [typeof(DateTimeOffset)] = n => new DateTimeOffset(2026, 2, 28, 23, 59, 59, TimeSpan.FromHours(8)).AddTicks(n),
        [typeof(DateOnly)] = n => new DateOnly(2026, 2, 1).AddDays(n),
        [typeof(TimeSpan)] = n => TimeSpan.FromTicks(n),
        [typeof(ReadOnlyMemory<byte>)] = n => new ReadOnlyMemory<byte>([1, (byte)n, 255]),
        [typeof(Uri)] = n => new Uri($"https://shop.example/{n}"),
        [typeof(ShopId)] = n => new ShopId($"shop-{n}"),
        [typeof(GrainId)] = n => new GrainId("order", new("demo"), new Guid(n, 0, 0, new byte[8])),
    };

    private readonly NullabilityInfoContext nullability = new();
    private int number;

    public object Make(Type type)
    {
        var n = ++number + seed;
        if (Known.TryGetValue(type, out var make)) return make(n);
        if (Nullable.GetUnderlyingType(type) is { } inner) return Make(inner);
        if (type.IsEnum) return OneOf(Enum.GetValues(type).Cast<object>().ToArray());
        if (type.IsArray) return Items(type.GetElementType()!);
        if (type.IsGenericType && type.IsAssignableTo(typeof(IEnumerable))) return Collection(type);
        return Object(type.IsAbstract ? OneOf(KindsOf(type)) : type);
    }

    public static Type[] KindsOf(Type type) =>
        type.GetCustomAttributes<JsonDerivedTypeAttribute>().Select(a => a.DerivedType).ToArray() is { Length: > 0 } kinds ? kinds
        : !type.IsAbstract ? [type]
        : type.Assembly.GetTypes().Where(t => t.IsAssignableTo(type) && !t.IsAbstract).ToArray();

    private T OneOf<T>(T[] several) => several[seed % several.Length];

    private Array Items(Type type)
    {
        var items = Array.CreateInstance(type, isBare ? 0 : 2);
        for (var i = 0; i < items.Length; i++) items.SetValue(Make(type), i);
        return items;
    }

    private object Collection(Type type)
    {
        var parts = type.GetGenericArguments();
        if (parts is [var key, var value])
        {
            var dictionary = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(key, value))!;
            if (!isBare) dictionary.Add(Make(key), Make(value));
            return dictionary;
        }

        var items = Items(parts[0]);
        if (type.IsAssignableFrom(items.GetType())) return items;
        foreach (var made in (Type[])[typeof(List<>), typeof(HashSet<>)])
            if (made.MakeGenericType(parts) is var collection && type.IsAssignableFrom(collection)) return Activator.CreateInstance(collection, items)!;
        throw new NotSupportedException($"{type} is new to this test: say here how one is made.");
    }

    private object Object(Type type)
    {
        var constructor = type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(c => c.GetParameters() is not [var only] || only.ParameterType != type)
            .MaxBy(c => c.GetParameters().Length);
        var made = constructor?.Invoke([.. constructor.GetParameters().Select(p => MayBeNull(p.ParameterType, nullability.Create(p)) ? null : Make(p.ParameterType))]) ?? Activator.CreateInstance(type)!;
        foreach (var property in type.GetProperties().Where(p => p.SetMethod is { IsPublic: true } && p.GetIndexParameters().Length == 0))
            if (constructor?.GetParameters().Any(p => string.Equals(p.Name, property.Name, StringComparison.OrdinalIgnoreCase)) != true)
                property.SetValue(made, MayBeNull(property.PropertyType, nullability.Create(property)) ? null : Make(property.PropertyType));
        return made;
    }

    private bool MayBeNull(Type type, NullabilityInfo info) => isBare && (Nullable.GetUnderlyingType(type) is not null || (!type.IsValueType && info.ReadState == NullabilityState.Nullable));
}

/// <summary>Compares all that two values hold, private parts too.</summary>
internal static class Deep
{
    /// <returns>where they differ; null if nowhere</returns>
    public static string? Difference(object? sent, object? got, string at = "")
    {
        if (sent is null || got is null) return ReferenceEquals(sent, got) ? null : $"{at}: {sent ?? "null"} became {got ?? "null"}";
        if (sent is ReadOnlyMemory<byte> bytes && got is ReadOnlyMemory<byte> gotBytes) return bytes.Span.SequenceEqual(gotBytes.Span) ? null : $"{at}: other bytes";
        if (sent is DateTimeOffset time && got is DateTimeOffset gotTime) return time.EqualsExact(gotTime) ? null : $"{at}: {time:O} became {gotTime:O}";
        if (sent is IEnumerable and not string && got is IEnumerable) return Items((IEnumerable)sent, (IEnumerable)got, at);
        if (sent.GetType() != got.GetType()) return $"{at}: {sent.GetType()} became {got.GetType()}";
        if (sent is string or Guid or Enum or Uri || sent.GetType().IsPrimitive || sent.GetType().Namespace?.StartsWith("System", StringComparison.Ordinal) == true) return Equals(sent, got) ? null : $"{at}: {sent} became {got}";

        for (var type = sent.GetType(); type is not null; type = type.BaseType)
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                if (Difference(field.GetValue(sent), field.GetValue(got), $"{at}.{field.Name}") is { } difference) return difference;
        return null;
    }

    private static string? Items(IEnumerable sent, IEnumerable got, string at)
    {
        var (these, those) = (sent.Cast<object?>().ToList(), got.Cast<object?>().ToList());
        if (these.Count != those.Count) return $"{at}: {these.Count} items became {those.Count}";
        return these.Select((item, i) => Difference(item, those[i], $"{at}[{i}]")).FirstOrDefault(d => d is not null);
    }
}
