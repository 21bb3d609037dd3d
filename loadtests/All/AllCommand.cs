using System.CommandLine;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Flash;
using Campaigns.LoadTests.Growth;
using Campaigns.LoadTests.Http;
using Campaigns.LoadTests.Report;

namespace Campaigns.LoadTests.All;

/// <summary><c>all</c>: the goals P1 to P8 one after the other, one table. Books that are wrong fail it; a goal that is short does not.</summary>
internal static class AllCommand
{
    private const int Buyers = 100_000;
    private const int Units = 1_000;
    private const int BuyersConnections = 256;
    private const int Seed = 7;
    private const int EngineCallers = 500;
    private static readonly int[] HttpCallers = [128, 512];

    public static Command Create()
    {
        var only = new Option<string[]>("--only") { Description = "Measure these parts alone: engine (P1, P2, P6, P7), http (P3, P4), flash (P5), growth (P8)", AllowMultipleArgumentsPerToken = true };
        only.AcceptOnlyFromAmong("engine", "http", "flash", "growth");
        var seconds = new Option<int>("--seconds") { Description = "How long each figure is measured (1–5)", DefaultValueFactory = _ => 3 };
        var noPeers = new Option<bool>("--no-peers") { Description = "Leave out Redis, PostgreSQL and the echo" };
        var report = new ReportOptions();
        var command = new Command("all", "Goals P1 to P8 in one table, each beside its peer: about ten minutes; end what else runs on the machine before") { only, seconds, noPeers };
        report.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            var parts = new Parts(Math.Clamp(parsed.GetValue(seconds), 1, 5), !parsed.GetValue(noPeers));
            var wanted = parsed.GetValue(only) is { Length: > 0 } some ? some : ["engine", "http", "flash", "growth"];
            foreach (var name in wanted.Distinct(StringComparer.Ordinal))
            {
                await Console.Error.WriteLineAsync($"— {name}");
                try
                {
                    await parts.Run(name, stop);
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    parts.Wrong.Add($"{name} ended with an error: {failure.Message}"); // the others can still be measured
                }
            }

            report.Write(parsed, "Goals P1 to P8", parts.Figures, parts.Series);
            foreach (var wrong in parts.Wrong) await Console.Error.WriteLineAsync(wrong);
            return parts.Wrong.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private sealed class Parts(int seconds, bool withPeers)
    {
        public List<Figure> Figures { get; } = [];

        public List<Series> Series { get; } = [];

        public List<string> Wrong { get; } = [];

        public Task Run(string name, CancellationToken stop) => name switch
        {
            "engine" => Engine(stop),
            "http" => Http(stop),
            "flash" => Flash(stop),
            _ => Growth(stop),
        };

        private async Task Engine(CancellationToken stop) =>
            Figures.AddRange(await new EngineBench(TimeSpan.FromSeconds(seconds), EngineCallers, only: null, Console.Error.WriteLine).Run(withPeers, stop));

        private async Task Http(CancellationToken stop)
        {
            var bench = new HttpBench(new(seconds, HttpCallers, Running: 2_000, Skew: 1, Seed, Url: null, withPeers, CompareWrk: false), Console.Error.WriteLine);
            Figures.AddRange(await bench.Run(stop));
            Wrong.AddRange(bench.Findings.Words);
            foreach (var one in bench.Latencies)
                Series.Add(new("Latency from the scheduled time, at half of the best rate", one.Of, "percent of the requests", "ms at most", [.. one.Points.Select(p => new Point(p.Percentile, p.Ms))]));
        }

        private async Task Flash(CancellationToken stop)
        {
            using var run = new FlashRun(Buyers, Units, Seed, BuyersConnections, Console.Error);
            if (await run.Play(stop) != 0) Wrong.Add("The account of the flash sale is not exact.");
            Figures.AddRange(run.Figures);
        }

        private async Task Growth(CancellationToken stop)
        {
            var bench = new GrowthBench(new(GrowthPlan.Points(100_000, 1_000_000), GrowthPlan.Points(1_000_000, 10_000_000), TimeSpan.FromSeconds(Math.Min(seconds, 2)), Rounds: 3, EngineCallers), Path.GetTempPath());
            if (bench.WhyNot is { } reason) throw new InvalidOperationException(reason);
            Figures.AddRange(await bench.Run(stop));
            Series.AddRange(bench.Curve.Draw());
        }
    }
}
