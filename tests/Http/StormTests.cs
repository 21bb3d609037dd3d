using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class StormTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    [Trait("EdgeCase", "2")]
    [Trait("EdgeCase", "3")]
    public async Task Two_thousand_assists_at_once_are_exact_to_the_fen_and_to_the_cap()
    {
        const int bargainCount = 50, helperCount = 500, triesEach = 4, dailyCap = 3;
        var campaign = await shop.Merchant.Run(r => (r["assistsNeeded"], r["curve"], r["floorFen"]) = (35, "random", 100));
        var owner = await shop.SignIn();
        var bargains = await Task.WhenAll(Enumerable.Range(0, bargainCount).Select(_ => owner.Launch(campaign.Id)));
        var helpers = await shop.SignIn(helperCount);

        var tries = helpers.SelectMany((helper, h) => Enumerable.Range(0, triesEach).Select(t => (helper, bargain: bargains[(h * triesEach + t) % bargainCount])));
        var replies = await Task.WhenAll(tries.Select(async t => (t.helper, reply: await t.helper.Assist(t.bargain))));

        var refused = replies.Where(r => r.reply.Status != 201).ToList();
        Assert.All(refused, r => Assert.True(r.reply is { Status: 429, Code: "DailyAssistCapReached" } or { Status: 409, Code: "BargainNotRunning" }, r.reply.Content));
        Assert.All(replies.GroupBy(r => r.helper.Id), g => Assert.InRange(g.Count(r => r.reply.Status == 201), 0, dailyCap));

        var helped = new List<string>();
        foreach (var view in await Task.WhenAll(bargains.Select(owner.Bargain)))
        {
            var cuts = view.Body["helpers"]!.AsArray().Select(c => (Helper: c!["shopperId"]!.GetValue<string>(), Fen: c["cutFen"]!.GetValue<long>())).ToList();
            Assert.Equal(view.Number("listPriceFen") - view.Number("priceFen"), cuts.Sum(c => c.Fen));
            Assert.True(view.Number("priceFen") >= view.Number("floorFen"));
            Assert.All(cuts, c => Assert.True(c.Fen >= 1));
            Assert.Distinct(cuts.Select(c => c.Helper));
            helped.AddRange(cuts.Select(c => c.Helper));
        }

        Assert.Equal(replies.Count(r => r.reply.Status == 201), helped.Count);
        Assert.All(helped.GroupBy(h => h), g => Assert.InRange(g.Count(), 1, dailyCap));
        Assert.All(await Task.WhenAll(helpers.Take(50).Select(h => h.Me())), me => Assert.Equal(dailyCap - helped.Count(h => h == me.Text("shopperId")), me.Number("assistsLeftToday")));
    }

    [Fact]
    [Trait("EdgeCase", "1")]
    public async Task Fifty_double_taps_of_one_helper_are_one_cut_and_fifty_times_the_same_answer()
    {
        var campaign = await shop.Merchant.Run(r => r["curve"] = "random");
        var (amei, friend) = (await shop.SignIn(), await shop.SignIn());
        var bargain = await amei.Launch(campaign.Id);
        var replies = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => friend.Assist(bargain)));

        Assert.Single(replies, r => r.Status == 201);
        Assert.Equal(49, replies.Count(r => r.Status == 200));
        Assert.Single(replies.Select(r => r.Content).Distinct());
        Assert.Single((await amei.Bargain(bargain)).Body["helpers"]!.AsArray());
        Assert.Equal(2, (await friend.Me()).Number("assistsLeftToday"));
    }

    [Fact]
    public async Task Fifty_orders_of_one_bargain_at_once_are_one_order()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var bargain = await amei.Succeed(campaign);
        var replies = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => amei.TryOrder(bargain)));
        Assert.Single(replies, r => r.Status == 201);
        Assert.All(replies.Where(r => r.Status != 201), r => r.Refused(409, "AlreadyOrdered"));
        Assert.Equal((1_000, 100, 900), await shop.Merchant.Stock(campaign.Sku));
    }
}
