namespace Campaigns.LoadTests.Soak;

/// <summary>What the server and its clients were like during one window.</summary>
/// <param name="At">when the window ended, in seconds since the load began</param>
/// <param name="HeapMb">managed memory after the last collection, with what is dead in it and not collected yet</param>
/// <param name="OutsideMb">what of the working set is outside the managed heap: SQLite's pages, code, buffers; looked at twice a minute</param>
/// <param name="LiveMb">what the last collection of all generations left alive</param>
/// <param name="Cpu">cores that the server used</param>
/// <param name="InFlight">HTTP requests that are worked on</param>
/// <param name="Queued">commands that wait for a lane</param>
/// <param name="Messages">messages between grains that wait for their answer</param>
/// <param name="LagFlushes">flushes that the lists do not show yet</param>
/// <param name="JournalMb">the file of the journal, without its log</param>
/// <param name="WalMb">the log of the journal</param>
/// <param name="PerSecond">answered requests</param>
internal sealed record SoakSample(
    double At, double WorkingSetMb, double HeapMb, double OutsideMb, double LiveMb, double Cpu, double InFlight, double Queued, double Messages, double LagFlushes, double JournalMb, double WalMb, double PerSecond, double P50Ms, double P99Ms);
