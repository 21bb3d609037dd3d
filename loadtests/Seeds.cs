namespace Campaigns.LoadTests;

/// <summary>Seeds for the many sources of chance of one run: the same in every process, which <see cref="HashCode"/> is not.</summary>
internal static class Seeds
{
    public static Random Of(int seed, int number) => new(unchecked((seed * 1_000_003) + number));
}
