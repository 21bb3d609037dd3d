using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;

namespace Campaigns.Simulation.Plays;

/// <summary>
/// Shoppers apply, are invited and join, promote each other under both modes and on few devices, and change their minds; the merchant decides,
/// freezes and notes complaints. Whatever happens, nobody comes to promote themselves.
/// </summary>
internal sealed class DistributorPlay : Play
{
    private const int StepsMax = 100;

    public override IReadOnlyList<Act> Acts { get; } =
    [
        new("apply or be invited", 1, t => t.Chance.Next(2) == 0 ? Apply(t) : Invite(t)),
        new("join", 1, Join),
        new("bind", 3, Bind),
        new("judge a distributor", 1, Judge),
    ];

    private static async Task Apply(Town town)
    {
        var distributor = AnyOf(town);
        if (await town.Ask(distributor, new ApplyForDistribution("I like it")) is not { IsAccepted: true }) return;

        // Two at the console.
        await Task.WhenAll(town.Ask(distributor, new DecideApplication(town.Chance.Next(2) == 0, "decided")), town.Ask(distributor, new DecideApplication(town.Chance.Next(2) == 0, "decided")));
    }

    private static Task Invite(Town town) => town.Ask(AnyOf(town), new InviteDistributor());

    private static async Task Join(Town town)
    {
        var (shopper, command) = (town.Any(town.Shoppers), new JoinDistribution(town.Chance.Next(2) == 0, Device(town)));
        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(shopper.DistributorIn(town.Shop), command)));
        if (Array.Find(taps, t => t is { IsAccepted: true })?.Reply is not { } joined) return;

        town.Promised($"{shopper} joined at {joined.JoinedAt:O} under {joined.Upline}", async () =>
            (await town.Insist(shopper.DistributorIn(town.Shop), new GetDistributor())).Reply is { } now && (now.JoinedAt, now.Upline) == (joined.JoinedAt, joined.Upline));
    }

    private static async Task Bind(Town town)
    {
        var (buyer, promoter) = (town.Any(town.Shoppers), town.Any(town.Shoppers));
        if (town.Chance.Next(5) == 0) await town.Ask(buyer.BindingIn(town.Shop), new EndBinding());
        var days = town.Chance.Next(1, 60);
        var command = new BindPromoter(promoter, "qr", Device(town), new((BindingMode)town.Chance.Next(1, 3), days, town.Chance.Next(3) == 0 ? town.Chance.Next(days) : 0));
        if (town.Chance.Next(3) == 0 && await town.Ask(buyer.BindingIn(town.Shop), new CheckPromoter(command)) is not { IsAccepted: true }) return;
        var taps = await Task.WhenAll(Enumerable.Range(0, town.Chance.Next(1, 3)).Select(_ => town.Ask(buyer.BindingIn(town.Shop), command)));
        if (Array.Find(taps, t => t is { IsAccepted: true })?.Reply is not { Since: { } since }) return;

        // What a moment that is over has been attributed to stays so; it is remembered for 90 days, and everything is over after 98.
        if (town.Now > since && (await town.Ask(buyer.BindingIn(town.Shop), new AskAttribution(since)))?.Reply is { } attributed)
            town.Promised($"{buyer} was promoted by {attributed.Promoter} at {since:O}", async () => (await town.Insist(buyer.BindingIn(town.Shop), new AskAttribution(since))).Reply == attributed || town.Now > since.AddDays(90));
        town.Promised($"nobody above {buyer} is below them", () => EndsAbove(town, buyer));
    }

    private static async Task<bool> EndsAbove(Town town, ShopperId shopper)
    {
        for (var steps = 0; steps < StepsMax; steps++)
        {
            if ((await town.Insist(shopper.BindingIn(town.Shop), new GetBinding())).Reply?.BoundTo is not { } above) return true;
            shopper = above;
        }

        return false;
    }

    private static async Task Judge(Town town)
    {
        var distributor = AnyOf(town);
        switch (town.Chance.Next(4))
        {
            case 0:
                await town.Ask(distributor, new SetStanding(town.Chance.Next(12) == 0 ? DistributorStanding.Closed : DistributorStanding.Frozen, "suspicious"));
                break;
            case 1:
                await town.Ask(distributor, new SetTier(town.Chance.Next(2) == 0 ? "gold" : null));
                break;
            case 2 when town.Chance.Next(3) == 0:
                await town.Ask(distributor, new NoteComplaint(town.NewId(), "rude"));
                break;
            default:
                await town.Ask(distributor, new SetStanding(DistributorStanding.Active, "it was nothing"));
                await town.Ask(distributor, new GetDistributor());
                break;
        }
    }

    private static GrainId AnyOf(Town town) => town.Any(town.Shoppers).DistributorIn(town.Shop);

    private static string? Device(Town town) => town.Chance.Next(3) == 0 ? null : $"device-{town.Chance.Next(8)}";
}
