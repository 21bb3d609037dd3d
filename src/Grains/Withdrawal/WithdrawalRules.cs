using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Shopper;
using static Campaigns.Grains.Kernel.GrainRefusal;
using static Campaigns.Grains.Payment.PaymentRefusal;
using static Campaigns.Grains.Withdrawal.WithdrawalRefusal;
using WithdrawalDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Withdrawal.WithdrawalEvent>;

namespace Campaigns.Grains.Withdrawal;

/// <summary>Where it is. Nobody sees one before <c>Reviewing</c>.</summary>
internal enum WithdrawalStage
{
    None = 0,

    /// <summary>The distributor's terms are asked for.</summary>
    Asked = 1,

    /// <summary>The ledger is asked to hold it.</summary>
    Holding = 2,

    /// <summary>Nothing has happened; it may be asked for again.</summary>
    Refused = 3,
    Reviewing = 4,
    Approved = 5,
    Transferring = 6,
    Paid = 7,
    Rejected = 8,
    Failed = 9,
}

internal sealed record WithdrawalState
{
    public ShopperId? Owner { get; set; }

    public WithdrawalStage Stage { get; set; }

    public Money Amount { get; set; }

    public Money Fee { get; set; }

    public WithdrawalPolicy? Policy { get; set; }

    /// <summary>The policy's, as far as the owner's trust leaves it.</summary>
    public Money DailyCap { get; set; }

    /// <summary>Why it was refused.</summary>
    public Refusal? Why { get; set; }

    /// <summary>The request that has decided it.</summary>
    public Guid? DecidedBy { get; set; }

    public string? Reason { get; set; }

    public TransferStatus? Transfer { get; set; }

    public string? Confirmation { get; set; }

    public string? Problem { get; set; }

    public DateTimeOffset AskedAt { get; set; }

    public DateTimeOffset? DecidedAt { get; set; }

    public DateTimeOffset? EndedAt { get; set; }

    public Debts Debts { get; set; } = new();

    /// <summary>What arrives.</summary>
    [JsonIgnore]
    public Money Net => Amount - Fee;

    [JsonIgnore]
    public bool IsOpened => Stage >= WithdrawalStage.Reviewing;

    [JsonIgnore]
    public bool IsEnded => Stage >= WithdrawalStage.Paid;

    /// <summary>What names it in its debts: each of them it has once.</summary>
    [JsonIgnore]
    public Guid About => Owner!.Value.Value;

    public bool Owes(string what) => Debts.Contains(what, About);

    public WithdrawalView View(WithdrawalId id, bool toOwner) => new(
        id,
        Owner!.Value,
        Stage switch
        {
            WithdrawalStage.Reviewing => WithdrawalStatus.Reviewing,
            WithdrawalStage.Approved => WithdrawalStatus.Approved,
            WithdrawalStage.Transferring => WithdrawalStatus.Transferring,
            WithdrawalStage.Paid => WithdrawalStatus.Paid,
            WithdrawalStage.Rejected => WithdrawalStatus.Rejected,
            WithdrawalStage.Failed => WithdrawalStatus.Failed,
            _ => throw new UnreachableException($"Nobody sees one that is {Stage}."),
        },
        Amount.Fen,
        Fee.Fen,
        AskedAt,
        DecidedAt,
        EndedAt,
        Reason,
        toOwner && Transfer == TransferStatus.AwaitsConfirmation ? Confirmation : null,
        Problem);
}

/// <summary>Every rule of a withdrawal. Pure: no clock, no chance, no I/O.</summary>
internal static class WithdrawalRules
{
    public const string AskTerms = "terms";
    public const string AskHold = "hold";
    public const string AskTransfer = "transfer";
    public const string SettleLedger = "settle";

    public const int ReasonLengthMax = 500;

    public static WithdrawalDecision Decide(WithdrawalState state, AskWithdrawal command, DateTimeOffset now)
    {
        if (state.Owner is { } owner && owner != command.Owner) return NotFound;
        if (state.Stage is not (WithdrawalStage.None or WithdrawalStage.Refused)) return WithdrawalDecision.Nothing;
        if (WhyNot(command.Amount, command.Policy) is { } refusal) return refusal;

        return new WithdrawalAsked(command.Owner, command.Amount, command.Policy, Past.After(state.AskedAt, now));
    }

