using Campaigns.Grains.Kernel;

namespace Campaigns.Simulation;

/// <summary>
/// Copies of messages that some buffer of the network still holds. They outlive the process that sent them, and come when their senders have
/// acted on the answers and sent what followed.
/// </summary>
internal sealed class Copies(World world)
{
    private readonly PriorityQueue<(GrainId To, object Command), (DateTimeOffset Due, long Number)> waiting = new();
    private long number;

    /// <summary>When the next one comes; null if there is none.</summary>
    public DateTimeOffset? Next => waiting.TryPeek(out _, out var next) ? next.Due : null;

    public void Add(GrainId to, object command) => waiting.Enqueue((to, Evidence.CopyOf(command)), (world.Time.Now + Age(), ++number));

    /// <summary>The next copy, if it is due.</summary>
    public bool TryTake(out GrainId to, out object command)
    {
        (to, command) = (default, Wake.Instance);
        if (!(Next <= world.Time.Now)) return false;

        (to, command) = waiting.Dequeue();
        return true;
    }

    private TimeSpan Age() => world.Chance.Next(10) switch
    {
        < 4 => TimeSpan.FromMilliseconds(world.Chance.Next(1, 2_000)),
        < 7 => TimeSpan.FromSeconds(world.Chance.Next(1, 60)),
        < 9 => TimeSpan.FromMinutes(world.Chance.Next(1, 60)),
        _ => TimeSpan.FromHours(world.Chance.Next(1, 24 * 3)),
    };
}
