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
    }

    [Fact]
    public async Task One_device_has_its_own_limit()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:PerAddress=10000", "--Limits:PerDevice=5", "--Limits:PerShopper=10000");
        var phone = shop.Nobody.With("X-Device-Id", "phone-1");
        Assert.Contains(await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => phone.Get("/v1/me"))), r => r.Status == 429);
        (await shop.Nobody.With("X-Device-Id", "phone-2").Get("/v1/me")).Refused(401, "Unauthenticated");
    }

    [Fact]
    public async Task One_shopper_has_their_own_limit()
    {
        await using var shop = await LiveShop.Open(null, "--Limits:PerAddress=10000", "--Limits:PerDevice=10000", "--Limits:PerShopper=5");
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var replies = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => amei.Get("/v1/me")));
        replies.First(r => r.Status == 429).Refused(429, "RateLimited");
        Assert.Contains(replies, r => r.Status == 200);
        (await bo.Get("/v1/me")).Expect(200);
    }
}
