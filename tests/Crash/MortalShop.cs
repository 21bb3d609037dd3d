using Campaigns.Grains;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Product;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Silo;
using Campaigns.Silo.Books;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.Crash;

/// <summary>
/// The production engine with all mechanics over a real file, in a process that can be told to die at its n-th write. Whoever asks asks
/// again until there is an answer, as a client would; after the death a new engine goes on with what the file holds.
/// </summary>
internal sealed class MortalShop : IAsyncDisposable
{
    private static readonly LocalEngineOptions Options = new()
    {
        Lanes = 1,
        GrainBackoff = TimeSpan.FromMilliseconds(1),
        ReceiverBackoff = TimeSpan.FromMilliseconds(1),
        BackoffMax = TimeSpan.FromMilliseconds(5),
        DuePoll = TimeSpan.FromMilliseconds(20),
    };

    private readonly string folder;
    private readonly Death death;
    private MortalJournal journal = null!;
    private LocalEngine engine = null!;
    private Task ending = Task.CompletedTask;

    private MortalShop(string folder, Death death) => (this.folder, this.death) = (folder, death);

    public static ShopId Shop { get; } = new("town");

    public ProductClock Clock { get; } = new();

    public Till Till { get; } = new();

    public DateTimeOffset Now => Clock.GetUtcNow();

    /// <summary>True if it died on the way.</summary>
    public bool HasDied { get; private set; }

    /// <summary>Opens a shop over a copy of a prepared data folder.</summary>
    public static async Task<MortalShop> Open(string prepared, Death death)
    {
        var copy = Directory.CreateTempSubdirectory("campaigns-").FullName;
        foreach (var file in Directory.GetFiles(prepared)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        var shop = new MortalShop(copy, death);
        await shop.Start(death.AtWrite);
        return shop;
    }

    /// <summary>Prepares a data folder: nobody dies yet.</summary>
    public static async Task<string> Prepare(Func<MortalShop, Task> prepare)
    {
        var prepared = Directory.CreateTempSubdirectory("campaigns-").FullName;
        var shop = new MortalShop(prepared, Death.Never);
        await shop.Start(int.MaxValue);
        await shop.Insist(Shop.Grain(), new OpenShop("Town"));
        await prepare(shop);
        await shop.Stop();
        return prepared;
    }

    public static Guid Id(int number) => new(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0);

    public async Task<SkuId> AddSku(int number, long listPriceFen, long stock)
    {
        var sku = SkuId.Of(Id(number));
        await Insist(ProductId.Of(Id(number)).In(Shop), new AddProduct("Cake", "daily", [new NewSku(sku, "large", new(listPriceFen), stock)]));
        return sku;
    }

    /// <summary>A campaign that has begun and lasts ten days.</summary>
    public async Task<CampaignId> Publish(int number, SkuId sku, CampaignTerms terms)
    {
        var (campaign, view) = (CampaignId.Of(Id(number)), await Insist(sku.In(Shop), new GetSku()));
        await Insist(campaign.In(Shop), new DraftCampaign(new("Campaign", Now.AddMinutes(-1), Now.AddDays(10), sku, terms)));
        await Insist(campaign.In(Shop), new PublishCampaign(Id(number + 1), new("Cake", new(view.ListPriceFen), view.Stock.Available, Channel.MiniProgram)));
        return campaign;
    }

    public async Task<ShopperId> SignIn(string name)
    {
        var shopper = ShopperId.OfOpenId(Shop, name);
        await Insist(shopper.In(Shop), new RegisterShopper(name));
        return shopper;
    }

    /// <summary>The answer, however often it takes; a refusal is an answer.</summary>
    public async Task<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command)
    {
        using var limit = new CancellationTokenSource(Engines.Patience);
        while (true)
        {
            limit.Token.ThrowIfCancellationRequested();
            var outcome = await engine.Ask(grain, command, limit.Token);
            if (engine.HasFailed) await GoOn();
            else if (outcome.Refusal?.Kind != RefusalKind.Busy) return outcome;
        }
    }

    /// <summary>Like <see cref="Ask"/>, and a refusal fails the test.</summary>
    public async Task<TReply> Insist<TReply>(GrainId grain, ICommand<TReply> command)
    {
        var outcome = await Ask(grain, command);
        Assert.Null(outcome.Refusal);
        return outcome.Reply!;
    }

