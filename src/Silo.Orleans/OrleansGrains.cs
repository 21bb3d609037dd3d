using Campaigns.Grains.Kernel;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using GrainId = Campaigns.Grains.Kernel.GrainId;

namespace Campaigns.Silo.Cluster;

/// <summary>Asks grains wherever in the cluster they live: from a silo, or from a frontend that is an Orleans client.</summary>
/// <remarks>
/// A silo that dies takes the answers it owed with it. The same command is then sent again, which is safe (law 4), to wherever the grain lives
/// next, until <see cref="Patience"/> is over; so is one whose answer depends on something owed.
/// </remarks>
/// <param name="residents">the grains of this silo; null if this is none</param>
internal sealed class OrleansGrains(IGrainFactory cluster, ProductClock clock, IHostApplicationLifetime process, ILogger<OrleansGrains> log, Residents? residents = null) : IGrains
{
    /// <summary>How long one caller waits for a grain whose silo died. Longer than it takes the others to notice.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan PauseMax = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan MovingMax = TimeSpan.FromSeconds(2);

    // "Later" that comes sooner is from a grain that is just moving, and not from one that waits for something.
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100);

    private readonly Lazy<GrainReference> cells = new(() => (GrainReference)cluster.GetGrain<ICellGrain>("any"));

    public async ValueTask<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command, CancellationToken cancellation = default) =>
        (await Ask(grain, (object)command, cancellation)).As<TReply>();

    public async Task<Receipt> Ask(GrainId grain, object command, CancellationToken cancellation)
    {
        ICellGrain? cell = null;
        CellCommand? question = null;
        var since = clock.GetTimestamp();
        for (var pause = Pause; ;)
        {
            Exception? failure = null;
            var askedAt = clock.GetTimestamp();
            try
            {
                // A grain on this silo is a fifth of the work when it is asked past Orleans: 2 µs instead of 11.
                var asked = residents?.Find(grain) is { IsNear: true } near ? near.AskNear(command) : (cell ??= Find(grain)).Ask(question ??= new(command));
                var answer = cancellation.CanBeCanceled && !asked.IsCompleted ? await asked.AsTask().WaitAsync(cancellation) : await asked;
                if (!answer.IsLater) return new(answer.Reply, answer.Refusal);
            }
            catch (Exception lost) when (IsLost(lost) && !cancellation.IsCancellationRequested)
            {
                failure = lost;
            }
            catch (Exception bug) when (bug is not OperationCanceledException)
            {
                return new(null, Fault(bug, grain, command));
            }

            // From a process that ends nothing gets through any more: whoever asks again asks another one.
            if (failure is not null && process.ApplicationStopping.IsCancellationRequested) return new(null, Refusal.Of(GrainRefusal.Busy));
            if (clock.GetElapsedTime(since) > Patience)
            {
                if (failure is not null) log.LogWarning("{Command} to {Grain} got no answer for {Patience}: {Reason}", command.GetType().Name, grain, Patience, failure.Message);
                return new(null, Refusal.Of(GrainRefusal.Busy));
            }

            await Task.Delay(pause, cancellation);
            if ((failure is not null || clock.GetElapsedTime(askedAt) < pause * 2 + Soon) && pause < PauseMax) pause *= 2;
        }
    }

    public async ValueTask<Outcome<IAsyncEnumerable<LiveEvent>>> Watch<TView>(GrainId grain, ICommand<TView> view, long? after, CancellationToken cancellation = default)
    {
        // A grain that is just moving is busy for a moment.
        var since = clock.GetTimestamp();
        for (Outcome<IAsyncEnumerable<LiveEvent>> watching; ; await Task.Delay(Pause, cancellation))
        {
            watching = await Join(grain, view, after, cancellation);
            if (watching.Refusal?.Kind != RefusalKind.Busy || process.ApplicationStopping.IsCancellationRequested || clock.GetElapsedTime(since) > MovingMax) return watching;
        }
    }

    private async Task<Outcome<IAsyncEnumerable<LiveEvent>>> Join(GrainId grain, object view, long? after, CancellationToken cancellation)
    {
        var events = Find(grain).Watch(new(view), after, cancellation).GetAsyncEnumerator(cancellation);
        Refusal refusal;
        try
        {
            if (await events.MoveNextAsync() && events.Current.Refusal is null) return new Outcome<IAsyncEnumerable<LiveEvent>>(Read(events), null);
            refusal = events.Current?.Refusal ?? Refusal.Of(GrainRefusal.Busy);
        }
        catch (Exception lost) when (IsLost(lost))
        {
            cancellation.ThrowIfCancellationRequested();
            refusal = Refusal.Of(GrainRefusal.Busy);
        }
        catch (Exception bug)
        {
            refusal = Fault(bug, grain, view);
        }

        await Forget(events);
        return refusal;
    }

    private static async ValueTask Forget(IAsyncEnumerator<CellEvent> events)
    {
        try
        {
            await events.DisposeAsync();
        }
        catch (Exception gone) when (IsLost(gone))
        {
            // There is nobody left to tell.
        }
    }

    // Such as a command of a newer release that the grain's silo cannot read.
    private Refusal Fault(Exception bug, GrainId grain, object command)
    {
        log.LogError(bug, "{Command} could not be said to {Grain}, or its answer could not be read.", command.GetType().Name, grain);
        return Refusal.Of(GrainRefusal.Faulted);
    }

    // A viewer whose silo went comes back with its last id and finds the grain wherever it is then.
    private static async IAsyncEnumerable<LiveEvent> Read(IAsyncEnumerator<CellEvent> events)
    {
        await using (events)
        {
            while (await Next()) yield return new(events.Current.Sequence, events.Current.Name, events.Current.Data!);
        }

        async ValueTask<bool> Next()
        {
            try
            {
                return await events.MoveNextAsync();
            }
            catch (Exception lost) when (IsLost(lost) || lost is EnumerationAbortedException)
            {
                return false;
            }
        }
    }

    private static bool IsLost(Exception failure) => failure is OrleansException or TimeoutException or IOException or OperationCanceledException;

    // By the name of the interface: to find it by the type alone, Orleans looks for attributes at each call.
    private ICellGrain Find(GrainId grain) => (ICellGrain)cluster.GetGrain(Orleans.Runtime.GrainId.Create(cells.Value.GrainId.Type, grain.ToString()), cells.Value.InterfaceType);
}
