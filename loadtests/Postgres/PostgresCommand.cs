using System.CommandLine;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Peers;

namespace Campaigns.LoadTests.Postgres;

/// <summary><c>postgres --seconds 5</c>: the command line of <see cref="PostgresBench"/>.</summary>
internal static class PostgresCommand
{
    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long each figure is measured", DefaultValueFactory = _ => 5 };
        var callers = new Option<int>("--callers") { Description = "Callers in the closed loop of the engine; the row locks have 32 connections", DefaultValueFactory = _ => 3_000 };
        var noPeer = new Option<bool>("--no-peer") { Description = "Leave out the row locks" };
        var only = new Option<string?>("--only") { Description = "hot, spread or whole: measure that alone" };
        var json = new Option<FileInfo?>("--json") { Description = "Also write the figures to this file" };
        var command = new Command("postgres", "The engine over its PostgreSQL journal beside row locks on the same server") { seconds, callers, noPeer, only, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (PostgresServer.Unavailable is { } reason)
            {
                await Console.Error.WriteLineAsync(reason);
                return 2;
            }

            var bench = new PostgresBench(TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(callers), parsed.GetValue(only), Console.Error.WriteLine);
            var (figures, costs) = await bench.Run(!parsed.GetValue(noPeer), cancellation);
            Figure.Print(figures);
            Cost.Print(costs);
            if (parsed.GetValue(json) is { } file) Figure.Save(figures, file.FullName);
            return 0;
        });
        return command;
    }
}
