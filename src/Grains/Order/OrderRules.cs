using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Binding;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using static Campaigns.Grains.Kernel.GrainRefusal;
using static Campaigns.Grains.Order.OrderRefusal;
using static Campaigns.Grains.Payment.PaymentRefusal;
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
    AwaitingGroup = 7,
    Shipped = 8,
    Received = 9,
    Closed = 10,
}

/// <summary>Money that came after the time-out, while it is found out who can take it.</summary>
/// <param name="Tried">the keys of the sources that were asked</param>
/// <param name="Router">who is asked for another source, while that is so</param>
/// <param name="IsRevived">a source keeps a place; the stock is being held again</param>
internal sealed record LateOffer(PaymentId Payment, Money Amount, IReadOnlyList<Guid> Tried, GrainId? Router, bool IsRevived, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] DateTimeOffset At = default);

/// <param name="Units">the units that it is for; null for the whole order</param>
/// <param name="Request">the merchant's request, null if nobody asked for it</param>
/// <param name="LowersPrice">the final price is lower by this: each unit has cost less</param>
/// <param name="Word">the number of the payment's word that <paramref name="State"/> is</param>
internal sealed record Refund(string Id, PaymentId Payment, Money Amount, string Reason, RefundStatus State, IReadOnlyList<RefundedUnits>? Units = null, Guid? Request = null, bool LowersPrice = false, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Word = 0)
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

    public int HoldSeconds { get; set; }

    public bool AwaitsGroup { get; set; }

    public bool AsksLate { get; set; }

    /// <summary>Null for orders of before it was noted.</summary>
    public DateTimeOffset? PlacedAt { get; set; }

    /// <summary>When its source wanted it placed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset WantedAt { get; set; }

    /// <summary>When it last asked for its stock.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset AskedAt { get; set; }

    public bool EarnsCommission { get; set; } = true;

    /// <summary>The lines whose stock is held, until it is known whether all are.</summary>
    public IReadOnlyList<SkuId> Held { get; set; } = [];

    /// <summary>The first refusal of a line: the answer to whoever placed the order.</summary>
    public Refusal? Refusal { get; set; }

    public DateTimeOffset PayBefore { get; set; }

    /// <summary>The payment that was started; there is one at most, it stays open as long as the order does.</summary>
    public PaymentId? Payment { get; set; }

    /// <summary>The order came to nothing with a payment open, and wants it closed.</summary>
    public bool ClosesPayment { get; set; }

    public PaymentId? PaidBy { get; set; }

    public LateOffer? Late { get; set; }

    /// <summary>Late money has brought it back once, whatever came of it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool WasRevived { get; set; }

    /// <summary>Why the buyer wants to leave the group, while its room decides.</summary>
    public LeaveAsked? Leave { get; set; }

    public DateTimeOffset? PaidAt { get; set; }

    public IReadOnlyList<Refund> Refunds { get; set; } = [];

    public OrderShipment? Shipment { get; set; }

    /// <summary>How often the shipment was corrected.</summary>
    public int Corrections { get; set; }

    public int AfterSaleDays { get; set; }

    public DateTimeOffset? ReceivedAt { get; set; }

    /// <summary>Who promoted the buyer; null if nobody did, or it is not known yet.</summary>
    public OrderAttributed? Attributed { get; set; }

    public Debts Debts { get; set; } = new();

    /// <summary>Holds whose answer is still awaited.</summary>
    [JsonIgnore]
    public int HoldsAwaited => Lines.Count(l => Debts.Contains(OrderRules.Hold, l.Sku.Value));

    /// <summary>True once the stock is back and the source knows.</summary>
    [JsonIgnore]
    public bool IsReleased => !Lines.Any(l => Debts.Contains(OrderRules.Release, l.Sku.Value)) && (Source is not { } source || !Debts.Contains(OrderRules.TellReleased, source.Key));

    /// <summary>True from the payment on, unless a group still decides: the order counts, whatever is given back.</summary>
    [JsonIgnore]
    public bool IsPaid => Stage is OrderStage.Paid or OrderStage.Shipped or OrderStage.Received or OrderStage.Closed;

    /// <summary>What of the money that paid it was not given back.</summary>
    [JsonIgnore]
    public long RefundableFen => PaidBy is null ? 0 : Amount.Fen - RefundsOf(PaidBy.Value).Sum(r => r.Amount.Fen);

    /// <summary>What each line really costs, after the discounts and what a group's final price was lower.</summary>
    public long[] Nets() => OrderNets.Of([.. Lines.Select(l => l.AmountFen)], Discounts.Sum(d => d.AmountFen) + Refunds.Where(r => r.LowersPrice).Sum(r => r.Amount.Fen));

    /// <summary>The sale as a commission is counted by: each line with what it really cost, and what of that went back.</summary>
    public IReadOnlyList<SaleLine> Sale()
    {
        var nets = Nets();
        var refunded = OrderNets.Refunded(nets, [.. Lines.Select(l => l.Quantity)], PaidBy is not { } paidBy ? [] : RefundsOf(paidBy).Where(r => !r.LowersPrice).Select(r => (r.Amount.Fen, r.Units)));
        return [.. Lines.Select((l, i) => new SaleLine(l.Sku, nets[i], refunded[i]))];
    }

    /// <param name="line">from 1</param>
    public int RefundedUnitsOf(int line) => Refunds.SelectMany(r => r.Units ?? []).Where(u => u.Line == line).Sum(u => u.Quantity);

    public IEnumerable<Refund> RefundsOf(PaymentId payment) => Refunds.Where(r => r.Payment == payment);

    /// <summary>
    /// True once its source has heard how it ended. A source that has forgotten it and wants it placed once more must not wait for an end
    /// that it will never hear of; until it has heard, a repeat of what it wanted at first is on its way.
    /// </summary>
    [JsonIgnore]
    public bool HasEndedForItsSource => Source is { } source && Stage switch
    {
        OrderStage.Cancelled or OrderStage.TimedOut => IsReleased,
        _ when IsPaid => !Debts.Contains(OrderRules.TellPaid, source.Key),
        _ => false,
    };

    /// <summary>True for the buyer, and for the merchant (null), once there is an order to see.</summary>
    public bool IsSeenBy(ShopperId? viewer) => Stage is not (OrderStage.None or OrderStage.Rejected) && (viewer is null || viewer == Buyer);

    public bool HasTaken(PaymentId payment) => PaidBy == payment || Late?.Payment == payment || Refunds.Any(r => r.Payment == payment);

    public OrderView View(OrderId id, ShopperId? viewer, DateTimeOffset now) => new(
        id,
        Kind,
        Stage switch
        {
            OrderStage.Pending => OrderStatus.Pending,
            OrderStage.Paid => OrderStatus.Paid,
            OrderStage.AwaitingGroup => OrderStatus.AwaitingGroup,
            OrderStage.Cancelled => OrderStatus.Cancelled,
            OrderStage.TimedOut => OrderStatus.TimedOut,
            OrderStage.Shipped => OrderStatus.Shipped,
            OrderStage.Received => OrderStatus.Received,
            OrderStage.Closed => OrderStatus.Closed,
            _ => throw new UnreachableException($"An order is not seen while {Stage}."),
        },
        OrderNets.Views(Lines, Nets(), RefundedUnitsOf),
        Amount.Fen,
        Discounts,
        PayBefore,
        PaidAt,
        [.. Refunds.Select(r => new OrderRefund(r.Id, r.Amount.Fen, r.State, r.Reason, r.Units))],
        now,
        Shipment,
        Stage == OrderStage.Shipped ? OrderRules.DeadlineOf(this) : null,
        ReceivedAt,
        viewer is null ? Attributed?.Promoter : null);
}

