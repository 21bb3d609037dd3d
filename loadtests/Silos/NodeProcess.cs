using System.Diagnostics;
using System.Text.Json;
using Campaigns.Silo;

namespace Campaigns.LoadTests.Silos;

/// <summary>A process of the cluster, as the one sees it that gives the orders. It ends when its input does, so also with this process.</summary>
internal sealed class NodeProcess : IDisposable
{
    private readonly Process process;

    private NodeProcess(ClusterRole role, string database) => process = Itself.Start("silos-node", "--role", $"{role}", "--database", database);

    public double ProcessorSeconds => ProcessorTime.OfTree(process.Id);

    /// <summary>Starts one and waits until it is part of the cluster.</summary>
    public static async Task<NodeProcess> Start(ClusterRole role, string database, CancellationToken cancellation)
    {
        var node = new NodeProcess(role, database);
        await node.Hear(cancellation);
        return node;
    }

    public async Task<NodeReport> Do(NodeOrder order, CancellationToken cancellation)
    {
        await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(order).AsMemory(), cancellation);
        await process.StandardInput.FlushAsync(cancellation);
        return await Hear(cancellation);
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    // What it says between reports is for whoever looks, not for the figures.
    private async Task<NodeReport> Hear(CancellationToken cancellation)
    {
        while (await process.StandardOutput.ReadLineAsync(cancellation) is { } line)
        {
            if (line.StartsWith('{')) return JsonSerializer.Deserialize<NodeReport>(line)!;
            await Console.Error.WriteLineAsync(line);
        }

        throw new InvalidOperationException("A process of the cluster ended by itself.");
    }
}
