using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Tests.Bargain;
using static Campaigns.Tests.Campaign.CampaignCast;

namespace Campaigns.Tests.Campaign;

/// <summary>Campaigns whose units are claimed by orders: a participation comes with its first claim, and what is not bought is returned.</summary>
public sealed class CampaignUnitsTests
{
    private static readonly Turn Now = new(new GrainId("campaign", new ShopId("demo"), Guid.Parse("01890000-0000-7000-8000-000000000001")), Start);

    private readonly CampaignGrain grain = new();
    private CampaignState state = new() { Plan = Plan() with { Terms = new UnitTerms { Quota = 10 } }, Status = CampaignStatus.Running, Total = 10, Revision = 1, Facts = Facts };

    private Decision<CampaignEvent> decision;

    // ---- a claim: one row per guard, in source order

    [Fact]
    public void A_claim_of_a_campaign_that_was_never_drafted_is_not_found()
    {
        state = new();
        Refused("NotFound", Claim(1, 1));
        Refused("NotFound", new ReturnUnits(Order(1), Id(1)));
        Refused("NotFound", new CloseParticipation(Id(1), Used: false));
        Refused("NotFound", new RouteLatePayment(OrderId.Of(Order(1)), []));
    }

    [Fact]
    public void A_claim_takes_units_and_lets_the_participation_in()
    {
        Decided(Claim(1, 3), new UnitsClaimed(Order(1), Id(1), BargainCast.Somebody(1), 3, Admits: true, Start));
        Decided(Claim(1, 3));
        Decided(Claim(2, 2), new UnitsClaimed(Order(2), Id(1), BargainCast.Somebody(2), 2, Admits: false, Start));

        Assert.Equal((5, 5, 1), (state.Held, state.Left, state.Live));
        Assert.Equal(Id(1), Assert.IsType<Admission>(grain.Answer(state, Claim(2, 2), Now).Value).Id);
        Sound();
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(10_001, false)]
    public void A_claim_has_1_to_10_000_units(int units, bool accepted)
    {
        if (accepted) Decided(Claim(1, units), new UnitsClaimed(Order(1), Id(1), BargainCast.Somebody(1), units, Admits: true, Start));
        else Refused("Invalid", Claim(1, units));
    }

    [Fact]
    public void Nothing_is_claimed_of_a_campaign_that_is_not_open()
    {
        state.WasKilled = true;
        Refused("CampaignKilled", Claim(1, 1));
        (state.WasKilled, state.Status) = (false, CampaignStatus.Paused);
        Refused("CampaignPaused", Claim(1, 1));
        (state.Status, state.Plan) = (CampaignStatus.Running, state.Plan! with { EndsAt = Start });
        Refused("CampaignNotRunning", Claim(1, 1));
    }

    [Fact]
    public void A_claim_within_the_window_opens_a_campaign_whose_start_was_not_noted_yet()
    {
        state.Status = CampaignStatus.Scheduled;
        Decided(Claim(1, 1), new CampaignOpened(Start), new UnitsClaimed(Order(1), Id(1), BargainCast.Somebody(1), 1, Admits: true, Start));
    }

    [Fact]
    public void Nothing_is_claimed_for_a_participation_that_is_over()
    {
        Do(Claim(1, 1), new CloseParticipation(Id(1), Used: false, [Order(1)]));
        Refused("WrongState", Claim(2, 1));
    }

    [Fact]
    [Trait("EdgeCase", "30")]
    public void The_purchase_limit_counts_units_and_a_returned_one_is_allowed_again()
    {
        Do(Claim(1, 1, owner: 1));
        Refused("PurchaseLimit", Claim(2, 3, owner: 1), r => Assert.Equal(3, r.Limit));
        Do(Claim(2, 2, owner: 1));
        Refused("PurchaseLimit", Claim(3, 1, owner: 1));
        Do(Claim(3, 3, owner: 2), new ReturnUnits(Order(2), Id(1)));
        Do(Claim(4, 2, owner: 1));

        Assert.Equal(3, state.UnitsOf[BargainCast.Somebody(1).Value]);
        Sound();
    }

