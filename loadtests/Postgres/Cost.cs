using System.Globalization;
using Spectre.Console;

namespace Campaigns.LoadTests.Postgres;

/// <summary>What a figure cost on both sides of the connection.</summary>
/// <param name="Done">how often what the figure counts was done</param>
/// <param name="Flushes">transactions of the journal; of the peer, one for each done</param>
/// <param name="Rows">rows of the table <c>decision</c>: one for each grain and flush</param>
/// <param name="OurSeconds">processor time of this process, load generator included</param>
/// <param name="ServerSeconds">processor time of PostgreSQL</param>
internal sealed record Cost(string Name, long Done, double Seconds, long Flushes, long Rows, long DecisionBytes, long WalBytes, double OurSeconds, double ServerSeconds)
{
    public double PerSecond => Done / Seconds;

    public static void Print(IReadOnlyList<Cost> costs)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("what", "/s", "rows/s", "flushes/s", "rows/flush", "journal bytes", "WAL bytes", "CPU µs ours", "CPU µs server", "cores ours", "cores server");
        foreach (var column in table.Columns.Skip(1)) column.RightAligned();
        foreach (var c in costs)
            table.AddRow(c.Name, Number(c.PerSecond), Number(c.Rows / c.Seconds), Number(c.Flushes / c.Seconds), Number((double)c.Rows / c.Flushes), Number((double)c.DecisionBytes / c.Done), Number((double)c.WalBytes / c.Done), Number(c.OurSeconds / c.Done * 1e6), Number(c.ServerSeconds / c.Done * 1e6), Number(c.OurSeconds / c.Seconds), Number(c.ServerSeconds / c.Seconds));
        AnsiConsole.Write(table);
    }

    private static string Number(double value) => !double.IsFinite(value) || value == 0 ? "" : value.ToString(value >= 100 ? "N0" : "0.##", CultureInfo.InvariantCulture);
}
