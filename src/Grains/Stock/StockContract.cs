using System.Text.Json.Serialization;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Stock;

[JsonConverter(typeof(IdJson<SkuId>))]
public readonly record struct SkuId(Guid Value) : IId<SkuId>
{
    public static SkuId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out SkuId id) => Ids.TryParse(text, out id);

    public GrainId In(ShopId shop) => new("stock", shop, Value);

    public override string ToString() => Value.ToString("N");
}

public enum StockRefusal
{
    [Refuses(RefusalKind.State, "库存不足，已售罄", "Sold out: there is not enough stock left.")]
    SoldOut = 1,
}

public sealed record StockLevel(long OnHand, long Reserved, long Available);

/// <summary>One SKU (规格) with its price and stock (库存): <c>available = onHand − Σ reserved</c>, never below 0.</summary>
/// <param name="Commission">its own rates; null if the shop's apply</param>
public sealed record SkuView(SkuId Id, string Title, string Name, string Type, long ListPriceFen, StockLevel Stock, CommissionRates? Commission = null);

/// <summary>Puts a SKU on sale. A repeat changes nothing.</summary>
public sealed record OpenStock(string Title, string Name, string Type, Money ListPrice, long OnHand, CommissionRates? Commission = null) : ICommand<SkuView>;

public sealed record GetSku : ICommand<SkuView>;

/// <summary>Adds <paramref name="Delta"/> units; refused <c>SoldOut</c> if that would take units that are reserved.</summary>
public sealed record ChangeStock(Guid Request, long Delta, string Reason) : ICommand<SkuView>, IOnce;

public sealed record ChangePrice(Guid Request, Money ListPrice) : ICommand<SkuView>, IOnce;

/// <summary>Gives the SKU commission rates of its own, or takes them away. What was sold before keeps what it was granted.</summary>
/// <param name="Commission">0–100 percent, both levels together too; null for the shop's rates</param>
public sealed record ChangeCommission(Guid Request, CommissionRates? Commission) : ICommand<SkuView>, IOnce;

/// <summary>
/// Sets how many units <paramref name="Purpose"/> (a campaign) may take in all, those it already took included. Absolute, so that a
/// repeat changes nothing. Never goes below what was taken. Refused <c>SoldOut</c> when more is asked than is available.
/// </summary>
/// <param name="UpTo">takes what is available if that is less, instead of being refused</param>
/// <param name="AskedAt">when the purpose wanted it: what is not newer than its last wish is a copy and changes nothing</param>
public sealed record ReserveStock(Guid Purpose, long Total, bool UpTo = false, DateTimeOffset AskedAt = default) : ICommand<ReservedStock>;

/// <param name="Total">what the purpose may take in all now</param>
public sealed record ReservedStock(long Total);

/// <summary>The purpose is over: what it did not take is free again.</summary>
public sealed record CloseReservation(Guid Purpose) : ICommand<SkuView>;

/// <summary>Would this hold out of the free units be made? Decides nothing: it keeps hopeless orders from being written at all. Answered with the SKU.</summary>
public sealed record CheckHold(Guid Order, int Quantity) : ICommand<SkuView>;

/// <summary>Holds units for an order out of a purpose's reservation, or out of the free units if <paramref name="Purpose"/> is null. Idempotent by order.</summary>
/// <param name="AskedAt">when the order asked; an order may ask again when its last hold is over, and later copies of older messages do nothing</param>
public sealed record HoldStock(Guid Order, Guid? Purpose, int Quantity, DateTimeOffset AskedAt = default) : ICommand<HeldStock>;

/// <param name="ListPriceFen">the list price now, which nobody pays more than</param>
public sealed record HeldStock(long ListPriceFen);

/// <summary>The order is paid: its units leave the stock. Idempotent: an order without a hold was settled before.</summary>
/// <param name="AskedAt">of the hold that is meant: a newer one stays</param>
public sealed record ConsumeStock(Guid Order, DateTimeOffset AskedAt = default) : ICommand<Done>;

/// <summary>The order came to nothing: its units go back to where they were taken from. Idempotent like <see cref="ConsumeStock"/>.</summary>
/// <param name="AskedAt">of the hold that is meant: a newer one stays</param>
public sealed record ReleaseStock(Guid Order, DateTimeOffset AskedAt = default) : ICommand<Done>;
