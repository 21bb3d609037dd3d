using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Journal;

namespace Campaigns.Tests.Conformance;

/// <summary>Some engine over some journal, as the conformance suite drives it.</summary>
internal interface IEngineUnderTest : IAsyncDisposable
{
    /// <summary>A way to the grains; where there are several processes, each time another one's.</summary>
    IGrains Grains { get; }

    ProductClock Clock { get; }

    /// <summary>What is durable, read without asking a grain.</summary>
    IJournal Journal { get; }

    /// <summary>A clean stop of one process, and a start in its place.</summary>
    Task Restart();

    /// <summary>The end of one process without warning: nothing more of it reaches the journal. Another starts in its place.</summary>
    Task Kill();
}
