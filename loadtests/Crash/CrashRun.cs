using System.Diagnostics;
using System.Globalization;
using Campaigns.Grains.Order;

namespace Campaigns.LoadTests.Crash;

/// <param name="Kills">how often the process is killed</param>
/// <param name="Seed">chooses who does what and when the process dies; the instants themselves are the machine's</param>
/// <param name="Workers">people who act at the same time</param>
/// <param name="Limit">the whole run takes no longer, the last check apart</param>
/// <param name="Program">the server; null finds the one that was built beside this program</param>
internal sealed record CrashOptions(int Kills, int Seed, int Workers, TimeSpan Limit, string? Program = null)
{
    public int People { get; init; } = 240;

    /// <summary>Bargains that run at the same time.</summary>
    public int RunningMax { get; init; } = 120;

    public TimeSpan BetweenKillsMax { get; init; } = TimeSpan.FromSeconds(3);
}

/// <summary>How a run ended.</summary>
internal sealed record CrashReport(int Kills, int DuringRecovery, long Acknowledged, long Unanswered, int Bargains, int Takes, int Seats, string Account, Findings Findings, TimeSpan Took, int Seed, IReadOnlyList<string> ServerLog)
{
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{Kills} kills, {Acknowledged} acknowledged, {Findings.Count(Wrong.Lost)} lost, {Findings.Count(Wrong.Doubled)} doubled, {Findings.Count(Wrong.Leaked)} leaked, {Findings.Count(Wrong.Late)} late deadlines, {Findings.Count(Wrong.Other)} otherwise wrong, {Took.TotalSeconds:0} seconds (seed {Seed}, of which kills during recovery {DuringRecovery}, {Bargains} bargains, {Account}, {Unanswered} requests cut off by a kill and sent again)");
}

/// <summary>
/// Kills the real process at random instants while people use it, starts it again on the same folder, and compares what it then says with
/// what it had acknowledged.
/// </summary>
internal sealed class CrashRun : IDisposable
{
    private const int DailyCap = 60;
    private static readonly TimeSpan QuietMax = TimeSpan.FromSeconds(60);

