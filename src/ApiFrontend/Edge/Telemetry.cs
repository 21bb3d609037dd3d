using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Campaigns.Grains.Order;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Silo.Projections;
using Microsoft.AspNetCore.Diagnostics;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>
/// The metrics, in Prometheus text format. Written by hand because no exporter fits: names and units follow the Prometheus conventions,
/// labels are bounded (routes, codes), ids never are labels.
/// </summary>
internal sealed class Telemetry
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"];
    private static readonly double[] Bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

    private readonly ConcurrentDictionary<string, StrongCount> refusals = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Method, string Route, int Status), Durations> requests = new();
    private long countedAlone;

    public long ChecksCountedAlone => Interlocked.Read(ref countedAlone);

    /// <summary>A request's rate was counted by this process alone though it should have been shared.</summary>
    public void CountedAlone() => Interlocked.Increment(ref countedAlone);

    public void Refused(string code) => refusals.GetOrAdd(code, _ => new()).Add();

    /// <summary>A client may invent methods; a label may not grow with what clients invent.</summary>
    public void Request(string method, string route, int status, TimeSpan took) => requests.GetOrAdd((Methods.Contains(method, StringComparer.Ordinal) ? method : "other", route, status), _ => new()).Record(took.TotalSeconds);

    public string Write(Startup startup, LocalEngine? engine, IJournal journal, Projector projector, InFlight inFlight, ISharedBuckets? buckets, (LimboTotals Totals, DateTimeOffset? Since)? limbo, IReadOnlyList<Member>? silos, DateTimeOffset now)
    {
        var text = new StringBuilder();
        Metric("campaigns_build_info", "gauge", "What runs.", $"{{version=\"{typeof(Telemetry).Assembly.GetName().Version}\"}} 1");
        Value("campaigns_ready", "gauge", "1 while commands are accepted.", startup.IsReady ? 1 : 0);
        Value("campaigns_http_requests_in_flight", "gauge", "Requests that are worked on; more than Limits:Requests are refused.", inFlight.Requests);
        Value("campaigns_http_streams", "gauge", "Live streams that are open; more than Limits:Streams are refused.", inFlight.Streams);
        Metric("campaigns_redis_up", "gauge", "1 while rate limits are shared through Redis; nothing where it is not configured.", buckets is null ? [] : [buckets.IsUp ? " 1" : " 0"]);
        Value("campaigns_rate_limit_fallbacks_total", "counter", "Checks of a rate limit that this process counted alone because Redis did not answer.", ChecksCountedAlone);
        if (engine is not null)
        {
            Value("campaigns_grains_active", "gauge", "Grains in memory.", engine.ActiveGrains);
            Value("campaigns_commands_total", "counter", "Commands handled by grains.", engine.CommandsHandled);
            Value("campaigns_events_total", "counter", "Facts recorded, those replayed at the start included.", engine.EventsRecorded);
            Value("campaigns_commands_queued", "gauge", "Commands waiting for a lane.", engine.QueuedCommands);
            Value("campaigns_messages_in_flight", "gauge", "Owed messages waiting for their answer.", engine.MessagesOnTheirWay);
            Value("campaigns_deadline_lateness_seconds", "gauge", "How late the latest deadline was handled.", engine.DeadlineLatenessMs / 1_000);
            Value("campaigns_journal_flushes_total", "counter", "Durable writes.", engine.Flushes);
            Value("campaigns_journal_flush_seconds_total", "counter", "Time spent in durable writes.", engine.FlushSeconds);
            Value("campaigns_recovery_seconds", "gauge", "How long the last start replayed the journal.", engine.Recovery.Took.TotalSeconds);
        }

        if (silos is not null)
            Metric("campaigns_silos", "gauge", "Silos by what the cluster says of them.", [.. silos.GroupBy(m => m.Status, StringComparer.Ordinal).Select(g => $"{{status=\"{g.Key}\"}} {g.Count()}")]);
        Value("campaigns_journal_position", "gauge", "Newest position of the journal.", journal.LastPosition);
        Value("campaigns_journal_tail_flushes", "gauge", "Flushes that a restart would replay.", Math.Max(0, journal.LastPosition - journal.TailStart));
        if (journal is SqliteJournal file)
        {
            Value("campaigns_journal_log_bytes", "gauge", "Size of SQLite's log beside the journal's file.", file.LogBytes);
            Value("sqlite_memory_bytes", "gauge", "What SQLite holds of the memory, nearly all of it pages of the journal and the lists.", SQLitePCL.raw.sqlite3_memory_used());
        }

        Value("campaigns_projection_lag_flushes", "gauge", "Flushes that lists and reports do not show yet.", projector.LagFlushes);
        Value("campaigns_projection_failed", "gauge", "1 if the read models have stopped following.", projector.Failure is null ? 0 : 1);
        if (limbo is var (totals, oldest))
        {
            Value("campaigns_limbo_items", "gauge", "Refunds and captures that are not settled.", totals.Items);
            Value("campaigns_limbo_fen", "gauge", "The money in them.", totals.AmountFen);
            Value("campaigns_limbo_oldest_seconds", "gauge", "How long the oldest of them has not been settled.", oldest is { } since ? (now - since).TotalSeconds : 0);
        }

        Value("process_resident_memory_bytes", "gauge", "Resident memory.", Environment.WorkingSet);
        Value("dotnet_gc_heap_bytes", "gauge", "Managed heap after the last collection, with what is dead in it and not collected yet.", GC.GetGCMemoryInfo().HeapSizeBytes);
        Value("dotnet_gc_committed_bytes", "gauge", "What the managed heap held of the memory at the last collection, its free room included.", GC.GetGCMemoryInfo().TotalCommittedBytes);
        Value("dotnet_gc_live_bytes", "gauge", "What the last collection of all generations left alive: if this grows without end, something is kept.", LiveBytes());
        Metric("dotnet_gc_collections_total", "counter", "Collections that looked at this generation; one that looks at an older one looks at the younger too.", [.. Enumerable.Range(0, GC.MaxGeneration + 1).Select(g => $"{{generation=\"{g}\"}} {GC.CollectionCount(g)}")]);
        Value("dotnet_gc_pause_seconds_total", "counter", "How long everything stood still for collections.", GC.GetTotalPauseDuration().TotalSeconds);
        Value("process_cpu_seconds_total", "counter", "CPU time.", Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds);
        Metric("campaigns_refusals_total", "counter", "Refused requests by code.", [.. refusals.Select(r => $"{{code=\"{r.Key}\"}} {r.Value.Value}")]);

        var series = new List<string>();
        foreach (var ((method, route, status), durations) in requests)
        {
            var labels = $"method=\"{method}\",route=\"{route}\",status=\"{status}\"";
            for (var i = 0; i < Bounds.Length; i++) series.Add($"_bucket{{{labels},le=\"{Bounds[i].ToString(CultureInfo.InvariantCulture)}\"}} {durations.UpTo(i)}");
            series.Add($"_bucket{{{labels},le=\"+Inf\"}} {durations.Count}");
            series.Add($"_sum{{{labels}}} {durations.Sum.ToString(CultureInfo.InvariantCulture)}");
            series.Add($"_count{{{labels}}} {durations.Count}");
        }

        Metric("campaigns_http_request_duration_seconds", "histogram", "HTTP requests, live streams apart.", [.. series]);
        return text.ToString();

        // Before the first one of them: what there is.
        static long LiveBytes()
        {
            var (beside, blocking) = (GC.GetGCMemoryInfo(GCKind.Background), GC.GetGCMemoryInfo(GCKind.FullBlocking));
            var last = beside.Index > blocking.Index ? beside : blocking;
            if (last.Index == 0) last = GC.GetGCMemoryInfo();
            return last.HeapSizeBytes - last.FragmentedBytes;
        }

        void Value(string name, string type, string help, double value) => Metric(name, type, help, $" {value.ToString(CultureInfo.InvariantCulture)}");

        void Metric(string name, string type, string help, params ReadOnlySpan<string> lines)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
            foreach (var line in lines) text.Append(name).Append(line).Append('\n');
        }
    }

    private sealed class StrongCount
    {
        private long value;

        public long Value => Interlocked.Read(ref value);

        public void Add() => Interlocked.Increment(ref value);
    }

    private sealed class Durations
    {
        private readonly long[] buckets = new long[Bounds.Length + 1];
        private long sumMicroseconds;

        public long Count => buckets.Sum();

        public double Sum => Interlocked.Read(ref sumMicroseconds) / 1e6;

        public long UpTo(int bound) => buckets.Take(bound + 1).Sum();

        public void Record(double seconds)
        {
            var i = Array.FindIndex(Bounds, b => seconds <= b);
            Interlocked.Increment(ref buckets[i < 0 ? Bounds.Length : i]);
            Interlocked.Add(ref sumMicroseconds, (long)(seconds * 1e6));
        }
    }
}

