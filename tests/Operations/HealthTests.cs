using System.Net;
using System.Net.Sockets;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Operations;

/// <summary><c>campaigns health</c>, what a container without a shell is asked with.</summary>
public sealed class HealthTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task Server_that_is_ready_is_healthy_on_both_ports()
    {
        foreach (var address in (Uri[])[shop.Host.Address, shop.Host.OpsAddress])
        {
            var ended = await Program.Run("health", "--url", new Uri(address, "/health/ready").ToString());
            Assert.Equal(0, ended.Code);
            Assert.Contains("\"status\":\"ready\"", ended.Answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Answer_that_is_no_success_is_not_healthy() =>
        Assert.Equal(1, (await Program.Run("health", "--url", new Uri(shop.Host.Address, "/nowhere").ToString())).Code);

    [Fact]
    public async Task A_server_named_alone_is_asked_whether_it_is_ready() =>
        Assert.Equal(0, (await Program.Run("health", "--url", shop.Host.Address.ToString())).Code);

    [Fact]
    public async Task Nobody_there_is_not_healthy_and_says_so()
    {
        using var held = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        held.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound and not listening: whoever connects is refused
        var ended = await Program.Run("health", "--url", $"http://127.0.0.1:{((IPEndPoint)held.LocalEndPoint!).Port}/health/ready");
        Assert.Equal(1, ended.Code);
        Assert.Contains("does not answer", ended.Says, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_address_is_a_wrong_call() => Assert.NotEqual(0, (await Program.Run("health", "--url", "8081")).Code);
}
