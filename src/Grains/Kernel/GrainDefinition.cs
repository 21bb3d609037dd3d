using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Campaigns.Grains.Kernel;

/// <summary>One kind of grain as the runtime sees it. Mechanics derive from <see cref="GrainDefinition{TState,TEvent}"/>.</summary>
public abstract class GrainDefinition
{
    /// <summary>The stable name of this kind, part of every stored address.</summary>
    public abstract string Kind { get; }

    internal abstract IEnumerable<string> EventNames { get; }

    /// <summary>True if this command needs 32 random bytes in its <see cref="Turn"/>.</summary>
    public virtual bool Draws(object command) => false;

    internal abstract object NewState();

    /// <returns>null (nothing), a <see cref="Refusal"/>, one event, or an array of events</returns>
    internal abstract object? DecideAny(object state, object command, in Turn turn);

    internal abstract object? SettleAny(object state, Debt debt, in Receipt receipt, in Turn turn);

    internal abstract object EvolveAny(object state, object @event);

    internal abstract Answer AnswerAny(object state, object command, in Turn turn);

    internal abstract DateTimeOffset? DeadlineOf(object state);

    internal abstract Debts? OwedBy(object state);

    internal abstract Owed MessageFor(object state, Debt debt, GrainId self);

    internal abstract (string Name, object Data)? LiveOf(object state, object @event);

    internal abstract bool IsForgotten(object state);

    internal abstract string NameOf(object @event);

    internal abstract void WriteEvent(Utf8JsonWriter writer, object @event);

    /// <exception cref="InvalidDataException">this release does not know an event of that name</exception>
    internal abstract Type TypeOf(string name);

    internal abstract object ReadEvent(string name, ReadOnlySpan<byte> json);

    internal abstract void WriteState(Utf8JsonWriter writer, object state);

    internal abstract object ReadState(ReadOnlySpan<byte> json);
}

/// <summary>
/// The shell around a mechanic's rules: which rule a command goes to, what is answered, what is owed to whom, and when to wake up.
/// Pure like the rules: both engines, the simulator and the tests run exactly this.
/// </summary>
/// <typeparam name="TState">rebuilt by folding events; may own mutable collections, because one cell owns it</typeparam>
/// <typeparam name="TEvent">the abstract record that all events of this kind derive from</typeparam>
public abstract class GrainDefinition<TState, TEvent>(JsonSerializerContext json) : GrainDefinition
    where TState : class, new()
    where TEvent : class
{
    private readonly EventNames events = new(typeof(TEvent), json);
    private readonly JsonTypeInfo<TState> stateJson = (JsonTypeInfo<TState>)(json.GetTypeInfo(typeof(TState)) ?? throw new InvalidOperationException($"{typeof(TState).Name} is not in {json.GetType().Name}."));

    internal override IEnumerable<string> EventNames => events.All;

    /// <summary>One line per command: which rule decides it. <see cref="Wake"/> comes here once the deadline has come.</summary>
    public abstract Decision<TEvent> Decide(TState state, object command, in Turn turn);

    /// <summary>Applies a fact. Never refuses, never computes policy.</summary>
    public abstract TState Evolve(TState state, TEvent @event);

    /// <summary>The answer as the state tells it, after the decision; <see cref="Answer.Later"/> while it cannot tell.</summary>
    public abstract Answer Answer(TState state, object command, in Turn turn);

    /// <summary>When the state next wants a <see cref="Wake"/>; null for never. Called after every change: O(1).</summary>
    public virtual DateTimeOffset? Deadline(TState state) => null;

    /// <summary>The debts in the state, if this kind can have any.</summary>
    public virtual Debts? Owes(TState state) => null;

    /// <summary>The message that pays <paramref name="debt"/>, built from the state at the time of sending.</summary>
    public virtual Owed Message(TState state, Debt debt, GrainId self) => throw Unknown(debt);

    /// <summary>
    /// A debt that is open was answered, and not with "busy" or a fault: decide the facts that settle it. A decision that leaves it open means
    /// "send it again later".
    /// </summary>
    public virtual Decision<TEvent> Settle(TState state, Debt debt, in Receipt receipt, in Turn turn) => throw Unknown(debt);

    /// <summary>How viewers are told of a fact, with the state just after it; null if they are not.</summary>
    public virtual (string Name, object Data)? Live(TState state, TEvent @event) => null;

    /// <summary>True when nothing of this grain needs to be remembered: its stored state is deleted.</summary>
    public virtual bool Forgotten(TState state) => false;

    protected static UnreachableException Unknown(object what) => new($"{typeof(TState).Name} does not know {what.GetType().Name}.");

    internal sealed override object NewState() => new TState();

    // A grain is also woken to send what it owes, and by deadlines that have moved since: that is nobody's rule.
    internal sealed override object? DecideAny(object state, object command, in Turn turn) =>
        command is Wake && !(Deadline((TState)state) <= turn.Now) ? null : Decide((TState)state, command, turn).Raw;

    // Neither "busy" nor a fault is an answer, and only what is owed is settled: what stays open is sent again.
    internal sealed override object? SettleAny(object state, Debt debt, in Receipt receipt, in Turn turn) =>
        receipt.Refusal?.Kind is RefusalKind.Busy or RefusalKind.Fault || Owes((TState)state)?.Contains(debt.What, debt.About) != true ? null : Settle((TState)state, debt, receipt, turn).Raw;

    internal sealed override object EvolveAny(object state, object @event) => Evolve((TState)state, (TEvent)@event);

    internal sealed override Answer AnswerAny(object state, object command, in Turn turn) => Answer((TState)state, command, turn);

    internal sealed override DateTimeOffset? DeadlineOf(object state) => Deadline((TState)state);

    internal sealed override Debts? OwedBy(object state) => Owes((TState)state);

    internal sealed override Owed MessageFor(object state, Debt debt, GrainId self) => Message((TState)state, debt, self);

    internal sealed override (string Name, object Data)? LiveOf(object state, object @event) => Live((TState)state, (TEvent)@event);

    internal sealed override bool IsForgotten(object state) => Forgotten((TState)state);

    internal sealed override string NameOf(object @event) => events.NameOf(@event);

    internal sealed override void WriteEvent(Utf8JsonWriter writer, object @event) => events.Write(writer, @event);

    internal sealed override Type TypeOf(string name) => events.TypeOf(name);

    internal sealed override object ReadEvent(string name, ReadOnlySpan<byte> json) => events.Read(name, json);

    internal sealed override void WriteState(Utf8JsonWriter writer, object state) => JsonSerializer.Serialize(writer, (TState)state, stateJson);

    internal sealed override object ReadState(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, stateJson)!;
}
