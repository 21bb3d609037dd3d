using System.Text.RegularExpressions;

namespace Campaigns.Tests.Operations;

/// <summary>The names in a PromQL expression: enough of its grammar for alerts and dashboards.</summary>
internal static partial class PromQl
{
    private static readonly string[] Words = ["and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"];

    public static IEnumerable<string> Metrics(string expression) =>
        Name().Matches(Aside().Replace(Quoted().Replace(expression, "\"\""), " ")).Select(m => m.Value).Except(Words, StringComparer.Ordinal);

    public static IEnumerable<string> Labels(string expression)
    {
        var bare = Quoted().Replace(expression, "\"\"");
        return Matcher().Matches(bare).Select(m => m.Groups["label"].Value)
            .Concat(Grouping().Matches(bare).SelectMany(m => m.Groups["labels"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)))
            .Distinct(StringComparer.Ordinal);
    }

    /// <summary>Which values a label is compared with.</summary>
    public static IEnumerable<string> Values(string expression, string label) =>
        Equal().Matches(expression).Where(m => m.Groups["label"].Value == label).Select(m => m.Groups["value"].Value);

    [GeneratedRegex("\"[^\"]*\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Quoted();

    // Label matchers, durations and groupings hold no metric.
    [GeneratedRegex("""\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)""", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Aside();

    // Neither a function, which a bracket follows, nor the end of a number such as 1e9.
    [GeneratedRegex("""(?<![\w.])[a-zA-Z_:][\w:]*(?![\w:])(?!\s*\()""", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Name();

    [GeneratedRegex("""[{,]\s*(?<label>[a-zA-Z_]\w*)\s*(=~|!~|!=|=)""", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Matcher();

    [GeneratedRegex("""\b(by|without|on|ignoring)\s*\((?<labels>[^)]*)\)""", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Grouping();

    [GeneratedRegex("(?<label>[a-zA-Z_]\\w*)\\s*=\\s*\"(?<value>[^\"]*)\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Equal();
}
