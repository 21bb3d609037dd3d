using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Binding;

/// <summary>What must be true of a binding: its promoter is a distributor who joined before the shopper did, and no two bindings overlap.</summary>
internal sealed class BindingBook : Book<BindingState>
{
    public override string Kind => BindingAddress.Kind;

    public override IEnumerable<string> WrongWith(GrainId grain, BindingState state, IBooks books) => [.. Question(state), .. History(grain, state), .. Promoter(grain, state, books), .. Owner(grain, state, books)];

    private static IEnumerable<string> Question(BindingState state)
    {
        var owed = state.Debts.Open.Select(d => ShopperId.Of(d.About)).ToList();
        if (state.Asked is { } asked && !owed.Contains(asked.Promoter)) yield return $"the promoter {asked.Promoter} is waited for and not being asked";
        foreach (var promoter in owed.Where(p => p != state.Asked?.Promoter)) yield return $"the promoter {promoter} is being asked and not waited for";
    }

    private static IEnumerable<string> History(GrainId grain, BindingState state)
    {
        if (state.Ended.Count > BindingRules.EndedMax) yield return $"it remembers {state.Ended.Count} ended bindings";
        var bonds = state.Ended.Append(state.Newest).OfType<Bond>().ToList();
        foreach (var bond in bonds)
        {
            if (bond.Promoter.Value == grain.Key) yield return "the shopper promotes themselves";
            if (bond.Until < bond.Since) yield return $"the binding to {bond.Promoter} ends before it begins";
        }

        foreach (var (earlier, later) in bonds.Zip(bonds.Skip(1)))
            if (later.Since < earlier.Until) yield return $"the bindings to {earlier.Promoter} and {later.Promoter} overlap";
    }

    private static IEnumerable<string> Promoter(GrainId grain, BindingState state, IBooks books)
    {
        if (state.Newest is not { } bond) yield break;

        if (books.Of<DistributorState>(bond.Promoter.DistributorIn(grain.Shop))?.JoinedAt is not { } joinedAt) yield return $"its promoter {bond.Promoter} is no distributor";
        else if (joinedAt != bond.PromoterJoinedAt) yield return $"its promoter {bond.Promoter} joined at {joinedAt:O}, and the binding says {bond.PromoterJoinedAt:O}";
        if (BindingRules.Loops(state, bond.Promoter, bond.PromoterJoinedAt, ShopperId.Of(grain.Key))) yield return $"its promoter {bond.Promoter} joined after the shopper did";
    }

    /// <remarks>That a distributor's binding knows of their joining is the distributor's to say: until it is told they owe it.</remarks>
    private static IEnumerable<string> Owner(GrainId grain, BindingState state, IBooks books)
    {
        if (state.Joined is { } joined && books.Of<DistributorState>(ShopperId.Of(grain.Key).DistributorIn(grain.Shop))?.JoinedAt != joined.At) yield return "it says that the shopper has joined, and their distributor grain does not";
    }
}
