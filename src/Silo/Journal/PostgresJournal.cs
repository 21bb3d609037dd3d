using System.Data;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Campaigns.Grains.Kernel;
using Npgsql;

namespace Campaigns.Silo.Journal;

/// <summary>
/// The journal of several processes (silos): a PostgreSQL database that all of them write. Each flush is one row, in the silo's own numbering, and
/// one small row for each of its grains, whose key <c>(grain, sequence)</c> is the fence: who is first has decided.
/// </summary>
/// <remarks>
/// A grain's tail is found by the grain, so a start replays nothing. Positions in the global order are given afterwards, by whoever asks for
/// them. Each line is a connection that writes: what comes on one does not wait for the disk of another. Any thread may read.
/// </remarks>
public sealed partial class PostgresJournal : IJournal
{
    private const int FencedAgainMax = 10;
    private const int ClaimedTogether = 10_000;
    private const int FlushesReadTogether = 1_000;
    private const int GrainsPrunedTogether = 1_000;
    private const int PoolMax = 20;
    private const int ReadersMin = 2;

    /// <summary>After so long the row of a grain is compared again: decisions that another silo wrote meanwhile may have been pruned.</summary>
    private static readonly TimeSpan MarkedFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan SeenEvery = TimeSpan.FromMinutes(1);

    // Writes of others take milliseconds; what makes the order wait for longer is somebody else's long transaction, and then who follows comes again.
    private static readonly TimeSpan OrderPatience = TimeSpan.FromSeconds(1);

    private readonly NpgsqlDataSource source;
    private readonly string where;
    private readonly PostgresSilos silos;
    private readonly PostgresWriter[] writers;
    private readonly Lock sync = new();
    private readonly Dictionary<GrainId, Head> heads = [];
    private long lastPosition;
    private long appends;
    private long seenAt = Stopwatch.GetTimestamp();
    private volatile Exception? failed;
    private int closed;

    private PostgresJournal(NpgsqlDataSource source, string where, params PostgresWriter[] writers) =>
        (this.source, this.where, this.writers, silos) = (source, where, writers, new([.. writers.Select(w => w.Id)]));

    /// <summary>A grain that is open here.</summary>
    private struct Head
    {
        public Guid Key;
        public long Sequence;

        // The append that is being made, and the sequence before it: what a snapshot in the same append cannot be older than.
        public long Append;
        public long Before;

        // When the grain's row was last compared and taken by this silo, 0 for never.
        public long MarkedAt;
    }

    /// <summary>Which database and schema, for messages.</summary>
    public string Where => where;

    /// <summary>This opening of the journal, as its rows name it; none if it was opened to read.</summary>
    public IReadOnlyList<Guid> Silos => silos.Mine;

    /// <remarks>It rises when somebody asks: see <see cref="FindLastPosition"/>.</remarks>
    public long LastPosition => Volatile.Read(ref lastPosition);

    /// <remarks>Nothing is replayed: each grain finds its own tail.</remarks>
    public long TailStart => LastPosition;

    /// <summary>Opens a journal to append, and makes it if it is not there.</summary>
    /// <exception cref="IOException">the database cannot be reached, refuses the user, or is not one that this version can write</exception>
    public static PostgresJournal Open(PostgresJournalOptions options)
    {
        var (source, where) = SourceOf(options);
        var writers = new List<PostgresWriter>();
        try
        {
            using var connection = source.OpenConnection();
            PostgresSchema.Prepare(connection, options.Schema, where);
            while (writers.Count < options.Lines) writers.Add(new(source, options, where));
            var journal = new PostgresJournal(source, where, [.. writers]);
            journal.silos.Register(connection, options.Name, options.TakesOver);
            journal.FindLastPosition();
            return journal;
        }
        catch (Exception failure)
        {
            writers.ForEach(w => w.Dispose());
            source.Dispose();
            if (IsDatabase(failure)) throw PostgresFailures.Explain(failure, where);
            throw;
        }
    }

    /// <summary>Opens a journal that is there and that others may be writing, to read alone.</summary>
    /// <remarks>What has no position yet gets one, as with everybody who reads in global order: so the user needs the right to write.</remarks>
    /// <exception cref="IOException">there is none, or it cannot be read</exception>
    public static PostgresJournal OpenToRead(PostgresJournalOptions options)
    {
        var (source, where) = SourceOf(options);
        try
        {
            using (var connection = source.OpenConnection()) PostgresSchema.ThrowIfUnreadable(connection, options.Schema, where);
            var journal = new PostgresJournal(source, where);
            journal.FindLastPosition();
            return journal;
        }
        catch (Exception failure)
        {
            source.Dispose();
            if (IsDatabase(failure)) throw PostgresFailures.Explain(failure, where);
            throw;
        }
    }

