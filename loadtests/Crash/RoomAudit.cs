using System.Collections.Concurrent;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Order;

namespace Campaigns.LoadTests.Crash;

/// <summary>What must be true of rooms and of who sits in them. Asks while nobody acts.</summary>
/// <param name="sizeIn">how many members make a room of that campaign complete</param>
internal sealed class RoomAudit(ShopClient client, Findings findings, Func<string, int> sizeIn)
{
    private const int Parallel = 12;

    public async Task<GroupRoomStatus?> Look(string id, Person viewer) => (await See(id, viewer))?.State;

    /// <summary>After all deadlines: every room is over, and the members of completed rooms are exactly those whose orders are paid.</summary>
    /// <param name="purchases">looked at already</param>
    /// <param name="told">the rooms that clients were told of; late money may have founded more</param>
    /// <returns>how many rooms ended how</returns>
    public async Task<IReadOnlyDictionary<GroupRoomStatus, int>> AllOver(IReadOnlyList<Person> people, IEnumerable<Purchase> purchases, IEnumerable<string> told)
    {
        var known = new ConcurrentDictionary<string, byte>(told.Select(r => KeyValuePair.Create(r, (byte)0)), StringComparer.Ordinal);
        await Each(people, async person =>
        {
            foreach (var id in await client.Ids("/v1/group-rooms", person)) known[id] = 0;
        });

        var states = new ConcurrentDictionary<GroupRoomStatus, int>();
        var seats = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        await Each(known.Keys, async id =>
        {
            if (await See(id, people[0]) is not { } room) return;
            states.AddOrUpdate(room.State, 1, (_, seen) => seen + 1);
            if (room.State == GroupRoomStatus.Open) findings.Add(Wrong.Late, $"Room {id} is still open; it ended at {room.EndsAt:O}.");
            if (room.State != GroupRoomStatus.Completed) return;
            foreach (var member in room.Members) seats.AddOrUpdate(member.ShopperId.ToString(), 1, (_, count) => count + 1);
        });

        var paid = purchases.Where(p => p is { Room: not null, State: OrderStatus.Paid }).CountBy(p => p.Buyer.Id).ToDictionary(StringComparer.Ordinal);
        foreach (var person in people)
        {
            var (orders, places) = (paid.GetValueOrDefault(person.Id), seats.GetValueOrDefault(person.Id));
            if (orders != places) findings.Add(Wrong.Lost, $"{person.Id} has {orders} paid orders and {places} places in completed rooms.");
        }

        return states;
    }

    private async Task<GroupRoomView?> See(string id, Person viewer)
    {
        var reply = await client.Get($"/v1/group-rooms/{id}", viewer);
        if (!reply.IsSuccess)
        {
            findings.Add(Wrong.Lost, $"Room {id} was acknowledged and is answered {reply.Status} {reply.Code}.");
            return null;
        }

        var room = reply.As<GroupRoomView>();
        var size = sizeIn(room.CampaignId.ToString());
        if (room.Members.Count > size) findings.Add(Wrong.Doubled, $"Room {id} has {room.Members.Count} members.");
        if (room.Members.DistinctBy(m => m.ShopperId).Count() < room.Members.Count) findings.Add(Wrong.Doubled, $"Somebody sits in room {id} twice.");
        if (room.State == GroupRoomStatus.Completed && (room.Paid != size || room.Members.Count != size)) findings.Add(Wrong.Lost, $"Room {id} is complete with {room.Paid} paid members.");
        return room;
    }

    private static Task Each<T>(IEnumerable<T> items, Func<T, Task> look) =>
        System.Threading.Tasks.Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = Parallel }, async (item, _) => await look(item));
}
