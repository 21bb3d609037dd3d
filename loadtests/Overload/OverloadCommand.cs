using System.CommandLine;

namespace Campaigns.LoadTests.Overload;

/// <summary><c>overload --seconds 20</c>: the command line of <see cref="OverloadRun"/>.</summary>
internal static class OverloadCommand
{
    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long ten times the capacity is offered, for each kind of request (5–60)", DefaultValueFactory = _ => 20 };
        var command = new Command("overload", "Goal R5: offer the real server ten times what it can do, and see what it still does") { seconds };
        command.SetAction(async (parsed, stop) =>
        {
            using var run = new OverloadRun(Math.Clamp(parsed.GetValue(seconds), 5, 60), Console.Out);
            return await run.Play(stop);
        });
        return command;
    }
}
