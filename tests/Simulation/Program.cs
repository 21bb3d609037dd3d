using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Campaigns.Simulation;
using Spectre.Console;

var seeds = new Option<long>("--seeds") { Description = "How many seeds to play", DefaultValueFactory = _ => 1_000 };
var from = new Option<long>("--from") { Description = "The first seed", DefaultValueFactory = _ => 1 };
var minutes = new Option<double>("--minutes") { Description = "Stops after so many minutes at the latest", DefaultValueFactory = _ => 60 };
var failures = new Option<int>("--failures") { Description = "Stops after so many seeds have failed", DefaultValueFactory = _ => 10 };
var many = new RootCommand("Runs the production engine and all rules under a simulated clock, scheduler, disk and message layer, each time from one seed.") { seeds, from, minutes, failures };
many.SetAction(parsed => PlayMany(parsed.GetValue(from), parsed.GetValue(seeds), TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(failures)));

var seed = new Argument<long>("seed") { Description = "A seed that failed" };
var lines = new Option<int>("--lines") { Description = "How much of the diary is printed", DefaultValueFactory = _ => 100 };
var replay = new Command("replay", "Plays one seed again and prints what happened.") { seed, lines };
replay.SetAction(parsed => Replay(parsed.GetValue(seed), parsed.GetValue(lines)));
many.Add(replay);

var sabotages = new Command("sabotages", "Breaks one law of the product after another and shows that a seed catches it.");
sabotages.SetAction(_ => BreakLaws());
many.Add(sabotages);
return many.Parse(args).Invoke();

static int PlayMany(long from, long count, TimeSpan limit, int failuresMax)
{
    using var over = new CancellationTokenSource(limit);
    var (result, watch) = (new Seeds(), Stopwatch.StartNew());
    AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(progress =>
    {
        var bar = progress.AddTask("Playing seeds", maxValue: count);
        using var tick = new Timer(_ => bar.Value = result.Played, null, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        result.Play(from, count, over.Token, failuresMax);
        bar.Value = result.Played;
    });

    foreach (var (failed, violation) in result.Failed) Console.WriteLine($"seed {failed}: {violation}\n  replay: dotnet run -c Release --project tests/Simulation -- replay {failed}");
    var never = Campaigns.Grains.Mechanics.Grains.SelectMany(g => g.EventNames).Distinct(StringComparer.Ordinal).Except(result.Facts.Keys, StringComparer.Ordinal).ToList();
    if (never.Count > 0) Console.WriteLine($"Facts that were never recorded, and so never tested: {string.Join(", ", never)}");
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{result.Played} seeds, {result.Steps} steps, {result.Facts.Values.Sum()} facts of {result.Facts.Count} kinds, {result.Crashes} crashes, {result.Stops} clean stops, {result.Compared} states compared, {result.Failed.Count} violations, {watch.Elapsed.TotalSeconds:0} seconds"));
    return result.Failed.IsEmpty ? 0 : 1;
}

static int Replay(long seed, int lines)
{
    using var world = new World(seed).Play();
    Console.WriteLine(world.Weather);
    foreach (var line in world.Diary.TakeLast(lines)) Console.WriteLine(line);
    Console.WriteLine($"{world.Steps} steps, {world.Crashes} crashes, {world.Stops} clean stops: {world.Violation ?? "no violation"}");
    return world.Violation is null ? 0 : 1;
}

static int BreakLaws()
{
    var missed = 0;
    foreach (var sabotage in Sabotage.All)
    {
        var caught = sabotage.Caught(from: 1);
        if (caught is null) missed++;
        Console.WriteLine($"{(caught is null ? "MISSED" : "caught")}  {sabotage.Name}\n        {caught?.Split('\n')[0]}");
    }

    Console.WriteLine($"{Sabotage.All.Count} laws broken, {missed} not noticed");
    return missed == 0 ? 0 : 1;
}
