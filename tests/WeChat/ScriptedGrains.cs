using System.Collections.Concurrent;
using Campaigns.Grains.Kernel;

namespace Campaigns.Tests.WeChat;

/// <summary>Grains that answer as a test tells them, with a reply or a refusal, and keep what they were asked.</summary>
internal sealed class ScriptedGrains(Func<GrainId, object, object> answer) : IGrains
{
    public ConcurrentQueue<(GrainId Grain, object Command)> Asked { get; } = new();

    public ValueTask<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command, CancellationToken cancellation = default)
    {
        Asked.Enqueue((grain, command));
        var said = answer(grain, command);
        return new(said is Refusal refusal ? refusal : new Outcome<TReply>((TReply)said, null));
    }

    public ValueTask<Outcome<IAsyncEnumerable<LiveEvent>>> Watch<TView>(GrainId grain, ICommand<TView> view, long? after, CancellationToken cancellation = default) =>
        throw new InvalidOperationException("Nobody watches here.");
}
