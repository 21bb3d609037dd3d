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
/// <remarks>
/// Appending is done by one thread; reading may be done by any. The file is owned by one process at a time. Each row carries a checksum that
/// is compared when the row is read; rows written in format 1 (release 0.1) have none.
/// </remarks>
public sealed class SqliteJournal : IJournal
{
    /// <summary>How long a statement waits for another process that looks into the file.</summary>
    internal const int BusyTimeoutMs = 30_000;

    private const int FormatVersion = 2;
    private const long NotWritten = -1;
    private const string NewestFlush = "select coalesce(max(position), 0) from flush";
    private const int DiskFull = 28;
    private const int DiskFullOnWindows = unchecked((int)0x80070070);

    private readonly string path;
    private readonly FileStream? ownership;
    private readonly HighWater? highWater;
    private readonly SqliteConnection writer;
    private readonly Appending? appending;
    private readonly Lock sync = new();
    private readonly Dictionary<GrainId, Head> heads = [];
    private readonly Strangers strangers = new();

    // Of grains with a snapshot in the flush that is being written: their sequence before it, which that snapshot cannot be older than.
    private readonly Dictionary<GrainId, long> before = [];
    private readonly ConcurrentBag<SqliteReader> readers = [];
    private long removedHeads;
    private long tailStart;
    private long lastPosition;
    private Exception? failed;
    private int closed;

    private SqliteJournal(string path, FileStream? ownership, HighWater? highWater, SqliteConnection writer)
    {
        (this.path, this.ownership, this.highWater, this.writer) = (path, ownership, highWater, writer);
        lastPosition = Number(writer, NewestFlush);
        tailStart = Number(writer, "select value from meta where name = 'tail-start'");
        if (highWater is null) return; // who only reads has no tail to go on from
        if (tailStart > lastPosition || Number(writer, "select value from meta where name = 'tail-start-complement'") != ~tailStart)
            throw new JournalDamaged(path, $"its tail starts at flush {tailStart}, which cannot be");
        appending = new(writer, new(writer, () => Connect(path, SqliteOpenMode.ReadWrite)));
        ReadHeads();
        highWater.Rise(lastPosition);
    }

    /// <summary>The newest sequence of a grain that is open or has decisions after its snapshot, and where those begin.</summary>
    private struct Head
    {
        public long Sequence;
        public long SnapshotSequence;
        public long FirstPosition;
    }

    private bool CanAppend => highWater is not null;

    /// <summary>The file, for messages about it.</summary>
    public string FileName => path;

    /// <summary>The size of the log beside the file. What it holds is moved into the file every 8 MB, and the log begins again; it grows while somebody reads for long, such as a backup, and keeps its largest size until it is closed.</summary>
    public long LogBytes => new FileInfo(path + "-wal") is { Exists: true, Length: var length } ? length : 0;

    public long LastPosition => Volatile.Read(ref lastPosition);

    public long TailStart => Volatile.Read(ref tailStart);

    /// <summary>Opens or creates <c>journal.db</c> in a folder.</summary>
    /// <exception cref="JournalDamaged">what was acknowledged is not all there, or not as it was written</exception>
    /// <exception cref="IOException">another process owns the folder, or it cannot be written</exception>
    public static SqliteJournal Open(string folder)
    {
        Directory.CreateDirectory(folder);
        return Open(folder, canAppend: true);
    }

    /// <summary>Opens a journal that is there, to read alone. Its file is not changed; the folder is owned all the same.</summary>
    /// <exception cref="IOException">another process owns the folder, or it cannot be read</exception>
    public static SqliteJournal OpenToRead(string folder) => Open(folder, canAppend: false);

    /// <summary>Opens a journal that another process may be writing, to read alone; the folder is not owned. What is written later is read too.</summary>
    /// <exception cref="IOException">it cannot be read</exception>
    public static SqliteJournal OpenBeside(string folder) => Open(folder, canAppend: false, owns: false);

