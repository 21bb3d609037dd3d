using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Journal;

/// <summary>
/// Writes decisions one after another into one buffer. A decision is
/// <c>length · kind · shop · key · first sequence · time · request id · count · (event name · length · JSON)…</c>,
/// integers little-endian, strings with one length byte. The JSON stays readable with any tool that can cut bytes.
/// </summary>
public sealed class DecisionWriter
{
    private readonly ArrayBufferWriter<byte> buffer = new(1 << 16);
    private readonly Utf8JsonWriter json;
    private int start;
    private int countAt;
    private int count;
    private DateTimeOffset? newest;

    public DecisionWriter() => json = new(buffer, new JsonWriterOptions { SkipValidation = true });

    public int Length => buffer.WrittenCount;

    public ReadOnlyMemory<byte> Written => buffer.WrittenMemory;

    public void Begin(GrainId grain, long firstSequence, DateTimeOffset at, Guid request, int count)
    {
        start = buffer.WrittenCount;
        buffer.Advance(Reserve(4));
        WriteText(grain.Kind);
        WriteText(grain.Shop.Value);
        var fixedPart = buffer.GetSpan(16 + 8 + 8 + 16 + 4);
        grain.Key.TryWriteBytes(fixedPart);
        BinaryPrimitives.WriteInt64LittleEndian(fixedPart[16..], firstSequence);
        BinaryPrimitives.WriteInt64LittleEndian(fixedPart[24..], at.UtcTicks);
        request.TryWriteBytes(fixedPart[32..]);
        BinaryPrimitives.WriteInt32LittleEndian(fixedPart[48..], count);
        buffer.Advance(52);
        (this.count, countAt, newest) = (count, buffer.WrittenCount - 4, request == Guid.Empty ? at : null);
    }

    /// <summary>
    /// Goes on with the newest decision instead of beginning another: facts of one grain decided one after another at the same moment share
    /// a header, which is a third of a hot grain's journal. False if the newest decision is of another moment or carries a request id.
    /// </summary>
    public bool TryGoOn(DateTimeOffset at, int more)
    {
        if (newest != at) return false;
        Patch(countAt, count += more);
        return true;
    }

    public void Add(GrainDefinition definition, object @event)
    {
        WriteText(definition.NameOf(@event));
        var at = buffer.WrittenCount;
        buffer.Advance(Reserve(4));
        json.Reset();
        definition.WriteEvent(json, @event);
        json.Flush();
        Patch(at, buffer.WrittenCount - at - 4);
    }

    /// <returns>where the decision lies in <see cref="Written"/></returns>
    public (int Offset, int Length) End()
    {
        Patch(start, buffer.WrittenCount - start - 4);
        return (start, buffer.WrittenCount - start);
    }

    /// <returns>where the copy of an encoded decision lies in <see cref="Written"/></returns>
    public int Copy(ReadOnlySpan<byte> decision)
    {
        var offset = buffer.WrittenCount;
        buffer.Write(decision);
        newest = null;
        return offset;
    }

    public void Clear()
    {
        buffer.ResetWrittenCount();
        newest = null;
    }

    private int Reserve(int bytes)
    {
        buffer.GetSpan(bytes);
        return bytes;
    }

    private void WriteText(string text)
    {
        var span = buffer.GetSpan(1 + text.Length);
        span[0] = (byte)Encoding.ASCII.GetBytes(text, span[1..]);
        buffer.Advance(1 + span[0]);
    }

    // The buffer hands out spans only past what is written; a length that is known afterwards goes through the array below it.
    private void Patch(int offset, int value)
    {
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(buffer.WrittenMemory, out var array);
        BinaryPrimitives.WriteInt32LittleEndian(array.AsSpan(offset), value);
    }
}

/// <summary>Reads what <see cref="DecisionWriter"/> wrote, decision by decision, without copying.</summary>
public ref struct DecisionReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> rest = bytes;
    private ReadOnlySpan<byte> events;

    public GrainId Grain { get; private set; }

    public long FirstSequence { get; private set; }

    public DateTimeOffset At { get; private set; }

    public Guid Request { get; private set; }

    public int Count { get; private set; }

    public readonly long LastSequence => FirstSequence + Count - 1;

    /// <summary>The whole encoded decision.</summary>
    public ReadOnlySpan<byte> Encoded { get; private set; }

    public bool Next()
    {
        if (rest.IsEmpty) return false;

        var length = BinaryPrimitives.ReadInt32LittleEndian(rest);
        Encoded = rest[..(4 + length)];
        var body = Encoded[4..];
        rest = rest[(4 + length)..];

        var kind = ReadName(ref body);
        var shop = ReadName(ref body);
        Grain = new(kind, new(shop), new Guid(body[..16]));
        FirstSequence = BinaryPrimitives.ReadInt64LittleEndian(body[16..]);
        At = new(BinaryPrimitives.ReadInt64LittleEndian(body[24..]), TimeSpan.Zero);
        Request = new Guid(body[32..48]);
        Count = BinaryPrimitives.ReadInt32LittleEndian(body[48..]);
        events = body[52..];
        return true;
    }

    /// <summary>The next event of the current decision; call <see cref="Count"/> times.</summary>
    public ReadOnlySpan<byte> NextEvent(out string name)
    {
        name = ReadName(ref events);
        var length = BinaryPrimitives.ReadInt32LittleEndian(events);
        var json = events.Slice(4, length);
        events = events[(4 + length)..];
        return json;
    }

    // Kinds, shops and event names repeat millions of times in a journal: a recovery must not make a string for each.
    private static string ReadName(ref ReadOnlySpan<byte> span)
    {
        var name = Names.Of(span.Slice(1, span[0]));
        span = span[(1 + span[0])..];
        return name;
    }

    private static class Names
    {
        private const int Slots = 1 << 12;
        private static readonly string?[] Known = new string?[Slots];

        public static string Of(ReadOnlySpan<byte> ascii)
        {
            var hash = new HashCode();
            hash.AddBytes(ascii);
            ref var slot = ref Known[hash.ToHashCode() & (Slots - 1)];
            var found = slot;
            if (found is not null && Ascii.Equals(ascii, found)) return found;
            return slot = Encoding.ASCII.GetString(ascii);
        }
    }
}
