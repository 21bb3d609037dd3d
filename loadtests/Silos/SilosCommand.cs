using System.CommandLine;
using Campaigns.LoadTests.Peers;
using Campaigns.Silo;

namespace Campaigns.LoadTests.Silos;

/// <summary><c>silos --most 3 --seconds 5</c>: the command line of <see cref="SilosRun"/>, and of the processes that it starts.</summary>
internal static class SilosCommand
{
    public static Command Create()
    {
        var most = new Option<int>("--most") { Description = "Silos in the largest cluster (1–8)", DefaultValueFactory = _ => 3 };
        var seconds = new Option<int>("--seconds") { Description = "How long each figure is measured", DefaultValueFactory = _ => 5 };
        var callers = new Option<int>("--callers") { Description = "Callers in the closed loop for each silo", DefaultValueFactory = _ => 500 };
        var calls = new Option<bool>("--calls-only") { Description = "Measure only what a call between grains costs" };
        var command = new Command("silos", "Goal P9: one, two and three silos over one PostgreSQL, and what a message between grains costs") { most, seconds, callers, calls };
        command.SetAction(async (parsed, cancellation) =>
        {
            if ((SiloNode.IsBuiltIn ? PostgresServer.Unavailable : "This build has no silos: build it with -p:Orleans=true") is { } reason)
            {
                await Console.Error.WriteLineAsync(reason);
                return 2;
            }

            var run = new SilosRun(Math.Clamp(parsed.GetValue(most), 1, 8), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(callers), Console.Error.WriteLine);
            await run.Play(parsed.GetValue(calls), cancellation);
            return 0;
        });
        return command;
    }

    /// <summary>One process of the cluster, which does what it reads and says what came of it.</summary>
    public static Command CreateNode()
    {
        var role = new Option<ClusterRole>("--role") { Required = true };
        var database = new Option<string>("--database") { Required = true };
        var command = new Command("silos-node", "One process of 'silos'") { role, database };
        command.Hidden = true;
        command.SetAction((parsed, cancellation) => SiloNode.Serve(parsed.GetValue(role), parsed.GetValue(database)!, cancellation));
        return command;
    }
}
