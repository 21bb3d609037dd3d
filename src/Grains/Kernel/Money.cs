using System.Text.Json;
using System.Text.Json.Serialization;

namespace Campaigns.Grains.Kernel;

/// <summary>An amount in fen (分). Arithmetic is checked: an overflow is a bug, never a wrapped price.</summary>
[JsonConverter(typeof(MoneyJson))]
public readonly record struct Money(long Fen) : IComparable<Money>
{
    /// <summary>The highest price that may be configured: 100 million yuan.</summary>
    public static readonly Money Max = new(10_000_000_000);

    public static readonly Money Zero;

    public static Money operator +(Money left, Money right) => new(checked(left.Fen + right.Fen));

    public static Money operator -(Money left, Money right) => new(checked(left.Fen - right.Fen));

    public static Money operator *(Money price, int quantity) => new(checked(price.Fen * quantity));

    public static bool operator <(Money left, Money right) => left.Fen < right.Fen;

    public static bool operator >(Money left, Money right) => left.Fen > right.Fen;

    public static bool operator <=(Money left, Money right) => left.Fen <= right.Fen;

    public static bool operator >=(Money left, Money right) => left.Fen >= right.Fen;

    public static Money Min(Money left, Money right) => left < right ? left : right;

    public int CompareTo(Money other) => Fen.CompareTo(other.Fen);

    public override string ToString() => $"{Fen / 100}.{Fen % 100:00}";
}

public sealed class MoneyJson : JsonConverter<Money>
{
    public override Money Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt64());

    public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Fen);
}
