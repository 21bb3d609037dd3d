using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Order;
using Campaigns.Grains.Stock;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Rooms;

/// <param name="Rooms">how many are founded</param>
/// <param name="Seed">chooses who does what; the instants themselves are the machine's</param>
/// <param name="Program">the server; null finds the one that was built beside this program</param>
internal sealed record RoomsOptions(int Rooms, int Seed, string? Program = null)
{
    /// <summary>Of 100 calls that refund, so many fail.</summary>
    public int RefundsFailingPercent { get; init; } = 30;
}

/// <summary>Where everybody and their money ended.</summary>
internal sealed record RoomsReport(Findings Findings, IReadOnlyList<string> ServerLog, string Account);

/// <summary>An acknowledged seat and what its buyer did.</summary>
internal sealed class Ticket(Person buyer, string room, OrderView order)
{
    public Person Buyer { get; } = buyer;

    public string Room { get; } = room;

    public OrderView Order { get; } = order;

    /// <summary>The gateway has taken the money, or was told to take it at a later instant.</summary>
    public bool MoneyGiven { get; set; }
}

/// <summary>
/// A crowd founds rooms, races for the last seats, pays at once, at the very instant of expiry or late, and leaves, while the gateway fails
/// to refund. When it has recovered, each one who paid must be a member of a completed room or have all the money back, once.
/// </summary>
internal sealed class RoomsRun : IDisposable
{
    private const int Size = 3;
    private const int TtlSeconds = 3_600;
    private const int Racers = 5;
    private const long StockUnits = 1_000_000;
    private const int FailuresMax = 1_000;
    private const int Parallel = 24;

    private readonly RoomsOptions options;
    private readonly string data = Directory.CreateTempSubdirectory("campaigns-rooms-").FullName;
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource stop = new();
    private readonly Findings findings = new();
    private readonly ConcurrentBag<Ticket> tickets = [];
    private readonly ConcurrentBag<string> rooms = [];
    private readonly ConcurrentDictionary<string, int> refusals = new(StringComparer.Ordinal);
    private readonly ServerProcess server;
    private readonly ShopClient client;
    private List<Person> people = [];
    private int acts;
    private int left;
    private int failures;

    private RoomsRun(RoomsOptions options)
    {
        this.options = options;
        server = new(options.Program ?? ServerProcess.FindProgram(), data, http) { Unlimited = true };
        client = new(http, () => server.Address, findings, stop.Token);
    }

    public static async Task<RoomsReport> Play(RoomsOptions options, CancellationToken cancellation)
    {
        using var run = new RoomsRun(options);
        await using var registration = cancellation.Register(run.stop.Cancel);
        return await run.Play();
    }

    public void Dispose()
    {
        stop.Cancel();
        server.Dispose();
        http.Dispose();
        stop.Dispose();
        Directory.Delete(data, recursive: true);
    }

    private async Task<RoomsReport> Play()
    {
        var watch = Stopwatch.StartNew();
        server.Start();
        await server.WhenReady(stop.Token);
        people = [.. Enumerable.Range(0, Math.Clamp(options.Rooms, 20, 300)).Select(i => new Person($"rooms{options.Seed}.{i}"))];
        await Each(people, client.SignIn);
        var (sku, campaigns) = await OpenCampaigns();

        await Each(Enumerable.Range(0, options.Rooms), number => Room(campaigns[number % campaigns.Count], new Random(HashCode.Combine(options.Seed, number))));
        await Expire(campaigns);
        await Heal();
        var account = await Audit(sku, campaigns);

        server.Kill();
        foreach (var wrong in await server.Check()) findings.Add(Wrong.Other, wrong);
        return new(findings, findings.IsEmpty ? [] : server.Log, string.Create(CultureInfo.InvariantCulture, $"{account} {watch.Elapsed.TotalSeconds:0} seconds (seed {options.Seed})."));
    }

