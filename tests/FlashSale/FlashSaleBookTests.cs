using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.FlashSale;

public sealed class FlashSaleBookTests
{
    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["it has facts but was never prepared"] = w => w.The<FlashSaleState>(Sale).Sale = null,
        ["-1 units are available, 2 held and 1 sold, of 2"] = w => w.The<FlashSaleState>(Sale).Total = 2,
        ["2 units are in open orders, but 3 are counted as held"] = w => w.The<FlashSaleState>(Sale).Held = 3,
        ["0 units of earlier occurrences are in open orders, but 1 are counted"] = w => w.The<FlashSaleState>(Sale).PastHeld = 1,
        ["0 orders are being opened, but 1 are counted"] = w => w.The<FlashSaleState>(Sale).Placing = 1,
        ["it is Finished and keeps 2 units that nobody can take"] = w => w.The<FlashSaleState>(Sale).Phase = SalePhase.Finished,
        ["it is Closing and 1 orders are still being opened"] = w => (w.The<FlashSaleState>(Sale).Phase, w.The<FlashSaleState>(Sale).Placing) = (SalePhase.Closing, 1),
        ["has 3 units, and 2 are allowed"] = w => w.The<FlashSaleState>(Sale).UnitsOf[Person(7).Key] = 3,
        ["shoppers have 2 units, but 2 are held and 1 sold"] = w => w.The<FlashSaleState>(Sale).UnitsOf.Remove(Person(8).Key),
        ["which does not exist"] = w => w.Remove(HeldOrder),
        ["which is of bargain/demo/0000000a000070008000000000000000"] = w => w.Change<OrderState>(HeldOrder, o => o with { Source = Paid }),
        ["is over 2 for 00000065000070008000000000000000"] = w => w.Change<OrderState>(HeldOrder, o => o with { Buyer = ShopperId.Of(Person(1).Key) }),
        ["which is Cancelled and has told so"] = w => w.Change<OrderState>(HeldOrder, o => o with { Stage = OrderStage.Cancelled }),
        ["it is Finished, and the stock still has 2 units reserved for it"] = w => w.The<FlashSaleState>(Sale).Phase = SalePhase.Finished,
        ["it waits for its units and does not ask for them"] = w => w.The<FlashSaleState>(Sale).Phase = SalePhase.Reserving,
        ["it may sell 5 units and the stock has nothing reserved for it"] = w => w.The<StockState>(Sku).Purposes.Remove(w.The<FlashSaleState>(Sale).Purpose),
        ["it may sell 6 units, and the stock has 5 reserved for it"] = w => w.The<FlashSaleState>(Sale).Total = 6,
        ["it may sell 4 units, and the stock has 5 reserved for it"] = w => w.The<FlashSaleState>(Sale).Total = 4,
        ["4 units are taken of its reservation, but 2 are held and 1 sold"] = w => w.The<StockState>(Sku).Purposes[w.The<FlashSaleState>(Sale).Purpose].Taken = 4,
        ["its rest goes back and it does not say so"] = w => w.The<FlashSaleState>(Sale).Phase = SalePhase.Closing,
        ["it has not the id of its campaign"] = w => w.The<FlashSaleState>(Sale).Sale = w.The<FlashSaleState>(Sale).Sale! with { Campaign = CampaignId.Of(TheCampaign.Key) },
        ["its campaign 00000004000070008000000000000000 does not exist"] = w => w.Remove(SaleCampaign),
        ["its campaign 00000004000070008000000000000000 does not know it"] = w => w.The<CampaignState>(SaleCampaign).Participations.Clear(),
        ["its campaign does not know and is not being told"] = w => (w.The<FlashSaleState>(Sale).Phase, w.The<FlashSaleState>(Sale).Holds) = (SalePhase.Finished, []),
        ["it is Ready with 1 open orders, and its campaign has closed it"] = w => w.The<CampaignState>(SaleCampaign).Participations[Sale.Key] = w.The<CampaignState>(SaleCampaign).Participations[Sale.Key] with { IsOver = true },
        ["it is Pending and its source flash-sale/demo/00000004000070008000000000000000 has no such order"] = w => w.The<FlashSaleState>(Sale).Holds.Clear(),
    };

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);
}
