using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;

namespace Campaigns.ApiFrontend.Payments;

/// <summary>How the gateway's bill and our books differ about one payment or refund.</summary>
internal enum MoneyDifferenceKind
{
    /// <summary>The gateway has money for a payment of ours that waits for it: its notification was lost.</summary>
    PaymentNotTaken = 1,

    /// <summary>The gateway has money under a number that is none of ours.</summary>
    PaymentUnknown = 2,

    /// <summary>We were told of money that the gateway does not have.</summary>
    PaymentMissing = 3,

    PaymentAmount = 4,

    /// <summary>The gateway has the money under another transaction.</summary>
    PaymentTransaction = 5,

    /// <summary>The gateway has the money on another day than it told us.</summary>
    PaymentDay = 6,

    /// <summary>The gateway has the payment more than once.</summary>
    PaymentTwice = 7,

    /// <summary>The gateway gives back what we never asked it to.</summary>
    RefundUnknown = 8,

    /// <summary>The gateway does not have a refund that it had accepted.</summary>
    RefundMissing = 9,

    RefundAmount = 10,

    /// <summary>The gateway is further with the refund than we know, or ended it in another way.</summary>
    RefundState = 11,

    /// <summary>The gateway has the refund more than once.</summary>
    RefundTwice = 12,

    /// <summary>The gateway gives back from another payment.</summary>
    RefundFromAnother = 13,
}

/// <param name="Payment">our number of the payment, or what stands in its place on the bill</param>
/// <param name="Refund">our number of the refund; null for a payment</param>
/// <param name="Shop">null if nobody knows</param>
/// <param name="Gateway">what the gateway has; null if nothing</param>
/// <param name="Books">what we have; null if nothing</param>
internal sealed record MoneyDifference(MoneyDifferenceKind Kind, string Payment, string? Refund, string? Shop, MoneySide? Gateway, MoneySide? Books);

/// <param name="State">of a refund</param>
/// <param name="TransactionId">of a payment</param>
internal sealed record MoneySide(long AmountFen, DateTimeOffset? At, RefundStatus? State = null, string? TransactionId = null);

/// <summary>Counts and sums, in fen.</summary>
internal sealed record MoneyTotals(int Payments, long PaidFen, int Refunds, long RefundedFen);

/// <param name="Day">in Beijing, from midnight to before midnight</param>
/// <param name="Unsure">refunds that were asked for about midnight and are not on this bill: the bill of the day before or after has them</param>
internal sealed record ReconciliationReport(DateOnly Day, MoneyTotals Gateway, MoneyTotals Books, IReadOnlyList<MoneyDifference> Differences, IReadOnlyList<string> Unsure)
{
    public bool Agrees => Differences.Count == 0;
}

/// <summary>Compares one day of the gateway's bill with our books. Pure: the order of neither matters.</summary>
internal static class Reconciliation
{
    public static ReconciliationReport Compare(DateOnly day, IReadOnlyCollection<PaymentMoney> books, IReadOnlyList<GatewayBillLine> bill)
    {
        var differences = new List<MoneyDifference>();
        var unsure = new List<string>();
        var payments = books.ToDictionary(p => p.Id.ToString(), StringComparer.Ordinal);
        var refunds = books.SelectMany(p => p.Refunds.Select(r => (Payment: p, Refund: r))).ToDictionary(r => r.Refund.Id, StringComparer.Ordinal);
        var (paid, givenBack) = (bill.Where(l => l.Kind == BillLineKind.Payment).ToList(), bill.Where(l => l.Kind == BillLineKind.Refund).ToList());

        foreach (var lines in paid.GroupBy(l => l.OutTradeNo, StringComparer.Ordinal))
            differences.AddRange(AboutPayment(day, [.. lines], payments.GetValueOrDefault(lines.Key)));
        foreach (var lines in givenBack.GroupBy(l => l.OutRefundNo ?? "", StringComparer.Ordinal))
            differences.AddRange(AboutRefund([.. lines], refunds.TryGetValue(lines.Key, out var known) ? known : null));

        var taken = books.Where(p => p.PaidAt is { } at && BeijingTime.DayOf(at) == day).ToList();
        var (listed, back) = (paid.Select(l => l.OutTradeNo).ToHashSet(StringComparer.Ordinal), givenBack.Select(l => l.OutRefundNo ?? "").ToHashSet(StringComparer.Ordinal));
        differences.AddRange(taken.Where(p => !listed.Contains(p.Id.ToString())).Select(p => new MoneyDifference(MoneyDifferenceKind.PaymentMissing, p.Id.ToString(), null, p.Shop.Value, null, Side(p))));

        var given = new List<RefundMoney>();
        foreach (var (payment, refund) in refunds.Values)
        {
            if (back.Contains(refund.Id))
            {
                given.Add(refund);
                continue;
            }

            // The gateway's own moment of accepting is not told: it lies between the two that we have.
            if (refund.AcceptedBy is not { } acceptedBy || BeijingTime.DayOf(refund.AskedAt) > day || BeijingTime.DayOf(acceptedBy) < day) continue;
            if (BeijingTime.DayOf(refund.AskedAt) == day && BeijingTime.DayOf(acceptedBy) == day)
            {
                given.Add(refund);
                differences.Add(new(MoneyDifferenceKind.RefundMissing, payment.Id.ToString(), refund.Id, payment.Shop.Value, null, Side(refund)));
            }
            else
            {
                unsure.Add(refund.Id);
            }
        }

        return new(
            day,
            new(paid.Count, paid.Sum(l => l.AmountFen), givenBack.Count, givenBack.Sum(l => l.AmountFen)),
            new(taken.Count, taken.Sum(p => p.AmountFen), given.Count, given.Sum(r => r.AmountFen)),
            [.. differences.OrderBy(d => d.Kind).ThenBy(d => d.Payment, StringComparer.Ordinal).ThenBy(d => d.Refund, StringComparer.Ordinal)],
            [.. unsure.Order(StringComparer.Ordinal)]);
    }

