using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Campaigns.LoadTests.Peers;

/// <summary>A Redis of our own on a port of this machine, in a temporary directory; both are gone after disposal or a signal.</summary>
internal sealed class RedisServer : IDisposable
{
    private static readonly TimeSpan ToolMax = TimeSpan.FromSeconds(60);
    private static readonly string? Programs = Sandbox.Find(["redis-server", "redis-cli", "redis-benchmark"], "/usr/bin");

    private readonly string[] settings;
    private readonly string port = Loopback.FreePort().ToString(CultureInfo.InvariantCulture);
    private Process? process;

    private RedisServer(Sandbox sandbox, string[] settings) => (Sandbox, this.settings) = (sandbox, settings);

    /// <summary>Why no server can be started on this machine; null when it can.</summary>
    public static string? Unavailable => Programs is null ? "redis-server, redis-cli and redis-benchmark were not found together" : null;

    public Sandbox Sandbox { get; }

    /// <summary>The running process.</summary>
    public int Id => process!.Id;

    private string PidFile => Path.Combine(Sandbox.Directory, "redis.pid");

    public string Port => port;

    /// <summary>For a client.</summary>
    public string Configuration => $"127.0.0.1:{port}";

    public static string Program(string name) => Path.Combine(Programs ?? throw new InvalidOperationException(Unavailable), name);

    /// <param name="settings">as arguments of redis-server; nothing is saved unless they say so</param>
    public static async Task<RedisServer> Start(string[] settings, CancellationToken cancellation)
    {
        if (Unavailable is { } reason) throw new InvalidOperationException($"{reason}. On Debian: apt-get install redis-server");
        var server = new RedisServer(await Sandbox.Create(user: null, cancellation), settings);
        try
        {
            server.Sandbox.GuardFromOutside(server.PidFile); // ended outright, this process would leave the server behind
            await server.Serve(cancellation);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Starts it, again after <see cref="Kill"/>, on the same port.</summary>
    public async Task Serve(CancellationToken cancellation)
    {
        process = Sandbox.Serve(Program("redis-server"),
            ["--bind", "127.0.0.1", "--port", port, "--dir", Sandbox.Directory, "--pidfile", PidFile, "--logfile", Path.Combine(Sandbox.Directory, "log"), "--save", "", .. settings],
            PosixSignal.SIGTERM);
        for (var attempt = 0; ; attempt++)
        {
            // The process id, because another server could have taken the port since we found it free.
            try
            {
                if ((await Ask(cancellation, "INFO", "server")).Contains($"process_id:{process.Id}\r", StringComparison.Ordinal)) return;
            }
            catch (InvalidOperationException) when (attempt < 100 && !process.HasExited)
            {
                await Task.Delay(50, cancellation);
                continue;
            }

            throw new InvalidOperationException($"Port {port} belongs to another server.");
        }
    }

    /// <summary>It dies without a word.</summary>
    public async Task Kill(CancellationToken cancellation)
    {
        process!.Kill();
        await process.WaitForExitAsync(cancellation);
    }

    /// <summary>It stands still with its connections open.</summary>
    public void Pause() => process!.Send(Signals.Stop);

    public void Resume() => process!.Send(Signals.Continue);

    public Task<string> Ask(CancellationToken cancellation, params string[] command) =>
        Sandbox.Run(Program("redis-cli"), ["-e", "-h", "127.0.0.1", "-p", port, .. command], ToolMax, cancellation);

    public void Dispose()
    {
        Resume(); // one that stands still does not end when it is asked to
        Sandbox.Dispose();
    }
}