/// <summary>Counts and times each request, and gives it the id that the client also sees.</summary>
internal sealed class RequestLog(RequestDelegate next, Telemetry telemetry, ILogger<RequestLog> log)
{
    public const string IdHeader = "X-Request-Id";

    public async Task Invoke(HttpContext context)
    {
        context.TraceIdentifier = Problems.NewRequestId();

        // Set when the answer starts: an exception on the way clears the headers that were set before.
        context.Response.OnStarting(() =>
        {
            context.Response.Headers[IdHeader] = context.TraceIdentifier;
            return Task.CompletedTask;
        });
        var start = Stopwatch.GetTimestamp();
        await next(context);
        var took = Stopwatch.GetElapsedTime(start);

        // The exception handler takes the endpoint away and keeps it in its feature.
        var endpoint = context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "unknown";
        if (context.Response.ContentType != "text/event-stream") telemetry.Request(context.Request.Method, route, context.Response.StatusCode, took);

        // A refusal is no error, and a line for each would cost more than the refusal: the metrics count them.
        var level = context.Response.StatusCode is >= 500 and not 503 ? LogLevel.Warning : LogLevel.Debug;
        if (log.IsEnabled(level))
            log.Log(level, "{Method} {Route} answered {Status} in {Milliseconds:0.0} ms ({RequestId}).", context.Request.Method, route, context.Response.StatusCode, took.TotalMilliseconds, context.TraceIdentifier);
    }
}
