using System.Text.Json;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using static Campaigns.Tests.Bargain.BargainCast;

namespace Campaigns.Tests.Bargain;

/// <summary>
/// Shoppers, a campaign and its bargains together, while answers get lost and grains restart at random: what one owes another arrives in
/// order and takes effect exactly once, no assist and no place leaks, and everything comes to an end.
/// </summary>
[Trait("EdgeCase", "3")]
[Trait("EdgeCase", "5")]
[Trait("EdgeCase", "56")]
public class AssistChainTests
{
    [Fact]
    public void Random_evenings_keep_the_books_of_every_grain()
    {
        var paid = 0;
        var refused = 0;
        for (var seed = 0; seed < 80; seed++)
        {
            try
            {
                var evening = new Evening(seed);
                evening.Run();
                paid += evening.Paid;
                refused += evening.RefusedPledges;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Evening {seed} went wrong: {e.Message}", e);
            }
        }

        // The loop is worth something only if bargains get all the way, and assists are given back.
        Assert.True(paid > 20, $"{paid} paid");
        Assert.True(refused > 30, $"{refused} refused");
    }

    private sealed class Cell(GrainDefinition definition)
    {
        public GrainDefinition Definition { get; } = definition;

        public object State { get; set; } = definition.NewState();

        public List<object> Facts { get; } = [];
    }

    private sealed class Evening
    {
        private const int Shoppers = 12;
        private const int Cap = 3;
        private static readonly ShopId Shop = new("demo");
        private static readonly AssistPolicy Policy = new(Cap, 0, "Asia/Shanghai");
        private readonly Random random;
        private readonly Dictionary<GrainId, Cell> cells = [];
        private readonly List<BargainId> bargains = [];
        private readonly Dictionary<OrderId, (GrainId Source, bool IsOpen)> orders = [];
        private readonly List<(GrainId Grain, object Command)> waiting = [];
        private readonly GrainId campaign = TheCampaign.In(Shop);
        private DateTimeOffset now = Start;
        private int ids;
        private bool calm;

        public Evening(int seed)
        {
            random = new(seed);
            var terms = new BargainTerms
            {
                Quota = random.Next(1, 8),
                FloorFen = random.Next(0, 5_000),
                AssistsNeeded = random.Next(1, 6),
                TtlMinutes = 60 * random.Next(1, 48),
                PayWindowMinutes = random.Next(30, 2_000),
                BuyAtAnyPrice = random.Next(3) == 0,
                SelfCut = random.Next(3) == 0,
                NewUserWeight = random.Next(1, 3),
                Reservation = (ReservationPolicy)random.Next(1, 3),
                LaunchesPerUser = random.Next(1, 3),
            };
            Tell(campaign, new DraftCampaign(new("x", Start, Start.AddDays(2), Sku, terms)));
            while (State<CampaignState>(campaign).Status == CampaignStatus.Draft)
                if (!Deliver()) Assert.Null(Tell(campaign, new PublishCampaign(Guid.NewGuid(), new("x", new Money(9_900), 1_000, Channel.MiniProgram))));
            for (var i = 1; i <= Shoppers; i++) Tell(Somebody(i).In(Shop), new RegisterShopper($"wx-{i}"));
        }

        public int Paid { get; private set; }

        public int RefusedPledges { get; private set; }

        public void Run()
        {
            for (var step = 0; step < 400; step++)
            {
                Step();
                CheckPlaces();
            }

            End();
            CheckEnd();
        }

        private void Step()
        {
            switch (random.Next(20))
            {
                case < 8:
                    Deliver();
                    break;
                case < 10:
                    var bargain = BargainId.Of(new Guid(++ids, 0, 0x7000, 0x80, 9, 0, 0, 0, 0, 0, 0));
                    bargains.Add(bargain);
                    Ask(Anybody(), new LaunchParticipation(bargain.Value, TheCampaign, State<CampaignState>(campaign).Plan!.Terms.EntriesPerShopper!.Value));
                    break;
                case < 16 when bargains.Count > 0:
                    Ask(Anybody(), new PledgeAssist(AnyBargain(), Policy, null));
                    break;
                case 16 when bargains.Count > 0:
                    var id = AnyBargain();
                    if (cells.ContainsKey(id.In(Shop))) Ask(id.In(Shop), new OrderBargain(OrderNo(++ids), State<BargainState>(id.In(Shop)).Launch!.Owner, new(random.Next(1, 12_000)), 15));
                    break;
                case 17:
                    FinishAnOrder(random.Next(2) == 0);
                    break;
                case 18:
                    now += TimeSpan.FromMinutes(random.Next(1, 60));
                    if (random.Next(3) == 0) WakeAll();
                    break;
                default:
                    Manage();
                    break;
            }

            if (random.Next(10) == 0) Restart(cells.Keys.ElementAt(random.Next(cells.Count)));
        }

