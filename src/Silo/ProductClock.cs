using System.Globalization;
using System.Text;

namespace Campaigns.Silo;

/// <summary>The product's clock: the system's, moved forward by an offset that a developer may raise and that is kept in the data folder.</summary>
/// <param name="file">where the offset is kept; null keeps it in memory</param>
/// <param name="system">the clock below; null is the machine's</param>
public sealed class ProductClock(string? file = null, TimeProvider? system = null) : TimeProvider
{
    private readonly TimeProvider system = system ?? System;
    private readonly Lock gate = new();
    private long offsetTicks = file is not null && File.Exists(file) ? Read(file) : 0;

    /// <summary>Raised after the clock was moved, so that waits for a deadline look again.</summary>
    public event Action? Moved;

    public override DateTimeOffset GetUtcNow() => system.GetUtcNow().AddTicks(Volatile.Read(ref offsetTicks));

    /// <summary>Timers measure spans, which moving the clock does not shorten.</summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => system.CreateTimer(callback, state, dueTime, period);

    /// <summary>Moves the clock forward; it never goes back.</summary>
    public void Advance(TimeSpan by)
    {
        if (by < TimeSpan.Zero) throw new ArgumentOutOfRangeException(nameof(by), by, "The clock never goes back.");
        lock (gate)
        {
            // Stored first: nothing may be decided at a time that a crash would take back.
            var ticks = offsetTicks + by.Ticks;
            if (file is not null) Store(file, (ticks / TimeSpan.TicksPerSecond).ToString(CultureInfo.InvariantCulture));
            Volatile.Write(ref offsetTicks, ticks);
        }

        Moved?.Invoke();
    }

    private static long Read(string file) => long.TryParse(File.ReadAllText(file), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        ? checked(seconds * TimeSpan.TicksPerSecond)
        : throw new IOException($"'{file}' is damaged: it should hold by how many seconds the clock is ahead. Write that number into it; with a smaller one than before, time would go back.");

    // Written beside and moved into place: a crash leaves the old offset or the new one, never an empty file that no start could read.
    private static void Store(string file, string text)
    {
        using (var stream = new FileStream(file + ".new", FileMode.Create, FileAccess.Write))
        {
            stream.Write(Encoding.ASCII.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        File.Move(file + ".new", file, overwrite: true);
    }
}
