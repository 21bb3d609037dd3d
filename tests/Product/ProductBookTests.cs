using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.Product;

public sealed class ProductBookTests
{
    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["is neither open nor owed"] = w => w.Remove(Sku),
    };

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);
}
