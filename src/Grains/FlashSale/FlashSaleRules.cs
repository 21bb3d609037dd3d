using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using static Campaigns.Grains.Campaign.CampaignRefusal;
using static Campaigns.Grains.Kernel.GrainRefusal;
using SaleDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.FlashSale.FlashSaleEvent>;

namespace Campaigns.Grains.FlashSale;

/// <summary>Where the current occurrence is. <c>Reserving → Ready → Ending → Closing → Planned → Reserving → …</c>, and <c>Finished</c> after the last.</summary>
internal enum SalePhase
{
    None = 0,

    /// <summary>The stock is asked for its units.</summary>
    Reserving = 1,

    /// <summary>It has its units and sells them in its window.</summary>
    Ready = 2,

    /// <summary>Nothing is taken any more; orders that are being opened still need the reservation.</summary>
    Ending = 3,

    /// <summary>What is left goes back to the stock.</summary>
    Closing = 4,

    /// <summary>The next occurrence is known and has no units yet.</summary>
    Planned = 5,

    Finished = 6,
}

/// <param name="Number">the occurrence it was taken in</param>
/// <param name="IsLate">for late money: only an order that came to nothing after that ends it</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SaleHold(Guid Shopper, int Quantity, int Number, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool IsLate = false);

internal readonly record struct ReturnedTake(Guid Order, Refusal Why);

/// <remarks>
/// Changed in place: takes come by the ten thousand a second at one sale, and a million may buy in it, so neither copying nor an immutable
/// tree is affordable. Who bought costs 45 bytes each at a million buyers. One cell owns it.
/// </remarks>
internal sealed class FlashSaleState : IOrderSource
{
    public const string ReserveDebt = "reserve-units";
    public const string PlaceDebt = "place-order";
    public const string CloseDebt = "close-reservation";
    public const string OverDebt = "close-participation";

    private HashSet<Guid> ended = [];

    /// <summary>Null before the campaign has asked for the sale.</summary>
    public SalePrepared? Sale { get; set; }

    /// <summary>Why the newest preparation was refused by the stock.</summary>
    public Refusal? RefusedPreparation { get; set; }

    public SalePhase Phase { get; set; }

    /// <summary>Of the current occurrence, from 1.</summary>
    public int Number { get; set; }

    /// <summary>What the current occurrence's units are reserved for at the stock.</summary>
    public Guid Purpose { get; set; }

    public DateTimeOffset OpensAt { get; set; }

    public DateTimeOffset ClosesAt { get; set; }

    /// <summary>True once its opening was told.</summary>
    public bool IsOpened { get; set; }

    public bool IsPaused { get; set; }

    /// <summary>The number of the pause or resumption that was heard of last.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int PauseHeard { get; set; }

    public bool IsKilled { get; set; }

    /// <summary>What each occurrence is meant to sell.</summary>
    public int Quota { get; set; }

    /// <summary>What the current one may sell in all: less than the quota if the stock had no more.</summary>
    public int Total { get; set; }

    public int Held { get; set; }

    public int Sold { get; set; }

    /// <summary>Units in orders of earlier occurrences that are neither paid nor released.</summary>
    public int PastHeld { get; set; }

    /// <summary>Orders that are being opened.</summary>
    public int Placing { get; set; }

    /// <summary>The newest wish of the campaign that was decided.</summary>
    public Guid LastRequest { get; set; }

    /// <summary>When that wish was made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset WishedAt { get; set; }

    /// <summary>When the stock was last asked for units.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset AskedAt { get; set; }

    /// <summary>The change of the quota that waits for the stock.</summary>
    public SaleQuotaAsked? Change { get; set; }

    public SaleQuotaRefused? RefusedChange { get; set; }

    /// <summary>When the newest units were taken.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset TakenAt { get; set; }

    /// <summary>When the orders that are being opened were wanted.</summary>
    public Dictionary<Guid, DateTimeOffset> WantedAt { get; set; } = [];

    /// <summary>Orders that are neither paid nor released.</summary>
    public Dictionary<Guid, SaleHold> Holds { get; set; } = [];

    /// <summary>Units that each shopper holds or has bought in the current occurrence, while it sells; 0 for who gave back what they had.</summary>
    public Dictionary<Guid, int> UnitsOf { get; set; } = [];

