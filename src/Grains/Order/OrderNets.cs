namespace Campaigns.Grains.Order;

/// <summary>The arithmetic of what each line of an order really costs, and what each unit of it gives back. Whole fen only, and the sums are exact.</summary>
internal static class OrderNets
{
    /// <summary>
    /// What is left of each line once the discounts are taken off in proportion. The fen that rounding leaves over are taken one each from
    /// the lines with the largest remainders, earlier lines first, so no line falls below 0 and the sum is exact.
    /// </summary>
    /// <param name="discount">0 up to the sum of the amounts</param>
    public static long[] Of(IReadOnlyList<long> amounts, long discount)
    {
        var (total, taken) = (amounts.Sum(), 0L);
        var shares = new (long Share, Int128 Remainder)[amounts.Count];
        for (var i = 0; i < shares.Length; i++)
        {
            var (share, remainder) = total == 0 ? (0, 0) : Int128.DivRem((Int128)discount * amounts[i], total);
            (shares[i], taken) = (((long)share, remainder), taken + (long)share);
        }

        var nets = amounts.Select((amount, i) => amount - shares[i].Share).ToArray();
        foreach (var i in Enumerable.Range(0, shares.Length).OrderByDescending(i => shares[i].Remainder).ThenBy(i => i).Take((int)(discount - taken))) nets[i]--;
        return nets;
    }

    /// <summary>The lines of an order as they are seen.</summary>
    /// <param name="refunded">how many units of the line with this number were refunded</param>
    public static IReadOnlyList<OrderLineView> Views(IReadOnlyList<OrderLine> lines, IReadOnlyList<long> nets, Func<int, int> refunded) =>
        [.. lines.Select((l, i) => new OrderLineView(i + 1, l.Sku, l.Title, l.Quantity, l.UnitPriceFen, l.AmountFen, l.AmountFen - nets[i], nets[i], refunded(i + 1)))];

    /// <summary>
    /// What <paramref name="units"/> more units of a line give back when <paramref name="before"/> have gone back already. Counted from the
    /// first unit on, so that all of them together give back exactly the net, in whatever portions they come.
    /// </summary>
    public static long OfUnits(long net, int quantity, int before, int units) => (net * (before + units) / quantity) - (net * before / quantity);

    /// <summary>
    /// What of each line's net has gone back. A refund of units is theirs, up to what they cost and is left; the rest of it, and an amount for
    /// the whole order, is spread over what is left of all lines. The sum is exact, no line gives back more than its net, and another refund never
    /// makes it less.
    /// </summary>
    /// <param name="refunds">in the order in which they were made; together at most the sum of the nets</param>
    public static long[] Refunded(IReadOnlyList<long> nets, IReadOnlyList<int> quantities, IEnumerable<(long Amount, IReadOnlyList<RefundedUnits>? Units)> refunds)
    {
        var (left, before) = (nets.ToArray(), new int[nets.Count]);
        foreach (var (amount, units) in refunds)
        {
            var due = new long[nets.Count];
            foreach (var (line, quantity) in units ?? [])
            {
                due[line - 1] = Math.Min(left[line - 1], OfUnits(nets[line - 1], quantities[line - 1], before[line - 1], quantity));
                before[line - 1] += quantity;
            }

            var theirs = Math.Min(amount, due.Sum());
            var kept = Of(due, theirs);
            left = Of([.. left.Select((l, i) => l - due[i] + kept[i])], amount - theirs);
        }

        return [.. nets.Select((net, i) => net - left[i])];
    }
}
