namespace Campaigns.Tests.WeChatPayStandIn;

internal enum PayCall
{
    Unknown = 0,
    Prepay = 1,
    Query = 2,
    Close = 3,
    Refund = 4,
    QueryRefund = 5,
    Certificates = 6,
    Bill = 7,
    Download = 8,
    Transfer = 9,
    QueryTransfer = 10,
    CancelTransfer = 11,
}

/// <summary>What goes wrong with a call that was right. <c>Done</c> and <c>Undone</c> say whether the gateway did what was asked all the same.</summary>
internal enum Fault
{
    /// <summary>No answer until <see cref="Faults.Release"/>: the client runs out of time.</summary>
    HeldDone = 1,
    HeldUndone = 2,
    ErrorDone = 3,
    ErrorUndone = 4,
    LimitedDone = 5,
    LimitedUndone = 6,
    BadGatewayDone = 7,
    BadGatewayUndone = 8,

    /// <summary>The connection ends without an answer.</summary>
    DroppedDone = 9,
    DroppedUndone = 10,

    // Done, and answered so that nobody may believe it.
    WrongSignature = 11,
    ProbeSignature = 12,
    StaleSignature = 13,
    UnknownSerial = 14,
    NoSignature = 15,
    AlteredBody = 16,
}

/// <summary>The faults a test orders: for the next calls of a kind, or now and then.</summary>
internal sealed class Faults(int seed)
{
    private readonly Lock gate = new();
    private readonly Random random = new(seed);
    private readonly Dictionary<PayCall, Queue<Fault>> next = [];
    private readonly List<(PayCall Call, Fault Fault, double Probability)> sometimes = [];
    private TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the test lets go of what is held.</summary>
    public Task Released
    {
        get
        {
            lock (gate) return held.Task;
        }
    }

    public void Next(PayCall call, Fault fault, int times = 1)
    {
        lock (gate)
        {
            if (!next.TryGetValue(call, out var queue)) next.Add(call, queue = new());
            for (var i = 0; i < times; i++) queue.Enqueue(fault);
        }
    }

    /// <param name="probability">of each call, drawn with the seed</param>
    public void Sometimes(PayCall call, Fault fault, double probability)
    {
        lock (gate) sometimes.Add((call, fault, probability));
    }

    /// <summary>From now on everything goes well; what is held stays so.</summary>
    public void End()
    {
        lock (gate)
        {
            next.Clear();
            sometimes.Clear();
        }
    }

    /// <summary>Answers what is held; later calls can be held again.</summary>
    public void Release()
    {
        lock (gate)
        {
            held.SetResult();
            held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public Fault? Take(PayCall call)
    {
        lock (gate)
        {
            if (next.TryGetValue(call, out var queue) && queue.TryDequeue(out var fault)) return fault;
            foreach (var (on, chance, probability) in sometimes)
                if (on == call && random.NextDouble() < probability) return chance;
            return null;
        }
    }
}