    /// <summary>The newest orders that were paid or released, oldest first: a late repeat must neither take nor give back once more.</summary>
    public Queue<Guid> Ended
    {
        get;
        set
        {
            field = value;
            ended = [.. value];
        }
    } = [];

    /// <summary>Why the newest orders were refused, for those who still wait for the answer.</summary>
    public Queue<ReturnedTake> Returned { get; set; } = [];

    /// <summary>Late money that was offered: each offer is taken or refused once.</summary>
    public Past Past { get; set; } = new();

    public Debts Debts { get; set; } = new();

    [JsonIgnore]
    public int Available => Total - Held - Sold;

    /// <summary>True once the campaign could be published with it.</summary>
    [JsonIgnore]
    public bool IsThere => Phase != SalePhase.None && !(Phase == SalePhase.Reserving && Number == 1);

    public bool IsPlacing(OrderId order) => Debts.Contains(PlaceDebt, order.Value);

    public bool HasEnded(OrderId order) => ended.Contains(order.Value);

    public void Remember(OrderId order)
    {
        if (!ended.Add(order.Value)) return;
        Ended.Enqueue(order.Value);
        if (Ended.Count > FlashSaleRules.EndedMax) ended.Remove(Ended.Dequeue());
    }

    public bool Stands(OrderId order) => Holds.ContainsKey(order.Value);

    public bool KnowsPaid(OrderId order) => !Stands(order) || IsPlacing(order);

    public bool KnowsLost(OrderId order) => !Stands(order) || IsPlacing(order);
}

/// <summary>Every rule of the flash sale. Pure: no clock, no chance, no I/O. At all times <c>available + held + sold = total</c>, each at least 0.</summary>
internal static class FlashSaleRules
{
    public const int QuantityMax = StockRules.QuantityMax;

    /// <summary>As many as a SKU's stock holds.</summary>
    public const int HoldsMax = StockRules.HoldsMax;

    /// <summary>Fewer than may wait at a grain: whoever is refused for want of room has taken nothing.</summary>
    public const int PlacingMax = 8_000;

    /// <summary>A repeat comes within seconds; 10,000 orders are 600 KB at most.</summary>
    public const int EndedMax = 10_000;

    /// <summary>Refusals that are kept for callers who still wait. A lane settles 256 before it answers them.</summary>
    public const int ReturnedMax = 512;

    /// <summary>A later occurrence asks the stock for its units so long before it begins.</summary>
    public static readonly TimeSpan ReserveAhead = TimeSpan.FromHours(1);

    public static SaleDecision Decide(FlashSaleState state, PrepareSale command, DateTimeOffset now)
    {
        if (command.AskedAt != default && command.AskedAt <= state.WishedAt) return SaleDecision.Nothing;
        if (state.Phase == SalePhase.None) return Prepare(state, command, now);
        if (state.LastRequest == command.Request) return SaleDecision.Nothing;
        if (state.Change is not null || state.Phase == SalePhase.Reserving) return Busy;
        if (state.IsKilled || state.Phase == SalePhase.Finished) return CampaignNotRunning;
        if (state.Phase != SalePhase.Ready) return new SaleQuotaChanged(command.Request, command.Total, state.Total, now, command.AskedAt);

        // Where the stock had less than the quota, a smaller quota takes away only what is above it.
        var quota = Math.Max(command.Total, state.Held + state.Sold);
        var total = quota < state.Quota ? Math.Min(state.Total, quota) : state.Total + quota - state.Quota;
        if (total == state.Total) return new SaleQuotaChanged(command.Request, quota, total, now, command.AskedAt);

        return new SaleQuotaAsked(command.Request, quota, total, Math.Min(total, state.Total), Past.After(state.AskedAt, now), command.AskedAt);
    }

