using Campaigns.Grains;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Binding;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Product;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo.Books;

namespace Campaigns.Tests.Books;

/// <summary>
/// A small shop whose states the real rules have made: one bargain paid, one ordered, one running, one whose order was cancelled before its
/// money came and was refunded; a flash sale with an open and a paid order; and a promoter with a paid and an open withdrawal. Clean; a test breaks one thing in it.
/// </summary>
internal sealed class World : IBooks
{
    private static readonly ShopId Shop = new("demo");
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly AssistPolicy Policy = new(6, 0, "Asia/Shanghai");
    private static readonly Dictionary<string, GrainDefinition> Definitions = Mechanics.Grains.ToDictionary(d => d.Kind, StringComparer.Ordinal);

    private readonly Dictionary<GrainId, object> states = [];
    private int facts;

    public World()
    {
        Tell(TheProduct, new AddProduct("tea", "daily", [new NewSku(SkuId.Of(Sku.Key), "box", new(9_900), 100)]));
        for (var i = 1; i <= 9; i++) Tell(Person(i), new RegisterShopper($"wx-{i}"));
        var terms = new BargainTerms { Quota = 10, FloorFen = 990, AssistsNeeded = 2, TtlMinutes = 600 };
        Tell(TheCampaign, new DraftCampaign(new("x", Now, Now.AddDays(2), SkuId.Of(Sku.Key), terms)));
        Tell(TheCampaign, new PublishCampaign(Guid.NewGuid(), new("tea", new(9_900), 100, Channel.MiniProgram)));
        foreach (var (bargain, owner) in (ReadOnlySpan<(GrainId, int)>)[(Paid, 1), (Ordered, 4), (Running, 5), (Refunded, 6)]) Tell(Person(owner), new LaunchParticipation(bargain.Key, CampaignId.Of(TheCampaign.Key), 3));
        foreach (var bargain in (ReadOnlySpan<GrainId>)[Paid, Ordered, Running, Refunded]) Assist(2, bargain);
        foreach (var bargain in (ReadOnlySpan<GrainId>)[Paid, Ordered, Refunded]) Assist(3, bargain);

        Tell(SaleCampaign, new DraftCampaign(new("y", Now, Now.AddDays(2), SkuId.Of(Sku.Key), new FlashSaleTerms { Quota = 5, SalePriceFen = 5_900, PerUserLimit = 2 })));
        Tell(SaleCampaign, new PublishCampaign(Guid.NewGuid(), new("tea", new(9_900), 90, Channel.MiniProgram)));
        Tell(Sale, new TakeUnits(OrderId.Of(HeldOrder.Key), ShopperId.Of(Person(7).Key), 2));
        Tell(Sale, new TakeUnits(OrderId.Of(SoldOrder.Key), ShopperId.Of(Person(8).Key), 1));
        Tell(SoldOrder, new StartPayment(PaymentId.Of(SalePayment.Key), ShopperId.Of(Person(8).Key)));
        Tell(SalePayment, new ConfirmPayment("t", new(5_900), Now));

        Buy(Paid, PaidOrder, 1);
        Buy(Ordered, OpenOrder, 4);
        Buy(Refunded, LostOrder, 6);
        Tell(PaidOrder, new StartPayment(PaymentId.Of(ThePayment.Key), ShopperId.Of(Person(1).Key)));
        Tell(LostOrder, new StartPayment(PaymentId.Of(LatePayment.Key), ShopperId.Of(Person(6).Key)));
        Tell(LostOrder, new CancelOrder(ShopperId.Of(Person(6).Key), null));
        foreach (var payment in (ReadOnlySpan<GrainId>)[ThePayment, LatePayment]) Tell(payment, new ConfirmPayment("t", new(990), Now));

        Tell(TheLedger, new PostEntries(Promoter, LedgerKind.Commission, Guid.NewGuid(), PaidOrder.Key, 1, [new("given", LedgerAccount.Shop, LedgerAccount.Available, new(2_000))]));
        foreach (var (withdrawal, fen) in (ReadOnlySpan<(GrainId, long)>)[(PaidWithdrawal, 1_000), (HeldWithdrawal, 400)])
        {
            Tell(withdrawal, new AskWithdrawal(Promoter, new(fen), new(new(100), new(5_000), new(5_000), 1, "Asia/Shanghai")));
            if (withdrawal == PaidWithdrawal) Tell(withdrawal, new DecideWithdrawal(Guid.NewGuid(), IsApproved: true, null));
        }
    }

    public static GrainId TheProduct { get; } = Grain("product", 1);

    public static GrainId Sku { get; } = Grain("stock", 2);

    public static GrainId TheCampaign { get; } = Grain("campaign", 3);

    public static GrainId Paid { get; } = Grain("bargain", 10);

    public static GrainId Ordered { get; } = Grain("bargain", 11);

    public static GrainId Running { get; } = Grain("bargain", 12);

