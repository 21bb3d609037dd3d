using Campaigns.Grains.Kernel;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>
/// Grains as the edge asks them: with an end to the patience. An answer may depend on a system outside that is down for hours; the request
/// is then refused <c>Busy</c>, and what was decided goes on: a repeat finds it.
/// </summary>
internal sealed class PatientGrains(IGrains grains, TimeSpan patience) : IGrains
{
    public ValueTask<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command, CancellationToken cancellation = default)
    {
        var asked = grains.Ask(grain, command, cancellation);
        return asked.IsCompleted ? asked : new(AtMost(asked.AsTask()));
    }

    public ValueTask<Outcome<IAsyncEnumerable<LiveEvent>>> Watch<TView>(GrainId grain, ICommand<TView> view, long? after, CancellationToken cancellation = default) =>
        grains.Watch(grain, view, after, cancellation);

    private async Task<Outcome<TReply>> AtMost<TReply>(Task<Outcome<TReply>> asked)
    {
        try
        {
            return await asked.WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            return Refusal.Of(GrainRefusal.Busy);
        }
    }
}
