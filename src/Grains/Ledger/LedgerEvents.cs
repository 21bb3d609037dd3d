using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Ledger;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record LedgerEvent;

[Stored("ledger-opened")]
internal sealed record LedgerOpened(ShopperId Owner, LedgerKind Kind) : LedgerEvent;

/// <param name="Through">the last step of the source that is posted now</param>
/// <param name="Moves">what really went from where to where; none if the source is only closed</param>
/// <param name="IsLast">the source is closed</param>
[Stored("moves-posted")]
internal sealed record MovesPosted(Guid Source, Guid Subject, int Through, IReadOnlyList<LedgerMove> Moves, bool IsLast) : LedgerEvent;

/// <param name="Day">the calendar day of the shop that it counts on</param>
[Stored("balance-held")]
internal sealed record BalanceHeld(Guid Withdrawal, Money Amount, DateOnly Day, DateTimeOffset AskedAt = default) : LedgerEvent;

/// <summary>A refusal that another time would have granted: a copy of the message may come at such a time.</summary>
[Stored("withdrawal-hold-refused")]
internal sealed record WithdrawalHoldRefused(Guid Withdrawal, DateTimeOffset AskedAt, Refusal Why) : LedgerEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LedgerOpened))]
[JsonSerializable(typeof(MovesPosted))]
[JsonSerializable(typeof(BalanceHeld))]
[JsonSerializable(typeof(WithdrawalHoldRefused))]
[JsonSerializable(typeof(LedgerState))]
internal sealed partial class LedgerJson : JsonSerializerContext;
