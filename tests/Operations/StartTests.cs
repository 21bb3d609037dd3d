using System.Net;
using Campaigns.Tests.Kit;
using Campaigns.Tests.WeChat;

namespace Campaigns.Tests.Operations;

/// <summary>What the program refuses to start with.</summary>
public sealed class StartTests
{
    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task Nothing_of_the_sandbox_starts_outside_Development(string environment)
    {
        var data = Directory.CreateTempSubdirectory("campaigns-");
        var ended = await Program.RunIn(environment, "--urls", "http://127.0.0.1:0", "--ops-urls", "http://127.0.0.1:0", "--data", Path.Combine(data.FullName, "shop"));
        Assert.Equal(4, ended.Code);
        Assert.Contains($"{environment} is not configured:", ended.Says, StringComparison.Ordinal);
        Assert.Contains("missing: WeChatPay:ApiV3KeyFile (environment variable WeChatPay__ApiV3KeyFile)", ended.Says, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(data.FullName, "shop")));
        data.Delete(recursive: true);
    }

    [Fact]
    public async Task Production_starts_once_everything_is_configured_and_has_nothing_of_the_sandbox()
    {
        if (OperatingSystem.IsWindows()) return;
        var data = Directory.CreateTempSubdirectory("campaigns-");
        await using var desk = await PayDesk.Open();
        var settings = desk.Settings();
        settings.Remove("WeChatPay:BaseAddress");
        settings["WeChat:SecretFile"] = desk.Keep("app.secret", "s3cret");
        using (var shop = new RunningShop(Path.Combine(data.FullName, "shop")))
        {
            await shop.Open(["env", "ASPNETCORE_ENVIRONMENT=Production", .. settings.Select(s => $"{s.Key.Replace(":", "__", StringComparison.Ordinal)}={s.Value}")]);
            using var http = new HttpClient { BaseAddress = shop.Server.Address };
            foreach (var path in (string[])["/sandbox/clock", "/sandbox/wechat/sns/jscode2session"]) Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(path, UriKind.Relative))).StatusCode);
            using var merchant = new HttpRequestMessage(HttpMethod.Get, "/merchant/v1/settings");
            merchant.Headers.Add("X-Api-Key", "demo-merchant-key");
            Assert.Equal(HttpStatusCode.Unauthorized, (await http.SendAsync(merchant)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await http.PostAsync(new Uri("/callbacks/wechat-pay", UriKind.Relative), null)).StatusCode);
            shop.Server.Terminate();
            Assert.Equal(0, await shop.Ended());
            Assert.DoesNotContain(shop.Server.Log, l => l.Contains("demo-merchant-key", StringComparison.Ordinal));
            Assert.Empty(shop.Server.Errors);
        }

        Assert.Empty(Directory.GetFiles(Path.Combine(data.FullName, "shop", "keys"), "sandbox-*"));
        data.Delete(recursive: true);
    }
}
