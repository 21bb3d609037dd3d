using Campaigns.Grains.Request;
using Campaigns.Grains.Shop;

namespace Campaigns.Simulation.Plays;

/// <summary>The merchant changes settings, grants keys, stops distribution and resumes it; answers of requests are remembered for a day.</summary>
internal sealed class ShopPlay : Play
{
    public override IReadOnlyList<Act> Acts { get; } = [new("change the settings", 1, ChangeSettings), new("stop or resume distribution", 1, StopOrResume), new("grant a key", 1, GrantKey), new("remember an answer", 1, RememberAnswer)];

    private static Task ChangeSettings(Town town) =>
        town.Ask(town.Shop.Grain(), new ReplaceSettings(ShopSettings.Default with { DailyAssistCap = town.Chance.Next(1, 10), PaymentWindowMinutes = town.Chance.Next(1, 60) }));

    // Resumed more often than stopped, so that commissions are earned most of the time.
    private static async Task StopOrResume(Town town)
    {
        if (town.Chance.Next(4) == 0) await town.Ask(town.Shop.Grain(), new StopDistribution("复查分销"));
        else await town.Ask(town.Shop.Grain(), new ResumeDistribution());
    }

    private static async Task GrantKey(Town town)
    {
        var key = ApiKeyAddress.Of($"key-{town.Chance.Next(5)}");
        if (await town.Ask(key, new GrantApiKey(town.Shop, ["read"])) is not { IsAccepted: true }) return;
        town.Promised($"the key {key.Key} is granted", async () => (await town.Insist(key, new GetApiKey())).Reply?.Shop == town.Shop);
    }

    private static async Task RememberAnswer(Town town)
    {
        var request = RequestAddress.Of(town.Shop, "caller", "/v1/orders", $"{town.Chance.Next(20)}");
        await town.Ask(request, new RecordRequest("hash", 201, null, "{}"));
        await town.Ask(request, new RecallRequest());
    }
}
