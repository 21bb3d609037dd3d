using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Campaigns.Grains;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Peers;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.LoadTests.Engine;

/// <summary>
/// Goals P1, P2, P6 and P7: the engine in this process over a real SQLite journal with <c>synchronous=FULL</c>, closed loop, warm-up
/// excluded, the books checked after each run; the peers in the same run, one after the other so that nobody shares the cores.
/// </summary>
/// <param name="goals">of these four, those that are measured</param>
/// <param name="program">the server whose cold start is measured; null for the one built beside this program</param>
internal sealed class EngineBench(TimeSpan duration, int callers, IReadOnlySet<string> goals, string? program, Action<string> say)
{
    public const int CallersUsual = 500;

    private const int Bargains = 10_000;
    private const int Shoppers = 100_000;
    private const int MemoryGrains = 100_000;
    private const int TakesOfSale = 200_000; // about what the peer takes in its run
    private const int SaleRoundsMax = 50;

    public static readonly ShopId Shop = new("bench");
    public static readonly AssistPolicy Policy = new(100, 0, "Asia/Shanghai");
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    public async Task<List<Figure>> Run(bool withPeers, CancellationToken cancellation)
    {
        // Memory first: a heap that other figures have used gives back what they left just while this one is measured.
        var memory = goals.Contains("P6") ? await Memory(cancellation) : [];
        var figures = new List<Figure>();
        if (goals.Contains("P1")) figures.AddRange(await Takes(withPeers, cancellation));
        if (goals.Contains("P2") || goals.Contains("P7")) figures.AddRange(await SpreadAssists(withPeers && goals.Contains("P2") ? await PostgresRate(cancellation) : null, cancellation));
        figures.AddRange(memory);
        if (goals.Contains("P7")) figures.Add(await ColdStart(cancellation));
        return [.. figures.Where(f => goals.Contains(f.Goal))]; // what P7 recovers is the journal of P2
    }

    private async Task<List<Figure>> Takes(bool withPeers, CancellationToken cancellation)
    {
        var figures = new List<Figure>();
        var (redis, everySecond) = withPeers ? await RedisRates(cancellation) : (null, null);
        var takes = await SaleTakes(cancellation);
        figures.Add(Figure.Against("P1", "durable takes at one flash sale, the sale's decision alone", takes, "/s", redis, "Redis Lua, fsync always", 20));
        if (everySecond is not null) figures.Add(Figure.Shown("P1", "the same beside a peer that may lose a second", takes, "/s", everySecond, "Redis Lua, fsync everysec"));
        figures.Add(Figure.Against("P1", "durable holds and releases at one stock", await HotTakes(cancellation), "/s", redis, "Redis Lua, fsync always", 20));
        figures.Add(Figure.Shown("P1", "whole takes at one sale: units, order, stock held", await WholeTakes(cancellation), "/s", redis, "Redis Lua, fsync always"));
        return figures;
    }

    private async Task<(double? Always, double? EverySecond)> RedisRates(CancellationToken cancellation)
    {
        var rates = new List<double?>();
        foreach (var fsync in new[] { RedisFsync.Always, RedisFsync.EverySecond })
        {
            await using var peer = new RedisPeer(fsync);
            rates.Add(await Rate(peer, p => p.HotTakesPerSecond(duration, cancellation), cancellation));
        }

        return (rates[0], rates[1]);
    }

    private async Task<double?> PostgresRate(CancellationToken cancellation)
    {
        await using var peer = new PostgresPeer();
        return await Rate(peer, p => p.SpreadAssistsPerSecond(duration, cancellation), cancellation);
    }

    private async Task<double?> Rate<TPeer>(TPeer peer, Func<TPeer, Task<double>> measure, CancellationToken cancellation)
        where TPeer : IPeer
    {
        if (peer.Unavailable is { } reason)
        {
            say($"{peer.Name}: {reason}");
            return null;
        }

        say($"{peer.Name} …");
        await peer.Start(cancellation);
        return await measure(peer);
    }

