using Npgsql;

namespace Campaigns.Silo.Journal;

/// <summary>What a failure of the database means to whoever runs it, and what to do next.</summary>
internal static class PostgresFailures
{
    /// <param name="failure">what Npgsql has thrown</param>
    /// <param name="where">the database, as messages name it</param>
    public static IOException Explain(Exception failure, string where) => failure is not PostgresException refused
        ? new IOException($"{where} cannot be reached: {failure.Message.TrimEnd('.')}. Check host and port and that the server runs, then start again; nothing acknowledged is lost.", failure)
        : refused.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new IOException($"{where} refuses this user: {Said(refused)}. Check user and password in the connection string, and pg_hba.conf on the server.", failure),
            PostgresErrorCodes.InvalidCatalogName => new IOException($"{where} is not there: {Said(refused)}. Create the database, or name another one in the connection string.", failure),
            PostgresErrorCodes.InsufficientPrivilege => new IOException($"{where} does not let this user in: {Said(refused)}. Grant it CREATE on the database, or create the schema and make the user its owner.", failure),
            PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => new JournalDamaged(where, Said(refused)),
            PostgresErrorCodes.DiskFull => new IOException($"{where} is out of disk space: {Said(refused)}. Free some, then start again; nothing acknowledged is lost.", failure),
            PostgresErrorCodes.TooManyConnections => new IOException($"{where} has no connection left: {Said(refused)}. Raise max_connections, or lower 'Maximum Pool Size' in the connection strings.", failure),
            PostgresErrorCodes.ReadOnlySqlTransaction => new IOException($"{where} only reads: {Said(refused)}. It is a standby: name the primary in the connection string.", failure),
            _ => new IOException($"{where} cannot be used: {Said(refused)} ({refused.SqlState}). See the log of the server, then start again; nothing acknowledged is lost.", failure),
        };

    private static string Said(PostgresException refused) => refused.MessageText.TrimEnd('.');
}
