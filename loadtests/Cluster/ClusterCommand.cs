using System.CommandLine;
using System.Globalization;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Cluster;

/// <summary><c>cluster --silos 3 --kill-every 20 --minutes 5</c>: the command line of <see cref="ClusterRun"/>.</summary>
internal static class ClusterCommand
{
    public static Command Create()
    {
        var silos = new Option<int>("--silos") { Description = "Silos (2–8)", DefaultValueFactory = _ => 3 };
        var every = new Option<int>("--kill-every") { Description = "Seconds between two ends of a silo", DefaultValueFactory = _ => 20 };
        var minutes = new Option<double>("--minutes") { Description = "How long silos end under load", DefaultValueFactory = _ => 5 };
        var seed = new Option<int>("--seed") { Description = "Chooses who does what and which silo ends how", DefaultValueFactory = _ => 7 };
        var workers = new Option<int>("--workers") { Description = "People who act at the same time", DefaultValueFactory = _ => 24 };
        var program = new Option<string?>("--program") { Description = "The server, built with -p:Orleans=true (default: the one built beside this program)" };
        var command = new Command("cluster", "Silos over one PostgreSQL under load: killed, paused past their lease and drained in turn; compare what is left with what was acknowledged") { silos, every, minutes, seed, workers, program };
        command.SetAction((parsed, cancellation) => Run(
            new(Math.Clamp(parsed.GetValue(silos), 2, 8), TimeSpan.FromSeconds(parsed.GetValue(every)), TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(seed), parsed.GetValue(workers), parsed.GetValue(program)), cancellation));
        return command;
    }

    private static async Task<int> Run(ClusterOptions options, CancellationToken cancellation)
    {
        var program = options.Program ?? ServerProcess.FindProgram("orleans");
        if (!File.Exists(program))
        {
            await Console.Error.WriteLineAsync($"There is no '{program}'. Build it: dotnet build src/ApiFrontend -c Release -p:Orleans=true");
            return 2;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{options.Silos} silos and 2 frontends of {program}, an end every {options.Every.TotalSeconds} s for {options.Duration.TotalMinutes} minutes, seed {options.Seed}."));
        var report = await ClusterRun.Play(options with { Program = program }, Console.WriteLine, cancellation);
        foreach (var words in report.Findings.Words) Console.WriteLine(words);
        if (!report.Findings.IsEmpty)
        {
            Console.WriteLine("The processes' last words:");
            foreach (var line in report.ServerLog) Console.WriteLine($"  {line}");
        }

        Console.WriteLine(report.Summary);
        return report.Findings.IsEmpty ? 0 : 1;
    }
}
