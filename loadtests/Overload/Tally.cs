using System.Globalization;
using HdrHistogram;

namespace Campaigns.LoadTests.Overload;

/// <summary>What became of the requests of one phase.</summary>
internal sealed class Tally
{
    private const long MicrosecondsMax = 60_000_000;
    private const int Digits = 3; // within a thousandth

    private readonly LongHistogram accepted = new(MicrosecondsMax, Digits);
    private readonly LongHistogram refused = new(MicrosecondsMax, Digits);
    private long good;
    private long limited;
    private long busy;
    private long other;

    /// <summary>Arrivals that found no free connection, and those whose connection ended or was silent.</summary>
    public long Unanswered { get; set; }

    public long Offered { get; set; }

    public TimeSpan Took { get; set; }

    public long Good => good;

    public double GoodPerSecond => Good / Took.TotalSeconds;

    public double OfferedPerSecond => Offered / Took.TotalSeconds;

    public long Refusals => limited + busy;

    public string Shares => string.Create(
        CultureInfo.InvariantCulture,
        $"2xx {Share(good)}, 429 {Share(limited)}, 503 {Share(busy)}, other {Share(other)}, no answer or no free connection {Share(Unanswered)}");

    public void Answered(int status, TimeSpan latency)
    {
        switch (status)
        {
            case >= 200 and < 300:
                good++;
                break;
            case 429:
                limited++;
                break;
            case 503:
                busy++;
                break;
            default:
                other++;
                break;
        }

        (status is 429 or 503 ? refused : accepted).RecordValue(Math.Clamp((long)latency.TotalMicroseconds, 1, MicrosecondsMax));
    }

    /// <param name="quantile">0–1</param>
    public double AcceptedMs(double quantile) => Ms(accepted, quantile);

    /// <inheritdoc cref="AcceptedMs"/>
    public double RefusedMs(double quantile) => Ms(refused, quantile);

    private static double Ms(LongHistogram latencies, double quantile) => latencies.TotalCount == 0 ? 0 : latencies.GetValueAtPercentile(100 * quantile) / 1_000.0;

    private string Share(long count) => (100.0 * count / Math.Max(1, Offered)).ToString("0.0", CultureInfo.InvariantCulture) + " %";
}
