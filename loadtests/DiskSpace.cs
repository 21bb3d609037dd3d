using System.Globalization;

namespace Campaigns.LoadTests;

/// <summary>Room on the disk, looked at before a run that would fill it.</summary>
internal static class DiskSpace
{
    /// <summary>What must stay free for everybody else on the machine.</summary>
    private const long Spare = 1L << 30;

    /// <summary>Why the run cannot be made in that folder; null if it can.</summary>
    public static string? WhyNot(string folder, double bytes)
    {
        var there = new DirectoryInfo(folder);
        while (there is { Exists: false, Parent: { } parent }) there = parent;
        var free = new DriveInfo(there.FullName).AvailableFreeSpace - Spare;
        return bytes <= free ? null : string.Create(CultureInfo.InvariantCulture, $"The run needs about {bytes / 1e9:0.0} GB in '{folder}' and {Math.Max(0, free) / 1e9:0.0} GB are free there. Make it smaller, or name another disk with --folder.");
    }
}
