using System.Diagnostics;

namespace Campaigns.Tests.Kit;

/// <summary>A file system of a few megabytes in memory. Mounting one needs root.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string folder) => Folder = folder;

    public string Folder { get; }

    /// <returns>null if this user may not mount</returns>
    public static SmallDisk? TryMount(int sizeMegabytes)
    {
        var folder = Directory.CreateTempSubdirectory("campaigns-disk-").FullName;
        if (OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", $"size={sizeMegabytes}m", "tmpfs", folder)) return new(folder);
        Directory.Delete(folder);
        return null;
    }

    public void Grow(int sizeMegabytes) => Assert.True(Run("mount", "-o", $"remount,size={sizeMegabytes}m", Folder));

    public void Dispose()
    {
        if (Run("umount", "--lazy", Folder)) Directory.Delete(Folder);
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // no such program
        }
    }
}
