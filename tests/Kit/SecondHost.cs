using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Kit;

/// <summary>
/// The smallest host of cells: what an engine must bring beside <see cref="Cell"/> and <see cref="IJournal"/> is only where a cell lives
/// and that its turns do not overlap. Several of these share one journal, as silos of a cluster do.
/// </summary>
internal sealed class SecondHost(IJournal journal, params GrainDefinition[] definitions)
{
    private readonly Dictionary<GrainId, Cell> active = [];
    private readonly Batch batch = new();

    public DateTimeOffset Now { get; set; } = Story<CounterState, CounterEvent>.Start;

    /// <summary>Decides, stores, and only then answers. A stale activation is refused <c>Busy</c> and forgotten.</summary>
    public Outcome<TReply> Ask<TReply>(GrainId grain, ICommand<TReply> command)
        where TReply : class
    {
        var cell = Activate(grain);
        var turn = new Turn(grain, Now);
        var decided = cell.Handle(command, turn, batch);
        if (!Flush(grain)) return Refusal.Of(GrainRefusal.Busy);

        var answer = decided.Refusal is { } refusal ? refusal : cell.Answer(command, turn);
        return new(answer.Value as TReply, answer.Refusal);
    }

    /// <summary>The grain moves away in good order: its state is stored and it leaves memory.</summary>
    public void Leave(GrainId grain)
    {
        if (!active.Remove(grain, out var cell) || cell.Sequence == 0) return;
        batch.Snapshots.Add(cell.Snapshot());
        batch.Closed.Add(grain);
        Flush(grain);
    }

    /// <summary>Stores the state and keeps the activation.</summary>
    /// <returns>false if it turned out to be stale</returns>
    public bool Store(GrainId grain)
    {
        batch.Snapshots.Add(Activate(grain).Snapshot());
        return Flush(grain);
    }

    private Cell Activate(GrainId grain)
    {
        if (!active.TryGetValue(grain, out var cell))
            active.Add(grain, cell = Cell.Restore(grain, definitions.Single(d => d.Kind == grain.Kind), journal.Read(grain)));
        return cell;
    }

    private bool Flush(GrainId grain)
    {
        var fenced = batch.IsEmpty ? [] : journal.Append([batch]);
        batch.Clear();
        if (!fenced.Contains(grain)) return true;
        active.Remove(grain); // what it believed is wrong: the next turn starts from the journal
        return false;
    }
}
