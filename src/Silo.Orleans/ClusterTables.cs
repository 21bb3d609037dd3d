using Npgsql;

namespace Campaigns.Silo.Cluster;

/// <summary>
/// Who is a member of the cluster, kept in the journal's database. Orleans runs the protocol; it asks for statements by name and leaves the tables to
/// whoever installs it. See the contract of <c>Microsoft.Orleans.Clustering.AdoNet</c>: names, parameters and columns of these statements are its.
/// </summary>
internal static class ClusterTables
{
    private const string Schema = "campaigns_cluster";
    private const int PoolMax = 5;

    private const string Member = "deploymentid = @DeploymentId and address = @Address and port = @Port and generation = @Generation";

    private const string Members = """
        select v.deploymentid, m.address, m.port, m.generation, m.siloname, m.hostname, m.status, m.proxyport, m.suspecttimes, m.starttime, m.iamalivetime, v.version
        from cluster_version v left join cluster_member m on m.deploymentid = v.deploymentid
        """;

    // Each change of a member and the version of the table are one statement: both happen or neither does.
    private static readonly (string Name, string Sql)[] Statements =
    [
        ("InsertMembershipVersionKey", """
            with made as (insert into cluster_version(deploymentid, version) values (@DeploymentId, 0) on conflict do nothing returning 1)
            select count(*)::int from made
            """),
        ("InsertMembershipKey", """
            with moved as (
                update cluster_version set version = version + 1
                where deploymentid = @DeploymentId and version = @Version
                  and not exists (select from cluster_member where deploymentid = @DeploymentId and address = @Address and port = @Port and generation = @Generation)
                returning 1),
            made as (
                insert into cluster_member(deploymentid, address, port, generation, siloname, hostname, status, proxyport, starttime, iamalivetime)
                select @DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime from moved
                returning 1)
            select count(*)::int from made
            """),
        ("UpdateMembershipKey", $"""
            with moved as (
                update cluster_version set version = version + 1
                where deploymentid = @DeploymentId and version = @Version and exists (select from cluster_member where {Member})
                returning 1),
            changed as (
                update cluster_member set status = @Status, suspecttimes = @SuspectTimes, iamalivetime = @IAmAliveTime
                where {Member} and exists (select from moved)
                returning 1)
            select count(*)::int from changed
            """),
        ("UpdateIAmAlivetimeKey", $"update cluster_member set iamalivetime = @IAmAliveTime where {Member}"),
        ("MembershipReadRowKey", $"{Members} and m.address = @Address and m.port = @Port and m.generation = @Generation where v.deploymentid = @DeploymentId"),
        ("MembershipReadAllKey", $"{Members} where v.deploymentid = @DeploymentId"),
        ("GatewaysQueryKey", "select address, proxyport, generation from cluster_member where deploymentid = @DeploymentId and status = @Status and proxyport > 0"),
        ("DeleteMembershipTableEntriesKey", "with gone as (delete from cluster_member where deploymentid = @DeploymentId) delete from cluster_version where deploymentid = @DeploymentId"),
        ("CleanupDefunctSiloEntriesKey", "delete from cluster_member where deploymentid = @DeploymentId and iamalivetime < @IAmAliveTime and status <> 3"),
    ];

    /// <summary>Makes what is missing. Any number of processes may do it at once.</summary>
    /// <returns>the connection string for Orleans, which names no schema</returns>
    public static string Create(string connectionString)
    {
        var inSchema = new NpgsqlConnectionStringBuilder(connectionString) { SearchPath = Schema, MaxPoolSize = PoolMax }.ConnectionString;
        try
        {
            Prepare(inSchema);
            return inSchema;
        }
        catch (NpgsqlException failure)
        {
            throw new IOException($"The table of the cluster's members cannot be made (schema '{Schema}'): {failure.Message} Start the database, or give its user the right to create a schema, then start again.", failure);
        }
    }

    private static void Prepare(string connectionString)
    {
        using var connection = new NpgsqlConnection(connectionString);
        connection.Open();
        using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new("select pg_advisory_xact_lock(hashtext('campaigns.cluster'))"));
        foreach (var sql in (string[])
        [
            // Only if it is missing: a user may own the schema and not be allowed to make one.
            $"do $$ begin if to_regnamespace('{Schema}') is null then create schema {Schema}; end if; end $$",
            "create table if not exists cluster_version(deploymentid text primary key, version int not null)",
            """
            create table if not exists cluster_member(
                deploymentid text, address text, port int, generation int,
                siloname text not null, hostname text not null, status int not null, proxyport int, suspecttimes text,
                starttime timestamptz not null, iamalivetime timestamptz not null,
                primary key (deploymentid, address, port, generation))
            """,
            "create table if not exists orleansquery(querykey text primary key, querytext text not null)",
        ]) batch.BatchCommands.Add(new(sql));
        batch.ExecuteNonQuery();

        using var statements = new NpgsqlBatch(connection);
        foreach (var (name, sql) in Statements)
        {
            statements.BatchCommands.Add(new("insert into orleansquery values ($1, $2) on conflict (querykey) do update set querytext = excluded.querytext where orleansquery.querytext <> excluded.querytext")
            {
                Parameters = { new() { Value = name }, new() { Value = sql } },
            });
        }

        statements.ExecuteNonQuery();
    }
}
