using System.Security.Cryptography;
using System.Text;

namespace Campaigns.ApiFrontend.WeChat;

/// <summary>The 32 bytes a merchant sets in the WeChat Pay portal ("APIv3 key"). They never show up in a log.</summary>
internal sealed class ApiV3Key
{
    public const int SizeBytes = 32;

    private readonly byte[] bytes;

    /// <exception cref="ArgumentException">The configuration is wrong: not 32 bytes.</exception>
    public ApiV3Key(string text)
    {
        bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length != SizeBytes)
            throw new ArgumentException($"An APIv3 key has {SizeBytes} bytes, this one has {bytes.Length}.", nameof(text));
    }

    /// <summary>A cipher for one use: instances of <see cref="AesGcm"/> are not safe to share between threads.</summary>
    public AesGcm Cipher() => new(bytes, WeChatPayResource.TagBytes);

    public override string ToString() => "APIv3 key (hidden)";
}

/// <summary>Why a resource did not decrypt. The numbers are public: append, never renumber.</summary>
internal enum ResourceRefusal
{
    UnknownAlgorithm = 1,
    NonceMustBe12Bytes = 2,
    CiphertextMustBeBase64 = 3,
    CiphertextMustHoldTag = 4,

    /// <summary>Another key, or ciphertext, nonce or associated data were altered: GCM cannot tell which.</summary>
    NotAuthentic = 5,
}

/// <summary>The <c>resource</c> of a notification: the base64 ciphertext ends in the 16 bytes of the tag.</summary>
internal sealed record EncryptedResource(
    string Algorithm, string Ciphertext, string Nonce, string? AssociatedData = null, string? OriginalType = null);

/// <summary>Either the plaintext or the reason why there is none.</summary>
internal readonly record struct DecryptedResource(byte[]? Plaintext, ResourceRefusal? Refusal)
{
    public static implicit operator DecryptedResource(byte[] plaintext) => new(plaintext, Refusal: null);

    public static implicit operator DecryptedResource(ResourceRefusal refusal) => new(Plaintext: null, refusal);
}

/// <summary>AES-256-GCM as WeChat Pay v3 uses it for resources. Source: WeChat Pay v3 documentation, "decrypting notifications".</summary>
internal static class WeChatPayResource
{
    public const string Algorithm = "AEAD_AES_256_GCM";
    public const int TagBytes = 16;
    public const int NonceBytes = 12;

    /// <summary>Encrypts as WeChat Pay does. A nonce of 12 ASCII characters must never be used twice with one key.</summary>
    public static EncryptedResource Encrypt(
        ApiV3Key key, ReadOnlySpan<byte> plaintext, string nonce, string associatedData, string originalType)
    {
        var sealedBytes = new byte[plaintext.Length + TagBytes];
        var ciphertext = sealedBytes.AsSpan(0, plaintext.Length);
        var tag = sealedBytes.AsSpan(plaintext.Length);
        using var cipher = key.Cipher();
        cipher.Encrypt(Encoding.UTF8.GetBytes(nonce), plaintext, ciphertext, tag, Encoding.UTF8.GetBytes(associatedData));
        return new(Algorithm, Convert.ToBase64String(sealedBytes), nonce, associatedData, originalType);
    }

    public static DecryptedResource Decrypt(ApiV3Key key, EncryptedResource resource)
    {
        using var cipher = key.Cipher();
        return Decrypt(cipher, resource);
    }

    /// <summary>For the published test vectors with short keys; everything else goes through <see cref="ApiV3Key"/>.</summary>
    internal static DecryptedResource Decrypt(AesGcm cipher, EncryptedResource resource)
    {
        if (resource.Algorithm is not Algorithm) return ResourceRefusal.UnknownAlgorithm;
        var nonce = Encoding.UTF8.GetBytes(resource.Nonce);
        if (nonce.Length != NonceBytes) return ResourceRefusal.NonceMustBe12Bytes;
        var decoded = new byte[resource.Ciphertext.Length];
        if (!Convert.TryFromBase64String(resource.Ciphertext, decoded, out var sizeBytes)) return ResourceRefusal.CiphertextMustBeBase64;
        if (sizeBytes < TagBytes) return ResourceRefusal.CiphertextMustHoldTag;

        var plaintext = new byte[sizeBytes - TagBytes];
        var ciphertext = decoded.AsSpan(0, plaintext.Length);
        var tag = decoded.AsSpan(plaintext.Length, TagBytes);
        var associatedData = Encoding.UTF8.GetBytes(resource.AssociatedData ?? "");
        try
        {
            cipher.Decrypt(nonce, ciphertext, tag, plaintext, associatedData);
            return plaintext;
        }
        catch (AuthenticationTagMismatchException)
        {
            // The class library has no other way to say that the tag does not match.
            return ResourceRefusal.NotAuthentic;
        }
    }
}
