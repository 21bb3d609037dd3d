using Campaigns.ApiFrontend.Payments;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using static Campaigns.ApiFrontend.Payments.MoneyDifferenceKind;

namespace Campaigns.Tests.Payment;

/// <summary>Our books against the gateway's bill: every way they can differ is told, and nothing else.</summary>
public sealed class ReconciliationTests
{
    private static readonly DateOnly Day = new(2026, 11, 24);
    private static readonly DateTimeOffset Noon = new(2026, 11, 24, 4, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Midnight = new(2026, 11, 24, 16, 0, 0, TimeSpan.Zero);
    private static readonly ShopId Shop = new("demo");

    [Fact]
    public void Books_and_bill_that_say_the_same_agree_and_are_added_up()
    {
        var (a, b) = (Paid(1, 9_900, Back("r1", 100), Back("r2", 900)), Paid(2, 50));
        var report = Reconciliation.Compare(Day, [a, b], [Line(b), Line(a, "r2", 900), Line(a), Line(a, "r1", 100)]);
        Assert.True(report.Agrees);
        Assert.Empty(report.Unsure);
        Assert.Equal(new MoneyTotals(2, 9_950, 2, 1_000), report.Gateway);
        Assert.Equal(report.Gateway, report.Books);
    }

    [Fact]
    public void A_day_without_movements_agrees() => Assert.True(Reconciliation.Compare(Day, [Waiting(1, 9_900), Paid(2, 50, at: Noon.AddDays(-1))], []).Agrees);

    [Fact]
    public void Money_whose_notification_was_lost_is_found()
    {
        var waiting = Waiting(1, 9_900);
        var report = Reconciliation.Compare(Day, [waiting], [Line(Paid(1, 9_900))]);
        Assert.Equal([PaymentNotTaken], Kinds(report));
        Assert.Equal((waiting.Id.ToString(), "demo", 9_900L, 9_900L), (report.Differences[0].Payment, report.Differences[0].Shop, report.Differences[0].Gateway!.AmountFen, report.Differences[0].Books!.AmountFen));
        Assert.Equal((9_900, 0), (report.Gateway.PaidFen, report.Books.PaidFen));
    }

    [Fact]
    public void Money_of_somebody_else_is_found()
    {
        var report = Reconciliation.Compare(Day, [], [Line(Paid(1, 9_900)) with { OutTradeNo = "another system's", Shop = null }]);
        Assert.Equal([PaymentUnknown], Kinds(report));
        Assert.Equal(("another system's", null, null), (report.Differences[0].Payment, report.Differences[0].Shop, report.Differences[0].Books));
    }

    [Fact]
    public void Money_that_only_we_have_is_found()
    {
        var report = Reconciliation.Compare(Day, [Paid(1, 9_900)], []);
        Assert.Equal([PaymentMissing], Kinds(report));
        Assert.Equal(new MoneyTotals(1, 9_900, 0, 0), report.Books);
        Assert.Equal(new MoneyTotals(0, 0, 0, 0), report.Gateway);
    }

    [Fact]
    public void Another_amount_or_transaction_is_found_and_so_is_a_line_that_stands_twice()
    {
        var ours = Paid(1, 9_900);
        Assert.Equal([PaymentAmount], Kinds(Reconciliation.Compare(Day, [ours], [Line(ours) with { AmountFen = 9_899 }])));
        Assert.Equal([PaymentTransaction], Kinds(Reconciliation.Compare(Day, [ours], [Line(ours) with { TransactionId = "another" }])));
        Assert.Equal([PaymentTwice], Kinds(Reconciliation.Compare(Day, [ours], [Line(ours), Line(ours)])));
        Assert.Equal([PaymentNotTaken, PaymentAmount], Kinds(Reconciliation.Compare(Day, [Waiting(1, 9_900)], [Line(ours) with { AmountFen = 1 }])));
    }

    [Fact]
    public void A_day_goes_from_midnight_in_beijing_to_just_before_the_next()
    {
        var (last, next) = (Paid(1, 10, at: Midnight.AddMilliseconds(-1)), Paid(2, 20, at: Midnight));
        Assert.True(Reconciliation.Compare(Day, [last, next], [Line(last)]).Agrees);
        Assert.True(Reconciliation.Compare(Day.AddDays(1), [last, next], [Line(next)]).Agrees);
        Assert.Equal([PaymentMissing], Kinds(Reconciliation.Compare(Day.AddDays(1), [last, next], [])));

        // The gateway writes whole seconds.
        Assert.True(Reconciliation.Compare(Day, [last], [Line(last) with { At = Midnight.AddSeconds(-1) }]).Agrees);
        Assert.Equal([PaymentDay], Kinds(Reconciliation.Compare(Day, [last], [Line(last) with { At = Midnight }])));
        Assert.Equal([PaymentDay], Kinds(Reconciliation.Compare(Day, [next], [Line(next) with { At = Noon }])));
    }

    [Fact]
    public void A_refund_that_nobody_asked_for_is_found()
    {
        var ours = Paid(1, 9_900);
        var report = Reconciliation.Compare(Day, [ours], [Line(ours), Line(ours, "r9", 100)]);
        Assert.Equal([RefundUnknown], Kinds(report));
        Assert.Equal(("r9", 100L, 0L), (report.Differences[0].Refund, report.Gateway.RefundedFen, report.Books.RefundedFen));
    }

    [Fact]
    public void A_refund_that_the_gateway_has_forgotten_is_found()
    {
        var report = Reconciliation.Compare(Day, [Paid(1, 9_900, Back("r1", 100))], [Line(Paid(1, 9_900))]);
        Assert.Equal([RefundMissing], Kinds(report));
        Assert.Equal((100, 1), (report.Books.RefundedFen, report.Books.Refunds));
    }

    [Theory]
    [InlineData(RefundStatus.Requested)]
    [InlineData(RefundStatus.Failed)]
    public void A_refund_that_was_never_accepted_need_not_be_there(RefundStatus state)
    {
        var ours = Paid(1, 9_900, Back("r1", 100, state) with { AcceptedBy = null });
        Assert.True(Reconciliation.Compare(Day, [ours], [Line(ours)]).Agrees);
        Assert.Equal([RefundState], Kinds(Reconciliation.Compare(Day, [ours], [Line(ours), Line(ours, "r1", 100, RefundStatus.Processing)])));
    }

    [Fact]
    public void Another_amount_or_payment_of_a_refund_is_found_and_so_is_a_line_that_stands_twice()
    {
        var ours = Paid(1, 9_900, Back("r1", 100));
        Assert.Equal([RefundAmount], Kinds(Reconciliation.Compare(Day, [ours], [Line(ours), Line(ours, "r1", 101)])));
        Assert.Equal([RefundTwice], Kinds(Reconciliation.Compare(Day, [ours], [Line(ours), Line(ours, "r1", 100), Line(ours, "r1", 100)])));
        Assert.Equal([RefundFromAnother], Kinds(Reconciliation.Compare(Day, [ours], [Line(ours), Line(ours, "r1", 100) with { OutTradeNo = "another" }])));
    }

    [Theory]
    [InlineData(RefundStatus.Processing, RefundStatus.Processing, true)]
    [InlineData(RefundStatus.Processing, RefundStatus.Succeeded, true)] // ended since the bill was written
    [InlineData(RefundStatus.Processing, RefundStatus.Failed, true)]
    [InlineData(RefundStatus.Succeeded, RefundStatus.Succeeded, true)]
    [InlineData(RefundStatus.Succeeded, RefundStatus.Processing, false)]
    [InlineData(RefundStatus.Succeeded, RefundStatus.Failed, false)]
    [InlineData(RefundStatus.Failed, RefundStatus.Failed, true)]
    [InlineData(RefundStatus.Failed, RefundStatus.Processing, false)]
    [InlineData(RefundStatus.Failed, RefundStatus.Succeeded, false)]
    public void The_state_of_a_refund_may_be_behind_on_the_bill_and_not_in_the_books(RefundStatus theirs, RefundStatus ours, bool agree)
    {
        var payment = Paid(1, 9_900, Back("r1", 100, ours));
        Assert.Equal(agree ? [] : [RefundState], Kinds(Reconciliation.Compare(Day, [payment], [Line(payment), Line(payment, "r1", 100, theirs)])));
    }

    [Fact]
    public void A_refund_about_midnight_is_on_one_of_two_bills()
    {
        var ours = Paid(1, 9_900, Back("r1", 100) with { AskedAt = Midnight.AddSeconds(-1), AcceptedBy = Midnight.AddSeconds(1) });
        foreach (var day in (DateOnly[])[Day, Day.AddDays(1)])
        {
            var without = Reconciliation.Compare(day, [ours], day == Day ? [Line(ours)] : []);
            Assert.Equal((true, "r1"), (without.Agrees, Assert.Single(without.Unsure)));
            var with = Reconciliation.Compare(day, [ours], [.. day == Day ? [Line(ours)] : (GatewayBillLine[])[], Line(ours, "r1", 100)]);
            Assert.Equal((true, 0, 100), (with.Agrees, with.Unsure.Count, with.Books.RefundedFen));
        }

        foreach (var far in (DateOnly[])[Day.AddDays(-1), Day.AddDays(2)]) Assert.Empty(Reconciliation.Compare(far, [ours], []).Unsure);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_is_changed_on_a_bill_is_found(int seed)
    {
        var random = new Random(seed);
        List<PaymentMoney> books = [.. Enumerable.Range(0, 40).Select(i => Paid(i, random.Next(1, 10_000), i % 3 == 0 ? [Back($"r{i}", 1)] : []))];
        List<GatewayBillLine> bill = [.. books.Select(b => Line(b)), .. books.SelectMany(b => b.Refunds.Select(r => Line(b, r.Id, r.AmountFen)))];
        Assert.True(Reconciliation.Compare(Day, books, bill).Agrees);
        for (var i = 0; i < bill.Count; i++)
        {
            var name = bill[i].OutRefundNo ?? bill[i].OutTradeNo;
            foreach (var changed in (IReadOnlyList<GatewayBillLine>[])[[.. bill[..i], .. bill[(i + 1)..]], [.. bill, bill[i]], [.. bill[..i], bill[i] with { AmountFen = bill[i].AmountFen + 1 }, .. bill[(i + 1)..]]])
            {
                var difference = Assert.Single(Reconciliation.Compare(Day, books, changed).Differences);
                Assert.Equal(name, difference.Refund ?? difference.Payment);
            }
        }
    }

    private static IEnumerable<MoneyDifferenceKind> Kinds(ReconciliationReport report)
    {
        Assert.Equal(report.Agrees, report.Differences.Count == 0);
        return report.Differences.Select(d => d.Kind);
    }

    private static PaymentMoney Waiting(int number, long fen) => new(PaymentId.Of(new Guid(number, 0, 0, new byte[8])), Shop, new(new Guid(number, 1, 0, new byte[8])), fen, null, null, []);

    private static PaymentMoney Paid(int number, long fen, params RefundMoney[] refunds) => Paid(number, fen, Noon, refunds);

    private static PaymentMoney Paid(int number, long fen, DateTimeOffset at, params RefundMoney[] refunds) => Waiting(number, fen) with { TransactionId = $"42{number}", PaidAt = at, Refunds = refunds };

    private static RefundMoney Back(string id, long fen, RefundStatus state = RefundStatus.Succeeded) => new(id, fen, state, null, Noon, Noon.AddSeconds(1));

    private static GatewayBillLine Line(PaymentMoney payment) => new(BillLineKind.Payment, payment.Id.ToString(), payment.TransactionId!, null, payment.AmountFen, null, payment.PaidAt!.Value, payment.Shop);

    private static GatewayBillLine Line(PaymentMoney payment, string refund, long fen, RefundStatus state = RefundStatus.Succeeded) =>
        new(BillLineKind.Refund, payment.Id.ToString(), payment.TransactionId!, refund, fen, state, Noon, payment.Shop);
}