    public GrainRecord Read(GrainId grain, bool withTail = true)
    {
        while (true)
        {
            var removed = Volatile.Read(ref removedHeads);
            lock (sync)
                if (strangers.Contains(grain)) return GrainRecord.Empty;

            var (sequence, wakeAt, state) = Stored(grain);
            Head head;
            lock (sync)
            {
                if (!heads.TryGetValue(grain, out head))
                {
                    // Another host may have written a snapshot and closed the grain since the row was read: then the row is old.
                    if (removed != removedHeads) continue;
                    if (sequence == 0 && CanAppend) strangers.Add(grain);
                    if (sequence == 0) return GrainRecord.Empty;
                    if (!CanAppend) return new(sequence, state, wakeAt, []);
                    heads[grain] = new() { Sequence = sequence, SnapshotSequence = sequence, FirstPosition = lastPosition + 1 };
                    return new(sequence, state, wakeAt, []);
                }
            }

            if (head.SnapshotSequence > sequence) continue;
            return new(sequence, state, wakeAt, withTail && head.Sequence > sequence ? TailOf(grain, sequence, head.FirstPosition) : []);
        }
    }

    public IReadOnlyCollection<GrainId> Append(IReadOnlyList<Batch> batches, int line = 0)
    {
        if (!CanAppend) throw new InvalidOperationException($"'{path}' was opened to read.");
        if (failed is { } first) throw new JournalFailure($"An earlier write to '{path}' failed ({first.Message.TrimEnd('.')}). Open it again: only what it holds counts.", first);
        HashSet<GrainId>? fenced = null;
        lock (sync)
        {
            before.Clear();
            foreach (var batch in batches)
                foreach (var snapshot in batch.Snapshots) before[snapshot.Grain] = NotWritten;

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

            // Before anybody is answered: what a later start finds missing was acknowledged.
            highWater!.Rise(lastPosition);
        }
        catch (Exception failure) when (failure is SqliteException or IOException)
        {
            failed = failure;
            appending!.RollBack();
            throw new JournalFailure($"Writing '{path}' failed: {failure.Message.TrimEnd('.')}. Nothing of this write was acknowledged. Free disk space or repair the disk, then start again.", failure);
        }

        return fenced is null ? [] : fenced;
    }

    public IReadOnlyList<Flush> ReadAfter(long position, int bytesMax) => Borrow(r => r.Flushes(position, bytesMax));

