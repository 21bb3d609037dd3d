using Campaigns.Grains;
using Campaigns.Grains.Binding;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Product;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Silo.Books;

namespace Campaigns.Tests.GroupBuy;

/// <summary>
/// A shop with one group-buy campaign and every grain it deals with, all played by the real rules. Messages arrive one at a time, in whatever
/// order the caller picks, now and then twice; nothing else is simulated.
/// </summary>
internal sealed class Market : IBooks
{
    public const int Units = 1_000;

    private static readonly ShopId Shop = new("demo");
    private static readonly Dictionary<string, GrainDefinition> Definitions = Mechanics.Grains.ToDictionary(d => d.Kind, StringComparer.Ordinal);
    private static readonly SkuId Sku = SkuId.Of(Id(0xf1, 1));

    private readonly Dictionary<GrainId, object> states = [];
    private readonly Dictionary<string, Money> refunded = new(StringComparer.Ordinal);
    private readonly HashSet<(GrainId, Debt)> waiting = [];
    private readonly Random random;
    private int facts;

    public Market(int seed, GroupBuyTerms terms, int people)
    {
        random = new(seed);
        Ask(ProductId.Of(Id(0xf2, 1)).In(Shop), new AddProduct("tea", "daily", [new NewSku(Sku, "box", new(9_900), Units)]));
        for (var i = 1; i <= people; i++) Ask(Person(i).In(Shop), new RegisterShopper($"wx-{i}"));
        Settle();
        Ask(Campaign.In(Shop), new DraftCampaign(new("x", Now, Now.AddDays(3), Sku, terms)));
        Ask(Campaign.In(Shop), new PublishCampaign(Id(0xf3, 1), new("tea", new(9_900), Units, Channel.MiniProgram)));
        Settle();
    }

    public DateTimeOffset Now { get; private set; } = GroupBuyCast.Start;

    public CampaignId Campaign { get; } = CampaignId.Of(Id(0xc1, 1));

    public IEnumerable<(GroupRoomId Id, GroupRoomState State)> Rooms => states.Where(s => s.Key.Kind == "group-room").Select(s => (GroupRoomId.Of(s.Key.Key), (GroupRoomState)s.Value));

    public IEnumerable<(OrderId Id, OrderState State)> Orders => states.Where(s => s.Key.Kind == "order").Select(s => (OrderId.Of(s.Key.Key), (OrderState)s.Value));

    /// <summary>What the gateway has given back, by refund.</summary>
    public IReadOnlyDictionary<string, Money> Refunded => refunded;

    /// <summary>True while the gateway answers no refund.</summary>
    public bool RefundsFail { get; set; }

    public static ShopperId Person(int number) => ShopperId.Of(Id(0xa1, number));

    public static OrderId Order(int number) => OrderId.Of(Id(0xb1, number));

    public static GroupRoomId Room(int number) => GroupRoomId.Of(Id(0xd1, number));

    public static PaymentId Payment(OrderId order) => PaymentId.Of(Ids.Derive("payment", order.ToString()));

    public TState? Of<TState>(GrainId grain)
        where TState : class =>
        states.GetValueOrDefault(grain) as TState;

    public GroupRoomState? The(GroupRoomId room) => Of<GroupRoomState>(room.In(Shop));

    public OrderState? The(OrderId order) => Of<OrderState>(order.In(Shop));

    public CampaignState TheCampaign => Of<CampaignState>(Campaign.In(Shop))!;

    public StockState TheStock => Of<StockState>(Sku.In(Shop))!;

    public Refusal? Hold(GroupRoomId room, OrderId order, ShopperId shopper, int quantity = 1, bool founds = false) =>
        Ask(room.In(Shop), new HoldSeat(order, shopper, quantity, IsNew: true, 15, founds ? Campaign : null));

    public Refusal? StartPayment(OrderId order, ShopperId buyer) => Ask(order.In(Shop), new StartPayment(Payment(order), buyer));

    /// <summary>The gateway says that this order's payment has come.</summary>
    public void Money(OrderId order)
    {
        if (Of<PaymentState>(Payment(order).In(Shop)) is { } payment) Ask(Payment(order).In(Shop), new ConfirmPayment("t", payment.Amount, Now));
    }

    public Refusal? Cancel(OrderId order, ShopperId buyer) => Ask(order.In(Shop), new CancelOrder(buyer, null));

    public Refusal? ToCampaign(object command) => Ask(Campaign.In(Shop), command);

    public Refusal? ToStock(object command) => Ask(Sku.In(Shop), command);

