using System.CommandLine;
using Campaigns.LoadTests;
using Campaigns.LoadTests.All;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Flash;

namespace Campaigns.Tests.LoadTests;

public sealed class AllTests
{
    private readonly AllRun run = new(new HashSet<string>(["P1", "P2", "P5"]), AllSize.Quick, withPeers: false, _ => { });

    [Fact]
    public async Task A_part_that_fails_is_a_row_for_each_of_its_goals_and_the_next_one_runs()
    {
        await Part(["P1", "P2"], () => throw new IOException("no [room]"));
        await Part(["P5"], () => [Figure.AtMost("P5", "slowest", 4, "s", 3)]);

        Assert.Equal([("P1", "not measured: no [room]", null), ("P2", "not measured: no [room]", null), ("P5", "slowest", false)], run.Figures.Select(f => (f.Goal, f.Name, f.Met)));
        Assert.False(run.IsWhole);
        Assert.True(run.Findings.IsEmpty);
        Figure.Print(run.Figures); // a reason is no markup
    }

    [Fact]
    public async Task Wrong_books_are_a_finding_and_a_goal_that_is_short_is_none()
    {
        await Part(["P5"], () => [Figure.AtMost("P5", "slowest", 4, "s", 3)]);
        Assert.Equal((true, true), (run.IsWhole, run.Findings.IsEmpty));

        await Part(["P1"], () => throw new WrongBooksException("one unit too many"));
        Assert.Contains("P1: one unit too many", Assert.Single(run.Findings.Words), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Goals_that_nobody_wants_are_not_measured()
    {
        await Part(["P3", "P4"], () => throw new IOException("was run"));
        await Part(["P2", "P7"], () => [Figure.Shown("P2", "rate", 1, "/s"), Figure.Shown("P7", "recovery", 1, "/s")]);

        Assert.Equal(["P2"], run.Figures.Select(f => f.Goal));
    }

    [Fact]
    public async Task A_run_that_is_interrupted_ends()
    {
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAsync<OperationCanceledException>(() => run.Part(["P1"], async (_, stopping) =>
        {
            await stop.CancelAsync();
            stopping.ThrowIfCancellationRequested();
            return [];
        }, stop.Token));
    }

    [Fact]
    public void Goals_are_named_with_commas_and_others_are_refused()
    {
        var only = GoalOption.Create("P1", "P2", "P7");
        var command = new Command("x") { only };

        Assert.Equal(["P1", "P7"], command.Parse("--only p1,P7").GetValue(only)!.Order(StringComparer.Ordinal));
        Assert.Equal(3, command.Parse("").GetValue(only)!.Count);
        Assert.NotEmpty(command.Parse("--only P1,P3").Errors);
        Assert.NotEmpty(command.Parse("--only ,").Errors);
    }

    [Fact]
    public void One_unit_more_than_there_are_is_short_of_the_goal()
    {
        bool?[] Met(FlashOutcome outcome) => [.. outcome.Figures(buyers: 100, units: 10).Select(f => f.Met)];

        Assert.Equal([true, true, true], Met(new(100, 10, 3_000)));
        Assert.Equal([false, false, false], Met(new(99, 11, 3_001)));
    }

    private Task Part(string[] of, Func<IReadOnlyList<Figure>> figures) => run.Part(of, (_, _) => Task.FromResult(figures()), CancellationToken.None);
}
