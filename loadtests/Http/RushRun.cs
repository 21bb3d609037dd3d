using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Campaigns.Grains.Order;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Http;

/// <param name="Rooms">how many shoppers want to found one; so many times <see cref="RushRun.JoinersPerRoom"/> want to join one</param>
/// <param name="Seconds">from the opening on, in which all of them come</param>
/// <param name="Skew">how much more popular some rooms are: Zipf's exponent</param>
/// <param name="Seed">chooses who does what; the instants themselves are the machine's</param>
internal sealed record RushOptions(int Rooms, int Seconds, double Skew, int Seed)
{
    /// <summary>Of 100 calls that refund, so many fail.</summary>
    public int RefundsFailingPercent { get; init; } = 30;
}

/// <summary>What a shopper does.</summary>
internal enum RushAct
{
    Found = 1,
    Join = 2,

    /// <summary>Either of them, the same request twice at once.</summary>
    DoubleTap = 3,

    Pay = 4,
    Leave = 5,
}

/// <summary>
/// Group-buys for two to five open, and a crowd comes at times fixed in advance: some found rooms, the others join by the rooms' ids, popular ones far more
/// often than they have seats. They tap twice, pay at once, at the very instant of expiry, late or never, and leave, while the gateway fails to refund. When
/// it has recovered, each one who paid must be a member of a completed room or have all the money back, once. Latency counts from when a shopper was to act;
/// who joins is to act at their time or, if it is later, when the founder has the room's id.
/// </summary>
internal sealed class RushRun(RushOptions options, Action<string> say)
{
    public const int JoinersPerRoom = 4;

    private const int SizeMin = 2;
    private const int SizeMax = 5;
    private const int TtlSeconds = 3_600;
    private const int UnitsPerBuyer = 10_000;
    private const int Quota = 100_000;
    private const long StockUnits = 1_000_000;
    private const int PeopleMax = 2_000;
    private const int FailuresMax = 1_000;
    private const int AtOnce = 24;
    private const double DoubleTaps = 0.15;
    private static readonly TimeSpan Announced = TimeSpan.FromMinutes(10);

    private readonly ConcurrentBag<Purchase> seats = [];
    private readonly ConcurrentDictionary<string, int> refusals = new(StringComparer.Ordinal);
    private RealServer server = null!;
    private IReadOnlyList<Person> people = [];
    private IReadOnlyList<Offered> campaigns = [];
    private string sku = "";

    public Findings Findings { get; } = new();

    private ShopClient Client => server.Client;

    /// <returns>the latencies of each kind of request</returns>
    public async Task<IReadOnlyList<Latencies>> Play(CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        using var started = server = await RealServer.Start(here: null, Findings, stop); // its clock is moved by hours
        await Announce();
        var arrivals = Arrivals.AtRandom(options.Rooms * (1.0 + JoinersPerRoom) / options.Seconds, TimeSpan.FromSeconds(options.Seconds), options.Seed).ToList();
        people = [.. Enumerable.Range(0, Math.Clamp(arrivals.Count / 2, 20, PeopleMax)).Select(i => new Person($"rush{options.Seed}.{i}"))];
        await Each(people, Client.SignIn);

        await Advance((int)Announced.TotalSeconds);
        var (own, servers, visits) = (Environment.CpuUsage.TotalTime, server.ProcessorSeconds, new Visits<RushAct>(stop));
        var rush = new Rush(arrivals.Count / (1 + JoinersPerRoom), options.Skew, options.Seed);
        await visits.Play(arrivals, (visit, due) => Visit(visits, rush, visit, due, stop));
        var seconds = visits.Elapsed.TotalSeconds;
        say(string.Create(CultureInfo.InvariantCulture, $"{arrivals.Count} shoppers came within {options.Seconds} s and made {visits.Requests} requests in {seconds:0.0} s; generator {(Environment.CpuUsage.TotalTime - own).TotalSeconds / seconds:0.00} cores, server {(server.ProcessorSeconds - servers) / seconds:0.00}"));

        foreach (var room in seats.GroupBy(s => s.Room!, StringComparer.Ordinal))
            if (room.Count(s => !s.SeenCancelled) is var sitting && sitting > SizeOf(room.First().Campaign)) Findings.Add(Wrong.Doubled, $"{sitting} sit in room {room.Key}, which has {SizeOf(room.First().Campaign)} seats.");
        await Expire();
        await Heal();
        var account = await Audit();
        await server.EndAndCheck();
        if (!Findings.IsEmpty) foreach (var line in server.Log) say($"  {line}");
        say(string.Create(CultureInfo.InvariantCulture, $"{account} {Count(Wrong.Lost)} lost, {Count(Wrong.Doubled)} doubled, {Count(Wrong.Leaked)} leaked, {Count(Wrong.Late)} late, {Count(Wrong.Other)} otherwise wrong; {watch.Elapsed.TotalSeconds:0} seconds (seed {options.Seed})."));
        return visits.Read();

        int Count(Wrong what) => Findings.Count(what);
    }

