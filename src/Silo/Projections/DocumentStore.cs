using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Microsoft.Data.Sqlite;

namespace Campaigns.Silo.Projections;

/// <summary>A page of a list; <paramref name="NextCursor"/> is null on the last one.</summary>
public sealed record Page<TItem>(IReadOnlyList<TItem> Items, string? NextCursor, DateTimeOffset AsOf);

/// <summary>
/// The read models in a SQLite file of their own: it can be deleted at any time and is built again from the journal. Written by the
/// projector alone, in one transaction with its position, so a document never shows half a flush.
/// </summary>
public sealed class DocumentStore : IDocuments, IDisposable
{
    public const int PageMax = 100;

    // One step changes thousands of pages in random places: what does not fit is written and read again within the same transaction, and each
    // checkpoint writes every changed page once more.
    private const int WriterCacheKilobytes = 65_536;
    private const int PagesPerCheckpoint = 16_384;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly string connectionString;
    private readonly SqliteConnection writer;
    private readonly SqliteCommand find;
    private readonly SqliteCommand put;
    private readonly SqliteCommand drop;
    private readonly ConcurrentBag<SqliteConnection> readers = [];
    private readonly Dictionary<(ShopId Shop, string Collection, string Key), (object? Document, string Owner, long Sort)> written = []; // null: dropped
    private long asOfTicks;

    /// <exception cref="IOException">the file cannot be opened, or is none of ours</exception>
    public DocumentStore(string file)
    {
        connectionString = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString();
        writer = new(connectionString);
        try
        {
            writer.Open();
            Prepare();
            find = Command(writer, "select json from document where shop = $0 and collection = $1 and key = $2", 3);
            put = Command(writer, "insert into document values ($0, $1, $2, $3, $4, $5) on conflict do update set owner = $3, sort = $4, json = $5", 6);
            drop = Command(writer, "delete from document where shop = $0 and collection = $1 and key = $2", 3);
            Reload();
        }
        catch (SqliteException failure)
        {
            writer.Dispose();
            throw new IOException($"The read models in '{file}' cannot be opened: {failure.Message.TrimEnd('.')}. Free disk space; if that is not it, make them again from the journal with 'campaigns rebuild'. Nothing acknowledged depends on them.", failure);
        }
    }

    /// <summary>The position of the last flush that the documents include.</summary>
    public long Position { get; private set; }

    /// <summary>The time of the last decision that the documents include.</summary>
    public DateTimeOffset AsOf => new(Interlocked.Read(ref asOfTicks), TimeSpan.Zero);

    public TDocument? Find<TDocument>(ShopId shop, string collection, string key)
        where TDocument : class
    {
        if (written.TryGetValue((shop, collection, key), out var fresh)) return (TDocument?)fresh.Document;
        (find.Parameters[0].Value, find.Parameters[1].Value, find.Parameters[2].Value) = (shop.Value, collection, key);
        return find.ExecuteScalar() is string json ? JsonSerializer.Deserialize<TDocument>(json, Json) : null;
    }

    public void Put<TDocument>(ShopId shop, string collection, string key, string owner, DateTimeOffset sort, TDocument document)
        where TDocument : class =>
        written[(shop, collection, key)] = (document, owner, sort.UtcTicks);

    public void Drop(ShopId shop, string collection, string key) => written[(shop, collection, key)] = (null, "", 0);

    /// <summary>Makes everything since the last call visible at once.</summary>
    public void Commit(long position, DateTimeOffset at)
    {
        using var transaction = writer.BeginTransaction();
        put.Transaction = drop.Transaction = transaction;
        foreach (var ((shop, collection, key), (document, owner, sort)) in written)
        {
            if (document is null)
            {
                (drop.Parameters[0].Value, drop.Parameters[1].Value, drop.Parameters[2].Value) = (shop.Value, collection, key);
                drop.ExecuteNonQuery();
                continue;
            }

            (put.Parameters[0].Value, put.Parameters[1].Value, put.Parameters[2].Value) = (shop.Value, collection, key);
            (put.Parameters[3].Value, put.Parameters[4].Value, put.Parameters[5].Value) = (owner, sort, JsonSerializer.Serialize(document, document.GetType(), Json));
            put.ExecuteNonQuery();
        }

        using var progress = Command(writer, "update progress set position = $0, at = $1", 2);
        progress.Transaction = transaction;
        (progress.Parameters[0].Value, progress.Parameters[1].Value) = (position, at.UtcTicks);
        progress.ExecuteNonQuery();
        transaction.Commit();
        written.Clear();
        Position = position;
        Interlocked.Exchange(ref asOfTicks, at.UtcTicks);
    }

