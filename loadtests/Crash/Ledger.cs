using System.Collections.Concurrent;
using Campaigns.Grains.Order;

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

/// <summary>What the clients of a flash sale or a group-buy were promised. Its quota counts units.</summary>
internal sealed record UnitOffer(string Id, int Quota, int PerUserLimit);

/// <summary>An acknowledged order and what its buyer did with it.</summary>
/// <param name="campaign">its id</param>
/// <param name="room">where its seat is; null outside group-buys</param>
internal sealed class Purchase(Person buyer, OrderView order, string campaign, string? room = null)
{
    public Person Buyer { get; } = buyer;

    public string Id { get; } = order.Id.ToString();

    public string Campaign { get; } = campaign;

    public string? Room { get; } = room;

    public long AmountFen { get; } = order.AmountFen;

    public int Units { get; } = order.Lines.Sum(l => l.Quantity);

    public volatile string? PaymentId;

    /// <summary>The gateway has taken the money.</summary>
    public volatile bool MoneyGiven;

    /// <summary>A client was shown <c>Paid</c>.</summary>
    public volatile bool SeenPaid;

    /// <summary>A client was told that it is cancelled.</summary>
    public volatile bool SeenCancelled;

    /// <summary>As the last check saw it.</summary>
    public volatile OrderStatus State = order.State;

    /// <summary>It is paid with money that came after its time.</summary>
    public volatile bool PaidLate;

    /// <summary>Nothing more will happen to it unless its buyer acts.</summary>
    public volatile bool IsOver;

    /// <summary>Its units are neither sold to others nor back.</summary>
    public bool HasUnits => State is OrderStatus.Pending or OrderStatus.AwaitingGroup or OrderStatus.Paid;
}

/// <summary>A room as its clients know it.</summary>
/// <param name="campaign">its id</param>
internal sealed class Room(string id, string campaign)
{
    public string Id { get; } = id;

    public string Campaign { get; } = campaign;

    /// <summary>False once a client was told that nobody can join any more.</summary>
    public volatile bool IsOpen = true;
}

/// <summary>Everything that was acknowledged, by everybody.</summary>
internal sealed class Ledger
{
    private readonly ConcurrentDictionary<string, Deal> deals = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Purchase> purchases = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Room> rooms = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, Deal> touched = new(StringComparer.Ordinal);
    private long acknowledged;

    /// <summary>How many facts were acknowledged: bargains, assists, takes, seats, orders, payments, cancellations.</summary>
    public long Acknowledged => Interlocked.Read(ref acknowledged);

    public ICollection<Deal> Deals => deals.Values;

    /// <summary>Orders of flash sales and group-buys; those of bargains are with their deals.</summary>
    public ICollection<Purchase> Purchases => purchases.Values;

    public ICollection<Room> Rooms => rooms.Values;

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

    /// <returns>the order as it was written down first: a second tap is answered with the same</returns>
    public Purchase Add(Purchase purchase)
    {
        Acknowledge();
        if (purchase.Room is { } room) rooms.GetOrAdd(room, id => new(id, purchase.Campaign));
        return purchases.GetOrAdd(purchase.Id, purchase);
    }
}
