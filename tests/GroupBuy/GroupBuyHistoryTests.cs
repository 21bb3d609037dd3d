using Campaigns.Grains.Campaign;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;

namespace Campaigns.Tests.GroupBuy;

/// <summary>Random lives of rooms with everybody they deal with: whatever happens in whatever order, nobody is in limbo when it is over.</summary>
public class GroupBuyHistoryTests
{
    private const int Histories = 300;
    private const int People = 8;

    [Fact]
    [Trait("EdgeCase", "16")]
    [Trait("EdgeCase", "19")]
    [Trait("EdgeCase", "21")]
    public void Random_histories_leave_each_member_in_a_completed_room_or_with_all_the_money_back()
    {
        var ends = new HashSet<string>(StringComparer.Ordinal);
        for (var seed = 0; seed < Histories; seed++)
        {
            try
            {
                ends.UnionWith(new History(seed).Run());
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"History {seed} went wrong: {e.Message}", e);
            }
        }

        // The loop is worth something only if it gets everywhere.
        Assert.Empty(((string[])["Completed", "Failed", "Cancelled", "short", "ladder", "rerouted", "revived", "late and refunded", "left", "killed"]).Except(ends, StringComparer.Ordinal));
    }

    private sealed class History
    {
        private readonly Random random;
        private readonly Market market;
        private readonly GroupBuyTerms terms;
        private readonly List<(OrderId Order, int Buyer)> orders = [];
        private readonly Dictionary<OrderId, GroupRoomId> askedAt = [];
        private int rooms;
        private bool killed;

        public History(int seed)
        {
            random = new(seed);
            terms = GroupBuyCast.Terms with
            {
                Quota = random.Next(4, 30),
                Size = random.Next(2, 5),
                TtlMinutes = random.Next(20, 90),
                PerUserLimit = random.Next(1, 5),
                LeaderPriceFen = random.Next(2) == 0 ? null : 6_500,
                LatePayment = (LatePaymentPolicy)random.Next(1, 3),
                SeatHoldMinutes = random.Next(2) == 0 ? null : random.Next(1, 30),
            };
            if (random.Next(3) == 0) terms = terms with { Size = 2, Ladder = [new(3, 6_900), new(4, 6_000)] };
            if (random.Next(4) == 0) terms = terms with { VirtualCompletion = new(random.Next(1, terms.Size)) };
            market = new(seed, terms, People);
        }

        public IEnumerable<string> Run()
        {
            for (var step = random.Next(10, 80); step > 0; step--)
            {
                Act();
                for (var i = random.Next(8); i > 0; i--) market.Deliver();
                CheckBooks();
            }

            market.RefundsFail = false;
            market.Settle();
            foreach (var wait in (int[])[30, 120, 5_000])
            {
                market.Pass(TimeSpan.FromMinutes(wait));
                market.Settle();
                CheckBooks();
            }

            CheckEnd();
            return Seen();
        }

        private void Act()
        {
            switch (random.Next(24))
            {
                case < 4:
                    Hold(Market.Room(++rooms), founds: true);
                    break;
                case < 11 when rooms > 0:
                    Hold(Market.Room(random.Next(Math.Max(1, rooms - 2), rooms + 1)), founds: false);
                    break;
                case < 17 when orders.Count > 0:
                    Pay();
                    break;
                case 17 when orders.Count > 0:
                    var (order, buyer) = orders[random.Next(orders.Count)];
                    market.Cancel(order, Market.Person(buyer));
                    break;
                case 18:
                    market.ToCampaign(random.Next(12) == 0 && (killed = true) ? new KillCampaign(Guid.NewGuid(), "x") : random.Next(2) == 0 ? new PauseCampaign(Guid.NewGuid(), "x") : new ResumeCampaign(Guid.NewGuid(), "x"));
                    break;
                case 19:
                    market.ToStock(new ChangePrice(Guid.NewGuid(), new(random.Next(5_000, 12_000))));
                    break;
                case 20:
                    market.RefundsFail = !market.RefundsFail;
                    break;
                case 21 when rooms > 0:
                    Crowd(Market.Room(rooms));
                    break;
                case 22:
                    market.ToCampaign(new ResumeCampaign(Guid.NewGuid(), "x"));
                    break;
                default:
                    market.Pass(TimeSpan.FromMinutes(random.Next(random.Next(3) == 0 ? 60 : 10)));
                    break;
            }
        }

        private void Hold(GroupRoomId room, bool founds)
        {
            var (order, buyer) = (Market.Order(orders.Count + 1), random.Next(1, People + 1));
            if (market.Hold(room, order, Market.Person(buyer), random.Next(1, 3), founds) is not null) return;
            orders.Add((order, buyer));
            askedAt[order] = room;
        }

        private void Crowd(GroupRoomId room)
        {
            for (var i = 0; i < 4; i++) Hold(room, founds: false);
            for (var i = 0; i < 60; i++) market.Deliver();
            foreach (var (order, buyer) in orders.Where(o => askedAt[o.Order] == room).ToList())
            {
                market.StartPayment(order, Market.Person(buyer));
                for (var i = 0; i < 10; i++) market.Deliver();
                market.Money(order);
            }
        }

        // Now and then the money comes long after the payment was begun.
        private void Pay()
        {
            var (order, buyer) = random.Next(2) == 0 ? orders[^1] : orders[random.Next(orders.Count)];
            market.StartPayment(order, Market.Person(buyer));
            for (var i = random.Next(6); i > 0; i--) market.Deliver();
            if (random.Next(3) == 0) market.Pass(TimeSpan.FromMinutes(random.Next(2, 20)));
            if (random.Next(3) != 0) market.Money(order);
        }

        private void CheckBooks()
        {
            Assert.Empty(market.Findings());
            foreach (var (_, room) in market.Rooms) Assert.True(room.Opened is null || room.Seats.Count <= terms.Capacity);
        }

        private void CheckEnd()
        {
            Assert.True(!market.Owed().Any(), string.Join("; ", market.Owed()));
            Assert.Equal(CampaignStatus.Settled, market.TheCampaign.Status);
            Assert.Empty(market.TheCampaign.Claims);
            Assert.Empty(market.TheStock.Holds);
            Assert.All(market.Rooms, r => Assert.True(r.State.Opened is null || r.State.IsClosed));

            var members = market.Rooms.Where(r => r.State.Status == GroupRoomStatus.Completed).SelectMany(r => r.State.Seats.Select(s => (Room: r.State, Seat: s))).ToDictionary(m => m.Seat.Order);
            Assert.Equal(members.Values.Sum(m => m.Seat.Quantity), market.TheCampaign.Sold);
            Assert.Equal(Market.Units - market.TheCampaign.Sold, market.TheStock.OnHand);
            Assert.Equal(0, market.TheStock.Reserved);
            Assert.All(members.Values.GroupBy(m => (m.Seat.Shopper, m.Room)), g => Assert.Single(g));
            Assert.All(market.TheCampaign.UnitsOf.Values, units => Assert.InRange(units, 1, terms.PerUserLimit));

            foreach (var (id, order) in market.Orders)
            {
                var (given, back) = (order.Refunds.Sum(r => r.Amount.Fen), order.Refunds.Sum(r => market.Refunded.GetValueOrDefault(r.Id).Fen));
                Assert.Equal(given, back);
                var paid = market.Paid(id);
                if (members.TryGetValue(id, out var member))
                {
                    Assert.Equal(OrderStage.Paid, order.Stage);
                    Assert.Equal(order.Amount, paid);
                    Assert.Equal(Math.Min(paid.Fen, member.Room.FinalPriceFen * member.Seat.Quantity), paid.Fen - back);
                }
                else
                {
                    Assert.Contains(order.Stage, (OrderStage[])[OrderStage.Cancelled, OrderStage.TimedOut, OrderStage.Rejected]);
                    Assert.Equal(paid.Fen, back);
                    Assert.InRange(order.Refunds.Count, 0, 1);
                }
            }
        }

        private IEnumerable<string> Seen()
        {
            foreach (var (id, room) in market.Rooms)
            {
                if (room.Opened is null) continue;
                yield return room.Status.ToString();
                if (room.VirtualMembers > 0) yield return "short";
                if (room.Status == GroupRoomStatus.Completed && room.FinalPriceFen < terms.GroupPriceFen) yield return "ladder";
                foreach (var seat in room.Seats.Where(s => s is { IsLate: true, Stage: SeatStage.Paid }))
                    yield return askedAt[seat.Order] == id ? "revived" : "rerouted";
            }

            foreach (var (_, order) in market.Orders)
                foreach (var refund in order.Refunds)
                    yield return refund.Reason == OrderRules.LatePayment ? "late and refunded" : refund.Reason == OrderRules.LeftGroup ? "left" : refund.Reason;
            if (killed) yield return "killed";
        }
    }
}