    [Fact]
    public void What_was_bought_counts_against_the_limit_for_ever()
    {
        Do(Claim(1, 3, owner: 1), new CloseParticipation(Id(1), Used: false, [Order(1)]));
        Refused("PurchaseLimit", Claim(2, 1, owner: 1, participation: 2));
    }

    [Fact]
    public void The_quota_is_never_exceeded_and_a_returned_unit_is_claimed_again()
    {
        Do(Claim(1, 3), Claim(2, 3), Claim(3, 3));
        Refused("SoldOut", Claim(4, 2));
        Do(Claim(4, 1), new ReturnUnits(Order(1), Id(1)));
        Do(Claim(5, 3));

        Assert.Equal((10, 0), (state.Held, state.Left));
        Sound();
    }

    [Fact]
    public void Returned_units_are_returned_once()
    {
        Do(Claim(1, 2));
        Decided(new ReturnUnits(Order(1), Id(1)), new UnitsReturned(Order(1), 2));
        Decided(new ReturnUnits(Order(1), Id(1)));
        Decided(new ReturnUnits(Order(7), Id(1)));

        Assert.Equal((0, 10), (state.Held, state.Left));
        Assert.Empty(state.UnitsOf);
        Do(Claim(1, 2));
        Sound();
    }

    [Fact]
    public void A_participation_that_closes_sells_the_units_of_its_paid_orders_alone()
    {
        Do(Claim(1, 3), Claim(2, 2));
        Decided(new CloseParticipation(Id(1), Used: false, [Order(1)]), new ParticipationClosed(Id(1), SellsPlace: false, FreesPlace: false, Start, [Order(1)]));
        Decided(new CloseParticipation(Id(1), Used: false, [Order(1)]));
        Assert.Equal((2, 3, 5), (state.Held, state.Sold, state.Left));

        Do(new ReturnUnits(Order(2), Id(1)));
        Decided(new ReturnUnits(Order(1), Id(1)));
        Assert.Equal((0, 3, 7), (state.Held, state.Sold, state.Left));
        Sound();
    }

    // ---- late money

    [Fact]
    public void Late_money_is_routed_to_the_oldest_that_runs_and_was_not_tried()
    {
        Do(Claim(1, 1, participation: 1), Claim(2, 1, participation: 2), Claim(3, 1, participation: 3), new CloseParticipation(Id(1), Used: false));

        Assert.Equal(Id(2), Route());
        Assert.Equal(Id(3), Route(Id(2)));
    }

    [Fact]
    public void Late_money_that_nobody_can_take_gets_a_participation_of_its_own()
    {
        Do(Claim(1, 1, participation: 1), Claim(2, 1, participation: 2), Claim(3, 1, participation: 3), Claim(4, 1, participation: 4));
        var own = Route(Id(1), Id(2), Id(3));

        Assert.DoesNotContain(own, state.Participations.Keys);
        Assert.Equal(own, Route(Id(1), Id(2), Id(3), own));
        Assert.NotEqual(own, CampaignRules.RouteOf(state, new(OrderId.Of(Order(2)), [Id(1), Id(2), Id(3)])));
    }

    // ---- books

    [Fact]
    public void The_book_sees_units_that_do_not_add_up()
    {
        Do(Claim(1, 2), Claim(2, 3, participation: 2), new CloseParticipation(Id(1), Used: false, [Order(1)]));
        Sound();

        Wrong("places are counted as held", s => s.Held++);
        Wrong("places are counted as sold", s => s.Sold++);
        Wrong("units are claimed by or sold to", s => s.UnitsOf[Id(9)] = 4);
        Wrong("units are claimed by or sold to", s => s.UnitsOf[Id(9)] = 0);
        Wrong("places are counted as sold", s => s.UnitsOf[Id(9)] = 1);
        Wrong("places are taken of", s => s.Total = 4);
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 50)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Claims_returns_and_sales_add_up_whatever_happens(int seed)
    {
        var random = new Random(seed);
        for (var step = 0; step < 200; step++)
        {
            var order = random.Next(1, 12);
            object command = random.Next(4) switch
            {
                0 => new ReturnUnits(Order(order), state.Claims.GetValueOrDefault(Order(order)).Participation),
                1 when random.Next(4) == 0 => CloseAndSell(Id(random.Next(1, 6))),
                _ => Claim(order, random.Next(1, 4), random.Next(1, 6), random.Next(1, 6)),
            };
            Decide(command);
            Assert.InRange(state.Left, 0, 10);
            Assert.All(state.UnitsOf.Values, units => Assert.InRange(units, 1, 3));
            Sound();
        }
    }

