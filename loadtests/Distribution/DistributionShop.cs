using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Campaigns.Grains;
using Campaigns.Grains.Binding;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.LoadTests.Distribution;

/// <param name="Distributors">without those of the chain</param>
/// <param name="Entries">sales that earn a commission</param>
/// <param name="Chain">distributors each of whom joined under the one before</param>
internal sealed record DistributionSize(int Distributors, int Entries, int Chain);

/// <summary>
/// Fills a data folder with the real engine and journal in this process. Sales are told to their commissions as orders tell them; the orders
/// themselves, with stock and money, are left out.
/// </summary>
/// <param name="seed">chooses who sells what: the same in every run</param>
internal sealed class DistributionShop(DistributionSize size, int seed, Action<string> say)
{
    /// <summary>What the book check says of a sale that came from no order.</summary>
    public const string NoOrder = "its order does not exist";

    private const int Callers = 256;
    private const int OnTheirWayMax = 4_000; // sales wait while the questions of earlier ones are not answered
    private const int EntriesPerWord = 100_000;
    private const int BigOnesShare = 50;
    private const int Level1Percent = 15;

    private static readonly ShopId Shop = new("demo");
    private static readonly BindingPolicy Policy = new(BindingMode.FirstTouch, ShopSettings.Default.BindingDays, ProtectionDays: 0);

    /// <summary>How the stand-in for WeChat logs in a distributor. The first is the one who sells most.</summary>
    public static string NameOf(int distributor) => string.Create(CultureInfo.InvariantCulture, $"distributor{distributor}");

    /// <param name="link">from 0, the top</param>
    public static string NameInChain(int link) => string.Create(CultureInfo.InvariantCulture, $"chain{link}");

    public static ShopperId IdOf(string name) => ShopperId.OfOpenId(Shop, OpenIdOf(name));

    /// <summary>What each distributor must have earned, in fen, and by how many sales.</summary>
    public (long Fen, int Sales)[] Earned()
    {
        var earned = new (long Fen, int Sales)[size.Distributors];
        for (var i = 0; i < size.Entries; i++)
        {
            var sale = Sale(i);
            earned[sale.Promoter].Fen += sale.NetsFen.Sum(net => net * Level1Percent / 100);
            earned[sale.Promoter].Sales++;
        }

        return earned;
    }

    public async Task Fill(string folder, CancellationToken stop)
    {
        await using var journal = SqliteJournal.Open(folder);
        await using var engine = new LocalEngine(journal, Mechanics.Grains, [], new ProductClock(), new(), NullLogger<LocalEngine>.Instance);
        await engine.Start();
        SkuId[] skus = [new(Ids.Derive("distribution", "one")), new(Ids.Derive("distribution", "two"))];
        Must(await engine.Ask(Shop.Grain(), new OpenShop("distribution"), stop));
        foreach (var sku in skus) Must(await engine.Ask(sku.In(Shop), new OpenStock("cake", "box", "daily", new(9_900), 100), stop));

        await Timed(engine, $"{size.Distributors:N0} shoppers registered and joined", () => Many(size.Distributors, i => Join(engine, NameOf(i)), stop));
        await Timed(engine, $"a chain of {size.Chain:N0} bound and joined", () => JoinInChain(engine));
        await Timed(engine, $"{size.Entries:N0} sales of two lines", () => Sell(engine, skus, stop));
        var watch = Stopwatch.StartNew();
        await engine.DisposeAsync();
        say(string.Create(CultureInfo.InvariantCulture, $"stored and closed in {watch.Elapsed.TotalSeconds:0.0} s"));
    }

    private async Task Timed(LocalEngine engine, string what, Func<Task> act)
    {
        var (watch, commands, events) = (Stopwatch.StartNew(), engine.CommandsHandled, engine.EventsRecorded);
        await act();
        await engine.WhenQuiet(CancellationToken.None);
        var (took, handled) = (watch.Elapsed.TotalSeconds, engine.CommandsHandled - commands);
        say(string.Create(CultureInfo.InvariantCulture, $"{what} in {took:0.0} s: {handled:N0} decisions, {handled / took:N0} /s, {engine.EventsRecorded - events:N0} facts"));
    }

    private static async Task Join(LocalEngine engine, string name)
    {
        var id = IdOf(name);
        Must(await engine.Ask(id.In(Shop), new RegisterShopper(OpenIdOf(name))));
        Must(await engine.Ask(id.DistributorIn(Shop), new JoinDistribution(HasBought: true, Device: null)));
    }

    private async Task JoinInChain(LocalEngine engine)
    {
        for (var link = 0; link < size.Chain; link++)
        {
            if (link > 0) Must(await engine.Ask(IdOf(NameInChain(link)).BindingIn(Shop), new BindPromoter(IdOf(NameInChain(link - 1)), null, null, Policy)));
            await Join(engine, NameInChain(link));
        }
    }

    private Task Sell(LocalEngine engine, SkuId[] skus, CancellationToken stop)
    {
        var (watch, ids) = (Stopwatch.StartNew(), Enumerable.Range(0, size.Distributors).Select(i => IdOf(NameOf(i))).ToArray());
        return Many(size.Entries, Note, stop);

        async Task Note(int i)
        {
            var (promoter, nets) = Sale(i);
            while (engine.MessagesOnTheirWay > OnTheirWayMax) await Task.Delay(1, stop);
            Must(await engine.Ask(
                OrderId.Of(Guid.CreateVersion7()).CommissionIn(Shop),
                new NoteSale(ShopperId.Of(Guid.CreateVersion7()), ids[promoter], null, IsSuspect: false, "plain", null, DateTimeOffset.UtcNow, [.. skus.Zip(nets, (sku, net) => new SaleLine(sku, net, 0))], null, null),
                stop));
            if ((i + 1) % EntriesPerWord == 0) say(string.Create(CultureInfo.InvariantCulture, $"      {i + 1:N0} sales after {watch.Elapsed.TotalSeconds:0} s"));
        }
    }

    private (int Promoter, long[] NetsFen) Sale(int i)
    {
        var chance = Seeds.Of(seed, i);
        return (i % BigOnesShare == 0 ? 0 : chance.Next(1, size.Distributors), [chance.Next(1_000, 20_000), chance.Next(1_000, 20_000)]);
    }

    private static async Task Many(int count, Func<int, Task> act, CancellationToken stop)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                stop.ThrowIfCancellationRequested();
                await act(i);
            }
        }, stop)));
    }

    // As the stand-in for WeChat makes it of a name, so that the server knows everybody who signs in with theirs.
    private static string OpenIdOf(string name) => "o" + Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"openid:{name}")))[..27];

    private static void Must<TReply>(Outcome<TReply> outcome)
    {
        if (outcome.Refusal is { } refusal) throw new InvalidOperationException($"Refused: {refusal.Code}.");
    }
}
