using System.Security.Cryptography;
using System.Text.Json;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Silo.Journal;

namespace Campaigns.ApiFrontend.Backups;

/// <summary>What a backup holds; written last, so a folder without it is no backup.</summary>
/// <param name="Format">of this file and of what lies beside it</param>
/// <param name="Position">the newest flush of the journal</param>
internal sealed record BackupManifest(int Format, long Position, DateTimeOffset TakenAt, IReadOnlyList<BackupFile> Files)
{
    public const int FormatNow = 1;

    public const string FileName = "backup.json";
}

/// <param name="Name">the path in the folder, with <c>/</c></param>
internal sealed record BackupFile(string Name, long Bytes, string Sha256);

/// <summary>
/// A copy of a data folder: the journal, the keys and the clock's offset. The read models are made again from the journal and not copied.
/// </summary>
/// <remarks>Files are written under another name, flushed to the disk and moved into place. They are their owner's alone to read: they hold secrets and people's names.</remarks>
internal static class Backup
{
    public const string Journal = "journal.db";

    private const string Keys = "keys";
    private const string Clock = "clock-offset-seconds";
    private const string Partial = ".partial";

    /// <summary>Copies a data folder while its process runs.</summary>
    /// <param name="data">the data folder</param>
    /// <param name="to">a folder that does not exist or is empty</param>
    /// <param name="now">the time to write into the manifest</param>
    /// <exception cref="IOException">there is no journal, the target is not empty, or a file cannot be read or written</exception>
    public static BackupManifest Take(string data, string to, DateTimeOffset now, CancellationToken cancellation)
    {
        if (!File.Exists(Path.Combine(data, Journal))) throw new IOException($"There is no journal in '{data}'. Name the data folder with --data.");
        ThrowIfNotEmpty(to);
        MakeFolder(to);

        var copy = Path.Combine(to, Journal);
        JournalCopy.Write(Path.Combine(data, Journal), copy + Partial, cancellation);
        SetMode(copy + Partial);
        File.Move(copy + Partial, copy);

        // After the journal: the clock is stored before anything is decided by it, so it may be ahead of the journal and never behind.
        List<string> names = [Journal];
        foreach (var name in Others(data))
        {
            CopyFile(Path.Combine(data, name), Path.Combine(to, name), cancellation);
            names.Add(name);
        }

        var manifest = new BackupManifest(BackupManifest.FormatNow, JournalCopy.PositionOf(copy), now, [.. names.Select(n => Describe(to, n))]);
        WriteFile(Path.Combine(to, BackupManifest.FileName), stream => JsonSerializer.Serialize(stream, manifest, Api.Json));
        return manifest;
    }

    /// <summary>Makes a data folder of a backup. What stops on the way leaves a folder beside it that nothing starts from.</summary>
    /// <param name="from">a folder that <see cref="Take"/> has made</param>
    /// <param name="data">a folder that does not exist or is empty</param>
    /// <exception cref="IOException">the backup is not whole, the target is not empty, or a file cannot be written</exception>
    public static BackupManifest Restore(string from, string data, CancellationToken cancellation)
    {
        var manifest = ReadManifest(from);
        ThrowIfNotEmpty(data);
        foreach (var file in manifest.Files)
        {
            cancellation.ThrowIfCancellationRequested();
            Verify(from, file);
        }

        JournalCopy.Verify(Path.Combine(from, Journal));
        if (JournalCopy.PositionOf(Path.Combine(from, Journal)) is var position && position != manifest.Position)
            throw new IOException($"The backup in '{from}' is not whole: its journal ends at flush {position}, its manifest says {manifest.Position}.");

        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(data));
        var half = folder + Partial;
        if (Directory.Exists(half)) throw new IOException($"'{half}' is left of a restore that was interrupted. Delete it and restore again.");
        MakeFolder(half);
        foreach (var file in manifest.Files) CopyFile(Path.Combine(from, file.Name), Path.Combine(half, file.Name), cancellation);

        // The copies are read again: what was written is what was verified, or nothing is put into place.
        foreach (var file in manifest.Files) Verify(half, file);
        if (Directory.Exists(folder)) Directory.Delete(folder);
        Directory.Move(half, folder);
        return manifest;
    }

    private static BackupManifest ReadManifest(string from)
    {
        var file = Path.Combine(from, BackupManifest.FileName);
        if (!File.Exists(file)) throw new IOException($"There is no whole backup in '{from}': it has no {BackupManifest.FileName}.");
        BackupManifest? manifest;
        try
        {
            using var stream = File.OpenRead(file);
            manifest = JsonSerializer.Deserialize<BackupManifest>(stream, Api.Json);
        }
        catch (JsonException damage)
        {
            throw new IOException($"'{file}' cannot be read: {damage.Message}", damage);
        }

        if (manifest is null || manifest.Files?.Any(f => f.Name == Journal) != true) throw new IOException($"'{file}' names no journal.");
        if (manifest.Format > BackupManifest.FormatNow) throw new IOException($"'{file}' was written by a newer version (format {manifest.Format}; this one reads {BackupManifest.FormatNow}). Use the newer program.");
        foreach (var named in manifest.Files)
            if (named.Name != Journal && named.Name != Clock && !(named.Name.StartsWith(Keys + "/", StringComparison.Ordinal) && !named.Name.Contains("..", StringComparison.Ordinal))) throw new IOException($"'{file}' names '{named.Name}', which is no file of a data folder.");
        return manifest;
    }

    private static void Verify(string folder, BackupFile expected)
    {
        if (!File.Exists(Path.Combine(folder, expected.Name))) throw new IOException($"The backup in '{folder}' is not whole: {expected.Name} is missing.");
        var found = Describe(folder, expected.Name);
        if (found.Bytes != expected.Bytes) throw new IOException($"The backup in '{folder}' is damaged: {expected.Name} has {found.Bytes} bytes, and had {expected.Bytes}.");
        if (found.Sha256 != expected.Sha256) throw new IOException($"The backup in '{folder}' is damaged: the SHA-256 of {expected.Name} is {found.Sha256}, and was {expected.Sha256}.");
    }

    private static BackupFile Describe(string folder, string name)
    {
        using var stream = File.OpenRead(Path.Combine(folder, name));
        return new(name, stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }

    private static IEnumerable<string> Others(string data)
    {
        if (File.Exists(Path.Combine(data, Clock))) yield return Clock;
        var keys = Path.Combine(data, Keys);
        if (!Directory.Exists(keys)) yield break;
        foreach (var key in Directory.EnumerateFiles(keys, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            if (!key.EndsWith(".new", StringComparison.Ordinal)) yield return Path.GetRelativePath(data, key).Replace('\\', '/');
    }

    private static void ThrowIfNotEmpty(string folder)
    {
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
            throw new IOException($"'{folder}' is not empty. Name a folder that does not exist yet.");
    }

    private static void CopyFile(string from, string to, CancellationToken cancellation)
    {
        MakeFolder(Path.GetDirectoryName(to)!);
        WriteFile(to, stream =>
        {
            using var source = File.OpenRead(from);
            var buffer = new byte[1 << 20];
            for (int read; (read = source.Read(buffer)) > 0;)
            {
                cancellation.ThrowIfCancellationRequested();
                stream.Write(buffer, 0, read);
            }
        });
    }

    private static void WriteFile(string file, Action<FileStream> write)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(file + Partial, options))
        {
            write(stream);
            stream.Flush(flushToDisk: true);
        }

        File.Move(file + Partial, file);
    }

    private static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static void SetMode(string file)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
