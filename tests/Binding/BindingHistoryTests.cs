using System.Text.Json;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Binding;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Shopper;

namespace Campaigns.Tests.Binding;

/// <summary>Many shoppers who join and bind in any order: nobody ever comes to promote themselves by way of others.</summary>
public sealed class BindingHistoryTests
{
    private const int Histories = 200;
    private const int People = 30;

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Random_binds_and_joins_never_make_a_loop()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var seed = 0; seed < Histories; seed++)
        {
            var (team, random) = (new Team(seed), new Random(seed));
            for (var step = 0; step < 250; step++)
            {
                var person = random.Next(People);

                // Several in the same tick: then the ids decide who was first.
                if (random.Next(3) == 0) team.Now += TimeSpan.FromHours(random.Next(12));
                switch (random.Next(10))
                {
                    case < 2:
                        team.Join(person);
                        break;
                    case 2:
                        seen.Add(team.Tell(Team.BindingOf(person), new EndBinding()) is null ? "ended" : "protected");
                        break;
                    default:
                        var policy = random.Next(4) == 0 ? Team.FirstTouch : Team.LastTouch with { ProtectionDays = random.Next(2) };
                        if (team.Bind(person, random.Next(People), policy) is { } refusal) seen.Add(refusal.Code);
                        break;
                }

                for (var i = random.Next(4); i > 0; i--) team.Deliver();
                Assert.Null(LoopIn(team.Promoters()));
                Assert.Null(LoopIn(team.Uplines()));
                if (step % 25 == 0) Assert.Empty(team.Findings);
            }

            team.Settle();
            Assert.Empty(team.Owing);
            Assert.Empty(team.Findings);
            Assert.Null(LoopIn(team.Promoters()));
            seen.UnionWith(Enumerable.Range(0, People).Select(p => team.Of<BindingState>(Team.BindingOf(p))?.Returned?.Why.Code).OfType<string>());
            if (team.Uplines().Count > 0) seen.Add("upline");
        }

        // The loop is worth something only if it gets everywhere.
        Assert.Empty(((string[])["ended", "protected", "OwnCode", "AlreadyBound", "Busy", "UnknownCode", "BindingLoop", "upline"]).Except(seen, StringComparer.Ordinal));
    }

    [Fact]
    public void Loop_is_found_by_the_walk()
    {
        Assert.NotNull(LoopIn(new() { [Team.Person(1)] = Team.Person(2), [Team.Person(2)] = Team.Person(3), [Team.Person(3)] = Team.Person(1) }));
        Assert.Null(LoopIn(new() { [Team.Person(1)] = Team.Person(2), [Team.Person(3)] = Team.Person(2) }));
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Who_was_promoted_does_not_promote_their_own_promoter()
    {
        var team = new Team(1);
        team.Join(1);
        Assert.Null(team.BindNow(2, 1));
        team.Now += TimeSpan.FromDays(1);
        team.Join(2);
        team.Settle();

        Assert.Equal("BindingLoop", team.BindNow(1, 2)!.Code);
        Assert.Equal(Team.Person(1), team.Of<DistributorState>(Team.DistributorOf(2))!.Upline);
        Assert.Equal([Team.Person(2)], team.Promoters().Keys);
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Two_who_bind_each_other_while_one_is_still_joining_make_no_loop()
    {
        var team = new Team(1);
        team.Join(1);
        team.Now += TimeSpan.FromMinutes(1);
        team.Join(2);
        Assert.True(team.Deliver(Team.DistributorOf(2)));

        // The binding of 1 does not know yet that 1 has joined, so it takes 2, who came later.
        Assert.Null(team.Bind(1, 2));
        Assert.True(team.Deliver(Team.BindingOf(1)));
        Assert.Equal(Team.Person(2), team.Promoters()[Team.Person(1)]);
        Assert.Null(team.Bind(2, 1));
        Assert.False(team.Deliver(Team.BindingOf(2)));
        Assert.Null(LoopIn(team.Promoters()));

        Assert.True(team.Deliver(Team.DistributorOf(1)));
        Assert.True(team.Deliver(Team.BindingOf(2)));
        Assert.Equal([(Team.Person(2), Team.Person(1))], team.Promoters().Select(p => (p.Key, p.Value)));
        Assert.Empty(team.Owing);
        Assert.Empty(team.Findings);
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Promoter_on_the_buyers_device_is_flagged_and_trusted_less()
    {
        var team = new Team(1);
        team.Join(1, "phone");
        Assert.Null(team.BindNow(2, 1, device: "phone"));
        Assert.Null(team.BindNow(3, 1, device: "another"));

        Assert.True(Assert.IsType<Attribution>(team.Answer(Team.BindingOf(2), new AskAttribution(team.Now)).Value).IsSuspect);
        Assert.False(Assert.IsType<Attribution>(team.Answer(Team.BindingOf(3), new AskAttribution(team.Now)).Value).IsSuspect);
        Assert.Equal((90, 1), Assert.IsType<DistributorView>(team.Answer(Team.DistributorOf(1), new GetDistributor()).Value) is var v ? (v.Trust, v.SuspectBindings) : default);
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void Third_level_of_commission_cannot_be_said()
    {
        Assert.Equal([CommissionLevel.First, CommissionLevel.Second], Enum.GetValues<CommissionLevel>());
        var json = new JsonSerializerOptions();
        Api.Configure(json);
        Assert.Equal(CommissionLevel.Second, JsonSerializer.Deserialize<CommissionLevel>("\"Second\"", json));
        foreach (var other in (string[])["\"Third\"", "3", "2", "\"3\"", "null"]) Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<CommissionLevel>(other, json));
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public void However_long_the_chain_above_a_binding_asks_one_other_grain()
    {
        const int length = 1_000;
        var team = new Team(1);
        for (var i = 0; i < length; i++)
        {
            team.Now += TimeSpan.FromMinutes(1);
            if (i > 0) team.Tell(Team.BindingOf(i), new BindPromoter(Team.Person(i - 1), null, null, new(Team.LastTouch.Mode, 365, 0)));
            Finish(team, i);
            team.Join(i);
            Finish(team, i);
        }

        Assert.Equal(length - 1, team.Uplines().Count);
        var before = team.Sent.Count;
        team.Bind(length, length - 1);
        Finish(team, length);
        Assert.All(team.Sent.Skip(before), m => Assert.Equal((Team.DistributorOf(length - 1), new AdmitCustomer(Team.Person(length), null)), (m.To, m.Command)));
        Assert.Equal(Team.Person(length - 1), team.Promoters()[Team.Person(length)]);

        // And the loop over all thousand is refused as cheaply.
        before = team.Sent.Count;
        team.Bind(0, length - 1);
        Finish(team, 0);
        Assert.All(team.Sent.Skip(before), m => Assert.Equal(Team.DistributorOf(length - 1), m.To));
        Assert.Equal("BindingLoop", team.Of<BindingState>(Team.BindingOf(0))!.Returned!.Why.Code);
    }

    private static void Finish(Team team, int person)
    {
        while (team.Deliver(Team.BindingOf(person)) || team.Deliver(Team.DistributorOf(person)))
        {
        }
    }

    /// <summary>Walks from everybody up as far as it goes.</summary>
    private static string? LoopIn(Dictionary<ShopperId, ShopperId> above)
    {
        foreach (var start in above.Keys)
        {
            var at = start;
            for (var steps = 0; above.TryGetValue(at, out var next); at = next)
                if (++steps > above.Count) return $"a loop above {start}";
        }

        return null;
    }
}
