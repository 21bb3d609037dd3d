using Campaigns.LoadTests.Rooms;

namespace Campaigns.Tests.Http;

/// <summary>The short form of <c>loadtests rooms</c>: a server of its own, asked at the end where everybody's money is.</summary>
public sealed class RoomStormTests
{
    [Fact]
    [Trait("EdgeCase", "16")]
    [Trait("EdgeCase", "18")]
    [Trait("EdgeCase", "19")]
    [Trait("EdgeCase", "22")]
    public async Task Whoever_paid_is_in_a_completed_room_or_has_all_the_money_back_once()
    {
        var report = await RoomsRun.Play(new(Rooms: 24, Seed: 7), CancellationToken.None);

        Assert.True(report.Findings.IsEmpty, string.Join('\n', [report.Account, .. report.Findings.Words, .. report.ServerLog]));
        Assert.Contains("Completed", report.Account, StringComparison.Ordinal);
        Assert.Contains("Failed", report.Account, StringComparison.Ordinal);
    }
}