    private async Task<(string Sku, List<Offered> Campaigns)> OpenCampaigns()
    {
        var product = Require(await client.Post("/merchant/v1/products", new { title = "Group cake", type = "handmade", skus = new[] { new { name = "box", listPriceFen = 9_900, stock = StockUnits } } }));
        var sku = product.Body.GetProperty("skus")[0].GetProperty("id").GetString()!;
        var campaigns = new List<Offered>();
        foreach (var (seatHold, late) in ((int, string)[])[(60, "refund"), (30, "reroute")])
        {
            var now = await Now();
            var rules = new { groupPriceFen = 7_900, leaderPriceFen = 6_900, size = Size, ttlMinutes = TtlSeconds / 60, quota = 100_000, perUserLimit = 10_000, seatHoldMinutes = seatHold, latePayment = late };
            var draft = Require(await client.Post("/merchant/v1/campaigns", new { kind = "group-buy", title = late, startsAt = now, endsAt = now.AddDays(300), sku, rules }));
            var id = draft.Body.GetProperty("id").GetString()!;
            Require(await client.Post($"/merchant/v1/campaigns/{id}/publications", null));
            campaigns.Add(new(id, seatHold * 60, 100_000));
        }

        return (sku, campaigns);
    }

    /// <summary>One room: somebody founds it, more than it can hold want in at once, and everybody pays in their own way.</summary>
    private async Task Room(Offered campaign, Random chance)
    {
        var crowd = people.OrderBy(_ => chance.Next()).Take(Racers + 1).ToList();
        var founded = await Take(crowd[0], "/v1/group-rooms", new { campaignId = campaign.Id, quantity = chance.Next(1, 3) });
        if (founded is null) return;
        rooms.Add(founded.Room);
        var wants = crowd.Skip(1).Take(chance.Next(1, Racers + 1)).Select(p => (Person: p, Quantity: chance.Next(1, 3))).ToList();
        var taken = await Task.WhenAll(wants.Select(w => Take(w.Person, $"/v1/group-rooms/{founded.Room}/seats", new { quantity = w.Quantity })));
        if (taken.Count(t => t is not null) > Size - 1) findings.Add(Wrong.Doubled, $"{taken.Count(t => t is not null)} joined room {founded.Room}, which has {Size} seats.");

        foreach (var ticket in taken.Prepend(founded).OfType<Ticket>())
        {
            // Most pay; some exactly when the seat or the room runs out, a little before or after; some never.
            var (delay, dice) = (0, chance.Next(100));
            if (dice >= 92) continue;
            if (dice >= 60) delay = (dice < 76 ? TtlSeconds : campaign.SeatHoldSeconds) + chance.Next(-2, 3);
            await Pay(ticket, delay);
            if (delay > 0 || chance.Next(12) > 0) continue;
            if ((await client.Post($"/v1/orders/{ticket.Order.Id}/cancellations", new { reason = "changed my mind" }, ticket.Buyer)).IsSuccess) Interlocked.Increment(ref left);
        }
    }

    private async Task<Ticket?> Take(Person who, string path, object body)
    {
        var reply = await client.Post(path, body, who, $"act-{Interlocked.Increment(ref acts)}");
        if (!reply.IsSuccess)
        {
            refusals.AddOrUpdate(reply.Code, 1, (_, seen) => seen + 1);
            return null;
        }

        var ticket = new Ticket(who, reply.Body.GetProperty("room").GetProperty("id").GetString()!, System.Text.Json.JsonSerializer.Deserialize<OrderView>(reply.Body.GetProperty("order"), ShopClient.Json)!);
        tickets.Add(ticket);
        return ticket;
    }

    private async Task Pay(Ticket ticket, int delaySeconds)
    {
        var started = await client.Post($"/v1/orders/{ticket.Order.Id}/payments", null, ticket.Buyer);
        if (!started.IsSuccess) return;
        var paid = await client.Post($"/sandbox/payments/{started.Body.GetProperty("paymentId").GetString()}/pay", new { delaySeconds, repeat = delaySeconds % 3 });
        ticket.MoneyGiven = paid.IsSuccess;
    }

