using Campaigns.Grains.GroupBuy;

namespace Campaigns.Tests.GroupBuy;

/// <summary>One thing broken at a time in a shop with an open room (one paid, one held) and a completed one: the books notice.</summary>
public sealed class GroupBuyBookTests
{
    private static readonly Dictionary<string, Action<Market>> Breaks = new(StringComparer.Ordinal)
    {
        ["it has 4 seats and room for 3"] = m => m.The(Open)!.Seats.AddRange([Copy(m, 7), Copy(m, 8)]),
        ["has 2 seats"] = m => m.The(Open)!.Seats.Add(Copy(m, 1)),
        ["the order 0000000100007000" + "80b1000000000000 has 2 seats"] = m => m.The(Open)!.Departing.Add(m.The(Open)!.Seats[0]),
        ["has no seat"] = m => m.The(Open)!.Leader = Market.Person(8),
        ["waits for its units and does not ask for them"] = m => m.The(Open)!.Seats[1] = m.The(Open)!.Seats[1] with { Stage = SeatStage.Claiming },
        ["waits for its order and does not place it"] = m => m.The(Open)!.Seats[1] = m.The(Open)!.Seats[1] with { Stage = SeatStage.Ordering },
        ["it is open and nobody is in it"] = m => m.The(Open)!.Seats.Clear(),
        ["it is complete with 2 of 3 members"] = m => m.The(Done)!.Seats.RemoveAt(0),
        ["and 3 are needed"] = m => m.The(Done)!.VirtualMembers = 1,
        ["its final price is 1 fen"] = m => m.The(Done)!.FinalPriceFen = 1,
        ["keeps a seat that is not paid"] = m => m.The(Done)!.Seats[0] = m.The(Done)!.Seats[0] with { Stage = SeatStage.Held },
        ["who left are not settled"] = m => m.The(Done)!.Departing.Add(Copy(m, 7)),
        ["its campaign does not know and is not being told"] = m => m.The(Done)!.IsClosed = false,
        ["and its campaign says it is running"] = m => m.TheCampaign.Participations[Done.Value] = m.TheCampaign.Participations[Done.Value] with { IsOver = false },
        ["does not know it"] = m => m.TheCampaign.Participations.Remove(Open.Value),
        ["its campaign keeps 0 for it"] = m => m.TheCampaign.Claims.Remove(Market.Order(1).Value),
        ["and the seat of"] = m => m.The(Open)!.Seats[0] = m.The(Open)!.Seats[0] with { Shopper = Market.Person(8) },
        ["and the seat over 5"] = m => m.The(Open)!.Seats[0] = m.The(Open)!.Seats[0] with { Quantity = 5 },
        ["and 1 were paid for the seat"] = m => m.The(Open)!.Seats[0] = m.The(Open)!.Seats[0] with { PaidFen = 1 },
        ["its order 0000000900007000" + "80b1000000000000 does not exist"] = m => m.The(Open)!.Seats[1] = m.The(Open)!.Seats[1] with { Order = Market.Order(9) },
        ["it is not open and has 2 seats"] = m => m.The(Founding)!.Seats.Add(m.The(Founding)!.Seats[0]),
        ["it is not open and the seat"] = m => m.The(Founding)!.Seats[0] = m.The(Founding)!.Seats[0] with { Stage = SeatStage.Held },
        ["it is not open and somebody is leaving"] = m => m.The(Founding)!.Departing.Add(m.The(Founding)!.Seats[0]),

        // What others say of the room.
        ["has no such order"] = m => m.The(Open)!.Seats.RemoveAt(1),
        ["and its source group-room/demo/0000000100007000" + "80d1000000000000 was not told"] = m => m.The(Open)!.Seats[0] = m.The(Open)!.Seats[0] with { Stage = SeatStage.Held },
        ["are claimed for order 0000000200007000" + "80b1000000000000, and"] = m => m.The(Open)!.Seats.RemoveAt(1),
        ["does not take part"] = m => m.TheCampaign.Participations[Open.Value] = m.TheCampaign.Participations[Open.Value] with { IsOver = true },
    };

    private static readonly GroupRoomId Open = Market.Room(1);
    private static readonly GroupRoomId Done = Market.Room(2);
    private static readonly GroupRoomId Founding = Market.Room(3);

    public static TheoryData<string> What => [.. Breaks.Keys];

    [Theory]
    [MemberData(nameof(What))]
    public void What_is_broken_is_found(string words)
    {
        var market = Opened();
        Assert.Empty(market.Findings());
        Breaks[words](market);

        Assert.Contains(market.Findings(), f => f.Contains(words, StringComparison.Ordinal));
    }

    private static Market Opened()
    {
        var market = new Market(seed: 1, GroupBuyCast.Terms, people: 9);
        foreach (var (room, number, pays) in ((GroupRoomId, int, bool)[])[(Open, 1, true), (Open, 2, false), (Done, 3, true), (Done, 4, true), (Done, 5, true)])
        {
            Assert.Null(market.Hold(room, Market.Order(number), Market.Person(number), founds: true));
            market.Settle();
            if (!pays) continue;
            market.StartPayment(Market.Order(number), Market.Person(number));
            market.Settle();
            market.Money(Market.Order(number));
            market.Settle();
        }

        Assert.Equal((GroupRoomStatus.Open, GroupRoomStatus.Completed), (market.The(Open)!.Status, market.The(Done)!.Status));
        market.Hold(Founding, Market.Order(6), Market.Person(6), founds: true);
        return market;
    }

    private static Seat Copy(Market market, int shopper) => market.The(Open)!.Seats[0] with { Order = Market.Order(shopper + 30), Shopper = Market.Person(shopper) };
}
