using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Tests.Conformance;
using Campaigns.Tests.Kit;

namespace Campaigns.ClusterTests;

/// <summary>The conformance suite over three silos: who asks comes through another one each time, and ends come to them in turn.</summary>
public sealed class ThreeSilos : EngineConformance
{
    private protected override async Task<IEngineUnderTest> Start(params IReceiver[] receivers) => await Cluster.Start(3, Options, receivers);
}

/// <summary>Some silos over one database.</summary>
internal sealed class Cluster : IEngineUnderTest
{
    private readonly string database;
    private readonly LocalEngineOptions options;
    private readonly IReceiver[] receivers;
    private readonly List<TestSilo> silos = [];
    private int asked;

    private Cluster(string database, LocalEngineOptions options, IReceiver[] receivers) => (this.database, this.options, this.receivers) = (database, options, receivers);

    public ProductClock Clock { get; } = new();

    public IJournal Journal => Silos[0].Journal;

    public IGrains Grains
    {
        get
        {
            var running = Silos;
            return running[(int)((uint)Interlocked.Increment(ref asked) % running.Count)].Grains;
        }
    }

    public IReadOnlyList<TestSilo> Silos
    {
        get
        {
            lock (silos) return [.. silos];
        }
    }

    public static async Task<Cluster> Start(int silos, LocalEngineOptions options, params IReceiver[] receivers)
    {
        var cluster = new Cluster(await PrivatePostgres.NewDatabase(), options, receivers);
        for (var i = 0; i < silos; i++) await cluster.Join();
        return cluster;
    }

    public async Task<TestSilo> Join()
    {
        var silo = await TestSilo.Start(database, Clock, options, receivers);
        lock (silos) silos.Add(silo);
        return silo;
    }

    public async Task Stop(TestSilo silo)
    {
        Leave(silo);
        await silo.DisposeAsync();
    }

    public async Task Kill(TestSilo silo)
    {
        Leave(silo);
        await silo.Kill();
    }

    public async Task Restart()
    {
        await Stop(Silos[0]);
        await Join();
    }

    public async Task Kill()
    {
        await Kill(Silos[0]);
        await Join();
    }

    /// <summary>A journal of this cluster's database for a process that is no member.</summary>
    public PostgresJournal OpenJournal() => PostgresJournal.Open(new(database) { Name = "stranger", TakesOver = false });

    // Nobody is left to hand over to. One after another: those that end together wait three seconds for each other.
    public async ValueTask DisposeAsync()
    {
        foreach (var silo in Silos) await silo.Kill();
    }

    private void Leave(TestSilo silo)
    {
        lock (silos) silos.Remove(silo);
    }
}
