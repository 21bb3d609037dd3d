using Campaigns.Grains;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Stock;
using Campaigns.LoadTests.Engine;
using Campaigns.Silo;
using Campaigns.Silo.Journal;

namespace Campaigns.LoadTests.Growth;

/// <summary>
/// Writes a journal of stocks quickly: their own rules decide every fact, many at a time become durable together, and each grain ends with a
/// snapshot, so that a start has nothing to replay.
/// </summary>
internal sealed class StockedJournal
{
    /// <summary>For the room it takes: a fact with its header is about 165 bytes, a state with its row about 530.</summary>
    public const double BytesPerEvent = 200;

    /// <inheritdoc cref="BytesPerEvent"/>
    public const double BytesPerGrain = 600;

    private const int DecisionsPerFlush = 500; // about what a busy engine decides during one flush
    private const int FlushesTogether = 20;
    private const int CellsAtOnce = 10_000;
    private const long OnHand = 1_000_000;
    private static readonly DateTimeOffset Since = new(2026, 11, 11, 12, 0, 0, TimeSpan.Zero);

    private readonly SqliteJournal journal;
    private readonly List<Batch> batches = [.. Enumerable.Range(0, FlushesTogether).Select(_ => new Batch())];
    private int used;

    private StockedJournal(SqliteJournal journal) => this.journal = journal;

    /// <summary>The same ids each time, sorted by time as real ones are.</summary>
    public static GrainId Stock(long number) => new SkuId(new Guid((int)number, 1, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1)).In(EngineBench.Shop);

    /// <param name="written">is told of facts as they become durable</param>
    public static async Task Write(string folder, GrowthSize size, Action<long> written, CancellationToken stop)
    {
        await using var journal = SqliteJournal.Open(folder);
        new StockedJournal(journal).Write(size, written, stop);
    }

    private void Write(GrowthSize size, Action<long> written, CancellationToken stop)
    {
        var definition = Mechanics.Grains.Single(g => g.Kind == Stock(0).Kind);
        var factsPerGrain = size.Events / size.Grains;
        for (var first = 0L; first < size.Grains; first += CellsAtOnce)
        {
            var cells = Enumerable.Range(0, (int)Math.Min(CellsAtOnce, size.Grains - first)).Select(i => Cell.Restore(Stock(first + i), definition, GrainRecord.Empty)).ToArray();
            for (var turn = 0L; turn < factsPerGrain; turn++)
            {
                // In turn, as in a shop: neighbours in the journal are of different grains.
                stop.ThrowIfCancellationRequested();
                foreach (var cell in cells) Decide(cell, turn, written);
            }

            Append(written);
            foreach (var cell in cells)
            {
                batches[0].Snapshots.Add(cell.Snapshot());
                batches[0].Closed.Add(cell.Id);
            }

            batches[0].TailStart = journal.LastPosition;
            Append(written);
            batches[0].TailStart = 0;
        }
    }

    private void Decide(Cell cell, long turn, Action<long> written)
    {
        var order = new Guid((int)((turn - 1) / 2), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        object command = turn == 0 ? new OpenStock("高山乌龙茶 250g", "礼盒装", "handmade", new(9_900), OnHand) : turn % 2 == 1 ? new HoldStock(order, null, 1) : new ReleaseStock(order);
        if (!cell.Handle(command, new(cell.Id, Since.AddMilliseconds(turn)), batches[used]).Changed) throw new InvalidOperationException($"{cell.Id} did not decide turn {turn}.");
        if (batches[used].Entries.Count >= DecisionsPerFlush && ++used == batches.Count) Append(written);
    }

    private void Append(Action<long> written)
    {
        var full = batches[..Math.Min(used + 1, batches.Count)];
        journal.Append(full);
        written(full.Sum(b => (long)b.Entries.Sum(e => e.Events)));
        foreach (var batch in full) batch.Clear();
        used = 0;
    }
}
