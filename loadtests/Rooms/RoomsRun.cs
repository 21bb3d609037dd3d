using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Campaigns.Grains.Order;
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

/// <summary>
/// A crowd founds rooms, races for the last seats, pays at once, at the very instant of expiry or late, and leaves, while the gateway fails
/// to refund. When it has recovered, each one who paid must be a member of a completed room or have all the money back, once.
/// </summary>
internal sealed class RoomsRun : IDisposable
{
    private const int Size = 3;
    private const int TtlSeconds = 3_600;
    private const int UnitsPerBuyer = 10_000;
    private const int Racers = 5;
    private const long StockUnits = 1_000_000;
    private const int FailuresMax = 1_000;
    private const int Parallel = 24;

    private readonly RoomsOptions options;
    private readonly string data = Directory.CreateTempSubdirectory("campaigns-rooms-").FullName;
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource stop = new();
    private readonly Findings findings = new();
    private readonly ConcurrentBag<Purchase> tickets = [];
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

        await Each(Enumerable.Range(0, options.Rooms), number => Room(campaigns[number % campaigns.Count], Seeds.Of(options.Seed, number)));
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
            var rules = new { groupPriceFen = 7_900, leaderPriceFen = 6_900, size = Size, ttlMinutes = TtlSeconds / 60, quota = 100_000, perUserLimit = UnitsPerBuyer, seatHoldMinutes = seatHold, latePayment = late };
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
        var founded = await Take(campaign, crowd[0], "/v1/group-rooms", new { campaignId = campaign.Id, quantity = chance.Next(1, 3) });
        if (founded is null) return;
        rooms.Add(founded.Room!);
        var wants = crowd.Skip(1).Take(chance.Next(1, Racers + 1)).Select(p => (Person: p, Quantity: chance.Next(1, 3))).ToList();
        var taken = await Task.WhenAll(wants.Select(w => Take(campaign, w.Person, $"/v1/group-rooms/{founded.Room}/seats", new { quantity = w.Quantity })));
        if (taken.Count(t => t is not null) > Size - 1) findings.Add(Wrong.Doubled, $"{taken.Count(t => t is not null)} joined room {founded.Room}, which has {Size} seats.");

        foreach (var ticket in taken.Prepend(founded).OfType<Purchase>())
        {
            // Most pay; some exactly when the seat or the room runs out, a little before or after; some never.
            var (delay, dice) = (0, chance.Next(100));
            if (dice >= 92) continue;
            if (dice >= 60) delay = (dice < 76 ? TtlSeconds : campaign.SeatHoldSeconds) + chance.Next(-2, 3);
            await Pay(ticket, delay);
            if (delay > 0 || chance.Next(12) > 0) continue;
            if ((await client.Post($"/v1/orders/{ticket.Id}/cancellations", new { reason = "changed my mind" }, ticket.Buyer)).IsSuccess) Interlocked.Increment(ref left);
        }
    }

    private async Task<Purchase?> Take(Offered campaign, Person who, string path, object body)
    {
        var reply = await client.Post(path, body, who, $"act-{Interlocked.Increment(ref acts)}");
        if (!reply.IsSuccess)
        {
            refusals.AddOrUpdate(reply.Code, 1, (_, seen) => seen + 1);
            return null;
        }

        var order = System.Text.Json.JsonSerializer.Deserialize<OrderView>(reply.Body.GetProperty("order"), ShopClient.Json)!;
        var ticket = new Purchase(who, order, campaign.Id, reply.Body.GetProperty("room").GetProperty("id").GetString());
        tickets.Add(ticket);
        return ticket;
    }

    private async Task Pay(Purchase ticket, int delaySeconds)
    {
        var started = await client.Post($"/v1/orders/{ticket.Id}/payments", null, ticket.Buyer);
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
        var orders = new PurchaseAudit(client, findings);
        await Each(tickets, ticket => orders.Order(ticket, settled: true));
        await orders.Units(sku, StockUnits, [.. campaigns.Select(c => new UnitOffer(c.Id, c.Quota, UnitsPerBuyer))], tickets);
        var states = await new RoomAudit(client, findings, Size).AllOver(people, tickets, rooms);
        var (members, never) = (tickets.Count(t => t.State == OrderStatus.Paid), tickets.Count(t => !t.MoneyGiven));
        var (refunded, ended) = (tickets.Count - members - never, states.Values.Sum());
        var limbo = (await client.Get("/merchant/v1/limbo")).Body.GetProperty("items").GetArrayLength();
        if (limbo > 0) findings.Add(Wrong.Other, $"{limbo} amounts are in limbo after the gateway healed.");

        return string.Create(CultureInfo.InvariantCulture, $"{ended} rooms ({string.Join(", ", states.OrderBy(s => s.Key).Select(s => $"{s.Value} {s.Key}"))}), {ended - rooms.Count} of them founded by late money; {tickets.Count} seats: {members} members of completed rooms, {refunded} fully refunded once, {never} never paid, {this.left} left; refused {string.Join(", ", refusals.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Value} {r.Key}"))}; {findings.Count(Wrong.Lost)} lost, {findings.Count(Wrong.Doubled)} doubled, {findings.Count(Wrong.Leaked)} leaked, {findings.Count(Wrong.Late)} late, {findings.Count(Wrong.Other)} otherwise wrong;");
    }

    private async Task<DateTimeOffset> Now() => (await client.Get("/sandbox/clock")).Body.GetProperty("now").GetDateTimeOffset();

    private async Task Advance(int seconds) => Require(await client.Post("/sandbox/clock", new { advanceSeconds = seconds }));

    private static Reply Require(Reply reply) => reply.IsSuccess ? reply : throw new InvalidOperationException($"The storm could not go on: {reply.Status} {reply.Body}");

    private static Task Each<T>(IEnumerable<T> items, Func<T, Task> act) =>
        System.Threading.Tasks.Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = Parallel }, async (item, _) => await act(item));

    private sealed record Offered(string Id, int SeatHoldSeconds, int Quota);
}
