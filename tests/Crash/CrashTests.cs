using Campaigns.LoadTests.Crash;

namespace Campaigns.Tests.Crash;

/// <summary>The short form of <c>loadtests crash</c>: the real process, really killed.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task Nothing_acknowledged_is_lost_or_doubled_when_the_process_is_killed()
    {
        var report = await CrashRun.Play(
            new(Kills: 5, Seed: 7, Workers: 12, Limit: TimeSpan.FromSeconds(25)) { People = 40, RunningMax = 30, BetweenKillsMax = TimeSpan.FromSeconds(1) },
            killed: _ => { },
            CancellationToken.None);

        Assert.True(report.Findings.IsEmpty, string.Join('\n', [report.Summary, .. report.Findings.Words, .. report.ServerLog]));
        Assert.True(report.Kills > 0 && report.Acknowledged > 0 && report.Takes > 0 && report.Seats > 0, report.Summary);
    }
}