/// <summary>Every rule of an order. Pure: no clock, no chance, no I/O.</summary>
internal static class OrderRules
{
    public const string Hold = "hold";
    public const string Release = "release";
    public const string Consume = "consume";
    public const string Announce = "open-payment";
    public const string EndPayment = "close-payment";
    public const string TellPaid = "tell-paid";
    public const string TellReleased = "tell-released";
    public const string TellBuyer = "tell-buyer";
    public const string ReturnMoney = "refund";
    public const string AskLeave = "leave-group";
    public const string OfferLate = "offer-late-payment";
    public const string AskRoute = "route-late-payment";
    public const string AskPromoter = "ask-promoter";

    // One debt per change and not one for the sale: what changes while it is being told must still be told.
    public const string TellSale = "tell-sale";

    public const int LinesMax = 50;
    public const int DiscountsMax = 20;
    public const int QuantityMax = StockRules.QuantityMax;
    public const int TitleLengthMax = 300;
    public const int NameLengthMax = 120;
    public const int ReasonLengthMax = 500;
    public const int PaymentWindowMinutesMax = 1_440;
    public const int HoldSecondsMax = 3_600;

    public const int CarrierLengthMax = 40;
    public const int TrackingNumberLengthMax = 64;
    public const int CorrectionsMax = 20;
    public const int AfterSaleDaysMax = 90;

