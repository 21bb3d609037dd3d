using System.Globalization;

namespace Campaigns.LoadTests;

/// <summary>
/// What a .NET process holds of the memory outside its managed heap: code, SQLite's pages, what the C library keeps. The runtime's own figures
/// do not say it: what the collector has freed and not given back yet is in none of them.
/// </summary>
internal sealed class OutsideMemory
{
    // The collector reserves more addresses in one piece than there is memory, and uses few of them.
    private const long HeapAddressesMin = 16L << 30;

    private readonly Func<IEnumerable<string>> smaps;
    private readonly (long Start, long End) heap;

    /// <param name="smaps">as Linux writes them: <c>start-end rights offset device file name</c>, and then lines about that range</param>
    /// <exception cref="InvalidDataException">nothing in it looks like the heap of a collector</exception>
    public OutsideMemory(Func<IEnumerable<string>> smaps)
    {
        this.smaps = smaps;
        var piece = heap;
        foreach (var (start, end, isNamed, _) in Ranges())
        {
            if (isNamed) continue;
            piece = start <= piece.End ? (piece.Start, end) : (start, end); // before it: the range has grown since it was read
            if (piece.End - piece.Start > heap.End - heap.Start) heap = piece;
        }

        if (heap.End - heap.Start < HeapAddressesMin) throw new InvalidDataException("The memory of the server shows no managed heap: this needs Linux, and .NET's usual collector.");
    }

    /// <exception cref="InvalidDataException">it is no .NET process</exception>
    /// <exception cref="IOException">it has ended, or this is not Linux</exception>
    public static OutsideMemory Of(int process) => new(() => File.ReadLines($"/proc/{process}/smaps"));

    /// <returns>bytes</returns>
    /// <exception cref="IOException">the process has ended</exception>
    public long Read() => Ranges().Where(r => r.IsNamed || r.End <= heap.Start || r.Start >= heap.End).Sum(r => r.Bytes);

    private IEnumerable<(long Start, long End, bool IsNamed, long Bytes)> Ranges()
    {
        var (start, end, isNamed) = (0L, 0L, true);
        foreach (var line in smaps())
        {
            if (line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                yield return (start, end, isNamed, long.Parse(line.AsSpan(4, line.Length - 4 - " kB".Length).Trim(), CultureInfo.InvariantCulture) << 10);
            }
            else if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var range, { Length: 4 }, _, _, var file, .. var name])
            {
                var ends = range.Split('-');
                (start, end, isNamed) = (Address(ends[0]), Address(ends[1]), file != "0" || name is not []);
            }
        }
    }

    private static long Address(string hex) => long.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
