using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Silo;

/// <summary>
/// One activated grain: its state, its place in the journal, and the request ids it remembers. Both engines run this and add only where
/// it lives and that its turns do not overlap.
/// </summary>
public sealed class Cell
{
    /// <summary>How many request ids of <see cref="IOnce"/> commands are remembered; a repeat older than that many others counts as new.</summary>
    public const int RequestsRemembered = 128;

    private Queue<Guid>? requests;

    private Cell(GrainId id, GrainDefinition definition)
    {
        Id = id;
        Definition = definition;
        State = definition.NewState();
    }

    public GrainId Id { get; }

    public GrainDefinition Definition { get; }

    /// <summary>The number of facts this grain has recorded.</summary>
    public long Sequence { get; private set; }

    internal object State { get; private set; }

    public static Cell Restore(GrainId id, GrainDefinition definition, GrainRecord record)
    {
        var cell = new Cell(id, definition);
        if (record.State is { } state) cell.ReadSnapshot(state.Span);
        cell.Sequence = record.Sequence;
        foreach (var decision in record.Tail)
        {
            var reader = new DecisionReader(decision.Span);
            reader.Next();
            cell.Replay(ref reader);
        }

        return cell;
    }

    /// <summary>Applies what the state does not include yet of the reader's current decision.</summary>
    public void Replay(ref DecisionReader decision)
    {
        if (decision.LastSequence <= Sequence) return;
        if (decision.FirstSequence > Sequence + 1)
            throw new InvalidDataException($"The journal of {Id} jumps from {Sequence} to {decision.FirstSequence}: it is damaged.");

        for (var sequence = decision.FirstSequence; sequence <= decision.LastSequence; sequence++)
        {
            // A snapshot may lie in the middle: facts decided right after it at the same moment share the header of those before it.
            var json = decision.NextEvent(out var name);
            if (sequence > Sequence) State = Definition.EvolveAny(State, Definition.ReadEvent(name, json));
        }

        Sequence = decision.LastSequence;
        Remember(decision.Request);
    }

    /// <summary>Decides a command, applies what was decided and adds it to <paramref name="batch"/>. The state is ahead of the disk until the batch is flushed.</summary>
    public Decided Handle(object command, in Turn turn, Batch batch)
    {
        var request = command is IOnce once ? once.Request : Guid.Empty;
        if (request != Guid.Empty && requests?.Contains(request) == true) return default;

        return Record(Definition.DecideAny(State, command, turn), request, turn, batch);
    }

    /// <summary>Decides what the answer to a debt means.</summary>
    public Decided Settle(Debt debt, in Receipt receipt, in Turn turn, Batch batch) =>
        Record(Definition.SettleAny(State, debt, receipt, turn), Guid.Empty, turn, batch);

    public Answer Answer(object command, in Turn turn) => command is Wake ? Grains.Kernel.Answer.Of(Done.Instance) : Definition.AnswerAny(State, command, turn);

    /// <summary>Lets go of the state: nobody asks this cell again, and who still refers to it, such as a timer or the sweep, must not keep it in memory.</summary>
    public void Forget() => (State, requests) = (null!, null);

    public Snapshot Snapshot()
    {
        var owes = Definition.OwedBy(State) is { Count: > 0 };
        return new(Id, Sequence, owes ? Journal.Snapshot.AtOnce : Definition.DeadlineOf(State), Definition.IsForgotten(State) ? null : WriteSnapshot());
    }

    private Decided Record(object? outcome, Guid request, in Turn turn, Batch batch)
    {
        switch (outcome)
        {
            case null:
            case Array { Length: 0 }:
                return default;
            case Refusal refusal:
                return new(refusal, null);
        }

        var events = outcome as object[];
        var count = events?.Length ?? 1;
        var writer = batch.Decisions;
        var goesOn = request == Guid.Empty && batch.EndsWith(Id, Sequence) && writer.TryGoOn(turn.Now, count);
        if (!goesOn) writer.Begin(Id, Sequence + 1, turn.Now, request, count);
        batch.IsBroken = true;
        for (var i = 0; i < count; i++)
        {
            var @event = events is null ? outcome : events[i];
            State = Definition.EvolveAny(State, @event);
            writer.Add(Definition, @event);
        }

        batch.IsBroken = false;

        var (offset, length) = writer.End();
        if (goesOn) batch.Entries[^1] = batch.Entries[^1] with { Events = batch.Entries[^1].Events + count, Length = length };
        else batch.Entries.Add(new(Id, Sequence + 1, count, offset, length));
        Sequence += count;
        Remember(request);
        return new(null, outcome);
    }

    private void Remember(Guid request)
    {
        if (request == Guid.Empty) return;
        requests ??= new();
        requests.Enqueue(request);
        if (requests.Count > RequestsRemembered) requests.Dequeue();
    }

    private byte[] WriteSnapshot()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(4), requests?.Count ?? 0);
        buffer.Advance(4);
        foreach (var request in requests ?? [])
        {
            request.TryWriteBytes(buffer.GetSpan(16));
            buffer.Advance(16);
        }

        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true })) Definition.WriteState(writer, State);
        return buffer.WrittenSpan.ToArray();
    }

    private void ReadSnapshot(ReadOnlySpan<byte> snapshot)
    {
        var count = BinaryPrimitives.ReadInt32LittleEndian(snapshot);
        for (var i = 0; i < count; i++) Remember(new Guid(snapshot.Slice(4 + 16 * i, 16)));
        State = Definition.ReadState(snapshot[(4 + 16 * count)..]);
    }
}

/// <summary>What a cell decided: a refusal, or events (one event or an array), or nothing.</summary>
public readonly record struct Decided(Refusal? Refusal, object? Events)
{
    public bool Changed => Events is not null;
}
