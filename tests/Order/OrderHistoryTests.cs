using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Order;

/// <summary>What holds for an order whatever happens in whatever order; a failing seed is in the name of the failing row.</summary>
public sealed class OrderHistoryTests
{
    private static readonly ShopperId Amei = new(new Guid(1, 0, 0, new byte[8]));
    private static readonly Money Amount = new(100);

    private readonly OrderGrain grain = new();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 100)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Money_is_kept_once_or_returned_and_held_stock_leaves_or_returns(int seed)
    {
        var random = new Random(seed);
        var story = new Story<OrderState, OrderEvent>(grain);
        var lines = Enumerable.Range(1, 4).Select(i => new OrderLine(Sku(i), "t", 1, 25, 25)).ToList();
        var now = Story<OrderState, OrderEvent>.Start;
        var facts = new List<OrderEvent>();
        var taken = new HashSet<PaymentId>();

        for (var step = 0; step < 120; step++)
        {
            now += TimeSpan.FromSeconds(random.Next(30));
            if (step % 20 == 0) story.ThenSurvivesSnapshot();

            var debts = story.Debts;
            if (debts.Count > 0 && random.Next(2) == 0)
            {
                var debt = debts[random.Next(debts.Count)];
                Assert.NotNull(grain.Message(story.State, debt, story.Self).Command);
                Enum? no = random.Next(6) switch { 0 => GrainRefusal.Busy, 1 when seed % 2 == 0 => StockRefusal.SoldOut, _ => null };
                Apply(grain.Settle(story.State, debt, new(Done.Instance, no is null ? null : Refusal.Of(no)), new(story.Self, now)));
                continue;
            }

            object command = step == 0 ? new PlaceOrder(Amei, "plain", null, null, lines, [], 15) : random.Next(8) switch
            {
                0 or 1 => new StartPayment(Payment(random.Next(3)), Amei),
                2 => new TakePayment(Payment(random.Next(3)), random.Next(5) == 0 ? new(99) : Amount),
                3 when random.Next(8) == 0 => new CancelOrder(Amei, null),
                _ => Wake.Instance,
            };
            var decision = grain.Decide(story.State, command, new(story.Self, now));
            Apply(decision);
            if (command is TakePayment money && decision.Refusal is null) taken.Add(money.Payment);
            if (command is not Wake) Assert.Empty(grain.Decide(story.State, command, new(story.Self, now)).Events.ToArray());
        }

        for (var rounds = 0; story.Debts.Count > 0; rounds++)
        {
            Assert.True(rounds < 100, "a debt never ends");
            Apply(grain.Settle(story.State, story.Debts[0], new(Done.Instance, null), new(story.Self, now)));
        }

        var kept = facts.OfType<PaidInFull>().Select(f => f.Payment!.Value).ToList();
        var returned = facts.OfType<RefundRequested>().Select(f => f.Payment).ToList();
        Assert.True(kept.Count <= 1, "paid twice");
        Assert.Equal(taken.OrderBy(p => p.Value), kept.Concat(returned).OrderBy(p => p.Value));
        Assert.Equal(returned.Count, facts.OfType<DebtSettled>().Count(d => d.What == OrderRules.ReturnMoney));

        var held = facts.OfType<LineHeld>().Select(f => f.Sku.Value).Order();
        var left = facts.OfType<DebtSettled>().Where(d => d.What is OrderRules.Consume or OrderRules.Release).Select(d => d.About).Order();
        if (story.State.Stage != OrderStage.Pending) Assert.Equal(held, left);
        else Assert.Empty(left);

        void Apply(Decision<OrderEvent> decision)
        {
            facts.AddRange(decision.Events);
            story.Given([.. decision.Events]);
        }
    }

    private static SkuId Sku(int i) => new(new Guid(i, 1, 0, new byte[8]));

    private static PaymentId Payment(int i) => new(new Guid(i, 2, 0, new byte[8]));
}
