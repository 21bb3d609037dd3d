using System.Reflection;
using System.Text.Json.Serialization;

namespace Campaigns.Grains.Campaign;

/// <summary>The kinds of campaign by name, read from the registration on <see cref="CampaignTerms"/>.</summary>
public static class CampaignKinds
{
    public static IReadOnlyDictionary<string, Type> TermsOf { get; } =
        typeof(CampaignTerms).GetCustomAttributes<JsonDerivedTypeAttribute>().ToDictionary(a => (string)a.TypeDiscriminator!, a => a.DerivedType, StringComparer.Ordinal);
}
