using System.Runtime.InteropServices;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Peers;

if (args is ["crash", ..]) return await CrashCommand.Create().Parse(args[1..]).InvokeAsync();

// Temporary: tries the peers alone until the engine benchmark takes their figures into its table.
using var cancel = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
{
    signal.Cancel = true;
    cancel.Cancel();
});
var duration = TimeSpan.FromSeconds(args is [var seconds] ? int.Parse(seconds) : 5);

foreach (var peer in (IPeer[])[new RedisPeer(RedisFsync.Always), new RedisPeer(RedisFsync.EverySecond), new PostgresPeer()])
{
    await using var _ = peer;
    if (peer.Unavailable is { } reason)
    {
        Console.WriteLine($"{peer.Name}: {reason}");
        continue;
    }

    await peer.Start(cancel.Token);
    if (peer is IHotTakes takes) Print("takes at one sale", await takes.HotTakesPerSecond(duration, cancel.Token));
    if (peer is IHotAssists hot) Print("assists at one bargain", await hot.HotAssistsPerSecond(duration, cancel.Token));
    if (peer is ISpreadAssists spread) Print("assists spread", await spread.SpreadAssistsPerSecond(duration, cancel.Token));

    void Print(string what, double rate) => Console.WriteLine($"{peer.Name}: {what} {rate:N0}/s");
}

return 0;
