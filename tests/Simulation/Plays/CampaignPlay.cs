using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Stock;

namespace Campaigns.Simulation.Plays;

/// <summary>The merchant drafts and publishes campaigns, changes quotas, pauses, goes on and kills.</summary>
internal sealed class CampaignPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } =
    [
        new("publish a campaign", 1, Publish),
        new("change a quota", 2, ChangeQuota),
        new("pause a campaign", 1, t => Gate(t, r => new PauseCampaign(r, "sold too fast"))),
        new("resume a campaign", 2, t => Gate(t, r => new ResumeCampaign(r, "there is more"))),
        new("kill a campaign", 1, t => t.Chance.Next(5) == 0 ? Gate(t, r => new KillCampaign(r, "wrong price")) : Task.CompletedTask),
        new("look at a campaign", 1, t => t.Campaigns.Count == 0 ? Task.CompletedTask : t.Ask(t.Any(t.Campaigns).In(t.Shop), new GetCampaign())),
    ];

    public override async Task Prepare(Town town)
    {
        await Publish(town);
        await Publish(town);
    }

    private static async Task Publish(Town town)
    {
        var chance = town.Chance;
        var sku = town.Any(town.Skus);
        if ((await town.Ask(sku.In(town.Shop), new GetSku()))?.Reply is not { } view || view.ListPriceFen < 100) return;

        var id = CampaignId.Of(town.NewId());
        var terms = new BargainTerms
        {
            Quota = chance.Next(1, 12),
            FloorFen = chance.Next(4) == 0 ? 0 : view.ListPriceFen / 2,
            AssistsNeeded = chance.Next(1, 6),
            Curve = (CutCurve)chance.Next(1, 4),
            TtlMinutes = chance.Next(60, 1_440),
            PayWindowMinutes = chance.Next(1, 600),
            BuyAtAnyPrice = chance.Next(2) == 0,
            SelfCut = chance.Next(3) == 0,
            NewUserWeight = chance.Next(1, 3),
            Reservation = (ReservationPolicy)chance.Next(1, 3),
            LaunchesPerUser = chance.Next(1, 6),
        };
        var plan = new CampaignPlan("Cut the price", town.Now.AddMinutes(chance.Next(-30, 10)), town.Now.AddHours(chance.Next(2, 300)), sku, terms);
        if ((await town.Ask(id.In(town.Shop), new DraftCampaign(plan)))?.IsAccepted != true) return;
        var published = await town.Ask(id.In(town.Shop), new PublishCampaign(town.NewId(), new PublicationFacts(view.Title, new(view.ListPriceFen), view.Stock.Available, Channel.MiniProgram)));
        if (published is not { IsAccepted: true }) return;
        town.Campaigns.Add(id);
        town.Promised($"campaign {id} is published", async () => (await town.Insist(id.In(town.Shop), new GetCampaign())).Reply?.Revision == 1);
    }

    private static Task ChangeQuota(Town town) => Gate(town, r => new ChangeQuota(r, town.Chance.Next(-5, 10)));

    private static Task Gate(Town town, Func<Guid, ICommand<CampaignView>> command)
    {
        if (town.Campaigns.Count == 0) return Task.CompletedTask;
        var (campaign, act) = (town.Any(town.Campaigns), command(town.NewId()));
        return Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(campaign.In(town.Shop), act)));
    }
}
