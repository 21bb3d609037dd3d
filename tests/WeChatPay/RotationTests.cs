using Campaigns.Tests.WeChatPayStandIn;

namespace Campaigns.Tests.WeChatPay;

/// <summary>The gateway changes its keys while money moves.</summary>
public sealed class RotationTests
{
    [Fact]
    public async Task From_one_certificate_to_the_next()
    {
        await using var shop = await WeChatShop.Open(certificates: true, publicKey: false);
        await Pay(shop);
        shop.Gateway.Keys.SignedWith = SignedWith.CertificateB;
        await Pay(shop);
        Assert.Equal([shop.Gateway.Keys.CertificateA.Serial, shop.Gateway.Keys.CertificateB.Serial], shop.Gateway.SeenOf(PayCall.Prepay).Select(s => s.AnsweredWith!));
    }

    [Fact]
    public async Task From_certificates_to_the_public_key_with_everything_mixed_in_between()
    {
        await using var shop = await WeChatShop.Open(certificates: true);
        foreach (var mode in (SignedWith[])[SignedWith.CertificateA, SignedWith.AsAsked, SignedWith.Mixed, SignedWith.CertificateB, SignedWith.Mixed, SignedWith.PublicKey])
        {
            shop.Gateway.Keys.SignedWith = mode;
            for (var i = 0; i < 3; i++) await Pay(shop);
        }

        Assert.Equal(3, shop.Gateway.Seen.Where(s => s.AnsweredWith is not null).Select(s => s.AnsweredWith).Distinct().Count());
    }

    [Fact]
    public async Task A_sheet_and_its_money_on_two_sides_of_a_change()
    {
        await using var shop = await WeChatShop.Open(certificates: true);
        shop.Gateway.Keys.SignedWith = SignedWith.CertificateA;
        var purchase = await shop.Buy();
        shop.Gateway.Keys.SignedWith = SignedWith.CertificateB;
        var delivery = shop.Gateway.Notifier.Deliver(shop.Gateway.Notifier.Paid(purchase.Payment));
        while (!delivery.IsDone)
        {
            await delivery.Send();
            if (delivery.NextAt is { } next) await shop.Live.Pass(next - shop.Clock.GetUtcNow() + TimeSpan.FromSeconds(1));
        }

        Assert.Equal("Paid", await shop.StateOf(purchase));
        Assert.Empty(shop.Gateway.Violations);
    }

    [Fact]
    public async Task A_merchant_with_the_public_key_alone_does_not_believe_a_certificate()
    {
        await using var shop = await WeChatShop.Open();
        var purchase = await shop.Buy();
        shop.Gateway.Keys.SignedWith = SignedWith.CertificateA;
        Assert.Equal(401, await shop.Tell(purchase));
        Assert.Equal("Pending", await shop.StateOf(purchase));
        Assert.Empty(shop.Gateway.SeenOf(PayCall.Certificates));
        shop.Gateway.Keys.SignedWith = SignedWith.PublicKey;
        Assert.Equal(204, await shop.Tell(purchase));
        Assert.Equal("Paid", await shop.StateOf(purchase));
        Assert.Empty(shop.Gateway.Violations);
    }

    private static async Task Pay(WeChatShop shop)
    {
        var purchase = await shop.Buy();
        Assert.Equal(204, await shop.Tell(purchase));
        Assert.Equal("Paid", await shop.StateOf(purchase));
        Assert.Equal((WeChatShop.Price, 0), (shop.Gateway.PaidFen(purchase.Payment), shop.Gateway.RefundedFen(purchase.Payment)));
        Assert.Empty(shop.Gateway.Violations);
    }
}
