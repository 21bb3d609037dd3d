using Campaigns.ApiFrontend;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Silo.Projections;

namespace Campaigns.Tests.Order;

/// <summary>What the lists make of an order's facts.</summary>
public sealed class OrderViewsTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly ShopId Demo = new("demo");
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly SkuId Tea = new(Guid.Parse("01890000-0000-7000-8000-0000000000b1"));
    private static readonly GrainId Room = new("group-room", Demo, Guid.Parse("01890000-0000-7000-8000-0000000000c1"));
    private static readonly GrainId Router = new("campaign", Demo, Guid.Parse("01890000-0000-7000-8000-0000000000d1"));
    private static readonly PaymentId First = new(Guid.Parse("01890000-0000-7000-8000-0000000000e1"));
    private static readonly OrderId Self = new(Guid.Parse("01890000-0000-7000-8000-000000000001"));
    private static readonly OrderPlaced Placed = new(Amei, "group-buy", Room, Router.Key, [new(Tea, "茶", 2, 3_000, 6_000)], [new("拼团", "leader", 1_000)], new(5_000), 15, AwaitsGroup: true, AsksLate: true);
    private static readonly OrderEvent[] Late = [Placed, new LineHeld(Tea), new OrderOpened(Start.AddMinutes(15)), new PaymentStarted(First), new OrderTimedOut(), new LatePaymentHeld(First, new(5_000))];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly DocumentStore documents;
    private long sequence;

    public OrderViewsTests() => documents = new SqliteDocuments(Path.Combine(folder.FullName, "projections.db"));

    private OrderListItem Listed => Assert.Single(documents.List<OrderListItem>(Demo, OrderViews.ByBuyer, Amei.ToString(), null, 10).Items);

    private IReadOnlyList<LimboItem> Limbo => documents.List<LimboItem>(Demo, OrderViews.Limbo, OrderViews.Open, null, 10).Items;

    public void Dispose()
    {
        documents.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Late_money_that_is_held_is_in_limbo_until_the_order_stands_again()
    {
        Happened(Late);
        Assert.Equal(new(Self, null, 5_000, LimboState.Held, "late payment", Start.AddMinutes(5), First), Assert.Single(Limbo));

        Happened(new LatePaymentSentOn(Router), new LatePaymentRouted(Room), new OrderRevived(), new LineHeld(Tea));
        Assert.Single(Limbo);
        Happened(new PaidInFull(First, Start));
        Assert.Empty(Limbo);
        Assert.Equal(OrderStatus.AwaitingGroup, Listed.State);
    }

    [Fact]
    public void Late_money_that_goes_back_stays_in_limbo_as_long_as_it_has_been_there()
    {
        Happened(Late);
        Happened(new RevivalFailed("SoldOut"), new RefundRequested($"{Self}-1", First, new(5_000), "late payment"));
        Assert.Equal(new(Self, $"{Self}-1", 5_000, LimboState.Requested, "late payment", Start.AddMinutes(5), First), Assert.Single(Limbo));

        Happened(new RefundNoted($"{Self}-1", RefundStatus.Failed));
        Assert.Equal(LimboState.Failed, Assert.Single(Limbo).State);
        Happened(new RefundNoted($"{Self}-1", RefundStatus.Succeeded));
        Assert.Empty(Limbo);
    }

    [Fact]
    public void A_price_that_fell_is_in_the_list_and_in_the_timeline()
    {
        Happened(Placed, new LineHeld(Tea, 2_800), new OrderOpened(Start, [new("拼团", "leader", 600)]));

        Assert.Equal((5_000, 5_600, 600), (Listed.AmountFen, Listed.Lines[0].AmountFen, Listed.DiscountLines[0].AmountFen));
        Assert.Equal(5_000, Assert.Single(Listed.SeenLines()).NetFen);
        Assert.Equal(["Ordered: 茶 × 2 = 56.00; 拼团 −6.00 (funded by the leader); 50.00 yuan to pay", "The list price of 茶 had fallen: it counts at 28.00 yuan each"], Told(isEnglish: true));
    }

    [Fact]
    public void Every_moment_is_told_in_both_languages_and_leaves_no_gap_open()
    {
        OrderEvent[] late = [.. Late, new LatePaymentSentOn(Router), new LatePaymentRouted(Room), new OrderRevived(), new LineHeld(Tea), new PaidInFull(First, Start), new LeaveAsked("no time"), new LeaveRefused(), new GroupConfirmed(Start)];
        Happened([.. late, new RefundRequested($"{Self}-1", First, new(500), "lower final price", LowersPrice: true), new RefundNoted($"{Self}-1", RefundStatus.Processing), new RefundNoted($"{Self}-1", RefundStatus.Failed), new RefundNoted($"{Self}-1", RefundStatus.Succeeded)]);
        Happened(new OrderShipped("SF", "SF1", 7, Start), new ShipmentCorrected("SF", "SF2"), new OrderReceived(Start, ByBuyer: false), new OrderClosed(Start));
        Happened(new LineHeld(Tea, 1), new RevivalFailed("SoldOut"), new OrderReceived(Start, ByBuyer: true), new OrderCancelled("why"), new RefundRequested("x", First, new(1), "second payment"));
        Happened(Placed with { AwaitsGroup = false }, new PaidInFull(null, Start), new OrderAttributed(Amei, "moments", IsSuspect: true));

        var (chinese, english) = (Told(isEnglish: false), Told(isEnglish: true));
        Assert.Equal(Enum.GetValues<OrderMoment>().Order(), documents.List<OrderTimelineItem>(Demo, OrderTimeline.Moments, Self.ToString(), null, 100).Items.Select(i => i.What).Distinct().Order());
        Assert.All([.. chinese, .. english], t => Assert.DoesNotContain('{', t));
        Assert.All(chinese, t => Assert.Contains(t, c => c is >= '\u4e00' and <= '\u9fff'));
        Assert.Contains("退款 5.00 元已发起：成交价下调", chinese);
        Assert.Contains("A refund of 5.00 yuan was begun: lower final price", english);
        Assert.Equal(4_500, Listed.SeenLines().Single().NetFen);
    }

    [Fact]
    public void Nothing_tells_who_the_buyer_is()
    {
        Happened([.. Late, new OrderRevived()]);

        foreach (var item in documents.List<OrderTimelineItem>(Demo, OrderTimeline.Moments, Self.ToString(), null, 100).Items)
            Assert.DoesNotContain(Amei.ToString(), System.Text.Json.JsonSerializer.Serialize(item), StringComparison.Ordinal);
    }

    private IReadOnlyList<string> Told(bool isEnglish) => [.. documents.List<OrderTimelineItem>(Demo, OrderTimeline.Moments, Self.ToString(), null, 100).Items.Select(i => OrderTimelineTexts.Tell(i, isEnglish).Text)];

    private void Happened(params OrderEvent[] facts)
    {
        foreach (var fact in facts)
        {
            foreach (var projection in (IProjection[])[new OrderViews(), new OrderTimeline()]) projection.Apply(new(Self.In(Demo), sequence + 1, Start.AddMinutes(sequence), fact), documents);
            sequence++;
        }

        documents.Commit(sequence, Start);
    }
}
