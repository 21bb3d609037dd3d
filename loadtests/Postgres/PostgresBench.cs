using System.Diagnostics;
using Campaigns.Grains;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Peers;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Campaigns.LoadTests.Postgres;

/// <summary>
/// The engine in this process over a journal in PostgreSQL, and row locks on the same server, one after the other: closed loop, warm-up
/// excluded, the books checked after each figure. Durability stays at the server's defaults.
/// </summary>
internal sealed class PostgresBench(TimeSpan duration, int callers, string? only, Action<string> say)
{
    private const int Bargains = 10_000;
    private const int Shoppers = 100_000;
    private const int TakesOfSale = 200_000;
    private const int SaleRoundsMax = 50;
    private const string PeerName = "row locks";

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    private readonly List<Figure> figures = [];
    private readonly List<Cost> costs = [];

    public async Task<(List<Figure> Figures, List<Cost> Costs)> Run(bool withPeer, CancellationToken cancellation)
    {
        await using var peer = new PostgresPeer();
        say($"{peer.Name} …");
        await peer.Start(cancellation);
        var hot = withPeer && only is null or "hot" ? await Rate(peer, "row locks, one bargain", peer.HotAssistsPerSecond, cancellation) : null;
        var spread = withPeer && only is null or "spread" or "whole" ? await Rate(peer, "row locks, spread", peer.SpreadAssistsPerSecond, cancellation) : null;
        if (only is null or "hot")
        {
            figures.Add(Against("takes at one sale, the sale's decision alone", await SaleTakes(peer.Server, cancellation), hot, 10));
            figures.Add(Against("holds and releases at one stock", await StockHolds(peer.Server, cancellation), hot, 10));
        }

        if (only is null or "spread") figures.Add(Against("cuts spread over 10,000 bargains, the bargain's decision alone", await SpreadCuts(peer.Server, cancellation), spread, 3));
        if (only is null or "whole") figures.Add(Against("whole assists, spread: pledge, cut, settlement", await WholeAssists(peer.Server, cancellation), spread, 3));
        return (figures, costs);
    }

    private static Figure Against(string name, double ours, double? peer, double times) => Figure.Against("PostgreSQL", name, ours, "/s", peer, PeerName, times);

    private async Task<double?> Rate(PostgresPeer peer, string name, Func<TimeSpan, CancellationToken, Task<double>> measure, CancellationToken cancellation)
    {
        say($"{name} …");
        var (wal, server) = (await Wal(peer.Server, cancellation), ProcessorTime.OfTree(peer.Server.Id));
        var rate = await measure(duration, cancellation);
        var done = (long)(rate * (duration + WarmUp).TotalSeconds); // its warm-up is as fast, and costs as much
        costs.Add(new(name, done, (duration + WarmUp).TotalSeconds, done, 0, 0, await Wal(peer.Server, cancellation) - wal, 0, ProcessorTime.OfTree(peer.Server.Id) - server));
        return rate;
    }

    // As in the figures over SQLite: late money takes units without owing an order, so it is what the peer's function decides.
    private async Task<double> SaleTakes(PostgresServer server, CancellationToken cancellation)
    {
        say("takes at one sale …");
        await using var silo = await PostgresSilo.Start(server);
        await TakeAll();
        var (look, watch, rounds) = (await silo.Look(cancellation), TimeSpan.Zero, 0);
        for (; rounds < SaleRoundsMax && watch < duration; rounds++) watch += await TakeAll();
        costs.Add(await silo.CostSince(look, "takes at one sale", (long)rounds * TakesOfSale, watch.TotalSeconds, cancellation));
        return costs[^1].PerSecond;

        async Task<TimeSpan> TakeAll()
        {
            var (sale, campaign) = await EngineBench.OpenSale(silo.Engine, TakesOfSale, cancellation);
            var purpose = Ids.Derive("flash-sale", campaign.ToString(), "1");
            var ids = EngineBench.NewIds(2 * TakesOfSale);
            var start = Stopwatch.StartNew();
            await EngineBench.Many(TakesOfSale, callers, i => silo.Engine.Ask(sale, new OfferLatePayment(OrderId.Of(ids[2 * i]), purpose, ShopperId.Of(ids[2 * i + 1]), 1)));
            var took = start.Elapsed;
            if (EngineBench.Must(await silo.Engine.Ask(sale, new GetFlashSale(), cancellation)).Left != 0) throw new WrongBooksException("The books of the sale are wrong.");
            return took;
        }
    }

