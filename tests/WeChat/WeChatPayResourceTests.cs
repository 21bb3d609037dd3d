using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Campaigns.ApiFrontend.WeChat;

namespace Campaigns.Tests.WeChat;

/// <summary>Known answers come from the tests of the official SDKs; the one marked "derived" was computed with .NET.</summary>
public sealed class WeChatPayResourceTests
{
    private static readonly ApiV3Key Key = new("0123456789abcdef0123456789ABCDEF");
    private static readonly ApiV3Key JavaKey = new("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb");

    [Fact]
    public void Message_of_the_official_Java_library_decrypts() =>
        Assert.Equal("message", Text(WeChatPayResource.Decrypt(
            JavaKey, Resource("ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=", "uluk4a9R25RW", "associatedData"))));

    // The Go library tests with keys of 16 bytes, which real merchants cannot set; the cipher is the same otherwise.
    [Theory]
    [InlineData("testAPIv3Key0000", "wCq51qZv4Yfg", "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8", "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC", "Hello World")]
    [InlineData("testMchAPIv3Key0", "Kj7QIyUiYx1q", "payscore", GoNotificationCiphertext, GoNotificationPlaintext)]
    public void Messages_of_the_official_Go_library_decrypt(string key, string nonce, string associatedData, string ciphertext, string text)
    {
        using var cipher = new AesGcm(Encoding.UTF8.GetBytes(key), WeChatPayResource.TagBytes);
        Assert.Equal(text, Text(WeChatPayResource.Decrypt(cipher, Resource(ciphertext, nonce, associatedData))));
    }

    [Theory]
    [InlineData("transaction", TransactionCiphertext)]
    [InlineData("", TransactionCiphertextWithoutAssociatedData)]
    public void Transaction_encrypts_and_decrypts_as_known(string associatedData, string ciphertext)
    {
        var encrypted = WeChatPayResource.Encrypt(
            Key, Encoding.UTF8.GetBytes(TransactionPlaintext), "abcdefghijkl", associatedData, "transaction");
        Assert.Equal(new("AEAD_AES_256_GCM", ciphertext, "abcdefghijkl", associatedData, "transaction"), encrypted);
        Assert.Equal(TransactionPlaintext, Text(WeChatPayResource.Decrypt(Key, encrypted)));
    }

    [Fact]
    public void Absent_associated_data_is_empty_associated_data() =>
        Assert.Equal(TransactionPlaintext, Text(WeChatPayResource.Decrypt(
            Key, Resource(TransactionCiphertextWithoutAssociatedData, "abcdefghijkl", associatedData: null))));

    [Fact]
    public void Platform_certificate_of_the_official_Java_library_decrypts()
    {
        var pem = WeChatPayResource.Decrypt(JavaKey, Resource(CertificateCiphertext, "14b16c03dc1b", "certificate")).Plaintext!;
        Assert.Equal(1475, pem.Length);
        Assert.Equal("8693813ac0735cb54b6e67f25086a5924c103712255b8857049b8e502d564eb4", Convert.ToHexStringLower(SHA256.HashData(pem)));

        using var certificate = X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(pem));
        Assert.Equal("5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC", certificate.SerialNumber);
        Assert.Equal("Tenpay.com sign", certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        Assert.Equal(new DateTime(2028, 9, 17, 15, 15, 58, DateTimeKind.Utc), certificate.NotAfter.ToUniversalTime());
    }

    [Theory]
    [InlineData("")]
    [InlineData("testAPIv3Key0000")]
    [InlineData("0123456789abcdef0123456789ABCDE")]
    [InlineData("0123456789abcdef0123456789ABCDEF0")]
    [InlineData("密钥密钥密钥密钥密钥密钥密钥密钥密钥密钥密钥密钥密钥密钥密钥密钥")] // 32 characters, but 96 bytes
    public void Key_must_have_32_bytes(string text) => Assert.Throws<ArgumentException>(() => new ApiV3Key(text));

