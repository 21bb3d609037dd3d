using System.Diagnostics;
using System.Globalization;
using System.Net;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Overload;

/// <summary>
/// Goal R5 on the real server: the most it does for those who wait their turn, then ten times that from those who do not, then half of it.
/// Server and generator have a core each where the system can pin them.
/// </summary>
internal sealed class OverloadRun(int seconds, TextWriter output) : IDisposable
{
    private const double Times = 10;
    private const double RatioMin = 0.8;
    private const double RefusedP99MaxMs = 1_000;
    private const long WorkingSetMaxMegabytes = 1_024;
    private const double RecoveryMaxSeconds = 10;
    private const int Connections = 4_000;
    private static readonly int[] Callers = [8, 32, 64, 128, 256];

    private readonly string data = Directory.CreateTempSubdirectory("campaigns-overload-").FullName;
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 16 });
    private readonly List<string> misses = [];
    private ServerProcess? server;

    public async Task<int> Play(CancellationToken stop)
    {
        var pinned = OperatingSystem.IsLinux() && Environment.ProcessorCount > 1 && File.Exists("/usr/bin/taskset");
        server = new(ServerProcess.FindProgram(), data, http);
        string[] limits = ["env", "Limits__PerAddress=100000000", "Limits__PerShopper=100000000", "Limits__PerDevice=100000000"];
        server.Start([.. limits, .. pinned ? (string[])["taskset", "-c", "0"] : []]);
        if (pinned && OperatingSystem.IsLinux()) Process.GetCurrentProcess().ProcessorAffinity = ~1 & ((1 << Environment.ProcessorCount) - 1);
        await server.WhenReady(stop);
        var shop = new OverloadShop(new(http, () => server.Address, new(), stop), server.Address.Authority);
        await shop.Open(stop);

        var address = new IPEndPoint(IPAddress.Loopback, server.Address.Port);
        Phase("whole assists", address, shop.Assists, stop);
        Phase("reads of a bargain", address, shop.Reads, stop);
        foreach (var miss in misses) Say($"short: {miss}");
        Say(misses.Count == 0 ? "overload: all goals met" : $"overload: {misses.Count} goals missed");
        return misses.Count == 0 ? 0 : 1;
    }

    public void Dispose()
    {
        server?.Dispose();
        http.Dispose();
        Directory.Delete(data, recursive: true);
    }

    private void Phase(string what, IPEndPoint address, IRequests requests, CancellationToken stop)
    {
        using var generator = new Generator(address, requests);
        generator.Closed(32, TimeSpan.FromSeconds(3), stop); // warm-up
        var (peak, peakCpu) = (new Tally { Took = TimeSpan.FromSeconds(1) }, 0.0);
        foreach (var callers in Callers)
        {
            var cpu = Cpu();
            var tally = generator.Closed(callers, TimeSpan.FromSeconds(2), stop);
            if (tally.GoodPerSecond > peak.GoodPerSecond) (peak, peakCpu) = (tally, (Cpu() - cpu) / tally.Took.TotalSeconds);
        }

        var calm = generator.Open(peak.GoodPerSecond / 2, TimeSpan.FromSeconds(3), TimeSpan.MaxValue, (_, _) => { }, stop);
        var normal = Math.Max(5, 2 * calm.AcceptedMs(0.99));
        Say($"{what}: peak {peak.GoodPerSecond:0} /s (p99 {peak.AcceptedMs(0.99):0.0} ms, server {peakCpu:P0} of a core); at half of it p99 {calm.AcceptedMs(0.99):0.0} ms");

        generator.Connect(Connections);
        var largest = WorkingSet();
        var before = largest;
        var cpuBefore = Cpu();
        var over = generator.Open(
            peak.GoodPerSecond * Times,
            TimeSpan.FromSeconds(seconds),
            TimeSpan.FromSeconds(4),
            (at, second) =>
            {
                largest = Math.Max(largest, WorkingSet());
                Say($"  {at.TotalSeconds,4:0} s: {second.GoodPerSecond,7:0} good /s, {second.Refusals / second.Took.TotalSeconds,7:0} refused /s, server {WorkingSet()} MB");
            },
            stop);
        var overCpu = (Cpu() - cpuBefore) / over.Took.TotalSeconds;
        var ratio = over.GoodPerSecond / peak.GoodPerSecond;
        Say($"  offered {over.OfferedPerSecond:0} /s ({over.OfferedPerSecond / peak.GoodPerSecond:0.0} x peak), good {over.GoodPerSecond:0} /s = {ratio:0.00} of peak (p99 {over.AcceptedMs(0.99):0} ms, server {overCpu:P0} of a core)");
        Say($"  {over.Shares}");
        Say($"  refused after p50 {over.RefusedMs(0.5):0.0} ms, p99 {over.RefusedMs(0.99):0.0} ms; server {before} MB before, {largest} MB at most");

        TimeSpan? recovered = null;
        generator.Open(
            peak.GoodPerSecond / 2,
            TimeSpan.FromSeconds(RecoveryMaxSeconds + 2),
            TimeSpan.FromMilliseconds(500),
            (at, part) =>
            {
                if (part.AcceptedMs(0.99) > normal || part.Refusals > 0) recovered = null;
                else recovered ??= at;
            },
            stop);
        Say(recovered is { } after ? $"  back at half the peak: p99 below {normal:0.0} ms after {after.TotalSeconds:0.0} s" : $"  back at half the peak: p99 not below {normal:0.0} ms within {RecoveryMaxSeconds} s");

        Require(ratio >= RatioMin, $"{what}: goodput {ratio:0.00} of peak, goal {RatioMin}");
        Require(over.RefusedMs(0.99) <= RefusedP99MaxMs, $"{what}: refusals p99 {over.RefusedMs(0.99):0} ms, goal {RefusedP99MaxMs} ms");
        Require(largest <= WorkingSetMaxMegabytes, $"{what}: {largest} MB, goal {WorkingSetMaxMegabytes} MB");
        Require(recovered?.TotalSeconds <= RecoveryMaxSeconds, $"{what}: no recovery within {RecoveryMaxSeconds} s");
    }

    private double Cpu()
    {
        using var process = Process.GetProcessById(server!.Id);
        return process.TotalProcessorTime.TotalSeconds;
    }

    private long WorkingSet()
    {
        using var process = Process.GetProcessById(server!.Id);
        return process.WorkingSet64 >> 20;
    }

    private void Require(bool met, FormattableString miss)
    {
        if (!met) misses.Add(miss.ToString(CultureInfo.InvariantCulture));
    }

    private void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private void Say(string line) => output.WriteLine(line);
}
