using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.Silo;

/// <summary>What a lane must not do on the thread that decides for it.</summary>
public sealed class LentThreadTests
{
    [Fact]
    public async Task Message_to_a_grain_of_this_silo_is_not_decided_inside_the_decision_that_sends_it()
    {
        const int Payers = 200;
        await using var store = Store.Sqlite();
        await using var journal = store.Open();
        var near = new Near(refusals: Payers);
        var clock = new ProductClock();
        var options = new LocalEngineOptions { Lanes = 1, GrainBackoff = TimeSpan.FromMinutes(10), BackoffMax = TimeSpan.FromHours(1) };
        await using var engine = new LocalEngine(journal, [new CounterGrain()], [], clock, options, NullLogger<LocalEngine>.Instance, near);
        near.Engine = engine;
        await engine.Start();

        // Each payer's first message is refused as Busy, as by a grain that moves. Then all are due again at once.
        var paid = Enumerable.Range(1, Payers).Select(i => engine.Ask(CounterGrain.Id(i), new Pay(CounterGrain.PaymentNumber(i), CounterGrain.Id(10_000 + i), 1)).AsTask()).ToArray();
        await near.AllRefused.WaitAsync(Engines.Patience);
        while (engine.MessagesOnTheirWay > 0) await Task.Yield();
        clock.Advance(TimeSpan.FromMinutes(20));
        await Task.WhenAll(paid).WaitAsync(Engines.Patience);
        Assert.Equal(1, near.Deepest);
    }

    [Fact]
    public async Task Line_that_follows_one_that_failed_tells_of_a_failed_journal()
    {
        var schema = PrivatePostgres.NewSchema();
        await using var journal = PostgresJournal.Open(new(PrivatePostgres.ConnectionString) { Schema = schema, Lines = 2 });
        using (var connection = PrivatePostgres.Connect(schema))
        using (var fence = connection.CreateCommand())
        {
            fence.CommandText = $"update silo set fenced = true where id = '{journal.Silos[0]}'";
            fence.ExecuteNonQuery();
        }

        Assert.Throws<JournalFailure>(() => journal.Append([Closing(1)], 0));
        Assert.Throws<JournalFailure>(() => journal.Append([Closing(2)], 1));
    }

    [Fact]
    public async Task Pool_that_the_lines_would_exhaust_is_made_larger()
    {
        await using var journal = PostgresJournal.Open(new($"{PrivatePostgres.ConnectionString};Maximum Pool Size=2;Timeout=2") { Schema = PrivatePostgres.NewSchema(), Lines = 2 });
        for (var line = 0; line < 2; line++) journal.Append([Closing(line + 1)], line);
        journal.Read(CounterGrain.Id(1));
    }

    private static Batch Closing(int number)
    {
        var batch = new Batch();
        batch.Closed.Add(CounterGrain.Id(number));
        return batch;
    }

    /// <summary>As OrleansGrains does with a grain of this silo: past Orleans, on the thread that asks.</summary>
    private sealed class Near(int refusals) : ICluster
    {
        [ThreadStatic]
        private static int depth;

        private readonly TaskCompletionSource allRefused = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int refused;
        private int deepest;

        public LocalEngine Engine { get; set; } = null!;

        public Task AllRefused => allRefused.Task;

        public int Deepest => Volatile.Read(ref deepest);

        public Task<Receipt> Ask(GrainId grain, object command)
        {
            var number = Interlocked.Increment(ref refused);
            if (number <= refusals)
            {
                if (number == refusals) allRefused.SetResult();
                return Task.FromResult(new Receipt(null, Refusal.Of(GrainRefusal.Busy)));
            }

            depth++;
            for (var seen = Deepest; depth > seen && Interlocked.CompareExchange(ref deepest, depth, seen) != seen;) seen = Deepest;
            var asked = Engine.Deliver(grain, command);
            depth--;
            return Answer(asked);
        }

        public void Left(GrainId grain)
        {
        }

        private static async Task<Receipt> Answer(ValueTask<Answer> asked)
        {
            var answer = await asked;
            return new(answer.Value, answer.Refusal);
        }
    }
}
