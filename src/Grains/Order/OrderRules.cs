using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using static Campaigns.Grains.Kernel.GrainRefusal;
using static Campaigns.Grains.Order.OrderRefusal;
using OrderDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Order.OrderEvent>;

namespace Campaigns.Grains.Order;

/// <summary>Where the order is; two stages before it opens, then those that others see.</summary>
internal enum OrderStage
{
    None = 0,
    Holding = 1,
    Rejected = 2,
    Pending = 3,
    Paid = 4,
    Cancelled = 5,
    TimedOut = 6,
}

internal sealed record Refund(string Id, PaymentId Payment, Money Amount, string Reason, RefundStatus State)
{
    /// <summary>What names this refund in a debt.</summary>
    [JsonIgnore]
    public Guid About => Ids.Derive("refund", Id);
}

internal sealed record OrderState
{
    public OrderStage Stage { get; set; }

    public ShopperId Buyer { get; set; }

    public string Kind { get; set; } = "";

    public GrainId? Source { get; set; }

    public Guid? Purpose { get; set; }

    public IReadOnlyList<OrderLine> Lines { get; set; } = [];

    public IReadOnlyList<DiscountLine> Discounts { get; set; } = [];

    public Money Amount { get; set; }

    public int PaymentWindowMinutes { get; set; }

    /// <summary>The lines whose stock is held, until it is known whether all are.</summary>
    public IReadOnlyList<SkuId> Held { get; set; } = [];

    /// <summary>The first refusal of a line: the answer to whoever placed the order.</summary>
    public Refusal? Refusal { get; set; }

    public DateTimeOffset PayBefore { get; set; }

    /// <summary>The payment that was started; there is one at most, it stays open as long as the order does.</summary>
    public PaymentId? Payment { get; set; }

    public PaymentId? PaidBy { get; set; }

    public DateTimeOffset? PaidAt { get; set; }

    public IReadOnlyList<Refund> Refunds { get; set; } = [];

    public Debts Debts { get; set; } = new();

    /// <summary>Holds whose answer is still awaited.</summary>
    [JsonIgnore]
    public int HoldsAwaited => Lines.Count(l => Debts.Contains(OrderRules.Hold, l.Sku.Value));

    /// <summary>True once the stock is back and the source knows.</summary>
    [JsonIgnore]
    public bool IsReleased => !Lines.Any(l => Debts.Contains(OrderRules.Release, l.Sku.Value)) && (Source is not { } source || !Debts.Contains(OrderRules.TellReleased, source.Key));

    /// <summary>True for the buyer, and for the merchant (null), once there is an order to see.</summary>
    public bool IsSeenBy(ShopperId? viewer) => Stage is not (OrderStage.None or OrderStage.Rejected) && (viewer is null || viewer == Buyer);

    public bool HasTaken(PaymentId payment) => PaidBy == payment || Refunds.Any(r => r.Payment == payment);

    public OrderView View(OrderId id, DateTimeOffset now) => new(
        id,
        Kind,
        Stage switch
        {
            OrderStage.Pending => OrderStatus.Pending,
            OrderStage.Paid => OrderStatus.Paid,
            OrderStage.Cancelled => OrderStatus.Cancelled,
            OrderStage.TimedOut => OrderStatus.TimedOut,
            _ => throw new UnreachableException($"An order is not seen while {Stage}."),
        },
        Lines,
        Amount.Fen,
        Discounts,
        PayBefore,
        PaidAt,
        [.. Refunds.Select(r => new OrderRefund(r.Id, r.Amount.Fen, r.State, r.Reason))],
        now);
}

/// <summary>Every rule of an order. Pure: no clock, no chance, no I/O.</summary>
internal static class OrderRules
{
    public const string Hold = "hold";
    public const string Release = "release";
    public const string Consume = "consume";
    public const string Announce = "open-payment";
    public const string TellPaid = "tell-paid";
    public const string TellReleased = "tell-released";
    public const string TellBuyer = "tell-buyer";
    public const string ReturnMoney = "refund";

    public const int LinesMax = 50;
    public const int DiscountsMax = 20;
    public const int QuantityMax = 10_000;
    public const int TitleLengthMax = 300;
    public const int NameLengthMax = 120;
    public const int ReasonLengthMax = 500;
    public const int PaymentWindowMinutesMax = 1_440;

    public const string LatePayment = "late payment";
    public const string SecondPayment = "second payment";
    public const string WrongAmount = "wrong amount";

