using System.Net;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Silo;
using Npgsql;

namespace Campaigns.ApiFrontend;

/// <summary>Where facts are kept and who else serves: one machine with a file, one machine with a database, or one process of a cluster.</summary>
/// <param name="Postgres">the connection string of the journal and the read models; null: files in the data folder</param>
/// <param name="Cluster">null on one machine</param>
/// <param name="Redis">the StackExchange.Redis configuration of what processes share rate limits through; null: each counts for itself</param>
internal sealed record Deployment(string? Postgres, ClusterSettings? Cluster, string? Redis)
{
    /// <summary>False for a frontend of a cluster: it asks the silos.</summary>
    public bool HasGrains => Cluster is null or { Role: ClusterRole.Silo };

    /// <summary>As the environment and the settings beside the program say, for commands that serve nothing.</summary>
    /// <exception cref="StartRefused">the settings contradict each other or cannot be read</exception>
    public static Deployment Read() => Read(new ConfigurationBuilder().SetBasePath(AppContext.BaseDirectory).AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables().Build());

    /// <exception cref="StartRefused">the settings contradict each other or cannot be read</exception>
    public static Deployment Read(IConfiguration configuration)
    {
        var problems = new List<string>();
        var postgres = PostgresIn(configuration, problems);
        var redis = Secret(configuration, "Redis:Configuration", problems);
        if (redis is not null) CheckRedis(redis, problems);
        var cluster = default(ClusterSettings);
        try
        {
            cluster = configuration.GetSection("Cluster").Get<ClusterSettings>();
        }
        catch (InvalidOperationException unreadable)
        {
            problems.Add($"Cluster: {(unreadable.InnerException ?? unreadable).Message}");
        }

        if (cluster is not null)
        {
            if (!Enum.IsDefined(cluster.Role)) problems.Add("Cluster:Role is missing: Silo or Frontend");
            if (postgres is null && problems.Count == 0) problems.Add("Cluster needs Journal:Postgres: silos share one database");
            if (cluster.Address is { } address && !IPAddress.TryParse(address, out _)) problems.Add($"Cluster:Address is no IP address: {address}");
            if (!ClusterNode.IsBuiltIn) problems.Add("Cluster: this build runs on one machine; publish it with -p:Orleans=true");
        }

        if (problems.Count == 0) return new(postgres, cluster, redis);
        throw new StartRefused($"The deployment is not configured:\n  - {string.Join("\n  - ", problems)}\nWhat each setting is: deploy/README.md. Without any, it runs on this machine with files in the data folder.");
    }

    private static string? PostgresIn(IConfiguration configuration, List<string> problems)
    {
        if (Secret(configuration, "Journal:Postgres", problems) is not { } text) return null;
        try
        {
            return new NpgsqlConnectionStringBuilder(text).ConnectionString;
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or FormatException)
        {
            problems.Add($"Journal:Postgres is no connection string: {unreadable.Message}");
            return null;
        }
    }

    // A method of its own: where Redis is not configured its client is not even loaded.
    private static void CheckRedis(string configuration, List<string> problems)
    {
        try
        {
            RedisBuckets.Read(configuration);
        }
        catch (ArgumentException unreadable)
        {
            problems.Add($"Redis:Configuration is no configuration: {unreadable.Message}");
        }
    }

    /// <returns>what the setting says, or the file that the setting with <c>File</c> behind its name names; null: neither is there</returns>
    private static string? Secret(IConfiguration configuration, string name, List<string> problems)
    {
        var text = configuration[name];
        if (configuration[$"{name}File"] is { Length: > 0 } file)
        {
            if (text is { Length: > 0 }) problems.Add($"{name} and {name}File: name one");
            try
            {
                text = File.ReadAllText(file).Trim();
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                problems.Add($"{name}File: {unreadable.Message}");
            }
        }

        return text is { Length: > 0 } ? text : null;
    }
}
