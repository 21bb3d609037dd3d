using Campaigns.Grains;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Product;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.Books;

/// <summary>All grains of the product in a real engine over a real journal, a crowd that does everything that can be done, and power cuts.</summary>
internal sealed class Market(int seed) : IAsyncDisposable
{
    private const int People = 14;
    private const int Launches = 3;
    private static readonly ShopId Shop = new("demo");
    private static readonly AssistPolicy Policy = new(6, 0, "Asia/Shanghai");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly Random random = new(seed);
    private readonly ProductClock clock = new();
    private readonly List<Task> calls = [];
    private readonly List<SkuId> skus = [];
    private readonly List<CampaignId> campaigns = [];
    private readonly List<BargainId> bargains = [];
    private readonly List<(OrderId Order, ShopperId Buyer)> orders = [];
    private readonly List<PaymentId> payments = [];
    private HeldJournal journal = null!;
    private LocalEngine engine = null!;

    public string Folder => folder.FullName;

    public static ShopperId Somebody(int number) => ShopperId.OfOpenId(Shop, $"wx-{number}");

    /// <summary>Plays so many steps; the process is stopped cleanly at the end, with deadlines and debts left open.</summary>
    public async Task Play(int steps)
    {
        await Open();
        await Stock();
        for (var step = 0; step < steps; step++)
        {
            Act();
            if (random.Next(4) == 0) await Answered();
            if (random.Next(60) == 0) await PowerCut();
            if (random.Next(60) == 0) await Publish();
        }

        await Answered();
        await Close();
    }

    public async Task Close()
    {
        await engine.DisposeAsync().AsTask().WaitAsync(Patience);
        await journal.DisposeAsync();
    }

