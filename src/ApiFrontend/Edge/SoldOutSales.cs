using System.Collections.Concurrent;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>
/// The flash sales whose newest event says that nothing is left: who wants something of them is refused at the edge, so that the tens of
/// thousands who come too late do not stand in the sale's queue. It only refuses; what is there is the sale's alone to say.
/// </summary>
internal sealed class SoldOutSales(IGrains grains, IHostApplicationLifetime lifetime)
{
    /// <summary>Sales that are watched at the same time; of others each request asks the sale.</summary>
    public const int SalesMax = 1_000;

    private readonly ConcurrentDictionary<GrainId, Watched> watched = new();
    private int count;

    public bool Contains(GrainId sale) => watched.TryGetValue(sale, out var one) && one.IsSoldOut;

    /// <summary>The sale has just refused somebody: from now on its events are followed until something is left again.</summary>
    public void Watch(GrainId sale)
    {
        if (watched.ContainsKey(sale) || Volatile.Read(ref count) >= SalesMax) return;

        var one = new Watched();
        if (!watched.TryAdd(sale, one)) return;
        Interlocked.Increment(ref count);
        _ = Follow(sale, one);
    }

    private async Task Follow(GrainId sale, Watched one)
    {
        try
        {
            var live = await grains.Watch(sale, new GetFlashSale(), after: null, lifetime.ApplicationStopping);
            if (live.Refusal is not null) return;
            await foreach (var happened in live.Reply!.WithCancellation(lifetime.ApplicationStopping))
            {
                // An end or a pause is told by the sale itself.
                one.IsSoldOut = happened.Data is FlashSaleView { State: FlashSaleStatus.Running, Left: 0 };
                if (!one.IsSoldOut) return;
            }
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
        finally
        {
            watched.TryRemove(sale, out _);
            Interlocked.Decrement(ref count);
        }
    }

    private sealed class Watched
    {
        public volatile bool IsSoldOut;
    }
}
