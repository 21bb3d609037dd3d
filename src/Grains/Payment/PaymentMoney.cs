using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.Grains.Payment;

/// <summary>The money of one payment as our books have it.</summary>
/// <param name="AmountFen">what the order costs</param>
/// <param name="TransactionId">the gateway's number; null while we do not know of any money</param>
/// <param name="PaidAt">as the gateway told it</param>
public sealed record PaymentMoney(PaymentId Id, ShopId Shop, OrderId Order, long AmountFen, string? TransactionId, DateTimeOffset? PaidAt, IReadOnlyList<RefundMoney> Refunds)
{
    public bool IsPaid => TransactionId is not null;
}

/// <summary>A refund as our books have it.</summary>
/// <param name="Problem">the gateway's word for a failure</param>
/// <param name="AskedAt">before this moment the gateway cannot have accepted it</param>
/// <param name="AcceptedBy">by this moment we knew that the gateway had accepted it; null while it may have refused</param>
public sealed record RefundMoney(string Id, long AmountFen, RefundStatus State, string? Problem, DateTimeOffset AskedAt, DateTimeOffset? AcceptedBy);

/// <summary>What came and what went of every payment, to be compared with the gateway's bill.</summary>
public sealed class PaymentMoneys : IProjection
{
    public const string Collection = "payment-money";

    // A refund that the gateway has accepted may still fail, with one of these words; with any other it was never accepted.
    private static readonly string[] FailedAfterAll = ["ABNORMAL", "CLOSED"];

    public bool Reads(string kind) => kind == "payment";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var id = PaymentId.Of(fact.Grain.Key);
        var known = documents.Find<PaymentMoney>(fact.Grain.Shop, Collection, id.ToString());
        var now = fact.Event switch
        {
            PaymentOpened e => new(id, fact.Grain.Shop, e.Order, e.Amount.Fen, null, null, []),
            PaymentConfirmed e => known! with { TransactionId = e.TransactionId, PaidAt = e.PaidAt },
            RefundAsked e => known! with { Refunds = [.. known.Refunds, new(e.Refund, e.Amount.Fen, RefundStatus.Requested, null, fact.At, null)] },
            RefundProgressed e => Note(known!, e.Refund, e.State, e.Problem, fact.At),
            RefundEnded e => Note(known!, e.Refund, RefundStatus.Succeeded, null, fact.At),
            _ => null,
        };
        if (now is not null) documents.Put(fact.Grain.Shop, Collection, id.ToString(), "", fact.At, now);
    }

    private static PaymentMoney Note(PaymentMoney payment, string refund, RefundStatus state, string? problem, DateTimeOffset at)
    {
        var isAccepted = state != RefundStatus.Failed || FailedAfterAll.Contains(problem, StringComparer.Ordinal);
        return payment with
        {
            Refunds = [.. payment.Refunds.Select(r => !string.Equals(r.Id, refund, StringComparison.Ordinal) ? r : r with { State = state, Problem = problem, AcceptedBy = r.AcceptedBy ?? (isAccepted ? at : null) })],
        };
    }
}
