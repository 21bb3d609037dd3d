using System.Collections.Concurrent;
using System.Globalization;
using Campaigns.Grains.Kernel;
using Microsoft.Data.Sqlite;

namespace Campaigns.Silo.Projections;

/// <summary>The read models in a SQLite file of their own, for one process.</summary>
public sealed class SqliteDocuments : DocumentStore
{
    // One step changes thousands of pages in random places: what does not fit is written and read again within the same transaction, and each
    // checkpoint writes every changed page once more.
    private const int WriterCacheKilobytes = 65_536;
    private const int PagesPerCheckpoint = 16_384;
    private const int CacheCharactersMax = 16 << 20;

    private readonly string connectionString;
    private readonly SqliteConnection writer;
    private readonly SqliteStatement begin;
    private readonly SqliteStatement find;
    private readonly SqliteStatement put;
    private readonly SqliteStatement drop;
    private readonly SqliteStatement progress;
    private readonly SqliteStatement commit;
    private readonly ConcurrentBag<SqliteConnection> readers = [];

    /// <exception cref="IOException">the file cannot be opened, or is none of ours</exception>
    public SqliteDocuments(string file)
        : base(CacheCharactersMax)
    {
        connectionString = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString();
        writer = new(connectionString);
        try
        {
            writer.Open();
            Prepare();
            begin = new(writer, "begin immediate");
            find = new(writer, "select json from document where shop = ?1 and collection = ?2 and key = ?3");
            put = new(writer, "insert into document values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do update set owner = ?4, sort = ?5, json = ?6");
            drop = new(writer, "delete from document where shop = ?1 and collection = ?2 and key = ?3");
            progress = new(writer, "update progress set position = ?1, at = ?2");
            commit = new(writer, "commit");
            Reload();
        }
        catch (SqliteException failure)
        {
            writer.Dispose();
            throw new IOException($"The read models in '{file}' cannot be opened: {failure.Message.TrimEnd('.')}. Free disk space; if that is not it, make them again from the journal with 'campaigns rebuild'. Nothing acknowledged depends on them.", failure);
        }
    }

    // The folder is locked by its journal: nobody else is there.
    public override bool TryLead() => true;

    public override void Dispose()
    {
        while (readers.TryTake(out var reader)) reader.Dispose();
        foreach (var statement in new[] { begin, find, put, drop, progress, commit }) statement.Dispose();
        writer.Dispose();
    }

    internal override void Reload()
    {
        Forget();
        ForgetStored();
        using var stored = Command(writer, "select position, at from progress", 0);
        using var row = stored.ExecuteReader();
        row.Read();
        Know(row.GetInt64(0), row.GetInt64(1));
    }

    public override bool Clear()
    {
        Forget();
        ForgetStored();
        Execute("delete from document");
        return Commit(0, DateTimeOffset.UnixEpoch);
    }

    private protected override bool Store(IReadOnlyList<StoredDocument> documents, long position, long asOfTicks)
    {
        try
        {
            begin.Run();
            foreach (var ((shop, collection, key), json, owner, sort) in documents)
            {
                if (json is null) drop.Bind(1, shop.Value).Bind(2, collection).Bind(3, key).Run();
                else put.Bind(1, shop.Value).Bind(2, collection).Bind(3, key).Bind(4, owner).Bind(5, sort).Bind(6, json).Run();
            }

            progress.Bind(1, position).Bind(2, asOfTicks).Run();
            commit.Run();
            return true;
        }
        catch (SqliteException)
        {
            SqliteStatement.RollBack(writer);
            throw;
        }
    }

    private protected override TDocument? FindStored<TDocument>(DocumentName name)
        where TDocument : class
    {
        try
        {
            var isThere = find.Bind(1, name.Shop.Value).Bind(2, name.Collection).Bind(3, name.Key).Next();
            Learn(name, isThere ? find.Text(0) : null);
        }
        finally
        {
            find.Reset();
        }

        return TryKnown<TDocument>(name, out var found) ? found : null;
    }

    private protected override string? ReadJson(DocumentName name)
    {
        var connection = Borrow();
        using var command = Command(connection, "select json from document where shop = $0 and collection = $1 and key = $2", 3);
        (command.Parameters[0].Value, command.Parameters[1].Value, command.Parameters[2].Value) = (name.Shop.Value, name.Collection, name.Key);
        var json = command.ExecuteScalar() as string;
        readers.Add(connection);
        return json;
    }

    private protected override IReadOnlyList<DocumentRow> ReadRows(ShopId shop, string collection, string owner, long sort, string key, int count, out DateTimeOffset asOf)
    {
        asOf = AsOf; // before the rows: they may be newer, never older
        var connection = Borrow();
        using var command = Command(connection, "select json, sort, key from document where shop = $0 and collection = $1 and owner = $2 and (sort, key) < ($3, $4) order by sort desc, key desc limit $5", 6);
        (command.Parameters[0].Value, command.Parameters[1].Value, command.Parameters[2].Value) = (shop.Value, collection, owner);
        (command.Parameters[3].Value, command.Parameters[4].Value, command.Parameters[5].Value) = (sort, key, count);
        var rows = new List<DocumentRow>();
        using (var row = command.ExecuteReader())
            while (row.Read()) rows.Add(new(row.GetString(0), row.GetInt64(1), row.GetString(2)));
        readers.Add(connection);
        return rows;
    }

    private protected override long CountRows(ShopId shop, string collection, string owner, long from, long until)
    {
        var connection = Borrow();
        using var command = Command(connection, "select count(*) from document where shop = $0 and collection = $1 and owner = $2 and sort >= $3 and sort < $4", 5);
        (command.Parameters[0].Value, command.Parameters[1].Value, command.Parameters[2].Value) = (shop.Value, collection, owner);
        (command.Parameters[3].Value, command.Parameters[4].Value) = (from, until);
        var count = (long)command.ExecuteScalar()!;
        readers.Add(connection);
        return count;
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql, int parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < parameters; i++) command.Parameters.Add(new(string.Create(CultureInfo.InvariantCulture, $"${i}"), null));
        return command;
    }

    // A connection to read with. They are shared: one for each thread that ever read would never end in a process with a thread pool.
    private SqliteConnection Borrow() => readers.TryTake(out var idle) ? idle : Open();

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        return connection;
    }

    private void Prepare()
    {
        Execute("pragma busy_timeout = 30000; pragma journal_mode = wal; pragma synchronous = normal"); // may lose its end in a crash: the journal fills it again
        Execute(string.Create(CultureInfo.InvariantCulture, $"pragma cache_size = -{WriterCacheKilobytes}; pragma wal_autocheckpoint = {PagesPerCheckpoint}"));
        Execute("""
            create table if not exists document(shop text, collection text, key text, owner text not null, sort integer not null, json text not null, primary key(shop, collection, key)) without rowid;
            create index if not exists document_list on document(shop, collection, owner, sort, key);
            create table if not exists progress(id integer primary key check (id = 1), position integer not null, at integer not null);
            insert or ignore into progress values (1, 0, 0);
            """);
    }

    private void Execute(string sql)
    {
        using var command = writer.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