    public static WithdrawalDecision Decide(WithdrawalState state, DecideWithdrawal command, DateTimeOffset now)
    {
        if (!state.IsOpened) return NotFound;
        if (command.Request == state.DecidedBy) return WithdrawalDecision.Nothing;
        if (state.Stage != WithdrawalStage.Reviewing) return AlreadyDecided;
        if (command.Reason?.Length > ReasonLengthMax) return Refusal.Invalid("reason", "A reason has at most 500 characters.");

        return command.IsApproved ? new WithdrawalApproved(command.Request, command.Reason, now) : new WithdrawalRejected(command.Request, command.Reason, now);
    }

    public static WithdrawalDecision Decide(WithdrawalState state, NoteTransfer command, DateTimeOffset now)
    {
        if (!state.IsOpened) return NotFound;
        if (command.Amount != state.Net) return AmountMismatch;
        if (state.Stage is WithdrawalStage.Reviewing or WithdrawalStage.Rejected) return WrongState;

        return Progress(state, new(command.State, state.Confirmation, command.Problem), now);
    }

    /// <remarks>Only the gateway's word ends a transfer: what was refused is sent again.</remarks>
    public static WithdrawalDecision Settle(WithdrawalState state, Debt debt, in Receipt receipt, DateTimeOffset now) => (debt.What, receipt) switch
    {
        (AskTerms, { Reply: DistributorTerms terms }) => WhyNot(state.Amount, state.Policy!, terms) is { } refusal ? new WithdrawalRefused(refusal) : new WithdrawalAllowed(Share(state.Policy!.DailyCap, terms.CapPercent)),
        (AskTerms, { Refusal.Kind: RefusalKind.Missing }) => new WithdrawalRefused(Refusal.Of(DistributorRefusal.NotEligible)),
        (AskHold, { Reply: LedgerPosted }) => new WithdrawalOpened(FeeOf(state.Amount, state.Policy!)),
        (AskHold, { Refusal: { } refusal }) => new WithdrawalRefused(refusal),
        (AskTransfer, { Reply: TransferredAtGateway transferred }) => Progress(state, transferred, now),
        (SettleLedger, { Reply: LedgerPosted }) => new WithdrawalSettled(),
        _ => WithdrawalDecision.Nothing,
    };

    /// <summary>What the ledger is asked for, once the terms allow it.</summary>
    public static HoldForWithdrawal HoldOf(Guid withdrawal, ShopperId owner, Money amount, Money dailyCap, string timeZone, DateTimeOffset askedAt = default) =>
        new(owner, LedgerKind.Commission, withdrawal, amount, dailyCap, timeZone, askedAt);

    /// <summary>The last steps at the ledger.</summary>
    public static PostEntries SettlementOf(WithdrawalState state, Guid withdrawal)
    {
        var paid = new LedgerEntry("withdrawal-paid", LedgerAccount.Held, LedgerAccount.Withdrawn, state.Net);
        IReadOnlyList<LedgerEntry> entries = state.Stage != WithdrawalStage.Paid ? [new("withdrawal-returned", LedgerAccount.Held, LedgerAccount.Available, state.Amount)]
            : state.Fee == Money.Zero ? [paid]
            : [paid, new("withdrawal-fee", LedgerAccount.Held, LedgerAccount.Shop, state.Fee)];
        return new(state.Owner!.Value, LedgerKind.Commission, withdrawal, withdrawal, 2, entries, IsLast: true);
    }

    /// <summary>Why so much is not paid out under the shop's settings; null if it may be, as far as they can tell.</summary>
    public static Refusal? WhyNot(Money amount, WithdrawalPolicy policy)
    {
        if (policy.FeePercent is < 0 or > 100) return Refusal.Invalid("feePercent", "0 to 100 percent.");
        if (amount < policy.Min) return Refusal.Of(BelowMinimum) with { Limit = policy.Min.Fen };
        if (amount > policy.Max || amount > Money.Max) return Refusal.Of(AboveMaximum) with { Limit = policy.Max.Fen };
        if (amount > policy.DailyCap) return Refusal.Of(AboveMaximum) with { Limit = policy.DailyCap.Fen };
        if (amount - FeeOf(amount, policy) <= Money.Zero) return Refusal.Of(BelowMinimum) with { Limit = policy.Min.Fen };

        return null;
    }

