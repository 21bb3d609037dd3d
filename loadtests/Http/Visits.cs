using System.Diagnostics;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Overload;

namespace Campaigns.LoadTests.Http;

/// <summary>Visits that begin at their times whatever becomes of the earlier ones; the latency of each act counts from when the visitor was to act.</summary>
/// <typeparam name="TAct">what a visitor does</typeparam>
internal sealed class Visits<TAct>(CancellationToken stop) where TAct : struct, Enum
{
    private static readonly TimeSpan ThinkMean = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan ThinkMax = TimeSpan.FromSeconds(2);

    private readonly Dictionary<TAct, Tally> tallies = Enum.GetValues<TAct>().ToDictionary(a => a, _ => new Tally());
    private readonly Stopwatch watch = new();

    /// <summary>Since the first visitor may come.</summary>
    public TimeSpan Elapsed => watch.Elapsed;

    public long Requests => tallies.Values.Sum(t => t.Offered);

    /// <summary>Ends when the last visit does.</summary>
    /// <param name="visit">is given the visit's number and when it is due</param>
    public async Task Play(IReadOnlyList<TimeSpan> arrivals, Func<int, TimeSpan, Task> visit)
    {
        watch.Start();
        var visits = new List<Task>(arrivals.Count);
        foreach (var (due, number) in arrivals.Select((a, i) => (a, i)))
        {
            await Until(due);
            visits.Add(Task.Run(() => visit(number, due), stop));
        }

        await Task.WhenAll(visits);
        watch.Stop();
    }

    public Task Until(TimeSpan due) => due - watch.Elapsed is var wait && wait > TimeSpan.Zero ? Task.Delay(wait, stop) : Task.CompletedTask;

    /// <summary>A visitor thinks before the next act.</summary>
    /// <returns>when that is due</returns>
    public async Task<TimeSpan> Think(Random chance)
    {
        var pause = ThinkMean * -Math.Log(1 - chance.NextDouble());
        var due = watch.Elapsed + (pause < ThinkMax ? pause : ThinkMax);
        await Until(due);
        return due;
    }

    public async Task<Reply> Timed(TAct act, TimeSpan due, Func<Task<Reply>> ask)
    {
        var since = Since(due);
        var reply = await ask();
        Note(act, reply.Status, since);
        return reply;
    }

    // A timer may be early by less than its millisecond.
    public TimeSpan Since(TimeSpan due) => watch.Elapsed is var now && now < due ? now : due;

    /// <summary>An act that was answered just now.</summary>
    /// <param name="since">what its latency counts from</param>
    public void Note(TAct act, int status, TimeSpan since)
    {
        lock (tallies)
        {
            tallies[act].Offered++;
            tallies[act].Answered(status, watch.Elapsed - since);
        }
    }

    public IReadOnlyList<Latencies> Read() => [.. tallies.Select(t => Latencies.Read($"{t.Key}", t.Value.Offered / watch.Elapsed.TotalSeconds, t.Value))];
}
