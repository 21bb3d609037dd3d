using System.Diagnostics;
using System.Globalization;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Report;
using Spectre.Console;

namespace Campaigns.LoadTests.Growth;

/// <param name="Grains">stored at each point of the one curve</param>
/// <param name="Events">in the journal at each point of the other</param>
/// <param name="Duration">of each measurement, after a warm-up</param>
/// <param name="Rounds">measurements at each point</param>
internal sealed record GrowthPlan(IReadOnlyList<long> Grains, IReadOnlyList<long> Events, TimeSpan Duration, int Rounds, int Callers)
{
    public const long GrainsMin = 10_000; // those that are used
    public const long GrainsFirst = 100_000;
    public const long GrainsMax = 10_000_000;
    public const long EventsMin = 100_000;
    public const long EventsFirst = 1_000_000;
    public const long EventsMax = 1_000_000_000;

    public IEnumerable<GrowthSize> Sizes => [.. Grains.Select(GrowthSize.OfGrains), .. Events.Select(GrowthSize.OfEvents)];

    /// <summary>From the first on ten times as much each time, and the last.</summary>
    public static IReadOnlyList<long> Points(long first, long last)
    {
        var points = new List<long>();
        for (var point = first; point < last; point *= 10) points.Add(point);
        if (last > 0) points.Add(last);
        return points;
    }
}

/// <summary>
/// Goal P8: holds and releases over the same 10,000 stocks by the engine over a real SQLite journal with <c>synchronous=FULL</c>, closed loop,
/// whatever else is stored beside them. Each measurement is made slice by slice in turn with one of a fresh journal that holds nothing else:
/// a machine that slows down meanwhile slows both.
/// </summary>
/// <param name="parent">where a folder for the journals is made and deleted</param>
/// <param name="say">hears of each step</param>
internal sealed class GrowthBench(GrowthPlan plan, string parent, Action<string> say)
{
    private const double RatioMin = 0.8;

    // What a measurement adds to the journal, at a rate that nobody has seen yet.
    private const double BytesPerMeasuredSecond = 300e6;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(0.5);

    private long empty; // the heap without an engine

    /// <summary>What a run found at each size, for a report.</summary>
    public GrowthCurve Curve { get; private set; } = new(new(GrowthSize.Base, 0, 0, 0, 0, 0, 0), []);

    /// <summary>Why there is no room for it; null if there is.</summary>
    public string? WhyNot => DiskSpace.WhyNot(parent, plan.Sizes.Select(s => s.Events * StockedJournal.BytesPerEvent + s.Grains * StockedJournal.BytesPerGrain).DefaultIfEmpty().Max() + (plan.Rounds + 1) * (plan.Duration + WarmUp).TotalSeconds * BytesPerMeasuredSecond);

