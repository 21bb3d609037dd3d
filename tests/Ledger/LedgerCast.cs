using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Ledger;

/// <summary>A promoter, their commission ledger, and what is posted to it.</summary>
internal static class LedgerCast
{
    public const string Zone = "Asia/Shanghai";

    public static readonly DateTimeOffset Start = Story<LedgerState, LedgerEvent>.Start;
    public static readonly ShopId Demo = new("demo");
    public static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    public static readonly ShopperId Bo = new(Guid.Parse("01890000-0000-7000-8000-0000000000a2"));
    public static readonly Guid TheOrder = Guid.Parse("01890000-0000-7000-8000-0000000000b1");
    public static readonly Guid Source = Guid.Parse("01890000-0000-7000-8000-0000000000c1");
    public static readonly Guid First = Guid.Parse("01890000-0000-7000-8000-0000000000d1");
    public static readonly Guid Another = Guid.Parse("01890000-0000-7000-8000-0000000000d2");
    public static readonly LedgerOpened Opened = new(Amei, LedgerKind.Commission);
    public static readonly HoldForWithdrawal Hold = new(Amei, LedgerKind.Commission, First, new(600), new(2_000), Zone);

    public static LedgerEntry Earn(long fen) => new("earned", LedgerAccount.Shop, LedgerAccount.Pending, new(fen));

    public static LedgerEntry Freeze(long fen) => new("frozen", LedgerAccount.Pending, LedgerAccount.Frozen, new(fen));

    public static LedgerEntry Release(long fen) => new("released", LedgerAccount.Frozen, LedgerAccount.Available, new(fen));

    public static LedgerEntry Give(long fen) => new("given", LedgerAccount.Shop, LedgerAccount.Available, new(fen));

    public static LedgerEntry TakeBack(long fen) => new("taken-back", LedgerAccount.Available, LedgerAccount.Shop, new(fen), MayOwe: true);

    public static LedgerEntry Paid(long fen) => new("withdrawal-paid", LedgerAccount.Held, LedgerAccount.Withdrawn, new(fen));

    public static LedgerEntry Fee(long fen) => new("withdrawal-fee", LedgerAccount.Held, LedgerAccount.Shop, new(fen));

    public static LedgerEntry Returned(long fen) => new("withdrawal-returned", LedgerAccount.Held, LedgerAccount.Available, new(fen));

    public static PostEntries Post(int first, params LedgerEntry[] entries) => new(Amei, LedgerKind.Commission, Source, TheOrder, first, entries);

    /// <summary>The end of the withdrawal.</summary>
    public static PostEntries End(params LedgerEntry[] entries) => new(Amei, LedgerKind.Commission, First, First, 2, entries, IsLast: true);

    /// <summary>A ledger with so much available, from a source of its own.</summary>
    public static LedgerEvent[] Having(long fen) => [Opened, Posted(new Guid(1, 2, 3, new byte[8]), 1, Move(1, "given", LedgerAccount.Shop, LedgerAccount.Available, fen))];

    public static EntriesPosted Posted(Guid source, int through, params LedgerMove[] moves) => new(source, TheOrder, through, moves, IsLast: false);

    public static LedgerMove Move(int step, string reason, LedgerAccount from, LedgerAccount to, long fen) => new(step, reason, from, to, new(fen));

    public static Story<LedgerState, LedgerEvent> Story() => new(new LedgerGrain()) { Self = Amei.LedgerIn(Demo, LedgerKind.Commission) };
}