    // One campaign for each size; they differ in what becomes of late money.
    private async Task Announce()
    {
        var merchant = new Merchant(Client);
        sku = await merchant.AddSku("Group cake", StockUnits);
        var announced = new List<Offered>();
        for (var size = SizeMin; size <= SizeMax; size++)
        {
            var (seatHold, late) = size % 2 == 0 ? (60, "refund") : (30, "reroute");
            var rules = new { groupPriceFen = 7_900, leaderPriceFen = 6_900, size, ttlMinutes = TtlSeconds / 60, quota = Quota, perUserLimit = UnitsPerBuyer, seatHoldMinutes = seatHold, latePayment = late };
            announced.Add(new(await merchant.Publish("group-buy", $"Group of {size}", sku, rules, Announced), size, seatHold * 60));
        }

        campaigns = announced;
    }

    private async Task Visit(Visits<RushAct> visits, Rush rush, int visit, TimeSpan due, CancellationToken stop)
    {
        var chance = Seeds.Of(options.Seed, 1_000 + visit);
        var (who, quantity) = (people[chance.Next(people.Count)], chance.Next(1, 3));
        Purchase? seat = null;
        if (visit % (1 + JoinersPerRoom) == 0 && visit / (1 + JoinersPerRoom) is var founded && founded < rush.Rooms)
        {
            try
            {
                seat = await Take(RushAct.Found, campaigns[founded % campaigns.Count], "/v1/group-rooms", new { campaignId = campaigns[founded % campaigns.Count].Id, quantity });
            }
            finally
            {
                rush.Tell(founded, seat?.Room);
            }
        }
        else
        {
            var wanted = rush.Choose(chance);
            if (await rush.Hear(wanted, stop) is not { } room) return;
            if (visits.Elapsed > due) due = visits.Elapsed;
            seat = await Take(RushAct.Join, campaigns[wanted % campaigns.Count], $"/v1/group-rooms/{room}/seats", new { quantity });
            if (seat is not null && seat.Room != room) Findings.Add(Wrong.Other, $"{who.Id} joined room {room} and sits in {seat.Room}.");
        }

        if (seat is null) return;
        await Think();

        // Most pay; some exactly when the seat or the room runs out, a little before or after; some never.
        var (delay, dice) = (0, chance.Next(100));
        if (dice >= 92) return;
        if (dice >= 75) delay = (dice < 84 ? TtlSeconds : campaigns.Single(c => c.Id == seat.Campaign).SeatHoldSeconds) + chance.Next(-2, 3);
        await Pay(seat, delay, ask => visits.Timed(RushAct.Pay, due, ask));
        if (delay > 0 || chance.Next(12) > 0) return;
        await Think();
        seat.SeenCancelled = (await visits.Timed(RushAct.Leave, due, () => Client.Post($"/v1/orders/{seat.Id}/cancellations", new { reason = "changed my mind" }, who))).IsSuccess;

        async Task Think() => due = await visits.Think(chance);

        // A double tap is one request sent twice at once: whoever is answered twice has one order.
        async Task<Purchase?> Take(RushAct act, Offered campaign, string path, object body)
        {
            Task<Reply> Tap(RushAct how) => visits.Timed(how, due, () => Client.Post(path, body, who, $"rush-{visit}"));
            var taps = chance.NextDouble() < DoubleTaps ? await Task.WhenAll(Tap(RushAct.DoubleTap), Tap(RushAct.DoubleTap)) : [await Tap(act)];
            foreach (var refused in taps.Where(t => !t.IsSuccess)) refusals.AddOrUpdate(refused.Code, 1, (_, seen) => seen + 1);
            var taken = taps.Where(t => t.IsSuccess).Select(t => new Purchase(who, System.Text.Json.JsonSerializer.Deserialize<OrderView>(t.Body.GetProperty("order"), ShopClient.Json)!, campaign.Id, t.Body.GetProperty("room").GetProperty("id").GetString())).DistinctBy(p => p.Id).ToList();
            if (taken.Count > 1) Findings.Add(Wrong.Doubled, $"{who.Id} tapped once with two thumbs and has two orders, the first is {taken[0].Id}.");
            foreach (var purchase in taken) seats.Add(purchase);
            return taken.FirstOrDefault();
        }
    }

