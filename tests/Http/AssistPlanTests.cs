using Campaigns.LoadTests.Http;

namespace Campaigns.Tests.Http;

/// <summary>What the load test over HTTP sends must all be acceptable: a refusal would count as a fault of the server.</summary>
public sealed class AssistPlanTests
{
    private const int Assists = 50_000;
    private const int Running = 100;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Nobody_helps_twice_in_a_bargain_nor_more_often_than_a_day_allows(double skew)
    {
        var plan = new AssistPlan(Assists, Running, skew, seed: 7);
        var all = Enumerable.Range(0, plan.Count).Select(i => (Bargain: plan.BargainOf(i), Helper: plan.HelperOf(i))).ToList();

        Assert.Equal(Assists, all.Distinct().Count());
        Assert.All(all.CountBy(a => a.Helper), helper => Assert.InRange(helper.Value, 1, AssistPlan.AssistsPerDay));
        Assert.All(all.CountBy(a => a.Bargain), bargain => Assert.InRange(bargain.Value, 1, AssistPlan.Slots));
        Assert.All(all, a => Assert.True(a.Bargain < plan.Bargains && a.Helper < plan.Helpers));
    }

    [Fact]
    public void The_first_of_a_skewed_crowd_is_as_popular_as_Zipf_says()
    {
        // Two bargains, the first twice as popular, and too few assists for either to be won.
        var plan = new AssistPlan(AssistPlan.Slots, running: 2, skew: 1, seed: 7);
        var counts = Enumerable.Range(0, plan.Count).CountBy(plan.BargainOf).Select(c => c.Value).Order().ToList();

        Assert.Equal(2, counts.Count);
        Assert.InRange(counts[1], AssistPlan.Slots * 0.6, AssistPlan.Slots * 0.75);
    }

    [Fact]
    public void Arrivals_come_in_order_at_the_rate_that_was_asked_for()
    {
        var arrivals = Arrivals.AtRandom(perSecond: 5_000, TimeSpan.FromSeconds(4), seed: 7).ToList();

        Assert.Equal(arrivals.Order(), arrivals);
        Assert.Equal(20_000, arrivals.Count);
        Assert.InRange(arrivals[^1].TotalSeconds, 3.9, 4.1);
    }
}
