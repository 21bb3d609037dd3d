using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Npgsql;

namespace Campaigns.LoadTests.Peers;

/// <summary>A PostgreSQL of our own in a temporary directory, reached through a socket there; both are gone after disposal, a signal or the end of this process.</summary>
internal sealed class PostgresServer : IDisposable
{
    private const string Owner = "postgres";

    private static readonly TimeSpan ToolMax = TimeSpan.FromSeconds(60);
    private static readonly string? Programs = Sandbox.Find(["postgres", "initdb", "pgbench"], DebianVersions());

    private readonly string[] settings;
    private Process? process;

    private PostgresServer(Sandbox sandbox, string[] settings) => (Sandbox, this.settings) = (sandbox, settings);

    /// <summary>Why no server can be started on this machine; null when it can.</summary>
    public static string? Unavailable =>
        Programs is null ? "postgres, initdb and pgbench were not found together on PATH or in /usr/lib/postgresql"
        : Environment.IsPrivilegedProcess
            && !File.ReadLines("/etc/passwd").Any(line => line.StartsWith($"{Owner}:", StringComparison.Ordinal))
            ? $"root needs a user {Owner} to run it as"
        : null;

    public Sandbox Sandbox { get; }

    /// <summary>The process that all others of the server are children of.</summary>
    public int Id => process!.Id;

    public string ConnectionString => $"Host={Sandbox.Directory};Username={Owner};Database={Owner}";

    public static string Program(string name) => Path.Combine(Programs ?? throw new InvalidOperationException(Unavailable), name);

    /// <param name="settings">as in postgresql.conf; durability stays at its defaults</param>
    public static async Task<PostgresServer> Start(string[] settings, CancellationToken cancellation)
    {
        if (Unavailable is { } reason) throw new InvalidOperationException($"{reason}. On Debian: apt-get install postgresql");
        var sandbox = await Sandbox.Create(Environment.IsPrivilegedProcess ? Owner : null, cancellation);
        try
        {
            var server = new PostgresServer(sandbox, settings);
            // Whoever can enter the directory is trusted; only its owner (and root) can.
            await sandbox.Run(Program("initdb"), ["-D", server.Data, "-U", Owner, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
                ToolMax, cancellation, asOwner: true);
            sandbox.GuardFromOutside(Path.Combine(server.Data, "postmaster.pid"));
            await server.Serve(cancellation);
            return server;
        }
        catch
        {
            sandbox.Dispose();
            throw;
        }
    }

    /// <summary>The server dies as in a power cut, and comes back.</summary>
    public async Task Crash(CancellationToken cancellation)
    {
        process!.Send(PosixSignal.SIGQUIT);
        await process!.WaitForExitAsync(cancellation);
        await Serve(cancellation);
    }

    public void Dispose() => Sandbox.Dispose();

    private string Data => Path.Combine(Sandbox.Directory, "data");

    // The newest first, where Debian keeps them off the PATH.
    private static IEnumerable<string> DebianVersions() =>
        !Directory.Exists("/usr/lib/postgresql") ? [] : Directory.GetDirectories("/usr/lib/postgresql")
            .OrderByDescending(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var version) ? version : 0)
            .Select(path => Path.Combine(path, "bin"));

    private async Task Serve(CancellationToken cancellation)
    {
        // Only a failed start is said on our console; after it the log goes into the sandbox.
        process = Sandbox.Serve(Program("postgres"),
            ["-D", Data, "-k", Sandbox.Directory, "-c", "listen_addresses=", "-c", "logging_collector=on", "-c", "log_min_messages=fatal", .. settings.SelectMany(s => (string[])["-c", s])],
            PosixSignal.SIGQUIT);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await using var connection = new NpgsqlConnection($"{ConnectionString};Pooling=false");
                await connection.OpenAsync(cancellation);
                return;
            }
            catch (NpgsqlException) when (attempt < 100 && !process.HasExited)
            {
                await Task.Delay(100, cancellation);
            }
        }
    }
}
