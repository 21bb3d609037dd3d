using System.Globalization;

namespace Campaigns.LoadTests.Overload;

/// <summary>What became of the requests of one phase.</summary>
internal sealed class Tally
{
    // Twenty buckets for each doubling, from a microsecond to a minute: within 4 %.
    private const int PerDoubling = 20;
    private readonly long[] accepted = new long[26 * PerDoubling];
    private readonly long[] refused = new long[26 * PerDoubling];
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

        var bucket = Math.Clamp((int)(Math.Log2(Math.Max(1, latency.TotalMicroseconds)) * PerDoubling), 0, accepted.Length - 1);
        (status is 429 or 503 ? refused : accepted)[bucket]++;
    }

    public double AcceptedMs(double quantile) => Quantile(accepted, quantile);

    public double RefusedMs(double quantile) => Quantile(refused, quantile);

    private static double Quantile(long[] buckets, double quantile)
    {
        var left = buckets.Sum() * quantile;
        for (var i = 0; i < buckets.Length; i++)
            if ((left -= buckets[i]) <= 0) return Math.Pow(2, (i + 1.0) / PerDoubling) / 1_000;
        return 0;
    }

    private string Share(long count) => (100.0 * count / Math.Max(1, Offered)).ToString("0.0", CultureInfo.InvariantCulture) + " %";
}
