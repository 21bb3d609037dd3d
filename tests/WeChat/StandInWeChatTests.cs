using Campaigns.ApiFrontend.Sandbox;
using Campaigns.ApiFrontend.WeChat;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.WeChat;

public sealed class StandInWeChatTests : IAsyncLifetime
{
    private static readonly WeChatApp App = new("wxd678efh567hg6787", "f00dfacef00dfacef00dfacef00dface");

    private readonly HttpClient http = new();
    private Loopback standIn = null!;

    public async Task InitializeAsync() => standIn = await Loopback.Start(app => app.MapStandInWeChat(App));

    public async Task DisposeAsync()
    {
        http.Dispose();
        await standIn.DisposeAsync();
    }

    [Theory]
    [InlineData("dev:amei")]
    [InlineData("dev:阿美")]
    [InlineData("dev:A-b_c.9")]
    public async Task Anyone_who_names_themselves_logs_in(string code)
    {
        var session = (await Login(code)).Session!;
        Assert.Matches("^o[A-Za-z0-9_-]{27}$", session.Openid);
        Assert.Equal(16, Convert.FromBase64String(session.SessionKey).Length);
        Assert.Null(session.Unionid);
        Assert.Equal(StandInWeChat.OpenidOf(code["dev:".Length..]), session.Openid);
    }

    [Fact]
    public async Task Same_name_is_the_same_shopper_and_the_code_works_again() =>
        Assert.Equal(await Login("dev:amei"), await Login("dev:amei"));

    [Fact]
    public void Openid_of_a_name_never_changes() => Assert.Equal("o3mD15MQ--0OsUgyFbaPC69jDnZ2", StandInWeChat.OpenidOf("amei"));

    [Fact]
    public void Different_names_are_different_shoppers()
    {
        var openids = Enumerable.Range(0, 10_000).Select(number => StandInWeChat.OpenidOf($"shopper{number}"));
        Assert.Equal(10_000, openids.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Success_is_plain_text_without_an_errcode()
    {
        using var response = await http.GetAsync(Address("dev:amei"));
        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
        Assert.Matches(
            """^\{"openid":"o[^"]{27}","session_key":"[^"]{22,}=="\}$""", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("dev:")]
    [InlineData("amei")]
    [InlineData("DEV:amei")]
    [InlineData("dev:a mei")]
    [InlineData("dev:amei\n")]
    [InlineData("dev:<amei>")]
    [InlineData("dev:é")]
    [InlineData("dev:01234567890123456789012345678901234567890123456789012345678901234")] // 65 characters
    public async Task Other_codes_are_invalid(string code)
    {
        Assert.Equal("""{"errcode":40029,"errmsg":"invalid code"}""", await http.GetStringAsync(Address(code)));
        Assert.Equal(LoginRefusal.InvalidCode, (await Login(code)).Refusal);
    }

    [Fact]
    public async Task Longest_name_logs_in()
    {
        Assert.NotNull((await Login("dev:" + new string('a', 64))).Session);
        Assert.NotNull((await Login("dev:" + new string('美', 64))).Session);
    }

    [Theory]
    [InlineData("secret=f00dfacef00dfacef00dfacef00dface&js_code=dev:amei&grant_type=authorization_code", 41002)]
    [InlineData("appid=wxd678efh567hg6787&js_code=dev:amei&grant_type=authorization_code", 41004)]
    [InlineData("appid=wxd678efh567hg6787&secret=f00dfacef00dfacef00dfacef00dface&grant_type=authorization_code", 41008)]
    [InlineData("appid=wxd678efh567hg6787&secret=f00dfacef00dfacef00dfacef00dface&js_code=dev:amei", 40002)]
    [InlineData("appid=wxd678efh567hg6787&secret=f00dfacef00dfacef00dfacef00dface&js_code=dev:amei&grant_type=client_credential", 40002)]
    [InlineData("appid=wxother&secret=f00dfacef00dfacef00dfacef00dface&js_code=dev:amei&grant_type=authorization_code", 40013)]
    [InlineData("appid=wxd678efh567hg6787&secret=wrong&js_code=dev:amei&grant_type=authorization_code", 40125)]
    [InlineData("", 41002)]
    public async Task Wrong_question_gets_the_errcode_of_the_real_one(string query, int errcode)
    {
        var reply = await http.GetStringAsync(new Uri(standIn.Address, $"{StandInWeChat.Path}/sns/jscode2session?{query}"));
        Assert.StartsWith($$"""{"errcode":{{errcode}},"errmsg":""", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("openid", reply, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_with_a_wrong_secret_is_unavailable()
    {
        var answer = await Login("dev:amei", App with { Secret = "wrong" });
        Assert.Equal(LoginRefusal.Unavailable, answer.Refusal);
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task Stand_in_exists_in_Development_only(string environment) =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => Loopback.Start(app => app.MapStandInWeChat(App), environment));

    private async Task<LoginAnswer> Login(string code, WeChatApp? app = null)
    {
        await using var provider = new ServiceCollection()
            .AddLogging()
            .AddWeChatLogin(new(standIn.Address, StandInWeChat.Path), app ?? App)
            .BuildServiceProvider();
        return await provider.GetRequiredService<WeChatLogin>().Exchange(code, CancellationToken.None);
    }

    private Uri Address(string code) => new(
        standIn.Address,
        $"{StandInWeChat.Path}/sns/jscode2session?appid={App.Appid}&secret={App.Secret}"
        + $"&js_code={Uri.EscapeDataString(code)}&grant_type=authorization_code");
}