    /// <param name="start">plays the request that starts the payment</param>
    private async Task Pay(Purchase seat, int delaySeconds, Func<Func<Task<Reply>>, Task<Reply>> start)
    {
        var started = await start(() => Client.Post($"/v1/orders/{seat.Id}/payments", null, seat.Buyer));
        if (!started.IsSuccess) return;
        var paid = await Client.Post($"/sandbox/payments/{started.Body.GetProperty("paymentId").GetString()}/pay", new { delaySeconds, repeat = delaySeconds % 3 });
        seat.MoneyGiven = paid.IsSuccess;
    }

    // The clock goes by single seconds where seats, rooms and payments fall due together, and people go on acting while it does.
    private async Task Expire()
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
                var late = seats.Where(t => !t.MoneyGiven).Take(2).ToList();
                await Task.WhenAll([Advance(seconds), .. late.Select(t => Pay(t, 0, ask => ask()))]);
            }
        }

        if (await Now() < begin) Findings.Add(Wrong.Lost, "The clock went back.");
    }

    // So many of the calls that are to come fail that it is the wanted part of all.
    private async Task FailRefunds()
    {
        var calls = seats.Count(t => t.MoneyGiven) / 4;
        var failures = Math.Min(FailuresMax, (calls * options.RefundsFailingPercent / (100 - options.RefundsFailingPercent)) + 1);
        Merchant.Require(await Client.Post("/sandbox/refund-faults", new { failures }));
    }

    private async Task Heal()
    {
        Merchant.Require(await Client.Post("/sandbox/refund-faults", new { failures = 0 }));
        for (var minutes = 0; minutes < 180; minutes += 6) await Advance(360);
    }

    private async Task<string> Audit()
    {
        var orders = new PurchaseAudit(Client, Findings);
        await Each(seats, seat => orders.Order(seat, settled: true));
        await orders.Units(sku, StockUnits, [.. campaigns.Select(c => new UnitOffer(c.Id, Quota, UnitsPerBuyer))], seats);
        var rooms = seats.Select(s => s.Room!).ToHashSet(StringComparer.Ordinal);
        var states = await new RoomAudit(Client, Findings, SizeOf).AllOver(people, seats, rooms);
        var (members, never) = (seats.Count(t => t.State == OrderStatus.Paid), seats.Count(t => !t.MoneyGiven));
        var (refunded, ended) = (seats.Count - members - never, states.Values.Sum());
        var limbo = (await Client.Get("/merchant/v1/limbo")).Body.GetProperty("items").GetArrayLength();
        if (limbo > 0) Findings.Add(Wrong.Other, $"{limbo} amounts are in limbo after the gateway healed.");

        return string.Create(CultureInfo.InvariantCulture, $"{ended} rooms ({string.Join(", ", states.OrderBy(s => s.Key).Select(s => $"{s.Value} {s.Key}"))}), {ended - rooms.Count} of them founded by late money; {seats.Count} seats: {members} members of completed rooms, {refunded} fully refunded once, {never} never paid, {seats.Count(s => s.SeenCancelled)} left; refused {string.Join(", ", refusals.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Value} {r.Key}"))};");
    }

    private int SizeOf(string campaign) => campaigns.Single(c => c.Id == campaign).Size;

    private async Task<DateTimeOffset> Now() => (await Client.Get("/sandbox/clock")).Body.GetProperty("now").GetDateTimeOffset();

    private async Task Advance(int seconds) => Merchant.Require(await Client.Post("/sandbox/clock", new { advanceSeconds = seconds }));

    private static Task Each<T>(IEnumerable<T> items, Func<T, Task> act) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (item, _) => await act(item));

    private sealed record Offered(string Id, int Size, int SeatHoldSeconds);

    /// <summary>The rooms that are to be founded, how popular each will be, and their ids once they have one.</summary>
    private sealed class Rush
    {
        private readonly Zipf popularity;
        private readonly int[] byRank;
        private readonly TaskCompletionSource<string?>[] ids;

        public Rush(int rooms, double skew, int seed)
        {
            popularity = new(rooms, skew);
            byRank = [.. Enumerable.Range(0, rooms)];
            Seeds.Of(seed, 0).Shuffle(byRank);
            ids = [.. byRank.Select(_ => new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously))];
        }

        public int Rooms => ids.Length;

        public int Choose(Random chance) => byRank[popularity.Draw(chance)];

        /// <param name="id">null if it was not founded</param>
        public void Tell(int room, string? id) => ids[room].SetResult(id);

        public Task<string?> Hear(int room, CancellationToken stop) => ids[room].Task.WaitAsync(stop);
    }
}
