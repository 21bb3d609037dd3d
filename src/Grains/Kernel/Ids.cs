using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Campaigns.Grains.Kernel;

/// <summary>A shop (店铺): the boundary nothing crosses. 1–40 characters of <c>a-z 0-9 -</c>.</summary>
[JsonConverter(typeof(ShopIdJson))]
public readonly record struct ShopId(string Value)
{
    public const int LengthMax = 40;

    /// <summary>The owner of what belongs to the installation and not to one shop, such as API keys.</summary>
    public static readonly ShopId Installation = new("-");

    public static bool TryParse(string? text, out ShopId shop)
    {
        shop = new(text ?? "");
        return text is { Length: > 0 and <= LengthMax } && text != Installation.Value && text.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-');
    }

    public override string ToString() => Value;
}

/// <summary>The address of a grain. The shop is part of it, so one shop's caller cannot even name another shop's grain.</summary>
/// <param name="Kind">the stable name of its definition, such as <c>bargain</c></param>
public readonly record struct GrainId(string Kind, ShopId Shop, Guid Key)
{
    // Keys are time-sorted or derived with SHA-256, so the key alone spreads well; hashing the strings again would cost 30 ns per lookup.
    public override int GetHashCode() => Key.GetHashCode();

    public override string ToString() => $"{Kind}/{Shop}/{Key:N}";

    /// <summary>Reads what <see cref="ToString"/> has printed.</summary>
    public static bool TryParse(string printed, out GrainId grain)
    {
        grain = printed.Split('/') is [var kind, var shop, var key] && Guid.TryParseExact(key, "N", out var guid) ? new(kind, new(shop), guid) : default;
        return grain.Kind is not null;
    }
}

/// <summary>What every typed id is: a named wrapper around a <see cref="Guid"/>, printed as 32 hexadecimal digits.</summary>
public interface IId<TSelf>
    where TSelf : struct, IId<TSelf>
{
    Guid Value { get; }

    static abstract TSelf Of(Guid value);
}

/// <summary>How ids are made and read.</summary>
public static class Ids
{
    /// <summary>The id that belongs to <paramref name="names"/>, always the same one. Used where a repeat must find what the first call made.</summary>
    public static Guid Derive(params ReadOnlySpan<string> names)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', names.ToArray())), hash);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80); // RFC 9562: version 8, "vendor specific"
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }

    public static bool TryParse<TId>([NotNullWhen(true)] string? text, out TId id)
        where TId : struct, IId<TId>
    {
        var parsed = Guid.TryParseExact(text, "N", out var value);
        id = TId.Of(value);
        return parsed;
    }
}

/// <summary>Writes a typed id as its printed form.</summary>
public sealed class IdJson<TId> : JsonConverter<TId>
    where TId : struct, IId<TId>
{
    public override TId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Ids.TryParse<TId>(reader.GetString(), out var id) ? id : throw new JsonException("An id has 32 hexadecimal digits.");

    public override void Write(Utf8JsonWriter writer, TId value, JsonSerializerOptions options)
    {
        Span<byte> digits = stackalloc byte[32];
        value.Value.TryFormat(digits, out _, "N");
        writer.WriteStringValue(digits);
    }
}

public sealed class ShopIdJson : JsonConverter<ShopId>
{
    public override ShopId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString()!);

    public override void Write(Utf8JsonWriter writer, ShopId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
