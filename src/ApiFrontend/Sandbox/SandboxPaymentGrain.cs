using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;

namespace Campaigns.ApiFrontend.Sandbox;

/// <summary>A payment as the sandbox gateway knows it. It is a grain like any other, so a delayed callback survives a crash of the product.</summary>
internal static class SandboxPayments
{
    public const string Kind = "sandbox-payment";
    public const string CallbackKind = "sandbox-callback";

    public static GrainId Of(PaymentId payment) => new(Kind, ShopId.Installation, payment.Value);

    public static string TransactionOf(PaymentId payment) => $"42{payment}"[..32];
}

/// <summary>The merchant announces a payment.</summary>
internal sealed record Announce(ShopId Shop, Money Amount, string OpenId) : ICommand<Prepaid>;

/// <summary>The shopper pays: the callback comes after a delay, so many extra times, possibly forged or with another amount.</summary>
internal sealed record PayAtSandbox(int DelaySeconds, int Repeat, bool Forge, Money? Amount) : ICommand<Done>;

/// <summary>The shopper's payment fails; there is no callback, as with the real gateway.</summary>
internal sealed record FailAtSandbox : ICommand<Done>;

/// <summary>The merchant wants no money for it any more; it may have come already.</summary>
internal sealed record CloseAtSandbox : ICommand<ClosedAtGateway>;

internal sealed record RefundAtSandbox(string RefundId, Money Amount) : ICommand<RefundedAtGateway>;

/// <summary>To the poster: send this notification.</summary>
internal sealed record PostCallback(PaymentId Payment, ShopId Shop, Money Amount, string OpenId, DateTimeOffset PaidAt, bool Forge) : ICommand<Done>;

// Stored in the journal of a developer's machine: add fields, never rename or remove them.
internal abstract record SandboxPaymentEvent;

[Stored("announced")]
internal sealed record Announced(ShopId Shop, Money Amount, string OpenId) : SandboxPaymentEvent;

[Stored("callback-planned")]
internal sealed record CallbackPlanned(Guid Id, DateTimeOffset Due, Money Amount, bool Forge, DateTimeOffset PaidAt) : SandboxPaymentEvent;

[Stored("callback-due")]
internal sealed record CallbackDue(Guid Id) : SandboxPaymentEvent;

[Stored("callback-answered")]
internal sealed record CallbackAnswered(Guid Id) : SandboxPaymentEvent;

[Stored("failed")]
internal sealed record FailedAtSandbox : SandboxPaymentEvent;

[Stored("closed")]
internal sealed record ClosedAtSandbox : SandboxPaymentEvent;

[Stored("refunded")]
internal sealed record RefundedAtSandbox(string RefundId, Money Amount) : SandboxPaymentEvent;

internal sealed record SandboxPaymentState
{
    public ShopId? Shop { get; set; }

    public Money Amount { get; set; }

    public string OpenId { get; set; } = "";

    public bool Failed { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Closed { get; set; }

    /// <summary>What the shopper has really paid; forged callbacks are not money.</summary>
    public Money Paid { get; set; }

    public IReadOnlyList<CallbackPlanned> Callbacks { get; set; } = [];

    /// <summary>Planned and not yet sent.</summary>
    public IReadOnlyList<CallbackPlanned> Planned { get; set; } = [];

    public IReadOnlyList<RefundedAtSandbox> Refunds { get; set; } = [];

    public Debts Debts { get; set; } = new();

    /// <summary>What the shopper has paid, even while nobody has been told.</summary>
    public PaidAtGateway? PaidBy(GrainId self) =>
        Callbacks.FirstOrDefault(c => !c.Forge) is { } first ? new(SandboxPayments.TransactionOf(PaymentId.Of(self.Key)), Paid, first.PaidAt) : null;
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Announced))]
[JsonSerializable(typeof(CallbackPlanned))]
[JsonSerializable(typeof(CallbackDue))]
[JsonSerializable(typeof(CallbackAnswered))]
[JsonSerializable(typeof(FailedAtSandbox))]
[JsonSerializable(typeof(ClosedAtSandbox))]
[JsonSerializable(typeof(RefundedAtSandbox))]
[JsonSerializable(typeof(SandboxPaymentState))]
internal sealed partial class SandboxPaymentJson : JsonSerializerContext;

internal sealed class SandboxPaymentGrain() : GrainDefinition<SandboxPaymentState, SandboxPaymentEvent>(SandboxPaymentJson.Default)
{
    public const int RepeatMax = 10;
    public const int CallbacksMax = 50;

    private const string Callback = "callback";

    public override string Kind => SandboxPayments.Kind;

