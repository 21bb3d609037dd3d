using System.CommandLine;

namespace Campaigns.LoadTests.Projections;

/// <summary><c>projections --orders 100000</c>: the command line of <see cref="ProjectionsRun"/>.</summary>
internal static class ProjectionsCommand
{
    public static Command Create()
    {
        var orders = new Option<int>("--orders") { Description = "Paid orders in the journal, eleven facts each (10,000–1,000,000)", DefaultValueFactory = _ => 50_000 };
        var postgres = new Option<string?>("--postgres") { Description = "Connection string of an empty database; without it SQLite alone is measured" };
        var command = new Command("projections", "Make the lists of orders from a journal of theirs, once into SQLite and once into PostgreSQL, and follow it flush by flush") { orders, postgres };
        command.SetAction((parsed, stop) => new ProjectionsRun(Math.Clamp(parsed.GetValue(orders), 10_000, 1_000_000), parsed.GetValue(postgres), Console.Out).Play(stop));
        return command;
    }
}
