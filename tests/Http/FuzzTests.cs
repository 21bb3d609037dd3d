using Campaigns.LoadTests.Fuzz;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

/// <summary>The short form of <c>loadtests fuzz</c>.</summary>
public sealed class FuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(300)]
    public async Task Whatever_is_sent_is_answered_well_and_writes_nothing_if_it_is_refused(int seed)
    {
        await using var shop = await LiveShop.Open(null, "--Limits:PerAddress=1000000", "--Limits:PerDevice=1000000", "--Limits:PerShopper=1000000");
        var report = await FuzzRun.Play(new(seed, Requests: 1_500, Limit: TimeSpan.FromSeconds(20)), shop.Host.Address, shop.Host.OpsAddress, sent: _ => { }, CancellationToken.None);

        Assert.True(report.Findings.Count == 0, string.Join('\n', [report.Summary, .. report.Findings]));
        Assert.True(report.Requests > 500 && report.NeverReached.Count() < report.Operations.Count / 4, $"{report.Summary} Never reached: {string.Join(", ", report.NeverReached)}");
    }
}
