using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>Which of its keys the gateway signs with.</summary>
internal enum SignedWith
{
    PublicKey = 1,
    CertificateA = 2,
    CertificateB = 3,

    /// <summary>Any of the three, as in the week when a merchant moves from certificates to the public key.</summary>
    Mixed = 4,

    /// <summary>Replies: the key that the request's <c>Wechatpay-Serial</c> names, or certificate A; notifications: any.</summary>
    AsAsked = 5,
}

internal sealed record PlatformKey(string Serial, RSA Key, string Pem, DateTimeOffset EffectiveFrom, DateTimeOffset ExpiresAt)
{
    public string PublicPem => Key.ExportSubjectPublicKeyInfoPem();
}

/// <summary>The gateway's keys: a public key without an end, and two certificates of which the first is about to expire.</summary>
internal sealed class PlatformKeys
{
    // Made once per process: three keys for each of a hundred tests take a minute.
    private static readonly RSA[] Made = [RSA.Create(2048), RSA.Create(2048), RSA.Create(2048), RSA.Create(2048)];

    private readonly Random random;

    public PlatformKeys(DateTimeOffset now, int seed)
    {
        random = new(seed);
        PublicKey = new("PUB_KEY_ID_0119000000012026112500000000000001", Made[0], Made[0].ExportSubjectPublicKeyInfoPem(), DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
        CertificateA = Certificate(Made[1], now.AddDays(-5 * 365 + 5), now.AddDays(5));
        CertificateB = Certificate(Made[2], now.AddDays(-5), now.AddDays(5 * 365 - 5));
    }

    /// <summary>The key of somebody who is not the gateway.</summary>
    public static RSA Stranger => Made[3];

    public PlatformKey PublicKey { get; }

    public PlatformKey CertificateA { get; }

    public PlatformKey CertificateB { get; }

    /// <summary>May be changed at any moment.</summary>
    public SignedWith SignedWith { get; set; } = SignedWith.PublicKey;

    public IEnumerable<PlatformKey> All => [PublicKey, CertificateA, CertificateB];

    /// <param name="asked">the serial a request names, or null</param>
    public PlatformKey Next(string? asked = null)
    {
        int any;
        lock (random) any = random.Next(3);
        return SignedWith switch
        {
            SignedWith.PublicKey => PublicKey,
            SignedWith.CertificateA => CertificateA,
            SignedWith.CertificateB => CertificateB,
            SignedWith.AsAsked when asked is not null => All.Single(k => k.Serial == asked),
            _ => All.ElementAt(any),
        };
    }

    private static PlatformKey Certificate(RSA key, DateTimeOffset from, DateTimeOffset until)
    {
        using var certificate = new CertificateRequest("CN=Tenpay.com sign", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(from, until);
        return new(certificate.SerialNumber, key, certificate.ExportCertificatePem(), from, until);
    }
}