    public static SaleDecision Decide(FlashSaleState state, TakeUnits command, DateTimeOffset now)
    {
        if (!state.IsThere) return NotFound;
        if (state.Stands(command.Order) || state.HasEnded(command.Order)) return SaleDecision.Nothing;
        if (command.Quantity is < 1 or > QuantityMax) return Refusal.Invalid("quantity", "1 to 10,000 units.");
        if (WhyNotSell(state, command.Shopper, command.Quantity, now) is { } refusal) return refusal;
        if (state.Holds.Count >= HoldsMax) return Busy;
        if (state.Placing >= PlacingMax) return Busy;

        var taken = new UnitsTaken(command.Order, command.Shopper, command.Quantity, Past.After(state.TakenAt, now));
        return state.IsOpened ? taken : new FlashSaleEvent[] { new SaleOpened(state.Number, now), taken };
    }

    /// <remarks>Units are left, or the money goes back: a paid order of an occurrence that is over takes nothing from the next one.</remarks>
    public static SaleDecision Decide(FlashSaleState state, OfferLatePayment command, DateTimeOffset now)
    {
        if (!state.IsThere) return NotFound;
        if (state.Stands(command.Order)) return state.IsPlacing(command.Order) ? Settled(state, command.Order, new TakeSettled(command.Order)) : SaleDecision.Nothing;
        if (state.Past.Has(command.Order.Value, command.OfferedAt)) return SaleDecision.Nothing;
        if (command.Purpose != state.Purpose) return CampaignNotRunning;
        if (WhyNotSell(state, command.Buyer, command.Quantity, now) is { } refusal) return command.OfferedAt == default ? refusal : new LateUnitsRefused(command.Order, command.OfferedAt, refusal);
        if (state.Holds.Count >= HoldsMax) return Busy;

        return new LateUnitsTaken(command.Order, command.Buyer, command.Quantity, now, command.OfferedAt);
    }

    public static SaleDecision Decide(FlashSaleState state, OrderPaid command, DateTimeOffset now)
    {
        if (!state.IsThere) return NotFound;
        if (!state.Holds.TryGetValue(command.Order.Value, out var hold)) return SaleDecision.Nothing;

        return Settled(state, command.Order, new UnitsSold(command.Order, hold.Quantity, now), endsHold: true);
    }

    public static SaleDecision Decide(FlashSaleState state, OrderReleased command, DateTimeOffset now)
    {
        if (!state.IsThere) return NotFound;
        if (!state.Holds.TryGetValue(command.Order.Value, out var hold)) return SaleDecision.Nothing;
        if (hold.IsLate && !command.WasLate) return SaleDecision.Nothing;

        var sellsAgain = hold.Number == state.Number && state.Phase == SalePhase.Ready;
        return Settled(state, command.Order, new UnitsReleased(command.Order, hold.Quantity, sellsAgain, now), endsHold: true);
    }

    public static SaleDecision Decide(FlashSaleState state, SetPaused command, DateTimeOffset now)
    {
        if (!state.IsThere) return NotFound;
        if (state.IsPaused == command.Paused) return SaleDecision.Nothing;
        if (command.Number != 0 && command.Number <= state.PauseHeard) return SaleDecision.Nothing;

        return command.Paused ? new SalePaused(now, command.Number) : new SaleResumed(now, command.Number);
    }

    /// <remarks>Open orders stay payable until their holds run out.</remarks>
    public static SaleDecision Decide(FlashSaleState state, CancelParticipation _, DateTimeOffset now)
    {
        if (!state.IsThere) return NotFound;
        if (state.IsKilled) return SaleDecision.Nothing;

        return state.Phase switch
        {
            SalePhase.Ready => (FlashSaleEvent[])[new SaleKilled(now), .. End(state, now)],
            SalePhase.Planned => (FlashSaleEvent[])[new SaleKilled(now), .. Finish(state)],
            _ => new SaleKilled(now),
        };
    }

    public static SaleDecision Decide(FlashSaleState state, Wake _, DateTimeOffset now)
    {
        if (state.Phase == SalePhase.Planned && now < state.OpensAt - ReserveAhead) return SaleDecision.Nothing;
        if (state.Phase == SalePhase.Planned && now >= state.ClosesAt) return Skip(state, now);
        if (state.Phase == SalePhase.Planned) return new UnitsAsked(state.Number, Past.After(state.AskedAt, now));
        if (state.Phase != SalePhase.Ready) return SaleDecision.Nothing;
        if (now >= state.ClosesAt) return End(state, now);
        if (state.IsOpened || now < state.OpensAt) return SaleDecision.Nothing;

        return new SaleOpened(state.Number, now);
    }

