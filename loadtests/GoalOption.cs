using System.CommandLine;
using System.CommandLine.Parsing;

namespace Campaigns.LoadTests;

/// <summary><c>--only P1,P3</c>: the goals that a command measures; without it, all that it can.</summary>
internal static class GoalOption
{
    private static readonly char[] Separators = [',', ' '];

    /// <param name="can">all that the command can measure</param>
    public static Option<IReadOnlySet<string>> Create(params string[] can) => new("--only")
    {
        Description = $"Measure these goals alone, as in {can[0]},{can[^1]} ({string.Join(", ", can)})",
        DefaultValueFactory = _ => can.ToHashSet(StringComparer.Ordinal),
        CustomParser = argument => Read(argument, can),
        Arity = ArgumentArity.ExactlyOne,
    };

    private static HashSet<string> Read(ArgumentResult argument, string[] can)
    {
        var wanted = argument.Tokens[0].Value.ToUpperInvariant().Split(Separators, StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        if (wanted.Count == 0 || !wanted.IsSubsetOf(can)) argument.AddError($"--only takes goals among {string.Join(", ", can)}, with a comma between them.");
        return wanted;
    }
}