    // The sale's own decision, which is what the peer's script decides: window, limit of the buyer, units left, a hold for the order. Taken by late
    // money, because that is the take that owes no order; every buyer is a new one and is remembered, as the peer remembers them.
    private async Task<double> SaleTakes(CancellationToken cancellation)
    {
        say("takes at one sale …");
        await using var silo = await BenchSilo.Start();
        await TakeAll();
        var (rounds, watch) = (0, TimeSpan.Zero);
        for (; rounds < SaleRoundsMax && watch < duration; rounds++) watch += await TakeAll();
        return (double)rounds * TakesOfSale / watch.TotalSeconds;

        async Task<TimeSpan> TakeAll()
        {
            var (sale, campaign) = await OpenSale(silo.Engine, TakesOfSale, cancellation);
            var purpose = Ids.Derive("flash-sale", campaign.ToString(), "1");
            var ids = NewIds(2 * TakesOfSale);
            var start = Stopwatch.StartNew();
            await Many(TakesOfSale, callers, i => silo.Engine.Ask(sale, new OfferLatePayment(OrderId.Of(ids[2 * i]), purpose, ShopperId.Of(ids[2 * i + 1]), 1)));
            var took = start.Elapsed;
            if (Must(await silo.Engine.Ask(sale, new GetFlashSale(), cancellation)).Left != 0) throw new WrongBooksException("The books of the sale are wrong.");
            return took;
        }
    }

    // The stock's part in a take: units held for an order, then given back so that the run does not end when the stock does. Both are decisions.
    private async Task<double> HotTakes(CancellationToken cancellation)
    {
        say("takes at one grain …");
        await using var silo = await BenchSilo.Start();
        var sku = new SkuId(Guid.CreateVersion7()).In(Shop);
        Must(await silo.Engine.Ask(sku, new OpenStock("bench", "one", "daily", new(100), 1_000_000), cancellation));
        var rate = await ClosedLoop(async (_, stopping) =>
        {
            var decisions = 0L;
            while (!stopping())
            {
                var order = Guid.NewGuid();
                Must(await silo.Engine.Ask(sku, new HoldStock(order, null, 1)));
                Must(await silo.Engine.Ask(sku, new ReleaseStock(order)));
                decisions += 2;
            }

            return decisions;
        });
        var left = Must(await silo.Engine.Ask(sku, new GetSku(), cancellation)).Stock;
        if (left is not { OnHand: 1_000_000, Reserved: 0 }) throw new WrongBooksException($"The books are wrong: {left}.");
        return rate;
    }

    // What a shopper waits for at a flash sale: the sale's decision, the order it opens, and the stock that is held for it. The peer's figure is
    // the first of the three alone.
    private async Task<double> WholeTakes(CancellationToken cancellation)
    {
        say("whole takes at one sale …");
        const int quota = 5_000_000;
        await using var silo = await BenchSilo.Start();
        var (sale, _) = await OpenSale(silo.Engine, quota, cancellation);
        var taken = 0L;
        var rate = await ClosedLoop(async (_, stopping) =>
        {
            var takes = 0L;
            for (; !stopping(); takes++)
            {
                Must(await silo.Engine.Ask(sale, new TakeUnits(OrderId.Of(Guid.NewGuid()), ShopperId.Of(Guid.NewGuid()), 1)));
                Interlocked.Increment(ref taken);
            }

            return takes;
        });
        if (Must(await silo.Engine.Ask(sale, new GetFlashSale(), cancellation)).Left != quota - taken) throw new WrongBooksException("The books of the sale are wrong.");
        return rate;
    }

