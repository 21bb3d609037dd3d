using Campaigns.Silo;
#if ORLEANS
using System.Diagnostics;
using System.Text.Json;
using Campaigns.Grains;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.LoadTests.Engine;
using Campaigns.Silo.Cluster;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Runtime;
using Orleans.Serialization;
using GrainId = Campaigns.Grains.Kernel.GrainId;
#endif

namespace Campaigns.LoadTests.Silos;

/// <summary>
/// One process of a cluster: a silo with the product's engine and grains, or a client of the cluster. It makes load itself when told to: from
/// inside if it is a silo, from outside if not.
/// </summary>
internal static class SiloNode
{
#if ORLEANS
    private const int Bargains = 10_000;
    private const int Shoppers = 100_000;
    private const int CalledGrains = 2_000;
    private const int WireRounds = 100_000;

    public static bool IsBuiltIn => true;

    public static async Task<int> Serve(ClusterRole role, string database, CancellationToken cancellation)
    {
        var name = $"{role}/{Environment.ProcessId}";
        var settings = new ClusterSettings { Role = role, Address = "127.0.0.1", SiloPort = Loopback.FreePort(), GatewayPort = Loopback.FreePort() };
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(LogLevel.Error);
        if (role == ClusterRole.Silo)
        {
            var journal = PostgresJournal.Open(new(database) { Name = name, TakesOver = false });
            builder.Services.AddSingleton(new ProductClock()).AddSingleton(journal);
            builder.Services.AddSingleton(s => new LocalEngine(journal, Mechanics.Grains, [], s.GetRequiredService<ProductClock>(), new(), s.GetRequiredService<ILogger<LocalEngine>>(), s.GetRequiredService<ICluster>()));
            builder.AddSilo(settings, name, database);
        }
        else
        {
            builder.Services.AddSingleton(new ProductClock());
            builder.AddClusterClient(settings, database);
        }

        using var host = builder.Build();
        await host.StartAsync(cancellation);
        await Say(new(0, 0));
        while (await Console.In.ReadLineAsync(cancellation) is { Length: > 0 } line) await Say(await Follow(JsonSerializer.Deserialize<NodeOrder>(line)!, host.Services));
        return 0; // without a farewell: the database is thrown away, and handing over 100,000 grains would only take time
    }

    private static Task Say(NodeReport report) => Console.Out.WriteLineAsync(JsonSerializer.Serialize(report));

    private static Task<NodeReport> Follow(NodeOrder order, IServiceProvider services)
    {
        var cluster = services.GetRequiredKeyedService<IGrains>(ClusterSettings.Grains);
        return order.Do switch
        {
            NodeTask.Prepare => Prepare(cluster, order),
            NodeTask.Cuts => Loop(order, chance => Cut(cluster, chance)),
            NodeTask.Assists => Loop(order, chance => Assist(cluster, chance)),
            NodeTask.CallsOfEngine => Call(services.GetRequiredService<LocalEngine>(), services, isHere: true, order),
            NodeTask.CallsHere => Call(cluster, services, isHere: true, order),
            NodeTask.CallsThere => Call(cluster, services, isHere: false, order),
            NodeTask.Wire => Task.FromResult(Wire(services.GetRequiredService<Serializer>())),
            _ => throw new ArgumentOutOfRangeException(nameof(order)),
        };
    }

    private static BargainId Bargain(int number) => new(Ids.Derive("bench-bargain", $"{number}", ""));

    private static ShopperId Shopper(int number) => new(Ids.Derive("bench-shopper", $"{number}", ""));

