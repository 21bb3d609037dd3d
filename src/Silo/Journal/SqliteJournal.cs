using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using Campaigns.Grains.Kernel;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Campaigns.Silo.Journal;

/// <summary>
/// The journal of one machine: a SQLite file used as a write-ahead log, one row per flush in global order, and one row per grain with its
/// last snapshot. One index-free row per flush is what makes it fast: a row per event with a random-order key costs 5–12 times as much.
/// </summary>
/// <remarks>Appending is done by one thread; reading may be done by any. The file is owned by one process at a time.</remarks>
public sealed class SqliteJournal : IJournal
{
    private const int FormatVersion = 1;

    private readonly string path;
    private readonly bool canAppend;
    private readonly FileStream ownership;
    private readonly SqliteConnection writer;
    private readonly sqlite3_stmt insertFlush;
    private readonly Lock sync = new();
    private readonly Dictionary<GrainId, Head> heads = [];
    private readonly ConcurrentBag<Reader> readers = [];
    private long removedHeads;
    private long tailStart;
    private long lastPosition;
    private bool failed;
    private int closed;

    private SqliteJournal(string path, FileStream ownership, SqliteConnection writer, bool canAppend)
    {
        this.path = path;
        this.canAppend = canAppend;
        this.ownership = ownership;
        this.writer = writer;
        lastPosition = Number(writer, "select coalesce(max(position), 0) from flush");
        tailStart = Number(writer, "select value from meta where name = 'tail-start'");
        raw.sqlite3_prepare_v2(writer.Handle, "insert into flush(position, decisions) values (?1, ?2)", out insertFlush);
        if (canAppend) ReadHeads(); // who only reads has no tail to go on from
    }

    /// <summary>The newest sequence of a grain that is open or has decisions after its snapshot, and where those begin.</summary>
    private struct Head
    {
        public long Sequence;
        public long SnapshotSequence;
        public long FirstPosition;

        // The flush that is being written, and the sequence before it: what a snapshot in the same flush cannot be older than.
        public long Flush;
        public long Before;
    }

    public long LastPosition => Volatile.Read(ref lastPosition);

    public long TailStart => Volatile.Read(ref tailStart);

    /// <summary>Opens or creates <c>journal.db</c> in a folder.</summary>
    /// <exception cref="IOException">another process owns the folder, or it cannot be written</exception>
    public static SqliteJournal Open(string folder) => Open(folder, canAppend: true);

    /// <summary>Opens a journal that is there, to read alone, even if its newest decisions are damaged. Its file is not changed; the folder is owned all the same.</summary>
    /// <exception cref="IOException">another process owns the folder, or it cannot be read</exception>
    public static SqliteJournal OpenToRead(string folder) => Open(folder, canAppend: false);

    public GrainRecord Read(GrainId grain, bool withTail = true)
    {
        while (true)
        {
            var removed = Volatile.Read(ref removedHeads);
            var (sequence, wakeAt, state) = Stored(grain);
            Head head;
            lock (sync)
            {
                if (!heads.TryGetValue(grain, out head))
                {
                    // Another host may have written a snapshot and closed the grain since the row was read: then the row is old.
                    if (removed != removedHeads) continue;
                    if (sequence == 0) return GrainRecord.Empty;
                    if (!canAppend) return new(sequence, state, wakeAt, []);
                    heads[grain] = new() { Sequence = sequence, SnapshotSequence = sequence, FirstPosition = lastPosition + 1 };
                    return new(sequence, state, wakeAt, []);
                }
            }

            if (head.SnapshotSequence > sequence) continue;
            return new(sequence, state, wakeAt, withTail && head.Sequence > sequence ? TailOf(grain, sequence, head.FirstPosition) : []);
        }
    }

    public IReadOnlyCollection<GrainId> Append(IReadOnlyList<Batch> batches)
    {
        if (!canAppend) throw new InvalidOperationException($"'{path}' was opened to read.");
        if (failed) throw new InvalidOperationException($"An earlier write to '{path}' failed. Open it again: only what it holds counts.");
        HashSet<GrainId>? fenced = null;
        lock (sync)
        {
            foreach (var batch in batches)
            {
                foreach (var entry in batch.Entries)
                    if (fenced?.Contains(entry.Grain) != true && !Advance(entry)) (fenced ??= []).Add(entry.Grain);
                foreach (var snapshot in batch.Snapshots)
                    if (fenced?.Contains(snapshot.Grain) != true && IsStale(snapshot)) (fenced ??= []).Add(snapshot.Grain);
            }

            foreach (var grain in fenced ?? []) Retreat(grain);
        }

        try
        {
            Write(batches, fenced);
        }
        catch (Exception failure) when (failure is SqliteException or IOException)
        {
            failed = true;
            throw new JournalFailure($"Writing '{path}' failed: {failure.Message}. Nothing of this write was acknowledged. Free disk space or repair the disk, then start again.", failure);
        }

        return fenced is null ? [] : fenced;
    }

