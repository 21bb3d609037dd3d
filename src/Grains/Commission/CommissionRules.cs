using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using static Campaigns.Grains.Kernel.GrainRefusal;
using CommissionDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Commission.CommissionEvent>;

namespace Campaigns.Grains.Commission;

/// <summary>Where the commission is: first it is found out what there is to earn.</summary>
internal enum CommissionStage
{
    None = 0,
    Asking = 1,
    Denied = 2,
    Pending = 3,
    Frozen = 4,
    Available = 5,
}

/// <summary>What is known while it is being found out what a sale earns.</summary>
internal sealed record CommissionFindings
{
    public ShopAnswered? Shop { get; set; }

    public PromoterAnswered? Promoter { get; set; }

    public IReadOnlyList<SkuAnswered> Skus { get; set; } = [];

    /// <summary>Who may earn the second level; null if nobody is asked.</summary>
    public ShopperId? AskedUpline { get; set; }

    public UplineAnswered? Upline { get; set; }
}

/// <summary>What one person earns by the sale, and how far their ledger knows of it.</summary>
/// <param name="LineFen">what was granted for each line</param>
/// <param name="ReversedFen">what of it was taken back, 0 up to all</param>
/// <param name="Posted">the last step that the ledger has</param>
/// <param name="Unposted">the steps after it</param>
/// <param name="GivenFen">all that the earner was ever given, as the ledger last said</param>
/// <param name="TakenBackFen">what of that was taken back</param>
internal sealed record LevelState(
    CommissionLevel Level,
    ShopperId Earner,
    IReadOnlyList<long> LineFen,
    long ReversedFen,
    int Posted,
    IReadOnlyList<LedgerEntry> Unposted,
    long GivenFen = 0,
    long TakenBackFen = 0)
{
    [JsonIgnore]
    public long AmountFen => LineFen.Sum();

    [JsonIgnore]
    public long KeptFen => AmountFen - ReversedFen;
}

internal sealed record CommissionState
{
    public CommissionStage Stage { get; set; }

    public ShopperId Buyer { get; set; }

    public ShopperId Promoter { get; set; }

    public string? Channel { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsSuspect { get; set; }

    /// <summary>The sale as the order last told it.</summary>
    public IReadOnlyList<SaleLine> Lines { get; set; } = [];

    public DateTimeOffset? ReceivedAt { get; set; }

    public int? AfterSaleDays { get; set; }

    /// <summary>Null once it is decided what there is to earn.</summary>
    public CommissionFindings? Findings { get; set; }

    public NoCommissionReason? Reason { get; set; }

    public IReadOnlyList<LevelState> Levels { get; set; } = [];

    /// <summary>When it is the earner's own; null until the order is received.</summary>
    public DateTimeOffset? AvailableAt { get; set; }

    public Debts Debts { get; set; } = new();

    public LevelState LevelOf(CommissionLevel level) => Levels.Single(l => l.Level == level);

    public CommissionView View(OrderId order) => new(
        order,
        Promoter,
        Channel,
        IsSuspect,
        Reason,
        Stage switch
        {
            CommissionStage.Pending => CommissionStatus.Pending,
            CommissionStage.Frozen => CommissionStatus.Frozen,
            CommissionStage.Available => CommissionStatus.Available,
            _ => null,
        },
        AvailableAt,
        [.. Levels.Select(l => new EarnedLevel(CommissionRules.SourceOf(order, l.Level).ToString("N"), l.Level, l.Earner, l.AmountFen, l.ReversedFen, [.. Lines.Zip(l.LineFen, (line, fen) => new EarnedLine(line.Sku, line.NetFen, line.RefundedFen, fen))]))]);
}

/// <summary>Every rule of a commission. Pure: no clock, no chance, no I/O but the table of time zones.</summary>
internal static class CommissionRules
{
    public const string AskShop = "ask-shop";
    public const string AskPromoter = "ask-promoter";
    public const string AskSku = "ask-sku";
    public const string AskUpline = "ask-upline";

