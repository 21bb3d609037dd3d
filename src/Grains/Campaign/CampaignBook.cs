using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Campaign;

/// <summary>What the state of a participation that claims units knows of its claims, so that both sides can be compared.</summary>
internal interface IUnitsClaimant
{
    /// <summary>True from the moment it asks for units for this order until it knows that they are back.</summary>
    bool Claims(Guid order);
}

/// <summary>What must be true of a campaign: no place is given twice, none is lost, and the stock keeps a unit for each.</summary>
internal sealed class CampaignBook : Book<CampaignState>
{
    public override string Kind => "campaign";

    public override IEnumerable<string> WrongWith(GrainId grain, CampaignState state, IBooks books) =>
        state.Plan is null ? ["it has facts but was never drafted"] : [.. Places(state), .. Untold(state), .. Participations(grain, state, books), .. Claims(grain, state, books), .. Reservation(grain, state, books)];

    private static IEnumerable<string> Places(CampaignState state)
    {
        if (state.Left < 0) yield return $"{state.Taken} places are taken of {state.Total}";

        var live = state.Participations.Values.Count(p => !p.IsOver);
        var held = state.Participations.Values.Count(p => p.HasPlace && !p.IsOver) + state.Claims.Values.Sum(c => c.Units);
        var sold = state.Participations.Values.Count(p => p.HasPlace && p.IsOver);
        if (state.Live != live) yield return $"{live} take part, but {state.Live} are counted";
        if (state.Held != held) yield return $"{held} who take part have a place, but {state.Held} places are counted as held";
        foreach (var shopper in state.UnitsOf.Where(u => u.Value < 1 || u.Value > state.Plan!.Terms.UnitsPerShopper)) yield return $"{shopper.Value} units are claimed by or sold to {shopper.Key:N}, and {state.Plan!.Terms.UnitsPerShopper} may be";
        var claimed = state.Claims.Values.Sum(c => c.Units);
        if (state.Plan!.Terms.UnitsPerShopper > 0 ? state.UnitsOf.Values.Sum() != claimed + state.Sold : state.HasForgotten ? state.Sold < sold : state.Sold != sold) yield return $"{sold} participations used their place, but {state.Sold} places are counted as sold";
    }

    private static IEnumerable<string> Untold(CampaignState state)
    {
        foreach (var what in (string[])[CampaignState.PauseDebt, CampaignState.ResumeDebt, CampaignState.CancelDebt])
        {
            var owed = state.Participations.Keys.Count(p => state.Debts.Contains(what, p));
            if (state.UntoldOf(what) != owed) yield return $"{owed} participations are owed '{what}', but {state.UntoldOf(what)} are counted";
        }
    }

    private static IEnumerable<string> Participations(GrainId grain, CampaignState state, IBooks books)
    {
        foreach (var (id, participation) in state.Participations)
        {
            var address = state.Plan!.Terms.Participation(grain.Shop, id);
            if (participation.IsStarted && books.Of<object>(address) is null) yield return $"the participation {address} has started and does not exist";
            if (!participation.IsStarted && !state.Debts.Contains(CampaignState.StartDebt, id)) yield return $"the participation {address} was admitted, has not started and is not owed its start";

            // Where shoppers launch, only a shopper asks for an admission, and counts it before asking.
            if (state.Plan.Terms.EntriesPerShopper is null) continue;
            if (books.Of<ShopperState>(participation.Owner.In(grain.Shop)) is not { } owner) yield return $"the participation {address} is of a shopper {participation.Owner} who does not exist";
            else if (owner.LaunchOf(id) is null && owner.Launches.Count < ShopperRules.LaunchesMax) yield return $"the participation {address} does not count as a launch of its owner {participation.Owner}";
        }
    }

    private static IEnumerable<string> Claims(GrainId grain, CampaignState state, IBooks books)
    {
        foreach (var (order, claim) in state.Claims)
        {
            var address = state.Plan!.Terms.Participation(grain.Shop, claim.Participation);
            if (!state.Participations.TryGetValue(claim.Participation, out var participation) || participation.IsOver) yield return $"{claim.Units} units are claimed for order {order:N}, and {address} does not take part";
            else if (books.Of<IUnitsClaimant>(address)?.Claims(order) == false) yield return $"{claim.Units} units are claimed for order {order:N}, and {address} does not know";
        }
    }

    private static IEnumerable<string> Reservation(GrainId grain, CampaignState state, IBooks books)
    {
        if (state.Plan!.Terms.IsOneParticipation) yield break; // it reserves for itself, and its own book looks

        // While the stock is being asked, it may have answered already: the total that holds here is never above what it has reserved.
        var reserved = books.Of<StockState>(state.Plan!.Sku.In(grain.Shop))?.Purposes.GetValueOrDefault(grain.Key);
        var asks = state.Debts.Contains(CampaignState.ReserveDebt, state.Plan.Sku.Value);
        var closes = state.Debts.Contains(CampaignState.CloseDebt, state.Plan.Sku.Value);
        switch (state.Status)
        {
            case CampaignStatus.Draft:
                if (reserved is not null && !asks) yield return $"it is a draft and the stock has {reserved.Total} units reserved for it";
                break;
            case CampaignStatus.Settled:
                if (reserved is not null) yield return $"it is Settled and the stock still has {reserved.Left} units reserved for it";
                break;
            case var _ when closes:
                break;
            default:
                if (state.IsOver && state.Live == 0) yield return $"it is {state.Status}, nobody takes part any more, and its reservation is not being closed";
                if (reserved is null) yield return $"it is {state.Status} with {state.Total} places and the stock has nothing reserved for it";
                else if (reserved.Total < state.Total) yield return $"it has {state.Total} places, but the stock has {reserved.Total} units reserved for it";
                else if (reserved.Total > state.Total && !asks) yield return $"it has {state.Total} places, and the stock keeps {reserved.Total} units reserved for it";
                break;
        }
    }
}