    /// <summary>What the payments of this order have brought.</summary>
    public Money Paid(OrderId order) => Of<PaymentState>(Payment(order).In(Shop)) is { Status: PaymentStatus.Paid } payment ? payment.Amount : default;

    public Refusal? ToRoom(GroupRoomId room, object command) => Ask(room.In(Shop), command);

    /// <summary>Time passes; what falls due is decided in any order, each at its own moment or late.</summary>
    public void Pass(TimeSpan time)
    {
        Now += time;
        for (var fired = true; fired;)
        {
            fired = false;
            foreach (var (grain, state) in states.ToList().OrderBy(_ => random.Next()))
            {
                if (!(Definitions[grain.Kind].DeadlineOf(states[grain]) <= Now)) continue;
                Ask(grain, Wake.Instance);
                fired = true;
            }
        }
    }

    /// <summary>One open message arrives, and its answer.</summary>
    /// <returns>false if none could be answered</returns>
    public bool Deliver()
    {
        var before = facts;
        foreach (var debtor in states.Keys.OrderBy(_ => random.Next()).ToList())
        {
            var definition = Definitions[debtor.Kind];

            // One message at a time to each receiver, the oldest first; which receiver is next is anybody's guess.
            var lines = (definition.OwedBy(states[debtor])?.Open ?? []).Select(d => (Debt: d, Message: definition.MessageFor(states[debtor], d, debtor))).GroupBy(m => m.Message.To).Select(g => g.First());
            foreach (var (debt, message) in lines.OrderBy(_ => random.Next()).ToList())
            {
                if (random.Next(8) == 0) Receive(message);
                var receipt = waiting.Contains((debtor, debt)) ? Answer(message) : Receive(message);
                if (receipt is null) waiting.Add((debtor, debt));
                if (receipt is null or { Refusal.Kind: RefusalKind.Busy }) continue;
                waiting.Remove((debtor, debt));
                Record(debtor, definition.SettleAny(states[debtor], debt, receipt.Value, new Turn(debtor, Now)));
                return true;
            }
        }

        return facts > before;
    }

    public void Settle()
    {
        for (var i = 0; Deliver(); i++) Assert.True(i < 10_000, "The messages never end.");
    }

    public IReadOnlyList<string> Findings()
    {
        var findings = new BookFindings();
        BookCheck.Look(states, this, Mechanics.Books, findings);
        return [.. findings.Kept.Select(f => $"{f.Where}: {f.What}")];
    }

    public IEnumerable<string> Owed() => states.SelectMany(s => (Definitions[s.Key.Kind].OwedBy(s.Value)?.Open ?? []).Select(d => $"{s.Key} owes {d.What}"));

    private static Guid Id(byte kind, int number) => new(number, 0, 0x7000, 0x80, kind, 0, 0, 0, 0, 0, 0);

    private Receipt? Receive(Owed owed)
    {
        if (owed.To.Kind == Gateway.Kind)
        {
            if (owed.Command is CloseAtGateway) return new(new ClosedAtGateway(), null);
            if (owed.Command is not RefundAtGateway refund) return new(new Prepaid("wx"), null);
            if (RefundsFail) return new(null, Refusal.Of(GrainRefusal.Busy));
            refunded[refund.RefundId] = refund.Amount;
            return new(new RefundedAtGateway(RefundStatus.Succeeded), null);
        }

        if (owed.To.Kind == BindingAddress.Kind) return new(new Attribution(null), null); // nobody here promotes anybody
        return Ask(owed.To, owed.Command) is { } refusal ? new(null, refusal) : Answer(owed);
    }

    /// <summary>A message that arrived waits until the state can tell.</summary>
    private Receipt? Answer(Owed owed)
    {
        if (!states.TryGetValue(owed.To, out var state)) state = Definitions[owed.To.Kind].NewState();
        var answer = Definitions[owed.To.Kind].AnswerAny(state, owed.Command, new Turn(owed.To, Now));
        return answer.IsLater ? null : new(answer.Value, answer.Refusal);
    }

    private Refusal? Ask(GrainId grain, object command)
    {
        var definition = Definitions[grain.Kind];
        var decided = definition.DecideAny(states.GetValueOrDefault(grain) ?? definition.NewState(), command, new Turn(grain, Now, new byte[32]));
        if (decided is Refusal refusal) return refusal;
        Record(grain, decided);
        return null;
    }

    private void Record(GrainId grain, object? decided)
    {
        foreach (var fact in decided is object[] many ? many : decided is null ? [] : [decided])
        {
            states[grain] = Definitions[grain.Kind].EvolveAny(states.GetValueOrDefault(grain) ?? Definitions[grain.Kind].NewState(), fact);
            facts++;
        }
    }
}
