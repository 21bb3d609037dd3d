using System.Globalization;
using Campaigns.Grains.FlashSale;

namespace Campaigns.Tests.FlashSale;

/// <summary>Weeks, days and zones: when a weekly sale takes place.</summary>
public class FlashSaleCalendarTests
{
    private static readonly DateTimeOffset Start = At("2026-11-02T00:00:00+08:00"); // a Monday
    private static readonly DateTimeOffset End = At("2026-11-30T00:00:00+08:00");

    [Theory]
    [InlineData("2026-11-02T00:00:00+08:00", "2026-11-06T20:00:00+08:00")]
    [InlineData("2026-11-06T20:00:00+08:00", "2026-11-06T20:00:00+08:00")]
    [InlineData("2026-11-06T21:59:59+08:00", "2026-11-06T20:00:00+08:00")]
    [InlineData("2026-11-06T22:00:00+08:00", "2026-11-13T20:00:00+08:00")]
    [InlineData("2026-11-08T23:59:59+08:00", "2026-11-13T20:00:00+08:00")]
    [InlineData("2026-11-27T22:00:00+08:00", null)]
    [Trait("EdgeCase", "57")]
    public void Friday_evening_comes_each_week_and_ends_with_its_last_moment(string moment, string? begins) => Begins(new(5, "20:00", 120), "Asia/Shanghai", moment, begins);

    [Theory]
    [InlineData(1, "2026-11-02T00:00:00+08:00")]
    [InlineData(2, "2026-11-03T00:00:00+08:00")]
    [InlineData(6, "2026-11-07T00:00:00+08:00")]
    [InlineData(7, "2026-11-08T00:00:00+08:00")]
    public void Monday_is_the_first_day_and_Sunday_the_seventh(int day, string begins) => Begins(new(day, "00:00", 60), "Asia/Shanghai", "2026-11-02T00:00:00+08:00", begins);

    [Theory]
    [InlineData("2026-11-08T23:30:00+08:00", "2026-11-08T23:00:00+08:00")]
    [InlineData("2026-11-09T00:30:00+08:00", "2026-11-08T23:00:00+08:00")]
    [InlineData("2026-11-09T22:59:59+08:00", "2026-11-08T23:00:00+08:00")]
    [InlineData("2026-11-09T23:00:00+08:00", "2026-11-15T23:00:00+08:00")]
    [Trait("EdgeCase", "57")]
    public void A_slot_runs_on_over_midnight_and_over_the_border_of_the_week(string moment, string begins) => Begins(new(7, "23:00", 1_440), "Asia/Shanghai", moment, begins);

    [Fact]
    public void The_campaign_cuts_off_what_lies_outside_its_window()
    {
        var slot = new WeeklySlot(1, "00:00", 120);
        Assert.Equal(new Occurrence(Start.AddHours(1), Start.AddHours(2)), FlashSaleCalendar.Next(slot, "Asia/Shanghai", Start.AddHours(1), End, Start));
        Assert.Equal(new Occurrence(Start, Start.AddMinutes(30)), FlashSaleCalendar.Next(slot, "Asia/Shanghai", Start, Start.AddMinutes(30), Start));
        Assert.Equal(Start.AddDays(7), FlashSaleCalendar.Next(slot, "Asia/Shanghai", Start.AddHours(2), End, Start)!.Value.StartsAt);
        Assert.Null(FlashSaleCalendar.Next(slot, "Asia/Shanghai", Start.AddHours(2), Start.AddDays(7), Start));
    }

    [Fact]
    public void Once_is_the_whole_window_and_over_at_its_end()
    {
        Assert.Equal(new Occurrence(Start, End), FlashSaleCalendar.Next(null, "Asia/Shanghai", Start, End, Start.AddDays(-3)));
        Assert.Equal(new Occurrence(Start, End), FlashSaleCalendar.Next(null, "Asia/Shanghai", Start, End, End.AddTicks(-1)));
        Assert.Null(FlashSaleCalendar.Next(null, "Asia/Shanghai", Start, End, End));
    }

    [Theory]
    [InlineData("02:30", "2026-03-29T03:00:00+02:00")] // skipped: the first time that exists
    [InlineData("03:00", "2026-03-29T03:00:00+02:00")]
    [InlineData("01:59", "2026-03-29T01:59:00+01:00")]
    public void Clocks_that_skip_the_time_begin_with_the_next_that_exists(string time, string begins) =>
        Assert.Equal(At(begins), FlashSaleCalendar.Next(new(7, time, 60), "Europe/Berlin", At("2026-03-23T00:00:00Z"), At("2026-04-05T00:00:00Z"), At("2026-03-23T00:00:00Z"))!.Value.StartsAt);

    [Fact]
    public void Clocks_that_show_the_time_twice_begin_with_the_first_and_last_as_long_as_said()
    {
        var occurrence = FlashSaleCalendar.Next(new(7, "02:30", 60), "Europe/Berlin", At("2026-10-19T00:00:00Z"), At("2026-11-01T00:00:00Z"), At("2026-10-19T00:00:00Z"))!.Value;
        Assert.Equal(At("2026-10-25T02:30:00+02:00"), occurrence.StartsAt);
        Assert.Equal(TimeSpan.FromHours(1), occurrence.EndsAt - occurrence.StartsAt);
    }

    [Fact]
    public void A_zone_with_its_own_half_hours_counts_its_own_days() => Begins(new(1, "00:15", 30), "Asia/Kolkata", "2026-11-02T00:00:00+08:00", "2026-11-02T00:15:00+05:30");

    [Theory]
    [InlineData("9999-12-01T00:00:00Z", "9999-12-31T23:59:59Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z")]
    public void The_ends_of_all_time_are_no_failure(string start, string end)
    {
        foreach (var slot in (WeeklySlot?[])[null, new(1, "20:00", 1_440)]) FlashSaleCalendar.Next(slot, "Asia/Shanghai", At(start), At(end), Start);
    }

    private static void Begins(WeeklySlot slot, string zone, string moment, string? begins) => Assert.Equal(begins is null ? null : At(begins), FlashSaleCalendar.Next(slot, zone, Start, End, At(moment))?.StartsAt);

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
