using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.Stock;

public sealed class StockBookTests
{
    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["on hand is -1"] = w => w.The<StockState>(Sku).OnHand = -1,
        ["available is -94"] = w => w.The<StockState>(Sku).OnHand = -81,
        ["reserved is 12, but 10 left of the reservations and 3 in holds sum to 13"] = w => w.The<StockState>(Sku).Reserved--,
        ["11 of 10 units are taken"] = w => w.The<StockState>(Sku).Purposes[TheCampaign.Key].Taken = 11,
        ["-1 of 10 units are taken"] = w => w.The<StockState>(Sku).Purposes[TheCampaign.Key].Taken = -1,
        ["0 units are taken of the reservation"] = w => w.The<StockState>(Sku).Purposes[TheCampaign.Key].Taken = 0,
        ["is orphaned: there is no such order"] = w => w.Remove(OpenOrder),
        ["is orphaned: the order has no line of this SKU"] = w => w.Change<OrderState>(OpenOrder, o => o with { Lines = [] }),
        ["is orphaned: the order's line is over 2 units"] = w => w.Change<OrderState>(OpenOrder, o => o with { Lines = [o.Lines[0] with { Quantity = 2 }] }),
        ["is orphaned: the order is Paid and has finished with it"] = w => w.Change<OrderState>(OpenOrder, o => o with { Stage = OrderStage.Paid }),
        ["is orphaned: the order is TimedOut and has finished with it"] = w => w.Change<OrderState>(OpenOrder, o => o with { Stage = OrderStage.TimedOut }),
        ["is orphaned: the order is Holding and has finished with it"] = w => w.Change<OrderState>(OpenOrder, o => o with { Stage = OrderStage.Holding, Held = [] }),
        ["has facts but was never opened"] = w => w.The<StockState>(Sku).Title = null,
    };

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);
}
