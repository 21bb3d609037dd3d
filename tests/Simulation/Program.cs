using Campaigns.Simulation;

var world = new World(long.Parse(args[0]));
world.Play();
foreach (var line in world.Diary.TakeLast(60)) Console.WriteLine(line);
Console.WriteLine($"{world.Weather}\nsteps {world.Steps} crashes {world.Crashes} compared {world.Disk.Compared} violation {world.Violation}");
