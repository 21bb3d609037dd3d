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
}
