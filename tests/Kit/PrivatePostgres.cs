using System.Globalization;
using System.Runtime.InteropServices;
using Campaigns.LoadTests.Peers;
using Npgsql;

namespace Campaigns.Tests.Kit;

/// <summary>A PostgreSQL server for this test run alone, started by the first test that asks and gone with the run.</summary>
internal static class PrivatePostgres
{
    private const string Owner = "postgres";
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(60);
    private static readonly Lazy<Task<string>> Server = new(Start);
    private static int databases;

    /// <returns>how to connect to a database that nobody else uses</returns>
    public static async Task<string> NewDatabase()
    {
        var server = await Server.Value;
        var name = string.Create(CultureInfo.InvariantCulture, $"test{Interlocked.Increment(ref databases)}");
        await Execute($"{server};Database={Owner}", $"create database {name}");
        return $"{server};Database={name}";
    }

    private static async Task<string> Start()
    {
        var folders = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(f => Path.Combine(f, "bin")) : [];
        var programs = Sandbox.Find(["postgres", "initdb"], folders) ?? throw new InvalidOperationException("These tests need PostgreSQL: postgres and initdb on PATH or in /usr/lib/postgresql.");
        var sandbox = await Sandbox.Create(Environment.IsPrivilegedProcess ? Owner : null, CancellationToken.None);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => sandbox.Dispose();
        var data = Path.Combine(sandbox.Directory, "data");
        await sandbox.Run(Path.Combine(programs, "initdb"), ["-D", data, "-U", Owner, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"], StartMax, CancellationToken.None, asOwner: true);
        var process = sandbox.Serve(
            Path.Combine(programs, "postgres"),
            ["-D", data, "-k", sandbox.Directory, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300", "-c", "logging_collector=on", "-c", "log_min_messages=fatal"],
            PosixSignal.SIGQUIT);
        var server = $"Host={sandbox.Directory};Username={Owner}";
        using var limit = new CancellationTokenSource(StartMax);
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await again.WaitForNextTickAsync(limit.Token))
        {
            try
            {
                await Execute($"{server};Database={Owner}", "select 1");
                break;
            }
            catch (NpgsqlException) when (!process.HasExited)
            {
                // It is starting.
            }
        }

        return server;
    }

    private static async Task Execute(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection($"{connectionString};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