    private async Task<double> StockHolds(PostgresServer server, CancellationToken cancellation)
    {
        say("holds at one stock …");
        await using var silo = await PostgresSilo.Start(server);
        var sku = new SkuId(Guid.CreateVersion7()).In(EngineBench.Shop);
        EngineBench.Must(await silo.Engine.Ask(sku, new OpenStock("bench", "one", "daily", new(100), 1_000_000), cancellation));
        await Loop(silo, "holds at one stock", async stopping =>
        {
            var decisions = 0L;
            while (!stopping())
            {
                var order = Guid.NewGuid();
                EngineBench.Must(await silo.Engine.Ask(sku, new HoldStock(order, null, 1)));
                EngineBench.Must(await silo.Engine.Ask(sku, new ReleaseStock(order)));
                decisions += 2;
            }

            return decisions;
        }, cancellation);
        var left = EngineBench.Must(await silo.Engine.Ask(sku, new GetSku(), cancellation)).Stock;
        if (left is not { OnHand: 1_000_000, Reserved: 0 }) throw new WrongBooksException($"The books are wrong: {left}.");
        return costs[^1].PerSecond;
    }

    // One decision at one of many grains: each is a row and an entry in the index, which no two of a flush share.
    private async Task<double> SpreadCuts(PostgresServer server, CancellationToken cancellation)
    {
        say($"cuts over {Bargains:N0} bargains …");
        await using var silo = await PostgresSilo.Start(server);
        var bargains = await EngineBench.Launch(silo.Engine, Bargains, slots: 200);
        var accepted = new int[Bargains];
        await Loop(silo, "cuts, spread", async stopping =>
        {
            var chance = new Random();
            var done = 0L;
            for (; !stopping(); done++)
            {
                var bargain = chance.Next(Bargains);
                EngineBench.Must(await silo.Engine.Ask(bargains[bargain].In(EngineBench.Shop), new ApplyAssist(ShopperId.Of(Guid.NewGuid()), IsNew: false, Device: null)));
                Interlocked.Increment(ref accepted[bargain]);
            }

            return done;
        }, cancellation);
        await CheckBooks(silo.Engine, bargains, accepted, cancellation);
        return costs[^1].PerSecond;
    }

    private async Task<double> WholeAssists(PostgresServer server, CancellationToken cancellation)
    {
        say($"assists over {Bargains:N0} bargains and {Shoppers:N0} shoppers …");
        await using var silo = await PostgresSilo.Start(server);
        var bargains = await EngineBench.Launch(silo.Engine, Bargains, slots: 200);
        var (look, watch) = (await silo.Look(cancellation), Stopwatch.StartNew());
        var shoppers = await EngineBench.Register(silo.Engine, Shoppers);
        costs.Add(await silo.CostSince(look, "first decisions of new grains", Shoppers, watch.Elapsed.TotalSeconds, cancellation));
        var accepted = new int[Bargains];
        await Loop(silo, "whole assists, spread", async stopping =>
        {
            var chance = new Random();
            var done = 0L;
            while (!stopping())
            {
                var bargain = chance.Next(Bargains);
                var outcome = await silo.Engine.Ask(shoppers[chance.Next(Shoppers)].In(EngineBench.Shop), new PledgeAssist(bargains[bargain], EngineBench.Policy, null, Guid.NewGuid()));
                if (outcome.Reply is not { Repeated: false }) continue;
                Interlocked.Increment(ref accepted[bargain]);
                done++;
            }

            return done;
        }, cancellation);
        await CheckBooks(silo.Engine, bargains, accepted, cancellation);
        return costs[^1].PerSecond;
    }

