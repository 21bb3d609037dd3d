using System.Globalization;
using System.Net;
using System.Text;

namespace Campaigns.LoadTests.Report;

/// <summary>Draws the series of one chart as SVG. Colours come from the page, so that it can be light or dark.</summary>
internal static class Chart
{
    public const int Colours = 6;
    private const int Width = 560;
    private const int Height = 270;
    private const int Left = 56;
    private const int Right = 540;
    private const int Top = 28;
    private const int Bottom = 222;
    private const double GroupShare = 0.7; // of the width of a label, so that groups of bars stand apart
    private const int DotsMax = 60; // more would hide the line

    /// <param name="series">of one chart; a chart without a point says so</param>
    public static string Draw(IReadOnlyList<Series> series)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Escape(series[0].Chart)}\">");
        var y = Scale.Linear(series.SelectMany(s => s.Points).Select(p => p.Y), fromZero: true);
        foreach (var tick in y.Ticks)
        {
            var at = Up(y, tick);
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Right}\" y1=\"{at:0.#}\" y2=\"{at:0.#}\"/>");
            Text(svg, Left - 8, at + 4, "end", Scale.Write(tick));
        }

        Text(svg, Left, 14, "start", series[0].YAxis);
        Text(svg, Right, Height - 6, "end", series[0].XAxis);
        if (!series.Any(s => s.Points.Any(IsDrawn))) Text(svg, (Left + Right) / 2.0, (Top + Bottom) / 2.0, "middle", "nothing was measured");
        else if (series[0].Kind == SeriesKind.Bars) Bars(svg, series, y);
        else Lines(svg, series, y);
        return svg.Append("</svg>").ToString();
    }

    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    private static void Lines(StringBuilder svg, IReadOnlyList<Series> series, Scale y)
    {
        var values = series.SelectMany(s => s.Points).Select(p => p.X);
        var x = series[0].Logarithmic ? Scale.Logarithmic(values) : Scale.Linear(values, fromZero: false);
        foreach (var tick in x.Ticks) Text(svg, Along(x, tick), Bottom + 18, "middle", Scale.Write(tick));
        for (var i = 0; i < series.Count; i++)
        {
            var points = series[i].Points.Where(p => IsDrawn(p) && (!x.IsLogarithmic || p.X > 0)).ToList();
            svg.Append(CultureInfo.InvariantCulture, $"<polyline class=\"line c{i % Colours}\" points=\"{string.Join(' ', points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{Along(x, p.X):0.#},{Up(y, p.Y):0.#}")))}\"/>");
            if (points.Count > DotsMax) continue;
            foreach (var point in points)
                svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"fill c{i % Colours}\" cx=\"{Along(x, point.X):0.#}\" cy=\"{Up(y, point.Y):0.#}\" r=\"3.5\"><title>{Escape($"{series[i].Name}: {Scale.Write(point.Y)} at {Scale.Write(point.X)}")}</title></circle>");
        }
    }

    private static void Bars(StringBuilder svg, IReadOnlyList<Series> series, Scale y)
    {
        var labels = series.SelectMany(s => s.Points).Where(IsDrawn).Select(p => p.Label ?? "").Distinct(StringComparer.Ordinal).ToList();
        var group = (Right - Left) / (double)labels.Count;
        var bar = group * GroupShare / series.Count;
        for (var i = 0; i < labels.Count; i++) Text(svg, Left + (i + 0.5) * group, Bottom + 18, "middle", labels[i]);
        for (var i = 0; i < series.Count; i++)
            foreach (var point in series[i].Points.Where(IsDrawn))
            {
                var left = Left + labels.IndexOf(point.Label ?? "") * group + group * (1 - GroupShare) / 2 + i * bar;
                var (top, bottom) = (Up(y, Math.Max(0, point.Y)), Up(y, Math.Min(0, point.Y)));
                svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"fill c{i % Colours}\" x=\"{left:0.#}\" y=\"{top:0.#}\" width=\"{bar:0.#}\" height=\"{bottom - top:0.#}\"><title>{Escape($"{series[i].Name}: {Scale.Write(point.Y)}")}</title></rect>");
                Text(svg, left + bar / 2, top - 4, "middle", Scale.Write(point.Y));
            }
    }

    private static bool IsDrawn(Point point) => double.IsFinite(point.X) && double.IsFinite(point.Y);

    private static double Up(Scale y, double value) => Bottom - y.Place(value) * (Bottom - Top);

    private static double Along(Scale x, double value) => Left + x.Place(value) * (Right - Left);

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text) => svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{Escape(text)}</text>");
}