    /// <remarks>Waits up to a second for a position for everything that was durable before the call, and longer only while many get theirs.</remarks>
    public long FindLastPosition()
    {
        for (var start = Stopwatch.GetTimestamp(); ; Thread.Sleep(1))
        {
            var before = LastPosition;
            if (!PutInOrder()) return LastPosition;
            if (LastPosition - before < PostgresSchema.OrderedTogether && Stopwatch.GetElapsedTime(start) > OrderPatience) return LastPosition;
        }
    }

    public bool IsFar => true;

    public GrainRecord Read(GrainId grain, bool withTail = true) => Read([grain], withTail)[grain];

    public IReadOnlyList<GrainRecord> Read(IReadOnlyList<GrainId> grains)
    {
        var found = Read(grains, withTail: true);
        return [.. grains.Select(g => found[g])];
    }

    public int Lines => writers.Length;

    public IReadOnlyCollection<GrainId> Append(IReadOnlyList<Batch> batches, int line = 0)
    {
        if (writers.Length == 0) throw new InvalidOperationException($"{where} was opened to read.");
        if (failed is { } first) throw new JournalFailure($"An earlier write to {where} failed ({first.Message.TrimEnd('.')}). Open it again: only what it holds counts.", first);
        try
        {
            var writer = writers[line];
            var number = Interlocked.Increment(ref appends);
            var learned = Learn(batches);
            var fenced = new HashSet<GrainId>();
            var marks = new List<(GrainId Grain, long After)>();
            lock (sync)
            {
                Advance(number, batches, learned, fenced, marks);
                Fill(writer.Flush, batches, fenced, marks);
            }

            for (var again = 0; !writer.Flush.IsEmpty && !writer.TryWrite(); again++)
            {
                var stale = writer.FindStale();
                if (stale.Count == 0 || again == FencedAgainMax) throw new JournalFailure($"{where} refuses a write and does not say which grain is stale. Start again; nothing of this write was acknowledged.", new InvalidOperationException($"{stale.Count} stale grains after {again + 1} tries."));
                lock (sync)
                {
                    fenced.UnionWith(GrainsOf(batches).Where(g => stale.Contains(KeyOf(g))));
                    Fill(writer.Flush, batches, fenced, marks);
                }
            }

            lock (sync) Settle(batches, fenced);
            return fenced;
        }
        catch (Exception failure)
        {
            failed ??= failure;
            if (IsDatabase(failure)) failure = PostgresFailures.Explain(failure, where);
            if (failure is not IOException) throw;
            throw new JournalFailure($"{failure.Message} Nothing of this write was acknowledged.", failure);
        }
    }

    public IReadOnlyList<Flush> ReadAfter(long position, int bytesMax)
    {
        for (var start = Stopwatch.GetTimestamp(); ; Thread.Sleep(1))
        {
            var waits = PutInOrder();
            if (LastPosition > position) return Query(connection => ReadFlushes(connection, position, bytesMax));
            if (!waits || Stopwatch.GetElapsedTime(start) > OrderPatience) return [];
        }
    }

    /// <remarks>
    /// What is returned is taken for ten seconds, so that several silos that look do not all wake the same grains. A grain that a live silo has
    /// open with something written is not returned: it wakes by itself there.
    /// </remarks>
    public IReadOnlyList<GrainId> Due(DateTimeOffset after, DateTimeOffset until, int limit)
    {
        if (writers.Length > 0 && Stopwatch.GetElapsedTime(seenAt) > SeenEvery) BeSeen();
        var (afterMs, untilMs) = (after.ToUnixTimeMilliseconds(), until.ToUnixTimeMilliseconds());
        var found = new List<(GrainId Grain, long At)>();
        for (var more = true; more;)
        {
            var most = Math.Min(ClaimedTogether, limit - found.Count);
            var claimed = Query(connection => Claim(connection, afterMs, untilMs, most));
            found.AddRange(claimed);
            more = claimed.Count == most && found.Count < limit;
        }

        found.Sort((a, b) => a.At.CompareTo(b.At));
        return found.ConvertAll(f => f.Grain);
    }

