using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using static Campaigns.Grains.Kernel.GrainRefusal;
using static Campaigns.Grains.Ledger.LedgerRefusal;
using LedgerDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Ledger.LedgerEvent>;

namespace Campaigns.Grains.Ledger;

/// <param name="Through">its last step that is posted</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LedgerSource(int Through, bool IsClosed);

/// <summary>The one withdrawal that is open, and what is held for it.</summary>
internal sealed record OpenWithdrawal(Guid Withdrawal, Money Amount, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] DateTimeOffset AskedAt = default);

/// <remarks>
/// Changed in place: a promoter may have a million orders whose commission is not settled, so neither copying nor an immutable tree is
/// affordable. One cell owns it.
/// </remarks>
internal sealed class LedgerState
{
    public ShopperId? Owner { get; set; }

    public LedgerKind Kind { get; set; }

    public LedgerBalances Balances { get; set; }

    public long GivenFen { get; set; }

    public long TakenBackFen { get; set; }

    public OpenWithdrawal? Open { get; set; }

    /// <summary>The day of the newest hold, and what was held on it and has not come back.</summary>
    public DateOnly Day { get; set; }

    public long HeldOnDayFen { get; set; }

    public Dictionary<Guid, LedgerSource> Sources { get; set; } = [];

    /// <summary>Those of <see cref="Sources"/> that are closed, oldest first.</summary>
    public Queue<Guid> Closed { get; set; } = new();

    /// <summary>Withdrawals that are over or were refused.</summary>
    public Past Past { get; set; } = new();

    [JsonIgnore]
    public bool IsOpened => Owner is not null;

    /// <summary>The last step of a source that is posted; 0 for one that is not known, or not any more.</summary>
    public int ThroughOf(Guid source) => Sources.GetValueOrDefault(source).Through;

    public LedgerPosted Posted(Guid source) => new(ThroughOf(source), GivenFen, TakenBackFen);

    public LedgerView View() => new(Balances.Pending, Balances.Frozen, Balances.Available, Balances.Held, Balances.Withdrawn, -Balances.Debt, GivenFen, TakenBackFen);
}

/// <summary>
/// Every rule of a ledger. Pure: no clock, no chance, no I/O. At all times the accounts sum to zero, none but <c>Shop</c> and <c>Debt</c> is
/// below it, and nobody owes who has something available.
/// </summary>
internal static class LedgerRules
{
    public const int EntriesMax = 100;
    public const int ReasonLengthMax = 40;
    public const int StepsMax = 1_000_000;
    public const int OpenSourcesMax = 1_000_000;

    /// <summary>How many closed sources are remembered: a message that pays a debt comes again within minutes, not after a thousand others.</summary>
    public const int ClosedSourcesMax = 1_000;

    /// <summary>More than the largest order is over: 50 lines of 10,000 units at the highest price.</summary>
    public static readonly Money AmountMax = new(10_000_000_000_000_000);

    /// <summary>No account can leave the range of a number while the shop gives no more than this.</summary>
    public const long GivenMax = 4_000_000_000_000_000_000;

