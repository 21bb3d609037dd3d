using System.Text.Json.Serialization;
using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Stock;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record StockEvent;

/// <param name="At">null for those of before it was noted</param>
[Stored("stock-opened")]
internal sealed record StockOpened(string Title, string Name, string Type, Money ListPrice, long OnHand, CommissionRates? Commission = null, DateTimeOffset? At = null) : StockEvent;

[Stored("stock-changed")]
internal sealed record StockChanged(long Delta, string Reason) : StockEvent;

[Stored("price-changed")]
internal sealed record PriceChanged(Money ListPrice) : StockEvent;

/// <param name="Commission">null if the shop's rates apply again</param>
[Stored("commission-changed")]
internal sealed record CommissionChanged(CommissionRates? Commission) : StockEvent;

/// <param name="Total">what the purpose may take in all from now on, with what it took already</param>
[Stored("stock-reserved")]
internal sealed record StockReserved(Guid Purpose, long Total, DateTimeOffset AskedAt = default) : StockEvent;

/// <summary>A refusal that another time would have granted: a copy of the message may come at such a time.</summary>
[Stored("reservation-refused")]
internal sealed record ReservationRefused(Guid Purpose, DateTimeOffset AskedAt, Refusal Why) : StockEvent;

[Stored("reservation-closed")]
internal sealed record ReservationClosed(Guid Purpose) : StockEvent;

/// <param name="Purpose">whose reservation the units came out of; null if they were free</param>
[Stored("stock-held")]
internal sealed record StockHeld(Guid Order, Guid? Purpose, int Quantity, DateTimeOffset AskedAt = default) : StockEvent;

/// <inheritdoc cref="ReservationRefused"/>
[Stored("hold-refused")]
internal sealed record HoldRefused(Guid Order, DateTimeOffset AskedAt, Refusal Why) : StockEvent;

[Stored("stock-consumed")]
internal sealed record StockConsumed(Guid Order, int Quantity) : StockEvent;

/// <param name="Purpose">whose reservation the units went back to; null if they are free now</param>
[Stored("stock-released")]
internal sealed record StockReleased(Guid Order, Guid? Purpose, int Quantity) : StockEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StockOpened))]
[JsonSerializable(typeof(StockChanged))]
[JsonSerializable(typeof(PriceChanged))]
[JsonSerializable(typeof(CommissionChanged))]
[JsonSerializable(typeof(StockReserved))]
[JsonSerializable(typeof(ReservationRefused))]
[JsonSerializable(typeof(HoldRefused))]
[JsonSerializable(typeof(ReservationClosed))]
[JsonSerializable(typeof(StockHeld))]
[JsonSerializable(typeof(StockConsumed))]
[JsonSerializable(typeof(StockReleased))]
[JsonSerializable(typeof(StockState))]
internal sealed partial class StockJson : JsonSerializerContext;
