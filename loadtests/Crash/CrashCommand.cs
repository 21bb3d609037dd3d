using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Campaigns.LoadTests.Crash;

/// <summary><c>crash --kills 50 --seed 7</c>: the command line of <see cref="CrashRun"/>.</summary>
internal static class CrashCommand
{
    public static Command Create()
    {
        var kills = new Option<int>("--kills") { Description = "How often the process is killed", DefaultValueFactory = _ => 50 };
        var seed = new Option<int>("--seed") { Description = "Chooses who does what and when the process dies", DefaultValueFactory = _ => 7 };
        var workers = new Option<int>("--workers") { Description = "People who act at the same time", DefaultValueFactory = _ => 32 };
        var minutes = new Option<int>("--minutes") { Description = "No more kills after so many minutes", DefaultValueFactory = _ => 20 };
        var program = new Option<string?>("--program") { Description = "The server (default: the one built beside this program)" };
        var command = new Command("crash", "Kill the real server again and again under load; compare what is left with what it acknowledged") { kills, seed, workers, minutes, program };
        command.SetAction((parsed, cancellation) => Run(
            new(parsed.GetValue(kills), parsed.GetValue(seed), parsed.GetValue(workers), TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(program)), cancellation));
        return command;
    }

    private static async Task<int> Run(CrashOptions options, CancellationToken cancellation)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Killing {options.Program ?? ServerProcess.FindProgram()} {options.Kills} times, seed {options.Seed}."));
        var console = AnsiConsole.Create(new() { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect, Interactive = Console.IsOutputRedirected ? InteractionSupport.No : InteractionSupport.Detect });
        var report = await console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn()).StartAsync(progress =>
        {
            var task = progress.AddTask("Kill, start, compare", maxValue: Math.Max(1, options.Kills));
            return CrashRun.Play(options, killed => task.Value = killed, cancellation);
        });

        foreach (var words in report.Findings.Words) Console.WriteLine(words);
        if (!report.Findings.IsEmpty)
        {
            Console.WriteLine("The server's last words:");
            foreach (var line in report.ServerLog) Console.WriteLine($"  {line}");
        }

        Console.WriteLine(report.Summary);
        return report.Findings.IsEmpty ? 0 : 1;
    }
}
