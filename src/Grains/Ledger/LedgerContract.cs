using System.Diagnostics;
using System.Runtime.InteropServices;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Ledger;

/// <summary>What a ledger counts. All of it is in whole units: fen, or points.</summary>
public enum LedgerKind
{
    Commission = 1,
    Points = 2,
    Balance = 3,
}

/// <summary>
/// The accounts (科目) of one ledger. Every entry takes from one and adds to another, so their sum is always zero. <c>Shop</c> is the shop's
/// own, with this owner: minus what it has given. <c>Debt</c> is 0 or below: what the owner owes. All others are 0 or above.
/// </summary>
public enum LedgerAccount
{
    Shop = 1,

    /// <summary>Earned and not certain: the order is paid and not received.</summary>
    Pending = 2,

    /// <summary>The order is received, its after-sale period runs.</summary>
    Frozen = 3,

    /// <summary>The owner's, to be spent or withdrawn.</summary>
    Available = 4,

    /// <summary>In an open withdrawal.</summary>
    Held = 5,

    /// <summary>Has left: to the owner's own pocket, or spent.</summary>
    Withdrawn = 6,

    Debt = 7,
}

public enum LedgerRefusal
{
    [Refuses(RefusalKind.State, "可用余额不足", "The available balance is too low.")]
    InsufficientBalance = 1,

    [Refuses(RefusalKind.State, "您有一笔提现正在处理中", "Another withdrawal is still open.")]
    WithdrawalOpen = 2,

    [Refuses(RefusalKind.Limit, "今日提现额度已用完，请明天再来", "You have withdrawn as much as one day allows.")]
    DailyWithdrawalCapReached = 3,
}

/// <summary>A ledger (账本) is found by its owner and what it counts.</summary>
public static class LedgerAddress
{
    public const string Kind = "ledger";

    public static GrainId LedgerIn(this ShopperId owner, ShopId shop, LedgerKind kind) => new(Kind, shop, Ids.Derive(Kind, kind.ToString(), owner.ToString()));
}

/// <summary>What is on each account of one ledger.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct LedgerBalances(long Shop, long Pending, long Frozen, long Available, long Held, long Withdrawn, long Debt)
{
    public long Of(LedgerAccount account) => account switch
    {
        LedgerAccount.Shop => Shop,
        LedgerAccount.Pending => Pending,
        LedgerAccount.Frozen => Frozen,
        LedgerAccount.Available => Available,
        LedgerAccount.Held => Held,
        LedgerAccount.Withdrawn => Withdrawn,
        LedgerAccount.Debt => Debt,
        _ => throw new UnreachableException($"Unknown account {account}"),
    };

    public LedgerBalances After(LedgerMove move) => With(move.From, -move.Amount.Fen).With(move.To, move.Amount.Fen);

    private LedgerBalances With(LedgerAccount account, long more) => account switch
    {
        LedgerAccount.Shop => this with { Shop = checked(Shop + more) },
        LedgerAccount.Pending => this with { Pending = checked(Pending + more) },
        LedgerAccount.Frozen => this with { Frozen = checked(Frozen + more) },
        LedgerAccount.Available => this with { Available = checked(Available + more) },
        LedgerAccount.Held => this with { Held = checked(Held + more) },
        LedgerAccount.Withdrawn => this with { Withdrawn = checked(Withdrawn + more) },
        LedgerAccount.Debt => this with { Debt = checked(Debt + more) },
        _ => throw new UnreachableException($"Unknown account {account}"),
    };
}

/// <summary>What an entry has moved. An entry that meets a debt, or makes one, is two moves: one for each account.</summary>
/// <param name="Step">the number of the entry</param>
public sealed record LedgerMove(int Step, string Reason, LedgerAccount From, LedgerAccount To, Money Amount);

