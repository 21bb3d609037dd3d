using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Silo.Projections;
using static Campaigns.Tests.Commission.CommissionCast;

namespace Campaigns.Tests.Commission;

/// <summary>What the lists make of a commission's facts.</summary>
public sealed class CommissionViewsTests : IDisposable
{
    private static readonly ShopId Demo = new("demo");

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly DocumentStore documents;
    private long sequence;

    public CommissionViewsTests() => documents = new SqliteDocuments(Path.Combine(folder.FullName, "projections.db"));

    public void Dispose()
    {
        documents.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public void A_grant_is_listed_for_each_earner_and_for_the_shop()
    {
        Happened(1, Noted, Granted((Bing, 500), (Chen, 100)));

        var mine = Assert.Single(Of(Bing));
        Assert.Equal(new(CommissionRules.SourceOf(Order(1), CommissionLevel.First).ToString("N"), Order(1), CommissionLevel.First, Bing, 500, 0, CommissionStatus.Pending, mine.GrantedAt, "2026-11", null, "moments", true), mine);
        Assert.Equal((CommissionLevel.Second, 100L), Assert.Single(Of(Chen)) is var c ? (c.Level, c.AmountFen) : default);
        Assert.Equal(2, OfShop().Count);
    }

    [Fact]
    public void What_nobody_earns_by_is_not_listed()
    {
        Happened(1, Noted, new CommissionDenied(NoCommissionReason.NothingToEarn));

        Assert.Empty(OfShop());
    }

    [Fact]
    public void An_item_follows_its_order()
    {
        Happened(1, Noted, Granted((Bing, 500)), new CommissionReversed(CommissionLevel.First, new(100)), new CommissionFrozen(Start.AddDays(7)));
        Assert.Equal((CommissionStatus.Frozen, 500L, 100L, Start.AddDays(7)), Assert.Single(Of(Bing)) is var c ? (c.State, c.AmountFen, c.ReversedFen, c.AvailableAt) : default);

        Happened(1, new CommissionReleased());
        Assert.Equal((CommissionStatus.Available, 400L), Assert.Single(Of(Bing)) is var d ? (d.State, d.ReleasedFen) : default);
        Assert.Equal(Of(Bing), OfShop());
    }

    [Fact]
    public void What_became_available_first_is_withdrawn_first()
    {
        for (var order = 1; order <= 3; order++) Happened(order, Noted, Granted((Bing, 100)), new CommissionFrozen(Start));
        foreach (var order in (int[])[2, 1, 3]) Happened(order, new CommissionReleased());
        Happened(4, Noted, Granted((Chen, 100)), new CommissionFrozen(Start), new CommissionReleased());

        Assert.Equal([CommissionStatus.Available, CommissionStatus.Available, CommissionStatus.Available], StatesAfter(99));
        Assert.Equal([CommissionStatus.Available, CommissionStatus.Withdrawn, CommissionStatus.Available], StatesAfter(100)); // newest first: orders 3, 2 and 1
        Assert.Equal([CommissionStatus.Available, CommissionStatus.Withdrawn, CommissionStatus.Withdrawn], StatesAfter(200));
        Assert.Equal([CommissionStatus.Withdrawn, CommissionStatus.Withdrawn, CommissionStatus.Withdrawn], StatesAfter(300));

        List<CommissionStatus> StatesAfter(long withdrawn) => [.. Of(Bing).Select(c => c.StateAfter(withdrawn))];
    }

    [Fact]
    public void What_was_taken_back_is_not_withdrawn_and_counts_for_what_comes_after_it()
    {
        Happened(1, Noted, Granted((Bing, 100)), new CommissionFrozen(Start), new CommissionReleased(), new CommissionReversed(CommissionLevel.First, new(100)));
        Happened(2, Noted, Granted((Bing, 50)), new CommissionFrozen(Start), new CommissionReleased());

        Assert.Equal([CommissionStatus.Withdrawn, CommissionStatus.Available], Of(Bing).Select(c => c.StateAfter(50)));
    }

    [Fact]
    public void The_leaders_of_a_month_are_those_who_keep_most_of_it()
    {
        Happened(1, Noted, Granted((Bing, 500), (Chen, 100)));
        Happened(2, Noted, Granted((Chen, 300)));
        Happened(3, Noted, Granted("2026-12", (Chen, 700)));
        Assert.Equal([new(Bing, 500, 0, 1), new(Chen, 400, 0, 2)], Leaders("2026-11"));

        Happened(1, new CommissionReversed(CommissionLevel.First, new(200)));
        Assert.Equal([new(Chen, 400, 0, 2), new(Bing, 500, 200, 1)], Leaders("2026-11"));
        Assert.Equal([new(Chen, 700, 0, 1)], Leaders("2026-12"));
        Assert.Empty(Leaders("2026-10"));
    }

    private static OrderId Order(int number) => new(new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 3));

    private static CommissionGranted Granted(params (ShopperId Earner, long Fen)[] levels) => Granted("2026-11", levels);

    private static CommissionGranted Granted(string month, params (ShopperId Earner, long Fen)[] levels) =>
        new([.. levels.Select((l, i) => new GrantedLevel((CommissionLevel)(i + 1), l.Earner, [l.Fen - 1, 1]))], month);

    private IReadOnlyList<CommissionListItem> Of(ShopperId earner) => documents.List<CommissionListItem>(Demo, CommissionViews.ByEarner, earner.ToString(), null, 10).Items;

    private IReadOnlyList<CommissionListItem> OfShop() => documents.List<CommissionListItem>(Demo, CommissionViews.OfShop, CommissionViews.All, null, 10).Items;

    private IReadOnlyList<MonthlyEarnings> Leaders(string month) => documents.List<MonthlyEarnings>(Demo, CommissionViews.Leaders, month, null, 10).Items;

    private void Happened(int order, params CommissionEvent[] facts)
    {
        foreach (var fact in facts)
        {
            sequence++;
            new CommissionViews().Apply(new(Order(order).CommissionIn(Demo), sequence, Start.AddSeconds(sequence), fact), documents);
            documents.Commit(sequence, Start);
        }
    }
}
