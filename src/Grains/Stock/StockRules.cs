using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using static Campaigns.Grains.Kernel.GrainRefusal;
using static Campaigns.Grains.Stock.StockRefusal;
using StockDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Stock.StockEvent>;

namespace Campaigns.Grains.Stock;

/// <summary>What a purpose may take and has taken: units in order holds or already sold count as taken.</summary>
internal sealed class Reservation
{
    public long Total { get; set; }

    public long Taken { get; set; }

    /// <summary>When the newest wish that set it was made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset AskedAt { get; set; }

    [JsonIgnore]
    public long Left => Total - Taken;
}

[StructLayout(LayoutKind.Auto)]
internal readonly record struct StockHold(Guid? Purpose, int Quantity, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] DateTimeOffset AskedAt = default);

/// <remarks>
/// Changed in place: holds come by the ten thousand a second at one SKU and a million may be open, so neither copying nor an
/// immutable tree is affordable. One cell owns it.
/// </remarks>
internal sealed class StockState
{
    public string? Title { get; set; }

    public string Name { get; set; } = "";

    public string Type { get; set; } = "";

    public Money ListPrice { get; set; }

    /// <summary>Its own commission rates; null if the shop's apply.</summary>
    public CommissionRates? Commission { get; set; }

    public long OnHand { get; set; }

    /// <summary>Σ left of the purposes + Σ holds, kept as a sum so that a hold is O(1).</summary>
    public long Reserved { get; set; }

    public Dictionary<Guid, Reservation> Purposes { get; set; } = [];

    public Dictionary<Guid, StockHold> Holds { get; set; } = [];

    /// <summary>The newest closed purposes, oldest first: a reservation that arrives after its end must not lock units up for ever.</summary>
    public List<Guid> Closed { get; set; } = [];

    /// <summary>Holds and wishes for reservations that are over or were refused.</summary>
    public Past Past { get; set; } = new();

    [JsonIgnore]
    public bool IsOpen => Title is not null;

    [JsonIgnore]
    public long Available => OnHand - Reserved;

    /// <summary>How many units a hold for this purpose finds.</summary>
    public long LeftFor(Guid? purpose) => purpose is not { } id ? Available : Purposes.TryGetValue(id, out var reservation) ? reservation.Left : 0;

    public SkuView View(SkuId id) => new(id, Title!, Name, Type, ListPrice.Fen, new(OnHand, Reserved, Available), Commission);
}

/// <summary>Every rule of a SKU's stock. Pure: no clock, no chance, no I/O. At all times <c>available = onHand − reserved ≥ 0</c>.</summary>
internal static class StockRules
{
    public const long OnHandMax = 10_000_000;
    public const int QuantityMax = 10_000;
    public const int PurposesMax = 1_000;
    public const int HoldsMax = 1_000_000;
    public const int ReasonLengthMax = 500;

    public static StockDecision Decide(StockState state, OpenStock command, DateTimeOffset now)
    {
        if (state.IsOpen) return StockDecision.Nothing;
        if (!IsPrice(command.ListPrice)) return Refusal.Invalid("listPriceFen", "0 to 10,000,000,000 fen.");
        if (command.OnHand is < 0 or > OnHandMax) return Refusal.Invalid("stock", "0 to 10,000,000 units.");
        if (CommissionRules.WrongWith(command.Commission) is { } wrong) return wrong;

        return new StockOpened(command.Title, command.Name, command.Type, command.ListPrice, command.OnHand, command.Commission, now);
    }

    public static StockDecision Decide(StockState state, ChangeStock command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (command.Delta is 0 or < -OnHandMax or > OnHandMax) return Refusal.Invalid("delta", "1 to 10,000,000 units more or fewer.");
        if (string.IsNullOrWhiteSpace(command.Reason) || command.Reason.Length > ReasonLengthMax) return Refusal.Invalid("reason", "A reason has 1 to 500 characters.");
        if (state.OnHand + command.Delta > OnHandMax) return Refusal.Invalid("delta", "At most 10,000,000 units on hand.");
        if (state.Available + command.Delta < 0) return SoldOut;

        return new StockChanged(command.Delta, command.Reason);
    }

    public static StockDecision Decide(StockState state, ChangePrice command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (!IsPrice(command.ListPrice)) return Refusal.Invalid("listPriceFen", "0 to 10,000,000,000 fen.");
        if (command.ListPrice == state.ListPrice) return StockDecision.Nothing;

        return new PriceChanged(command.ListPrice);
    }

    public static StockDecision Decide(StockState state, ChangeCommission command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (CommissionRules.WrongWith(command.Commission) is { } wrong) return wrong;
        if (command.Commission == state.Commission) return StockDecision.Nothing;

        return new CommissionChanged(command.Commission);
    }

    public static StockDecision Decide(StockState state, ReserveStock command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (command.Total is < 0 or > OnHandMax) return Refusal.Invalid("total", "0 to 10,000,000 units.");
        if (state.Closed.Contains(command.Purpose)) return WrongState;

        var reservation = state.Purposes.GetValueOrDefault(command.Purpose);
        if (state.Past.Has(command.Purpose, command.AskedAt) || (command.AskedAt != default && command.AskedAt <= reservation?.AskedAt)) return StockDecision.Nothing;
        var total = Math.Max(command.Total, reservation?.Taken ?? 0);
        if (command.UpTo) total = Math.Min(total, (reservation?.Total ?? 0) + state.Available);
        if (reservation?.Total == total) return StockDecision.Nothing;
        if (total - (reservation?.Total ?? 0) > state.Available) return command.AskedAt == default ? SoldOut : new ReservationRefused(command.Purpose, command.AskedAt, Refusal.Of(SoldOut));
        if (reservation is null && state.Purposes.Count >= PurposesMax) return Busy;

        return new StockReserved(command.Purpose, total, command.AskedAt);
    }

