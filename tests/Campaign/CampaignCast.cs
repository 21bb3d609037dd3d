using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Bargain;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Campaign;

/// <summary>What the stories about campaigns are about.</summary>
internal static class CampaignCast
{
    public static readonly DateTimeOffset Start = Story<CampaignState, CampaignEvent>.Start;
    public static readonly DateTimeOffset End = Start.AddDays(7);
    public static readonly BargainTerms Terms = BargainCast.Terms with { Quota = 3 };
    public static readonly BargainTerms AtSuccess = Terms with { Reservation = ReservationPolicy.AtSuccess };
    public static readonly PublicationFacts Facts = new("手冲咖啡壶", new Money(9_900), 100, Channel.MiniProgram);

    public static CampaignPlan Plan(BargainTerms? terms = null) => new("双十一砍价", Start, End, BargainCast.Sku, terms ?? Terms);

    public static Guid Id(int number) => new(number, 0, 0x7000, 0x80, 2, 0, 0, 0, 0, 0, 0);

    public static PublishCampaign Publish(int request = 1, PublicationFacts? facts = null) => new(Id(9_000 + request), facts ?? Facts);

    public static PauseCampaign Pause(int request = 1) => new(Id(9_100 + request), "why");

    public static ResumeCampaign Resume(int request = 1) => new(Id(9_200 + request), "why");

    public static KillCampaign Kill(int request = 1) => new(Id(9_300 + request), "why");

    public static ChangeQuota Change(int delta, int request = 1) => new(Id(9_400 + request), delta);

    public static Admit Admit(int participation) => new(Id(participation), BargainCast.Somebody(participation));

    public static ClaimPlace Claim(int participation) => new(Id(participation));

    public static CloseParticipation Close(int participation, bool used = false) => new(Id(participation), used);

    public static Story<CampaignState, CampaignEvent> Story() => new(new CampaignGrain());

    public static Story<CampaignState, CampaignEvent> Drafted(CampaignPlan? plan = null) => Story().When(new DraftCampaign(plan ?? Plan()));

    public static Story<CampaignState, CampaignEvent> Running(BargainTerms? terms = null) =>
        Drafted(Plan(terms)).When(Publish(facts: Facts with { Available = 1_000_000 })).WhenReserved();

    public static Story<CampaignState, CampaignEvent> Scheduled() =>
        Drafted(Plan() with { StartsAt = Start.AddDays(1) }).When(Publish()).WhenReserved();

    /// <summary>A running campaign with so many participations, all started.</summary>
    public static Story<CampaignState, CampaignEvent> Taking(int participations, BargainTerms? terms = null)
    {
        var story = Running(terms);
        for (var i = 1; i <= participations; i++) story.When(Admit(i)).WhenSettled("start", Done.Instance);
        return story;
    }

    public static CampaignView View(this Story<CampaignState, CampaignEvent> story) => Assert.IsType<CampaignView>(story.Answer(new GetCampaign()).Value);

    /// <summary>The stock has what it was asked for.</summary>
    public static Story<CampaignState, CampaignEvent> WhenReserved(this Story<CampaignState, CampaignEvent> story) =>
        story.WhenSettled("reserve", new ReservedStock(((ReserveStock)story.Message("reserve").Command).Total));

    /// <summary>Every open debt of this name is answered.</summary>
    public static Story<CampaignState, CampaignEvent> AllSettled(this Story<CampaignState, CampaignEvent> story, string what)
    {
        var grain = new CampaignGrain();
        foreach (var debt in story.Debts.Where(d => d.What == what))
            story.Given(grain.Settle(story.State, debt, new Receipt(Done.Instance, null), new Turn(story.Self, Start)).Events.ToArray());
        return story;
    }
}
