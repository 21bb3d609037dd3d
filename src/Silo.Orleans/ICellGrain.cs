using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Cluster;

/// <summary>One grain of the product as Orleans sees it: an address, wherever its cell lives. The key is the printed <c>GrainId</c>.</summary>
[Alias("campaigns.cell")]
public interface ICellGrain : IGrainWithStringKey
{
    /// <summary>Asks. A refusal is an answer; an exception means that nobody knows whether it was asked.</summary>
    [Alias("ask")]
    ValueTask<CellAnswer> Ask(CellCommand command);

    /// <summary>What happens to the grain. The first item says whether it may be watched and carries no event.</summary>
    [Alias("watch")]
    IAsyncEnumerable<CellEvent> Watch(CellCommand view, long? after, CancellationToken cancellation = default);
}

/// <summary>Any command of any mechanic, written as JSON when it leaves the process: neighbouring releases read what they know and skip the rest.</summary>
[Immutable, Alias("campaigns.command")]
public sealed record CellCommand(object Command);

/// <param name="IsLater">something owed has to be settled first: ask again</param>
[Immutable, Alias("campaigns.answer")]
public sealed record CellAnswer(object? Reply, Refusal? Refusal, bool IsLater);

/// <param name="Refusal">why the grain cannot be watched; then nothing comes after it</param>
[GenerateSerializer, Immutable, Alias("campaigns.event")]
public sealed record CellEvent([property: Id(0)] long Sequence, [property: Id(1)] string Name, [property: Id(2)] object? Data, [property: Id(3)] Refusal? Refusal)
{
    public static readonly CellEvent Joined = new(0, "", null, null);
}
