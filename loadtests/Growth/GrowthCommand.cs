using System.CommandLine;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.Growth;

/// <summary><c>growth --grains 1000000 --events 10000000</c>: the command line of <see cref="GrowthBench"/>.</summary>
internal static class GrowthCommand
{
    public static Command Create()
    {
        var grains = new Option<long>("--grains") { Description = "Grains stored at the last point of that curve; the points are 100,000 and each ten times as many before it (0 for none, 10,000–10,000,000)", DefaultValueFactory = _ => 1_000_000 };
        var events = new Option<long>("--events") { Description = "Facts in the journal at the last point of that curve; the points are 1,000,000 and each ten times as many before it (0 for none, 100,000–1,000,000,000)", DefaultValueFactory = _ => 10_000_000 };
        var seconds = new Option<int>("--seconds") { Description = "How long each measurement takes (1–60)", DefaultValueFactory = _ => 2 };
        var rounds = new Option<int>("--rounds") { Description = "Measurements at each point, each beside one of 10,000 grains (1–20)", DefaultValueFactory = _ => 3 };
        var callers = new Option<int>("--callers") { Description = "Callers in the closed loop (1–10,000)", DefaultValueFactory = _ => 500 };
        var folder = new Option<DirectoryInfo>("--folder") { Description = "Where the journals are made, in a folder of their own that is deleted at the end", DefaultValueFactory = _ => new(Path.GetTempPath()) };
        var report = new ReportOptions();
        var command = new Command("growth", "Goal P8: throughput, start and memory while what is stored grows and what is used stays the same") { grains, events, seconds, rounds, callers, folder };
        report.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            var bench = new GrowthBench(
                new(
                    GrowthPlan.Points(GrowthPlan.GrainsFirst, Bounded(parsed.GetValue(grains), GrowthPlan.GrainsMin, GrowthPlan.GrainsMax)),
                    GrowthPlan.Points(GrowthPlan.EventsFirst, Bounded(parsed.GetValue(events), GrowthPlan.EventsMin, GrowthPlan.EventsMax)),
                    TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(seconds), 1, 60)),
                    Math.Clamp(parsed.GetValue(rounds), 1, 20),
                    Math.Clamp(parsed.GetValue(callers), 1, 10_000)),
                parsed.GetValue(folder)!.FullName,
                Console.WriteLine);
            if (bench.WhyNot is { } reason)
            {
                await Console.Error.WriteLineAsync(reason);
                return 1;
            }

            var figures = await bench.Run(stop);
            report.Write(parsed, "Growth", figures, bench.Curve.Draw());
            return figures.Exists(f => f.Met == false) ? 1 : 0;
        });
        return command;
    }

    private static long Bounded(long value, long least, long most) => value == 0 ? 0 : Math.Clamp(value, least, most);
}
