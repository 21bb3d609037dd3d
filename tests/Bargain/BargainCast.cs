using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Bargain;

/// <summary>Who and what the stories about bargains are about.</summary>
internal static class BargainCast
{
    public static readonly DateTimeOffset Start = Story<BargainState, BargainEvent>.Start;
    public static readonly DateTimeOffset CampaignEnd = Start.AddDays(7);
    public static readonly CampaignId TheCampaign = CampaignId.Of(Guid.Parse("01890000-0000-7000-8000-00000000c001"));
    public static readonly SkuId Sku = SkuId.Of(Guid.Parse("01890000-0000-7000-8000-00000000f001"));
    public static readonly ShopperId Owner = Somebody(1);

    public static readonly BargainTerms Terms = new()
    {
        Quota = 100,
        FloorFen = 5_900,
        AssistsNeeded = 8,
        TtlMinutes = 24 * 60,
    };

    public static readonly BargainTerms AtSuccess = Terms with { Reservation = ReservationPolicy.AtSuccess };

    public static readonly BargainTerms AnyPrice = Terms with { BuyAtAnyPrice = true };

    public static ShopperId Somebody(int number) => ShopperId.Of(new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0));

    public static OrderId OrderNo(int number) => OrderId.Of(new Guid(number, 0, 0x7000, 0x80, 1, 0, 0, 0, 0, 0, 0));

    public static StartBargain StartWith(BargainTerms terms) => new(TheCampaign, 1, Owner, Sku, "手冲咖啡壶", new Money(9_900), terms, CampaignEnd);

    public static ApplyAssist Assist(int helper, string? device = null, bool isNew = false) => new(Somebody(helper), isNew, device);

    public static OrderBargain Buy(int order = 1, long listPriceFen = 9_900) => new(OrderNo(order), Owner, new Money(listPriceFen), 15);

    public static Story<BargainState, BargainEvent> Story() => new(new BargainGrain());

    /// <summary>A bargain that was just started.</summary>
    public static Story<BargainState, BargainEvent> Running(BargainTerms? terms = null) => Story().When(StartWith(terms ?? Terms));

    /// <summary>A running bargain that so many friends (101, 102, …) have helped.</summary>
    public static Story<BargainState, BargainEvent> Helped(int helpers, BargainTerms? terms = null)
    {
        var story = Running(terms);
        for (var i = 0; i < helpers; i++) story.When(Assist(101 + i));
        return story;
    }

    public static Story<BargainState, BargainEvent> Succeeded(BargainTerms? terms = null) => Helped(8, terms);

    public static Story<BargainState, BargainEvent> Ordered(BargainTerms? terms = null) => Succeeded(terms).When(Buy()).WhenSettled("place-order", Done.Instance);

    public static AssistResult ResultTo(this Story<BargainState, BargainEvent> story, int helper) =>
        Assert.IsType<AssistResult>(story.Answer(Assist(helper)).Value);

    public static BargainView View(this Story<BargainState, BargainEvent> story) => Assert.IsType<BargainView>(story.Answer(new GetBargain()).Value);

    public static BargainProof Proof(this Story<BargainState, BargainEvent> story) => Assert.IsType<BargainProof>(story.Answer(new GetProof()).Value);

    public static T MessageOf<T>(this Story<BargainState, BargainEvent> story, string what, GrainId to)
    {
        var owed = story.Message(what);
        Assert.Equal(to, owed.To);
        return Assert.IsType<T>(owed.Command);
    }
}
