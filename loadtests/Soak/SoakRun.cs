using System.Diagnostics;
using System.Globalization;
using System.Net;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Http;
using Campaigns.LoadTests.Overload;
using Campaigns.LoadTests.Report;
using HdrHistogram;

namespace Campaigns.LoadTests.Soak;

/// <param name="Rate">requests a second; null for a share of what the server can do</param>
/// <param name="Percent">that share</param>
internal sealed record SoakPlan(TimeSpan Time, int? Rate, int Percent);

/// <summary>
/// The real program in a process of its own under requests that arrive at random at a rate, whatever becomes of the earlier ones; looked at every five
/// seconds. Latency counts from when a request was due, be it that it waited for a connection or for the generator.
/// </summary>
/// <param name="parent">where a folder for its data is made and deleted</param>
internal sealed class SoakRun(SoakPlan plan, string parent, TextWriter output) : IDisposable
{
    private const int Connections = 2_000;
    private const int Seed = 7;
    private const int SaturationCallers = 64;
    private const double BytesPerRequest = 700; // in the journal and the lists, waves and looks included
    private const int SaidEvery = 6; // samples
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Saturation = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    private readonly string data = Directory.CreateDirectory(Path.Combine(parent, $"campaigns-soak-{Guid.NewGuid():N}")).FullName;
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 16 });
    private readonly List<SoakSample> samples = [];
    private readonly HistogramBase all = new LongHistogram(60_000_000, 3);
    private ServerProcess? server;

    /// <returns>null if there is no room for it, which was said</returns>
    public async Task<SoakOutcome?> Play(CancellationToken stop)
    {
        server = new(ServerProcess.FindProgram(), data, http) { Settings = new[] { "PerAddress", "PerShopper", "PerDevice" }.ToDictionary(l => $"Limits__{l}", _ => "100000000", StringComparer.Ordinal) };
        server.Start();
        await server.WhenReady(stop);
        var shop = new SoakShop(new(http, () => server.Address, new(), stop), server.Address.Authority);
        await shop.Open(stop);

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var generator = new Generator(new(IPAddress.Loopback, server.Address.Port), shop);
        var supply = shop.Supply(ended.Token);
        var rate = await OnItsOwn(() => Rate(generator, ended.Token));
        if (DiskSpace.WhyNot(parent, rate * plan.Time.TotalSeconds * BytesPerRequest) is { } reason)
        {
            await output.WriteLineAsync(reason);
            return null;
        }

        generator.Connect(Connections);
        shop.Latencies.GetIntervalHistogram();
        var before = shop.Assists;
        var load = OnItsOwn(() => generator.Scheduled(Arrivals.AtRandom(rate, plan.Time, Seed), ended.Token));
        Tally tally;
        try
        {
            await Watch(shop, load, supply, ended.Token);
        }
        finally
        {
            await ended.CancelAsync();
            tally = await load; // nobody may take its sockets away
        }

        var assists = (double)(shop.Assists - before) / Math.Max(1, tally.Offered);
        Say($"{tally.Offered:N0} requests offered at {tally.OfferedPerSecond:N0} /s, {assists:P0} of them assists; {tally.Shares}");
        server.Terminate();
        await server.WhenEnded(stop);
        var (wrong, findings) = await server.CheckAll();
        foreach (var finding in findings) Say($"{finding}");
        return new(
            [
                Figure.Shown("soak", "requests offered", tally.OfferedPerSecond, "/s"),
                .. SoakVerdicts.Of(samples),
                Figure.AtMost("soak", "requests without success", 100.0 * Math.Max(tally.Unanswered, tally.Offered - tally.Good) / Math.Max(1, tally.Offered), "%", SoakVerdicts.FailedShareMaxPercent),
                Figure.AtMost("soak", "findings of the book check", wrong, "", 0),
            ],
            samples,
            all);
    }

    public void Dispose()
    {
        server?.Dispose();
        http.Dispose();
        Directory.Delete(data, recursive: true);
    }

    private double Rate(Generator generator, CancellationToken stop)
    {
        generator.Closed(SaturationCallers, WarmUp, stop);
        if (plan.Rate is { } rate) return rate;
        var peak = generator.Closed(SaturationCallers, Saturation, stop).GoodPerSecond;
        Say($"the server does {peak:N0} /s for {SaturationCallers} callers; {plan.Percent} % of it for {plan.Time.TotalMinutes:0.#} minutes");
        return peak * plan.Percent / 100;
    }

    private async Task Watch(SoakShop shop, Task load, Task supply, CancellationToken stop)
    {
        using var tick = new PeriodicTimer(Window);
        var watch = Stopwatch.StartNew();
        var memory = OutsideMemory.Of(server!.Id);
        var outside = memory.Read();
        for (var (since, cpu) = (TimeSpan.Zero, (await Metrics(stop))["process_cpu_seconds_total"]); await tick.WaitForNextTickAsync(stop) && !load.IsCompleted;)
        {
            if (supply.IsFaulted) await supply;
            var (at, metrics, latencies) = (watch.Elapsed, await Metrics(stop), shop.Latencies.GetIntervalHistogram());
            all.Add(latencies);
            var seconds = (at - since).TotalSeconds;
            if ((samples.Count + 1) % SaidEvery == 0) outside = memory.Read(); // 20 ms in the kernel: not each time
            samples.Add(new(
                at.TotalSeconds,
                metrics["process_resident_memory_bytes"] / 1e6,
                metrics["dotnet_gc_heap_bytes"] / 1e6,
                outside / 1e6,
                metrics["dotnet_gc_live_bytes"] / 1e6,
                (metrics["process_cpu_seconds_total"] - cpu) / seconds,
                metrics["campaigns_http_requests_in_flight"],
                metrics["campaigns_commands_queued"],
                metrics["campaigns_messages_in_flight"],
                metrics["campaigns_projection_lag_flushes"],
                Megabytes("journal.db"),
                Megabytes("journal.db-wal"),
                latencies.TotalCount / seconds,
                latencies.GetValueAtPercentile(50) / 1e3,
                latencies.GetValueAtPercentile(99) / 1e3));
            (since, cpu) = (at, metrics["process_cpu_seconds_total"]);
            if (samples.Count % SaidEvery != 0) continue;
            var s = samples[^1];
            Say($"{s.At / 60,5:0.0} min: {s.PerSecond,7:N0} /s, p50 {s.P50Ms:0.0} ms, p99 {s.P99Ms:0.0} ms, {s.Cpu:0.00} cores, {s.WorkingSetMb:N0} MB ({s.HeapMb:N0} managed, {s.LiveMb:N0} alive, {s.OutsideMb:N0} outside), queued {s.Queued:N0}, lists {s.LagFlushes:N0} flushes behind, journal {s.JournalMb:N0} + {s.WalMb:N0} MB");
        }
    }

    // Only those without labels: their names say all.
    private async Task<Dictionary<string, double>> Metrics(CancellationToken stop) =>
        (await http.GetStringAsync(new Uri(server!.OpsAddress, "/metrics"), stop)).Split('\n')
            .Select(line => line.Split(' '))
            .Where(parts => parts.Length == 2 && !parts[0].Contains('{', StringComparison.Ordinal))
            .ToDictionary(parts => parts[0], parts => double.Parse(parts[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);

    // The generator never waits for anything but sockets.
    private static Task<T> OnItsOwn<T>(Func<T> play) => Task.Factory.StartNew(play, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private double Megabytes(string file) => new FileInfo(Path.Combine(data, file)) is { Exists: true } found ? found.Length / 1e6 : 0;

    private void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

/// <param name="Latencies">of the whole load, in µs</param>
internal sealed record SoakOutcome(IReadOnlyList<Figure> Figures, IReadOnlyList<SoakSample> Samples, HistogramBase Latencies)
{
    private static readonly double[] Percentiles = [50, 90, 99, 99.9, 99.99, 100];

    public List<Series> Draw() =>
    [
        Line("Memory", "working set", "MB", s => s.WorkingSetMb),
        Line("Memory", "managed", "MB", s => s.HeapMb),
        Line("Memory", "outside the managed heap", "MB", s => s.OutsideMb),
        Line("Memory", "alive after a full collection", "MB", s => s.LiveMb),
        Line("Latency of each five seconds", "p99", "ms", s => s.P99Ms),
        Line("Latency of each five seconds", "p50", "ms", s => s.P50Ms),
        Series.Bars("Latency of the whole run", "all requests", "ms", Percentiles.Select(p => (p == 100 ? "slowest" : string.Create(CultureInfo.InvariantCulture, $"p{p:0.##}"), Latencies.GetValueAtPercentile(p) / 1e3))),
        Line("Answered", "requests", "/s", s => s.PerSecond),
        Line("Processor of the server", "cores", "cores", s => s.Cpu),
        Line("Queues", "HTTP requests worked on", "", s => s.InFlight),
        Line("Queues", "commands queued", "", s => s.Queued),
        Line("Queues", "messages on their way", "", s => s.Messages),
        Line("Lists behind the journal", "flushes", "flushes", s => s.LagFlushes),
        Line("Journal", "file", "MB", s => s.JournalMb),
        Line("Journal", "log", "MB", s => s.WalMb),
    ];

    private Series Line(string chart, string name, string unit, Func<SoakSample, double> value) => new(chart, name, "minutes", unit, [.. Samples.Select(s => new Point(s.At / 60, value(s)))]);
}
