using Npgsql;

namespace Campaigns.Silo.Journal;

/// <summary>The tables and functions of <see cref="PostgresJournal"/>, made by the program itself when it first opens a database.</summary>
internal static class PostgresSchema
{
    /// <summary>What the functions raise when a silo's row is not as its owner left it: fenced, gone, or with another number of flushes.</summary>
    public const string SiloRefused = "CA001";

    /// <summary>What the functions raise when a grain's row shows that somebody else has written on.</summary>
    public const string GrainRefused = "CA002";

    /// <summary>The most flushes that get their position in one transaction.</summary>
    public const int OrderedTogether = 10_000;

    private const int FormatVersion = 1;

    // Of the functions, which neighbouring releases share: whoever finds older ones replaces them, so what they take and mean must stay.
    private const int FunctionsVersion = 2;
    private const int OldestServer = 14;

    // A flush is one row, as its silo handed it over; "decision" is the index of its parts by grain, and by its primary key the fence.
    // Slices of "decisions" are read without reading the whole, because it is stored outside the row and not compressed.
    private const string Tables = """
        create table meta(name text primary key, value bigint not null);
        create table silo(
            id uuid primary key, name text not null, flushes bigint not null default 0, fenced boolean not null default false,
            started_at timestamptz not null default now(), seen_at timestamptz not null default now()) with (fillfactor = 50);
        create table flush(
            silo uuid not null, number bigint not null, xid xid8 not null default pg_current_xact_id(), position bigint,
            at timestamptz not null default now(), decisions bytea not null, checksum bigint not null, primary key (silo, number));
        alter table flush alter column decisions set storage external;
        create unique index flush_position on flush(position) where position is not null;
        create index flush_unordered on flush(xid, silo, number) where position is null;
        create table decision(
            grain uuid not null, first_sequence bigint not null, events int not null, silo uuid not null, number bigint not null,
            start int not null, length int not null, primary key (grain, first_sequence));
        create table grain(
            key uuid primary key, id text not null, sequence bigint not null, wake_at bigint, owner uuid, state bytea, checksum bigint) with (fillfactor = 80);
        create index grain_wake on grain(wake_at) where wake_at is not null;
        create index grain_owner on grain(owner) where owner is not null;
        insert into meta values ('format', 1);
        """;

    // The newest sequence that is durable, snapshot or not.
    private const string Newest = """
        create or replace function newest(of_grain uuid) returns bigint language sql stable as $$
            select greatest(
                coalesce((select sequence from grain where key = of_grain), 0),
                coalesce((select first_sequence + events - 1 from decision where grain = of_grain order by first_sequence desc limit 1), 0))
        $$
        """;

    // One flush in one call, which is one transaction. The order of the steps matters: the silo's row is locked first, so whoever wants to
    // know what became of this call has only to wait for that row; and the snapshots are compared with the decisions of others, so before
    // those of this call are there. Rows are locked in the order of their keys (whoever calls has sorted the decisions), so that two silos do not wait for each other.
    private const string Append = """
        create or replace function append(
            me uuid, nth bigint, bytes bytea, crc bigint,
            grains uuid[], firsts bigint[], counts int[], starts int[], lengths int[],
            marked uuid[], marked_ids text[], marked_after bigint[],
            stored uuid[], stored_ids text[], stored_sequences bigint[], stored_wakes bigint[], stored_states bytea[], stored_crcs bigint[],
            closed uuid[], lost uuid[]) returns void language plpgsql as $$
        declare
            touched bigint;
        begin
            update silo set flushes = nth, seen_at = clock_timestamp() where id = me and flushes = nth - 1 and not fenced;
            if not found then raise 'The silo is fenced.' using errcode = 'CA001'; end if;

            if cardinality(lost) > 0 then
                update grain set owner = null, wake_at = 0 where owner = me and key = any(lost);
            end if;

            if cardinality(marked) > 0 then
                insert into grain as g (key, id, sequence, owner)
                    select m.key, m.id, m.after, me from unnest(marked, marked_ids, marked_after) as m(key, id, after) order by m.key
                    on conflict (key) do update set owner = me where g.sequence <= excluded.sequence;
                get diagnostics touched = row_count;
                if touched < cardinality(marked) then raise 'A grain was written on.' using errcode = 'CA002'; end if;
            end if;

            if cardinality(stored) > 0 then
                insert into grain as g (key, id, sequence, wake_at, owner, state, checksum)
                    select s.key, s.id, s.sequence, s.wake_at, me, s.state, s.crc
                    from unnest(stored, stored_ids, stored_sequences, stored_wakes, stored_states, stored_crcs) as s(key, id, sequence, wake_at, state, crc) order by s.key
                    on conflict (key) do update set sequence = excluded.sequence, wake_at = excluded.wake_at, owner = me, state = excluded.state, checksum = excluded.checksum
                    where g.sequence <= excluded.sequence
                        and (g.owner = me or not exists (select from decision d where d.grain = g.key and d.first_sequence > excluded.sequence));
                get diagnostics touched = row_count;
                if touched < cardinality(stored) then raise 'A grain was written on.' using errcode = 'CA002'; end if;
            end if;

            if length(bytes) > 0 then
                insert into flush(silo, number, decisions, checksum) values (me, nth, bytes, crc);
                insert into decision(grain, first_sequence, events, silo, number, start, length)
                    select unnest(grains), unnest(firsts), unnest(counts), me, nth, unnest(starts), unnest(lengths); -- side by side; "from unnest(…)" would store each list once more
            end if;

            if cardinality(closed) > 0 then
                update grain set owner = null, wake_at = case when newest(key) > sequence then 0 else wake_at end where owner = me and key = any(closed);
            end if;
        end $$
        """;

