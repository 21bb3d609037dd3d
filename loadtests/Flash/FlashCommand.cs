using System.CommandLine;

namespace Campaigns.LoadTests.Flash;

/// <summary><c>flash --buyers 20000 --units 1000</c>: the command line of <see cref="FlashRun"/>.</summary>
internal static class FlashCommand
{
    public static Command Create()
    {
        var buyers = new Option<int>("--buyers") { Description = "Who wants a unit (10–100,000)", DefaultValueFactory = _ => 20_000 };
        var units = new Option<int>("--units") { Description = "Units of the sale, a tenth of the buyers or fewer", DefaultValueFactory = _ => 1_000 };
        var seed = new Option<int>("--seed") { Description = "Chooses who pays, cancels and pays late", DefaultValueFactory = _ => 7 };
        var openLoop = new Option<bool>("--open-loop") { Description = "Goal P5: each buyer taps once, all of them scheduled in the first second" };
        var connections = new Option<int>("--connections") { Description = "Connections that they share with --open-loop, as a balancer would (1–10,000)", DefaultValueFactory = _ => FlashRun.ConnectionsUsual };
        var command = new Command("flash", "Open a flash sale to far more buyers than units on a server of its own, and settle the account to the unit") { buyers, units, seed, openLoop, connections };
        command.SetAction(async (parsed, stop) =>
        {
            var wanted = Math.Clamp(parsed.GetValue(buyers), 10, 100_000);
            using var run = new FlashRun(wanted, Math.Clamp(parsed.GetValue(units), 1, wanted / 10), parsed.GetValue(seed), parsed.GetValue(openLoop) ? Math.Clamp(parsed.GetValue(connections), 1, 10_000) : null, Console.Out);
            await run.Play(stop);
            return run.Findings.IsEmpty ? 0 : 1;
        });
        return command;
    }
}