    /// <summary>The buyer reads it in WeChat, which takes so much.</summary>
    public const int RefundReasonLengthMax = 80;

    /// <summary>WeChat Pay allows 50 partial refunds of one payment.</summary>
    public const int RefundsMax = 50;

    /// <summary>WeChat Pay gives no money back a year after the payment.</summary>
    public const int RefundDaysMax = 365;

    /// <summary>After so many days an order counts as received without the buyer's word: what shops of this kind do.</summary>
    public const int ReceiptDays = 14;

    public const string LatePayment = "late payment";
    public const string SecondPayment = "second payment";
    public const string WrongAmount = "wrong amount";
    public const string LeftGroup = "left the group";
    public const string LowerPrice = "lower final price";

    /// <remarks>An order that the stock refused never was one: asked again it is decided again, as every refusal is.</remarks>
    public static OrderDecision Decide(OrderState state, PlaceOrder command, DateTimeOffset now)
    {
        if (state.Stage != OrderStage.None && !(state.Stage == OrderStage.Rejected && state.IsReleased)) return OrderDecision.Nothing;
        if (command.WantedAt != default && command.WantedAt <= state.WantedAt) return OrderDecision.Nothing;
        if (command.Kind is not { Length: > 0 and <= 40 }) return Refusal.Invalid("kind", "A kind has 1 to 40 characters.");
        if (command.Lines.Count is < 1 or > LinesMax) return Refusal.Invalid("lines", "An order has 1 to 50 lines.");
        if (command.Lines.Select((_, i) => WrongWith(command.Lines, i)).FirstOrDefault(r => r is not null) is { } wrongLine) return wrongLine;
        if (command.Discounts.Count > DiscountsMax) return Refusal.Invalid("discountLines", "An order has at most 20 discounts.");
        if (command.Discounts.Select(WrongWith).FirstOrDefault(r => r is not null) is { } wrongDiscount) return wrongDiscount;

        var discount = command.Discounts.Sum(d => d.AmountFen);
        var total = command.Lines.Sum(l => l.AmountFen);
        if (discount > total) return Refusal.Invalid("discountLines", "The discounts exceed what is ordered.");
        if (command.PaymentWindowMinutes is < 1 or > PaymentWindowMinutesMax) return Refusal.Invalid("paymentWindowMinutes", "1 to 1,440 minutes.");
        if (command.HoldSeconds is < 0 or > HoldSecondsMax) return Refusal.Invalid("holdSeconds", "At most 3,600 seconds.");
        if (command.Source is null && (command.AwaitsGroup || command.AsksLate)) return Refusal.Invalid("source", "An order that waits for its source or asks it has one.");

        return new OrderPlaced(
            command.Buyer,
            command.Kind,
            command.Source,
            command.Purpose,
            command.Lines,
            command.Discounts,
            new(total - discount),
            command.PaymentWindowMinutes,
            command.HoldSeconds,
            command.AwaitsGroup,
            command.AsksLate,
            Past.After(state.AskedAt, now),
            command.EarnsCommission,
            command.WantedAt);
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
        if (state.Stage == OrderStage.Cancelled || state.Leave is not null) return OrderDecision.Nothing;
        if (state.Stage is not (OrderStage.Pending or OrderStage.AwaitingGroup)) return OrderNotCancellable;
        if (command.Reason?.Length > ReasonLengthMax) return Refusal.Invalid("reason", "A reason has at most 500 characters.");

        return state.Stage == OrderStage.Pending ? new OrderCancelled(command.Reason, state.Payment) : new LeaveAsked(command.Reason);
    }

    public static OrderDecision Decide(OrderState state, ConfirmGroup command, OrderId self, DateTimeOffset now)
    {
        if (state.Stage == OrderStage.None) return NotFound;
        if (state.Stage != OrderStage.AwaitingGroup) return OrderDecision.Nothing;
        if (command.Refund < Money.Zero || command.Refund > state.Amount) return RefundExceedsPaid;

        var confirmed = new GroupConfirmed(now, AsksPromoter: state.EarnsCommission && command.Refund < state.Amount);
        return command.Refund == Money.Zero ? confirmed : new OrderEvent[] { confirmed, Refund(state, self, command.Refund, LowerPrice) with { LowersPrice = true } };
    }