    /// <summary>The order is open, or was refused: the stock had not the units after all, or the order was over long ago.</summary>
    public static SaleDecision OrderDecided(FlashSaleState state, OrderId order, Refusal? refusal, DateTimeOffset now) =>
        refusal is null
            ? Settled(state, order, new TakeSettled(order))
            : Settled(state, order, new TakeRefused(order, state.Holds[order.Value].Quantity, refusal, now));

    /// <summary>The stock has answered: either an occurrence waited for its units, or a change of the quota.</summary>
    /// <param name="reserved">what may be sold in all; null if that was refused</param>
    public static SaleDecision StockDecided(FlashSaleState state, ReservedStock? reserved, DateTimeOffset now) => (state.Phase, state.Change, reserved) switch
    {
        (SalePhase.Reserving, _, null) when state.Number == 1 => new PreparationRefused(Refusal.Of(SoldOut)),
        (SalePhase.Reserving, _, _) when state.IsKilled => (FlashSaleEvent[])[new UnitsReserved(state.Number, (int)(reserved?.Total ?? 0), now), .. End(state, now)],
        (SalePhase.Reserving, _, _) => new UnitsReserved(state.Number, (int)(reserved?.Total ?? 0), now),
        (_, { } change, { Total: var total }) => (FlashSaleEvent[])[new SaleQuotaChanged(change.Request, change.Quota, (int)total, now, change.WishedAt), .. RestAfterChange(state)],
        (_, { } change, _) => (FlashSaleEvent[])[new SaleQuotaRefused(change.Request, Refusal.Of(SoldOut)), .. RestAfterChange(state)],
        _ => throw new UnreachableException("The stock answered, and nothing was asked."),
    };

    /// <summary>What was left is back at the stock.</summary>
    public static SaleDecision ReservationClosed(FlashSaleState state, DateTimeOffset now) =>
        !state.IsKilled && NextOf(state, now) is { } next ? (FlashSaleEvent[])[new OccurrenceClosed(state.Number), Plan(state, next, now)] : Finish(state);

    /// <summary>The occurrence after the current one that has not ended yet; null if there is none.</summary>
    public static Occurrence? NextOf(FlashSaleState state, DateTimeOffset now)
    {
        var sale = state.Sale!;
        return FlashSaleCalendar.Next(sale.Terms.WeeklySlot, sale.TimeZone, sale.StartsAt, sale.EndsAt, now > state.ClosesAt ? now : state.ClosesAt);
    }

