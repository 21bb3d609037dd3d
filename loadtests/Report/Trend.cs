namespace Campaigns.LoadTests.Report;

/// <summary>What a row of samples says, where single ones may be wild.</summary>
internal static class Trend
{
    /// <summary>0 without a value.</summary>
    public static double Median(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0) return 0;
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    /// <summary>The slope of the straight line with the least squares: units of Y for each unit of X; 0 where nothing lies beside anything.</summary>
    public static double Slope(IReadOnlyCollection<Point> points)
    {
        if (points.Count == 0) return 0;
        var (x, y) = (points.Average(p => p.X), points.Average(p => p.Y));
        var spread = points.Sum(p => (p.X - x) * (p.X - x));
        return spread == 0 ? 0 : points.Sum(p => (p.X - x) * (p.Y - y)) / spread;
    }
}
