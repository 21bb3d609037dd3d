using System.Data;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Campaigns.Grains.Kernel;
using Npgsql;
using NpgsqlTypes;

namespace Campaigns.Silo.Projections;

/// <summary>The database that lists and reports are kept in does not answer, or not as it should.</summary>
public sealed class DocumentsUnavailable(string schema, Exception inner)
    : IOException($"The read models in the schema '{schema}' cannot be reached: {inner.Message.TrimEnd('.')}. Nothing acknowledged depends on them.", inner);

/// <summary>
/// The read models in PostgreSQL, for many processes. All of them read; the one that holds an advisory lock writes, over the connection that holds
/// it: when that ends, for whatever reason, its transaction and the lead end with it. A commit moves the position on from where the writer left it,
/// or writes nothing.
/// </summary>
public sealed partial class PostgresDocuments : DocumentStore
{
    // What a step asks for the first time is asked for at once, and then the step runs again. Few chains of "find this, then that" are longer.
    private const int PassesMax = 4;
    private const int ReadersMax = 10;
    private const int ReadingMax = 40;
    private const int ReadSecondsMax = 5;
    private const int WriteSecondsMax = 30;
    private const int CacheCharactersMax = 64 << 20;

    // Of a host that is cut off, or a process that is stopped, the server hears nothing: it ends such a session after this time.
    private const string Session = """
        set synchronous_commit = off; -- may lose its end in a crash: the journal fills it again
        set enable_seqscan = off; -- a look into the index for each name is always right here, and a plan from the time of an empty table would not know
        set enable_hashjoin = off;
        set enable_mergejoin = off;
        set jit = off;
        set idle_session_timeout = '5s';
        set tcp_keepalives_idle = 2;
        set tcp_keepalives_interval = 1;
        set tcp_keepalives_count = 3
        """;

    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim reading = new(ReadingMax);
    private readonly NpgsqlDataSource readers;
    private readonly NpgsqlDataSource leaders;
    private readonly string schema;
    private readonly HashSet<DocumentName> missing = [];
    private NpgsqlConnection? connection;
    private bool leads;
    private bool isGuessing;
    private long askedAt;

    private string Progress => $"select position, at from {schema}.document_progress";

