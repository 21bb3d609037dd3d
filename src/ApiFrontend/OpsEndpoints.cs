using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend;

internal sealed record Health(string Status, IReadOnlyDictionary<string, string> Checks);

/// <summary>Whether commands are accepted: recovered, not ending, and in Development the demo shop is open.</summary>
/// <param name="engine">null in a frontend, whose grains live elsewhere</param>
internal sealed class Startup(LocalEngine? engine)
{
    public volatile bool IsDone;

    public bool IsAccepting => engine?.IsAccepting ?? true;

    public bool IsReady => IsDone && IsAccepting;
}

/// <summary>Money in limbo of one shop, as operators see it.</summary>
internal sealed record OpsLimboEntry(
    ShopId Shop, OrderId? Order, string? Refund, long AmountFen, LimboState State, string Reason, DateTimeOffset Since, long AgeSeconds, PaymentId? Payment, WithdrawalId? Withdrawal);

/// <param name="Silos">null on one machine, empty while the cluster cannot be asked</param>
internal sealed record OpsStatus(
    long ActiveGrains, long QueuedCommands, long MessagesInFlight, long EventsRecorded, long JournalPosition, long TailFlushes, long ProjectionLagFlushes, double RecoverySeconds, long RecoveredEvents, IReadOnlyList<Member>? Silos);

/// <summary>What SREs and their machines ask. Health is on both ports; the rest on the operations port alone.</summary>
internal static class OpsEndpoints
{
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(2);

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => TypedResults.Json(new Health("live", new Dictionary<string, string>(StringComparer.Ordinal)), Api.Json)).AllowAnonymous().DisableRateLimiting().WithMetadata(new Counted(Counts.Never)).Produces<Health>().WithTags("Health").WithSummary("The process answers");
        routes.MapGet("/health/ready", Ready).AllowAnonymous().DisableRateLimiting().WithMetadata(new Counted(Counts.Never)).Produces<Health>().Produces<Health>(503).WithTags("Health").WithSummary("Commands are accepted");
    }

    public static void MapOps(this IEndpointRouteBuilder routes, Startup startup, LocalEngine? engine, IJournal journal, Projector projector, InFlight inFlight, Telemetry telemetry, IGrains grains, DocumentStore documents, IMembers? members, ISharedBuckets? buckets, TimeProvider clock)
    {
        routes.MapGet("/metrics", async () => TypedResults.Text(telemetry.Write(startup, engine, journal, projector, inFlight, buckets, LimboOf(documents), await SilosOf(members), clock.GetUtcNow()), "text/plain; version=0.0.4; charset=utf-8"));
        routes.MapGet("/ops/limbo", (Paging page) => Limbo(page, documents, clock.GetUtcNow()));
        routes.MapGet("/ops/status", async () => TypedResults.Json(await StatusOf(engine, journal, projector, members), Api.Json));
        routes.MapPost("/ops/shops", (ShopBody body) => ShopOpening.OpenWithNewKey(body, grains));
    }

    private static async Task<OpsStatus> StatusOf(LocalEngine? engine, IJournal journal, Projector projector, IMembers? members)
    {
        var position = PositionOf(journal);
        var (recovered, took) = engine?.Recovery ?? default;
        return new(
            engine?.ActiveGrains ?? 0, engine?.QueuedCommands ?? 0, engine?.MessagesOnTheirWay ?? 0, engine?.EventsRecorded ?? 0, position, Math.Max(0, position - journal.TailStart), projector.LagFlushes,
            took.TotalSeconds, recovered, await SilosOf(members));
    }

    // A cluster that cannot be asked right now must not take the rest of what operators want to know with it.
    private static async Task<IReadOnlyList<Member>?> SilosOf(IMembers? members)
    {
        if (members is null) return null;
        try
        {
            return await members.List().WaitAsync(AnswerMax);
        }
        catch (Exception)
        {
            return [];
        }
    }

    private static IResult Limbo(Paging page, DocumentStore documents, DateTimeOffset now)
    {
        var limbo = documents.List<ShopLimbo>(ShopId.Installation, OrderViews.Limbo, OrderViews.Open, page.Cursor, page.Limit);
        return TypedResults.Json(
            new Page<OpsLimboEntry>([.. limbo.Items.Select(l => new OpsLimboEntry(l.Shop, l.Item.Order, l.Item.Refund, l.Item.AmountFen, l.Item.State, l.Item.Reason, l.Item.Since, (long)(now - l.Item.Since).TotalSeconds, l.Item.Payment, l.Item.Withdrawal))], limbo.NextCursor, limbo.AsOf),
            Api.Json);
    }

    // The database of the read models may be away: the other figures are needed then more than ever.
    private static (LimboTotals Totals, DateTimeOffset? Since)? LimboOf(DocumentStore documents)
    {
        try
        {
            return (
                documents.Read<LimboTotals>(ShopId.Installation, OrderViews.Totals, OrderViews.All) ?? new(0, 0),
                documents.List<ShopLimbo>(ShopId.Installation, OrderViews.Limbo, OrderViews.Open, null, 1).Items is [var oldest] ? oldest.Item.Since : null);
        }
        catch (DocumentsUnavailable)
        {
            return null;
        }
    }

    private static long PositionOf(IJournal journal)
    {
        try
        {
            return journal.FindLastPosition();
        }
        catch (IOException)
        {
            return journal.LastPosition;
        }
    }

    private static IResult Ready(Projector projector, Startup startup)
    {
        var isReady = startup.IsReady;
        var checks = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["engine"] = isReady ? "ok" : startup.IsAccepting ? "starting" : "not accepting",
            ["projections"] = projector.Failure is null ? $"ok, {projector.LagFlushes} flushes behind" : "stopped",
        };

        // Lists that stand still do not take a shop offline; a stopped engine does.
        return TypedResults.Json(new Health(isReady ? "ready" : "not ready", checks), Api.Json, statusCode: isReady ? 200 : 503);
    }
}
