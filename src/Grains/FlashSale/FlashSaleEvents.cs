using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.FlashSale;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record FlashSaleEvent;

/// <summary>The campaign wants the sale; the stock is asked for the units of its first occurrence.</summary>
/// <param name="StartsAt">of the campaign, as <c>EndsAt</c></param>
/// <param name="OpensAt">of the first occurrence, as <c>ClosesAt</c></param>
[Stored("sale-prepared")]
internal sealed record SalePrepared(
    Guid Request,
    CampaignId Campaign,
    int Revision,
    SkuId Sku,
    string Title,
    long ListPriceFen,
    FlashSaleTerms Terms,
    string TimeZone,
    DateTimeOffset StartsAt,
    DateTimeOffset EndsAt,
    int Quota,
    DateTimeOffset OpensAt,
    DateTimeOffset ClosesAt,
    DateTimeOffset At,
    DateTimeOffset WishedAt = default) : FlashSaleEvent;

/// <summary>The stock had not enough: there is no sale.</summary>
[Stored("sale-preparation-refused")]
internal sealed record PreparationRefused(Refusal Why) : FlashSaleEvent;

/// <summary>A later occurrence comes near: the stock is asked for its units.</summary>
[Stored("sale-units-asked")]
internal sealed record UnitsAsked(int Number, DateTimeOffset At = default) : FlashSaleEvent;

/// <param name="Total">what this occurrence may sell in all</param>
[Stored("sale-units-reserved")]
internal sealed record UnitsReserved(int Number, int Total, DateTimeOffset At) : FlashSaleEvent;

[Stored("sale-opened")]
internal sealed record SaleOpened(int Number, DateTimeOffset At) : FlashSaleEvent;

/// <summary>The units are held, and the order for them is asked for.</summary>
[Stored("units-taken")]
internal sealed record UnitsTaken(OrderId Order, ShopperId Shopper, int Quantity, DateTimeOffset At) : FlashSaleEvent;

/// <summary>The order is open.</summary>
[Stored("take-settled")]
internal sealed record TakeSettled(OrderId Order) : FlashSaleEvent;

/// <summary>The order was refused: the units are free again.</summary>
[Stored("take-refused")]
internal sealed record TakeRefused(OrderId Order, int Quantity, Refusal Why, DateTimeOffset At) : FlashSaleEvent;

[Stored("units-sold")]
internal sealed record UnitsSold(OrderId Order, int Quantity, DateTimeOffset At) : FlashSaleEvent;

/// <summary>The order came to nothing.</summary>
/// <param name="SellsAgain">false if its occurrence is over: the units are the stock's</param>
[Stored("units-released")]
internal sealed record UnitsReleased(OrderId Order, int Quantity, bool SellsAgain, DateTimeOffset At) : FlashSaleEvent;

/// <summary>Money came after the hold had run out, and there were units left.</summary>
[Stored("late-units-taken")]
internal sealed record LateUnitsTaken(OrderId Order, ShopperId Shopper, int Quantity, DateTimeOffset At, DateTimeOffset OfferedAt = default) : FlashSaleEvent;

/// <summary>There were none left: a copy of the offer may come when there are.</summary>
[Stored("late-units-refused")]
internal sealed record LateUnitsRefused(OrderId Order, DateTimeOffset OfferedAt, Refusal Why) : FlashSaleEvent;

[Stored("sale-paused")]
internal sealed record SalePaused(DateTimeOffset At, int Number = 0) : FlashSaleEvent;

[Stored("sale-resumed")]
internal sealed record SaleResumed(DateTimeOffset At, int Number = 0) : FlashSaleEvent;

[Stored("sale-killed")]
internal sealed record SaleKilled(DateTimeOffset At) : FlashSaleEvent;

/// <summary>The quota shall be another; the stock is asked for the units of the current occurrence.</summary>
/// <param name="Quota">of each occurrence from now on, once the stock has agreed</param>
/// <param name="Asked">what the current occurrence shall sell in all</param>
/// <param name="Total">what it may sell until the stock has answered: fewer at once, more when they are there</param>
[Stored("sale-quota-change-asked")]
internal sealed record SaleQuotaAsked(Guid Request, int Quota, int Asked, int Total, DateTimeOffset At, DateTimeOffset WishedAt = default) : FlashSaleEvent;

[Stored("sale-quota-changed")]
internal sealed record SaleQuotaChanged(Guid Request, int Quota, int Total, DateTimeOffset At, DateTimeOffset WishedAt = default) : FlashSaleEvent;

[Stored("sale-quota-change-refused")]
internal sealed record SaleQuotaRefused(Guid Request, Refusal Why) : FlashSaleEvent;

/// <summary>The window of an occurrence is over, or the sale was killed: nothing is taken any more.</summary>
[Stored("sale-ended")]
internal sealed record SaleEnded(int Number, DateTimeOffset At) : FlashSaleEvent;

/// <summary>No order of the ended occurrence waits for its stock any more: what is left goes back.</summary>
[Stored("sale-rest-returned")]
internal sealed record RestReturned(int Number) : FlashSaleEvent;

/// <summary>The stock has closed the reservation of an occurrence.</summary>
[Stored("occurrence-closed")]
internal sealed record OccurrenceClosed(int Number) : FlashSaleEvent;

[Stored("occurrence-planned")]
internal sealed record OccurrencePlanned(int Number, DateTimeOffset OpensAt, DateTimeOffset ClosesAt, DateTimeOffset At) : FlashSaleEvent;

/// <summary>No occurrence is left and no order is open: the campaign is told.</summary>
[Stored("sale-over")]
internal sealed record SaleOver : FlashSaleEvent;

/// <summary>The campaign knows that the sale is over.</summary>
[Stored("sale-closed")]
internal sealed record SaleClosed : FlashSaleEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FlashSaleState))]
[JsonSerializable(typeof(SalePrepared))]
[JsonSerializable(typeof(PreparationRefused))]
[JsonSerializable(typeof(UnitsAsked))]
[JsonSerializable(typeof(UnitsReserved))]
[JsonSerializable(typeof(SaleOpened))]
[JsonSerializable(typeof(UnitsTaken))]
[JsonSerializable(typeof(TakeSettled))]
[JsonSerializable(typeof(TakeRefused))]
[JsonSerializable(typeof(UnitsSold))]
[JsonSerializable(typeof(UnitsReleased))]
[JsonSerializable(typeof(LateUnitsTaken))]
[JsonSerializable(typeof(LateUnitsRefused))]
[JsonSerializable(typeof(SalePaused))]
[JsonSerializable(typeof(SaleResumed))]
[JsonSerializable(typeof(SaleKilled))]
[JsonSerializable(typeof(SaleQuotaAsked))]
[JsonSerializable(typeof(SaleQuotaChanged))]
[JsonSerializable(typeof(SaleQuotaRefused))]
[JsonSerializable(typeof(SaleEnded))]
[JsonSerializable(typeof(RestReturned))]
[JsonSerializable(typeof(OccurrenceClosed))]
[JsonSerializable(typeof(OccurrencePlanned))]
[JsonSerializable(typeof(SaleOver))]
[JsonSerializable(typeof(SaleClosed))]
internal sealed partial class FlashSaleJson : JsonSerializerContext;
