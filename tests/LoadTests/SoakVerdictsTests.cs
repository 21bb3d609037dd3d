using Campaigns.LoadTests.Report;
using Campaigns.LoadTests.Soak;

namespace Campaigns.Tests.LoadTests;

public sealed class SoakVerdictsTests
{
    private const int Minutes = 30;

    private static readonly SoakSample Calm = new(0, 400, 100, 150, 80, 1, 20, 5, 50, 3, 100, 40, 5_000, 1, 8);

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
        Assert.Equal(grew ? ["managed memory alive after a full collection, slope"] : [], Short(m => Calm with { LiveMb = 80 + megabytesPerHour * m / 60 }));
        Assert.Equal(grew ? ["memory outside the managed heap, slope"] : [], Short(m => Calm with { OutsideMb = 150 + megabytesPerHour * m / 60 }));
    }

    [Theory]
    [InlineData(499, false)]
    [InlineData(501, true)]
    public void What_is_dead_and_not_collected_may_move_the_working_set_by_a_quarter(double largest, bool grew) =>
        Assert.Equal(grew ? ["working set, largest of the last third"] : [], Short(m => Calm with { WorkingSetMb = m == 25 ? largest : 400 }));

    [Fact]
    public void Memory_that_fills_in_the_first_third_and_stays_has_not_grown() => Assert.Empty(Short(m => Calm with { WorkingSetMb = Math.Min(600, 300 + 30 * m), OutsideMb = Math.Min(200, 20 * m), LiveMb = Math.Min(100, 10 * m) }));

    [Fact]
    public void Memory_is_not_judged_before_idle_grains_can_have_left_it()
    {
        var verdicts = SoakVerdicts.Of(Samples(m => Calm with { LiveMb = 80 + 50 * m, OutsideMb = 150 + 50 * m, WorkingSetMb = 400 + 50 * m }, minutes: 10));

        Assert.All(verdicts.Take(3), v => Assert.Null(v.Met));
        Assert.Equal(3_000, verdicts[0].Ours, 3);
    }

    [Theory]
    [InlineData(15)]
    [InlineData(16)]
    public void Memory_that_fills_until_idle_grains_leave_it_has_not_grown(int minutes) =>
        Assert.Empty(Short(m => Calm with { WorkingSetMb = Math.Min(700, 100 + 100 * (m + 1)), LiveMb = Math.Min(500, 90 * (m + 1)) }, minutes));

    [Theory]
    [InlineData(15, 200, false)]
    [InlineData(15, 225, true)] // 32 MB in the nine minutes that are judged are 213 MB an hour
    [InlineData(120, 101, true)]
    public void A_short_run_may_move_by_a_collection_and_a_long_one_may_not(int minutes, double megabytesPerHour, bool grew) =>
        Assert.Equal(grew, Short(m => Calm with { LiveMb = 100 + megabytesPerHour * m / 60 }, minutes).Any());

    [Theory]
    [InlineData(10, 24, false)]
    [InlineData(10, 26, true)]
    [InlineData(20, 39, false)]
    [InlineData(20, 41, true)]
    [InlineData(0.5, 15.4, false)] // many times nothing is nothing
    public void P99_of_the_last_third_is_held_against_the_first(double first, double last, bool grew) =>
        Assert.Equal(grew ? ["p99 of the last third"] : [], Short(m => Calm with { P99Ms = m < 15 ? first : last }));

    [Theory]
    [InlineData(0.5, 3.4, false)]
    [InlineData(0.5, 3.6, true)]
    [InlineData(4, 7.9, false)]
    [InlineData(4, 8.1, true)]
    public void P50_of_the_last_third_is_held_against_the_first(double first, double last, bool grew) =>
        Assert.Equal(grew ? ["p50 of the last third"] : [], Short(m => Calm with { P50Ms = m < 15 ? first : last }));

    [Fact]
    public void Latency_that_climbs_all_the_time_has_grown_though_every_third_window_is_wild() =>
        Assert.Contains("p99 of the last third", Short(m => Calm with { P99Ms = m % 3 == 0 ? 400 : 8 + 2 * m }));

    [Fact]
    public void Latency_of_a_short_run_is_judged_too() => Assert.Equal(["p99 of the last third"], Short(m => Calm with { P99Ms = m < 3 ? 8 : 80 }, minutes: 6));

    [Fact]
    public void The_first_minutes_of_a_long_run_hide_no_growth() => Assert.Equal(["p99 of the last third"], Short(m => Calm with { P99Ms = m < 5 ? 500 : m < 15 ? 8 : 80 }));

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

    private static IEnumerable<string> Short(Func<int, SoakSample> at, int minutes = Minutes) => SoakVerdicts.Of(Samples(at, minutes)).Where(f => f.Met == false).Select(f => f.Name);

    private static List<SoakSample> Samples(Func<int, SoakSample> at, int minutes) => [.. Enumerable.Range(0, minutes).Select(m => at(m) with { At = (m + 1) * 60 })];
}
