using System.CommandLine;

namespace Campaigns.LoadTests.Limits;

/// <summary><c>limits --seconds 3</c>: the command line of <see cref="LimitsRun"/>.</summary>
internal static class LimitsCommand
{
    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long each figure is measured (1–60)", DefaultValueFactory = _ => 3 };
        var command = new Command("limits", "The limiter alone: in memory, one question to Redis or PostgreSQL each time, and shared by leases") { seconds };
        command.SetAction((parsed, stop) => new LimitsRun(TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(seconds), 1, 60)), Console.Out).Play(stop));
        return command;
    }
}