    public static FlashSaleState Evolve(FlashSaleState state, FlashSaleEvent @event)
    {
        switch (@event)
        {
            case SalePrepared e:
                state.Sale = e;
                state.RefusedPreparation = null;
                (state.LastRequest, state.WishedAt, state.AskedAt) = (e.Request, e.WishedAt, e.At);
                state.Quota = e.Quota;
                Begin(state, 1, e.OpensAt, e.ClosesAt, SalePhase.Reserving);
                state.Debts.Owe(FlashSaleState.ReserveDebt, state.Purpose);
                break;
            case PreparationRefused e:
                state.Phase = SalePhase.None;
                state.RefusedPreparation = e.Why;
                state.Debts.Settle(FlashSaleState.ReserveDebt, state.Purpose);
                break;
            case UnitsAsked e:
                state.Phase = SalePhase.Reserving;
                state.AskedAt = e.At;
                state.Debts.Owe(FlashSaleState.ReserveDebt, state.Purpose);
                break;
            case UnitsReserved e:
                state.Phase = SalePhase.Ready;
                state.Total = e.Total;
                state.Debts.Settle(FlashSaleState.ReserveDebt, state.Purpose);
                break;
            case SaleOpened:
                state.IsOpened = true;
                break;
            case UnitsTaken e:
                Take(state, e.Order, e.Shopper, e.Quantity);
                state.Placing++;
                state.TakenAt = e.At;
                state.WantedAt.Add(e.Order.Value, e.At);
                state.Debts.Owe(FlashSaleState.PlaceDebt, e.Order.Value);
                break;
            case LateUnitsTaken e:
                Take(state, e.Order, e.Shopper, e.Quantity, isLate: true);
                state.Past.Note(e.Order.Value, e.OfferedAt);
                break;
            case LateUnitsRefused e:
                state.Past.Note(e.Order.Value, e.OfferedAt, e.Why);
                break;
            case TakeSettled e:
                Place(state, e.Order);
                break;
            case TakeRefused e:
                GiveBack(state, e.Order);
                state.Returned.Enqueue(new(e.Order.Value, e.Why));
                if (state.Returned.Count > ReturnedMax) state.Returned.Dequeue();
                break;
            case UnitsSold e:
                Sell(state, e.Order);
                state.Remember(e.Order);
                break;
            case UnitsReleased e:
                GiveBack(state, e.Order);
                state.Remember(e.Order);
                break;
            case SalePaused e:
                (state.IsPaused, state.PauseHeard) = (true, e.Number);
                break;
            case SaleResumed e:
                (state.IsPaused, state.PauseHeard) = (false, e.Number);
                break;
            case SaleKilled:
                state.IsKilled = true;
                break;
            case SaleQuotaAsked e:
                (state.LastRequest, state.WishedAt, state.AskedAt) = (e.Request, e.WishedAt, e.At);
                state.Total = e.Total;
                state.Change = e;
                state.RefusedChange = null;
                state.Debts.Owe(FlashSaleState.ReserveDebt, state.Purpose);
                break;
            case SaleQuotaChanged e:
                (state.LastRequest, state.WishedAt) = (e.Request, e.WishedAt);
                state.Quota = e.Quota;
                state.Total = e.Total;
                state.Change = null;
                state.RefusedChange = null;
                state.Debts.Settle(FlashSaleState.ReserveDebt, state.Purpose);
                break;
            case SaleQuotaRefused e:
                state.Change = null;
                state.RefusedChange = e;
                state.Debts.Settle(FlashSaleState.ReserveDebt, state.Purpose);
                break;
            case SaleEnded:
                state.Phase = SalePhase.Ending;
                break;
            case RestReturned:
                state.Phase = SalePhase.Closing;
                state.Total = state.Held + state.Sold;
                state.UnitsOf = [];
                state.Debts.Owe(FlashSaleState.CloseDebt, state.Purpose);
                break;
            case OccurrenceClosed:
                state.Phase = SalePhase.Finished;
                state.Debts.Settle(FlashSaleState.CloseDebt, state.Purpose);
                break;
            case OccurrencePlanned e:
                state.PastHeld += state.Held;
                Begin(state, e.Number, e.OpensAt, e.ClosesAt, SalePhase.Planned);
                break;
            case SaleOver:
                state.Debts.Owe(FlashSaleState.OverDebt, state.Sale!.Campaign.Value);
                break;
            case SaleClosed:
                state.Debts.Settle(FlashSaleState.OverDebt, state.Sale!.Campaign.Value);
                break;
            default:
                throw new UnreachableException($"Unknown event {@event.GetType().Name}.");
        }

        return state;
    }

    private static SaleDecision Prepare(FlashSaleState state, PrepareSale command, DateTimeOffset now)
    {
        if (FlashSaleCalendar.Next(command.Terms.WeeklySlot, command.TimeZone, command.StartsAt, command.EndsAt, now) is not { } first) return CampaignNotRunning;

        return new SalePrepared(
            command.Request,
            command.Campaign,
            command.Revision,
            command.Sku,
            command.Title,
            command.ListPrice.Fen,
            command.Terms,
            command.TimeZone,
            command.StartsAt,
            command.EndsAt,
            command.Total,
            first.StartsAt,
            first.EndsAt,
            Past.After(state.AskedAt, now),
            command.AskedAt);
    }

    private static Refusal? WhyNotSell(FlashSaleState state, ShopperId shopper, int quantity, DateTimeOffset now)
    {
        if (state.IsKilled) return Refusal.Of(CampaignKilled);
        if (state.IsPaused) return Refusal.Of(CampaignPaused);
        if (state.Phase != SalePhase.Ready || now < state.OpensAt || now >= state.ClosesAt) return Refusal.Of(CampaignNotRunning);
        if (state.UnitsOf.GetValueOrDefault(shopper.Value) + quantity > state.Sale!.Terms.PerUserLimit) return Refusal.Of(PurchaseLimit) with { Limit = state.Sale.Terms.PerUserLimit };
        if (state.Available < quantity) return Refusal.Of(SoldOut);

        return null;
    }

