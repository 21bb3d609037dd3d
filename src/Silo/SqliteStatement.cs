using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Campaigns.Silo;

/// <summary>
/// A prepared statement of a hot path. The framework's command costs more than what a short statement does: it makes two dozen objects for each run, and prepares the
/// beginning and the end of a transaction anew each time. For one thread at a time.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly sqlite3 database;
    private readonly sqlite3_stmt statement;

    /// <exception cref="SqliteException">it makes no sense to this database</exception>
    public SqliteStatement(SqliteConnection connection, string sql)
    {
        database = connection.Handle!;
        var result = raw.sqlite3_prepare_v2(database, sql, out statement);
        if (result != raw.SQLITE_OK) throw Failure(result);
    }

    /// <param name="parameter">1 is the first</param>
    /// <exception cref="SqliteException">there is no memory for it, or the statement was not reset</exception>
    public SqliteStatement Bind(int parameter, long value) => Bound(raw.sqlite3_bind_int64(statement, parameter, value));

    public SqliteStatement Bind(int parameter, long? value) => value is { } number ? Bind(parameter, number) : Bound(raw.sqlite3_bind_null(statement, parameter));

    public SqliteStatement Bind(int parameter, string text) => Bound(raw.sqlite3_bind_text(statement, parameter, text));

    public SqliteStatement Bind(int parameter, ReadOnlySpan<byte> blob) => Bound(raw.sqlite3_bind_blob(statement, parameter, blob));

    /// <param name="blob">null is stored as null</param>
    public SqliteStatement Bind(int parameter, byte[]? blob) => blob is not null ? Bind(parameter, blob.AsSpan()) : Bound(raw.sqlite3_bind_null(statement, parameter));

    /// <summary>Runs what gives no rows.</summary>
    /// <exception cref="SqliteException">it failed</exception>
    public void Run()
    {
        Next();
        Reset();
    }

    /// <summary>Goes to the next row. Whoever stops before the last one calls <see cref="Reset"/>.</summary>
    /// <returns>false if there is none: it can be run again</returns>
    /// <exception cref="SqliteException">it failed: it can be run again</exception>
    public bool Next()
    {
        var result = raw.sqlite3_step(statement);
        if (result == raw.SQLITE_ROW) return true;
        var failure = result == raw.SQLITE_DONE ? null : Failure(result);
        Reset();
        return failure is null ? false : throw failure;
    }

    public void Reset() => raw.sqlite3_reset(statement);

    /// <param name="column">0 is the first</param>
    public bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;

    public long Number(int column) => raw.sqlite3_column_int64(statement, column);

    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string() ?? "";

    public byte[] Blob(int column) => raw.sqlite3_column_blob(statement, column).ToArray();

    public void Dispose() => statement.Dispose();

    /// <summary>Ends a transaction that failed, if it is still open: others can write again.</summary>
    public static void RollBack(SqliteConnection connection)
    {
        if (raw.sqlite3_get_autocommit(connection.Handle) == 0) raw.sqlite3_exec(connection.Handle, "rollback");
    }

    // One that did not get its value would run with another.
    private SqliteStatement Bound(int result) => result == raw.SQLITE_OK ? this : throw Failure(result);

    private SqliteException Failure(int result) => new(raw.sqlite3_errmsg(database).utf8_to_string(), result);
}
