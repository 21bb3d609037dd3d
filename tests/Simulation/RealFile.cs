using Campaigns.Silo.Journal;

namespace Campaigns.Simulation;

/// <summary>
/// The production journal on a real SQLite file. A kill is played by going on with a copy of its files as they were at that moment; a torn
/// write by cutting the copied log somewhere in the middle of the newest write.
/// </summary>
internal sealed class RealFile : IDisposable
{
    private static readonly string Memory = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    private string folder = NewFolder();
    private (byte[] Log, byte[] HighWater)? torn;

    public RealFile() => Journal = SqliteJournal.Open(folder);

    public SqliteJournal Journal { get; private set; }

    /// <summary>Writes, but of the write only the first bytes reach the disk.</summary>
    public void Tear(IReadOnlyList<Batch> batches, Random chance)
    {
        var (before, highWater) = (Log(), Read("journal.high", folder));
        Journal.Append(batches);
        var after = Log();

        // The log may be written from its beginning again, over what is old: torn is only what differs.
        var first = before.AsSpan().CommonPrefixLength(after);
        var last = after.Length - 1;
        while (last >= first && last < before.Length && before[last] == after[last]) last--;
        var cut = chance.Next(first, last + 1);
        torn = ([.. after[..cut], .. before.Length > cut ? before[cut..] : []], highWater);
    }

    /// <summary>The process that had it open is gone: the next one finds what is on the disk.</summary>
    public void Reopen(bool wasKilled)
    {
        var old = folder;
        if (wasKilled)
        {
            folder = NewFolder();
            foreach (var name in (string[])["journal.db", "journal.db-wal", "journal.high"])
                if (File.Exists(Path.Combine(old, name))) File.WriteAllBytes(Path.Combine(folder, name), Read(name, old));
            if (torn is { } cut)
            {
                File.WriteAllBytes(Path.Combine(folder, "journal.high"), cut.HighWater);
                File.WriteAllBytes(Path.Combine(folder, "journal.db-wal"), cut.Log);
            }
        }

        torn = null;
        Journal.DisposeAsync().AsTask().GetAwaiter().GetResult();
        if (wasKilled) Directory.Delete(old, recursive: true);
        Journal = SqliteJournal.Open(folder);
    }

    public void Dispose()
    {
        Journal.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Directory.Delete(folder, recursive: true);
    }

    private static string NewFolder() => Directory.CreateDirectory(Path.Combine(Memory, $"campaigns-simulation-{Guid.NewGuid():N}")).FullName;

    private byte[] Log() => File.Exists(Path.Combine(folder, "journal.db-wal")) ? Read("journal.db-wal", folder) : [];

    // The journal has it open for writing.
    private static byte[] Read(string name, string folder)
    {
        using var file = new FileStream(Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
