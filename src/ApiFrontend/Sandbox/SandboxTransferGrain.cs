using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Withdrawal;

namespace Campaigns.ApiFrontend.Sandbox;

/// <summary>A transfer as the sandbox gateway knows it: under way until a lever ends it. A grain, so that its callbacks survive a crash of the product.</summary>
internal static class SandboxTransfers
{
    public const string Kind = "sandbox-transfer";

    public static GrainId Of(WithdrawalId withdrawal) => new(Kind, ShopId.Installation, withdrawal.Value);
}

/// <summary>The merchant asks for a transfer, or how it stands.</summary>
internal sealed record TransferAtSandbox(ShopId Shop, Money Amount) : ICommand<TransferredAtGateway>;

/// <summary>A transfer ends, and callbacks tell of it: one and so many more. A forged one, or one with another amount, is a lie: the transfer goes on.</summary>
/// <param name="Problem">null if it arrives</param>
internal sealed record EndAtSandbox(string? Problem, int Repeat, bool Forge, Money? Amount) : ICommand<Done>;

/// <summary>To the poster: send this notification.</summary>
internal sealed record PostTransferCallback(WithdrawalId Withdrawal, ShopId Shop, Money Amount, string? Problem, bool Forge) : ICommand<Done>;

// Stored in the journal of a developer's machine: add fields, never rename or remove them.
internal abstract record SandboxTransferEvent;

[Stored("asked")]
internal sealed record AskedAtSandbox(ShopId Shop, Money Amount) : SandboxTransferEvent;

[Stored("ended")]
internal sealed record EndedAtSandbox(string? Problem) : SandboxTransferEvent;

[Stored("callback-owed")]
internal sealed record CallbackOwed(Guid Id, Money Amount, string? Problem, bool Forge) : SandboxTransferEvent;

[Stored("callback-answered")]
internal sealed record TransferCallbackAnswered(Guid Id) : SandboxTransferEvent;

internal sealed record SandboxTransferState
{
    public ShopId? Shop { get; set; }

    public Money Amount { get; set; }

    public EndedAtSandbox? Ended { get; set; }

    public IReadOnlyList<CallbackOwed> Callbacks { get; set; } = [];

    public Debts Debts { get; set; } = new();

    public TransferredAtGateway Told => Ended switch
    {
        null => new(TransferStatus.Processing),
        { Problem: null } => new(TransferStatus.Succeeded),
        { Problem: var problem } => new(TransferStatus.Failed, Problem: problem),
    };
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(AskedAtSandbox))]
[JsonSerializable(typeof(EndedAtSandbox))]
[JsonSerializable(typeof(CallbackOwed))]
[JsonSerializable(typeof(TransferCallbackAnswered))]
[JsonSerializable(typeof(SandboxTransferState))]
internal sealed partial class SandboxTransferJson : JsonSerializerContext;

internal sealed class SandboxTransferGrain() : GrainDefinition<SandboxTransferState, SandboxTransferEvent>(SandboxTransferJson.Default)
{
    private const string Callback = "callback";

    public override string Kind => SandboxTransfers.Kind;

    public override Decision<SandboxTransferEvent> Decide(SandboxTransferState state, object command, in Turn turn) => command switch
    {
        TransferAtSandbox c => state.Shop is null ? new AskedAtSandbox(c.Shop, c.Amount) : Decision<SandboxTransferEvent>.Nothing,
        _ when state.Shop is null => GrainRefusal.NotFound,
        EndAtSandbox c => End(state, c),
        _ => throw Unknown(command),
    };

    public override SandboxTransferState Evolve(SandboxTransferState state, SandboxTransferEvent @event) => @event switch
    {
        AskedAtSandbox e => state with { Shop = e.Shop, Amount = e.Amount },
        EndedAtSandbox e => state with { Ended = e },
        CallbackOwed e => state with { Callbacks = [.. state.Callbacks, e], Debts = state.Debts.Owe(Callback, e.Id) },
        TransferCallbackAnswered e => state with { Debts = state.Debts.Settle(Callback, e.Id) },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    public override Answer Answer(SandboxTransferState state, object command, in Turn turn) =>
        command is TransferAtSandbox ? Grains.Kernel.Answer.Of(state.Told) : Grains.Kernel.Answer.Of(Done.Instance);

    public override Debts Owes(SandboxTransferState state) => state.Debts;

    public override Owed Message(SandboxTransferState state, Debt debt, GrainId self)
    {
        var callback = state.Callbacks.Single(c => c.Id == debt.About);
        return new(new(SandboxPayments.CallbackKind, self.Shop, self.Key), new PostTransferCallback(WithdrawalId.Of(self.Key), state.Shop!.Value, callback.Amount, callback.Problem, callback.Forge));
    }

    public override Decision<SandboxTransferEvent> Settle(SandboxTransferState state, Debt debt, in Receipt receipt, in Turn turn) => new TransferCallbackAnswered(debt.About);

    private static Decision<SandboxTransferEvent> End(SandboxTransferState state, EndAtSandbox command)
    {
        var isLie = command.Forge || (command.Amount ?? state.Amount) != state.Amount;
        if (!isLie && state.Ended is { } ended && (ended.Problem is null) != (command.Problem is null)) return GrainRefusal.WrongState;
        if (state.Callbacks.Count + command.Repeat >= SandboxPaymentGrain.CallbacksMax) return GrainRefusal.WrongState;

        SandboxTransferEvent[] end = isLie || state.Ended is not null ? [] : [new EndedAtSandbox(command.Problem)];
        var callbacks = Enumerable.Range(0, 1 + command.Repeat)
            .Select(i => new CallbackOwed(Ids.Derive("callback", $"{state.Callbacks.Count + i}"), command.Amount ?? state.Amount, command.Problem, command.Forge));
        return (SandboxTransferEvent[])[.. end, .. callbacks];
    }
}
