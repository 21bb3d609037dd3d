using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.GroupBuy;

/// <summary>A room as lists show it.</summary>
/// <param name="PriceFen">of one unit: by the members who have paid so far, or the final one</param>
/// <param name="VirtualMembers">how many were missing when it was completed all the same</param>
public sealed record GroupRoomListItem(
    GroupRoomId Id,
    CampaignId CampaignId,
    string Title,
    SkuId Sku,
    ShopperId LeaderId,
    GroupRoomStatus State,
    int Size,
    int Capacity,
    int Paid,
    int Held,
    int VirtualMembers,
    long ListPriceFen,
    long PriceFen,
    DateTimeOffset StartedAt,
    DateTimeOffset EndsAt);

/// <summary>A shopper's rooms, the rooms of a campaign that still need people, and the rooms' part of the campaign's report.</summary>
public sealed class GroupBuyViews : IProjection
{
    public const string ByMember = "group-rooms";
    public const string OpenByCampaign = "group-rooms-open";

    private const string NotOpen = "";

    public bool Reads(string kind) => kind == "group-room";

    public void Apply(in Recorded fact, IDocuments documents)
    {
        switch (fact.Event)
        {
            case SeatClaimed e:
                // Nobody sees a seat before its order is open.
                documents.Put(fact.Grain.Shop, "group-seats", SeatKey(fact, e.Order), "", e.At, new Asked(e.Shopper, e.Quantity, e.IsLate));
                break;
            case GroupRoomOpened e:
                Put(documents, fact.Grain.Shop, new(new(e.Id, e.Campaign, e.Title, e.Sku, e.Founder, GroupRoomStatus.Open, e.Terms.Size, e.Terms.Capacity, 0, 0, 0, e.ListPriceFen, e.Terms.GroupPriceFen, e.At, e.EndsAt), e.Terms, e.Founder, [], []));
                Count(documents, fact, c => c with { Launched = c.Launched + 1 });
                break;
            case SeatHeld e when Find(documents, fact) is { Item.State: GroupRoomStatus.Open } room && documents.Find<Asked>(fact.Grain.Shop, "group-seats", SeatKey(fact, e.Order)) is { } asked:
                Put(documents, fact.Grain.Shop, room with { Members = [.. room.Members, new(e.Order, asked.Shopper, asked.Quantity, null)], Everybody = [.. room.Everybody.Where(s => s != asked.Shopper), asked.Shopper] });
                CampaignViews.TakePart(documents, fact, room.Item.CampaignId, asked.Shopper, by: room.Founder);
                if (!asked.IsLate) Count(documents, fact, c => c with { Orders = c.Orders + 1 });
                break;
            case SeatPaid e when Find(documents, fact) is { } room && documents.Find<Asked>(fact.Grain.Shop, "group-seats", SeatKey(fact, e.Order)) is { } asked:
                Put(documents, fact.Grain.Shop, room with { Members = [.. room.Members.Where(m => m.Order != e.Order), new(e.Order, asked.Shopper, asked.Quantity, e.PaidFen)], Everybody = [.. room.Everybody.Where(s => s != asked.Shopper), asked.Shopper] });
                break;
            case SeatRefused e:
                Change(documents, fact, r => r.WithLeader(e.Leader));
                break;
            case SeatLeft e:
                Change(documents, fact, r => r.Without(e.Order).WithLeader(e.Leader));
                break;
            case SeatReleased { WasMember: true } e:
                Change(documents, fact, r => r.Without(e.Order).WithLeader(e.Leader));
                break;
            case GroupRoomCompleted e when Find(documents, fact) is { } room:
                room = room.Ended(GroupRoomStatus.Completed);
                Put(documents, fact.Grain.Shop, room with { Item = room.Item with { VirtualMembers = e.VirtualMembers }, FinalPriceFen = e.PriceFen });
                Count(documents, fact, c => Complete(c, room, e));
                break;
            case GroupRoomFailed:
                Change(documents, fact, r => r.Ended(GroupRoomStatus.Failed));
                break;
            case GroupRoomCancelled:
                Change(documents, fact, r => r.Ended(GroupRoomStatus.Cancelled));
                break;
        }
    }

