using Campaigns.Grains.Binding;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Distributor;

/// <summary>What must be true of a distributor: their own binding knows that they joined, and who stands above them joined before.</summary>
internal sealed class DistributorBook : Book<DistributorState>
{
    public override string Kind => DistributorAddress.Kind;

    public override IEnumerable<string> WrongWith(GrainId grain, DistributorState state, IBooks books) => [.. Standing(state), .. Place(grain, state, books)];

    private static IEnumerable<string> Standing(DistributorState state)
    {
        var hasJoined = state.Standing is DistributorStanding.Active or DistributorStanding.Frozen or DistributorStanding.Closed;
        if (state.JoinedAt is not null != hasJoined) yield return hasJoined ? $"they are {state.Standing} and never joined" : $"they joined and are {state.Standing}";
        if (state.Devices.Count > DistributorRules.DevicesMax) yield return $"it remembers {state.Devices.Count} devices";
        if (state.Suspects.Count > DistributorRules.SuspectsMax) yield return $"it remembers {state.Suspects.Count} suspects";
        if (state.Suspects.Distinct().Count() != state.Suspects.Count) yield return "it suspects somebody twice";
    }

    private static IEnumerable<string> Place(GrainId grain, DistributorState state, IBooks books)
    {
        if (state.JoinedAt is not { } joinedAt) yield break;

        var owed = state.Debts.Contains(DistributorState.JoinedDebt, Guid.Empty);
        if (state.IsPlaced == owed) yield return owed ? "their place in the team is known and still asked for" : "their place in the team is not known and not asked for";
        if (!state.IsPlaced) yield break;

        var self = ShopperId.Of(grain.Key);
        if (books.Of<BindingState>(self.BindingIn(grain.Shop))?.Joined is not { } known) yield return "their own binding does not know that they joined";
        else if ((known.At, known.Promoter) != (joinedAt, state.Upline)) yield return $"they joined at {joinedAt:O} under {state.Upline}, and their own binding says at {known.At:O} under {known.Promoter}";

        if (state.Upline is not { } upline) yield break;
        if (books.Of<DistributorState>(upline.DistributorIn(grain.Shop))?.JoinedAt is not { } before) yield return $"{upline} stands above them and is no distributor";
        else if (!BindingRules.IsBefore(before, upline, joinedAt, self)) yield return $"{upline} stands above them and joined later";
    }
}
