using Campaigns.ApiFrontend.WeChat;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Campaigns.Tests.WeChat;

public sealed class WeChatLoginTests
{
    private const string Secret = "f00dfacef00dfacef00dfacef00dface";

    private static readonly WeChatApp App = new("wxd678efh567hg6787", Secret);

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json; encoding=utf-8")]
    public async Task Reply_is_read_whatever_its_content_type(string contentType)
    {
        var (answer, _) = await Exchange(
            """{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","unionid":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA"}""",
            contentType: contentType);
        Assert.Equal(
            new WeChatSession("oGZUI0egBJY1zhBYw2KhdUfwVJJE", "ocMvos6NjeKLIBqg5Mr9QjxrP1FA", "tiihtNczf5v6AKRyjwEUhQ=="), answer.Session);
        Assert.Null(answer.Refusal);
    }

    [Theory]
    [InlineData("""{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"o1"}""")]
    [InlineData("""{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"o1","errcode":0,"errmsg":"ok"}""")]
    public async Task Unionid_and_errcode_may_be_absent(string reply)
    {
        var (answer, _) = await Exchange(reply);
        Assert.Equal(new WeChatSession("o1", Unionid: null, "tiihtNczf5v6AKRyjwEUhQ=="), answer.Session);
    }

    [Theory]
    [InlineData(LoginReply.InvalidCode)]
    [InlineData(LoginReply.UsedCode)]
    [InlineData(LoginReply.MissingCode)]
    [InlineData(LoginReply.BarredShopper)]
    public async Task Refused_code_is_invalid(int errcode)
    {
        var (answer, _) = await Exchange($$"""{"errcode":{{errcode}},"errmsg":"invalid code, rid: 5f5c-1"}""");
        Assert.Equal(new(Session: null, LoginRefusal.InvalidCode), answer);
    }