    public static LedgerDecision Decide(LedgerState state, PostEntries command, DateTimeOffset now)
    {
        if (!Enum.IsDefined(command.Kind)) return Refusal.Invalid("kind", "There is no such ledger.");
        if (!IsOf(state, command.Owner, command.Kind)) return Refusal.Invalid("owner", "This is somebody else's ledger.");
        if (command.Entries.Count is < 1 or > EntriesMax) return Refusal.Invalid("entries", "1 to 100 entries.");
        if (command.FirstStep is < 1 or > StepsMax) return Refusal.Invalid("firstStep", "1 to 1,000,000.");
        if (command.Entries.Select(WrongWith).FirstOrDefault(w => w is not null) is { } wrong) return wrong;
        var (source, last) = (state.Sources.GetValueOrDefault(command.Source), command.FirstStep + command.Entries.Count - 1);
        if (last <= source.Through && (source.IsClosed || !command.IsLast)) return LedgerDecision.Nothing;
        if (source.IsClosed) return WrongState;
        if (command.FirstStep > source.Through + 1) return WrongState;
        if (source.Through == 0 && IsFull(state)) return Busy;

        var (balances, given, takenBack) = (state.Balances, state.GivenFen, state.TakenBackFen);
        var moves = new List<LedgerMove>(command.Entries.Count);
        for (var step = source.Through + 1; step <= last; step++)
        {
            var entry = command.Entries[step - command.FirstStep];
            if (entry.From == LedgerAccount.Held && state.Open?.Withdrawal != command.Source) return WrongState;
            foreach (var move in Split(balances, step, entry))
            {
                if (move.From is not (LedgerAccount.Shop or LedgerAccount.Debt) && move.Amount.Fen > balances.Of(move.From)) return InsufficientBalance;
                balances = balances.After(move);
                (given, takenBack) = (given + GivenBy(move), takenBack + TakenBackBy(move));
                moves.Add(move);
            }
        }

        if (takenBack > given) return InsufficientBalance;
        if (given > GivenMax) return Refusal.Invalid("entries", "A ledger gives at most 4,000,000,000,000,000,000 in all.");

        // A withdrawal ends whole: all of it is paid, or all of it is back.
        if (state.Open?.Withdrawal == command.Source && !(command.IsLast && balances.Held == 0)) return WrongState;

        return Opened(state, command.Owner, command.Kind, new MovesPosted(command.Source, command.Subject, Math.Max(last, source.Through), moves, command.IsLast));
    }

    public static LedgerDecision Decide(LedgerState state, HoldForWithdrawal command, DateTimeOffset now)
    {
        if (state.Sources.ContainsKey(command.Withdrawal)) return LedgerDecision.Nothing;
        if (state.Past.Has(command.Withdrawal, command.AskedAt)) return LedgerDecision.Nothing;
        if (WhyNotHold(state, command, now) is not { } refusal) return new BalanceHeld(command.Withdrawal, command.Amount, LocalDay.Of(now, command.TimeZone), command.AskedAt);

        return command.AskedAt == default ? refusal : Opened(state, command.Owner, command.Kind, new WithdrawalHoldRefused(command.Withdrawal, command.AskedAt, refusal));
    }

    /// <summary>Why a withdrawal cannot be held now; null if it can, or is.</summary>
    public static Refusal? WhyNotHold(LedgerState state, HoldForWithdrawal command, DateTimeOffset now)
    {
        if (state.Sources.ContainsKey(command.Withdrawal)) return null;
        if (!IsOf(state, command.Owner, command.Kind)) return Refusal.Invalid("owner", "This is somebody else's ledger.");
        if (command.Amount <= Money.Zero) return Refusal.Invalid("amountFen", "A withdrawal is at least 1 fen.");
        if (state.Open is not null) return Refusal.Of(WithdrawalOpen);
        if (command.Amount.Fen > state.Balances.Available) return Refusal.Of(InsufficientBalance);
        var today = LocalDay.Of(now, command.TimeZone);
        if (command.Amount.Fen > command.DailyCap.Fen - (today == state.Day ? state.HeldOnDayFen : 0))
            return Refusal.Of(DailyWithdrawalCapReached) with { Limit = command.DailyCap.Fen, ResetsAt = LocalDay.EndOf(today, command.TimeZone) };

        // A withdrawal always ends and closes its source, so a ledger that is full of others still lets money out.
        return null;
    }

    public static LedgerState Evolve(LedgerState state, LedgerEvent @event)
    {
        switch (@event)
        {
            case LedgerOpened e:
                (state.Owner, state.Kind) = (e.Owner, e.Kind);
                break;
            case MovesPosted e:
                foreach (var move in e.Moves) Move(state, move);
                state.Sources[e.Source] = new(e.Through, e.IsLast);
                if (e.Source == state.Open?.Withdrawal)
                {
                    state.Past.Note(e.Source, state.Open.AskedAt);
                    state.Open = null;
                }

                if (e.IsLast) Close(state, e.Source);
                break;
            case BalanceHeld e:
                state.Balances = state.Balances.After(e.AsMove());
                state.Open = new(e.Withdrawal, e.Amount, e.AskedAt);
                (state.Day, state.HeldOnDayFen) = (e.Day, e.Amount.Fen + (e.Day == state.Day ? state.HeldOnDayFen : 0));
                state.Sources.Add(e.Withdrawal, new(1, IsClosed: false));
                break;
            case WithdrawalHoldRefused e:
                state.Past.Note(e.Withdrawal, e.AskedAt, e.Why);
                break;
            default:
                throw new UnreachableException($"Unknown event {@event.GetType().Name}");
        }

        return state;
    }

