using System.Text;
using Campaigns.ApiFrontend;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Campaigns.Tests.Http;

public sealed class CredentialTests(LiveShop shop) : IClassFixture<LiveShop>
{
    private static readonly byte[] OurKey = new byte[32];
    private static readonly byte[] TheirKey = [.. Enumerable.Repeat((byte)7, 32)];

    [Fact]
    public async Task A_token_ends_after_two_hours_and_a_new_one_is_the_same_person()
    {
        var amei = await shop.SignIn();
        await shop.Pass(TimeSpan.FromMinutes(119));
        await amei.Me();
        await shop.Pass(TimeSpan.FromHours(1));
        (await amei.Get("/v1/me")).Refused(401, "Unauthenticated");
        Assert.Equal(amei.Id, (await amei.Again()).Id);
    }

    [Fact]
    public async Task A_session_says_until_when_it_lasts()
    {
        var session = (await shop.Nobody.Post("/v1/sessions", new { shopId = "demo", code = "dev:阿美" })).Expect(201);
        Assert.InRange(session.Time("expiresAt") - await shop.Now(), TimeSpan.FromMinutes(119), TimeSpan.FromHours(2));
        Assert.Matches("^[0-9a-f]{32}$", session.Text("shopperId"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("amei")]
    [InlineData("dev:")]
    [InlineData("dev:a b")]
    [InlineData("dev:<script>")]
    public async Task A_bad_code_is_401(string code) => (await shop.Nobody.Post("/v1/sessions", new { shopId = "demo", code })).Refused(401, "InvalidCode");

    [Theory]
    [InlineData("")]
    [InlineData("unknown")]
    [InlineData("-")]
    [InlineData("DEMO")]
    [InlineData("../demo")]
    public async Task An_unknown_shop_is_404(string shopId) => (await shop.Nobody.Post("/v1/sessions", new { shopId, code = "dev:amei" })).Refused(404, "NotFound");

    [Fact]
    public async Task The_same_name_is_another_person_in_another_shop()
    {
        var neighbour = await shop.AnotherShop();
        Assert.NotEqual((await shop.SignIn("twin")).Id, (await shop.SignIn("twin", neighbour.ShopId)).Id);
    }

    [Fact]
    public async Task Forged_tokens_are_401()
    {
        var amei = await shop.SignIn();
        var parts = amei.Token.Split('.');
        string[] forged =
        [
            "",
            "x",
            "..",
            amei.Token + "x",
            amei.Token[..^2],
            $"{parts[0]}.{parts[1]}.",
            $"{parts[0]}.{parts[1]}",
            $"{Base64("""{"alg":"none","typ":"JWT"}""")}.{parts[1]}.",
            $"{Base64("""{"alg":"HS256","typ":"JWT"}""")}.{Base64(Decode(parts[1]).Replace(amei.Id, new string('0', 32), StringComparison.Ordinal))}.{parts[2]}",
            Sign(TheirKey, amei.Id, "campaigns-shopper"),
            new string('a', 10_000),
        ];
        foreach (var token in forged)
        {
            (await Bearer(token).Get("/v1/me")).Refused(401, "Unauthenticated");
            (await Bearer(token).Get("/merchant/v1/settings")).Refused(401, "Unauthenticated");
        }
    }

    [Fact]
    public async Task A_token_of_our_own_key_for_another_audience_issuer_or_time_is_not_believed()
    {
        var clock = shop.Host.Services.GetRequiredService<TimeProvider>();
        var tokens = new ShopperTokens(OurKey, clock);
        var id = new ShopperId(Guid.NewGuid());
        Assert.NotNull(await tokens.Check(tokens.Issue(CampaignsHost.DemoShop, id).Token));
        Assert.NotNull(await tokens.Check(Sign(OurKey, id.ToString(), "campaigns-shopper")));
        Assert.Null(await tokens.Check(Sign(OurKey, id.ToString(), "campaigns-merchant")));
        Assert.Null(await tokens.Check(Sign(OurKey, id.ToString(), "campaigns-shopper", issuer: "somebody")));
        Assert.Null(await tokens.Check(Sign(OurKey, id.ToString(), "campaigns-shopper", from: TimeSpan.FromHours(1))));
        Assert.Null(await tokens.Check(Sign(OurKey, id.ToString(), "campaigns-shopper", from: TimeSpan.FromHours(-4))));
        Assert.Null(await tokens.Check(Sign(OurKey, "not-an-id", "campaigns-shopper")));
        Assert.Null(await tokens.Check(Sign(OurKey, id.ToString(), "campaigns-shopper", algorithm: SecurityAlgorithms.HmacSha512)));

        string Sign(byte[] key, string subject, string audience, string issuer = "campaigns", TimeSpan from = default, string algorithm = SecurityAlgorithms.HmacSha256) =>
            CredentialTests.Sign(key.Length == 32 && algorithm == SecurityAlgorithms.HmacSha512 ? [.. key, .. key] : key, subject, audience, issuer, clock.GetUtcNow() + from, algorithm);
    }

    [Fact]
    public async Task Each_kind_of_credential_opens_its_own_doors_alone()
    {
        var amei = await shop.SignIn();
        (await shop.Merchant.Get("/v1/me")).Refused(401, "Unauthenticated");
        (await Bearer(shop.Merchant.Key).Get("/v1/me")).Refused(401, "Unauthenticated");
        (await Bearer(shop.Merchant.Key).Get("/merchant/v1/settings")).Expect(200);
        (await amei.Get("/merchant/v1/settings")).Refused(401, "Unauthenticated");
        (await amei.With("X-Api-Key", amei.Token).Get("/merchant/v1/settings")).Refused(401, "Unauthenticated");
        (await amei.With("X-Api-Key", "no-such-key").Get("/merchant/v1/settings")).Refused(401, "Unauthenticated");
        (await amei.With("X-Api-Key", new string('k', 5_000)).Get("/merchant/v1/settings")).Refused(401, "Unauthenticated");
        (await Scheme($"bearer {amei.Token}").Get("/v1/me")).Expect(200);
        (await Scheme($"Basic {amei.Token}").Get("/v1/me")).Refused(401, "Unauthenticated");
        Assert.Equal("Bearer", (await shop.Nobody.Get("/v1/me")).Header("WWW-Authenticate"));
    }

    [Fact]
    public async Task A_key_that_may_only_read_may_not_write()
    {
        var grains = shop.Host.Services.GetRequiredService<IGrains>();
        await grains.Ask(Campaigns.Grains.Shop.ApiKeyAddress.Of("reader"), new Campaigns.Grains.Shop.GrantApiKey(CampaignsHost.DemoShop, ["read"]));
        var reader = new Client(shop, ("X-Api-Key", "reader"));
        (await reader.Get("/merchant/v1/settings")).Expect(200);
        var position = shop.Position;
        (await reader.Post("/merchant/v1/products", new { title = "t", type = "daily", skus = new[] { new { name = "n", listPriceFen = 1, stock = 1 } } })).Refused(403, "Forbidden");
        (await reader.PostOnce("k", "/merchant/v1/campaigns/00000000000000000000000000000000/kills", new { reason = "x" })).Refused(403, "Forbidden");
        Assert.Equal(position, shop.Position);
    }

    private Client Bearer(string token) => Scheme($"Bearer {token}");

    private Client Scheme(string authorization) => new(shop, ("Authorization", authorization));

    /// <summary>A token like ours, wrong in whatever is named.</summary>
    internal static string Sign(byte[] key, string subject, string audience, string issuer = "campaigns", DateTimeOffset? at = null, string algorithm = SecurityAlgorithms.HmacSha256)
    {
        var from = (at ?? DateTimeOffset.UtcNow).UtcDateTime;
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            IssuedAt = from,
            NotBefore = from,
            Expires = from.AddHours(2),
            Claims = new Dictionary<string, object> { ["sub"] = subject, ["shop"] = "demo" },
            SigningCredentials = new(new SymmetricSecurityKey(key), algorithm),
        });
    }

    private static string Base64(string text) => Base64UrlEncoder.Encode(text);

    private static string Decode(string part) => Encoding.UTF8.GetString(Base64UrlEncoder.DecodeBytes(part));
}
