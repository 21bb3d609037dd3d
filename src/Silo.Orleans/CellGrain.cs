using System.Runtime.CompilerServices;
using Campaigns.Silo.Local;
using Orleans.Concurrency;
using GrainId = Campaigns.Grains.Kernel.GrainId;

namespace Campaigns.Silo.Cluster;

/// <summary>
/// Holds a grain's place on this silo. The cell itself lives in the silo's engine, whose lanes decide one command at a time and flush many grains
/// together; so calls may interleave here.
/// </summary>
[Reentrant, GrainType("cell")]
internal sealed class CellGrain(LocalEngine engine, Residents residents) : Grain, ICellGrain
{
    // Orleans lets go of what it has not heard of for half an hour: it hears of a grain at least so often while somebody asks.
    private const long NearMilliseconds = 5 * 60 * 1_000;

    private GrainId id;
    private long heardOf;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (!GrainId.TryParse(this.GetPrimaryKeyString(), out id)) throw new InvalidOperationException($"'{this.GetPrimaryKeyString()}' is no grain.");
        residents.Enter(id, this);
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        residents.Leave(id, this);

        // If it takes longer than Orleans waits, the next activation is fenced or fences this one: slower, never wrong.
        await engine.HandOver(id).WaitAsync(cancellationToken);
    }

    public async ValueTask<CellAnswer> Ask(CellCommand command)
    {
        Volatile.Write(ref heardOf, Environment.TickCount64);
        var answer = await engine.Deliver(id, command.Command);
        return new(answer.Value, answer.Refusal, answer.IsLater);
    }

    /// <summary>True if who is on this silo may ask past Orleans.</summary>
    public bool IsNear => Environment.TickCount64 - Volatile.Read(ref heardOf) < NearMilliseconds;

    /// <summary>Asks from this silo, past Orleans.</summary>
    public async ValueTask<CellAnswer> AskNear(object command)
    {
        var asked = engine.Deliver(id, command);

        // It left between the look and the question: then the question has opened the cell again, and nobody else would let it go.
        if (residents.Find(id) != this) _ = engine.HandOver(id);
        var answer = await asked;
        return new(answer.Value, answer.Refusal, answer.IsLater);
    }

    public async IAsyncEnumerable<CellEvent> Watch(CellCommand view, long? after, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var watching = await engine.Watch(id, view.Command, after, cancellation);
        yield return CellEvent.Joined with { Refusal = watching.Refusal };
        if (watching.Reply is not { } events) yield break;
        await foreach (var live in events) yield return new(live.Sequence, live.Name, live.Data, null);
    }

    /// <summary>The engine let the grain go by itself: so does Orleans, and the next call may go elsewhere.</summary>
    public void Vacate() => DeactivateOnIdle();
}