    [Theory]
    [InlineData(LoginReply.Busy)]
    [InlineData(LoginReply.TooFrequent)]
    [InlineData(LoginReply.InvalidAppid)]
    [InlineData(LoginReply.InvalidSecret)]
    [InlineData(LoginReply.MissingAppid)]
    [InlineData(LoginReply.MissingSecret)]
    [InlineData(99999)]
    public async Task Other_errcodes_are_unavailable_and_logged(int errcode)
    {
        var (answer, log) = await Exchange($$"""{"errcode":{{errcode}},"errmsg":"system error"}""");
        Assert.Equal(new(Session: null, LoginRefusal.Unavailable), answer);
        Assert.Contains(log, line => line.Contains($"errcode {errcode}.", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("<html>bad gateway</html>")]
    [InlineData("""{"openid":"o1"}""")]
    [InlineData("""{"session_key":"tiihtNczf5v6AKRyjwEUhQ=="}""")]
    [InlineData("""{"openid":7,"session_key":"tiihtNczf5v6AKRyjwEUhQ=="}""")]
    public async Task Reply_that_makes_no_sense_is_unavailable(string reply)
    {
        var (answer, _) = await Exchange(reply);
        Assert.Equal(new(Session: null, LoginRefusal.Unavailable), answer);
    }

    [Fact]
    public async Task Endless_reply_is_unavailable()
    {
        var (answer, _) = await Exchange(new string(' ', WeChatLogin.ReplySizeBytesMax + 1));
        Assert.Equal(LoginRefusal.Unavailable, answer.Refusal);
    }

    [Theory]
    [InlineData(302)]
    [InlineData(404)]
    [InlineData(502)]
    public async Task Other_status_is_unavailable(int status)
    {
        var (answer, _) = await Exchange("""{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"o1"}""", status);
        Assert.Equal(LoginRefusal.Unavailable, answer.Refusal);
    }

    [Fact]
    public async Task Silent_WeChat_is_unavailable_after_the_time_limit()
    {
        await using var silent = await Loopback.Start(app => app.MapGet(
            "/sns/jscode2session", (CancellationToken cancellation) => new TaskCompletionSource().Task.WaitAsync(cancellation)));
        using var client = new Client(silent.Address, timeoutSeconds: 1);
        Assert.Equal(LoginRefusal.Unavailable, (await client.Exchange("code")).Refusal);
        Assert.Contains(client.Log, line => line.Contains("time limit", StringComparison.Ordinal));
        Assert.Equal(5, WeChatLogin.TimeoutSeconds);
    }

    [Fact]
    public async Task Unreachable_WeChat_is_unavailable()
    {
        var gone = await Loopback.Start(_ => { });
        await gone.DisposeAsync();
        using var client = new Client(gone.Address);
        Assert.Equal(LoginRefusal.Unavailable, (await client.Exchange("code")).Refusal);
    }

    [Fact]
    public async Task Cancellation_by_the_caller_is_no_refusal()
    {
        await using var silent = await Loopback.Start(app => app.MapGet(
            "/sns/jscode2session", (CancellationToken cancellation) => new TaskCompletionSource().Task.WaitAsync(cancellation)));
        using var client = new Client(silent.Address);
        using var caller = new CancellationTokenSource(millisecondsDelay: 50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Exchange("code", caller.Token));
    }

    [Theory]
    [InlineData("")]
    [InlineData("long")]
    public async Task Absurd_code_is_invalid_without_asking(string code)
    {
        if (code is "long") code = new string('c', WeChatLogin.CodeLengthMax + 1);
        using var client = new Client(new("http://127.0.0.1:1"));
        Assert.Equal(LoginRefusal.InvalidCode, (await client.Exchange(code)).Refusal);
        Assert.Empty(client.Log);
    }

    [Fact]
    public async Task Query_is_escaped()
    {
        var query = "";
        await using var weChat = await Loopback.Start(app => app.MapGet("/a/path/sns/jscode2session", (HttpRequest request) =>
        {
            query = request.QueryString.Value;
            return "{}";
        }));
        using var client = new Client(new(weChat.Address, "/a/path"));
        await client.Exchange("0&secret=x#中");
        Assert.Equal(
            $"?appid=wxd678efh567hg6787&secret={Secret}&js_code=0%26secret%3Dx%23%E4%B8%AD&grant_type=authorization_code", query);
    }

    [Fact]
    public async Task Secret_is_in_no_log()
    {
        var refused = await Exchange($$"""{"errcode":40125,"errmsg":"invalid appsecret {{Secret}}"}""");
        var failed = await Exchange("not json");
        using var dead = new Client(new("http://127.0.0.1:1"));
        await dead.Exchange("code");
        var lines = refused.Log.Concat(failed.Log).Concat(dead.Log).Append(App.ToString()).ToList();
        Assert.True(lines.Count >= 4);
        Assert.DoesNotContain(lines, line => line.Contains(Secret, StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("jscode2session", StringComparison.Ordinal));
    }

    [Fact]
    public void Session_does_not_print_its_key() =>
        Assert.Equal("WeChatSession(o1)", new WeChatSession("o1", "u1", "tiihtNczf5v6AKRyjwEUhQ==").ToString());

    private static async Task<(LoginAnswer Answer, IReadOnlyCollection<string> Log)> Exchange(
        string reply, int status = 200, string contentType = "text/plain")
    {
        await using var weChat = await Loopback.Start(app => app.MapGet(
            "/sns/jscode2session", () => Results.Text(reply, contentType, statusCode: status)));
        using var client = new Client(weChat.Address);
        return (await client.Exchange("code"), client.Log);
    }

    /// <summary>The login as the product registers it, with every log line kept.</summary>
    private sealed class Client : IDisposable
    {
        private readonly LogLines lines = new();
        private readonly ServiceProvider provider;

        public Client(Uri address, int timeoutSeconds = WeChatLogin.TimeoutSeconds) => provider = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(lines))
            .AddWeChatLogin(address, App, timeoutSeconds)
            .BuildServiceProvider();

        public IReadOnlyCollection<string> Log => lines.Written;

        public Task<LoginAnswer> Exchange(string code, CancellationToken cancellation = default) =>
            provider.GetRequiredService<WeChatLogin>().Exchange(code, cancellation);

        public void Dispose() => provider.Dispose();
    }
}

/// <summary>A real Kestrel on a free port of loopback.</summary>
internal sealed class Loopback(WebApplication app) : IAsyncDisposable
{
    public Uri Address { get; } = new(app.Urls.Single());

    public static async Task<Loopback> Start(Action<WebApplication> map, string environment = "Development", Action<IServiceCollection>? add = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        add?.Invoke(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new(app);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
