using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Local;
using Campaigns.Tests.Conformance;
using Campaigns.Tests.Kit;

namespace Campaigns.ClusterTests;

/// <summary>The conformance suite over three silos: who asks comes through another one each time, and ends come to them in turn.</summary>
public sealed class ThreeSilos : EngineConformance
{
    private protected override async Task<IEngineUnderTest> Start(params IReceiver[] receivers) => await Cluster.Start(3, Options, receivers);
}

internal sealed class Cluster : IEngineUnderTest
{
    private readonly string database;
    private readonly LocalEngineOptions options;
    private readonly IReceiver[] receivers;
    private readonly TestSilo?[] silos;
    private int asked;
    private int ended;

    private Cluster(string database, int silos, LocalEngineOptions options, IReceiver[] receivers) =>
        (this.database, this.silos, this.options, this.receivers) = (database, new TestSilo?[silos], options, receivers);

    public ProductClock Clock { get; } = new();

    public IGrains Grains
    {
        get
        {
            var running = Silos;
            return running[(int)((uint)Interlocked.Increment(ref asked) % running.Count)].Grains;
        }
    }

    public IReadOnlyList<TestSilo> Silos => [.. silos.OfType<TestSilo>()];

    public static async Task<Cluster> Start(int silos, LocalEngineOptions options, params IReceiver[] receivers)
    {
        var cluster = new Cluster(await PrivatePostgres.NewDatabase(), silos, options, receivers);
        for (var i = 0; i < silos; i++) cluster.silos[i] = await cluster.Join();
        return cluster;
    }

    public Task<TestSilo> Join() => TestSilo.Start(database, Clock, options, receivers);

    public Task Restart() => Replace(async silo => await silo.DisposeAsync());

    public Task Kill() => Replace(silo => silo.Kill());

    // Nobody is left to hand over to, and every silo that ends alone waits for the others to hear of it.
    public async ValueTask DisposeAsync() => await Task.WhenAll(Silos.Select(s => s.Kill()));

    private async Task Replace(Func<TestSilo, Task> end)
    {
        var next = ended++ % silos.Length;
        var silo = silos[next]!;
        silos[next] = null;
        await end(silo);
        silos[next] = await Join();
    }
}
