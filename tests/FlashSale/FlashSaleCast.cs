using Campaigns.Grains.Campaign;
using Campaigns.Grains.FlashSale;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.FlashSale;

/// <summary>Who and what the stories about flash sales are about: 10 units at 59.00 instead of 99.00, two for each, from 20:00 on for two hours.</summary>
internal static class FlashSaleCast
{
    public static readonly DateTimeOffset Opens = Story<FlashSaleState, FlashSaleEvent>.Start;
    public static readonly DateTimeOffset Closes = Opens.AddHours(2);
    public static readonly DateTimeOffset Published = Opens.AddHours(-3);
    public static readonly CampaignId TheCampaign = CampaignId.Of(Guid.Parse("01890000-0000-7000-8000-000000000001"));
    public static readonly SkuId Sku = SkuId.Of(Guid.Parse("01890000-0000-7000-8000-00000000f001"));
    public static readonly GrainId Self = new("flash-sale", new("demo"), TheCampaign.Value);

    public static readonly FlashSaleTerms Terms = new() { Quota = 10, SalePriceFen = 5_900, PerUserLimit = 2, HoldSeconds = 600 };

    /// <summary>Each Friday at 20:00 for two hours; the story's first moment is such a Friday at 20:00.</summary>
    public static readonly FlashSaleTerms Weekly = Terms with { WeeklySlot = new(5, "20:00", 120) };

    public static ShopperId Somebody(int number) => ShopperId.Of(new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0));

    public static OrderId OrderNo(int number) => OrderId.Of(new Guid(number, 0, 0x7000, 0x80, 1, 0, 0, 0, 0, 0, 0));

    public static Guid Wish(int number) => new(number, 0, 0x7000, 0x80, 2, 0, 0, 0, 0, 0, 0);

    public static PrepareSale Prepare(FlashSaleTerms? terms = null, int total = 10, int request = 0, DateTimeOffset? startsAt = null, DateTimeOffset? endsAt = null, string zone = "Asia/Shanghai") => new(
        request == 0 ? default : Wish(request),
        TheCampaign,
        1,
        Sku,
        "手冲咖啡壶",
        new Money(9_900),
        terms ?? Terms,
        zone,
        startsAt ?? Opens,
        endsAt ?? (terms?.WeeklySlot is null ? Closes : Opens.AddDays(30)),
        total);

    /// <summary>A change of the quota, as the campaign asks for it.</summary>
    public static PrepareSale Quota(int total, int request = 1) => Prepare(total: total, request: request);

    public static TakeUnits Take(int order, int? shopper = null, int quantity = 1) => new(OrderNo(order), Somebody(shopper ?? 100 + order), quantity);

    public static OfferLatePayment Late(int order, int? shopper = null, int quantity = 1, int number = 1) => new(OrderNo(order), PurposeOf(number), Somebody(shopper ?? 100 + order), quantity);

    public static Guid PurposeOf(int number) => Ids.Derive("flash-sale", TheCampaign.ToString(), $"{number}");

    public static Story<FlashSaleState, FlashSaleEvent> Story() => new(new FlashSaleGrain()) { Self = Self };

    /// <summary>A sale that has its units, hours before it opens.</summary>
    public static Story<FlashSaleState, FlashSaleEvent> Ready(FlashSaleTerms? terms = null) =>
        Story().At(Published).When(Prepare(terms)).WhenSettled("reserve-units", new ReservedStock(10));

    /// <summary>A sale that has opened.</summary>
    public static Story<FlashSaleState, FlashSaleEvent> Open(FlashSaleTerms? terms = null) => Ready(terms).At(Opens).When(Wake.Instance);

    /// <summary>An open sale in which so many orders (1, 2, …) hold one unit each.</summary>
    public static Story<FlashSaleState, FlashSaleEvent> Held(int orders, FlashSaleTerms? terms = null)
    {
        var story = Open(terms);
        for (var i = 1; i <= orders; i++) story.Hold(i);
        return story;
    }

    public static Story<FlashSaleState, FlashSaleEvent> Hold(this Story<FlashSaleState, FlashSaleEvent> story, int order, int? shopper = null, int quantity = 1) =>
        story.When(Take(order, shopper, quantity)).WhenSettled("place-order", Done.Instance);

    public static FlashSaleView View(this Story<FlashSaleState, FlashSaleEvent> story) => Assert.IsType<FlashSaleView>(story.Answer(new GetFlashSale()).Value);

    /// <summary>Units that are available, held and sold.</summary>
    public static (int Available, int Held, int Sold) Units(this Story<FlashSaleState, FlashSaleEvent> story) => (story.State.Available, story.State.Held, story.State.Sold);

    public static T MessageOf<T>(this Story<FlashSaleState, FlashSaleEvent> story, string what, GrainId to)
    {
        var owed = story.Message(what);
        Assert.Equal(to, owed.To);
        return Assert.IsType<T>(owed.Command);
    }
}
