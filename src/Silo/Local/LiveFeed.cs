using System.Threading.Channels;
using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Local;

/// <summary>The durable facts of one watched grain, for viewers: the newest are kept so that a viewer who lost the connection misses nothing.</summary>
internal sealed class LiveFeed
{
    private const int Remembered = 256;
    private const int ViewersMax = 10_000;
    private const int BehindMax = 256;

    private readonly Lock sync = new();
    private readonly Queue<LiveEvent> newest = new();
    private readonly Dictionary<Channel<LiveEvent>, long> viewers = [];
    private long knownSince;

    /// <param name="since">the grain's sequence when watching began: everything after it is known</param>
    public LiveFeed(long since) => knownSince = since;

    public bool HasViewers
    {
        get
        {
            lock (sync) return viewers.Count > 0;
        }
    }

    /// <summary>Called after the flush, in order.</summary>
    public void Publish(LiveEvent live)
    {
        lock (sync)
        {
            newest.Enqueue(live);
            if (newest.Count > Remembered) knownSince = newest.Dequeue().Sequence;

            // A viewer that cannot keep up is disconnected; it comes back with its last id and goes on from there.
            foreach (var (viewer, since) in viewers)
                if (live.Sequence > since && !viewer.Writer.TryWrite(live) && viewer.Writer.TryComplete()) viewers.Remove(viewer);
        }
    }

    /// <summary>Joins a viewer: what it missed since <paramref name="after"/>, or <paramref name="snapshot"/> if that is not known any more.</summary>
    /// <returns>null if there are too many viewers</returns>
    public Channel<LiveEvent>? Join(long? after, LiveEvent snapshot)
    {
        var viewer = Channel.CreateBounded<LiveEvent>(new BoundedChannelOptions(BehindMax + Remembered) { SingleReader = true });
        lock (sync)
        {
            if (viewers.Count >= ViewersMax) return null;
            if (after >= knownSince && after <= snapshot.Sequence)
            {
                foreach (var missed in newest)
                    if (missed.Sequence > after) viewer.Writer.TryWrite(missed);
                viewers.Add(viewer, after.Value);
            }
            else
            {
                // The snapshot may be ahead of the disk by facts that are published after it: those it contains are not sent twice.
                viewer.Writer.TryWrite(snapshot);
                viewers.Add(viewer, snapshot.Sequence);
            }

            return viewer;
        }
    }

    /// <summary>The activation ends: viewers come back with their last id and find the grain wherever it is then.</summary>
    public void Close()
    {
        lock (sync)
        {
            foreach (var viewer in viewers.Keys) viewer.Writer.TryComplete();
            viewers.Clear();
        }
    }

    public void Leave(Channel<LiveEvent> viewer)
    {
        lock (sync) viewers.Remove(viewer);
    }
}
