using System.Diagnostics;
using Campaigns.LoadTests.Crash;

namespace Campaigns.Tests.Operations;

/// <summary>The real program's command line.</summary>
internal static class Program
{
    /// <param name="Code">the exit code</param>
    /// <param name="Says">what it printed, errors included</param>
    public sealed record Ended(int Code, string Answer, string Says);

    public static async Task<Ended> Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(ServerProcess.FindProgram(), arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var answer = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        return new(process.ExitCode, answer, answer + await errors);
    }
}
