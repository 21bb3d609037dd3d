using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using static Campaigns.Tests.Binding.Team;

namespace Campaigns.Tests.Binding;

/// <summary>A team that is clean, and then one thing in it is broken.</summary>
public sealed class BindingBookTests
{
    private static readonly Dictionary<string, Action<Team>> Breaks = new(StringComparer.Ordinal)
    {
        ["is waited for and not being asked"] = t => Bond(t, 4, s => s with { Debts = new() }),
        ["is being asked and not waited for"] = t => Bond(t, 4, s => s with { Asked = null }),
        ["remembers 21 ended bindings"] = t => Bond(t, 3, s => s with { Ended = [.. Enumerable.Repeat(s.Ended[0] with { Since = Start, Until = Start }, 21)] }),
        ["the shopper promotes themselves"] = t => Bond(t, 3, s => s with { Newest = s.Newest! with { Promoter = Person(3) } }),
        ["ends before it begins"] = t => Bond(t, 3, s => s with { Newest = s.Newest! with { Until = Start.AddDays(-99) } }),
        ["overlap"] = t => Bond(t, 3, s => s with { Ended = [s.Ended[0] with { Until = s.Newest!.Since.AddTicks(1) }] }),
        ["its promoter 00000001000070008007000000000000 is no distributor"] = t => t.Remove(DistributorOf(1)),
        ["and the binding says"] = t => Bond(t, 3, s => s with { Newest = s.Newest! with { PromoterJoinedAt = Start } }),
        ["joined after the shopper did"] = t => Bond(t, 2, s => s with { Joined = s.Joined! with { At = Start.AddDays(-50) } }),
        ["and their distributor grain does not"] = t => t.Change<DistributorState>(DistributorOf(2), s => s with { JoinedAt = Start }),
    };

    private static DateTimeOffset Start => BindingCast.Start;

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words)
    {
        var team = InOrder();
        Assert.Empty(team.Findings);

        Breaks[words](team);
        Assert.Contains(team.Findings, f => f.Contains(words, StringComparison.Ordinal));
    }

    /// <summary>1 promotes 2, who has joined too; 3 was bound to 1 and is to 2; 4 is asking for 1.</summary>
    internal static Team InOrder()
    {
        var team = new Team(1);
        team.Join(1);
        Assert.Null(team.BindNow(2, 1));
        Assert.Null(team.BindNow(3, 1));
        team.Now = Start.AddDays(1);
        team.Join(2);
        Assert.Null(team.BindNow(3, 2));
        Assert.Null(team.Bind(4, 1));
        return team;
    }

    private static void Bond(Team team, int person, Func<BindingState, BindingState> change) => team.Change(BindingOf(person), change);
}
