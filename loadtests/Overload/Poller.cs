using System.Buffers.Binary;
using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Campaigns.LoadTests.Overload;

/// <summary>Which of many sockets have something to read, by Linux' epoll: it costs what is ready, where <see cref="Socket.Select(System.Collections.IList, System.Collections.IList, System.Collections.IList, int)"/> costs every socket, and waits to the microsecond.</summary>
internal sealed class Poller : IDisposable
{
    private const int ReadyMax = 256;
    private const int Add = 1;
    private const uint Readable = 1;

    // The kernel packs the event on x64 alone.
    private static readonly int NumberAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    private readonly int poll = Checked(epoll_create1(flags: 0));
    private readonly byte[] events = new byte[ReadyMax * EventBytes];
    private readonly int[] ready = new int[ReadyMax];

    private static int EventBytes => NumberAt + 8;

    /// <summary>Watches a socket until it is closed.</summary>
    public void Watch(Socket socket, int number)
    {
        var wanted = new byte[EventBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(wanted, Readable);
        BinaryPrimitives.WriteInt32LittleEndian(wanted.AsSpan(NumberAt), number);
        Checked(epoll_ctl(poll, Add, (int)socket.Handle, wanted));
    }

    /// <summary>The numbers of those that can be read or were closed by the other side, as soon as there is one.</summary>
    public ReadOnlySpan<int> Wait(TimeSpan atMost)
    {
        var limit = new Duration { Nanoseconds = (long)Math.Clamp(atMost.TotalNanoseconds, 0, 999_999_999) };
        var count = Math.Max(0, epoll_pwait2(poll, events, ReadyMax, ref limit, 0)); // below zero if a signal came in between
        for (var i = 0; i < count; i++) ready[i] = BinaryPrimitives.ReadInt32LittleEndian(events.AsSpan((i * EventBytes) + NumberAt));
        return ready.AsSpan(0, count);
    }

    public void Dispose() => _ = close(poll);

    private static int Checked(int result) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int epoll_create1(int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int epoll_ctl(int poll, int operation, int socket, byte[] wanted);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int epoll_pwait2(int poll, byte[] events, int eventsMax, ref Duration limit, nint signals);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int poll);

    [StructLayout(LayoutKind.Sequential)]
    private struct Duration
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