    private const string FindStale = """
        create or replace function find_stale(me uuid, grains uuid[], firsts bigint[], stored uuid[], stored_sequences bigint[]) returns setof uuid language sql stable as $$
            select e.grain from unnest(grains, firsts) as e(grain, first_sequence)
                where exists (select from decision d where d.grain = e.grain and d.first_sequence >= e.first_sequence)
                    or exists (select from grain g where g.key = e.grain and g.sequence >= e.first_sequence)
            union
            select s.grain from unnest(stored, stored_sequences) as s(grain, sequence) join grain g on g.key = s.grain
                where g.sequence > s.sequence
                    or (g.owner is distinct from me and exists (select from decision d where d.grain = s.grain and d.first_sequence > s.sequence))
        $$
        """;

    // A transaction that is older than all that still run has ended, so no flush can appear before it any more: those get their positions, in
    // the order in which their transactions began to write. What was decided because of another flush began after that one was durable.
    // So a long transaction that has written, whosever on this server, makes the order wait; one that only reads does not. A number that this
    // server has not given yet comes with a dump from another one: that transaction has ended, too.
    private static readonly string Order = $"""
        create or replace function put_in_order(out last bigint, out waits boolean) language plpgsql as $$
        begin
            if exists (select from flush where position is null) then
                perform pg_advisory_xact_lock(hashtextextended(current_schema() || '/order', 0));
                update flush f set position = o.position
                    from (select silo, number, row_number() over (order by xid, silo, number) + (select coalesce(max(position), 0) from flush) as position
                        from flush where position is null and (xid < pg_snapshot_xmin(pg_current_snapshot()) or xid >= pg_snapshot_xmax(pg_current_snapshot()))
                        order by xid, silo, number limit {OrderedTogether}) o
                    where f.silo = o.silo and f.number = o.number;
            end if;
            select coalesce(max(position), 0), exists (select from flush where position is null) into last, waits from flush;
        end $$
        """;

    // Who looks for due grains takes them for ten seconds: if he does not get to wake one, it is found again. The grains that a fenced silo
    // had open are due at once, because nobody knows what it left undone.
    private const string Claim = """
        create or replace function claim_due(after bigint, until bigint, most int) returns table(id text, due_at bigint) language sql as $$
            with ripe as (
                select key, wake_at from grain where owner is null and wake_at > after and wake_at <= until order by wake_at limit most for update skip locked),
            orphan as (
                select g.key, 0::bigint as wake_at from silo s join grain g on g.owner = s.id
                where s.fenced and after < 0 and until >= 0 limit greatest(most / 2, most - (select count(*) from ripe)) for update of g skip locked),
            claimed as (
                select key, wake_at from ripe union all select key, wake_at from orphan order by wake_at limit most)
            update grain g set owner = null, wake_at = until + 10000 from claimed c where g.key = c.key returning g.id, c.wake_at
        $$
        """;

