using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Shopper;

/// <summary>What must be true of a shopper: every assist and launch that counts was taken, and every open one is being asked about.</summary>
internal sealed class ShopperBook : Book<ShopperState>
{
    public override string Kind => "shopper";

    public override IEnumerable<string> WrongWith(GrainId grain, ShopperState state, IBooks books) =>
        state.OpenId is null ? ["it has facts but never signed in"] : [.. Pledges(grain, state, books), .. Launches(grain, state, books)];

    private static IEnumerable<string> Pledges(GrainId grain, ShopperState state, IBooks books)
    {
        foreach (var twice in state.Pledges.GroupBy(p => p.Bargain).Where(g => g.Count() > 1)) yield return $"{twice.Count()} assists of one bargain {twice.Key}";
        foreach (var pledge in state.Pledges)
        {
            var owed = state.Debts.Contains(ShopperState.AssistDebt, pledge.Bargain.Value);
            if (pledge.IsOpen != owed) yield return pledge.IsOpen ? $"the assist of bargain {pledge.Bargain} is open and not owed" : $"the assist of bargain {pledge.Bargain} is answered and still owed";
            if (pledge.Result is not { } result) continue;

            var bargain = books.Of<BargainState>(pledge.Bargain.In(grain.Shop));
            if (bargain?.CutBy(ShopperId.Of(grain.Key)) is not { } cut) yield return $"the assist of bargain {pledge.Bargain} cut {result.CutFen} fen, and the bargain knows of no such cut";
            else if (BargainRules.ResultOf(bargain, cut) != result) yield return $"the assist of bargain {pledge.Bargain} cut {result.CutFen} fen to {result.PriceFen}, but the bargain says {cut.CutFen} to {cut.PriceFen}";
        }

        foreach (var debt in state.Debts.Open)
            if (debt.What == ShopperState.AssistDebt && state.PledgeOf(BargainId.Of(debt.About)) is null) yield return $"it owes bargain {debt.About:N} an assist that it does not count";
    }

    private static IEnumerable<string> Launches(GrainId grain, ShopperState state, IBooks books)
    {
        foreach (var launch in state.Launches)
        {
            var owed = state.Debts.Contains(ShopperState.AdmitDebt, launch.Participation);
            if (launch.IsOpen != owed) yield return launch.IsOpen ? $"the launch {launch.Participation:N} is open and not owed" : $"the launch {launch.Participation:N} is answered and still owed";
            if (launch.IsOpen) continue;

            var campaign = books.Of<CampaignState>(launch.Campaign.In(grain.Shop));
            if (campaign is null) yield return $"the launch {launch.Participation:N} was admitted by a campaign {launch.Campaign} that does not exist";
            else if (!campaign.Participations.TryGetValue(launch.Participation, out var participation) ? !campaign.HasForgotten : participation.Owner.Value != grain.Key) yield return $"the campaign {launch.Campaign} does not know the launch {launch.Participation:N}";
        }

        foreach (var own in state.Launches.Where(l => !l.IsOpen).GroupBy(l => l.Campaign))
            if (books.Of<CampaignState>(own.Key.In(grain.Shop))?.Plan is { } plan && own.Count() > plan.Terms.EntriesPerShopper) yield return $"{own.Count()} launches in campaign {own.Key}, which allows {plan.Terms.EntriesPerShopper}";
    }
}
