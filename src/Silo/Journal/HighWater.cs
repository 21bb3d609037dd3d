using System.Buffers.Binary;

namespace Campaigns.Silo.Journal;

/// <summary>
/// The newest acknowledged position, in a file beside the journal. A write-ahead log that was truncated or deleted, or whose end was
/// overwritten, looks to SQLite like one that ended earlier; only this tells that acknowledged flushes are missing.
/// </summary>
/// <remarks>Written after each flush and not synced: a killed process leaves it exact, a power cut may leave it too low, nothing leaves it too high.</remarks>
internal sealed class HighWater : IDisposable
{
    public const string FileName = "journal.high";

    private readonly FileStream file;
    private readonly byte[] bytes = new byte[16];

    private HighWater(FileStream file, bool canRise)
    {
        this.file = file;

        // The position and its complement: what was only half written, or never, says nothing.
        if (RandomAccess.Read(file.SafeFileHandle, bytes, 0) == bytes.Length && BinaryPrimitives.ReadInt64LittleEndian(bytes) is var position && BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)) == ~position)
            Position = position;
        else if (canRise)
            Store(0); // takes its room on the disk now: a full one must not stop it later
    }

    /// <summary>0 if nothing is known.</summary>
    public long Position { get; private set; }

    public static HighWater Open(string folder) => new(new(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0), canRise: true);

    /// <summary>To look alone; null if there is none, as in a backup.</summary>
    public static HighWater? OpenToRead(string folder) =>
        File.Exists(Path.Combine(folder, FileName)) ? new(new(Path.Combine(folder, FileName), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0), canRise: false) : null;

    public void ThrowIfAbove(long last, string journal)
    {
        if (Position <= last) return;
        throw new JournalDamaged(journal, $"it ends at flush {last}, and flush {Position} was acknowledged: '{Path.GetFileName(journal)}-wal' was damaged, truncated or deleted. To go on without the flushes after {last}, which are lost, delete '{file.Name}' and start again");
    }

    public void Rise(long position)
    {
        if (position == Position) return;
        Store(position);
        Position = position;
    }

    public void Dispose() => file.Dispose();

    private void Store(long position)
    {
        BinaryPrimitives.WriteInt64LittleEndian(bytes, position);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), ~position);
        RandomAccess.Write(file.SafeFileHandle, bytes, 0);
    }
}