    public static async Task<(GrainId Sale, CampaignId Campaign)> OpenSale(IGrains grains, int quota, CancellationToken cancellation)
    {
        var (sku, campaign, now) = (new SkuId(Guid.CreateVersion7()), CampaignId.Of(Guid.CreateVersion7()), DateTimeOffset.UtcNow);
        var terms = new FlashSaleTerms { SalePriceFen = 5_900, Quota = quota, HoldSeconds = 3_600 };
        Must(await grains.Ask(sku.In(Shop), new OpenStock("bench", "one", "daily", new(9_900), quota), cancellation));
        Must(await grains.Ask(campaign.In(Shop), new DraftCampaign(new("sale", now.AddMinutes(-1), now.AddDays(1), sku, terms)), cancellation));
        Must(await grains.Ask(campaign.In(Shop), new PublishCampaign(Guid.NewGuid(), new("bench", new(9_900), quota, Channel.MiniProgram)), cancellation));
        return (terms.Participation(Shop, campaign.Value), campaign);
    }

    private async Task<List<Figure>> SpreadAssists(double? postgres, CancellationToken cancellation)
    {
        say($"assists over {Bargains:N0} bargains and {Shoppers:N0} shoppers …");
        var silo = await BenchSilo.Start();
        try
        {
            var bargains = await Launch(silo.Engine, Bargains, slots: 200);
            var shoppers = await Register(silo.Engine, Shoppers);
            var accepted = new int[Bargains];
            var rate = await ClosedLoop(async (_, stopping) =>
            {
                var chance = new Random();
                var done = 0L;
                while (!stopping())
                {
                    var bargain = chance.Next(Bargains);
                    var outcome = await silo.Engine.Ask(shoppers[chance.Next(Shoppers)].In(Shop), new PledgeAssist(bargains[bargain], Policy, null, Guid.NewGuid()));
                    if (outcome.Reply is not { Repeated: false }) continue;
                    Interlocked.Increment(ref accepted[bargain]);
                    done++;
                }

                return done;
            });
            say("checking the books …");
            for (var i = 0; i < Bargains; i++)
            {
                var view = Must(await silo.Engine.Ask(bargains[i].In(Shop), new GetBargain(), cancellation));
                if (view.Helpers.Count != accepted[i] || view.ListPriceFen - view.PriceFen != view.Helpers.Sum(h => h.CutFen))
                    throw new WrongBooksException($"The books of bargain {view.Id} are wrong: {view.Helpers.Count} helpers, {accepted[i]} answered.");
            }

            var figures = new List<Figure> { Figure.Against("P2", "whole assists, spread", rate, "/s", postgres, "PostgreSQL row lock", 10) };
            var folder = await silo.Abandon();
            figures.Add(await Replay(folder));
            return figures;
        }
        finally
        {
            await silo.DisposeAsync();
        }
    }

    // The journal of the run before, left as a crash would leave it: no state was stored at the end.
    private async Task<Figure> Replay(string folder)
    {
        say("recovery …");
        await using var silo = await BenchSilo.Start(folder);
        var (events, took) = silo.Engine.Recovery;
        return Figure.AtLeast("P7", $"recovery of {events:N0} events", events / took.TotalSeconds, "events/s", 500_000);
    }

    private async Task<List<Figure>> Memory(CancellationToken cancellation)
    {
        say($"memory of {MemoryGrains:N0} grains …");
        await using var silo = await BenchSilo.Start();
        var before = Heap();
        await Register(silo.Engine, MemoryGrains / 2);
        await Launch(silo.Engine, MemoryGrains / 2, slots: 10);
        var grains = Heap() - before;

        const int holds = 500_000;
        var sku = new SkuId(Guid.CreateVersion7()).In(Shop);
        Must(await silo.Engine.Ask(sku, new OpenStock("bench", "one", "daily", new(100), holds), cancellation));
        before = Heap();
        await Many(holds, _ => silo.Engine.Ask(sku, new HoldStock(Guid.NewGuid(), null, 1)));
        var held = Heap() - before;
        return
        [
            Figure.AtMost("P6", "memory of an idle active grain (shoppers and bargains)", grains / (double)MemoryGrains, "bytes", 1_024),
            Figure.Shown("P6", "memory of an open hold", held / (double)holds, "bytes"),
        ];
    }

    private async Task<Figure> ColdStart(CancellationToken cancellation)
    {
        say("cold start …");
        var best = await ProgramStart.Measure(program ?? ServerProcess.FindProgram(), cancellation);
        return Figure.AtMost("P7", "cold start of the program to its first answer (median of 5)", best, "s", 1.5);
    }

