namespace Campaigns.Silo.Local;

/// <summary>The limits of the local engine. Every one has a default that fits a small machine.</summary>
public sealed record LocalEngineOptions
{
    /// <summary>
    /// Threads that decide. Null for one per two cores (the other half serves HTTP and flushes), and at least one for each of the journal's lines.
    /// </summary>
    public int? Lanes { get; init; }

    /// <summary>Commands that may wait in one lane; more are refused <c>Busy</c>.</summary>
    public int InboxMax { get; init; } = 100_000;

    /// <summary>Commands that may wait for one grain; more are refused <c>Busy</c> while others are still served.</summary>
    public int GrainInboxMax { get; init; } = 50_000;

    /// <summary>Callers that may wait at one grain for something owed; more are refused <c>Busy</c>.</summary>
    public int WaitingMax { get; init; } = 10_000;

    /// <summary>Decided bytes that may wait for one flush. A lane that is ahead of the disk by more stops deciding.</summary>
    public int UnflushedBytesMax { get; init; } = 8 << 20;

    /// <summary>
    /// Messages of one grain on their way at the same time. Each is answered after two flushes, so this bounds what a flash sale opens in a second:
    /// 256 instead of 64 gave three times the takes on a busy machine, where a flush takes longer, and 512 a fifth more on a quiet one.
    /// </summary>
    public int MessagesInFlightMax { get; init; } = 256;

    /// <summary>An activation that nobody used for so long leaves memory.</summary>
    public TimeSpan IdleAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Events that a recovery may have to replay, per lane: older ones are covered by snapshots.</summary>
    public int TailEventsMax { get; init; } = 2_000_000;

    /// <summary>
    /// Facts of one grain that another silo may have to replay before it answers, where each grain is recovered by itself: so many, or half of
    /// all its facts. A part, because a large state must not be stored again and again while it grows.
    /// </summary>
    public int GrainTailMax { get; init; } = 5_000;

    /// <summary>The first wait before a message is sent again to a grain that was busy.</summary>
    public TimeSpan GrainBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The first wait before a message is sent again to an outside system; doubles up to <see cref="BackoffMax"/>.</summary>
    public TimeSpan ReceiverBackoff { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long one call of an outside system may take.</summary>
    public TimeSpan ReceiverTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a caller in another engine of the cluster waits for something owed before it has to ask again.</summary>
    public TimeSpan ElsewherePatience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often stored deadlines of inactive grains are looked up.</summary>
    public TimeSpan DuePoll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a shutdown waits for what was accepted.</summary>
    public TimeSpan DrainMax { get; init; } = TimeSpan.FromSeconds(20);
}
