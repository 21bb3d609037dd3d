using System.Globalization;

namespace Campaigns.LoadTests;

/// <summary>What processes have used of the processors, as Linux counts it.</summary>
internal static class ProcessorTime
{
    private const double TicksPerSecond = 100; // USER_HZ: the same on every Linux

    /// <summary>Seconds that a process, its children and those of its children that have ended have used.</summary>
    public static double OfTree(int id)
    {
        var ticks = 0L;
        foreach (var folder in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var process) || Fields(process) is not { } fields) continue;
            if (process == id) ticks += Sum(fields, 11..15); // with those of its children that have ended
            else if (int.Parse(fields[1], CultureInfo.InvariantCulture) == id) ticks += Sum(fields, 11..13);
        }

        return ticks / TicksPerSecond;
    }

    /// <summary>Seconds that those children of this process have used that have ended.</summary>
    public static double OfEndedChildren() => Sum(Fields(Environment.ProcessId)!, 13..15) / TicksPerSecond;

    // From the state on: what comes before is the name, which may hold anything. A process may end while it is read.
    private static string[]? Fields(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static long Sum(string[] fields, Range range) => fields[range].Sum(f => long.Parse(f, CultureInfo.InvariantCulture));
}
