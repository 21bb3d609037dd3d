using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Binding;

/// <summary>Who and what the stories about bindings are about.</summary>
internal static class BindingCast
{
    public static readonly DateTimeOffset Start = Story<BindingState, BindingEvent>.Start;

    /// <summary>When every promoter of the stories has joined.</summary>
    public static readonly DateTimeOffset Joined = Start.AddDays(-100);

    public static readonly BindingPolicy First = new(BindingMode.FirstTouch, 15, 0);
    public static readonly BindingPolicy Last = new(BindingMode.LastTouch, 15, 3);
    public static readonly ShopperId Self = ShopperId.Of(Story().Self.Key);
    public static readonly ShopperId Bing = Promoter(1);
    public static readonly ShopperId Chen = Promoter(2);

    public static ShopperId Promoter(int number) => ShopperId.Of(new Guid(number, 0, 0x7000, 0x80, 2, 0, 0, 0, 0, 0, 0));

    public static BindPromoter Bind(ShopperId promoter, BindingPolicy? policy = null, string? channel = "moments", string? device = "d") => new(promoter, channel, device, policy ?? Last);

    public static Story<BindingState, BindingEvent> Story() => new(new BindingGrain());

    /// <summary>Bound to Bing at the start.</summary>
    public static Story<BindingState, BindingEvent> Bound(BindingPolicy? policy = null) => Story().Bound(Bing, policy);

    public static Story<BindingState, BindingEvent> Bound(this Story<BindingState, BindingEvent> story, ShopperId promoter, BindingPolicy? policy = null) =>
        story.When(Bind(promoter, policy)).WhenSettled("admit-customer", new AdmittedCustomer(Joined, IsSuspect: false)).ThenOne<PromoterBound>();

    public static BindingView ViewOf(this Story<BindingState, BindingEvent> story) => Assert.IsType<BindingView>(story.Answer(new GetBinding()).Value);

    public static Attribution AttributionAt(this Story<BindingState, BindingEvent> story, DateTimeOffset at) => Assert.IsType<Attribution>(story.Answer(new AskAttribution(at)).Value);
}
