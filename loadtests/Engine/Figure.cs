using Spectre.Console;

namespace Campaigns.LoadTests.Engine;

/// <summary>One row of the table: what we reached beside what a peer reached in the same run.</summary>
/// <param name="Ratio">ours ÷ peer, or ours alone where the goal is absolute</param>
/// <param name="Met">null where the peer is missing, so that nothing can be said</param>
internal sealed record Figure(string Goal, string Name, double Ours, string Unit, double? Peer, string? PeerName, double? Ratio, string Target, bool? Met)
{
    /// <summary>Met if ours is at least so many times the peer.</summary>
    public static Figure Against(string goal, string name, double ours, string unit, double? peer, string peerName, double times) =>
        new(goal, name, ours, unit, peer, peerName, ours / peer, $">= {times:0.##} x {peerName}", peer is null ? null : ours >= times * peer);

    public static Figure AtLeast(string goal, string name, double ours, string unit, double target) => new(goal, name, ours, unit, null, null, null, $">= {target:N0} {unit}", ours >= target);

    public static Figure AtMost(string goal, string name, double ours, string unit, double target) => new(goal, name, ours, unit, null, null, null, $"<= {target:N1} {unit}", ours <= target);

    public static Figure Exactly(string goal, string name, double ours, string unit, double target) => new(goal, name, ours, unit, null, null, null, $"= {target:N0} {unit}", ours == target);

    /// <summary>Not measured, for this reason: nothing can be said.</summary>
    public static Figure Missing(string goal, string reason) => new(goal, $"not measured: {reason}", double.NaN, "", null, null, null, "", null);

    /// <summary>Shown for comparison; no goal hangs on it.</summary>
    public static Figure Shown(string goal, string name, double ours, string unit, double? peer = null, string? peerName = null) => new(goal, name, ours, unit, peer, peerName, ours / peer, "", null);

    public static void Print(IReadOnlyList<Figure> figures)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 180; // a file has no width, and the default of 80 breaks every cell
        var table = new Table().Border(TableBorder.Simple).AddColumns("goal", "what", "ours", "peer", "ratio", "target", "");
        foreach (var column in table.Columns.Skip(2).Take(3)) column.RightAligned();
        foreach (var f in figures)
            table.AddRow(f.Goal, Markup.Escape(f.Name), $"{Number(f.Ours)} {f.Unit}", f.Peer is { } peer ? $"{Number(peer)} {f.PeerName}" : f.PeerName is null ? "" : $"{f.PeerName}: not here", f.Ratio is { } ratio ? $"{ratio:0.0} x" : "", f.Target, f.Met switch { true => "[green]met[/]", false => "[red]short[/]", null => "" });
        AnsiConsole.Write(table);
    }

    private static string Number(double value) => double.IsNaN(value) ? "–" : value >= 100 ? $"{value:N0}" : $"{value:0.##}";
}
