using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Campaigns.LoadTests;

/// <summary>Asks a process of ours to end, which the runtime has no call for.</summary>
internal static class Signals
{
    /// <returns>false if the process is gone</returns>
    public static bool Send(this Process process, PosixSignal signal) =>
        kill(process.Id, signal switch
        {
            PosixSignal.SIGQUIT => 3,
            PosixSignal.SIGTERM => 15,
            _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, message: null),
        }) == 0;

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int process, int signal);
}
