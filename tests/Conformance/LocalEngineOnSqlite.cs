using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.Conformance;

public sealed class LocalEngineOnSqlite : EngineConformance
{
    private protected override async Task<IEngineUnderTest> Start(params IReceiver[] receivers)
    {
        var folder = Directory.CreateTempSubdirectory("campaigns-");
        return await AloneEngine.Start(() => SqliteJournal.Open(folder.FullName), Options, receivers, () => folder.Delete(recursive: true));
    }
}

public sealed class LocalEngineOnPostgres : EngineConformance
{
    private protected override async Task<IEngineUnderTest> Start(params IReceiver[] receivers)
    {
        var database = await PrivatePostgres.NewDatabase();
        return await AloneEngine.Start(() => PostgresJournal.Open(new(database)), Options, receivers, () => { });
    }
}

/// <summary>The engine of one machine.</summary>
internal sealed class AloneEngine(Func<IJournal> open, LocalEngineOptions options, IReceiver[] receivers, Action forget) : IEngineUnderTest
{
    private HeldJournal journal = null!;
    private LocalEngine engine = null!;

    public IGrains Grains => engine;

    public ProductClock Clock { get; } = new();

    public IJournal Journal => journal;

    public static async Task<AloneEngine> Start(Func<IJournal> open, LocalEngineOptions options, IReceiver[] receivers, Action forget)
    {
        var alone = new AloneEngine(open, options, receivers, forget);
        await alone.Start();
        return alone;
    }

    public async Task Restart()
    {
        await Stop();
        await Start();
    }

    public async Task Kill()
    {
        journal.Die();
        await Restart();
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        forget();
    }

    private async Task Start()
    {
        journal = new(open());
        engine = new(journal, [new CounterGrain()], receivers, Clock, options, NullLogger<LocalEngine>.Instance);
        await engine.Start();
    }

    private async Task Stop()
    {
        await engine.DisposeAsync();
        await journal.DisposeAsync();
    }
}