    /// <summary>The silos of these names have died: what they had open is due at once, and should one of them still run, it writes no more.</summary>
    /// <returns>how many were fenced off that were not before</returns>
    /// <exception cref="IOException">the database cannot be used</exception>
    public int FenceDead(IEnumerable<string> names) => Query(connection => silos.Fence(connection, [.. names]));

    /// <summary>
    /// Deletes the index of decisions that are older than this and contained in a snapshot; the flushes themselves stay. Silos that were silent
    /// for half that time are fenced off first: one that slept could otherwise write a number whose row is gone once more. An activation that
    /// slept in a silo that did not is caught by its grain's row, which each append compares that comes an hour after the last comparison.
    /// </summary>
    /// <param name="olderThan">two hours at least</param>
    /// <returns>how many rows were deleted</returns>
    /// <exception cref="IOException">the database cannot be used</exception>
    public long Prune(TimeSpan olderThan)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(olderThan, 2 * MarkedFor);
        Query(connection => PostgresSilos.FenceSilent(connection, olderThan / 2));
        var deleted = 0L;
        for (var last = (Guid?)Guid.Empty; last is { } from;)
        {
            last = Query(connection =>
            {
                using var command = new NpgsqlCommand("""
                    with page as (select key, sequence from grain where key > $1 order by key limit $3),
                    gone as (
                        delete from decision d using page where d.grain = page.key and d.first_sequence + d.events - 1 <= page.sequence
                            and exists (select from flush f where f.silo = d.silo and f.number = d.number and f.at < now() - $2)
                        returning 1)
                    select (select count(*) from gone), (select key from page order by key desc limit 1)
                    """, connection) { Parameters = { new() { Value = from }, new() { Value = olderThan }, new() { Value = GrainsPrunedTogether } } };
                using var row = command.ExecuteReader();
                row.Read();
                deleted += row.GetInt64(0);
                return row.IsDBNull(1) ? (Guid?)null : row.GetGuid(1);
            });
        }

