using Campaigns.Grains;
using Campaigns.Grains.Kernel;

namespace Campaigns.Simulation;

/// <summary>
/// Everything that happens in one run, decided by one seed: shoppers act, the process decides, the disk writes, messages travel, the clock
/// jumps, and now and then something breaks. One thread takes one small step at a time, so a seed replays exactly.
/// </summary>
internal sealed class World : IDisposable
{
    private const int RealFileEvery = 50;

    private const int StepsMax = 50_000;
    private const int LookEvery = 64;

    private readonly RealFile? file;
    private readonly Strands people = new();
    private readonly List<Task> acting = [];
    private readonly List<string> diary = [];
    private readonly Dictionary<string, IBook> bookOf = Mechanics.Books.ToDictionary(b => b.Kind, StringComparer.Ordinal);
    private readonly Dictionary<string, GrainDefinition> definitions = Mechanics.Grains.ToDictionary(g => g.Kind, StringComparer.Ordinal);
    private Process? process;
    private DateTimeOffset? diskFullUntil;
    private readonly PriorityQueue<TaskCompletionSource, (DateTimeOffset Due, long Number)> sleepers = new();
    private long pauses;
    private long nextLook;
    private long lookedAt;

    public World(long seed)
    {
        Seed = seed;
        Chance = new((int)(seed ^ (seed >> 32)));
        Weather = Weather.Of(Chance);
        file = seed % RealFileEvery == 0 ? new() : null;
        Disk = new(this, definitions, file);
        Evidence = new(this);
        Copies = new(this);
        Gateway = new(this);
        Transfers = new(this);
        Town = new(this);
    }

    public long Seed { get; }

    public Random Chance { get; }

    public Weather Weather { get; }

    public SimulatedTime Time { get; } = new();

    public SimulatedDisk Disk { get; }

    public Copies Copies { get; }

    public SimulatedGateway Gateway { get; }

    public SimulatedTransfers Transfers { get; }

    public Evidence Evidence { get; }

    public Town Town { get; }

    public IEnumerable<GrainDefinition> Definitions => definitions.Values;

    /// <summary>False from when all faults are over and everything has to come right.</summary>
    public bool IsRough { get; private set; } = true;

    /// <summary>The first promise that was broken.</summary>
    public string? Violation { get; private set; }

    public int Steps { get; private set; }

    public int Crashes { get; private set; }

    public int Stops { get; private set; }

    /// <summary>What happened, newest last.</summary>
    public IReadOnlyList<string> Diary => diary;

    /// <summary>Plays the seed to its end or to the first violation.</summary>
    public World Play()
    {
        people.In(() => acting.Add(Town.Open()));
        RunUntil(() => acting.TrueForAll(a => a.IsCompleted));
        for (var i = 0; i < Weather.Actors; i++) people.In(() => acting.Add(Town.Live(Weather.ActsEach)));
        RunUntil(() => acting.TrueForAll(a => a.IsCompleted));
        CalmDown();
        foreach (var days in (ReadOnlySpan<int>)[1, 7, 90])
        {
            Note($"{days} days pass");
            Move(Time.Now.AddDays(days));
            RunUntil(IsQuiet);

            // What found a full queue is tried again a moment later: a deadline after a second, a message after its backoff.
            for (var looks = 0; looks < 60 && Disk.Grains.Any(g => IsOverdue(g.Value) || Owes(g.Value)); looks++)
            {
                Move(Time.Now.AddSeconds(1));
                RunUntil(IsQuiet);
            }
        }

        if (Violation is null) Settle();
        return this;
    }

    /// <summary>What was asked and not answered yet.</summary>
    public List<(object Command, GrainId Grain)> Unanswered { get; } = [];

    public void Dispose() => file?.Dispose();

    public void Violated(string what) => Violation ??= what;

    public void Note(string what)
    {
        if (diary.Count == 20_000) diary.RemoveRange(0, 10_000);
        diary.Add($"{Time.Now:MM-dd HH:mm:ss.fff} {what}");
    }

    /// <summary>Asks the process, as a client over a network would: the answer may never come.</summary>
    /// <returns>null if the connection was lost</returns>
    public Task<Outcome<TReply>?> Ask<TReply>(GrainId grain, ICommand<TReply> command) =>
        process is { IsReady: true } up ? up.Ask(grain, command) : Task.FromResult<Outcome<TReply>?>(null);

    /// <summary>Somebody waits a while.</summary>
    public Task Pause(TimeSpan time)
    {
        var woken = new TaskCompletionSource();
        sleepers.Enqueue(woken, (Time.Now + time, ++pauses));
        return woken.Task;
    }

    private void RunUntil(Func<bool> done)
    {
        while (Violation is null && !done())
        {
            if (++Steps > StepsMax)
            {
                Violated($"No end after {StepsMax} steps: {acting.Count(a => !a.IsCompleted)} people still wait for {string.Join(", ", Unanswered)}.");
                return;
            }

            Step();
            if (Steps >= nextLook) Look();
        }

        if (acting.Find(a => a.IsFaulted) is { } broken) Violated($"An actor failed: {broken.Exception!.InnerException}");
        acting.RemoveAll(a => a.IsCompleted);
        Look();
    }

