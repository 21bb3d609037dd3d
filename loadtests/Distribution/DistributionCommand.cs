using System.CommandLine;

namespace Campaigns.LoadTests.Distribution;

/// <summary><c>distribution --distributors 100000 --entries 1000000</c>: the command line of <see cref="DistributionRun"/>.</summary>
internal static class DistributionCommand
{
    public static Command Create()
    {
        var distributors = new Option<int>("--distributors") { Description = "Distributors of the shop (1,000–1,000,000)", DefaultValueFactory = _ => 100_000 };
        var entries = new Option<int>("--entries") { Description = "Sales that earn a commission; every fiftieth is one distributor's (1,000–10,000,000)", DefaultValueFactory = _ => 1_000_000 };
        var chain = new Option<int>("--chain") { Description = "Distributors each of whom joined under the one before (2–10,000)", DefaultValueFactory = _ => 1_000 };
        var seed = new Option<int>("--seed") { Description = "Chooses who sells what", DefaultValueFactory = _ => 7 };
        var data = new Option<DirectoryInfo?>("--data") { Description = "Fill this folder and keep it, or use what a run with the same numbers has filled there" };
        var command = new Command("distribution", "Fill a shop with distributors and commissions, then time the earnings page (p99 under 50 ms) and count what a binding costs at both ends of a long chain") { distributors, entries, chain, seed, data };
        command.SetAction(async (parsed, stop) =>
        {
            var size = new DistributionSize(Math.Clamp(parsed.GetValue(distributors), 1_000, 1_000_000), Math.Clamp(parsed.GetValue(entries), 1_000, 10_000_000), Math.Clamp(parsed.GetValue(chain), 2, 10_000));
            using var run = new DistributionRun(size, parsed.GetValue(seed), parsed.GetValue(data)?.FullName, Console.Out);
            return await run.Play(stop);
        });
        return command;
    }
}