        private void Manage()
        {
            object command = random.Next(30) switch
            {
                < 9 => new PauseCampaign(Guid.NewGuid(), "x"),
                < 22 => new ResumeCampaign(Guid.NewGuid(), "x"),
                22 => new KillCampaign(Guid.NewGuid(), "x"),
                _ => new ChangeQuota(Guid.NewGuid(), random.Next(-3, 4)),
            };
            Tell(campaign, command);
        }

        private GrainId Anybody() => Somebody(random.Next(1, Shoppers + 1)).In(Shop);

        private BargainId AnyBargain() => bargains[random.Next(bargains.Count)];

        private TState State<TState>(GrainId id) => (TState)cells[id].State;

        private Cell CellOf(GrainId id)
        {
            if (cells.TryGetValue(id, out var cell)) return cell;
            GrainDefinition definition = id.Kind switch
            {
                "shopper" => new ShopperGrain(),
                "campaign" => new CampaignGrain(),
                "bargain" => new BargainGrain(),
                _ => throw new ArgumentOutOfRangeException(nameof(id)),
            };
            return cells[id] = new(definition);
        }

        private void Ask(GrainId id, object command)
        {
            if (Tell(id, command) is null && AnswerOf(id, command).IsLater) waiting.Add((id, command));
        }

        private Refusal? Tell(GrainId id, object command)
        {
            var cell = CellOf(id);
            var chance = new byte[32];
            random.NextBytes(chance);
            var decided = cell.Definition.DecideAny(cell.State, command, new Turn(id, now, chance));
            if (decided is Refusal refusal)
            {
                // A grain that only refused has nothing to remember.
                if (cell.Facts.Count == 0) cells.Remove(id);
                return refusal;
            }

            Record(id, cell, decided);
            return null;
        }

        private Answer AnswerOf(GrainId id, object command)
        {
            var cell = CellOf(id);
            return cell.Definition.AnswerAny(cell.State, command, new Turn(id, now));
        }

        private void Record(GrainId id, Cell cell, object? decided)
        {
            foreach (var fact in decided is object[] many ? many : decided is null ? [] : [decided])
            {
                cell.State = cell.Definition.EvolveAny(cell.State, fact);
                cell.Facts.Add(fact);
                if (fact is BargainPaid) Paid++;
                if (fact is AssistReturned) RefusedPledges++;

                // Whoever waits is answered by the first change that can tell, as in the engines.
                foreach (var caller in waiting.Where(w => w.Grain == id).ToList())
                {
                    var answer = AnswerOf(id, caller.Command);
                    if (answer.IsLater) continue;
                    waiting.Remove(caller);
                    CheckAnswer(caller.Grain, caller.Command, answer);
                }
            }
        }

        private void CheckAnswer(GrainId shopper, object command, Answer answer)
        {
            if (command is not PledgeAssist pledge) return;
            var bargain = pledge.Bargain.In(Shop);
            var cut = cells.ContainsKey(bargain) ? State<BargainState>(bargain).CutBy(ShopperId.Of(shopper.Key)) : null;
            Assert.Equal(cut is null, answer.Value is null);
            if (answer.Value is PledgedAssist { Result: var result }) Assert.Equal(cut!.CutFen, result.CutFen);
        }

        /// <summary>Sends one debt, the oldest of its sender to its target, and loses the answer now and then.</summary>
        private bool Deliver()
        {
            var senders = cells.Where(c => c.Value.Definition.OwedBy(c.Value.State) is { Count: > 0 }).ToList();
            if (senders.Count == 0) return false;
            var (from, cell) = senders[random.Next(senders.Count)];
            var next = cell.Definition.OwedBy(cell.State)!.Open.Take(200)
                .Select(d => (Debt: d, Owed: cell.Definition.MessageFor(cell.State, d, from)))
                .GroupBy(d => d.Owed.To)
                .Select(g => g.First())
                .ToList();
            var (debt, owed) = next[random.Next(next.Count)];
            if (ReceiptFor(owed) is not { } receipt || (!calm && random.Next(5) == 0)) return true;
            Record(from, cell, cell.Definition.SettleAny(cell.State, debt, receipt, new Turn(from, now)));
            return true;
        }

