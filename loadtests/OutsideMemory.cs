using System.Globalization;

namespace Campaigns.LoadTests;

/// <summary>
/// What a .NET process holds of the memory outside its managed heap: code, SQLite's pages, what the C library keeps. The runtime's own figures
/// do not say it: what the collector has freed and not given back yet is in none of them.
/// </summary>
internal static class OutsideMemory
{
    // The collector reserves more addresses in one piece than there is memory, and uses few of them.
    private const long HeapAddressesMin = 16L << 30;

    /// <returns>bytes; null if the heap was not seen in one piece, because the process got memory while it was looked at, or if there is no such process</returns>
    public static long? Of(int process)
    {
        try
        {
            return Of(File.ReadLines($"/proc/{process}/smaps"));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <param name="smaps">as Linux writes them: <c>start-end rights offset device file name</c>, and then lines about that range</param>
    public static long? Of(IEnumerable<string> smaps)
    {
        var (all, piece, heap) = (0L, (Start: 0L, End: 0L, Bytes: 0L), (long?)null);
        foreach (var line in smaps)
        {
            if (line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                var bytes = long.Parse(line.AsSpan(4, line.Length - 4 - " kB".Length).Trim(), CultureInfo.InvariantCulture) << 10;
                (all, piece.Bytes) = (all + bytes, piece.Bytes + bytes);
                if (piece.End - piece.Start >= HeapAddressesMin) heap = piece.Bytes;
            }
            else if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var range, { Length: 4 }, _, _, var file, .. var name])
            {
                var ends = range.Split('-');
                var (start, end) = (Address(ends[0]), Address(ends[1]));
                if (file != "0" || name is not []) piece = default;
                else if (start <= piece.End) piece.End = end; // before it: the range has grown since it was read
                else piece = (start, end, 0);
            }
        }

        return heap is { } inside ? all - inside : null;
    }

    private static long Address(string hex) => long.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
