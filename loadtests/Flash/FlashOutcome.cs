using System.Globalization;
using Campaigns.LoadTests.Engine;

namespace Campaigns.LoadTests.Flash;

/// <summary>What the first rush came to.</summary>
/// <param name="Answered">buyers with a final answer</param>
/// <param name="Holds">buyers who hold a unit</param>
/// <param name="SlowestMs">from the tap to the final answer</param>
internal sealed record FlashOutcome(int Answered, int Holds, double SlowestMs)
{
    private const double SlowestMaxSeconds = 3;

    /// <summary>Goal P5, of so many buyers and units.</summary>
    public IReadOnlyList<Figure> Figures(int buyers, int units) =>
    [
        Figure.Exactly("P5", "buyers answered, all of whom tap in the first second", Answered, "buyers", buyers),
        Figure.Exactly("P5", "units that they hold", Holds, "units", units),
        Figure.AtMost("P5", string.Create(CultureInfo.InvariantCulture, $"slowest answer of {buyers:N0}"), SlowestMs / 1_000, "s", SlowestMaxSeconds),
    ];
}
