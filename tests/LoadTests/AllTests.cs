using System.CommandLine;
using Campaigns.LoadTests;
using Campaigns.LoadTests.All;
using Campaigns.LoadTests.Engine;
using Campaigns.LoadTests.Flash;

namespace Campaigns.Tests.LoadTests;

public sealed class AllTests
{
    private readonly AllRun run = new(new HashSet<string>(["P1", "P2", "P5"]), AllSize.Quick, withPeers: false, program: null, _ => { });

    [Fact]
    public async Task A_part_that_fails_is_a_row_for_each_of_its_goals_and_the_next_one_runs()
    {
        await Part(["P1", "P2"], () => throw new IOException("no [room]"));
        await Part(["P5"], () => [Figure.AtMost("P5", "slowest", 4, "s", 3)]);

        Assert.Equal([("P1", "not measured: no [room]", null), ("P2", "not measured: no [room]", null), ("P5", "slowest", false)], run.Figures.Select(f => (f.Goal, f.Name, f.Met)));
        Assert.Equal((false, false), (run.IsWhole, run.IsInterrupted));
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
    public async Task Interrupted_it_has_what_was_measured_and_says_what_was_not()
    {
        using var stop = new CancellationTokenSource();
        await Part(["P2"], () => [Figure.Shown("P2", "rate", 1, "/s")]);
        await run.Part(["P1"], async (_, stopping) =>
        {
            await stop.CancelAsync();
            stopping.ThrowIfCancellationRequested();
            return [];
        }, stop.Token);
        await run.Part(["P5"], (_, _) => throw new InvalidOperationException("was run"), stop.Token);

        Assert.Equal([("P1", "not measured: interrupted"), ("P2", "rate"), ("P5", "not measured: interrupted")], run.Figures.Select(f => (f.Goal, f.Name)));
        Assert.True(run.IsInterrupted);
    }

    [Fact]
    public async Task What_a_part_measured_until_it_was_interrupted_does_not_count()
    {
        using var stop = new CancellationTokenSource();
        await run.Part(["P1"], async (_, _) =>
        {
            await stop.CancelAsync();
            return [Figure.Shown("P1", "rate of a loop that ended early", 1, "/s")];
        }, stop.Token);

        Assert.Equal("not measured: interrupted", Assert.Single(run.Figures).Name);
    }

    [Fact]
    public async Task A_server_that_the_same_signal_has_ended_is_no_wrong_book()
    {
        using var stop = new CancellationTokenSource();
        await run.Part(["P1"], async (_, _) =>
        {
            await stop.CancelAsync();
            throw new WrongBooksException("the server is gone");
        }, stop.Token);

        Assert.Equal((true, true), (run.Findings.IsEmpty, run.IsInterrupted));
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
