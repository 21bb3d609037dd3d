using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Withdrawal;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record WithdrawalEvent;

[Stored("withdrawal-asked")]
internal sealed record WithdrawalAsked(ShopperId Owner, Money Amount, WithdrawalPolicy Policy, DateTimeOffset At) : WithdrawalEvent;

/// <summary>The distributor may withdraw so much.</summary>
/// <param name="DailyCap">what their trust leaves of the shop's</param>
[Stored("withdrawal-allowed")]
internal sealed record WithdrawalAllowed(Money DailyCap) : WithdrawalEvent;

/// <summary>The distributor may not, or the ledger does not hold it: nothing has happened.</summary>
[Stored("withdrawal-refused")]
internal sealed record WithdrawalRefused(Refusal Why) : WithdrawalEvent;

/// <summary>The ledger holds it: it is reviewed.</summary>
[Stored("withdrawal-opened")]
internal sealed record WithdrawalOpened(Money Fee) : WithdrawalEvent;

[Stored("withdrawal-approved")]
internal sealed record WithdrawalApproved(Guid Request, string? Reason, DateTimeOffset At) : WithdrawalEvent;

[Stored("withdrawal-rejected")]
internal sealed record WithdrawalRejected(Guid Request, string? Reason, DateTimeOffset At) : WithdrawalEvent;

/// <summary>The gateway is not done: it is asked again.</summary>
/// <param name="Problem">the gateway's word</param>
[Stored("transfer-progressed")]
internal sealed record TransferProgressed(TransferStatus State, string? Confirmation, string? Problem) : WithdrawalEvent;

[Stored("transfer-succeeded")]
internal sealed record TransferSucceeded(DateTimeOffset At) : WithdrawalEvent;

/// <summary>It did not and will not arrive: the money goes back.</summary>
/// <param name="Problem">the gateway's word</param>
[Stored("transfer-failed")]
internal sealed record TransferFailed(string? Problem, DateTimeOffset At) : WithdrawalEvent;

/// <summary>The ledger has it as paid, or back.</summary>
[Stored("withdrawal-settled")]
internal sealed record WithdrawalSettled : WithdrawalEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WithdrawalAsked))]
[JsonSerializable(typeof(WithdrawalAllowed))]
[JsonSerializable(typeof(WithdrawalRefused))]
[JsonSerializable(typeof(WithdrawalOpened))]
[JsonSerializable(typeof(WithdrawalApproved))]
[JsonSerializable(typeof(WithdrawalRejected))]
[JsonSerializable(typeof(TransferProgressed))]
[JsonSerializable(typeof(TransferSucceeded))]
[JsonSerializable(typeof(TransferFailed))]
[JsonSerializable(typeof(WithdrawalSettled))]
[JsonSerializable(typeof(WithdrawalState))]
internal sealed partial class WithdrawalJson : JsonSerializerContext;