    public static GrainId Refunded { get; } = Grain("bargain", 13);

    public static GrainId PaidOrder { get; } = Grain("order", 20);

    public static GrainId OpenOrder { get; } = Grain("order", 21);

    public static GrainId LostOrder { get; } = Grain("order", 23);

    public static GrainId SaleCampaign { get; } = Grain("campaign", 4);

    public static GrainId Sale { get; } = Grain("flash-sale", 4);

    public static GrainId HeldOrder { get; } = Grain("order", 24);

    public static GrainId SoldOrder { get; } = Grain("order", 25);

    public static GrainId SalePayment { get; } = Grain("payment", 35);

    public static GrainId ThePayment { get; } = Grain("payment", 30);

    public static GrainId LatePayment { get; } = Grain("payment", 33);

    public static GrainId PaidWithdrawal { get; } = Grain("withdrawal", 40);

    public static GrainId HeldWithdrawal { get; } = Grain("withdrawal", 41);

    /// <summary>The commission of somebody who has withdrawn 1,000 of 2,000 fen and wants 400 more.</summary>
    public static GrainId TheLedger { get; } = Promoter.LedgerIn(Shop, LedgerKind.Commission);

    public static GrainId Person(int number) => Grain("shopper", 100 + number);

    /// <summary>Exactly what is wrong once <paramref name="change"/> has broken something: nothing before, and these words about some grain after.</summary>
    public static void Finds(string words, Action<World> change)
    {
        var world = new World();
        Assert.Empty(world.Findings());
        change(world);
        Assert.Contains(world.Findings(), f => f.Contains(words, StringComparison.Ordinal));
    }

    public TState? Of<TState>(GrainId grain)
        where TState : class =>
        states.GetValueOrDefault(grain) as TState;

    public TState The<TState>(GrainId grain)
        where TState : class =>
        Of<TState>(grain)!;

    public void Change<TState>(GrainId grain, Func<TState, TState> change)
        where TState : class =>
        states[grain] = change(The<TState>(grain));

    public void Remove(GrainId grain) => states.Remove(grain);

    public IReadOnlyList<string> Findings()
    {
        var findings = new BookFindings();
        Assert.True(BookCheck.Look(states, this, Mechanics.Books, findings) > 0);
        return [.. findings.Kept.Select(f => $"{f.Where}: {f.What}")];
    }

    private static ShopperId Promoter => ShopperId.Of(Person(9).Key);

    private static GrainId Grain(string kind, int number) => new(kind, Shop, new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0));

    private void Assist(int person, GrainId bargain) => Tell(Person(person), new PledgeAssist(BargainId.Of(bargain.Key), Policy, $"device-{person}"));

    private void Buy(GrainId bargain, GrainId order, int owner) => Tell(bargain, new OrderBargain(OrderId.Of(order.Key), ShopperId.Of(Person(owner).Key), new(9_900), 15));

    /// <summary>The command, and everything that is owed because of it.</summary>
    private void Tell(GrainId grain, object command)
    {
        Assert.Null(Decide(grain, command));
        for (var known = -1; known < facts;)
        {
            known = facts;
            foreach (var (debtor, state) in states.ToList())
            {
                foreach (var debt in Definitions[debtor.Kind].OwedBy(state)?.Open.ToList() ?? [])
                {
                    if (Receive(Definitions[debtor.Kind].MessageFor(states[debtor], debt, debtor)) is not { } receipt) continue;
                    Record(debtor, Definitions[debtor.Kind].SettleAny(states[debtor], debt, receipt, new Turn(debtor, Now)));
                }
            }
        }
    }

    private Receipt? Receive(Owed owed)
    {
        if (owed.To.Kind == Gateway.Kind) return new(owed.Command switch { Prepay => new Prepaid("wx"), CloseAtGateway => new ClosedAtGateway(), _ => new RefundedAtGateway(RefundStatus.Succeeded) }, null);
        if (owed.To.Kind == BindingAddress.Kind) return new(new Attribution(null), null); // nobody here promotes anybody
        if (owed.To.Kind == TransferGateway.Kind) return new(new TransferredAtGateway(TransferStatus.Succeeded), null);
        if (owed.Command is GetDistributorTerms) return new(new DistributorTerms(DistributorStanding.Active, null, null, 100, 100), null);
        if (Decide(owed.To, owed.Command) is { } refusal) return new(null, refusal);
        var answer = Definitions[owed.To.Kind].AnswerAny(states[owed.To], owed.Command, new Turn(owed.To, Now));
        return answer.IsLater ? null : new(answer.Value, answer.Refusal);
    }

    private Refusal? Decide(GrainId grain, object command)
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
            facts++;
            states[grain] = Definitions[grain.Kind].EvolveAny(states.GetValueOrDefault(grain) ?? Definitions[grain.Kind].NewState(), fact);
        }
    }
}
