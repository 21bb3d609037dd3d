using System.Net.Http.Headers;
using System.Security.Cryptography;
using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend.Sandbox;

/// <summary>
/// The gateway of a developer's machine: takes payments without money and calls back over loopback HTTP, signed and encrypted like
/// WeChat Pay v3.
/// </summary>
internal sealed class SandboxGateway(IGrains grains, SandboxKeys keys, Projector projector, DocumentStore documents, TimeProvider clock) : IPaymentGateway
{
    private int faults;
    private int prepayFaults;

    /// <summary>The next refund calls fail, all payments together.</summary>
    public void FailRefunds(int failures) => Volatile.Write(ref faults, failures);

    /// <summary>The next prepay calls fail: the gateway is down.</summary>
    public void FailPrepays(int failures) => Volatile.Write(ref prepayFaults, failures);

    public async Task<Outcome<Prepaid>> Prepay(ShopId shop, Prepay prepay, CancellationToken cancellation)
    {
        if (IsFault(ref prepayFaults)) throw new HttpRequestException("The sandbox was told to fail this prepay.");

        // The openid stays with the shopper's grain; it is looked up for the call and written down nowhere else.
        var payer = await grains.Ask(prepay.Payer.In(shop), new GetPayer(), cancellation);
        return new(Reply(await grains.Ask(SandboxPayments.Of(prepay.Payment), new Announce(shop, prepay.Amount, Reply(payer).OpenId), cancellation)), null);
    }

    public async Task<Outcome<ClosedAtGateway>> Close(ShopId shop, CloseAtGateway close, CancellationToken cancellation)
    {
        var closed = await grains.Ask(SandboxPayments.Of(close.Payment), new CloseAtSandbox(), cancellation);

        // What was never announced cannot be paid: there is nothing to close.
        return new(closed.Refusal?.Kind == RefusalKind.Missing ? new ClosedAtGateway() : Reply(closed), null);
    }

    public async Task<RefundedAtGateway> Refund(ShopId shop, RefundAtGateway refund, CancellationToken cancellation)
    {
        if (IsFault(ref faults)) throw new HttpRequestException("The sandbox was told to fail this refund.");

        return Reply(await grains.Ask(SandboxPayments.Of(refund.Payment), new RefundAtSandbox(refund.RefundId, refund.Amount), cancellation));
    }

    public async Task<TransferredAtGateway> Transfer(ShopId shop, TransferAtGateway transfer, CancellationToken cancellation) =>
        Reply(await grains.Ask(SandboxTransfers.Of(transfer.Withdrawal), new TransferAtSandbox(shop, transfer.Amount), cancellation));

    public async Task<GatewayBill> Bill(DateOnly day, CancellationToken cancellation)
    {
        if (clock.GetUtcNow() < BeijingTime.BillReady(day)) return GatewayBill.NotReady;
        await projector.WhenCaughtUp(cancellation);
        var lines = new List<GatewayBillLine>();
        for (string? cursor = null; ;)
        {
            var page = documents.List<GatewayBillLine>(ShopId.Installation, SandboxBill.Lines, SandboxBill.KeyOf(day), cursor, DocumentStore.PageMax);
            lines.AddRange(page.Items);
            if ((cursor = page.NextCursor) is null) break;
        }

        lines.Reverse(); // bills begin with the oldest
        return lines.Count == 0 ? GatewayBill.NoMovements : new(BillState.Complete, lines);
    }

    public PaymentSheetView Sheet(string prepayId)
    {
        var sheet = WeChatPaySignatures.SignPayment(SandboxKeys.App.Appid, prepayId, keys.Merchant, WeChatPaySignatures.NewNonce(), clock.GetUtcNow());
        return new(SandboxKeys.App.Appid, sheet.TimeStamp, sheet.NonceStr, sheet.Package, sheet.SignType, sheet.PaySign);
    }

    private static bool IsFault(ref int left)
    {
        for (var seen = Volatile.Read(ref left); seen > 0; seen = Volatile.Read(ref left))
            if (Interlocked.CompareExchange(ref left, seen - 1, seen) == seen) return true;
        return false;
    }

    private static TReply Reply<TReply>(Outcome<TReply> outcome) => outcome.Refusal is { } refusal ? throw new HttpRequestException($"The sandbox answered {refusal.Code}.") : outcome.Reply!;
}

/// <summary>The sandbox's credentials: a mini program, a merchant and WeChat Pay's own key. Made once per data folder.</summary>
internal sealed class SandboxKeys
{
    public const string Mchid = "1900000001";

