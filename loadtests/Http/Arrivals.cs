namespace Campaigns.LoadTests.Http;

/// <summary>When requests are due that nobody coordinates: fixed before the first is sent.</summary>
internal static class Arrivals
{
    /// <summary>At random, each without regard to the others, in order.</summary>
    public static TimeSpan[] AtRandom(double perSecond, TimeSpan time, int seed)
    {
        var (chance, at) = (Seeds.Of(seed, 1), 0.0);
        var arrivals = new TimeSpan[(int)(perSecond * time.TotalSeconds)];
        for (var i = 0; i < arrivals.Length; i++) arrivals[i] = TimeSpan.FromSeconds(at -= Math.Log(1 - chance.NextDouble()) / perSecond);
        return arrivals;
    }
}
