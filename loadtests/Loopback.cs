using System.Net;
using System.Net.Sockets;

namespace Campaigns.LoadTests;

/// <summary>Addresses of this machine alone: load goes nowhere else.</summary>
internal static class Loopback
{
    /// <summary>A port that nobody listens on now.</summary>
    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
