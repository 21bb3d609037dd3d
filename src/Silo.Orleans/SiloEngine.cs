using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Microsoft.Extensions.Logging;

namespace Campaigns.Silo.Cluster;

/// <summary>
/// Ties the engine to the life of its silo: it accepts before grains are placed here, and ends after the last one has been handed over. What
/// silos leave that died is fenced off, so that nothing of them can become durable any more, and picked up by whoever looks next.
/// </summary>
internal sealed class SiloEngine(LocalEngine engine, PostgresJournal journal, ISiloStatusOracle members, ILogger<SiloEngine> log) : ILifecycleParticipant<ISiloLifecycle>, ISiloStatusListener
{
    private const int PausesMax = 60;
    private static readonly TimeSpan QuietMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public void Participate(ISiloLifecycle lifecycle)
    {
        lifecycle.Subscribe(nameof(SiloEngine), ServiceLifecycleStage.ApplicationServices, _ => engine.Start(), async _ => await engine.DisposeAsync());
        lifecycle.Subscribe(nameof(SiloEngine), ServiceLifecycleStage.Active, Watch, Quiet);
    }

    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (status == SiloStatus.Dead && !updatedSilo.Equals(members.SiloAddress)) _ = Task.Run(() => Fence([updatedSilo]));
    }

    // Those that died before this silo joined, too: nobody may have been left to fence them.
    private Task Watch(CancellationToken cancellation)
    {
        members.SubscribeToSiloStatusEvents(this);
        _ = Task.Run(() => Fence(members.GetApproximateSiloStatuses().Where(s => s.Value == SiloStatus.Dead).Select(s => s.Key)), cancellation);
        return Task.CompletedTask;
    }

    // Before Orleans takes any grain from here.
    private async Task Quiet(CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(QuietMax);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            await engine.Quiet(limit.Token);
        }
        catch (OperationCanceledException)
        {
            log.LogWarning("{Count} messages are still on their way; each grain waits for its own when it is handed over.", engine.MessagesOnTheirWay);
        }
    }

    private async Task Fence(IEnumerable<SiloAddress> dead)
    {
        string[] names = [.. dead.Select(d => members.TryGetSiloName(d, out var name) ? name : null).OfType<string>()];
        for (var tries = 1; names.Length > 0; tries++)
        {
            try
            {
                if (journal.FenceDead(names) is > 0 and var count) log.LogWarning("Fenced off {Count} silos that died; their grains are woken elsewhere.", count);
                return;
            }
            catch (Exception failed)
            {
                log.LogWarning("Silos that died could not be fenced off ({Reason}); tried again.", failed.Message);
                await Task.Delay(Pause * Math.Min(tries, PausesMax));
            }
        }
    }
}
