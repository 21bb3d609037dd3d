using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;

namespace Campaigns.Grains.Payment;

/// <summary>Why a refund does not arrive, in the gateway's word.</summary>
public sealed record RefundProblem(string Problem);

/// <summary>What the gateway said about refunds that failed, to be shown beside the money in limbo, and money of a wrong amount.</summary>
public sealed class PaymentViews : IProjection
{
    public const string Problems = "refund-problems";

    public bool Reads(string kind) => kind == "payment";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        if (fact.Event is PaymentAmountDiffers stray)
            OrderViews.PutLimbo(documents, fact.Grain.Shop, $"stray-{fact.Grain.Key:N}", isOpen: true, new(stray.Order, null, stray.Amount.Fen, LimboState.Held, OrderRules.WrongAmount, fact.At, PaymentId.Of(fact.Grain.Key)));
        if (fact.Event is RefundProgressed { Problem: { } problem } e) documents.Put(fact.Grain.Shop, Problems, e.Refund, "", fact.At, new RefundProblem(problem));
    }
}
