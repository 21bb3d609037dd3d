using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using Campaigns.Tests.Binding;
using static Campaigns.Tests.Binding.Team;

namespace Campaigns.Tests.Distributor;

/// <summary>A team that is clean, and then one thing in it is broken.</summary>
public sealed class DistributorBookTests
{
    private static readonly Dictionary<string, Action<Team>> Breaks = new(StringComparer.Ordinal)
    {
        ["they are Active and never joined"] = t => Distributor(t, 2, s => s with { JoinedAt = null }),
        ["they joined and are Invited"] = t => Distributor(t, 2, s => s with { Standing = DistributorStanding.Invited }),
        ["it remembers 6 devices"] = t => Distributor(t, 2, s => s with { Devices = ["1", "2", "3", "4", "5", "6"] }),
        ["it remembers 101 suspects"] = t => Distributor(t, 2, s => s with { Suspects = [.. Enumerable.Range(10, 101).Select(Person)] }),
        ["it suspects somebody twice"] = t => Distributor(t, 2, s => s with { Suspects = [Person(3), Person(3)] }),
        ["is known and still asked for"] = t => t.Of<DistributorState>(DistributorOf(2))!.Debts.Owe(DistributorState.JoinedDebt, Guid.Empty),
        ["is not known and not asked for"] = t => Distributor(t, 2, s => s with { IsPlaced = false }),
        ["their own binding does not know that they joined"] = t => Bond(t, 2, s => s with { Joined = null }),
        ["and their own binding says"] = t => Distributor(t, 2, s => s with { Upline = null }),
        ["stands above them and is no distributor"] = t => t.Remove(DistributorOf(1)),
        ["stands above them and joined later"] = t => Distributor(t, 1, s => s with { JoinedAt = Start.AddDays(9) }),
    };

    private static DateTimeOffset Start => BindingCast.Start;

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words)
    {
        var team = BindingBookTests.InOrder();
        Assert.Empty(team.Findings);

        Breaks[words](team);
        Assert.Contains(team.Findings, f => f.Contains(words, StringComparison.Ordinal));
    }

    [Fact]
    public void Distributor_whose_binding_does_not_know_yet_owes_it_the_word()
    {
        var team = new Team(1);
        team.Join(1);

        Assert.Empty(team.Findings);
        Assert.NotEmpty(team.Owing);
    }

    private static void Bond(Team team, int person, Func<BindingState, BindingState> change) => team.Change(BindingOf(person), change);

    private static void Distributor(Team team, int person, Func<DistributorState, DistributorState> change) => team.Change(DistributorOf(person), change);
}
