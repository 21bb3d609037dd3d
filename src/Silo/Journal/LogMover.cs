using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Campaigns.Silo.Journal;

/// <summary>
/// Moves what is in SQLite's write-ahead log into the file, beside the flushes: left to SQLite, every 32 MB one flush would do it for all others, and hold up everybody who waits
/// for it: 50 ms, beside 6 ms now. The log begins again from its start only after a move that left nothing in it, so what was written during the large one is moved between two flushes.
/// </summary>
/// <param name="writer">the connection that writes; used by <see cref="Written"/> alone</param>
/// <param name="connect">a connection of its own, not open yet</param>
internal sealed class LogMover(SqliteConnection writer, Func<SqliteConnection> connect)
{
    private const int PageBytes = 8_192;
    private const int PagesMax = 1_024;

    // For readers to end, who keep the log from beginning again. One that takes long, such as a backup, is not waited for: the next move comes after as many pages again.
    private const int PatienceMs = 10;

    private int pages;
    private Task<int>? move;

    /// <summary>About how many pages of the log a row takes.</summary>
    public static int PagesOf(int bytes) => 1 + (bytes / PageBytes);

    /// <summary>Called after each flush, on the writer's thread.</summary>
    /// <param name="written">about how many pages it has added to the log</param>
    public void Written(int written)
    {
        pages += written;
        if (pages < PagesMax) return;
        if (move is null)
        {
            move = Task.Run(Move);
        }
        else if (move.IsCompleted)
        {
            // Only a small rest: this flush waits for it. What cannot be moved now, is later.
            if (move.IsCompletedSuccessfully && move.Result <= PagesMax)
            {
                raw.sqlite3_busy_timeout(writer.Handle, PatienceMs);
                Checkpoint(writer, raw.SQLITE_CHECKPOINT_RESTART);
                raw.sqlite3_busy_timeout(writer.Handle, SqliteJournal.BusyTimeoutMs);
            }

            (pages, move) = (0, null);
        }
    }

    public async Task WhenMoved()
    {
        if (move is Task moving) await moving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // After a long reader there may be much, and meanwhile more is written: until what is left is little, or cannot be moved yet.
    private int Move()
    {
        using var connection = connect();
        connection.Open();
        using var look = new SqliteStatement(connection, "select value from meta");
        look.Next(); // a connection that has not read yet does not know that there is a log
        look.Reset();
        for (var before = int.MaxValue; ;)
        {
            var left = Checkpoint(connection, raw.SQLITE_CHECKPOINT_PASSIVE);
            if (left <= PagesMax || left >= before) return left;
            before = left;
        }
    }

    /// <returns>pages that are left in the log</returns>
    private static int Checkpoint(SqliteConnection connection, int mode) =>
        raw.sqlite3_wal_checkpoint_v2(connection.Handle, null, mode, out var log, out var moved) == raw.SQLITE_OK ? log - moved : int.MaxValue;
}
