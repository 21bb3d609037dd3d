namespace Campaigns.Grains.Kernel;

/// <summary>What a grain decides about one command: facts to record, nothing new, or a refusal.</summary>
/// <remarks>Implicit conversions let a rule say just <c>return new PriceCut(…)</c> or <c>return DailyAssistCapReached</c>.</remarks>
public readonly struct Decision<TEvent>
    where TEvent : class
{
    /// <summary>The command changes nothing: a repeat, or a timer that no longer matters.</summary>
    public static readonly Decision<TEvent> Nothing;

    private readonly object? outcome;

    private Decision(object outcome) => this.outcome = outcome;

    public Refusal? Refusal => outcome as Refusal;

    public ReadOnlySpan<TEvent> Events => outcome switch
    {
        TEvent[] many => many,
        TEvent one => new[] { one },
        _ => [],
    };

    /// <summary>The same decision with its types forgotten, for the runtime.</summary>
    internal object? Raw => outcome;

    public static implicit operator Decision<TEvent>(TEvent @event) => new(@event);

    public static implicit operator Decision<TEvent>(TEvent[] events) => new(events);

    public static implicit operator Decision<TEvent>(Refusal refusal) => new(refusal);

    public static implicit operator Decision<TEvent>(Enum refusal) => new(Refusal.Of(refusal));
}

/// <summary>What a grain answers, read from its state after the decision.</summary>
public readonly struct Answer
{
    private Answer(object? value, Refusal? refusal, bool isLater)
    {
        Value = value;
        Refusal = refusal;
        IsLater = isLater;
    }

    /// <summary>The state cannot tell yet: something owed has to be settled first. The caller waits; the runtime asks again after each change.</summary>
    public static Answer Later { get; } = new(null, null, isLater: true);

    public object? Value { get; }

    public Refusal? Refusal { get; }

    public bool IsLater { get; }

    public static Answer Of(object value) => new(value, null, isLater: false);

    public static implicit operator Answer(Refusal refusal) => new(null, refusal, isLater: false);

    public static implicit operator Answer(Enum refusal) => new(null, Refusal.Of(refusal), isLater: false);
}

/// <summary>What came back: a reply or a refusal, never both.</summary>
public readonly record struct Outcome<TReply>(TReply? Reply, Refusal? Refusal)
{
    public bool IsAccepted => Refusal is null;

    public static implicit operator Outcome<TReply>(Refusal refusal) => new(default, refusal);
}

/// <summary>The reply of a command that has nothing to tell but that it is done.</summary>
public sealed record Done
{
    public static readonly Done Instance = new();
}
