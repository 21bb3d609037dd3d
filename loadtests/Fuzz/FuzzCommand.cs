using System.CommandLine;
using System.Globalization;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Fuzz;

/// <summary><c>fuzz --requests 200000 --seed 1</c>: the command line of <see cref="FuzzRun"/>.</summary>
internal static class FuzzCommand
{
    public static Command Create()
    {
        var requests = new Option<int>("--requests") { Description = "How many requests are sent", DefaultValueFactory = _ => 20_000 };
        var seed = new Option<int>("--seed") { Description = "Chooses every request", DefaultValueFactory = _ => 1 };
        var minutes = new Option<int>("--minutes") { Description = "No more requests after so many minutes", DefaultValueFactory = _ => 10 };
        var only = new Option<int?>("--only") { Description = "Play the shop of this request again, up to it" };
        var url = new Option<Uri?>("--url") { Description = "A running server in Development with an operations port on the next port (default: an own one)" };
        var program = new Option<string?>("--program") { Description = "The server to start (default: the one built beside this program)" };
        var command = new Command("fuzz", "Send valid and hostile requests to every endpoint of the OpenAPI document; check every answer, and that refused requests write nothing") { requests, seed, minutes, only, url, program };
        command.SetAction((parsed, cancellation) =>
        {
            var options = new FuzzOptions(parsed.GetValue(seed), parsed.GetValue(requests), TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(only));
            return parsed.GetValue(url) is { } server
                ? Play(options with { Run = string.Create(CultureInfo.InvariantCulture, $"fuzz-{DateTimeOffset.UtcNow:MMddHHmmss}") }, server, new UriBuilder(server) { Port = server.Port + 1 }.Uri, cancellation)
                : PlayOwn(options, parsed.GetValue(program) ?? ServerProcess.FindProgram(), cancellation);
        });
        return command;
    }

    private static async Task<int> PlayOwn(FuzzOptions options, string program, CancellationToken cancellation)
    {
        var data = Directory.CreateTempSubdirectory("campaigns-fuzz-").FullName;
        try
        {
            using var http = new HttpClient();
            using var server = new ServerProcess(program, data, http) { Unlimited = true };
            server.Start();
            await server.WhenReady(cancellation);
            var code = await Play(options, server.Address, server.OpsAddress, cancellation);
            if (code == 0) return 0;
            Console.WriteLine("The server's last words:");
            foreach (var line in server.Log.TakeLast(20)) Console.WriteLine($"  {line}");
            return code;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<int> Play(FuzzOptions options, Uri server, Uri ops, CancellationToken cancellation)
    {
        var report = await FuzzRun.Play(options, server, ops, sent: n => { if (n % 10_000 == 0) Console.Error.WriteLine($"{n} requests"); }, cancellation);
        foreach (var line in report.Table) Console.WriteLine(line);
        foreach (var name in report.NeverReached) Console.WriteLine($"Never answered with success: {name}");
        foreach (var line in report.Unexplained) Console.WriteLine($"Unexplained: {line}");
        foreach (var finding in report.Findings) Console.WriteLine($"FOUND {finding}");
        Console.WriteLine(report.Summary);
        return report.Findings.Count == 0 ? 0 : 1;
    }
}
