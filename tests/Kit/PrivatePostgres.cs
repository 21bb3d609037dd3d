using Campaigns.LoadTests.Peers;
using Npgsql;

namespace Campaigns.Tests.Kit;

/// <summary>The PostgreSQL of this run of the tests: started when the first test needs it, gone with the process. Each test has a schema of its own.</summary>
internal static class PrivatePostgres
{
    private static readonly Lazy<PostgresServer> Server = new(Start);
    private static int schemas;

    public static string ConnectionString => $"{Server.Value.ConnectionString};Minimum Pool Size=0";

    /// <returns>how to connect to a database that nobody else uses</returns>
    public static async Task<string> NewDatabase()
    {
        var name = NewSchema();
        await using var connection = new NpgsqlConnection($"{ConnectionString};Pooling=false");
        await connection.OpenAsync();
        await using var create = new NpgsqlCommand($"create database {name}", connection);
        await create.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }

    public static string NewSchema() => $"test_{Interlocked.Increment(ref schemas)}";

    /// <summary>A connection that sees one schema.</summary>
    public static NpgsqlConnection Connect(string schema)
    {
        var connection = new NpgsqlConnection($"{ConnectionString};Search Path={schema};Pooling=false");
        connection.Open();
        return connection;
    }

    private static PostgresServer Start()
    {
        var server = PostgresServer.Start(["max_connections=200", "shared_buffers=64MB"], CancellationToken.None).GetAwaiter().GetResult();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Dispose();
        return server;
    }
}