    /// <remarks>An order that the stock refused never was one: asked again it is decided again, as every refusal is.</remarks>
    public static OrderDecision Decide(OrderState state, PlaceOrder command, DateTimeOffset now)
    {
        if (state.Stage != OrderStage.None && !(state.Stage == OrderStage.Rejected && state.IsReleased)) return OrderDecision.Nothing;
        if (command.Kind is not { Length: > 0 and <= 40 }) return Refusal.Invalid("kind", "A kind has 1 to 40 characters.");
        if (command.Lines.Count is < 1 or > LinesMax) return Refusal.Invalid("lines", "An order has 1 to 50 lines.");
        if (command.Lines.Select((_, i) => WrongWith(command.Lines, i)).FirstOrDefault(r => r is not null) is { } wrongLine) return wrongLine;
        if (command.Discounts.Count > DiscountsMax) return Refusal.Invalid("discountLines", "An order has at most 20 discounts.");
        if (command.Discounts.Select(WrongWith).FirstOrDefault(r => r is not null) is { } wrongDiscount) return wrongDiscount;

        var discount = command.Discounts.Sum(d => d.AmountFen);
        var total = command.Lines.Sum(l => l.AmountFen);
        if (discount > total) return Refusal.Invalid("discountLines", "The discounts exceed what is ordered.");
        if (command.PaymentWindowMinutes is < 1 or > PaymentWindowMinutesMax) return Refusal.Invalid("paymentWindowMinutes", "1 to 1,440 minutes.");

        return new OrderPlaced(command.Buyer, command.Kind, command.Source, command.Purpose, command.Lines, command.Discounts, new(total - discount), command.PaymentWindowMinutes);
    }

    public static OrderDecision Decide(OrderState state, StartPayment command, DateTimeOffset now)
    {
        if (!state.IsSeenBy(command.Buyer)) return NotFound;
        if (state.Payment == command.Payment) return OrderDecision.Nothing;
        if (state.Stage != OrderStage.Pending) return OrderNotPayable;
        if (now >= state.PayBefore) return OrderNotPayable;
        if (state.Payment is not null) return OrderDecision.Nothing;

        return new PaymentStarted(command.Payment);
    }

    public static OrderDecision Decide(OrderState state, CancelOrder command, DateTimeOffset now)
    {
        if (!state.IsSeenBy(command.Buyer)) return NotFound;
        if (state.Stage == OrderStage.Cancelled) return OrderDecision.Nothing;
        if (state.Stage != OrderStage.Pending) return OrderNotCancellable;
        if (command.Reason?.Length > ReasonLengthMax) return Refusal.Invalid("reason", "A reason has at most 500 characters.");

        return new OrderCancelled(command.Reason);
    }

    /// <remarks>Money is never refused: what the order cannot take is owed back.</remarks>
    public static OrderDecision Decide(OrderState state, TakePayment command, OrderId self, DateTimeOffset now)
    {
        if (state.Stage == OrderStage.None) return NotFound;
        if (state.HasTaken(command.Payment)) return OrderDecision.Nothing;
        if (state.Stage == OrderStage.Paid) return Return(SecondPayment);
        if (state.Stage != OrderStage.Pending) return Return(LatePayment);
        if (command.Amount != state.Amount) return Return(WrongAmount);

        // Money that came before the time-out was decided counts, even after payBefore: the stock is still held for it.
        return new PaidInFull(command.Payment, now);

        RefundRequested Return(string reason) => new($"{self.Value:N}-{state.Refunds.Count + 1}", command.Payment, command.Amount, reason);
    }

    public static OrderDecision Decide(OrderState state, NoteRefund command, DateTimeOffset now)
    {
        if (state.Refunds.FirstOrDefault(r => string.Equals(r.Id, command.RefundId, StringComparison.Ordinal)) is not { } refund) return NotFound;
        if (refund.State == command.State) return OrderDecision.Nothing;
        if (refund.State == RefundStatus.Succeeded) return OrderDecision.Nothing;

        return new RefundNoted(command.RefundId, command.State);
    }

    public static OrderDecision Decide(OrderState state, Wake command, DateTimeOffset now)
    {
        if (state.Stage != OrderStage.Pending) return OrderDecision.Nothing;
        if (now < state.PayBefore) return OrderDecision.Nothing;

        return new OrderTimedOut();
    }

    public static OrderDecision Settle(OrderState state, Debt debt, in Receipt receipt, DateTimeOffset now)
    {
        if (!state.Debts.Contains(debt.What, debt.About)) return OrderDecision.Nothing;
        if (receipt.Refusal is { Kind: RefusalKind.Busy }) return OrderDecision.Nothing;
        if (debt.What == Hold) return SettleHold(state, new(debt.About), receipt.Refusal, now);

        // Who was only told something has heard it even when it says no; stock and money stay owed until they are where they belong.
        if (receipt.Refusal is not null && debt.What is not (TellPaid or TellReleased or TellBuyer)) return OrderDecision.Nothing;

        return new DebtSettled(debt.What, debt.About);
    }

