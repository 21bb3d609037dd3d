using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Campaigns.LoadTests.Engine;

namespace Campaigns.LoadTests.Report;

/// <summary><c>--html FILE --json FILE</c>: the same two options for every command that reports.</summary>
internal sealed class ReportOptions
{
    private readonly Option<FileInfo?> html = new("--html") { Description = "Also write the figures and charts to this file: one page that needs no other" };
    private readonly Option<FileInfo?> json = new("--json") { Description = "Also write the figures and series to this file" };

    public void AddTo(Command command)
    {
        command.Add(html);
        command.Add(json);
    }

    public void Write(ParseResult parsed, string title, IReadOnlyList<Figure> figures, IReadOnlyList<Series> series)
    {
        Figure.Print(figures);
        var machine = Machine();
        if (parsed.GetValue(html) is { } page) HtmlReport.Write(page.FullName, title, machine, figures, series);
        if (parsed.GetValue(json) is { } data) JsonReport.Write(data.FullName, title, machine, figures, series);
    }

    private static string Machine() => string.Create(
        CultureInfo.InvariantCulture,
        $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC · {Environment.ProcessorCount} {RuntimeInformation.OSArchitecture} processors · {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1 << 30)} GiB · {RuntimeInformation.OSDescription} · {RuntimeInformation.FrameworkDescription}");
}
