using System.Text.Json;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Report;

namespace Campaigns.Tests.LoadTests;

public sealed class ReportTests
{
    private const string Hostile = "<script>alert(\"1\")</script> & 'co'";
    private const string Escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;co&#39;";

    [Fact]
    public void Every_text_is_escaped_wherever_it_is_shown()
    {
        var figure = Figure.Against(Hostile, Hostile, 1, Hostile, 2, Hostile, 1);
        Series[] series =
        [
            new(Hostile, Hostile, Hostile, Hostile, [new(1, 1)]),
            new(Hostile, Hostile, Hostile, Hostile, [new(2, 1)]),
            Series.Bars("bars", Hostile, Hostile, [(Hostile, 1), (Hostile + "2", 2)]),
        ];
        var page = HtmlReport.Render(Hostile, Hostile, [figure], series);

        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("alert(\"", page, StringComparison.Ordinal);
        Assert.Contains($"<h1>{Escaped}</h1>", page, StringComparison.Ordinal);
        Assert.Contains($"<h2>{Escaped}</h2>", page, StringComparison.Ordinal);
        Assert.Contains($"aria-label=\"{Escaped}\"", page, StringComparison.Ordinal);
        Assert.Contains($"<td>{Escaped}</td>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_asks_for_nothing_outside_itself()
    {
        var page = HtmlReport.Render("t", "m", [], [new("c", "s", "x", "y", [new(1, 1), new(2, 3)])]);

        Assert.Contains("<polyline", page, StringComparison.Ordinal);
        Assert.All((string[])["http:", "https:", "src=", "href=", "url(", "@import"], outside => Assert.DoesNotContain(outside, page, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Line", false)]
    [InlineData("Line", true)]
    [InlineData("Bars", false)]
    public void A_chart_without_a_point_says_so(string name, bool logarithmic)
    {
        var kind = Enum.Parse<SeriesKind>(name);
        Assert.Contains("nothing was measured", Chart.Draw([new("c", "s", "x", "y", [], kind, logarithmic)]), StringComparison.Ordinal);
        Assert.DoesNotContain("nothing was measured", Chart.Draw([new("c", "s", "x", "y", [new(1, 1, "one")], kind, logarithmic)]), StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_are_no_numbers_are_left_out_of_a_chart()
    {
        var drawn = Chart.Draw([new("c", "s", "x", "y", [new(1, double.NaN), new(2, 5), new(double.PositiveInfinity, 1), new(3, 6)])]);

        Assert.Equal(2, drawn.Split("<circle").Length - 1);
        Assert.DoesNotContain("NaN", drawn, StringComparison.Ordinal);
        Assert.DoesNotContain("∞", drawn, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 97, true, new double[] { 0, 20, 40, 60, 80, 100 })]
    [InlineData(12, 97, true, new double[] { 0, 20, 40, 60, 80, 100 })]
    [InlineData(1_012, 1_019, false, new double[] { 1_012, 1_014, 1_016, 1_018, 1_020 })]
    [InlineData(-3, 4, true, new double[] { -4, -2, 0, 2, 4 })]
    [InlineData(7, 7, false, new double[] { 6, 8, 10, 12, 14 })]
    [InlineData(0, 0, true, new[] { 0, 0.2, 0.4, 0.6, 0.8, 1 })]
    public void Ticks_are_round_and_hold_every_value(double least, double most, bool fromZero, double[] ticks)
    {
        var scale = Scale.Linear([most, least], fromZero);

        Assert.Equal(ticks, scale.Ticks.Select(t => Math.Round(t, 6)));
        Assert.Equal((0, 1), (scale.Place(ticks[0]), Math.Round(scale.Place(ticks[^1]), 6)));
        Assert.InRange(scale.Place(least), 0, 1);
        Assert.InRange(scale.Place(most), 0, 1);
    }

    [Fact]
    public void A_logarithmic_scale_has_a_tick_for_each_power_of_ten()
    {
        var scale = Scale.Logarithmic([20_000, 1_000_000, 0, -5, double.NaN]);

        Assert.Equal([10_000, 100_000, 1_000_000], scale.Ticks);
        Assert.Equal(0.5, scale.Place(100_000), 6);
        Assert.Equal([1, 10], Scale.Logarithmic([]).Ticks);
        Assert.Equal([1_000, 10_000], Scale.Logarithmic([1_000]).Ticks);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.125, "0.125")]
    [InlineData(12.34, "12.3")]
    [InlineData(200_000, "200 k")]
    [InlineData(1_500_000, "1.5 M")]
    [InlineData(-2e9, "-2 G")]
    public void Numbers_are_short_on_an_axis(double value, string written) => Assert.Equal(written, Scale.Write(value));

    [Fact]
    public void The_data_can_be_read_back_whatever_was_measured()
    {
        var json = JsonDocument.Parse(JsonReport.Render("t", "m", [Figure.AtMost("P8", "x", double.NaN, "s", 1)], [new("c", "s", "x", "y", [new(1, 2, "one")], SeriesKind.Bars)])).RootElement;

        Assert.Equal("NaN", json.GetProperty("figures")[0].GetProperty("ours").GetString());
        Assert.Equal("bars", json.GetProperty("series")[0].GetProperty("kind").GetString());
        Assert.Equal(2, json.GetProperty("series")[0].GetProperty("points")[0].GetProperty("y").GetDouble());
    }
}
