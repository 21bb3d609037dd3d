using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.Grains.Payment;

/// <summary>Why a refund does not arrive, in the gateway's word.</summary>
public sealed record RefundProblem(string Problem);

/// <summary>What a payment asks for, until its order has the money.</summary>
internal sealed record AskedPayment(OrderId Order, long AmountFen);

/// <summary>
/// Money in limbo that payments know of: confirmed and not taken by its order yet, not closed by the gateway yet, of a wrong amount; and what
/// the gateway said about refunds that failed.
/// </summary>
public sealed class PaymentViews : IProjection
{
    public const string Problems = "refund-problems";
    public const string Asked = "payments-asked";

    public bool Reads(string kind) => kind == "payment";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var (shop, id) = (fact.Grain.Shop, PaymentId.Of(fact.Grain.Key));
        switch (fact.Event)
        {
            case PaymentOpened e:
                documents.Put(shop, Asked, id.ToString(), "", fact.At, new AskedPayment(e.Order, e.Amount.Fen));
                break;
            case CloseAsked:
                Await(fact, documents, LimboState.Closing, PaymentRules.NotClosed);
                break;
            case PaymentClosed:
                OrderViews.DropLimbo(documents, shop, OrderViews.Awaited(id));
                break;
            case PaymentConfirmed:
                Await(fact, documents, LimboState.Captured, PaymentRules.NotTaken);
                break;
            case OrderTold { What: PaymentRules.TellOrder }:
                OrderViews.DropLimbo(documents, shop, OrderViews.Awaited(id));
                documents.Drop(shop, Asked, id.ToString());
                break;
            case PaymentAmountDiffers e:
                OrderViews.PutLimbo(documents, shop, Stray(id), isOpen: true, new(e.Order, null, e.Amount.Fen, LimboState.Held, OrderRules.WrongAmount, fact.At, id));
                break;
            case StraySettled when documents.Find<LimboItem>(shop, OrderViews.Limbo, Stray(id)) is { } stray:
                OrderViews.PutLimbo(documents, shop, Stray(id), isOpen: false, stray);
                break;
            case RefundProgressed { Problem: { } problem } e:
                documents.Put(shop, Problems, e.Refund, "", fact.At, new RefundProblem(problem));
                break;
        }
    }

    private static string Stray(PaymentId payment) => $"stray-{payment}";

    private static void Await(in Recorded fact, IDocuments documents, LimboState state, string reason)
    {
        var (shop, id) = (fact.Grain.Shop, PaymentId.Of(fact.Grain.Key));
        if (documents.Find<AskedPayment>(shop, Asked, id.ToString()) is { } asked)
            OrderViews.PutLimbo(documents, shop, OrderViews.Awaited(id), isOpen: true, new(asked.Order, null, asked.AmountFen, state, reason, fact.At, id));
    }
}
