namespace Campaigns.LoadTests.Report;

internal enum SeriesKind
{
    Line,
    Bars,
}

/// <param name="Label">what a bar is called; a line has none</param>
internal readonly record struct Point(double X, double Y, string? Label = null);

/// <summary>A line, or a row of bars, in the chart of that name; series of one chart are of one kind.</summary>
/// <param name="XAxis">what is counted to the right, with its unit</param>
/// <param name="YAxis">what is counted upwards, with its unit</param>
/// <param name="Logarithmic">true if the X axis has a step for each power of ten</param>
internal sealed record Series(string Chart, string Name, string XAxis, string YAxis, IReadOnlyList<Point> Points, SeriesKind Kind = SeriesKind.Line, bool Logarithmic = false)
{
    public static Series Bars(string chart, string name, string yAxis, IEnumerable<(string Label, double Value)> bars) =>
        new(chart, name, "", yAxis, [.. bars.Select((b, i) => new Point(i, b.Value, b.Label))], SeriesKind.Bars);
}
