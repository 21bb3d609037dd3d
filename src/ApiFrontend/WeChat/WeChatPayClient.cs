using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Campaigns.ApiFrontend.Payments;
using Polly;
using Polly.Retry;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>Nobody knows whether WeChat Pay did what was asked: the same request, with the same numbers, has to be made again.</summary>
/// <param name="what">which call about which number; never a secret, an openid or an address with a token</param>
/// <param name="isTransient">true if it is worth another try at once</param>
internal sealed class WeChatPayUnsettled(string what, string reason, bool isTransient = false) : Exception($"WeChat Pay's answer to the {what} is not known: {reason}.")
{
    public bool IsTransient { get; } = isTransient;
}

/// <summary>A definite no of WeChat Pay. The body of an error is not verified: it steers what is asked next and moves no money by itself.</summary>
/// <param name="Code">its word, as <c>NOT_ENOUGH</c>; the message beside it changes and is not looked at</param>
internal sealed record WeChatPayError(int Status, string Code)
{
    /// <summary>The same word is written with and without underscores on different pages of the documentation.</summary>
    public bool Is(params ReadOnlySpan<string> codes)
    {
        foreach (var code in codes)
            if (string.Equals(Bare(Code), Bare(code), StringComparison.Ordinal)) return true;
        return false;
    }

    public override string ToString() => $"{Status} {Code}";

    private static string Bare(string code) => code.Replace("_", "", StringComparison.Ordinal);
}

/// <summary>Either the bytes that WeChat Pay has signed or its no.</summary>
internal readonly record struct WeChatPayReply(int Status, byte[] Body, WeChatPayError? Error);

/// <summary>Says whether a reply is believed; null if it is.</summary>
internal delegate Task<WeChatPayRefusal?> WeChatPayVerifier(SignedHeaders headers, byte[] body, CancellationToken cancellation);

/// <summary>
/// Calls WeChat Pay v3: signs exactly the bytes it sends, believes no success that is not signed, tries again for a moment on the same numbers
/// and changes to the other site when one cannot be reached. Source: WeChat Pay v3 documentation, "rules of the API".
/// </summary>
internal sealed class WeChatPayClient(HttpClient http, WeChatPayMerchant merchant, WeChatPayKeyRing ring, TimeProvider clock, ILogger<WeChatPayClient> log)
{
    public const int AttemptTimeoutSeconds = 4;
    public const int RetriesMax = 2;
    public const int ReplyBytesMax = 256 * 1024;

    public static readonly TimeSpan DownloadMax = TimeSpan.FromMinutes(5);

    private const int WordLengthMax = 128;