    private readonly CrashOptions options;
    private readonly Random chance;
    private readonly string data = Directory.CreateTempSubdirectory("campaigns-crash-").FullName;
    private readonly HttpClient http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10), PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5) }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource stop = new();
    private readonly Findings findings = new();
    private readonly Ledger ledger = new();
    private readonly ServerProcess server;
    private readonly ShopClient client;
    private readonly TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById("Asia/Shanghai");
    private int kills;
    private int duringRecovery;

    // What the last start took that nobody disturbed.
    private TimeSpan startTook = TimeSpan.FromSeconds(1);

    // How far the product's clock was ahead when it was last asked. It may be further by now, never less.
    private long clockAheadTicks;

    private CrashRun(CrashOptions options)
    {
        this.options = options;
        chance = new(options.Seed);
        server = new(options.Program ?? ServerProcess.FindProgram(), data, http);
        client = new(http, () => server.Address, findings, stop.Token);
    }

    /// <summary>How the clock moves around a kill.</summary>
    private enum ClockMove
    {
        None,

        /// <summary>The clock is moved and the process dies while it still handles what fell due.</summary>
        DuringTheKill,

        /// <summary>Time goes by while the process is down.</summary>
        WhileDown,

        /// <summary>The clock is moved by the first request after the start.</summary>
        AfterTheStart,
    }

    /// <param name="killed">called after each kill with their number</param>
    public static async Task<CrashReport> Play(CrashOptions options, Action<int> killed, CancellationToken cancellation)
    {
        using var run = new CrashRun(options);
        await using var registration = cancellation.Register(run.stop.Cancel);
        return await run.Play(killed);
    }

    public void Dispose()
    {
        stop.Cancel();
        server.Dispose();
        http.Dispose();
        stop.Dispose();
        Directory.Delete(data, recursive: true);
    }

    private async Task<CrashReport> Play(Action<int> killed)
    {
        var watch = Stopwatch.StartNew();
        server.Start();
        await server.WhenReady(stop.Token);
        await ReadClock();
        var people = Enumerable.Range(0, options.People).Select(i => new Person($"crash{options.Seed}.{i}")).ToList();
        var shop = await Shop.Open(client, chance, DailyCap, Now);
        await Parallel.ForEachAsync(people, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (person, _) => await client.SignIn(person));

        var checkout = new Checkout(client, ledger, findings);
        var buyers = new Buyers(client, ledger, findings, checkout, people, shop.Sales, shop.Groups);
        var crowd = new Crowd(client, ledger, findings, people, shop.Bargains, checkout, buyers, Now, options.RunningMax);
        var audit = new Audit(client, ledger, findings, people, shop, DailyCap, zone);
        var workers = Enumerable.Range(0, options.Workers).Select(w => Task.Run(() => crowd.Work(Seeds.Of(options.Seed, w), stop.Token))).ToList();
        try
        {
            while (kills < options.Kills && watch.Elapsed < options.Limit && findings.Count(Wrong.Other) < 20)
            {
                await Crash(crowd, audit, killed);
            }

            crowd.Pause();
            if (await Quiet(crowd))
            {
                await audit.Books(all: true, settled: false, Now());

                // Everything that still runs reaches its deadline: payment windows, bargains, and earned prices nobody orders.
                for (var hours = 0; hours < 26; hours += 2) await Advance(TimeSpan.FromHours(2));
                await audit.Books(all: true, settled: true, Now());
                await audit.NothingOpen();
            }
        }
        catch (ServerGone gone)
        {
            findings.Add(Wrong.Other, gone.Message);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(workers).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        // The same from the inside: killed once more, the journal itself must be in order.
        server.Kill();
        foreach (var wrong in await server.Check()) findings.Add(Wrong.Other, wrong);

        return new(kills, duringRecovery, ledger.Acknowledged, client.Unanswered, ledger.Deals.Count, ledger.Purchases.Count(p => p.Room is null), ledger.Purchases.Count(p => p.Room is not null), Account(ledger.Purchases, audit), findings, watch.Elapsed, options.Seed, findings.IsEmpty ? [] : server.Log);
    }

    // How the takes and the seats ended: a run in which nobody came late or was given back has not looked at much.
    private static string Account(ICollection<Purchase> purchases, Audit audit)
    {
        var (takes, seats) = (purchases.Where(p => p.Room is null).ToList(), purchases.Where(p => p.Room is not null).ToList());
        return string.Create(CultureInfo.InvariantCulture, $"{takes.Count} takes of flash sales ({Ends(takes)}), {seats.Count} seats ({Ends(seats)}) in {audit.RoomsEnded.Values.Sum()} rooms ({string.Join(", ", audit.RoomsEnded.OrderBy(r => r.Key).Select(r => $"{r.Value} {r.Key}"))})");
    }

    private static string Ends(List<Purchase> orders) =>
        string.Create(CultureInfo.InvariantCulture, $"{orders.Count(o => o.State == OrderStatus.Paid)} paid, {orders.Count(o => o.PaidLate)} of them late, {orders.Count(o => o.MoneyGiven && o.State != OrderStatus.Paid)} given back, {orders.Count(o => !o.MoneyGiven)} never paid");

    private async Task Crash(Crowd crowd, Audit audit, Action<int> killed)
    {
        crowd.Resume();
        await Task.Delay(Some(options.BetweenKillsMax), stop.Token);
        var move = chance.Next(20) switch { < 3 => ClockMove.DuringTheKill, < 7 => ClockMove.WhileDown, < 9 => ClockMove.AfterTheStart, _ => ClockMove.None };
        var by = chance.Next(10) switch { < 3 => TimeSpan.FromMinutes(61), < 6 => TimeSpan.FromMinutes(16), < 9 => TimeSpan.FromSeconds(chance.Next(1, 900)), _ => TimeSpan.FromHours(24) };

        var moving = move == ClockMove.DuringTheKill ? MoveOnce(by) : Task.CompletedTask;
        if (move == ClockMove.DuringTheKill) await Task.Delay(chance.Next(0, 25), stop.Token);
        Kill(killed);
        await moving;
        if (move == ClockMove.WhileDown) MoveWhileDown(by);

        await StartAgain(killed);
        if (move == ClockMove.AfterTheStart) await Advance(by);
        await ReadClock();
        if (move != ClockMove.None) await audit.Deadlines(Now(), stop.Token);

        crowd.Pause();
        if (await Quiet(crowd)) await audit.Books(all: false, settled: false, Now());
    }

    // Every second start is killed too, and the one after it: before it listens, while it replays, or just after it accepted its first command.
    private async Task StartAgain(Action<int> killed)
    {
        while (true)
        {
            server.Start();
            var watch = Stopwatch.StartNew();
            using var dead = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            var ready = server.WhenReady(dead.Token);
            if (chance.Next(2) == 0 || kills >= options.Kills)
            {
                await ready;
                startTook = watch.Elapsed;
                return;
            }

            var earliest = TimeSpan.FromMilliseconds(chance.Next(0, 300));
            await Task.Delay(chance.Next(2) == 0 ? earliest : startTook * (0.3 + 0.8 * chance.NextDouble()), stop.Token);
            if (ready.IsFaulted) await ready; // it ended by itself
            if (!ready.IsCompleted) duringRecovery++;
            await dead.CancelAsync();
            await ready.ContinueWith(_ => { }, TaskScheduler.Default);
            Kill(killed);
        }
    }

    private void Kill(Action<int> killed)
    {
        server.Kill();
        killed(++kills);
    }

    // Nothing in a client's hand and nothing on its way between grains: from here on every figure is exact.
    private async Task<bool> Quiet(Crowd crowd)
    {
        for (var since = Stopwatch.StartNew(); !crowd.IsQuiet; await Task.Delay(10, stop.Token))
        {
            if (since.Elapsed < QuietMax) continue;
            findings.Add(Wrong.Other, $"Requests are without an answer {QuietMax.TotalSeconds} s after a restart.");
            return false;
        }

        await Advance(TimeSpan.Zero);
        return true;
    }

    private DateTimeOffset Now() => DateTimeOffset.UtcNow.AddTicks(Interlocked.Read(ref clockAheadTicks));

    private async Task ReadClock() => Note(await client.Get("/sandbox/clock"));

    private async Task Advance(TimeSpan by) => Note(await client.Post("/sandbox/clock", new { advanceSeconds = (long)by.TotalSeconds }));

    private void Note(Reply clock)
    {
        var now = clock.Body.GetProperty("now").GetDateTimeOffset();
        if (now < Now() - TimeSpan.FromSeconds(2)) findings.Add(Wrong.Lost, $"The clock went back from {Now():O} to {now:O}.");
        Interlocked.Exchange(ref clockAheadTicks, (now - DateTimeOffset.UtcNow).Ticks);
    }

    // Sent once: whether it takes effect before the process dies is left to the race.
    private async Task MoveOnce(TimeSpan by)
    {
        try
        {
            using var body = System.Net.Http.Json.JsonContent.Create(new { advanceSeconds = (long)by.TotalSeconds });
            using var answer = await http.PostAsync(new Uri(server.Address, "/sandbox/clock"), body, stop.Token);
        }
        catch (HttpRequestException)
        {
            // It died first.
        }
    }

    private void MoveWhileDown(TimeSpan by)
    {
        var file = Path.Combine(data, "clock-offset-seconds");
        var before = File.Exists(file) ? long.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture) : 0;
        File.WriteAllText(file, (before + (long)by.TotalSeconds).ToString(CultureInfo.InvariantCulture));
    }

    private TimeSpan Some(TimeSpan max) => TimeSpan.FromMilliseconds(chance.Next(20, (int)max.TotalMilliseconds));
}
