using Campaigns.LoadTests.Peers;
using Npgsql;

namespace Campaigns.Tests.Kit;

/// <summary>The PostgreSQL of this run of the tests: started when the first test needs it, gone with the process. Each test has a schema of its own.</summary>
internal static class PrivatePostgres
{
    private static readonly Lazy<PostgresServer> Server = new(Start);
    private static int schemas;

    public static string ConnectionString => $"{Server.Value.ConnectionString};Minimum Pool Size=0";

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
