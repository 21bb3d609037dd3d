using System.Net;
using System.Net.Sockets;
using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Cluster;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Runtime;
using GrainId = Campaigns.Grains.Kernel.GrainId;

namespace Campaigns.ClusterTests;

/// <summary>One silo in this process: its own host, its own connection to the database, its own ports.</summary>
internal sealed class TestSilo : IAsyncDisposable
{
    private readonly IHost host;

    private TestSilo(IHost host, string name, HeldJournal journal)
    {
        (this.host, Name, Journal) = (host, name, journal);
        Engine.Failed += failure => _ = Task.Run(async () => await Engine.DisposeAsync()); // as the product does
    }

    public string Name { get; }

    public HeldJournal Journal { get; }

    public PostgresJournal Database => host.Services.GetRequiredService<PostgresJournal>();

    public Residents Residents => host.Services.GetRequiredService<Residents>();

    public IGrainFactory Orleans => host.Services.GetRequiredService<IGrainFactory>();

    public SiloAddress Address => host.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;

    public IGrains Grains => host.Services.GetRequiredKeyedService<IGrains>(ClusterSettings.Grains);

    public LocalEngine Engine => host.Services.GetRequiredService<LocalEngine>();

    public IMembers Members => host.Services.GetRequiredService<IMembers>();

    public static async Task<TestSilo> Start(string database, ProductClock clock, LocalEngineOptions options, params IReceiver[] receivers)
    {
        var name = $"silo-{Guid.NewGuid():N}";
        var postgres = PostgresJournal.Open(new(database) { Name = name, TakesOver = false });
        var journal = new HeldJournal(postgres);
        var builder = Host.CreateEmptyApplicationBuilder(new());
        if (Environment.GetEnvironmentVariable("CLUSTER_LOG") is { Length: > 0 }) builder.Logging.AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(clock).AddSingleton(postgres).AddSingleton<IJournal>(journal);
        builder.Services.AddSingleton(s => new LocalEngine(journal, [new CounterGrain()], receivers, clock, options, s.GetRequiredService<ILogger<LocalEngine>>(), s.GetRequiredService<ICluster>()));
        builder.AddSilo(new() { Role = ClusterRole.Silo, Address = "127.0.0.1", SiloPort = FreePort(), GatewayPort = FreePort(), ProbeTimeout = TimeSpan.FromMilliseconds(300) }, name, database);
        var silo = new TestSilo(builder.Build(), name, journal);
        await silo.host.StartAsync();
        return silo;
    }

    /// <returns>the silo on which the grain has its place; null if it has none</returns>
    public async Task<SiloAddress?> HomeOf(GrainId grain) => await Orleans.GetGrain<IManagementGrain>(0).GetActivationAddress(Orleans.GetGrain<ICellGrain>(grain.ToString()));

    /// <summary>The end without warning: nothing more of it reaches the journal, and the others may hear of it from the table of members.</summary>
    public async Task Kill()
    {
        Journal.Die();
        await host.StopAsync(new CancellationToken(canceled: true));
        await Forget();
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        await Forget();
    }

    private async Task Forget()
    {
        await Engine.DisposeAsync();
        if (host is IAsyncDisposable disposable) await disposable.DisposeAsync();
        await Journal.DisposeAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
