using System.Diagnostics;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class LiveTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task A_viewer_sees_the_bargain_and_then_each_cut_up_to_the_paid_order()
    {
        var campaign = await shop.Merchant.Run();
        var (amei, friends) = (await shop.SignIn(), await shop.SignIn(3));
        var bargain = await amei.Launch(campaign.Id);
        await using var live = await Live.OfBargain(friends[0], bargain);
        var snapshot = await live.Next("snapshot");
        Assert.Equal((bargain, "Running", 9_900), (snapshot["id"]!.GetValue<string>(), snapshot["state"]!.GetValue<string>(), snapshot["priceFen"]!.GetValue<int>()));

        foreach (var friend in friends)
        {
            var assist = (await friend.Assist(bargain)).Expect(201);
            var cut = await live.Next("cut");
            Assert.Equal(["at", "cutFen", "leftFen", "priceFen", "shopperId", "slot", "slotsLeft", "slotsUsed"], cut.AsObject().Select(f => f.Key).Order(StringComparer.Ordinal));
            Assert.Equal((friend.Id, assist.Number("cutFen"), assist.Number("priceFen")), (cut["shopperId"]!.GetValue<string>(), cut["cutFen"]!.GetValue<long>(), cut["priceFen"]!.GetValue<long>()));
        }

        Assert.Equal("Succeeded", (await live.Next("succeeded"))["state"]!.GetValue<string>());
        var order = await amei.Order(bargain);
        Assert.Equal(order, (await live.Next("ordered"))["orderId"]!.GetValue<string>());
        await amei.Pay(order);
        await live.Next("paid");
    }

    [Fact]
    public async Task Who_comes_back_with_the_last_id_misses_nothing_and_sees_nothing_twice()
    {
        var campaign = await shop.Merchant.Run(r => r["assistsNeeded"] = 20);
        var (amei, friends) = (await shop.SignIn(), await shop.SignIn(12));
        var bargain = await amei.Launch(campaign.Id);
        await using var steady = await Live.OfBargain(amei, bargain);
        await steady.Next("snapshot");

        var seen = new List<string>();
        string last;
        await using (var first = await Live.OfBargain(amei, bargain))
        {
            await first.Next("snapshot");
            for (var i = 0; i < 4; i++)
            {
                (await friends[i].Assist(bargain)).Expect(201);
                seen.Add((await first.Next("cut"))["shopperId"]!.GetValue<string>());
            }

            last = first.LastId!;
        }

        for (var i = 4; i < 8; i++) (await friends[i].Assist(bargain)).Expect(201);
        await using var second = await Live.OfBargain(amei, bargain, last);
        for (var i = 8; i < 12; i++) (await friends[i].Assist(bargain)).Expect(201);
        while (seen.Count < 12) seen.Add((await second.Next("cut"))["shopperId"]!.GetValue<string>());
        Assert.Equal(friends.Select(f => f.Id), seen);
        for (var i = 0; i < 12; i++) Assert.Equal(friends[i].Id, (await steady.Next("cut"))["shopperId"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("999999")]
    [InlineData("-1")]
    [InlineData("yesterday")]
    public async Task An_id_that_is_not_known_starts_with_a_snapshot(string last)
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var bargain = await amei.Launch(campaign.Id);
        await using var live = await Live.OfBargain(amei, bargain, last);
        await live.Next("snapshot");
    }

    [Fact]
    public async Task Viewers_are_told_of_the_end_that_time_brings()
    {
        var campaign = await shop.Merchant.Run(r => r["ttlMinutes"] = 60);
        var amei = await shop.SignIn();
        var bargain = await amei.Launch(campaign.Id);
        await using var live = await Live.OfBargain(amei, bargain);
        await live.Next("snapshot");
        await shop.Pass(TimeSpan.FromMinutes(61));
        Assert.Equal("Expired", (await live.Next("expired"))["state"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_open_stream_does_not_hold_up_a_shutdown()
    {
        await using var own = await LiveShop.Open();
        var campaign = await own.Merchant.Run();
        var amei = await own.SignIn();
        await using var live = await Live.OfBargain(amei, await amei.Launch(campaign.Id));
        await live.Next("snapshot");
        var watch = Stopwatch.StartNew();
        await own.Stop();
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"It took {watch.Elapsed}.");
    }
}
