using System.Globalization;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.Growth;

/// <param name="Grains">stored, of which the same number is used at every point</param>
/// <param name="Events">in the journal before the measurement</param>
internal readonly record struct GrowthSize(long Grains, long Events)
{
    /// <summary>An opening and one more fact.</summary>
    public const int EventsPerGrain = 2;

    /// <summary>What everything is compared with.</summary>
    public static readonly GrowthSize Base = OfGrains(10_000);

    public static GrowthSize OfGrains(long grains) => new(grains, grains * EventsPerGrain);

    /// <summary>As many grains as the base has, with a longer past.</summary>
    public static GrowthSize OfEvents(long events) => new(Base.Grains, Math.Max(Base.Events, events / Base.Grains * Base.Grains));

    public string Name => Grains > Base.Grains ? $"{Scale.Write(Grains)} grains" : Events > Base.Events ? $"{Scale.Write(Events)} events" : $"{Scale.Write(Grains)} grains";
}

/// <summary>What was found at one size.</summary>
/// <param name="BasePerSecond">of the base, measured in turn with it, slice by slice</param>
/// <param name="StartMs">from opening the folder to the first answer</param>
/// <param name="WakeMs">until every grain that is used has answered once</param>
/// <param name="HeapMegabytes">managed memory of the engine with those in it; the base is opened first and has what all engines share, about 3 MB</param>
/// <param name="DiskMegabytes">journal with its log, before the first measurement</param>
internal sealed record GrowthPoint(GrowthSize Size, double PerSecond, double BasePerSecond, double StartMs, double WakeMs, double HeapMegabytes, double DiskMegabytes);

/// <param name="Base">of all its measurements</param>
internal sealed record GrowthCurve(GrowthPoint Base, IReadOnlyList<GrowthPoint> Points)
{
    public List<Series> Draw()
    {
        var series = new List<Series>();
        Line("grains stored", p => p.Size.Grains);
        Line("events in the journal", p => p.Size.Events);
        Bars("Start to the first answer", "ms", p => p.StartMs);
        Bars(string.Create(CultureInfo.InvariantCulture, $"First answers of {Base.Size.Grains:N0} stored grains"), "ms", p => p.WakeMs);
        Bars(string.Create(CultureInfo.InvariantCulture, $"Managed memory with {Base.Size.Grains:N0} grains awake"), "MB", p => p.HeapMegabytes);
        Bars("Disk", "MB", p => p.DiskMegabytes);
        return series;

        void Line(string axis, Func<GrowthPoint, long> size)
        {
            var grown = Points.Where(p => size(p) > size(Base) && p.Size.Name.EndsWith(axis[..axis.IndexOf(' ', StringComparison.Ordinal)], StringComparison.Ordinal)).ToList();
            if (grown.Count == 0) return;
            series.Add(new($"Throughput by {axis}", "this size", axis, "decisions /s", [new(size(Base), Base.PerSecond), .. grown.Select(p => new Point(size(p), p.PerSecond))], Logarithmic: true));
            series.Add(new($"Throughput by {axis}", $"{Base.Size.Name}, in turn with it", axis, "decisions /s", [.. grown.Select(p => new Point(size(p), p.BasePerSecond))], Logarithmic: true));
        }

        void Bars(string chart, string unit, Func<GrowthPoint, double> value) => series.Add(Series.Bars(chart, unit, unit, ((GrowthPoint[])[Base, .. Points]).Select(p => (p.Size.Name, value(p)))));
    }
}
