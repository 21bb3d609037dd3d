using System.Diagnostics;
using System.Globalization;
using Campaigns.Grains;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Stock;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Report;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Microsoft.Extensions.Logging.Abstractions;
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
/// whatever else is stored beside them. Each measurement is made in turn with one of a fresh journal that holds nothing else: a machine that
/// slows down meanwhile slows both.
/// </summary>
/// <param name="parent">where a folder for the journals is made and deleted</param>
/// <param name="say">hears of each step</param>
internal sealed class GrowthBench(GrowthPlan plan, string parent, Action<string> say)
{
    private const double RatioMin = 0.8;

    // What a measurement adds to the journal, at a rate that nobody has seen yet.
    private const double BytesPerMeasuredSecond = 300e6;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

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
            await Beside(folder, stop); // the first of all is of code that was not compiled yet
            var (bases, points) = (new List<GrowthPoint>(), new List<GrowthPoint>());
            foreach (var size in plan.Sizes) points.Add(await Measure(folder, size, bases, stop));
            Curve = new(Median(GrowthSize.Base, bases, []), points);
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
        var here = Path.Combine(folder, "grown");
        var disk = await Write(here, size, stop);
        var (rounds, besides) = (new List<GrowthPoint>(), new List<GrowthPoint>());
        for (var round = 0; round < plan.Rounds; round++)
        {
            besides.Add(await Beside(folder, stop));
            rounds.Add(await Round(here, size, disk, stop));
        }

        Directory.Delete(here, recursive: true);
        bases.AddRange(besides);
        var point = Median(size, rounds, besides);
        say(string.Create(CultureInfo.InvariantCulture, $"{size.Name}: {point.PerSecond:N0} /s beside {point.BasePerSecond:N0} /s; start {point.StartMs:N0} ms, {GrowthSize.Base.Grains:N0} awake after another {point.WakeMs:N0} ms with {point.HeapMegabytes:N0} MB"));
        return point;
    }

    private async Task<GrowthPoint> Beside(string folder, CancellationToken stop)
    {
        var here = Path.Combine(folder, "base");
        await StockedJournal.Write(here, GrowthSize.Base, _ => { }, stop);
        var point = await Round(here, GrowthSize.Base, Megabytes(here), stop);
        Directory.Delete(here, recursive: true);
        return point;
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

    private async Task<GrowthPoint> Round(string folder, GrowthSize size, double disk, CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        await using var journal = SqliteJournal.Open(folder);
        await using var engine = new LocalEngine(journal, Mechanics.Grains, [], new ProductClock(), new(), NullLogger<LocalEngine>.Instance);
        await engine.Start();

        // Spread over all that is stored: their rows are neighbours of others that nobody uses.
        var used = Enumerable.Range(0, (int)GrowthSize.Base.Grains).Select(i => StockedJournal.Stock(i * (size.Grains / GrowthSize.Base.Grains))).ToArray();
        await Reserved(engine, used[..1]);
        var started = watch.Elapsed;
        var reserved = await Reserved(engine, used);
        var awake = watch.Elapsed - started;
        var heap = EngineBench.Heap();

        var rate = await EngineBench.ClosedLoop(plan.Callers, WarmUp, plan.Duration, async (_, stopping) =>
        {
            var (chance, decisions) = (new Random(), 0L);
            for (; !stopping() && !stop.IsCancellationRequested; decisions += 2)
            {
                var (stock, order) = (used[chance.Next(used.Length)], Guid.NewGuid());
                EngineBench.Must(await engine.Ask(stock, new HoldStock(order, null, 1)));
                EngineBench.Must(await engine.Ask(stock, new ReleaseStock(order)));
            }

            return decisions;
        });
        stop.ThrowIfCancellationRequested();
        if (await Reserved(engine, used) is var left && left != reserved) throw new WrongBooksException($"The books are wrong: {reserved} units were held before and {left} are now.");
        return new(size, rate, 0, started.TotalMilliseconds, awake.TotalMilliseconds, heap / 1e6, disk);
    }

    /// <summary>The units held in all of them, which wakes those that are not in memory.</summary>
    private async Task<long> Reserved(LocalEngine engine, GrainId[] stocks)
    {
        var (next, reserved) = (-1, 0L);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(plan.Callers, stocks.Length)).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < stocks.Length;)
                Interlocked.Add(ref reserved, EngineBench.Must(await engine.Ask(stocks[i], new GetSku())).Stock.Reserved);
        })));
        return reserved;
    }

    private static GrowthPoint Median(GrowthSize size, IReadOnlyList<GrowthPoint> rounds, IReadOnlyList<GrowthPoint> besides)
    {
        return new(size, Of(rounds, r => r.PerSecond), Of(besides, b => b.PerSecond), Of(rounds, r => r.StartMs), Of(rounds, r => r.WakeMs), Of(rounds, r => r.HeapMegabytes), Of(rounds, r => r.DiskMegabytes));

        static double Of(IReadOnlyList<GrowthPoint> of, Func<GrowthPoint, double> value) => Trend.Median([.. of.Select(value)]);
    }

    private static double Megabytes(string folder) => new DirectoryInfo(folder).GetFiles("journal.db*").Sum(f => f.Length) / 1e6;
}
