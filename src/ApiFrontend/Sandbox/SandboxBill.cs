using System.Globalization;
using Campaigns.ApiFrontend.Payments;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;

namespace Campaigns.ApiFrontend.Sandbox;

/// <summary>The sandbox's bills: what its payments did, by day in Beijing. Made from the journal like every list.</summary>
internal sealed class SandboxBill : IProjection
{
    public const string Lines = "sandbox-bill";

    private const string Shops = "sandbox-bill-shops";

    public bool Reads(string kind) => kind == SandboxPayments.Kind;

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var payment = PaymentId.Of(fact.Grain.Key);
        switch (fact.Event)
        {
            case Announced e:
                documents.Put(ShopId.Installation, Shops, payment.ToString(), "", fact.At, new Owner(e.Shop));
                break;

            // Money that was told several times came once.
            case CallbackPlanned { Forge: false } e:
                Put(documents, payment.ToString(), new(BillLineKind.Payment, payment.ToString(), SandboxPayments.TransactionOf(payment), null, e.Amount.Fen, null, e.PaidAt, ShopOf(payment, documents)));
                break;
            case RefundedAtSandbox e:
                Put(documents, e.RefundId, new(BillLineKind.Refund, payment.ToString(), SandboxPayments.TransactionOf(payment), e.RefundId, e.Amount.Fen, RefundStatus.Succeeded, fact.At, ShopOf(payment, documents)));
                break;
        }
    }

    public static string KeyOf(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static void Put(IDocuments documents, string key, GatewayBillLine line) => documents.Put(ShopId.Installation, Lines, key, KeyOf(BeijingTime.DayOf(line.At)), line.At, line);

    private static ShopId? ShopOf(PaymentId payment, IDocuments documents) => documents.Find<Owner>(ShopId.Installation, Shops, payment.ToString())?.Shop;

    private sealed record Owner(ShopId Shop);
}
