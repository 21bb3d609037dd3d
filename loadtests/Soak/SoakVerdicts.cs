using System.Globalization;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.Soak;

/// <summary>
/// Whether something grew, judged by medians and slopes: single samples may be wild.
/// A grain leaves memory five minutes after its last use, so until then memory must grow: a run of <see cref="MemoryJudgedFrom"/> or longer is judged without
/// its first <see cref="Plateau"/>, and in a shorter one memory is shown and not judged. Answers that are remembered for a day are in the journal's file,
/// which therefore grows as long as the load lasts and is not judged either; its log is.
/// Latency and queues: the median over the windows of the last third beside that of the first. It has grown if it is both so many times the first and
/// more above it than a shared machine moves it by itself. Memory: the slope of the straight line over what is judged without the first third of the run, of what full collections
/// leave alive and of what is outside the managed heap. Between them lies what is dead and not collected yet, which moves the working set up and down by hundreds of megabytes: it is held
/// against the largest of the first third.
/// </summary>
internal static class SoakVerdicts
{
    public const double MemorySlopeMaxMegabytesPerHour = 100;

    /// <summary>A collection more or less moves the heap by so much: in a short run that alone is a steep slope.</summary>
    public const double MemorySlackMb = 32;

    public const double WorkingSetTimesMax = 1.25;
    public const double LatencyTimesMax = 2;
    public const double MedianSlackMs = 3;
    public const double P99SlackMs = 15;
    public const double QueueTimesMax = 1.5;
    public const double QueueSlack = 100;
    public const double WalTimesMax = 1.5;
    public const double WalSlackMb = 64;
    public const double FailedShareMaxPercent = 0.1;

    public static readonly TimeSpan Plateau = TimeSpan.FromMinutes(6);
    public static readonly TimeSpan MemoryJudgedFrom = TimeSpan.FromMinutes(15);

    /// <summary>The rule in words, for whoever runs it.</summary>
    public static readonly string Rule = string.Create(
        CultureInfo.InvariantCulture,
        $"""
        Idle grains leave memory after five minutes: a run of {MemoryJudgedFrom.TotalMinutes} minutes or longer is judged without its first {Plateau.TotalMinutes}, and in a shorter one memory is not judged.
        Latency counts from when a request was due. It is short if the median over the five-second windows of the last third is more than {LatencyTimesMax} times that of the
        first third and more than {MedianSlackMs} ms (p50) or {P99SlackMs} ms (p99) above it. Queues: {QueueTimesMax} times and {QueueSlack}. The journal's log: the largest, {WalTimesMax} times and {WalSlackMb} MB.
        The largest working set of the last third: {WorkingSetTimesMax} times that of the first. What is alive after a full collection, and what is outside the managed heap, without the first third
        of the run: at most {MemorySlopeMaxMegabytesPerHour} MB an hour, or {MemorySlackMb} MB in all. The journal's file holds every answer for a day, and grows.
        Short too: more than {FailedShareMaxPercent} % of the requests without success, or any finding of the book check.
        """);

    /// <param name="samples">in order of time</param>
    public static List<Figure> Of(IReadOnlyList<SoakSample> samples)
    {
        if (samples.Count == 0) return [];
        var end = TimeSpan.FromSeconds(samples[^1].At);
        var isLong = end >= MemoryJudgedFrom;
        var judged = isLong ? From(Plateau) : samples;
        var (first, last, memory) = (judged.Take((judged.Count + 2) / 3).ToList(), judged.Skip(judged.Count * 2 / 3).ToList(), From(isLong && Plateau > end / 3 ? Plateau : end / 3));
        var memoryHours = (memory[^1].At - memory[0].At) / 3_600;
        return
        [
            Memory("managed memory alive after a full collection, slope", s => s.LiveMb),
            Memory("memory outside the managed heap, slope", s => s.OutsideMb),
            WorkingSet(),
            Grown("p50 of the last third", s => s.P50Ms, "ms", LatencyTimesMax, MedianSlackMs),
            Grown("p99 of the last third", s => s.P99Ms, "ms", LatencyTimesMax, P99SlackMs),
            Grown("HTTP requests worked on, last third", s => s.InFlight, "", QueueTimesMax, QueueSlack),
            Grown("commands queued, last third", s => s.Queued, "", QueueTimesMax, QueueSlack),
            Grown("messages on their way, last third", s => s.Messages, "", QueueTimesMax, QueueSlack),
            Grown("flushes that lists lag behind, last third", s => s.LagFlushes, "", QueueTimesMax, QueueSlack),
            Figure.AtMost("soak", "journal's log, largest of the last third", last.Max(s => s.WalMb), "MB", Most(first.Max(s => s.WalMb), WalTimesMax, WalSlackMb)),
        ];

        List<SoakSample> From(TimeSpan at) => [.. samples.Where(s => s.At >= at.TotalSeconds)];

        Figure Memory(string name, Func<SoakSample, double> value)
        {
            var slope = Trend.Slope([.. memory.Select(s => new Point(s.At / 3_600, value(s)))]);
            return isLong ? Figure.AtMost("soak", name, slope, "MB/h", Math.Max(MemorySlopeMaxMegabytesPerHour, MemorySlackMb / memoryHours)) : Unjudged(name, slope, "MB/h");
        }

        Figure WorkingSet()
        {
            var (name, before, now) = ("working set, largest of the last third", first.Max(s => s.WorkingSetMb), last.Max(s => s.WorkingSetMb));
            return isLong ? Beside(Figure.AtMost("soak", name, now, "MB", WorkingSetTimesMax * before), before) : Unjudged(name, now, "MB");
        }

        static Figure Unjudged(string name, double value, string unit) => Figure.Shown("soak", $"{name} (not judged before {MemoryJudgedFrom.TotalMinutes} minutes)", value, unit);

        Figure Grown(string name, Func<SoakSample, double> value, string unit, double times, double slack)
        {
            var (before, now) = (Trend.Median([.. first.Select(value)]), Trend.Median([.. last.Select(value)]));
            return Beside(Figure.AtMost("soak", name, now, unit, Most(before, times, slack)), before);
        }

        static Figure Beside(Figure figure, double before) => figure with { Peer = before, PeerName = "first third", Ratio = before == 0 ? null : figure.Ours / before };
    }

    private static double Most(double before, double times, double slack) => Math.Max(times * before, before + slack);
}