    /// <summary>Something about an order, and what follows if others waited for it: the rest of an ended occurrence goes back, the sale is over.</summary>
    private static SaleDecision Settled(FlashSaleState state, OrderId order, FlashSaleEvent about, bool endsHold = false)
    {
        var placing = state.IsPlacing(order);
        if (state is { Phase: SalePhase.Ending, Change: null, Placing: 1 } && placing) return new FlashSaleEvent[] { about, new RestReturned(state.Number) };
        if (state is { Phase: SalePhase.Finished, Holds.Count: 1 } && endsHold) return new FlashSaleEvent[] { about, new SaleOver() };

        return about;
    }

    private static FlashSaleEvent[] End(FlashSaleState state, DateTimeOffset now) =>
        state is { Placing: 0, Change: null } ? [new SaleEnded(state.Number, now), new RestReturned(state.Number)] : [new SaleEnded(state.Number, now)];

    private static FlashSaleEvent[] RestAfterChange(FlashSaleState state) => state is { Phase: SalePhase.Ending, Placing: 0 } ? [new RestReturned(state.Number)] : [];

    /// <summary>The reservation of a sale's n-th occurrence: each has its own units.</summary>
    public static Guid PurposeOf(CampaignId campaign, int number) => Ids.Derive("flash-sale", campaign.ToString(), number.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static FlashSaleEvent[] Finish(FlashSaleState state) => state.Holds.Count == 0 ? [new OccurrenceClosed(state.Number), new SaleOver()] : [new OccurrenceClosed(state.Number)];

    private static SaleDecision Skip(FlashSaleState state, DateTimeOffset now) => NextOf(state, now) is { } next ? Plan(state, next, now) : Finish(state);

    private static OccurrencePlanned Plan(FlashSaleState state, Occurrence next, DateTimeOffset now) => new(state.Number + 1, next.StartsAt, next.EndsAt, now);

    private static void Begin(FlashSaleState state, int number, DateTimeOffset opensAt, DateTimeOffset closesAt, SalePhase phase)
    {
        (state.Phase, state.Number, state.OpensAt, state.ClosesAt, state.IsOpened) = (phase, number, opensAt, closesAt, false);
        (state.Total, state.Held, state.Sold) = (0, 0, 0);
        state.Purpose = PurposeOf(state.Sale!.Campaign, number);
    }

    private static void Take(FlashSaleState state, OrderId order, ShopperId shopper, int quantity, bool isLate = false)
    {
        state.Holds.Add(order.Value, new(shopper.Value, quantity, state.Number, isLate));
        state.Held += quantity;
        CollectionsMarshal.GetValueRefOrAddDefault(state.UnitsOf, shopper.Value, out _) += quantity;
    }

    private static void Place(FlashSaleState state, OrderId order)
    {
        if (!state.IsPlacing(order)) return;
        state.Placing--;
        state.WantedAt.Remove(order.Value);
        state.Debts.Settle(FlashSaleState.PlaceDebt, order.Value);
    }

    private static void Sell(FlashSaleState state, OrderId order)
    {
        Place(state, order);
        state.Holds.Remove(order.Value, out var hold);
        if (hold.Number == state.Number)
        {
            state.Held -= hold.Quantity;
            state.Sold += hold.Quantity;
        }
        else
        {
            state.PastHeld -= hold.Quantity;
        }
    }

    private static void GiveBack(FlashSaleState state, OrderId order)
    {
        Place(state, order);
        state.Holds.Remove(order.Value, out var hold);
        if (hold.Number != state.Number)
        {
            state.PastHeld -= hold.Quantity;
            return;
        }

        state.Held -= hold.Quantity;
        if (state.Phase is not (SalePhase.Ready or SalePhase.Ending))
        {
            // The rest has gone back already: these units are the stock's, not the sale's.
            state.Total -= hold.Quantity;
            return;
        }

        state.UnitsOf[hold.Shopper] -= hold.Quantity;
    }
}
