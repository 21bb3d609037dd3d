using System.Security.Cryptography;

namespace Campaigns.ApiFrontend;

/// <summary>Secrets live in files that only their owner can read, never in configuration or logs.</summary>
internal static class SecretFiles
{
    public static byte[] ReadOrMake(string file, int bytes)
    {
        if (File.Exists(file)) return Convert.FromBase64String(File.ReadAllText(file));
        var secret = RandomNumberGenerator.GetBytes(bytes);
        Write(file, Convert.ToBase64String(secret));
        return secret;
    }

    /// <summary>Written beside and moved into place: a crash leaves the old file or none, never half a secret.</summary>
    public static void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var fresh = file + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(fresh, options))
        using (var writer = new StreamWriter(stream))
        {
            writer.Write(text);
            writer.Flush();
            stream.Flush(flushToDisk: true);
        }

        File.Move(fresh, file, overwrite: true);
    }
}
