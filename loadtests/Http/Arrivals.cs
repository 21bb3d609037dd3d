namespace Campaigns.LoadTests.Http;

/// <summary>When requests are due that nobody coordinates.</summary>
internal static class Arrivals
{
    /// <summary>At random, each without regard to the others, in order. Drawn one at a time: a run of hours holds none of them.</summary>
    public static IEnumerable<TimeSpan> AtRandom(double perSecond, TimeSpan time, int seed)
    {
        var (chance, at) = (Seeds.Of(seed, 1), 0.0);
        for (var left = (long)(perSecond * time.TotalSeconds); left > 0; left--) yield return TimeSpan.FromSeconds(at -= Math.Log(1 - chance.NextDouble()) / perSecond);
    }
}