    // A participation closes when what it claimed is sold or returned.
    private CloseParticipation CloseAndSell(Guid participation) => new(participation, Used: false, [.. state.Claims.Where(c => c.Value.Participation == participation).Select(c => c.Key)]);

    private static Guid Order(int number) => Id(500 + number);

    private static ClaimUnits Claim(int order, int units, int? owner = null, int participation = 1) => new(Order(order), Id(participation), BargainCast.Somebody(owner ?? order), units);

    private Guid Route(params Guid[] tried)
    {
        var asked = new RouteLatePayment(OrderId.Of(Order(1)), tried);
        Decided(asked);
        var route = Assert.IsType<LatePaymentRoute>(grain.Answer(state, asked, Now).Value).Source;
        Assert.Equal("bargain", route.Kind);
        return route.Key;
    }

    private void Do(params object[] commands)
    {
        foreach (var command in commands)
        {
            Decide(command);
            Assert.Null(decision.Refusal);
            Assert.NotEmpty(decision.Events.ToArray());
        }
    }

    private void Decided(object command, params CampaignEvent[] expected)
    {
        Decide(command);
        Assert.Null(decision.Refusal);
        Assert.Equal(expected.Select(e => System.Text.Json.JsonSerializer.Serialize(e, e.GetType())), decision.Events.ToArray().Select(e => System.Text.Json.JsonSerializer.Serialize(e, e.GetType())));
    }

    private void Refused(string code, object command, Action<Refusal>? check = null)
    {
        Decide(command);
        Assert.Equal(code, (decision.Refusal ?? grain.Answer(state, command, Now).Refusal)?.Code);
        Assert.Empty(decision.Events.ToArray());
        if (decision.Refusal is { } refusal) check?.Invoke(refusal);
    }

    private void Decide(object command)
    {
        decision = grain.Decide(state, command, Now);
        foreach (var fact in decision.Events) state = grain.Evolve(state, fact);
    }

    private void Sound() => Assert.Empty(Findings());

    private void Wrong(string words, Action<CampaignState> change)
    {
        var (before, kept) = (state, System.Text.Json.JsonSerializer.Serialize(state.UnitsOf));
        var (held, sold, total) = (state.Held, state.Sold, state.Total);
        change(state);
        Assert.Contains(Findings(), f => f.Contains(words, StringComparison.Ordinal));
        (state.Held, state.Sold, state.Total, state.UnitsOf) = (held, sold, total, System.Text.Json.JsonSerializer.Deserialize<Dictionary<Guid, int>>(kept)!);
        Assert.Same(before, state);
        Sound();
    }

    // What the book says of the units; participations and stock are not there.
    private List<string> Findings() => [.. new CampaignBook().WrongWith(Now.Self, state, new NoBooks()).Where(f => f.Contains("places", StringComparison.Ordinal) && !f.Contains("stock", StringComparison.Ordinal) || f.Contains("units are claimed", StringComparison.Ordinal))];

    private sealed class NoBooks : IBooks
    {
        public TState? Of<TState>(GrainId grain)
            where TState : class => null;
    }

    private sealed record UnitTerms : CampaignTerms
    {
        public override string Kind => "units";

        public override bool TakesPlaceAtEntry => false;

        public override long PriceFen => 1;

        public override int UnitsPerShopper => 3;

        public override IEnumerable<Finding> Check(CampaignPlan plan, PublicationFacts facts) => [];

        public override GrainId Participation(ShopId shop, Guid id) => BargainId.Of(id).In(shop);
    }
}