    /// <param name="connectionString">of a database with the encoding UTF8. Through a pooler it must keep a session to one connection: the lead is the session's</param>
    /// <param name="schema">a plain lower-case name; made if there is none</param>
    /// <exception cref="DocumentsUnavailable">the database cannot be reached, or the tables cannot be made</exception>
    public PostgresDocuments(string connectionString, string schema = "campaigns")
        : base(CacheCharactersMax)
    {
        if (!PlainName().IsMatch(schema)) throw new ArgumentException($"'{schema}' is no plain name of a schema.", nameof(schema));
        this.schema = schema;
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        if (settings.MaxAutoPrepare == 0) settings.MaxAutoPrepare = 16;
        settings.MaxPoolSize = Math.Min(settings.MaxPoolSize, ReadersMax);
        settings.CommandTimeout = settings.Timeout = ReadSecondsMax;
        readers = NpgsqlDataSource.Create(settings.ToString());
        settings.Pooling = false;
        settings.CommandTimeout = settings.Timeout = WriteSecondsMax;
        leaders = NpgsqlDataSource.Create(settings.ToString());
        try
        {
            Prepare();
            Read(Progress, See);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <exception cref="NpgsqlException">the database cannot be reached: this process does not lead any more</exception>
    public override bool TryLead()
    {
        if (connection is { FullState: not ConnectionState.Open }) Resign();
        if (askedAt != 0 && Stopwatch.GetElapsedTime(askedAt) < AskAgain) return leads;
        try
        {
            if (leads && IsStill()) return true;
            Connect();
            leads = Command("select pg_try_advisory_lock(hashtextextended($1, 0))", Text($"{schema}.document")).ExecuteScalar() is true;
            Look();
            askedAt = Stopwatch.GetTimestamp();
            return leads;
        }
        catch
        {
            Resign();
            throw;
        }
    }

    public override void Dispose()
    {
        Resign();
        readers.Dispose();
        leaders.Dispose();
    }

    internal override void Resign()
    {
        base.Resign();
        ForgetStored();
        missing.Clear();
        connection?.Dispose(); // the lock is the session's
        (connection, leads, askedAt) = (null, false, 0);
    }

    // What a lost connection has done is seen by whoever leads next.
    internal override void Reload() => Resign();

    public override bool Clear()
    {
        Forget();
        if (!leads) return false;
        using var transaction = connection!.BeginTransaction();
        if (Command($"update {schema}.document_progress set position = 0, at = $1 where position = $2", Number(DateTimeOffset.UnixEpoch.UtcTicks), Number(Position)).ExecuteNonQuery() == 0)
        {
            Resign();
            return false;
        }

        Command($"truncate {schema}.document").ExecuteNonQuery();
        transaction.Commit();
        ForgetStored();
        Know(0, DateTimeOffset.UnixEpoch.UtcTicks);
        return true;
    }

    internal override void Write(Action apply)
    {
        for (var pass = 0; leads && pass < PassesMax; pass++)
        {
            isGuessing = true;
            try
            {
                base.Write(apply);
            }
            catch (Exception) when (missing.Count > 0)
            {
                // It was told that there is nothing where there may be something.
            }
            finally
            {
                isGuessing = false;
            }

            if (missing.Count == 0) return;
            Fetch();
        }

        base.Write(apply);
    }

    private protected override bool Store(IReadOnlyList<StoredDocument> documents, long position, long asOfTicks)
    {
        if (!leads) return false;
        var (puts, drops) = (new Columns(documents.Count), new Columns(0));
        var jsons = new List<string>(documents.Count);
        var (owners, sorts) = (new List<string>(documents.Count), new List<long>(documents.Count));
        foreach (var (name, json, owner, sort) in documents)
        {
            if (json is null)
            {
                drops.Add(name);
                continue;
            }

            puts.Add(name);
            owners.Add(owner);
            sorts.Add(sort);
            jsons.Add(json);
        }

        // One statement is one transaction and one way to the server and back.
        var moved = Command(
            $"""
            with moved as (update {schema}.document_progress set position = $1, at = $2 where position = $3 returning 1),
            dropped as (
              delete from {schema}.document d using unnest($4, $5, $6) as n(shop, collection, key)
               where exists (select from moved) and d.shop = n.shop and d.collection = n.collection and d.key = n.key),
            put as (
              insert into {schema}.document (shop, collection, key, owner, sort, json)
              select n.* from unnest($7, $8, $9, $10, $11, $12) as n where exists (select from moved)
              on conflict (shop, collection, key) do update set owner = excluded.owner, sort = excluded.sort, json = excluded.json)
            select count(*) from moved
            """,
            [Number(position), Number(asOfTicks), Number(Position), .. drops.Parameters(), .. puts.Parameters(), Texts(owners), Numbers(sorts), Texts(jsons)]).ExecuteScalar() is 1L;
        if (!moved)
        {
            Resign();
            return false;
        }

        askedAt = Stopwatch.GetTimestamp();
        return true;
    }

    private protected override TDocument? FindStored<TDocument>(DocumentName name)
        where TDocument : class
    {
        if (!leads) return Parse<TDocument>(ReadJson(name));
        missing.Add(name);
        if (isGuessing) return null;
        Fetch();
        return TryKnown<TDocument>(name, out var known) ? known : null;
    }

    private protected override string? ReadJson(DocumentName name) => Read(
        $"select at, (select json from {schema}.document where shop = $1 and collection = $2 and key = $3) from {schema}.document_progress",
        row =>
        {
            row.Read();
            KnowAsOf(row.GetInt64(0));
            return row.IsDBNull(1) ? null : row.GetString(1);
        },
        Text(name.Shop.Value),
        Text(name.Collection),
        Text(name.Key));

    private protected override IReadOnlyList<DocumentRow> ReadRows(ShopId shop, string collection, string owner, long sort, string key, int count, out DateTimeOffset asOf)
    {
        // One statement sees one moment: the rows are exactly those of the time beside them.
        var (rows, at) = Read(
            $"""
            select at, d.* from {schema}.document_progress left join lateral (
              select json, sort, key from {schema}.document
               where shop = $1 and collection = $2 and owner = $3 and (sort, key) < ($4, $5) order by sort desc, key desc limit $6) d on true
             order by d.sort desc, d.key desc
            """,
            row =>
            {
                var (rows, at) = (new List<DocumentRow>(), 0L);
                while (row.Read())
                {
                    at = row.GetInt64(0);
                    if (!row.IsDBNull(1)) rows.Add(new(row.GetString(1), row.GetInt64(2), row.GetString(3)));
                }

                return (rows, at);
            },
            Text(shop.Value),
            Text(collection),
            Text(owner),
            Number(sort),
            Text(key),
            Number(count));
        KnowAsOf(at);
        asOf = new(at, TimeSpan.Zero);
        return rows;
    }

    private protected override long CountRows(ShopId shop, string collection, string owner, long from, long until) => Read(
        $"select count(*) from {schema}.document where shop = $1 and collection = $2 and owner = $3 and sort >= $4 and sort < $5",
        row => row.Read() ? row.GetInt64(0) : 0,
        Text(shop.Value),
        Text(collection),
        Text(owner),
        Number(from),
        Number(until));

    private static NpgsqlParameter Text(string value) => new() { Value = value, NpgsqlDbType = NpgsqlDbType.Text };

    private static NpgsqlParameter Number(long value) => new() { Value = value, NpgsqlDbType = NpgsqlDbType.Bigint };

    private static NpgsqlParameter Texts(List<string> values) => new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    private static NpgsqlParameter Numbers(List<long> values) => new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    private static NpgsqlCommand With(NpgsqlCommand command, ReadOnlySpan<NpgsqlParameter> parameters)
    {
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        return command;
    }

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,62}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex PlainName();

    /// <summary>True if the connection is there and nobody has written in spite of it; else this process has resigned.</summary>
    private bool IsStill()
    {
        var position = Position;
        try
        {
            Look();
            if (Position == position)
            {
                askedAt = Stopwatch.GetTimestamp();
                return true;
            }
        }
        catch (NpgsqlException)
        {
            // Who leads now is found out over another one.
        }

        Resign();
        return false;
    }

    private void Connect()
    {
        if (connection is not null) return;
        connection = leaders.OpenConnection();
        Command(Session).ExecuteNonQuery();
    }

    private NpgsqlCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters) => With(new(sql, connection), parameters);