    public static readonly WeChatApp App = new("wxcampaignsdemo", "campaigns-demo-secret");

    private const string MerchantFile = "sandbox-merchant.pem";
    private const string PlatformFile = "sandbox-platform.pem";
    private const string PlatformSerial = "5157F09EFDC096DE15EBE81A47057A72AAAAAAAA";
    private static readonly ApiV3Key ApiV3Key = new("campaigns-sandbox-apiv3-key-0001");

    public SandboxKeys(string folder)
    {
        Merchant = Load(Path.Combine(folder, MerchantFile));
        Platform = Load(Path.Combine(folder, PlatformFile));
        Forger = RSA.Create(2048);
        Merchants = new(Mchid, App.Appid, ApiV3Key, new Dictionary<string, RSA>(StringComparer.Ordinal) { [PlatformSerial] = Platform });
    }

    /// <summary>True if a sandbox has taken payments here.</summary>
    public static bool AreIn(string folder) => File.Exists(Path.Combine(folder, MerchantFile)) || File.Exists(Path.Combine(folder, PlatformFile));

    public RSA Merchant { get; }

    /// <summary>What a callback is opened with.</summary>
    public WeChatPayKeys Merchants { get; }

    private RSA Platform { get; }

    /// <summary>Somebody else's key, for forged callbacks.</summary>
    private RSA Forger { get; }

    public ComposedNotification Compose(string id, WeChatPayTransaction transaction, bool forge, DateTimeOffset now) =>
        WeChatPayNotification.Compose(id, transaction, ApiV3Key, Signer(forge), now);

    public ComposedNotification Compose(string id, WeChatPayTransfer transfer, bool forge, DateTimeOffset now) => WeChatPayNotification.Compose(id, transfer, ApiV3Key, Signer(forge), now);

    private SigningKey Signer(bool forge) => new(PlatformSerial, forge ? Forger : Platform);

    private static RSA Load(string file)
    {
        var key = RSA.Create(2048);
        if (File.Exists(file)) key.ImportFromPem(File.ReadAllText(file));
        else SecretFiles.Write(file, key.ExportPkcs8PrivateKeyPem());
        return key;
    }
}

/// <summary>Posts the sandbox's callbacks to the product's own address.</summary>
internal sealed class CallbackPoster(IHttpClientFactory http, SandboxKeys keys, Func<Uri> self, TimeProvider clock) : IReceiver
{
    public string Kind => SandboxPayments.CallbackKind;

    public async Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation)
    {
        var (path, forge, notification) = command switch
        {
            PostCallback post => (PaymentCallbacks.Path, post.Forge, keys.Compose(Guid.NewGuid().ToString(), About(post), post.Forge, clock.GetUtcNow())),
            PostTransferCallback post => ($"{PaymentCallbacks.Path}/{post.Shop}", post.Forge, keys.Compose(Guid.NewGuid().ToString(), About(post), post.Forge, clock.GetUtcNow())),
            _ => throw new InvalidOperationException($"The poster takes no {command.GetType().Name}."),
        };

        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(self(), path)) { Content = new ByteArrayContent(notification.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        notification.Headers.CopyTo(request.Headers);
        using var client = http.CreateClient(nameof(CallbackPoster));
        using var response = await client.SendAsync(request, cancellation);
        if ((int)response.StatusCode >= 500) throw new HttpRequestException($"The callback was answered {(int)response.StatusCode}.");

        // The clock was moved while it was on its way and made its timestamp stale: sent again like the real gateway would, or the money is lost.
        if (!forge && response.StatusCode == System.Net.HttpStatusCode.Unauthorized) throw new HttpRequestException("The callback was refused as not genuine.");

        // The real gateway repeats any refused callback for a day; here one refusal is enough to see it in the log.
        return new(Done.Instance, null);
    }

    private static WeChatPayTransaction About(PostCallback post) => new(
        SandboxKeys.Mchid, SandboxKeys.App.Appid, post.Payment.ToString(), SandboxPayments.TransactionOf(post.Payment), WeChatPayTransaction.Success, post.PaidAt, new(post.Amount.Fen, post.Amount.Fen), new(post.OpenId), post.Shop.Value);

    private static WeChatPayTransfer About(PostTransferCallback post) =>
        new(post.Withdrawal.ToString(), post.Problem is null ? "SUCCESS" : "FAIL", post.Amount.Fen, post.Problem, MerchantId: SandboxKeys.Mchid);
}
