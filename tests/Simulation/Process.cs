using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Local;
using Microsoft.Extensions.Logging;

namespace Campaigns.Simulation;

/// <summary>One life of the product: from a start on what the disk holds to a clean stop, a failure or a sudden death.</summary>
internal sealed class Process
{
    private readonly World world;
    private readonly Strands strands = new();
    private readonly LocalEngine engine;
    private readonly HashSet<Action> waiting = [];
    private readonly Task start;
    private Task? stop;
    private bool isDead;

    public Process(World world)
    {
        this.world = world;
        Machine = new(world);
        Task? starting = null;
        var clock = new ProductClock(system: world.Time);
        engine = new(world.Disk, world.Definitions.Select(d => new Witness(d, world.Evidence)), [world.Gateway, world.Transfers], clock, world.Weather.Engine, new Complaints(world), Machine);
        Machine.Engine = engine;
        engine.Failed += failure => Failure ??= failure;
        strands.In(() => starting = engine.Start());
        start = starting!;
    }

    public SimulatedMachine Machine { get; }

    public Exception? Failure { get; private set; }

    public bool IsReady => start.IsCompletedSuccessfully && stop is null && Failure is null;

    public bool HasEnded => isDead || start.IsFaulted || stop?.IsCompleted == true;

    public bool IsQuiet => strands.Ready == 0 && engine.IsIdle(world.Time.Now) && !Machine.IsBusy;

    public Task<Outcome<TReply>?> Ask<TReply>(GrainId grain, ICommand<TReply> command)
    {
        var answered = new TaskCompletionSource<Outcome<TReply>?>();
        void Lose() => answered.TrySetResult(null);
        waiting.Add(Lose);
        var sent = Evidence.CopyOf(command);
        _ = Await();
        return answered.Task;

        async Task Await()
        {
            var outcome = await engine.Ask(grain, sent);
            waiting.Remove(Lose);
            if (isDead) return;
            if (outcome.Refusal?.Kind != RefusalKind.Busy) world.Evidence.Told(sent);
            if (outcome.Refusal?.Kind == RefusalKind.Fault) world.Violated($"{command.GetType().Name} at {grain} was answered with a fault.");
            answered.TrySetResult(outcome);
        }
    }

    public bool TryRun(Random chance)
    {
        if ((stop?.Exception ?? start.Exception) is { } broken && Failure is null) world.Violated($"The process did not start or stop: {broken}");
        return strands.TryRun(chance);
    }

    public bool TryDecide()
    {
        var did = false;
        strands.In(() => did = Machine.TryDecide() | Machine.TryDeliver());
        return did;
    }

    /// <summary>A copy of an old message arrives.</summary>
    public bool TryHaunt(GrainId to, object command)
    {
        world.Note($"a copy of {command.GetType().Name} comes to {to}");
        strands.In(() => Machine.Haunt(to, command));
        return true;
    }

    public bool TryFlush()
    {
        var did = false;
        strands.In(() => did = Machine.FlushStep());
        if (Failure is not null) Stop();
        return did;
    }

    /// <summary>Finishes what was accepted and ends.</summary>
    public void Stop() => strands.In(() => stop ??= engine.DisposeAsync().AsTask());

    /// <summary>Gone, in the middle of whatever it did: nothing of it goes on, and nobody hears from it again.</summary>
    public void Die()
    {
        isDead = true;
        strands.Forget();
        world.Time.Forget();
        foreach (var lose in waiting.ToArray()) lose();
    }

    /// <summary>What the engine complains about is a violation, but for what the world itself has done to it.</summary>
    private sealed class Complaints(World world) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error && exception?.Message != SimulatedDisk.Failed) world.Violated($"The engine complained: {formatter(state, exception)} {exception}");
        }
    }
}
