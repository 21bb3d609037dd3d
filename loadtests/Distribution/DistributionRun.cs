using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Campaigns.Grains.Distributor;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Distribution;

/// <summary>
/// A shop with many distributors and commissions, served by the real program: how long an earnings page takes, whether it says what was earned,
/// and whether a binding costs the same at the top and at the bottom of a long chain.
/// </summary>
internal sealed class DistributionRun(DistributionSize size, int seed, string? kept, TextWriter output) : IDisposable
{
    private const int People = 300;
    private const int Rounds = 4;
    private const int Bindings = 100;
    private const int AtOnce = 8;
    private const double EarningsPageMaxMs = 50;
    private const string Earnings = "/v1/me/commissions";
    private static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(60);

    private readonly string data = kept ?? Directory.CreateTempSubdirectory("campaigns-distribution-").FullName;
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly Findings findings = new();
    private ServerProcess? server;
    private ShopClient client = null!;
    private CancellationToken stopped;

    public async Task<int> Play(CancellationToken stop)
    {
        stopped = stop;
        var shop = new DistributionShop(size, seed, Say);
        if (File.Exists(Path.Combine(data, "journal.db"))) Say($"what is in {data} is used");
        else await shop.Fill(data, stop);
        Say(string.Create(CultureInfo.InvariantCulture, $"journal: {Megabytes("journal.db*"):N0} MB"));

        var watch = Stopwatch.StartNew();
        server = new(ServerProcess.FindProgram(), data, http) { Unlimited = true };
        server.Start();
        await server.WhenReady(stop);
        client = new(http, () => server.Address, findings, stop);
        Say(string.Create(CultureInfo.InvariantCulture, $"the server is ready after {watch.Elapsed.TotalSeconds:0.0} s"));
        await CatchUp();

        var earned = shop.Earned();
        var people = await SignIn(earned);
        var deep = await Walk(people[0], earned[0].Sales);
        await Pages(people, deep);
        await Bind();

        server.Terminate();
        if (await server.WhenEnded(stop) is not 0 and var code) findings.Add(Wrong.Other, $"The server ended with {code}.");
        await CheckBooks();
        foreach (var words in findings.Words) Say(words);
        Say(findings.IsEmpty ? "distribution: the goals are met and the books are right" : $"distribution: {findings.Words.Count()} things are wrong");
        return findings.IsEmpty ? 0 : 1;
    }

    public void Dispose()
    {
        server?.Dispose();
        http.Dispose();
        if (kept is null) Directory.Delete(data, recursive: true);
    }

    private async Task CatchUp()
    {
        var (watch, said) = (Stopwatch.StartNew(), TimeSpan.Zero);
        for (; await Metric("campaigns_projection_lag_flushes") is > 0 and var lag; await Task.Delay(100, stopped))
        {
            if (await Metric("campaigns_projection_failed") != 0) throw new InvalidOperationException("The read models have stopped following.");
            if (watch.Elapsed - said < TimeSpan.FromSeconds(20)) continue;
            said = watch.Elapsed;
            Say(string.Create(CultureInfo.InvariantCulture, $"      lists are {lag:N0} flushes behind after {said.TotalSeconds:0} s"));
        }

        var (took, memory) = (watch.Elapsed.TotalSeconds, await Metric("process_resident_memory_bytes") / 1e6);
        Say(string.Create(CultureInfo.InvariantCulture, $"lists have caught up after another {took:0.0} s: {Megabytes("projections.db*"):N0} MB; the server has {memory:N0} MB of memory"));
    }

