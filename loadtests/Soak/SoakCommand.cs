using System.CommandLine;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.Soak;

/// <summary><c>soak --minutes 30 --percent 70</c>: the command line of <see cref="SoakRun"/>.</summary>
internal static class SoakCommand
{
    public static Command Create()
    {
        var minutes = new Option<double>("--minutes") { Description = "How long the load lasts (1–1,440)", DefaultValueFactory = _ => 30 };
        var rate = new Option<int?>("--rate") { Description = "Requests a second (1–100,000); without it, a share of what the server can do" };
        var percent = new Option<int>("--percent") { Description = "That share, of a short run to saturation (1–100)", DefaultValueFactory = _ => 70 };
        var folder = new Option<DirectoryInfo>("--folder") { Description = "Where the server has its data, in a folder of its own that is deleted at the end", DefaultValueFactory = _ => new(Path.GetTempPath()) };
        var report = new ReportOptions();
        var command = new Command("soak", $"Keep the real server under a steady load for long, and see whether anything grows that must not\n\n{SoakVerdicts.Rule}") { minutes, rate, percent, folder };
        report.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            using var run = new SoakRun(
                new(TimeSpan.FromMinutes(Math.Clamp(parsed.GetValue(minutes), 1, 1_440)), parsed.GetValue(rate) is { } perSecond ? Math.Clamp(perSecond, 1, 100_000) : null, Math.Clamp(parsed.GetValue(percent), 1, 100)),
                parsed.GetValue(folder)!.FullName,
                Console.Out);
            if (await run.Play(stop) is not { } outcome) return 1;
            report.Write(parsed, "Soak", outcome.Figures, outcome.Draw());
            return outcome.Figures.Any(f => f.Met == false) ? 1 : 0;
        });
        return command;
    }
}