    /// <remarks>Neither an order that is being opened nor one that is being revived can tell yet what it is: it is asked again.</remarks>
    public static OrderDecision Decide(OrderState state, VoidOrder command, OrderId self)
    {
        if (state.Stage == OrderStage.None) return NotFound;
        if (command.By is { } by && by != state.Source) return OrderDecision.Nothing;
        if (state.Stage == OrderStage.Holding || state.Late is not null) return Busy;

        return state.Stage switch
        {
            OrderStage.Pending when command.TimesOut => new OrderTimedOut(state.Payment),
            OrderStage.Pending => new OrderCancelled(command.Reason, state.Payment),
            OrderStage.AwaitingGroup => Undo(state, self, command.Reason, command.Reason),
            _ => OrderDecision.Nothing,
        };
    }

    /// <remarks>Money is never refused: what the order cannot take is owed back.</remarks>
    public static OrderDecision Decide(OrderState state, TakePayment command, OrderId self, DateTimeOffset now)
    {
        if (state.Stage == OrderStage.None) return NotFound;
        if (state.HasTaken(command.Payment)) return OrderDecision.Nothing;
        if (state.PaidBy is not null || state.Late is not null) return Return(state, self, command.Payment, command.Amount, SecondPayment);
        if (command.Amount != state.Amount) return Return(state, self, command.Payment, command.Amount, WrongAmount);
        if (state.Stage == OrderStage.TimedOut && state.AsksLate) return new LatePaymentHeld(command.Payment, command.Amount, now);
        if (state.Stage != OrderStage.Pending) return Return(state, self, command.Payment, command.Amount, LatePayment);

        // Money that came before the time-out was decided counts, even after payBefore: the stock is still held for it.
        return Paid(state, command.Payment, now);
    }

