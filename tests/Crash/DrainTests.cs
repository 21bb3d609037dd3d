using System.Net.Sockets;
using System.Text;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Crash;

public sealed class DrainTests : IDisposable
{
    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("campaigns-");

    [Fact]
    public async Task A_terminated_process_answers_what_it_accepted_refuses_what_is_new_and_loses_nothing()
    {
        using var shop = new RunningShop(data.FullName);
        await shop.Open();
        await shop.SignIn(8);

        // Accepted, and slow: the server is reading the body when it is told to end.
        using var slow = new TcpClient();
        await slow.ConnectAsync(shop.Server.Address.Host, shop.Server.Address.Port);
        var (head, body) = shop.LaunchInParts(0);
        await slow.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
        Assert.StartsWith("HTTP/1.1 100 ", await Read(slow, until: "\r\n\r\n"), StringComparison.Ordinal);

        var load = shop.LaunchUntilItEnds();
        while (shop.Acknowledged.Count < 20) await Task.Yield();
        shop.Server.Terminate();
        Assert.All(await load, last => Assert.True(last is 0 or 503, $"The last answer was {last}.")); // the ports are closed
        Assert.Equal(0, await shop.Launch(shop.TokenOf(0)));

        await slow.GetStream().WriteAsync(Encoding.ASCII.GetBytes(body));
        var answer = await Read(slow, until: "}");
        Assert.StartsWith("HTTP/1.1 201 ", answer, StringComparison.Ordinal);
        shop.Acknowledged.TryAdd(answer.Split("\"id\":\"")[1].Split('"')[0], shop.TokenOf(0));

        Assert.Equal(0, await shop.Ended());
        Assert.Empty(shop.Server.Errors);
        await shop.Open();
        await shop.Serves();
    }

    public void Dispose() => data.Delete(recursive: true);

    private static async Task<string> Read(TcpClient client, string until)
    {
        using var limit = new CancellationTokenSource(RunningShop.Patience);
        var text = new StringBuilder();
        var buffer = new byte[4_096];
        while (!text.ToString().Contains(until, StringComparison.Ordinal))
        {
            var read = await client.GetStream().ReadAsync(buffer, limit.Token);
            if (read == 0) break;
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }

        return text.ToString();
    }
}
