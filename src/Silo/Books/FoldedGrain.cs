using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Silo.Books;

/// <summary>One grain of a <see cref="FoldedJournal"/>: its state fact by fact, so that it can be compared with a snapshot that lies in the middle of a decision.</summary>
internal sealed class FoldedGrain(GrainId id, GrainDefinition definition, GrainRecord stored)
{
    // When a wake-up changes nothing or the next one is due as well, the engine stores the state to be woken a minute later.
    private static readonly TimeSpan WakeLatenessMax = TimeSpan.FromMinutes(1) + TimeSpan.FromMilliseconds(1);

    private Queue<Guid>? requests;
    private Dictionary<Debt, DateTimeOffset>? made;
    private ReadOnlyMemory<byte>? snapshot = stored.State;
    private DateTimeOffset at;

    public GrainDefinition Definition { get; } = definition;

    public object State { get; private set; } = definition.NewState();

    public long Sequence { get; private set; }

    /// <summary>How many facts its stored snapshot includes, 0 without one.</summary>
    public long SnapshotSequence { get; } = stored.Sequence;

    /// <summary>True once a fact is missing or unreadable: what comes after it cannot be applied.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Open debts and when they were made.</summary>
    public IEnumerable<(Debt Debt, DateTimeOffset At)> Debts => (Definition.OwedBy(State)?.Open ?? []).Select(d => (d, made?.GetValueOrDefault(d, at) ?? at));

    /// <returns>the number of facts applied</returns>
    public int Apply(ref DecisionReader decision, long position, BookFindings findings, ref int compared)
    {
        if (decision.FirstSequence != Sequence + 1)
        {
            var next = Sequence + 1;
            return Break(findings, decision.FirstSequence < next ? $"flush {position} holds its facts from {decision.FirstSequence} on once more; the next is {next}" : $"its facts {next} to {decision.FirstSequence - 1} are missing: flush {position} goes on with {decision.FirstSequence}");
        }

        at = decision.At;
        for (var i = 0; i < decision.Count; i++)
        {
            var json = decision.NextEvent(out var name);
            try
            {
                State = Definition.EvolveAny(State, Definition.ReadEvent(name, json));
            }
            catch (Exception damage)
            {
                return i + Break(findings, $"its fact {Sequence + 1} ('{name}', flush {position}) cannot be applied: {damage.Message}");
            }

            Sequence++;
            NoteDebts();

            // A decision with a request id is a header of its own, so a snapshot in the middle never includes the id.
            if (i == decision.Count - 1) Remember(decision.Request);
            if (Sequence == SnapshotSequence)
            {
                compared++;
                foreach (var wrong in WrongWithSnapshot()) findings.Add(id.ToString(), wrong);
                snapshot = null;
            }
        }

        return decision.Count;
    }

    private int Break(BookFindings findings, string what)
    {
        IsBroken = true;
        findings.Add(id.ToString(), what);
        return 0;
    }

    private void Remember(Guid request)
    {
        if (request == Guid.Empty) return;
        requests ??= new();
        requests.Enqueue(request);
        if (requests.Count > Cell.RequestsRemembered) requests.Dequeue();
    }

    private void NoteDebts()
    {
        if (Definition.OwedBy(State) is not { } debts) return;
        while (debts.TryTakeFresh(out var debt)) (made ??= [])[debt] = at;
        if (made is null || made.Count < 16 || made.Count < 2 * debts.Count) return;
        foreach (var settled in made.Keys.Where(d => !debts.Contains(d.What, d.About)).ToList()) made.Remove(settled);
    }

    private IEnumerable<string> WrongWithSnapshot()
    {
        var owes = Definition.OwedBy(State) is { Count: > 0 };
        var (deadline, wake) = (Definition.DeadlineOf(State), stored.WakeAt);
        if (owes && wake != Snapshot.AtOnce) yield return $"its snapshot at fact {Sequence} owes something and is to be woken {At(wake)} instead of at once";
        if (!owes && deadline is { } due && (wake is null || wake > (due > at ? due : at) + WakeLatenessMax)) yield return $"its snapshot at fact {Sequence} has its deadline at {due:O} and is to be woken {At(wake)}";

        if (snapshot is { } state)
        {
            foreach (var wrong in WrongWith(state)) yield return wrong;
        }
        else if (!Definition.IsForgotten(State))
        {
            yield return $"its snapshot at fact {Sequence} is empty, and its state is not to be forgotten";
        }
    }

    private IEnumerable<string> WrongWith(ReadOnlyMemory<byte> state)
    {
        string? wrong;
        try
        {
            wrong = Difference(state.Span) is { } difference ? $"its snapshot at fact {Sequence} is not what its facts make: {difference}" : null;
        }
        catch (Exception damage)
        {
            wrong = $"its snapshot at fact {Sequence} cannot be read: {damage.Message}";
        }

        return wrong is null ? [] : [wrong];
    }

    private string? Difference(ReadOnlySpan<byte> stored)
    {
        var count = BinaryPrimitives.ReadInt32LittleEndian(stored);
        var remembered = requests?.ToArray() ?? [];
        var same = count == remembered.Length;
        for (var i = 0; same && i < count; i++) same = new Guid(stored.Slice(4 + (16 * i), 16)) == remembered[i];
        if (!same) return $"it remembers {count} requests, and its facts carry {remembered.Length}, or others";

        // Read and written again: what an older version stored has other fields and the same meaning.
        var there = Written(Definition.ReadState(stored[(4 + (16 * count))..]));
        var here = Written(State);
        if (there.AsSpan().SequenceEqual(here)) return null;
        using var left = JsonDocument.Parse(there);
        using var right = JsonDocument.Parse(here);
        return StateDifference.Between(left.RootElement, right.RootElement);
    }

    private byte[] Written(object state)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true })) Definition.WriteState(writer, state);
        return buffer.WrittenSpan.ToArray();
    }

    private static string At(DateTimeOffset? wake) => wake is { } time ? $"at {time:O}" : "never";
}