    public static StockDecision Decide(StockState state, CloseReservation command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (!state.Purposes.ContainsKey(command.Purpose)) return StockDecision.Nothing;

        return new ReservationClosed(command.Purpose);
    }

    public static StockDecision Decide(StockState state, HoldStock command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (state.Holds.ContainsKey(command.Order)) return StockDecision.Nothing;
        if (state.Past.Has(command.Order, command.AskedAt)) return StockDecision.Nothing;
        if (command.Quantity is < 1 or > QuantityMax) return Refusal.Invalid("quantity", "1 to 10,000 units.");
        if (WhyNotHold(state, command.Order, command.Purpose, command.Quantity) is { } refusal) return refusal.Kind == RefusalKind.Busy || command.AskedAt == default ? refusal : new HoldRefused(command.Order, command.AskedAt, refusal);

        return new StockHeld(command.Order, command.Purpose, command.Quantity, command.AskedAt);
    }

    /// <summary>Why so many units cannot be held now; null if they can, or are.</summary>
    public static Refusal? WhyNotHold(StockState state, Guid order, Guid? purpose, int quantity)
    {
        if (state.Holds.ContainsKey(order)) return null;
        if (quantity > state.LeftFor(purpose)) return Refusal.Of(SoldOut);
        if (state.Holds.Count >= HoldsMax) return Refusal.Of(Busy);

        return null;
    }

    public static StockDecision Decide(StockState state, ConsumeStock command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (!state.Holds.TryGetValue(command.Order, out var hold) || hold.AskedAt > command.AskedAt) return StockDecision.Nothing;

        return new StockConsumed(command.Order, hold.Quantity);
    }

    public static StockDecision Decide(StockState state, ReleaseStock command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (!state.Holds.TryGetValue(command.Order, out var hold) || hold.AskedAt > command.AskedAt) return StockDecision.Nothing;

        return new StockReleased(command.Order, hold.Purpose is { } purpose && state.Purposes.ContainsKey(purpose) ? purpose : null, hold.Quantity);
    }

    public static StockState Evolve(StockState state, StockEvent @event)
    {
        switch (@event)
        {
            case StockOpened e:
                (state.Title, state.Name, state.Type, state.ListPrice, state.OnHand, state.Commission) = (e.Title, e.Name, e.Type, e.ListPrice, e.OnHand, e.Commission);
                state.Past.ForgottenThrough = e.At?.AddTicks(-1); // what was asked for before was not found
                break;
            case StockChanged e:
                state.OnHand += e.Delta;
                break;
            case PriceChanged e:
                state.ListPrice = e.ListPrice;
                break;
            case CommissionChanged e:
                state.Commission = e.Commission;
                break;
            case StockReserved e:
                Reserve(state, e);
                break;
            case ReservationRefused e:
                state.Past.Note(e.Purpose, e.AskedAt, e.Why);
                break;
            case HoldRefused e:
                state.Past.Note(e.Order, e.AskedAt, e.Why);
                break;
            case ReservationClosed e:
                Close(state, e);
                break;
            case StockHeld e:
                state.Holds.Add(e.Order, new(e.Purpose, e.Quantity, e.AskedAt));
                Take(state, e.Purpose, e.Quantity);
                break;
            case StockConsumed e:
                End(state, e.Order);
                state.OnHand -= e.Quantity;
                state.Reserved -= e.Quantity;
                break;
            case StockReleased e:
                End(state, e.Order);
                Take(state, e.Purpose, -e.Quantity);
                break;
            default:
                throw new UnreachableException($"Unknown event {@event.GetType().Name}");
        }

        return state;
    }

    private static void Reserve(StockState state, StockReserved e)
    {
        if (!state.Purposes.TryGetValue(e.Purpose, out var reservation)) state.Purposes.Add(e.Purpose, reservation = new());
        state.Reserved += e.Total - reservation.Total;
        (reservation.Total, reservation.AskedAt) = (e.Total, e.AskedAt);
    }

    private static void End(StockState state, Guid order)
    {
        state.Holds.Remove(order, out var hold);
        state.Past.Note(order, hold.AskedAt);
    }

    private static void Close(StockState state, ReservationClosed e)
    {
        state.Purposes.Remove(e.Purpose, out var reservation);
        state.Reserved -= reservation!.Left;
        state.Past.Note(e.Purpose, reservation.AskedAt);
        state.Closed.Add(e.Purpose);
        if (state.Closed.Count > PurposesMax) state.Closed.RemoveAt(0);
    }

    // Units that move between a purpose and a hold stay reserved; only free units change the sum.
    private static void Take(StockState state, Guid? purpose, int quantity)
    {
        if (purpose is { } id) state.Purposes[id].Taken += quantity;
        else state.Reserved += quantity;
    }

    private static bool IsPrice(Money price) => price >= Money.Zero && price <= Money.Max;
}