    private void Step()
    {
        if (IsRough) Misfortune();
        process ??= new(this);
        if (process.HasEnded)
        {
            Note(process.Failure is { } failure ? $"the process stopped: {failure.Message}" : "the process stopped");
            process = null;
            Disk.Reopen(wasKilled: false);
            Move(Time.Now + TimeSpan.FromMilliseconds(Chance.Next(10, 2_000))); // its supervisor takes a moment to start it again
            return;
        }

        var first = Chance.Next(5);
        for (var i = 0; i < 5; i++)
        {
            var did = ((first + i) % 5) switch
            {
                0 => people.TryRun(Chance),
                1 => process.TryRun(Chance),
                2 => process.TryDecide(),
                3 => process.IsReady && Copies.TryTake(out var to, out var copy) && process.TryHaunt(to, copy),
                _ => (!process.Machine.IsWriting || Chance.Next(100) < Weather.DiskSpeed) && process.TryFlush(),
            };
            if (did) return;
        }

        // Nothing can go on: time does, to whatever is due next.
        var next = Earliest(Earliest(process.Machine.NextDue(), Time.Next), Earliest(Copies.Next, sleepers.TryPeek(out _, out var wake) ? wake.Due : null)) ?? Time.Now;
        Move(next > Time.Now ? next : Time.Now.AddTicks(1));

        static DateTimeOffset? Earliest(DateTimeOffset? a, DateTimeOffset? b) => a is null || b < a ? b : a;
    }

    private void Move(DateTimeOffset time)
    {
        Time.MoveTo(time);
        while (sleepers.TryPeek(out var sleeper, out var wake) && wake.Due <= Time.Now)
        {
            sleepers.Dequeue();
            sleeper.SetResult();
        }
    }

    private void Misfortune()
    {
        if (diskFullUntil <= Time.Now)
        {
            Note("there is room on the disk again");
            (Disk.IsFull, diskFullUntil) = (false, null);
        }

        if (Happens(Weather.JumpEvery)) Move(Time.Now + Span());
        if (process is null) return;
        if (Happens(Weather.CrashEvery)) Crash();
        else if (process.IsReady && Happens(Weather.StopEvery)) Stop();
        else if (Happens(Weather.DiskFullEvery)) Fill();
    }

    private void Crash()
    {
        // The bytes of a write that has begun may be down or not; nobody will ever be told.
        var fate = process!.Machine.IsWriting ? Chance.Next(3) : 0;
        Disk.IsTearing = fate == 2;
        if (fate > 0) process.TryFlush();
        Disk.IsTearing = false;
        Note($"kill -9 at position {Disk.LastPosition}{(fate == 2 ? " in the middle of a write" : "")}");
        Crashes++;
        process.Die();
        process = null;
        Disk.Reopen(wasKilled: true);
        Look();
    }

    private void Stop()
    {
        Note("SIGTERM");
        Stops++;
        process!.Stop();
    }

    private void Fill()
    {
        Note("the disk is full");
        (Disk.IsFull, diskFullUntil) = (true, Time.Now + TimeSpan.FromSeconds(Chance.Next(1, 60)));
    }

    private void CalmDown()
    {
        Note("all faults are over");
        IsRough = false;
        Disk.IsFull = false;
        RunUntil(IsQuiet);
    }

    private bool IsQuiet() => process is { IsReady: true, IsQuiet: true } && people.Ready == 0 && sleepers.Count == 0 && !(Copies.Next <= Time.Now);

    // Everything has had its time: nothing may be owed, overdue or forgotten, and a clean stop and a start change nothing.
    private void Settle()
    {
        foreach (var (grain, known) in Disk.Grains)
        {
            if (Owes(known)) Violated($"{grain} still owes {string.Join(", ", known.Definition.OwedBy(known.State)!.Open)} (law 5).");
            if (IsOverdue(known)) Violated($"{grain} has slept through its deadline {known.Definition.DeadlineOf(known.State):O} (law 6).");
        }

        process!.Stop();
        RunUntil(() => process is null || process.HasEnded);
        RunUntil(IsQuiet);
        people.In(() => acting.Add(Town.KeepPromises()));
        RunUntil(() => acting.TrueForAll(a => a.IsCompleted));
    }

    private static bool Owes(SimulatedDisk.DurableGrain grain) => grain.Definition.OwedBy(grain.State) is { Count: > 0 };

    private bool IsOverdue(SimulatedDisk.DurableGrain grain) => grain.Definition.DeadlineOf(grain.State) <= Time.Now;

    private void Look()
    {
        nextLook = Steps + LookEvery;
        if (Disk.LastPosition == lookedAt) return;
        lookedAt = Disk.LastPosition;
        foreach (var (grain, known) in Disk.Grains)
        {
            if (!bookOf.TryGetValue(grain.Kind, out var book)) continue;
            foreach (var wrong in book.WrongWith(grain, known.State, Disk))
            {
                Violated($"{grain} at position {Disk.LastPosition}: {wrong}");
                return;
            }
        }
    }

    private bool Happens(int every) => every > 0 && Chance.Next(every) == 0;

    private TimeSpan Span() => Chance.Next(20) switch
    {
        < 8 => TimeSpan.FromMilliseconds(Chance.Next(1, 2_000)),
        < 13 => TimeSpan.FromSeconds(Chance.Next(1, 120)),
        < 18 => TimeSpan.FromMinutes(Chance.Next(1, 60)),
        < 19 => TimeSpan.FromHours(Chance.Next(1, 12)),
        _ => TimeSpan.FromDays(Chance.Next(1, 3)),
    };
}
