using System.Globalization;
using Npgsql;

namespace Campaigns.LoadTests.Peers;

/// <summary>A private PostgreSQL whose function assists at a bargain under row locks, in one round trip.</summary>
internal sealed class PostgresPeer : IHotAssists, ISpreadAssists
{
    private const int Clients = 32;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ToolMax = TimeSpan.FromSeconds(60);

    private PostgresServer? server;
    private NpgsqlDataSource? database;
    private int hotRounds;

    /// <summary>The server, for what else is measured on it.</summary>
    public PostgresServer Server => server ?? throw new InvalidOperationException("Not started.");

    public string Name => "PostgreSQL function, row locks";

    public string? Unavailable => PostgresServer.Unavailable;

    public async Task Start(CancellationToken cancellation)
    {
        // No checkpoint falls into the run: a long run spreads its cost thin, five seconds would not.
        server = await PostgresServer.Start(["shared_buffers=1GB", "wal_buffers=64MB", "max_wal_size=16GB", "checkpoint_timeout=1h"], cancellation);
        database = NpgsqlDataSource.Create($"{server.ConnectionString};Pooling=false;Command Timeout={ToolMax.TotalSeconds}");
        await Execute(PostgresScripts.Schema, cancellation);
        await Execute("vacuum (freeze, analyze)", cancellation);
        await File.WriteAllTextAsync(Path.Combine(server.Sandbox.Directory, "hot"), PostgresScripts.Hot, cancellation);
        await File.WriteAllTextAsync(Path.Combine(server.Sandbox.Directory, "spread"), PostgresScripts.Spread, cancellation);
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
        server?.Dispose();
    }

    private async Task<double> Round(string script, int bargain, TimeSpan duration, CancellationToken cancellation)
    {
        var before = await Accepted(cancellation);
        var seconds = Math.Max(1, (int)duration.TotalSeconds);
        var printed = await server!.Sandbox.Run(PostgresServer.Program("pgbench"),
            ["-h", server.Sandbox.Directory, "-U", "postgres", "-n", "-M", "prepared", "-c", $"{Clients}", "-j", "2", "-T", $"{seconds}",
             "-D", $"bargain={bargain}", "-D", "turn=0", "-f", Path.Combine(server.Sandbox.Directory, script), "postgres"],
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
