using System.Diagnostics;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;

namespace Campaigns.Silo.Local;

/// <summary>
/// Group commit: takes everything that its lanes have decided, makes it durable in one write, and only then lets it out (law 3). Three steps,
/// so that a simulator can stop the world between any two of them. Each line of the journal has a flusher, with lanes of its own.
/// </summary>
internal sealed class Flusher
{
    private readonly LocalEngine engine;
    private readonly IJournal journal;
    private readonly int line;
    private readonly IReadOnlyList<Lane> lanes;
    private readonly AutoResetEvent signal = new(initialState: false);
    private readonly List<(Lane Lane, Pending Batch)> taken = [];
    private readonly List<Batch> batches = [];
    private IReadOnlyCollection<GrainId> fenced = [];
    private volatile bool ending;

    public Flusher(LocalEngine engine, IJournal journal, int line, IReadOnlyList<Lane> lanes)
    {
        (this.engine, this.journal, this.line, this.lanes) = (engine, journal, line, lanes);
        foreach (var lane in lanes) lane.Flusher = this;
    }

    public long Flushes { get; private set; }

    /// <summary>Seconds spent writing since the start.</summary>
    public double Seconds { get; private set; }

    public void Signal() => signal.Set();

    /// <summary>The lanes have ended: so does the flusher, after what they have left.</summary>
    public void End()
    {
        ending = true;
        Signal();
    }

    /// <summary>The flusher's thread.</summary>
    public void Run()
    {
        try
        {
            while (!engine.HasFailed)
            {
                var last = ending;
                if (Take())
                {
                    Write();

                    // What leaves leads to more. A lane that sleeps is not woken for it: that would cost more than to decide it here, before the next write.
                    var idle = ending ? [] : lanes.Where(l => l.TryHold()).ToList();
                    Release();
                    foreach (var lane in idle) lane.GoOn();
                }
                else if (last)
                {
                    return;
                }
                else
                {
                    signal.WaitOne();
                }
            }
        }
        catch (Exception unknown)
        {
            // The outcome is unknown. Nothing is answered: callers time out or see the connection close, and ask again after the restart.
            engine.Fail(unknown);
        }
    }

    /// <summary>Takes what the lanes have decided meanwhile. Returns false if that is nothing, or if a broken rule has left half a decision in it.</summary>
    public bool Take()
    {
        var tailStart = long.MaxValue;
        foreach (var lane in lanes)
        {
            if (lane.TakeOpen(out var tail) is { } batch)
            {
                taken.Add((lane, batch));
                if (!batch.Journal.IsEmpty) batches.Add(batch.Journal);
            }

            tailStart = Math.Min(tailStart, tail); // also of a lane that has nothing to write: one tail is replayed for all
        }

        foreach (var batch in batches) batch.TailStart = tailStart;
        return taken.Count > 0 && !engine.HasFailed;
    }

    public void Write()
    {
        fenced = [];
        if (batches.Count == 0) return;
        var start = Stopwatch.GetTimestamp();
        fenced = journal.Append(batches, line);
        Seconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        Flushes++;
    }

    /// <summary>What was written leaves: answers, messages, live events.</summary>
    public void Release()
    {
        foreach (var (lane, batch) in taken) lane.Flushed(batch, fenced);
        if (batches.Count > 0) engine.Announce(journal.LastPosition);
        taken.Clear();
        batches.Clear();
    }

    /// <summary>What was taken of a lane and never released, because the write failed.</summary>
    public Pending? UnflushedOf(Lane lane) => taken.Find(t => t.Lane == lane).Batch;
}
