using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;

namespace Campaigns.Simulation;

/// <summary>The machine of one process: its lanes, its flusher and its messages move one step at a time, when the world says so.</summary>
internal sealed class SimulatedMachine(World world) : Machine
{
    private readonly List<(DateTimeOffset Due, Action Arrive)> underWay = [];
    private IReadOnlyList<Lane> lanes = [];
    private Flusher? flusher;
    private bool ended;

    private enum Writing
    {
        Nothing,
        Taken,
        Written,
    }

    private Writing writing;

    /// <summary>Whose machine it is.</summary>
    public LocalEngine? Engine { get; set; }

    public bool IsWriting => writing == Writing.Taken;

    public bool IsBusy => writing != Writing.Nothing || underWay.Count > 0;

    public override void Start(IReadOnlyList<Lane> lanes, IReadOnlyList<Flusher> flushers, CancellationToken stop)
    {
        (this.lanes, flusher) = (lanes, flushers.Single());
        stop.Register(() => ended = true);
    }

    public override void JoinLanes()
    {
        // They were asked to stop, and no step of theirs is half done.
    }

    public override void JoinFlushers()
    {
        if (flusher is null) return;
        while (FlushStep())
        {
            // As the flusher's own loop: until there is nothing more.
        }
    }

    public override bool LendsThreads => false;

    public override int Hands => 3;

    public override Task<TResult> Run<TResult>(Func<Task<TResult>> work) => work();

    public override Task Run(Func<Task> work) => work();

    public override ReadOnlyMemory<byte> Chance()
    {
        var bytes = new byte[32];
        world.Chance.NextBytes(bytes);
        return bytes;
    }

    public override void Carry(Lane to, Delivered message)
    {
        if (world.IsRough && world.Chance.Next(100) < world.Weather.MessagesCopied) world.Copies.Add(message.Grain, message.Command);
        var isRepeated = world.IsRough && world.Chance.Next(100) < world.Weather.MessagesRepeated;
        if (isRepeated) underWay.Add((Delay(world.Weather.MessagesLate), CarryTwice));
        else underWay.Add((Delay(world.Weather.MessagesLate), () => base.Carry(to, message)));

        void CarryTwice()
        {
            to.TryPost(new Repeat(message.Grain, Evidence.CopyOf(message.Command)));
            underWay.Add((Delay(world.Weather.MessagesLate), () => base.Carry(to, message)));
        }
    }

    public override void CarryBack(Settled answer) => underWay.Add((Delay(world.Weather.MessagesLate), () => base.CarryBack(answer)));

    /// <summary>A copy of a message arrives that its sender has long forgotten: whatever is answered, nobody hears it.</summary>
    public void Haunt(GrainId to, object command) => Engine!.LaneOf(to).TryPost(new Repeat(to, command));

    /// <summary>One of the messages that are due arrives.</summary>
    public bool TryDeliver()
    {
        var due = underWay.Count(m => m.Due <= world.Time.Now);
        if (due == 0) return false;
        var picked = world.Chance.Next(due);
        for (var i = 0; ; i++)
        {
            if (underWay[i].Due > world.Time.Now || picked-- > 0) continue;
            var arrive = underWay[i].Arrive;
            underWay.RemoveAt(i);
            arrive();
            return true;
        }
    }

    /// <summary>One of the lanes decides what is there.</summary>
    public bool TryDecide()
    {
        if (ended || lanes.Count == 0) return false;
        var first = world.Chance.Next(lanes.Count);
        for (var i = 0; i < lanes.Count; i++)
        {
            var lane = lanes[(first + i) % lanes.Count];
            if (!lane.IsAheadOfDisk && lane.Step()) return true;
        }

        return false;
    }

    /// <summary>The flusher goes one step: takes, writes, or lets out. A write that fails is the end of this process.</summary>
    public bool FlushStep()
    {
        if (Engine!.HasFailed) return false;
        try
        {
            return TryFlush();
        }
        catch (JournalFailure failure)
        {
            Engine.Fail(failure);
            return true;
        }
    }

    private bool TryFlush()
    {
        switch (writing)
        {
            case Writing.Nothing:
                if (flusher?.Take() != true) return false;
                writing = Writing.Taken;
                return true;
            case Writing.Taken:
                flusher!.Write();
                writing = Writing.Written;
                return true;
            default:
                flusher!.Release();
                writing = Writing.Nothing;
                return true;
        }
    }

    /// <summary>When something that waits will be due; null if nothing is.</summary>
    public DateTimeOffset? NextDue()
    {
        DateTimeOffset? next = null;
        foreach (var (due, _) in underWay)
            if (next is null || due < next) next = due;
        foreach (var lane in ended ? [] : lanes)
            if (lane.NextTimer is { } due && (next is null || due < next)) next = due;
        return next;
    }

    private DateTimeOffset Delay(int late) =>
        world.Time.Now + (world.IsRough && world.Chance.Next(100) < late ? TimeSpan.FromMilliseconds(world.Chance.Next(1, world.Chance.Next(2) == 0 ? 50 : 5_000)) : TimeSpan.Zero);

    /// <summary>A message that arrives once more: its sender does not wait for this answer.</summary>
    private sealed class Repeat(GrainId to, object command) : Work(to, command)
    {
        public override void Complete(in Answer answer)
        {
            // Nobody listens.
        }
    }
}