    // The clock goes by single seconds where seats, rooms and payments fall due together, and people go on acting while it does.
    private async Task Expire(List<Offered> campaigns)
    {
        var begin = await Now();
        var at = 0;
        foreach (var due in campaigns.Select(c => c.SeatHoldSeconds).Append(TtlSeconds).Distinct().Order())
        {
            await FailRefunds();
            await Advance(Math.Max(0, due - 70 - at));
            at = Math.Max(at, due - 70);
            while (at < due + 5)
            {
                var seconds = at < due - 5 ? 5 : 1;
                at += seconds;
                var late = tickets.Where(t => !t.MoneyGiven).Take(2).ToList();
                await Task.WhenAll([Advance(seconds), .. late.Select(t => Pay(t, 0))]);
            }
        }

        if (await Now() < begin) findings.Add(Wrong.Lost, "The clock went back.");
    }

    // So many of the calls that are to come fail that it is the wanted part of all.
    private async Task FailRefunds()
    {
        var calls = tickets.Count(t => t.MoneyGiven) / 4;
        failures = Math.Min(FailuresMax, (calls * options.RefundsFailingPercent / (100 - options.RefundsFailingPercent)) + 1);
        Require(await client.Post("/sandbox/refund-faults", new { failures }));
    }

    private async Task Heal()
    {
        Require(await client.Post("/sandbox/refund-faults", new { failures = 0 }));
        for (var minutes = 0; minutes < 180; minutes += 6) await Advance(360);
    }

