using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Books;
using static Campaigns.Tests.Books.World;

namespace Campaigns.Tests.Bargain;

public sealed class BargainBookTests
{
    private static readonly Dictionary<string, Action<World>> Breaks = new(StringComparer.Ordinal)
    {
        ["its slots sum to 8911 fen, but from list price to floor are 8910"] = w => w.The<BargainState>(Running).Launch!.Slots[1]++,
        ["it has 2 slots and needs 3 assists"] = w => Launch(w, l => l with { Terms = l.Terms with { AssistsNeeded = 3 } }),
        ["do not hash to the commitment"] = w => w.The<BargainState>(Running).Launch!.Seed[0]++,
        ["is 4456 fen, and its slots are 4455"] = w => Cut(w, c => c with { CutFen = 4_456 }),
        ["is 5446 fen, but the cuts leave 5445"] = w => Cut(w, c => c with { PriceFen = 5_446 }),
        ["takes 1 slots from 2 on; the next of 2 is 1"] = w => Cut(w, c => c with { Slot = 2 }),
        ["takes 3 slots from 1 on"] = w => Cut(w, c => c with { SlotsUsed = 3 }),
        ["the price is 900 fen and the floor 990"] = w => Cut(w, c => c with { PriceFen = 900 }),
        ["it has succeeded with 1 slots left"] = w => w.The<BargainState>(Running).PayBefore = DateTimeOffset.UnixEpoch,
        ["without having succeeded"] = w => w.The<BargainState>(Ordered).PayBefore = null,
        ["has helped 2 times"] = w => w.The<BargainState>(Ordered).Cuts[1] = w.The<BargainState>(Ordered).Cuts[0],
        ["4 helpers share the device d"] = w => w.The<BargainState>(Running).Cuts.AddRange(Enumerable.Repeat(w.The<BargainState>(Running).Cuts[0] with { Device = "d" }, 4)),
        ["the owner's own cut is the number 1"] = w => Cut(w, c => c with { Helper = ShopperId.Of(Person(5).Key) }),
        ["does not exist"] = w => w.Remove(Person(2)),
        ["has pledged no assist"] = w => w.The<ShopperState>(Person(2)).Pledges.Clear(),
        ["its campaign 00000003000070008000000000000000 does not exist"] = w => w.Remove(TheCampaign),
        ["its campaign 00000003000070008000000000000000 does not know it"] = w => w.The<CampaignState>(TheCampaign).Participations.Remove(Running.Key),
        ["its campaign has closed it"] = w => Take(w, Running, p => p with { IsOver = true }),
        ["its campaign keeps no place for it"] = w => Take(w, Running, p => p with { HasPlace = false }),
        ["keeps a place for it that it does not know of"] = w => w.The<BargainState>(Running).HasPlace = false,
        ["its campaign does not know and is not being told"] = w => Take(w, Paid, p => p with { IsOver = false }),
        ["it is Paid, and its campaign counts its place as free"] = w => Take(w, Paid, p => p with { HasPlace = false }),
        ["it waits for a place and does not ask for one"] = w => w.The<BargainState>(Running).Held = new(w.The<BargainState>(Running).Cuts[0]),
        ["it is Ordered without an order"] = w => w.The<BargainState>(Ordered).Order = null,
        ["it is Running with an order"] = w => w.The<BargainState>(Running).Order = w.The<BargainState>(Ordered).Order,
        ["is neither open nor being placed"] = w => w.Remove(OpenOrder),
        ["is of bargain/demo/0000000a000070008000000000000000"] = w => w.Change<OrderState>(OpenOrder, o => o with { Source = Paid }),
        ["is over 991 fen, and it was ordered at 990"] = w => w.Change<OrderState>(PaidOrder, o => o with { Amount = new(991) }),
        ["it is Paid, and its order 00000014000070008000000000000000 is Pending"] = w => w.Change<OrderState>(PaidOrder, o => o with { Stage = OrderStage.Pending }),
        ["came to nothing, but is Paid"] = w => w.The<BargainState>(Ordered).LostOrders.Add(OrderId.Of(PaidOrder.Key)),
        ["was refused, but is Paid"] = w => w.The<BargainState>(Ordered).RefusedOrders.Add(new(OrderId.Of(PaidOrder.Key), Refusal.Of(BargainRefusal.SoldOut))),
        ["has facts but was never started"] = w => w.The<BargainState>(Running).Launch = null,
    };

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_state_that_breaks_it_is_reported(string words) => Finds(words, Breaks[words]);

    private static void Launch(World world, Func<BargainStarted, BargainStarted> change) => world.The<BargainState>(Running).Launch = change(world.The<BargainState>(Running).Launch!);

    private static void Cut(World world, Func<PriceCut, PriceCut> change) => world.The<BargainState>(Running).Cuts[0] = change(world.The<BargainState>(Running).Cuts[0]);

    private static void Take(World world, GrainId bargain, Func<Participation, Participation> change) =>
        world.The<CampaignState>(TheCampaign).Participations[bargain.Key] = change(world.The<CampaignState>(TheCampaign).Participations[bargain.Key]);
}