/// <summary>One entry (分录): an amount goes from one account to another.</summary>
/// <param name="Reason">a stable word such as <c>commission-earned</c>, 1–40 characters</param>
/// <param name="Amount">above 0</param>
/// <param name="MayOwe">what <c>Available</c> does not hold is taken from <c>Debt</c>, instead of being refused</param>
/// <remarks>Nobody names <c>Debt</c>: it is made by <paramref name="MayOwe"/> and paid off by what becomes available.</remarks>
public sealed record LedgerEntry(string Reason, LedgerAccount From, LedgerAccount To, Money Amount, bool MayOwe = false);

/// <summary>
/// Posts entries, all or none. The steps of a source are numbered 1, 2, 3 … without a gap; those that were posted before are skipped, so a
/// repeat changes nothing. What becomes <c>Available</c> pays off <c>Debt</c> first. Refused <c>InsufficientBalance</c> if an account does
/// not hold what is taken from it or more would be taken back than was ever given, <c>WrongState</c> if a step before
/// <paramref name="FirstStep"/> is missing or the source is closed. <c>Held</c> moves only with the end of the withdrawal that it is held for.
/// </summary>
/// <param name="Source">what the entries are about, such as a withdrawal, or one level of an order's commission</param>
/// <param name="Subject">what a statement shows beside them: the order or the withdrawal</param>
/// <param name="FirstStep">the number of the first entry</param>
/// <param name="Entries">1–100</param>
/// <param name="IsLast">no more steps will come: the source need not be remembered for long</param>
public sealed record PostEntries(ShopperId Owner, LedgerKind Kind, Guid Source, Guid Subject, int FirstStep, IReadOnlyList<LedgerEntry> Entries, bool IsLast = false) : ICommand<LedgerPosted>;

/// <param name="Through">the last step of the source that is posted</param>
/// <param name="GivenFen">all that the shop ever gave here</param>
/// <param name="TakenBackFen">what of that it took back</param>
public sealed record LedgerPosted(int Through, long GivenFen, long TakenBackFen);

/// <summary>
/// Step 1 of a withdrawal: its amount goes from <c>Available</c> to <c>Held</c>. Refused <c>WithdrawalOpen</c> while another is open,
/// <c>InsufficientBalance</c>, <c>DailyWithdrawalCapReached</c> with the cap and when it resets. Idempotent by withdrawal. What goes back to
/// <c>Available</c> on the same day does not count against the cap.
/// </summary>
/// <param name="DailyCap">all withdrawals of one calendar day together, in fen</param>
/// <param name="TimeZone">of the shop, whose days are counted</param>
/// <param name="AskedAt">when it was asked for; what is not newer than what was refused, or is over, is a copy</param>
public sealed record HoldForWithdrawal(ShopperId Owner, LedgerKind Kind, Guid Withdrawal, Money Amount, Money DailyCap, string TimeZone, DateTimeOffset AskedAt = default) : ICommand<LedgerPosted>;

/// <summary>Would this withdrawal be held? Decides nothing: it keeps hopeless ones from being written.</summary>
public sealed record CheckHoldForWithdrawal(HoldForWithdrawal Hold) : ICommand<Done>;

/// <summary>The balances; all zero for an owner who never had an entry.</summary>
public sealed record GetLedger : ICommand<LedgerView>;

/// <summary>The balances of one ledger, in fen or points.</summary>
/// <param name="DebtFen">what the owner owes, 0 or above: later earnings pay it off</param>
/// <param name="GivenFen">all that the shop ever gave here</param>
/// <param name="TakenBackFen">what of that it took back</param>
public sealed record LedgerView(long PendingFen, long FrozenFen, long AvailableFen, long HeldFen, long WithdrawnFen, long DebtFen, long GivenFen, long TakenBackFen)
{
    /// <summary>What the shop kept of withdrawals: all accounts together are zero.</summary>
    public long FeesFen => GivenFen - TakenBackFen - (PendingFen + FrozenFen + AvailableFen + HeldFen + WithdrawnFen - DebtFen);
}