    /// <summary>Drops what was put and not committed.</summary>
    internal void Forget() => written.Clear();

    /// <summary>Goes back to what is stored: after a commit that failed nobody knows whether it took effect.</summary>
    internal void Reload()
    {
        written.Clear();
        using var progress = Command(writer, "select position, at from progress", 0);
        using var row = progress.ExecuteReader();
        row.Read();
        Position = row.GetInt64(0);
        Interlocked.Exchange(ref asOfTicks, row.GetInt64(1));
    }

    /// <summary>Starts from zero.</summary>
    internal void Clear()
    {
        written.Clear();
        Execute("delete from document");
        Commit(0, DateTimeOffset.UnixEpoch);
    }

    /// <summary>One document as last committed, from any thread.</summary>
    public TDocument? Read<TDocument>(ShopId shop, string collection, string key)
        where TDocument : class
    {
        var connection = Borrow();
        using var command = Command(connection, "select json from document where shop = $0 and collection = $1 and key = $2", 3);
        (command.Parameters[0].Value, command.Parameters[1].Value, command.Parameters[2].Value) = (shop.Value, collection, key);
        var json = command.ExecuteScalar() as string;
        readers.Add(connection);
        return json is null ? null : JsonSerializer.Deserialize<TDocument>(json, Json);
    }

    /// <summary>The documents of an owner, newest first, from any thread. A cursor that cannot be read starts at the beginning.</summary>
    /// <param name="limit">1–<see cref="PageMax"/></param>
    public Page<TDocument> List<TDocument>(ShopId shop, string collection, string owner, string? cursor, int limit)
        where TDocument : class
    {
        limit = Math.Clamp(limit, 1, PageMax);
        var (sort, key) = ReadCursor(cursor);
        var connection = Borrow();
        using var command = Command(connection, "select json, sort, key from document where shop = $0 and collection = $1 and owner = $2 and (sort, key) < ($3, $4) order by sort desc, key desc limit $5", 6);
        (command.Parameters[0].Value, command.Parameters[1].Value, command.Parameters[2].Value) = (shop.Value, collection, owner);
        (command.Parameters[3].Value, command.Parameters[4].Value, command.Parameters[5].Value) = (sort, key, limit + 1);
        var items = new List<TDocument>();
        string? next = null;
        using (var row = command.ExecuteReader())
        {
            while (row.Read())
            {
                if (items.Count == limit)
                {
                    next = WriteCursor(sort, key);
                    break;
                }

                items.Add(JsonSerializer.Deserialize<TDocument>(row.GetString(0), Json)!);
                (sort, key) = (row.GetInt64(1), row.GetString(2));
            }
        }

        readers.Add(connection);
        return new(items, next, AsOf);
    }

    /// <summary>The cursor of a list that begins right before a moment.</summary>
    public static string CursorBefore(DateTimeOffset moment) => WriteCursor(moment.UtcTicks, "");

    /// <summary>How many documents an owner has in <c>[from, until)</c>, from any thread.</summary>
    public long Count(ShopId shop, string collection, string owner, DateTimeOffset from, DateTimeOffset until)
    {
        var connection = Borrow();
        using var command = Command(connection, "select count(*) from document where shop = $0 and collection = $1 and owner = $2 and sort >= $3 and sort < $4", 5);
        (command.Parameters[0].Value, command.Parameters[1].Value, command.Parameters[2].Value) = (shop.Value, collection, owner);
        (command.Parameters[3].Value, command.Parameters[4].Value) = (from.UtcTicks, until.UtcTicks);
        var count = (long)command.ExecuteScalar()!;
        readers.Add(connection);
        return count;
    }

    public void Dispose()
    {
        while (readers.TryTake(out var reader)) reader.Dispose();
        find.Dispose();
        put.Dispose();
        drop.Dispose();
        writer.Dispose();
    }

    private static string WriteCursor(long sort, string key) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{sort}/{key}")));

    private static (long Sort, string Key) ReadCursor(string? cursor)
    {
        try
        {
            var parts = Encoding.UTF8.GetString(Convert.FromHexString(cursor ?? "")).Split('/', 2);
            return parts.Length == 2 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out var sort) ? (sort, parts[1]) : (long.MaxValue, "");
        }
        catch (FormatException)
        {
            return (long.MaxValue, "");
        }
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
        Execute("pragma journal_mode = wal; pragma synchronous = normal"); // may lose its end in a crash: the journal fills it again
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
