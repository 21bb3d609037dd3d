using Campaigns.Grains.Campaign;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.GroupBuy;

/// <summary>Who and what the stories about rooms are about. The member with the number i has the order with the number i.</summary>
internal static class GroupBuyCast
{
    public static readonly DateTimeOffset Start = Story<GroupRoomState, GroupRoomEvent>.Start;
    public static readonly DateTimeOffset CampaignEnd = Start.AddDays(7);
    public static readonly DateTimeOffset RoomEnd = Start.AddHours(24);
    public static readonly ShopId Demo = new("demo");
    public static readonly CampaignId TheCampaign = CampaignId.Of(Guid.Parse("01890000-0000-7000-8000-00000000c001"));
    public static readonly SkuId Sku = SkuId.Of(Guid.Parse("01890000-0000-7000-8000-00000000f001"));
    public static readonly PublicationFacts Facts = new("手冲咖啡壶", new Money(9_900), 1_000, Channel.MiniProgram);

    public static readonly GroupBuyTerms Terms = new() { Quota = 100, GroupPriceFen = 7_900, Size = 3, TtlMinutes = 24 * 60 };

    public static readonly GroupBuyTerms Ladder = Terms with { Ladder = [new(4, 6_900), new(5, 5_900)] };

    public static ShopperId Member(int number) => ShopperId.Of(new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0));

    public static OrderId OrderOf(int number) => OrderId.Of(new Guid(number, 0, 0x7000, 0x80, 1, 0, 0, 0, 0, 0, 0));

    public static HoldSeat Found(int number = 1, int quantity = 1) => new(OrderOf(number), Member(number), quantity, IsNew: false, 15, TheCampaign);

    public static HoldSeat Join(int number, int quantity = 1, bool isNew = false) => new(OrderOf(number), Member(number), quantity, isNew, 15);

    public static OfferLatePayment Late(int number, int quantity = 1) => new(OrderOf(number), TheCampaign.Value, Member(number), quantity, Start);

    public static OrderPaid Pay(int number, long fen = 7_900) => new(OrderOf(number), new(fen));

    public static Story<GroupRoomState, GroupRoomEvent> Story() => new(new GroupBuyGrain());

    public static Admission Admitted(this Story<GroupRoomState, GroupRoomEvent> story, GroupBuyTerms? terms = null) =>
        new(Demo, TheCampaign, 1, new("拼团", Start, CampaignEnd, Sku, terms ?? Terms), Facts, story.Self.Key, Member(1));

    /// <summary>A room whose founder has a seat and an open order.</summary>
    public static Story<GroupRoomState, GroupRoomEvent> Founded(GroupBuyTerms? terms = null, int quantity = 1)
    {
        var story = Story().When(Found(quantity: quantity));
        return story.WhenSettled("claim-units", story.Admitted(terms)).WhenSettled("place-order", Done.Instance);
    }

    /// <summary>Somebody joins, and the order is open.</summary>
    public static Story<GroupRoomState, GroupRoomEvent> WithHeld(this Story<GroupRoomState, GroupRoomEvent> story, params ReadOnlySpan<int> numbers)
    {
        foreach (var number in numbers) story.When(Join(number, isNew: true)).WhenSettled("claim-units", story.Admitted()).WhenSettled("place-order", Done.Instance);
        return story;
    }

    /// <summary>Somebody joins and pays.</summary>
    public static Story<GroupRoomState, GroupRoomEvent> WithPaid(this Story<GroupRoomState, GroupRoomEvent> story, params ReadOnlySpan<int> numbers)
    {
        foreach (var number in numbers)
        {
            if (story.State.SeatOf(OrderOf(number)) is null) story.WithHeld(number);
            story.When(Pay(number));
        }

        return story;
    }

    public static Story<GroupRoomState, GroupRoomEvent> Completed(GroupBuyTerms? terms = null) => Founded(terms).WithPaid(1, 2, 3);

    public static Story<GroupRoomState, GroupRoomEvent> Failed(GroupBuyTerms? terms = null) => Founded(terms).WithPaid(1).WithHeld(2).At(RoomEnd).When(Wake.Instance);

    public static Story<GroupRoomState, GroupRoomEvent> Cancelled() => Founded().WithPaid(1).When(new CancelParticipation());

    public static GroupRoomView View(this Story<GroupRoomState, GroupRoomEvent> story) => Assert.IsType<GroupRoomView>(story.Answer(new GetGroupRoom()).Value);

    public static string[] Owed(this Story<GroupRoomState, GroupRoomEvent> story) => [.. story.Debts.Select(d => $"{d.What} {story.NumberOf(d.About)}")];

    public static Owed MessageAbout(this Story<GroupRoomState, GroupRoomEvent> story, string what, int number) => new GroupBuyGrain().Message(story.State, new(what, OrderOf(number).Value), story.Self);

    /// <summary>The debt about this member's order is answered.</summary>
    public static Story<GroupRoomState, GroupRoomEvent> Settled(this Story<GroupRoomState, GroupRoomEvent> story, string what, int number, object? reply = null)
    {
        Assert.Contains(new Debt(what, OrderOf(number).Value), story.Debts);
        return story.Given([.. new GroupBuyGrain().Settle(story.State, new(what, OrderOf(number).Value), new(reply ?? Done.Instance, null), new(story.Self, Start)).Events]);
    }

    private static string NumberOf(this Story<GroupRoomState, GroupRoomEvent> story, Guid about) =>
        about == TheCampaign.Value ? "campaign" : Enumerable.Range(1, 60).First(i => OrderOf(i).Value == about).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
