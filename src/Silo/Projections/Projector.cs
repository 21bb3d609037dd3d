using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Microsoft.Extensions.Logging;

namespace Campaigns.Silo.Projections;

/// <summary>Follows the journal in global order and keeps the read models up to date. It lags by design; by how much is a metric.</summary>
public sealed class Projector(IJournal journal, IEnumerable<GrainDefinition> definitions, IReadOnlyList<IProjection> projections, DocumentStore documents, ILogger<Projector> log) : IAsyncDisposable
{
    private const int BytesPerStep = 1 << 20;

    private readonly Dictionary<string, GrainDefinition> definitions = definitions.ToDictionary(d => d.Kind, StringComparer.Ordinal);
    private readonly SemaphoreSlim signal = new(0, 1);
    private readonly CancellationTokenSource stop = new();
    private int ended;
    private Task? running;

    /// <summary>Flushes that the read models do not include yet.</summary>
    public long LagFlushes => Math.Max(0, journal.LastPosition - documents.Position);

    /// <summary>The last failure, if the read models have stopped following.</summary>
    public Exception? Failure { get; private set; }

    public void Start()
    {
        // The journal was restored from a backup: what the documents say beyond it never happened.
        if (documents.Position > journal.LastPosition) documents.Clear();
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

    /// <summary>Applies what is there.</summary>
    /// <returns>the number of facts read; 0 when the documents are up to date</returns>
    public int Step()
    {
        documents.Forget(); // what a step that failed has left
        var flushes = journal.ReadAfter(documents.Position, BytesPerStep);
        if (flushes.Count == 0) return 0;

        var facts = 0;
        var at = documents.AsOf;
        foreach (var flush in flushes)
        {
            var decision = new DecisionReader(flush.Decisions.Span);
            while (decision.Next())
            {
                facts += decision.Count;
                at = decision.At;
                Apply(ref decision);
            }
        }

        documents.Commit(flushes[^1].Position, at);
        return facts;
    }

    /// <summary>Waits until the documents include everything that is in the journal now.</summary>
    public async Task WhenCaughtUp(CancellationToken cancellation)
    {
        for (var target = journal.LastPosition; documents.Position < target;)
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

    private void Apply(ref DecisionReader decision)
    {
        if (!definitions.TryGetValue(decision.Grain.Kind, out var definition) || !projections.Any(Reads(decision.Grain.Kind))) return;
        for (var i = 0; i < decision.Count; i++)
        {
            var json = decision.NextEvent(out var name);
            var fact = new Recorded(decision.Grain, decision.FirstSequence + i, decision.At, definition.ReadEvent(name, json));
            foreach (var projection in projections)
                if (projection.Reads(fact.Grain.Kind)) projection.Apply(fact, documents);
        }
    }

    private static Func<IProjection, bool> Reads(string kind) => p => p.Reads(kind);

    private async Task Run()
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                while (Step() > 0 && !stop.IsCancellationRequested) { }
                await signal.WaitAsync(TimeSpan.FromMilliseconds(200), stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
        catch (Exception failure)
        {
            // Lists stand still and say so; orders and money do not depend on them.
            Failure = failure;
            log.LogError(failure, "The read models stopped at flush {Position}. Restart, or rebuild them with 'campaigns rebuild'.", documents.Position);
        }
    }
}
