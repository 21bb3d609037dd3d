namespace Campaigns.Simulation;

/// <summary>Time that stands still until the world moves it. Timers fire in order of their due time, and of their making where that is equal.</summary>
internal sealed class SimulatedTime : TimeProvider
{
    private readonly PriorityQueue<Alarm, (DateTimeOffset Due, long Number)> alarms = new();
    private long numbers;

    /// <summary>How many timers were set so far.</summary>
    public long TimersSet => numbers;

    public DateTimeOffset Now { get; private set; } = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    /// <summary>When the next timer is due; null if there is none.</summary>
    public DateTimeOffset? Next
    {
        get
        {
            while (alarms.TryPeek(out var alarm, out var at))
            {
                if (alarm.IsSetFor(at.Due)) return at.Due;
                alarms.Dequeue();
            }

            return null;
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => Now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, () => callback(state));
        alarm.Change(dueTime, period);
        return alarm;
    }

    /// <summary>Moves on, and fires what falls due.</summary>
    public void MoveTo(DateTimeOffset time)
    {
        while (Next is { } due && due <= time)
        {
            if (due > Now) Now = due;
            alarms.Dequeue().Fire();
        }

        if (time > Now) Now = time;
    }

    /// <inheritdoc cref="MoveTo"/>
    public void Pass(TimeSpan span) => MoveTo(Now + span);

    /// <summary>The process that set them is gone.</summary>
    public void Forget() => alarms.Clear();

    private void Set(Alarm alarm, DateTimeOffset due) => alarms.Enqueue(alarm, (due, numbers++));

    private sealed class Alarm(SimulatedTime time, Action ring) : ITimer
    {
        private DateTimeOffset? due;

        public bool IsSetFor(DateTimeOffset at) => due == at;

        public void Fire()
        {
            due = null;
            ring();
        }

        // Nothing in the product uses a period.
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            due = dueTime == Timeout.InfiniteTimeSpan ? null : time.Now + dueTime;
            if (due is { } at) time.Set(this, at);
            return true;
        }

        public void Dispose() => due = null;

        public ValueTask DisposeAsync()
        {
            due = null;
            return ValueTask.CompletedTask;
        }
    }
}
