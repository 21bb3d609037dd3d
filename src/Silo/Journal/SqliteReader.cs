using Campaigns.Grains.Kernel;
using Microsoft.Data.Sqlite;

namespace Campaigns.Silo.Journal;

/// <summary>A connection to read a journal with, for one thread at a time. In WAL mode it sees everything committed before its query and blocks nobody.</summary>
internal sealed class SqliteReader : IDisposable
{
    private readonly string path;
    private readonly SqliteConnection connection;
    private readonly SqliteStatement grain;
    private readonly SqliteStatement flushes;
    private readonly SqliteStatement due;

    /// <param name="path">the file</param>
    /// <param name="connection">open; this reader's own</param>
    public SqliteReader(string path, SqliteConnection connection)
    {
        (this.path, this.connection) = (path, connection);

        // A journal of format 1 that is opened to read is not upgraded: it has no checksums.
        using var format = new SqliteStatement(connection, "select value from meta where name = 'format'");
        var checksum = format.Next() && format.Number(0) >= 2 ? "checksum" : "null";
        format.Reset();
        grain = new(connection, $"select sequence, wake_at, state, {checksum} from grain where id = ?1");
        flushes = new(connection, $"select position, decisions, {checksum} from flush where position > ?1 order by position");
        due = new(connection, "select id from grain where wake_at > ?1 and wake_at <= ?2 order by wake_at limit ?3");
    }

    /// <returns>all zero and null if it is not stored</returns>
    /// <exception cref="JournalDamaged">it is not what was written</exception>
    public (long Sequence, DateTimeOffset? WakeAt, ReadOnlyMemory<byte>? State) Grain(GrainId id)
    {
        var text = id.ToString();
        if (!grain.Bind(1, text).Next()) return default;
        try
        {
            var sequence = grain.Number(0);
            var wakeAt = grain.IsNull(1) ? (long?)null : grain.Number(1);
            var state = grain.IsNull(2) ? null : grain.Blob(2);
            if (!grain.IsNull(3) && grain.Number(3) != Checksum.Of(text, sequence, wakeAt, state)) throw new JournalDamaged(path, $"the stored state of {text} is not what was written");

            // Said explicitly: a bare null would become an empty memory by way of a null array.
            return (sequence, wakeAt is { } wake ? DateTimeOffset.FromUnixTimeMilliseconds(wake) : null, state is null ? default(ReadOnlyMemory<byte>?) : state);
        }
        finally
        {
            grain.Reset();
        }
    }

    // What comes before a damaged row is read first; then the damage is all there is to tell.
    public List<Flush> Flushes(long after, int bytesMax)
    {
        var found = new List<Flush>();
        flushes.Bind(1, after);
        try
        {
            for (var bytes = 0; bytes < bytesMax && flushes.Next();)
            {
                var position = flushes.Number(0);
                var decisions = flushes.Blob(1);
                var damage = position != after + 1 ? $"flush {after + 1} is missing"
                    : !flushes.IsNull(2) && flushes.Number(2) != Checksum.Of(position, decisions) ? $"flush {position} is not what was written"
                    : null;
                if (damage is not null) return found.Count > 0 ? found : throw new JournalDamaged(path, damage);
                found.Add(new(position, decisions));
                bytes += decisions.Length;
                after = position;
            }

            return found;
        }
        finally
        {
            flushes.Reset();
        }
    }

    public List<GrainId> Due(long after, long until, int limit)
    {
        var found = new List<GrainId>();
        due.Bind(1, after).Bind(2, until).Bind(3, limit);
        try
        {
            while (due.Next())
            {
                var id = due.Text(0);
                if (!GrainId.TryParse(id, out var grain)) throw new JournalDamaged(path, $"'{id}' is no grain");
                found.Add(grain);
            }
        }
        finally
        {
            due.Reset();
        }

        return found;
    }

    public void Dispose()
    {
        grain.Dispose();
        flushes.Dispose();
        due.Dispose();
        connection.Dispose();
    }
}
