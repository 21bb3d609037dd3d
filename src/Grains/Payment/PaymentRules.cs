using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using static Campaigns.Grains.Kernel.GrainRefusal;
using static Campaigns.Grains.Payment.PaymentRefusal;
using PaymentDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Payment.PaymentEvent>;

namespace Campaigns.Grains.Payment;

internal sealed record PaymentRefund(string Id, Money Amount, string Reason, RefundStatus State)
{
    /// <summary>What names this refund in a debt.</summary>
    [JsonIgnore]
    public Guid About => Ids.Derive("refund", Id);
}

internal sealed record PaymentState
{
    public OrderId? Order { get; set; }

    public ShopperId Payer { get; set; }

    public Money Amount { get; set; }

    public string Description { get; set; } = "";

    public string? PrepayId { get; set; }

    public string? TransactionId { get; set; }

    public DateTimeOffset? PaidAt { get; set; }

    public IReadOnlyList<PaymentRefund> Refunds { get; set; } = [];

    public Debts Debts { get; set; } = new();

    [JsonIgnore]
    public bool IsOpened => Order is not null;

    [JsonIgnore]
    public PaymentStatus Status => TransactionId is not null ? PaymentStatus.Paid : PrepayId is not null ? PaymentStatus.Ready : PaymentStatus.Opening;

    /// <summary>What is left of the money once every refund that was asked for is done.</summary>
    [JsonIgnore]
    public Money Refundable => new(Amount.Fen - Refunds.Sum(r => r.Amount.Fen));

    public PaymentRefund RefundOf(Guid about) => Refunds.Single(r => r.About == about);

    public PaymentView View(PaymentId id) => new(id, Order!.Value, Status, Amount.Fen, PrepayId);
}

/// <summary>Every rule of a payment. Pure: no clock, no chance, no I/O.</summary>
internal static class PaymentRules
{
    public const string AskPrepay = "prepay";
    public const string TellOrder = "tell-order";
    public const string AskRefund = "refund";

    // One debt per state and not one per refund: a state that changes while the last one is being told must still be told.
    public const string TellRefundProcessing = "tell-refund-processing";
    public const string TellRefundSucceeded = "tell-refund-succeeded";
    public const string TellRefundFailed = "tell-refund-failed";

    /// <summary>WeChat Pay allows 50 partial refunds of one payment.</summary>
    public const int RefundsMax = 50;

    public static PaymentDecision Decide(PaymentState state, OpenPayment command, DateTimeOffset now)
    {
        if (state.IsOpened) return PaymentDecision.Nothing;
        if (command.Amount <= Money.Zero) return Refusal.Invalid("amountFen", "A payment is at least 1 fen.");

        return new PaymentOpened(command.Order, command.Payer, command.Amount, command.Description);
    }

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

    /// <remarks>Whatever was refused is sent again: money stays in limbo, and visibly so, until it is where it belongs.</remarks>
    public static PaymentDecision Settle(PaymentState state, Debt debt, in Receipt receipt)
    {
        if (!state.Debts.Contains(debt.What, debt.About)) return PaymentDecision.Nothing;
        if (receipt.Refusal is not null) return PaymentDecision.Nothing;

        return receipt.Reply switch
        {
            Prepaid reply => new PaymentReady(reply.PrepayId),
            RefundedAtGateway reply => Progress(state.RefundOf(debt.About), reply.State),
            _ => new OrderTold(debt.What, debt.About),
        };
    }

    public static PaymentState Evolve(PaymentState state, PaymentEvent @event) => @event switch
    {
        PaymentOpened e => state with { Order = e.Order, Payer = e.Payer, Amount = e.Amount, Description = e.Description, Debts = state.Debts.Owe(AskPrepay, e.Order.Value) },
        PaymentReady e => state with { PrepayId = e.PrepayId, Debts = state.Debts.Settle(AskPrepay, state.Order!.Value.Value) },
        PaymentConfirmed e => state with
        {
            TransactionId = e.TransactionId,
            PaidAt = e.PaidAt,
            Debts = state.Debts.Settle(AskPrepay, state.Order!.Value.Value).Owe(TellOrder, state.Order.Value.Value),
        },
        RefundAsked e => Add(state, new(e.Refund, e.Amount, e.Reason, RefundStatus.Requested)),
        RefundProgressed e => Note(state, e.Refund, e.State),
        RefundEnded e => Note(state, e.Refund, RefundStatus.Succeeded) with { Debts = state.Debts.Settle(AskRefund, Ids.Derive("refund", e.Refund)) },
        OrderTold e => state with { Debts = state.Debts.Settle(e.What, e.About) },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    private static PaymentDecision Progress(PaymentRefund refund, RefundStatus now) => now switch
    {
        RefundStatus.Succeeded => new RefundEnded(refund.Id),
        RefundStatus.Processing or RefundStatus.Failed when now != refund.State => new RefundProgressed(refund.Id, now),
        _ => PaymentDecision.Nothing,
    };

    private static PaymentState Add(PaymentState state, PaymentRefund refund) =>
        state with { Refunds = [.. state.Refunds, refund], Debts = state.Debts.Owe(AskRefund, refund.About) };

    private static PaymentState Note(PaymentState state, string refund, RefundStatus noted) => state with
    {
        Refunds = [.. state.Refunds.Select(r => string.Equals(r.Id, refund, StringComparison.Ordinal) ? r with { State = noted } : r)],
        Debts = state.Debts.Owe(TellingOf(noted), Ids.Derive("refund", refund)),
    };

    private static string TellingOf(RefundStatus noted) => noted switch
    {
        RefundStatus.Processing => TellRefundProcessing,
        RefundStatus.Succeeded => TellRefundSucceeded,
        RefundStatus.Failed => TellRefundFailed,
        _ => throw new UnreachableException($"The order asked for the refund itself: {noted}."),
    };
}
