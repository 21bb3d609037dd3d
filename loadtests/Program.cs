using System.CommandLine;
using System.Runtime.InteropServices;
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
using Campaigns.LoadTests.Rooms;
using Campaigns.LoadTests.Silos;
using Campaigns.LoadTests.Soak;

using var cancel = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
{
    signal.Cancel = true;
    cancel.Cancel();
});

var root = new RootCommand("Load tests: programs with a table as output, never timed tests.")
{
    EngineCommand(), HttpCommand.Create(), GrowthCommand.Create(), SoakCommand.Create(), PostgresCommand.Create(), SilosCommand.Create(), CrashCommand.Create(), ClusterCommand.Create(), FuzzCommand.Create(), OverloadCommand.Create(),
    FlashCommand.Create(), RoomsCommand.Create(), DistributionCommand.Create(), ProjectionsCommand.Create(), LimitsCommand.Create(), SilosCommand.CreateNode(), HttpCommand.CreatePeer(),
};
return await root.Parse(args).InvokeAsync(cancellationToken: cancel.Token);

static Command EngineCommand()
{
    var seconds = new Option<int>("--seconds") { Description = "How long each figure is measured", DefaultValueFactory = _ => 5 };
    var callers = new Option<int>("--callers") { Description = "Callers in the closed loop", DefaultValueFactory = _ => 500 };
    var json = new Option<FileInfo?>("--json") { Description = "Also write the figures to this file" };
    var noPeers = new Option<bool>("--no-peers") { Description = "Leave out Redis and PostgreSQL" };
    var only = new Option<string?>("--only") { Description = "P1: measure that goal alone" };
    var command = new Command("engine", "Goals P1, P2, P6 and P7, beside Redis and PostgreSQL in the same run where they are installed") { seconds, callers, json, noPeers, only };
    command.SetAction(async (parsed, stop) =>
    {
        var bench = new EngineBench(TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(callers), parsed.GetValue(only), Console.Error.WriteLine);
        var figures = await bench.Run(!parsed.GetValue(noPeers), stop);
        Figure.Print(figures);
        if (parsed.GetValue(json) is { } file) Figure.Save(figures, file.FullName);
        return 0;
    });
    return command;
}
