using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Payment;

/// <summary>Why a refund does not arrive, in the gateway's word.</summary>
public sealed record RefundProblem(string Problem);

/// <summary>What the gateway said about refunds that failed, to be shown beside the money in limbo.</summary>
public sealed class PaymentViews : IProjection
{
    public const string Problems = "refund-problems";

    public bool Reads(string kind) => kind == "payment";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        if (fact.Event is RefundProgressed { Problem: { } problem } e) documents.Put(fact.Grain.Shop, Problems, e.Refund, "", fact.At, new RefundProblem(problem));
    }
}
