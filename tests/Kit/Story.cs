using System.Text;
using System.Text.Json;
using Campaigns.Grains.Kernel;

namespace Campaigns.Tests.Kit;

/// <summary>
/// A rule test as a story: given facts, when a command, then events, a refusal or nothing. It runs the same shell the engines run.
/// <code>new Story&lt;StockState, StockEvent&gt;(new StockGrain()).Given(opened).When(new ChangeStock(…)).Then(new StockChanged(…));</code>
/// </summary>
internal sealed class Story<TState, TEvent>(GrainDefinition<TState, TEvent> definition)
    where TState : class, new()
    where TEvent : class
{
    /// <summary>The moment a story starts at unless it says otherwise: a Friday, 20:00 in Shanghai.</summary>
    public static readonly DateTimeOffset Start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly byte[] FixedChance = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();

    private DateTimeOffset now = Start;
    private object command = Wake.Instance;
    private Decision<TEvent> decision;

    public TState State { get; private set; } = new();

    /// <summary>The grain the story is about.</summary>
    public GrainId Self { get; init; } = new(definition.Kind, new ShopId("demo"), Guid.Parse("01890000-0000-7000-8000-000000000001"));

    public DateTimeOffset? Deadline => definition.Deadline(State);

    public IReadOnlyList<Debt> Debts => definition.Owes(State)?.Open.ToList() ?? [];

    /// <summary>The message that pays the one open debt named <paramref name="what"/>.</summary>
    public Owed Message(string what) => definition.Message(State, Debts.Single(d => d.What == what), Self);

    public Story<TState, TEvent> Given(params TEvent[] facts)
    {
        foreach (var fact in facts) State = definition.Evolve(State, FromJournal(fact));
        return this;
    }

    public Story<TState, TEvent> At(DateTimeOffset time)
    {
        now = time;
        return this;
    }

    public Story<TState, TEvent> After(TimeSpan span) => At(now + span);

    public Story<TState, TEvent> When(object what)
    {
        command = what;
        decision = definition.Decide(State, what, new Turn(Self, now, definition.Draws(what) ? FixedChance : default));
        return Apply();
    }

    /// <summary>The one open debt named <paramref name="what"/> is answered with a reply.</summary>
    public Story<TState, TEvent> WhenSettled(string what, object reply) => WhenSettled(what, new Receipt(reply, null));

    /// <summary>The one open debt named <paramref name="what"/> is answered with a refusal.</summary>
    public Story<TState, TEvent> WhenRefused(string what, Enum refusal) => WhenSettled(what, new Receipt(null, Refusal.Of(refusal)));

    public Story<TState, TEvent> Then(params TEvent[] expected)
    {
        Assert.Null(decision.Refusal);
        Assert.Equal(expected.Select(Print), decision.Events.ToArray().Select(Print));
        return this;
    }

    /// <summary>Exactly one event of this type; its content is checked by <paramref name="check"/>.</summary>
    public Story<TState, TEvent> ThenOne<TOne>(Action<TOne>? check = null)
        where TOne : TEvent
    {
        Assert.Null(decision.Refusal);
        var one = Assert.Single(decision.Events.ToArray().OfType<TOne>());
        check?.Invoke(one);
        return this;
    }

    public Story<TState, TEvent> ThenNothing() => Then();

    public Story<TState, TEvent> ThenRefused(Enum code, Action<Refusal>? check = null)
    {
        Assert.Equal(code.ToString(), decision.Refusal?.Code);
        Assert.All(decision.Refusal!.Findings ?? [], f => Assert.All((string[])[f.RuleId, f.Field, f.Message], Assert.NotEmpty));
        Assert.Empty(decision.Events.ToArray());
        check?.Invoke(decision.Refusal);
        return this;
    }

    /// <summary>What the state answers to the last command now.</summary>
    public Answer Answer() => definition.Answer(State, command, new Turn(Self, now));

    public Answer Answer(object question) => definition.Answer(State, question, new Turn(Self, now));

    /// <summary>The same command once more: law 4 says it adds nothing.</summary>
    public Story<TState, TEvent> ThenAgainNothing() => When(command).ThenNothing();

    /// <summary>What an answer to a debt decides, whether it is open or not, as an engine asks it. Changes nothing.</summary>
    public Decision<TEvent> Settle(Debt debt, Receipt receipt) => definition.SettleAny(State, debt, receipt, new Turn(Self, now)) switch
    {
        null => Decision<TEvent>.Nothing,
        TEvent one => one,
        var many => (TEvent[])many,
    };

    /// <summary>The state written as a snapshot and read back is the same state.</summary>
    public Story<TState, TEvent> ThenSurvivesSnapshot()
    {
        var stored = Write(definition.WriteState, State);
        State = (TState)definition.ReadState(stored);
        Assert.Equal(Encoding.UTF8.GetString(stored), Encoding.UTF8.GetString(Write(definition.WriteState, State)));
        return this;
    }

    private static byte[] Write(Action<Utf8JsonWriter, object> write, object value)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) write(writer, value);
        return stream.ToArray();
    }

    private Story<TState, TEvent> WhenSettled(string what, Receipt receipt)
    {
        decision = Settle(Debts.Single(d => d.What == what), receipt);
        return Apply();
    }

    private Story<TState, TEvent> Apply()
    {
        foreach (var fact in decision.Events) State = definition.Evolve(State, FromJournal(fact));
        return this;
    }

    // Every fact goes through the journal's form, so that no story can pass with a fact that a restart would lose a part of.
    private TEvent FromJournal(TEvent fact)
    {
        var read = (TEvent)definition.ReadEvent(definition.NameOf(fact), Write(definition.WriteEvent, fact));
        Assert.Equal(Print(fact), Print(read));
        return read;
    }

    private string Print(TEvent @event) => definition.NameOf(@event) + Encoding.UTF8.GetString(Write(definition.WriteEvent, @event));
}