    // What is paid in a room may still go back, so it counts when the room is complete. Nobody counts who is not there.
    private static CampaignCounts Complete(CampaignCounts counts, Listed room, GroupRoomCompleted e)
    {
        var revenue = room.Members.Sum(m => Math.Min(m.PaidFen!.Value, e.PriceFen * m.Quantity));
        return counts with
        {
            Succeeded = counts.Succeeded + 1,
            VirtualRooms = (counts.VirtualRooms ?? 0) + (e.VirtualMembers > 0 ? 1 : 0),
            PaidOrders = counts.PaidOrders + room.Members.Count,
            RevenueFen = counts.RevenueFen + revenue,
            DiscountFen = counts.DiscountFen + room.Members.Sum(m => room.Item.ListPriceFen * m.Quantity) - revenue,
        };
    }

    private static void Count(IDocuments documents, in Recorded fact, Func<CampaignCounts, CampaignCounts> change)
    {
        if (Find(documents, fact) is { } room) CampaignViews.Count(documents, fact, room.Item.CampaignId, c => change(c with { VirtualRooms = c.VirtualRooms ?? 0 }));
    }

    private static void Change(IDocuments documents, in Recorded fact, Func<Listed, Listed> change)
    {
        if (Find(documents, fact) is { } room) Put(documents, fact.Grain.Shop, change(room));
    }

    private static Listed? Find(IDocuments documents, in Recorded fact) => documents.Find<Listed>(fact.Grain.Shop, "group-rooms-listed", fact.Grain.Key.ToString("N"));

    private static string SeatKey(in Recorded fact, OrderId order) => $"{fact.Grain.Key:N}/{order}";

    private static void Put(IDocuments documents, ShopId shop, Listed changed)
    {
        var room = changed.Counted();
        var (item, key) = (room.Item, room.Item.Id.ToString());
        var needsPeople = item.State == GroupRoomStatus.Open && item.Paid + item.Held < item.Capacity && item.Paid + item.Held > 0;
        documents.Put(shop, "group-rooms-listed", key, "", item.StartedAt, room);
        documents.Put(shop, OpenByCampaign, key, needsPeople ? item.CampaignId.ToString() : NotOpen, item.StartedAt, item);
        foreach (var member in room.Everybody) documents.Put(shop, ByMember, $"{key}/{member}", member.ToString(), item.StartedAt, item);
    }

    private sealed record Asked(ShopperId Shopper, int Quantity, bool IsLate);

    /// <param name="PaidFen">null until paid</param>
    private sealed record Member(OrderId Order, ShopperId Shopper, int Quantity, long? PaidFen);

    /// <param name="Everybody">who was ever a member; the newest 200, or a room that people only pass through would grow without bound</param>
    private sealed record Listed(GroupRoomListItem Item, GroupBuyTerms Terms, ShopperId Founder, IReadOnlyList<Member> Members, IReadOnlyList<ShopperId> Everybody, long? FinalPriceFen = null)
    {
        private const int EverybodyMax = 200;

        public Listed WithLeader(ShopperId leader) => this with { Item = Item with { LeaderId = leader } };

        public Listed Without(OrderId order) => this with { Members = [.. Members.Where(m => m.Order != order)] };

        public Listed Ended(GroupRoomStatus state) => this with { Item = Item with { State = state }, Members = [.. Members.Where(m => m.PaidFen is not null)] };

        public Listed Counted()
        {
            var paid = Members.Count(m => m.PaidFen is not null);
            return this with { Item = Item with { Paid = paid, Held = Members.Count - paid, PriceFen = FinalPriceFen ?? Terms.PriceAt(paid) }, Everybody = [.. Everybody.TakeLast(EverybodyMax)] };
        }
    }
}