    // Each is about the step that it begins with, or has heard of last: what is decided while it is under way is a debt of its own.
    public const string PostFirst = "post-first";
    public const string PostSecond = "post-second";
    public const string TellFirst = "tell-first";
    public const string TellSecond = "tell-second";

    public const string Earned = "commission-earned";
    public const string Reversed = "commission-reversed";
    public const string Frozen = "commission-frozen";
    public const string Released = "commission-available";

    /// <summary>What the entries of one level are about, in the ledger of who earns it.</summary>
    public static Guid SourceOf(OrderId order, CommissionLevel level) => Ids.Derive("commission", order.ToString(), level.ToString());

    /// <summary>Why these cannot be the rates of a product; null if they can, or there are none.</summary>
    public static Refusal? WrongWith(CommissionRates? rates)
    {
        if (rates is null) return null;
        if (rates.Level1Percent is < 0 or > 100) return Refusal.Invalid("commission.level1Percent", "0 to 100 percent.");
        if (rates.Level2Percent is < 0 or > 100) return Refusal.Invalid("commission.level2Percent", "0 to 100 percent.");
        if (rates.Level1Percent + rates.Level2Percent > 100) return Refusal.Invalid("commission.level1Percent", "Both levels together are at most 100 percent.");

        return null;
    }

    /// <remarks>Refunds only add up and an order is received once: what is less than what is known here is an older word that came late.</remarks>
    public static CommissionDecision Decide(CommissionState state, NoteSale command)
    {
        if (state.Stage == CommissionStage.None)
            return new SaleNoted(command.Buyer, command.Promoter, command.Channel, command.IsSuspect, command.Kind, command.Campaign, command.PlacedAt, command.Lines, command.ReceivedAt, command.AfterSaleDays);
        if (command.Promoter != state.Promoter) return WrongState;
        if (!command.Lines.Select(l => (l.Sku, l.NetFen)).SequenceEqual(state.Lines.Select(l => (l.Sku, l.NetFen)))) return WrongState;

        var refunded = state.Lines.Zip(command.Lines, (known, told) => Math.Max(known.RefundedFen, told.RefundedFen)).ToList();
        var isReceived = state.ReceivedAt is null && command.ReceivedAt is not null;
        if (!isReceived && refunded.SequenceEqual(state.Lines.Select(l => l.RefundedFen))) return CommissionDecision.Nothing;

        var changed = new SaleChanged(refunded, state.ReceivedAt ?? command.ReceivedAt, isReceived ? command.AfterSaleDays : state.AfterSaleDays);
        return (CommissionEvent[])[changed, .. Following(Changed(state, changed))];
    }

    public static CommissionDecision Decide(CommissionState state, Wake command, DateTimeOffset now)
    {
        if (!(DeadlineOf(state) <= now)) return CommissionDecision.Nothing;

        return new CommissionReleased();
    }

    /// <summary>When the after-sale period is over.</summary>
    public static DateTimeOffset? DeadlineOf(CommissionState state) => state.Stage == CommissionStage.Frozen ? state.AvailableAt : null;

    public static CommissionDecision Settle(CommissionState state, Debt debt, in Receipt receipt, DateTimeOffset now)
    {
        switch (debt.What)
        {
            case PostFirst or PostSecond:
                return receipt.Reply is LedgerPosted posted ? Posted(state.LevelOf(LevelOf(debt.What)), posted) : CommissionDecision.Nothing;
            case TellFirst or TellSecond:
                return new EarnerTold(debt.What, debt.About);
        }

        if (AnswerTo(debt, receipt) is not { } answer) return CommissionDecision.Nothing;

        var findings = Learned(state.Findings!, answer);
        if (UplineToAsk(state, findings) is { } upline) return new[] { answer, new UplineAsked(upline) };
        if (!IsComplete(state, findings)) return answer;
        if (WhyNone(findings) is { } reason) return new[] { answer, new CommissionDenied(reason) };

        var levels = LevelsOf(state, findings);
        if (levels.Count == 0) return new[] { answer, new CommissionDenied(NoCommissionReason.NothingToEarn) };

        // Refunds and the receipt may have come while it was being found out.
        var granted = new CommissionGranted(levels, MonthOf(now, findings.Shop!.TimeZone));
        return (CommissionEvent[])[answer, granted, .. Following(Granted(state, granted))];
    }

