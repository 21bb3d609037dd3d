namespace Campaigns.LoadTests.Http;

/// <summary>
/// Who helps in which bargain, drawn in advance: popular bargains more often (Zipf), no helper twice in one bargain and none more often than a day
/// allows. A bargain that is won is followed by the next one of the same popularity.
/// </summary>
internal sealed class AssistPlan
{
    /// <summary>Assists that a bargain needs: the most there may be.</summary>
    public const int Slots = 200;

    public const int AssistsPerDay = 100;

    private readonly int[] bargains;
    private readonly int[] helpers;

    /// <param name="assists">how many are planned</param>
    /// <param name="running">bargains that run at the same time</param>
    /// <param name="skew">as in <see cref="Zipf"/></param>
    public AssistPlan(int assists, int running, double skew, int seed)
    {
        (bargains, helpers) = (new int[assists], new int[assists]);
        var (chance, popularity) = (Seeds.Of(seed, 0), new Zipf(running, skew));
        var current = new (int Bargain, int Helped)[running];
        Array.Fill(current, (0, Slots));
        for (var i = 0; i < assists; i++)
        {
            ref var at = ref current[popularity.Draw(chance)];
            if (at.Helped == Slots) at = (Bargains++, 0);
            (bargains[i], helpers[i]) = (at.Bargain, at.Helped++);
        }

        // The helpers of a bargain are neighbours, and those of the next bargain go on where they end: each helps at most so often as a day allows.
        Helpers = Math.Max(Slots, Bargains * Slots / AssistsPerDay);
        for (var i = 0; i < assists; i++) helpers[i] = (int)((((long)bargains[i] * Slots) + helpers[i]) % Helpers);
    }

    public int Count => bargains.Length;

    public int Bargains { get; private set; }

    public int Helpers { get; }

    public int BargainOf(int assist) => bargains[assist];

    public int HelperOf(int assist) => helpers[assist];
}
