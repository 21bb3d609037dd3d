using Campaigns.LoadTests.Http;

namespace Campaigns.Tests.Http;

/// <summary>The short form of <c>loadtests http rush</c>: a server of its own, asked at the end where everybody's money is.</summary>
public sealed class RushTests
{
    [Fact]
    [Trait("EdgeCase", "16")]
    [Trait("EdgeCase", "18")]
    [Trait("EdgeCase", "19")]
    [Trait("EdgeCase", "22")]
    public async Task Whoever_paid_is_in_a_completed_room_or_has_all_the_money_back_once()
    {
        var said = new List<string>();
        var run = new RushRun(new(Rooms: 24, Seconds: 1, Skew: 1, Seed: 7), said.Add);

        var latencies = await run.Play(CancellationToken.None);

        Assert.True(run.Findings.IsEmpty, string.Join('\n', [.. run.Findings.Words, .. said]));
        Assert.Contains("Completed", said[^1], StringComparison.Ordinal);
        Assert.Contains("Failed", said[^1], StringComparison.Ordinal);
        Assert.Contains("RoomFull", said[^1], StringComparison.Ordinal);
        Assert.All(latencies, l => Assert.True(l.PerSecond > 0, $"Nobody did {l.Of}."));
    }
}
