namespace Campaigns.Grains.Kernel;

/// <summary>What can be asked of a grain. A question is a command whose decision is <c>Nothing</c>.</summary>
/// <remarks>
/// Every command is safe to repeat (law 4): either it names what it makes (an id chosen by the caller), or it happens once by nature
/// (one assist per helper), or it is <see cref="IOnce"/>.
/// </remarks>
public interface ICommand<TReply>;

/// <summary>A command that is not idempotent by nature, such as "quota + 5": the cell remembers the newest request ids and skips a repeat.</summary>
public interface IOnce
{
    Guid Request { get; }
}

/// <summary>The deadline that the state asked for has come. State decides whether it matters (law 6).</summary>
public sealed record Wake : ICommand<Done>
{
    public static readonly Wake Instance = new();
}

/// <summary>Who is asked, time and chance, which rules may not fetch themselves (law 1).</summary>
/// <param name="Self">the grain itself: a state need not repeat its own address</param>
/// <param name="Now">the product's clock at the moment of acceptance</param>
/// <param name="Chance">32 random bytes if the definition asked for them, else empty</param>
public readonly record struct Turn(GrainId Self, DateTimeOffset Now, ReadOnlyMemory<byte> Chance = default);

/// <summary>Asks grains, wherever they live. Both engines implement this; the edge and the tests know nothing else.</summary>
public interface IGrains
{
    /// <summary>The answer leaves only when every fact it shows is durable. Refused with <c>Busy</c> when a queue is full.</summary>
    ValueTask<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command, CancellationToken cancellation = default);

    /// <summary>What happens to a grain from now on, or from after <paramref name="after"/> if that is still known.</summary>
    IAsyncEnumerable<LiveEvent> Watch(GrainId grain, long? after, CancellationToken cancellation);
}

/// <summary>A durable fact as viewers see it.</summary>
/// <param name="Sequence">the grain's sequence number, the <c>id:</c> of the SSE stream; 0 with the name <see cref="Gap"/> says that earlier events are unknown</param>
public sealed record LiveEvent(long Sequence, string Name, object Data)
{
    /// <summary>Sent first when the viewer's position is not known any more: read the whole view, then go on from <see cref="Sequence"/>.</summary>
    public const string Gap = "gap";
}
