using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Projections;
using Campaigns.Tests.Binding;

namespace Campaigns.Tests.Distributor;

/// <summary>What the lists make of the facts of distributors and bindings.</summary>
public sealed class DistributorViewsTests : IDisposable
{
    private static readonly ShopId Demo = new("demo");
    private static readonly DateTimeOffset Start = BindingCast.Start;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly DocumentStore documents;
    private long sequence;

    public DistributorViewsTests() => documents = new SqliteDocuments(Path.Combine(folder.FullName, "projections.db"));

    public void Dispose()
    {
        documents.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Application_is_listed_until_it_is_decided()
    {
        Happened(Team.DistributorOf(1), new DistributorApplied("please", Start));
        Assert.Equal(new(Team.Person(1), PromotionCode.Of(Team.Person(1)), DistributorStanding.Applied, Start, Reason: "please"), Assert.Single(In(DistributorStanding.Applied)));

        Happened(Team.DistributorOf(1), new ApplicationDeclined("no", Start));
        Assert.Empty(In(DistributorStanding.Applied));
        Assert.Equal("no", Assert.Single(In(DistributorStanding.Declined)).Reason);

        Happened(Team.DistributorOf(1), new DistributorApplied("again", Start.AddDays(1)), new ApplicationApproved(null, Start.AddDays(2)), new DistributorJoined(Start.AddDays(2)), new DistributorPlaced(null));
        Assert.Equal((Start.AddDays(2), Start.AddDays(2), 1, null), Assert.Single(In(DistributorStanding.Active)) is var d ? (d.Since, d.JoinedAt!.Value, d.Level, d.Reason) : default);
    }

    [Fact]
    public void Distributor_is_listed_as_they_stand_newest_first()
    {
        Happened(Team.DistributorOf(1), new DistributorInvited(Start), new DistributorJoined(Start.AddDays(1)), new DistributorPlaced(null));
        Happened(Team.DistributorOf(2), new DistributorJoined(Start.AddDays(2)), new DistributorPlaced(Team.Person(1)));
        Assert.Equal([Team.Person(2), Team.Person(1)], OfShop().Select(d => d.ShopperId));
        Assert.Empty(In(DistributorStanding.Invited));

        Happened(Team.DistributorOf(2), new TierSet("gold", Start), new ComplaintNoted("rude", Start), new EarningsNoted(20_000, 4_000), new CustomerSuspected(Team.Person(9), Start), new DistributorSeen("d"), new StandingSet(DistributorStanding.Frozen, "enough", Start));
        var listed = OfShop()[0];
        Assert.Equal(listed, Assert.Single(In(DistributorStanding.Frozen)));
        Assert.Equal((Team.Person(1), 2, "gold", 1, 1, "enough"), (listed.Upline!.Value, listed.Level, listed.Tier, listed.Complaints, listed.SuspectBindings, listed.Reason));
        Assert.Equal(100 - 15 - 10 - 10, listed.Trust);
        Assert.Equal((20_000L, 4_000L), (listed.GivenFen, listed.TakenBackFen));
    }

    [Fact]
    public void Team_holds_customers_while_they_are_bound_and_distributors_for_good()
    {
        Happened(Team.DistributorOf(2), new DistributorJoined(Start), new DistributorPlaced(Team.Person(1)));
        Happened(Team.BindingOf(2), Bound(1));
        Happened(Team.BindingOf(3), Bound(1) with { Channel = null, IsSuspect = true });
        Assert.Equal(
            [new(Team.Person(2), false, Start, Start.AddDays(15), "moments"), new(Team.Person(2), true, Start), new(Team.Person(3), false, Start, Start.AddDays(15), null, true)],
            TeamOf(1).OrderBy(m => m.ShopperId.Value).ThenBy(m => m.IsDistributor));

        Happened(Team.BindingOf(2), new BindingRenewed(Start.AddDays(20)), new PromoterAsked(Team.Person(4), null, null, Team.LastTouch, Start), Bound(4) with { At = Start.AddDays(3) });
        Happened(Team.BindingOf(3), new BindingEnded(Start.AddDays(1)));
        Assert.Equal([new(Team.Person(2), true, Start)], TeamOf(1));
        Assert.Equal((Team.Person(2), Start.AddDays(3)), Assert.Single(TeamOf(4)) is var m ? (m.ShopperId, m.Since) : default);
    }

    [Fact]
    public void Promoter_of_a_shopper_is_found_as_long_as_it_lasts()
    {
        Assert.Null(PromoterOfTwo());
        Happened(Team.BindingOf(2), Bound(1));
        Assert.Equal(new(Team.Person(1), Start, Start.AddDays(15), "moments", false), PromoterOfTwo());

        Happened(Team.BindingOf(2), new BindingRenewed(Start.AddDays(20)));
        Assert.Equal(Start.AddDays(20), PromoterOfTwo()!.Until);
        Happened(Team.BindingOf(2), new BindingEnded(Start.AddDays(5)));
        Assert.Equal(Start.AddDays(5), PromoterOfTwo()!.Until);
        Happened(Team.BindingOf(2), Bound(1), new BindingEnded(Start.AddDays(99)));
        Assert.Equal(Start.AddDays(15), PromoterOfTwo()!.Until);
    }

    private static PromoterBound Bound(int promoter) => new(Team.Person(promoter), Start, "moments", false, Start, Start.AddDays(15), Start);

    private PromoterOf? PromoterOfTwo() => ((IDocuments)documents).Find<PromoterOf>(Demo, DistributorViews.Promoters, Team.Person(2).ToString());

    private IReadOnlyList<DistributorListItem> OfShop() => documents.List<DistributorListItem>(Demo, DistributorViews.OfShop, DistributorViews.All, null, 10).Items;

    private IReadOnlyList<DistributorListItem> In(DistributorStanding standing) => documents.List<DistributorListItem>(Demo, DistributorViews.ByStanding, standing.ToString(), null, 10).Items;

    private IReadOnlyList<TeamMember> TeamOf(int promoter) => documents.List<TeamMember>(Demo, DistributorViews.Team, Team.Person(promoter).ToString(), null, 10).Items;

    private void Happened(GrainId grain, params object[] facts)
    {
        foreach (var fact in facts)
        {
            new DistributorViews().Apply(new(grain, ++sequence, Start, fact), documents);
            documents.Commit(sequence, Start);
        }
    }
}
