using System.Diagnostics;

namespace Campaigns.LoadTests;

/// <summary>This program once more, in a process of its own.</summary>
internal static class Itself
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Campaigns.LoadTests.exe" : "Campaigns.LoadTests");

    /// <returns>it listens to its input, and what it says can be read</returns>
    public static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Program, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
}
