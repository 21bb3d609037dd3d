using System.Diagnostics;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class LimitTests
{
    [Fact]
    public async Task Too_many_requests_of_one_address_are_refused_and_the_health_check_is_not()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:PerAddress=10", "--Limits:PerDevice=1000", "--Limits:PerShopper=1000");
        var replies = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => shop.Nobody.Get("/v1/me")));
        var refused = Assert.IsType<Reply>(replies.FirstOrDefault(r => r.Status == 429)).Refused(429, "RateLimited");
        Assert.Equal(refused.Number("retryAfter"), int.Parse(refused.Header("Retry-After")!));
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => shop.Nobody.Get("/health/ready"))), r => r.Expect(200));
        (await Recovered(shop.Nobody)).Refused(401, "Unauthenticated");
    }

    [Fact]
    public async Task Payment_notifications_come_from_a_few_addresses_and_have_no_limit()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:PerAddress=2");
        var replies = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => shop.Nobody.Post(i % 2 == 0 ? "/callbacks/wechat-pay" : "/callbacks/wechat-pay/demo")));
        Assert.All(replies, r => r.Refused(401, "Unauthenticated"));
    }

    [Fact]
    public async Task One_device_has_its_own_limit()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:PerAddress=10000", "--Limits:PerDevice=5", "--Limits:PerShopper=10000");
        var phone = shop.Nobody.With("X-Device-Id", "phone-1");
        var replies = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => phone.Get("/v1/me")));
        Assert.NotNull(replies.First(r => r.Status == 429).Refused(429, "RateLimited").Header("Retry-After"));
        (await shop.Nobody.With("X-Device-Id", "phone-2").Get("/v1/me")).Refused(401, "Unauthenticated");
        (await Recovered(phone)).Refused(401, "Unauthenticated");
    }

    [Fact]
    public async Task One_shopper_has_their_own_limit()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:PerAddress=10000", "--Limits:PerDevice=10000", "--Limits:PerShopper=5");
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var replies = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => amei.Get("/v1/me")));
        Assert.NotNull(replies.First(r => r.Status == 429).Refused(429, "RateLimited").Header("Retry-After"));
        Assert.Contains(replies, r => r.Status == 200);
        (await bo.Get("/v1/me")).Expect(200);
        (await Recovered(amei)).Expect(200);
    }

    [Fact]
    public async Task What_is_over_the_limit_writes_nothing()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:PerShopper=1");
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var replies = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => amei.TryLaunch(campaign.Id)));
        var launched = replies.Count(r => r.Status == 201);
        Assert.InRange(launched, 1, 39);
        await shop.CaughtUp();
        Assert.Equal(launched, (await Recovered(amei, "/v1/bargains?limit=100")).Expect(200).Items.Count);
    }

    /// <summary>The first answer that is not "too many" any more; it must come within ten seconds.</summary>
    private static async Task<Reply> Recovered(Client client, string path = "/v1/me")
    {
        for (var watch = Stopwatch.StartNew(); ;)
        {
            var reply = await client.Get(path);
            if (reply.Status != 429 || watch.Elapsed > TimeSpan.FromSeconds(10)) return reply;
        }
    }
}