    private TResult Read<TResult>(string sql, Func<NpgsqlDataReader, TResult> read, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        // Lists must not take the threads with them when the database stands still: what orders and money need goes on without it.
        if (!reading.Wait(0)) throw new DocumentsUnavailable(schema, new NpgsqlException("Too many reads wait for an answer."));
        try
        {
            using var command = With(readers.CreateCommand(sql), parameters);
            using var rows = command.ExecuteReader();
            return read(rows);
        }
        catch (NpgsqlException failure)
        {
            throw new DocumentsUnavailable(schema, failure);
        }
        finally
        {
            reading.Release();
        }
    }

    private bool Look()
    {
        using var command = Command(Progress);
        using var row = command.ExecuteReader();
        return See(row);
    }

    private bool See(NpgsqlDataReader progress)
    {
        progress.Read();
        Know(progress.GetInt64(0), progress.GetInt64(1));
        return true;
    }

    /// <summary>Brings everything that is missing.</summary>
    private void Fetch()
    {
        var names = missing.ToArray();
        var columns = new Columns(names.Length);
        foreach (var name in names) columns.Add(name);
        using var command = Command(
            $"""
            select n.nth, d.json from unnest($1, $2, $3) with ordinality as n(shop, collection, key, nth) left join lateral (
              select json from {schema}.document where shop = n.shop and collection = n.collection and key = n.key limit 1) d on true
            """,
            columns.Parameters());
        using (var row = command.ExecuteReader())
        {
            while (row.Read())
            {
                Learn(names[row.GetInt64(0) - 1], row.IsDBNull(1) ? null : row.GetString(1));
            }
        }

        askedAt = Stopwatch.GetTimestamp();
        missing.Clear();
    }

    private void Prepare()
    {
        // Who may only read can open what is there.
        if (Read("select to_regclass($1) is not null", row => row.Read() && row.GetBoolean(0), Text($"{schema}.document_progress"))) return;

        // Names order by their bytes, as everywhere. An update of a document that stays where it is in lists finds room on its page, and leaves the indexes alone.
        Read(
            $"""
            select pg_advisory_xact_lock(hashtextextended('{schema}', 0));
            create schema if not exists {schema};
            create table if not exists {schema}.document(
              shop text collate "C", collection text collate "C", key text collate "C", owner text collate "C" not null, sort bigint not null, json text not null,
              primary key(shop, collection, key)) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
            create index if not exists document_list on {schema}.document(shop, collection, owner, sort, key);
            create table if not exists {schema}.document_progress(id int primary key check (id = 1), position bigint not null, at bigint not null) with (fillfactor = 10);
            insert into {schema}.document_progress values (1, 0, 0) on conflict do nothing
            """,
            _ => true);
    }

    /// <summary>Names as the columns that a statement takes.</summary>
    private readonly struct Columns(int count)
    {
        private readonly List<string> shops = new(count);
        private readonly List<string> collections = new(count);
        private readonly List<string> keys = new(count);

        public void Add(DocumentName name)
        {
            shops.Add(name.Shop.Value);
            collections.Add(name.Collection);
            keys.Add(name.Key);
        }

        public NpgsqlParameter[] Parameters() => [Texts(shops), Texts(collections), Texts(keys)];
    }
}
