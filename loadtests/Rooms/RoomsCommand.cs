using System.CommandLine;
using System.Globalization;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Rooms;

/// <summary><c>rooms --rooms 500 --seed 7</c>: the command line of <see cref="RoomsRun"/>.</summary>
internal static class RoomsCommand
{
    public static Command Create()
    {
        var rooms = new Option<int>("--rooms") { Description = "How many rooms are founded", DefaultValueFactory = _ => 500 };
        var seed = new Option<int>("--seed") { Description = "Chooses who joins, pays, leaves and comes late", DefaultValueFactory = _ => 7 };
        var program = new Option<string?>("--program") { Description = "The server (default: the one built beside this program)" };
        var command = new Command("rooms", "Group-buys with races for the last seat, payments at the instant of expiry and a gateway that fails; then ask where everybody's money is") { rooms, seed, program };
        command.SetAction((parsed, cancellation) => Run(new(parsed.GetValue(rooms), parsed.GetValue(seed), parsed.GetValue(program)), cancellation));
        return command;
    }

    private static async Task<int> Run(RoomsOptions options, CancellationToken cancellation)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{options.Rooms} rooms at {options.Program ?? ServerProcess.FindProgram()}, seed {options.Seed}."));
        var report = await RoomsRun.Play(options, cancellation);
        foreach (var words in report.Findings.Words) Console.WriteLine(words);
        foreach (var line in report.ServerLog) Console.WriteLine($"  {line}");
        Console.WriteLine(report.Account);
        return report.Findings.IsEmpty ? 0 : 1;
    }
}