    public static async Task<BargainId[]> Launch(IGrains grains, int count, int slots)
    {
        var terms = new BargainTerms { Quota = 1, FloorFen = 0, AssistsNeeded = slots, TtlMinutes = 10_080 };
        var ids = Enumerable.Range(0, count).Select(_ => new BargainId(Guid.CreateVersion7())).ToArray();
        var start = new StartBargain(new CampaignId(Guid.CreateVersion7()), 1, new ShopperId(Guid.CreateVersion7()), new SkuId(Guid.CreateVersion7()), "bench", new(20_000), terms, DateTimeOffset.UtcNow.AddDays(30));
        await Many(count, i => grains.Ask(ids[i].In(Shop), start));
        return ids;
    }

    public static async Task<ShopperId[]> Register(IGrains grains, int count)
    {
        var ids = Enumerable.Range(0, count).Select(_ => new ShopperId(Guid.CreateVersion7())).ToArray();
        await Many(count, i => grains.Ask(ids[i].In(Shop), new RegisterShopper($"open-{i}")));
        return ids;
    }

    // Made before the clock runs: a new id is a system call of 300 ns, half of what a decision costs.
    public static Guid[] NewIds(int count)
    {
        var ids = new Guid[count];
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(ids.AsSpan()));
        return ids;
    }

    private static Task Many<TReply>(int count, Func<int, ValueTask<Outcome<TReply>>> ask) => Many(count, 256, ask);

    public static async Task Many<TReply>(int count, int callers, Func<int, ValueTask<Outcome<TReply>>> ask)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;) Must(await ask(i));
        })));
    }

    private Task<double> ClosedLoop(Func<int, Func<bool>, Task<long>> caller) => ClosedLoop(callers, WarmUp, duration, caller);

    /// <param name="caller">is given its number and what says when to stop; returns how often it was served</param>
    /// <returns>how often all of them were served in a second, warm-up excluded</returns>
    public static async Task<double> ClosedLoop(int callers, TimeSpan warmUp, TimeSpan duration, Func<int, Func<bool>, Task<long>> caller)
    {
        await Phase(warmUp);
        return await Phase(duration);

        async Task<double> Phase(TimeSpan length)
        {
            var watch = Stopwatch.StartNew();
            var end = Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency);
            var done = await Task.WhenAll(Enumerable.Range(0, callers).Select(i => Task.Run(() => caller(i, () => Stopwatch.GetTimestamp() >= end))));
            return done.Sum() / watch.Elapsed.TotalSeconds;
        }
    }

    // What earlier figures left behind is collected first, with everything that waits for a finalizer.
    public static long Heap()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: true);
    }

    public static TReply Must<TReply>(Outcome<TReply> outcome) => outcome.Refusal is { } refusal ? throw new InvalidOperationException($"Refused: {refusal.Code}.") : outcome.Reply!;
}

/// <summary>An engine with a journal in a folder of its own.</summary>
internal sealed class BenchSilo : IAsyncDisposable
{
    private readonly string folder;
    private readonly SqliteJournal journal;

    private BenchSilo(string folder)
    {
        this.folder = folder;
        journal = SqliteJournal.Open(folder);
        Engine = new(journal, Mechanics.Grains, [], new ProductClock(), new(), NullLogger<LocalEngine>.Instance);
    }

    public LocalEngine Engine { get; }

    public static async Task<BenchSilo> Start(string? folder = null)
    {
        var silo = new BenchSilo(folder ?? Directory.CreateTempSubdirectory("campaigns-bench-").FullName);
        await silo.Engine.Start();
        return silo;
    }

    /// <summary>Copies the folder while the engine still runs, as if the power had failed now.</summary>
    public async Task<string> Abandon()
    {
        await Engine.WhenQuiet(CancellationToken.None);
        var copy = Directory.CreateTempSubdirectory("campaigns-bench-").FullName;
        foreach (var file in Directory.GetFiles(folder, "journal.db*")) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await journal.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
