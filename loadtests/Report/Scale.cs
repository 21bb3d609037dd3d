using System.Globalization;

namespace Campaigns.LoadTests.Report;

/// <summary>An axis: from where to where it goes and which values are written beside it.</summary>
internal sealed record Scale(double From, double To, IReadOnlyList<double> Ticks, bool IsLogarithmic)
{
    private const int TicksAbout = 5;

    /// <summary>Round numbers about the values. What is not finite is left out; without a value it goes from 0 to 1.</summary>
    /// <param name="fromZero">true if the axis begins at 0 where no value is below</param>
    public static Scale Linear(IEnumerable<double> values, bool fromZero)
    {
        var finite = values.Where(double.IsFinite).ToList();
        var (least, most) = finite.Count == 0 ? (0, 1) : (finite.Min(), finite.Max());
        if (fromZero) (least, most) = (Math.Min(0, least), Math.Max(0, most));
        if (least == most) most = least + Math.Max(1, Math.Abs(least));

        var step = Step((most - least) / TicksAbout);
        var (first, last) = (Math.Floor(least / step), Math.Ceiling(most / step));
        return new(first * step, last * step, [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)], false);
    }

    /// <summary>Powers of ten about the values. What is not above 0 has no place and is left out; without a value it goes from 1 to 10.</summary>
    public static Scale Logarithmic(IEnumerable<double> values)
    {
        var placed = values.Where(v => double.IsFinite(v) && v > 0).ToList();
        var first = placed.Count == 0 ? 0 : (int)Math.Floor(Math.Log10(placed.Min()));
        var last = placed.Count == 0 ? 1 : Math.Max(first + 1, (int)Math.Ceiling(Math.Log10(placed.Max())));
        return new(Math.Pow(10, first), Math.Pow(10, last), [.. Enumerable.Range(first, last - first + 1).Select(e => Math.Pow(10, e))], true);
    }

    /// <returns>0 where the axis begins, 1 where it ends</returns>
    public double Place(double value) => IsLogarithmic ? Math.Log10(value / From) / Math.Log10(To / From) : (value - From) / (To - From);

    /// <summary>A number as it is written on an axis: three digits and k, M or G.</summary>
    public static string Write(double value) => Math.Abs(value) switch
    {
        >= 1e9 => Shorten(value / 1e9, " G"),
        >= 1e6 => Shorten(value / 1e6, " M"),
        >= 1e3 => Shorten(value / 1e3, " k"),
        _ => Shorten(value, ""),
    };

    // 1, 2 or 5 times a power of ten: what people count in.
    private static double Step(double about)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(about)));
        return power * (about / power) switch
        {
            <= 1 => 1,
            <= 2 => 2,
            <= 5 => 5,
            _ => 10,
        };
    }

    private static string Shorten(double value, string unit) => value.ToString(Math.Abs(value) switch { >= 100 => "0", >= 10 => "0.#", >= 1 => "0.##", _ => "0.###" }, CultureInfo.InvariantCulture) + unit;
}
