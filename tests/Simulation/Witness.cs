using System.Text.Json;
using Campaigns.Grains.Kernel;

namespace Campaigns.Simulation;

/// <summary>
/// A mechanic with somebody who watches: the same rules and the same state, and beside them how many facts the state has seen. So it can be
/// told, whenever an answer, a refusal or a message leaves the engine, which facts it shows, and whether those are durable (law 3). Live
/// events are not played.
/// </summary>
internal sealed class Witness(GrainDefinition inner, Evidence evidence) : GrainDefinition
{
    public override string Kind => inner.Kind;

    internal override IEnumerable<string> EventNames => inner.EventNames;

    public override bool Draws(object command) => inner.Draws(command);

    internal override object NewState() => new Seen(inner.NewState());

    internal override object? DecideAny(object state, object command, in Turn turn)
    {
        evidence.Arrived(command);
        var decided = inner.DecideAny(((Seen)state).State, command, turn);
        if (decided is Refusal) evidence.Answered(command, turn.Self, ((Seen)state).Facts);
        return decided;
    }

    internal override object? SettleAny(object state, Debt debt, in Receipt receipt, in Turn turn)
    {
        if (receipt.Refusal?.Kind is not (RefusalKind.Busy or RefusalKind.Fault)) evidence.Settled(turn.Self, debt);
        return inner.SettleAny(((Seen)state).State, debt, receipt, turn);
    }

    internal override object EvolveAny(object state, object @event)
    {
        var seen = (Seen)state;
        seen.State = inner.EvolveAny(seen.State, @event);
        seen.Facts++;
        return seen;
    }

    internal override Answer AnswerAny(object state, object command, in Turn turn)
    {
        evidence.Answered(command, turn.Self, ((Seen)state).Facts);
        return inner.AnswerAny(((Seen)state).State, command, turn);
    }

    internal override DateTimeOffset? DeadlineOf(object state) => inner.DeadlineOf(((Seen)state).State);

    internal override Debts? OwedBy(object state) => inner.OwedBy(((Seen)state).State);

    internal override Owed MessageFor(object state, Debt debt, GrainId self)
    {
        var message = inner.MessageFor(((Seen)state).State, debt, self);
        evidence.Sent(message.Command, self, debt, ((Seen)state).Facts);
        return message;
    }

    internal override (string Name, object Data)? LiveOf(object state, object @event) => inner.LiveOf(((Seen)state).State, @event);

    internal override bool IsForgotten(object state) => inner.IsForgotten(((Seen)state).State);

    internal override string NameOf(object @event) => inner.NameOf(@event);

    internal override void WriteEvent(Utf8JsonWriter writer, object @event) => inner.WriteEvent(writer, @event);

    internal override Type TypeOf(string name) => inner.TypeOf(name);

    internal override object ReadEvent(string name, ReadOnlySpan<byte> json) => inner.ReadEvent(name, json);

    internal override void WriteState(Utf8JsonWriter writer, object state)
    {
        writer.WriteStartObject();
        writer.WriteNumber("facts", ((Seen)state).Facts);
        writer.WritePropertyName("state");
        inner.WriteState(writer, ((Seen)state).State);
        writer.WriteEndObject();
    }

    internal override object ReadState(ReadOnlySpan<byte> json)
    {
        var facts = Open(json, out var state);
        return new Seen(inner.ReadState(state)) { Facts = facts };
    }

    /// <summary>Takes a stored state apart: what the mechanic wrote, and how many facts it had seen.</summary>
    public static long Open(ReadOnlySpan<byte> json, out ReadOnlySpan<byte> state)
    {
        var reader = new Utf8JsonReader(json);
        for (var i = 0; i < 3; i++) reader.Read();
        var facts = reader.GetInt64();
        for (var i = 0; i < 2; i++) reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        state = json[start..(int)reader.BytesConsumed];
        return facts;
    }

    private sealed class Seen(object state)
    {
        public object State { get; set; } = state;

        public long Facts { get; set; }
    }
}

/// <summary>Which facts each answer and each message shows. Everything is checked against the disk when it arrives, never when it is made.</summary>
internal sealed class Evidence(World world)
{
    private readonly Dictionary<object, Shown> answers = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<object, Shown> messages = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<(GrainId Debtor, Debt Debt), object> newest = [];

    /// <summary>The same command sent once more: what each copy was answered is remembered apart.</summary>
    public static TCommand CopyOf<TCommand>(TCommand command)
        where TCommand : class => (TCommand)command.GetType().GetMethod("<Clone>$")!.Invoke(command, null)!;

    public void Answered(object command, GrainId by, long facts) => answers[command] = new(by, facts);

    public void Sent(object command, GrainId by, Debt debt, long facts)
    {
        messages[command] = new(by, facts);
        newest[(by, debt)] = command;
    }

    /// <summary>A message reaches its receiver, inside or outside the runtime.</summary>
    public void Arrived(object command)
    {
        if (messages.TryGetValue(command, out var shown)) Check(shown, $"The message {command.GetType().Name}");
    }

    /// <summary>The answer to a debt reaches the debtor.</summary>
    public void Settled(GrainId debtor, Debt debt)
    {
        if (newest.TryGetValue((debtor, debt), out var command) && answers.TryGetValue(command, out var shown)) Check(shown, $"The answer to {command.GetType().Name}");
    }

    /// <summary>The answer to a command reaches whoever asked.</summary>
    public void Told(object command)
    {
        if (answers.TryGetValue(command, out var shown)) Check(shown, $"The answer to {command.GetType().Name}");
    }

    private void Check(Shown shown, string what)
    {
        var durable = world.Disk.SequenceOf(shown.By);
        if (durable < shown.Facts) world.Violated($"{what} shows {shown.Facts} facts of {shown.By}, but only {durable} are durable (law 3).");
    }

    private readonly record struct Shown(GrainId By, long Facts);
}
