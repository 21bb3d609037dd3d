using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Withdrawal;

/// <summary>A withdrawal that is not open yet.</summary>
internal sealed record AskedWithdrawal(ShopperId Owner, long AmountFen, DateTimeOffset At);

/// <summary>Lists of withdrawals: a shopper's, a shop's, those in one state, and those that were paid by when they were.</summary>
public sealed class WithdrawalViews : IProjection
{
    public const string ByOwner = "withdrawals-by-owner";
    public const string OfShop = "withdrawals-of-shop";
    public const string ByState = "withdrawals-by-state";

    /// <summary>Sorted by the moment they were paid at.</summary>
    public const string Paid = "withdrawals-paid";

    public const string All = "all";

    /// <summary>Why it is in limbo.</summary>
    public const string NotTransferred = "approved, not yet transferred";

    private const string Asked = "withdrawals-asked";

    public bool Reads(string kind) => kind == "withdrawal";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var (shop, id, at) = (fact.Grain.Shop, WithdrawalId.Of(fact.Grain.Key), fact.At);
        switch (fact.Event)
        {
            case WithdrawalAsked e:
                documents.Put(shop, Asked, id.ToString(), "", at, new AskedWithdrawal(e.Owner, e.Amount.Fen, e.At));
                break;
            case WithdrawalOpened e when documents.Find<AskedWithdrawal>(shop, Asked, id.ToString()) is { } asked:
                Put(documents, shop, new(id, asked.Owner, WithdrawalStatus.Reviewing, asked.AmountFen, e.Fee.Fen, asked.At, null, null, null, null, null));
                break;
            case WithdrawalApproved e when Change(documents, fact, w => w with { State = WithdrawalStatus.Approved, Reason = e.Reason, DecidedAt = e.At }) is { } approved:
                OrderViews.PutLimbo(documents, shop, Limbo(id), isOpen: true, new(null, null, approved.AmountFen - approved.FeeFen, LimboState.Transferring, NotTransferred, e.At, Withdrawal: id));
                break;
            case WithdrawalRejected e:
                Change(documents, fact, w => w with { State = WithdrawalStatus.Rejected, Reason = e.Reason, DecidedAt = e.At, EndedAt = e.At });
                break;
            case TransferProgressed e:
                Change(documents, fact, w => w with { State = WithdrawalStatus.Transferring, Problem = e.Problem });
                break;
            case TransferFailed e:
                Change(documents, fact, w => w with { State = WithdrawalStatus.Failed, Problem = e.Problem, EndedAt = e.At });
                OrderViews.DropLimbo(documents, shop, Limbo(id));
                break;
            case TransferSucceeded e when Change(documents, fact, w => w with { State = WithdrawalStatus.Paid, Problem = null, EndedAt = e.At }) is { } paid:
                documents.Put(shop, Paid, id.ToString(), All, e.At, paid);
                OrderViews.DropLimbo(documents, shop, Limbo(id));
                break;
        }
    }

    private static string Limbo(WithdrawalId withdrawal) => $"transfer-{withdrawal}";

    private static WithdrawalView? Change(IDocuments documents, in Recorded fact, Func<WithdrawalView, WithdrawalView> change) =>
        documents.Find<WithdrawalView>(fact.Grain.Shop, OfShop, WithdrawalId.Of(fact.Grain.Key).ToString()) is { } withdrawal ? Put(documents, fact.Grain.Shop, change(withdrawal)) : null;

    private static WithdrawalView Put(IDocuments documents, ShopId shop, WithdrawalView withdrawal)
    {
        var key = withdrawal.Id.ToString();
        documents.Put(shop, ByOwner, key, withdrawal.ShopperId.ToString(), withdrawal.AskedAt, withdrawal);
        documents.Put(shop, OfShop, key, All, withdrawal.AskedAt, withdrawal);
        documents.Put(shop, ByState, key, withdrawal.State.ToString(), withdrawal.AskedAt, withdrawal);
        return withdrawal;
    }
}