    public ValueTask DisposeAsync()
    {
        folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task Open()
    {
        journal = new(SqliteJournal.Open(Folder));
        engine = new(journal, Mechanics.Grains, [new Cashier(random.Next())], clock, new() { Lanes = 2, DuePoll = TimeSpan.FromMilliseconds(5), IdleAfter = TimeSpan.FromMilliseconds(30), TailEventsMax = 200, ReceiverBackoff = TimeSpan.FromMilliseconds(5), GrainBackoff = TimeSpan.FromMilliseconds(2), BackoffMax = TimeSpan.FromMilliseconds(50) }, NullLogger<LocalEngine>.Instance);
        await engine.Start().WaitAsync(Patience);
    }

    private async Task PowerCut()
    {
        journal.Die();
        await Close();
        await Answered();
        await Open();
    }

    private async Task Stock()
    {
        for (var i = 1; i <= 2; i++)
        {
            var sku = new NewSku(SkuId.Of(Id()), $"sku {i}", new(9_900), 30);
            skus.Add(sku.Id);
            await engine.Ask(ProductId.Of(Id()).In(Shop), new AddProduct("tea", "daily", [sku]));
        }

        for (var i = 1; i <= People; i++) await engine.Ask(Somebody(i).In(Shop), new RegisterShopper($"wx-{i}"));
        for (var i = 0; i < 3; i++) await Publish();
    }

    private async Task Publish()
    {
        var campaign = CampaignId.Of(Id());
        var terms = new BargainTerms
        {
            Quota = random.Next(1, 8),
            FloorFen = random.Next(0, 5_000) * random.Next(2),
            AssistsNeeded = random.Next(1, 4),
            TtlMinutes = 60 * random.Next(1, 48),
            PayWindowMinutes = random.Next(30, 2_000),
            BuyAtAnyPrice = random.Next(3) == 0,
            SelfCut = random.Next(3) == 0,
            NewUserWeight = random.Next(1, 3),
            Reservation = (ReservationPolicy)random.Next(1, 3),
            LaunchesPerUser = Launches,
        };
        var now = clock.GetUtcNow();
        await engine.Ask(campaign.In(Shop), new DraftCampaign(new("x", now.AddMinutes(random.Next(-60, 60)), now.AddDays(random.Next(1, 4)), Any(skus), terms)));
        await engine.Ask(campaign.In(Shop), new PublishCampaign(Id(), new("tea", new(9_900), 30, Channel.MiniProgram)));
        campaigns.Add(campaign);
    }

    private void Act()
    {
        switch (random.Next(29))
        {
            case < 4:
                var bargain = BargainId.Of(Id());
                bargains.Add(bargain);
                Call(Somebody(random.Next(1, People + 1)).In(Shop), new LaunchParticipation(bargain.Value, campaigns[^random.Next(1, 4)], Launches));
                break;
            case < 13 when bargains.Count > 0:
                Call(Somebody(random.Next(1, People + 1)).In(Shop), new PledgeAssist(Recent(bargains), Policy, random.Next(3) == 0 ? $"device-{random.Next(4)}" : null, Id()));
                break;
            case < 17 when bargains.Count > 0:
                Order(Recent(bargains));
                break;
            case < 20 when orders.Count > 0:
                var (order, buyer) = Recent(orders);
                payments.Add(PaymentId.Of(Id()));
                Call(order.In(Shop), new StartPayment(payments[^1], buyer));
                break;
            case < 23 when payments.Count > 0:
                var payment = Recent(payments);
                Call(payment.In(Shop), new GetPayment(WhenReady: false), p => engine.Ask(payment.In(Shop), new ConfirmPayment($"t{payment}", new(p.AmountFen), clock.GetUtcNow())).AsTask());
                break;
            case 23 when orders.Count > 0:
                var (lost, owner) = Recent(orders);
                Call(lost.In(Shop), new CancelOrder(owner, null));
                break;
            case 24:
                clock.Advance(TimeSpan.FromMinutes(random.Next(random.Next(8) == 0 ? 400 : 8)));
                break;
            case 25:
                Call(Any(skus).In(Shop), new ChangeStock(Id(), random.Next(-3, 10), "count"));
                break;
            case 26:
                Call(Any(skus).In(Shop), new ChangePrice(Id(), new(random.Next(9_000, 9_901))));
                break;
            default:
                Manage(Any(campaigns).In(Shop));
                break;
        }
    }

    private void Order(BargainId bargain)
    {
        var order = OrderId.Of(Id());
        Call(bargain.In(Shop), new GetBargain(), async b =>
        {
            lock (orders) orders.Add((order, b.OwnerId));
            await engine.Ask(bargain.In(Shop), new OrderBargain(order, b.OwnerId, new(9_900), 15));
        });
    }

    private void Manage(GrainId campaign)
    {
        switch (random.Next(20))
        {
            case < 6:
                Call(campaign, new PauseCampaign(Id(), "x"));
                break;
            case < 14:
                Call(campaign, new ResumeCampaign(Id(), "x"));
                break;
            case 14:
                Call(campaign, new KillCampaign(Id(), "x"));
                break;
            default:
                Call(campaign, new ChangeQuota(Id(), random.Next(-3, 4)));
                break;
        }
    }

    private void Call<TReply>(GrainId grain, ICommand<TReply> command) => calls.Add(engine.Ask(grain, command).AsTask());

    private void Call<TReply>(GrainId grain, ICommand<TReply> command, Func<TReply, Task> then)
    {
        calls.Add(Both());

        async Task Both()
        {
            if ((await engine.Ask(grain, command)).Reply is { } reply) await then(reply);
        }
    }

    private async Task Answered()
    {
        await Task.WhenAll(calls).WaitAsync(Patience);
        calls.Clear();
    }

    private Guid Id()
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new(bytes);
    }

    private T Any<T>(List<T> some) => some[random.Next(some.Count)];

    private T Recent<T>(List<T> some)
    {
        lock (some) return some[^random.Next(1, Math.Min(some.Count, 8) + 1)];
    }

    /// <summary>A gateway that is slow to refund and sometimes away.</summary>
    private sealed class Cashier(int seed) : IReceiver
    {
        private readonly Random random = new(seed);

        public string Kind => Gateway.Kind;

        public Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation)
        {
            int chance;
            lock (random) chance = random.Next(6);
            if (chance == 0) throw new HttpRequestException("No route to the gateway.");
            return Task.FromResult(new Receipt(command is Prepay ? new Prepaid("wx") : new RefundedAtGateway(chance < 3 ? RefundStatus.Processing : RefundStatus.Succeeded), null));
        }
    }
}
