using System.Text.Json;
using System.Text.Json.Serialization;

namespace Campaigns.Grains.Kernel;

/// <summary>One thing a grain owes another grain or an outside system, named by what and about what.</summary>
public readonly record struct Debt(string What, Guid About);

/// <summary>A message that pays a debt: to whom, and what is asked.</summary>
public readonly record struct Owed(GrainId To, object Command);

/// <summary>How a debt was answered.</summary>
/// <param name="Reply">what the receiver replied, or null if it refused</param>
/// <param name="Refusal">why it refused; a refusal is an answer too and settles the debt one way or another</param>
public readonly record struct Receipt(object? Reply, Refusal? Refusal)
{
    /// <summary>What came back, as who asked wants it. An answer of another type than the contract says is a bug: <c>Faulted</c>.</summary>
    public Outcome<TReply> As<TReply>() =>
        Refusal is not null ? Refusal
        : Reply is TReply reply ? new Outcome<TReply>(reply, null)
        : Kernel.Refusal.Of(GrainRefusal.Faulted);
}

/// <summary>
/// Everything a grain still owes (law 5). Part of its state: <c>Evolve</c> adds and settles, a replay finds the same debts, and the
/// runtime sends what is open until the answer is recorded.
/// </summary>
/// <remarks>Owned by one state and changed in place: a campaign can owe 100,000 messages at once, and copying a set for each would be quadratic.</remarks>
[JsonConverter(typeof(DebtsJson))]
public sealed class Debts
{
    // Made with the first debt: most grains in memory owe nothing to anybody.
    private Dictionary<Debt, long>? open;
    private Queue<(Debt Debt, long Number)>? fresh;
    private long next;

    public int Count => open?.Count ?? 0;

    /// <summary>Open debts, oldest first.</summary>
    public IEnumerable<Debt> Open => open is null ? [] : open.OrderBy(o => o.Value).Select(o => o.Key);

    public bool Contains(string what, Guid about) => open?.ContainsKey(new(what, about)) == true;

    public Debts Owe(string what, Guid about)
    {
        var debt = new Debt(what, about);
        if ((open ??= []).TryAdd(debt, next)) (fresh ??= new()).Enqueue((debt, next++));
        return this;
    }

    public Debts Settle(string what, Guid about)
    {
        open?.Remove(new(what, about));
        return this;
    }

    /// <summary>The next debt that the runtime has not seen yet and that is still open.</summary>
    public bool TryTakeFresh(out Debt debt)
    {
        // One that was settled and is owed again stands where it was owed again: its first place may be before debts that must be paid first.
        while (fresh?.TryDequeue(out var owed) == true)
        {
            debt = owed.Debt;
            if (open!.TryGetValue(debt, out var number) && number == owed.Number) return true;
        }

        debt = default;
        return false;
    }
}

public sealed class DebtsJson : JsonConverter<Debts>
{
    public override Debts Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var debts = new Debts();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var what = reader.GetString()!;
            reader.Read();
            debts.Owe(what, Guid.ParseExact(reader.GetString()!, "N"));
        }

        return debts;
    }

    public override void Write(Utf8JsonWriter writer, Debts value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var debt in value.Open)
        {
            writer.WriteStringValue(debt.What);
            writer.WriteStringValue(debt.About.ToString("N"));
        }

        writer.WriteEndArray();
    }
}
