using System.Collections.Concurrent;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>
/// The flash sales whose newest event says that nothing is left: who wants something of them is refused at the edge, so that the tens of
/// thousands who come too late do not stand in the sale's queue. It only refuses; what is there is the sale's alone to say.
/// </summary>
internal sealed class SoldOutSales(IGrains grains, ShopperTokens tokens, Telemetry telemetry, IHostApplicationLifetime lifetime)
{
    /// <summary>Sales that are watched at the same time; of others each request asks the sale.</summary>
    public const int SalesMax = 1_000;

    private readonly ConcurrentDictionary<GrainId, Watched> watched = new();
    private int count;

    /// <summary>
    /// Refuses who wants units of a sold-out sale and never had any of it, before anything is read or looked up for them. Who had some may be sending the
    /// same request again, and gets the first answer further on; so does who is not known here.
    /// </summary>
    /// <remarks>
    /// A unit that comes back is known here a moment after the sale: the second tap of somebody whose first waits in the sale's queue just then may be
    /// refused. As after every refusal, the same request sent again is answered with what the first has made.
    /// </remarks>
    public Task Enter(HttpContext context, RequestDelegate next)
    {
        if (Volatile.Read(ref count) == 0 || context.GetEndpoint()?.Metadata.GetMetadata<TakesUnits>() is null) return next(context);
        if (tokens.Known(context.Request) is not { } caller || !FlashSaleId.TryParse(context.GetRouteValue("id") as string, out var id)) return next(context);
        if (!watched.TryGetValue(id.In(caller.Shop), out var sale) || sale.Takers is not { } takers || takers.Contains(caller.Shopper.Value)) return next(context);

        telemetry.Refused(nameof(CampaignRefusal.SoldOut));
        Problems.WriteSoldOut(context);
        return Task.CompletedTask;
    }

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

                // Asked after it was sold out: nobody can become one of them until something is left again, and that ends this.
                one.Takers ??= (await grains.Ask(sale, new GetTakers())).Reply?.Shoppers;
            }
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
        finally
        {
            one.Takers = null;
            watched.TryRemove(sale, out _);
            Interlocked.Decrement(ref count);
        }
    }

    private sealed class Watched
    {
        public volatile bool IsSoldOut;

        /// <summary>Null while it is not known who they are.</summary>
        public volatile ISet<Guid>? Takers;
    }
}

/// <summary>Metadata of the endpoint that takes units of the flash sale in its route.</summary>
internal sealed record TakesUnits
{
    public static readonly TakesUnits Instance = new();
}