    /// <summary>Distributors spread over the whole shop, the one who sells most first; each must see the balance that was earned.</summary>
    private async Task<List<Person>> SignIn((long Fen, int Sales)[] earned)
    {
        var numbers = Enumerable.Range(0, People).Select(i => (int)((long)i * size.Distributors / People)).ToList();
        var people = numbers.Select(n => new Person(DistributionShop.NameOf(n)) { Id = DistributionShop.IdOf(DistributionShop.NameOf(n)).ToString() }).ToList();
        foreach (var (number, person) in numbers.Zip(people))
        {
            await client.SignIn(person);
            var pending = (await Get(Earnings, person)).GetProperty("balance").GetProperty("pendingFen").GetInt64();
            if (pending != earned[number].Fen) findings.Add(Wrong.Lost, $"{person.Name} earned {earned[number].Fen} fen, and the earnings page says {pending}.");
        }

        Say($"{People} distributors signed in; the balance of each is what they earned; the one who sells most has {earned[0].Sales:N0} sales");
        return people;
    }

    /// <summary>Reads a whole list page by page.</summary>
    /// <returns>where each page but the first begins</returns>
    private async Task<List<string>> Walk(Person who, int sales)
    {
        var (cursors, ids) = (new List<string>(), new HashSet<string>(StringComparer.Ordinal));
        do
        {
            var page = await Get($"{Earnings}?limit=100{(cursors.Count == 0 ? "" : $"&cursor={cursors[^1]}")}", who);
            foreach (var item in page.GetProperty("items").EnumerateArray()) ids.Add(item.GetProperty("id").GetString()!);
            if (!page.TryGetProperty("nextCursor", out var next) || next.GetString() is not { } cursor) break;
            cursors.Add(cursor);
        }
        while (true);

        if (ids.Count != sales) findings.Add(Wrong.Lost, $"{who.Name} made {sales} sales and the list has {ids.Count}.");
        return cursors;
    }

    private async Task Pages(List<Person> people, List<string> deep)
    {
        var big = people[0];
        var p99 = await Timed("earnings, first page", i => Get(Earnings, people[i % People]));
        if (p99 >= EarningsPageMaxMs) findings.Add(Wrong.Late, string.Create(CultureInfo.InvariantCulture, $"The p99 of the earnings page is {p99:0.0} ms, {EarningsPageMaxMs} or more."));
        await Timed("earnings of who sells most, first page", _ => Get(Earnings, big));
        p99 = await Timed("earnings of who sells most, anywhere in the list, 100 items", i => Get($"{Earnings}?limit=100&cursor={deep[i * 7 % deep.Count]}", big));
        if (p99 >= EarningsPageMaxMs) findings.Add(Wrong.Late, string.Create(CultureInfo.InvariantCulture, $"The p99 of a page deep in the earnings is {p99:0.0} ms, {EarningsPageMaxMs} or more."));
        await Timed("statement of the ledger, first page", i => Get("/v1/me/ledger", people[i % People]));
        await Timed("leaderboard of the month, 100 leaders", _ => Get("/merchant/v1/distribution/leaderboard", null));
    }

    /// <summary>One after another, then <see cref="AtOnce"/> at a time.</summary>
    /// <returns>the larger p99 of the two, in milliseconds</returns>
    private async Task<double> Timed(string what, Func<int, Task> request)
    {
        for (var i = 0; i < People; i++) await request(i); // compiled and in the page cache, as on a server that has run for a while
        var p99 = 0.0;
        foreach (var atOnce in (int[])[1, AtOnce])
        {
            var times = new double[Rounds * People];
            await Parallel.ForAsync(0, times.Length, new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = stopped }, async (i, _) =>
            {
                var since = Stopwatch.GetTimestamp();
                await request(i);
                times[i] = Stopwatch.GetElapsedTime(since).TotalMilliseconds;
            });
            Array.Sort(times);
            p99 = Math.Max(p99, times[times.Length * 99 / 100]);
            Say($"{what}, {atOnce} at once: {Quantiles(times)}");
        }

