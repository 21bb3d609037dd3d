using Campaigns.Grains.Campaign;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Simulation.Plays;

/// <summary>Shoppers found rooms and join them, sometimes twice at once, leave, and pay in time, late or never.</summary>
internal sealed class GroupBuyPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } =
    [
        new("publish a group-buy", 1, Publish),
        new("found a room", 4, t => t.GroupBuys.Count == 0 ? Task.CompletedTask : Hold(t, GroupRoomId.Of(t.NewId()), t.Any(t.GroupBuys))),
        new("join a room", 14, t => t.Rooms.Count == 0 ? Task.CompletedTask : Hold(t, t.Rooms[^(1 + t.Chance.Next(Math.Min(3, t.Rooms.Count)))], null)),
        new("fill a room", 3, Fill),
        new("look at a room", 2, t => t.Rooms.Count == 0 ? Task.CompletedTask : t.Ask(t.Any(t.Rooms).In(t.Shop), new GetGroupRoom())),
    ];

    public override Task Prepare(Town town) => Publish(town);

    private static async Task Publish(Town town)
    {
        var chance = town.Chance;
        var sku = town.Any(town.Skus);
        if ((await town.Ask(sku.In(town.Shop), new GetSku()))?.Reply is not { } view || view.ListPriceFen < 100) return;

        var price = view.ListPriceFen / 2;
        var size = chance.Next(2, 4);
        var terms = new GroupBuyTerms
        {
            Quota = chance.Next(3, 15),
            GroupPriceFen = price,
            LeaderPriceFen = chance.Next(3) == 0 ? price - 10 : null,
            Size = size,
            TtlMinutes = chance.Next(10, 600),
            PerUserLimit = chance.Next(1, 6),
            Audience = (GroupAudience)chance.Next(1, 3),
            LatePayment = (LatePaymentPolicy)chance.Next(1, 3),
            SeatHoldMinutes = chance.Next(2) == 0 ? null : chance.Next(1, 30),
            Ladder = chance.Next(3) == 0 ? [new(size + 1, price - 20)] : null,
            VirtualCompletion = chance.Next(4) == 0 ? new(1) : null,
        };
        var id = CampaignId.Of(town.NewId());
        var plan = new CampaignPlan("Buy together", town.Now.AddMinutes(chance.Next(-30, 10)), town.Now.AddHours(chance.Next(2, 300)), sku, terms);
        if ((await town.Ask(id.In(town.Shop), new DraftCampaign(plan)))?.IsAccepted != true) return;
        var published = await town.Ask(id.In(town.Shop), new PublishCampaign(town.NewId(), new PublicationFacts(view.Title, new(view.ListPriceFen), view.Stock.Available, Channel.MiniProgram)));
        if (published is not { IsAccepted: true }) return;
        town.GroupBuys.Add(id);
        town.Campaigns.Add(id);
        town.Promised($"campaign {id} is published", async () => (await town.Insist(id.In(town.Shop), new GetCampaign())).Reply?.Revision == 1);
    }

    private static async Task Hold(Town town, GroupRoomId room, CampaignId? founds)
    {
        var (order, shopper) = (OrderId.Of(town.NewId()), town.Any(town.Shoppers));
        var command = new HoldSeat(order, shopper, town.Chance.Next(1, 3), town.Chance.Next(3) > 0, town.Chance.Next(1, 60), founds);
        if (town.Chance.Next(2) == 0 && await town.Ask(room.In(town.Shop), new CheckSeat(command)) is not { IsAccepted: true }) return;
        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(room.In(town.Shop), command)));
        if (!taps.Any(t => t is { IsAccepted: true })) return;
        if (founds is not null) town.Rooms.Add(room);
        town.Orders.Add((order, shopper));
        town.Promised($"a seat for order {order} was held in room {room}", async () => (await town.Insist(order.In(town.Shop), new GetOrder(shopper))).IsAccepted);

        // Whoever was a member ends in a group that is complete, or with all the money back: the order's own promise is about the money.
        town.Promised($"room {room} is over", async () => (await town.Insist(room.In(town.Shop), new GetGroupRoom())).Reply?.State is GroupRoomStatus.Completed or GroupRoomStatus.Failed or GroupRoomStatus.Cancelled);
    }

    // The last member pays and the first one changes their mind at the same moment: the room decides.
    private static async Task Fill(Town town)
    {
        if (town.GroupBuys.Count == 0) return;
        var (room, members) = (GroupRoomId.Of(town.NewId()), new List<(OrderId Order, ShopperId Shopper, PaymentId Payment)>());
        foreach (var shopper in town.Shoppers.Take(2).ToList())
        {
            var order = OrderId.Of(town.NewId());
            if (await town.Ask(room.In(town.Shop), new HoldSeat(order, shopper, 1, IsNew: true, 60, members.Count == 0 ? town.GroupBuys[^1] : null)) is not { IsAccepted: true }) return;
            town.Orders.Add((order, shopper));
            if ((await town.Ask(order.In(town.Shop), new StartPayment(PaymentId.Of(town.NewId()), shopper)))?.Reply is not { } payment || payment == default) return;
            if (await town.Ask(payment.In(town.Shop), new GetPayment(WhenReady: true)) is not { IsAccepted: true }) return;
            members.Add((order, shopper, payment));
        }

        foreach (var (order, shopper, payment) in members)
        {
            if (town.Gateway.Pay(payment) is not { } paid) return;
            var told = town.Insist(payment.In(town.Shop), paid);
            if (order == members[^1].Order) await Task.WhenAll(told, town.Ask(members[0].Order.In(town.Shop), new CancelOrder(members[0].Shopper, "changed my mind")));
            else await told;
        }
    }
}
