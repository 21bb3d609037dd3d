using System.Security.Cryptography;
using System.Text;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>The gateway's side of signatures and sealed contents, written out literally and apart from the product's: two that agree are two.</summary>
internal static class PayCrypto
{
    public const string Scheme = "WECHATPAY2-SHA256-RSA2048";

    /// <summary>How the gateway begins the wrong signatures it sends now and then to see who looks.</summary>
    public const string ProbePrefix = "WECHATPAY/SIGNTEST/";

    public static byte[] RequestText(string method, string target, string timestamp, string nonce, byte[] body) =>
        [.. Encoding.UTF8.GetBytes($"{method}\n{target}\n{timestamp}\n{nonce}\n"), .. body, (byte)'\n'];

    /// <summary>What is signed of a reply and of a notification alike.</summary>
    public static byte[] ReplyText(string timestamp, string nonce, byte[] body) =>
        [.. Encoding.UTF8.GetBytes($"{timestamp}\n{nonce}\n"), .. body, (byte)'\n'];

    public static byte[] SheetText(string appId, string timeStamp, string nonceStr, string package) =>
        Encoding.UTF8.GetBytes($"{appId}\n{timeStamp}\n{nonceStr}\n{package}\n");

    public static string Sign(RSA key, byte[] text)
    {
        lock (key) return Convert.ToBase64String(key.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    public static bool IsSignedBy(RSA key, byte[] text, string signature)
    {
        var bytes = new byte[signature.Length];
        if (!Convert.TryFromBase64String(signature, bytes, out var length)) return false;
        lock (key) return key.VerifyData(text, bytes.AsSpan(0, length), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    /// <returns>base64 of the ciphertext with its tag of 16 bytes behind it</returns>
    public static string Seal(byte[] key, string nonce, string associated, byte[] plain)
    {
        var (cipher, tag) = (new byte[plain.Length], new byte[16]);
        using var aes = new AesGcm(key, tag.Length);
        aes.Encrypt(Encoding.UTF8.GetBytes(nonce), plain, cipher, tag, Encoding.UTF8.GetBytes(associated));
        return Convert.ToBase64String([.. cipher, .. tag]);
    }

    public static byte[] Open(byte[] key, string nonce, string associated, string sealedText)
    {
        var bytes = Convert.FromBase64String(sealedText);
        var plain = new byte[bytes.Length - 16];
        using var aes = new AesGcm(key, 16);
        aes.Decrypt(Encoding.UTF8.GetBytes(nonce), bytes.AsSpan(0, plain.Length), bytes.AsSpan(plain.Length), plain, Encoding.UTF8.GetBytes(associated));
        return plain;
    }

    /// <param name="length">of letters and digits</param>
    public static string Nonce(int length) => RandomNumberGenerator.GetString("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", length);
}