    private static IEnumerable<MoneyDifference> AboutPayment(DateOnly day, IReadOnlyList<GatewayBillLine> lines, PaymentMoney? ours)
    {
        var line = lines[0];
        if (ours is null)
        {
            yield return Differs(MoneyDifferenceKind.PaymentUnknown);
            yield break;
        }

        if (lines.Count > 1) yield return Differs(MoneyDifferenceKind.PaymentTwice);
        if (line.AmountFen != ours.AmountFen) yield return Differs(MoneyDifferenceKind.PaymentAmount);
        if (!ours.IsPaid)
        {
            yield return Differs(MoneyDifferenceKind.PaymentNotTaken);
            yield break;
        }

        if (line.TransactionId != ours.TransactionId) yield return Differs(MoneyDifferenceKind.PaymentTransaction);
        if (BeijingTime.DayOf(line.At) != day || BeijingTime.DayOf(ours.PaidAt!.Value) != day) yield return Differs(MoneyDifferenceKind.PaymentDay);

        MoneyDifference Differs(MoneyDifferenceKind kind) =>
            new(kind, line.OutTradeNo, null, (ours?.Shop ?? line.Shop)?.Value, new(line.AmountFen, line.At, TransactionId: line.TransactionId), ours is null ? null : Side(ours));
    }

    private static IEnumerable<MoneyDifference> AboutRefund(IReadOnlyList<GatewayBillLine> lines, (PaymentMoney Payment, RefundMoney Refund)? ours)
    {
        var line = lines[0];
        if (ours is not var (payment, refund))
        {
            yield return Differs(MoneyDifferenceKind.RefundUnknown);
            yield break;
        }

        if (lines.Count > 1) yield return Differs(MoneyDifferenceKind.RefundTwice);
        if (line.OutTradeNo != payment.Id.ToString()) yield return Differs(MoneyDifferenceKind.RefundFromAnother);
        if (line.AmountFen != refund.AmountFen) yield return Differs(MoneyDifferenceKind.RefundAmount);
        if (!IsAsFar(line.RefundState, refund)) yield return Differs(MoneyDifferenceKind.RefundState);

        MoneyDifference Differs(MoneyDifferenceKind kind) =>
            new(kind, line.OutTradeNo, line.OutRefundNo, (ours?.Payment.Shop ?? line.Shop)?.Value, new(line.AmountFen, line.At, line.RefundState), ours is { } known ? Side(known.Refund) : null);
    }

    // The bill was written that morning and stays as it is: what was under way then may have ended since.
    private static bool IsAsFar(RefundStatus? theirs, RefundMoney ours) => theirs switch
    {
        RefundStatus.Processing => ours.AcceptedBy is not null,
        _ => theirs == ours.State,
    };

    private static MoneySide Side(PaymentMoney payment) => new(payment.AmountFen, payment.PaidAt, TransactionId: payment.TransactionId);

    private static MoneySide Side(RefundMoney refund) => new(refund.AmountFen, refund.AskedAt, refund.State);
}