    private async Task<string> Audit(string sku, List<Offered> campaigns)
    {
        var (members, refunded, never) = (0, 0, 0);
        var soldUnits = new ConcurrentDictionary<Person, int>();
        await Each(tickets, async ticket =>
        {
            var order = (await client.Get($"/v1/orders/{ticket.Order.Id}", ticket.Buyer)).As<OrderView>();
            var back = order.Refunds.Sum(r => r.AmountFen);
            if (order.Refunds.Any(r => r.State != RefundStatus.Succeeded)) findings.Add(Wrong.Other, $"Order {order.Id} waits for its money: {string.Join(", ", order.Refunds)}.");
            if (order.State is OrderStatus.Pending or OrderStatus.AwaitingGroup) findings.Add(Wrong.Other, $"Order {order.Id} is in limbo: {order.State}.");
            else if (order.State == OrderStatus.Paid && !ticket.MoneyGiven) findings.Add(Wrong.Doubled, $"Order {order.Id} is Paid and nobody paid.");
            else if (order.State == OrderStatus.Paid && back > 0) findings.Add(Wrong.Doubled, $"Order {order.Id} is Paid, and {back} fen were given back.");
            else if (order.State != OrderStatus.Paid && back != (ticket.MoneyGiven ? order.AmountFen : 0)) findings.Add(Wrong.Lost, $"Order {order.Id} is {order.State}, {(ticket.MoneyGiven ? order.AmountFen : 0)} fen were paid and {back} given back.");
            if (order.Refunds.Count > 1) findings.Add(Wrong.Doubled, $"Order {order.Id} was refunded {order.Refunds.Count} times.");

            if (order.State == OrderStatus.Paid) Interlocked.Increment(ref members);
            else if (ticket.MoneyGiven) Interlocked.Increment(ref refunded);
            else Interlocked.Increment(ref never);
            if (order.State == OrderStatus.Paid) soldUnits.AddOrUpdate(ticket.Buyer, order.Lines[0].Quantity, (_, units) => units + order.Lines[0].Quantity);
        });

        // Late money may have founded rooms that nobody was told of: they are in their members' lists.
        var known = new ConcurrentDictionary<string, byte>(rooms.Select(r => KeyValuePair.Create(r, (byte)0)), StringComparer.Ordinal);
        await Each(people, async person =>
        {
            for (string? cursor = null; ;)
            {
                var page = (await client.Get($"/v1/group-rooms?limit=100{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}", person)).Body;
                foreach (var item in page.GetProperty("items").EnumerateArray()) known[item.GetProperty("id").GetString()!] = 0;
                cursor = page.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
                if (cursor is null) return;
            }
        });
        var states = new ConcurrentDictionary<GroupRoomStatus, int>();
        var seated = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        await Each(known.Keys, async id =>
        {
            var room = (await client.Get($"/v1/group-rooms/{id}", people[0])).As<GroupRoomView>();
            states.AddOrUpdate(room.State, 1, (_, seen) => seen + 1);
            if (room.State == GroupRoomStatus.Open) findings.Add(Wrong.Late, $"Room {id} is still open; it ended at {room.EndsAt:O}.");
            if (room.Members.Count > Size) findings.Add(Wrong.Doubled, $"Room {id} has {room.Members.Count} members.");
            if (room.State == GroupRoomStatus.Completed && (room.Paid != Size || room.Members.Count != Size)) findings.Add(Wrong.Lost, $"Room {id} is complete with {room.Paid} paid members.");
            if (room.State == GroupRoomStatus.Completed)
                foreach (var member in room.Members) seated.AddOrUpdate(member.ShopperId.ToString(), 1, (_, seats) => seats + 1);
        });
        if (seated.Values.Sum() != members) findings.Add(Wrong.Lost, $"{members} orders are Paid, and completed rooms have {seated.Values.Sum()} members.");

        var (sold, quotas) = (soldUnits.Values.Sum(), campaigns.Sum(c => (long)c.Quota));
        var left = 0L;
        foreach (var campaign in campaigns) left += (await client.Get($"/merchant/v1/campaigns/{campaign.Id}")).Body.GetProperty("quota").GetProperty("left").GetInt64();
        if (quotas - left != sold) findings.Add(Wrong.Leaked, $"{sold} units are sold, and {quotas - left} of the quotas are taken.");
        var stock = (await client.Get($"/merchant/v1/skus/{sku}")).As<SkuView>().Stock;
        if (stock != new StockLevel(StockUnits - sold, quotas - sold, StockUnits - quotas)) findings.Add(Wrong.Leaked, $"The stock is {stock}; {sold} units are sold out of quotas of {quotas}.");
        var limbo = (await client.Get("/merchant/v1/limbo")).Body.GetProperty("items").GetArrayLength();
        if (limbo > 0) findings.Add(Wrong.Other, $"{limbo} amounts are in limbo after the gateway healed.");

        return string.Create(CultureInfo.InvariantCulture, $"{known.Count} rooms ({string.Join(", ", states.OrderBy(s => s.Key).Select(s => $"{s.Value} {s.Key}"))}), {known.Count - rooms.Count} of them founded by late money; {tickets.Count} seats: {members} members of completed rooms, {refunded} fully refunded once, {never} never paid, {this.left} left; refused {string.Join(", ", refusals.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Value} {r.Key}"))}; {findings.Count(Wrong.Lost)} lost, {findings.Count(Wrong.Doubled)} doubled, {findings.Count(Wrong.Leaked)} leaked, {findings.Count(Wrong.Late)} late, {findings.Count(Wrong.Other)} otherwise wrong;");
    }

    private async Task<DateTimeOffset> Now() => (await client.Get("/sandbox/clock")).Body.GetProperty("now").GetDateTimeOffset();

    private async Task Advance(int seconds) => Require(await client.Post("/sandbox/clock", new { advanceSeconds = seconds }));

    private static Reply Require(Reply reply) => reply.IsSuccess ? reply : throw new InvalidOperationException($"The storm could not go on: {reply.Status} {reply.Body}");

    private static Task Each<T>(IEnumerable<T> items, Func<T, Task> act) =>
        System.Threading.Tasks.Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = Parallel }, async (item, _) => await act(item));

    private sealed record Offered(string Id, int SeatHoldSeconds, int Quota);
}
