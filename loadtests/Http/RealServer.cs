using System.Net;
using System.Net.Sockets;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Http;

/// <summary>The server under load: the real program on a folder that is gone afterwards, or one that is here already.</summary>
internal sealed class RealServer : IDisposable
{
    private readonly Findings findings;
    private readonly string data = Directory.CreateTempSubdirectory("campaigns-http-").FullName;
    private readonly ServerProcess? own;

    private RealServer(Uri? here, Findings findings, CancellationToken stop)
    {
        this.findings = findings;
        if (here is null) own = new(ServerProcess.FindProgram(), data, Http) { Unlimited = true };
        Address = here!;
        Client = new(Http, () => Address, findings, stop);
    }

    public HttpClient Http { get; } = new(new SocketsHttpHandler { MaxConnectionsPerServer = 1_000 });

    public ShopClient Client { get; }

    public Uri Address { get; private set; }

    public IPEndPoint EndPoint { get; private set; } = null!;

    /// <summary>What it printed last; nothing if another has started it.</summary>
    public IReadOnlyList<string> Log => own?.Log ?? [];

    /// <summary>What it has used of the processor; 0 if another has started it.</summary>
    public double ProcessorSeconds => own is null ? 0 : ProcessorTime.OfTree(own.Id);

    /// <param name="here">one that is here already; null starts one</param>
    public static async Task<RealServer> Start(Uri? here, Findings findings, CancellationToken stop)
    {
        var server = new RealServer(here, findings, stop);
        try
        {
            if (server.own is { } own)
            {
                own.Start();
                await own.WhenReady(stop);
                server.Address = own.Address;
            }

            server.EndPoint = new((await Dns.GetHostAddressesAsync(server.Address.Host, AddressFamily.InterNetwork, stop))[0], server.Address.Port);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Ends it and lets the program check its own books; those of another's server are left to its owner.</summary>
    public async Task EndAndCheck()
    {
        if (own is null) return;
        own.Kill();
        foreach (var wrong in await own.Check()) findings.Add(Wrong.Other, wrong);
    }

    public void Dispose()
    {
        own?.Dispose();
        Http.Dispose();
        Directory.Delete(data, recursive: true);
    }
}
