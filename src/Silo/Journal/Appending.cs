using Microsoft.Data.Sqlite;

namespace Campaigns.Silo.Journal;

/// <summary>The statements that write a journal in SQLite, in one transaction at a time.</summary>
/// <param name="connection">the writer's own</param>
internal sealed class Appending(SqliteConnection connection, LogMover log) : IAsyncDisposable
{
    private readonly SqliteStatement begin = new(connection, "begin immediate");
    private readonly SqliteStatement flush = new(connection, "insert into flush(position, decisions, checksum) values (?1, ?2, ?3)");
    private readonly SqliteStatement snapshot = new(connection, "insert into grain(id, sequence, wake_at, state, checksum) values (?1, ?2, ?3, ?4, ?5) on conflict(id) do update set sequence = ?2, wake_at = ?3, state = ?4, checksum = ?5");
    private readonly SqliteStatement tailStart = new(connection, "update meta set value = case name when 'tail-start' then ?1 else ~?1 end where name in ('tail-start', 'tail-start-complement')");
    private readonly SqliteStatement commit = new(connection, "commit");
    private int pages;

    public void Begin()
    {
        begin.Run();
        pages = 1;
    }

    // Bound straight from the lane's buffer: a copy of each flush would be a fresh array on the large object heap.
    public void Add(long position, ReadOnlySpan<byte> decisions)
    {
        flush.Bind(1, position).Bind(2, decisions).Bind(3, Checksum.Of(position, decisions)).Run();
        pages += LogMover.PagesOf(decisions.Length);
    }

    public void Save(in Snapshot saved)
    {
        var id = saved.Grain.ToString();
        var wakeAt = saved.WakeAtMs;
        snapshot.Bind(1, id).Bind(2, saved.Sequence).Bind(3, wakeAt).Bind(4, saved.State).Bind(5, Checksum.Of(id, saved.Sequence, wakeAt, saved.State)).Run();
        pages += LogMover.PagesOf(saved.State?.Length ?? 0);
    }

    public void SetTailStart(long position) => tailStart.Bind(1, position).Run();

    /// <summary>Everything since <see cref="Begin"/> is durable when it returns.</summary>
    public void Commit()
    {
        commit.Run();
        log.Written(pages);
    }

    /// <summary>Lets others at the file again after a failure: nothing that is not committed stays open.</summary>
    public void RollBack() => SqliteStatement.RollBack(connection);

    public async ValueTask DisposeAsync()
    {
        await log.WhenMoved();
        foreach (var statement in new[] { begin, flush, snapshot, tailStart, commit }) statement.Dispose();
    }
}
