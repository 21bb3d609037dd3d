using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using static Campaigns.Grains.Kernel.GrainRefusal;
using static Campaigns.Grains.Payment.PaymentRefusal;
using PaymentDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Payment.PaymentEvent>;

namespace Campaigns.Grains.Payment;

/// <param name="Problem">the gateway's word for a failure, as it last said</param>
/// <param name="Word">how often the gateway has said something new</param>
internal sealed record PaymentRefund(string Id, Money Amount, string Reason, RefundStatus State, string? Problem = null, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Word = 0)
{
    /// <summary>What names this refund in a debt.</summary>
    [JsonIgnore]
    public Guid About => Ids.Derive("refund", Id);
}

/// <summary>Money of another amount than was asked for.</summary>
/// <param name="Reason">how it was given back by hand; null until it was</param>
internal sealed record Stray(string TransactionId, Money Amount, DateTimeOffset PaidAt, string? Reason = null, DateTimeOffset? SettledAt = null);

internal sealed record PaymentState
{
    public OrderId? Order { get; set; }

    public ShopperId Payer { get; set; }

    public Money Amount { get; set; }

    public string Description { get; set; } = "";

    public DateTimeOffset? PayBefore { get; set; }

    public string? PrepayId { get; set; }

    /// <summary>When the prepay id came; null for those of before it was noted.</summary>
    public DateTimeOffset? PrepaidAt { get; set; }

    /// <summary>The gateway takes no money for it any more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsClosed { get; set; }

    public string? TransactionId { get; set; }

    public DateTimeOffset? PaidAt { get; set; }

    /// <summary>One at most: it is found when the gateway closes the payment, and that is once.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public Stray? Stray { get; set; }

    public IReadOnlyList<PaymentRefund> Refunds { get; set; } = [];

    public Debts Debts { get; set; } = new();

    [JsonIgnore]
    public bool IsOpened => Order is not null;

    [JsonIgnore]
    public PaymentStatus Status => TransactionId is not null ? PaymentStatus.Paid : IsClosed ? PaymentStatus.Closed : PrepayId is not null ? PaymentStatus.Ready : PaymentStatus.Opening;

    /// <summary>True from the moment nobody shall pay it any more.</summary>
    [JsonIgnore]
    public bool IsClosing => IsClosed || Debts.Contains(PaymentRules.AskClose, Order!.Value.Value);

    /// <summary>What is left of the money once every refund that was asked for is done.</summary>
    [JsonIgnore]
    public Money Refundable => new(Amount.Fen - Refunds.Sum(r => r.Amount.Fen));

    /// <summary>True while the order has not heard the newest word about a refund.</summary>
    public bool Tells(Guid refund) => Debts.Contains(PaymentRules.TellRefundProcessing, refund) || Debts.Contains(PaymentRules.TellRefundSucceeded, refund) || Debts.Contains(PaymentRules.TellRefundFailed, refund);

    public PaymentRefund RefundOf(Guid about) => Refunds.Single(r => r.About == about);

    /// <summary>The stray that was given back by hand.</summary>
    public SettledStray Settled(PaymentId id) => new(id, Order!.Value, Stray!.TransactionId, Stray.Amount.Fen, Stray.PaidAt, Stray.Reason!, Stray.SettledAt!.Value);

    public PaymentView View(PaymentId id) => new(id, Order!.Value, Status, Amount.Fen, PrepayId);
}

/// <summary>Every rule of a payment. Pure: no clock, no chance, no I/O.</summary>
internal static class PaymentRules
{
    public const string AskPrepay = "prepay";
    public const string AskClose = "close";
    public const string TellOrder = "tell-order";
    public const string AskRefund = "refund";

    // One debt per state and not one per refund: a state that changes while the last one is being told must still be told.
    public const string TellRefundProcessing = "tell-refund-processing";
    public const string TellRefundSucceeded = "tell-refund-succeeded";
    public const string TellRefundFailed = "tell-refund-failed";

    /// <summary>WeChat Pay allows 50 partial refunds of one payment.</summary>
    public const int RefundsMax = 50;

    public const int ReasonLengthMax = 80;

    // Why money is awaited.
    public const string NotTaken = "confirmed, not yet taken by its order";
    public const string NotClosed = "asked to be closed, not yet answered by the gateway";

    /// <summary>WeChat Pay takes a prepay id for two hours; whoever is shown one has ten minutes to use it.</summary>
    public const int PrepayMinutesMax = 110;

