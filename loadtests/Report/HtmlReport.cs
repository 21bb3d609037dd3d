using System.Globalization;
using System.Text;
using Campaigns.LoadTests.Engine;

namespace Campaigns.LoadTests.Report;

/// <summary>One page with the table of figures and a chart for each name among the series. It needs no other file and no network.</summary>
internal static class HtmlReport
{
    private const string Style = """
        :root { color-scheme: light dark; --paper: #fdfdfc; --ink: #1c1e21; --soft: #63686f; --rule: #e2e4e7; --good: #1a7f37; --bad: #c62828; --c0: #2563c9; --c1: #d9730d; --c2: #2e8b57; --c3: #a23bb5; --c4: #c2334d; --c5: #5f7285; }
        @media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e7e9ec; --soft: #9aa1aa; --rule: #2d3137; --good: #57c26f; --bad: #ff7b72; --c0: #6ea8ff; --c1: #f2a154; --c2: #5fc98c; --c3: #d58be3; --c4: #f2788d; --c5: #9db0c3; } }
        body { margin: 2rem auto; max-width: 1180px; padding: 0 1.25rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
        h1 { margin: 0; font-size: 1.6rem; }
        h2 { margin: 0 0 .25rem; font-size: 1rem; }
        .soft { color: var(--soft); }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; margin: 1.5rem 0; font-variant-numeric: tabular-nums; }
        th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
        th { color: var(--soft); font-weight: 500; }
        .number { text-align: right; white-space: nowrap; }
        .met { color: var(--good); } .short { color: var(--bad); font-weight: 600; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 2rem; }
        figure { margin: 0; }
        svg { width: 100%; height: auto; display: block; }
        svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
        .grid { stroke: var(--rule); } .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; } .fill { fill: currentColor; }
        .legend { display: flex; flex-wrap: wrap; gap: 0 1.25rem; font-size: .85rem; }
        .legend i { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin-right: .4rem; background: currentColor; }
        .c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); } .c4 { color: var(--c4); } .c5 { color: var(--c5); }
        """;

    public static void Write(string path, string title, string machine, IReadOnlyList<Figure> figures, IReadOnlyList<Series> series) =>
        File.WriteAllText(path, Render(title, machine, figures, series));

    public static string Render(string title, string machine, IReadOnlyList<Figure> figures, IReadOnlyList<Series> series)
    {
        var page = new StringBuilder($"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{Chart.Escape(title)}</title>\n<style>\n{Style}\n</style>\n</head>\n<body>\n");
        page.Append($"<h1>{Chart.Escape(title)}</h1>\n<p class=\"soft\">{Chart.Escape(machine)}</p>\n");
        if (figures.Count > 0) Table(page, figures);
        page.Append("<div class=\"charts\">\n");
        foreach (var chart in series.GroupBy(s => s.Chart, StringComparer.Ordinal)) Draw(page, chart.Key, [.. chart]);
        return page.Append("</div>\n</body>\n</html>\n").ToString();
    }

    private static void Table(StringBuilder page, IReadOnlyList<Figure> figures)
    {
        page.Append("<div class=\"wide\"><table>\n<tr><th>Goal</th><th>What</th><th class=\"number\">Ours</th><th>Beside</th><th class=\"number\">Ratio</th><th>Target</th><th></th></tr>\n");
        foreach (var f in figures)
        {
            var (peer, peerName) = (f.Peer is { } value ? Number(value) : "", f.Peer is null && f.PeerName is not null ? $"{f.PeerName}: not here" : f.PeerName ?? "");
            var (verdict, name) = f.Met switch { true => ("met", "met"), false => ("short", "short"), null => ("", "") };
            page.Append($"<tr><td>{Chart.Escape(f.Goal)}</td><td>{Chart.Escape(f.Name)}</td><td class=\"number\">{Chart.Escape($"{Number(f.Ours)} {f.Unit}")}</td><td>{peer} <span class=\"soft\">{Chart.Escape(peerName)}</span></td><td class=\"number\">{(f.Ratio is { } ratio ? $"{Number(ratio)} ×" : "")}</td><td>{Chart.Escape(f.Target)}</td><td class=\"{name}\">{verdict}</td></tr>\n");
        }

        page.Append("</table></div>\n");
    }

    private static void Draw(StringBuilder page, string name, IReadOnlyList<Series> series)
    {
        page.Append($"<figure>\n<h2>{Chart.Escape(name)}</h2>\n");
        if (series.Count > 1)
            page.Append($"<div class=\"legend\">{string.Concat(series.Select((s, i) => $"<span><i class=\"c{i % Chart.Colours}\"></i>{Chart.Escape(s.Name)}</span>"))}</div>\n");
        page.Append($"{Chart.Draw(series)}\n</figure>\n");
    }

    private static string Number(double value) => double.IsNaN(value) ? "–" : value.ToString(Math.Abs(value) >= 100 ? "N0" : "0.##", CultureInfo.InvariantCulture);
}
