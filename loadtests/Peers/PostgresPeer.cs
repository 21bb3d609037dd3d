using System.Globalization;
using System.Runtime.InteropServices;
using Npgsql;

namespace Campaigns.LoadTests.Peers;

/// <summary>A private PostgreSQL whose function assists at a bargain under row locks, in one round trip.</summary>
internal sealed class PostgresPeer : IHotAssists, ISpreadAssists
{
    private const int Clients = 32;
    private const string Owner = "postgres";

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ToolMax = TimeSpan.FromSeconds(60);

    private readonly string? programs = Sandbox.Find(["postgres", "initdb", "pgbench"], DebianVersions());
    private Sandbox? sandbox;
    private NpgsqlDataSource? database;
    private int hotRounds;

    public string Name => "PostgreSQL function, row locks";

    public string? Unavailable =>
        programs is null ? "postgres, initdb and pgbench were not found together on PATH or in /usr/lib/postgresql"
        : Environment.IsPrivilegedProcess
            && !File.ReadLines("/etc/passwd").Any(line => line.StartsWith($"{Owner}:", StringComparison.Ordinal))
            ? $"root needs a user {Owner} to run it as"
        : null;

    public async Task Start(CancellationToken cancellation)
    {
        sandbox = await Sandbox.Create(Environment.IsPrivilegedProcess ? Owner : null, cancellation);
        var data = Path.Combine(sandbox.Directory, "data");
        // Whoever can enter the directory is trusted; only its owner (and root) can.
        await sandbox.Run(Program("initdb"), ["-D", data, "-U", Owner, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            ToolMax, cancellation, asOwner: true);

        // Durability stays at its defaults. No checkpoint falls into the run: a long run spreads its cost thin, five seconds would not.
        // Only a failed start is said on our console; after it the log goes into the sandbox.
        var process = sandbox.Serve(Program("postgres"),
            ["-D", data, "-k", sandbox.Directory, "-c", "listen_addresses=", "-c", "shared_buffers=1GB", "-c", "wal_buffers=64MB",
             "-c", "max_wal_size=16GB", "-c", "checkpoint_timeout=1h",
             "-c", "logging_collector=on", "-c", "log_min_messages=fatal"], PosixSignal.SIGQUIT);

        database = NpgsqlDataSource.Create(
            $"Host={sandbox.Directory};Username={Owner};Database={Owner};Pooling=false;Command Timeout={ToolMax.TotalSeconds}");
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await Execute("select 1", cancellation);
                break;
            }
            catch (NpgsqlException) when (attempt < 100 && !process.HasExited)
            {
                await Task.Delay(100, cancellation);
            }
        }

        await Execute(PostgresScripts.Schema, cancellation);
        await Execute("vacuum (freeze, analyze)", cancellation);
        await File.WriteAllTextAsync(Path.Combine(sandbox.Directory, "hot"), PostgresScripts.Hot, cancellation);
        await File.WriteAllTextAsync(Path.Combine(sandbox.Directory, "spread"), PostgresScripts.Spread, cancellation);
    }

    public async Task<double> HotAssistsPerSecond(TimeSpan duration, CancellationToken cancellation)
    {
        // A bargain of its own for each round, so that no helper of the warm-up comes back as a duplicate.
        await Round("hot", ++hotRounds, WarmUp, cancellation);
        return await Round("hot", ++hotRounds, duration, cancellation);
    }

    public async Task<double> SpreadAssistsPerSecond(TimeSpan duration, CancellationToken cancellation)
    {
        await Round("spread", bargain: 0, WarmUp, cancellation);
        return await Round("spread", bargain: 0, duration, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (database is not null) await database.DisposeAsync();
        sandbox?.Dispose();
    }

    // The newest first, where Debian keeps them off the PATH.
    private static IEnumerable<string> DebianVersions() =>
        !Directory.Exists("/usr/lib/postgresql") ? [] : Directory.GetDirectories("/usr/lib/postgresql")
            .OrderByDescending(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var version) ? version : 0)
            .Select(path => Path.Combine(path, "bin"));

    private string Program(string name) => Path.Combine(programs!, name);

    private async Task<double> Round(string script, int bargain, TimeSpan duration, CancellationToken cancellation)
    {
        var before = await Accepted(cancellation);
        var seconds = Math.Max(1, (int)duration.TotalSeconds);
        var printed = await sandbox!.Run(Program("pgbench"),
            ["-h", sandbox.Directory, "-U", Owner, "-n", "-M", "prepared", "-c", $"{Clients}", "-j", "2", "-T", $"{seconds}",
             "-D", $"bargain={bargain}", "-D", "turn=0", "-f", Path.Combine(sandbox.Directory, script), Owner],
            duration + ToolMax, cancellation);

        var accepted = await Accepted(cancellation) - before;
        return Figure(printed, "tps = ") * accepted / Figure(printed, "number of transactions actually processed: ");
    }

    private static double Figure(string printed, string label)
    {
        var line = printed.Split('\n').First(line => line.StartsWith(label, StringComparison.Ordinal));
        return double.Parse(line[label.Length..].Split(' ')[0], CultureInfo.InvariantCulture);
    }

    private async Task<long> Accepted(CancellationToken cancellation)
    {
        await using var books = database!.CreateCommand(PostgresScripts.Books);
        return await books.ExecuteScalarAsync(cancellation) as long? ?? throw new InvalidOperationException("The bargains do not add up.");
    }

    private async Task Execute(string sql, CancellationToken cancellation)
    {
        await using var command = database!.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