    public static LedgerMove AsMove(this BalanceHeld held) => new(1, "withdrawal-held", LedgerAccount.Available, LedgerAccount.Held, held.Amount);

    private static LedgerDecision Opened(LedgerState state, ShopperId owner, LedgerKind kind, LedgerEvent first) =>
        state.IsOpened ? first : new LedgerEvent[] { new LedgerOpened(owner, kind), first };

    private static bool IsOf(LedgerState state, ShopperId owner, LedgerKind kind) => !state.IsOpened || (state.Owner == owner && state.Kind == kind);

    private static bool IsFull(LedgerState state) => state.Sources.Count - state.Closed.Count >= OpenSourcesMax;

    private static Refusal? WrongWith(LedgerEntry entry)
    {
        if (string.IsNullOrWhiteSpace(entry.Reason) || entry.Reason.Length > ReasonLengthMax) return Refusal.Invalid("reason", "A reason has 1 to 40 characters.");
        if (entry.Amount <= Money.Zero || entry.Amount > AmountMax) return Refusal.Invalid("amount", "1 to 10,000,000,000,000,000.");
        if (!Enum.IsDefined(entry.From) || !Enum.IsDefined(entry.To) || entry.From == entry.To) return Refusal.Invalid("from", "An entry goes from one account to another.");
        if (entry.From == LedgerAccount.Debt || entry.To == LedgerAccount.Debt) return Refusal.Invalid("from", "A debt is made and paid off by other entries.");
        if (entry.To == LedgerAccount.Held) return Refusal.Invalid("to", "Only a withdrawal is held.");
        if (entry.MayOwe && (entry.From, entry.To) != (LedgerAccount.Available, LedgerAccount.Shop)) return Refusal.Invalid("mayOwe", "Only what the shop takes back can be owed.");

        return null;
    }

    /// <summary>The moves of an entry: what is available is taken before anything is owed, and what is owed is paid off before anything is available.</summary>
    private static IEnumerable<LedgerMove> Split(LedgerBalances balances, int step, LedgerEntry entry)
    {
        var (from, to, amount) = (entry.From, entry.To, entry.Amount.Fen);
        var owed = entry.MayOwe ? Math.Max(0, amount - balances.Available) : to == LedgerAccount.Available ? Math.Min(amount, -balances.Debt) : 0;
        if (owed > 0) yield return new(step, entry.Reason, entry.MayOwe ? LedgerAccount.Debt : from, entry.MayOwe ? to : LedgerAccount.Debt, new(owed));
        if (amount > owed) yield return new(step, entry.Reason, from, to, new(amount - owed));
    }

    private static void Move(LedgerState state, LedgerMove move)
    {
        state.Balances = state.Balances.After(move);
        state.GivenFen += GivenBy(move);
        state.TakenBackFen += TakenBackBy(move);

        // Only one withdrawal is open, so what comes back is of the newest day.
        if (move is { From: LedgerAccount.Held, To: LedgerAccount.Available or LedgerAccount.Debt }) state.HeldOnDayFen -= move.Amount.Fen;
    }

    private static void Close(LedgerState state, Guid source)
    {
        state.Closed.Enqueue(source);
        if (state.Closed.Count > ClosedSourcesMax) state.Sources.Remove(state.Closed.Dequeue());
    }

    private static long GivenBy(LedgerMove move) => move.From == LedgerAccount.Shop ? move.Amount.Fen : 0;

    // The fee of a withdrawal was given and stays so.
    private static long TakenBackBy(LedgerMove move) => move.To == LedgerAccount.Shop && move.From != LedgerAccount.Held ? move.Amount.Fen : 0;
}
