using System.Diagnostics;
using Campaigns.Grains;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Stock;
using Campaigns.LoadTests.Engine;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.LoadTests.Growth;

/// <summary>An engine over a journal that <see cref="StockedJournal"/> wrote, with the stocks that are used awake.</summary>
internal sealed class OpenedJournal : IAsyncDisposable
{
    private readonly int callers;
    private readonly SqliteJournal journal;
    private readonly LocalEngine engine;
    private readonly GrainId[] used;
    private long reserved;

    private OpenedJournal(string folder, GrowthSize size, int callers)
    {
        this.callers = callers;
        journal = SqliteJournal.Open(folder);
        engine = new(journal, Mechanics.Grains, [], new ProductClock(), new(), NullLogger<LocalEngine>.Instance);

        // Spread over all that is stored: their rows are neighbours of others that nobody uses.
        used = [.. Enumerable.Range(0, (int)GrowthSize.Base.Grains).Select(i => StockedJournal.Stock(i * (size.Grains / GrowthSize.Base.Grains)))];
    }

    /// <summary>From opening the folder to the first answer.</summary>
    public TimeSpan Start { get; private set; }

    /// <summary>From then on until all have answered.</summary>
    public TimeSpan Wake { get; private set; }

    public static async Task<OpenedJournal> Open(string folder, GrowthSize size, int callers)
    {
        var watch = Stopwatch.StartNew();
        var opened = new OpenedJournal(folder, size, callers);
        await opened.engine.Start();
        await opened.Reserved(1);
        opened.Start = watch.Elapsed;
        opened.reserved = await opened.Reserved(opened.used.Length);
        opened.Wake = watch.Elapsed - opened.Start;
        return opened;
    }

    /// <summary>Holds and releases, closed loop.</summary>
    /// <returns>durable decisions a second</returns>
    public Task<double> Decide(TimeSpan duration, CancellationToken stop) => EngineBench.ClosedLoop(callers, TimeSpan.Zero, duration, async (_, stopping) =>
    {
        var (chance, decisions) = (new Random(), 0L);
        for (; !stopping() && !stop.IsCancellationRequested; decisions += 2)
        {
            var (stock, order) = (used[chance.Next(used.Length)], Guid.NewGuid());
            EngineBench.Must(await engine.Ask(stock, new HoldStock(order, null, 1)));
            EngineBench.Must(await engine.Ask(stock, new ReleaseStock(order)));
        }

        return decisions;
    });

    /// <exception cref="InvalidOperationException">more or fewer units are held than at the start</exception>
    public async Task CheckBooks()
    {
        if (await Reserved(used.Length) is var left && left != reserved) throw new InvalidOperationException($"The books are wrong: {reserved} units were held before and {left} are now.");
    }

    public async ValueTask DisposeAsync()
    {
        await engine.DisposeAsync();
        await journal.DisposeAsync();
    }

    /// <summary>The units held in the first of them, which wakes those that are not in memory.</summary>
    private async Task<long> Reserved(int stocks)
    {
        var (next, units) = (-1, 0L);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(callers, stocks)).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < stocks;)
                Interlocked.Add(ref units, EngineBench.Must(await engine.Ask(used[i], new GetSku())).Stock.Reserved);
        })));
        return units;
    }
}
