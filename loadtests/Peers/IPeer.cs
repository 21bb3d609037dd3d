namespace Campaigns.LoadTests.Peers;

/// <summary>What a shop would pick instead of the engine, started privately and put under its own strongest load generator.</summary>
internal interface IPeer : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Why this peer cannot run on this machine; null when it can.</summary>
    string? Unavailable { get; }

    Task Start(CancellationToken cancellation);
}

// Every figure counts accepted commands only, read from the peer's own books, which are checked after each run.
internal interface IHotTakes : IPeer
{
    Task<double> HotTakesPerSecond(TimeSpan duration, CancellationToken cancellation);
}

internal interface IHotAssists : IPeer
{
    Task<double> HotAssistsPerSecond(TimeSpan duration, CancellationToken cancellation);
}

internal interface ISpreadAssists : IPeer
{
    Task<double> SpreadAssistsPerSecond(TimeSpan duration, CancellationToken cancellation);
}
