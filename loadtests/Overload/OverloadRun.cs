using System.Diagnostics;
using System.Globalization;
using System.Net;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Overload;

/// <summary>
/// Goal R5 on the real server: the most it does for a few callers; then for more than ten times as many, who come back when they are told to;
/// then ten times that rate from those who do not listen; then half of it.
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
        var (peak, peakCpu, peakCallers) = (new Tally { Took = TimeSpan.FromSeconds(1) }, 0.0, 0);
        foreach (var callers in Callers)
        {
            var cpu = Cpu();
            var tally = generator.Closed(callers, TimeSpan.FromSeconds(2), stop);
            if (tally.GoodPerSecond > peak.GoodPerSecond) (peak, peakCpu, peakCallers) = (tally, (Cpu() - cpu) / tally.Took.TotalSeconds, callers);
        }

        var calm = generator.Open(peak.GoodPerSecond / 2, TimeSpan.FromSeconds(3), TimeSpan.MaxValue, (_, _) => { }, stop);
        var normal = Math.Max(5, 2 * calm.AcceptedMs(0.99));
        Say($"{what}: peak {peak.GoodPerSecond:0} /s for {peakCallers} callers (p99 {peak.AcceptedMs(0.99):0.0} ms, server {peakCpu:P0} of a core); at half of it p99 {calm.AcceptedMs(0.99):0.0} ms");

        generator.Connect(Connections);
        var before = WorkingSet();
        var largest = before;
        var patient = Overloaded("who come back when told to", peak, Cpu(), say => generator.Patient(Connections, TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(4), say, stop));
        Require(patient.GoodPerSecond >= RatioMin * peak.GoodPerSecond, $"{what}: goodput {patient.GoodPerSecond / peak.GoodPerSecond:0.00} of peak, goal {RatioMin}");
        Require(patient.RefusedMs(0.99) <= RefusedP99MaxMs, $"{what}: refusals p99 {patient.RefusedMs(0.99):0} ms, goal {RefusedP99MaxMs} ms");
        Overloaded("who do not listen (no goal: a refusal costs a core nearly as much as a read)", peak, Cpu(), say => generator.Open(peak.GoodPerSecond * Times, TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(4), say, stop));
        Say($"  server {before} MB before, {largest} MB at most");

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

        Require(largest <= WorkingSetMaxMegabytes, $"{what}: {largest} MB, goal {WorkingSetMaxMegabytes} MB");
        Require(recovered?.TotalSeconds <= RecoveryMaxSeconds, $"{what}: no recovery within {RecoveryMaxSeconds} s");

        Tally Overloaded(string who, Tally best, double cpu, Func<Action<TimeSpan, Tally>, Tally> play)
        {
            var over = play((at, part) =>
            {
                largest = Math.Max(largest, WorkingSet());
                Say($"  {at.TotalSeconds,4:0} s: {part.GoodPerSecond,7:0} good /s, {part.Refusals / part.Took.TotalSeconds,7:0} refused /s, server {WorkingSet()} MB");
            });
            Say($"  {Connections} callers {who}: offered {over.OfferedPerSecond:0} /s ({over.OfferedPerSecond / best.GoodPerSecond:0.0} x peak), good {over.GoodPerSecond:0} /s = {over.GoodPerSecond / best.GoodPerSecond:0.00} of peak (p99 {over.AcceptedMs(0.99):0} ms, server {(Cpu() - cpu) / over.Took.TotalSeconds:P0} of a core)");
            Say($"    {over.Shares}; refused after p50 {over.RefusedMs(0.5):0.0} ms, p99 {over.RefusedMs(0.99):0.0} ms");
            return over;
        }
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
