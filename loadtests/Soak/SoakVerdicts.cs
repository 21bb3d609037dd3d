using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.Soak;

/// <summary>Whether something grew, judged by medians and slopes: single samples may be wild.</summary>
internal static class SoakVerdicts
{
    public const double MemorySlopeMaxMegabytesPerHour = 100;
    public const double LatencyTimesMax = 2;
    public const double LatencySlackMs = 2;
    public const double QueueTimesMax = 1.5;
    public const double QueueSlack = 100;
    public const double WalTimesMax = 1.5;
    public const double WalSlackMb = 64;
    public const double FailedShareMaxPercent = 0.1;

    /// <summary>A grain stays in memory for five minutes after its last use, so memory grows until then, and for that long nothing can be said.</summary>
    public static readonly TimeSpan MemoryJudgedFrom = TimeSpan.FromMinutes(15);

    /// <param name="samples">in order of time</param>
    public static List<Figure> Of(IReadOnlyList<SoakSample> samples)
    {
        if (samples.Count == 0) return [];
        var (first, last, twoThirds) = (samples.Take((samples.Count + 2) / 3).ToList(), samples.Skip(samples.Count * 2 / 3).ToList(), samples.Skip(samples.Count / 3).ToList());
        return
        [
            Memory("working set, slope of the last two thirds", s => s.WorkingSetMb),
            Memory("managed memory, slope of the last two thirds", s => s.HeapMb),
            Latency("p50 of the last third", s => s.P50Ms),
            Latency("p99 of the last third", s => s.P99Ms),
            Queue("HTTP requests worked on", s => s.InFlight),
            Queue("commands queued", s => s.Queued),
            Queue("messages on their way", s => s.Messages),
            Queue("flushes that lists lag behind", s => s.LagFlushes),
            Figure.AtMost("soak", "journal's log, largest of the last third", last.Max(s => s.WalMb), "MB", Math.Max(WalTimesMax * first.Max(s => s.WalMb), first.Max(s => s.WalMb) + WalSlackMb)),
        ];

        Figure Memory(string name, Func<SoakSample, double> value)
        {
            var slope = Trend.Slope([.. twoThirds.Select(s => new Point(s.At / 3_600, value(s)))]);
            return samples[^1].At >= MemoryJudgedFrom.TotalSeconds ? Figure.AtMost("soak", name, slope, "MB/h", MemorySlopeMaxMegabytesPerHour) : Figure.Shown("soak", $"{name} (not judged before {MemoryJudgedFrom.TotalMinutes} minutes)", slope, "MB/h");
        }

        Figure Latency(string name, Func<SoakSample, double> value)
        {
            var before = Trend.Median([.. first.Select(value)]);
            return Grown(name, value, before, "ms", Math.Max(LatencyTimesMax * before, before + LatencySlackMs));
        }

        Figure Queue(string name, Func<SoakSample, double> value)
        {
            var before = Trend.Median([.. first.Select(value)]);
            return Grown($"{name}, last third", value, before, "", Math.Max(QueueTimesMax * before, before + QueueSlack));
        }

        Figure Grown(string name, Func<SoakSample, double> value, double before, string unit, double most)
        {
            var now = Trend.Median([.. last.Select(value)]);
            return Figure.AtMost("soak", name, now, unit, most) with { Peer = before, PeerName = "first third", Ratio = before == 0 ? null : now / before };
        }
    }
}
