using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Silo.Projections;

namespace Campaigns.Tests.Payment;

/// <summary>What money in limbo is made of, in the order in which a payment and its order tell of it.</summary>
public sealed class PaymentViewsTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly ShopId Demo = new("demo");
    private static readonly PaymentId Self = new(Guid.Parse("01890000-0000-7000-8000-0000000000e1"));
    private static readonly OrderId Order = new(Guid.Parse("01890000-0000-7000-8000-000000000001"));
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly OrderPlaced Placed = new(Amei, "plain", null, null, [], [], new(5_000), 15, 0, false, false);
    private static readonly PaymentOpened Opened = new(Order, Amei, new(5_000), "茶");
    private static readonly PaymentConfirmed Confirmed = new("wx-1", Start);
    private static readonly OrderTold Told = new("tell-order", Order.Value);
    private static readonly PaymentAmountDiffers Differs = new(Order, "wx-1", new(4_999), Start);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly DocumentStore documents;
    private long minutes;

    public PaymentViewsTests()
    {
        documents = new SqliteDocuments(Path.Combine(folder.FullName, "projections.db"));
        new OrderViews().Apply(new(Order.In(Demo), 1, Start, Placed), documents);
    }

    private IReadOnlyList<LimboItem> Limbo => documents.List<LimboItem>(Demo, OrderViews.Limbo, OrderViews.Open, null, 10).Items;

    private LimboTotals Totals => documents.Read<LimboTotals>(ShopId.Installation, OrderViews.Totals, OrderViews.All) ?? new(0, 0);

    public void Dispose()
    {
        documents.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Confirmed_money_is_in_limbo_until_its_order_has_taken_it()
    {
        Happened(Opened, new PaymentReady("prepay-1"));
        Assert.Empty(Limbo);
        Happened(Confirmed);
        Assert.Equal(new(Order, null, 5_000, LimboState.Captured, "confirmed, not yet taken by its order", Start.AddMinutes(2), Self), Assert.Single(Limbo));
        Assert.Equal(new(1, 5_000), Totals);

        Happened(new PaidInFull(Self, Start));
        NothingIsLeft();
        Happened(Told);
        NothingIsLeft();
    }

    [Fact]
    public void Confirmed_money_leaves_limbo_when_its_order_was_told_whatever_that_made_of_it()
    {
        Happened(Opened, Confirmed, new OrderTold("tell-refund-failed", Order.Value));
        Assert.Single(Limbo);
        Happened(Told);
        NothingIsLeft();
    }

    [Fact]
    public void A_close_that_the_gateway_has_not_answered_is_in_limbo()
    {
        Happened(Opened, new CloseAsked());
        Assert.Equal(new(Order, null, 5_000, LimboState.Closing, "asked to be closed, not yet answered by the gateway", Start.AddMinutes(1), Self), Assert.Single(Limbo));
        Assert.Equal(new(1, 5_000), Totals);

        Happened(new PaymentClosed());
        NothingIsLeft();
    }

    [Fact]
    public void Money_that_comes_while_it_is_closing_is_in_limbo_once()
    {
        Happened(Opened, new CloseAsked(), Confirmed);
        Assert.Equal((LimboState.Captured, Start.AddMinutes(2)), (Assert.Single(Limbo).State, Limbo[0].Since));
        Assert.Equal(new(1, 5_000), Totals);

        Happened(new LatePaymentHeld(Self, new(5_000)));
        Assert.Equal(LimboState.Held, Assert.Single(Limbo).State);
        Assert.Equal(new(1, 5_000), Totals);
        Happened(new RefundRequested($"{Order}-1", Self, new(5_000), "late payment"), Told);
        Assert.Equal((LimboState.Requested, Start.AddMinutes(3)), (Assert.Single(Limbo).State, Limbo[0].Since));
        Assert.Equal(new(1, 5_000), Totals);
    }

    [Fact]
    public void Money_that_comes_after_it_was_closed_and_goes_straight_back_is_in_limbo_once()
    {
        Happened(Opened, new CloseAsked(), new PaymentClosed(), Confirmed);
        Assert.Equal(LimboState.Captured, Assert.Single(Limbo).State);

        Happened(new RefundRequested($"{Order}-1", Self, new(5_000), "late payment"));
        Assert.Equal(LimboState.Requested, Assert.Single(Limbo).State);
        Assert.Equal(new(1, 5_000), Totals);
        Happened(Told, new RefundNoted($"{Order}-1", RefundStatus.Succeeded));
        Assert.Empty(Limbo);
        Assert.Equal(new(0, 0), Totals);
    }

    [Fact]
    public void A_stray_is_in_limbo_until_it_is_settled()
    {
        Happened(Opened, new CloseAsked(), new PaymentClosed(), Differs);
        Assert.Equal(new(Order, null, 4_999, LimboState.Held, "wrong amount", Start.AddMinutes(3), Self), Assert.Single(Limbo));
        Assert.Equal(new(1, 4_999), Totals);

        Happened(new StraySettled("returned in the portal", Start));
        Assert.Empty(Limbo);
        Assert.Equal(new(0, 0), Totals);
    }

    [Fact]
    public void What_comes_and_goes_before_it_is_shown_leaves_nothing_behind()
    {
        Happened(Opened);
        Apply(Confirmed);
        Apply(new PaidInFull(Self, Start));
        Happened(Told);
        NothingIsLeft();
    }

    [Fact]
    public void Facts_without_the_payment_s_beginning_are_not_shown()
    {
        Happened(Confirmed, new CloseAsked(), new StraySettled("nothing", Start));
        NothingIsLeft();
    }

    private void NothingIsLeft()
    {
        Assert.Empty(Limbo);
        Assert.Equal(new(0, 0), Totals);
        Assert.Null(documents.Read<LimboItem>(Demo, OrderViews.Limbo, OrderViews.Awaited(Self)));
        Assert.Null(documents.Read<ShopLimbo>(ShopId.Installation, OrderViews.Limbo, $"{Demo}/{OrderViews.Awaited(Self)}"));
    }

    private void Happened(params object[] facts)
    {
        foreach (var fact in facts)
        {
            Apply(fact);
            documents.Commit(minutes, Start);
        }
    }

    private void Apply(object fact)
    {
        var (projection, grain) = fact is PaymentEvent ? ((IProjection)new PaymentViews(), Self.In(Demo)) : (new OrderViews(), Order.In(Demo));
        projection.Apply(new(grain, minutes + 1, Start.AddMinutes(minutes), fact), documents);
        minutes++;
    }
}
