using System.CommandLine;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.All;

/// <summary><c>all --json FILE --html FILE</c>: the command line of <see cref="AllRun"/>.</summary>
internal static class AllCommand
{
    private const string Description = """
        Goals P1–P8 one after the other, and one table of them.

        P1, P2, P6, P7: as 'engine'. P3, P4: as 'http assist'. P5: as 'flash --open-loop --buyers 100000'. P8: as 'growth'.
        Peers are measured in the same run where they are installed (Redis, PostgreSQL); the others' rows say 'not here'.
        A part that fails is a row of the table, and the others still run. Nothing else should run on the machine meanwhile.
        Ctrl-C ends the part that runs; the table has what was measured by then, and says of the other goals that they were not.
        Exit code: 0 even if goals are short, 1 if books are wrong, 2 if a part could not be measured, 130 if it was interrupted.
        """;

    private const int Interrupted = 130; // as shells count: 128 and the number of SIGINT

    public static Command Create()
    {
        var only = GoalOption.Create("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8");
        var seconds = new Option<int?>("--seconds") { Description = "How long each rate is measured (1–5); without it 3, and 1 with --quick" };
        var quick = new Option<bool>("--quick") { Description = "Small sizes, to see that everything works: the figures say little" };
        var noPeers = new Option<bool>("--no-peers") { Description = "Leave out Redis, PostgreSQL and the echo" };
        var program = EngineCommand.StartedProgram();
        var report = new ReportOptions();
        var command = new Command("all", Description) { only, seconds, quick, noPeers, program };
        report.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            var size = parsed.GetValue(quick) ? AllSize.Quick : AllSize.Full;
            if (parsed.GetValue(seconds) is { } wanted) size = size with { Seconds = Math.Clamp(wanted, 1, 5) };
            var run = new AllRun(parsed.GetValue(only)!, size, !parsed.GetValue(noPeers), parsed.GetValue(program), Console.Error.WriteLine);
            await run.Play(stop);
            report.Write(parsed, parsed.GetValue(quick) ? "Goals, small sizes" : "Goals", run.Figures, run.Charts);
            foreach (var wrong in run.Findings.Words) await Console.Error.WriteLineAsync(wrong);
            return run.IsInterrupted ? Interrupted : (run.Findings.IsEmpty, run.IsWhole) switch { (false, _) => 1, (_, false) => 2, _ => 0 };
        });
        return command;
    }
}
