using System.Text;
using System.Text.Json;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;
using static Campaigns.Tests.Bargain.BargainCast;

namespace Campaigns.Tests.Bargain;

/// <summary>Random lives of bargains: whatever happens in whatever order, the sums are right and the journal tells the same story.</summary>
public class BargainHistoryTests
{
    private const int Histories = 3_000;

    [Fact]
    [Trait("EdgeCase", "2")]
    public void Random_histories_keep_the_books()
    {
        var ends = new HashSet<BargainStatus>();
        for (var seed = 0; seed < Histories; seed++)
        {
            try
            {
                ends.Add(new History(seed).Run());
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"History {seed} went wrong: {e.Message}", e);
            }
        }

        // The loop is worth something only if it gets everywhere.
        Assert.Equal(Enum.GetValues<BargainStatus>().Order(), ends.Order());
    }

    private sealed class History(int seed)
    {
        private readonly Random random = new(seed);
        private readonly BargainGrain grain = new();
        private readonly GrainId self = new("bargain", new("demo"), Guid.Parse("01890000-0000-7000-8000-000000000001"));
        private readonly List<(string Name, byte[] Json)> journal = [];
        private readonly Dictionary<int, AssistResult> first = [];
        private readonly byte[] chance = new byte[32];
        private BargainState state = new();
        private DateTimeOffset now = Start;
        private int orders;

        public BargainStatus Run()
        {
            random.NextBytes(chance);
            var assists = random.Next(1, 12);
            var minCut = random.Next(1, 50);
            var list = (assists * minCut) + random.Next(1, 5_000);
            var terms = Terms with
            {
                FloorFen = random.Next(0, list - (assists * minCut) + 1),
                AssistsNeeded = assists,
                MinCutFen = minCut,
                Curve = (CutCurve)random.Next(1, 4),
                NewUserWeight = random.Next(1, 6),
                SelfCut = random.Next(2) == 0,
                BuyAtAnyPrice = random.Next(2) == 0,
                Reservation = (ReservationPolicy)random.Next(1, 3),
            };
            Do(StartWith(terms) with { ListPrice = new(list) });
            var steps = random.Next(1, 60);
            for (var step = 0; step < steps; step++)
            {
                Step();
                CheckBooks();
            }

            CheckRepeats();
            CheckJournal();
            return state.Status;
        }

        private void Step()
        {
            now += TimeSpan.FromMinutes(random.Next(random.Next(20) == 0 ? 2_000 : 20));
            switch (random.Next(16))
            {
                case < 8:
                    Help(random.Next(101, 120));
                    break;
                case 8:
                    Do(new OrderBargain(OrderNo(++orders), Owner, new(random.Next(1, 6_000)), 15));
                    break;
                case 9:
                    Do(new OrderPaid(OrderNo(random.Next(1, orders + 2))));
                    break;
                case 10:
                    Do(new OrderReleased(OrderNo(random.Next(1, orders + 2))));
                    break;
                case 11:
                    Do(random.Next(15) == 0 ? new CancelParticipation() : new SetPaused(random.Next(3) == 0));
                    break;
                case 12:
                    Do(Wake.Instance);
                    break;
                default:
                    if (state.Debts.Count > 0) Settle(state.Debts.Open.First());
                    break;
            }
        }

        private void Help(int helper)
        {
            var command = Assist(helper, random.Next(2) == 0 ? $"d{random.Next(3)}" : null, random.Next(3) == 0);
            if (Do(command)) Remember(helper, command);
        }

        private void Remember(int helper, ApplyAssist command)
        {
            var answer = grain.Answer(state, command, new Turn(self, now));
            if (answer.Value is AssistResult result)
                Assert.Equal(first.TryAdd(helper, result) ? result : first[helper], result);
        }

        private void Settle(Debt debt)
        {
            Assert.NotNull(grain.Message(state, debt, self).Command);
            Refusal? refusal = (debt.What, random.Next(5)) switch
            {
                (_, 0) => Refusal.Of(GrainRefusal.Busy),
                ("claim-place", 1) => Refusal.Of(CampaignRefusal.SoldOut),
                ("claim-place", 2) => Refusal.Of(CampaignRefusal.CampaignKilled),
                ("place-order", 1) => Refusal.Of(StockRefusal.SoldOut),
                _ => null,
            };
            if (refusal?.Kind == RefusalKind.Busy) Assert.Null(grain.SettleAny(state, debt, new Receipt(null, refusal), new Turn(self, now)));
            else Record(grain.Settle(state, debt, new Receipt(refusal is null ? Done.Instance : null, refusal), new Turn(self, now)));
            Assert.Equal(refusal?.Kind == RefusalKind.Busy, state.Debts.Contains(debt.What, debt.About));
        }

        private bool Do(object command)
        {
            var decision = grain.Decide(state, command, new Turn(self, now, grain.Draws(command) ? chance : default));
            if (decision.Refusal is not null) return false;
            Record(decision);

            // Law 4: the same command at once again adds nothing.
            Assert.Empty(grain.Decide(state, command, new Turn(self, now, grain.Draws(command) ? chance : default)).Events.ToArray());
            return true;
        }

        private void Record(Decision<BargainEvent> decision)
        {
            foreach (var @event in decision.Events)
            {
                journal.Add((grain.NameOf(@event), Write(w => grain.WriteEvent(w, @event))));
                state = grain.Evolve(state, @event);
            }
        }

        private void CheckBooks()
        {
            var view = (BargainView)grain.Answer(state, new GetBargain(), new Turn(self, now)).Value!;
            Assert.Equal(view.ListPriceFen - view.PriceFen, view.Helpers.Sum(h => h.CutFen));
            Assert.True(view.PriceFen >= view.FloorFen);
            Assert.Equal(view.PriceFen - view.FloorFen, view.LeftFen);
            Assert.Equal(view.Slots - view.Helpers.Sum(h => h.SlotsUsed), view.SlotsLeft);
            Assert.Equal(view.SlotsLeft == 0, view.LeftFen == 0);
            Assert.Equal(view.Helpers.Count, view.Helpers.Select(h => h.ShopperId).Distinct().Count());
            Assert.All(view.Helpers, h => Assert.True(h.CutFen >= state.Terms.MinCutFen * h.SlotsUsed));
            Assert.Equal(view.ListPriceFen - view.FloorFen, state.Launch!.Slots.Sum());
            if (state.Order is { } order) Assert.True(order.PriceFen <= order.UnitPriceFen && order.PriceFen <= view.PriceFen);
            if (view.State == BargainStatus.Succeeded) Assert.True(state.HasPlace && view.SlotsLeft == 0);
            if (view.State is BargainStatus.Ordered or BargainStatus.Paid) Assert.True(state.HasPlace);
            Assert.Equal(grain.Deadline(state) is not null, view.State == BargainStatus.Succeeded || (view.State == BargainStatus.Running && !state.IsWaiting));
        }

        private void CheckRepeats()
        {
            foreach (var (helper, result) in first)
            {
                Assert.Empty(grain.Decide(state, Assist(helper), new Turn(self, now)).Events.ToArray());
                Assert.Equal(result, grain.Answer(state, Assist(helper), new Turn(self, now)).Value);
            }
        }

        private void CheckJournal()
        {
            var replayed = journal.Aggregate(new BargainState(), (s, e) => grain.Evolve(s, (BargainEvent)grain.ReadEvent(e.Name, e.Json)));
            var live = Write(w => grain.WriteState(w, state));
            Assert.Equal(Encoding.UTF8.GetString(live), Encoding.UTF8.GetString(Write(w => grain.WriteState(w, replayed))));
            Assert.Equal(Encoding.UTF8.GetString(live), Encoding.UTF8.GetString(Write(w => grain.WriteState(w, grain.ReadState(live)))));
            var proof = (BargainProof)grain.Answer(state, new GetProof(), new Turn(self, now)).Value!;
            if (proof.Seed is not null) Assert.True(BargainPlan.Verify(proof, out var problem), problem);
        }

        private static byte[] Write(Action<Utf8JsonWriter> write)
        {
            using var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream)) write(writer);
            return stream.ToArray();
        }
    }
}
