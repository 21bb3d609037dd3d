using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Campaign;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record CampaignEvent;

[Stored("campaign-drafted")]
internal sealed record CampaignDrafted(CampaignPlan Plan, DateTimeOffset At) : CampaignEvent;

/// <summary>Nothing speaks against it; the stock is asked for the quota.</summary>
[Stored("campaign-publication-requested")]
internal sealed record CampaignPublicationRequested(PublicationFacts Facts, IReadOnlyList<Finding> Findings, DateTimeOffset At) : CampaignEvent;

/// <summary>The stock had not enough after all: it is a draft again.</summary>
[Stored("campaign-publication-refused")]
internal sealed record CampaignPublicationRefused(IReadOnlyList<Finding> Findings, DateTimeOffset At) : CampaignEvent;

/// <param name="State"><c>Scheduled</c>, or <c>Running</c> if the start has come</param>
[Stored("campaign-published")]
internal sealed record CampaignPublished(int Revision, PublicationFacts Facts, IReadOnlyList<Finding> Findings, CampaignStatus State, DateTimeOffset At) : CampaignEvent;

[Stored("campaign-opened")]
internal sealed record CampaignOpened(DateTimeOffset At) : CampaignEvent;

[Stored("campaign-paused")]
internal sealed record CampaignPausedByMerchant(string Reason, DateTimeOffset At) : CampaignEvent;

[Stored("campaign-resumed")]
internal sealed record CampaignResumed(string Reason, DateTimeOffset At) : CampaignEvent;

[Stored("campaign-killed")]
internal sealed record CampaignKilledByMerchant(string Reason, DateTimeOffset At) : CampaignEvent;

[Stored("campaign-ended")]
internal sealed record CampaignEnded(DateTimeOffset At) : CampaignEvent;

/// <summary>It is over and nobody takes part any more: what is left of the quota goes back to the stock.</summary>
[Stored("campaign-emptied")]
internal sealed record CampaignEmptied : CampaignEvent;

[Stored("campaign-settled")]
internal sealed record CampaignSettled(DateTimeOffset At) : CampaignEvent;

/// <param name="Asked">the total that the stock is asked for</param>
/// <param name="Total">the total that holds until it answers: a smaller one holds at once, a larger one must be there first</param>
[Stored("campaign-quota-change-requested")]
internal sealed record QuotaChangeRequested(Guid Request, int Asked, int Total, DateTimeOffset At) : CampaignEvent;

[Stored("campaign-quota-changed")]
internal sealed record QuotaChanged(int Total, DateTimeOffset At) : CampaignEvent;

[Stored("campaign-quota-change-refused")]
internal sealed record QuotaChangeRefused(Guid Request, Refusal Why, DateTimeOffset At) : CampaignEvent;

[Stored("participation-admitted")]
internal sealed record ParticipationAdmitted(Guid Participation, ShopperId Owner, bool TakesPlace, DateTimeOffset At, DateTimeOffset AskedAt = default) : CampaignEvent;

/// <summary>A refusal that another time would have granted: a copy of the message may come at such a time.</summary>
[Stored("admission-refused")]
internal sealed record AdmissionRefused(Guid Participation, DateTimeOffset AskedAt, Refusal Why) : CampaignEvent;

[Stored("participation-started")]
internal sealed record ParticipationStarted(Guid Participation) : CampaignEvent;

[Stored("place-claimed")]
internal sealed record ParticipationPlaceClaimed(Guid Participation) : CampaignEvent;

/// <param name="Admits">the participation is new</param>
[Stored("units-claimed")]
internal sealed record UnitsClaimed(Guid Order, Guid Participation, ShopperId Owner, int Units, bool Admits, DateTimeOffset At, DateTimeOffset AskedAt = default) : CampaignEvent;

/// <inheritdoc cref="AdmissionRefused"/>
[Stored("claim-refused")]
internal sealed record ClaimRefused(Guid Order, Guid Participation, DateTimeOffset AskedAt, Refusal Why) : CampaignEvent;

[Stored("units-returned")]
internal sealed record UnitsReturned(Guid Order, int Units) : CampaignEvent;

/// <param name="SellsPlace">its place is used up</param>
/// <param name="FreesPlace">its place is free again</param>
/// <param name="Sold">the orders whose units are sold</param>
[Stored("participation-closed")]
internal sealed record ParticipationClosed(Guid Participation, bool SellsPlace, bool FreesPlace, DateTimeOffset At, IReadOnlyList<Guid>? Sold = null) : CampaignEvent;

/// <summary>A participation has heard that the campaign was paused, resumed or killed.</summary>
[Stored("participation-told")]
internal sealed record ParticipationTold(string What, Guid Participation) : CampaignEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CampaignState))]
[JsonSerializable(typeof(CampaignDrafted))]
[JsonSerializable(typeof(CampaignPublicationRequested))]
[JsonSerializable(typeof(CampaignPublicationRefused))]
[JsonSerializable(typeof(CampaignPublished))]
[JsonSerializable(typeof(CampaignOpened))]
[JsonSerializable(typeof(CampaignPausedByMerchant))]
[JsonSerializable(typeof(CampaignResumed))]
[JsonSerializable(typeof(CampaignKilledByMerchant))]
[JsonSerializable(typeof(CampaignEnded))]
[JsonSerializable(typeof(CampaignEmptied))]
[JsonSerializable(typeof(CampaignSettled))]
[JsonSerializable(typeof(QuotaChangeRequested))]
[JsonSerializable(typeof(QuotaChanged))]
[JsonSerializable(typeof(QuotaChangeRefused))]
[JsonSerializable(typeof(ParticipationAdmitted))]
[JsonSerializable(typeof(AdmissionRefused))]
[JsonSerializable(typeof(ClaimRefused))]
[JsonSerializable(typeof(ParticipationStarted))]
[JsonSerializable(typeof(ParticipationPlaceClaimed))]
[JsonSerializable(typeof(UnitsClaimed))]
[JsonSerializable(typeof(UnitsReturned))]
[JsonSerializable(typeof(ParticipationClosed))]
[JsonSerializable(typeof(ParticipationTold))]
internal sealed partial class CampaignJson : JsonSerializerContext;
