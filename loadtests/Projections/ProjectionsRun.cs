using System.Diagnostics;
using System.Globalization;
using Campaigns.Grains;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Stock;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Projections;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.LoadTests.Projections;

/// <summary>
/// How many facts of orders and payments a second the projector applies: all at once, as a rebuild does, and flush by flush, as it follows a
/// busy evening. The facts are those of orders that are paid at once, shipped a quarter of the run later and received another quarter later.
/// </summary>
internal sealed class ProjectionsRun(int orders, string? postgres, TextWriter output)
{
    private const int DecisionsPerFlush = 100;
    private const int FollowedFlushes = 1_000;
    private static readonly ShopId Shop = new("demo");
    private static readonly DateTimeOffset Evening = new(2026, 11, 11, 12, 0, 0, TimeSpan.Zero);
    private static readonly SkuId[] Skus = [.. Enumerable.Range(0, 50).Select(i => new SkuId(Ids.Derive("projections", $"sku{i}")))];

    public async Task<int> Play(CancellationToken stop)
    {
        var folder = Directory.CreateTempSubdirectory("campaigns-projections-");
        try
        {
            await using var journal = SqliteJournal.Open(folder.FullName);
            Fill(journal, stop);
            using (var sqlite = new SqliteDocuments(Path.Combine(folder.FullName, "projections.db"))) await Measure("SQLite", journal, sqlite, stop);
            if (postgres is null) return 0;
            using (var documents = new PostgresDocuments(postgres)) await Measure("PostgreSQL", journal, documents, stop);
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task Measure(string name, SqliteJournal journal, DocumentStore documents, CancellationToken stop)
    {
        if (!documents.TryLead() || documents.Position != 0) throw new InvalidOperationException("The read models are in use or not empty.");
        foreach (var (what, flushesPerStep, until) in ((string, int, long)[])[("rebuilt at once", int.MaxValue, journal.LastPosition - FollowedFlushes), ("followed flush by flush", 1, journal.LastPosition)])
        {
            await using var projector = new Projector(new Paced(journal, flushesPerStep, until), Mechanics.Grains, Mechanics.Projections, documents, NullLogger<Projector>.Instance);
            var (watch, facts, steps, slowest) = (Stopwatch.StartNew(), 0L, 0, TimeSpan.Zero);
            while (documents.Position < until)
            {
                stop.ThrowIfCancellationRequested();
                var since = watch.Elapsed;
                facts += projector.Step();
                steps++;
                if (watch.Elapsed - since > slowest) slowest = watch.Elapsed - since;
            }

            var took = watch.Elapsed.TotalSeconds;
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{name}, {what}: {facts:N0} facts in {took:0.0} s, {facts / took:N0} /s; {steps:N0} steps of {took / steps * 1_000:0.00} ms, the slowest {slowest.TotalMilliseconds:0} ms"));
        }
    }

    private void Fill(SqliteJournal journal, CancellationToken stop)
    {
        var definitions = Mechanics.Grains.ToDictionary(g => g.Kind, StringComparer.Ordinal);
        var (sequences, batch) = (new Dictionary<GrainId, long>(), new Batch());
        var far = orders / 4;
        for (var turn = 0; turn < orders + 2 * far; turn++)
        {
            stop.ThrowIfCancellationRequested();
            var at = Evening.AddMilliseconds(turn);
            Tell(turn, (id, payment, i) =>
            {
                Note(id.In(Shop), at, new OrderPlaced(new(Ids.Derive("projections", $"buyer{i % 20_000}")), "plain", null, null, [new(Skus[i % 50], "高山乌龙茶 250g 礼盒装", 2, 9_900, 19_800)], [new("满减", "merchant", 1_000)], new(18_800), 15, At: at));
                Note(id.In(Shop), at, new LineHeld(Skus[i % 50]));
                Note(id.In(Shop), at, new OrderOpened(at.AddMinutes(15)));
            });
            Tell(turn - 200, (id, payment, i) =>
            {
                Note(id.In(Shop), at, new PaymentStarted(payment));
                Note(payment.In(Shop), at, new PaymentOpened(id, new(Ids.Derive("projections", $"buyer{i % 20_000}")), new(18_800), "高山乌龙茶 250g 礼盒装"));
                Note(payment.In(Shop), at, new PaymentReady("wx2026111112000000000000000000000000"));
            });
            Tell(turn - 400, (id, payment, _) =>
            {
                Note(payment.In(Shop), at, new PaymentConfirmed("4200000000202611110000000000", at));
                Note(id.In(Shop), at, new PaidInFull(payment, at));
                Note(payment.In(Shop), at, new OrderTold(PaymentRules.TellOrder, id.Value));
            });
            Tell(turn - far, (id, _, _) => Note(id.In(Shop), at, new OrderShipped("SF", "SF1234567890123", 7, at)));
            Tell(turn - 2 * far, (id, _, _) => Note(id.In(Shop), at, new OrderReceived(at, ByBuyer: true)));
        }

        if (!batch.IsEmpty) journal.Append([batch]);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"journal: {orders:N0} orders, {sequences.Values.Sum():N0} facts, {journal.LastPosition:N0} flushes"));

        void Tell(int i, Action<OrderId, PaymentId, int> facts)
        {
            if (i < 0 || i >= orders) return;
            facts(new(IdOf(i, 1)), new(IdOf(i, 2)), i);
        }

        void Note(GrainId grain, DateTimeOffset at, object fact)
        {
            var sequence = sequences[grain] = sequences.GetValueOrDefault(grain) + 1;
            batch.Decisions.Begin(grain, sequence, at, Guid.Empty, 1);
            batch.Decisions.Add(definitions[grain.Kind], fact);
            var (offset, length) = batch.Decisions.End();
            batch.Entries.Add(new(grain, sequence, 1, offset, length));
            if (batch.Entries.Count < DecisionsPerFlush) return;
            journal.Append([batch]);
            batch.Clear();
        }
    }

    // Sorted by time, as real ids are, and scattered behind it.
    private static Guid IdOf(int i, int kind) => new(i, (short)kind, 0x7000, Ids.Derive("projections", $"{i}").ToByteArray()[..8]);

    /// <summary>Gives out some flushes at a time, up to an end.</summary>
    private sealed class Paced(IJournal inner, int flushesPerRead, long last) : IJournal
    {
        public long LastPosition => last;

        public long TailStart => inner.TailStart;

        public GrainRecord Read(GrainId grain, bool withTail = true) => inner.Read(grain, withTail);

        public IReadOnlyCollection<GrainId> Append(IReadOnlyList<Batch> batches, int line = 0) => inner.Append(batches, line);

        public IReadOnlyList<Flush> ReadAfter(long position, int bytesMax) => [.. inner.ReadAfter(position, flushesPerRead == 1 ? 1 : bytesMax).Take(flushesPerRead).Where(f => f.Position <= last)];

        public IReadOnlyList<GrainId> Due(DateTimeOffset after, DateTimeOffset until, int limit) => inner.Due(after, until, limit);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