    public IReadOnlyList<GrainId> Due(DateTimeOffset after, DateTimeOffset until, int limit) =>
        Borrow(r => r.Due(after.ToUnixTimeMilliseconds(), until.ToUnixTimeMilliseconds(), limit));

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref closed, 1) == 1) return;
        if (appending is not null) await appending.DisposeAsync();
        while (readers.TryTake(out var reader)) reader.Dispose();
        writer.Dispose();
        highWater?.Dispose();
        ownership?.Dispose();
    }

    private static SqliteJournal Open(string folder, bool canAppend, bool owns = true)
    {
        var owner = owns ? Own(folder) : null;
        var file = Path.Combine(folder, "journal.db");
        var connection = Connect(file, canAppend ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadOnly);
        HighWater? highWater = null;
        try
        {
            ThrowIfEmptied(file);
            if (canAppend) highWater = HighWater.Open(folder);
            connection.Open();
            if (Number(connection, "select exists(select * from sqlite_master where name = 'meta')") == 1 && Number(connection, "select value from meta where name = 'format'") is > FormatVersion and var format)
                throw new IOException($"'{file}' was written by a newer version (format {format}; this one reads {FormatVersion}). Upgrade the program.");
            if (highWater is not null)
            {
                Prepare(connection, highWater, file);
                return new(file, owner, highWater, connection);
            }

            // Read before the newest flush is: while somebody writes on, there can only be more.
            using var acknowledged = HighWater.OpenToRead(folder);
            acknowledged?.ThrowIfAbove(Number(connection, NewestFlush), file);
            return new(file, owner, null, connection);
        }
        catch (Exception failure)
        {
            // The last one to leave would move the log into the file and delete it: what is damaged is left as it was found.
            if (connection.Handle is { } handle) raw.sqlite3_db_config(handle, raw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out _);
            connection.Dispose();
            highWater?.Dispose();
            owner?.Dispose();
            throw failure switch
            {
                IOException or UnauthorizedAccessException => failure,
                SqliteException sqlite => Unreadable(file, sqlite),
                _ => new JournalDamaged(file, failure.Message),
            };
        }
    }

    private static FileStream Own(string folder)
    {
        try
        {
            return new(Path.Combine(folder, "owner.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException failure) when (failure is not DirectoryNotFoundException && failure.HResult is not (DiskFull or DiskFullOnWindows))
        {
            throw new IOException($"The data folder '{folder}' is in use by another process. Stop it, or choose another folder with --data.", failure);
        }
    }

    private static SqliteConnection Connect(string file, SqliteOpenMode mode) => new(new SqliteConnectionStringBuilder { DataSource = file, Mode = mode, Pooling = false }.ToString());

    private SqliteConnection ConnectToRead()
    {
        var connection = Connect(path, CanAppend ? SqliteOpenMode.ReadWrite : SqliteOpenMode.ReadOnly);
        connection.Open();
        Execute(connection, $"pragma query_only = on; pragma busy_timeout = {BusyTimeoutMs}");
        return connection;
    }

    private static void Prepare(SqliteConnection connection, HighWater highWater, string file)
    {
        Execute(connection, "pragma page_size = 8192; pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0; pragma temp_store = memory");
        raw.sqlite3_busy_timeout(connection.Handle, BusyTimeoutMs);
        highWater.ThrowIfAbove(Number(connection, "select exists(select * from sqlite_master where name = 'flush')") == 0 ? 0 : Number(connection, NewestFlush), file);
        Execute(connection, """
            create table if not exists flush(position integer primary key, decisions blob not null, checksum integer);
            create table if not exists grain(id text primary key, sequence integer not null, wake_at integer, state blob, checksum integer) without rowid;
            create index if not exists grain_wake on grain(wake_at) where wake_at is not null;
            create table if not exists meta(name text primary key, value integer not null) without rowid;
            insert or ignore into meta values ('tail-start', 0), ('format', 2);
            """);
        if (Number(connection, "select value from meta where name = 'format'") < 2)
            Execute(connection, "begin; alter table flush add column checksum integer; alter table grain add column checksum integer; update meta set value = 2 where name = 'format'; commit");
        Execute(connection, "insert or ignore into meta select 'tail-start-complement', ~value from meta where name = 'tail-start'");
    }

    private void ReadHeads()
    {
        for (var position = tailStart; ;)
        {
            var flushes = ReadAfter(position, 1 << 24);
            if (flushes.Count == 0 && position < lastPosition) throw new JournalDamaged(path, $"flush {position + 1} is missing");
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
            head.Sequence = head.SnapshotSequence = strangers.Remove(entry.Grain) ? 0 : Stored(entry.Grain).Sequence;
        }

        if (entry.FirstSequence != head.Sequence + 1) return false;
        if (head.Sequence == head.SnapshotSequence) head.FirstPosition = lastPosition + 1;
        if (before.Count > 0 && before.TryGetValue(entry.Grain, out var first) && first == NotWritten) before[entry.Grain] = head.Sequence;
        head.Sequence += entry.Events;
        return true;
    }

    // A snapshot that lacks what others have made durable, or holds what never became durable, would rewrite history.
    private bool IsStale(in Snapshot snapshot)
    {
        if (!heads.TryGetValue(snapshot.Grain, out var head)) return snapshot.Sequence != Stored(snapshot.Grain).Sequence;
        return snapshot.Sequence > head.Sequence || snapshot.Sequence < (before[snapshot.Grain] is not NotWritten and var first ? first : head.Sequence);
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
    private TResult Borrow<TResult>(Func<SqliteReader, TResult> read)
    {
        SqliteReader? reader = null;
        try
        {
            reader = readers.TryTake(out var idle) ? idle : new(path, ConnectToRead());
            var result = read(reader);
            readers.Add(reader);
            return result;
        }
        catch (Exception failure)
        {
            reader?.Dispose();
            if (failure is SqliteException sqlite) throw Unreadable(path, sqlite);
            throw;
        }
    }

    private static IOException Unreadable(string file, SqliteException failure) =>
        failure.SqliteErrorCode is raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_CANTOPEN or raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_BUSY or raw.SQLITE_NOMEM
            ? new IOException($"'{file}' cannot be used: {failure.Message.TrimEnd('.')}. Free disk space or repair the disk, then start again; nothing acknowledged is lost.", failure)
            : new JournalDamaged(file, failure.Message.TrimEnd('.'));

    /// <summary>SQLite takes an empty file for a new database and throws the log beside it away, even if it only reads: that log may hold acknowledged facts.</summary>
    internal static void ThrowIfEmptied(string file)
    {
        if (File.Exists(file) && new FileInfo(file).Length > 0) return;
        using var highWater = HighWater.OpenToRead(Path.GetDirectoryName(file)!);
        var log = new FileInfo(file + "-wal");
        if (highWater?.Position > 0 || (log.Exists && log.Length > 0))
            throw new JournalDamaged(file, $"it is {(File.Exists(file) ? "empty" : "gone")}, and {(highWater?.Position > 0 ? $"flush {highWater.Position} was acknowledged" : "its write-ahead log is not")}");
    }

    private (long Sequence, DateTimeOffset? WakeAt, ReadOnlyMemory<byte>? State) Stored(GrainId grain) => Borrow(r => r.Grain(grain));

    private void Write(IReadOnlyList<Batch> batches, HashSet<GrainId>? fenced)
    {
        var first = lastPosition + 1;
        var position = lastPosition;
        var tail = long.MaxValue;
        appending!.Begin();
        foreach (var batch in batches)
        {
            tail = Math.Min(tail, batch.TailStart);
            if (batch.Entries.Count > 0)
            {
                var decisions = fenced is null ? batch.Decisions.Written : Without(fenced, batch);
                if (decisions.Length > 0) appending.Add(++position, decisions.Span);
            }

            foreach (var snapshot in batch.Snapshots)
                if (fenced?.Contains(snapshot.Grain) != true) appending.Save(snapshot);
        }

        if (tail > tailStart && tail != long.MaxValue) appending.SetTailStart(tail);
        appending.Commit();

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
                    if (!known)
                    {
                        strangers.Remove(snapshot.Grain);
                        head.Sequence = snapshot.Sequence;
                    }

                    head.SnapshotSequence = snapshot.Sequence;
                    head.FirstPosition = first; // facts decided after the snapshot may be in the same flush
                }

                foreach (var grain in batch.Closed)
                    if (heads.TryGetValue(grain, out var head) && head.Sequence == head.SnapshotSequence) Forget(grain);
            }
        }
    }

    private List<ReadOnlyMemory<byte>> TailOf(GrainId grain, long after, long fromPosition)
    {
        var tail = new List<ReadOnlyMemory<byte>>();
        for (var position = Math.Max(0, fromPosition - 1); ;)
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

    /// <summary>Grains that are known not to be stored, the newest thousands: most new requests and shoppers are asked for twice before their first fact.</summary>
    private sealed class Strangers
    {
        private const int GenerationMax = 8_192;

        private HashSet<GrainId> newest = [];
        private HashSet<GrainId> older = [];

        public bool Contains(GrainId grain) => newest.Contains(grain) || older.Contains(grain);

        public void Add(GrainId grain)
        {
            if (newest.Count >= GenerationMax) (older, newest) = (newest, older);
            if (newest.Count >= GenerationMax) newest.Clear();
            newest.Add(grain);
        }

        /// <returns>false if it was not known</returns>
        public bool Remove(GrainId grain) => newest.Remove(grain) | older.Remove(grain);
    }
}
