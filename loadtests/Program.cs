using System.CommandLine;
using System.Runtime.InteropServices;
using Campaigns.LoadTests.All;
using Campaigns.LoadTests.Cluster;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Distribution;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Flash;
using Campaigns.LoadTests.Fuzz;
using Campaigns.LoadTests.Growth;
using Campaigns.LoadTests.Http;
using Campaigns.LoadTests.Limits;
using Campaigns.LoadTests.Overload;
using Campaigns.LoadTests.Postgres;
using Campaigns.LoadTests.Projections;
using Campaigns.LoadTests.Silos;
using Campaigns.LoadTests.Soak;

using var cancel = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

var root = new RootCommand("Load tests: programs with a table as output, never timed tests.")
{
    AllCommand.Create(), EngineCommand.Create(), HttpCommand.Create(), GrowthCommand.Create(), SoakCommand.Create(), PostgresCommand.Create(), SilosCommand.Create(), CrashCommand.Create(), ClusterCommand.Create(), FuzzCommand.Create(), OverloadCommand.Create(),
    FlashCommand.Create(), DistributionCommand.Create(), ProjectionsCommand.Create(), LimitsCommand.Create(), SilosCommand.CreateNode(), HttpCommand.CreatePeer(),
};

// Who is told to stop takes the time to end what it started and to say what it found, which the library would cut off after two seconds.
return await root.Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = null }, cancel.Token);

// The second time it ends at once.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = !cancel.IsCancellationRequested;
    cancel.Cancel();
}
