namespace Campaigns.Grains.Kernel;

/// <summary>Something that was asked for and is over.</summary>
/// <param name="AskedAt">when whoever wanted it asked, by their own clock: of two times that they ask for the same, the later is later</param>
/// <param name="Why">why it was refused; null if it was granted and has ended</param>
public sealed record Over(Guid About, DateTimeOffset AskedAt, Refusal? Why = null);

/// <summary>
/// What a grain was asked for by messages and is over: a copy of such a message may come at any later time and must do nothing. The newest are
/// remembered one by one. Of the others it is remembered that everything asked for until then is over: that is true for ever and costs one number.
/// </summary>
/// <remarks>
/// What is really new was asked for a moment ago, so it is refused wrongly only if its message was on its way for longer than everything that is
/// remembered. Owned by one state and changed in place.
/// </remarks>
public sealed class Past
{
    /// <summary>20,000 are 2 MB at most.</summary>
    public const int Max = 20_000;

    /// <summary>What was asked for so long before the newest is forgotten.</summary>
    public static readonly TimeSpan Span = TimeSpan.FromMinutes(10);

    private readonly Dictionary<Guid, Over> newest = [];

    /// <summary>Oldest first.</summary>
    public Queue<Over> Remembered
    {
        get;
        set
        {
            field = value;
            newest.Clear();
            foreach (var over in value) newest[over.About] = over;
        }
    } = [];

    /// <summary>What was asked for until then and is not going on is over.</summary>
    public DateTimeOffset? ForgottenThrough { get; set; }

    /// <summary>A moment to ask at: now, or a tick after the last time if the clock has stood still or gone back.</summary>
    public static DateTimeOffset After(DateTimeOffset last, DateTimeOffset now) => now > last ? now : last.AddTicks(1);

    /// <summary>True if this is a repeat of something that is over.</summary>
    /// <param name="askedAt">default for what was asked by an earlier release, which never repeats it now</param>
    public bool Has(Guid about, DateTimeOffset askedAt) =>
        askedAt != default && (askedAt <= ForgottenThrough || (newest.TryGetValue(about, out var over) && askedAt <= over.AskedAt));

    /// <summary>Why this was refused; null if it was granted and has ended.</summary>
    /// <param name="unknown">what is said of something that is not remembered</param>
    public Refusal? WhyNot(Guid about, DateTimeOffset askedAt, Refusal? unknown = null) => newest.TryGetValue(about, out var over) && over.AskedAt == askedAt ? over.Why : unknown;

    /// <summary>It is over from now on.</summary>
    public void Note(Guid about, DateTimeOffset askedAt, Refusal? why = null)
    {
        if (askedAt == default) return;
        var over = new Over(about, askedAt, why);
        Remembered.Enqueue(over);
        newest[about] = over;
        while (Remembered.Count > Max || Remembered.Peek().AskedAt < askedAt - Span) Forget(Remembered.Dequeue());
    }

    private void Forget(Over over)
    {
        if (!(over.AskedAt <= ForgottenThrough)) ForgottenThrough = over.AskedAt;
        if (newest[over.About] == over) newest.Remove(over.About);
    }
}