    public static OrderDecision Decide(OrderState state, ShipOrder command, DateTimeOffset now)
    {
        if (!state.IsSeenBy(null)) return NotFound;
        if (string.IsNullOrWhiteSpace(command.Carrier) || command.Carrier.Length > CarrierLengthMax || command.Carrier.Any(char.IsControl)) return Refusal.Invalid("carrier", "The name of a carrier has 1 to 40 characters.");
        if (command.TrackingNumber is not { Length: > 0 and <= TrackingNumberLengthMax } || command.TrackingNumber.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))) return Refusal.Invalid("trackingNumber", "A tracking number has 1 to 64 characters and no blanks.");
        if (command.AfterSaleDays is < 0 or > AfterSaleDaysMax) return Refusal.Invalid("afterSaleDays", "0 to 90 days.");
        if (state.Stage == OrderStage.AwaitingGroup) return AwaitingGroup;
        if (state.Shipment is { } shipment && (shipment.Carrier, shipment.TrackingNumber) == (command.Carrier, command.TrackingNumber)) return OrderDecision.Nothing;
        if (state.Stage == OrderStage.Shipped && state.Corrections < CorrectionsMax) return new ShipmentCorrected(command.Carrier, command.TrackingNumber);
        if (state.Stage != OrderStage.Paid) return WrongState;

        return new OrderShipped(command.Carrier, command.TrackingNumber, command.AfterSaleDays, now);
    }

    public static OrderDecision Decide(OrderState state, ReceiveOrder command, DateTimeOffset now)
    {
        if (!state.IsSeenBy(command.Buyer)) return NotFound;
        if (state.ReceivedAt is not null) return OrderDecision.Nothing;
        if (state.Stage != OrderStage.Shipped) return WrongState;

        return new OrderReceived(now, ByBuyer: true);
    }

    /// <remarks>What was refunded in full before it was shipped must not be shipped: it is closed with the refund.</remarks>
    public static OrderDecision Decide(OrderState state, RefundOrder command, OrderId self, DateTimeOffset now)
    {
        if (!state.IsSeenBy(null)) return NotFound;
        if (state.Refunds.Any(r => r.Request == command.Request)) return OrderDecision.Nothing;
        if (string.IsNullOrWhiteSpace(command.Reason) || command.Reason.Length > RefundReasonLengthMax) return Refusal.Invalid("reason", "A reason has 1 to 80 characters.");
        if (command.AmountFen < 1) return Refusal.Invalid("amountFen", "A refund is at least 1 fen.");
        if (command.Lines?.Count is < 1 or > LinesMax) return Refusal.Invalid("lines", "A refund names 1 to 50 lines, or none for the whole order.");
        if (command.Lines?.Select((_, i) => WrongWith(state, command.Lines, i)).FirstOrDefault(r => r is not null) is { } wrongLine) return wrongLine;
        if (!state.IsPaid) return WrongState;
        if (now >= state.PaidAt!.Value.AddDays(RefundDaysMax)) return WrongState;
        if (state.PaidBy is { } paidBy && state.RefundsOf(paidBy).Count() >= RefundsMax) return WrongState;

        var (nets, left) = (state.Nets(), state.RefundableFen);
        var net = command.Lines?.Sum(u => OrderNets.OfUnits(nets[u.Line - 1], state.Lines[u.Line - 1].Quantity, state.RefundedUnitsOf(u.Line), u.Quantity)) ?? left;
        var amount = command.AmountFen ?? net;
        if (amount > Math.Min(net, left) || amount == 0) return Refusal.Of(RefundExceedsPaid) with { Limit = Math.Min(net, left) };

        var units = command.Lines ?? (command.AmountFen is null ? UnitsLeft(state) : null);
        var refund = Refund(state, self, new(amount), command.Reason) with { Units = units, Request = command.Request };
        return state.Stage == OrderStage.Paid && amount == left ? new OrderEvent[] { refund, new OrderClosed(now) } : refund;
    }

    public static OrderDecision Decide(OrderState state, NoteRefund command, DateTimeOffset now)
    {
        if (state.Refunds.FirstOrDefault(r => string.Equals(r.Id, command.RefundId, StringComparison.Ordinal)) is not { } refund) return NotFound;
        if (refund.State == command.State) return OrderDecision.Nothing;
        if (command.Word != 0 && command.Word <= refund.Word) return OrderDecision.Nothing;
        if (refund.State == RefundStatus.Succeeded) return OrderDecision.Nothing;

        return new RefundNoted(command.RefundId, command.State, command.Word);
    }

    public static OrderDecision Decide(OrderState state, Wake command, DateTimeOffset now)
    {
        if (!(DeadlineOf(state) <= now)) return OrderDecision.Nothing;

        return state.Stage switch
        {
            OrderStage.Pending => new OrderTimedOut(state.Payment),
            OrderStage.Shipped => new OrderReceived(now, ByBuyer: false),
            _ => new OrderClosed(now),
        };
    }

    /// <summary>When its state ends by itself: the time to pay, to say that it has come, to complain.</summary>
    public static DateTimeOffset? DeadlineOf(OrderState state) => state.Stage switch
    {
        OrderStage.Pending => state.PayBefore,
        OrderStage.Shipped => state.Shipment!.ShippedAt.AddDays(ReceiptDays),
        OrderStage.Received => state.ReceivedAt!.Value.AddDays(state.AfterSaleDays),
        _ => null,
    };

    public static OrderDecision Settle(OrderState state, Debt debt, in Receipt receipt, OrderId self, DateTimeOffset now)
    {
        switch (debt.What)
        {
            case Hold:
                return SettleHold(state, self, new(debt.About), receipt, now);
            case AskLeave:
                return SettleLeave(state, self, receipt.Refusal);
            case OfferLate or AskRoute:
                return SettleLate(state, self, receipt, now);
            case AskPromoter:
                return SettleAttribution(state, debt, receipt.Reply as Attribution);
        }

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
            HoldSeconds = e.HoldSeconds,
            AwaitsGroup = e.AwaitsGroup,
            AsksLate = e.AsksLate,
            PlacedAt = e.At,
            AskedAt = e.At ?? default,
            WantedAt = e.WantedAt,
            EarnsCommission = e.EarnsCommission,
            Debts = Owe(state.Debts, Hold, e.Lines.Select(l => l.Sku)),
        },
        LineHeld e => Reprice(state, e) with { Held = [.. state.Held, e.Sku], Debts = state.Debts.Settle(Hold, e.Sku.Value) },
        LineRefused e => state with { Refusal = state.Refusal ?? new(e.Code, e.Kind), Debts = state.Debts.Settle(Hold, e.Sku.Value) },
        OrderOpened { Discounts: null } e => state with { Stage = OrderStage.Pending, PayBefore = e.PayBefore },
        OrderOpened e => Total(state with { Stage = OrderStage.Pending, PayBefore = e.PayBefore, Discounts = e.Discounts! }),
        OrderRejected e => state with { Stage = OrderStage.Rejected, Refusal = new(e.Code, e.Kind), Debts = Owe(state.Debts, Release, state.Held) },
        PaymentStarted e => state with { Payment = e.Payment, Debts = state.Debts.Owe(Announce, e.Payment.Value) },
        PaidInFull e when state.AwaitsGroup => state with
        {
            Stage = OrderStage.AwaitingGroup,
            PaidBy = e.Payment,
            PaidAt = e.At,
            Late = null,
            Debts = OweSource(state.Debts, TellPaid, state.Source),
        },
        PaidInFull e => state with
        {
            Stage = OrderStage.Paid,
            PaidBy = e.Payment,
            PaidAt = e.At,
            Late = null,
            Debts = OwePromoter(OweSource(Owe(state.Debts, Consume, state.Held), TellPaid, state.Source).Owe(TellBuyer, state.Buyer.Value), state.Buyer, e.AsksPromoter),
        },
        GroupConfirmed e => state with { Stage = OrderStage.Paid, Debts = OwePromoter(Owe(state.Debts, Consume, state.Held).Owe(TellBuyer, state.Buyer.Value), state.Buyer, e.AsksPromoter) },
        LeaveAsked e => state with { Leave = e, Debts = OweSource(state.Debts, AskLeave, state.Source) },
        LeaveRefused => state with { Leave = null, Debts = OweSource(state.Debts, AskLeave, state.Source, isOwed: false) },
        OrderCancelled e => Close(state, e.Closes) with { Stage = OrderStage.Cancelled, Leave = null, Debts = OweSource(Owe(state.Debts, Release, state.Held), AskLeave, state.Source, isOwed: false) },
        OrderTimedOut e => Close(state, e.Closes) with { Stage = OrderStage.TimedOut, Debts = Owe(state.Debts, Release, state.Held) },
        LatePaymentHeld e => OfferIfReleased(state with { Late = new(e.Payment, e.Amount, [], null, IsRevived: false, e.At) }),
        LatePaymentSentOn e => state with
        {
            Late = state.Late! with { Tried = [.. state.Late.Tried, state.Source!.Value.Key], Router = e.Router },
            Debts = OweSource(state.Debts, OfferLate, state.Source, isOwed: false).Owe(AskRoute, e.Router.Key),
        },
        LatePaymentRouted e => state with
        {
            Source = e.Source,
            Late = state.Late! with { Router = null },
            Debts = OweSource(state.Debts.Settle(AskRoute, state.Late.Router!.Value.Key), OfferLate, e.Source),
        },
        OrderRevived e => state with
        {
            AskedAt = e.At,
            WasRevived = true,
            Held = [],
            Refusal = null,
            Late = state.Late! with { IsRevived = true },
            Debts = Owe(OweSource(state.Debts, OfferLate, state.Source, isOwed: false), Hold, state.Lines.Select(l => l.Sku)),
        },
        RevivalFailed => Released(state with { Debts = Owe(state.Debts, Release, state.Held) }),
        RefundRequested e => Add(GiveUp(state, e.Payment), new(e.Refund, e.Payment, e.Amount, e.Reason, RefundStatus.Requested, e.Units, e.Request, e.LowersPrice)),
        RefundNoted e => state with { Refunds = [.. state.Refunds.Select(r => string.Equals(r.Id, e.Refund, StringComparison.Ordinal) ? r with { State = e.State, Word = e.Word } : r)] },
        OrderShipped e => state with { Stage = OrderStage.Shipped, Shipment = new(e.Carrier, e.TrackingNumber, e.At), AfterSaleDays = e.AfterSaleDays },
        ShipmentCorrected e => state with { Shipment = state.Shipment! with { Carrier = e.Carrier, TrackingNumber = e.TrackingNumber }, Corrections = state.Corrections + 1 },
        OrderReceived e => state with { Stage = OrderStage.Received, ReceivedAt = e.At, Debts = OweSale(state, state.Buyer.Value) },
        OrderClosed => state with { Stage = OrderStage.Closed },
        OrderAttributed e => state with { Attributed = e, Debts = state.Debts.Settle(AskPromoter, state.Buyer.Value).Owe(TellSale, e.Promoter.Value) },
        DebtSettled { What: Release } e => Released(state with { Debts = state.Debts.Settle(e.What, e.About) }),
        DebtSettled e => state with { Debts = state.Debts.Settle(e.What, e.About) },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    /// <summary>The last answer decides: all lines held opens the order, one refused gives the others back.</summary>
    private static OrderDecision SettleHold(OrderState state, OrderId self, SkuId sku, in Receipt receipt, DateTimeOffset now)
    {
        var unitPrice = state.Late is null ? (receipt.Reply as HeldStock)?.ListPriceFen : null;
        OrderEvent answered = receipt.Refusal is { } refusal
            ? new LineRefused(sku, refusal.Code, refusal.Kind)
            : new LineHeld(sku, unitPrice < state.Lines.First(l => l.Sku == sku).UnitPriceFen ? unitPrice : null);
        if (state.HoldsAwaited > 1) return answered;

        var first = state.Refusal ?? receipt.Refusal;
        if (state.Late is { } late) return first is null ? new[] { answered, Paid(state, late.Payment, now) } : new[] { answered, new RevivalFailed(first.Code), Return(state, self, late.Payment, late.Amount, LatePayment) };
        if (first is not null) return new[] { answered, new OrderRejected(first.Code, first.Kind) };

        var priced = answered is LineHeld held ? Reprice(state, held) : state;
        var discounts = LeftOf(priced);
        var opened = new OrderOpened(state.HoldSeconds > 0 ? now.AddSeconds(state.HoldSeconds) : now.AddMinutes(state.PaymentWindowMinutes), discounts);
        if (Total(priced with { Discounts = discounts ?? priced.Discounts }).Amount == Money.Zero) return new[] { answered, opened, new PaidInFull(null, now) };

        return new[] { answered, opened };
    }

    private static OrderDecision SettleLeave(OrderState state, OrderId self, Refusal? refusal)
    {
        if (refusal is not null) return new LeaveRefused();

        return Undo(state, self, state.Leave!.Reason, LeftGroup);
    }

    private static OrderDecision SettleLate(OrderState state, OrderId self, in Receipt receipt, DateTimeOffset now) => receipt switch
    {
        { Reply: LatePaymentAnswer { SendOn: null } } => new OrderRevived(Past.After(state.AskedAt, now)),
        { Reply: LatePaymentAnswer { SendOn: { } router } } when state.Late!.Tried.Count + 1 < RouteLatePayment.SourcesMax => new LatePaymentSentOn(router),
        { Reply: LatePaymentRoute { Source: var source } } => new LatePaymentRouted(source),
        _ => Return(state, self, state.Late!.Payment, state.Late.Amount, LatePayment),
    };

    /// <summary>Nobody earns by what they buy themselves; and whom nobody ever brought is not known there.</summary>
    private static OrderDecision SettleAttribution(OrderState state, Debt debt, Attribution? attribution)
    {
        if (attribution?.Promoter is not { } promoter || promoter == state.Buyer) return new DebtSettled(debt.What, debt.About);

        return new OrderAttributed(promoter, attribution.Channel, attribution.IsSuspect);
    }

    // A group's order counts when its group is complete.
    private static PaidInFull Paid(OrderState state, PaymentId payment, DateTimeOffset now) => new(payment, now, AsksPromoter: state is { EarnsCommission: true, AwaitsGroup: false });

    private static OrderEvent[] Undo(OrderState state, OrderId self, string? why, string refundReason) =>
        state.PaidBy is null ? [new OrderCancelled(why)] : [new OrderCancelled(why), Refund(state, self, state.Amount, refundReason)];

    private static RefundRequested Refund(OrderState state, OrderId self, Money amount, string reason) => Return(state, self, state.PaidBy!.Value, amount, reason);

    private static RefundRequested Return(OrderState state, OrderId self, PaymentId payment, Money amount, string reason) => new($"{self}-{state.Refunds.Count + 1}", payment, amount, reason);

    private static List<RefundedUnits> UnitsLeft(OrderState state) =>
        [.. state.Lines.Select((l, i) => new RefundedUnits(i + 1, l.Quantity - state.RefundedUnitsOf(i + 1))).Where(u => u.Quantity > 0)];

    private static OrderState Reprice(OrderState state, LineHeld held) => held.UnitPriceFen is not { } unitPrice ? state : state with
    {
        Lines = [.. state.Lines.Select(l => l.Sku == held.Sku ? l with { UnitPriceFen = unitPrice, AmountFen = unitPrice * l.Quantity } : l)],
    };

    private static OrderState Total(OrderState state) => state with { Amount = new(state.Lines.Sum(l => l.AmountFen) - state.Discounts.Sum(d => d.AmountFen)) };

    /// <summary>Where list prices fell, the discounts shrink by as much: the buyer pays what was agreed, or less if the list price is below it. Null if nothing changes.</summary>
    private static List<DiscountLine>? LeftOf(OrderState state)
    {
        var fallen = state.Amount.Fen + state.Discounts.Sum(d => d.AmountFen) - state.Lines.Sum(l => l.AmountFen);
        if (fallen == 0) return null;

        var left = new List<DiscountLine>();
        foreach (var discount in state.Discounts.Reverse())
        {
            var cut = Math.Min(fallen, discount.AmountFen);
            fallen -= cut;
            if (cut < discount.AmountFen) left.Insert(0, discount with { AmountFen = discount.AmountFen - cut });
        }

        return left;
    }

    /// <summary>The source hears of it when all the stock is back: told earlier, it could give the place away, or order again, before its unit is there.</summary>
    private static OrderState Released(OrderState state) =>
        state is { Stage: OrderStage.Cancelled or OrderStage.TimedOut, IsReleased: true } ? OfferIfReleased(state with { Debts = OweSource(state.Debts, TellReleased, state.Source) }, isTold: true) : state;

    /// <summary>Late money is offered to the source after it was told that the order is released: one line to each receiver keeps that order.</summary>
    private static OrderState OfferIfReleased(OrderState state, bool isTold = false) =>
        state.Late is { IsRevived: false, Router: null } && (isTold || !state.Lines.Any(l => state.Debts.Contains(Release, l.Sku.Value))) ? state with { Debts = OweSource(state.Debts, OfferLate, state.Source) } : state;

    private static OrderState Close(OrderState state, PaymentId? payment) =>
        payment is not { } unpaid ? state : state with { ClosesPayment = true, Debts = state.Debts.Owe(EndPayment, unpaid.Value) };

    private static OrderState GiveUp(OrderState state, PaymentId payment) => state.Late?.Payment != payment ? state : state with
    {
        Late = null,
        Debts = OweSource(state.Late.Router is { } router ? state.Debts.Settle(AskRoute, router.Key) : state.Debts, OfferLate, state.Source, isOwed: false),
    };

    private static OrderState Add(OrderState state, Refund refund) =>
        state with { Refunds = [.. state.Refunds, refund], Debts = (refund.Payment == state.PaidBy ? OweSale(state, refund.About) : state.Debts).Owe(ReturnMoney, refund.About) };

    private static Debts OwePromoter(Debts debts, ShopperId buyer, bool asks) => asks ? debts.Owe(AskPromoter, buyer.Value) : debts;

    // Before it is known whose the sale is, nobody is told; the first word has everything in it.
    private static Debts OweSale(OrderState state, Guid change) => state.Attributed is null ? state.Debts : state.Debts.Owe(TellSale, change);

    private static Debts Owe(Debts debts, string what, IEnumerable<SkuId> skus) => skus.Aggregate(debts, (all, sku) => all.Owe(what, sku.Value));

    private static Debts OweSource(Debts debts, string what, GrainId? source, bool isOwed = true) =>
        source is not { } grain ? debts : isOwed ? debts.Owe(what, grain.Key) : debts.Settle(what, grain.Key);

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

    private static Refusal? WrongWith(OrderState state, IReadOnlyList<RefundedUnits> lines, int i)
    {
        var (line, quantity) = lines[i];
        if (line < 1 || line > state.Lines.Count) return Refusal.Invalid($"lines[{i}].line", $"The order has the lines 1 to {state.Lines.Count}.");
        if (lines.Take(i).Any(l => l.Line == line)) return Refusal.Invalid($"lines[{i}].line", "Each line is named once.");
        if (quantity < 1 || quantity > state.Lines[line - 1].Quantity - state.RefundedUnitsOf(line)) return Refusal.Invalid($"lines[{i}].quantity", $"{state.Lines[line - 1].Quantity - state.RefundedUnitsOf(line)} units of the line are not refunded yet.");

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
