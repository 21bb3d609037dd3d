using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.Shopper;

public sealed class ShopperBookTests
{
    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["and the bargain knows of no such cut"] = w => w.The<BargainState>(Running).Cuts.Clear(),
        ["but the bargain says 4456 to 5445"] = w => w.The<BargainState>(Running).Cuts[0] = w.The<BargainState>(Running).Cuts[0] with { CutFen = 4_456 },
        ["is open and not owed"] = w => w.The<ShopperState>(Person(2)).Pledges[0] = w.The<ShopperState>(Person(2)).Pledges[0] with { Result = null },
        ["is answered and still owed"] = w => w.The<ShopperState>(Person(2)).Debts.Owe(ShopperState.AssistDebt, Running.Key),
        ["an assist that it does not count"] = w => w.The<ShopperState>(Person(9)).Debts.Owe(ShopperState.AssistDebt, Running.Key),
        ["2 assists of one bargain"] = w => w.The<ShopperState>(Person(2)).Pledges.Add(w.The<ShopperState>(Person(2)).Pledges[0]),
        ["the launch 0000000a000070008000000000000000 is open and not owed"] = w => w.The<ShopperState>(Person(1)).Launches[0] = w.The<ShopperState>(Person(1)).Launches[0] with { IsOpen = true },
        ["the launch 0000000a000070008000000000000000 is answered and still owed"] = w => w.The<ShopperState>(Person(1)).Debts.Owe(ShopperState.AdmitDebt, Paid.Key),
        ["does not know the launch"] = w => w.The<CampaignState>(TheCampaign).Participations.Remove(Running.Key),
        ["was admitted by a campaign"] = w => w.Remove(TheCampaign),
        ["2 launches in campaign 00000003000070008000000000000000, which allows 1"] = w => w.The<ShopperState>(Person(1)).Launches.Add(w.The<ShopperState>(Person(4)).Launches[0]),
        ["has facts but never signed in"] = w => w.The<ShopperState>(Person(9)).OpenId = null,
    };

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);
}