    public static CommissionState Evolve(CommissionState state, CommissionEvent @event) => @event switch
    {
        SaleNoted e => state with
        {
            Stage = CommissionStage.Asking,
            Buyer = e.Buyer,
            Promoter = e.Promoter,
            Channel = e.Channel,
            IsSuspect = e.IsSuspect,
            Lines = e.Lines,
            ReceivedAt = e.ReceivedAt,
            AfterSaleDays = e.AfterSaleDays,
            Findings = new(),
            Debts = e.Lines.Aggregate(state.Debts.Owe(AskShop, Guid.Empty).Owe(AskPromoter, e.Promoter.Value), (debts, line) => debts.Owe(AskSku, line.Sku.Value)),
        },
        SaleChanged e => Changed(state, e),
        ShopAnswered e => Known(state, e, AskShop, Guid.Empty),
        PromoterAnswered e => Known(state, e, AskPromoter, state.Promoter.Value),
        SkuAnswered e => Known(state, e, AskSku, e.Sku.Value),
        UplineAsked e => state with { Findings = state.Findings! with { AskedUpline = e.Upline }, Debts = state.Debts.Owe(AskUpline, e.Upline.Value) },
        UplineAnswered e => Known(state, e, AskUpline, state.Findings!.AskedUpline!.Value.Value),
        CommissionDenied e => state with { Stage = CommissionStage.Denied, Findings = null, Reason = e.Reason },
        CommissionGranted e => EachLevel(Granted(state, e), l => Post(state.Debts, l, new(Earned, LedgerAccount.Shop, LedgerAccount.Pending, new(l.AmountFen)))),
        CommissionReversed e => EachLevel(state, l => l.Level != e.Level ? l : Post(state.Debts, l, new(Reversed, AccountOf(state.Stage), LedgerAccount.Shop, e.Amount, MayOwe: state.Stage == CommissionStage.Available)) with { ReversedFen = l.ReversedFen + e.Amount.Fen }),
        CommissionFrozen e => EachLevel(state, l => Post(state.Debts, l, new(Frozen, LedgerAccount.Pending, LedgerAccount.Frozen, new(l.KeptFen)))) with { Stage = CommissionStage.Frozen, AvailableAt = e.AvailableAt },
        CommissionReleased => EachLevel(state, l => Post(state.Debts, l, new(Released, LedgerAccount.Frozen, LedgerAccount.Available, new(l.KeptFen)))) with { Stage = CommissionStage.Available },
        StepsPosted e => EachLevel(state, l => l.Level == e.Level ? Told(state.Debts, l, e) : l),
        EarnerTold e => state with { Debts = state.Debts.Settle(e.What, e.About) },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    /// <summary>What names a step of a level in a debt.</summary>
    public static Guid About(int step) => new(step, 0, 0, new byte[8]);

    public static string PostOf(CommissionLevel level) => level == CommissionLevel.First ? PostFirst : PostSecond;

    public static CommissionLevel LevelOf(string what) => what is PostFirst or TellFirst ? CommissionLevel.First : CommissionLevel.Second;

    /// <summary>What is left of a line's commission is in proportion to what is left of its net, rounded down: with everything refunded it is 0.</summary>
    public static long KeptOf(SaleLine line, long fen) => line.NetFen == 0 ? 0 : (long)((Int128)fen * (line.NetFen - line.RefundedFen) / line.NetFen);

    /// <summary>What follows from the sale as it is known: refunds take their share back, and the receipt begins the after-sale period.</summary>
    private static IEnumerable<CommissionEvent> Following(CommissionState state)
    {
        foreach (var level in state.Levels)
            if (level.KeptFen - state.Lines.Zip(level.LineFen, KeptOf).Sum() is > 0 and var reversed) yield return new CommissionReversed(level.Level, new(reversed));
        if (state is { Stage: CommissionStage.Pending, ReceivedAt: { } receivedAt }) yield return new CommissionFrozen(receivedAt.AddDays(state.AfterSaleDays ?? 0));
    }

    /// <returns>null if it must be asked again</returns>
    private static CommissionEvent? AnswerTo(Debt debt, in Receipt receipt) => (debt.What, receipt.Reply) switch
    {
        (AskShop, ShopView { Settings: var s } shop) => new ShopAnswered(s.Level1Percent, s.Level2Percent, Math.Min(s.CommissionMaxPercent, Math.Max(0, DistributionCompliance.SplitPercentMax - s.SupplierSharePercent)), s.SecondLevelSignOff is not null, shop.DistributionStop is not null, s.TimeZone, s.CommissionTiers),
        (AskSku, SkuView sku) => new SkuAnswered(sku.Id, sku.Commission),
        (AskPromoter, DistributorTerms terms) => new PromoterAnswered(terms.Standing, terms.Upline, terms.Tier, terms.RatePercent),
        (AskUpline, DistributorTerms terms) => new UplineAnswered(terms.Standing, terms.Tier, terms.RatePercent),
        (AskPromoter, null) when receipt.Refusal?.Kind == RefusalKind.Missing => new PromoterAnswered(null, null, null, 0),
        (AskUpline, null) when receipt.Refusal?.Kind == RefusalKind.Missing => new UplineAnswered(null, null, 0),
        _ => null,
    };

    private static CommissionFindings Learned(CommissionFindings findings, CommissionEvent answer) => answer switch
    {
        ShopAnswered e => findings with { Shop = e },
        PromoterAnswered e => findings with { Promoter = e },
        SkuAnswered e => findings with { Skus = [.. findings.Skus, e] },
        UplineAnswered e => findings with { Upline = e },
        _ => throw new UnreachableException($"{answer.GetType().Name} is no answer."),
    };

    /// <summary>A second level is paid only where a named person has signed off for it, and nobody earns by what they buy themselves.</summary>
    private static ShopperId? UplineToAsk(CommissionState state, CommissionFindings findings) =>
        findings is { AskedUpline: null, Shop: { HasSecondLevel: true, IsStopped: false }, Promoter: { Standing: DistributorStanding.Active, Upline: { } upline } } && upline != state.Buyer ? upline : null;

    private static bool IsComplete(CommissionState state, CommissionFindings findings) =>
        findings is { Shop: not null, Promoter: not null } && findings.Skus.Count == state.Lines.Count && (findings.AskedUpline is null || findings.Upline is not null);

    private static NoCommissionReason? WhyNone(CommissionFindings findings)
    {
        if (findings.Shop!.IsStopped) return NoCommissionReason.DistributionStopped;
        if (findings.Promoter!.Standing != DistributorStanding.Active) return NoCommissionReason.PromoterNotActive;

        return null;
    }

    /// <summary>
    /// The rate of a line is the SKU's own, else the earner's tier's, else the shop's; paid in the share that the earner's trust allows. Rounded
    /// down to the fen, and both levels together at most what the shop allows of the net.
    /// </summary>
    private static List<GrantedLevel> LevelsOf(CommissionState state, CommissionFindings findings)
    {
        var (shop, first, second) = (findings.Shop!, new long[state.Lines.Count], new long[state.Lines.Count]);
        for (var i = 0; i < state.Lines.Count; i++)
        {
            var (net, own) = (state.Lines[i].NetFen, findings.Skus.First(s => s.Sku == state.Lines[i].Sku).Commission);
            var most = net * shop.MaxPercent / 100;
            first[i] = Math.Min(most, Share(net, (own ?? RatesOf(shop, findings.Promoter!.Tier)).Level1Percent, findings.Promoter!.RatePercent));
            if (findings.Upline is { Standing: DistributorStanding.Active } upline)
                second[i] = Math.Min(most - first[i], Share(net, (own ?? RatesOf(shop, upline.Tier)).Level2Percent, upline.RatePercent));
        }

        return [.. Level(CommissionLevel.First, state.Promoter, first), .. Level(CommissionLevel.Second, findings.AskedUpline ?? default, second)];
    }

    private static IEnumerable<GrantedLevel> Level(CommissionLevel level, ShopperId earner, long[] lines) => lines.Sum() == 0 ? [] : [new(level, earner, lines)];

    private static CommissionRates RatesOf(ShopAnswered shop, string? tier) =>
        shop.Tiers?.FirstOrDefault(t => string.Equals(t.Name, tier, StringComparison.Ordinal)) is { } own ? new(own.Level1Percent, own.Level2Percent) : new(shop.Level1Percent, shop.Level2Percent);

    private static long Share(long net, int percent, int trustPercent) => (long)((Int128)net * percent * trustPercent / 10_000);

    private static string MonthOf(DateTimeOffset now, string zone) => LocalDay.Of(now, zone).ToString("yyyy-MM", CultureInfo.InvariantCulture);

    private static CommissionDecision Posted(LevelState level, LedgerPosted reply)
    {
        // Trust follows what was taken back and what was earned for good; all between is told with these.
        var isTold = level.Unposted.Take(reply.Through - level.Posted).Any(e => e.Reason is Reversed or Released);
        return new StepsPosted(level.Level, reply.Through, new(reply.GivenFen), new(reply.TakenBackFen), isTold);
    }

    private static CommissionState Known(CommissionState state, CommissionEvent answer, string what, Guid about) =>
        state with { Findings = Learned(state.Findings!, answer), Debts = state.Debts.Settle(what, about) };

    private static CommissionState Changed(CommissionState state, SaleChanged e) => state with
    {
        Lines = [.. state.Lines.Zip(e.RefundedFen, (line, refunded) => line with { RefundedFen = refunded })],
        ReceivedAt = e.ReceivedAt,
        AfterSaleDays = e.AfterSaleDays,
    };

    private static CommissionState Granted(CommissionState state, CommissionGranted e) => state with
    {
        Stage = CommissionStage.Pending,
        Findings = null,
        Levels = [.. e.Levels.Select(l => new LevelState(l.Level, l.Earner, l.LineFen, 0, 0, []))],
    };

    private static CommissionState EachLevel(CommissionState state, Func<LevelState, LevelState> change) => state with { Levels = [.. state.Levels.Select(change)] };

    /// <summary>The next step of a level. Where all is reversed there is nothing to move.</summary>
    private static LevelState Post(Debts debts, LevelState level, LedgerEntry entry)
    {
        if (entry.Amount == Money.Zero) return level;
        if (level.Unposted.Count == 0) debts.Owe(PostOf(level.Level), About(level.Posted + 1));
        return level with { Unposted = [.. level.Unposted, entry] };
    }

    private static LevelState Told(Debts debts, LevelState level, StepsPosted e)
    {
        var left = level with { Posted = e.Through, Unposted = [.. level.Unposted.Skip(e.Through - level.Posted)], GivenFen = e.Given.Fen, TakenBackFen = e.TakenBack.Fen };
        debts.Settle(PostOf(level.Level), About(level.Posted + 1));
        if (left.Unposted.Count > 0) debts.Owe(PostOf(level.Level), About(left.Posted + 1));
        if (e.TellsEarner) debts.Owe(level.Level == CommissionLevel.First ? TellFirst : TellSecond, About(e.Through));
        return left;
    }

    private static LedgerAccount AccountOf(CommissionStage stage) => stage switch
    {
        CommissionStage.Pending => LedgerAccount.Pending,
        CommissionStage.Frozen => LedgerAccount.Frozen,
        CommissionStage.Available => LedgerAccount.Available,
        _ => throw new UnreachableException($"Nothing is earned while {stage}."),
    };
}
