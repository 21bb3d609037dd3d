using System.Text.Json.Serialization;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Withdrawal;

[JsonConverter(typeof(IdJson<WithdrawalId>))]
public readonly record struct WithdrawalId(Guid Value) : IId<WithdrawalId>
{
    public static WithdrawalId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out WithdrawalId id) => Ids.TryParse(text, out id);

    public GrainId In(ShopId shop) => new("withdrawal", shop, Value);

    public override string ToString() => Value.ToString("N");
}

/// <summary><c>Reviewing → Approved → Transferring → Paid</c> or <c>Failed</c>; <c>Reviewing → Rejected</c>. A failed or rejected one gives the money back once.</summary>
public enum WithdrawalStatus
{
    Reviewing = 1,
    Approved = 2,
    Transferring = 3,
    Paid = 4,
    Rejected = 5,
    Failed = 6,
}

public enum WithdrawalRefusal
{
    [Refuses(RefusalKind.Meaning, "提现金额低于最低限额", "The amount is below the minimum.")]
    BelowMinimum = 1,

    [Refuses(RefusalKind.Meaning, "提现金额超过单笔限额", "The amount is above the maximum.")]
    AboveMaximum = 2,

    [Refuses(RefusalKind.State, "该提现已审核", "The withdrawal has been decided already.")]
    AlreadyDecided = 3,

    [Refuses(RefusalKind.State, "该分销员有欠款待抵扣，请驳回提现：退回的金额会先抵扣欠款", "The distributor owes the shop. Reject it: what comes back pays that off first.")]
    DebtOpen = 4,
}

/// <summary>The shop's settings that a withdrawal is decided by, as they are when it is asked for. All limits are inclusive.</summary>
/// <param name="FeePercent">0–100 of the amount, rounded down to the fen; the shop keeps it</param>
public sealed record WithdrawalPolicy(Money Min, Money Max, Money DailyCap, int FeePercent, string TimeZone)
{
    public static WithdrawalPolicy Of(ShopSettings settings) =>
        new(new(settings.WithdrawalMinFen), new(settings.WithdrawalMaxFen), new(settings.WithdrawalDailyCapFen), settings.WithdrawalFeePercent, settings.TimeZone);
}

/// <summary>
/// A distributor wants available commission paid out. Answered when the ledger holds it, or refused <c>NotEligible</c>, <c>BelowMinimum</c>,
/// <c>AboveMaximum</c>, <c>WithdrawalOpen</c>, <c>InsufficientBalance</c>, <c>DailyWithdrawalCapReached</c>. Idempotent by id; what was refused is
/// decided again when it is asked again.
/// </summary>
public sealed record AskWithdrawal(ShopperId Owner, Money Amount, WithdrawalPolicy Policy) : ICommand<WithdrawalView>;

/// <summary>Would this be asked of the ledger? Decides nothing: it keeps hopeless ones from being written. Answered with what the ledger would be asked.</summary>
/// <param name="Terms">the distributor's; null for who never joined</param>
public sealed record CheckWithdrawal(AskWithdrawal Ask, DistributorTerms? Terms) : ICommand<HoldForWithdrawal>;

/// <summary>The merchant approves or rejects, once: <c>AlreadyDecided</c> for any other request after that.</summary>
/// <param name="Reason">at most 500 characters</param>
public sealed record DecideWithdrawal(Guid Request, bool IsApproved, string? Reason) : ICommand<WithdrawalView>;

/// <summary>From a verified callback of the gateway: how a transfer stands. Idempotent; another amount is refused <c>AmountMismatch</c> and changes nothing.</summary>
public sealed record NoteTransfer(Money Amount, TransferStatus State, string? Problem = null) : ICommand<Done>;

/// <param name="Viewer">the owner; null asks on behalf of the merchant</param>
public sealed record GetWithdrawal(ShopperId? Viewer) : ICommand<WithdrawalView>;

/// <summary>A withdrawal (提现).</summary>
/// <param name="FeeFen">what the shop keeps of the amount</param>
/// <param name="Confirmation">what the WeChat client needs to let the owner confirm it, while the gateway waits for that; shown to nobody else</param>
/// <param name="Problem">the gateway's word for a failure</param>
public sealed record WithdrawalView(
    WithdrawalId Id,
    ShopperId ShopperId,
    WithdrawalStatus State,
    long AmountFen,
    long FeeFen,
    DateTimeOffset AskedAt,
    DateTimeOffset? DecidedAt,
    DateTimeOffset? EndedAt,
    string? Reason,
    string? Confirmation,
    string? Problem);

/// <summary>How a transfer stands at the gateway.</summary>
public enum TransferStatus
{
    /// <summary>Accepted and not done.</summary>
    Processing = 1,

    /// <summary>The owner has to confirm it in WeChat.</summary>
    AwaitsConfirmation = 2,
    Succeeded = 3,
    Failed = 4,
}

/// <summary>The gateway of transfers is a receiver outside the runtime; its address is a grain's like any other.</summary>
public static class TransferGateway
{
    public const string Kind = "transfer-gateway";

    public static GrainId For(ShopId shop, WithdrawalId withdrawal) => new(Kind, shop, withdrawal.Value);
}

/// <summary>To the gateway: pay the owner. The same withdrawal never pays twice.</summary>
/// <param name="Amount">what arrives: the withdrawal's amount less the fee</param>
public sealed record TransferAtGateway(WithdrawalId Withdrawal, ShopperId Owner, Money Amount) : ICommand<TransferredAtGateway>;

/// <param name="Confirmation">the package for <c>wx.requestMerchantTransfer</c>, while it <c>AwaitsConfirmation</c></param>
/// <param name="Problem">the gateway's word for a failure; while it is <c>Processing</c>, for what stands in its way and can be mended, such as an empty account</param>
public sealed record TransferredAtGateway(TransferStatus State, string? Confirmation = null, string? Problem = null);