    public override Decision<SandboxPaymentEvent> Decide(SandboxPaymentState state, object command, in Turn turn) => command switch
    {
        Announce c => state.Shop is null ? new Announced(c.Shop, c.Amount, c.OpenId) : Decision<SandboxPaymentEvent>.Nothing,
        _ when state.Shop is null => GrainRefusal.NotFound,
        PayAtSandbox c => Pay(state, c, turn.Now),
        FailAtSandbox => state.Failed || state.Paid > Money.Zero ? Decision<SandboxPaymentEvent>.Nothing : new FailedAtSandbox(),
        CloseAtSandbox => state.Closed || state.Paid > Money.Zero ? Decision<SandboxPaymentEvent>.Nothing : new ClosedAtSandbox(),
        RefundAtSandbox c => Refund(state, c),
        Wake => Due(state, turn.Now),
        _ => throw Unknown(command),
    };

    public override SandboxPaymentState Evolve(SandboxPaymentState state, SandboxPaymentEvent @event) => @event switch
    {
        Announced e => state with { Shop = e.Shop, Amount = e.Amount, OpenId = e.OpenId },
        CallbackPlanned e => state with { Callbacks = [.. state.Callbacks, e], Planned = [.. state.Planned, e], Paid = e.Forge ? state.Paid : e.Amount },
        CallbackDue e => state with { Planned = [.. state.Planned.Where(p => p.Id != e.Id)], Debts = state.Debts.Owe(Callback, e.Id) },
        CallbackAnswered e => state with { Debts = state.Debts.Settle(Callback, e.Id) },
        FailedAtSandbox => state with { Failed = true },
        ClosedAtSandbox => state with { Closed = true },
        RefundedAtSandbox e => state with { Refunds = [.. state.Refunds, e] },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    public override Answer Answer(SandboxPaymentState state, object command, in Turn turn) => command switch
    {
        Announce => Grains.Kernel.Answer.Of(state.PaidBy(turn.Self) is { } paid ? new Prepaid(null, paid) : new Prepaid($"wx{turn.Self.Key:N}")),
        CloseAtSandbox => Grains.Kernel.Answer.Of(new ClosedAtGateway(state.PaidBy(turn.Self))),
        RefundAtSandbox => Grains.Kernel.Answer.Of(new RefundedAtGateway(Grains.Order.RefundStatus.Succeeded)),
        _ => Grains.Kernel.Answer.Of(Done.Instance),
    };

    public override DateTimeOffset? Deadline(SandboxPaymentState state) => state.Planned.Count == 0 ? null : state.Planned.Min(p => p.Due);

    public override Debts Owes(SandboxPaymentState state) => state.Debts;

    public override Owed Message(SandboxPaymentState state, Debt debt, GrainId self)
    {
        var callback = state.Callbacks.Single(c => c.Id == debt.About);
        return new(new(SandboxPayments.CallbackKind, self.Shop, self.Key), new PostCallback(PaymentId.Of(self.Key), state.Shop!.Value, callback.Amount, state.OpenId, callback.PaidAt, callback.Forge));
    }

    public override Decision<SandboxPaymentEvent> Settle(SandboxPaymentState state, Debt debt, in Receipt receipt, in Turn turn) => new CallbackAnswered(debt.About);

    private static Decision<SandboxPaymentEvent> Pay(SandboxPaymentState state, PayAtSandbox command, DateTimeOffset now)
    {
        // A closed payment can still be paid here, as by a shopper whose sheet was open at that moment: late money must be playable.
        if (state.Failed) return GrainRefusal.WrongState;
        if (state.Callbacks.Count + command.Repeat >= CallbacksMax) return GrainRefusal.WrongState;

        var amount = command.Amount ?? state.Amount;
        return Enumerable.Range(0, 1 + command.Repeat)
            .Select(i => new CallbackPlanned(Ids.Derive("callback", $"{state.Callbacks.Count + i}"), now.AddSeconds(command.DelaySeconds), amount, command.Forge, now))
            .ToArray<SandboxPaymentEvent>();
    }

    private static Decision<SandboxPaymentEvent> Refund(SandboxPaymentState state, RefundAtSandbox command)
    {
        if (state.Refunds.Any(r => r.RefundId == command.RefundId)) return Decision<SandboxPaymentEvent>.Nothing;
        if (command.Amount.Fen + state.Refunds.Sum(r => r.Amount.Fen) > state.Paid.Fen) return PaymentRefusal.RefundExceedsPaid;

        return new RefundedAtSandbox(command.RefundId, command.Amount);
    }

    private static Decision<SandboxPaymentEvent> Due(SandboxPaymentState state, DateTimeOffset now) =>
        state.Planned.Where(p => p.Due <= now).Select(p => new CallbackDue(p.Id)).ToArray<SandboxPaymentEvent>();
}
