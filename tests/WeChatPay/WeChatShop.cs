using System.Security.Cryptography;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;
using Campaigns.Tests.WeChatPayStandIn;
using Microsoft.Extensions.DependencyInjection;
using Gateway = Campaigns.Tests.WeChatPayStandIn.PayServer;

namespace Campaigns.Tests.WeChatPay;

/// <summary>An order on its way to be paid; the payment's id is the gateway's out_trade_no.</summary>
internal sealed record Purchase(LiveShopper Shopper, string Order, string Payment);

/// <summary>One shop for a class of tests: to open it takes longer than most of them.</summary>
public sealed class OpenWeChatShop : IAsyncLifetime
{
    internal WeChatShop Shop { get; private set; } = null!;

    public async Task InitializeAsync() => Shop = await WeChatShop.Open();

    public async Task DisposeAsync() => await Shop.DisposeAsync();
}

/// <summary>The real product with the real adapter, in front of the stand-in of WeChat Pay.</summary>
internal sealed class WeChatShop : IAsyncDisposable
{
    public const long Price = 500;

    private const string Appid = "wxd678efh567hg6787";

    private static readonly RSA MerchantKey = RSA.Create(2048);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly DirectoryInfo secrets = Directory.CreateTempSubdirectory("campaigns-");

    private WeChatShop(Gateway gateway, SkewedClock clock) => (Gateway, Clock) = (gateway, clock);

    public Gateway Gateway { get; }

    public SkewedClock Clock { get; }

    public LiveShop Live { get; private set; } = null!;

    /// <summary>What the product was told of WeChat Pay, by the names of its settings.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; private set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <param name="certificates">the merchant downloads platform certificates</param>
    /// <param name="publicKey">the merchant has WeChat Pay's public key</param>
    /// <param name="seed">of the gateway's bad days</param>
    public static async Task<WeChatShop> Open(bool certificates = false, bool publicKey = true, int seed = 1)
    {
        var clock = new SkewedClock();
        var merchant = new Campaigns.Tests.WeChatPayStandIn.Merchant("1900007291", Appid, "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", MerchantKey.ExportSubjectPublicKeyInfoPem(), "0123456789abcdef0123456789ABCDEF");
        var shop = new WeChatShop(await Gateway.Start(merchant, clock, seed), clock);
        shop.Gateway.Ledger.OpenIds = [];
        shop.Gateway.Keys.SignedWith = publicKey ? SignedWith.PublicKey : SignedWith.CertificateA;
        shop.Settings = shop.Configure(certificates, publicKey);
        shop.Live = await LiveShop.Open(Patience, [.. shop.Settings.Select(s => $"--{s.Key}={s.Value}")]);
        clock.Other = shop.Live.Host.Services.GetRequiredService<TimeProvider>();
        return shop.AtEase();
    }

    /// <summary>A good day again, whatever the last test made of it.</summary>
    public WeChatShop AtEase()
    {
        Gateway.Faults.End();
        Gateway.Ledger.RefundsEndAtOnce = false;
        Gateway.Ledger.NotEnough = 0;
        Gateway.Transfers.NotEnough = 0;
        Gateway.Transfers.IsAddressAllowed = true;
        Gateway.Notifier.Resolve = address => new(Live.Host.Address, address.AbsolutePath);
        Clock.Skew = TimeSpan.Zero;
        return this;
    }

    /// <summary>What the merchant sees of money that is not where it belongs yet.</summary>
    public async Task<IReadOnlyList<string>> LimboOf(Purchase purchase) => [.. (await Live.Merchant.Limbo()).Where(l => l["order"]!.GetValue<string>() == purchase.Order).Select(l => l["reason"]!.GetValue<string>())];

    /// <summary>Somebody orders for five yuan and does not pay yet.</summary>
    public async Task<(LiveShopper Shopper, string Order)> Order()
    {
        var amei = await SignIn();
        var sku = await Live.Merchant.AddSku(Price);
        return (amei, (await amei.Post("/v1/orders", new { lines = new[] { new { sku, quantity = 1 } } })).Expect(201).Text("id"));
    }

    /// <summary>Somebody new whom the gateway knows too.</summary>
    public async Task<LiveShopper> SignIn()
    {
        var amei = await Live.SignIn();
        var payer = await Live.Host.Services.GetRequiredService<IGrains>().Ask(IdOf(amei).In(new("demo")), new GetPayer());
        lock (Gateway.Ledger.OpenIds!) Gateway.Ledger.OpenIds.Add(payer.Reply!.OpenId);
        return amei;
    }

    /// <summary>Somebody new whom money can be sent to.</summary>
    public async Task<ShopperId> Payee() => IdOf(await SignIn());

    /// <summary>Somebody orders and is shown the payment sheet, however long it takes.</summary>
    public async Task<Purchase> Begin()
    {
        var (amei, order) = await Order();
        return new(amei, order, await Show(amei, order));
    }

