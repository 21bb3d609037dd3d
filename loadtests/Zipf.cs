namespace Campaigns.LoadTests;

/// <summary>Which of many somebody wants.</summary>
internal sealed class Zipf
{
    private readonly double[] sums;

    /// <param name="skew">Zipf's exponent: the one at rank n is n^skew times less popular than the first; 0 makes all alike</param>
    public Zipf(int ranks, double skew)
    {
        sums = new double[ranks];
        for (var (rank, sum) = (0, 0.0); rank < ranks; rank++) sums[rank] = sum += Math.Pow(rank + 1, -skew);
    }

    /// <returns>a rank, from 0 on</returns>
    public int Draw(Random chance)
    {
        var rank = Array.BinarySearch(sums, chance.NextDouble() * sums[^1]);
        return Math.Min(rank < 0 ? ~rank : rank, sums.Length - 1);
    }
}