    public static OrderState Evolve(OrderState state, OrderEvent @event) => @event switch
    {
        OrderPlaced e => state with
        {
            Stage = OrderStage.Holding,
            Held = [],
            Refusal = null,
            Buyer = e.Buyer,
            Kind = e.Kind,
            Source = e.Source,
            Purpose = e.Purpose,
            Lines = e.Lines,
            Discounts = e.Discounts,
            Amount = e.Amount,
            PaymentWindowMinutes = e.PaymentWindowMinutes,
            Debts = Owe(state.Debts, Hold, e.Lines.Select(l => l.Sku)),
        },
        LineHeld e => state with { Held = [.. state.Held, e.Sku], Debts = state.Debts.Settle(Hold, e.Sku.Value) },
        LineRefused e => state with { Refusal = state.Refusal ?? new(e.Code, e.Kind), Debts = state.Debts.Settle(Hold, e.Sku.Value) },
        OrderOpened e => state with { Stage = OrderStage.Pending, PayBefore = e.PayBefore },
        OrderRejected e => state with { Stage = OrderStage.Rejected, Refusal = new(e.Code, e.Kind), Debts = Owe(state.Debts, Release, state.Held) },
        PaymentStarted e => state with { Payment = e.Payment, Debts = state.Debts.Owe(Announce, e.Payment.Value) },
        PaidInFull e => state with
        {
            Stage = OrderStage.Paid,
            PaidBy = e.Payment,
            PaidAt = e.At,
            Debts = OweSource(Owe(state.Debts, Consume, state.Held), TellPaid, state.Source).Owe(TellBuyer, state.Buyer.Value),
        },
        OrderCancelled => state with { Stage = OrderStage.Cancelled, Debts = Owe(state.Debts, Release, state.Held) },
        OrderTimedOut => state with { Stage = OrderStage.TimedOut, Debts = Owe(state.Debts, Release, state.Held) },
        RefundRequested e => Add(state, new(e.Refund, e.Payment, e.Amount, e.Reason, RefundStatus.Requested)),
        RefundNoted e => state with { Refunds = [.. state.Refunds.Select(r => string.Equals(r.Id, e.Refund, StringComparison.Ordinal) ? r with { State = e.State } : r)] },
        DebtSettled { What: Release } e => Released(state with { Debts = state.Debts.Settle(e.What, e.About) }),
        DebtSettled e => state with { Debts = state.Debts.Settle(e.What, e.About) },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    /// <summary>The last answer decides: all lines held opens the order, one refused gives the others back.</summary>
    private static OrderDecision SettleHold(OrderState state, SkuId sku, Refusal? refusal, DateTimeOffset now)
    {
        OrderEvent answered = refusal is null ? new LineHeld(sku) : new LineRefused(sku, refusal.Code, refusal.Kind);
        if (state.HoldsAwaited > 1) return answered;
        if ((state.Refusal ?? refusal) is { } first) return new[] { answered, new OrderRejected(first.Code, first.Kind) };

        var opened = new OrderOpened(now.AddMinutes(state.PaymentWindowMinutes));
        if (state.Amount == Money.Zero) return new[] { answered, opened, new PaidInFull(null, now) };

        return new[] { answered, opened };
    }

    /// <summary>The source hears of it when all the stock is back: told earlier, it could give the place away, or order again, before its unit is there.</summary>
    private static OrderState Released(OrderState state) =>
        state is { Stage: OrderStage.Cancelled or OrderStage.TimedOut, IsReleased: true } ? state with { Debts = OweSource(state.Debts, TellReleased, state.Source) } : state;

    private static OrderState Add(OrderState state, Refund refund) =>
        state with { Refunds = [.. state.Refunds, refund], Debts = state.Debts.Owe(ReturnMoney, refund.About) };

    private static Debts Owe(Debts debts, string what, IEnumerable<SkuId> skus) => skus.Aggregate(debts, (all, sku) => all.Owe(what, sku.Value));

    private static Debts OweSource(Debts debts, string what, GrainId? source) => source is { } grain ? debts.Owe(what, grain.Key) : debts;

    private static Refusal? WrongWith(IReadOnlyList<OrderLine> lines, int i)
    {
        var line = lines[i];
        if (line.Title is not { Length: > 0 and <= TitleLengthMax }) return Refusal.Invalid($"lines[{i}].title", "A title has 1 to 300 characters.");
        if (line.Quantity is < 1 or > QuantityMax) return Refusal.Invalid($"lines[{i}].quantity", "1 to 10,000 units.");
        if (line.UnitPriceFen < 0 || line.UnitPriceFen > Money.Max.Fen) return Refusal.Invalid($"lines[{i}].unitPriceFen", "0 to 10,000,000,000 fen.");
        if (line.AmountFen != line.UnitPriceFen * line.Quantity) return Refusal.Invalid($"lines[{i}].amountFen", "The amount is the unit price times the quantity.");

        // One hold per order and SKU: a second line of the same SKU would be taken for a repeat and hold nothing.
        if (lines.Take(i).Any(l => l.Sku == line.Sku)) return Refusal.Invalid($"lines[{i}].sku", "Each SKU has one line.");

        return null;
    }

    private static Refusal? WrongWith(DiscountLine discount, int i)
    {
        if (discount.Name is not { Length: > 0 and <= NameLengthMax }) return Refusal.Invalid($"discountLines[{i}].name", "A name has 1 to 120 characters.");
        if (discount.FundedBy is not ("platform" or "merchant" or "supplier" or "leader")) return Refusal.Invalid($"discountLines[{i}].fundedBy", "Funded by platform, merchant, supplier or leader.");
        if (discount.AmountFen < 1 || discount.AmountFen > Money.Max.Fen * QuantityMax) return Refusal.Invalid($"discountLines[{i}].amountFen", "A discount is positive.");

        return null;
    }
}
