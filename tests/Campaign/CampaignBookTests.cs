using Campaigns.Grains.Campaign;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.Campaign;

public sealed class CampaignBookTests
{
    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["4 places are taken of 3"] = w => w.The<CampaignState>(TheCampaign).Total = 3,
        ["3 take part, but 4 are counted"] = w => w.The<CampaignState>(TheCampaign).Live++,
        ["3 who take part have a place, but 2 places are counted as held"] = w => w.The<CampaignState>(TheCampaign).Held--,
        ["1 participations used their place, but 0 places are counted as sold"] = w => w.The<CampaignState>(TheCampaign).Sold--,
        ["0 participations are owed 'pause', but 1 are counted"] = w => w.The<CampaignState>(TheCampaign).Untold[CampaignState.PauseDebt] = 1,
        ["has started and does not exist"] = w => w.Remove(Running),
        ["was admitted, has not started and is not owed its start"] = w => Take(w, p => p with { IsStarted = false }),
        ["who does not exist"] = w => w.Remove(Person(5)),
        ["does not count as a launch of its owner"] = w => w.The<ShopperState>(Person(5)).Launches.Clear(),
        ["and the stock has nothing reserved for it"] = w => w.The<StockState>(Sku).Purposes.Clear(),
        ["it has 10 places, but the stock has 9 units reserved for it"] = w => w.The<StockState>(Sku).Purposes[TheCampaign.Key].Total = 9,
        ["it has 10 places, and the stock keeps 11 units reserved for it"] = w => w.The<StockState>(Sku).Purposes[TheCampaign.Key].Total = 11,
        ["it is a draft and the stock has 10 units reserved for it"] = w => w.The<CampaignState>(TheCampaign).Status = CampaignStatus.Draft,
        ["it is Settled and the stock still has 8 units reserved for it"] = w => w.The<CampaignState>(TheCampaign).Status = CampaignStatus.Settled,
        ["nobody takes part any more, and its reservation is not being closed"] = w => (w.The<CampaignState>(TheCampaign).Status, w.The<CampaignState>(TheCampaign).Live) = (CampaignStatus.Ended, 0),
        ["has facts but was never drafted"] = w => w.The<CampaignState>(TheCampaign).Plan = null,
    };

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);

    private static void Take(World world, Func<Participation, Participation> change) =>
        world.The<CampaignState>(TheCampaign).Participations[Running.Key] = change(world.The<CampaignState>(TheCampaign).Participations[Running.Key]);
}
