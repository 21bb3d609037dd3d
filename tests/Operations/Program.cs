using System.Diagnostics;
using Campaigns.LoadTests.Crash;

namespace Campaigns.Tests.Operations;

/// <summary>The real program's command line.</summary>
internal static class Program
{
    /// <param name="Code">the exit code</param>
    /// <param name="Says">what it printed, errors included</param>
    public sealed record Ended(int Code, string Answer, string Says);

    public static Task<Ended> Run(params string[] arguments) => RunIn("Development", arguments);

    /// <param name="environment">where the program believes to be</param>
    /// <param name="arguments">its command line</param>
    public static Task<Ended> RunIn(string environment, params string[] arguments) => RunWith(new Dictionary<string, string>(StringComparer.Ordinal) { ["ASPNETCORE_ENVIRONMENT"] = environment }, arguments);

    /// <param name="environment">variables that it sees</param>
    /// <param name="arguments">its command line</param>
    public static async Task<Ended> RunWith(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(ServerProcess.FindProgram(), arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var answer = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        return new(process.ExitCode, answer, answer + await errors);
    }
}
