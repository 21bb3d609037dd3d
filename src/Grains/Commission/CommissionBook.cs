using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.Grains.Commission;

/// <summary>What must be true of a commission: nobody has more than the sale earned, a refund takes its share, and the ledger hears of every step.</summary>
internal sealed class CommissionBook : Book<CommissionState>
{
    private static readonly string[] Questions = [CommissionRules.AskShop, CommissionRules.AskPromoter, CommissionRules.AskSku, CommissionRules.AskUpline];

    public override string Kind => CommissionAddress.Kind;

    public override IEnumerable<string> WrongWith(GrainId grain, CommissionState state, IBooks books)
    {
        if (state.Stage == CommissionStage.None) return ["it has facts but no sale"];

        return [.. Way(state), .. state.Levels.SelectMany(l => Level(state, l)), .. Lines(state), .. Sale(grain, state, books)];
    }

    private static IEnumerable<string> Way(CommissionState state)
    {
        var asks = state.Debts.Open.Count(d => Questions.Contains(d.What, StringComparer.Ordinal));
        if ((state.Stage == CommissionStage.Asking) != asks > 0) yield return $"it is {state.Stage} and waits for {asks} answers";
        if (state.Stage >= CommissionStage.Pending != state.Levels.Count > 0) yield return $"it is {state.Stage} and {state.Levels.Count} levels were granted";
        if (state.Stage is CommissionStage.Frozen or CommissionStage.Available != state.AvailableAt is not null) yield return $"it is {state.Stage} and available at {state.AvailableAt:O}";
        if (state.AvailableAt is not null && state.ReceivedAt is null) yield return $"it is {state.Stage} and the order was never received";
        if (state is { Stage: CommissionStage.Pending, ReceivedAt: not null }) yield return "it is Pending and the order was received";
        if (state.Levels.GroupBy(l => l.Level).FirstOrDefault(g => g.Count() > 1) is { } twice) yield return $"level {twice.Key} was granted {twice.Count()} times";
    }

    private static IEnumerable<string> Level(CommissionState state, LevelState level)
    {
        if (level.Earner == state.Buyer) yield return $"its buyer earns its level {level.Level}";
        if (level.AmountFen <= 0 || level.LineFen.Any(f => f < 0)) yield return $"{level.AmountFen} fen were granted at level {level.Level}";
        var kept = state.Lines.Zip(level.LineFen, CommissionRules.KeptOf).Sum();
        if (level.KeptFen != kept) yield return $"{level.ReversedFen} of {level.AmountFen} fen of level {level.Level} are reversed, and of what was not refunded {kept} are to be kept";
        if (level.Unposted.Any(e => e.Amount <= Money.Zero)) yield return $"an entry of level {level.Level} is over nothing";
        if (level.Unposted.Count > 0 != state.Debts.Contains(CommissionRules.PostOf(level.Level), CommissionRules.About(level.Posted + 1)))
            yield return $"{level.Unposted.Count} entries of level {level.Level} are not posted, and the ledger {(level.Unposted.Count > 0 ? "is not told" : "is told")}";
    }

    private static IEnumerable<string> Lines(CommissionState state)
    {
        for (var i = 0; i < state.Lines.Count; i++)
        {
            var (line, earned) = (state.Lines[i], state.Levels.Sum(l => l.LineFen[i]));
            if (line.RefundedFen < 0 || line.RefundedFen > line.NetFen) yield return $"{line.RefundedFen} of the {line.NetFen} fen of line {i + 1} are refunded";
            if (earned > line.NetFen) yield return $"line {i + 1} cost {line.NetFen} fen and earns {earned}";
        }
    }

    /// <summary>The order knows everything first, and owes what it has not told.</summary>
    private static IEnumerable<string> Sale(GrainId grain, CommissionState state, IBooks books)
    {
        if (books.Of<OrderState>(OrderId.Of(grain.Key).In(grain.Shop)) is not { } order)
        {
            yield return "its order does not exist";
            yield break;
        }

        if (order.Attributed?.Promoter != state.Promoter || order.Buyer != state.Buyer) yield return $"it is a sale of {state.Promoter} to {state.Buyer}, and the order one of {order.Attributed?.Promoter} to {order.Buyer}";
        var sale = order.Sale();
        if (!sale.Select(l => (l.Sku, l.NetFen)).SequenceEqual(state.Lines.Select(l => (l.Sku, l.NetFen)))) yield return "its lines are not those of the order";
        else if (state.Lines.Zip(sale, (here, there) => here.RefundedFen > there.RefundedFen).Any(more => more)) yield return "more is refunded here than in the order";
        if (state.ReceivedAt is { } received && received != order.ReceivedAt) yield return $"it was received at {received:O} here and at {order.ReceivedAt:O} in the order";
    }
}
