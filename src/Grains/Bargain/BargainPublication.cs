using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Bargain;

/// <summary>What must hold before a bargain campaign may be published.</summary>
internal static class BargainPublication
{
    public static IEnumerable<Finding> Check(BargainTerms terms, CampaignPlan plan, PublicationFacts facts) => [];
}
