using System.CommandLine;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.Engine;

/// <summary><c>engine --seconds 5</c>: the command line of <see cref="EngineBench"/>.</summary>
internal static class EngineCommand
{
    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long each figure is measured (1–60)", DefaultValueFactory = _ => 5 };
        var callers = new Option<int>("--callers") { Description = "Callers in the closed loop (1–10,000)", DefaultValueFactory = _ => EngineBench.CallersUsual };
        var noPeers = new Option<bool>("--no-peers") { Description = "Leave out Redis and PostgreSQL" };
        var only = GoalOption.Create("P1", "P2", "P6", "P7");
        var program = StartedProgram();
        var report = new ReportOptions();
        var command = new Command("engine", "Goals P1, P2, P6 and P7, beside Redis and PostgreSQL in the same run where they are installed") { seconds, callers, noPeers, only, program };
        report.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            var bench = new EngineBench(TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(seconds), 1, 60)), Math.Clamp(parsed.GetValue(callers), 1, 10_000), parsed.GetValue(only)!, parsed.GetValue(program), Console.Error.WriteLine);
            report.Write(parsed, "Engine", await bench.Run(!parsed.GetValue(noPeers), stop), []);
            return 0;
        });
        return command;
    }

    public static Option<string?> StartedProgram() => new("--program") { Description = "The server whose cold start is measured, such as one published ready to run (default: the one built beside this program)" };
}
