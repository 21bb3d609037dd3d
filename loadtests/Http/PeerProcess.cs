using System.Diagnostics;
using System.Net.Http.Json;

namespace Campaigns.LoadTests.Http;

/// <summary>A <see cref="PeerServer"/> in a process of its own. It ends when its input does, so also with this process.</summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process process;

    private PeerProcess(PeerKind kind, string store) => process = Itself.Start("peer-server", "--kind", $"{kind}", "--store", store);

    public int Id => process.Id;

    public Uri Address { get; private set; } = null!;

    /// <summary>Starts one and waits until it serves.</summary>
    public static async Task<PeerProcess> Start(PeerKind kind, string store, CancellationToken stop)
    {
        var peer = new PeerProcess(kind, store);
        peer.Address = new(await peer.process.StandardOutput.ReadLineAsync(stop) ?? throw new InvalidOperationException($"The peer {kind} ended by itself."));
        return peer;
    }

    /// <summary>Of the shoppers from number 1 on.</summary>
    public async Task<List<string>> Tokens(int shoppers, CancellationToken stop)
    {
        using var http = new HttpClient();
        using var answer = await http.PostAsync(new Uri(Address, $"/tokens/{shoppers}"), content: null, stop);
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<List<string>>(stop))!;
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