        return p99;
    }

    /// <summary>New shoppers are bound at both ends of the chain, one after another; the engine must do the same work for each.</summary>
    private async Task Bind()
    {
        var costs = new List<(double Decisions, double Facts)>();
        await BindTo(0, 20, "warm", toSay: null); // compiles the way
        foreach (var (link, where) in ((int, string)[])[(0, "top"), (size.Chain - 1, "bottom")]) costs.Add(await BindTo(link, Bindings, where, toSay: where));
        if (costs[0] != costs[1]) findings.Add(Wrong.Other, $"A binding costs {costs[0]} decisions and facts at the top of the chain and {costs[1]} at its bottom.");
    }

    private async Task<(double Decisions, double Facts)> BindTo(int link, int count, string names, string? toSay)
    {
        var code = PromotionCode.Of(DistributionShop.IdOf(DistributionShop.NameInChain(link)));
        var buyers = Enumerable.Range(0, count).Select(i => new Person($"{names}{i}")).ToList();
        foreach (var buyer in buyers) await client.SignIn(buyer);
        var (before, times) = (await Work(), new double[count]);
        for (var i = 0; i < count; i++)
        {
            var since = Stopwatch.GetTimestamp();
            var bound = await client.Post("/v1/me/promoter", new { code }, buyers[i]);
            times[i] = Stopwatch.GetElapsedTime(since).TotalMilliseconds;
            if (!bound.IsSuccess) findings.Add(Wrong.Other, $"A binding to link {link} of the chain was answered {bound.Status} {bound.Code}.");
        }

        var after = await Work();
        var cost = ((after.Decisions - before.Decisions) / count, (after.Facts - before.Facts) / count);
        Array.Sort(times);
        if (toSay is not null) Say(string.Create(CultureInfo.InvariantCulture, $"bindings at the {toSay} of a chain of {size.Chain:N0}: {Quantiles(times)}; each {cost.Item1:0.##} decisions and questions of the engine, {cost.Item2:0.##} facts"));
        return cost;
    }

    /// <summary>What the engine has done so far, once nothing is on its way.</summary>
    private async Task<(double Decisions, double Facts)> Work()
    {
        for (var since = Stopwatch.StartNew(); await Metric("campaigns_messages_in_flight") + await Metric("campaigns_commands_queued") > 0; await Task.Delay(10, stopped))
            if (since.Elapsed > SettleMax) throw new InvalidOperationException("The engine does not come to rest.");
        return (await Metric("campaigns_commands_total"), await Metric("campaigns_events_total"));
    }

    /// <summary>All ledgers, bindings and distributors must be right. The sales have no orders, and the check must say just that of each, and nothing else.</summary>
    private async Task CheckBooks()
    {
        var watch = Stopwatch.StartNew();
        var (wrong, listed) = await server!.CheckAll();
        foreach (var finding in listed.Where(f => !f.EndsWith(DistributionShop.NoOrder, StringComparison.Ordinal))) findings.Add(Wrong.Other, finding);
        if (wrong != size.Entries) findings.Add(Wrong.Other, $"The book check found {wrong} things; {size.Entries} sales have no order.");
        Say(string.Create(CultureInfo.InvariantCulture, $"book check in {watch.Elapsed.TotalSeconds:0} s: {wrong:N0} findings, for {size.Entries:N0} sales without an order one each"));
    }

    private async Task<JsonElement> Get(string path, Person? who)
    {
        var reply = await client.Get(path, who);
        return reply.IsSuccess ? reply.Body : throw new InvalidOperationException($"{path} was answered {reply.Status} {reply.Code}.");
    }

    private async Task<double> Metric(string name)
    {
        var text = await http.GetStringAsync(new Uri(server!.OpsAddress, "/metrics"), stopped);
        var line = text.Split('\n').Single(l => l.StartsWith($"{name} ", StringComparison.Ordinal));
        return double.Parse(line.AsSpan(name.Length + 1), CultureInfo.InvariantCulture);
    }

    private double Megabytes(string files) => Directory.GetFiles(data, files).Sum(f => new FileInfo(f).Length) / 1e6;

    private static string Quantiles(double[] sorted) =>
        string.Create(CultureInfo.InvariantCulture, $"median {sorted[sorted.Length / 2]:0.0} ms, p99 {sorted[sorted.Length * 99 / 100]:0.0} ms, slowest {sorted[^1]:0.0} ms");

    private void Say(string words) => output.WriteLine(words);
}
