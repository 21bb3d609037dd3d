using Campaigns.Grains.Binding;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Distributor;

/// <summary>A distributor, or somebody who is to become one, as the merchant's lists show them.</summary>
/// <param name="Since">when they joined; before that, when they applied or were invited</param>
public sealed record DistributorListItem(
    ShopperId ShopperId,
    string Code,
    DistributorStanding Standing,
    DateTimeOffset Since,
    DateTimeOffset? JoinedAt = null,
    ShopperId? Upline = null,
    string? Tier = null,
    string? Reason = null,
    int Complaints = 0,
    int SuspectBindings = 0,
    long GivenFen = 0,
    long TakenBackFen = 0)
{
    /// <summary>1 without a promoter of their own, else 2.</summary>
    public int Level => Upline is null ? 1 : 2;

    public int Trust => DistributorRules.TrustOf(Complaints, GivenFen, TakenBackFen, SuspectBindings);
}

/// <summary>Somebody in a distributor's team: a customer who is bound to them, or a distributor who joined under them. Who is both is there twice.</summary>
/// <param name="Since">when they were bound, or joined</param>
/// <param name="Until">when the binding ends; null for a distributor</param>
public sealed record TeamMember(ShopperId ShopperId, bool IsDistributor, DateTimeOffset Since, DateTimeOffset? Until = null, string? Channel = null, bool IsSuspect = false);

/// <summary>Who promotes a shopper, at <see cref="DistributorViews.Promoters"/> under the shopper's id. Over when <paramref name="Until"/> has come.</summary>
public sealed record PromoterOf(ShopperId Promoter, DateTimeOffset Since, DateTimeOffset Until, string? Channel, bool IsSuspect);

/// <summary>The distributors of a shop, the team of each, and who promotes a shopper.</summary>
public sealed class DistributorViews : IProjection
{
    /// <summary>Listed by <see cref="All"/>.</summary>
    public const string OfShop = "distributors";

    /// <summary>Listed by the name of a standing.</summary>
    public const string ByStanding = "distributors-by-standing";

    /// <summary>Listed by the distributor whose team it is.</summary>
    public const string Team = "team-members";

    /// <summary>Found by the shopper.</summary>
    public const string Promoters = "promoters";

    public const string All = "all";

    private const string InNoTeam = "";

    public bool Reads(string kind) => kind is DistributorAddress.Kind or BindingAddress.Kind;

    public void Apply(in Recorded fact, IDocuments documents)
    {
        switch (fact.Event)
        {
            case DistributorApplied e:
                Put(documents, fact, Listed(documents, fact, DistributorStanding.Applied, e.At) with { Reason = e.Reason });
                break;
            case ApplicationDeclined e:
                Change(documents, fact, d => d with { Standing = DistributorStanding.Declined, Reason = e.Reason });
                break;
            case ApplicationApproved e:
                Change(documents, fact, d => d with { Reason = e.Reason });
                break;
            case DistributorInvited e:
                Put(documents, fact, Listed(documents, fact, DistributorStanding.Invited, e.At) with { Reason = null });
                break;
            case DistributorJoined e:
                Put(documents, fact, Listed(documents, fact, DistributorStanding.Active, e.At) with { JoinedAt = e.At });
                break;
            case DistributorPlaced { Upline: { } upline }:
                Change(documents, fact, d => d with { Upline = upline });
                if (Find(documents, fact) is { } placed) documents.Put(fact.Grain.Shop, Team, $"{placed.ShopperId}/distributor", upline.ToString(), placed.Since, new TeamMember(placed.ShopperId, IsDistributor: true, placed.Since));
                break;
            case StandingSet e:
                Change(documents, fact, d => d with { Standing = e.Standing, Reason = e.Reason });
                break;
            case TierSet e:
                Change(documents, fact, d => d with { Tier = e.Tier });
                break;
            case ComplaintNoted:
                Change(documents, fact, d => d with { Complaints = d.Complaints + 1 });
                break;
            case EarningsNoted e:
                Change(documents, fact, d => d with { GivenFen = e.GivenFen, TakenBackFen = e.TakenBackFen });
                break;
            case CustomerSuspected:
                Change(documents, fact, d => d with { SuspectBindings = d.SuspectBindings + 1 });
                break;
            case PromoterBound e:
                Bind(documents, fact, new(e.Promoter, e.At, e.Until, e.Channel, e.IsSuspect), e.Promoter.ToString());
                break;
            case BindingRenewed e when Bound(documents, fact) is { } bound:
                Bind(documents, fact, bound with { Until = e.Until }, bound.Promoter.ToString());
                break;
            case BindingEnded e when Bound(documents, fact) is { } bound:
                Bind(documents, fact, bound with { Until = e.At < bound.Until ? e.At : bound.Until }, InNoTeam);
                break;
        }
    }

    private static DistributorListItem Listed(IDocuments documents, in Recorded fact, DistributorStanding standing, DateTimeOffset since)
    {
        var self = ShopperId.Of(fact.Grain.Key);
        return (Find(documents, fact) ?? new(self, PromotionCode.Of(self), standing, since)) with { Standing = standing, Since = since };
    }

    private static DistributorListItem? Find(IDocuments documents, in Recorded fact) => documents.Find<DistributorListItem>(fact.Grain.Shop, OfShop, Key(fact));

    private static void Change(IDocuments documents, in Recorded fact, Func<DistributorListItem, DistributorListItem> change)
    {
        if (Find(documents, fact) is { } item) Put(documents, fact, change(item));
    }

    private static void Put(IDocuments documents, in Recorded fact, DistributorListItem item)
    {
        documents.Put(fact.Grain.Shop, OfShop, Key(fact), All, item.Since, item);
        documents.Put(fact.Grain.Shop, ByStanding, Key(fact), item.Standing.ToString(), item.Since, item);
    }

    private static PromoterOf? Bound(IDocuments documents, in Recorded fact) => documents.Find<PromoterOf>(fact.Grain.Shop, Promoters, Key(fact));

    private static void Bind(IDocuments documents, in Recorded fact, PromoterOf bound, string team)
    {
        documents.Put(fact.Grain.Shop, Promoters, Key(fact), "", bound.Since, bound);
        documents.Put(fact.Grain.Shop, Team, $"{Key(fact)}/customer", team, bound.Since, new TeamMember(ShopperId.Of(fact.Grain.Key), IsDistributor: false, bound.Since, bound.Until, bound.Channel, bound.IsSuspect));
    }

    private static string Key(in Recorded fact) => fact.Grain.Key.ToString("N");
}