        /// <summary>null while the receiver answers "later": it is asked again.</summary>
        private Receipt? ReceiptFor(Owed owed)
        {
            if (!calm && random.Next(20) == 0) return new Receipt(null, Refusal.Of(GrainRefusal.Busy));
            switch (owed.Command)
            {
                case ReserveStock reserve:
                    return !calm && random.Next(4) == 0 ? new Receipt(null, Refusal.Of(StockRefusal.SoldOut)) : new Receipt(new ReservedStock(reserve.Total), null);
                case CloseReservation:
                    return new Receipt(Done.Instance, null);
                case PlaceOrder order:
                    var id = OrderId.Of(owed.To.Key);
                    if (!orders.ContainsKey(id) && random.Next(5) == 0) return new Receipt(null, Refusal.Of(StockRefusal.SoldOut));
                    if (order.Source is { } source) orders.TryAdd(id, (source, true));
                    return new Receipt(Done.Instance, null);
            }

            if (Tell(owed.To, owed.Command) is { } refusal) return new Receipt(null, refusal);
            var answer = AnswerOf(owed.To, owed.Command);
            return answer.IsLater ? null : new Receipt(answer.Value, answer.Refusal);
        }

        private void FinishAnOrder(bool paid)
        {
            var open = orders.Where(o => o.Value.IsOpen).ToList();
            if (open.Count == 0) return;
            var (id, order) = open[random.Next(open.Count)];
            orders[id] = order with { IsOpen = false };
            Assert.Null(Tell(order.Source, paid ? new OrderPaid(id) : new OrderReleased(id)));
        }

        private void WakeAll()
        {
            foreach (var (id, cell) in cells.ToList())
                while (cell.Definition.DeadlineOf(cell.State) <= now)
                {
                    var before = cell.Facts.Count;
                    Tell(id, Wake.Instance);
                    Assert.True(cell.Facts.Count > before, $"{id} wants to be woken for nothing.");
                }
        }

        private void Restart(GrainId id)
        {
            var cell = cells[id];
            using var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream)) cell.Definition.WriteState(writer, cell.State);
            cell.State = cell.Definition.ReadState(stream.ToArray());
        }

        private void End()
        {
            calm = true;
            for (var round = 0; round < 50; round++)
            {
                var sent = 0;
                while (Deliver()) Assert.True(++sent < 100_000, "The grains owe each other something for ever.");
                while (orders.Any(o => o.Value.IsOpen)) FinishAnOrder(random.Next(2) == 0);
                now += TimeSpan.FromHours(12);
                WakeAll();
            }
        }

        private void CheckPlaces()
        {
            var state = State<CampaignState>(campaign);
            Assert.True(state.Held >= 0 && state.Left >= 0, $"{state.Held} held, {state.Left} left");
            var winners = bargains.Where(b => cells.ContainsKey(b.In(Shop))).Select(b => State<BargainState>(b.In(Shop))).Count(b => b.HasPlace && b.Status is BargainStatus.Succeeded or BargainStatus.Ordered or BargainStatus.Paid);
            Assert.True(winners <= state.Taken, $"{winners} won, {state.Taken} places taken");
        }

        private void CheckEnd()
        {
            Assert.Empty(waiting);
            Assert.All(cells.Values, c => Assert.Equal(0, c.Definition.OwedBy(c.State)!.Count));
            var state = State<CampaignState>(campaign);
            Assert.Equal((CampaignStatus.Settled, 0, 0), (state.Status, state.Live, state.Held));
            Assert.Equal(Paid, state.Sold);

            var started = cells.Values.Select(c => c.State).OfType<BargainState>().ToList();
            Assert.All(started, b => Assert.True(b.Status is not (BargainStatus.Running or BargainStatus.Succeeded or BargainStatus.Ordered)));
            Assert.Equal(started.Count, state.Participations.Count);
            foreach (var (id, cell) in cells.Where(c => c.Value.State is ShopperState))
            {
                var shopper = ShopperId.Of(id.Key);
                var cuts = started.Where(b => b.CutBy(shopper) is not null).Select(b => b.Launch!.Id).Order(Comparer<BargainId>.Create((a, b) => a.Value.CompareTo(b.Value)));
                var settled = cell.Facts.OfType<AssistSettled>().Select(f => f.Bargain).Distinct().Order(Comparer<BargainId>.Create((a, b) => a.Value.CompareTo(b.Value)));
                Assert.Equal(cuts, settled);

                // At most three assists of a day that were not given back.
                var open = new Dictionary<BargainId, DateOnly>();
                var used = new Dictionary<DateOnly, int>();
                foreach (var fact in cell.Facts)
                {
                    if (fact is AssistPledged pledged) open[pledged.Bargain] = pledged.Day;
                    if (fact is AssistSettled done) used[open[done.Bargain]] = used.GetValueOrDefault(open[done.Bargain]) + 1;
                }

                Assert.All(used.Values, n => Assert.InRange(n, 1, Cap));
                Assert.Equal(started.Count(b => b.Launch!.Owner == shopper), ((ShopperState)cell.State).Launches.Count);
            }
        }
    }
}