    private readonly ResiliencePipeline patience = new ResiliencePipelineBuilder { TimeProvider = clock }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<WeChatPayUnsettled>(u => u.IsTransient),
            MaxRetryAttempts = RetriesMax,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(150),
            MaxDelay = TimeSpan.FromSeconds(1),
            UseJitter = true,
        })
        .Build();

    // Where the next call begins: after a network failure the other site, until that one fails.
    private volatile bool atStandby;

    public Task<WeChatPayReply> Post<TBody>(string what, string path, TBody body, JsonTypeInfo<TBody> type, CancellationToken cancellation) =>
        Call(what, HttpMethod.Post, path, JsonSerializer.SerializeToUtf8Bytes(body, type), null, cancellation);

    public Task<WeChatPayReply> Get(string what, string pathAndQuery, CancellationToken cancellation) => Call(what, HttpMethod.Get, pathAndQuery, [], null, cancellation);

    /// <param name="what">which call about which number, for logs</param>
    /// <param name="verify">how a success is believed; null is by the keys that are known</param>
    /// <exception cref="WeChatPayUnsettled">no definite answer</exception>
    public async Task<WeChatPayReply> Call(string what, HttpMethod method, string pathAndQuery, byte[] body, WeChatPayVerifier? verify, CancellationToken cancellation) =>
        await patience.ExecuteAsync(async limit => await Attempt(what, method, pathAndQuery, body, verify ?? Verify, limit), cancellation);

    /// <summary>Opens a file that WeChat Pay has told the address of. It is not signed: what came has to be compared with its hash.</summary>
    /// <exception cref="WeChatPayUnsettled">it cannot be had</exception>
    public async Task<byte[]> Download(string what, Uri address, int bytesMax, CancellationToken cancellation)
    {
        if (!IsOurs(address)) throw new WeChatPayUnsettled(what, "its address is not WeChat Pay's");
        using var time = new CancellationTokenSource(DownloadMax, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, time.Token);
        using var request = Signed(HttpMethod.Get, address, []);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            log.LogInformation("WeChat Pay answered the {What} with {Status} (Request-ID {RequestId}).", what, (int)response.StatusCode, RequestIdOf(response));
            if (!response.IsSuccessStatusCode) throw new WeChatPayUnsettled(what, $"status {(int)response.StatusCode}");
            await using var stream = await response.Content.ReadAsStreamAsync(limit.Token);
            return await stream.ReadAtMost(bytesMax, limit.Token) ?? throw new WeChatPayUnsettled(what, $"more than {bytesMax} bytes");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new WeChatPayUnsettled(what, failure.GetType().Name);
        }
    }

    private async Task<WeChatPayReply> Attempt(string what, HttpMethod method, string pathAndQuery, byte[] body, WeChatPayVerifier verify, CancellationToken cancellation)
    {
        var (site, started) = (atStandby, Stopwatch.GetTimestamp());
        using var time = new CancellationTokenSource(TimeSpan.FromSeconds(AttemptTimeoutSeconds), clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, time.Token);
        try
        {
            // A new signature for each try: a repeated nonce might be refused.
            using var request = Signed(method, new Uri(site ? merchant.Standby! : merchant.Address, pathAndQuery), body);
            using var response = await http.SendAsync(request, limit.Token);
            var content = await response.Content.ReadAsByteArrayAsync(limit.Token);
            var (status, id) = ((int)response.StatusCode, RequestIdOf(response));
            var (word, level) = status is >= 200 and < 300 ? ("", LogLevel.Information) : (WordIn(content), LogLevel.Warning);
            log.Log(level, "WeChat Pay answered the {What} with {Status} {Code} in {Milliseconds} ms (Request-ID {RequestId}).", what, status, word, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds, id);
            if (status is < 200 or >= 300) return new(status, [], Error(what, status, word, content, body.Length, id));
            if (await verify(SignedHeaders.From(response.Headers), content, limit.Token) is not { } refusal) return new(status, content, null);

            log.LogWarning("WeChat Pay's answer to the {What} is not believed: {Refusal} (Request-ID {RequestId}).", what, refusal, id);
            throw new WeChatPayUnsettled(what, $"it is not genuine, {refusal}", isTransient: true);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            if (merchant.Standby is not null) atStandby = !site;
            var reason = failure is OperationCanceledException ? "time limit" : (failure as HttpRequestException)?.HttpRequestError.ToString() ?? "connection lost";
            log.LogWarning("WeChat Pay did not answer the {What}: {Reason}.", what, reason);
            throw new WeChatPayUnsettled(what, reason, isTransient: true);
        }
    }

    private HttpRequestMessage Signed(HttpMethod method, Uri address, byte[] body)
    {
        var request = new HttpRequestMessage(method, address);
        var authorization = WeChatPaySignatures.Authorization(merchant.Mchid, merchant.Key, method, request.RequestUri!.PathAndQuery, body, WeChatPaySignatures.NewNonce(), clock.GetUtcNow());
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        request.Headers.UserAgent.Add(new("Campaigns", typeof(WeChatPayClient).Assembly.GetName().Version?.ToString(3)));
        request.Headers.Accept.ParseAdd("application/json");
        if (merchant.PublicKeyId is { } id) request.Headers.Add("Wechatpay-Serial", id);
        if (method != HttpMethod.Post) return request;

        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return request;
    }

    private async Task<WeChatPayRefusal?> Verify(SignedHeaders headers, byte[] body, CancellationToken cancellation)
    {
        var keys = await ring.KeysFor(headers.Serial, cancellation);
        return WeChatPaySignatures.Verify(headers, body, keys.PlatformKeys, clock.GetUtcNow());
    }

    private WeChatPayError Error(string what, int status, string word, byte[] content, int bodyBytes, string requestId)
    {
        if (status == 401)
        {
            // The text that WeChat Pay has signed is in the reply too; it holds the openid, so only its length is told.
            log.LogError("WeChat Pay does not accept our signature of the {What}: check the serial, the private key and this machine's clock. It signed {Length} bytes, our body has {BodyBytes} (Request-ID {RequestId}).", what, SignedBytesIn(content), bodyBytes, requestId);
            throw new WeChatPayUnsettled(what, $"{status} {word}");
        }

        if (status >= 500) throw new WeChatPayUnsettled(what, $"{status} {word}", isTransient: true);
        if (status is < 400 or 429 || word.Length == 0) throw new WeChatPayUnsettled(what, $"{status} {word}");
        var error = new WeChatPayError(status, word);
        if (error.Is("SYSTEM_ERROR", "BANK_ERROR", "FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED")) throw new WeChatPayUnsettled(what, error.ToString());

        return error;
    }

    // Our signature goes nowhere else, whatever a reply says.
    private bool IsOurs(Uri address)
    {
        if (!address.IsAbsoluteUri) return false;
        return WeChatPayMerchant.IsOfficial(address) || IsAt(merchant.Address) || (merchant.Standby is { } standby && IsAt(standby));

        bool IsAt(Uri site) => Uri.Compare(site, address, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;
    }

    private static string WordIn(byte[] content)
    {
        if (JsonIn(content) is not { ValueKind: JsonValueKind.Object } json || !json.TryGetProperty("code", out var code) || code.ValueKind != JsonValueKind.String) return "";
        return AsWord(code.GetString()!) is var word && word.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c is '_') ? word : "";
    }

    private static string SignedBytesIn(byte[] content)
    {
        var json = JsonIn(content);
        foreach (var member in (ReadOnlySpan<string>)["detail", "sign_information", "sign_message_length"])
            json = json is { ValueKind: JsonValueKind.Object } inner && inner.TryGetProperty(member, out var value) ? value : null;
        return json is { ValueKind: JsonValueKind.Number } length ? length.GetRawText() : "?";
    }

    private static JsonElement? JsonIn(byte[] content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string RequestIdOf(HttpResponseMessage response) => response.Headers.TryGetValues("Request-ID", out var values) ? AsWord(string.Join(',', values)) : "none";

    // From outside and into logs: letters, digits, - and _ alone.
    private static string AsWord(string text) => text.Length <= WordLengthMax && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? text : "";
}

