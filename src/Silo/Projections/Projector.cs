using System.Diagnostics;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Npgsql;
using SQLitePCL;

namespace Campaigns.Silo.Projections;

/// <summary>
/// Follows the journal in global order and keeps the read models up to date. It lags by design; by how much is a metric. Of several processes over
/// the same read models one writes; the others see how far it is, and take over when it is gone.
/// </summary>
public sealed class Projector(IJournal journal, IEnumerable<GrainDefinition> definitions, IReadOnlyList<IProjection> projections, DocumentStore documents, ILogger<Projector> log) : IAsyncDisposable
{
    private const int BytesPerStep = 4 << 20;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(200);

    // A document that is changed many times meanwhile is written once: under load that is half of the work.
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(25);

    private readonly FactReader reader = new(definitions, projections);
    private readonly List<(Recorded Fact, IProjection[] Readers)> facts = [];
    private readonly SemaphoreSlim signal = new(0, 1);
    private readonly CancellationTokenSource stop = new();
    private int ended;
    private long newest;
    private long askedAt;
    private bool leads;
    private Task? running;

    /// <summary>Flushes that the read models do not include yet.</summary>
    public long LagFlushes => Math.Max(0, Math.Max(Interlocked.Read(ref newest), journal.LastPosition) - documents.Position);

    /// <summary>
    /// Why the read models do not follow, if they do not. A disk that is full or fails and a database that is not there make them pause; anything else
    /// ends them until a restart.
    /// </summary>
    public Exception? Failure { get; private set; }

    public void Start()
    {
        Lead();
        running = Task.Run(Run);
    }

    /// <summary>There is something new in the journal.</summary>
    public void Signal()
    {
        if (signal.CurrentCount == 0)
        {
            try
            {
                signal.Release();
            }
            catch (SemaphoreFullException)
            {
                // Somebody else was faster.
            }
        }
    }

    /// <summary>Applies what is there, if this process leads.</summary>
    /// <returns>the number of facts read; 0 when the documents are up to date, or when they are another process's to write</returns>
    public int Step()
    {
        if (!Lead()) return 0;
        var flushes = journal.ReadAfter(documents.Position, BytesPerStep);
        if (flushes.Count == 0) return 0;

        var (read, at) = (0, documents.AsOf);
        facts.Clear();
        foreach (var flush in flushes)
        {
            var decision = new DecisionReader(flush.Decisions.Span);
            while (decision.Next())
            {
                read += decision.Count;
                at = decision.At;
                reader.Collect(ref decision, facts);
            }
        }

        documents.Write(() => FactReader.Apply(facts, documents));
        if (documents.Commit(flushes[^1].Position, at)) return read;
        log.LogWarning("Another process has written the read models after flush {Position}: nothing was written here.", documents.Position);
        leads = false;
        return 0;
    }

    /// <summary>Waits until the documents include everything that is in the journal now.</summary>
    public async Task WhenCaughtUp(CancellationToken cancellation)
    {
        for (var target = journal.FindLastPosition(); documents.Position < target;)
        {
            if (Failure is not null) throw new InvalidOperationException("The read models have stopped following.", Failure);
            Signal();
            await Task.Delay(2, cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Its host ends it at the right moment, and the host's container once more.
        if (Interlocked.Exchange(ref ended, 1) == 1) return;
        await stop.CancelAsync();
        if (running is not null) await running;
        signal.Dispose();
        stop.Dispose();
    }

    private bool Lead()
    {
        var led = leads;
        leads = false; // unless the answer comes
        leads = documents.TryLead();
        if (!leads || led || documents.Position <= journal.FindLastPosition()) return leads;

        log.LogWarning("The read models are at flush {Position} and the journal ends at {Last}, as after going back to a backup: they are made again.", documents.Position, journal.LastPosition);
        return leads = documents.Clear();
    }

    // Other processes write the journal too: how far it is costs a question.
    private void AskJournal()
    {
        if (Stopwatch.GetElapsedTime(askedAt) < AskAgain) return;
        Interlocked.Exchange(ref newest, journal.FindLastPosition());
        askedAt = Stopwatch.GetTimestamp();
    }

    private async Task Run()
    {
        try
        {
            await Follow();
        }
        finally
        {
            // Whoever comes next need not wait; it may also be of a release that knows what this one does not.
            documents.Resign();
        }
    }

    private async Task Follow()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (Failure is not null)
                {
                    await Task.Delay(Pause, stop.Token);
                    documents.Reload();
                }

                do
                {
                    AskJournal();
                    if (Step() == 0) break;
                    await Task.Delay(Gathering, stop.Token);
                }
                while (!stop.IsCancellationRequested);
                if (Failure is not null) log.LogInformation("The read models follow again from flush {Position}.", documents.Position);
                Failure = null;
                await signal.WaitAsync(TimeSpan.FromMilliseconds(200), stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception disk) when (MayPass(disk))
            {
                // Lists stand still and say so; orders and money do not depend on them.
                if (Failure is null) log.LogError("The read models pause at flush {Position}: {Reason} They go on by themselves when the disk or the database does.", documents.Position, disk.Message);
                Failure = disk;
            }
            catch (Exception failure)
            {
                Failure = failure;
                log.LogError(failure, "The read models stopped at flush {Position}. Restart, or rebuild them with 'campaigns rebuild'.", documents.Position);
                return;
            }
        }
    }

    private static bool MayPass(Exception failure) => failure switch
    {
        JournalDamaged => false,
        PostgresException postgres => postgres.SqlState[..2] is not ("22" or "23" or "42" or "XX"), // data, constraints, names and rights, corruption
        NpgsqlException => true, // no answer
        SqliteException sqlite => sqlite.SqliteErrorCode is not (raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_ERROR),
        _ => failure is IOException,
    };
}
