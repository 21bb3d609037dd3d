using Campaigns.LoadTests.Growth;

namespace Campaigns.Tests.LoadTests;

public sealed class GrowthTests
{
    [Fact]
    public void Points_go_up_by_ten_and_end_where_they_were_told_to()
    {
        Assert.Equal([100_000, 1_000_000], GrowthPlan.Points(100_000, 1_000_000));
        Assert.Equal([100_000, 250_000], GrowthPlan.Points(100_000, 250_000));
        Assert.Equal([20_000], GrowthPlan.Points(100_000, 20_000));
        Assert.Empty(GrowthPlan.Points(100_000, 0));
    }

    [Fact]
    public void A_run_that_the_disk_has_no_room_for_is_refused_with_what_is_missing()
    {
        GrowthBench Of(long events) => new(new([], [events], TimeSpan.FromSeconds(1), 1, 1), Path.GetTempPath(), _ => { });

        Assert.Contains("GB are free there", Of(GrowthPlan.EventsMax * 1_000_000).WhyNot, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_one_size_differs_from_the_base_at_a_time()
    {
        Assert.Equal((10_000, 5_000_000), (GrowthSize.OfEvents(5_000_000).Grains, GrowthSize.OfEvents(5_000_000).Events));
        Assert.Equal(GrowthSize.Base.Events / GrowthSize.Base.Grains, GrowthSize.OfGrains(1_000_000).Events / 1_000_000);
        Assert.Equal(["10 k grains", "1 M grains", "5 M events"], ((GrowthSize[])[GrowthSize.Base, GrowthSize.OfGrains(1_000_000), GrowthSize.OfEvents(5_000_000)]).Select(s => s.Name));
    }
}