    public static PaymentDecision Decide(PaymentState state, OpenPayment command, DateTimeOffset now)
    {
        if (state.IsOpened) return PaymentDecision.Nothing;
        if (command.Amount <= Money.Zero) return Refusal.Invalid("amountFen", "A payment is at least 1 fen.");

        return new PaymentOpened(command.Order, command.Payer, command.Amount, command.Description, command.PayBefore);
    }

    /// <remarks>To look decides one thing: a prepay id that is too old to be used is asked for again, under the same payment.</remarks>
    public static PaymentDecision Decide(PaymentState state, GetPayment command, DateTimeOffset now)
    {
        if (!command.WhenReady) return PaymentDecision.Nothing;
        if (!state.IsOpened) return PaymentDecision.Nothing;
        if (state.Status != PaymentStatus.Ready) return PaymentDecision.Nothing;
        if (state.IsClosing) return PaymentDecision.Nothing;
        if (state.PrepaidAt is not { } at || now < at.AddMinutes(PrepayMinutesMax)) return PaymentDecision.Nothing;

        return new PrepayExpired();
    }

    public static PaymentDecision Decide(PaymentState state, ClosePayment command, DateTimeOffset now)
    {
        if (!state.IsOpened) return NotFound;
        if (state.Status == PaymentStatus.Paid) return PaymentDecision.Nothing;
        if (state.IsClosing) return PaymentDecision.Nothing;

        return new CloseAsked();
    }

    /// <remarks>Money is never refused because it comes late: not even after closing, for the gateway has it.</remarks>
    public static PaymentDecision Decide(PaymentState state, ConfirmPayment command, DateTimeOffset now)
    {
        if (!state.IsOpened) return NotFound;
        if (command.Amount != state.Amount) return AmountMismatch;
        if (state.Status == PaymentStatus.Paid) return PaymentDecision.Nothing;

        return new PaymentConfirmed(command.TransactionId, command.PaidAt);
    }

    public static PaymentDecision Decide(PaymentState state, RefundPayment command, DateTimeOffset now)
    {
        if (!state.IsOpened) return NotFound;
        if (state.Refunds.Any(r => string.Equals(r.Id, command.RefundId, StringComparison.Ordinal))) return PaymentDecision.Nothing;
        if (state.Status != PaymentStatus.Paid) return WrongState;
        if (command.Amount <= Money.Zero) return Refusal.Invalid("amountFen", "A refund is at least 1 fen.");
        if (command.Amount > state.Refundable) return RefundExceedsPaid;
        if (state.Refunds.Count >= RefundsMax) return WrongState;

        return new RefundAsked(command.RefundId, command.Amount, command.Reason);
    }

    public static PaymentDecision Decide(PaymentState state, NoteGatewayRefund command, DateTimeOffset now)
    {
        if (!state.IsOpened) return NotFound;
        if (state.Refunds.FirstOrDefault(r => string.Equals(r.Id, command.RefundId, StringComparison.Ordinal)) is not { } refund) return NotFound;
        if (command.Amount != refund.Amount) return AmountMismatch;

        return Progress(refund, command.State, command.Problem);
    }

    public static PaymentDecision Decide(PaymentState state, SettleStray command, DateTimeOffset now)
    {
        if (!state.IsOpened) return NotFound;
        if (string.IsNullOrWhiteSpace(command.Reason) || command.Reason.Length > ReasonLengthMax) return Refusal.Invalid("reason", "A reason has 1 to 80 characters.");
        if (state.Stray is null) return WrongState;
        if (state.Stray.SettledAt is not null) return PaymentDecision.Nothing;

        return new StraySettled(command.Reason, now);
    }

    /// <remarks>Whatever was refused is sent again: money stays in limbo, and visibly so, until it is where it belongs.</remarks>
    public static PaymentDecision Settle(PaymentState state, Debt debt, in Receipt receipt, DateTimeOffset now)
    {
        if (receipt.Refusal is not null) return PaymentDecision.Nothing;

        return receipt.Reply switch
        {
            Prepaid { Paid: { } paid } => Found(state, paid),
            Prepaid reply => new PaymentReady(reply.PrepayId!, now),
            ClosedAtGateway { Paid: { } paid } when paid.Amount != state.Amount => new PaymentEvent[] { new PaymentClosed(), new PaymentAmountDiffers(state.Order!.Value, paid.TransactionId, paid.Amount, paid.PaidAt) },
            ClosedAtGateway { Paid: { } paid } => Found(state, paid),
            ClosedAtGateway => new PaymentClosed(),
            RefundedAtGateway reply => Progress(state.RefundOf(debt.About), reply.State, reply.Problem),
            _ => new OrderTold(debt.What, debt.About),
        };
    }