    [Fact]
    public void Key_does_not_print_itself()
    {
        var keys = new WeChatPayKeys("m", "a", Key, new Dictionary<string, RSA>(StringComparer.Ordinal));
        Assert.DoesNotContain("0123", keys.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AEAD_SM4_GCM")]
    [InlineData("aead_aes_256_gcm")]
    [InlineData("")]
    public void Unknown_algorithm_is_refused(string algorithm) =>
        Assert.Equal(ResourceRefusal.UnknownAlgorithm, Refusal(Transaction with { Algorithm = algorithm }));

    [Theory]
    [InlineData("")]
    [InlineData("abcdefghijk")]
    [InlineData("abcdefghijklm")]
    [InlineData("abcdefghijké")] // 12 characters, but 13 bytes
    public void Nonce_must_have_12_bytes(string nonce) =>
        Assert.Equal(ResourceRefusal.NonceMustBe12Bytes, Refusal(Transaction with { Nonce = nonce }));

    [Theory]
    [InlineData("***")]
    [InlineData("YOZ")]
    [InlineData("YOZv-_MQDTGNse_IZJV9yQ==")]
    [InlineData("密文")]
    public void Ciphertext_must_be_base64(string ciphertext) =>
        Assert.Equal(ResourceRefusal.CiphertextMustBeBase64, Refusal(Transaction with { Ciphertext = ciphertext }));

    [Theory]
    [InlineData("")]
    [InlineData("AA==")]
    [InlineData("AAAAAAAAAAAAAAAAAAAA")] // 15 bytes
    public void Ciphertext_must_hold_the_tag(string ciphertext) =>
        Assert.Equal(ResourceRefusal.CiphertextMustHoldTag, Refusal(Transaction with { Ciphertext = ciphertext }));

    [Fact]
    public void Every_flipped_byte_of_the_ciphertext_is_refused()
    {
        var length = Convert.FromBase64String(Transaction.Ciphertext).Length;
        for (var index = 0; index < length; index++)
        {
            var bytes = Convert.FromBase64String(Transaction.Ciphertext);
            bytes[index] ^= 0x80;
            Assert.Equal(ResourceRefusal.NotAuthentic, Refusal(Transaction with { Ciphertext = Convert.ToBase64String(bytes) }));
        }
    }

    [Fact]
    public void Every_cut_of_the_ciphertext_is_refused()
    {
        var bytes = Convert.FromBase64String(Transaction.Ciphertext);
        for (var length = WeChatPayResource.TagBytes; length < bytes.Length; length++)
            Assert.Equal(
                ResourceRefusal.NotAuthentic,
                Refusal(Transaction with { Ciphertext = Convert.ToBase64String(bytes, 0, length) }));
    }

    [Fact]
    public void Other_nonce_associated_data_or_key_is_refused()
    {
        Assert.Equal(ResourceRefusal.NotAuthentic, Refusal(Transaction with { Nonce = "abcdefghijkL" }));
        Assert.Equal(ResourceRefusal.NotAuthentic, Refusal(Transaction with { AssociatedData = "refund" }));
        Assert.Equal(ResourceRefusal.NotAuthentic, Refusal(Transaction with { AssociatedData = null }));
        Assert.Equal(ResourceRefusal.NotAuthentic, WeChatPayResource.Decrypt(JavaKey, Transaction).Refusal);
    }

    [Fact]
    public void Empty_plaintext_survives()
    {
        var encrypted = WeChatPayResource.Encrypt(Key, [], "abcdefghijkl", "transaction", "transaction");
        Assert.Equal("", Text(WeChatPayResource.Decrypt(Key, encrypted)));
    }

    private static readonly EncryptedResource Transaction = Resource(TransactionCiphertext, "abcdefghijkl", "transaction");

    private static EncryptedResource Resource(string ciphertext, string nonce, string? associatedData) =>
        new("AEAD_AES_256_GCM", ciphertext, nonce, associatedData);

    private static ResourceRefusal? Refusal(EncryptedResource resource) => WeChatPayResource.Decrypt(Key, resource).Refusal;

    private static string Text(DecryptedResource decrypted)
    {
        Assert.Null(decrypted.Refusal);
        return Encoding.UTF8.GetString(decrypted.Plaintext!);
    }

    private const string GoNotificationCiphertext =
        "YDS3lKPaC4Y52Gf3uhft5qUBlIa8b428AWTtTauHQfQrRw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3iZttevRMOoPKMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNebthah3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFUpsvPqOTOcgSLgh21YJXYR7dEBXFgRLiNIKRgO5JdXh1hccRUAlyVWxE54PXpnQ==";

    private const string GoNotificationPlaintext =
        """{"mchid":"1234567890","appid":"054aa7d7a2a54ab5898df65bd96f001c","create_time":"2020-06-30T12:12:00+08:00","out_contract_code":"21640bdbd08e473e828f3206a2741c6e"}""";

    // Derived: one transaction under a key of 32 bytes.
    private const string TransactionPlaintext =
        """{"transaction_id":"4200000000000000000000000001","out_trade_no":"T20260101000001","trade_state":"SUCCESS","amount":{"total":100,"payer_total":100,"currency":"CNY","payer_currency":"CNY"}}""";

    private const string TransactionCiphertext =
        "YOZv+xMQDTGNse/IZJV9yTskbuPz0DR1QMD1HkIvxvv4HJa0DBOEpXtgA76j04GJ2kr8a5npq/GfC2hGUwlV91W9MZG5TPcifV/3qz7CPZXdJNEfVLmrMnC53a0i6Hnkilrv3x0WE0FUbKX9HmCJgYysK9AKy0QpKnmcSbTv8O/IhPrpLK9i5vZHtA8EnXA5cobWi/f8n96YUAg+OMPcywdJlL7iU8eisC4k59x/VrPb4pXKrMaUx1Wb/64BHfO9CDK551ThBOmcTP4=";

    private const string TransactionCiphertextWithoutAssociatedData =
        "YOZv+xMQDTGNse/IZJV9yTskbuPz0DR1QMD1HkIvxvv4HJa0DBOEpXtgA76j04GJ2kr8a5npq/GfC2hGUwlV91W9MZG5TPcifV/3qz7CPZXdJNEfVLmrMnC53a0i6Hnkilrv3x0WE0FUbKX9HmCJgYysK9AKy0QpKnmcSbTv8O/IhPrpLK9i5vZHtA8EnXA5cobWi/f8n96YUAg+OMPcywdJlL7iU8eisC4k59x/VrPb4pXKrMaUx1Wb/1wxn/0i3OXkkppAo1eFGIw=";

    // Certificate download in the tests of the official Java library.
    internal const string CertificateCiphertext =
        "Mr/AxbvY+WL9hKlD5nIa03LOMPpn5f+CWeNxE4ujl0f5gXZ9XLJ9CldkArCOTsbU62XgKnTc3YvRMZQ7wCmE2fzwmAenAySTYsPms72JhggPWfdqVxri9YD5wBYKn8Ck0Fc5JIiVw9WlN2oxHBz83mRVsjoTGC5+cX1CdYqKuZ8pkvi0aCJIq07ZC8MHoTowUz+4jYJy9XeKqip83Z7BmUYxsePpNM+HtihBqTJIUYXJfX7Col5X0ACsApRoU9l6swfW/kzvqNpDJavhDBGasLrr5822+Fk5nVkcTi53f8Wbue7ODWjJxj1yhRYcxFCvXLtpYNB+Qa1aXtrBSdBdBI2p7o+6Imn+auHLBCzkrZqF/yd+d4vTn4tqHPLUj89XcHsMf96uBo3T/HQV8LEDeIO+6YvOK9FrIDYsvp+imN4n/mnF7eJKo9mpN/QqWJiawrFpAmMMxFKBjIdpgMnVUl3Z11RcWKyfOJ3kcmItTWcnZFNyDgR9cS0aU6QPlefa3uUW89uzBuHjcFdDl43yU3LE4qZnHLDcDgx4qt0OFCLiy51GXtEpyYs5k99YJBvKK+RyIs4Yc1/smBmClQUhxW+8bsPNOcXfDvH2yX4YzESoO4TV0RqiCgnsSd4zIFyJPiMKIGzVHiw6Kg0eGCmB4mGHEEZCQ0eN3SSPO0QVjjtBYfgXDZfVHSaAB8PjWBVNFimoViZZQrwT6Ygo0LU0Dd8+F5aHFYr4OPHPslr3hrgutEYXDTv1vTA6ABJGqknJ9Y2vtyWpy7aIwxc0kQq/1ezjs+RMVL/LRpGDnbx1/CGPDjZhYgZypKa55+PDhoaQxqkF3xCLz2DGoNHZYmFqxzAOsAK0vJZw4VcAk6ssbA6YIaMuiemEpxfLC9ZiXtRqsX9s+GWjjtA8JywOFMO+NKZm9BH/E5YNg2DDD3sHG9Mciwn7yJ6sdf8h2lAWlEExAOeiBNyshOHAQ0/S+x1ncWNiqY+Uh5n0rtonvePV2MsxVlEWR3AVHn1abcEWkzivd+G5kg7LYO0goqzGClcQfnFfZdO6KwcMXsBCnm9A1Bl4+k5LLokTIYH5/36SRIZ9j0CHGD77BQLE7x8AlNsoFS2m263tLLq78TFqvZUTIZIQcVIl+NInscS3xQbA38qqFqutCWIwoF1azuJ7woiJyMvnS3xzIpNzP+rzJ8VDXxjLjpEUBOC9WDs74+QMtsAdmh6g0KDclHEk8WJ4P2bnso4z3VCGoDT5X/0bS1C+jMZMKaOCNB21FZ08qgUHmKeDeg8ylENu+mh2Y/AaEDSGkGBHIfFbhMYO3uRxhk9hldiHEnHgdkXiVAAUWk/IhtmGijibO/L76vB74Xpes973uK+2iFKgNBk8qTLLZZnuWbcMQuA6VsFULRb/C+q9B21YuAWPMzvgBwr4EX2m/OpF5w8Q0HL7v1H5H0mIGJbrjnklUPoBYrw30W3uk7yF0KE6sfMukafFx0S9rBOL0RykGDPwC0lHSNySkXDeM5XvDJ+dtHK+RDwhJR+azfrWAHGMtZcQ+YVamjWVmHxXM03j3GeCXgqae1upwHzkPL5OwojcQ5MQi3Kv/1xtwY0cRN/yeZTOsXfujtqhkJj/Vltby4lnW4SCj4LjWQF19BY6zhzF4yybBA8bhhtoNP/zx8QkhHAkIROkK2ZVgfocCAPvfQ+vSrsIBO+L5cmg6mzFn4g84lsHscgXnszIlzUrzx/4Tam0uwuS9J1gddZ0I0QUt9SJzfsoBCTU0OgNMUtXKS5HvgXe7abexMtFH5eulOsAuFZkQ5LYJa/m4yHFInXzL/t3hjdTi2NmxUufvYzwIyffRTu5vS9vjscARD9lUQDHFQ/xgWe1i8EkRlrSfjlXt00+4//h2bcJKyTBT3IXwvKNsuY29V9/vU3HkvWKZ99zpSlmcZRuBa1BHbyPEvc0NlqIIoKidxqUvOR64MzudHhAjgWFP+IXojfhS3Gj9OJhBL7s";
}