    private static async Task CheckBooks(LocalEngine engine, BargainId[] bargains, int[] accepted, CancellationToken cancellation)
    {
        for (var i = 0; i < bargains.Length; i++)
        {
            var view = EngineBench.Must(await engine.Ask(bargains[i].In(EngineBench.Shop), new GetBargain(), cancellation));
            if (view.Helpers.Count != accepted[i] || view.ListPriceFen - view.PriceFen != view.Helpers.Sum(h => h.CutFen))
                throw new WrongBooksException($"The books of bargain {view.Id} are wrong: {view.Helpers.Count} helpers, {accepted[i]} answered.");
        }
    }

    private async Task Loop(PostgresSilo silo, string name, Func<Func<bool>, Task<long>> caller, CancellationToken cancellation)
    {
        await Phase(WarmUp);
        say($"{name} measured …");
        var look = await silo.Look(cancellation);
        var (done, seconds) = await Phase(duration);
        costs.Add(await silo.CostSince(look, name, done, seconds, cancellation));

        async Task<(long Done, double Seconds)> Phase(TimeSpan length)
        {
            var watch = Stopwatch.StartNew();
            var done = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(() => caller(() => watch.Elapsed >= length))));
            return (done.Sum(), watch.Elapsed.TotalSeconds);
        }
    }

    private static async Task<long> Wal(PostgresServer server, CancellationToken cancellation)
    {
        await using var database = NpgsqlDataSource.Create($"{server.ConnectionString};Pooling=false");
        await using var command = database.CreateCommand("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint");
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }
}

/// <summary>An engine with a journal in a schema of its own.</summary>
internal sealed class PostgresSilo : IAsyncDisposable
{
    private static int made;

    private readonly PostgresServer server;
    private readonly NpgsqlDataSource database;
    private readonly PostgresJournal journal;

    private PostgresSilo(PostgresServer server)
    {
        this.server = server;
        var schema = $"bench_{Interlocked.Increment(ref made)}";
        database = NpgsqlDataSource.Create($"{server.ConnectionString};Pooling=false;Search Path={schema};Command Timeout=60");
        journal = PostgresJournal.Open(new(server.ConnectionString) { Schema = schema });
        Engine = new(journal, Mechanics.Grains, [], new ProductClock(), new() { DrainMax = TimeSpan.FromMilliseconds(1) }, NullLogger<LocalEngine>.Instance);
    }

    public LocalEngine Engine { get; }

    public static async Task<PostgresSilo> Start(PostgresServer server)
    {
        var silo = new PostgresSilo(server);
        await silo.Engine.Start();
        return silo;
    }

    public async Task<Reading> Look(CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, (select sum(flushes)::bigint from silo), (select count(*) from decision), (select coalesce(sum(length(decisions)), 0)::bigint from flush)");
        await using var row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        return new(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), Environment.CpuUsage.TotalTime.TotalSeconds, ProcessorTime.OfTree(server.Id));
    }

    public async Task<Cost> CostSince(Reading before, string name, long done, double seconds, CancellationToken cancellation)
    {
        var after = await Look(cancellation);
        return new(name, done, seconds, after.Flushes - before.Flushes, after.Rows - before.Rows, after.Bytes - before.Bytes, after.Wal - before.Wal, after.Ours - before.Ours, after.Server - before.Server);
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await journal.DisposeAsync();
        await database.DisposeAsync();
    }

    /// <summary>What was written and what it cost until then.</summary>
    public sealed record Reading(long Wal, long Flushes, long Rows, long Bytes, double Ours, double Server);
}
