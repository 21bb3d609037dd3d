using Campaigns.Simulation;

namespace Campaigns.Tests.Simulated;

/// <summary>The production engine and all rules under a simulated clock, scheduler, disk and message layer.</summary>
public sealed class SimulationTests
{
    private const int SeedCount = 2_500;

    /// <summary>Facts that only one seed in thousands meets; the tests of their grain show them.</summary>
    private static readonly string[] Rare = ["revival-failed", "late-seat-refused"];

    public static TheoryData<string> Sabotages => [.. Sabotage.All.Select(s => s.Name)];

    [Fact]
    public void No_seed_breaks_a_promise_and_every_kind_of_fact_is_reached()
    {
        var seeds = new Seeds();
        seeds.Play(1, SeedCount, CancellationToken.None);
        Assert.Empty(seeds.Failed.Select(f => $"seed {f.Seed}: {f.Violation}\nReplay: dotnet run -c Release --project tests/Simulation -- replay {f.Seed}"));
        Assert.Empty(Campaigns.Grains.Mechanics.Grains.SelectMany(g => g.EventNames).Except(seeds.Facts.Keys, StringComparer.Ordinal).Except(Rare, StringComparer.Ordinal));
        Assert.True(seeds.Crashes > SeedCount / 2 && seeds.Stops > 0 && seeds.Compared > SeedCount, $"{seeds.Crashes} crashes, {seeds.Stops} stops, {seeds.Compared} states compared");
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(50)] // on a real file
    public void Seed_replays_exactly(long seed)
    {
        using var first = new World(seed).Play();
        using var second = new World(seed).Play();
        Assert.NotEmpty(first.Diary);
        Assert.Equal(first.Diary, second.Diary);
        Assert.Equal((first.Steps, first.Crashes, first.Disk.LastPosition), (second.Steps, second.Crashes, second.Disk.LastPosition));
    }

    [Theory]
    [MemberData(nameof(Sabotages))]
    public void Broken_law_is_noticed(string name) => Assert.NotNull(Sabotage.All.Single(s => s.Name == name).Caught(from: 1));

    [Fact]
    public void Copy_in_which_nothing_is_broken_is_clean() => Assert.Null(Sabotage.Nothing.Caught(from: 1, seeds: 50));
}
