using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;

namespace Campaigns.Tests.Kit.Counters;

internal sealed record Add(int Amount, Guid Request = default) : ICommand<CounterView>, IOnce;

internal sealed record GetCounter : ICommand<CounterView>;

/// <summary>Takes from this counter and owes it to another one, or to any other kind of address; answered when that has answered.</summary>
internal sealed record Pay(Guid Payment, GrainId To, int Amount) : ICommand<CounterView>;

/// <summary>Many payments in one decision, answered at once.</summary>
internal sealed record PayMany(GrainId To, int Count) : ICommand<CounterView>;

internal sealed record ReceivePayment(Guid Payment, int Amount) : ICommand<CounterView>;

/// <summary>At that time 100 is added, once.</summary>
internal sealed record RingAt(DateTimeOffset Time, int Times = 1) : ICommand<CounterView>;

internal sealed record DrawChance : ICommand<CounterView>;

/// <summary>A bug in a rule.</summary>
internal sealed record Break : ICommand<CounterView>;

/// <summary>Adds, but the answer is a bug.</summary>
internal sealed record AddAndBreakAnswer(int Amount) : ICommand<CounterView>;

/// <summary>The first event is fine; applying the second is a bug, when the first is already written.</summary>
internal sealed record BreakHalfway : ICommand<CounterView>;

internal sealed record CloseCounter : ICommand<CounterView>;

internal sealed record CounterView(long Total, long Sequence, int Rings = 0, int Drawn = 0);

internal enum CounterRefusal
{
    [Refuses(RefusalKind.Missing, "没有", "Nothing was ever added.")]
    Empty = 1,

    [Refuses(RefusalKind.State, "已关闭", "It is closed.")]
    Closed = 2,
}

internal abstract record CounterEvent;

[Stored("counter-added")]
internal sealed record Added(int Amount) : CounterEvent;

[Stored("counter-owed")]
internal sealed record PaymentOwed(Guid Payment, string Kind, string Shop, Guid To, int Amount) : CounterEvent;

[Stored("counter-paid")]
internal sealed record PaymentSettled(Guid Payment, bool Taken) : CounterEvent;

[Stored("counter-taken")]
internal sealed record PaymentTaken(Guid Payment, int Amount) : CounterEvent;

[Stored("counter-ring-set")]
internal sealed record RingSet(DateTimeOffset Time, int Times) : CounterEvent;

[Stored("counter-rang")]
internal sealed record Rang : CounterEvent;

[Stored("counter-drawn")]
internal sealed record Drawn(int Number) : CounterEvent;

[Stored("counter-poison")]
internal sealed record Poison : CounterEvent;

[Stored("counter-closed")]
internal sealed record CounterClosed : CounterEvent;

internal sealed record PaymentOpen(string Kind, string Shop, Guid To, int Amount);

internal sealed class CounterState
{
    public long Total { get; set; }

    public long Facts { get; set; }

    public int Rings { get; set; }

    public int Drawn { get; set; }

    public bool Closed { get; set; }

    public DateTimeOffset? RingAt { get; set; }

    public int RingsLeft { get; set; }

    public Debts Debts { get; set; } = new();

    public Dictionary<Guid, PaymentOpen> Open { get; set; } = [];

    public HashSet<Guid> Sent { get; set; } = [];

    public HashSet<Guid> Received { get; set; } = [];
}

[JsonSerializable(typeof(CounterState))]
[JsonSerializable(typeof(Added))]
[JsonSerializable(typeof(PaymentOwed))]
[JsonSerializable(typeof(PaymentSettled))]
[JsonSerializable(typeof(PaymentTaken))]
[JsonSerializable(typeof(RingSet))]
[JsonSerializable(typeof(Rang))]
[JsonSerializable(typeof(Drawn))]
[JsonSerializable(typeof(Poison))]
[JsonSerializable(typeof(CounterClosed))]
internal sealed partial class CounterJson : JsonSerializerContext;

/// <summary>The smallest grain that uses everything an engine offers: repeats, debts, late answers, deadlines, chance, live events, bugs.</summary>
internal sealed class CounterGrain() : GrainDefinition<CounterState, CounterEvent>(CounterJson.Default)
{
    public const string Name = "counter";

    private const string Payment = "payment";

    public override string Kind => Name;

    /// <summary>While set, building a message is a bug.</summary>
    public bool MessagesAreBroken { get; set; }

    /// <summary>The thread that decided last.</summary>
    public volatile int DecidedOn;

    public static GrainId Id(int number, string shop = "demo") => new(Name, new(shop), Ids.Derive("counter", number.ToString()));

