using System.Collections.Concurrent;

namespace Campaigns.LoadTests.Crash;

/// <summary>What can be wrong after a crash.</summary>
internal enum Wrong
{
    /// <summary>Something acknowledged is not there, or not the same.</summary>
    Lost,

    /// <summary>One act had two effects, or one that nobody asked for.</summary>
    Doubled,

    /// <summary>A quota, a place or a unit of stock is neither used nor free.</summary>
    Leaked,

    /// <summary>A deadline was not handled by itself after the start.</summary>
    Late,

    Other,
}

/// <summary>Everything that was found wrong, each thing once; the first ones with their words.</summary>
internal sealed class Findings
{
    private const int WordsMax = 50;

    private readonly ConcurrentDictionary<string, Wrong> found = new(StringComparer.Ordinal);

    public bool IsEmpty => found.IsEmpty;

    public IEnumerable<string> Words => found.OrderBy(f => f.Value).Take(WordsMax).Select(f => $"{f.Value}: {f.Key}");

    public void Add(Wrong what, string words) => found.TryAdd(words, what);

    public void AddAll(Findings others)
    {
        foreach (var (words, what) in others.found) Add(what, words);
    }

    public int Count(Wrong what) => found.Count(f => f.Value == what);
}
