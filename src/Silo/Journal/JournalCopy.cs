using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Campaigns.Silo.Journal;

/// <summary>Copies of a <see cref="SqliteJournal"/>'s file, taken while the process that owns it writes on.</summary>
public static class JournalCopy
{
    /// <summary>Writes the journal as it is at one moment into a new file, compacted. Readers and writers go on meanwhile.</summary>
    /// <exception cref="IOException">the journal cannot be read, or the copy not written</exception>
    /// <exception cref="JournalDamaged">the journal lacks flushes that were acknowledged</exception>
    public static void Write(string journal, string copy, CancellationToken cancellation)
    {
        SqliteJournal.ThrowIfEmptied(journal);

        // Read before the copy is made: while the owner writes on, the copy can only have more.
        using var acknowledged = HighWater.OpenToRead(Path.GetDirectoryName(journal)!);
        try
        {
            using var connection = Connect(journal);
            using var registration = cancellation.Register(() => raw.sqlite3_interrupt(connection.Handle));
            using var command = connection.CreateCommand();
            command.CommandText = "vacuum into $copy";
            command.CommandTimeout = 0;
            command.Parameters.AddWithValue("$copy", copy);
            command.ExecuteNonQuery();
        }
        catch (SqliteException failure)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new IOException($"'{journal}' cannot be copied to '{copy}': {failure.Message}", failure);
        }

        acknowledged?.ThrowIfAbove(PositionOf(copy), journal);
        using var written = new FileStream(copy, FileMode.Open, FileAccess.ReadWrite);
        written.Flush(flushToDisk: true);
    }

    /// <summary>The position of the newest flush in a file that nobody writes.</summary>
    /// <exception cref="IOException">it is no journal, or damaged</exception>
    public static long PositionOf(string file) => Convert.ToInt64(Ask(file, "select coalesce(max(position), 0) from flush"), CultureInfo.InvariantCulture);

    /// <summary>Reads every page of a file that nobody writes.</summary>
    /// <exception cref="IOException">a page is damaged</exception>
    public static void Verify(string file)
    {
        var verdict = (string)Ask(file, "pragma integrity_check(1)")!;
        if (verdict != "ok") throw new IOException($"'{file}' is damaged: {verdict}");
    }

    private static object? Ask(string file, string question)
    {
        try
        {
            using var connection = Connect(file);
            using var command = connection.CreateCommand();
            command.CommandText = question;
            command.CommandTimeout = 0;
            return command.ExecuteScalar();
        }
        catch (SqliteException failure)
        {
            throw new IOException($"'{file}' cannot be read as a journal: {failure.Message}", failure);
        }
    }

    private static SqliteConnection Connect(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
