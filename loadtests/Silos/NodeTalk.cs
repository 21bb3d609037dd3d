namespace Campaigns.LoadTests.Silos;

/// <summary>What a process of the cluster is told to do: one line of JSON.</summary>
/// <param name="Do">one of <see cref="NodeTask"/></param>
/// <param name="Share">this process's part of <paramref name="Shares"/>, from 0</param>
internal sealed record NodeOrder(NodeTask Do, int Share = 0, int Shares = 1, int Callers = 0, double Seconds = 0);

internal enum NodeTask
{
    /// <summary>Makes this share of the bargains and shoppers.</summary>
    Prepare = 1,

    /// <summary>Cuts at bargains everywhere: one decision each.</summary>
    Cuts = 2,

    /// <summary>Whole assists of shoppers everywhere: three decisions in two grains.</summary>
    Assists = 3,

    /// <summary>Questions, which decide nothing, to grains in this process, straight to its engine.</summary>
    CallsOfEngine = 4,

    /// <summary>The same by way of the cluster, to grains that live here.</summary>
    CallsHere = 5,

    /// <summary>The same to grains that live in another process.</summary>
    CallsThere = 6,

    /// <summary>Writes and reads command and answer as they travel, without the journey.</summary>
    Wire = 7,
}

/// <param name="Done">how often it was done</param>
/// <param name="Bytes">of a command and its answer on the wire</param>
internal sealed record NodeReport(long Done, double Seconds, int Bytes = 0);