internal static class WeChatPayRegistration
{
    /// <summary>Adds the gateway of one merchant, its keys, and what keeps its platform certificates if it uses them.</summary>
    public static IServiceCollection AddWeChatPay(this IServiceCollection services, WeChatPayMerchant merchant)
    {
        services.AddSingleton(merchant);
        services.AddHttpClient<WeChatPayClient>(http =>
        {
            http.Timeout = Timeout.InfiniteTimeSpan; // each try has its own limit
            http.MaxResponseContentBufferSize = WeChatPayClient.ReplyBytesMax;
        })
        // Held for as long as the process runs: the connections are renewed instead, so that a change of address is noticed.
        .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(2), AllowAutoRedirect = false, UseCookies = false })
        .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
        // The factory's own loggers write addresses, and the one of a bill holds a token.
        .RemoveAllLoggers();

        services.AddSingleton<IPaymentGateway, WeChatPayGateway>();
        services.AddSingleton(s => new WeChatPayKeyRing(merchant.Keys, s.GetRequiredService<TimeProvider>())
        {
            Download = merchant.UsesCertificates ? cancellation => s.GetRequiredService<WeChatPayCertificates>().Download(cancellation) : null,
        });
        if (merchant.UsesCertificates) services.AddSingleton<WeChatPayCertificates>().AddHostedService(s => s.GetRequiredService<WeChatPayCertificates>());
        return services;
    }
}

internal static class BoundedStreams
{
    /// <returns>null if there is more than <paramref name="bytesMax"/></returns>
    public static async Task<byte[]?> ReadAtMost(this Stream stream, int bytesMax, CancellationToken cancellation)
    {
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int read; (read = await stream.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (all.Length + read > bytesMax) return null;
            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }
}
