using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Campaigns.LoadTests;

/// <summary>Asks a process of ours to end or to stand still, which the runtime has no call for.</summary>
internal static class Signals
{
    /// <summary>As Linux numbers them: for the one the runtime has no name, because nobody can handle it; the other one it has not everywhere.</summary>
    public const PosixSignal Stop = (PosixSignal)19;

    /// <inheritdoc cref="Stop"/>
    public const PosixSignal Continue = (PosixSignal)18;

    /// <returns>false if the process is gone</returns>
    public static bool Send(this Process process, PosixSignal signal) =>
        kill(process.Id, signal switch
        {
            PosixSignal.SIGQUIT => 3,
            PosixSignal.SIGTERM => 15,
            Continue => 18,
            Stop => 19,
            _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, message: null),
        }) == 0;

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int process, int signal);
}
