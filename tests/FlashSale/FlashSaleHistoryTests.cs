using System.Text;
using System.Text.Json;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;
using static Campaigns.Tests.FlashSale.FlashSaleCast;

namespace Campaigns.Tests.FlashSale;

/// <summary>
/// Random lives of flash sales beside the real stock: whatever happens in whatever order, no unit is sold twice or lost, nobody has more than
/// the limit, and when all is over the stock has everything that was not bought.
/// </summary>
public class FlashSaleHistoryTests
{
    private const int Histories = 1_500;

    [Fact]
    [Trait("EdgeCase", "29")]
    [Trait("EdgeCase", "31")]
    public void Random_histories_keep_the_books()
    {
        var ends = new HashSet<string>(StringComparer.Ordinal);
        for (var seed = 0; seed < Histories; seed++)
        {
            try
            {
                foreach (var fact in new History(seed).Run()) ends.Add(fact);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"History {seed} went wrong: {e.Message}", e);
            }
        }

        // The loop is worth something only if it gets everywhere.
        Assert.Equal(typeof(FlashSaleEvent).Assembly.GetTypes().Count(t => t.IsSubclassOf(typeof(FlashSaleEvent))), ends.Count);
    }

    private sealed class History(int seed)
    {
        private static readonly GrainId StockSelf = new("stock", new("demo"), Sku.Value);

        private readonly Random random = new(seed);
        private readonly FlashSaleGrain grain = new();
        private readonly StockGrain stockGrain = new();
        private readonly List<(string Name, byte[] Json)> journal = [];

        // What the orders think: the quantity and the purpose of those that hold stock.
        private readonly Dictionary<OrderId, (int Quantity, int Shopper)> open = [];
        private readonly Dictionary<OrderId, (int Quantity, int Shopper)> timedOut = [];
        private FlashSaleState state = new();
        private StockState stock = new();
        private DateTimeOffset now = Published;
        private long bought;
        private int orders;

        public IEnumerable<string> Run()
        {
            var weekly = random.Next(2) == 0;
            var quota = random.Next(1, 12);
            var terms = Terms with { Quota = quota, PerUserLimit = random.Next(1, 5), WeeklySlot = weekly ? Weekly.WeeklySlot : null };
            Record(stockGrain.Decide(stock, new OpenStock("t", "n", "daily", new(9_900), random.Next(quota - (random.Next(20) == 0 ? 1 : 0), 40)), new Turn(StockSelf, now)));
            var all = stock.OnHand;
            var prepare = Prepare(terms, quota);
            while (!state.IsThere)
            {
                Do(prepare);
                while (state.Debts.Count > 0) Settle();
                if (state.Phase == SalePhase.None) return journal.Select(f => f.Name);
            }

            for (var steps = random.Next(10, 120); steps > 0; steps--)
            {
                Step();
                CheckBooks();
            }

            // All is over: whoever has not paid loses the hold, and no window is left.
            now = Opens.AddDays(60);
            for (var rounds = 0; rounds < 100 && (state.Debts.Count > 0 || open.Count > 0 || grain.Deadline(state) <= now); rounds++)
            {
                if (grain.Deadline(state) <= now) Do(Wake.Instance);
                if (state.Debts.Count > 0) Settle(busy: false);
                foreach (var order in open.Keys.ToList()) Release(order, late: false);
                CheckBooks();
            }

            Assert.Equal(SalePhase.Finished, state.Phase);
            Assert.Empty(state.Holds);
            Assert.Equal((0, all - bought, all - bought), (stock.Reserved, stock.OnHand, stock.Available));
            CheckJournal();
            return journal.Select(f => f.Name);
        }

        private void Step()
        {
            if (grain.Deadline(state) <= now && random.Next(3) > 0) Do(Wake.Instance);
            switch (random.Next(40))
            {
                case < 14:
                    Do(new TakeUnits(OrderNo(random.Next(3) == 0 ? random.Next(1, orders + 2) : ++orders), Somebody(random.Next(1, 6)), random.Next(1, 4)));
                    break;
                case < 18 when open.Count > 0:
                    Pay(Any(open.Keys));
                    break;
                case < 22 when open.Count > 0:
                    Release(Any(open.Keys), late: random.Next(2) == 0);
                    break;
                case < 25 when timedOut.Count > 0:
                    OfferLate(Any(timedOut.Keys));
                    break;
                case 25 when random.Next(12) == 0:
                    Do(new CancelParticipation());
                    break;
                case 26:
                    Do(new SetPaused(random.Next(3) == 0));
                    break;
                case 27:
                    Do(Prepare(state.Sale!.Terms, Math.Max(0, state.Quota + random.Next(-6, 7)), request: random.Next(1, 1_000_000)));
                    break;
                case 28:
                    now = grain.Deadline(state) is { } deadline ? deadline.AddMinutes(random.Next(-2, 3)) is var near && near > now ? near : now : now;
                    break;
                case 29:
                    now += TimeSpan.FromHours(random.Next(random.Next(6) == 0 ? 400 : 2));
                    break;
                case 30:
                    Record(stockGrain.Decide(stock, new HoldStock(Guid.NewGuid(), null, random.Next(1, 8)), new Turn(StockSelf, now)), sells: true);
                    break;
                default:
                    if (state.Debts.Count > 0) Settle();
                    break;
            }
        }

        private void Pay(OrderId order)
        {
            bought += open[order].Quantity;
            Record(stockGrain.Decide(stock, new ConsumeStock(order.Value), new Turn(StockSelf, now)));
            Assert.True(Do(new OrderPaid(order)));
            open.Remove(order);
        }

        private void Release(OrderId order, bool late)
        {
            Record(stockGrain.Decide(stock, new ReleaseStock(order.Value), new Turn(StockSelf, now)));
            Assert.True(Do(new OrderReleased(order)));
            open.Remove(order, out var was);
            if (late) timedOut[order] = was;
        }

        private void OfferLate(OrderId order)
        {
            timedOut.Remove(order, out var was);
            if (!Do(new OfferLatePayment(order, state.Purpose, Somebody(was.Shopper), was.Quantity, now)) || !state.Stands(order)) return;

            // The order holds its stock again and is paid, or finds the reservation closed.
            var purpose = state.Purpose;
            if (stockGrain.Decide(stock, new HoldStock(order.Value, purpose, was.Quantity), new Turn(StockSelf, now)) is var hold && hold.Refusal is null)
            {
                Record(hold);
                open[order] = was;
                Pay(order);
            }
            else
            {
                Assert.True(Do(new OrderReleased(order, WasLate: true)));
            }
        }

        private void Settle(bool busy = true)
        {
            var debt = state.Debts.Open.First();
            var owed = grain.Message(state, debt, Self);
            if (busy && random.Next(6) == 0)
            {
                Assert.Null(grain.SettleAny(state, debt, new Receipt(null, Refusal.Of(GrainRefusal.Busy)), new Turn(Self, now)));
                Assert.True(state.Debts.Contains(debt.What, debt.About));
                return;
            }

            Receipt receipt;
            if (owed.Command is PlaceOrder place)
            {
                var hold = state.Holds[debt.About];
                var held = stockGrain.Decide(stock, new HoldStock(debt.About, place.Purpose, hold.Quantity), new Turn(StockSelf, now));
                Assert.Null(held.Refusal);
                var refusal = random.Next(8) == 0 ? Refusal.Of(StockRefusal.SoldOut) : null;
                if (refusal is null)
                {
                    Record(held);
                    open.Add(OrderId.Of(debt.About), (hold.Quantity, ShopperNumber(hold.Shopper)));
                }

                receipt = new(refusal is null ? Done.Instance : null, refusal);
            }
            else if (owed.To.Kind == "stock")
            {
                var decision = stockGrain.Decide(stock, owed.Command, new Turn(StockSelf, now));
                Record(decision);
                receipt = decision.Refusal is { } refusal ? new(null, refusal) : new(stockGrain.Answer(stock, owed.Command, new Turn(StockSelf, now)).Value, null);
            }
            else
            {
                receipt = new(Done.Instance, null);
            }

            Record(grain.Settle(state, debt, receipt, new Turn(Self, now)));
            Assert.False(state.Debts.Contains(debt.What, debt.About) && debt.What == "place-order");
        }

        private static int ShopperNumber(Guid shopper) => Enumerable.Range(0, 10).First(i => Somebody(i).Value == shopper);

        private bool Do(object command)
        {
            var decision = grain.Decide(state, command, new Turn(Self, now));
            if (decision.Refusal is not null) return false;
            var changed = !decision.Events.IsEmpty;
            Record(decision);

            // Law 4: the same command at once again adds nothing.
            if (command is not Wake) Assert.Empty(grain.Decide(state, command, new Turn(Self, now)).Events.ToArray());
            return changed;
        }

        private void Record(Decision<FlashSaleEvent> decision)
        {
            foreach (var @event in decision.Events)
            {
                journal.Add((grain.NameOf(@event), Write(w => grain.WriteEvent(w, @event))));
                state = grain.Evolve(state, @event);
            }
        }

        private void Record(Decision<StockEvent> decision, bool sells = false)
        {
            foreach (var @event in decision.Events)
            {
                stock = stockGrain.Evolve(stock, @event);
                if (!sells || @event is not StockHeld held) continue;

                // Somebody buys at list price.
                bought += held.Quantity;
                stock = stockGrain.Evolve(stock, new StockConsumed(held.Order, held.Quantity));
            }
        }

        private void CheckBooks()
        {
            Assert.True(state.Available >= 0 && state.Held >= 0 && state.Sold >= 0, $"{state.Available} + {state.Held} + {state.Sold}");
            Assert.Equal(state.Holds.Values.Where(h => h.Number == state.Number).Sum(h => h.Quantity), state.Held);
            Assert.Equal(state.Holds.Values.Sum(h => h.Quantity), state.Held + state.PastHeld);
            Assert.True(stock.Available >= 0);
            Assert.All(open.Keys, o => Assert.True(state.Stands(o)));
            if (state.Phase is not (SalePhase.Ready or SalePhase.Ending)) return;

            Assert.Equal(state.UnitsOf.Values.Sum(), state.Held + state.Sold);
            Assert.All(state.UnitsOf.Values, u => Assert.InRange(u, 0, state.Sale!.Terms.PerUserLimit));
            var reserved = stock.Purposes[state.Purpose];
            Assert.True(reserved.Total >= state.Total && (state.Change is not null || reserved.Total == state.Total));
            Assert.True(reserved.Taken <= state.Held + state.Sold);
        }

        private void CheckJournal()
        {
            var replayed = journal.Aggregate(new FlashSaleState(), (s, e) => grain.Evolve(s, (FlashSaleEvent)grain.ReadEvent(e.Name, e.Json)));
            var live = Write(w => grain.WriteState(w, state));
            Assert.Equal(Encoding.UTF8.GetString(live), Encoding.UTF8.GetString(Write(w => grain.WriteState(w, replayed))));
            var restored = (FlashSaleState)grain.ReadState(live);
            Assert.Equal(Encoding.UTF8.GetString(live), Encoding.UTF8.GetString(Write(w => grain.WriteState(w, restored))));
            Assert.All(state.Ended, o => Assert.True(restored.HasEnded(OrderId.Of(o))));
        }

        private T Any<T>(IEnumerable<T> of) => of.ElementAt(random.Next(of.Count()));

        private static byte[] Write(Action<Utf8JsonWriter> write)
        {
            using var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream)) write(writer);
            return stream.ToArray();
        }
    }
}
