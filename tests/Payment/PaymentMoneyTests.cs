using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;

namespace Campaigns.Tests.Payment;

/// <summary>What the facts of a payment say about money.</summary>
public sealed class PaymentMoneyTests : IDocuments
{
    private static readonly DateTimeOffset Start = new(2026, 11, 24, 4, 0, 0, TimeSpan.Zero);
    private static readonly GrainId Grain = PaymentId.Of(Guid.CreateVersion7()).In(new("demo"));

    private PaymentMoney? written;
    private int minutes;

    private PaymentMoney Money => written!;

    [Fact]
    public void A_payment_waits_for_its_money_until_it_is_confirmed()
    {
        Tell(new PaymentOpened(new(Guid.CreateVersion7()), new(Guid.CreateVersion7()), new(9_900), "tea"));
        Tell(new PaymentReady("wx1"));
        Assert.Equal((9_900, false, null), (Money.AmountFen, Money.IsPaid, Money.PaidAt));
        Tell(new PaymentConfirmed("42", Start.AddDays(-1)));
        Assert.Equal((true, "42", Start.AddDays(-1)), (Money.IsPaid, Money.TransactionId, Money.PaidAt));
    }

    [Fact]
    public void A_refund_is_accepted_once_the_gateway_has_said_so()
    {
        Tell(new PaymentOpened(new(Guid.CreateVersion7()), new(Guid.CreateVersion7()), new(9_900), "tea"));
        Tell(new PaymentConfirmed("42", Start));
        Tell(new RefundAsked("r1", new(100), "broken"));
        Assert.Equal(new RefundMoney("r1", 100, RefundStatus.Requested, null, Start.AddMinutes(3), null), Money.Refunds[0]);
        Tell(new RefundProgressed("r1", RefundStatus.Failed, "NOT_ENOUGH"));
        Assert.Equal(new RefundMoney("r1", 100, RefundStatus.Failed, "NOT_ENOUGH", Start.AddMinutes(3), null), Money.Refunds[0]);
        Tell(new RefundProgressed("r1", RefundStatus.Processing));
        Tell(new RefundProgressed("r1", RefundStatus.Failed, "ABNORMAL"));
        Assert.Equal(new RefundMoney("r1", 100, RefundStatus.Failed, "ABNORMAL", Start.AddMinutes(3), Start.AddMinutes(5)), Money.Refunds[0]);
        Tell(new RefundEnded("r1"));
        Assert.Equal(new RefundMoney("r1", 100, RefundStatus.Succeeded, null, Start.AddMinutes(3), Start.AddMinutes(5)), Money.Refunds[0]);

        Tell(new RefundAsked("r2", new(200), "lost"));
        Tell(new RefundProgressed("r2", RefundStatus.Failed, "CLOSED"));
        Assert.Equal(Start.AddMinutes(9), Money.Refunds[1].AcceptedBy);
        Tell(new OrderTold("tell-order", Guid.CreateVersion7()));
        Assert.Equal(2, Money.Refunds.Count);
    }

    TDocument? IDocuments.Find<TDocument>(ShopId shop, string collection, string key)
        where TDocument : class => written as TDocument;

    void IDocuments.Put<TDocument>(ShopId shop, string collection, string key, string owner, DateTimeOffset sort, TDocument document) => written = document as PaymentMoney;

    void IDocuments.Drop(ShopId shop, string collection, string key) => written = null;

    private void Tell(object fact) => new PaymentMoneys().Apply(new(Grain, minutes + 1, Start.AddMinutes(++minutes), fact), this);
}
