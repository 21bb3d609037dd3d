namespace Campaigns.Silo.Local;

/// <summary>A cell in memory, with what its lane has to know about it. Touched by its lane's thread alone, except where said.</summary>
internal sealed class Activation(Lane lane, Cell cell)
{
    /// <summary>Set by the flusher: the journal fenced this activation off. The lane drops it and reloads.</summary>
    public volatile bool Fenced;

    private const long Never = -1;

    // Ticks of UTC: a nullable time takes three times the room, and there is one activation for each grain in memory.
    private long deadlineTicks = Never;
    private long timerAtTicks = Never;
    private long storedWakeAtTicks = Never;
    private long lastUsedTicks;
    private long closingSinceTicks;

    public Lane Lane { get; } = lane;

    public Cell Cell { get; } = cell;

    /// <summary>The lane's batch that holds this cell's newest facts: an answer may leave once that batch is flushed.</summary>
    public long LastBatch { get; set; }

    /// <summary>True while the journal has facts of this cell that no snapshot contains.</summary>
    public bool Dirty { get; set; }

    /// <summary>The journal's position when it became dirty: its unsaved facts come after.</summary>
    public long DirtySince { get; set; }

    /// <summary>The sequence that the newest snapshot includes.</summary>
    public long Stored { get; set; }

    /// <summary>When the state wants to be woken.</summary>
    public DateTimeOffset? Deadline
    {
        get => TimeOf(deadlineTicks);
        set => deadlineTicks = TicksOf(value);
    }

    /// <summary>The earliest time in the lane's queue of timers: one entry is enough, however often the deadline moves.</summary>
    public DateTimeOffset? TimerAt
    {
        get => TimeOf(timerAtTicks);
        set => timerAtTicks = TicksOf(value);
    }

    /// <summary>The wake-up time stored with the last snapshot.</summary>
    public DateTimeOffset? StoredWakeAt
    {
        get => TimeOf(storedWakeAtTicks);
        set => storedWakeAtTicks = TicksOf(value);
    }

    public DateTimeOffset LastUsed
    {
        get => new(lastUsedTicks, TimeSpan.Zero);
        set => lastUsedTicks = value.UtcTicks;
    }

    /// <summary>True once it is among those that the sweep looks at.</summary>
    public bool IsSwept { get; set; }

    /// <summary>True while its last snapshot is on the way to the disk and it may leave afterwards.</summary>
    public bool IsClosing { get; set; }

    public DateTimeOffset ClosingSince
    {
        get => new(closingSinceTicks, TimeSpan.Zero);
        set => closingSinceTicks = value.UtcTicks;
    }

    /// <summary>Set while it moves to another engine: it takes nothing new, and leaves once its messages on their way are answered.</summary>
    public Handover? Leaving { get; set; }

    /// <summary>Callers whose answer the state cannot tell yet.</summary>
    public List<Work>? Waiting { get; set; }

    /// <summary>Made with the first debt.</summary>
    public Outbox? Outbox { get; set; }

    public LiveFeed? Feed { get; set; }

    public bool IsQuiet => Waiting is not { Count: > 0 } && Outbox is not { IsIdle: false } && Feed is not { HasViewers: true };

    private static DateTimeOffset? TimeOf(long ticks) => ticks == Never ? null : new(ticks, TimeSpan.Zero);

    private static long TicksOf(DateTimeOffset? time) => time is { } t ? t.UtcTicks : Never;
}