    public static PaymentState Evolve(PaymentState state, PaymentEvent @event) => @event switch
    {
        PaymentOpened e => state with
        {
            Order = e.Order,
            Payer = e.Payer,
            Amount = e.Amount,
            Description = e.Description,
            PayBefore = e.PayBefore,
            Debts = state.Debts.Owe(AskPrepay, e.Order.Value),
        },
        PaymentReady e => state with { PrepayId = e.PrepayId, PrepaidAt = e.At, Debts = state.Debts.Settle(AskPrepay, state.Order!.Value.Value) },
        PrepayExpired => state with { PrepayId = null, PrepaidAt = null, Debts = state.Debts.Owe(AskPrepay, state.Order!.Value.Value) },
        PaymentConfirmed e => state with
        {
            TransactionId = e.TransactionId,
            PaidAt = e.PaidAt,
            Debts = state.Debts.Settle(AskPrepay, state.Order!.Value.Value).Settle(AskClose, state.Order.Value.Value).Owe(TellOrder, state.Order.Value.Value),
        },
        CloseAsked => state with { Debts = state.Debts.Settle(AskPrepay, state.Order!.Value.Value).Owe(AskClose, state.Order.Value.Value) },
        PaymentAmountDiffers e => state with { Stray = new(e.TransactionId, e.Amount, e.PaidAt) },
        StraySettled e => state with { Stray = state.Stray! with { Reason = e.Reason, SettledAt = e.At } },
        PaymentClosed => state with { IsClosed = true, Debts = state.Debts.Settle(AskClose, state.Order!.Value.Value) },
        RefundAsked e => Add(state, new(e.Refund, e.Amount, e.Reason, RefundStatus.Requested)),
        RefundProgressed e => Note(state, e.Refund, e.State, e.Problem),
        RefundEnded e => Note(state, e.Refund, RefundStatus.Succeeded, null) with { Debts = state.Debts.Settle(AskRefund, Ids.Derive("refund", e.Refund)) },
        OrderTold e => state with { Debts = state.Debts.Settle(e.What, e.About) },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    // Another amount than ours cannot be taken and cannot be forgotten: the gateway is asked again, and its log tells.
    private static PaymentDecision Found(PaymentState state, PaidAtGateway paid)
    {
        if (paid.Amount != state.Amount) return PaymentDecision.Nothing;

        return new PaymentConfirmed(paid.TransactionId, paid.PaidAt);
    }

    private static PaymentDecision Progress(PaymentRefund refund, RefundStatus now, string? problem)
    {
        if (refund.State == RefundStatus.Succeeded) return PaymentDecision.Nothing;

        return now switch
        {
            RefundStatus.Succeeded => new RefundEnded(refund.Id),
            RefundStatus.Processing or RefundStatus.Failed when now != refund.State || !string.Equals(problem, refund.Problem, StringComparison.Ordinal) => new RefundProgressed(refund.Id, now, problem),
            _ => PaymentDecision.Nothing,
        };
    }

    private static PaymentState Add(PaymentState state, PaymentRefund refund) =>
        state with { Refunds = [.. state.Refunds, refund], Debts = state.Debts.Owe(AskRefund, refund.About) };

    private static PaymentState Note(PaymentState state, string refund, RefundStatus noted, string? problem) => state with
    {
        Refunds = [.. state.Refunds.Select(r => string.Equals(r.Id, refund, StringComparison.Ordinal) ? r with { State = noted, Problem = problem, Word = r.Word + 1 } : r)],
        Debts = Tell(state.Debts, TellingOf(noted), Ids.Derive("refund", refund)),
    };

    // What was noted before and is not told yet need not be: told after it, the older word would stay.
    private static Debts Tell(Debts debts, string what, Guid refund) =>
        debts.Settle(TellRefundProcessing, refund).Settle(TellRefundFailed, refund).Owe(what, refund);

    private static string TellingOf(RefundStatus noted) => noted switch
    {
        RefundStatus.Processing => TellRefundProcessing,
        RefundStatus.Succeeded => TellRefundSucceeded,
        RefundStatus.Failed => TellRefundFailed,
        _ => throw new UnreachableException($"The order asked for the refund itself: {noted}."),
    };
}