    public IReadOnlyList<Flush> ReadAfter(long position, int bytesMax) => Borrow(r => r.Flushes(position, bytesMax));

    public IReadOnlyList<GrainId> Due(DateTimeOffset after, DateTimeOffset until, int limit) =>
        Borrow(r => r.Due(after.ToUnixTimeMilliseconds(), until.ToUnixTimeMilliseconds(), limit));

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref closed, 1) == 1) return ValueTask.CompletedTask;
        raw.sqlite3_finalize(insertFlush);
        while (readers.TryTake(out var reader)) reader.Dispose();
        writer.Dispose();
        ownership.Dispose();
        return ValueTask.CompletedTask;
    }

    private static SqliteJournal Open(string folder, bool canAppend)
    {
        Directory.CreateDirectory(folder);
        FileStream owner;
        try
        {
            owner = new(Path.Combine(folder, "owner.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException failure)
        {
            throw new IOException($"The data folder '{folder}' is in use by another process. Stop it, or choose another folder with --data.", failure);
        }

        var file = Path.Combine(folder, "journal.db");
        var connection = Connect(file, canAppend);
        try
        {
            connection.Open();
            if (canAppend) Prepare(connection);
            var format = Number(connection, "select value from meta where name = 'format'");
            if (format > FormatVersion) throw new IOException($"'{file}' was written by a newer version (format {format}; this one reads {FormatVersion}). Upgrade the program.");
            return new(file, owner, connection, canAppend);
        }
        catch (Exception failure)
        {
            connection.Dispose();
            owner.Dispose();
            throw failure is SqliteException ? new IOException($"'{file}' cannot be opened: {failure.Message}", failure) : failure;
        }
    }

    private static SqliteConnection Connect(string file, bool canWrite) =>
        new(new SqliteConnectionStringBuilder { DataSource = file, Mode = canWrite ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadOnly, Pooling = false }.ToString());

    private static void Prepare(SqliteConnection connection)
    {
        Execute(connection, "pragma page_size = 8192; pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4096; pragma temp_store = memory");
        Execute(connection, """
            create table if not exists flush(position integer primary key, decisions blob not null);
            create table if not exists grain(id text primary key, sequence integer not null, wake_at integer, state blob) without rowid;
            create index if not exists grain_wake on grain(wake_at) where wake_at is not null;
            create table if not exists meta(name text primary key, value integer not null) without rowid;
            insert or ignore into meta values ('tail-start', 0), ('format', 1);
            """);
    }

    private void ReadHeads()
    {
        for (var position = tailStart; ;)
        {
            var flushes = ReadAfter(position, 1 << 24);
            if (flushes.Count == 0) return;
            foreach (var flush in flushes)
            {
                var reader = new DecisionReader(flush.Decisions.Span);
                while (reader.Next())
                {
                    ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(heads, reader.Grain, out var known);
                    if (!known) head = new() { SnapshotSequence = -1, FirstPosition = flush.Position };
                    head.Sequence = reader.LastSequence;
                }

                position = flush.Position;
            }
        }
    }

    private bool Advance(in Batch.Entry entry)
    {
        ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(heads, entry.Grain, out var known);
        if (!known)
        {
            // A grain's first facts, or a host that kept an activation over a close: what is stored decides.
            head.Sequence = head.SnapshotSequence = Stored(entry.Grain).Sequence;
        }

        if (entry.FirstSequence != head.Sequence + 1) return false;
        if (head.Sequence == head.SnapshotSequence) head.FirstPosition = lastPosition + 1;
        if (head.Flush <= lastPosition) (head.Flush, head.Before) = (lastPosition + 1, head.Sequence);
        head.Sequence += entry.Events;
        return true;
    }

    // A snapshot that lacks what others have made durable, or holds what never became durable, would rewrite history.
    private bool IsStale(in Snapshot snapshot)
    {
        if (!heads.TryGetValue(snapshot.Grain, out var head)) return snapshot.Sequence != Stored(snapshot.Grain).Sequence;
        return snapshot.Sequence > head.Sequence || snapshot.Sequence < (head.Flush > lastPosition ? head.Before : head.Sequence);
    }

    // A grain is fenced as a whole, so what Advance let pass before the stale decision is taken back: what is on the disk decides.
    private void Retreat(GrainId grain)
    {
        if (!heads.TryGetValue(grain, out var head)) return;
        head.Sequence = head.SnapshotSequence = Stored(grain).Sequence;
        foreach (var decision in TailOf(grain, head.Sequence, head.FirstPosition))
        {
            var reader = new DecisionReader(decision.Span);
            reader.Next();
            head.Sequence = reader.LastSequence;
        }

        if (head.Sequence > head.SnapshotSequence) heads[grain] = head;
        else Forget(grain);
    }

    private void Forget(GrainId grain)
    {
        heads.Remove(grain);
        removedHeads++;
    }

    // A connection to read with. They are shared: one for each thread that ever read would never end in a process with a thread pool.
    private TResult Borrow<TResult>(Func<Reader, TResult> read)
    {
        var reader = readers.TryTake(out var idle) ? idle : new(path, canAppend);
        var result = read(reader);
        readers.Add(reader);
        return result;
    }

    private (long Sequence, DateTimeOffset? WakeAt, ReadOnlyMemory<byte>? State) Stored(GrainId grain) => Borrow(r => r.Grain(grain));

    private void Write(IReadOnlyList<Batch> batches, HashSet<GrainId>? fenced)
    {
        using var transaction = writer.BeginTransaction();
        var first = lastPosition + 1;
        var position = lastPosition;
        var tail = long.MaxValue;
        foreach (var batch in batches)
        {
            tail = Math.Min(tail, batch.TailStart);
            if (batch.Entries.Count > 0)
            {
                var decisions = fenced is null ? batch.Decisions.Written : Without(fenced, batch);
                if (decisions.Length > 0) InsertFlush(++position, decisions.Span);
            }

            foreach (var snapshot in batch.Snapshots)
                if (fenced?.Contains(snapshot.Grain) != true) SaveSnapshot(snapshot, transaction);
        }

        if (tail > tailStart && tail != long.MaxValue) SetTailStart(tail, transaction);
        transaction.Commit();

        Volatile.Write(ref lastPosition, position);
        if (tail > tailStart && tail != long.MaxValue) Volatile.Write(ref tailStart, tail);
        lock (sync)
        {
            foreach (var batch in batches)
            {
                foreach (var snapshot in batch.Snapshots)
                {
                    if (fenced?.Contains(snapshot.Grain) == true) continue;
                    ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(heads, snapshot.Grain, out var known);
                    if (!known) head.Sequence = snapshot.Sequence;
                    head.SnapshotSequence = snapshot.Sequence;
                    head.FirstPosition = first; // facts decided after the snapshot may be in the same flush
                }

                foreach (var grain in batch.Closed)
                    if (heads.TryGetValue(grain, out var head) && head.Sequence == head.SnapshotSequence) Forget(grain);
            }
        }
    }

    private void InsertFlush(long position, ReadOnlySpan<byte> decisions)
    {
        // Bound straight from the lane's buffer: the managed parameter API would copy each flush into a fresh array on the large object heap.
        raw.sqlite3_reset(insertFlush);
        raw.sqlite3_bind_int64(insertFlush, 1, position);
        raw.sqlite3_bind_blob(insertFlush, 2, decisions);
        var result = raw.sqlite3_step(insertFlush);
        raw.sqlite3_reset(insertFlush);
        if (result != raw.SQLITE_DONE) throw new SqliteException(raw.sqlite3_errmsg(writer.Handle).utf8_to_string(), result);
    }

    private SqliteCommand? saveSnapshot;

    private void SaveSnapshot(in Snapshot snapshot, SqliteTransaction transaction)
    {
        saveSnapshot ??= Prepare("insert into grain(id, sequence, wake_at, state) values ($id, $sequence, $wake, $state) on conflict(id) do update set sequence = $sequence, wake_at = $wake, state = $state", "$id", "$sequence", "$wake", "$state");
        saveSnapshot.Transaction = transaction;
        saveSnapshot.Parameters[0].Value = snapshot.Grain.ToString();
        saveSnapshot.Parameters[1].Value = snapshot.Sequence;
        saveSnapshot.Parameters[2].Value = snapshot.WakeAt is { } wake ? Milliseconds(wake) : DBNull.Value;
        saveSnapshot.Parameters[3].Value = (object?)snapshot.State ?? DBNull.Value;
        saveSnapshot.ExecuteNonQuery();
    }

    private void SetTailStart(long position, SqliteTransaction transaction)
    {
        using var command = writer.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "update meta set value = $value where name = 'tail-start'";
        command.Parameters.AddWithValue("$value", position);
        command.ExecuteNonQuery();
    }

    private SqliteCommand Prepare(string sql, params string[] parameters)
    {
        var command = writer.CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private List<ReadOnlyMemory<byte>> TailOf(GrainId grain, long after, long fromPosition)
    {
        var tail = new List<ReadOnlyMemory<byte>>();
        for (var position = fromPosition - 1; ;)
        {
            var flushes = ReadAfter(position, 1 << 22);
            if (flushes.Count == 0) return tail;
            foreach (var flush in flushes)
            {
                var reader = new DecisionReader(flush.Decisions.Span);
                while (reader.Next())
                    if (reader.LastSequence > after && reader.Grain == grain) tail.Add(reader.Encoded.ToArray());
                position = flush.Position;
            }
        }
    }

    private static ReadOnlyMemory<byte> Without(HashSet<GrainId> fenced, Batch batch)
    {
        var kept = new List<byte>();
        foreach (var entry in batch.Entries)
            if (!fenced.Contains(entry.Grain)) kept.AddRange(batch.Decisions.Written.Span.Slice(entry.Offset, entry.Length));
        return kept.ToArray();
    }

    // Rounded up: woken a little too early, a grain would find nothing to do.
    private static long Milliseconds(DateTimeOffset time) => time.AddTicks(TimeSpan.TicksPerMillisecond - 1).ToUnixTimeMilliseconds();

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>One thread's reading connection. In WAL mode it sees everything committed before its query and blocks nobody.</summary>
    private sealed class Reader : IDisposable
    {
        private readonly SqliteConnection connection;
        private readonly SqliteCommand grain;
        private readonly SqliteCommand flushes;
        private readonly SqliteCommand due;

        public Reader(string path, bool canWrite)
        {
            connection = Connect(path, canWrite);
            connection.Open();
            Execute(connection, "pragma query_only = on");
            grain = Command("select sequence, wake_at, state from grain where id = $id", "$id");
            flushes = Command("select position, decisions from flush where position > $after order by position", "$after");
            due = Command("select id from grain where wake_at > $after and wake_at <= $until order by wake_at limit $limit", "$after", "$until", "$limit");
        }

        public (long Sequence, DateTimeOffset? WakeAt, ReadOnlyMemory<byte>? State) Grain(GrainId id)
        {
            grain.Parameters[0].Value = id.ToString();
            using var row = grain.ExecuteReader();
            if (!row.Read()) return default;

            // Said explicitly: a bare null would become an empty memory by way of a null array.
            ReadOnlyMemory<byte>? state = row.IsDBNull(2) ? default(ReadOnlyMemory<byte>?) : (byte[])row[2];
            return (row.GetInt64(0), row.IsDBNull(1) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1)), state);
        }

        public List<Flush> Flushes(long after, int bytesMax)
        {
            var found = new List<Flush>();
            flushes.Parameters[0].Value = after;
            using var row = flushes.ExecuteReader();
            for (var bytes = 0; bytes < bytesMax && row.Read();)
            {
                var decisions = (byte[])row[1];
                found.Add(new(row.GetInt64(0), decisions));
                bytes += decisions.Length;
            }

            return found;
        }

        public List<GrainId> Due(long after, long until, int limit)
        {
            var found = new List<GrainId>();
            due.Parameters[0].Value = after;
            due.Parameters[1].Value = until;
            due.Parameters[2].Value = limit;
            using var row = due.ExecuteReader();
            while (row.Read())
            {
                var parts = row.GetString(0).Split('/');
                found.Add(new(parts[0], new(parts[1]), Guid.ParseExact(parts[2], "N")));
            }

            return found;
        }

        public void Dispose() => connection.Dispose();

        private SqliteCommand Command(string sql, params string[] parameters)
        {
            var command = connection.CreateCommand();
            command.CommandText = sql;
            foreach (var name in parameters) command.Parameters.Add(new(name, null));
            return command;
        }
    }
}
