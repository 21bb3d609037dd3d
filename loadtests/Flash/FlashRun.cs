using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Campaigns.Grains.Order;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Flash;

/// <summary>
/// Everybody taps twice at once, or once in the first second over a number of connections; then some pay, some cancel, some let their hold run out and pay late; what came back is sold again. After each
/// step the units that are left, held and sold must be exactly what the answers said.
/// </summary>
internal sealed class FlashRun(int buyers, int units, int seed, int? connections, TextWriter output) : IDisposable
{
    public const int ConnectionsUsual = 256;

    private const int AtOnce = 500;
    private const int HoldSeconds = 600;
    private const int SalePriceFen = 5_900;
    private static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(60);

    private readonly string data = Directory.CreateTempSubdirectory("campaigns-flash-").FullName;
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 512 }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly Random chance = new(seed);
    private ServerProcess? server;
    private ShopClient client = null!;
    private string sku = "";
    private string sale = "";
    private CancellationToken stopped;

    /// <summary>What does not add up.</summary>
    public Findings Findings { get; } = new();

    public async Task<FlashOutcome> Play(CancellationToken stop)
    {
        stopped = stop;
        server = new(ServerProcess.FindProgram(), data, http) { Unlimited = true };
        server.Start();
        await server.WhenReady(stop);
        client = new(http, () => server.Address, Findings, stop);
        (sku, sale) = await Open(units);
        var people = Enumerable.Range(0, buyers).Select(i => new Person($"buyer{i}")).ToList();
        await (connections is null ? Each(people, client.SignIn) : SignInQuickly(people, connections.Value));
        Say($"{buyers} buyers signed in; {units} units at {SalePriceFen} fen, one for each buyer");

        var (outcome, holders) = connections is null ? await Rush(people) : await OpenLoop(people, connections.Value);
        await Expect(left: 0, reserved: units, onHand: 2 * units, "after the rush");
        var (paid, lapsed) = await PayOrCancel(holders);
        await SellTheRest([.. people.Except(holders.Select(h => h.Buyer))], paid, holders, lapsed);

        server.Kill();
        foreach (var wrong in await server.Check()) Findings.Add(Wrong.Other, wrong);
        foreach (var words in Findings.Words) Say(words);
        Say(Findings.IsEmpty ? "flash: the account is exact" : $"flash: {Findings.Words.Count()} things are wrong");
        return outcome;
    }

    public void Dispose()
    {
        server?.Dispose();
        http.Dispose();
        Directory.Delete(data, recursive: true);
    }

    private async Task<(string Sku, string Sale)> Open(int quota)
    {
        var merchant = new Merchant(client);
        var of = await merchant.AddSku("Flash cake", 2 * quota);
        return (of, await merchant.Publish("flash-sale", "Flash", of, new { salePriceFen = SalePriceFen, quota, perUserLimit = 1, holdSeconds = HoldSeconds }, days: 1));
    }

    private async Task SignInQuickly(List<Person> people, int over)
    {
        var heard = await Play([.. people.Select(p => RequestTo("/v1/sessions", null, $$"""{"shopId":"demo","code":"dev:{{p.Name}}"}"""))], over, TimeSpan.Zero);
        foreach (var (person, session) in people.Zip(heard.Select(h => h.Body))) (person.Id, person.Token) = (session.GetProperty("shopperId").GetString()!, session.GetProperty("token").GetString());
    }

    /// <summary>Every buyer taps once, all of them within the first second, after a rehearsal of the same size at another sale.</summary>
    private async Task<(FlashOutcome Outcome, List<Purchase> Holders)> OpenLoop(List<Person> people, int over)
    {
        var (_, rehearsal) = await Open(units);
        await Play([.. people.Select(p => TakeAt(rehearsal, p))], over, TimeSpan.FromSeconds(1));

        using var process = Process.GetProcessById(server!.Id);
        var (servers, own) = (process.TotalProcessorTime, Environment.CpuUsage.TotalTime);
        var watch = Stopwatch.StartNew();
        var heard = await Play([.. people.Select(p => TakeAt(sale, p))], over, TimeSpan.FromSeconds(1));
        var took = watch.Elapsed.TotalSeconds;
        process.Refresh();
        (servers, own) = (process.TotalProcessorTime - servers, Environment.CpuUsage.TotalTime - own);

        var holders = people.Zip(heard).Where(h => h.Second.Status == 201).Select(h => new Purchase(h.First, h.Second.Body.Deserialize<OrderView>(ShopClient.Json)!, sale)).ToList();
        var refused = heard.Where(h => h.Status != 201).CountBy(h => h.Body.GetProperty("code").GetString()!, StringComparer.Ordinal).ToList();
        var (first, final) = (heard.Select(h => h.FirstMs).Order().ToList(), heard.Select(h => h.FinalMs).Order().ToList());
        Say(string.Create(CultureInfo.InvariantCulture, $"opening: {heard.Count} taps scheduled in one second over {over} connections, all answered after {took:0.00} s; {holders.Count} holds, refused {string.Join(", ", refused.Select(r => $"{r.Value} {r.Key}"))}, told to come back {heard.Sum(h => h.SentAway)} times"));
        Say($"      first answer: {Quantiles(first)}; final answer: {Quantiles(final)}; of those who hold a unit: {Quantiles([.. heard.Where(h => h.Status == 201).Select(h => h.FinalMs).Order()])}");
        Say(string.Create(CultureInfo.InvariantCulture, $"      processor: server {servers.TotalSeconds:0.00} s, generator {own.TotalSeconds:0.00} s, of {took * Environment.ProcessorCount:0.00} s"));
        if (holders.Count != units) Findings.Add(Wrong.Leaked, $"{holders.Count} buyers hold a unit and there are {units}.");
        foreach (var (code, _) in refused.Where(r => r.Key != "SoldOut")) Findings.Add(Wrong.Other, $"A tap was refused {code}.");
        return (new(heard.Count, holders.Count, final[^1]), holders);
    }

    // On a thread of its own: it never waits for anything but sockets.
    private Task<IReadOnlyList<Heard>> Play(IReadOnlyList<byte[]> requests, int over, TimeSpan within) =>
        Task.Factory.StartNew(() => new Opening(new(IPAddress.Loopback, server!.Address.Port), requests, over).Play(within, stopped), stopped, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private byte[] TakeAt(string campaign, Person buyer) => RequestTo($"/v1/flash-sales/{campaign}/orders", buyer, """{"quantity":1}""");

    private byte[] RequestTo(string path, Person? who, string body) => Encoding.ASCII.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: {server!.Address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n{(who is null ? "" : $"Authorization: Bearer {who.Token}\r\nIdempotency-Key: opening\r\n")}\r\n{body}");

    private static string Quantiles(List<double> sorted) => string.Create(CultureInfo.InvariantCulture, $"median {sorted[sorted.Count / 2]:0} ms, p99 {sorted[sorted.Count * 99 / 100]:0} ms, slowest {sorted[^1]:0} ms");

    /// <summary>Every buyer taps twice with the same key, all at once.</summary>
    private async Task<(FlashOutcome Outcome, List<Purchase> Holders)> Rush(List<Person> people)
    {
        var (holders, refused, waits) = (new ConcurrentBag<Purchase>(), new ConcurrentDictionary<string, int>(StringComparer.Ordinal), new ConcurrentBag<double>());
        var watch = Stopwatch.StartNew();
        await Each(people, async buyer =>
        {
            var since = Stopwatch.GetTimestamp();
            var taps = await Task.WhenAll(Take(buyer, "rush"), Take(buyer, "rush"));
            waits.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
            var orders = taps.Where(t => t.IsSuccess).Select(t => new Purchase(buyer, t.As<OrderView>(), sale)).DistinctBy(o => o.Id).ToList();
            if (orders.Count > 1) Findings.Add(Wrong.Doubled, $"{buyer.Name} tapped twice and has {orders.Count} orders.");
            foreach (var order in orders) holders.Add(order);
            foreach (var tap in taps.Where(t => !t.IsSuccess)) refused.AddOrUpdate(tap.Code, 1, (_, n) => n + 1);
        });

        var sorted = waits.Order().ToList();
        Say(string.Create(CultureInfo.InvariantCulture, $"rush: {2 * buyers} taps in {watch.Elapsed.TotalSeconds:0.0} s, {AtOnce} buyers at a time; {holders.Count} holds, refused {string.Join(", ", refused.Select(r => $"{r.Value} {r.Key}"))}"));
        Say($"      every buyer answered: {Quantiles(sorted)}");
        if (sorted.Count != buyers) Findings.Add(Wrong.Lost, $"{sorted.Count} of {buyers} buyers were answered.");
        if (holders.Count != units) Findings.Add(Wrong.Leaked, $"{holders.Count} buyers hold a unit and there are {units}.");
        foreach (var code in refused.Keys.Where(c => c is not ("SoldOut" or "PurchaseLimit"))) Findings.Add(Wrong.Other, $"A tap was refused {code}.");
        return (new(sorted.Count, holders.Count, sorted[^1]), [.. holders.OrderBy(h => h.Buyer.Name, StringComparer.Ordinal)]);
    }

    /// <summary>Some pay, some cancel, the others start a payment and let the hold run out.</summary>
    private async Task<(int Paid, List<Purchase> Lapsed)> PayOrCancel(List<Purchase> holders)
    {
        var fates = holders.GroupBy(_ => chance.Next(3)).ToDictionary(g => g.Key, g => g.ToList());
        List<Purchase> payers = fates.GetValueOrDefault(0, []), cancellers = fates.GetValueOrDefault(1, []), lapsed = fates.GetValueOrDefault(2, []);
        await Each([.. payers, .. lapsed], async holder => holder.PaymentId = Require(await client.Post($"/v1/orders/{holder.Id}/payments", null, holder.Buyer)).Body.GetProperty("paymentId").GetString()!);
        await Task.WhenAll(
            Each(payers, Pay),
            Each(cancellers, async holder => Require(await client.Post($"/v1/orders/{holder.Id}/cancellations", null, holder.Buyer))));
        await Expect(cancellers.Count, units - payers.Count, (2 * units) - payers.Count, "after payments and cancellations");
        await Pass(HoldSeconds + 1);
        await Expect(cancellers.Count + lapsed.Count, units - payers.Count, (2 * units) - payers.Count, "after the holds ran out");
        Say($"      {payers.Count} paid, {cancellers.Count} cancelled, {lapsed.Count} let it run out; {cancellers.Count + lapsed.Count} units are left again");
        return (payers.Count, lapsed);
    }

    /// <summary>Half of the late money finds a unit; then others buy the rest; the other half goes back.</summary>
    private async Task SellTheRest(List<Person> others, int paid, List<Purchase> holders, List<Purchase> lapsed)
    {
        var (inTime, tooLate) = (lapsed[..(lapsed.Count / 2)], lapsed[(lapsed.Count / 2)..]);
        await Each([.. inTime, .. inTime], Pay);
        paid += inTime.Count;
        await Expect(units - paid, units - paid, (2 * units) - paid, "after late money");
        await Each(inTime, holder => See(holder, "Paid", refunds: 0));

        var again = new ConcurrentBag<Purchase>();
        await Each(others[..Math.Min(others.Count, 2 * units)], async buyer =>
        {
            if (await Take(buyer, "again") is { IsSuccess: true } taken) again.Add(new(buyer, taken.As<OrderView>(), sale));
        });
        if (again.Count != units - paid) Findings.Add(Wrong.Leaked, $"{units - paid} units were left and {again.Count} were sold.");
        await Expect(0, units - paid, (2 * units) - paid, "after the rest was sold");

        await Each(tooLate, Pay);
        await Each(tooLate, holder => See(holder, "TimedOut", refunds: 1));
        await Expect(0, units - paid, (2 * units) - paid, "after money that came too late");
        await Audit([.. holders, .. again], settled: false);
        await Pass(3 * 24 * 60 * 60);
        await Eventually("the end", async () => (await Stock()) == ((2 * units) - paid, 0) && (await client.Get($"/merchant/v1/campaigns/{sale}")).Body.GetProperty("state").GetString() == "Settled");
        await Audit([.. holders, .. again], settled: true);
        Say($"      {inTime.Count} late payments took again, {again.Count} units went to others, {tooLate.Count} late payments went back; at the end {paid} sold, {(2 * units) - paid} in stock, none held");
    }

    // Once the campaign is settled its units are no longer its own: they are counted before.
    private async Task Audit(IReadOnlyList<Purchase> orders, bool settled)
    {
        var audit = new PurchaseAudit(client, Findings);
        await Each(orders, order => audit.Order(order, settled));
        if (!settled) await audit.Units(sku, 2L * units, [new(sale, units, PerUserLimit: 1)], orders);
    }

    private Task<Reply> Take(Person buyer, string key) => client.Post($"/v1/flash-sales/{sale}/orders", new { quantity = 1 }, buyer, key);

    private async Task Pay(Purchase holder)
    {
        Require(await client.Post($"/sandbox/payments/{holder.PaymentId}/pay", null));
        holder.MoneyGiven = true;
    }

    private Task See(Purchase holder, string state, int refunds) => Eventually($"order {holder.Id} {state}", async () =>
    {
        var order = (await client.Get($"/v1/orders/{holder.Id}", holder.Buyer)).Body;
        return order.GetProperty("state").GetString() == state && order.GetProperty("refunds").GetArrayLength() == refunds;
    });

    private Task Expect(int left, int reserved, int onHand, string when) => Eventually($"{when}: {left} left, {reserved} reserved, {onHand} on hand", async () =>
        (await client.Get($"/merchant/v1/campaigns/{sale}")).Body.GetProperty("quota").GetProperty("left").GetInt32() == left && await Stock() == (onHand, reserved));

    private async Task<(int OnHand, int Reserved)> Stock()
    {
        var stock = (await client.Get($"/merchant/v1/skus/{sku}")).Body.GetProperty("stock");
        return (stock.GetProperty("onHand").GetInt32(), stock.GetProperty("reserved").GetInt32());
    }

    // Callbacks and messages are on their way for a moment.
    private async Task Eventually(string what, Func<Task<bool>> isSo)
    {
        for (var since = Stopwatch.StartNew(); since.Elapsed < SettleMax; await Task.Delay(50, stopped))
            if (await isSo()) return;
        Findings.Add(Wrong.Leaked, $"This did not come true: {what}; the stock is {await Stock()}.");
    }

    private async Task Pass(int seconds) => Require(await client.Post("/sandbox/clock", new { advanceSeconds = seconds }));

    private Task Each<T>(IEnumerable<T> of, Func<T, Task> act) => Parallel.ForEachAsync(of, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stopped }, async (one, _) => await act(one));

    private static Reply Require(Reply reply) => reply.IsSuccess ? reply : throw new InvalidOperationException($"Refused: {reply.Status} {reply.Body}");

    private void Say(string words) => output.WriteLine(words);
}
