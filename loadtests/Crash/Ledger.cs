using System.Collections.Concurrent;

namespace Campaigns.LoadTests.Crash;

/// <summary>What the clients of one campaign were promised.</summary>
internal sealed record Offer(string Id, int Quota, bool PlaceAtLaunch, bool AnyPrice, bool SelfCut);

/// <summary>One bargain as its clients know it: only what was acknowledged.</summary>
internal sealed class Deal(string id, Person owner, Offer offer, string commitment)
{
    public string Id { get; } = id;

    public Person Owner { get; } = owner;

    public Offer Offer { get; } = offer;

    public string Commitment { get; } = commitment;

    /// <summary>Acknowledged assists: helper and cut.</summary>
    public ConcurrentDictionary<string, long> Cuts { get; } = new(StringComparer.Ordinal);

    /// <summary>When each helper tried first, by the product's clock.</summary>
    public ConcurrentDictionary<string, DateTimeOffset> Tried { get; } = new(StringComparer.Ordinal);

    /// <summary>Acknowledged orders.</summary>
    public ConcurrentDictionary<string, Purchase> Orders { get; } = new(StringComparer.Ordinal);

    /// <summary>False once a client was told that nobody can help any more.</summary>
    public volatile bool IsRunning = true;

    public volatile bool MayBeOrdered;

    /// <summary>Ended for good, seen and checked: no later check has to look again until the last one.</summary>
    public volatile bool IsOver;
}

/// <summary>An acknowledged order and what its buyer did with it.</summary>
internal sealed class Purchase(string id, long amountFen)
{
    public string Id { get; } = id;

    public long AmountFen { get; } = amountFen;

    public volatile string? PaymentId;

    /// <summary>The gateway has taken the money.</summary>
    public volatile bool MoneyGiven;

    /// <summary>A client was shown <c>Paid</c>.</summary>
    public volatile bool SeenPaid;

    /// <summary>A client was told that it is cancelled.</summary>
    public volatile bool SeenCancelled;
}

/// <summary>Everything that was acknowledged, by everybody.</summary>
internal sealed class Ledger
{
    private readonly ConcurrentDictionary<string, Deal> deals = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, Deal> touched = new(StringComparer.Ordinal);
    private long acknowledged;

    /// <summary>How many facts were acknowledged: bargains, assists, orders, payments, cancellations.</summary>
    public long Acknowledged => Interlocked.Read(ref acknowledged);

    public ICollection<Deal> Deals => deals.Values;

    public void Acknowledge() => Interlocked.Increment(ref acknowledged);

    public void Touch(Deal deal) => touched[deal.Id] = deal;

    /// <returns>what was touched since the last call</returns>
    public ICollection<Deal> TakeTouched() => Interlocked.Exchange(ref touched, new(StringComparer.Ordinal)).Values;

    /// <returns>false if this bargain was given to somebody before</returns>
    public bool Add(Deal deal)
    {
        Acknowledge();
        Touch(deal);
        return deals.TryAdd(deal.Id, deal);
    }
}