        return deleted;
    }

    /// <remarks>What was open here is found at once by whoever comes next, if no snapshot contains it, and by its wake-up time otherwise.</remarks>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref closed, 1) == 1) return;
        if (writers.Length > 0 && failed is null)
        {
            try
            {
                Query(connection =>
                {
                    silos.Release(connection);
                    return true;
                });
            }
            catch (IOException)
            {
                // Then the others find out that this silo is gone, as after a crash.
            }
        }

        foreach (var writer in writers) writer.Dispose();
        await source.DisposeAsync();
    }

    private Dictionary<GrainId, GrainRecord> Read(IReadOnlyList<GrainId> grains, bool withTail)
    {
        var asked = grains.ToDictionary(g => PostgresFlush.KeyOf(g.ToString()));
        var found = Query(connection => ReadRecords(connection, asked, withTail));
        var records = new Dictionary<GrainId, GrainRecord>(grains.Count);
        lock (sync)
        {
            foreach (var (key, grain) in asked)
            {
                var record = found.GetValueOrDefault(key, GrainRecord.Empty);
                var last = record.Tail.Count == 0 ? record.Sequence : LastSequenceOf(record.Tail[^1]);
                records.Add(grain, last == 0 ? GrainRecord.Empty : record);
                if (last == 0 || writers.Length == 0 || !withTail) continue;
                ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(heads, grain, out var known);
                if (!known) head = new() { Key = key, Sequence = last };
                else if (last > head.Sequence) (head.Sequence, head.MarkedAt) = (last, 0); // another silo has had it meanwhile
            }
        }

        return records;
    }

    private static (NpgsqlDataSource Source, string Where) SourceOf(PostgresJournalOptions options)
    {
        if (!SchemaName().IsMatch(options.Schema)) throw new IOException($"'{options.Schema}' is no name for a schema. Use lower-case letters, digits and '_'.");
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new(options.Connection) { SearchPath = options.Schema };
        }
        catch (ArgumentException failure)
        {
            throw new IOException($"The connection string cannot be read: {failure.Message.TrimEnd('.')}. It is written like 'Host=localhost;Username=campaigns;Password=…;Database=campaigns'.", failure);
        }

        var given = new NpgsqlConnectionStringBuilder(options.Connection);
        if (!given.ContainsKey("Maximum Pool Size") || given.MaxPoolSize > PoolMax) builder.MaxPoolSize = PoolMax;
        builder.MaxPoolSize = Math.Max(builder.MaxPoolSize, options.Lines + ReadersMin); // each line keeps one
        if (given.MaxAutoPrepare == 0) builder.MaxAutoPrepare = PoolMax;
        builder.AutoPrepareMinUsages = 2;

        // Nothing here changes a session, and cleaning it up costs the server more than most of what is asked.
        builder.NoResetOnClose = true;
        builder.ApplicationName ??= $"campaigns {options.Name}";
        return (NpgsqlDataSource.Create(builder), $"The database '{builder.Database ?? builder.Username}' on {builder.Host} (schema '{options.Schema}')");
    }

    private static bool IsDatabase(Exception failure) => failure is NpgsqlException or TimeoutException;

    private static long LastSequenceOf(ReadOnlyMemory<byte> decision)
    {
        var reader = new DecisionReader(decision.Span);
        reader.Next();
        return reader.LastSequence;
    }

    private static IEnumerable<GrainId> GrainsOf(IReadOnlyList<Batch> batches) =>
        batches.SelectMany(b => b.Entries.Select(e => e.Grain).Concat(b.Snapshots.Select(s => s.Grain)));

    // The newest sequences of grains that go on but were not read here since they were last closed: a host that kept an activation over a close.
    private Dictionary<GrainId, long> Learn(IReadOnlyList<Batch> batches)
    {
        var unknown = new Dictionary<Guid, GrainId>();
        lock (sync)
        {
            foreach (var batch in batches)
            {
                foreach (var entry in batch.Entries)
                    if (entry.FirstSequence > 1 && !heads.ContainsKey(entry.Grain)) unknown[PostgresFlush.KeyOf(entry.Grain.ToString())] = entry.Grain;
                foreach (var snapshot in batch.Snapshots)
                    if (!heads.ContainsKey(snapshot.Grain)) unknown[PostgresFlush.KeyOf(snapshot.Grain.ToString())] = snapshot.Grain;
            }
        }

        var learned = new Dictionary<GrainId, long>();
        if (unknown.Count == 0) return learned;
        return Query(connection =>
        {
            using var command = new NpgsqlCommand("select key, newest(key) from unnest($1) key", connection) { Parameters = { new() { Value = unknown.Keys.ToArray() } } };
            using var row = command.ExecuteReader();
            while (row.Read()) learned[unknown[row.GetGuid(0)]] = row.GetInt64(1);
            return learned;
        });
    }

    // What this process knows of a grain fences its own stale activations without asking the database.
    private void Advance(long number, IReadOnlyList<Batch> batches, Dictionary<GrainId, long> learned, HashSet<GrainId> fenced, List<(GrainId Grain, long After)> marks)
    {
        foreach (var batch in batches)
        {
            foreach (var entry in batch.Entries)
            {
                if (fenced.Contains(entry.Grain)) continue;
                ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(heads, entry.Grain, out var known);
                if (!known) head = new() { Key = PostgresFlush.KeyOf(entry.Grain.ToString()), Sequence = learned.GetValueOrDefault(entry.Grain) };
                if (head.Append != number) (head.Append, head.Before) = (number, head.Sequence);
                if (entry.FirstSequence != head.Sequence + 1)
                {
                    fenced.Add(entry.Grain);
                    continue;
                }

                head.Sequence += entry.Events;
                if (head.MarkedAt != 0 && Stopwatch.GetElapsedTime(head.MarkedAt) <= MarkedFor) continue;
                head.MarkedAt = Stopwatch.GetTimestamp();
                marks.Add((entry.Grain, entry.FirstSequence - 1));
            }

            foreach (var snapshot in batch.Snapshots)
                if (!fenced.Contains(snapshot.Grain) && IsStale(number, snapshot, learned)) fenced.Add(snapshot.Grain);
        }
    }

    // A snapshot that lacks what others have made durable, or holds what never became durable, would rewrite history.
    private bool IsStale(long number, in Snapshot snapshot, Dictionary<GrainId, long> learned) => heads.TryGetValue(snapshot.Grain, out var head)
        ? snapshot.Sequence > head.Sequence || snapshot.Sequence < (head.Append == number ? head.Before : head.Sequence)
        : snapshot.Sequence != learned.GetValueOrDefault(snapshot.Grain);

    private void Fill(PostgresFlush flush, IReadOnlyList<Batch> batches, HashSet<GrainId> fenced, List<(GrainId Grain, long After)> marks)
    {
        flush.Clear();
        flush.AddDecisions(batches, fenced, KeyOf);
        foreach (var (grain, after) in marks)
        {
            if (fenced.Contains(grain)) continue;
            flush.Marked.Add(KeyOf(grain));
            flush.MarkedIds.Add(grain.ToString());
            flush.MarkedAfter.Add(after);
        }

        foreach (var batch in batches)
        {
            foreach (var snapshot in batch.Snapshots)
                if (!fenced.Contains(snapshot.Grain)) flush.AddSnapshot(KeyOf(snapshot.Grain), snapshot);
            foreach (var grain in batch.Closed)
                if (!fenced.Contains(grain)) flush.Closed.Add(KeyOf(grain));
        }

        foreach (var grain in fenced) flush.Lost.Add(KeyOf(grain));
    }

    private Guid KeyOf(GrainId grain) => heads.TryGetValue(grain, out var head) ? head.Key : PostgresFlush.KeyOf(grain.ToString());

    private void Settle(IReadOnlyList<Batch> batches, HashSet<GrainId> fenced)
    {
        foreach (var batch in batches)
            foreach (var grain in batch.Closed) heads.Remove(grain);
        foreach (var grain in fenced) heads.Remove(grain); // what is durable decides, and the next one to open it reads that
    }

    private void BeSeen()
    {
        seenAt = Stopwatch.GetTimestamp();
        if (!Query(silos.BeSeen)) throw new JournalFailure($"{where} takes no more from this process: another one has taken over. Start it again.", new InvalidOperationException("The silo's row is fenced or gone."));
    }

    private List<(GrainId Grain, long At)> Claim(NpgsqlConnection connection, long after, long until, int most)
    {
        using var command = new NpgsqlCommand("select id, due_at from claim_due($1, $2, $3)", connection) { Parameters = { new() { Value = after }, new() { Value = until }, new() { Value = most } } };
        using var row = command.ExecuteReader();
        var claimed = new List<(GrainId, long)>();
        while (row.Read()) claimed.Add((GrainId.TryParse(row.GetString(0), out var grain) ? grain : throw new JournalDamaged(where, $"'{row.GetString(0)}' is no grain"), row.GetInt64(1)));
        return claimed;
    }

    /// <returns>true if something durable has no position yet</returns>
    private bool PutInOrder()
    {
        var (last, waits) = Query(connection =>
        {
            using var command = new NpgsqlCommand("select last, waits from put_in_order()", connection);
            using var row = command.ExecuteReader();
            row.Read();
            return (row.GetInt64(0), row.GetBoolean(1));
        });
        for (var known = LastPosition; known < last;)
        {
            var was = Interlocked.CompareExchange(ref lastPosition, last, known);
            if (was == known) break;
            known = was;
        }

        return waits;
    }

    // One statement, which sees one moment: a tail that was read after another snapshot had been stored and pruned would begin too late. Each grain
    // is looked up by itself ("offset 0"): asked for any of the keys, the server reads the whole table while it does not know how large that is.
    private Dictionary<Guid, GrainRecord> ReadRecords(NpgsqlConnection connection, Dictionary<Guid, GrainId> asked, bool withTail)
    {
        using var command = new NpgsqlCommand("""
            with g as (select g.* from unnest($1) asked cross join lateral (select key, sequence, wake_at, checksum, state from grain where key = asked offset 0) g)
            select key, true, sequence, wake_at, checksum, state from g
            union all
            select g.key, false, t.first_sequence, null, null, t.decisions
            from g cross join lateral (
                select d.first_sequence, (select substring(f.decisions from d.start + 1 for d.length) from flush f where f.silo = d.silo and f.number = d.number) as decisions
                from decision d where d.grain = g.key and $2 and d.first_sequence + d.events - 1 > g.sequence
                    and d.first_sequence >= coalesce((select b.first_sequence from decision b where b.grain = g.key and b.first_sequence <= g.sequence + 1 order by b.first_sequence desc limit 1), 0)
                offset 0) t
            """, connection) { Parameters = { new() { Value = asked.Keys.ToArray() }, new() { Value = withTail } } };
        var records = new Dictionary<Guid, GrainRecord>();
        var slices = new Dictionary<Guid, List<(long First, byte[] Decisions)>>();
        using (var row = command.ExecuteReader())
        {
            while (row.Read())
            {
                var key = row.GetGuid(0);
                if (!row.GetBoolean(1))
                {
                    if (!slices.TryGetValue(key, out var slice)) slices.Add(key, slice = []);
                    slice.Add((row.GetInt64(2), row.IsDBNull(5) ? throw new JournalDamaged(where, $"a flush with decisions of {asked[key]} is missing") : (byte[])row[5]));
                    continue;
                }

                // A row that was taken but never stored has no state and no checksum.
                var (sequence, wakeAt) = (row.GetInt64(2), row.IsDBNull(3) ? (long?)null : row.GetInt64(3));
                var state = row.IsDBNull(5) ? null : (byte[])row[5];
                if (!row.IsDBNull(4) && row.GetInt64(4) != Checksum.Of(asked[key].ToString(), sequence, null, state)) throw new JournalDamaged(where, $"the stored state of {asked[key]} is not what was written");
                records.Add(key, new(sequence, state is null ? default(ReadOnlyMemory<byte>?) : state, wakeAt is { } wake ? DateTimeOffset.FromUnixTimeMilliseconds(wake) : null, []));
            }
        }

        foreach (var (key, slice) in slices)
        {
            slice.Sort((a, b) => a.First.CompareTo(b.First));
            records[key] = records[key] with { Tail = TailOf(asked[key], asked[key].ToString(), records[key].Sequence, slice) };
        }

        return records;
    }

    private List<ReadOnlyMemory<byte>> TailOf(GrainId grain, string printed, long after, List<(long First, byte[] Decisions)> slices)
    {
        var tail = new List<ReadOnlyMemory<byte>>();
        var known = slices[0].First > after + 1 ? after : slices[0].First - 1;
        foreach (var (first, decisions) in slices)
        {
            if (first != known + 1) throw new JournalDamaged(where, $"{printed} jumps from {known} to {first}");
            try
            {
                var reader = new DecisionReader(decisions);
                for (var start = 0; reader.Next(); start += reader.Encoded.Length)
                {
                    if (reader.Grain != grain || reader.FirstSequence != known + 1) throw new JournalDamaged(where, $"decision {known + 1} of {printed} is not what was written");
                    known = reader.LastSequence;
                    if (known > after) tail.Add(decisions.AsMemory(start, reader.Encoded.Length));
                }
            }
            catch (ArgumentException)
            {
                // A slice has no checksum of its own: what was cut wrongly is no decision.
                throw new JournalDamaged(where, $"decision {known + 1} of {printed} cannot be read");
            }
        }

        return tail;
    }

    // What comes before a damaged row is read first; then the damage is all there is to tell.
    private List<Flush> ReadFlushes(NpgsqlConnection connection, long after, int bytesMax)
    {
        using var command = new NpgsqlCommand("""
            select position, number, checksum, decisions from (
                select position, number, checksum, decisions, sum(length(decisions)) over (order by position) - length(decisions) as before
                from flush where position > $1 order by position limit $3) page
            where before < $2 order by position
            """, connection) { Parameters = { new() { Value = after }, new() { Value = (long)bytesMax }, new() { Value = FlushesReadTogether } } };
        var found = new List<Flush>();
        using var row = command.ExecuteReader();
        while (row.Read())
        {
            var position = row.GetInt64(0);
            var decisions = (byte[])row[3];
            var damage = position != after + 1 ? $"flush {after + 1} is missing"
                : row.GetInt64(2) != Checksum.Of(row.GetInt64(1), decisions) ? $"flush {position} is not what was written"
                : null;
            if (damage is not null) return found.Count > 0 ? found : throw new JournalDamaged(where, damage);
            found.Add(new(position, decisions));
            after = position;
        }

        return found;
    }

    // A connection that slept in the pool may have died there, with the server or a firewall: then all that sleep have, and a new one is tried.
    // What is asked twice here may be: positions are given once, and a claim that was not heard of ends by itself.
    private TResult Query<TResult>(Func<NpgsqlConnection, TResult> ask)
    {
        for (var isAgain = false; ; isAgain = true)
        {
            NpgsqlConnection? connection = null;
            try
            {
                connection = source.OpenConnection();
                return ask(connection);
            }
            catch (Exception failure) when (IsDatabase(failure))
            {
                if (isAgain || connection is not { State: not ConnectionState.Open }) throw PostgresFailures.Explain(failure, where);
                source.Clear();
            }
            finally
            {
                connection?.Dispose();
            }
        }
    }

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,62}$", RegexOptions.NonBacktracking)]
    private static partial Regex SchemaName();
}
