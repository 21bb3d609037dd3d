using System.Globalization;

namespace Campaigns.LoadTests.Fuzz;

/// <summary>How often an operation was asked, and what it answered.</summary>
internal sealed class Reached
{
    public SortedDictionary<int, int> Statuses { get; } = [];

    public int Asked => Statuses.Values.Sum();

    public int Succeeded => Statuses.Where(s => s.Key is >= 200 and < 300).Sum(s => s.Value);
}

/// <summary>How a run ended.</summary>
/// <param name="Unexplained">refused requests with a write at the same time that did not happen again: a deadline, or something to look at</param>
internal sealed record FuzzReport(
    int Seed, int Requests, IReadOnlyList<string> Findings, IReadOnlyList<string> Unexplained, IReadOnlyDictionary<string, Reached> Operations, long MemoryBefore, long MemoryAfter, double SlowestMilliseconds, TimeSpan Took)
{
    public IEnumerable<string> NeverReached => Operations.Where(o => o.Value.Succeeded == 0).Select(o => o.Key);

    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"Seed {Seed}: {Requests} requests in {Took.TotalSeconds:0} seconds, {Operations.Values.Sum(o => o.Succeeded)} successes, {Findings.Count} findings, {Unexplained.Count} unexplained writes, slowest answer {SlowestMilliseconds:0} ms, resident memory {MemoryBefore >> 20} MiB before and {MemoryAfter >> 20} MiB after.");

    /// <summary>Each operation with its statuses.</summary>
    public IEnumerable<string> Table => Operations.OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => $"{o.Key,-60} {string.Join("  ", o.Value.Statuses.Select(s => $"{s.Key}: {s.Value}"))}");
}
