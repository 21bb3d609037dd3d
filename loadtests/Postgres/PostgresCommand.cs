using System.CommandLine;
using Campaigns.LoadTests.Peers;
using Campaigns.LoadTests.Report;

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
        var report = new ReportOptions();
        var command = new Command("postgres", "The engine over its PostgreSQL journal beside row locks on the same server") { seconds, callers, noPeer, only };
        report.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (PostgresServer.Unavailable is { } reason)
            {
                await Console.Error.WriteLineAsync(reason);
                return 2;
            }

            var bench = new PostgresBench(TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(callers), parsed.GetValue(only), Console.Error.WriteLine);
            var (figures, costs) = await bench.Run(!parsed.GetValue(noPeer), cancellation);
            report.Write(parsed, "PostgreSQL", figures, []);
            Cost.Print(costs);
            return 0;
        });
        return command;
    }
}
