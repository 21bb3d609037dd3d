using Campaigns.Silo;
using Campaigns.Silo.Local;

namespace Campaigns.Tests.Kit;

/// <summary>Tests that run on each kind of journal: what they say holds whatever stores it.</summary>
public abstract class StoredTests
{
    private protected abstract Store NewStore();

    private protected Task<Engines> Start(Func<LocalEngineOptions, LocalEngineOptions>? change = null, params IReceiver[] receivers) => Engines.Start(NewStore(), change, receivers);
}
