using Campaigns.LoadTests.Report;
using Campaigns.LoadTests.Soak;

namespace Campaigns.Tests.LoadTests;

public sealed class SoakVerdictsTests
{
    private const int Minutes = 30;

    private static readonly SoakSample Calm = new(0, 400, 100, 1, 20, 5, 50, 3, 100, 40, 5_000, 1, 8);

    [Fact]
    public void A_steady_server_has_not_grown() => Assert.Empty(Short(_ => Calm));

    [Fact]
    public void The_slope_is_that_of_the_straight_line_with_the_least_squares()
    {
        Assert.Equal(3, Trend.Slope([new(0, 1), new(1, 4), new(2, 7)]), 9);
        Assert.Equal(-0.5, Trend.Slope([new(0, 1), new(1, 0), new(2, 0)]), 9);
        Assert.Equal(0, Trend.Slope([new(5, 1), new(5, 9)]));
        Assert.Equal(0, Trend.Slope([]));
    }

    [Fact]
    public void The_median_is_not_moved_by_one_wild_value()
    {
        Assert.Equal(2, Trend.Median([1, 900, 2]));
        Assert.Equal(2.5, Trend.Median([4, 1, 2, 3]));
        Assert.Equal(0, Trend.Median([]));
    }

    [Theory]
    [InlineData(90, false)]
    [InlineData(110, true)]
    public void Memory_may_not_climb_faster_than_its_limit(double megabytesPerHour, bool grew)
    {
        Assert.Equal(grew ? ["working set, slope of the last two thirds"] : [], Short(m => Calm with { WorkingSetMb = 400 + megabytesPerHour * m / 60 }));
        Assert.Equal(grew ? ["managed memory, slope of the last two thirds"] : [], Short(m => Calm with { HeapMb = 100 + megabytesPerHour * m / 60 }));
    }

    [Fact]
    public void Memory_that_fills_in_the_first_third_and_stays_has_not_grown() => Assert.Empty(Short(m => Calm with { WorkingSetMb = Math.Min(600, 300 + 30 * m), HeapMb = Math.Min(200, 20 * m) }));

    [Fact]
    public void Memory_is_not_judged_before_idle_grains_can_have_left_it()
    {
        var verdicts = SoakVerdicts.Of(Samples(m => Calm with { WorkingSetMb = 400 + 50 * m }, minutes: 10));

        Assert.Null(verdicts[0].Met);
        Assert.Equal(3_000, verdicts[0].Ours, 3);
    }

    [Theory]
    [InlineData(8, 15, false)]
    [InlineData(8, 17, true)]
    [InlineData(0.5, 2.4, false)] // four times nothing is nothing
    [InlineData(0.5, 2.6, true)]
    public void Latency_of_the_last_third_is_held_against_the_first(double first, double last, bool grew) =>
        Assert.Equal(grew ? ["p99 of the last third"] : [], Short(m => Calm with { P99Ms = m < 15 ? first : last }));

    [Fact]
    public void One_slow_window_is_no_growth() => Assert.Empty(Short(m => Calm with { P99Ms = m == 29 ? 900 : 8, Queued = m == 29 ? 50_000 : 5 }));

    [Fact]
    public void Each_queue_that_grows_is_named()
    {
        Assert.Equal(["HTTP requests worked on, last third"], Short(m => Calm with { InFlight = 20 + 10 * m }));
        Assert.Equal(["commands queued, last third"], Short(m => Calm with { Queued = 10 * m }));
        Assert.Equal(["messages on their way, last third"], Short(m => Calm with { Messages = 50 + 10 * m }));
        Assert.Equal(["flushes that lists lag behind, last third"], Short(m => Calm with { LagFlushes = 10 * m }));
        Assert.Equal(["journal's log, largest of the last third"], Short(m => Calm with { WalMb = 40 + 10 * m }));
    }

    [Fact]
    public void Without_a_sample_nothing_is_judged() => Assert.Empty(SoakVerdicts.Of([]));

    [Fact]
    public void One_sample_is_no_growth() => Assert.DoesNotContain(SoakVerdicts.Of([Calm with { At = 5 }]), f => f.Met == false);

    private static IEnumerable<string> Short(Func<int, SoakSample> at) => SoakVerdicts.Of(Samples(at, Minutes)).Where(f => f.Met == false).Select(f => f.Name);

    private static List<SoakSample> Samples(Func<int, SoakSample> at, int minutes) => [.. Enumerable.Range(0, minutes).Select(m => at(m) with { At = (m + 1) * 60 })];
}
