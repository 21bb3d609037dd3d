using System.Data;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Npgsql;
using NpgsqlTypes;

namespace Campaigns.Silo.Journal;

/// <summary>
/// A connection that writes, with a row in the table <c>silo</c>. Each write is numbered, and the number is part of it: so after a broken
/// connection that row says whether the write took place, and nothing is ever guessed (law 7).
/// </summary>
internal sealed class PostgresWriter : IDisposable
{
    private const int TriesMax = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly NpgsqlDataSource source;
    private readonly PostgresJournalOptions options;
    private readonly string where;
    private NpgsqlConnection? connection;
    private NpgsqlCommand? append;
    private long written;

    public PostgresWriter(NpgsqlDataSource source, PostgresJournalOptions options, string where) => (this.source, this.options, this.where) = (source, options, where);

    /// <summary>Who owns the grains that it writes: a process that opens the journal again has new ones.</summary>
    public Guid Id { get; } = Guid.CreateVersion7();

    /// <summary>What the next write writes.</summary>
    public PostgresFlush Flush { get; } = new();

    /// <summary>Writes the flush.</summary>
    /// <returns>false if somebody else has written to one of its grains: then nothing of it was written</returns>
    /// <exception cref="JournalFailure">this silo was fenced, or the database fails or cannot be reached</exception>
    public bool TryWrite()
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                if (connection is null || append is null) Connect();
                append.Parameters[1].Value = written + 1;
                ((NpgsqlParameter<ReadOnlyMemory<byte>>)append.Parameters[2]).TypedValue = Flush.Decisions;
                append.Parameters[3].Value = Checksum.Of(written + 1, Flush.Decisions.Span);
                append.ExecuteNonQuery();
                written++;
                return true;
            }
            catch (PostgresException refused) when (connection is { State: ConnectionState.Open })
            {
                // The server said no, so it has undone everything.
                switch (refused.SqlState)
                {
                    case PostgresErrorCodes.UniqueViolation or PostgresSchema.GrainRefused:
                        return false;
                    case PostgresSchema.SiloRefused:
                        throw Fenced(refused);
                    case PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable when tries < TriesMax:
                        break;
                    default:
                        throw new JournalFailure($"{PostgresFailures.Explain(refused, where).Message} Nothing of this write was acknowledged.", refused);
                }
            }
            catch (Exception lost) when (lost is NpgsqlException or IOException or TimeoutException)
            {
                if (tries == TriesMax) throw Unreachable(lost);
                if (WasWritten(lost)) return true;
            }
        }
    }

    /// <summary>The grains of the flush that others have written to.</summary>
    public HashSet<Guid> FindStale()
    {
        using var command = new NpgsqlCommand("select find_stale($1, $2, $3, $4, $5)", connection)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = Id },
                List(NpgsqlDbType.Uuid, Flush.Grains), List(NpgsqlDbType.Bigint, Flush.Firsts), List(NpgsqlDbType.Uuid, Flush.Stored), List(NpgsqlDbType.Bigint, Flush.StoredSequences),
            },
        };
        var stale = new HashSet<Guid>();
        using var row = command.ExecuteReader();
        while (row.Read()) stale.Add(row.GetGuid(0));
        return stale;
    }

    public void Dispose()
    {
        append?.Dispose();
        connection?.Dispose();
    }

    // A command belongs to its connection: what it has prepared is known there alone.
    [MemberNotNull(nameof(connection), nameof(append))]
    private void Connect()
    {
        connection = source.OpenConnection();
        append = new("select append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)", connection)
        {
            Parameters =
            {
                new() { Value = Id }, new() { NpgsqlDbType = NpgsqlDbType.Bigint }, new NpgsqlParameter<ReadOnlyMemory<byte>> { NpgsqlDbType = NpgsqlDbType.Bytea }, new() { NpgsqlDbType = NpgsqlDbType.Bigint },
                List(NpgsqlDbType.Uuid, Flush.Grains), List(NpgsqlDbType.Bigint, Flush.Firsts), List(NpgsqlDbType.Integer, Flush.Counts), List(NpgsqlDbType.Integer, Flush.Starts), List(NpgsqlDbType.Integer, Flush.Lengths),
                List(NpgsqlDbType.Uuid, Flush.Marked), List(NpgsqlDbType.Text, Flush.MarkedIds), List(NpgsqlDbType.Bigint, Flush.MarkedAfter),
                List(NpgsqlDbType.Uuid, Flush.Stored), List(NpgsqlDbType.Text, Flush.StoredIds), List(NpgsqlDbType.Bigint, Flush.StoredSequences), List(NpgsqlDbType.Bigint, Flush.StoredWakes), List(NpgsqlDbType.Bytea, Flush.StoredStates), List(NpgsqlDbType.Bigint, Flush.StoredCrcs),
                List(NpgsqlDbType.Uuid, Flush.Closed), List(NpgsqlDbType.Uuid, Flush.Lost),
            },
        };
    }

    // The silo's row is locked by a write that is still under way on the server, so this waits for its end.
    private bool WasWritten(Exception lost)
    {
        for (var start = Stopwatch.GetTimestamp(); ; Thread.Sleep(Pause))
        {
            var left = options.ReconnectMax - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero) throw Unreachable(lost);
            try
            {
                Dispose();
                Connect();
                using var command = new NpgsqlCommand("select flushes, fenced from silo where id = $1 for update", connection) { CommandTimeout = (int)Math.Ceiling(left.TotalSeconds), Parameters = { new() { Value = Id } } };
                using var row = command.ExecuteReader();
                if (!row.Read()) throw Fenced(lost);
                if (row.GetInt64(0) == written + 1)
                {
                    written++;
                    return true;
                }

                if (row.GetInt64(0) != written) throw Lost(row.GetInt64(0), lost);
                return row.GetBoolean(1) ? throw Fenced(lost) : false;
            }
            catch (Exception failure) when (failure is NpgsqlException or IOException or TimeoutException)
            {
                lost = failure;
            }
        }
    }

    private JournalFailure Fenced(Exception inner) =>
        new($"{where} takes no more from this process ('{options.Name}'): another one has taken over, or this one was silent for so long that the others gave it up. Start it again; nothing of this write was acknowledged.", inner);

    private JournalFailure Unreachable(Exception inner) =>
        new($"{PostgresFailures.Explain(inner, where).Message} Whether the last write took place is unknown, and it was not acknowledged.", inner);

    private JournalFailure Lost(long known, Exception inner) =>
        new($"{where} has lost what it had confirmed: it knows {known} flushes of this process and had confirmed {written}. A standby that was behind may have become the primary: bring the former primary back if you can. Starting again accepts the loss.", inner);

    private static NpgsqlParameter List(NpgsqlDbType type, object list) => new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = list };
}
