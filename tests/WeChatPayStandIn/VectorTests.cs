using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using static Campaigns.Tests.WeChatPayStandIn.PublishedVectors;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>The stand-in judges others: first it is judged by what WeChat Pay itself has published.</summary>
public sealed class VectorTests
{
    private const string Trade = "1217752501201407033233368018";

    [Theory]
    [InlineData("POST", "/v3/pay/transactions/jsapi", P1Body, P1)]
    [InlineData("GET", "/v3/certificates", "", P4)]
    [InlineData("GET", $"/v3/pay/transactions/out-trade-no/{Trade}?mchid=1900007291", "", P5)]
    [InlineData("GET", $"/v3/refund/domestic/refunds/{Trade}", "", P6)]
    public void Requests_are_signed_by_the_merchant(string method, string target, string body, string signature)
    {
        using var key = PublicKey(MerchantPublicKey);
        Assert.True(PayCrypto.IsSignedBy(key, PayCrypto.RequestText(method, target, Timestamp, Nonce, Utf8(body)), signature));
        Assert.False(PayCrypto.IsSignedBy(key, PayCrypto.RequestText(method, target + "/", Timestamp, Nonce, Utf8(body)), signature));
        Assert.False(PayCrypto.IsSignedBy(key, PayCrypto.RequestText(method, target, Timestamp, Nonce, Utf8(body + "\n")), signature));
        Assert.False(PayCrypto.IsSignedBy(key, PayCrypto.RequestText(method, target, "1554208461", Nonce, Utf8(body)), signature));
    }

    [Fact]
    public void The_older_order_is_signed_by_the_merchant()
    {
        using var key = PublicKey(MerchantPublicKey);
        var body = P1Body.Replace("1900007291", "1230000109", StringComparison.Ordinal);
        Assert.True(PayCrypto.IsSignedBy(key, PayCrypto.RequestText("POST", "/v3/pay/transactions/jsapi", Timestamp, Nonce, Utf8(body)), P1Older));
    }

    [Theory]
    [InlineData("prepay_id=wx201410272009395522657a690389285100", P2)]
    [InlineData("wx201410272009395522657a690389285100", P3)]
    public void Payment_sheets_are_signed_by_the_merchant(string package, string signature)
    {
        using var key = PublicKey(MerchantPublicKey);
        Assert.True(PayCrypto.IsSignedBy(key, PayCrypto.SheetText("wx2421b1c4370ec43b", Timestamp, Nonce, package), signature));
    }

    [Fact]
    public void The_gateway_signs_as_its_libraries_do()
    {
        using var key = RSA.Create();
        key.ImportPkcs8PrivateKey(Convert.FromBase64String(P7Key), out _);
        Assert.Equal(P7, PayCrypto.Sign(key, Utf8("source")));
    }

    [Fact]
    public void Replies_and_notifications_are_signed_over_the_same_three_lines()
    {
        using var reply = PublicKey(P8PublicKey);
        Assert.True(PayCrypto.IsSignedBy(reply, PayCrypto.ReplyText("1722850421", "d824f2e086d3c1df967785d13fcd22ef", Utf8("""{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1"}""")), P8));
        using var notification = PublicKey(P9PublicKey);
        Assert.True(PayCrypto.IsSignedBy(notification, PayCrypto.ReplyText("1624523846", "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz", Utf8(P9Body)), P9));
        Assert.False(PayCrypto.IsSignedBy(notification, PayCrypto.ReplyText("1624523846", "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz", Utf8(P9Body + "\n")), P9));
        Assert.False(PayCrypto.IsSignedBy(notification, [], PayCrypto.ProbePrefix + "nTC"));
    }

    [Theory]
    [InlineData("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb", "uluk4a9R25RW", "associatedData", "message", "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=")]
    [InlineData("testAPIv3Key0000", "wCq51qZv4Yfg", "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8", "Hello World", "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC")]
    [InlineData("0123456789abcdef0123456789ABCDEF", "abcdefghijkl", "transaction", P12Plain, P12)]
    [InlineData("0123456789abcdef0123456789ABCDEF", "abcdefghijkl", "", P12Plain, P12EmptyAssociated)]
    public void Contents_are_sealed(string key, string nonce, string associated, string plain, string sealedText)
    {
        Assert.Equal(sealedText, PayCrypto.Seal(Utf8(key), nonce, associated, Utf8(plain)));
        Assert.Equal(plain, Encoding.UTF8.GetString(PayCrypto.Open(Utf8(key), nonce, associated, sealedText)));
    }

    [Fact]
    public void A_platform_certificate_is_opened()
    {
        var pem = Encoding.UTF8.GetString(PayCrypto.Open(Utf8("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"), "14b16c03dc1b", "certificate", P13));
        using var certificate = X509Certificate2.CreateFromPem(pem);
        Assert.Equal("5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC", certificate.SerialNumber);
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static RSA PublicKey(string base64)
    {
        var key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(base64), out _);
        return key;
    }
}