    /// <summary>The payment sheet of an order, as soon as there is one.</summary>
    /// <returns>the payment it is for, as the gateway knows it</returns>
    public async Task<string> Show(LiveShopper amei, string order)
    {
        for (var tries = 0; ; tries++)
        {
            var started = await amei.Post($"/v1/orders/{order}/payments");
            if (started.Status == 503 && tries < 20)
            {
                await Live.Pass(TimeSpan.FromSeconds(20));
                continue;
            }

            var sheet = started.Expect(201).Body["prepay"]!;
            var shown = Gateway.ShowSheet(Text("appId"), Text("timeStamp"), Text("nonceStr"), Text("package"), Text("signType"), Text("paySign"));
            Assert.Equal(started.Text("paymentId"), shown);
            return shown;

            string Text(string member) => sheet[member]!.GetValue<string>();
        }
    }

    /// <summary>Somebody orders and pays; nobody is told yet.</summary>
    public async Task<Purchase> Buy()
    {
        var purchase = await Begin();
        Gateway.Pay(purchase.Payment);
        return purchase;
    }

    /// <summary>Somebody's money comes when the order is gone already: it has to go back.</summary>
    public async Task<Purchase> BuyInVain()
    {
        var purchase = await Buy();
        (await purchase.Shopper.Post($"/v1/orders/{purchase.Order}/cancellations")).Expect(200);
        Assert.Equal(204, await Gateway.Notifier.Send(Gateway.Notifier.Paid(purchase.Payment)));
        await Live.Quiet();
        return purchase;
    }

    public Task<int> Tell(Purchase purchase) => Gateway.Notifier.Send(Gateway.Notifier.Paid(purchase.Payment));

    /// <summary>The product is asked to close a payment that nobody shall pay any more.</summary>
    public async Task Close(Purchase purchase)
    {
        var payment = PaymentId.Of(Guid.ParseExact(purchase.Payment, "N"));
        Assert.Null((await Live.Host.Services.GetRequiredService<IGrains>().Ask(payment.In(new("demo")), new ClosePayment())).Refusal);
        await Live.Quiet();
    }

    public async Task<string> StateOf(Purchase purchase)
    {
        await Live.Quiet();
        return (await (await purchase.Shopper.Again()).SeeOrder(purchase.Order)).Text("state");
    }

    /// <summary>The refunds of an order, by the state the shopper sees.</summary>
    public async Task<IReadOnlyList<string>> RefundsOf(Purchase purchase)
    {
        await Live.Quiet();
        return [.. (await (await purchase.Shopper.Again()).SeeOrder(purchase.Order)).Body["refunds"]!.AsArray().Select(r => r!["state"]!.GetValue<string>())];
    }

    /// <summary>Time passes in steps until something is so; at most 72.</summary>
    public async Task Until(Func<Task<bool>> condition, TimeSpan? step = null)
    {
        for (var i = 0; i < 72; i++)
        {
            if (await condition()) return;
            await Live.Pass(step ?? TimeSpan.FromMinutes(10));
        }

        Assert.Fail("It is not so after 72 steps.");
    }

    public async ValueTask DisposeAsync()
    {
        await Live.DisposeAsync();
        await Gateway.DisposeAsync();
        secrets.Delete(recursive: true);
    }

    private static ShopperId IdOf(LiveShopper shopper) => ShopperId.Of(Guid.ParseExact(shopper.Id, "N"));

    private Dictionary<string, string> Configure(bool certificates, bool publicKey)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["WeChat:AppId"] = Appid,
            ["WeChatPay:MchId"] = Gateway.Merchant.Mchid,
            ["WeChatPay:SerialNo"] = Gateway.Merchant.CertificateSerial,
            ["WeChatPay:PrivateKeyFile"] = Keep("private.pem", MerchantKey.ExportPkcs8PrivateKeyPem()),
            ["WeChatPay:ApiV3KeyFile"] = Keep("apiv3.key", Gateway.Merchant.ApiV3Key),
            ["WeChatPay:NotifyUrl"] = "https://shop.example/callbacks/wechat-pay",
            ["WeChatPay:BaseAddress"] = Gateway.Address.ToString(),
            ["WeChatPay:PlatformCertificates"] = certificates ? "true" : "false",
            ["WeChatPay:TransferSceneId"] = "1005",
        };
        if (!publicKey) return settings;
        settings["WeChatPay:PublicKeyId"] = Gateway.Keys.PublicKey.Serial;
        settings["WeChatPay:PublicKeyFile"] = Keep("public.pem", Gateway.Keys.PublicKey.Pem);
        return settings;
    }

    private string Keep(string name, string text)
    {
        var file = Path.Combine(secrets.FullName, name);
        File.WriteAllText(file, text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }
}