    // A silo that ends lets go of what it had open, some at a time; of what no snapshot contains yet, the next one is told at once.
    private const string Release = """
        create or replace function release(me uuid, most int) returns int language plpgsql as $$
        declare
            touched int;
        begin
            update grain set owner = null, wake_at = case when newest(key) > sequence then 0 else wake_at end
                where key in (select key from grain where owner = me limit most);
            get diagnostics touched = row_count;
            return touched;
        end $$
        """;

    private static readonly string Functions = string.Join(";\n", Newest, Append, FindStale, Order, Claim, Release, $"insert into meta values ('functions', {FunctionsVersion}) on conflict (name) do update set value = excluded.value");

    /// <summary>Makes what is missing.</summary>
    /// <exception cref="IOException">this server or this format is not supported, or the server may lose what it has confirmed</exception>
    public static void Prepare(NpgsqlConnection connection, string schema, string where)
    {
        ThrowIfUnfit(connection, where);
        if (FormatOf(connection, schema) is { } there)
        {
            ThrowIfNewer(there, where);
            if (HasFunctions(connection)) return;
        }

        // Several silos may start at the same time on an empty database: the first one makes the tables, the others wait and find them.
        using var transaction = connection.BeginTransaction();
        Execute(connection, $"select pg_advisory_xact_lock(hashtextextended('{schema}/schema', 0))");
        if (FormatOf(connection, schema) is { } made)
        {
            ThrowIfNewer(made, where);
        }
        else
        {
            // Asked first: without the right to create schemas, one that is there must do.
            if (!Exists(connection, $"select exists (select from pg_namespace where nspname = '{schema}')")) Execute(connection, $"create schema \"{schema}\"");
            Execute(connection, Tables);
        }

        if (!HasFunctions(connection)) Execute(connection, Functions);

        transaction.Commit();
    }

    /// <summary>Compares the format alone; makes nothing.</summary>
    /// <exception cref="IOException">there is no journal, or none that this version reads</exception>
    public static void ThrowIfUnreadable(NpgsqlConnection connection, string schema, string where)
    {
        ThrowIfUnfit(connection, where);
        ThrowIfNewer(FormatOf(connection, schema) ?? throw new IOException($"{where} holds no journal. Check the connection string and the schema; the server makes the journal when it first starts."), where);
    }

    private static bool HasFunctions(NpgsqlConnection connection) => Exists(connection, $"select exists (select from meta where name = 'functions' and value >= {FunctionsVersion})");

    private static void ThrowIfUnfit(NpgsqlConnection connection, string where)
    {
        if (connection.PostgreSqlVersion.Major < OldestServer)
            throw new IOException($"{where} is PostgreSQL {connection.PostgreSqlVersion}, which is not supported. Upgrade it to {OldestServer} or newer.");
        foreach (var setting in (string[])["fsync", "synchronous_commit"])
        {
            if (Show(connection, setting) == "off")
                throw new IOException($"{where} has {setting} = off, so a crash of the server would lose orders that were acknowledged. Set {setting} = on, then start again.");
        }

        if (Show(connection, "transaction_isolation") is not "read committed" and var isolation)
            throw new IOException($"{where} has default_transaction_isolation = {isolation}; the journal needs read committed. Set it for this user: alter role … set default_transaction_isolation = 'read committed'.");
    }

    private static string Show(NpgsqlConnection connection, string setting)
    {
        using var command = new NpgsqlCommand($"show {setting}", connection);
        return (string)command.ExecuteScalar()!;
    }

    private static void ThrowIfNewer(long format, string where)
    {
        if (format > FormatVersion) throw new IOException($"{where} was written by a newer version (format {format}; this one reads {FormatVersion}). Upgrade the program.");
    }

    private static long? FormatOf(NpgsqlConnection connection, string schema)
    {
        // Looked up in the catalogue, not by name: a name that was not there a moment ago stays unknown to the session for the rest of its transaction.
        if (!Exists(connection, $"select exists (select from pg_tables where schemaname = '{schema}' and tablename = 'meta')")) return null;
        using var command = new NpgsqlCommand("select value from meta where name = 'format'", connection);
        return command.ExecuteScalar() as long?;
    }

    private static bool Exists(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar() is true;
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