    /// <summary>The buyer pays the order in the sheet; the money is here, the notification is not yet.</summary>
    public async Task<(PaymentId Payment, ConfirmPayment Notification)> Pay(OrderId order, ShopperId buyer)
    {
        var payment = await Insist(order.In(Shop), new StartPayment(PaymentId.Of(Ids.Derive("pay", order.ToString())), buyer));
        await Insist(payment.In(Shop), new GetPayment(WhenReady: true));
        return (payment, Till.Pay(payment, Now));
    }

    /// <summary>The gateway tells of a payment until it has heard that we know.</summary>
    public async Task Notify((PaymentId Payment, ConfirmPayment Notification) paid) => await Insist(paid.Payment.In(Shop), paid.Notification);

    public async Task<string> Describe(OrderId order, ShopperId buyer)
    {
        var outcome = await Ask(order.In(Shop), new GetOrder(buyer));
        return outcome.Reply is { } view ? $"order {view.State} {view.AmountFen} refunds [{string.Join(", ", view.Refunds.Select(r => $"{r.AmountFen} {r.State} {r.Reason}"))}]" : $"order {outcome.Refusal!.Code}";
    }

    public async Task<string> Describe(SkuId sku)
    {
        var stock = (await Insist(sku.In(Shop), new GetSku())).Stock;
        return $"stock {stock.OnHand} on hand {stock.Reserved} reserved";
    }

    public async Task Pass(TimeSpan time)
    {
        Clock.Advance(time);
        await Quiet();
    }

    /// <summary>Waits until nothing moves and nothing is owed any more.</summary>
    public async Task Quiet()
    {
        using var limit = new CancellationTokenSource(Engines.Patience);
        while (true)
        {
            await engine.WhenQuiet(limit.Token);
            if (engine.HasFailed) await GoOn();
            else if (BookCheck.Walk(journal, Mechanics.Grains, []).Debts.Count == 0) return;
        }
    }

    /// <summary>What is wrong in the books when all has come to rest.</summary>
    public async Task<IReadOnlyList<BookFinding>> Findings()
    {
        await Quiet();
        return BookCheck.Walk(journal, Mechanics.Grains, Mechanics.Books).Findings;
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        Directory.Delete(folder, recursive: true);
    }

    private Task Start(int diesAtWrite)
    {
        journal = new(SqliteJournal.Open(folder), diesAtWrite, death.IsWritten);
        var starting = engine = new(journal, Mechanics.Grains, [Till], Clock, Options, NullLogger<LocalEngine>.Instance);
        engine.Failed += _ => ending = Task.Run(async () => await starting.DisposeAsync()); // who waits for an answer hears that there is none
        return engine.Start().WaitAsync(Engines.Patience);
    }

    private async Task GoOn()
    {
        HasDied = true;
        await Stop();
        await Start(int.MaxValue);
    }

    private async Task Stop()
    {
        await ending.WaitAsync(Engines.Patience);
        await engine.DisposeAsync().AsTask().WaitAsync(Engines.Patience);
        await journal.DisposeAsync();
    }
}

/// <param name="AtWrite">the write at which the process dies, from 1</param>
/// <param name="IsWritten">true if that write is on the disk and nobody was told; false if it never got there</param>
public sealed record Death(int AtWrite, bool IsWritten)
{
    public static readonly Death Never = new(int.MaxValue, IsWritten: false);
}

/// <summary>A journal that dies at its n-th write, before or after the bytes are down.</summary>
internal sealed class MortalJournal(IJournal inner, int diesAtWrite, bool isWritten) : IJournal
{
    private int writes;
    private bool isDead;

    public long LastPosition => inner.LastPosition;

    public long FindLastPosition() => inner.FindLastPosition();

    public long TailStart => inner.TailStart;

    public bool IsFar => inner.IsFar;

    public int Lines => inner.Lines;

    public GrainRecord Read(GrainId grain, bool withTail = true) => inner.Read(grain, withTail);

    public IReadOnlyList<GrainRecord> Read(IReadOnlyList<GrainId> grains) => inner.Read(grains);

    public IReadOnlyCollection<GrainId> Append(IReadOnlyList<Batch> batches, int line = 0)
    {
        if (isDead || ++writes < diesAtWrite) return isDead ? throw Dead() : inner.Append(batches, line);
        isDead = true;
        if (isWritten) inner.Append(batches, line);
        throw Dead();
    }

    public IReadOnlyList<Flush> ReadAfter(long position, int bytesMax) => inner.ReadAfter(position, bytesMax);

    public IReadOnlyList<GrainId> Due(DateTimeOffset after, DateTimeOffset until, int limit) => inner.Due(after, until, limit);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static JournalFailure Dead() => new("The process was killed.", new IOException("killed"));
}
