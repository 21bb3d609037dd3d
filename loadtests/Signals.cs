using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Campaigns.LoadTests;

/// <summary>Asks a process of ours to end or to stand still, which the runtime has no call for.</summary>
internal static class Signals
{
    /// <summary>As Linux numbers it: the runtime has no name for it, because nobody can handle it.</summary>
    public const PosixSignal Stop = (PosixSignal)19;

    /// <returns>false if the process is gone</returns>
    public static bool Send(this Process process, PosixSignal signal) =>
        kill(process.Id, signal switch
        {
            PosixSignal.SIGQUIT => 3,
            PosixSignal.SIGTERM => 15,
            PosixSignal.SIGCONT => 18,
            Stop => 19,
            _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, message: null),
        }) == 0;

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int process, int signal);
}