    private static async Task<NodeReport> Prepare(IGrains cluster, NodeOrder order)
    {
        var terms = new BargainTerms { Quota = 1, FloorFen = 0, AssistsNeeded = 200, TtlMinutes = 10_080 };
        var start = new StartBargain(new CampaignId(Guid.CreateVersion7()), 1, new ShopperId(Guid.CreateVersion7()), new SkuId(Guid.CreateVersion7()), "bench", new(20_000), terms, DateTimeOffset.UtcNow.AddDays(30));
        await EngineBench.Many(Bargains / order.Shares, 256, i => cluster.Ask(Bargain(i * order.Shares + order.Share).In(EngineBench.Shop), start));
        await EngineBench.Many(Shoppers / order.Shares, 256, i => cluster.Ask(Shopper(i * order.Shares + order.Share).In(EngineBench.Shop), new RegisterShopper($"open-{i}")));
        return new(0, 0);
    }

    private static async Task<bool> Cut(IGrains cluster, Random chance) =>
        (await cluster.Ask(Bargain(chance.Next(BargainsOf())).In(EngineBench.Shop), new ApplyAssist(ShopperId.Of(Guid.NewGuid()), IsNew: false, Device: null))).Refusal is null;

    private static async Task<bool> Assist(IGrains cluster, Random chance) =>
        (await cluster.Ask(Shopper(chance.Next(ShoppersOf())).In(EngineBench.Shop), new PledgeAssist(Bargain(chance.Next(BargainsOf())), EngineBench.Policy, null, Guid.NewGuid()))).Reply is { Repeated: false };

    // Each share leaves a rest of at most seven out.
    private static int BargainsOf() => Bargains - 8;

    private static int ShoppersOf() => Shoppers - 8;

    private static async Task<NodeReport> Loop(NodeOrder order, Func<Random, Task<bool>> act)
    {
        var watch = Stopwatch.StartNew();
        var done = await Task.WhenAll(Enumerable.Range(0, order.Callers).Select(_ => Task.Run(async () =>
        {
            var chance = new Random();
            var count = 0L;
            while (watch.Elapsed.TotalSeconds < order.Seconds)
                if (await act(chance)) count++;
            return count;
        })));
        return new(done.Sum(), watch.Elapsed.TotalSeconds);
    }

    private static async Task<NodeReport> Call(IGrains way, IServiceProvider services, bool isHere, NodeOrder order)
    {
        var factory = services.GetRequiredService<IGrainFactory>();
        var management = factory.GetGrain<IManagementGrain>(0);
        var self = services.GetRequiredService<ILocalSiloDetails>().SiloAddress;
        var called = new List<GrainId>();
        for (var i = 0; i < CalledGrains; i++)
        {
            var grain = Bargain(i).In(EngineBench.Shop);
            if (await management.GetActivationAddress(factory.GetGrain<ICellGrain>(grain.ToString())) is { } place && place.Equals(self) == isHere) called.Add(grain);
        }

        if (called.Count == 0) return new(0, 1);
        var question = new CheckAssist(ShopperId.Of(Guid.NewGuid()), null);
        return await Loop(order, async chance => (await way.Ask(called[chance.Next(called.Count)], question)).Refusal is null);
    }

    // One round is what a call costs in all four places together: the command written and read, its answer written and read.
    private static NodeReport Wire(Serializer serializer)
    {
        var command = new CellCommand(new ApplyAssist(ShopperId.Of(Guid.NewGuid()), IsNew: false, Device: null));
        var answer = new CellAnswer(new AssistResult(100, 1, 19_900, 19_900, 199, BargainStatus.Running), null, false);
        var bytes = 0;
        var watch = Stopwatch.StartNew();
        for (var i = -WireRounds / 10; i < WireRounds; i++)
        {
            if (i == 0) watch.Restart();
            var asked = serializer.SerializeToArray(command);
            var answered = serializer.SerializeToArray(answer);
            _ = serializer.Deserialize<CellCommand>(asked);
            _ = serializer.Deserialize<CellAnswer>(answered);
            bytes = asked.Length + answered.Length;
        }

        return new(WireRounds, watch.Elapsed.TotalSeconds, bytes);
    }
#else
    public static bool IsBuiltIn => false;

    public static Task<int> Serve(ClusterRole role, string database, CancellationToken cancellation) => throw new NotSupportedException();
#endif
}