    /// <exception cref="WrongBooksException">the books are wrong afterwards</exception>
    public async Task<List<Figure>> Run(CancellationToken stop)
    {
        var folder = Directory.CreateDirectory(Path.Combine(parent, $"campaigns-growth-{Guid.NewGuid():N}")).FullName;
        try
        {
            empty = EngineBench.Heap();
            var (bases, points) = (new List<GrowthPoint>(), new List<GrowthPoint>());
            foreach (var size in plan.Sizes) points.Add(await Measure(folder, size, bases, stop));
            Curve = new(Middle(GrowthSize.Base, bases), points);
            return [.. points.SelectMany(Figures)];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private IEnumerable<Figure> Figures(GrowthPoint point)
    {
        yield return Figure.Against("P8", $"throughput at {point.Size.Name}", point.PerSecond, "/s", point.BasePerSecond, GrowthSize.Base.Name, RatioMin);
        yield return Figure.Shown("P8", $"start at {point.Size.Name}, to the first answer", point.StartMs, "ms", Curve.Base.StartMs, GrowthSize.Base.Name);
        yield return Figure.Shown("P8", $"first answers of {GrowthSize.Base.Grains:N0} stored among {point.Size.Name}", point.WakeMs, "ms", Curve.Base.WakeMs, GrowthSize.Base.Name);
        yield return Figure.Shown("P8", $"managed memory at {point.Size.Name}, {GrowthSize.Base.Grains:N0} awake", point.HeapMegabytes, "MB", Curve.Base.HeapMegabytes, GrowthSize.Base.Name);
    }

    private async Task<GrowthPoint> Measure(string folder, GrowthSize size, List<GrowthPoint> bases, CancellationToken stop)
    {
        var (here, beside) = (Path.Combine(folder, "grown"), Path.Combine(folder, "base"));
        var disk = await Write(here, size, stop);
        var rounds = new List<GrowthPoint>();
        for (var round = 0; round < plan.Rounds; round++)
        {
            await StockedJournal.Write(beside, GrowthSize.Base, _ => { }, stop);
            var (grown, fresh) = await Round(here, size, disk, beside, stop);
            rounds.Add(grown);
            bases.Add(fresh);
            Directory.Delete(beside, recursive: true);
        }

        Directory.Delete(here, recursive: true);
        var point = Middle(size, rounds);
        say(string.Create(CultureInfo.InvariantCulture, $"{size.Name}: {point.PerSecond:N0} /s beside {point.BasePerSecond:N0} /s; start {point.StartMs:N0} ms, {GrowthSize.Base.Grains:N0} awake after another {point.WakeMs:N0} ms with {point.HeapMegabytes:N0} MB"));
        return point;
    }

    // A slice of one, a slice of the other: whoever else uses the machine takes from both alike.
    private async Task<(GrowthPoint Grown, GrowthPoint Base)> Round(string folder, GrowthSize size, double disk, string beside, CancellationToken stop)
    {
        var before = Megabytes(beside);
        await using var fresh = await OpenedJournal.Open(beside, GrowthSize.Base, plan.Callers);
        var freshHeap = EngineBench.Heap();
        await using var grown = await OpenedJournal.Open(folder, size, plan.Callers);
        var grownHeap = EngineBench.Heap() - freshHeap;
        await fresh.Decide(WarmUp, stop);
        await grown.Decide(WarmUp, stop);
        var (freshRate, grownRate, slices) = (0.0, 0.0, (int)Math.Ceiling(plan.Duration / Slice));
        for (var slice = 0; slice < slices; slice++)
        {
            freshRate += await fresh.Decide(Slice, stop) / slices;
            grownRate += await grown.Decide(Slice, stop) / slices;
        }

        stop.ThrowIfCancellationRequested();
        await fresh.CheckBooks();
        await grown.CheckBooks();
        return (
            new(size, grownRate, freshRate, grown.Start.TotalMilliseconds, grown.Wake.TotalMilliseconds, grownHeap / 1e6, disk),
            new(GrowthSize.Base, freshRate, freshRate, fresh.Start.TotalMilliseconds, fresh.Wake.TotalMilliseconds, (freshHeap - empty) / 1e6, before));
    }

    /// <returns>its size in MB</returns>
    private async Task<double> Write(string folder, GrowthSize size, CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        var console = AnsiConsole.Create(new() { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect, Interactive = Console.IsOutputRedirected ? InteractionSupport.No : InteractionSupport.Detect });
        await console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).StartAsync(progress =>
        {
            var task = progress.AddTask($"Writing {size.Name}", maxValue: size.Events);
            return Task.Run(() => StockedJournal.Write(folder, size, facts => task.Increment(facts), stop), stop);
        });
        var (took, disk) = (watch.Elapsed.TotalSeconds, Megabytes(folder));
        say(string.Create(CultureInfo.InvariantCulture, $"{size.Events:N0} events of {size.Grains:N0} grains written in {took:0.0} s, {size.Events / took:N0} /s; {disk:N0} MB, {disk * 1e6 / size.Events:0} bytes each with the states"));
        return disk;
    }

    // Rates are means, so that every slice counts; of the others one wild value must not.
    private static GrowthPoint Middle(GrowthSize size, List<GrowthPoint> rounds)
    {
        return new(size, rounds.Select(r => r.PerSecond).DefaultIfEmpty().Average(), rounds.Select(r => r.BasePerSecond).DefaultIfEmpty().Average(), Median(r => r.StartMs), Median(r => r.WakeMs), Median(r => r.HeapMegabytes), Median(r => r.DiskMegabytes));

        double Median(Func<GrowthPoint, double> value) => Trend.Median([.. rounds.Select(value)]);
    }

    private static double Megabytes(string folder) => new DirectoryInfo(folder).GetFiles("journal.db*").Sum(f => f.Length) / 1e6;
}
