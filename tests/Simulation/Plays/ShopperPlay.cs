using Campaigns.Grains.Shopper;

namespace Campaigns.Simulation.Plays;

/// <summary>Shoppers sign in; now and then one is blocked for a while.</summary>
internal sealed class ShopperPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } = [new("sign in", 2, SignIn), new("block a shopper", 1, Block), new("look at oneself", 1, LookAtOneself)];

    public override async Task Prepare(Town town)
    {
        while (town.Shoppers.Count < 3) await SignIn(town);
    }

    private static async Task SignIn(Town town)
    {
        var openId = $"openid-{town.Chance.Next(12)}";
        var shopper = ShopperId.OfOpenId(town.Shop, openId);
        var signedIn = await town.Ask(shopper.In(town.Shop), new RegisterShopper(openId));
        if (signedIn is not { IsAccepted: true }) return;
        if (!town.Shoppers.Contains(shopper)) town.Shoppers.Add(shopper);
        town.Promised($"{openId} is known", async () => (await town.Insist(shopper.In(town.Shop), new GetPayer())).Reply?.OpenId == openId);
    }

    private static Task Block(Town town) => town.Ask(town.Any(town.Shoppers).In(town.Shop), new BlockShopper(town.Now.AddMinutes(town.Chance.Next(-10, 10)), "complaints"));

    private static Task LookAtOneself(Town town) => town.Ask(town.Any(town.Shoppers).In(town.Shop), new GetShopper(town.Policy));
}