    public override bool Draws(object command) => command is DrawChance;

    public override Decision<CounterEvent> Decide(CounterState state, object command, in Turn turn)
    {
        DecidedOn = Environment.CurrentManagedThreadId;
        return DecideOf(state, command, turn);
    }

    private static Decision<CounterEvent> DecideOf(CounterState state, object command, in Turn turn) => command switch
    {
        GetCounter => Decision<CounterEvent>.Nothing,
        Wake => state.RingAt <= turn.Now ? new Rang() : Decision<CounterEvent>.Nothing,
        Break => throw new UnreachableException("A bug, on purpose."),
        CloseCounter => new CounterClosed(),
        ReceivePayment c when state.Received.Contains(c.Payment) => Decision<CounterEvent>.Nothing,
        _ when state.Closed => CounterRefusal.Closed,
        Add c => new Added(c.Amount),
        AddAndBreakAnswer c => new Added(c.Amount),
        BreakHalfway => new CounterEvent[] { new Added(1), new Poison() },
        Pay c => state.Sent.Contains(c.Payment) ? Decision<CounterEvent>.Nothing : Owe(c.Payment, c.To, c.Amount),
        PayMany c => Enumerable.Range(1, c.Count).Select(i => (CounterEvent)Owe(PaymentNumber(i), c.To, i)).ToArray(),
        ReceivePayment c => new PaymentTaken(c.Payment, c.Amount),
        RingAt c => new RingSet(c.Time, c.Times),
        DrawChance => new Drawn(BitConverter.ToInt32(turn.Chance.Span)),
        _ => throw Unknown(command),
    };

    public static Guid PaymentNumber(int number) => new(number, 0, 0, new byte[8]);

    public override CounterState Evolve(CounterState state, CounterEvent @event)
    {
        state.Facts++;
        switch (@event)
        {
            case Added e:
                state.Total += e.Amount;
                break;
            case PaymentOwed e:
                state.Total -= e.Amount;
                state.Sent.Add(e.Payment);
                state.Open.Add(e.Payment, new(e.Kind, e.Shop, e.To, e.Amount));
                state.Debts.Owe(Payment, e.Payment);
                break;
            case PaymentSettled e:
                if (!e.Taken) state.Total += state.Open[e.Payment].Amount;
                state.Open.Remove(e.Payment);
                state.Debts.Settle(Payment, e.Payment);
                break;
            case PaymentTaken e:
                state.Total += e.Amount;
                state.Received.Add(e.Payment);
                break;
            case RingSet e:
                state.RingAt = e.Time;
                state.RingsLeft = e.Times;
                break;
            case Rang:
                state.Total += 100;
                state.Rings++;
                state.RingAt = --state.RingsLeft > 0 ? state.RingAt!.Value.AddSeconds(1) : null;
                break;
            case Drawn e:
                state.Drawn = e.Number;
                break;
            case CounterClosed:
                state.Closed = true;
                break;
            default:
                throw Unknown(@event);
        }

        return state;
    }

    public override Answer Answer(CounterState state, object command, in Turn turn) => command switch
    {
        Pay c when state.Open.ContainsKey(c.Payment) => Grains.Kernel.Answer.Later,
        AddAndBreakAnswer => throw new UnreachableException("A bug, on purpose."),
        GetCounter when state.Facts == 0 => CounterRefusal.Empty,
        _ => Grains.Kernel.Answer.Of(new CounterView(state.Total, state.Facts, state.Rings, state.Drawn)),
    };

    public override DateTimeOffset? Deadline(CounterState state) => state.RingAt;

    public override Debts Owes(CounterState state) => state.Debts;

    public override Owed Message(CounterState state, Debt debt, GrainId self)
    {
        if (MessagesAreBroken) throw new UnreachableException("A bug, on purpose.");
        var open = state.Open[debt.About];
        return new(new(open.Kind, new(open.Shop), open.To), new ReceivePayment(debt.About, open.Amount));
    }

    public override Decision<CounterEvent> Settle(CounterState state, Debt debt, in Receipt receipt, in Turn turn) =>
        new PaymentSettled(debt.About, receipt.Refusal is null);

    public override (string Name, object Data)? Live(CounterState state, CounterEvent @event) => @event switch
    {
        Added e => ("added", e),
        PaymentTaken e => ("taken", e),
        Rang e => ("rang", e),
        _ => null,
    };

    private static PaymentOwed Owe(Guid payment, GrainId to, int amount) => new(payment, to.Kind, to.Shop.Value, to.Key, amount);
}