    /// <summary>Why so much is not paid out to a distributor on these terms; null for no terms means that they never joined.</summary>
    public static Refusal? WhyNot(Money amount, WithdrawalPolicy policy, DistributorTerms? terms)
    {
        if (terms?.Standing is not (DistributorStanding.Active or DistributorStanding.Closed)) return Refusal.Of(DistributorRefusal.NotEligible);
        if (Share(policy.Max, terms.CapPercent) is var max && amount > max) return Refusal.Of(AboveMaximum) with { Limit = max.Fen };

        return null;
    }

    public static Money Share(Money of, int percent) => new(checked(of.Fen * percent) / 100);

    public static WithdrawalState Evolve(WithdrawalState state, WithdrawalEvent @event) => @event switch
    {
        WithdrawalAsked e => new()
        {
            Owner = e.Owner,
            Stage = WithdrawalStage.Asked,
            Amount = e.Amount,
            Policy = e.Policy,
            AskedAt = e.At,
            Debts = state.Debts.Owe(AskTerms, e.Owner.Value),
        },
        WithdrawalAllowed e => state with { Stage = WithdrawalStage.Holding, DailyCap = e.DailyCap, Debts = state.Debts.Settle(AskTerms, state.About).Owe(AskHold, state.About) },
        WithdrawalRefused e => state with { Stage = WithdrawalStage.Refused, Why = e.Why, Debts = state.Debts.Settle(AskTerms, state.About).Settle(AskHold, state.About) },
        WithdrawalOpened e => state with { Stage = WithdrawalStage.Reviewing, Fee = e.Fee, Debts = state.Debts.Settle(AskHold, state.About) },
        WithdrawalApproved e => state with { Stage = WithdrawalStage.Approved, DecidedBy = e.Request, Reason = e.Reason, DecidedAt = e.At, Debts = state.Debts.Owe(AskTransfer, state.About) },
        WithdrawalRejected e => state with { Stage = WithdrawalStage.Rejected, DecidedBy = e.Request, Reason = e.Reason, DecidedAt = e.At, EndedAt = e.At, Debts = state.Debts.Owe(SettleLedger, state.About) },
        TransferProgressed e => state with { Stage = WithdrawalStage.Transferring, Transfer = e.State, Confirmation = e.Confirmation, Problem = e.Problem },
        TransferSucceeded e => Ended(state, WithdrawalStage.Paid, TransferStatus.Succeeded, null, e.At),
        TransferFailed e => Ended(state, WithdrawalStage.Failed, TransferStatus.Failed, e.Problem, e.At),
        WithdrawalSettled => state with { Debts = state.Debts.Settle(SettleLedger, state.About) },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    // The gateway's last word is its last: a transfer that has ended never begins again.
    private static WithdrawalDecision Progress(WithdrawalState state, TransferredAtGateway now, DateTimeOffset at)
    {
        if (state.IsEnded) return WithdrawalDecision.Nothing;
        if (now.State == TransferStatus.Succeeded) return new TransferSucceeded(at);
        if (now.State == TransferStatus.Failed) return new TransferFailed(now.Problem, at);
        if (now == new TransferredAtGateway(state.Transfer.GetValueOrDefault(), state.Confirmation, state.Problem)) return WithdrawalDecision.Nothing;

        return new TransferProgressed(now.State, now.Confirmation, now.Problem);
    }

    private static WithdrawalState Ended(WithdrawalState state, WithdrawalStage stage, TransferStatus transfer, string? problem, DateTimeOffset at) => state with
    {
        Stage = stage,
        Transfer = transfer,
        Confirmation = null,
        Problem = problem,
        EndedAt = at,
        Debts = state.Debts.Settle(AskTransfer, state.About).Owe(SettleLedger, state.About),
    };

    private static Money FeeOf(Money amount, WithdrawalPolicy policy) => Share(amount, policy.FeePercent);
}
