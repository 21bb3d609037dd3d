using System.Globalization;
using Campaigns.LoadTests.Peers;
using Campaigns.Silo;
using Npgsql;
using Spectre.Console;

namespace Campaigns.LoadTests.Silos;

/// <summary>
/// Goal P9: the same load on one, two … silos, each a process with a journal of its own in one PostgreSQL, from inside (each silo asks) and from
/// outside (a client asks). Where all of them share the cores, the rate says little; what a decision costs a silo, PostgreSQL and the generator
/// says how much a silo with cores of its own would add.
/// </summary>
/// <param name="most">silos of the largest cluster</param>
internal sealed class SilosRun(int most, TimeSpan duration, int callers, Action<string> say)
{
    private const double WarmUpSeconds = 4; // each process compiles what is hot by itself

    private readonly List<Measured> measured = [];
    private readonly List<(string Way, NodeReport Report, double Cpu)> ways = [];

    /// <summary>Processor seconds: of the silos, with what asks from inside; of PostgreSQL; of the client.</summary>
    private sealed record Measured(int Silos, string From, string What, long Done, double Seconds, double SiloCpu, double ServerCpu, double ClientCpu)
    {
        public double SiloCpuPer1000 => SiloCpu / Done * 1e6;
    }

    public async Task Play(bool callsOnly, CancellationToken cancellation)
    {
        using var server = await PostgresServer.Start(["shared_buffers=512MB", "max_wal_size=16GB", "checkpoint_timeout=1h", "max_connections=200"], cancellation);
        for (var silos = callsOnly ? most : 1; silos <= most; silos++)
        {
            say($"{silos} silos …");
            await Measure(server, silos, callsOnly, cancellation);
        }

        Print();
    }

    private async Task Measure(PostgresServer server, int silos, bool callsOnly, CancellationToken cancellation)
    {
        await using (var admin = NpgsqlDataSource.Create($"{server.ConnectionString};Pooling=false"))
        await using (var create = admin.CreateCommand($"create database silos{silos}"))
            await create.ExecuteNonQueryAsync(cancellation);
        var database = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = $"silos{silos}" }.ConnectionString;
        var nodes = new List<NodeProcess>();
        NodeProcess? client = null;
        try
        {
            for (var i = 0; i < silos; i++) nodes.Add(await NodeProcess.Start(ClusterRole.Silo, database, cancellation));
            client = await NodeProcess.Start(ClusterRole.Frontend, database, cancellation);
            await All(nodes, new(NodeTask.Prepare), cancellation);
            if (!callsOnly)
            {
                foreach (var task in (NodeTask[])[NodeTask.Cuts, NodeTask.Assists])
                {
                    await Load("inside", nodes, task);
                    await Load("outside", [client], task);
                }
            }

            if (silos == most) await Calls(nodes, cancellation);
        }
        finally
        {
            client?.Dispose();
            foreach (var node in nodes) node.Dispose();
        }

        async Task Load(string from, IReadOnlyList<NodeProcess> generators, NodeTask task)
        {
            say($"{silos} silos, {task} from {from} …");
            var order = new NodeOrder(task, Callers: callers * silos / generators.Count, Seconds: WarmUpSeconds);
            await All(generators, order, cancellation);
            var (silo, postgres, asking) = (nodes.Sum(n => n.ProcessorSeconds), ProcessorTime.OfTree(server.Id), client!.ProcessorSeconds);
            var reports = await All(generators, order with { Seconds = duration.TotalSeconds }, cancellation);
            measured.Add(new(silos, from, task.ToString(), reports.Sum(r => r.Done), reports.Max(r => r.Seconds), nodes.Sum(n => n.ProcessorSeconds) - silo, ProcessorTime.OfTree(server.Id) - postgres, client.ProcessorSeconds - asking));
        }
    }

    // One silo asks: the others only answer.
    private async Task Calls(IReadOnlyList<NodeProcess> nodes, CancellationToken cancellation)
    {
        foreach (var (way, task) in ((string, NodeTask)[])[("the engine of this silo", NodeTask.CallsOfEngine), ("the cluster, a grain on this silo", NodeTask.CallsHere), ("the cluster, a grain on another silo", NodeTask.CallsThere)])
        {
            say($"calls by {way} …");
            var order = new NodeOrder(task, Callers: Math.Min(callers, 100), Seconds: WarmUpSeconds);
            await nodes[0].Do(order, cancellation);
            var before = nodes.Sum(n => n.ProcessorSeconds);
            var report = await nodes[0].Do(order with { Seconds = duration.TotalSeconds }, cancellation);
            if (report.Done > 0) ways.Add(($"by {way}", report, nodes.Sum(n => n.ProcessorSeconds) - before));
        }

        var wire = await nodes[0].Do(new(NodeTask.Wire), cancellation);
        ways.Add(($"JSON alone: command and answer, written and read, {wire.Bytes} bytes", wire, wire.Seconds));
    }

    private static Task<NodeReport[]> All(IReadOnlyList<NodeProcess> nodes, NodeOrder order, CancellationToken cancellation) =>
        Task.WhenAll(nodes.Select((n, i) => n.Do(order with { Share = i, Shares = nodes.Count }, cancellation)));

    private void Print()
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 180;
        var table = new Table().Border(TableBorder.Simple).AddColumns("silos", "what", "from", "/s", "/s and silo", "CPU ms per 1,000: silos", "PostgreSQL", "client", "per core of a silo, against one silo");
        foreach (var column in table.Columns.Skip(3)) column.RightAligned();
        foreach (var m in measured)
        {
            var one = measured.Find(o => o.Silos == 1 && o.From == m.From && o.What == m.What);
            table.AddRow($"{m.Silos}", m.What, m.From, Number(m.Done / m.Seconds), Number(m.Done / m.Seconds / m.Silos), Number(m.SiloCpuPer1000), Number(m.ServerCpu / m.Done * 1e6), Number(m.ClientCpu / m.Done * 1e6), one is null ? "" : $"{one.SiloCpuPer1000 / m.SiloCpuPer1000:0.00}");
        }

        if (measured.Count > 0) AnsiConsole.Write(table);
        var calls = new Table().Border(TableBorder.Simple).AddColumns("a call", "/s", "CPU µs, all silos");
        foreach (var (way, report, cpu) in ways) calls.AddRow(way, Number(report.Done / report.Seconds), Number(cpu / report.Done * 1e6));
        AnsiConsole.Write(calls);
    }

    private static string Number(double value) => value.ToString(value >= 100 ? "N0" : "0.##", CultureInfo.InvariantCulture);
}
