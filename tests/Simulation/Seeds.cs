using System.Collections.Concurrent;

namespace Campaigns.Simulation;

/// <summary>What many seeds came to.</summary>
internal sealed class Seeds
{
    private readonly ConcurrentDictionary<string, long> facts = new(StringComparer.Ordinal);
    private long played;
    private long steps;
    private long crashes;
    private long stops;
    private long compared;

    public long Played => Interlocked.Read(ref played);

    public long Steps => steps;

    public long Crashes => crashes;

    public long Stops => stops;

    public long Compared => compared;

    /// <summary>How often each kind of fact was recorded: what was never recorded was never tested.</summary>
    public IReadOnlyDictionary<string, long> Facts => facts;

    /// <summary>The seeds that broke a promise, with the promise.</summary>
    public ConcurrentQueue<(long Seed, string Violation)> Failed { get; } = new();

    /// <summary>Plays seeds on all cores until all are played, time is over, or enough have failed.</summary>
    public void Play(long first, long count, CancellationToken stop, int failuresMax = 10) =>
        Parallel.For(first, first + count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, (seed, loop) =>
        {
            if (stop.IsCancellationRequested || Failed.Count >= failuresMax) loop.Stop();
            else Add(seed);
        });

    /// <summary>The first violation among some seeds, as text; null if there is none. Called by name in a copy of the product with a law broken.</summary>
    internal static string? FirstViolation(long first, int count)
    {
        for (var seed = first; seed < first + count; seed++)
        {
            using var world = new World(seed);
            if (world.Play().Violation is { } violation) return $"seed {seed}: {violation}";
        }

        return null;
    }

    private void Add(long seed)
    {
        using var world = new World(seed).Play();
        if (world.Violation is { } violation) Failed.Enqueue((world.Seed, violation));
        foreach (var (name, count) in world.Disk.Facts) facts.AddOrUpdate(name, count, (_, known) => known + count);
        Interlocked.Increment(ref played);
        Interlocked.Add(ref steps, world.Steps);
        Interlocked.Add(ref crashes, world.Crashes);
        Interlocked.Add(ref stops, world.Stops);
        Interlocked.Add(ref compared, world.Disk.Compared);
    }
}
