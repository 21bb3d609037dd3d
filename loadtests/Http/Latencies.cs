using System.Globalization;
using Campaigns.LoadTests.Overload;
using Campaigns.LoadTests.Report;
using Spectre.Console;

namespace Campaigns.LoadTests.Http;

/// <summary>How long requests took from their scheduled time on; refusals for load do not count: what a report draws.</summary>
/// <param name="Of">whose latency it is</param>
/// <param name="PerSecond">requests that were scheduled in a second</param>
internal sealed record Latencies(string Of, double PerSecond, IReadOnlyList<Latency> Points)
{
    private static readonly double[] Percentiles = [0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100];

    public static Latencies Read(string of, double perSecond, Tally tally) => new(of, perSecond, [.. Percentiles.Select(p => new Latency(p, tally.AcceptedMs(p / 100)))]);

    public Series Draw() => Series.Bars("Latency from the scheduled time, open loop", string.Create(CultureInfo.InvariantCulture, $"{Of} at {PerSecond:N0} /s"), "ms", Points.Select(p => (Named(p.Percentile), p.Ms)));

    /// <summary>One row for each, in milliseconds.</summary>
    public static void Print(IReadOnlyList<Latencies> all)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 180; // a file has no width, and the default of 80 breaks every cell
        var table = new Table().Border(TableBorder.Simple).AddColumns(["ms", "/s", .. Percentiles.Select(Named)]);
        foreach (var column in table.Columns.Skip(1)) column.RightAligned();
        foreach (var one in all) table.AddRow([one.Of, .. one.Points.Select(p => p.Ms).Prepend(one.PerSecond).Select(n => n.ToString("0.0", CultureInfo.InvariantCulture))]);
        AnsiConsole.Write(table);
    }

    private static string Named(double percentile) => string.Create(CultureInfo.InvariantCulture, $"p{percentile}");
}

/// <param name="Percentile">0–100</param>
/// <param name="Ms">so many percent took at most so long</param>
internal sealed record Latency(double Percentile, double Ms);
