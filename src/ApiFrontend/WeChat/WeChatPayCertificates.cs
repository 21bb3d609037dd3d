using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Serialization;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>
/// WeChat Pay's public keys by serial, as known now: those that were configured and the platform certificates that were downloaded. Several
/// are valid at once, of both sorts while a merchant moves from certificates to a public key.
/// </summary>
internal sealed class WeChatPayKeyRing
{
    public const string PublicKeyPrefix = "PUB_KEY_ID_";

    /// <summary>Anybody can send a notification with an invented serial: so often it makes us look for new certificates.</summary>
    public static readonly TimeSpan LookPause = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim looking = new(1, 1);
    private readonly WeChatPayKeys configured;
    private readonly TimeProvider clock;
    private DateTimeOffset lookedAt = DateTimeOffset.MinValue;
    private WeChatPayKeys keys;

    public WeChatPayKeyRing(WeChatPayKeys configured, TimeProvider clock) => (this.configured, keys, this.clock) = (configured, configured, clock);

    /// <summary>Downloads the platform certificates and calls <see cref="Replace"/>; null for a merchant who has none.</summary>
    public Func<CancellationToken, Task>? Download { get; init; }

    public WeChatPayKeys Keys => Volatile.Read(ref keys);

    /// <summary>The keys, and if the serial is not among them, after a look for new certificates.</summary>
    public async Task<WeChatPayKeys> KeysFor(string? serial, CancellationToken cancellation)
    {
        if (Download is null || IsKnown(serial) || serial!.StartsWith(PublicKeyPrefix, StringComparison.Ordinal)) return Keys;
        await looking.WaitAsync(cancellation);
        try
        {
            if (IsKnown(serial) || clock.GetUtcNow() - lookedAt < LookPause) return Keys;
            lookedAt = clock.GetUtcNow();

            // It goes on when the caller is gone: whoever hangs up on us must not keep others from a look.
            await Download(CancellationToken.None).WaitAsync(cancellation);
        }
        catch (WeChatPayUnsettled)
        {
            // Was logged where it happened. The serial stays unknown, and what it has signed is not believed.
        }
        finally
        {
            looking.Release();
        }

        return Keys;
    }

    /// <summary>The certificates that are valid now; those of before are not believed any more.</summary>
    public void Replace(IReadOnlyDictionary<string, RSA> certificates)
    {
        var all = new Dictionary<string, RSA>(configured.PlatformKeys, StringComparer.Ordinal);
        foreach (var (serial, key) in certificates) all[serial] = key;
        Volatile.Write(ref keys, configured with { PlatformKeys = all });
    }

    private bool IsKnown(string? serial) => serial is null || Keys.PlatformKeys.ContainsKey(serial);
}

/// <summary>
/// Keeps the platform certificates of a merchant who uses them: at the start, every twelve hours, and when a serial is unknown.
/// Source: WeChat Pay v3 documentation, "platform certificates".
/// </summary>
internal sealed class WeChatPayCertificates(WeChatPayClient client, WeChatPayKeyRing ring, TimeProvider clock, ILogger<WeChatPayCertificates> log) : BackgroundService
{
    public const string Path = "/v3/certificates";

    public static readonly TimeSpan RefreshEvery = TimeSpan.FromHours(12);
    public static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);

    /// <summary>Downloads them and believes them if one of them, or a key known before, has signed the list.</summary>
    /// <exception cref="WeChatPayUnsettled">there is no list, or none to be believed</exception>
    public async Task Download(CancellationToken cancellation)
    {
        IReadOnlyDictionary<string, RSA> found = new Dictionary<string, RSA>(StringComparer.Ordinal);
        var reply = await client.Call("certificates", HttpMethod.Get, Path, [], Verify, cancellation);
        if (reply.Error is { } error) throw new WeChatPayUnsettled("certificates", $"refused with {error}");

        ring.Replace(found);
        log.LogInformation("WeChat Pay's platform certificates: {Serials}.", string.Join(", ", found.Keys));

        Task<WeChatPayRefusal?> Verify(SignedHeaders headers, byte[] body, CancellationToken cancellation)
        {
            // Read before it is verified, the only reply of which that is so: its ciphertexts are authentic by themselves, for nobody else has the APIv3 key.
            if (Read(body, ring.Keys, clock.GetUtcNow()) is not { } certificates) return Task.FromResult<WeChatPayRefusal?>(WeChatPayRefusal.UndecryptableResource);
            found = certificates;
            var known = new Dictionary<string, RSA>(ring.Keys.PlatformKeys, StringComparer.Ordinal);
            foreach (var (serial, key) in certificates) known[serial] = key;
            return Task.FromResult(WeChatPaySignatures.Verify(headers, body, known, clock.GetUtcNow()));
        }
    }

    /// <summary>The certificates of the list that have not expired; null if it is no list, or one of them does not decrypt to the certificate it says it is.</summary>
    public static IReadOnlyDictionary<string, RSA>? Read(ReadOnlySpan<byte> body, WeChatPayKeys keys, DateTimeOffset now)
    {
        if (WeChatPayNotification.Parse(body, WeChatPayCertificatesJson.Default.CertificateList) is not { } list) return null;
        var found = new Dictionary<string, RSA>(StringComparer.Ordinal);
        foreach (var entry in list.Data)
        {
            if (keys.Decrypt(entry.EncryptCertificate) is not { } pem) return null;
            try
            {
                using var certificate = X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(pem));
                if (!string.Equals(certificate.SerialNumber, entry.SerialNo, StringComparison.OrdinalIgnoreCase)) return null;
                if (certificate.GetRSAPublicKey() is not { } key) return null;
                if (now.UtcDateTime < certificate.NotAfter.ToUniversalTime()) found[entry.SerialNo] = key;
            }
            catch (CryptographicException)
            {
                return null;
            }
        }

        return found;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = RefreshEvery;
            try
            {
                await Download(stoppingToken);
            }
            catch (WeChatPayUnsettled failed)
            {
                log.LogError("WeChat Pay's platform certificates could not be refreshed: {Reason} They are asked for again in a minute.", failed.Message);
                pause = RetryAfter;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

internal sealed record CertificateList(IReadOnlyList<ListedCertificate> Data);

internal sealed record ListedCertificate(string SerialNo, EncryptedResource EncryptCertificate);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CertificateList))]
internal sealed partial class WeChatPayCertificatesJson : JsonSerializerContext;
