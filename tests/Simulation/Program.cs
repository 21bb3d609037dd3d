using Campaigns.Simulation;

if (args.Length == 1)
{
    var world = new World(long.Parse(args[0])).Play();
    foreach (var line in world.Diary.TakeLast(args.Length > 1 ? 1 : 60)) Console.WriteLine(line);
    Console.WriteLine($"{world.Weather}\nsteps {world.Steps} crashes {world.Crashes} compared {world.Disk.Compared} violation {world.Violation}");
}
else
{
    var n = 0;
    var all = new SortedDictionary<string, int>(StringComparer.Ordinal);
    var watch = System.Diagnostics.Stopwatch.StartNew();
    long steps = 0, crashes = 0, facts = 0;
    Parallel.For(long.Parse(args[0]), long.Parse(args[1]), new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
    {
        string? bad;
        var mine = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            var world = new World(seed).Play();
            bad = world.Violation;
            lock (all) foreach (var (k, v) in world.Disk.Facts) all[k] = all.GetValueOrDefault(k) + v;
            Interlocked.Add(ref steps, world.Steps);
            Interlocked.Add(ref crashes, world.Crashes);
            Interlocked.Add(ref facts, world.Disk.Grains.Sum(g => g.Value.Sequence));
        }
        catch (Exception e)
        {
            bad = e.ToString();
        }

        if (mine.ElapsedMilliseconds > 2000) Console.WriteLine($"{seed} took {mine.ElapsedMilliseconds}");
        if (bad is not null && Interlocked.Increment(ref n) < 30) Console.WriteLine($"{seed}: {bad[..Math.Min(bad.Length, 400)]}");
    });
    Console.WriteLine($"violations {n}, {watch.Elapsed.TotalSeconds:0.0} s, steps {steps} crashes {crashes} facts {facts}");
    foreach (var name in new World(1).Definitions.SelectMany(d => d.EventNames)) Console.Write($"{name} {all.GetValueOrDefault(name)}; ");
}
