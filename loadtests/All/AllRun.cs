using System.Diagnostics;
using System.Globalization;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Flash;
using Campaigns.LoadTests.Growth;
using Campaigns.LoadTests.Http;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.All;

/// <summary>Goals P1–P8, one part after another so that none shares the cores with the next. A part that fails says so in the table; the others still run. Interrupted, it begins no other part.</summary>
/// <param name="goals">those that are measured</param>
/// <param name="program">the server whose cold start is measured; null for the one built beside this program</param>
internal sealed class AllRun(IReadOnlySet<string> goals, AllSize size, bool withPeers, string? program, Action<string> say)
{
    private const int Seed = 7;
    private const double Skew = 1;
    private static readonly TimeSpan PartMax = TimeSpan.FromMinutes(15);

    private readonly List<Figure> figures = [];
    private readonly List<Series> charts = [];
    private readonly TimeSpan duration = TimeSpan.FromSeconds(size.Seconds);

    /// <summary>By goal.</summary>
    public IReadOnlyList<Figure> Figures => [.. figures.OrderBy(f => f.Goal, StringComparer.Ordinal)];

    public IReadOnlyList<Series> Charts => charts;

    /// <summary>What does not add up in the books of any part. Speed is no finding.</summary>
    public Findings Findings { get; } = new();

    /// <summary>False if a part could not be measured.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>True if goals were not measured because the run was told to stop.</summary>
    public bool IsInterrupted { get; private set; }

    public async Task Play(CancellationToken stop)
    {
        // Memory first, before the process has used any: what others leave on the heap goes just while this is measured.
        await Part(["P6"], Engine, stop);
        await Part(["P1"], Engine, stop);
        await Part(["P2", "P7"], Engine, stop);
        await Part(["P3", "P4"], Http, stop);
        await Part(["P5"], Flash, stop);
        await Part(["P8"], Growth, stop);
    }

    /// <summary>Runs it if any of its goals is wanted.</summary>
    /// <param name="run">is given those that are</param>
    internal async Task Part(string[] of, Func<IReadOnlySet<string>, CancellationToken, Task<IReadOnlyList<Figure>>> run, CancellationToken stop)
    {
        var wanted = of.Where(goals.Contains).ToHashSet(StringComparer.Ordinal);
        if (wanted.Count == 0) return;
        if (stop.IsCancellationRequested)
        {
            Interrupt();
            return;
        }

        var name = string.Join(", ", wanted);
        say($"== {name}");
        var watch = Stopwatch.StartNew();
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(stop);
        bounded.CancelAfter(PartMax);
        try
        {
            var measured = await run(wanted, bounded.Token);
            if (stop.IsCancellationRequested) Interrupt(); // the loops end early, and their figures say nothing
            else figures.AddRange(measured.Where(f => wanted.Contains(f.Goal)));
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            Interrupt(); // whatever it was: the same Ctrl-C may have ended the server
        }
        catch (WrongBooksException wrong)
        {
            Findings.Add(Wrong.Other, $"{name}: {wrong.Message}");
            Fail(wrong.Message);
        }
        catch (Exception failed)
        {
            Fail(bounded.IsCancellationRequested ? string.Create(CultureInfo.InvariantCulture, $"not done after {PartMax.TotalMinutes} minutes") : failed.Message);
        }

        say(string.Create(CultureInfo.InvariantCulture, $"== {name}: {watch.Elapsed.TotalSeconds:0} s"));

        void Interrupt()
        {
            IsInterrupted = true;
            Fail("interrupted");
        }

        void Fail(string reason)
        {
            IsWhole = false;
            figures.AddRange(wanted.Select(goal => Figure.Missing(goal, reason)));
        }
    }

    private async Task<IReadOnlyList<Figure>> Engine(IReadOnlySet<string> wanted, CancellationToken stop) =>
        await new EngineBench(duration, EngineBench.CallersUsual, wanted, program, say).Run(withPeers, stop);

    private async Task<IReadOnlyList<Figure>> Http(IReadOnlySet<string> wanted, CancellationToken stop)
    {
        var bench = new HttpBench(new(size.Seconds, size.Connections, size.Running, Skew, Seed, Url: null, withPeers && wanted.Contains("P3"), CompareWrk: false), say);
        try
        {
            return await bench.Run(stop);
        }
        finally
        {
            if (!stop.IsCancellationRequested)
            {
                Findings.AddAll(bench.Findings);
                charts.AddRange(bench.Draw());
            }
        }
    }

    private async Task<IReadOnlyList<Figure>> Flash(IReadOnlySet<string> wanted, CancellationToken stop)
    {
        using var run = new FlashRun(size.Buyers, size.Units, Seed, FlashRun.ConnectionsUsual, Console.Error);
        try
        {
            return (await run.Play(stop)).Figures(size.Buyers, size.Units);
        }
        finally
        {
            if (!stop.IsCancellationRequested) Findings.AddAll(run.Findings);
        }
    }

    private async Task<IReadOnlyList<Figure>> Growth(IReadOnlySet<string> wanted, CancellationToken stop)
    {
        var plan = new GrowthPlan(GrowthPlan.Points(GrowthPlan.GrainsFirst, size.Grains), GrowthPlan.Points(GrowthPlan.EventsFirst, size.Events), duration, size.Rounds, EngineBench.CallersUsual);
        var bench = new GrowthBench(plan, Path.GetTempPath(), say);
        if (bench.WhyNot is { } reason) throw new IOException(reason);
        var measured = await bench.Run(stop);
        if (!stop.IsCancellationRequested) charts.AddRange(bench.Curve.Draw());
        return measured;
    }
}
